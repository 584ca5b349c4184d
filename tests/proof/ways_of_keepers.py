"""Ways to falsify a proof for keepers that have gone bad together: they seal anew what they have changed.

What they cannot make is what others sign: parties, attestors, operators.
"""

from collections.abc import Callable

from tests.proof.drafts import FALSIFIER, Draft, Json
from tests.proof.ways import Change, way


def sealed(scenario: str, claim: str, reason: str) -> Callable[[Change], Change]:
    """The same, sealed again afterwards."""

    def keep(change: Change) -> Change:
        def changed(draft: Draft) -> None:
            change(draft)
            draft.sealed_again()

        changed.__name__ = f"{change.__name__}_and_sealed"
        way(scenario, claim, reason)(changed)
        return change

    return keep


def _certificate(draft: Draft, operation: str) -> Json:
    return draft.entry(operation)["record"]["authority"]["certificate"]


@sealed("settled", "authority", "stands twice")
def a_quorum_of_one_attestor_thrice(draft: Draft) -> None:
    certificate = _certificate(draft, "pay")
    certificate["signatures"] = [certificate["signatures"][0]] * 3


@sealed("settled", "authority", "has 2 signatures|quorum")
def a_signature_too_few(draft: Draft) -> None:
    certificate = _certificate(draft, "release")
    certificate["signatures"] = certificate["signatures"][:2]


@sealed("settled", "authority", "is not in the attestor set")
def certified_by_a_stranger(draft: Draft) -> None:
    _certificate(draft, "pay")["signatures"][0]["signer"] = FALSIFIER.address


@sealed("settled", "authority", "about other terms")
def certified_for_another_settlement(draft: Draft) -> None:
    other = _certificate(Draft("redirected"), "pay")
    draft.entry("pay")["record"]["authority"]["certificate"] = other


@sealed("settled", "authority", "it says LOCKED, and PAID is needed")
def released_on_the_certificate_of_the_lock(draft: Draft) -> None:
    draft.entry("release")["record"]["authority"]["certificate"] = _certificate(draft, "pay")


@sealed("settled", "authority", "not a signature of|no signature")
def a_certificate_of_another_entry(draft: Draft) -> None:
    _certificate(draft, "pay")["statement"]["position"] += 1


@sealed("settled", "authority", "not of the attestor set that counted")
def certified_by_a_set_of_ones_own(draft: Draft) -> None:
    _certificate(draft, "pay")["statement"]["coordinator"]["epoch"] = 2


@sealed("settled", "authority", "voided by time before settle_by")
def paid_turned_into_voided_by_time(draft: Draft) -> None:
    record = draft.entry("pay")["record"]
    record["operation"], record["postings"] = "void", []
    record["authority"] = {"signed": record["authority"]["signed"], "authority": {"kind": "time"}}


@sealed("consented", "authority", "cannot be read")
def voided_turned_into_paid(draft: Draft) -> None:
    record = draft.entry("void")["record"]
    record["operation"] = "pay"
    record["authority"] = {"signed": record["authority"]["signed"]}


@sealed("consented", "authority", "needs the seller's and the buyer's")
def the_consent_of_one_party_twice(draft: Draft) -> None:
    authority = draft.entry("void")["record"]["authority"]["authority"]
    authority["cancellations"] = [authority["cancellations"][0]] * 2


@sealed("consented", "authority", "about other terms")
def the_consent_to_cancel_another_settlement(draft: Draft) -> None:
    other = Draft("tombstone").entry("void")["record"]["authority"]["authority"]
    draft.entry("void")["record"]["authority"]["authority"] = other


@sealed("consented", "authority", "authority had expired")
def consent_that_had_expired(draft: Draft) -> None:
    draft.entry("void")["record"]["at"] = "2030-01-01T00:00:00.000000Z"


@sealed("ordered", "authority", "has 1 operators' signatures")
def ordered_by_one_operator(draft: Draft) -> None:
    draft.entry("void")["record"]["authority"]["authority"]["order"]["signatures"].pop()


@sealed("ordered", "authority", "stands twice")
def ordered_by_one_operator_twice(draft: Draft) -> None:
    order = draft.entry("void")["record"]["authority"]["authority"]["order"]
    order["signatures"] = [order["signatures"][0]] * 2


