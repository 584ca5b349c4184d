"""The client's public names do not change by accident, and its errors are one hierarchy, as its page draws it."""

import re
import subprocess
import sys

from interlock import client
from interlock.client import errors

PUBLIC = {
    "AlreadyEnded",
    "AmbiguousSettlement",
    "Candidate",
    "InstructionRefused",
    "InterlockError",
    "Interrupted",
    "InvalidInstruction",
    "Keystore",
    "NoWorker",
    "NotConfigured",
    "NotReached",
    "NotUnderstood",
    "ServiceFault",
    "SettlementClient",
    "SettlementHandle",
    "SettlementIdUsed",
    "UnknownSettlement",
}


def test_the_public_names_are_these() -> None:
    assert set(client.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(client, name).__name__ == name


def test_errors_descend_from_one_another_as_the_docstring_draws_it() -> None:
    drawn = re.findall(r"^ {4}([ │├└─]*)([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)
    above: list[tuple[int, type]] = [(-1, Exception)]
    for rails, name in drawn:
        while above[-1][0] >= len(rails):
            above.pop()
        error = getattr(client, name)
        assert error.__bases__ == (above[-1][1],), name
        above.append((len(rails), error))
    assert {name for _, name in drawn} == {name for name in PUBLIC if issubclass(getattr(client, name), Exception)}


def test_every_error_has_a_code_a_message_and_a_field() -> None:
    error = client.SettlementIdUsed("taken", field="settlement_id")
    assert (error.code, error.message, error.field, str(error)) == ("id_used", "taken", "settlement_id", "taken")


def test_naming_an_error_does_not_import_temporal() -> None:
    code = "import sys, interlock.client; interlock.client.NoWorker; sys.exit('temporalio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
