"""One holder of a data folder at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.stack.errors import AlreadyRunning
from interlock.stack.lock import DataFolderLock

_HOLD = """
import sys, pathlib
from interlock.stack.lock import DataFolderLock
with DataFolderLock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_holder_of_a_data_folder_is_told_who_runs(tmp_path: Path) -> None:
    with DataFolderLock(tmp_path / "lock"):
        with pytest.raises(AlreadyRunning) as refused:
            DataFolderLock(tmp_path / "lock").acquire()
        assert refused.value.pid == os.getpid()


def test_a_released_folder_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with DataFolderLock(tmp_path / "lock"):
            pass


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", _HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(AlreadyRunning) as refused:
            DataFolderLock(tmp_path / "lock").acquire()
        assert refused.value.pid == holder.pid
        holder.kill()
    with DataFolderLock(tmp_path / "lock"):
        pass
