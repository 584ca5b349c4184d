"""`python -m tests.proof.make` plays every scenario on a real stack and writes the proofs that tests falsify.

Into tests/proof/real/: a proof of each, the public keys (trust.json), and the keepers' private keys of that throw-away
environment (keys.json), with which falsifiers may seal what they have changed.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.proof.trading import OUTCOMES, floor

REAL = Path(__file__).parent / "real"


async def main() -> None:
    """Export each scenario once its witnesses stand; say what came of it."""
    with tempfile.TemporaryDirectory(prefix="interlock-proof-") as name:
        async with floor(Path(name) / "stack") as running:
            await running.play()
            for scenario in OUTCOMES:
                ran = await running.export(scenario, REAL / f"{scenario}.proof.json")
                if ran.code != 0:
                    sys.exit(f"{scenario} was not exported: {ran.err}")
                sys.stdout.write(f"{scenario}: {ran.json['outcome']}, {ran.json['bytes']} bytes\n{ran.err}")
            (REAL / "trust.json").write_text(json.dumps(running.trust, indent=1) + "\n")
            (REAL / "keys.json").write_text(json.dumps(running.stack.identity.seal_keys, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
