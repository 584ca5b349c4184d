"""Whose signature counts, on what, where: malleated, mistyped, borrowed and foreign ones are refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from interlock.protocol import (
    Cancellation,
    LocalSigner,
    Message,
    OperatorOrder,
    Redirection,
    Signature,
    SignatureInvalid,
    SignedTerms,
    Signer,
    Withdrawal,
    verify,
)
from interlock.protocol.eip712 import digest_of
from tests.protocol.messages import KEYS, NETWORK, OTHER_NETWORK, terms

GROUP_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SELLER, BUYER, STRANGER = KEYS[:3]
GOOD = SELLER.sign(terms(), NETWORK)
UNTIL = datetime(2026, 11, 23, 17, tzinfo=UTC)


def with_bytes(raw: bytes) -> Signature:
    return Signature(signer=SELLER.address, bytes="0x" + raw.hex())


def raw_of(signature: Signature) -> bytes:
    return bytes.fromhex(signature.bytes[2:])


def malleated(signature: Signature) -> Signature:
    """The other signature that the same signer never made: s turned into order - s, v flipped."""
    raw = raw_of(signature)
    s = GROUP_ORDER - int.from_bytes(raw[32:64], "big")
    return with_bytes(raw[:32] + s.to_bytes(32, "big") + bytes([55 - raw[64]]))


def test_a_partys_signature_verifies() -> None:
    verify(terms(), NETWORK, GOOD)


def test_the_malleated_twin_of_a_good_signature_is_refused() -> None:
    with pytest.raises(SignatureInvalid, match="high"):
        verify(terms(), NETWORK, malleated(GOOD))


def test_eth_account_would_have_taken_the_malleated_twin() -> None:
    """Why the refusal above is ours to make, and must stay tested."""
    from eth_account import Account  # noqa: PLC0415 - the oracle of this one test

    recovered = Account._recover_hash(bytes.fromhex(digest_of(terms(), NETWORK)[2:]), signature=raw_of(malleated(GOOD)))
    assert recovered == SELLER.address


@pytest.mark.parametrize("v", [0, 1, 26, 29, 255])
def test_a_last_byte_that_is_neither_27_nor_28_is_refused(v: int) -> None:
    with pytest.raises(SignatureInvalid, match="27"):
        verify(terms(), NETWORK, with_bytes(raw_of(GOOD)[:64] + bytes([v])))


def test_the_flipped_last_byte_is_another_signers() -> None:
    raw = raw_of(GOOD)
    with pytest.raises(SignatureInvalid):
        verify(terms(), NETWORK, with_bytes(raw[:64] + bytes([55 - raw[64]])))


@pytest.mark.parametrize(
    "raw",
    [bytes(64) + b"\x1b", b"\xff" * 32 + b"\x01" * 32 + b"\x1b", b"\x01" * 32 + bytes(32) + b"\x1c"],
    ids=["zeros", "r beyond the field", "s zero"],
)
def test_bytes_that_are_no_signature_are_refused(raw: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        verify(terms(), NETWORK, with_bytes(raw))


@pytest.mark.parametrize("text", ["0x" + "00" * 64, "0x" + "00" * 66, "00" * 65, "0x" + "zz" * 65, ""])
def test_text_that_is_not_65_bytes_is_no_signature_at_all(text: str) -> None:
    with pytest.raises(ValidationError):
        Signature(signer=SELLER.address, bytes=text)


def test_hazard_24_a_signature_made_on_another_network_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        verify(terms(), NETWORK, SELLER.sign(terms(), OTHER_NETWORK))


def test_a_signature_on_other_terms_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        verify(terms(), NETWORK, SELLER.sign(terms(settlement_id="OUSG-2"), NETWORK))


def test_a_signature_of_another_key_in_the_sellers_name_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        verify(terms(), NETWORK, with_bytes(raw_of(STRANGER.sign(terms(), NETWORK))))


def test_signatures_on_one_type_of_message_count_for_no_other() -> None:
    """Cancellation and Withdrawal bind the same hash; the others share what fields they can."""
    terms_hash = terms().hash(NETWORK)
    kinds: list[Message] = [
        terms(),
        Cancellation(terms_hash=terms_hash, valid_until=UNTIL),
        Withdrawal(terms_hash=terms_hash),
        OperatorOrder(terms_hash=terms_hash, act="void", reason="r", valid_until=UNTIL),
        OperatorOrder(terms_hash=terms_hash, act="resume", reason="r", valid_until=UNTIL),
        Redirection(terms_hash=terms_hash, receiver="r", reason="r", valid_until=UNTIL),
    ]
    for signed in kinds:
        signature = SELLER.sign(signed, NETWORK)
        for message in kinds:
            if message is signed:
                verify(message, NETWORK, signature)
            else:
                with pytest.raises(SignatureInvalid):
                    verify(message, NETWORK, signature)


def proposal(*signatures: Signature) -> SignedTerms:
    return SignedTerms(network=NETWORK, terms=terms(), signatures=signatures)


def test_terms_signed_by_both_are_matched_in_any_order() -> None:
    theirs = BUYER.sign(terms(), NETWORK)
    for signed in (proposal(GOOD, theirs), proposal(theirs, GOOD), proposal(GOOD).with_signatures((theirs,))):
        signed.verify()
        assert signed.is_matched


def test_a_proposal_of_one_party_verifies_and_is_not_matched() -> None:
    proposal(GOOD).verify()
    assert not proposal(GOOD).is_matched


def test_a_strangers_signature_on_terms_is_refused() -> None:
    with pytest.raises(SignatureInvalid, match="neither"):
        proposal(GOOD, STRANGER.sign(terms(), NETWORK)).verify()


def test_one_party_signing_twice_is_refused_and_not_matched() -> None:
    twice = proposal(GOOD, GOOD)
    assert not twice.is_matched
    with pytest.raises(SignatureInvalid, match="twice"):
        twice.verify()


def test_more_signatures_never_replace_those_already_there() -> None:
    forged = malleated(GOOD)
    assert proposal(GOOD).with_signatures((forged,)).signatures == (GOOD,)


def test_hazard_23_consent_lasts_until_settle_by_unless_told_otherwise() -> None:
    assert SELLER.sign_cancellation(terms(), NETWORK).cancellation.valid_until == terms().settle_by
    until = datetime(2026, 11, 23, 12, tzinfo=UTC)
    consent = SELLER.sign_cancellation(terms(), NETWORK, valid_until=until)
    assert consent.cancellation.valid_until == until
    verify(consent.cancellation, NETWORK, consent.signature)


def test_a_withdrawal_is_signed_on_the_terms_it_withdraws() -> None:
    word = SELLER.sign_withdrawal(terms(), NETWORK)
    assert word.withdrawal.terms_hash == terms().hash(NETWORK)
    verify(word.withdrawal, NETWORK, word.signature)


@pytest.mark.parametrize("key", [b"", b"\x01" * 31, b"\x01" * 33, bytes(32), "zz", "0x12", b"\xff" * 32])
def test_what_is_no_private_key_is_refused(key: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        LocalSigner(key)


def test_a_signer_never_shows_its_key() -> None:
    assert repr(SELLER) == f"LocalSigner({SELLER.address})"
    assert SELLER.private_key.hex() not in repr(vars(SELLER))


def test_a_local_signer_is_a_signer_and_its_key_survives_as_hex() -> None:
    signer: Signer = LocalSigner.generate()
    assert isinstance(signer, LocalSigner)
    assert LocalSigner("0x" + signer.private_key.hex()).address == signer.address
