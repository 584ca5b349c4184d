"""A real stack on which trades of every kind were settled, sealed and witnessed; then nobody is at work any more.

What is left are three databases, whoever looks at them, and somebody whom no rule stops.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from interlock.audit.journals import Journal
from interlock.audit.keeping import KeptJournal, Relay
from interlock.audit.verify import TablesResult, verify_journals, verify_tables
from interlock.audit.verify_journal import JournalResult
from interlock.client import SettlementHandle
from interlock.ledgers.connections import Connections
from interlock.ledgers.postgres import PostgresLedger
from interlock.protocol import (
    AccountOrder,
    Asset,
    Attestors,
    ByConsent,
    CloseAttestors,
    Fact,
    LedgerOrder,
    Leg,
    LocalSigner,
    Misconduct,
    OpenAccount,
    OperatorOrder,
    Readmit,
    Redirection,
    RegisterAsset,
    RegisterAttestors,
    SignedOperatorOrder,
    SignedRedirection,
    SignedStatement,
    SignedTerms,
    Statement,
    Terms,
)
from interlock.stack.embedded import EmbeddedStack
from interlock.stack.identity import AUDIT, JOURNALS, LEDGERS
from interlock.worker.sealing import Keeper
from tests.e2e.conftest import Market, Parties, outcome, until
from tests.world import ATTEMPT, BUYER, CASH, OPERATORS, SELLER, USD, key, receipt

_UNBOUND = """
DO $$
DECLARE
    _each record;
BEGIN
    FOR _each IN SELECT c.conrelid::regclass AS of, c.conname FROM pg_constraint AS c
        WHERE c.connamespace = to_regnamespace('{schema}') AND c.contype IN ('c', 'f') AND c.conrelid <> 0
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', _each.of, _each.conname);
    END LOOP;
    FOR _each IN SELECT c.contypid::regtype AS of, c.conname FROM pg_constraint AS c
        WHERE c.connamespace = to_regnamespace('{schema}') AND c.contype = 'c' AND c.contypid <> 0
    LOOP
        EXECUTE format('ALTER DOMAIN %s DROP CONSTRAINT %I', _each.of, _each.conname);
    END LOOP;
    FOR _each IN SELECT a.attrelid::regclass AS of, a.attname, a.attidentity FROM pg_attribute AS a
        JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE c.relnamespace = to_regnamespace('{schema}') AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    LOOP
        IF _each.attidentity <> '' THEN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP IDENTITY', _each.of, _each.attname);
        END IF;
        IF NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = _each.of AND i.indisprimary
            AND _each.attname = ANY (SELECT k.attname FROM pg_attribute AS k
                WHERE k.attrelid = i.indrelid AND k.attnum = ANY (i.indkey)))
        THEN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', _each.of, _each.attname);
        END IF;
    END LOOP;
END $$
"""
"""A superuser takes every rule out of force that would refuse an odd value."""

Verified = tuple[dict[str, JournalResult], dict[str, TablesResult]]


@dataclass
class Stage:
    """The three databases by the names of their journals: as their readers see them, and as a superuser does."""

    folder: Path
    network: str
    keepers: Mapping[str, str]
    seal_keys: Mapping[str, LocalSigner]
    journals: dict[str, Journal]
    superusers: "dict[str, asyncpg.Connection[asyncpg.Record]]"

    async def verify(self) -> Verified:
        """What `audit verify` finds by seals and by tables; what the ledgers' invariants would add is left out."""
        journals = await verify_journals(self.journals, self.network, self.keepers)
        return journals, await verify_tables(self.journals)

    @staticmethod
    def schema(journal: str) -> str:
        """Where a database's tables are."""
        return "audit" if journal == "audit" else "ledger"


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Stage]:
    """Start a stack, settle everything, wait until it is sealed and witnessed, and stop all but Postgres."""
    async with AsyncExitStack() as held:
        stack = EmbeddedStack(folder, tuple(each.address for each in OPERATORS[:2]), sweep_every_seconds=1.0)
        held.push_async_callback(stack.stop)
        await stack.start()
        journals, superusers = {}, {}
        for name in JOURNALS:
            reader = await Connections.open(stack.dsn(name, f"{name}_reader"), size=2, timeout_s=60.0)
            held.push_async_callback(reader.close)
            journals[name] = Journal(name, reader)
            superusers[name] = await stack.postgres._connect(name)
            held.push_async_callback(superusers[name].close)
        keys = {name: LocalSigner(secret) for name, secret in stack.identity.seal_keys.items()}
        stage = Stage(folder, stack.identity.network, stack.identity.keepers, keys, journals, superusers)
        async with Market.on(folder) as market:
            await trade(Trading(market))
        await until(lambda: _is_sealed(stage), every_seconds=0.5)
        for process in list(stack.processes.values()):
            await process.stop()
        await _witness(stack, stage)
        await until(lambda: _is_sealed(stage, at_rest=True), every_seconds=0.5)
        for name, superuser in superusers.items():
            await superuser.execute("SET session_replication_role = replica")
            await superuser.execute(_UNBOUND.format(schema=stage.schema(name)))
        yield stage


