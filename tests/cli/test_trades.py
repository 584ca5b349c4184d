"""Trade files: exact, and each mistake named by field and reason. Nothing is asked of any server."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from interlock.cli.trades import BadTrade, LedgerBook, WrittenTrade, terms_of
from interlock.protocol import AccountState, Terms
from tests.world import BUYER, COORDINATOR, OUSG, SELLER, STRANGER, USD

TRADE: dict[str, Any] = {
    "settlement_id": "OUSG-20261123-0001",
    "delivery": {
        "ledger": "asset",
        "asset": "OUSG",
        "quantity": "2500.00",
        "deliverer": "alpine",
        "receiver": "northbank",
    },
    "payment": {
        "ledger": "payment",
        "asset": "USD",
        "quantity": "285000.00",
        "deliverer": "northbank",
        "receiver": "alpine",
    },
    "settle_by": "2026-11-23T17:00:00Z",
}


def account(ledger: str, name: str, owner: str) -> AccountState:
    return AccountState(ledger=ledger, account=name, owner=owner, admitted=True, frozen=False, balances={})


def book(ledger: str) -> LedgerBook:
    owners = {"alpine": SELLER, "alpine-2": SELLER, "northbank": BUYER, "stranger": STRANGER}
    return LedgerBook(
        accounts={name: account(ledger, name, owner.address) for name, owner in owners.items()},
        assets={asset.code: asset for asset in (OUSG, USD)},
    )


BOOKS = {"asset": book("asset"), "payment": book("payment")}


def meant(text: str) -> Terms:
    return terms_of(WrittenTrade.parse(text), BOOKS, COORDINATOR.identity)


def changed(*path: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(trade: dict[str, Any]) -> None:
        for name in path[:-1]:
            trade = trade[name]
        trade[path[-1]] = to

    return change


def with_changes(*changes: Callable[[dict[str, Any]], None]) -> str:
    trade = json.loads(json.dumps(TRADE))
    for change in changes:
        change(trade)
    return json.dumps(trade)


def test_a_trade_file_means_exact_terms() -> None:
    terms = meant(json.dumps(TRADE, indent=2))
    assert (terms.seller, terms.buyer) == (SELLER.address, BUYER.address)
    assert (terms.delivery.quantity, terms.payment.quantity) == (2500 * 10**18, 285_000_00)
    assert terms.coordinator == COORDINATOR.identity
    assert meant(json.dumps(TRADE)) == terms


@pytest.mark.parametrize(
    ("written", "smallest"),
    [("0.000000000000000001", 1), ("1", 10**18), ("100000000000000000.5", 10**35 + 5 * 10**17)],
)
def test_quantities_are_exact_to_the_last_decimal(written: str, smallest: int) -> None:
    assert meant(with_changes(changed("delivery", "quantity", to=written))).delivery.quantity == smallest


@pytest.mark.parametrize("time", ["2026-11-23T18:00:00+01:00", "2026-11-23T17:00:00.000Z", "2026-11-23T17:00Z"])
def test_the_same_moment_written_otherwise_is_the_same_terms(time: str) -> None:
    assert meant(with_changes(changed("settle_by", to=time))) == meant(json.dumps(TRADE))


def test_not_before_may_be_given() -> None:
    terms = meant(with_changes(changed("not_before", to="2026-11-23T09:00:00Z")))
    assert terms.not_before is not None
    assert terms.not_before < terms.settle_by


DELIVERY, PAYMENT = "delivery.quantity", "payment.quantity"


@pytest.mark.parametrize(
    ("field", "change", "code"),
    [
        ("memo", changed("memo", to="x"), "invalid_trade"),
        ("delivery.memo", changed("delivery", "memo", to="x"), "invalid_trade"),
        (DELIVERY, changed("delivery", "quantity", to=2.5), "invalid_trade"),
        (DELIVERY, changed("delivery", "quantity", to=2), "invalid_trade"),
        (DELIVERY, changed("delivery", "quantity", to=None), "invalid_trade"),
        (DELIVERY, changed("delivery", "quantity", to="-2.5"), "invalid_quantity"),
        (DELIVERY, changed("delivery", "quantity", to="0.00"), "invalid_quantity"),
        (DELIVERY, changed("delivery", "quantity", to="1e3"), "invalid_quantity"),
        (DELIVERY, changed("delivery", "quantity", to="1,000"), "invalid_quantity"),
        (DELIVERY, changed("delivery", "quantity", to=" 1"), "invalid_quantity"),
        (DELIVERY, changed("delivery", "quantity", to="NaN"), "invalid_quantity"),
        (DELIVERY, changed("delivery", "quantity", to="٣"), "invalid_quantity"),
        (PAYMENT, changed("payment", "quantity", to="1.001"), "invalid_quantity"),
        (PAYMENT, changed("payment", "quantity", to=str(2**256)), "invalid_quantity"),
        ("delivery.ledger", changed("delivery", "ledger", to="gold"), "unknown_ledger"),
        ("delivery.asset", changed("delivery", "asset", to="GOLD"), "unknown_asset"),
        ("delivery.deliverer", changed("delivery", "deliverer", to="nobody"), "unknown_account"),
        ("payment.receiver", changed("payment", "receiver", to="nobody"), "unknown_account"),
        ("payment.receiver", changed("payment", "receiver", to="stranger"), "wrong_owner"),
        ("delivery.receiver", changed("delivery", "receiver", to="stranger"), "wrong_owner"),
        ("payment.ledger", changed("payment", "ledger", to="asset"), "invalid_trade"),
        ("payment.receiver", changed("payment", "receiver", to="northbank"), "invalid_trade"),
        ("settle_by", changed("settle_by", to="2026-11-23T17:00:00"), "invalid_trade"),
        ("settle_by", changed("settle_by", to="tomorrow"), "invalid_trade"),
        ("settle_by", changed("settle_by", to=1795453200), "invalid_trade"),
        ("settle_by", changed("settle_by", to="2026-02-30T17:00:00Z"), "invalid_trade"),
        ("settle_by", lambda trade: trade.pop("settle_by"), "invalid_trade"),
        ("not_before", changed("not_before", to="2026-11-23T17:00:00Z"), "invalid_trade"),
        ("settlement_id", changed("settlement_id", to="lower"), "invalid_trade"),
        ("settlement_id", changed("settlement_id", to="A" * 53), "invalid_trade"),
        ("delivery", changed("delivery", to="2500 OUSG"), "invalid_trade"),
    ],
)
def test_each_mistake_names_its_field(field: str, change: Callable[[dict[str, Any]], None], code: str) -> None:
    with pytest.raises(BadTrade) as caught:
        meant(with_changes(change))
    assert (caught.value.field, caught.value.code) == (field, code)
    assert caught.value.reason


def test_one_party_on_both_sides_is_no_trade() -> None:
    same = {"deliverer": "alpine-2", "receiver": "alpine"}
    with pytest.raises(BadTrade, match="same party"):
        meant(with_changes(lambda trade: trade["payment"].update(same), changed("delivery", "receiver", to="alpine-2")))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '"x"',
        "[" * 100_000,
        '{"settlement_id": ' + "1" * 5000 + "}",
        '{"settlement_id": "A", "settlement_id": "B"}',
    ],
)
def test_what_is_no_json_object_is_no_trade(text: str) -> None:
    with pytest.raises(BadTrade):
        WrittenTrade.parse(text)
