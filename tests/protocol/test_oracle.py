"""eth-account as the oracle: digests, signatures and recovered signers of every signed type agree with its own."""

import re
from datetime import datetime
from random import Random
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils.crypto import keccak

from interlock.protocol import Message, verify
from interlock.protocol.eip712 import PROTOCOL_NAME, PROTOCOL_VERSION, digest_of, microseconds, struct_type
from interlock.protocol.signatures import Signature, recover
from tests.protocol.messages import KEYS, NETWORK, SIGNED_TYPES, message_of, terms

DOMAIN = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "salt", "type": "bytes32"},
]


def typed_data(message: Message, network: str) -> dict[str, Any]:
    """The EIP-712 JSON that any wallet could show and sign, read off the message's encodeType."""
    encoded = struct_type(type(message))
    structs = re.findall(r"(\w+)\(([^)]*)\)", encoded)
    types = {name: [_member(member) for member in members.split(",")] for name, members in structs}
    return {
        "types": {"EIP712Domain": DOMAIN, **types},
        "primaryType": type(message).__name__,
        "domain": {"name": PROTOCOL_NAME, "version": PROTOCOL_VERSION, "salt": network},
        "message": _plain(message),
    }


def _member(member: str) -> dict[str, str]:
    kind, name = member.split(" ")
    return {"name": name, "type": kind}


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return microseconds(value)
    return 0 if value is None else value


def oracle_digest(signable: SignableMessage) -> str:
    return "0x" + keccak(b"\x19" + signable.version + signable.header + signable.body).hex()


@pytest.mark.parametrize("model", SIGNED_TYPES, ids=lambda model: model.__name__)
def test_digest_signature_and_signer_agree_with_eth_account(model: type[Message]) -> None:
    chance = Random(model.__name__)
    for _ in range(25):
        message, key = message_of(model, chance), chance.choice(KEYS)
        full = typed_data(message, NETWORK)
        theirs = Account.sign_typed_data(key.private_key, full_message=full)
        ours = key.sign(message, NETWORK)
        assert digest_of(message, NETWORK) == oracle_digest(encode_typed_data(full_message=full))
        assert ours.bytes == "0x" + bytes(theirs.signature).hex()
        assert Account.recover_message(encode_typed_data(full_message=full), signature=ours.bytes) == key.address
        assert recover(digest_of(message, NETWORK), ours.bytes) == key.address


def test_a_signature_made_by_eth_account_verifies() -> None:
    signed = Account.sign_typed_data(KEYS[0].private_key, full_message=typed_data(terms(), NETWORK))
    verify(terms(), NETWORK, Signature(signer=KEYS[0].address, bytes="0x" + bytes(signed.signature).hex()))


def test_addresses_agree_with_eth_account() -> None:
    assert [key.address for key in KEYS] == [Account.from_key(key.private_key).address for key in KEYS]


def test_the_encoded_type_of_terms_is_what_a_wallet_shows() -> None:
    assert struct_type(type(terms())) == (
        "Terms(string settlement_id,address seller,address buyer,Leg delivery,Leg payment,uint64 not_before,"
        "uint64 settle_by,AttestorSet coordinator)"
        "Asset(string code,uint8 decimals)"
        "AttestorSet(string name,uint32 epoch,bytes32 digest)"
        "Leg(string ledger,Asset asset,uint256 quantity,string deliverer,string receiver)"
    )