@sealed("ordered", "authority", "is no operator of ledger payment")
def ordered_by_a_stranger(draft: Draft) -> None:
    order = draft.entry("void")["record"]["authority"]["authority"]["order"]
    order["signatures"][0]["signer"] = FALSIFIER.address


@sealed("expired", "authority", "voided by time before settle_by")
def expired_before_settle_by(draft: Draft) -> None:
    draft.entry("void")["record"]["at"] = draft.entry("lock")["record"]["at"]


@sealed("settled", "authority", "past settle_by")
def paid_past_settle_by(draft: Draft) -> None:
    draft.entry("pay")["record"]["at"] = "2030-01-01T00:00:00.000000Z"


@sealed("settled", "authority", "past settle_by")
def locked_past_settle_by(draft: Draft) -> None:
    draft.entry("lock")["record"]["at"] = "2030-01-01T00:00:00.000000Z"


@sealed("redirected", "authority", "the buyer has not signed the redirection")
def redirected_without_the_buyer(draft: Draft) -> None:
    word = draft.entry("release")["record"]["authority"]["redirection"]
    buyer = draft.proof["terms"]["terms"]["buyer"]
    word["signatures"] = [each for each in word["signatures"] if each["signer"] != buyer]


@sealed("redirected", "authority", "was not admitted")
def released_to_the_account_that_was_expelled(draft: Draft) -> None:
    record = draft.entry("release")["record"]
    receiver = record["authority"].pop("redirection")["redirection"]["receiver"]
    named = draft.proof["terms"]["terms"]["delivery"]["receiver"]
    posting = next(each for each in record["postings"] if each["account"] == receiver)
    posting["account"] = named


@sealed("settled", "authority", "was not born with the operators that are known")
def born_with_other_operators(draft: Draft) -> None:
    authority = draft.foundation("genesis")["record"]["authority"]
    authority["operators"] = [FALSIFIER.address, draft.proof["keepers"]["asset"]]


@sealed("settled", "authority", "born as another")
def the_genesis_of_the_other_ledger(draft: Draft) -> None:
    other = draft.foundation("genesis", "payment")["record"]["authority"]
    draft.foundation("genesis")["record"]["authority"] = other


@sealed("settled", "authority", "had been born before")
def a_second_genesis(draft: Draft) -> None:
    record = draft.foundation("open")["record"]
    record["operation"], record["order_digest"] = "genesis", None
    record["authority"] = draft.foundation("genesis")["record"]["authority"]


@sealed("settled", "authority", "is not the first record of its journal")
def a_genesis_in_a_later_block(draft: Draft) -> None:
    opened = min(
        (each for each in draft.proof["foundations"] if each["journal"] == "asset" and each["place"]["seal"] > 1),
        key=lambda each: each["record"]["position"],
    )
    genesis = draft.foundation("genesis")
    genesis["place"] = dict(opened["place"])
    genesis["record"]["position"] = opened["record"]["position"] - 1


@sealed("settled", "authority", "keeps no OUSG with 18 decimals")
def an_asset_of_other_decimals(draft: Draft) -> None:
    draft.foundation("genesis")["record"]["authority"]["assets"][0]["decimals"] = 6


@sealed("settled", "authority", "the order has another digest|no signature|not a signature")
def an_account_opened_for_somebody_else(draft: Draft) -> None:
    draft.foundation("open", account="buyer")["record"]["authority"]["order"]["owner"] = FALSIFIER.address


@sealed("settled", "authority", "the order has another digest")
def the_digest_of_another_order(draft: Draft) -> None:
    draft.foundation("open")["record"]["order_digest"] = "0x" + "12" * 32


@sealed("settled", "terms", "holds other terms")
def an_entry_of_other_terms(draft: Draft) -> None:
    draft.entry("pay")["record"]["authority"]["signed"] = Draft("expired").proof["terms"]


@sealed("settled", "terms", "is of another settlement id")
def an_entry_of_another_settlement_id(draft: Draft) -> None:
    draft.entry("release")["record"]["settlement_id"] = "ANOTHER-1"


