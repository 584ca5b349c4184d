"""What is taken out of a ledger on Postgres: its tables' keys, its functions' rules, and what it verifies."""

from tests.safeguards.removal import Replacement

_FUNCTIONS = "interlock/ledgers/sql/functions"
_TABLES = "interlock/ledgers/sql/migrations/0001_tables.sql"
_RULES = "interlock/ledgers/sql/migrations/0002_rules.sql"
_POSTGRES = "interlock/ledgers/postgres.py"

_VERDICT_KEY = Replacement(
    _TABLES,
    "CREATE TABLE ledger.verdicts (\n    terms_hash ledger.digest PRIMARY KEY,",
    "CREATE TABLE ledger.verdicts (\n    terms_hash ledger.digest NOT NULL,",
)
_LOOK = "SELECT * INTO _verdict FROM ledger.verdicts WHERE terms_hash = _terms_hash;\n"
_LOOK_AT_LOCK = "SELECT * INTO _lock FROM ledger.locks WHERE terms_hash = _terms_hash;\n"

NO_TOMBSTONE = (
    Replacement(
        f"{_FUNCTIONS}/refund.sql",
        """    IF _lock.terms_hash IS NULL THEN
        INSERT INTO ledger.locks (terms_hash, settlement_id, state, signed, ending_entry)
        VALUES (_terms_hash, _terms ->> 'settlement_id', 'refunded', _unsigned, _entry);
    ELSE
""",
        "    IF _lock.terms_hash IS NOT NULL THEN\n",
    ),
)

TWO_VERDICTS = (
    _VERDICT_KEY,
    *(
        Replacement(
            f"{_FUNCTIONS}/{operation}.sql",
            f"""{_LOOK}    IF _verdict.verdict = '{own}' THEN
        RETURN ledger.receipt(_verdict.entry);
    ELSIF _verdict.verdict = '{other}' THEN
        RETURN ledger.refusal('already_{other.lower()}');
    END IF;
""",
            f"""SELECT * INTO _verdict FROM ledger.verdicts WHERE terms_hash = _terms_hash AND verdict = '{own}';
    IF FOUND THEN
        RETURN ledger.receipt(_verdict.entry);
    END IF;
""",
        )
        for operation, own, other in (("pay", "PAID", "VOIDED"), ("void", "VOIDED", "PAID"))
    ),
)

NO_CERTIFICATE_CHECK = (
    Replacement(
        _POSTGRES,
        """        attestors = await self._set_named(certificate.statement.coordinator)
        return evidence.uncertified(certificate, terms, fact, self.identity, attestors)
""",
        "        return None\n",
    ),
)

KEYED_BY_SETTLEMENT_ID = (
    *(
        Replacement(
            f"{_FUNCTIONS}/{operation}.sql",
            _LOOK_AT_LOCK,
            "SELECT * INTO _lock FROM ledger.locks WHERE settlement_id = _terms ->> 'settlement_id';\n",
        )
        for operation in ("lock", "refund")
    ),
    *(
        Replacement(
            f"{_FUNCTIONS}/{operation}.sql",
            _LOOK,
            "SELECT * INTO _verdict FROM ledger.verdicts WHERE settlement_id = _terms ->> 'settlement_id';\n",
        )
        for operation in ("pay", "void")
    ),
)

PAYS_WITHOUT_LOOKING = (
    _VERDICT_KEY,
    Replacement(
        _TABLES,
        "CREATE UNIQUE INDEX one_effect_of_each ON ledger.entries (terms_hash, operation) WHERE operation <> 'resume';",
        "CREATE INDEX one_effect_of_each ON ledger.entries (terms_hash, operation) WHERE operation <> 'resume';",
    ),
    Replacement(
        f"{_FUNCTIONS}/pay.sql",
        """    IF _verdict.verdict = 'PAID' THEN
        RETURN ledger.receipt(_verdict.entry);
    ELSIF _verdict.verdict = 'VOIDED' THEN
""",
        "    IF _verdict.verdict = 'VOIDED' THEN\n",
    ),
)

