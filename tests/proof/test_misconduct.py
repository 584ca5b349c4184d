"""A proof counts certificates as the ledgers do: without whom they had left out for misconduct. By both verifiers."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg
import pytest

from interlock.activities.attributes import answered
from interlock.audit.exporting import Exporter
from interlock.audit.install import ROOM
from interlock.audit.journals import Journal
from interlock.audit.spans import StoredSpan
from interlock.ledgers.queries import query
from interlock.proof.check import check
from interlock.proof.format import Proof, written
from interlock.proof.report import State
from interlock.protocol import Attestors, Fact, LocalSigner, Misconduct, Readmit, Receipt, RegisterAttestors, Terms
from interlock.protocol.reports import root_span_id_of, trace_id_of
from tests.conftest import AuditServer, PostgresWorld
from tests.proof.conftest import KEEPERS, Meanwhile
from tests.proof.independent.verifier import Verifier
from tests.world import ATTEMPT, ATTESTORS, COORDINATOR, NETWORK, World, key, receipt

Json = Any
A, B, C, D = ATTESTORS
LIAR = key("liar")


async def accuse(world: World, who: LocalSigner) -> tuple[Receipt, ...]:
    """Have both ledgers judge who signed both verdicts on some terms."""
    misconduct = world.misconduct(world.terms(), who)
    return tuple([receipt(await each.accuse(misconduct, ATTEMPT)) for each in (world.asset, world.payment)])


async def order(world: World, kind: Any, **fields: Any) -> None:
    """Two operators order it of both ledgers."""
    for ledger in (world.asset, world.payment):
        receipt(await world.order(ledger, kind, **fields))


async def settle(
    world: World, *by: LocalSigner, attestors: Attestors = COORDINATOR, terms: Terms | None = None
) -> Terms:
    """Settle a trade on certificates that these signed."""
    terms = terms or world.terms(coordinator=attestors.identity)
    signed: dict[str, Any] = {"by": by, "attestors": attestors}
    locked = receipt(await world.asset.lock(world.signed(terms), ATTEMPT))
    lock = world.certificate(Fact.LOCKED, terms, locked, **signed)
    paid = receipt(await world.payment.pay(world.signed(terms), lock, ATTEMPT))
    receipt(await world.asset.release(terms, world.certificate(Fact.PAID, terms, paid, **signed), ATTEMPT))
    return terms


async def exported(journals: Mapping[str, Journal], terms: Terms) -> Json:
    """The proof of a trade that ended, as anybody may change it: no seal covers it yet."""
    proof = await Exporter(journals, NETWORK, KEEPERS).export(terms.hash(NETWORK))
    return json.loads(written(proof))


def judged(proof: Json) -> tuple[State, str]:
    """What comes of the claim `authority`: the other verifier, which must say the same, gives its verdict too."""
    data = written(Proof.model_validate_json(json.dumps(proof)))
    claim, other = check(data, None).claim("authority"), Verifier(data, None)
    assert (claim.state is State.UNTRUE) == (other.verdict == "rejected"), (claim, other.claim, other.reason)
    assert other.verdict != "rejected" or other.claim == "authority", other.reason
    return claim.state, claim.why


def without(proof: Json, operation: str) -> int:
    """Leave out all foundations of an operation; how many there were."""
    kept = [each for each in proof["foundations"] if each["record"]["operation"] != operation]
    gone = len(proof["foundations"]) - len(kept)
    proof["foundations"] = kept
    return gone


def certificate(proof: Json, operation: str) -> Json:
    """The certificate of an entry."""
    (entry,) = (each for each in proof["entries"] if each["record"]["operation"] == operation)
    return entry["record"]["authority"]["certificate"]


def accusation(proof: Json) -> Json:
    """The first entry that accuses."""
    return next(each["record"] for each in proof["foundations"] if each["record"]["operation"] == "accuse")


@pytest.mark.parametrize("operation", ["pay", "release"])
async def test_a_superfluous_signature_of_who_was_left_out_spoils_nothing_and_a_needed_one_does_not_count(
    postgres_world: PostgresWorld, journals: dict[str, Meanwhile], operation: str
) -> None:
    await accuse(postgres_world, D)
    proof = await exported(journals, await settle(postgres_world, A, B, C, D))
    assert judged(proof) == (State.PROVEN, "")
    certificate(proof, operation)["signatures"].pop(0)
    state, why = judged(proof)
    assert state is State.UNTRUE
    assert f"without {D.address}, left out for misconduct, its certificate had no quorum" in why


async def test_no_file_shows_an_accusation_that_somebody_took_from_it(
    postgres_world: PostgresWorld, journals: dict[str, Meanwhile]
) -> None:
    await accuse(postgres_world, D)
    proof = await exported(journals, await settle(postgres_world, A, B, C, D))
    certificate(proof, "release")["signatures"].pop(0)
    assert judged(proof)[0] is State.UNTRUE
    assert without(proof, "accuse") == 2
    assert judged(proof) == (State.PROVEN, ""), "docs/proof-format.md says so, under whole"


async def test_who_is_left_out_afterwards_or_signed_nothing_here_is_not_in_the_file(
    postgres_world: PostgresWorld, journals: dict[str, Meanwhile]
) -> None:
    await accuse(postgres_world, D)
    terms = await settle(postgres_world, A, B, C)
    await accuse(postgres_world, C)
    proof = await exported(journals, terms)
    assert without(proof, "accuse") == 0
    assert judged(proof) == (State.PROVEN, "")


async def test_who_was_readmitted_counts_again_and_only_by_the_order_that_says_so(
    postgres_world: PostgresWorld, journals: dict[str, Meanwhile]
) -> None:
    await accuse(postgres_world, D)
    await order(postgres_world, Readmit, attestor=D.address)
    proof = await exported(journals, await settle(postgres_world, A, B, D))
    assert judged(proof) == (State.PROVEN, "")
    forged = json.loads(json.dumps(proof))
    for each in forged["foundations"]:
        if each["record"]["operation"] == "readmit":
            each["record"]["authority"]["signatures"].pop()
    assert "has 1 operators' signatures" in judged(forged)[1]
    assert without(proof, "readmit") == 2
    assert "left out for misconduct" in judged(proof)[1]


async def test_who_was_left_out_in_a_set_that_the_terms_do_not_name_is_left_out_here_too(
    postgres_world: PostgresWorld, journals: dict[str, Meanwhile]
) -> None:
    world = postgres_world
    await order(world, RegisterAttestors, name="other", epoch=1, attestors=(LIAR.address,), quorum=1)
    await accuse(world, LIAR)
    second = Attestors.of("quorum", 2, tuple(each.address for each in (A, B, C, LIAR)))
    await order(world, RegisterAttestors, name="quorum", epoch=2, attestors=second.keys, quorum=3, succeeds=1)
    proof = await exported(journals, await settle(world, A, B, C, LIAR, attestors=second))
    assert judged(proof) == (State.PROVEN, "")
    certificate(proof, "pay")["signatures"].pop(0)
    assert f"without {LIAR.address}, left out for misconduct" in judged(proof)[1]


async def test_a_settlement_that_accused_has_the_accusations_that_its_spans_tell_of_in_its_proof(
    postgres_world: PostgresWorld, journals: dict[str, Meanwhile], audit_server: AuditServer
) -> None:
    """Who contradicts itself may have signed none of the certificates, and be judged after a ledger's last entry."""
    terms = await settle(postgres_world, A, B, C)
    given = await accuse(postgres_world, D)
    assert without(await exported(journals, terms), "accuse") == 0
    await told(audit_server, terms, given)
    proof = await exported(journals, terms)
    assert judged(proof) == (State.PROVEN, "")
    assert agrees(proof)
    assert without(proof, "accuse") == 2
    assert not agrees(proof), "a span betrays what somebody took from the file"


