"""EIP-712 digests, signers and attestor sets, written from docs/proof-format.md. Shares no code with Interlock."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

Json = Any
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
TYPES = """
Terms(string settlement_id,address seller,address buyer,Leg delivery,Leg payment,uint64 not_before,uint64 settle_by,AttestorSet coordinator)
Asset(string code,uint8 decimals)
AttestorSet(string name,uint32 epoch,bytes32 digest)
Leg(string ledger,Asset asset,uint256 quantity,string deliverer,string receiver)
Statement(string fact,AttestorSet coordinator,bytes32 terms_hash,string ledger,string reference,uint64 position)
Cancellation(bytes32 terms_hash,uint64 valid_until)
OperatorOrder(bytes32 terms_hash,string act,string reason,uint64 valid_until)
Redirection(bytes32 terms_hash,string receiver,string reason,uint64 valid_until)
OpenAccount(string ledger,string reason,bytes32 nonce,uint64 valid_until,string kind,string account,address owner,bool admitted)
AccountOrder(string ledger,string reason,bytes32 nonce,uint64 valid_until,string kind,string act,string account)
RegisterAsset(string ledger,string reason,bytes32 nonce,uint64 valid_until,string kind,Asset asset)
RegisterAttestors(string ledger,string reason,bytes32 nonce,uint64 valid_until,string kind,string name,uint32 epoch,address[] attestors,uint32 quorum,uint32 succeeds)
CloseAttestors(string ledger,string reason,bytes32 nonce,uint64 valid_until,string kind,string name,uint32 epoch)
Readmit(string ledger,string reason,bytes32 nonce,uint64 valid_until,string kind,address attestor)
Contradiction(address attestor,Statement first,Statement second)
Seal(string journal,uint64 number,bytes32 previous,bytes32 root,uint64 records,uint64 through,uint64 witnessed,uint64 at)
"""  # noqa: E501 - as the document has them
ORDERS = {
    "open": "OpenAccount",
    "account": "AccountOrder",
    "asset": "RegisterAsset",
    "attestors": "RegisterAttestors",
    "close": "CloseAttestors",
    "readmit": "Readmit",
}
FIELDS = {
    name: [{"type": kind, "name": field} for kind, field in (each.split(" ") for each in fields.split(","))]
    for name, fields in re.findall(r"(\w+)\(([^)]*)\)", TYPES)
}
DOMAIN = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "salt", "type": "bytes32"},
]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")


class Rejected(Exception):  # noqa: N818 - a finding
    """Something in the file is untrue."""


def need(holds: bool, otherwise: str) -> None:
    """Reject the file unless this holds."""
    if not holds:
        raise Rejected(otherwise)


def instant(text: str) -> datetime:
    """A time as messages and records have it."""
    need(bool(TIME.fullmatch(text)), f"{text} is no time")
    return datetime.strptime(text[:-1] if "." in text else f"{text[:-1]}.000000", "%Y-%m-%dT%H:%M:%S.%f").replace(
        tzinfo=UTC
    )


def digest(kind: str, message: Json, network: str) -> bytes:
    """The 32 bytes that are signed."""
    structs = {kind}
    for each in FIELDS[kind]:
        structs |= {each["type"]} & FIELDS.keys()
    for inner in list(structs):
        structs |= {each["type"] for each in FIELDS[inner]} & FIELDS.keys()
    signable = encode_typed_data(
        full_message={
            "types": {"EIP712Domain": DOMAIN, **{name: FIELDS[name] for name in structs}},
            "primaryType": kind,
            "domain": {"name": "Interlock", "version": "1", "salt": network},
            "message": _valued(kind, message),
        }
    )
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


def _valued(kind: str, message: Json) -> Json:
    need(
        isinstance(message, dict) and message.keys() == {each["name"] for each in FIELDS[kind]},
        f"it is no {kind}: its members are others",
    )
    return {each["name"]: _value(each["type"], message[each["name"]]) for each in FIELDS[kind]}


def _value(kind: str, value: Json) -> Json:
    if kind in FIELDS:
        return _valued(kind, value)
    if value is None:
        return 0
    if kind == "uint256":
        need(isinstance(value, str) and value.isdigit() and 0 < int(value) < 2**256, "it is no quantity")
        return int(value)
    if kind == "uint64" and isinstance(value, str):
        return (instant(value) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return value


def require_signed(kind: str, message: Json, signature: Json, network: str) -> None:
    """Reject unless this is its signer's signature on this message."""
    raw = bytes.fromhex(signature["bytes"][2:])
    need(len(raw) == 65 and raw[64] in (27, 28), "it is no signature")
    need(int.from_bytes(raw[32:64], "big") <= HALF_ORDER, "its s is high")
    try:
        signer = Account._recover_hash(digest(kind, message, network), signature=raw)
    except Rejected:
        raise
    except Exception as error:
        raise Rejected(f"it is no signature: {error}") from error
    need(signer == signature["signer"], f"it is no signature of {signature['signer']} on this {kind}")


def require_quorum_of(  # noqa: PLR0917 - what a quorum is of
    kind: str, message: Json, signatures: Json, known: set[str], least: int, network: str
) -> None:
    """Reject unless so many of these, and nobody else, signed it, each once."""
    signers = [each["signer"] for each in signatures]
    need(len(set(signers)) == len(signers), "somebody's signature stands twice")
    need(set(signers) <= known, "somebody signed who may not")
    need(len(signers) >= least, f"{len(signers)} signed, and {least} must")
    for each in signatures:
        require_signed(kind, message, each, network)


def set_digest(keys: list[str], quorum: int) -> str:
    """How terms name an attestor set's keys and quorum."""
    ordered = sorted(bytes.fromhex(each[2:]) for each in keys)
    return "0x" + keccak(quorum.to_bytes(4, "big") + b"".join(ordered)).hex()


def is_address(text: Json) -> bool:
    """Whether it is an address with its EIP-55 checksum."""
    return isinstance(text, str) and len(text) == 42 and to_checksum_address(text) == text
