"""What proves an attestor's misconduct, and what does not: only what nobody honest ever signs, by one key, here."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from interlock.protocol import (
    Attestors,
    Fact,
    LocalSigner,
    Misconduct,
    MisconductUnproven,
    Signature,
    SignedStatement,
    Statement,
)
from tests.protocol.messages import KEYS, NETWORK, OTHER_NETWORK, terms

LIAR, OTHER = KEYS[0], KEYS[1]
SET = Attestors.of("main", 1, tuple(key.address for key in KEYS[:4]))
SUCCESSOR = Attestors.of("main", 2, tuple(key.address for key in KEYS[:4]))
TERMS, OTHERS = terms().hash(NETWORK), "0x" + "0d" * 32


def said(fact: Fact, *, by: LocalSigner = LIAR, network: str = NETWORK, **changes: Any) -> SignedStatement:
    """A statement signed by the liar, as changed before it was signed."""
    fields = {
        "fact": fact,
        "coordinator": SET.identity,
        "terms_hash": TERMS,
        "ledger": "asset" if fact is Fact.LOCKED else "payment",
        "reference": "entry-7",
        "position": 7,
        **changes,
    }
    statement = Statement.model_validate(fields)
    return SignedStatement(statement=statement, signature=by.sign(statement, network))


PROVEN = {
    "both verdicts": (said(Fact.PAID), said(Fact.VOIDED, reference="entry-8", position=8)),
    "both verdicts of one entry": (said(Fact.PAID), said(Fact.VOIDED)),
    "both verdicts, of two ledgers": (said(Fact.PAID), said(Fact.VOIDED, ledger="other")),
    "both verdicts, of a set and its successor": (said(Fact.PAID), said(Fact.VOIDED, coordinator=SUCCESSOR.identity)),
    "one verdict at two positions": (said(Fact.PAID), said(Fact.PAID, position=8)),
    "one verdict of two entries": (said(Fact.VOIDED), said(Fact.VOIDED, reference="entry-8")),
    "one verdict of two ledgers": (said(Fact.PAID), said(Fact.PAID, ledger="other")),
    "one lock at two positions": (said(Fact.LOCKED), said(Fact.LOCKED, position=8)),
    "one lock at two positions, of a set and its successor": (
        said(Fact.LOCKED),
        said(Fact.LOCKED, position=8, coordinator=SUCCESSOR.identity),
    ),
}

HONEST = {
    "the same twice": (said(Fact.PAID), said(Fact.PAID)),
    "locked, and voided later": (said(Fact.LOCKED), said(Fact.VOIDED)),
    "locked, and paid later": (said(Fact.LOCKED), said(Fact.PAID)),
    "of other terms": (said(Fact.PAID), said(Fact.VOIDED, terms_hash=OTHERS)),
    "of other terms, at another position": (said(Fact.PAID), said(Fact.PAID, terms_hash=OTHERS, position=8)),
    "equal words of a set and its successor": (said(Fact.PAID), said(Fact.PAID, coordinator=SUCCESSOR.identity)),
}


@pytest.mark.parametrize("pair", PROVEN.values(), ids=PROVEN)
def test_two_statements_that_nobody_honest_signs_are_a_proof(pair: tuple[SignedStatement, SignedStatement]) -> None:
    misconduct = Misconduct.of(NETWORK, *pair)
    misconduct.verify(NETWORK)
    assert misconduct.attestor == LIAR.address
    assert misconduct.terms_hash == TERMS


@pytest.mark.parametrize("pair", HONEST.values(), ids=HONEST)
def test_what_an_honest_attestor_may_sign_proves_nothing(pair: tuple[SignedStatement, SignedStatement]) -> None:
    with pytest.raises(MisconductUnproven, match="do not contradict"):
        Misconduct.of(NETWORK, *pair).verify(NETWORK)


@pytest.mark.parametrize("pair", PROVEN.values(), ids=PROVEN)
def test_in_whatever_order_the_two_are_found_it_is_one_misconduct(
    pair: tuple[SignedStatement, SignedStatement],
) -> None:
    one, other = Misconduct.of(NETWORK, *pair), Misconduct.of(NETWORK, *reversed(pair))
    assert one == other
    swapped = Misconduct(network=NETWORK, first=one.second, second=one.first)
    swapped.verify(NETWORK)
    assert swapped.digest == one.digest


def test_each_contradiction_of_each_attestor_has_a_digest_of_its_own() -> None:
    found = [Misconduct.of(NETWORK, *pair) for pair in PROVEN.values()]
    found += [Misconduct.of(NETWORK, said(Fact.PAID, by=OTHER), said(Fact.VOIDED, by=OTHER))]
    found += [Misconduct.of(OTHER_NETWORK, said(Fact.PAID), said(Fact.VOIDED))]
    assert len({each.digest for each in found}) == len(found)


def test_another_signature_on_the_same_words_is_no_other_misconduct() -> None:
    misconduct = Misconduct.of(NETWORK, *PROVEN["both verdicts"])
    signature = Signature(signer=LIAR.address, bytes="0x" + "11" * 65)
    again = SignedStatement(statement=misconduct.second.statement, signature=signature)
    assert misconduct.model_copy(update={"second": again}).digest == misconduct.digest


def test_statements_of_two_attestors_prove_nothing_of_either() -> None:
    with pytest.raises(MisconductUnproven, match="one statement is signed by"):
        Misconduct.of(NETWORK, said(Fact.PAID), said(Fact.VOIDED, by=OTHER)).verify(NETWORK)


def test_hazard_24_what_was_signed_for_another_network_proves_nothing_here() -> None:
    pair = [said(fact, network=OTHER_NETWORK) for fact in (Fact.PAID, Fact.VOIDED)]
    Misconduct.of(OTHER_NETWORK, pair[0], pair[1]).verify(OTHER_NETWORK)
    with pytest.raises(MisconductUnproven, match="about network"):
        Misconduct.of(OTHER_NETWORK, pair[0], pair[1]).verify(NETWORK)
    with pytest.raises(MisconductUnproven, match="not a signature"):
        Misconduct.of(NETWORK, pair[0], pair[1]).verify(NETWORK)


FORGED = {
    "fact": "LOCKED",
    "terms_hash": OTHERS,
    "ledger": "elsewhere",
    "reference": "entry-9",
    "position": 9,
    "coordinator": SUCCESSOR.identity.model_dump(mode="json"),
}


@pytest.mark.parametrize("which", ["first", "second"])
@pytest.mark.parametrize("field", Statement.model_fields)
def test_each_field_of_a_statement_forged_is_refused(which: str, field: str) -> None:
    proof = json.loads(Misconduct.of(NETWORK, *PROVEN["both verdicts"]).model_dump_json())
    proof[which]["statement"][field] = FORGED[field]
    with pytest.raises(MisconductUnproven):
        Misconduct.model_validate_json(json.dumps(proof)).verify(NETWORK)


@pytest.mark.parametrize("which", ["first", "second"])
def test_a_signature_in_the_attestors_name_is_refused(which: str) -> None:
    misconduct = Misconduct.of(NETWORK, *PROVEN["both verdicts"])
    signed: SignedStatement = getattr(misconduct, which)
    borrowed = Signature(signer=LIAR.address, bytes=OTHER.sign(signed.statement, NETWORK).bytes)
    forged = misconduct.model_copy(update={which: signed.model_copy(update={"signature": borrowed})})
    with pytest.raises(MisconductUnproven, match="not a signature"):
        forged.verify(NETWORK)


def test_the_claimed_attestor_must_have_signed_both() -> None:
    proof = json.loads(Misconduct.of(NETWORK, *PROVEN["both verdicts"]).model_dump_json())
    for which in ("first", "second"):
        proof[which]["signature"]["signer"] = OTHER.address
    with pytest.raises(MisconductUnproven, match="not a signature"):
        Misconduct.model_validate_json(json.dumps(proof)).verify(NETWORK)


def test_a_proof_travels_as_json_and_needs_nothing_beside() -> None:
    made = Misconduct.of(NETWORK, *PROVEN["both verdicts"])
    text = made.model_dump_json()
    assert set(json.loads(text)) == {"network", "first", "second"}
    back = Misconduct.model_validate_json(text)
    back.verify(back.network)
    assert back == made
    with pytest.raises(ValidationError):
        Misconduct.model_validate_json(json.dumps(json.loads(text) | {"more": 1}))