def agrees(proof: Json) -> bool:
    """Whether the spans agree with the entries, as both verifiers have it."""
    data = written(Proof.model_validate_json(json.dumps(proof)))
    trail, other = check(data, None).claim("trail").state, Verifier(data, None)
    assert (trail is State.UNTRUE) == (other.claim == "trail" and other.verdict == "rejected"), other.reason
    return trail is not State.UNTRUE


async def told(audit: AuditServer, terms: Terms, receipts: tuple[Receipt, ...]) -> None:
    """Keep the spans of the steps that got these receipts, in the terms' trace."""
    terms_hash = terms.hash(NETWORK)
    spans = [
        StoredSpan(
            trace_id=trace_id_of(terms_hash), span_id=f"{number:016x}", parent_span_id=root_span_id_of(terms_hash),
            name="accuse", kind="INTERNAL", start_ns=number, end_ns=number + 1, status="UNSET", status_text="",
            attributes={"interlock.terms.hash": terms_hash, **answered(each)}, events=(), links=(), resource={},
            scope="tests",
        )
        for number, each in enumerate(receipts, 1)
    ]  # fmt: skip
    writer = await asyncpg.connect(audit.dsn("writer"))
    columns = zip(*(span.row for span in spans), strict=True)
    await writer.execute(query("write_spans", ROOM), *(list(column) for column in columns))
    await writer.close()


def _of_two_keys(record: Json, world: World) -> None:
    other = world.misconduct(world.terms(), A).second
    record["authority"]["second"] = json.loads(other.model_dump_json())


def _of_equal_words(record: Json, _: World) -> None:
    record["authority"]["second"] = record["authority"]["first"]


def _of_two_terms(record: Json, world: World) -> None:
    other = world.misconduct(world.terms(), D).second
    record["authority"]["second"] = json.loads(other.model_dump_json())


def _unsigned(record: Json, _: World) -> None:
    record["authority"]["first"]["statement"]["position"] += 1


def _of_another_network(record: Json, _: World) -> None:
    record["authority"]["network"] = "0x" + "12" * 32


FALSE = (
    (_of_two_keys, "one statement is signed by"),
    (_of_equal_words, "do not contradict each other"),
    (_of_two_terms, "do not contradict each other"),
    (_unsigned, "signature"),
    (_of_another_network, "it is about network"),
)


@pytest.mark.parametrize(("change", "reason"), FALSE, ids=[each.__name__[1:] for each, _ in FALSE])
async def test_an_accusation_is_believed_on_its_own_signatures_only(
    postgres_world: PostgresWorld, journals: dict[str, Meanwhile], change: Callable[[Json, World], None], reason: str
) -> None:
    await accuse(postgres_world, D)
    proof = await exported(journals, await settle(postgres_world, A, B, C, D))
    record = accusation(proof)
    change(record, postgres_world)
    changed = Misconduct.model_validate_json(json.dumps(record["authority"]))
    if changed.digest != record["order_digest"]:
        assert "the misconduct has another digest" in judged(proof)[1]
    record["order_digest"] = changed.digest
    state, why = judged(proof)
    assert state is State.UNTRUE
    assert reason in why
