"""What one version writes the other one reads, or refuses by name; in both directions, on the bytes themselves."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter

from interlock.client.understanding import unreadable
from interlock.protocol import Receipt, Refusal, RefusalCode, SettlementReport, SignedTerms, Stage, Terms
from interlock.protocol.eip712 import Unsigned, struct_hash
from interlock.protocol.instructions import RunStart, SettlementStart, SweepResult
from interlock.protocol.receipts import Operation
from interlock.protocol.reports import SettlementEvent
from interlock.protocol.steps import PayRequest
from interlock.workflows.progress import Progress, Run
from tests.evolution.later import Later
from tests.world import BUYER, NETWORK, SELLER

CONVERTER = pydantic_data_converter.payload_converter
AT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
HASH = "0x" + "ab" * 32
REPORT = SettlementReport(settlement_id="A-1", terms_hash=HASH, stage=Stage.PAID, settle_by=AT, trace_id="ab" * 16)
RECEIPT = Receipt(ledger="asset", operation=Operation.LOCK, terms_hash=HASH, reference="r", position=7, at=AT)
START = SettlementStart(network=NETWORK, settlement_id="A-1", seller=SELLER.address, buyer=BUYER.address)

LATER_START = f"""
from interlock.protocol.instructions import RunStart, SettlementStart
start = SettlementStart(network="{NETWORK}", settlement_id="A-1", seller="{SELLER.address}", buyer="{BUYER.address}")
def saying(urgent): return RunStart(**start.model_dump(), urgent=urgent)
"""
LATER_REPORT = """
from datetime import datetime, timezone
from interlock.protocol.reports import Stage, SettlementReport, SettlementEvent
at = datetime(2026, 11, 28, 12, 0, tzinfo=timezone.utc)
"""


def written(value: object) -> bytes:
    """What this version sends."""
    data: bytes = CONVERTER.to_payloads([value])[0].data
    return data


def read(kind: Any, data: bytes) -> Any:
    """What this version understands of it. Raises as Temporal's SDK would."""
    return CONVERTER.from_payload(Payload(metadata={"encoding": b"json/plain"}, data=data), kind)


def test_what_is_told_by_a_later_version_is_read_as_far_as_it_is_known(grown: Later) -> None:
    report = read(
        SettlementReport,
        grown.say(
            f"{LATER_REPORT}write(SettlementReport(settlement_id='A-1', terms_hash='{HASH}', stage=Stage.NETTED, "
            f"settle_by=at, custody='here', allowed=('split', 'cancel'), trace_id='{'ab' * 16}'))"
        ),
    )
    assert (report.stage, report.stage.is_known, report.allowed) == ("NETTED", False, ("cancel",))
    assert report.stage not in set(Stage)
    assert report.model_copy(update={"stage": Stage.PAID, "allowed": ()}) == REPORT

    said = grown.say(f"{LATER_REPORT}write(SettlementEvent(at=at, stage=Stage.PAID, kind='split', text='in two'))")
    assert read(SettlementEvent, said) == SettlementEvent(at=AT, stage=Stage.PAID, kind="split", text="in two")

    said = grown.say("write(Refusal(code=RefusalCode.MARKET_CLOSED, text='it is night'))")
    refusal = read(Refusal, said)
    assert (refusal.code, refusal.code.is_known, refusal.text) == ("market_closed", False, "it is night")


def test_what_this_version_tells_a_later_one_reads(grown: Later) -> None:
    for value in (REPORT, RECEIPT, Refusal(code=RefusalCode.TOO_EARLY, text="wait"), SweepResult(position=3)):
        again = grown.say(
            f"from interlock.protocol.instructions import *\nwrite(read({type(value).__name__}))", written(value)
        )
        assert read(type(value), again) == value


def test_a_later_versions_receipt_is_read_without_what_is_new_in_it(grown: Later) -> None:
    data = json.loads(written(RECEIPT)) | {"block": 12}
    assert json.loads(grown.say("write(read(Receipt))", json.dumps(data).encode()))["block"] == 12
    assert read(Receipt, json.dumps(data).encode()) == RECEIPT


@pytest.mark.parametrize("progress", [None, Progress(waits=3, deadline_seen=True)])
def test_what_this_version_starts_or_continues_a_later_one_takes_up(grown: Later, progress: Progress | None) -> None:
    ours = Run(**START.model_dump(), progress=progress)
    again = grown.say("from interlock.workflows.progress import Run\nwrite(read(Run))", written(ours))
    assert read(Run, again) == ours


