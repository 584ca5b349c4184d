"""The demo's scenarios are those of the project's table, no more and no fewer, and end as it says."""

from interlock.demo.catalogue import SCENARIOS, chosen

SETTLED, EXPIRED = "SETTLED, PAID, released", "EXPIRED, VOIDED, refunded"
TABLE = {
    "story": SETTLED,
    "two-sided": SETTLED,
    "terms-differ": SETTLED,
    "cash-arrives-late": SETTLED,
    "units-never-arrive": EXPIRED,
    "cash-never-arrives": EXPIRED,
    "never-matched": "EXPIRED, null, null",
    "withdrawn": "CANCELLED, null, null",
    "cancelled-by-both": "CANCELLED, VOIDED, refunded",
    "one-side-cancels": SETTLED,
    "not-admitted": "REJECTED, null, null",
    "attestor-down": SETTLED,
    "attestor-lies": SETTLED,
    "no-quorum": EXPIRED,
    "worker-killed": SETTLED,
    "answer-lost": SETTLED,
    "expelled-after-payment": SETTLED,
    "squatter": SETTLED,
    "terminated": SETTLED,
    "forged-release": SETTLED,
}


def test_the_scenarios_are_those_of_the_table_in_its_order() -> None:
    assert [(scenario.name, str(scenario.ending)) for scenario in SCENARIOS] == list(TABLE.items())


def test_only_some_are_played_in_the_tables_order() -> None:
    assert [scenario.name for scenario in chosen(("withdrawn", "story"))] == ["story", "withdrawn"]
    assert chosen(()) == SCENARIOS
