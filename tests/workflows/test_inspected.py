"""A settlement as Temporal shows it, on a real server: what it is found by, its summaries, and what showing costs."""

from collections import Counter
from datetime import timedelta
from functools import partial

from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client
from temporalio.converter import default as default_converter

from interlock.client import SettlementClient
from interlock.protocol.instructions import SettlementStart
from interlock.protocol.names import (
    AMOUNT,
    AMOUNT_APPROX,
    ASSET,
    OUTCOME,
    PARTIES,
    SEARCH_ATTRIBUTES,
    SETTLE_BY,
    SETTLEMENT_ID,
    SETTLEMENT_WORKFLOW,
    STAGE,
    SUSPENDED,
    TERMS_HASHES,
    WAITING_FOR,
    Role,
)
from interlock.protocol.steps import RELEASE
from interlock.protocol.summary import CLIENT_DETAILS
from interlock.worker import search_attributes
from tests.workflows.service import Service, Settlement, until
from tests.world import BUYER, CASH, COORDINATOR, NETWORK, SELLER

UPSERT = EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES


async def settle(service: Service, trade: Settlement) -> None:
    """Both signatures at once, by the client that institutions use."""
    client = SettlementClient(service.client, network=NETWORK, coordinator=COORDINATOR.identity)
    await client.settle(trade.terms, [signer.sign(trade.terms, NETWORK) for signer in (SELLER, BUYER)])


async def found(service: Service, query: str, trade: Settlement) -> bool:
    """Whether a list filter finds this settlement, once the list has caught up."""

    async def listed() -> bool:
        whole = f"WorkflowType = '{SETTLEMENT_WORKFLOW}' AND {query}"
        return trade.name in [run.id async for run in service.client.list_workflows(whole)]

    try:
        return await until(listed)
    except TimeoutError:
        return False


async def attributes(trade: Settlement) -> dict[str, object]:
    """What Temporal holds now of ours."""
    described = await trade.handle.describe()
    known = described.typed_search_attributes
    return {pair.key.name: pair.value for pair in known if pair.key.name in SEARCH_ATTRIBUTES}


async def summaries(trade: Settlement, kind: EventType.ValueType) -> list[str]:
    """The summaries of a kind of event, in order; empty where there is none."""
    converter = default_converter().payload_converter
    events = [event for event in (await trade.history()).events if event.event_type == kind]
    return [
        converter.from_payload(event.user_metadata.summary) if event.user_metadata.HasField("summary") else ""
        for event in events
    ]


async def current_details(trade: Settlement) -> str:
    """As the Web UI asks for them."""
    metadata: WorkflowMetadata = await trade.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return metadata.current_details


async def test_a_settled_trade_is_found_by_every_attribute(service: Service) -> None:
    trade = service.settlement()
    await settle(service, trade)
    await trade.end()
    terms = trade.terms
    assert await attributes(trade) == {
        SETTLEMENT_ID: terms.settlement_id,
        PARTIES: [SELLER.address, BUYER.address],
        TERMS_HASHES: [trade.terms_hash],
        STAGE: "SETTLED",
        OUTCOME: "SETTLED",
        SUSPENDED: False,
        ASSET: "OUSG",
        AMOUNT: "2500",
        AMOUNT_APPROX: 2500.0,
        SETTLE_BY: terms.settle_by,
    }
    before, after = terms.settle_by - timedelta(seconds=1), terms.settle_by + timedelta(seconds=1)
    mine = f"{SETTLEMENT_ID} = '{terms.settlement_id}'"
    for query in (
        f"{STAGE} = 'SETTLED'",
        f"{OUTCOME} = 'SETTLED' AND {SUSPENDED} = false AND {WAITING_FOR} IS NULL",
        f"{PARTIES} = '{BUYER.address}'",
        f"{TERMS_HASHES} = '{trade.terms_hash}'",
        f"{ASSET} = 'OUSG' AND {AMOUNT} = '2500' AND {AMOUNT_APPROX} > 2499.5 AND {AMOUNT_APPROX} < 2500.5",
        f"{SETTLE_BY} BETWEEN '{before.isoformat()}' AND '{after.isoformat()}'",
    ):
        assert await found(service, f"{mine} AND {query}", trade), query


