"""`interlock ledger` on real ledgers: operators' orders, books in whole units, what is refused and how."""

import json
from decimal import Decimal

import pytest

from interlock.client.keystore import Keystore
from interlock.protocol import Fact, LocalSigner, Receipt
from tests.cli.conftest import Ledgers, Ran
from tests.world import BUYER, SELLER, World


def accounts(ledgers: Ledgers, *words: str) -> dict[str, dict[str, object]]:
    listed = ledgers.run("ledger", "accounts", *words, "--json").json
    assert list(listed) == ["accounts"]
    return {each["account"]: each for each in listed["accounts"]}


def opened(ledgers: Ledgers, account: str, *words: str, ledger: str = "asset") -> str:
    """Open an account for a key of the same name; its address."""
    address: str = ledgers.run("keys", "new", account, "--json").json["address"]
    assert ledgers.run("ledger", "open", ledger, account, "--owner", account, *words).code == 0
    return address


def refused(ran: Ran) -> tuple[int, str, str]:
    return ran.code, ran.error["code"], ran.error["field"]


def test_an_account_is_opened_funded_and_listed_exactly(ledgers: Ledgers) -> None:
    owner = opened(ledgers, "alpine")
    for quantity in ("2500.00", "0.000000000000000001"):
        minted = ledgers.run("ledger", "mint", "asset", "alpine", "OUSG", quantity, "--json")
        assert minted.code == 0
        assert minted.json["receipt"]["operation"] == "order"
    assert accounts(ledgers)["alpine"] == {
        "ledger": "asset",
        "account": "alpine",
        "owner": owner,
        "admitted": True,
        "frozen": False,
        "balances": {"OUSG": "2500.000000000000000001"},
    }
    assert "alpine" not in accounts(ledgers, "payment")
    table = ledgers.run("ledger", "accounts", "asset").out
    assert "2,500.000000000000000001 OUSG" in table


def test_an_owner_may_be_an_address(ledgers: Ledgers) -> None:
    stranger = LocalSigner.generate().address
    assert ledgers.run("ledger", "open", "payment", "by-address", "--owner", stranger.lower()).code == 0
    assert accounts(ledgers)["by-address"]["owner"] == stranger


def test_admission_and_freezes_are_ordered_with_a_reason(ledgers: Ledgers) -> None:
    opened(ledgers, "northbank", "--not-admitted")
    assert accounts(ledgers)["northbank"]["admitted"] is False
    for act, field, value in (
        ("admit", "admitted", True),
        ("expel", "admitted", False),
        ("freeze", "frozen", True),
        ("unfreeze", "frozen", False),
    ):
        assert ledgers.run("ledger", act, "asset", "northbank", "--reason", "the tests say so").code == 0
        assert accounts(ledgers)["northbank"][field] is value
    without = ledgers.run("ledger", "freeze", "asset", "northbank", "--json")
    assert refused(without) == (2, "usage", "")


def test_the_journal_tells_every_posting_with_its_balance(ledgers: Ledgers) -> None:
    opened(ledgers, "meridian", ledger="payment")
    for quantity in ("100.00", "0.50"):
        ledgers.run("ledger", "mint", "payment", "meridian", "USD", quantity, "--reason", f"deposit of {quantity}")
    journal = ledgers.run("ledger", "journal", "payment", "meridian", "--json").json
    assert (journal["ledger"], journal["account"]) == ("payment", "meridian")
    told = [(each["quantity"], each["balance"], each["reason"]) for each in journal["entries"]]
    assert told == [("100", "100", "deposit of 100.00"), ("0.5", "100.5", "deposit of 0.50")]
    assert "deposit of 0.50" in ledgers.run("ledger", "journal", "payment", "meridian").out


@pytest.mark.parametrize(
    ("quantity", "why"),
    [
        ("0.001", "3 decimals, the asset has 2"),
        ("0", "greater than zero"),
        ("-5", "greater than zero"),
        ("1e3", "decimal number"),
        (str(2**256), "below 2^256"),
    ],
)
def test_a_quantity_that_will_not_do_is_refused_and_nothing_is_issued(
    ledgers: Ledgers, quantity: str, why: str
) -> None:
    if "cautious" not in accounts(ledgers):
        opened(ledgers, "cautious", ledger="payment")
    ran = ledgers.run("ledger", "mint", "payment", "cautious", "USD", quantity, "--json")
    assert refused(ran) == (1, "invalid_quantity", "quantity")
    assert why in ran.error["message"]
    assert accounts(ledgers)["cautious"]["balances"] == {}


def test_what_the_ledger_does_not_know_is_named(ledgers: Ledgers) -> None:
    opened(ledgers, "known")
    mint = ("ledger", "mint", "asset")
    assert refused(ledgers.run(*mint, "nobody", "OUSG", "5", "--json"))[:2] == (1, "unknown_account")
    assert refused(ledgers.run(*mint, "known", "GOLD", "5", "--json")) == (1, "unknown_asset", "asset")
    journal = ledgers.run("ledger", "journal", "asset", "nobody", "--json")
    assert refused(journal) == (1, "unknown_account", "account")
    owner = ledgers.run("ledger", "open", "asset", "new", "--owner", "nobody", "--json")
    assert refused(owner) == (1, "unknown_key", "owner")
    name = ledgers.run("ledger", "open", "asset", "no such name", "--owner", "known", "--json")
    assert refused(name) == (1, "invalid", "account")
    ledger = ledgers.run("ledger", "mint", "cash", "known", "USD", "5", "--json")
    assert refused(ledger) == (1, "unknown_ledger", "ledger")
    assert refused(ledgers.run("ledger", "open", "asset", "known", "--owner", "known", "--json"))[1] == "account_exists"


