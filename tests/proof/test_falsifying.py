"""Every named way to falsify a real proof is found, by the claim and with the reason that are its own; and so is every
bit that is flipped. By Interlock's checker, and by one that was written from the document alone.
"""

import json
import random
import re
from functools import cache

import pytest

from interlock.proof.check import check
from interlock.proof.report import State, Verdict
from tests.proof import ways_of_bytes, ways_of_keepers, ways_of_parts
from tests.proof.drafts import REAL, SCENARIOS, TRUST, Draft, real
from tests.proof.independent.verifier import Verifier
from tests.proof.trading import OUTCOMES
from tests.proof.ways import WAYS, Way

FLIPS_FOR_THE_OTHER = 120
assert ways_of_bytes and ways_of_keepers and ways_of_parts  # noqa: PT018 - they register themselves


@cache
def known() -> dict[str, object]:
    found: dict[str, object] = json.loads((REAL / "trust.json").read_text())
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_real_proof_is_proven(scenario: str) -> None:
    report = check(real(scenario), TRUST)
    assert (report.verdict, report.outcome, report.reason) == (Verdict.PROVEN, OUTCOMES[scenario], "")
    assert {each.name for each in report.claims if each.state is not State.PROVEN} <= {"witnesses", "whole"}
    other = Verifier(real(scenario), known())
    assert (other.verdict, other.reason) == ("proven", "")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_sealed_again_and_changed_in_nothing_it_is_proven_still(scenario: str) -> None:
    """So whatever is found of what keepers change is found for the change."""
    draft = Draft(scenario)
    draft.sealed_again()
    assert check(draft.data, TRUST).verdict is Verdict.PROVEN
    assert Verifier(draft.data, known()).verdict == "proven"


@pytest.mark.parametrize("falsified", WAYS, ids=lambda each: each.name)
def test_a_falsified_proof_is_rejected_for_its_own_reason(falsified: Way) -> None:
    report = check(falsified.data, TRUST)
    assert report.verdict is not Verdict.PROVEN
    found = State.UNTRUE if report.verdict is Verdict.REJECTED else State.NOT_PROVEN
    claim = next(each for each in report.claims if each.essential and each.state is found)
    assert (claim.name, claim.why) == (falsified.claim, report.reason)
    assert re.search(falsified.reason, report.reason), report.reason


@pytest.mark.parametrize("falsified", WAYS, ids=lambda each: each.name)
def test_a_verifier_written_from_the_document_rejects_it_too(falsified: Way) -> None:
    other = Verifier(falsified.data, known())
    assert (other.verdict != "proven", other.claim) == (True, falsified.claim), other.reason


def test_there_are_many_ways() -> None:
    assert len({each.name for each in WAYS}) == len(WAYS) >= 30


@pytest.mark.parametrize("flips", [1500, pytest.param(6000, marks=pytest.mark.long)])
def test_every_bit_that_is_flipped_is_found(flips: int) -> None:
    proven = [flipped for flipped in _flips(flips) if check(flipped, TRUST).verdict is not Verdict.REJECTED]
    assert proven == []


def test_a_verifier_written_from_the_document_finds_flipped_bits_too() -> None:
    assert {Verifier(flipped, known()).verdict for flipped in _flips(FLIPS_FOR_THE_OTHER)} == {"rejected"}


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"null\n", b"{}\n", b"[]\n", b"\xff\xfe\n", b'{"version":1}\n', b"[" * 100_000]
)
def test_what_is_no_proof_is_rejected_and_breaks_nothing(data: bytes) -> None:
    for report in (check(data, TRUST), check(data, None)):
        assert (report.verdict, report.claims[0].state, report.claim("keys").state) == (
            Verdict.REJECTED,
            State.UNTRUE,
            State.NOT_PROVEN,
        )


def test_without_keys_a_true_proof_proves_nothing_and_says_why() -> None:
    report = check(real("settled"), None)
    assert report.verdict is Verdict.INCOMPLETE
    assert "anybody can make" in report.reason
    draft = Draft("settled")
    ways_of_bytes.sealed_by_a_keeper_of_ones_own(draft)
    assert check(draft.data, None).verdict is not Verdict.PROVEN


def _flips(count: int) -> list[bytes]:
    """So many real proofs with one bit flipped, anywhere: the same in every run."""
    rng = random.Random("portable proofs")
    found = []
    for _ in range(count):
        data = bytearray(real(rng.choice(SCENARIOS)))
        place = rng.randrange(8 * len(data))
        data[place // 8] ^= 1 << place % 8
        found.append(bytes(data))
    return found