async def _witness(stack: EmbeddedStack, stage: Stage) -> None:
    """See that the last seals, made while the workers stopped, stand in the other places too."""
    async with AsyncExitStack() as held:

        async def connections(database: str) -> Connections:
            opened = await Connections.open(stack.dsn(database, f"{database}_writer"), size=1, timeout_s=60.0)
            held.push_async_callback(opened.close)
            return opened

        for _ in range(2):  # what one has brought, the other fetches
            for name in LEDGERS:
                journal, relay = KeptJournal(name, await connections(name)), Relay(await connections(AUDIT))
                await Keeper(journal, stage.seal_keys[name], stage.network, stage.keepers, relay).exchange()


async def _is_sealed(stage: Stage, *, at_rest: bool = False) -> bool:
    """Whether the ledgers' entries are all sealed, and some witnesses too; every seal is kept elsewhere.

    `at_rest`: the spans that the workers wrote when they stopped are nobody's to seal any more.
    """
    journals, tables = await stage.verify()
    for name, result in journals.items():
        assert result.findings == (), f"{name}: {result.findings}"
    assert all(each.ok for each in tables.values()), tables
    if at_rest:
        return True
    return all(
        result.witnessed > 0 and not result.not_witnessed and (name == "audit" or not result.not_covered.records)
        for name, result in journals.items()
    )


