"""Each invariant, broken on purpose by somebody whom no rule stops, is named by `verify`, alone and with processes."""

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass, fields

import asyncpg
import pytest

from interlock.ledgers.processes import Hands, ProcessLost, pool
from interlock.ledgers.reader import PostgresReader
from interlock.ledgers.verify import INVARIANTS, InvariantResult, rows_to_verify, verify
from interlock.protocol import Fact, Readmit
from tests.conftest import PostgresWorld
from tests.world import ATTEMPT, ATTESTORS, BUYER, NETWORK, SELLER, receipt


@dataclass
class Watched(PostgresWorld):
    """A world with processes that verify what happened in it."""

    hands: Hands


@pytest.fixture(scope="module")
def hands() -> Iterator[Hands]:
    """Two processes for all tests: to start them takes longer than a test."""
    with pool(2) as found:
        yield found


@pytest.fixture
async def history(postgres_world: PostgresWorld, hands: Hands) -> Watched:
    """Two ledgers with every kind of row: settled, voided, locked, a tombstone, redirected, ordered, accused."""
    parts = {part.name: getattr(postgres_world, part.name) for part in fields(postgres_world)}
    world = Watched(**parts, hands=hands)
    world._number = postgres_world._number
    await world.settled(world.terms(settlement_id="SETTLED"))
    voided = world.terms(settlement_id="VOIDED")
    await world.locked(voided)
    receipt(await world.asset.refund(voided, await world.voided(voided), ATTEMPT))
    await world.locked(world.terms(settlement_id="LOCKED"))
    tombstone = world.terms(settlement_id="TOMBSTONE")
    receipt(await world.asset.refund(tombstone, await world.voided(tombstone), ATTEMPT))
    ordered = world.terms(settlement_id="ORDERED")
    receipt(await world.payment.void(world.signed(ordered), world.by_operators(ordered), ATTEMPT))
    receipt(await world.payment.resume(world.operators_order(ordered, "resume"), ATTEMPT))
    await world.open(world.asset, "northbank-2", BUYER)
    redirected = world.terms(settlement_id="REDIRECTED")
    certificate = await world.paid(redirected)
    await world.act(world.asset, "expel", "northbank")
    word = world.redirection(redirected, "northbank-2")
    receipt(await world.asset.release(redirected, certificate, ATTEMPT, word))
    await world.act(world.asset, "freeze", "alpine")
    misconduct = world.misconduct(redirected)
    for ledger in (world.asset, world.payment):
        receipt(await ledger.accuse(misconduct, ATTEMPT))
    receipt(await world.order(world.payment, Readmit, attestor=misconduct.attestor))
    return world


async def broken(world: Watched, ledger: str, *statements: str) -> dict[str, InvariantResult]:
    """Say the statements on that ledger with all rules out of force, and verify both, as an auditor."""
    if any(statement.split()[0] in {"ALTER", "DROP", "GRANT"} for statement in statements):
        world.servers.spoiled.add(world.database(ledger))
    connection = await asyncpg.connect(world.servers.superuser_dsn(world.database(ledger)))
    try:
        await connection.execute("SET session_replication_role = replica")
        for statement in statements:
            assert await connection.execute(statement) not in {"UPDATE 0", "DELETE 0", "INSERT 0 0"}
    finally:
        await connection.close()
    return await verified(world)


async def verified(world: Watched) -> dict[str, InvariantResult]:
    """What an auditor, who can write nothing, finds: the same with the work spread over processes as without."""
    async with (
        await PostgresReader.connect(world.servers.dsn(world.asset_database, "auditor")) as asset,
        await PostgresReader.connect(world.servers.dsn(world.payment_database, "auditor")) as payment,
    ):
        results = await verify(asset, payment, hands=world.hands)
        assert results == await verify(asset, payment)
    return results


def named(results: dict[str, InvariantResult]) -> set[str]:
    """The invariants that do not hold."""
    return {name for name, result in results.items() if not result.ok}


async def test_an_honest_history_holds_all_invariants(history: Watched) -> None:
    seen: list[int] = []
    results = await verify(history.asset, history.payment, advance=seen.append)
    assert results == await verified(history)
    assert sum(seen) == await rows_to_verify(history.asset, history.payment)
    assert {name: result.violations for name, result in results.items() if result.violations} == {}
    assert tuple(results) == INVARIANTS
    assert all(result.checked > 0 for result in results.values())


async def test_atomicity_a_release_of_what_was_voided(history: Watched) -> None:
    results = await broken(
        history, "asset", "UPDATE ledger.locks SET state = 'released' WHERE settlement_id = 'VOIDED'"
    )
    assert "atomicity" in named(results)
    assert any("is released, and its verdict is VOIDED" in text for text in results["atomicity"].violations)


