"""An upgrade under load, by the commands of docs/operations.md, in small; `make upgrade` does it in full."""

from pathlib import Path

import pytest

from tests.upgrade.judging import by_builds, disturbed
from tests.upgrade.upgrade import NEW, OLD, Sizes, Upgraded, upgrade

SMALL = Sizes(per_second=3.0, at_once=6, waiting=10, settled_a_step=6)


def assert_upgraded(done: Upgraded, waiting: int) -> None:
    """Nothing failed, nothing restarted, and every settlement was carried on by one build, to its end."""
    assert [name for name, outcome in done.outcomes.items() if outcome != "SETTLED"] == []
    assert len(done.outcomes) == len(done.flowed) + waiting
    assert disturbed([*done.flowed, *done.waited]) == []
    assert dict(by_builds(done.waited)) == {(OLD,): waiting}
    assert set(by_builds(done.flowed)) == {(OLD,), (NEW,)}
    assert set(by_builds(done.at_the_end)) == {(NEW,)}
    assert set(by_builds(done.after_rollback)) == {(OLD,)}


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_an_incompatible_build_is_brought_in_rolled_back_and_brought_in_again_under_load(tmp_path: Path) -> None:
    assert_upgraded(await upgrade(tmp_path / "stack", SMALL), SMALL.waiting)
