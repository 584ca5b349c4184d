"""Run in an empty environment that holds only the wheel and its base dependencies; no pytest there.

The client works, a proof is checked, nothing of the server is needed to import it, and a verb that needs more says what
to install.
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path


def check(claim: str, holds: bool) -> None:
    if not holds:
        sys.exit(f"FAILED: {claim}")
    sys.stdout.write(f"ok: {claim}\n")


for absent in ("asyncpg", "aiohttp", "rich", "opentelemetry.sdk", "pytest"):
    found = importlib.util.find_spec(absent.split(".")[0])
    check(f"{absent} is not installed here", found is None or absent.startswith("opentelemetry"))

from interlock.client import SettlementClient  # noqa: E402
from interlock.protocol import Asset, Attestors, Leg, LocalSigner, Terms, verify  # noqa: E402

seller, buyer = LocalSigner.generate(), LocalSigner.generate()
network = "0x" + "42" * 32
terms = Terms(
    settlement_id="WHEEL-1",
    seller=seller.address,
    buyer=buyer.address,
    delivery=Leg(ledger="asset", asset=Asset(code="OUSG", decimals=18), quantity=1, deliverer="a", receiver="b"),
    payment=Leg(ledger="payment", asset=Asset(code="USD", decimals=2), quantity=1, deliverer="b", receiver="a"),
    settle_by=datetime.now(UTC) + timedelta(hours=1),
    coordinator=Attestors.of("main", 1, tuple(LocalSigner.generate().address for _ in range(4))).identity,
)
verify(terms, network, seller.sign(terms, network))
check("terms are signed and verified with the base wheel alone", SettlementClient is not None)

command = str(Path(sys.executable).parent / "interlock")


def run(*words: str, folder: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {"PATH": "/usr/bin:/bin", "HOME": folder}
    return subprocess.run(
        [command, *words], capture_output=True, text=True, cwd=folder, env=inherited | environment, check=False
    )


with tempfile.TemporaryDirectory() as folder:
    made = run("--data-dir", folder, "--json", "keys", "new", "me", folder=folder)
    check("a key is made", made.returncode == 0 and set(json.loads(made.stdout)) == {"name", "address"})
    up = run("--data-dir", folder, "up", folder=folder)
    check("`up` names the extra it needs and exits 2", up.returncode == 2 and "interlock[" in up.stderr)
    shown = run(
        "--json", "show", "NO-SUCH-TRADE", folder=folder, TEMPORAL_ADDRESS="127.0.0.1:1", INTERLOCK_NETWORK=network
    )
    real = Path(__file__).resolve().parents[1] / "proof" / "real"
    keys = str(real / "trust.json")
    proven = run("--json", "audit", "check", str(real / "settled.proof.json"), "--trust", keys, folder=folder)
    check(
        "`audit check` proves a real settlement, offline",
        proven.returncode == 0 and json.loads(proven.stdout)["verdict"] == "proven",
    )
    falsified = Path(folder) / "falsified.json"
    falsified.write_bytes((real / "settled.proof.json").read_bytes().replace(b"28500000", b"28500001"))
    rejected = run("--json", "audit", "check", str(falsified), "--trust", keys, folder=folder)
    check(
        "`audit check` rejects it with another amount",
        rejected.returncode == 1 and json.loads(rejected.stdout)["verdict"] == "rejected",
    )
    export = run("audit", "export", "NO-SUCH-TRADE", folder=folder, INTERLOCK_KEEPERS="{}", INTERLOCK_NETWORK=network)
    check("`audit export` names the extra it needs and exits 2", export.returncode == 2 and "server" in export.stderr)
    check(
        "`show` says in JSON that no server was reached", shown.returncode == 3 and "error" in json.loads(shown.stdout)
    )