async def test_atomicity_a_refund_of_what_was_paid(history: Watched) -> None:
    results = await broken(
        history, "asset", "UPDATE ledger.locks SET state = 'refunded' WHERE settlement_id = 'SETTLED'"
    )
    assert any("is refunded, and its verdict is PAID" in text for text in results["atomicity"].violations)


async def test_atomicity_an_end_with_no_verdict(history: Watched) -> None:
    results = await broken(history, "payment", "DELETE FROM ledger.verdicts WHERE settlement_id = 'SETTLED'")
    assert any("is released, and its verdict is None" in text for text in results["atomicity"].violations)


async def test_atomicity_a_payment_of_nothing_locked(history: Watched) -> None:
    results = await broken(history, "asset", "DELETE FROM ledger.locks WHERE settlement_id = 'SETTLED'")
    assert any("is PAID, and its lock is missing" in text for text in results["atomicity"].violations)


@pytest.mark.parametrize(
    ("statement", "violation"),
    [
        ("UPDATE ledger.balances SET balance = balance + 1 WHERE balance > 0", "its postings make"),
        ("UPDATE ledger.postings SET quantity = quantity + 1 WHERE quantity > 0", "out of nowhere"),
        ("DELETE FROM ledger.postings WHERE quantity < 0", "out of nowhere"),
        ("UPDATE ledger.postings SET balance = balance + 1", "its postings make"),
        ("UPDATE ledger.accounts SET kind = 'party', owner = NULL, issues = NULL WHERE kind = 'issuance'", "holds -"),
        ("UPDATE ledger.locks SET state = 'released' WHERE state = 'locked'", "open locks need 0"),
    ],
)
async def test_conservation(history: Watched, statement: str, violation: str) -> None:
    results = await broken(history, "asset", statement)
    assert any(violation in text for text in results["conservation"].violations), results["conservation"]


async def test_one_decision_a_verdict_that_was_turned_round(history: Watched) -> None:
    results = await broken(
        history,
        "payment",
        "UPDATE ledger.verdicts SET verdict = 'PAID', authority = 'certificate' WHERE settlement_id = 'VOIDED'",
    )
    assert "one_decision" in named(results)


async def test_one_decision_two_verdicts(history: Watched) -> None:
    results = await broken(
        history,
        "payment",
        "ALTER TABLE ledger.verdicts DROP CONSTRAINT verdicts_pkey, DROP CONSTRAINT verdicts_entry_key",
        "INSERT INTO ledger.verdicts SELECT terms_hash, settlement_id, 'VOIDED', 'time', signed, entry "
        "FROM ledger.verdicts WHERE verdict = 'PAID'",
    )
    assert "one_decision" in named(results)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE ledger.verdicts DISABLE TRIGGER append_only",
        "DROP TRIGGER ends_once ON ledger.locks",
        "ALTER TABLE ledger.postings DISABLE TRIGGER entry_balances",
        "GRANT UPDATE ON ledger.verdicts TO ledger_writer",
    ],
)
async def test_one_decision_a_rule_out_of_force(history: Watched, statement: str) -> None:
    assert named(await broken(history, "payment", statement)) == {"one_decision"}


async def test_exactly_once_an_effect_that_happened_twice(history: Watched) -> None:
    results = await broken(
        history,
        "payment",
        "DROP INDEX ledger.one_effect_of_each",
        "INSERT INTO ledger.entries (operation, terms_hash, at, reason, authority, actor, trace_id, span_id) "
        "SELECT operation, terms_hash, at, reason, authority, actor, trace_id, span_id "
        "FROM ledger.entries WHERE operation = 'pay'",
    )
    assert any("happened 2 times" in text for text in results["exactly_once"].violations)


@pytest.mark.parametrize("operation", ["lock", "release", "refund"])
async def test_exactly_once_an_effect_on_somebody_else(history: Watched, operation: str) -> None:
    results = await broken(
        history,
        "asset",
        "UPDATE ledger.postings SET account = (SELECT id FROM ledger.accounts WHERE issues = 'USD') "
        f"WHERE entry IN (SELECT position FROM ledger.entries WHERE operation = '{operation}') AND quantity > 0",
    )
    assert any("did not move what its terms say" in text for text in results["exactly_once"].violations)


async def test_exactly_once_an_id_that_moved_units_twice(history: Watched) -> None:
    results = await broken(
        history,
        "asset",
        "DROP INDEX ledger.one_id_moves_units_once",
        "UPDATE ledger.locks SET settlement_id = 'SETTLED' WHERE settlement_id = 'VOIDED'",
    )
    assert any("moved units" in text for text in results["exactly_once"].violations)


