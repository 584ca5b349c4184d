"""An environment's identity is made once; a later version's login roles get passwords, and nothing else changes."""

import json
from pathlib import Path

from interlock.stack.identity import identity_of


def test_it_is_kept(tmp_path: Path) -> None:
    made = identity_of(tmp_path / "identity.json")
    assert identity_of(tmp_path / "identity.json") == made


def test_a_role_that_an_older_version_did_not_know_gets_a_password_once(tmp_path: Path) -> None:
    path = tmp_path / "identity.json"
    made = identity_of(path)
    older = json.loads(path.read_text())
    del older["passwords"]["audit_writer"]
    del older["seal_keys"]
    path.write_text(json.dumps(older))
    grown = identity_of(path)
    assert grown.passwords.keys() == made.passwords.keys()
    assert {name: word for name, word in grown.passwords.items() if name != "audit_writer"} == older["passwords"]
    assert (grown.network, grown.attestor_keys) == (made.network, made.attestor_keys)
    assert set(grown.keepers) == {"asset", "payment", "audit"}
    assert identity_of(path) == grown
