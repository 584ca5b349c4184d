"""What makes a new environment that runs in containers: its network id, its attestor set, its databases' passwords,
and the keys that its journals are sealed with.

Made once and kept by whoever runs it. Makes no attestor's key and no operator's: they are told by their addresses.
A seal key is a secret like the password of the same database's writer, and belongs to who runs that process.
"""

import json
import secrets
from collections.abc import Mapping, Sequence

from interlock.protocol import Attestors, LocalSigner
from interlock.protocol.words import checksummed
from interlock.stack.identity import ATTESTORS, JOURNALS, logins

SERVERS = ("POSTGRES_PASSWORD", "TEMPORAL_POSTGRES_PASSWORD")


def new_environment(attestors: Sequence[str], operators: Sequence[str]) -> dict[str, str]:
    """The variables that docker-compose.yml is filled in with. Raises ValueError for addresses that will not do."""
    addresses = [checksummed(each) for each in attestors]
    if len(set(addresses)) != ATTESTORS:
        raise ValueError(f"docker-compose.yml runs {ATTESTORS} attestors: name {ATTESTORS} different addresses")
    ordering = [checksummed(each) for each in operators]
    if len(set(ordering)) < 2:
        raise ValueError("an order takes two operators: name two different addresses at least")
    named = Attestors.of("main", 1, tuple(addresses))
    seals = {journal: LocalSigner.generate() for journal in JOURNALS}
    quoted = ", ".join(f'"{each}"' for each in ordering)
    return {
        "INTERLOCK_NETWORK": "0x" + secrets.token_hex(32),
        "INTERLOCK_ATTESTORS": named.model_dump_json(),
        "INTERLOCK_COORDINATOR": named.identity.model_dump_json(),
        "INTERLOCK_INSTALL_OPERATORS": f"[{quoted}]",
        "INTERLOCK_KEEPERS": json.dumps({journal: key.address for journal, key in seals.items()}),
        **{f"{journal.upper()}_SEAL_KEY": key.private_key.hex() for journal, key in seals.items()},
        **{f"ATTESTOR_{number}": address for number, address in enumerate(addresses, 1)},
        **{name: secrets.token_urlsafe(24) for name in SERVERS},
        **{f"{role.upper()}_PASSWORD": secrets.token_urlsafe(24) for role in logins()},
    }


def dotenv(variables: Mapping[str, str]) -> str:
    """The same as a `.env` file: each value in single quotes, so that nothing in it is filled in again."""
    return "".join(f"{name}='{value}'\n" for name, value in variables.items())
