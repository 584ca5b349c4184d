"""The rules of the protocol that can be weakened, one switch each, and what each weakening is expected to break.

With every switch as it stands here, the rules are the design's.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from tests.protocol_model.search import RECOVERABILITY

ATTESTORS = 4
"""n = 3f+1 with f = 1."""


@dataclass(frozen=True)
class Rules:
    """What ledgers, attestors and the workflow keep to."""

    key: Literal["terms_hash", "settlement_id"] = "terms_hash"
    id_used: bool = True
    tombstone: bool = True
    one_verdict: bool = True
    quorum: int = 3
    certificate_to_release: bool = True
    certificate_to_refund: bool = True
    timer_refunds: bool = False
    pay_stops_at_settle_by: bool = True
    attestors_keep_votes: bool = True
    opens_with_every_vote: bool = True
    checks_before_lock: bool = True
    reads_ledgers_first: bool = True
    sweeper: bool = True


REAL = Rules()


class Weakening(NamedTuple):
    """A rule that is missing, or trust that is lost: in which world it shows, and every property that then breaks."""

    name: str
    rules: Rules
    world: str
    breaks: tuple[str, ...]
    text: str


WEAKENINGS = (
    Weakening(
        "key_by_settlement_id",
        Rules(key="settlement_id"),
        "stranger",
        ("both_legs_or_neither", "atomicity", "authority"),
        "rows and statements are keyed by settlement_id, not by terms_hash (hazard 20)",
    ),
    Weakening(
        "no_id_used",
        Rules(id_used=False),
        "two_terms",
        ("exactly_one_effect",),
        "(deliverer, settlement_id) is not unique among locks that moved units",
    ),
    Weakening(
        "no_tombstone",
        Rules(tombstone=False),
        "workflow",
        ("finality", "honest_end", "exactly_one_effect"),
        "a refund that finds no lock writes no row (hazard 19)",
    ),
    Weakening(
        "verdict_not_unique",
        Rules(one_verdict=False),
        "one_terms",
        ("both_legs_or_neither", "one_decision", "atomicity"),
        "PAID and VOIDED may both be inserted (hazard 2)",
    ),
    Weakening(
        "quorum_f_plus_1",
        Rules(quorum=2),
        "two_dishonest",
        ("both_legs_or_neither", "atomicity", "authority", "certificates_are_true", "one_certified_verdict"),
        "a certificate needs f+1 signatures, and two attestors are dishonest (hazard 6)",
    ),
    Weakening(
        "three_dishonest",
        Rules(),
        "three_dishonest",
        ("both_legs_or_neither", "atomicity", "authority", "certificates_are_true", "one_certified_verdict"),
        "no rule is weakened, but a quorum of the attestors is dishonest",
    ),
    Weakening(
        "two_silent",
        Rules(),
        "two_dishonest",
        (RECOVERABILITY,),
        "no rule is weakened, but two of four attestors are dishonest and may be silent for ever",
    ),
    Weakening(
        "votes_forgotten",
        Rules(attestors_keep_votes=False),
        "restored",
        ("one_certified_verdict", "both_legs_or_neither", "atomicity", "certificates_are_true"),
        "attestors keep no votes, so a ledger restored from a backup opens without what they signed (hazards 6, 22)",
    ),
    Weakening(
        "opened_too_early",
        Rules(opens_with_every_vote=False),
        "restored",
        ("both_legs_or_neither", "atomicity", "certificates_are_true"),
        "a ledger restored from a backup opens though it lacks what attestors have signed (hazard 22)",
    ),
    Weakening(
        "release_unchecked",
        Rules(certificate_to_release=False),
        "one_terms",
        ("both_legs_or_neither", "atomicity", "authority"),
        "a release needs no PAID certificate",
    ),
    Weakening(
        "refund_unchecked",
        Rules(certificate_to_refund=False),
        "one_terms",
        ("both_legs_or_neither", "atomicity", "authority"),
        "a refund needs no VOIDED certificate",
    ),
    Weakening(
        "timer_refunds",
        Rules(timer_refunds=True),
        "one_terms",
        ("both_legs_or_neither", "atomicity", "authority"),
        "past settle_by the asset ledger refunds without a verdict (hazard 3)",
    ),
    Weakening(
        "pay_past_settle_by",
        Rules(pay_stops_at_settle_by=False),
        "one_terms",
        ("authority",),
        "past settle_by the payment ledger still accepts a pay: an offer outlives its time, both legs still hold",
    ),
    Weakening(
        "check_beside_lock",
        Rules(checks_before_lock=False),
        "workflow",
        ("honest_end",),
        "the check and the lock are sent by one workflow task (hazard 21)",
    ),
    Weakening(
        "ledgers_not_read_first",
        Rules(reads_ledgers_first=False),
        "workflow",
        ("honest_end",),
        "a run does not ask what stands before it waits, or ends, unmatched (hazard 21)",
    ),
    Weakening(
        "no_sweeper",
        Rules(sweeper=False),
        "workflow",
        (RECOVERABILITY,),
        "nobody starts a run for an open lock that has none (hazard 21)",
    ),
)
