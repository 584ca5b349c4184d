"""The demo through the command, as people and scripts run it: a process of its own, on servers of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

INVARIANTS = 8
COMMAND = [sys.executable, "-m", "interlock.cli.main", "demo"]


def environment(folder: Path) -> dict[str, str]:
    """Nobody else's stack, and a temporary folder that can be looked into."""
    ours = ("INTERLOCK_", "TEMPORAL_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {"TMPDIR": str(folder)}


def test_json_has_one_document_with_scenarios_and_invariants_and_nothing_is_left(tmp_path: Path) -> None:
    only = ["two-sided", "cash-arrives-late", "not-admitted"]
    done = subprocess.run(
        [*COMMAND, "--json", "--only", *reversed(only)],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    (line,) = done.stdout.splitlines()
    said = json.loads(line)
    assert list(said) == ["ok", "scenarios", "invariants"], done.stderr
    assert said["ok"] is True
    assert [scenario["name"] for scenario in said["scenarios"]] == only
    for scenario in said["scenarios"]:
        assert list(scenario) == ["name", "settlement_id", "expected", "outcome", "verdict", "lock", "ok"]
        ending = (scenario["outcome"], scenario["verdict"], scenario["lock"])
        assert ", ".join(word or "null" for word in ending) == scenario["expected"]
        assert scenario["ok"] is True
    assert len(said["invariants"]) == INVARIANTS
    for invariant in said["invariants"].values():
        assert list(invariant) == ["ok", "checked", "violations"]
        assert invariant["ok"] is True
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_scenario_is_wrong_usage_and_starts_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--only", "no-such-thing"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "no-such-thing" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_starts_stops_everything(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen([*COMMAND], env=environment(tmp_path), stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline().startswith("Starting")
        demo.send_signal(number)
        out, _ = demo.communicate(timeout=60)
    assert out == "interrupted; everything is stopped\n"
    assert demo.returncode == 130
    assert list(tmp_path.iterdir()) == []
