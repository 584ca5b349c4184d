"""Names that processes must agree on: roles and their task queues, workflow types, messages, search attributes, ids."""

from enum import StrEnum

from interlock.protocol.eip712 import keccak256
from interlock.protocol.terms import Terms


class Role(StrEnum):
    """What a worker process does; each role has a task queue of its own, and only its own credentials."""

    SETTLEMENT = "settlement"
    ASSET = "asset"
    PAYMENT = "payment"
    COORDINATOR = "coordinator"

    @property
    def task_queue(self) -> str:
        """The Temporal task queue that this role's workers poll."""
        return f"interlock-{self.value}"


SETTLEMENT_WORKFLOW = "Settlement"
SWEEP_WORKFLOW = "Sweep"
SWEEP_SCHEDULE = "interlock-sweep"

# messages to a settlement's workflow
INSTRUCT = "instruct"
WITHDRAW = "withdraw"
CANCEL = "cancel"
ORDER = "order"
REDIRECT = "redirect"
LOOK_AGAIN = "look_again"
REPORT = "report"
EVENTS = "events"
RECORDS = "records"

RECORD = "interlock_record"
"""The function, lent to a settlement's workflow by its worker, that takes the record of its end."""

NOT_SERVED = "not_served"
"""The type of the error with which a process says that it does not serve a role, or does not now."""

NOT_UNDERSTOOD = "not_understood"
"""The type of the error with which a run ends at once that was started with words that its worker does not know."""

# search attributes, by which settlements are found and listed
SETTLEMENT_ID = "InterlockSettlementId"
TERMS_HASHES = "InterlockTermsHashes"
PARTIES = "InterlockParties"
STAGE = "InterlockStage"
OUTCOME = "InterlockOutcome"
WAITING_FOR = "InterlockWaitingFor"
SUSPENDED = "InterlockSuspended"
ASSET = "InterlockAsset"
AMOUNT = "InterlockAmount"
AMOUNT_APPROX = "InterlockAmountApprox"
SETTLE_BY = "InterlockSettleBy"

SEARCH_ATTRIBUTES = {
    SETTLEMENT_ID: "Keyword",
    TERMS_HASHES: "KeywordList",
    PARTIES: "KeywordList",
    STAGE: "Keyword",
    OUTCOME: "Keyword",
    WAITING_FOR: "Keyword",
    SUSPENDED: "Bool",
    ASSET: "Keyword",
    AMOUNT: "Keyword",
    AMOUNT_APPROX: "Double",
    SETTLE_BY: "Datetime",
}
"""Every search attribute with its Temporal type. An SQL-backed cluster has room for ten Keywords, three of the rest."""


def workflow_id(terms: Terms, network: str) -> str:
    """The settlement's workflow id.

    The parties are part of it, so nobody else can squat on a settlement id; and the network, so that what they once
    signed on another one (in staging, say) cannot use the id up here.
    """
    return workflow_id_between(terms.settlement_id, terms.seller, terms.buyer, network)


def workflow_id_between(settlement_id: str, seller: str, buyer: str, network: str) -> str:
    """The same, for whoever knows the settlement's id and parties only."""
    whose = bytes.fromhex(network[2:] + seller[2:] + buyer[2:])
    return f"{settlement_id}.{keccak256(whose).hex()[:16]}"


def recovery_workflow_id(own: str, terms_hash: str) -> str:
    """Where a settlement is recovered while its own workflow id is busy with other terms of the same parties."""
    return f"{own}.{terms_hash[2:18]}"
