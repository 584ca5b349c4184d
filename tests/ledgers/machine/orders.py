"""The model's part about operators' orders: what each changes, and why it can't be carried out."""

from dataclasses import replace

from interlock.protocol import Receipt
from tests.ledgers.machine import requests as asked
from tests.ledgers.machine.model import NOTHING, Account, Codes, Epoch, LedgerModel, refuse_if
from tests.ledgers.machine.operations import Expected, decided


def order(ledger: LedgerModel, request: asked.Order) -> Expected:
    """Carried out once, on two operators' signatures; asked again, the first receipt."""
    flawed = refuse_if(request.flaw != "", "authority_invalid") | refuse_if(request.misdirected, "unknown_ledger")
    needs = _in_the_way(ledger, request.what) | _expired(ledger, request.valid_until)
    key = (request.what, request.nonce, request.valid_until)

    def effect(changed: LedgerModel, receipt: Receipt) -> None:
        _carry_out(changed, request.what)
        changed.orders[key] = receipt

    return decided(flawed, needs, effect, _stands(ledger, key))


def accuse(ledger: LedgerModel, request: asked.Accuse) -> Expected:
    """Left out once for each misconduct, whoever shows it."""
    attestor = request.of.signers[request.who].address
    registered = {each.address for epoch in ledger.sets.values() for each in epoch.what.signers}
    key = ("accuse", attestor, request.number, request.of)

    def effect(changed: LedgerModel, receipt: Receipt) -> None:
        changed.left_out |= {attestor}
        changed.orders[key] = receipt

    needs = refuse_if(attestor not in registered, "unknown_attestor")
    return decided(refuse_if(request.flaw != "", "misconduct_unproven"), needs, effect, _stands(ledger, key))


def resume(ledger: LedgerModel, request: asked.Resume) -> Expected:
    """Journalled once, and nothing else."""
    key = ("resume", request.trade, request.valid_until)

    def effect(changed: LedgerModel, receipt: Receipt) -> None:
        changed.orders[key] = receipt

    flawed = refuse_if(request.flaw != "", "authority_invalid")
    return decided(flawed, _expired(ledger, request.valid_until), effect, _stands(ledger, key))


def _stands(ledger: LedgerModel, key: object) -> Expected | None:
    return Expected(first=ledger.orders[key]) if key in ledger.orders else None


def _expired(ledger: LedgerModel, valid_until: int) -> Codes:
    return refuse_if(ledger.past(valid_until), "authority_expired")


def _in_the_way(ledger: LedgerModel, what: object) -> Codes:
    match what:
        case asked.Open():
            return refuse_if(what.account in ledger.accounts, "account_exists")
        case asked.Act():
            return refuse_if(what.account not in ledger.accounts, "unknown_account")
        case asked.Mint():
            account = ledger.accounts.get(what.account)
            return (
                refuse_if(what.asset not in ledger.assets, "unknown_asset")
                | refuse_if(account is None, "unknown_account")
                | refuse_if(account is not None and not account.admitted, "not_admitted")
            )
        case asked.Keep(asset=(code, _)):
            return refuse_if(code in ledger.assets, "asset_exists")
        case asked.Readmit(of=of, who=who):
            return refuse_if(of.signers[who].address not in ledger.left_out, "not_left_out")
        case asked.Close():
            return refuse_if((what.name, what.epoch) not in ledger.sets, "unknown_coordinator")
        case asked.Register(what=new, succeeds=old):
            exists = refuse_if((new.name, new.epoch) in ledger.sets, "set_exists")
            return exists if old is None else exists | _cannot_succeed(ledger, new.name, new.epoch, old)
    return NOTHING


def _cannot_succeed(ledger: LedgerModel, name: str, epoch: int, old: int) -> Codes:
    lost = ledger.sets.get((name, old))
    unknown = refuse_if(lost is None or old >= epoch, "unknown_coordinator")
    return unknown | refuse_if(lost is not None and lost.succeeded_by is not None, "set_exists")


def _carry_out(ledger: LedgerModel, what: object) -> None:
    match what:
        case asked.Open():
            ledger.accounts[what.account] = Account(what.owner, what.admitted)
        case asked.Act(act="admit" | "expel", account=name):
            ledger.accounts[name] = replace(ledger.accounts[name], admitted=what.act == "admit")
        case asked.Act(account=name):
            ledger.accounts[name] = replace(ledger.accounts[name], frozen=what.act == "freeze")
        case asked.Mint():
            key = (what.account, what.asset)
            ledger.balances[key] = ledger.balances.get(key, 0) + what.quantity
        case asked.Keep(asset=(code, decimals)):
            ledger.assets[code] = decimals
        case asked.Register(what=new, succeeds=old):
            ledger.sets[new.name, new.epoch] = Epoch(new)
            if old is not None:
                # Whoever is succeeded was lost or stolen: it takes no new terms either.
                ledger.sets[new.name, old] = replace(ledger.sets[new.name, old], closed=True, succeeded_by=new.epoch)
        case asked.Readmit(of=of, who=who):
            ledger.left_out -= {of.signers[who].address}
        case asked.Close():
            ledger.sets[what.name, what.epoch] = replace(ledger.sets[what.name, what.epoch], closed=True)