def test_an_order_needs_two_distinct_registered_operators(ledgers: Ledgers) -> None:
    opened(ledgers, "watched")
    mint = ("ledger", "mint", "asset", "watched", "OUSG", "5", "--json")
    assert refused(ledgers.run(*mint, "--as", "operator-1")) == (2, "usage", "as")
    assert refused(ledgers.run(*mint, "--as", "operator-1", "--as", "operator-1")) == (2, "usage", "as")
    assert refused(ledgers.run(*mint, "--as", "operator-1", "--as", "nobody"))[:2] == (1, "unknown_key")
    by_a_party = ledgers.run(*mint, "--as", "operator-1", "--as", "watched")
    assert refused(by_a_party)[:2] == (1, "authority_invalid")
    assert accounts(ledgers)["watched"]["balances"] == {}


def test_a_new_asset_can_be_registered_and_issued(ledgers: Ledgers) -> None:
    opened(ledgers, "goldsmith")
    assert ledgers.run("ledger", "asset", "asset", "GOLD-1", "3").code == 0
    assert ledgers.run("ledger", "mint", "asset", "goldsmith", "GOLD-1", "1.125").code == 0
    assert accounts(ledgers)["goldsmith"]["balances"] == {"GOLD-1": "1.125"}
    again = ledgers.run("ledger", "asset", "asset", "GOLD-1", "3", "--json")
    assert refused(again)[:2] == (1, "asset_exists")


def test_an_attestor_set_is_registered_and_closed(ledgers: Ledgers) -> None:
    keys = [LocalSigner.generate().address for _ in range(4)]
    register = ("ledger", "attestors", "register", "asset", "others", "1", *keys)
    assert ledgers.run(*register).code == 0
    assert refused(ledgers.run(*register, "--json"))[:2] == (1, "set_exists")
    assert ledgers.run("ledger", "attestors", "close", "asset", "others", "1", "--reason", "tests").code == 0


def test_verify_reports_every_invariant(ledgers: Ledgers) -> None:
    ran = ledgers.run("ledger", "verify", "--json")
    assert ran.code == 0
    assert list(ran.json) == ["ok", "invariants"]
    assert ran.json["ok"] is True
    for invariant in ran.json["invariants"].values():
        assert invariant.keys() == {"ok", "checked", "violations"}
        assert (invariant["ok"], invariant["violations"]) == (True, [])


def test_balances_of_all_accounts_are_exact_strings(ledgers: Ledgers) -> None:
    for each in accounts(ledgers).values():
        balances = each["balances"]
        assert isinstance(balances, dict)
        assert all(isinstance(amount, str) and Decimal(amount) >= 0 for amount in balances.values())


def test_evidence_sent_by_hand_is_judged_by_the_ledger(ledgers: Ledgers) -> None:
    empty = ledgers.folder / "empty.json"
    empty.write_text("{}")
    assert refused(ledgers.run("ledger", "pay", str(empty), "--json")) == (1, "invalid", "signed")
    empty.write_text("not JSON")
    assert ledgers.run("ledger", "pay", str(empty), "--json").code == 1
    missing = ledgers.run("ledger", "pay", str(ledgers.folder / "missing.json"), "--json")
    assert refused(missing)[:2] == (1, "file")


def test_a_trade_settles_by_hand_with_no_workflow_at_all(ledgers: Ledgers) -> None:
    # for its terms and certificates only: the ledgers are behind the command
    world = World(asset=None, payment=None)  # type: ignore[arg-type]
    terms = world.terms(
        settlement_id="BY-HAND",
        delivery={"receiver": "hand-buyer", "deliverer": "hand-seller"},
        payment={"receiver": "hand-seller", "deliverer": "hand-buyer"},
    )
    for ledger in ("asset", "payment"):
        for account, party in (("hand-seller", SELLER), ("hand-buyer", BUYER)):
            assert ledgers.run("ledger", "open", ledger, account, "--owner", party.address).code == 0
    ledgers.run("ledger", "mint", "asset", "hand-seller", "OUSG", "2500.00")
    ledgers.run("ledger", "mint", "payment", "hand-buyer", "USD", "285000.00")
    file = ledgers.folder / "evidence.json"
    evidence = {"signed": world.signed(terms).model_dump(mode="json")}

    def send(operation: str) -> Ran:
        file.write_text(json.dumps(evidence))
        return ledgers.run("ledger", operation, str(file), "--json")

    assert refused(send("pay")) == (1, "invalid", "certificate")
    locked = send("lock").json["receipt"]
    assert send("lock").json["receipt"] == locked
    done = locked
    for operation, fact in (("pay", Fact.LOCKED), ("release", Fact.PAID)):
        stands = Receipt.model_validate_json(json.dumps(done))
        evidence["certificate"] = world.certificate(fact, terms, stands).model_dump(mode="json")
        done = send(operation).json["receipt"]
    assert done["operation"] == "release"
    assert refused(send("refund"))[:2] == (1, "certificate_invalid")
    assert accounts(ledgers, "asset")["hand-buyer"]["balances"] == {"OUSG": "2500"}
    assert accounts(ledgers, "payment")["hand-seller"]["balances"] == {"USD": "285000"}
    assert ledgers.run("ledger", "verify").code == 0


def test_no_secret_is_printed(ledgers: Ledgers) -> None:
    dsns = json.loads((ledgers.folder / "ledgers.json").read_text())
    printed = [ledgers.run("ledger", act) for act in ("accounts", "verify")]
    for dsn in (dsn for roles in dsns.values() for dsn in roles.values()):
        assert all(dsn not in ran.out + ran.err for ran in printed)
    assert Keystore(ledgers.folder / "keys").list()
