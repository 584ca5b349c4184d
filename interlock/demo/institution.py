"""An institution as the service sees it: a key of its own, a client of its own, and what it signs. Holds no account."""

from dataclasses import dataclass
from datetime import datetime

from interlock.client import SettlementClient, SettlementHandle
from interlock.protocol import LocalSigner, SettlementReport, Signature, Terms


@dataclass(frozen=True)
class Institution:
    """A seller, a buyer or a stranger. Every call is the SDK's; nothing here gets round it."""

    name: str
    signer: LocalSigner
    client: SettlementClient

    @property
    def address(self) -> str:
        """Whose signatures these are."""
        return self.signer.address

    def sign(self, terms: Terms) -> Signature:
        """Agree to terms."""
        return self.signer.sign(terms, self.client.network)

    async def instruct(self, terms: Terms) -> SettlementHandle:
        """Send this side's signature alone."""
        return await self.client.instruct(terms, self.sign(terms))

    async def cancel(self, terms: Terms, valid_until: datetime | None = None) -> SettlementReport:
        """Consent to cancel; it needs the other side's consent too."""
        consent = self.signer.sign_cancellation(terms, self.client.network, valid_until=valid_until)
        return await self.client.handle(terms).cancel(consent)

    async def withdraw(self, terms: Terms) -> SettlementReport:
        """Take a proposal back that the other side has not signed."""
        return await self.client.handle(terms).withdraw(self.signer.sign_withdrawal(terms, self.client.network))
