"""Ways to falsify a proof that need no key: parts left out, and parts of another one put in."""

from tests.proof.drafts import FALSIFIER, Draft
from tests.proof.ways import leave_out, take_seals, way, without_idle_seals


@way("settled", "terms", "another hash")
def under_another_id(draft: Draft) -> None:
    draft.proof["terms"]["terms"]["settlement_id"] = "ANOTHER-1"


@way("settled", "terms", "another hash")
def of_another_terms_hash(draft: Draft) -> None:
    draft.proof["terms_hash"] = Draft("consented").proof["terms_hash"]


@way("settled", "terms", "has not signed")
def without_the_buyers_signature(draft: Draft) -> None:
    draft.proof["terms"]["signatures"] = [
        each for each in draft.proof["terms"]["signatures"] if each["signer"] == draft.proof["terms"]["terms"]["seller"]
    ]


@way("settled", "terms", "is neither the terms' seller nor their buyer")
def signed_by_a_stranger(draft: Draft) -> None:
    draft.proof["terms"]["signatures"][0]["signer"] = FALSIFIER.address


@way("settled", "terms", "signature on the terms is invalid")
def a_signature_from_elsewhere(draft: Draft) -> None:
    draft.proof["terms"]["signatures"] = Draft("consented").proof["terms"]["signatures"]


@way("settled", "terms", "is of other terms")
def another_settlements_entries(draft: Draft) -> None:
    other = Draft("redirected").proof
    for member in ("entries", "foundations", "seals", "witnesses", "spans"):
        draft.proof[member] = other[member]


@way("settled", "terms", "not signed as the first entry")
def signatures_in_another_order(draft: Draft) -> None:
    draft.proof["terms"]["signatures"].reverse()


@way("settled", "authority", "the genesis of ledger asset is not in the file")
def without_a_genesis(draft: Draft) -> None:
    leave_out(draft, "foundations", draft.foundation("genesis"))


@way("settled", "authority", "was not owned by")
def without_the_order_that_opened_an_account(draft: Draft) -> None:
    leave_out(draft, "foundations", draft.foundation("open", account="seller"))


@way("settled", "authority", "is nothing that others rest on")
def an_entry_among_the_foundations(draft: Draft) -> None:
    lock = draft.entry("lock")
    draft.proof["entries"].remove(lock)
    draft.proof["foundations"].append(lock)
    draft.proof["foundations"].sort(key=lambda each: (each["journal"], each["record"]["position"]))


@way("settled", "course", "no lock that it rests on")
def without_the_lock(draft: Draft) -> None:
    leave_out(draft, "entries", draft.entry("lock"))
    draft.proof["terms"] = draft.entry("pay")["record"]["authority"]["signed"]


@way("settled", "outcome", "it says EXPIRED")
def with_another_outcome(draft: Draft) -> None:
    draft.proof["outcome"] = "EXPIRED"


@way("settled", "outcome", "it says SETTLED, and its entries say that it is open")
def without_the_release(draft: Draft) -> None:
    leave_out(draft, "entries", draft.entry("release"))


@way("settled", "trail", "tells of entry .*, which is not in the file")
def without_the_release_and_said_to_be_open(draft: Draft) -> None:
    leave_out(draft, "entries", draft.entry("release"))
    draft.proof["outcome"] = None


@way("settled", "trail", "is of another trace")
def spans_of_another_settlement(draft: Draft) -> None:
    other = Draft("consented").proof
    draft.proof["spans"] = other["spans"]
    take_seals(draft, other)


@way("settled", "trail", "the root of the trace is not there")
def without_the_root_span(draft: Draft) -> None:
    leave_out(draft, "spans", draft.span("settlement"))


@way("settled", "attempts", r"the spans of these attempts are not there: entry .* \(pay\)")
def without_the_span_of_an_effect(draft: Draft) -> None:
    leave_out(draft, "spans", draft.span("pay"))


@way("settled", "inclusion", "no seal covers yet: payment")
def said_to_be_not_sealed_yet(draft: Draft) -> None:
    entry = draft.entry("pay")
    entry["record"]["actor"] = "somebody else"
    entry["place"] = None
    without_idle_seals(draft)


@way("consented", "inclusion", "is not what seal .* covers")
def a_witness_of_another_time(draft: Draft) -> None:
    draft.proof["witnesses"][0]["record"]["at"] = "2020-01-01T00:00:00.000000Z"


@way("consented", "inclusion", "one of the witnesses stands twice")
def a_witness_twice(draft: Draft) -> None:
    draft.proof["witnesses"].insert(0, draft.proof["witnesses"][0])