async def test_what_is_waited_for_is_found_while_it_is_waited_for(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    assert await found(service, f"{WAITING_FOR} = 'insufficient_balance' AND {STAGE} = 'ATTESTED'", trade)
    assert "**Waits because**" in await current_details(trade)
    assert "**Next attempt**" in await current_details(trade)
    timers = await summaries(trade, EventType.EVENT_TYPE_TIMER_STARTED)
    assert timers
    assert all(timer.startswith("ask again: ") and "northbank" in timer for timer in timers)
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    await trade.end()
    assert WAITING_FOR not in await attributes(trade)


async def test_a_suspended_trade_is_found_and_says_so(service: Service) -> None:
    trade = service.settlement()
    service.asset.hold(RELEASE.name)
    await trade.instruct()
    await service.asset.until_holding(RELEASE.name)
    await service.world.act(service.world.asset, "expel", "northbank")
    service.asset.let_go(RELEASE.name)
    await trade.until_blocked("not_admitted")
    assert await found(service, f"{SUSPENDED} = true", trade)
    assert "**SUSPENDED**" in await current_details(trade)
    await service.world.act(service.world.asset, "admit", "northbank")
    await trade.look_again()
    await trade.end()
    assert (await attributes(trade))[SUSPENDED] is False


async def test_a_rejected_trade_tells_its_reason_after_its_end_too(service: Service) -> None:
    trade = service.settlement(delivery={"receiver": "nobody"})
    await trade.instruct()
    await trade.end()
    assert await found(service, f"{OUTCOME} = 'REJECTED' AND {WAITING_FOR} = 'unknown_account'", trade)
    assert "**Rejected because**" in await current_details(trade)


async def test_an_amount_too_large_for_an_sql_index_is_found_by_its_exact_text_only(service: Service) -> None:
    trade = service.settlement(delivery={"quantity": 2**256 - 1})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    shown = await attributes(trade)
    assert AMOUNT_APPROX not in shown
    assert shown[AMOUNT] == "115792089237316195423570985008687907853269984665640564039457.584007913129639935"


async def test_the_one_line_and_every_step_are_summed_up(service: Service) -> None:
    trade = service.settlement()
    await settle(service, trade)
    await trade.end()
    described = await trade.handle.describe()
    assert await described.static_summary() == "OUSG 2,500.00 for USD 285,000.00, ALPINE to NORTHBANK"
    assert await described.static_details() == CLIENT_DETAILS
    steps = await summaries(trade, EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    assert Counter(steps) >= Counter(
        [
            "2,500.00 OUSG, alpine to northbank",
            "285,000.00 USD, northbank to alpine",
            "2,500.00 OUSG of alpine",
            "LOCKED on asset",
            "285,000.00 USD, northbank to alpine",
            "PAID on payment",
            "2,500.00 OUSG to northbank",
        ]
    )
    assert "" not in steps
    assert "**SETTLED**" in await current_details(trade)


async def test_a_false_summary_does_not_change_the_settlements_own_word(service: Service) -> None:
    trade = service.settlement()
    await service.client.start_workflow(
        SETTLEMENT_WORKFLOW,
        SettlementStart.of(trade.terms, NETWORK),
        id=trade.name,
        task_queue=Role.SETTLEMENT.task_queue,
        static_summary="all is paid",
    )
    await trade.instruct(SELLER)
    assert await (await trade.handle.describe()).static_summary() == "all is paid"
    shown = await current_details(trade)
    assert shown.startswith("### OUSG 2,500.00 for USD 285,000.00")
    assert "**PROPOSED**" in shown
    await trade.withdraw(SELLER)
    await trade.end()


async def test_showing_costs_a_settled_trade_two_upserts_and_nothing_else(service: Service) -> None:
    trade = service.settlement()
    await settle(service, trade)
    await trade.end()
    assert await trade.counted(UPSERT) == 2
    kinds = Counter(EventType.Name(event.event_type) for event in (await trade.history()).events)
    assert kinds["EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED"] == 0


async def test_a_wait_costs_two_upserts_however_long_it_is(service: Service) -> None:
    trade = service.settlement(payment={"quantity": 11 * CASH})
    await trade.instruct()
    await trade.until_blocked("insufficient_balance")
    for _ in range(5):
        asked = service.payment.asked["pay"]
        await trade.look_again()
        await until(partial(asked_again, service, asked))
    await service.world.mint(service.world.payment, "northbank", "USD", CASH)
    await trade.end()
    assert await trade.counted(UPSERT) == 4


async def asked_again(service: Service, before: int) -> bool:
    """Whether the payment ledger was asked to pay once more."""
    return service.payment.asked["pay"] > before


async def test_every_type_of_ours_can_be_registered_and_registering_again_changes_nothing(temporal: Client) -> None:
    assert (await search_attributes.standing(temporal)).complete
    assert (await search_attributes.register(temporal)).complete
    assert set(SEARCH_ATTRIBUTES.values()) <= set(search_attributes._TYPES)
