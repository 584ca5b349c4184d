"""What a settlement's proof and the verification of all cost with few and with many settlements: export and check are
to stay the same, verify to grow with the journals and no faster.

`python -m bench.auditing [FEW] [MANY] [FOLDER]` writes one JSON document. With a folder it goes on where it was
interrupted; what an earlier run has passed is not measured again.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.bulk import BulkLoad
from bench.evidence import signers
from bench.place import opened
from bench.progress import say
from bench.proving import proved, whole_scans
from bench.sealed import MORE, grow
from bench.verifying import PARTS, verified


async def main(few: int, many: int, folder: Path) -> dict[str, Any]:
    """Both sizes in the same journals: first the few, then the many."""
    found: list[dict[str, Any]] = []
    with signers() as pool:
        async with opened(folder) as place:
            for count in (few, many):
                if await BulkLoad(place, pool).loaded() > count + MORE:
                    say(f"{count:,} settlements were passed in an earlier run: they are not measured again")
                    continue
                await grow(place, pool, count)
                found.append(
                    {"settlements": count, "proof": await proved(place, count), "verify": await verified(place)}
                )
                say(json.dumps(found[-1]))
            scans = await whole_scans(place)
    return {"at": found, "many to few": _ratios(*found) if len(found) == 2 else None, "whole scans": scans}


def _ratios(few: dict[str, Any], many: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Of a proof as it is, of verify by settlement."""
    each = few["settlements"] / many["settlements"]
    return {
        "proof": {name: round(many["proof"][name] / few["proof"][name], 2) for name in few["proof"]},
        "verify, a settlement": {
            name: round(many["verify"][name] / few["verify"][name] * each, 2) for name in (*PARTS, "seconds")
        },
    }


if __name__ == "__main__":
    few, many = (int(text) for text in sys.argv[1:3]) if len(sys.argv) > 2 else (1000, 100_000)
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as temporary:
        where = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(temporary)
        where.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stdout(sys.stderr):
            result = asyncio.run(main(few, many, where))
    sys.stdout.write(json.dumps(result, indent=1) + "\n")
