from __future__ import annotations

import os
import socket
import time

import pytest

from resolver.message import Transport
from resolver.network import holder
from resolver.network.base import Endpoint
from resolver.network.holder import holder_of

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LOOPBACK = "0100007F"
LOOPBACK6 = "00000000000000000000000001000000"


def line(address, port, *, state="07", uid=0, inode=4711):
    queues = "00000000:00000000 00:00000000 00000000"
    return f"  1: {address}:{port:04X} 00000000:0000 {state} {queues} {uid} 0 {inode} 2 0 0\n"


@pytest.fixture
def proc(tmp_path):
    """A /proc in which process 77, `named`, has the socket 4711 open."""
    (tmp_path / "net").mkdir()
    (tmp_path / "77" / "fd").mkdir(parents=True)
    (tmp_path / "77" / "comm").write_text("named\n")
    (tmp_path / "self").mkdir()
    os.symlink("/dev/null", tmp_path / "77" / "fd" / "0")
    os.symlink("socket:[4711]", tmp_path / "77" / "fd" / "9")
    return tmp_path


@pytest.mark.parametrize(
    ("table", "entry", "asked", "transport"),
    [
        ("udp", line(LOOPBACK, 5300), "127.0.0.1", Transport.UDP),
        ("udp", line("00000000", 5300), "127.0.0.1", Transport.UDP),
        ("udp", line(LOOPBACK, 5300), "0.0.0.0", Transport.UDP),
        ("udp6", line(LOOPBACK6, 5300), "::1", Transport.UDP),
        ("udp6", line("0" * 32, 5300), "127.0.0.1", Transport.UDP),
        ("tcp", line(LOOPBACK, 5300, state="0A"), "127.0.0.1", Transport.TCP),
    ],
)
def test_the_process_that_conflicts_is_named(proc, table, entry, asked, transport):
    (proc / "net" / table).write_text(HEADER + entry)
    assert holder_of(Endpoint(asked, 5300), transport, proc) == "named (pid 77)"


@pytest.mark.parametrize(
    ("table", "entry", "asked", "transport"),
    [
        ("udp", line(LOOPBACK, 5301), "127.0.0.1", Transport.UDP),
        ("udp", line(LOOPBACK, 5300), "127.0.0.2", Transport.UDP),
        ("udp", line(LOOPBACK, 5300), "127.0.0.1", Transport.TCP),
        ("udp", line("00000000", 5300), "::1", Transport.UDP),
        ("tcp", line(LOOPBACK, 5300, state="01"), "127.0.0.1", Transport.TCP),
    ],
)
def test_who_does_not_conflict_is_not_named(proc, table, entry, asked, transport):
    (proc / "net" / table).write_text(HEADER + entry)
    assert holder_of(Endpoint(asked, 5300), transport, proc) == ""


def test_where_the_process_cannot_be_seen_its_user_is_named(proc):
    (proc / "net" / "udp").write_text(HEADER + line(LOOPBACK, 5300, inode=9999, uid=0))
    assert holder_of(Endpoint("127.0.0.1", 5300), Transport.UDP, proc) == "a process of user root"
    (proc / "net" / "udp").write_text(HEADER + line(LOOPBACK, 5300, inode=9999, uid=987_654))
    assert holder_of(Endpoint("127.0.0.1", 5300), Transport.UDP, proc) == "a process of user 987654"


@pytest.mark.parametrize("text", ["", "nonsense", HEADER + "x y z\n", HEADER + "1: zz:zz 0 07\n"])
def test_a_strange_table_names_nobody_and_raises_nothing(proc, text):
    (proc / "net" / "udp").write_text(text)
    assert holder_of(Endpoint("127.0.0.1", 5300), Transport.UDP, proc) == ""


def test_no_proc_names_nobody(tmp_path):
    assert holder_of(Endpoint("127.0.0.1", 5300), Transport.UDP, tmp_path / "none") == ""
    assert holder_of(Endpoint("fe80::1%eth0", 5300), Transport.UDP, tmp_path / "none") == ""


def test_the_search_is_given_up_after_its_bound(proc, monkeypatch):
    monkeypatch.setattr(holder, "MAX_FILES", 0)
    (proc / "net" / "udp").write_text(HEADER + line(LOOPBACK, 5300, inode=1))
    assert holder_of(Endpoint("127.0.0.1", 5300), Transport.UDP, proc) == "a process of user root"


@pytest.mark.sockets
def test_the_real_proc_names_this_process_quickly():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        began = time.monotonic()
        found = holder_of(Endpoint(*sock.getsockname()), Transport.UDP)
    assert found.endswith(f"(pid {os.getpid()})")
    assert time.monotonic() - began < 1
