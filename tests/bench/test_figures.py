"""The bench's own arithmetic, and what it says of parts that were not measured."""

from pathlib import Path

import pytest

from bench.figures import Figure, percentile
from bench.measured import Measured
from bench.plots import Bar, chart
from bench.report import write
from bench.results import Results
from bench.sizes import Sizes
from bench.targets import Target, targets


def test_a_percentile_is_the_smallest_value_that_so_many_percent_do_not_exceed() -> None:
    values = [4.0, 1.0, 3.0, 2.0]
    assert [percentile(values, percent) for percent in (1, 25, 50, 51, 99, 100)] == [1, 1, 2, 3, 4, 4]


def test_a_figure_is_a_median_and_its_spread() -> None:
    assert Figure.of([3.0, 1.0, 2.0]) == Figure(2.0, 1.0, 3.0)
    assert Figure.of([3.0, 1.0, 2.0]).text(1) == "2.0 (1.0 to 3.0)"
    assert Figure.of([0.002]).text(0, 1e3) == "2"


def test_ratios_are_taken_within_each_repeat() -> None:
    rates = {"floor": (10, 20, 40), "together": (20, 20, 20)}
    samples = [
        {"contestant": who, "at_once": 50, "repeat": repeat, "rate": rate}
        for who, each in rates.items()
        for repeat, rate in enumerate(each, 1)
    ]
    measured = Measured({"engine": {"samples": samples}})
    ratio = measured.ratio("engine", "rate", {"contestant": "floor"}, contestant="together", at_once=50)
    assert ratio == Figure(1.0, 0.5, 2.0)


@pytest.mark.parametrize(
    ("at_least", "median", "reached"),
    [(True, 1.2, "yes"), (True, 1.19, "**no**"), (False, 1.2, "yes"), (False, 1.21, "**no**")],
)
def test_a_target_is_judged_by_the_median(at_least: bool, median: float, reached: str) -> None:
    target = Target("it", 1.2, Figure(median, 0.1, 9.0), at_least=at_least)
    assert target.row[-1] == reached


def test_what_was_not_measured_is_said_to_be_so_and_not_to_be_reached(tmp_path: Path) -> None:
    nothing = Measured({})
    assert {target.row[1:] for target in targets(nothing) if target.row[1] != "not measured" or target.row[3]} == set()
    write(nothing, tmp_path)
    assert "Not measured." in (tmp_path / "benchmarks.md").read_text()


def test_a_part_goes_on_where_it_stopped_and_begins_anew_with_other_sizes(tmp_path: Path) -> None:
    Results("part", Sizes(), tmp_path).add([{"repeat": 1}])
    assert Results("part", Sizes(), tmp_path).has(repeat=1)
    assert not Results("part", Sizes(), tmp_path, fresh=True).has(repeat=1)
    assert not Results("part", Sizes(settlements=7), tmp_path).has(repeat=1)


def test_sizes_come_from_the_environment_and_are_above_nought() -> None:
    assert Sizes.told({"BENCH_STILL_SECONDS": "7", "BENCH_OPEN": ""}) == Sizes(still_seconds=7)
    with pytest.raises(ValueError, match="BENCH_OPEN"):
        Sizes.told({"BENCH_OPEN": "0"})


def test_bars_share_one_scale_from_nought() -> None:
    picture = chart("a & b", [Bar("one", [("x", 1.0), ("y", 1.0)], "2"), Bar("two", [("x", 4.0)], "4", (3.0, 5.0))])
    assert "a &amp; b" in picture
    assert [line.split('width="')[1].split('"')[0] for line in picture.splitlines() if 'height="18"' in line] == [
        "92.0", "92.0", "368.0",
    ]  # fmt: skip