@sealed("settled", "authority", "is of no ledger of the terms")
def an_entry_in_the_trail(draft: Draft) -> None:
    entry, span = draft.entry("release"), draft.proof["spans"].pop()
    entry["journal"], entry["place"] = "audit", span["place"]
    entry["record"]["position"] = span["record"]["position"]


@sealed("consented", "course", "another entry than entry")
def a_refund_before_the_void_that_it_names(draft: Draft) -> None:
    draft.entry("void")["record"]["reference"] = "01a2230d-0000-7000-8000-000000000000"


@sealed("settled", "course", "another entry than entry")
def the_certificates_of_a_lock_at_another_place(draft: Draft) -> None:
    parts = (*draft.proof["foundations"], *draft.proof["entries"])
    lock, others = draft.entry("lock")["record"], {each["record"]["position"] for each in parts}
    lock["position"] = next(at for at in range(lock["position"] - 1, 0, -1) if at not in others)


@sealed("settled", "movements", "moved something else than the terms say")
def less_paid_than_agreed(draft: Draft) -> None:
    for posting, quantity in zip(draft.entry("pay")["record"]["postings"], ("-1", "1"), strict=True):
        posting["quantity"] = quantity


@sealed("settled", "movements", "moved something else than the terms say")
def released_to_somebody_else(draft: Draft) -> None:
    draft.entry("release")["record"]["postings"][0]["account"] = "falsifier"


@sealed("settled", "movements", "moved something else than the terms say")
def something_more_paid_beside_it(draft: Draft) -> None:
    postings = draft.entry("pay")["record"]["postings"]
    postings += [dict(each, asset="EUR") for each in postings]


@sealed("consented", "movements", "moved something else than the terms say")
def nothing_given_back(draft: Draft) -> None:
    draft.entry("refund")["record"]["postings"] = []


@sealed("settled", "movements", "leaves .* on account escrow")
def something_left_in_escrow(draft: Draft) -> None:
    for posting in draft.entry("release")["record"]["postings"]:
        posting["balance"] = "5" if posting["account"].startswith("escrow:") else posting["balance"]


@sealed("settled", "movements", "leaves -1 on account")
def a_balance_below_zero(draft: Draft) -> None:
    draft.entry("pay")["record"]["postings"][0]["balance"] = "-1"


@sealed("settled", "movements", "moved something")
def an_order_that_moved_units(draft: Draft) -> None:
    draft.foundation("open")["record"]["postings"] = draft.entry("lock")["record"]["postings"]


@sealed("settled", "trail", "says EXPIRED, and the entries say SETTLED")
def a_root_that_tells_of_another_outcome(draft: Draft) -> None:
    draft.span("settlement")["record"]["attributes"]["interlock.outcome"] = "EXPIRED"


@sealed("settled", "trail", "stands where the root of the trace should")
def a_second_root(draft: Draft) -> None:
    draft.span("pay")["record"]["parent_span_id"] = None


@sealed("settled", "trail", "hangs on span")
def an_orphan(draft: Draft) -> None:
    draft.span("pay")["record"]["parent_span_id"] = "0123456789abcdef"


@sealed("settled", "trail", "tells of other terms")
def a_span_that_tells_of_other_terms(draft: Draft) -> None:
    attributes = draft.span("pay")["record"]["attributes"]
    attributes["interlock.terms.hash"] = Draft("expired").proof["terms_hash"]


@sealed("settled", "trail", "stands twice")
def one_span_id_twice(draft: Draft) -> None:
    draft.span("pay")["record"]["span_id"] = draft.span("lock")["record"]["span_id"]


@sealed("settled", "attempts", "tells of another entry")
def the_attempt_of_another_entry(draft: Draft) -> None:
    draft.entry("release")["record"]["span_id"] = draft.span("lock")["record"]["span_id"]


@sealed("settled", "inclusion", "stands before an earlier one|one of the")
def two_records_at_one_position(draft: Draft) -> None:
    draft.span("pay")["record"]["position"] = draft.span("lock")["record"]["position"]


@sealed("settled", "inclusion", "is not among those of seal")
def a_record_beyond_its_seal(draft: Draft) -> None:
    draft.entry("release")["record"]["position"] += 1_000_000
