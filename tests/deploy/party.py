"""What an institution's own system does, as a process: signs terms with its key, instructs, and says how it ended.

`python party.py TERMS.json KEY-NAME`. Everything else comes from its environment, as for any user of the SDK.
"""

import asyncio
import os
import sys
from pathlib import Path

from interlock.client import SettlementClient
from interlock.client.keystore import Keystore
from interlock.protocol import Terms


async def instruct(terms: Terms, key: str) -> str:
    """The settlement's outcome."""
    signer = Keystore(Path(os.environ["INTERLOCK_DATA_DIR"]) / "keys").load(key)
    async with await SettlementClient.connect() as client:
        handle = await client.instruct(terms, signer.sign(terms, client.network))
        report = await handle.outcome()
    return str(report.outcome)


if __name__ == "__main__":
    said = asyncio.run(instruct(Terms.model_validate_json(Path(sys.argv[1]).read_text()), sys.argv[2]))
    sys.stdout.write(f"{said}\n")
    sys.stdout.flush()
    os._exit(0)
