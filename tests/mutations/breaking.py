"""Changes that break open settlements, each of a kind that reads as harmless in a review."""

from tests.mutations.mutation import breaks, protocol, workflows

_CHECKS = """            delivery, payment = await asyncio.gather(
                self.steps.take(CHECK_DELIVERY, signed), self.steps.take(CHECK_PAYMENT, signed)
            )
"""
_RECORDED = "            await self.steps.recorded()\n"
_STANDING = """        lock = await self.steps.take(LOCK_OF, key)
        verdict = lock if isinstance(lock, Fault) else await self.steps.take(VERDICT_OF, key)
        if isinstance(verdict, Fault):
"""
_PAY = "        answer = await self.steps.take(PAY, PayRequest(signed=self.signed, certificate=certificate))\n"
_LAST_WAIT = "                self.progress.deadline_seen = True\n        await self.wait(answer)\n"
_OTHER_ORDER = "the commands of recorded histories come in another order"
_NO_SUCH = "what waits on a queue, or is in a history, has the old name"

STEPS_CHANGED = (
    breaks(
        "the two checks swapped in their gather",
        _OTHER_ORDER,
        workflows(
            "settlement",
            _CHECKS,
            """            payment, delivery = await asyncio.gather(
                self.steps.take(CHECK_PAYMENT, signed), self.steps.take(CHECK_DELIVERY, signed)
            )
""",
        ),
    ),
    breaks(
        "the two ledgers asked in the other order before the match",
        _OTHER_ORDER,
        workflows(
            "matching",
            _STANDING,
            """        verdict = await self.steps.take(VERDICT_OF, key)
        lock = verdict if isinstance(verdict, Fault) else await self.steps.take(LOCK_OF, key)
        if isinstance(lock, Fault):
            verdict = lock
        if isinstance(verdict, Fault):
""",
        ),
    ),
    breaks(
        "a step added before the payment",
        "an open settlement has a payment in its history where the code now reads the verdict",
        workflows("settlement", _PAY, f"        await self.read_verdict()\n{_PAY}"),
    ),
    breaks(
        "a step dropped: the verdict is not read after a void",
        "histories have it",
        workflows(
            "settlement",
            "            return await self.read_verdict()\n        if isinstance(answer, Refusal) and self._drops(",
            """            self.progress.verdict = VerdictKind.VOIDED
            self.progress.voided_by = authority.kind
            self.reach(Stage.VOIDED, "voided")
            return None
        if isinstance(answer, Refusal) and self._drops(""",
        ),
    ),
    breaks(
        "a step renamed",
        _NO_SUCH,
        protocol("steps", 'Answer] = Step("lock", Role', 'Answer] = Step("lock units", Role'),
    ),
    breaks(
        "the checks one after the other, no longer at once",
        "both were scheduled in one task",
        workflows(
            "settlement",
            _CHECKS,
            """            delivery = await self.steps.take(CHECK_DELIVERY, signed)
            payment = await self.steps.take(CHECK_PAYMENT, signed)
""",
        ),
    ),
    breaks(
        "the checks in the order of a set",
        "sets of text are ordered otherwise in each process",
        workflows(
            "settlement",
            _CHECKS,
            """            known = {each.name: each for each in CHECKS}
            order = list({*known})
            answers = dict(
                zip(order, await asyncio.gather(*(self.steps.take(known[name], signed) for name in order)), strict=True)
            )
            delivery, payment = answers[CHECK_DELIVERY.name], answers[CHECK_PAYMENT.name]
""",
        ),
    ),
    breaks(
        "a step's argument of another type",
        "what waits on the ledger's queue is of the old type, and workers of the old code know no other",
        workflows(
            "settlement",
            "self.steps.take(CHECK_PAYMENT, signed)\n",
            "self.steps.take(CHECK_PAYMENT, signed.terms)\n",
        ),
        protocol(
            "steps",
            'CHECK_PAYMENT: Step[SignedTerms, Check] = Step("check payment", Role.PAYMENT, SignedTerms, Check)',
            'CHECK_PAYMENT: Step[Terms, Check] = Step("check payment", Role.PAYMENT, Terms, Check)',
        ),
    ),
    breaks(
        "a request with a new field that must be given",
        "requests on their way do not have it",
        protocol(
            "attestation",
            "    ledger: LedgerName\n    settlement",
            "    ledger: LedgerName\n    urgent: bool\n    settlement",
        ),
        protocol("attestation", "ledger=leg.ledger, settlement", "ledger=leg.ledger, urgent=False, settlement"),
    ),
    breaks(
        "steps that were taken here are sent to their queues",
        "histories have a marker where the code now schedules a task",
        workflows("steps", "        if step.role not in self._local:\n", "        if True:\n"),
    ),
    breaks(
        "steps are tried here first, whatever the run's start says",
        "histories have a scheduled task where the code now tries here",
        workflows(
            "steps",
            "self._local = frozenset(local_roles)",
            "self._local = frozenset(local_roles) | (frozenset(Role) - {Role.SETTLEMENT})",
        ),
    ),
    breaks(
        "the roles' queues renamed",
        _NO_SUCH,
        protocol("names", 'return f"interlock-{self.value}"', 'return f"dvp-{self.value}"'),
    ),
)

