"""A server that accepts and never answers: an end within 10 seconds, and a quiet one on Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def silence(tmp_path: Path) -> Iterator[socket.socket]:
    """A listening socket that `./.interlock` gives as both ledgers' database."""
    folder = tmp_path / ".interlock"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        dsn = f"postgresql://somebody:word@127.0.0.1:{listening.getsockname()[1]}/nothing?sslmode=disable"
        roles = {"reader": dsn, "writer": dsn}
        (folder / "ledgers.json").write_text(json.dumps({"asset": roles, "payment": roles}))
        yield listening


@pytest.mark.usefixtures("silence")
def test_a_server_that_never_answers_is_given_up_within_ten_seconds(interlock: Run) -> None:
    ran = interlock("ledger", "accounts", "--json")
    assert (ran.code, ran.error["code"]) == (3, "unreachable")
    assert "interlock up" in ran.error["message"]


def test_ctrl_c_ends_quietly_with_130(silence: socket.socket, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "interlock.cli.main", "ledger", "accounts"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_ctrl_c,  # noqa: PLW1509 - it resets one signal, and takes no lock
    )
    silence.settimeout(30)
    connection, _ = silence.accept()
    with connection:
        assert connection.recv(1)  # it has said its first word, and waits for an answer now
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")


def _heed_ctrl_c() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
