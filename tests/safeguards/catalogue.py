"""Every safeguard that is taken out, one at a time, and the checks that should notice. Runs nothing."""

from tests.safeguards import ledger_removals as ledger
from tests.safeguards import other_removals as other
from tests.safeguards.checks import chaos, claims, machine, matrix, model
from tests.safeguards.removal import Safeguard

_OTHER_END = "lands late, after the settlement has ended the other way"
_CONTRACT = "tests/ledgers/contract"
_POSTGRES = "tests/ledgers/postgres"

SAFEGUARDS = (
    Safeguard(
        "the tombstone",
        "a refund that finds nothing locked writes its entry, and no row",
        ledger.NO_TOMBSTONE,
        (
            *model("no_tombstone"),
            *machine(),
            *claims(_CONTRACT, "hazard_19 and postgres"),
            *matrix(f"lock:{_OTHER_END}"),
        ),
        listed=True,
    ),
    Safeguard(
        "the verdict's uniqueness",
        "pay looks for PAID only and void for VOIDED only, and a terms hash may have two verdict rows",
        ledger.TWO_VERDICTS,
        (
            *model("verdict_not_unique"),
            *machine(),
            *claims(_CONTRACT, "hazard_02 and postgres"),
            *matrix(f"pay:{_OTHER_END}", f"void:{_OTHER_END}"),
        ),
        layers="the table's key, and the look at it in pay and in void",
        listed=True,
    ),
    Safeguard(
        "the certificate check",
        "the ledgers take every certificate for proven",
        ledger.NO_CERTIFICATE_CHECK,
        (
            *model("release_unchecked", "refund_unchecked"),
            *machine(),
            *claims(_CONTRACT, "hazard_05 and postgres"),
        ),
        listed=True,
    ),
    Safeguard(
        "terms_hash as the key",
        "lock, refund, pay and void look for a row of the settlement id instead of the terms hash",
        ledger.KEYED_BY_SETTLEMENT_ID,
        (
            *model("key_by_settlement_id"),
            *machine(),
            *claims(_CONTRACT, "hazard_20 and postgres"),
            *chaos(),
        ),
        listed=True,
    ),
    Safeguard(
        "reading the ledgers first",
        "a run asks nobody what stands before it waits or ends unmatched, and overlooks it in the check's answer",
        other.LEDGERS_NOT_READ_FIRST,
        (
            *model("ledgers_not_read_first"),
            *claims("tests/workflows/test_recovering.py", "what_stands_locked"),
            *matrix("match:the workflow terminated", "release:Temporal's whole database lost"),
            *chaos(),
        ),
        layers="the look while matching, and the check's answer",
        listed=True,
    ),
    Safeguard(
        "asking before resending",
        "pay moves the money without looking whether it is PAID already",
        ledger.PAYS_WITHOUT_LOOKING,
        (
            *machine(),
            *claims(_CONTRACT, "hazard_01 and postgres"),
            *matrix("pay:the answer lost", "pay:the answer delivered twice"),
            *chaos(),
        ),
        layers="the look, the verdict's key, and the journal's one entry of each kind",
        listed=True,
    ),
    Safeguard(
        "the shield against cancel requests",
        "a raw cancel request to the engine reaches the settlement's own steps",
        other.NO_SHIELD,
        (
            *claims("tests/workflows/test_faults.py", "cancel_request"),
            *matrix("lock:the workflow cancelled from the Web UI", "release:the workflow cancelled from the Web UI"),
        ),
        listed=True,
    ),
    Safeguard(
        "evidence in the effect's transaction",
        "what an effect relied on is written half a second after it, by the process that made it",
        ledger.EVIDENCE_LATER,
        (
            *machine(),
            *claims(f"{_POSTGRES}/test_evidence.py {_POSTGRES}/test_verify.py", "hazard_13 or honest_history"),
            *matrix("pay:killed after the commit, before the answer"),
            *chaos(),
        ),
        layers="the entry's authority, and the rule that no entry changes",
        listed=True,
    ),
    Safeguard(
        "the append-only journal",
        "entries, postings and verdicts may be changed and deleted by the ledger's owner",
        ledger.JOURNAL_CHANGEABLE,
        (*machine(), *claims(f"{_POSTGRES}/test_schema.py", "what_was_written or hazard_02")),
    ),
    Safeguard(
        "the deadline of a payment",
        "pay does not ask whether settle_by has passed",
        ledger.PAYS_PAST_SETTLE_BY,
        (*model("pay_past_settle_by"), *machine(), *claims(_CONTRACT, "hazard_17 and postgres")),
    ),
    Safeguard(
        "one settlement id moves units once",
        "other terms with an id that has moved the deliverer's units may be locked",
        ledger.IDS_USED_AGAIN,
        (*model("no_id_used"), *machine(), *claims(_CONTRACT, "settlement_id or same_id")),
        layers="the index on locks, and the refusal",
    ),
    Safeguard(
        "accounts are held while they are judged",
        "an operation locks no account rows",
        ledger.ACCOUNTS_NOT_HELD,
        (*machine(), *claims(f"{_POSTGRES}/test_concurrency.py {_CONTRACT}", "at_once")),
    ),
    Safeguard(
        "one operation at a time on one terms hash",
        "operations on the same terms do not wait for each other",
        ledger.TERMS_NOT_HELD,
        (*machine(), *claims(f"{_POSTGRES}/test_concurrency.py", "hazard_01 or hazard_02")),
    ),
    Safeguard(
        "attestors keep their votes",
        "an attestor signs without writing down what",
        other.VOTES_FORGOTTEN,
        (*model("votes_forgotten"), *claims("tests/attestors tests/worker/test_opening.py", "hazard_06 or hazard_22")),
    ),
    Safeguard(
        "a quorum of 2f+1",
        "f+1 attestors make a certificate",
        other.QUORUM_OF_F_PLUS_1,
        (*model("quorum_f_plus_1"), *claims(f"tests/protocol {_CONTRACT}", "hazard_06 or hazard_05")),
    ),
    Safeguard(
        "the check before the lock",
        "the lock is sent together with the check",
        other.CHECK_BESIDE_LOCK,
        (*model("check_beside_lock"), *claims("tests/workflows/test_checking.py", "check_and_lock_never")),
    ),
    Safeguard(
        "the sweeper",
        "a sweep finds nothing that has no workflow",
        other.NOTHING_SWEPT,
        (*model("no_sweeper"), *claims("tests/workflows/test_recovering.py", "sweep or hazard_21"), *chaos()),
    ),
    Safeguard(
        "the network in what is signed",
        "the network id is left out of the domain",
        other.NO_NETWORK,
        (*machine(), *claims(f"tests/protocol {_CONTRACT}", "hazard_24")),
    ),
)
