"""What the verbs still do when no worker runs, Temporal has stopped answering, or the whole stack is down."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from temporalio.client import Client

from tests.cli.settling_stack import Stack, settling_stack
from tests.cli.test_settlement_verbs import OPERATORS, ends


def shown(stack: Stack, name: str) -> tuple[dict[str, object], str]:
    """The report and its blocker's code, which must come within 10 seconds."""
    ran = stack.run("show", name)
    assert ran.code == 0, ran.out
    return ran.json, ran.json["blocker"]["code"] if ran.json["blocker"] else ""


async def terminate(stack: Stack, name: str) -> None:
    """End the run of a settlement from outside."""
    temporal = await Client.connect(stack.where["temporal"])
    (run,) = [each async for each in temporal.list_workflows(f"InterlockSettlementId = '{name}'")]
    await temporal.get_workflow_handle(run.id).terminate("tests say so")


def test_the_ledgers_answer_when_nobody_else_does(tmp_path: Path) -> None:
    with settling_stack(tmp_path / "stack") as stack:
        settled, waiting, proposed = stack.trade(), stack.trade(buyer="poor"), stack.trade()
        assert stack.run("settle", stack.file(settled)).code == 0
        assert stack.run("settle", stack.file(waiting), "--no-wait").code == 0
        assert stack.run("instruct", stack.file(proposed), "--as", "alpine").code == 0
        name = waiting["settlement_id"]
        deadline = time.monotonic() + 30
        while stack.run("show", name).json["blocker"] is None:
            assert time.monotonic() < deadline
        stack.child("interlock.worker").kill()

        new = stack.trade()
        with ThreadPoolExecutor() as at_once:  # each waits for a worker for a while before it asks the ledgers
            of_waiting = at_once.submit(shown, stack, name)
            in_words = at_once.submit(stack.say, "show", name)
            of_proposed = at_once.submit(shown, stack, proposed["settlement_id"])
            of_settled = at_once.submit(shown, stack, settled["settlement_id"])
            again = at_once.submit(stack.run, "settle", stack.file(settled, "settled.json"))
            unsent = at_once.submit(stack.run, "settle", stack.file(new, "new.json"))
        report, why = of_waiting.result()
        assert (report["stage"], report["lock"], why) == ("LOCKED", "locked", "no_worker")
        assert "the ledgers say" in in_words.result().out
        report, why = of_proposed.result()
        assert (report["stage"], why) == ("PROPOSED", "no_worker")
        report, _ = of_settled.result()
        assert ends(report) == ("SETTLED", "PAID", "released")
        assert again.result().code == 0
        assert (unsent.result().code, unsent.result().error["code"]) == (3, "no_worker")
        asyncio.run(terminate(stack, new["settlement_id"]))
        assert shown(stack, new["settlement_id"])[1] == "terminated"  # with or without a worker
        waits_for = {each["settlement_id"]: each["blocker"] for each in stack.run("list").json["settlements"]}
        assert waits_for[new["settlement_id"]]["code"] == "terminated"
        assert waits_for[name]["code"] == "no_worker"

        assert stack.run("void", name, *OPERATORS).json["verdict"] == "VOIDED"

        temporal = stack.child("temporal", "start-dev")
        temporal.suspend()
        report, why = shown(stack, name)
        assert (report["stage"], report["verdict"], why) == ("VOIDED", "VOIDED", "unreachable")
        temporal.resume()

    down = stack.run("show", name)
    assert (down.code, down.error["code"]) == (3, "unreachable")
    assert "interlock up" in down.error["message"]