def test_a_run_started_before_runs_were_told_where_their_steps_are_is_taken_up() -> None:
    assert read(Run, written(START)) == Run(**START.model_dump())


def test_a_later_clients_start_that_uses_nothing_new_is_understood(grown: Later) -> None:
    data = grown.say(f"{LATER_START}write(saying(urgent=False))")
    assert read(Run, data) == Run(**START.model_dump())
    assert read(RunStart, data) == RunStart(**START.model_dump())


@pytest.mark.parametrize("new", [{"netted_with": "B-2"}, {"stage": "NETTED"}, {"outcome": "SPLIT"}])
def test_progress_with_something_new_in_it_is_not_understood(new: dict[str, str]) -> None:
    """Who goes on from it must know what it means."""
    data = json.loads(written(Run(**START.model_dump(), progress=Progress(waits=3))))
    data["progress"] |= new
    with pytest.raises(ValidationError, match=next(iter(new))):
        read(Run, json.dumps(data).encode())


def test_a_later_versions_request_is_understood_unless_it_asks_for_something_new(grown: Later) -> None:
    program = """
from tests.world import *
from interlock.protocol.steps import PayRequest
world = World(None, None)
terms = world.terms(settlement_id="A-1")
certificate = world.certificate({fact}, terms)
write(PayRequest(signed=world.signed(terms), certificate=certificate, batch={batch}))
"""
    fact = "Fact.LOCKED"
    plain = program.replace("{fact}", fact)
    assert isinstance(read(PayRequest, grown.say(plain.replace("{batch}", "None"))), PayRequest)
    with pytest.raises(ValidationError, match="batch"):
        read(PayRequest, grown.say(plain.replace("{batch}", "'night'")))


def test_signed_terms_with_a_field_that_is_not_known_are_refused_even_at_its_default(resigned: Later) -> None:
    data = resigned.say(
        "from tests.world import *\nworld = World(None, None)\nwrite(world.signed(world.terms(settlement_id='A-1')))"
    )
    with pytest.raises(ValidationError, match=r"terms\.place"):
        read(SignedTerms, data)


def test_what_was_signed_before_terms_had_a_field_does_not_count_for_terms_that_have_it(resigned: Later) -> None:
    """Not even if the field stands at its default: who signed did not see it."""
    said = resigned.say(
        "import json\nfrom tests.world import *\nterms = World(None, None).terms(settlement_id='A-1')\n"
        "sys.stdout.write(json.dumps([terms.model_dump(mode='json'), terms.hash(NETWORK)]))"
    )
    terms, theirs = json.loads(said)
    assert terms.pop("place") == "XOFF"
    assert read(Terms, json.dumps(terms).encode()).hash(NETWORK) != theirs


def test_an_answer_that_lacks_what_this_client_needs_says_that_the_service_is_older() -> None:
    data = json.loads(written(REPORT))
    del data["trace_id"]
    assert older_of(lambda: read(SettlementReport, json.dumps(data).encode())) == "service"


def test_an_answer_with_a_verdict_that_is_not_known_says_that_the_client_is_older() -> None:
    """A verdict is closed: what one cannot read, one must not guess."""
    data = json.loads(written(REPORT)) | {"verdict": "SPLIT"}
    assert older_of(lambda: read(SettlementReport, json.dumps(data).encode())) == "client"


def older_of(reading: Callable[[], object]) -> str | None:
    """Which side is older, by the error that a client makes of what it could not read."""
    with pytest.raises(ValidationError) as caught:
        reading()
    return getattr(unreadable(caught.value), "older", None)


def test_nothing_that_may_grow_unseen_is_ever_signed() -> None:
    kinds = unsigned_kinds(Unsigned)
    assert {SettlementReport, Refusal, Receipt, PayRequest, RunStart} <= kinds
    for value in (REPORT, RECEIPT, START):
        with pytest.raises(TypeError, match="never signed"):
            struct_hash(value)


def unsigned_kinds(kind: type[Unsigned]) -> set[type[Unsigned]]:
    """It, and all that are kinds of it."""
    return {kind}.union(*(unsigned_kinds(each) for each in kind.__subclasses__()))
