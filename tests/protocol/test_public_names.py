"""The room's public names are pinned, and importing it pulls in nothing that does I/O."""

import subprocess
import sys

import interlock.protocol
from interlock.protocol import RefusalCode

NAMES = """
WAITED_FOR AccountOrder AccountState Answer Asset Attempt AttestRequest Attested AttestorSet Attestors Blocker
ByConsent ByOperators ByTime Cancellation Certificate CertificateInvalid Check CloseAttestors Dissent DissentKind
EventKind Fact JournalLine LedgerOrder Leg LocalSigner Lock LockState Message Mint Misconduct MisconductUnproven
NotAttested OpenAccount Operation OperatorOrder Outcome Readmit Receipt Redirection Refusal RefusalCode
RegisterAsset RegisterAttestors SettlementEvent SettlementReport Signature SignatureInvalid SignedCancellation
SignedLedgerOrder SignedOperatorOrder SignedRedirection SignedStatement SignedTerms SignedWithdrawal Signer Stage
Statement Terms Verdict VerdictKind VoidAuthority Withdrawal differing_fields trace_id_of verify
"""

CODES = """
signature_invalid wrong_signer wrong_owner unknown_ledger unknown_account unknown_asset unknown_coordinator
decimals_mismatch not_admitted deadline_passed id_used terms_closed too_early insufficient_balance account_frozen
no_quorum already_paid already_voided certificate_invalid authority_invalid authority_expired not_past_deadline
no_lock account_exists asset_exists set_exists quantity_too_large misconduct_unproven unknown_attestor not_left_out
"""


def test_the_public_names_are_these_and_all_exist() -> None:
    assert sorted(interlock.protocol.__all__) == sorted(NAMES.split())
    assert [name for name in NAMES.split() if not hasattr(interlock.protocol, name)] == []


def test_every_public_name_that_the_room_imports_is_exported() -> None:
    here = {name for name in vars(interlock.protocol) if not name.startswith("_") and name[0].isupper()}
    assert here <= set(interlock.protocol.__all__)


def test_refusal_codes_keep_their_names_because_partners_match_on_them() -> None:
    assert [code.value for code in RefusalCode] == CODES.split()


def test_importing_the_protocol_loads_no_database_network_or_engine() -> None:
    program = "import sys, interlock.protocol; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    rooms = {name.split(".")[1] for name in loaded if name.startswith("interlock.")}
    assert rooms == {"protocol"}
    assert not {"asyncpg", "aiohttp", "temporalio", "temporalio.client", "opentelemetry", "eth_account"} & set(loaded)
