"""What makes a new environment that runs in containers: its network id, its attestor set, its databases' passwords.

Made once and kept by whoever runs it. Makes no attestor's key and no operator's: they are told by their addresses.
"""

import secrets
from collections.abc import Mapping, Sequence

from interlock.protocol import Attestors
from interlock.protocol.words import checksummed
from interlock.stack.identity import ATTESTORS, logins

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
    quoted = ", ".join(f'"{each}"' for each in ordering)
    return {
        "INTERLOCK_NETWORK": "0x" + secrets.token_hex(32),
        "INTERLOCK_ATTESTORS": named.model_dump_json(),
        "INTERLOCK_COORDINATOR": named.identity.model_dump_json(),
        "INTERLOCK_INSTALL_OPERATORS": f"[{quoted}]",
        **{f"ATTESTOR_{number}": address for number, address in enumerate(addresses, 1)},
        **{name: secrets.token_urlsafe(24) for name in SERVERS},
        **{f"{role.upper()}_PASSWORD": secrets.token_urlsafe(24) for role in logins()},
    }


def dotenv(variables: Mapping[str, str]) -> str:
    """The same as a `.env` file: each value in single quotes, so that nothing in it is filled in again."""
    return "".join(f"{name}='{value}'\n" for name, value in variables.items())