WAITS_CHANGED = (
    breaks(
        "a pause added before each wait",
        "a timer that no history has",
        workflows(
            "settlement",
            _LAST_WAIT,
            _LAST_WAIT.replace("        await self.wait", "        await asyncio.sleep(1)\n        await self.wait"),
        ),
    ),
    breaks(
        "a new thing awaited before the payment: a nudge, for a second at most",
        "an await with a limit is a timer",
        workflows(
            "settlement",
            _PAY,
            f"""        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self.nudged, timeout=1)
{_PAY}""",
        ),
        workflows("settlement", "import asyncio\n", "import asyncio\nfrom contextlib import suppress\n"),
    ),
    breaks(
        "a wait removed: a missing quorum is asked for again at once",
        "histories have a timer there",
        workflows(
            "settlement",
            "                if await self.read_verdict() is None:\n                    return\n",
            "                await self.read_verdict()\n                return\n",
        ),
    ),
    breaks(
        "the moment's wait for the other side removed",
        "histories have its timer",
        workflows(
            "matching", "                if await self._other_side_is_quick():\n                    continue\n", ""
        ),
    ),
    breaks(
        "a wait's length cut to nothing",
        "a condition awaited for no time at all has no timer",
        workflows("waiting", "ANNOUNCED_WAIT = timedelta(hours=1)", "ANNOUNCED_WAIT = timedelta()"),
    ),
    breaks(
        "check and lock may share a workflow task",
        "histories have a timer between them where there was no nudge",
        workflows("settlement", _RECORDED, ""),
    ),
    breaks(
        "a run continues as new by its own count of events",
        "histories went on, or ended, where the server said so",
        workflows(
            "waiting",
            "workflow.info().is_continue_as_new_suggested() and",
            "workflow.info().get_current_history_length() > 1000 and",
        ),
    ),
    breaks(
        "a run continues as new though somebody waits for an answer",
        "histories answered first",
        workflows(
            "waiting",
            "workflow.info().is_continue_as_new_suggested() and workflow.all_handlers_finished()",
            "workflow.info().is_continue_as_new_suggested()",
        ),
    ),
    breaks(
        "the end does not wait for whoever is still to be answered",
        "histories answered before they ended",
        workflows("settlement", "        await workflow.wait_condition(workflow.all_handlers_finished)\n", ""),
    ),
    breaks(
        "a refusal taken for another: closed terms are waited for",
        "histories read the verdict there",
        workflows(
            "settlement", "RefusalCode.ALREADY_VOIDED, RefusalCode.TERMS_CLOSED})", "RefusalCode.ALREADY_VOIDED})"
        ),
    ),
)

