"""Makes a new attestor: a key, and the empty file of its votes beside it. Once; an attestor that is there stays.

A key that is there has its votes, or has lost them (hazard 6): so the key is written last, and never again.
"""

import os
from pathlib import Path

from interlock.attestors.votes import VoteStore
from interlock.protocol import LocalSigner


async def give_birth(key: Path, votes: Path) -> str:
    """The new attestor's address. Raises FileExistsError if either file is there."""
    for path in (key, votes):
        if path.exists():
            raise FileExistsError(f"{path} is there: this attestor was made already")
    for path in (key, votes):
        path.parent.mkdir(parents=True, exist_ok=True)
    signer = LocalSigner.generate()
    await VoteStore.create(votes, signer.address).close()
    draft = key.with_name(f".{key.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(signer.private_key.hex())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(key)
    return signer.address
