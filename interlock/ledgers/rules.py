"""The in-memory ledger's guards, named as the SQL functions that they mirror: each says why not, or None.

They read the books and never write them; evidence is judged elsewhere, before any of these is asked.
"""

from datetime import datetime
from typing import Literal

from interlock.ledgers.books import Books, issuance_of
from interlock.ledgers.sentences import refuse
from interlock.protocol import (
    AccountOrder,
    Asset,
    Certificate,
    CloseAttestors,
    LedgerOrder,
    Leg,
    Lock,
    Mint,
    OpenAccount,
    Readmit,
    Refusal,
    RefusalCode,
    RegisterAsset,
    RegisterAttestors,
    Terms,
)
from interlock.protocol.evidence import RegisteredSet, SetKey, effective
from interlock.protocol.words import MAX_QUANTITY

Role = Literal["delivery", "payment"]


def past(moment: datetime, now: datetime) -> bool:
    """Whether a moment has come (hazard 17): decided here and nowhere else."""
    return now >= moment


class Rules:
    """What a ledger in memory knows, and what it therefore refuses."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.assets: dict[str, Asset] = {}
        self.sets: dict[SetKey, RegisteredSet] = {}
        self.locks: dict[str, Lock] = {}
        self.left_out: set[str] = set()

    def no(self, code: RefusalCode, **facts: str) -> Refusal:
        """The refusal of that code, worded as every ledger words it."""
        return refuse(code, self.books.ledger, **facts)

    def refuse_late(self, terms: Terms, now: datetime) -> Refusal | None:
        if past(terms.settle_by, now):
            return self.no(RefusalCode.DEADLINE_PASSED, moment=moment_text(terms.settle_by))
        return None

    def refuse_early(self, terms: Terms, now: datetime) -> Refusal | None:
        if terms.not_before is not None and not past(terms.not_before, now):
            return self.no(RefusalCode.TOO_EARLY, moment=moment_text(terms.not_before))
        return None

    def refuse_expired(self, valid_until: datetime | None, now: datetime) -> Refusal | None:
        if valid_until is not None and past(valid_until, now):
            return self.no(RefusalCode.AUTHORITY_EXPIRED, moment=moment_text(valid_until))
        return None

    def refuse_account(
        self, name: str, owner: str, field: str, *, admitted: bool, suspended: bool = False
    ) -> Refusal | None:
        """Why an account may not play its part: unknown, not that party's, or not admitted."""
        account = self.books.accounts.get(name)
        if account is None:
            return self.no(RefusalCode.UNKNOWN_ACCOUNT, account=name, field=field)
        if account.owner != owner:
            return self.no(RefusalCode.WRONG_OWNER, account=name, owner=owner, field=field)
        if admitted and not account.admitted:
            return self.no(RefusalCode.NOT_ADMITTED, account=name, field=field, suspended=str(suspended).lower())
        return None

    def refuse_asset(self, leg: Leg, role: Role) -> Refusal | None:
        kept = self.assets.get(leg.asset.code)
        if kept is None:
            return self.no(RefusalCode.UNKNOWN_ASSET, asset=leg.asset.code, field=f"{role}.asset")
        if kept.decimals != leg.asset.decimals:
            facts = {"asset": kept.code, "decimals": str(kept.decimals), "said": str(leg.asset.decimals)}
            return self.no(RefusalCode.DECIMALS_MISMATCH, **facts, field=f"{role}.asset.decimals")
        return None

    def refuse_debit(self, leg: Leg, role: Role) -> Refusal | None:
        """Why the deliverer of a leg cannot deliver now: frozen, or too poor. Never final: both may change."""
        field = f"{role}.deliverer"
        if self.books.accounts[leg.deliverer].frozen:
            return self.no(RefusalCode.ACCOUNT_FROZEN, account=leg.deliverer, field=field)
        available = self.books.balance(leg.deliverer, leg.asset.code)
        if available < leg.quantity:
            return self.no(
                RefusalCode.INSUFFICIENT_BALANCE,
                account=leg.deliverer,
                asset=leg.asset.code,
                decimals=str(leg.asset.decimals),
                needed=str(leg.quantity),
                available=str(available),
                field=field,
            )
        return None

    def refuse_used_id(self, terms: Terms, terms_hash: str) -> Refusal | None:
        """One settlement id moves a deliverer's units once, whatever the terms."""
        mine = (terms.delivery.deliverer, terms.settlement_id)
        for other in self.locks.values():
            theirs = other.signed.terms
            moved = other.locked is not None and other.terms_hash != terms_hash
            if moved and (theirs.delivery.deliverer, theirs.settlement_id) == mine:
                return self.no(
                    RefusalCode.ID_USED,
                    settlement_id=terms.settlement_id,
                    account=terms.delivery.deliverer,
                    other=other.terms_hash,
                    field="settlement_id",
                )
        return None

    def refuse_closed_coordinator(self, terms: Terms) -> Refusal | None:
        """Why no new terms may name this attestor set."""
        named = terms.coordinator
        kept = self.sets.get((named.name, named.epoch))
        is_known = kept is not None and kept.attestors.identity == named
        if kept is None or not is_known or kept.closed:
            closed = str(is_known).lower()
            return self.no(
                RefusalCode.UNKNOWN_COORDINATOR,
                coordinator=named.name,
                epoch=str(named.epoch),
                closed=closed,
                field="coordinator",
            )
        return None

    def refuse_superseded(self, terms: Terms, certificate: Certificate) -> Refusal | None:
        """Why a certificate of this set does not count for these terms now: a successor's does."""
        named, said = terms.coordinator, certificate.statement.coordinator
        counting = effective(named, self.sets)
        if counting is None:
            facts = {"coordinator": named.name, "epoch": str(named.epoch), "closed": "false", "field": "coordinator"}
            return self.no(RefusalCode.UNKNOWN_COORDINATOR, **facts)
        if counting.epoch != said.epoch:
            facts = {"coordinator": named.name, "epoch": str(counting.epoch), "said": str(said.epoch)}
            return self.no(RefusalCode.CERTIFICATE_INVALID, **facts)
        return None

    def refuse_left_out(self, certificate: Certificate) -> Refusal | None:
        """Why a certificate does not count now although its set does: without who is left out it has no quorum."""
        said, signers = certificate.statement.coordinator, set(certificate.signers)
        quorum, counting = self.sets[said.name, said.epoch].attestors.quorum, len(signers - self.left_out)
        if counting >= quorum:
            return None
        facts = {
            "counting": str(counting),
            "quorum": str(quorum),
            "left_out": ", ".join(sorted(signers & self.left_out)),
        }
        return self.no(RefusalCode.CERTIFICATE_INVALID, **facts)

    def refuse_unknown_attestor(self, attestor: str) -> Refusal | None:
        """Why nobody of that key can be accused here."""
        if any(attestor in kept.attestors.keys for kept in self.sets.values()):
            return None
        return self.no(RefusalCode.UNKNOWN_ATTESTOR, attestor=attestor)

    def refuse_order(self, order: LedgerOrder) -> Refusal | None:
        """Why an order cannot be carried out as things stand."""
        match order:
            case OpenAccount(account=account) if account in self.books.accounts:
                return self.no(RefusalCode.ACCOUNT_EXISTS, account=account, field="account")
            case AccountOrder(account=account) if account not in self.books.accounts:
                return self.no(RefusalCode.UNKNOWN_ACCOUNT, account=account, field="account")
            case Mint():
                return self._refuse_mint(order)
            case RegisterAsset(asset=asset) if asset.code in self.assets:
                return self.no(RefusalCode.ASSET_EXISTS, asset=asset.code, field="asset.code")
            case RegisterAttestors():
                return self._refuse_registration(order)
            case CloseAttestors(name=name, epoch=epoch) if (name, epoch) not in self.sets:
                return self._refuse_set(RefusalCode.UNKNOWN_COORDINATOR, name, epoch, "epoch")
            case Readmit(attestor=attestor) if attestor not in self.left_out:
                return self.no(RefusalCode.NOT_LEFT_OUT, attestor=attestor, field="attestor")
            case _:
                return None

    def _refuse_mint(self, order: Mint) -> Refusal | None:
        account = self.books.accounts.get(order.account)
        if order.asset not in self.assets:
            return self.no(RefusalCode.UNKNOWN_ASSET, asset=order.asset, field="asset")
        if account is None:
            return self.no(RefusalCode.UNKNOWN_ACCOUNT, account=order.account, field="account")
        if not account.admitted:
            return self.no(RefusalCode.NOT_ADMITTED, account=order.account, field="account")
        # All units of an asset together fit one account, so no transfer can overflow one.
        if order.quantity - self.books.balance(issuance_of(order.asset), order.asset) > MAX_QUANTITY:
            facts = {"account": order.account, "asset": order.asset, "field": "quantity"}
            return self.no(RefusalCode.QUANTITY_TOO_LARGE, **facts)
        return None

    def _refuse_registration(self, order: RegisterAttestors) -> Refusal | None:
        if (order.name, order.epoch) in self.sets:
            return self._refuse_set(RefusalCode.SET_EXISTS, order.name, order.epoch, "epoch")
        if order.succeeds is None:
            return None
        kept = self.sets.get((order.name, order.succeeds))
        if kept is None or order.succeeds >= order.epoch:
            return self._refuse_set(RefusalCode.UNKNOWN_COORDINATOR, order.name, order.succeeds, "succeeds")
        if kept.succeeded_by is not None:
            successor = str(kept.succeeded_by)
            return self._refuse_set(RefusalCode.SET_EXISTS, order.name, order.succeeds, "succeeds", successor=successor)
        return None

    def _refuse_set(self, code: RefusalCode, name: str, epoch: int, field: str, **more: str) -> Refusal:
        return self.no(code, coordinator=name, epoch=str(epoch), closed="false", field=field, **more)


def moment_text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