OTHERS_CHANGED = (
    breaks(
        "the clock read: the machine's, not the history's",
        "a replay, later, sees another time",
        workflows(
            "settlement",
            "progress, now, terms_hash = self.progress, workflow.now(),",
            "progress, now, terms_hash = self.progress, datetime.now(UTC),",
        ),
        workflows("settlement", "import asyncio\n", "import asyncio\nfrom datetime import UTC, datetime\n"),
    ),
    breaks(
        "chance: which ledger is checked first",
        "a replay throws another coin",
        workflows(
            "settlement",
            _CHECKS,
            """            first, second = random.sample(CHECKS, 2)
            one, two = await asyncio.gather(self.steps.take(first, signed), self.steps.take(second, signed))
            delivery, payment = (one, two) if first is CHECK_DELIVERY else (two, one)
""",
        ),
        workflows("settlement", "import asyncio\n", "import asyncio\nimport random\n"),
    ),
    breaks(
        "an update dropped",
        "histories have accepted it",
        workflows(
            "settlement_workflow",
            '''    @workflow.update(name=WITHDRAW)
    def withdraw(self, signed: SignedWithdrawal) -> SettlementReport:
        """Take a proposal back; with none left the settlement ends CANCELLED."""
        return self._settlement.withdraw(signed)

    @withdraw.validator
    def _may_withdraw(self, signed: SignedWithdrawal) -> None:
        self._settlement.may_withdraw(signed)

''',
            "",
        ),
    ),
    breaks("an update renamed", _NO_SUCH, protocol("names", 'CANCEL = "cancel"', 'CANCEL = "consent"')),
    breaks("the signal renamed", _NO_SUCH, protocol("names", 'LOOK_AGAIN = "look_again"', 'LOOK_AGAIN = "nudge"')),
    breaks(
        "a query renamed",
        "clients of the old code ask for the old one",
        protocol("names", 'REPORT = "report"', 'REPORT = "status"'),
    ),
    breaks(
        "the workflow renamed",
        _NO_SUCH,
        protocol("names", 'SETTLEMENT_WORKFLOW = "Settlement"', 'SETTLEMENT_WORKFLOW = "Dvp"'),
    ),
    breaks(
        "search attributes sent at each stage",
        "an upsert is a command",
        workflows(
            "waiting",
            '        self.unblock()\n        self.tell("step", text)\n',
            '        self.unblock()\n        self.tell("step", text)\n        self.publish()\n',
        ),
    ),
    breaks(
        "search attributes no longer sent at a wait",
        "histories have that command",
        workflows("waiting", "            self.publish()\n            count_wait(", "            count_wait("),
    ),
    breaks(
        "one more search attribute: how often it has waited",
        "where none differed before, there is a command now",
        workflows(
            "found",
            "        (SearchAttributeKey.for_bool(SUSPENDED), progress.suspended),\n",
            """        (SearchAttributeKey.for_bool(SUSPENDED), progress.suspended),
        (SearchAttributeKey.for_int("InterlockWaits"), progress.waits),
""",
        ),
    ),
    breaks(
        "a memo kept of the stage",
        "a memo is a command",
        workflows(
            "waiting",
            "        self.progress.stage = stage\n",
            '        self.progress.stage = stage\n        workflow.upsert_memo({"stage": stage.value})\n',
        ),
    ),
    breaks(
        "a field that runs hand on, dropped",
        "a run that was continued as new cannot read what the one before hands it",
        workflows("progress", "    deadline_seen: bool = False\n", ""),
        workflows("settlement", "progress.deadline_seen or now", "now"),
        workflows("settlement", "                self.progress.deadline_seen = True\n", "                pass\n"),
    ),
    breaks(
        "a refusal's code renamed",
        "histories have the old one, and read the verdict on it; one that is not known is waited for",
        protocol("refusals", 'TERMS_CLOSED = "terms_closed"', 'TERMS_CLOSED = "terms_ended"'),
    ),
)

BREAKING = (*STEPS_CHANGED, *WAITS_CHANGED, *OTHERS_CHANGED)
