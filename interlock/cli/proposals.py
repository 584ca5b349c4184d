"""Which terms a party means by an id: the matched ones, or while there is no match, those that it has signed itself."""

from dataclasses import dataclass
from datetime import datetime

from interlock.client import AmbiguousSettlement, Candidate, SettlementClient, SettlementHandle
from interlock.protocol import Stage


@dataclass(frozen=True)
class Subject:
    """What a party is about to sign something about."""

    terms_hash: str
    settle_by: datetime


async def subject_of(client: SettlementClient, name: str, party: str) -> tuple[SettlementHandle, Subject]:
    """The settlement, and the terms meant. Raises UnknownSettlement, and AmbiguousSettlement for several of them."""
    handle = await client.find(name)
    report = await handle.status()
    subject = Subject(report.terms_hash, report.settle_by)
    if name.startswith("0x") or report.stage is not Stage.PROPOSED:
        return handle, subject
    own = [signed for signed in await handle.proposals() if signed.signers == {party}]
    if len(own) > 1:
        raise AmbiguousSettlement(
            name, tuple(Candidate(each.terms.settlement_id, (each.terms_hash,), (party,)) for each in own)
        )
    if own:
        subject = Subject(own[0].terms_hash, own[0].terms.settle_by)
    return handle, subject
