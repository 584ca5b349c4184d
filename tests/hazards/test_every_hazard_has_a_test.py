"""Every hazard has a test that names its number, and the page that says so says what is there."""

from pathlib import Path

import pytest

from tests.hazards.found import HAZARDS, PAGE, Found, named_tests, rows, with_tests


@pytest.mark.parametrize("number", HAZARDS)
def test_a_test_names_this_hazard(number: int) -> None:
    assert named_tests().get(number), f"no test is named test_hazard_{number:02d}_..."


def test_no_test_names_a_hazard_that_there_is_not() -> None:
    assert set(named_tests()) == set(HAZARDS)


def test_the_page_has_a_row_for_each_hazard_with_what_goes_wrong_and_our_answer() -> None:
    written = rows(PAGE.read_text())
    assert list(written) == list(HAZARDS)
    assert [number for number, cells in written.items() if len(cells) != 2 or not all(cells)] == []


def test_the_page_lists_the_tests_that_there_are() -> None:
    page = PAGE.read_text()
    assert page == with_tests(page, named_tests()), "run: python -m tests.hazards"


def test_a_test_may_name_several_hazards_and_helpers_and_docstrings_name_none(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(
        '"""Hazard 5."""\n\n'
        "async def test_hazard_03_04_this_holds() -> None: ...\n"
        "def hazard_07_maker() -> None: ...\n"
        "class TestThese:\n    def test_hazard_21_that_too(self) -> None: ...\n"
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tests.hazards.found.TESTS", tmp_path / "tests")
        found = named_tests(tmp_path)
    both = [Found("test_some.py", "this holds")]
    assert found == {3: both, 4: both, 21: [Found("test_some.py", "that too")]}
