"""What a ledger's genesis and orders make of it, and what each entry then needs; written from docs/proof-format.md."""

from typing import Any

from tests.proof.independent.signing import (
    ORDERS,
    Json,
    digest,
    instant,
    need,
    require_quorum_of,
    require_signed,
    set_digest,
)

FOUNDING = {
    "genesis", "open", "admit", "expel", "freeze", "unfreeze", "asset", "attestors", "close", "accuse", "readmit"
}  # fmt: skip


class Books:
    """One ledger, entry by entry."""

    def __init__(self, ledger: str, proof: Json, operators: list[str] | None) -> None:
        self.ledger, self.proof, self.known = ledger, proof, operators
        self.network, self.terms = proof["network"], proof["terms"]["terms"]
        self.operators: set[str] = set()
        self.accounts: dict[str, dict[str, Any]] = {}
        self.sets: dict[tuple[str, int], dict[str, Any]] = {}
        self.assets: list[Json] = []
        self.left_out: set[str] = set()

    def born(self, entry: Json) -> None:
        """Begin with the genesis."""
        genesis = entry["record"]["authority"]
        need(entry["record"]["operation"] == "genesis", f"{self.ledger} has no genesis")
        need(genesis["ledger"] == self.ledger and genesis["network"] == self.network, "it was born as another")
        place = entry["place"]
        need(place is None or (place["seal"], place["index"]) == (1, 0), "the genesis is not the first record")
        self.operators = set(genesis["operators"])
        need(self.known is None or set(self.known) == self.operators, "other operators are known")
        self.assets = list(genesis["assets"])
        coordinator = genesis["coordinator"]
        self._register(coordinator["name"], coordinator["epoch"], coordinator["keys"], coordinator["quorum"])

    def enter(self, record: Json) -> None:
        """The next entry."""
        operation, held = record["operation"], record["authority"]
        need(operation != "genesis", f"{self.ledger} was born before")
        if operation in FOUNDING - {"accuse"}:
            self._order(record, held)
        else:
            getattr(self, f"_{operation}")(record, held)

    def _order(self, record: Json, held: Json) -> None:
        order = held["order"]
        need(order["ledger"] == self.ledger, "an order is for another ledger")
        self._ordered(ORDERS[order["kind"]], record, held)
        match order["kind"]:
            case "open":
                self.accounts[order["account"]] = {
                    "owner": order["owner"],
                    "admitted": order["admitted"],
                    "frozen": False,
                }
            case "account" if order["account"] in self.accounts:
                what = "admitted" if order["act"] in ("admit", "expel") else "frozen"
                self.accounts[order["account"]][what] = order["act"] in ("admit", "freeze")
            case "asset":
                self.assets.append(order["asset"])
            case "attestors":
                self._register(order["name"], order["epoch"], order["attestors"], order["quorum"])
                if (order["name"], order["succeeds"]) in self.sets:
                    self.sets[order["name"], order["succeeds"]]["successor"] = order["epoch"]
            case "readmit":
                self.left_out.discard(order["attestor"])

    def _accuse(self, record: Json, held: Json) -> None:
        need(held.keys() == {"network", "first", "second"}, "it is no misconduct: its members are others")
        need(held["network"] == self.network, "the misconduct is on another network")
        ordered = sorted((held["first"], held["second"]), key=lambda each: _said(each["statement"]))
        one, other = (each["statement"] for each in ordered)
        (attestor, *others) = {each["signature"]["signer"] for each in ordered}
        need(not others, "the misconduct is of two keys")
        need(one["terms_hash"] == other["terms_hash"], "the misconduct is about two terms")
        if one["fact"] == other["fact"]:
            need(_said(one) != _said(other), "it says the same twice")
        else:
            need({one["fact"], other["fact"]} == {"PAID", "VOIDED"}, "what it says can both be so")
        for each in ordered:
            require_signed("Statement", each["statement"], each["signature"], self.network)
        said = {"attestor": attestor, "first": one, "second": other}
        digest_ = "0x" + digest("Contradiction", said, self.network).hex()
        need(record["order_digest"] == digest_, "another misconduct is named")
        self.left_out.add(attestor)

    def _ordered(self, kind: str, record: Json, held: Json) -> None:
        order = held["order"]
        require_quorum_of(kind, order, held["signatures"], self.operators, 2, self.network)
        need(record["order_digest"] == "0x" + digest(kind, order, self.network).hex(), "another order is named")
        self._valid(order, record)

    def _valid(self, message: Json, record: Json) -> None:
        need(instant(record["at"]) < instant(message["valid_until"]), "its authority had expired")

    def _register(self, name: str, epoch: int, keys: list[str], quorum: int) -> None:
        count = len(keys)
        faulty = (count - 1) // 3
        need(len(set(keys)) == count, "an attestor stands twice in a set")
        need(count - faulty >= quorum > (count + faulty) // 2, "a quorum does not outvote its faulty")
        self.sets[name, epoch] = {"keys": set(keys), "quorum": quorum, "digest": set_digest(keys, quorum)}

    def _account(self, name: str, owner: str, *, admitted: bool = False, thawed: bool = False) -> None:
        account = self.accounts.get(name)
        need(account is not None and account["owner"] == owner, f"account {name} was not of {owner}")
        assert account is not None
        need(account["admitted"] or not admitted, f"account {name} was not admitted")
        need(not (thawed and account["frozen"]), f"account {name} was frozen")

    def _certified(self, certificate: Json, fact: str) -> None:
        statement, named = certificate["statement"], self.terms["coordinator"]
        leg = self.terms["delivery" if fact == "LOCKED" else "payment"]
        need(statement["fact"] == fact, f"its certificate is not of {fact}")
        need(statement["terms_hash"] == self.proof["terms_hash"], "its certificate is of other terms")
        need(statement["ledger"] == leg["ledger"], "its certificate is of another ledger")
        key = (named["name"], named["epoch"])
        need(key in self.sets and self.sets[key]["digest"] == named["digest"], "the attestors named are unknown")
        while "successor" in self.sets[key]:
            key = (named["name"], self.sets[key]["successor"])
        counting = self.sets[key]
        same = {"name": key[0], "epoch": key[1], "digest": counting["digest"]}
        need(statement["coordinator"] == same, "its certificate is of another attestor set")
        require_quorum_of(
            "Statement", statement, certificate["signatures"], counting["keys"], counting["quorum"], self.network
        )
        counted = {each["signer"] for each in certificate["signatures"]} - self.left_out
        need(len(counted) >= counting["quorum"], "it has no quorum without who was left out for misconduct")

    def _lock(self, record: Json, held: Json) -> None:
        del held
        terms = self.terms
        need(instant(record["at"]) < instant(terms["settle_by"]), "it happened past settle_by")
        early = terms["not_before"] is not None and instant(record["at"]) < instant(terms["not_before"])
        need(not early, "it was locked before not_before")
        self._account(terms["delivery"]["deliverer"], terms["seller"], admitted=True, thawed=True)

    def _pay(self, record: Json, held: Json) -> None:
        need(instant(record["at"]) < instant(self.terms["settle_by"]), "it happened past settle_by")
        self._certified(held["certificate"], "LOCKED")
        self._account(self.terms["payment"]["deliverer"], self.terms["buyer"], thawed=True)
        self._account(self.terms["payment"]["receiver"], self.terms["seller"], admitted=True)

    def _void(self, record: Json, held: Json) -> None:
        authority = held["authority"]
        match authority["kind"]:
            case "time":
                need(instant(record["at"]) >= instant(self.terms["settle_by"]), "it was voided before settle_by")
            case "consent":
                signers = [each["signature"]["signer"] for each in authority["cancellations"]]
                need(sorted(signers) == sorted((self.terms["seller"], self.terms["buyer"])), "not both consented")
                for each in authority["cancellations"]:
                    self._ours(each["cancellation"])
                    require_signed("Cancellation", each["cancellation"], each["signature"], self.network)
                    self._valid(each["cancellation"], record)
            case _:
                self._of_operators(record, authority["order"], "void")

    def _of_operators(self, record: Json, signed: Json, act: str) -> None:
        need(signed["order"]["act"] == act, f"the order does not say {act}")
        self._ours(signed["order"])
        require_quorum_of("OperatorOrder", signed["order"], signed["signatures"], self.operators, 2, self.network)
        self._valid(signed["order"], record)

    def _resume(self, record: Json, held: Json) -> None:
        self._of_operators(record, held, "resume")
        said = "0x" + digest("OperatorOrder", held["order"], self.network).hex()
        need(record["order_digest"] == said, "another order is named")

    def _release(self, record: Json, held: Json) -> None:
        self._certified(held["certificate"], "PAID")
        receiver, redirection = self.terms["delivery"]["receiver"], held.get("redirection")
        if redirection is not None:
            word, buyer = redirection["redirection"], self.terms["buyer"]
            self._ours(word)
            self._valid(word, record)
            own = [each for each in redirection["signatures"] if each["signer"] == buyer]
            need(len(own) > 0, "the buyer did not redirect it")
            require_signed("Redirection", word, own[0], self.network)
            others = [each for each in redirection["signatures"] if each is not own[0]]
            require_quorum_of("Redirection", word, others, self.operators, 2, self.network)
            receiver = word["receiver"]
        self._account(receiver, self.terms["buyer"], admitted=True)

    def _refund(self, record: Json, held: Json) -> None:
        del record
        self._certified(held["certificate"], "VOIDED")

    def _ours(self, message: Json) -> None:
        need(message["terms_hash"] == self.proof["terms_hash"], "it is about other terms")


def _said(statement: Json) -> tuple[str, str, int, str]:
    """By what the two statements of a misconduct are ordered."""
    return statement["fact"], statement["ledger"], statement["position"], statement["reference"]
