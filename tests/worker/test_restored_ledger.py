"""A ledger restored from backup stays closed until all that was signed is there again (hazard 22)."""

import asyncio
from pathlib import Path

from interlock.client import SettlementClient
from interlock.protocol import Stage
from interlock.stack.cluster import _programs, environment
from tests.cli.conftest import Ran, command
from tests.conftest import PostgresWorld
from tests.worker.conftest import StartWorker, new_terms, outcome, ready, says, settle, until
from tests.world import CASH, COORDINATOR, NETWORK

LEDGERS = ("asset", "payment")


class Backups:
    """Dumps and restores both ledgers' databases with Postgres' own programs, as an operator would."""

    def __init__(self, world: PostgresWorld, folder: Path) -> None:
        self._world = world
        self._folder = folder

    async def dump(self, name: str) -> None:
        """Keep both ledgers as they are."""
        for ledger in LEDGERS:
            dsn = self._world.servers.superuser_dsn(self._world.database(ledger))
            await self._run("pg_dump", "--format=custom", f"--file={self._folder / f'{name}.{ledger}'}", dsn)

    async def restore(self, name: str, *ledgers: str) -> None:
        """Put ledgers back as they were, whoever is connected."""
        for ledger in ledgers:
            database = self._world.database(ledger)
            await self._world.servers.execute(
                f"DROP DATABASE {database} WITH (FORCE)",
                f"CREATE DATABASE {database} OWNER ledger_owner",
                f"GRANT CONNECT ON DATABASE {database} TO ledger_writer, ledger_attestor, ledger_auditor",
            )
            self._world.servers.spoiled.add(database)
            dsn = self._world.servers.superuser_dsn(database)
            await self._run("pg_restore", f"--dbname={dsn}", str(self._folder / f"{name}.{ledger}"))

    async def _run(self, program: str, *arguments: str) -> None:
        done = await asyncio.create_subprocess_exec(_programs() / program, *arguments, env=environment())
        assert await done.wait() == 0


async def reconciled(service: dict[str, str], folder: Path) -> Ran:
    """`interlock reconcile`, told by its environment where everything is."""
    told = service | {"INTERLOCK_COORDINATOR": COORDINATOR.identity.model_dump_json()}
    return await asyncio.to_thread(command, folder, "reconcile", "--json", **told)


def missing(named: Ran) -> set[tuple[str, str, str, int, str]]:
    """All that attestors signed and a ledger does not hold: the fact, of which terms, and its entry."""
    signed = [each for each in named.json["out_of_step"] if "fact" in each]
    assert {each["kind"] for each in signed} <= {"missing"}
    keys = ("fact", "terms_hash", "ledger", "position", "reference")
    return {tuple(each[key] for key in keys) for each in signed}


async def test_hazard_22_a_restored_ledger_stays_closed_until_what_was_signed_is_there_again(
    postgres_world: PostgresWorld,
    client: SettlementClient,
    start_worker: StartWorker,
    service: dict[str, str],
    tmp_path: Path,
) -> None:
    world, backups = postgres_world, Backups(postgres_world, tmp_path)
    worker = await start_worker()
    assert (await ready(worker))["closed"] == []
    assert await outcome(await settle(client, new_terms(world))) == "SETTLED"
    await backups.dump("old")
    forgotten, open_one = new_terms(world), new_terms(world, payment={"quantity": 10 * CASH})  # the second lacks cash
    assert await outcome(await settle(client, forgotten)) == "SETTLED"
    waiting = await settle(client, open_one)

    async def lacks_cash() -> bool:
        return (await waiting.status()).stage is Stage.ATTESTED

    await until(lacks_cash)
    await backups.dump("new")
    locks = [await world.asset.lock_of(each.hash(NETWORK)) for each in (forgotten, open_one)]
    verdict = await world.payment.verdict_of(forgotten.hash(NETWORK))
    assert verdict is not None
    lost = {
        "asset": [each.locked for each in locks if each is not None and each.locked is not None],
        "payment": [verdict.receipt],
    }
    await worker.stop()

    await backups.restore("old", *LEDGERS)
    worker = await start_worker()
    assert (await ready(worker)) | {"pid": 0} == {
        "ready": True,
        "pid": 0,
        "roles": ["coordinator", "settlement"],
        "closed": ["asset", "payment"],
    }
    cannot = "cannot be found in it, as after restoring an old backup"
    locked = ", ".join(f"LOCKED of {each.terms_hash} (entry {each.position})" for each in lost["asset"])
    await says(worker, f"ledger asset: 2 facts that attestors signed {cannot}: {locked}; role asset stays closed")
    paid = f"PAID of {forgotten.hash(NETWORK)} (entry {lost['payment'][0].position})"
    await says(worker, f"ledger payment: 1 fact that attestors signed {cannot}: {paid}; role payment stays closed")
    named = await reconciled(service, tmp_path)
    assert named.code == 1
    assert missing(named) == {
        (fact, each.terms_hash, ledger, each.position, each.reference)
        for ledger, fact in (("asset", "LOCKED"), ("payment", "PAID"))
        for each in lost[ledger]
    }
    new = new_terms(world)
    refused = await settle(client, new)  # nobody takes its check
    await backups.restore("new", "payment")
    await says(worker, "ledger payment holds all that was signed; role payment opens")
    await world.mint(world.payment, "northbank", "USD", 10 * CASH)
    assert (await refused.status()).stage is Stage.MATCHED
    assert await world.asset.lock_of(new.hash(NETWORK)) is None
    await backups.restore("new", "asset")
    await says(worker, "ledger asset holds all that was signed; role asset opens")
    for handle in (waiting, refused):
        assert await outcome(handle) == "SETTLED"
    assert missing(await reconciled(service, tmp_path)) == set()
    log = worker.log.read_text()
    assert "Traceback" not in log

    # and under a running worker
    await backups.restore("old", "payment")
    await says(worker, "ledger payment went back from position")
    await says(worker, "role payment stays closed", times=log.count("role payment stays closed") + 1)
