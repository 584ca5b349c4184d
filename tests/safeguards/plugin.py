"""A pytest plugin for checks that are expected to be red: they end at their first finding, and by no limit of pytest's.

Hypothesis does not shrink what it found: nobody reads it here. A busy machine's slowness is no finding.
"""

import pytest
from hypothesis import Phase, settings

settings.register_profile("unshrunk", phases=[Phase.generate], report_multiple_bugs=False)
settings.load_profile("unshrunk")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take every test's own time limit away; the check has one."""
    for item in items:
        item.add_marker(pytest.mark.timeout(0), append=False)