_NOTED_LATER = """        if json.loads(answer)["kind"] == "receipt":
            self._note_later(json.loads(answer)["position"], operation, said, attempt)
            return Receipt.model_validate_json(answer)
        return self._refusal(answer, suspended=operation == "release")

    def _note_later(self, position: int, operation: str, said: tuple[object, ...], attempt: Attempt) -> None:
        import asyncio

        named = {"lock": ["signed"], "pay": ["signed", "certificate"], "void": ["signed", "authority"]}
        if operation in named:
            evidence = json.dumps({name: json.loads(str(text)) for name, text in zip(named[operation], said)})
        else:
            evidence = str(said[1] if operation == "refund" else said[0])

        async def note() -> None:
            await asyncio.sleep(0.5)
            try:
                note = "SELECT ledger.note($1, $2, $3::jsonb)"
                await self.connections.value(note, position, attempt.span_id, evidence)
            except Exception:
                return

        self._notes = [task for task in getattr(self, "_notes", []) if not task.done()]
        self._notes.append(asyncio.create_task(note()))
"""

EVIDENCE_LATER = (
    Replacement(
        f"{_FUNCTIONS}/write_entry.sql",
        "    VALUES (_operation, _terms_hash, _settlement_id, _order_digest, _at, _reason, _authority,\n",
        "    VALUES (_operation, _terms_hash, _settlement_id, _order_digest, _at, _reason,\n"
        "        CASE _operation WHEN 'genesis' THEN _authority ELSE '{}' END,\n",
    ),
    Replacement(
        f"{_FUNCTIONS}/note.sql",
        "",
        """CREATE OR REPLACE FUNCTION ledger.note(_position bigint, _span_id text, _authority jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    UPDATE ledger.entries SET authority = _authority
    WHERE position = _position AND span_id = _span_id AND authority = '{}'
$$;
""",
    ),
    Replacement(
        f"{_FUNCTIONS}/grant_writer.sql",
        "'ledger.void, ledger.resume, ledger.order, ledger.accuse TO %I'",
        "'ledger.void, ledger.resume, ledger.order, ledger.accuse, ledger.note TO %I'",
    ),
    Replacement(
        _RULES,
        """    FOREACH _table IN ARRAY ARRAY['identity', 'operators', 'assets', 'entries', 'postings', 'verdicts'] LOOP
        EXECUTE format('CREATE TRIGGER append_only""",
        """    EXECUTE 'CREATE TRIGGER append_only BEFORE DELETE ON ledger.entries '
        'FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()';
    FOREACH _table IN ARRAY ARRAY['identity', 'operators', 'assets', 'postings', 'verdicts'] LOOP
        EXECUTE format('CREATE TRIGGER append_only""",
    ),
    Replacement(
        _POSTGRES,
        """        if json.loads(answer)["kind"] == "receipt":
            return Receipt.model_validate_json(answer)
        return self._refusal(answer, suspended=operation == "release")
""",
        _NOTED_LATER,
    ),
)

JOURNAL_CHANGEABLE = (
    Replacement(
        _RULES,
        """    FOREACH _table IN ARRAY ARRAY['identity', 'operators', 'assets', 'entries', 'postings', 'verdicts'] LOOP
        EXECUTE format('CREATE TRIGGER append_only""",
        """    FOREACH _table IN ARRAY ARRAY['identity', 'operators', 'assets'] LOOP
        EXECUTE format('CREATE TRIGGER append_only""",
    ),
)

PAYS_PAST_SETTLE_BY = (
    Replacement(
        f"{_FUNCTIONS}/pay.sql",
        "        ledger.refuse_late(_terms, _now),\n        ledger.refuse_superseded(c.attestors,",
        "        ledger.refuse_superseded(c.attestors,",
    ),
)

IDS_USED_AGAIN = (
    Replacement(_TABLES, "CREATE UNIQUE INDEX one_id_moves_units_once", "CREATE INDEX one_id_moves_units_once"),
    Replacement(
        f"{_FUNCTIONS}/refuse_used_id.sql",
        "        AND l.lock_entry IS NOT NULL AND l.terms_hash <> _terms_hash\n",
        "        AND false\n",
    ),
)

ACCOUNTS_NOT_HELD = (
    Replacement(
        f"{_FUNCTIONS}/hold_accounts.sql",
        "        PERFORM pg_advisory_xact_lock(_account);\n",
        "        NULL;\n",
    ),
)

TERMS_NOT_HELD = (
    Replacement(
        f"{_FUNCTIONS}/hold.sql",
        "    SELECT pg_advisory_xact_lock(('x' || substr(_digest, 3, 16))::bit(64)::bigint)\n",
        "    SELECT\n",
    ),
)
