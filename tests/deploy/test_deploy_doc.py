"""docs/deploy.md says what is so: its table is the settings models', its commands and services exist."""

import re

import pytest

from interlock.cli.main import VERBS
from interlock.stack.settings_table import BEGIN, DOCUMENT, END, table, written
from tests.deploy.compose import REPOSITORY, read
from tests.deploy.test_compose_file import FILES, Anything

TEXT = (REPOSITORY / DOCUMENT).read_text()
CLIENTS = {"INTERLOCK_AUDIT_READER_DSN", "INTERLOCK_COORDINATOR", "INTERLOCK_DATA_DIR", "INTERLOCK_LOCAL_ROLES"}
"""What only clients are told."""


def test_the_table_of_settings_is_current() -> None:
    assert written(TEXT) == TEXT, "run `make docs`"


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="settings: begin"):
        written("no table here")


def test_every_variable_that_the_files_and_the_document_name_is_a_setting() -> None:
    settings = set(re.findall(r"`(INTERLOCK_\w+)`", table())) | CLIENTS
    files = [(REPOSITORY / name).read_text() for name in FILES]
    named = set(re.findall(r"\bINTERLOCK_[A-Z_]+[A-Z]\b", "".join([TEXT.partition(BEGIN)[0], *files])))
    assert named - settings == set()
    assert TEXT.count(BEGIN) == TEXT.count(END) == 1


def test_every_command_of_the_document_exists() -> None:
    verbs = set(re.findall(r"^(?:\w+=\S+ +)*interlock ([a-z]+)", TEXT, re.MULTILINE))
    assert verbs >= {"attestor", "install", "worker", "keys", "ledger"}
    assert verbs - {verb.name for verb in VERBS} == set()
    for file, services in re.findall(r"docker compose (?:-f (\S+) )?run --rm (?:-T )?([a-z0-9-]+)", TEXT):
        assert services in read(file or FILES[0], Anything())
