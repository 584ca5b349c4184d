"""What is taken out elsewhere: of the workflow, of the attestors, and of what is signed."""

from tests.safeguards.removal import Replacement

_SETTLEMENT = "interlock/workflows/settlement.py"
_STATEMENTS = "interlock/protocol/statements.py"

LEDGERS_NOT_READ_FIRST = (
    Replacement(
        "interlock/workflows/matching.py",
        """        key = TermsHash(terms_hash=proposal.terms_hash, settlement=self.start)
        lock = await self.steps.take(LOCK_OF, key)
        verdict = lock if isinstance(lock, Fault) else await self.steps.take(VERDICT_OF, key)
""",
        "        lock = verdict = None\n",
    ),
    Replacement(
        _SETTLEMENT,
        """            if delivery.lock is not None or payment.verdict is not None:
                await self._go_on_from(delivery, payment)
            elif refusal := delivery.refusal or payment.refusal:
""",
        "            if refusal := delivery.refusal or payment.refusal:\n",
    ),
)

NO_SHIELD = (
    Replacement("interlock/workflows/cancel_requests.py", "return await asyncio.shield(task)", "return await task"),
)

CHECK_BESIDE_LOCK = (
    Replacement(
        _SETTLEMENT,
        """            delivery, payment = await asyncio.gather(
                self.steps.take(CHECK_DELIVERY, signed), self.steps.take(CHECK_PAYMENT, signed)
            )
""",
        """            delivery, payment, _ = await asyncio.gather(
                self.steps.take(CHECK_DELIVERY, signed),
                self.steps.take(CHECK_PAYMENT, signed),
                self.steps.take(LOCK, signed),
            )
""",
    ),
)

NOTHING_SWEPT = (
    Replacement(
        "interlock/workflows/sweep.py",
        "unattended = await call(UNATTENDED, Sightings(sightings=tuple(seen))) if seen else []",
        "unattended: list[str] = []",
    ),
)

VOTES_FORGOTTEN = (
    Replacement(
        "interlock/attestors/votes.py",
        "        self._connection.execute(_RECORD, (statement.terms_hash, statement.fact, "
        "statement.model_dump_json()))\n",
        "",
    ),
)

QUORUM_OF_F_PLUS_1 = (
    Replacement(
        _STATEMENTS,
        "        if not len(self.keys) - faulty >= self.quorum > (len(self.keys) + faulty) // 2:\n",
        "        if self.quorum <= faulty:\n",
    ),
    Replacement(_STATEMENTS, "quorum=quorum or len(keys) - faulty)", "quorum=quorum or faulty + 1)"),
)

NO_NETWORK = (
    Replacement(
        "interlock/protocol/eip712.py",
        '        + bytes.fromhex(network.removeprefix("0x"))\n    )',
        "        + bytes(32)\n    )",
    ),
)
