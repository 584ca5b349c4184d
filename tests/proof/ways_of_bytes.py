"""Ways to falsify a proof that need no key: bytes, keys, seals and places. Whoever holds it can try them."""

import json

from tests.proof.drafts import FALSIFIER, Draft, Json
from tests.proof.ways import number_of, way


@way("settled", "form", "not the canonical ones")
def written_more_readably(draft: Draft) -> bytes:
    return json.dumps(draft.proof, indent=1).encode() + b"\n"


@way("settled", "form", "not the canonical ones")
def without_its_last_newline(draft: Draft) -> bytes:
    return draft.data[:-1]


@way("settled", "form", "not the canonical ones")
def members_in_another_order(draft: Draft) -> bytes:
    turned = dict(reversed(draft.proof.items()))
    return json.dumps(turned, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


@way("settled", "form", "not the canonical ones")
def a_member_twice(draft: Draft) -> bytes:
    return draft.data.replace(b'"version":1', b'"version":2,"version":1')


@way("settled", "form", "not the canonical ones")
def a_digest_in_capitals(draft: Draft) -> None:
    draft.proof["terms_hash"] = "0x" + draft.proof["terms_hash"][2:].upper()


@way("settled", "form", "not the canonical ones")
def a_time_with_another_offset(draft: Draft) -> None:
    at = draft.proof["seals"][0]["seal"]["at"]
    draft.proof["seals"][0]["seal"]["at"] = at.replace("Z", "+00:00")


@way("settled", "form", "Extra inputs|extra")
def a_member_more(draft: Draft) -> None:
    draft.proof["comment"] = "trust me"


@way("settled", "form", "Extra inputs|extra")
def a_record_says_more(draft: Draft) -> None:
    draft.entry("lock")["record"]["note"] = "all is well"


@way("settled", "form", "version")
def of_another_version(draft: Draft) -> None:
    draft.proof["version"] = 2


@way("settled", "form", "canonical|float|number|integer")
def a_number_that_is_no_integer(draft: Draft) -> bytes:
    return draft.data.replace(b'"interlock.attempt":1', b'"interlock.attempt":1.5', 1)


@way("settled", "keys", "it is of network")
def of_another_network(draft: Draft) -> None:
    draft.proof["network"] = draft.proof["terms"]["network"] = "0x" + "ab" * 32


@way("settled", "keys", "signed for another network")
def terms_of_another_network(draft: Draft) -> None:
    draft.proof["terms"]["network"] = "0x" + "ab" * 32


@way("settled", "keys", "as the keeper of journal asset, which is")
def sealed_by_a_keeper_of_ones_own(draft: Draft) -> None:
    draft.proof["keepers"]["asset"] = FALSIFIER.address
    draft.sealed_again(dict.fromkeys(("asset", "payment", "audit"), FALSIFIER))


@way("settled", "keys", "a keeper for each of its journals")
def a_ledger_with_another_name(draft: Draft) -> None:
    draft.proof["keepers"]["gold"] = draft.proof["keepers"].pop("asset")


@way("settled", "seals", "not its keeper's")
def sealed_by_somebody_else(draft: Draft) -> None:
    draft.entry("release")["record"]["reason"] = "because"
    draft.sealed_again(dict.fromkeys(("asset", "payment", "audit"), FALSIFIER))


@way("settled", "seals", "not its keeper's")
def signed_as_another_seal_was(draft: Draft) -> None:
    first, second = _seals(draft, "asset")[:2]
    first["signature"]["bytes"] = second["signature"]["bytes"]


@way("settled", "seals", "not its keeper's")
def a_seal_of_another_journal(draft: Draft) -> None:
    asset, audit = (_seals(draft, journal)[0] for journal in ("asset", "audit"))
    asset["signature"] = dict(audit["signature"])
    asset["seal"]["root"] = audit["seal"]["root"]


@way("settled", "seals", "not its keeper's")
def a_later_seal(draft: Draft) -> None:
    _seals(draft, "asset")[-1]["seal"]["at"] = "2030-01-01T00:00:00Z"


@way("settled", "seals", "not its keeper's")
def a_posting_changed_and_every_hash_recomputed(draft: Draft) -> None:
    entry = draft.entry("pay")
    entry["record"]["postings"][0]["quantity"] = "-1"
    draft.root_recomputed(entry, "payment")


@way("settled", "seals", "the seals are not in order")
def seals_in_another_order(draft: Draft) -> None:
    draft.proof["seals"].reverse()


@way("settled", "inclusion", "is not what seal .* covers")
def a_posting_changed(draft: Draft) -> None:
    draft.entry("pay")["record"]["postings"][0]["quantity"] = "-1"


@way("settled", "inclusion", "is not what seal .* covers")
def a_reason_changed(draft: Draft) -> None:
    draft.entry("release")["record"]["reason"] = "because"


@way("settled", "inclusion", "is not what seal .* covers")
def a_certificate_of_another_settlement(draft: Draft) -> None:
    other = Draft("redirected").entry("pay")["record"]["authority"]["certificate"]
    draft.entry("pay")["record"]["authority"]["certificate"] = other


@way("consented", "inclusion", "is not what seal .* covers")
def voided_on_another_authority(draft: Draft) -> None:
    draft.entry("void")["record"]["authority"]["authority"] = {"kind": "time"}


@way("settled", "inclusion", "is not what seal .* covers")
def paid_turned_voided(draft: Draft) -> None:
    draft.entry("pay")["record"]["operation"] = "void"


@way("settled", "inclusion", "is not what seal .* covers")
def a_span_changed(draft: Draft) -> None:
    draft.span("lock")["record"]["end_ns"] = "1795884389641742149"


@way("settled", "inclusion", "is not what seal .* covers")
def the_genesis_of_other_operators(draft: Draft) -> None:
    draft.foundation("genesis")["record"]["authority"]["operators"] = [FALSIFIER.address, draft.network[:42]]


@way("settled", "inclusion", "too short")
def a_truncated_path(draft: Draft) -> None:
    draft.entry("release")["place"]["path"].pop()


@way("settled", "inclusion", "too long")
def a_longer_path(draft: Draft) -> None:
    draft.entry("release")["place"]["path"].append("0x" + "00" * 32)


@way("settled", "inclusion", "is not what seal .* covers|too|there is no leaf")
def another_index(draft: Draft) -> None:
    draft.entry("release")["place"]["index"] += 1


@way("settled", "inclusion", "names seal 999")
def under_a_seal_that_is_not_there(draft: Draft) -> None:
    draft.entry("release")["place"]["seal"] = 999


@way("settled", "inclusion", "which is not in the file")
def a_seal_left_out(draft: Draft) -> None:
    draft.proof["seals"].remove(draft.seal(draft.entry("release"), "asset"))


@way("settled", "inclusion", "nothing in the file is under it")
def a_seal_too_many(draft: Draft) -> None:
    have = {number_of(each) for each in draft.proof["seals"]}
    more = [each for each in Draft("consented").proof["seals"] if number_of(each) not in have]
    draft.proof["seals"].append(more[0])
    draft.proof["seals"].sort(key=number_of)


@way("settled", "inclusion", "one of the entries stands twice")
def an_entry_twice(draft: Draft) -> None:
    draft.proof["entries"].insert(0, draft.proof["entries"][0])


@way("settled", "inclusion", "entries are not in order")
def entries_in_another_order(draft: Draft) -> None:
    draft.proof["entries"].reverse()


@way("settled", "inclusion", "one of the spans stands twice")
def a_span_twice(draft: Draft) -> None:
    draft.proof["spans"].insert(0, draft.proof["spans"][0])


def _seals(draft: Draft, journal: str) -> list[Json]:
    return [each for each in draft.proof["seals"] if each["seal"]["journal"] == journal]
