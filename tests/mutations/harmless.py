"""Changes that open settlements do not notice, among them some that look as if they did."""

from tests.mutations.mutation import harmless, protocol, workflows

_NO_COMMAND = "it issues no command"
_PAY = "        answer = await self.steps.take(PAY, PayRequest(signed=self.signed, certificate=certificate))\n"

HARMLESS = (
    harmless(
        "a step's label",
        "labels are not compared",
        workflows("called", 'return f"{fact} on {ledger}"', 'return f"{fact}, as {ledger} shows it"'),
    ),
    harmless(
        "a local variable renamed",
        _NO_COMMAND,
        workflows(
            "settlement",
            "        verdict = await self.decide()\n        if verdict is VerdictKind.PAID:\n",
            "        decision = await self.decide()\n        if decision is VerdictKind.PAID:\n",
        ),
    ),
    harmless(
        "a file laid out anew",
        _NO_COMMAND,
        workflows(
            "settlement",
            _PAY,
            """        answer = await self.steps.take(
            PAY,
            PayRequest(
                signed=self.signed,
                certificate=certificate,
            ),
        )

""",
        ),
    ),
    harmless(
        "a method extracted",
        "the same steps in the same order",
        workflows(
            "settlement",
            "                answer = await self.attest(Fact.PAID if end is LockState.RELEASED else Fact.VOIDED)\n",
            "                answer = await self._attest_verdict(end)\n",
        ),
        workflows(
            "settlement",
            "    async def lock(self)",
            """    async def _attest_verdict(self, end: LockState) -> Refusal | Fault | None:
        return await self.attest(Fact.PAID if end is LockState.RELEASED else Fact.VOIDED)

    async def lock(self)""",
        ),
    ),
    harmless(
        "branches written as another statement",
        "the same steps in the same order",
        workflows(
            "settlement",
            "            if progress.verdict_certificate is None:\n                answer = await self.attest(Fact.PAID if end is LockState.RELEASED else Fact.VOIDED)\n            elif end is LockState.RELEASED:\n                answer = await self.release(progress.verdict_certificate)\n            else:\n                answer = await self.refund(progress.verdict_certificate)\n            await self.heed(answer)\n",
            "            certificate = progress.verdict_certificate\n            if certificate is None:\n                await self.heed(await self.attest(Fact.PAID if end is LockState.RELEASED else Fact.VOIDED))\n                continue\n            serve = self.release if end is LockState.RELEASED else self.refund\n            await self.heed(await serve(certificate))\n",
        ),
    ),
    harmless(
        "a new query",
        _NO_COMMAND,
        workflows(
            "settlement_workflow",
            "    @workflow.query(name=EVENTS)\n",
            '    @workflow.query(name="stage")\n    def stage(self) -> str:\n        """How far it is."""\n        return self._settlement.progress.stage.value\n\n    @workflow.query(name=EVENTS)\n',
        ),
    ),
    harmless(
        "a new update",
        "no history has it",
        workflows(
            "settlement_workflow",
            "    @workflow.signal(name=LOOK_AGAIN)\n",
            '    @workflow.update(name="hold")\n    def hold(self, reason: str) -> None:\n        """Note a wish to hold it."""\n        self._settlement.tell("order", reason)\n\n    @workflow.signal(name=LOOK_AGAIN)\n',
        ),
    ),
    harmless(
        "an event's words",
        "events are in no command but a continued run's input",
        workflows("settlement", '"units are in escrow already"', '"the units were in escrow already"'),
    ),
    harmless(
        "a blocker's words",
        "they are labels and search attributes' values only",
        workflows("steps", 'who=f"operator of the {self.role} worker"', 'who=f"whoever runs the {self.role} worker"'),
    ),
    harmless(
        "the details that the Web UI shows",
        "details are no command",
        workflows("shown", '"Both legs have moved."', '"Both legs have moved, and it is final."'),
    ),
    harmless(
        "a line in the log",
        "a replay writes none",
        workflows(
            "settlement",
            "        self.progress.lock = LockState.LOCKED\n        self.progress.keep(answer)\n",
            '        self.progress.lock = LockState.LOCKED\n        workflow.logger.info("locked: entry %s", answer.position)\n        self.progress.keep(answer)\n',
        ),
    ),
    harmless(
        "one more thing counted",
        "the meter counts nothing in a replay, and is no command",
        workflows(
            "metrics",
            "def count_wait(",
            'def count_step(name: str) -> None:\n    """A step was taken."""\n    workflow.metric_meter().create_counter("interlock_steps", "steps taken").add(1, {"step": name})\n\n\ndef count_wait(',
        ),
        workflows(
            "settlement",
            "from interlock.workflows.metrics import count_end\n",
            "from interlock.workflows.metrics import count_end, count_step\n",
        ),
        workflows("settlement", _PAY, f'{_PAY}        count_step("pay")\n'),
    ),
    harmless(
        "a step added before the payment, behind a patch",
        "what was begun before takes the old way",
        workflows(
            "settlement",
            _PAY,
            f'        if workflow.patched("verdict-before-payment"):\n            await self.read_verdict()\n{_PAY}',
        ),
    ),
    harmless(
        "a timer's length",
        "a replay fires it when the history says so",
        workflows("waiting", "ANNOUNCED_WAIT = timedelta(hours=1)", "ANNOUNCED_WAIT = timedelta(hours=2)"),
    ),
    harmless(
        "the first wait's length",
        "a replay fires it when the history says so",
        workflows("waiting", "FIRST_WAIT = timedelta(seconds=0.5)", "FIRST_WAIT = timedelta(seconds=2)"),
    ),
    harmless(
        "a sleep's length cut to nothing",
        "the SDK starts a timer all the same",
        workflows("steps", "SHORTEST_WAIT = timedelta(milliseconds=1)", "SHORTEST_WAIT = timedelta()"),
    ),
    harmless(
        "a step's retries",
        "options are not compared, and hold for what is asked from now on",
        workflows("steps", "maximum_interval=timedelta(seconds=5)\n)", "maximum_interval=timedelta(seconds=8)\n)"),
    ),
    harmless(
        "a step's time limit",
        "options are not compared, and hold for what is asked from now on",
        workflows("steps", "STEP_LIMIT = timedelta(seconds=45)", "STEP_LIMIT = timedelta(seconds=60)"),
    ),
    harmless(
        "a field with a default, in what runs hand on",
        "what is not there has its default",
        workflows(
            "progress", "    deadline_seen: bool = False\n", "    deadline_seen: bool = False\n    held: bool = False\n"
        ),
    ),
    harmless(
        "a field that may be left out, in a request",
        "what is not there has its default",
        protocol(
            "attestation",
            "    settlement: SettlementStart | None = None\n\n    @classmethod",
            "    settlement: SettlementStart | None = None\n    urgent: bool = False\n\n    @classmethod",
        ),
    ),
    harmless(
        "one more refusal",
        "no history has it",
        protocol(
            "refusals", '    ID_USED = "id_used"\n', '    ID_USED = "id_used"\n    LEDGER_CLOSED = "ledger_closed"\n'
        ),
    ),
    harmless(
        "a stricter validator",
        "validators are not run for what history has accepted",
        workflows(
            "conversation",
            '        if not signed.signatures:\n            refuse("signature_invalid", "the terms are not signed")\n',
            '        if not signed.signatures:\n            refuse("signature_invalid", "the terms are not signed")\n        if len(signed.signatures) > 2:\n            refuse("signature_invalid", "the terms have two parties")\n',
        ),
    ),
)
