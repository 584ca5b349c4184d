"""Whatever a superuser changes of what is sealed is found and named. The short form; `make tamper` is the full one."""

import random
from collections.abc import AsyncIterator

import pytest

from tests.audit.tamper.altering import Catalogue, emptied
from tests.audit.tamper.stage import Stage, staged
from tests.audit.tamper.tampering import Tally, Tamperer, not_covered, unknown
from tests.cli.conftest import command

SEED = 1
AT_RANDOM = 40
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Settled, sealed and witnessed; nobody is at work."""
    async with staged(tmp_path_factory.mktemp("tampered")) as made:
        yield made


@pytest.fixture(scope="module")
async def catalogue(stage: Stage) -> Catalogue:
    """With a copy of everything, and no key in force any more."""
    return await Catalogue.of(stage)


@pytest.fixture
def tamperer(stage: Stage, catalogue: Catalogue) -> Tamperer:
    """Somebody whom no rule stops."""
    return Tamperer(stage, catalogue, random.Random(SEED))


def all_found(tally: Tally) -> bool:
    """Whether something was tried, nothing went unnoticed, and little was impossible."""
    assert tally.missed == []
    assert sum(tally.tried.values()) > 5 * len(tally.refused)
    return tally.found == tally.tried


async def test_every_table_and_column_of_the_catalogue_is_one_that_verify_knows(tamperer: Tamperer) -> None:
    assert unknown(tamperer.catalogue) == []


async def test_every_column_changed_in_turn_is_found_and_named(tamperer: Tamperer) -> None:
    async for alteration in tamperer.columns(1, once=True):
        await tamperer.attempt(alteration)
    assert all_found(tamperer.tally)


@pytest.mark.parametrize(
    ("journal", "table", "column", "value"),
    [
        ("payment", "entries", "operation", "void"),
        ("payment", "entries", "settlement_id", "FORGED"),
        ("payment", "entries", "reason", "forged"),
        ("audit", "spans", "kind", "PRODUCER"),
        ("audit", "witnessed", "number", "77"),
    ],
)
async def test_what_of_a_record_was_changed_is_said_where_it_stands_somewhere_else_too(
    tamperer: Tamperer, journal: str, table: str, column: str, value: str
) -> None:
    found = tamperer.catalogue.table(journal, table)
    rows = await tamperer.catalogue.rows(found)
    row = next(each for each in rows if each.get("operation", "pay") == "pay")
    place = row["id" if table == "witnessed" else "position"]
    superuser, key = tamperer.stage.superusers[journal], "id" if table == "witnessed" else "position"
    update = f"UPDATE {found.path} SET {column} = $1 WHERE {key} = {place}"
    number = table == "witnessed"
    await superuser.execute(update, int(value) if number else value)
    findings = (await tamperer.stage.verify())[0][journal].findings
    await superuser.execute(update, int(row[column] or 0) if number else row[column])
    was, now = (text if number else f'"{text}"' for text in (row[column], value))
    ends = [each.text for each in findings if each.text.endswith(f": its {column} was {was}, and is {now}")]
    assert len(ends) == 1, findings


async def test_an_empty_list_is_another_thing_than_none(tamperer: Tamperer) -> None:
    for journal in ("asset", "payment", "audit"):
        table = tamperer.catalogue.table(journal, "seals")
        column = next(each for each in table.columns if each.name == "witnessed")
        empty = [row for row in await tamperer.catalogue.rows(table) if row["witnessed"] == "{}"]
        for row in empty[:1]:
            await tamperer.attempt(emptied(table, column, row))
    assert all_found(tamperer.tally)


async def test_rows_removed_inserted_doubled_and_exchanged_and_tables_emptied_are_found(tamperer: Tamperer) -> None:
    async for alteration in tamperer.rows(1):
        await tamperer.attempt(alteration)
    assert all_found(tamperer.tally)


async def test_newest_blocks_cut_off_and_blocks_sealed_anew_are_found(tamperer: Tamperer) -> None:
    async for alteration in tamperer.blocks():
        await tamperer.attempt(alteration)
    assert all_found(tamperer.tally)
    assert "proof that it lies" in tamperer.tally.examples["sealed anew with the keeper's key"][1]


async def test_alterations_at_random_are_found(tamperer: Tamperer) -> None:
    async for alteration in tamperer.at_random(AT_RANDOM):
        await tamperer.attempt(alteration)
    assert all_found(tamperer.tally)


async def test_what_no_one_looks_at_is_what_is_written_down_and_nothing_is_said_of_it(tamperer: Tamperer) -> None:
    async for alteration in not_covered(tamperer):
        assert await tamperer.catalogue.make(alteration) == ""
        journals, tables = await tamperer.stage.verify()
        await tamperer.catalogue.put_back(alteration)
        ok = [each.ok for each in journals.values()] + [each.ok for each in tables.values()]
        assert all(ok), alteration.text


async def test_a_column_and_a_table_that_nobody_knows_are_named(stage: Stage) -> None:
    superuser = stage.superusers["payment"]
    await superuser.execute("ALTER TABLE ledger.verdicts ADD COLUMN remark text; CREATE TABLE ledger.hidden (a int)")
    await superuser.execute("GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO payment_reader")
    texts = [each.text for each in (await stage.verify())[1]["payment"].findings]
    await superuser.execute("ALTER TABLE ledger.verdicts DROP COLUMN remark; DROP TABLE ledger.hidden")
    assert "ledger.hidden.a is not known here: nobody vouches for it" in texts
    assert "ledger.verdicts.remark is not known here: nobody vouches for it" in texts


async def test_an_entry_that_has_no_position_is_found(tamperer: Tamperer) -> None:
    superuser = tamperer.stage.superusers["asset"]
    names = ", ".join(each.name for each in tamperer.catalogue.table("asset", "entries").columns if not each.is_key)
    await superuser.execute(f"INSERT INTO ledger.entries ({names}) SELECT {names} FROM ledger.entries LIMIT 1")
    findings = (await tamperer.stage.verify())[0]["asset"].findings
    await superuser.execute("DELETE FROM ledger.entries WHERE position IS NULL")
    assert [each.text for each in findings] == ["1 records have no place in the journal"]


async def test_a_table_that_cannot_be_read_is_said_and_not_passed_over(stage: Stage) -> None:
    superuser = stage.superusers["asset"]
    await superuser.execute("ALTER TABLE ledger.entries RENAME COLUMN actor TO who")
    journals, tables = await stage.verify()
    await superuser.execute("ALTER TABLE ledger.entries RENAME COLUMN who TO actor")
    assert [each.kind for each in journals["asset"].findings if each.kind == "unreadable"] == ["unreadable"]
    assert "ledger.entries.actor is not there" in [each.text for each in tables["asset"].findings]


async def test_the_verb_exits_0_and_after_a_change_1_and_names_it(tamperer: Tamperer) -> None:
    folder = tamperer.stage.folder
    ran = command(folder.parent, "audit", "verify", "--json", "--data-dir", str(folder))
    assert (ran.code, ran.json["ok"], ran.err) == (0, True, "")
    assert list(ran.json) == ["ok", "journals", "tables", "invariants", "traces"]
    table = tamperer.catalogue.table("payment", "verdicts")
    (row, *_) = await tamperer.catalogue.rows(table)
    superuser = tamperer.stage.superusers["payment"]
    await superuser.execute("UPDATE ledger.verdicts SET authority = 'forged' WHERE terms_hash = $1", row["terms_hash"])
    said = command(folder.parent, "audit", "verify", "--data-dir", str(folder))
    ran = command(folder.parent, "audit", "verify", "--json", "--data-dir", str(folder))
    await superuser.execute(
        "UPDATE ledger.verdicts SET authority = $2 WHERE terms_hash = $1", row["terms_hash"], row["authority"]
    )
    expected = (
        f'verdicts: {row["terms_hash"]} (settlement {row["settlement_id"]}): authority is "forged", '
        f'it has to be "{row["authority"]}"'
    )
    assert (ran.code, ran.json["ok"]) == (1, False)
    assert [each["text"] for each in ran.json["tables"]["payment"]["findings"]] == [expected]
    assert (said.code, f"tables of payment: {expected}" in said.out.splitlines()) == (1, True)


async def test_the_verb_exits_3_where_no_database_answers(tamperer: Tamperer) -> None:
    nowhere = {
        **{f"INTERLOCK_{name}_DSN": "postgresql://a:b@127.0.0.1:1/x" for name in ("ASSET", "PAYMENT", "AUDIT_READER")},
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
        "INTERLOCK_NETWORK": tamperer.stage.network,
        "INTERLOCK_COORDINATOR": '{"name": "main", "epoch": 1, "digest": "0x' + "11" * 32 + '"}',
        "INTERLOCK_KEEPERS": "{}",
    }
    ran = command(tamperer.stage.folder.parent, "audit", "verify", "--json", **nowhere)
    assert (ran.code, ran.error["code"]) == (3, "unreachable")