@dataclass
class Trading:
    """Settlements and acts of every kind; each leaves the ledgers as it found them for the others."""

    market: Market

    async def instruct(self, name: str, parties: Parties, **changes: Any) -> SettlementHandle:
        """Both parties instruct."""
        terms = parties.terms(name, **changes)
        return await self.market.client.settle(terms, self.signed(terms).signatures)

    def signed(self, terms: Terms) -> SignedTerms:
        """By both parties."""
        network = self.market.client.network
        signatures = tuple(each.sign(terms, network) for each in (SELLER, BUYER))
        return SignedTerms(network=network, terms=terms, signatures=signatures)

    async def waiting(self, name: str, **changes: Any) -> tuple[Parties, SettlementHandle]:
        """A trade whose buyer has no cash yet."""
        parties = await self.market.parties(cash=0)
        handle = await self.instruct(name, parties, **changes)

        async def refused() -> bool:
            blocker = (await handle.status()).blocker
            return blocker is not None and blocker.code == "insufficient_balance"

        await until(refused)
        return parties, handle

    async def settled(self) -> None:
        """The story, twice."""
        parties = await self.market.parties()
        for number in range(2):
            await outcome(await self.instruct(f"SETTLED-{number}", parties))

    async def rejected(self) -> None:
        """The payment has nowhere to go."""
        parties = await self.market.parties()
        nowhere = Leg(ledger="payment", asset=USD, quantity=CASH, deliverer=parties.buyer, receiver="nobody")
        await outcome(await self.instruct("REJECTED", parties, payment=nowhere))

    async def late(self) -> None:
        """Cash comes after a wait."""
        parties, handle = await self.waiting("LATE")
        await parties.fund(CASH)
        await outcome(handle)

    async def expired(self) -> None:
        """Cash never comes."""
        parties = await self.market.parties(cash=0)
        soon = datetime.now(UTC) + timedelta(seconds=15)
        await outcome(await self.instruct("EXPIRED", parties, settle_by=soon))

    async def cancelled(self) -> None:
        """Both parties consent."""
        _, handle = await self.waiting("CANCELLED")
        assert handle.terms is not None
        for party in (SELLER, BUYER):
            await handle.cancel(party.sign_cancellation(handle.terms, self.market.client.network))
        await outcome(handle)

    async def ordered(self) -> None:
        """Two operators look again, then void."""
        _, handle = await self.waiting("ORDERED")
        assert handle.terms_hash is not None
        for ledger in (self.market.asset, self.market.payment):
            receipt(await ledger.resume(self._operators(handle.terms_hash, "resume"), ATTEMPT))
        await handle.order(self._operators(handle.terms_hash, "void"))
        await outcome(handle)

    async def redirected(self) -> None:
        """Paid, then the receiver is expelled; the buyer names another account."""
        parties, handle = await self.waiting("REDIRECTED")
        await self._order(self.market.asset, AccountOrder, act="expel", account=parties.buyer)
        await self._order(self.market.asset, OpenAccount, account=f"{parties.buyer}-2", owner=BUYER.address)
        await parties.fund(CASH)

        async def suspended() -> bool:
            blocker = (await handle.status()).blocker
            return blocker is not None and blocker.code == "not_admitted"

        await until(suspended)
        assert handle.terms_hash is not None
        word = Redirection(
            terms_hash=handle.terms_hash,
            receiver=f"{parties.buyer}-2",
            reason="expelled",
            valid_until=datetime.now(UTC) + timedelta(minutes=5),
        )
        signatures = tuple(each.sign(word, self.market.client.network) for each in (BUYER, *OPERATORS[:2]))
        await handle.redirect(SignedRedirection(redirection=word, signatures=signatures))
        await outcome(handle)

    async def tombstone(self) -> None:
        """Voided with no lock: the sweeper sees that a late one is refused."""
        parties = await self.market.parties()
        terms = parties.terms("TOMBSTONE")
        network = self.market.client.network
        consent = ByConsent(
            cancellations=(SELLER.sign_cancellation(terms, network), BUYER.sign_cancellation(terms, network))
        )
        receipt(await self.market.payment.void(self.signed(terms), consent, ATTEMPT))

        async def refused() -> bool:
            lock = await self.market.asset.lock_of(terms.hash(network))
            return lock is not None and lock.ended is not None

        await until(refused)

    async def stays_locked(self) -> None:
        """Nobody ends it."""
        await self.waiting("OPEN")

    async def acts(self) -> None:
        """Orders of every kind."""
        for ledger in (self.market.asset, self.market.payment):
            await self._order(ledger, RegisterAsset, asset=Asset(code="TBILL", decimals=6))
            keys = tuple(key(f"later attestor {number}").address for number in range(4))
            await self._order(ledger, RegisterAttestors, name="later", epoch=1, attestors=keys, quorum=3)
            await self._order(ledger, RegisterAttestors, name="later", epoch=2, attestors=keys, quorum=3, succeeds=1)
            await self._order(ledger, CloseAttestors, name="later", epoch=2)
            for number in range(2):
                receipt(await ledger.accuse(self._misconduct(f"later attestor {number}"), ATTEMPT))
            await self._order(ledger, Readmit, attestor=keys[0])
            parties = await self.market.parties()
            for act in ("freeze", "unfreeze", "freeze", "expel", "admit", "expel"):
                await self._order(ledger, AccountOrder, act=act, account=parties.seller)

    def _misconduct(self, attestor: str) -> Misconduct:
        """It has signed both verdicts on some terms."""
        network, keys = self.market.client.network, Attestors.of("later", 1, (key(attestor).address,))
        said = [
            Statement(
                fact=fact,
                coordinator=keys.identity,
                terms_hash="0x" + "7a" * 32,
                ledger="payment",
                reference="some entry",
                position=7,
            )
            for fact in (Fact.PAID, Fact.VOIDED)
        ]
        one, other = (SignedStatement(statement=each, signature=key(attestor).sign(each, network)) for each in said)
        return Misconduct.of(network, one, other)

    def _operators(self, terms_hash: str, act: Any) -> SignedOperatorOrder:
        until_then = datetime.now(UTC) + timedelta(minutes=5)
        order = OperatorOrder(terms_hash=terms_hash, act=act, reason="tests say so", valid_until=until_then)
        return SignedOperatorOrder(
            order=order, signatures=tuple(each.sign(order, self.market.client.network) for each in OPERATORS[:2])
        )

    async def _order(self, ledger: PostgresLedger, kind: type[LedgerOrder], **fields: Any) -> None:
        await self.market.order(ledger, kind, **fields)


async def trade(trading: Trading) -> None:
    """Everything, at once."""
    kinds: list[Callable[[], Coroutine[Any, Any, None]]] = [
        *(trading.settled, trading.rejected, trading.late, trading.expired, trading.cancelled, trading.ordered),
        *(trading.redirected, trading.tombstone, trading.stays_locked, trading.acts),
    ]
    async with asyncio.TaskGroup() as group:
        for kind in kinds:
            group.create_task(kind())