async def _forge(world: Watched, ledger: str, operation: str, path: str, value: str) -> dict[str, InvariantResult]:
    return await broken(
        world,
        ledger,
        f"UPDATE ledger.entries SET authority = jsonb_set(authority, '{path}', '{value}') "
        f"WHERE operation = '{operation}'",
    )


async def test_authority_a_certificate_of_too_few(history: Watched) -> None:
    certificate = history.certificate(Fact.PAID, history.terms(), by=ATTESTORS[:2])
    signatures = certificate.model_dump_json(include={"signatures"})
    results = await _forge(history, "asset", "release", "{certificate,signatures}", f"{signatures}"[14:-1])
    assert any("the quorum is 3" in text for text in results["authority"].violations), results["authority"]


@pytest.mark.parametrize(
    ("ledger", "operation", "path", "value"),
    [
        ("asset", "lock", "{signed,signatures}", "[]"),
        ("asset", "lock", "{signed,terms,buyer}", f'"{ATTESTORS[0].address}"'),
        ("asset", "release", "{certificate,statement,position}", "99"),
        ("asset", "release", "{certificate,statement,fact}", '"VOIDED"'),
        ("asset", "release", "{certificate,statement,coordinator,epoch}", "2"),
        ("asset", "release", "{redirection,redirection,receiver}", '"alpine"'),
        ("asset", "refund", "{certificate,statement,ledger}", '"asset"'),
        ("asset", "mint", "{order,quantity}", '"1"'),
        ("asset", "freeze", "{signatures,1}", "null"),
        ("payment", "pay", "{certificate,signatures,0,signer}", f'"{SELLER.address}"'),
        ("payment", "void", "{authority}", '{"kind": "time"}'),
        ("payment", "void", "{authority}", "{}"),
        ("payment", "resume", "{order,act}", '"void"'),
        ("payment", "accuse", "{first,statement,position}", "99"),
        ("payment", "accuse", "{second,signature,signer}", f'"{ATTESTORS[0].address}"'),
        ("payment", "accuse", "{network}", f'"0x{"7" * 64}"'),
        ("payment", "readmit", "{order,attestor}", f'"{ATTESTORS[0].address}"'),
    ],
)
async def test_authority_evidence_that_proves_something_else(
    history: Watched, ledger: str, operation: str, path: str, value: str
) -> None:
    results = await _forge(history, ledger, operation, path, value)
    assert any(f"({operation})" in text for text in results["authority"].violations), results["authority"]


async def test_authority_what_was_paid_past_settle_by(history: Watched) -> None:
    results = await broken(
        history, "payment", "UPDATE ledger.entries SET at = at + interval '1 day' WHERE operation = 'pay'"
    )
    assert any("past settle_by" in text for text in results["authority"].violations)


async def test_terminality_an_effect_after_the_end(history: Watched) -> None:
    results = await broken(
        history, "asset", "UPDATE ledger.locks SET ending_entry = lock_entry WHERE state = 'released'"
    )
    assert "terminality" in named(results)


async def test_terminality_a_lock_that_opened_again(history: Watched) -> None:
    results = await broken(
        history,
        "asset",
        "UPDATE ledger.locks SET state = 'locked', ending_entry = NULL WHERE settlement_id = 'VOIDED'",
    )
    assert any("has no end" in text for text in results["terminality"].violations)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ledger.entries WHERE operation = 'pay'",
        "DELETE FROM ledger.verdicts WHERE verdict = 'PAID'",
        "UPDATE ledger.entries SET trace_id = repeat('0', 32) WHERE operation = 'pay'",
        "UPDATE ledger.entries SET authority = '{}' WHERE operation = 'void'",
        "UPDATE ledger.accounts SET admitted = false WHERE name = 'alpine'",
        "UPDATE ledger.accounts SET frozen = true WHERE name = 'alpine'",
    ],
)
async def test_evidence(history: Watched, statement: str) -> None:
    assert "evidence" in named(await broken(history, "payment", statement))


@pytest.mark.parametrize(
    "change",
    [
        "signed = jsonb_set(signed, '{signatures}', '[]')",
        "signed = jsonb_set(signed, '{terms,settlement_id}', '\"OTHER\"')",
        "signed = '{}'",
    ],
)
async def test_recoverability_an_open_lock_whose_terms_were_lost(history: Watched, change: str) -> None:
    results = await broken(history, "asset", f"UPDATE ledger.locks SET {change} WHERE state = 'locked'")
    assert "recoverability" in named(results)


