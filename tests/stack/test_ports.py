"""Ports stay what they were, and give way only to somebody else's server."""

from __future__ import annotations

import socket
from pathlib import Path

from interlock.stack.ports import LOOPBACK, keep_ports


def test_ports_are_distinct_and_kept_across_restarts(tmp_path: Path) -> None:
    first = keep_ports(tmp_path / "ports.json", ["postgres", "temporal", "ui"])
    assert len(set(first.values())) == 3
    assert keep_ports(tmp_path / "ports.json", ["postgres", "temporal", "ui"]) == first


def test_only_a_taken_port_is_picked_anew(tmp_path: Path) -> None:
    before = keep_ports(tmp_path / "ports.json", ["postgres", "temporal"])
    with socket.create_server((LOOPBACK, before["postgres"])):
        after = keep_ports(tmp_path / "ports.json", ["postgres", "temporal"])
    assert after["postgres"] != before["postgres"]
    assert after["temporal"] == before["temporal"]


def test_an_unreadable_file_costs_only_new_ports(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{half a fi")
    assert set(keep_ports(tmp_path / "ports.json", ["postgres"])) == {"postgres"}
