"""What people call a settlement, as a filter of the server's list. Lets nothing into the filter but a valid name."""

from pydantic import TypeAdapter, ValidationError

from interlock.client.errors import UnknownSettlement
from interlock.protocol.names import SETTLEMENT_ID, TERMS_HASHES
from interlock.protocol.words import Digest, SettlementId

_HASH: TypeAdapter[str] = TypeAdapter(Digest)
_ID: TypeAdapter[str] = TypeAdapter(SettlementId)


def settlement_filter(name: str) -> str:
    """The filter for a settlement id or a terms hash; raises UnknownSettlement for what can be neither."""
    try:
        if name.startswith("0x"):
            return f"{TERMS_HASHES} = '{_HASH.validate_python(name)}'"
        return f"{SETTLEMENT_ID} = '{_ID.validate_python(name)}'"
    except ValidationError:
        raise UnknownSettlement(
            f"{name!r} is neither a settlement id (A-Z, 0-9 and -, at most 52) nor a terms hash", field="id"
        ) from None
