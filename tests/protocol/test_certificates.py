"""Which signatures make a certificate, and which sets may: 2f+1 distinct attestors of the very set that is named."""

from collections.abc import Sequence

import pytest
from pydantic import ValidationError

from interlock.protocol import Attestors, Certificate, CertificateInvalid, Fact, LocalSigner, Statement
from tests.protocol.messages import KEYS, NETWORK, OTHER_NETWORK, terms

FOUR, STRANGER = KEYS[:4], KEYS[4]
SET = Attestors.of("main", 1, tuple(key.address for key in FOUR))


def statement(attestors: Attestors = SET, fact: Fact = Fact.PAID, **changes: object) -> Statement:
    fields = {
        "fact": fact,
        "coordinator": attestors.identity,
        "terms_hash": terms().hash(NETWORK),
        "ledger": "payment",
        "reference": "payment:7",
        "position": 7,
        **changes,
    }
    return Statement.model_validate(fields)


def certificate(keys: Sequence[LocalSigner], said: Statement | None = None, network: str = NETWORK) -> Certificate:
    said = said or statement()
    return Certificate(statement=said, signatures=tuple(key.sign(said, network) for key in keys))


@pytest.mark.parametrize("signers", [FOUR[:3], FOUR[1:], FOUR, FOUR[::-1], (FOUR[2], FOUR[0], FOUR[3])])
def test_any_quorum_in_any_order_is_a_certificate(signers: tuple[LocalSigner, ...]) -> None:
    certificate(signers).verify(NETWORK, SET)


def test_two_of_four_are_too_few() -> None:
    with pytest.raises(CertificateInvalid, match="quorum is 3"):
        certificate(FOUR[:2]).verify(NETWORK, SET)


def test_no_signatures_are_too_few() -> None:
    with pytest.raises(CertificateInvalid, match="quorum is 3"):
        certificate(()).verify(NETWORK, SET)


def test_one_attestor_does_not_count_twice() -> None:
    with pytest.raises(CertificateInvalid, match="twice"):
        certificate((FOUR[0], FOUR[1], FOUR[1])).verify(NETWORK, SET)


def test_a_strangers_signature_spoils_the_certificate_even_above_quorum() -> None:
    for signers in ((*FOUR[:2], STRANGER), (*FOUR[:3], STRANGER)):
        with pytest.raises(CertificateInvalid, match="not in the attestor set"):
            certificate(signers).verify(NETWORK, SET)


def test_a_signature_in_another_attestors_name_is_refused() -> None:
    good = certificate(FOUR[:3])
    forged = good.signatures[2].model_copy(update={"bytes": STRANGER.sign(good.statement, NETWORK).bytes})
    with pytest.raises(CertificateInvalid, match="not a signature"):
        good.model_copy(update={"signatures": (*good.signatures[:2], forged)}).verify(NETWORK, SET)


@pytest.mark.parametrize(
    "change",
    [{"fact": Fact.VOIDED}, {"fact": Fact.LOCKED}, {"terms_hash": "0x" + "00" * 32}, {"ledger": "other"},
     {"reference": "payment:8"}, {"position": 8}],
    ids=lambda change: str(*change),
)  # fmt: skip
def test_hazard_05_signatures_on_one_statement_do_not_carry_another(change: dict[str, object]) -> None:
    signatures = certificate(FOUR[:3]).signatures
    said = statement().model_copy(update=change)
    with pytest.raises(CertificateInvalid, match="not a signature"):
        Certificate(statement=said, signatures=signatures).verify(NETWORK, SET)


def test_hazard_05_a_certificate_of_another_set_is_refused() -> None:
    for other in (
        Attestors.of("main", 2, SET.keys),  # a later epoch
        Attestors.of("spare", 1, SET.keys),  # another name
        Attestors.of("main", 1, tuple(key.address for key in KEYS[3:7])),  # other keys
        Attestors.of("main", 1, SET.keys[:3]),  # another size
    ):
        with pytest.raises(CertificateInvalid, match="another attestor set"):
            certificate(FOUR[:3], statement(other)).verify(NETWORK, SET)


def test_hazard_24_a_certificate_of_another_network_is_refused() -> None:
    with pytest.raises(CertificateInvalid, match="not a signature"):
        certificate(FOUR[:3], network=OTHER_NETWORK).verify(NETWORK, SET)


def test_a_certificate_that_travelled_as_json_still_verifies() -> None:
    made = certificate(FOUR[:3])
    back = Certificate.model_validate_json(made.model_dump_json())
    assert back == made
    back.verify(NETWORK, SET)


@pytest.mark.parametrize(
    ("size", "quorums"),
    [(1, {1}), (2, {2}), (3, {2, 3}), (4, {3}), (5, {4}), (6, {4, 5}), (7, {5})],
    ids=str,
)
def test_hazard_06_a_quorum_outvotes_its_faulty_and_needs_none_of_them(size: int, quorums: set[int]) -> None:
    keys = tuple(sorted((key.address for key in KEYS[:size]), key=str.lower))
    allowed = set()
    for quorum in range(1, size + 1):
        try:
            Attestors(name="main", epoch=1, keys=keys, quorum=quorum)
        except ValidationError:
            continue
        allowed.add(quorum)
    assert allowed == quorums


@pytest.mark.parametrize("faulty", range(5))
def test_hazard_06_two_quorums_of_3f_plus_1_share_an_honest_attestor_and_f_plus_1_is_refused(faulty: int) -> None:
    keys = tuple(LocalSigner(number.to_bytes(32, "big")).address for number in range(1, 3 * faulty + 2))
    assert Attestors.of("main", 1, keys).quorum == 2 * faulty + 1
    if faulty > 0:
        with pytest.raises(ValidationError, match="outvotes"):
            Attestors.of("main", 1, keys, quorum=faulty + 1)


def test_a_set_with_one_key_twice_or_unsorted_is_refused() -> None:
    for keys in ((SET.keys[0], *SET.keys), SET.keys[::-1]):
        with pytest.raises(ValidationError, match="distinct and sorted"):
            Attestors(name="main", epoch=1, keys=keys, quorum=3)


def test_a_sets_identity_does_not_depend_on_the_order_it_was_told_in() -> None:
    assert Attestors.of("main", 1, SET.keys[::-1]).identity == SET.identity


def test_a_sets_identity_covers_its_quorum() -> None:
    six = tuple(key.address for key in KEYS[:6])
    assert Attestors.of("main", 1, six, 4).identity.digest != Attestors.of("main", 1, six, 5).identity.digest