async def test_recoverability_an_open_lock_that_nobody_can_certify(history: Watched) -> None:
    results = await broken(
        history,
        "asset",
        "UPDATE ledger.entries SET authority = jsonb_set(authority, '{coordinator,epoch}', '2') "
        "WHERE operation = 'genesis'",
    )
    assert any("nobody can certify it" in text for text in results["recoverability"].violations)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.attestor_sets SET quorum = 4",
        "UPDATE ledger.attestor_sets SET closed = true",
        "INSERT INTO ledger.operators SELECT '0x' || repeat('1', 40)",
        "UPDATE ledger.accounts SET owner = '0x' || repeat('1', 40) WHERE name = 'alpine'",
        "UPDATE ledger.accused SET left_out = true",
        "DELETE FROM ledger.accused",
        f"INSERT INTO ledger.accused VALUES ('{ATTESTORS[0].address}', true, 1)",
    ],
)
async def test_evidence_a_table_that_no_order_changed(history: Watched, statement: str) -> None:
    assert "evidence" in named(await broken(history, "payment", statement))


@pytest.mark.parametrize("order", ["freeze", "expel"])
async def test_authority_a_lock_of_an_account_that_was_frozen_or_expelled_before(history: Watched, order: str) -> None:
    """The order is true; the ledger did not heed it: told by moving the lock behind it in the journal."""
    if order == "expel":
        await history.act(history.asset, "expel", "alpine")
    results = await broken(
        history,
        "asset",
        "ALTER TABLE ledger.entries ALTER COLUMN position SET GENERATED BY DEFAULT",
        "UPDATE ledger.entries SET position = position + 1000 WHERE operation = 'lock' AND settlement_id = 'LOCKED'",
    )
    assert any("(lock): account alpine was" in text for text in results["authority"].violations)


async def test_terms_of_the_world_are_in_its_network(history: Watched) -> None:
    assert history.asset.network == history.payment.network == NETWORK


async def test_authority_a_second_genesis_changes_nothing(history: Watched) -> None:
    """Who could write one would name operators of his own."""
    results = await broken(
        history,
        "asset",
        "INSERT INTO ledger.entries (operation, at, reason, authority, actor, trace_id, span_id) "
        "SELECT operation, at, reason, authority, actor, trace_id, span_id "
        "FROM ledger.entries WHERE operation = 'genesis'",
    )
    assert any("had been born before" in text for text in results["authority"].violations)


async def test_authority_nothing_counts_before_the_genesis(history: Watched) -> None:
    results = await broken(
        history,
        "asset",
        "ALTER TABLE ledger.entries ALTER COLUMN position SET GENERATED BY DEFAULT",
        "UPDATE ledger.entries SET position = -1 WHERE operation = 'lock' AND settlement_id = 'LOCKED'",
    )
    assert any("had not been born" in text for text in results["authority"].violations)


async def test_recoverability_a_verdict_that_no_entry_speaks_of(history: Watched) -> None:
    results = await broken(
        history,
        "payment",
        "UPDATE ledger.verdicts SET signed = jsonb_set(signed, '{signatures}', '[]') WHERE verdict = 'PAID'",
        "DELETE FROM ledger.entries WHERE operation = 'pay'",
    )
    assert any("not signed by both parties" in text for text in results["recoverability"].violations)


async def test_a_verification_that_loses_a_process_concludes_nothing(history: Watched) -> None:
    with pool(1) as one:
        others = set(multiprocessing.active_children())

        def kill(_: int) -> None:
            for process in set(multiprocessing.active_children()) - others:
                process.kill()

        with pytest.raises(ProcessLost, match="nothing was concluded"):
            await verify(history.asset, history.payment, hands=one, advance=kill)


async def test_authority_a_payment_on_the_word_of_who_was_left_out_before(history: Watched) -> None:
    """The accusation is true; the ledger did not heed it: told by moving the payment behind it in the journal."""
    terms = history.terms(settlement_id="LATE")
    await history.act(history.asset, "unfreeze", "alpine")
    certificate = history.certificate(Fact.LOCKED, terms, by=ATTESTORS[1:])
    receipt(await history.asset.lock(history.signed(terms), ATTEMPT))
    receipt(await history.payment.pay(history.signed(terms), certificate, ATTEMPT))
    receipt(await history.payment.accuse(history.misconduct(terms), ATTEMPT))
    results = await broken(
        history,
        "payment",
        "ALTER TABLE ledger.entries ALTER COLUMN position SET GENERATED BY DEFAULT",
        "UPDATE ledger.entries SET position = position + 1000 WHERE operation = 'pay' AND settlement_id = 'LATE'",
    )
    assert any("left out for misconduct" in text for text in results["authority"].violations), results["authority"]
