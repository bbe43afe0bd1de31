"""Relays before daemons of ours, asked by dig and by raw sockets."""

from __future__ import annotations

import re
import select
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import heard
from tests.support.daemons import PATIENCE, Daemon, free_port, run_resolver
from tests.support.fixtures import Print, Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

RELAYING = re.compile(r"event=relaying pool=edge at=127\.0\.0\.1:(\d+)")


class Servers:
    """Two servers over UDP and TCP on ports of their own, that say by which of them and what was asked."""

    def __init__(self) -> None:
        self.udp = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        self.tcp = []
        for each in self.udp:
            port = free_port()
            each.bind(("127.0.0.1", port))
            each.settimeout(PATIENCE)
            self.tcp.append(socket.create_server(("127.0.0.1", port)))
            self.tcp[-1].settimeout(PATIENCE)

    @property
    def members(self) -> str:
        return ", ".join(f'"127.0.0.1:{each.getsockname()[1]}"' for each in self.udp)

    def close(self) -> None:
        for each in (*self.udp, *self.tcp):
            each.close()


@pytest.fixture
def servers() -> Iterator[Servers]:
    made = Servers()
    yield made
    made.close()


def configuration(directory: Path, members: str, more: str = "", listen: int = 0, workers: str = "") -> str:
    """The path of one with a relay to `members`, whose health nobody checks."""
    file = directory / "resolver.toml"
    file.write_text(
        f'[server]\nlisten = ["127.0.0.1:0"]\n{workers}[pools.edge]\nmembers = [{members}]\nmode = "relay"\n'
        f'listen = ["127.0.0.1:{listen}"]\ncheck = "none"\n{more}'
    )
    return str(file)


def port_of(daemon: Daemon) -> int:
    """Where its relay is."""
    return int(daemon.log.wait_for(RELAYING.pattern)[1])


def client(port: int, kind: socket.SocketKind = socket.SOCK_DGRAM) -> socket.socket:
    sock = socket.socket(socket.AF_INET, kind)
    sock.settimeout(PATIENCE)
    sock.connect(("127.0.0.1", port))
    return sock


def test_dig_is_answered_through_a_relay_over_udp_and_tcp(
    daemon: Daemon, serve: Serve, printed: Print, tmp_path: Path
) -> None:
    relay = serve("--config", configuration(tmp_path, f'"127.0.0.1:{daemon.port}"'))
    port = str(port_of(relay))
    before = daemon.stats()
    for option in ("+notcp", "+tcp"):
        reply = heard.only(printed("kdig", "@127.0.0.1", "-p", port, option, "+retry=0", "www.example.com"))
        assert reply.data == ["A 192.0.2.80"]
    counted, after = relay.stats(), daemon.stats()
    assert (counted["relay.datagrams"], counted["relay.replies"], counted["relay.streams"]) == (1, 1, 1)
    assert (counted["queries.udp"], counted["queries.tcp"]) == (0, 0)
    assert after["queries.udp"] - before["queries.udp"] == 1
    assert after["queries.tcp"] - before["queries.tcp"] == 1


def test_of_what_is_relayed_the_id_alone_is_touched(serve: Serve, servers: Servers, tmp_path: Path) -> None:
    relay = serve("--config", configuration(tmp_path, servers.members, 'policy = "first-available"\n'))
    port = port_of(relay)
    wire = b"\xab\xcd\x7f" + bytes(reversed(range(200)))  # whatever it is, it does not say that it is a response
    with client(port) as one, client(port) as other:
        one.send(wire)
        other.send(wire)
        came = [servers.udp[0].recvfrom(4096) for _ in range(2)]
        assert [octets[2:] for octets, _ in came] == [wire[2:]] * 2
        assert came[0][0][:2] != came[1][0][:2]
        for number, (octets, address) in enumerate(came):
            servers.udp[0].sendto(bytes(2) + b"of somebody else", address)
            servers.udp[0].sendto(octets[:2] + b"reply %d" % number, address)
        assert sorted((one.recv(4096), other.recv(4096))) == [b"\xab\xcdreply 0", b"\xab\xcdreply 1"]
    with client(port, socket.SOCK_STREAM) as stream:
        stream.sendall(b"no DNS at all")
        inner, _ = servers.tcp[0].accept()
        with inner:
            inner.settimeout(PATIENCE)
            assert inner.recv(4096) == b"no DNS at all"
            stream.shutdown(socket.SHUT_WR)
            assert inner.recv(4096) == b""
            inner.sendall(bytes(100_000))
            inner.close()
        assert len(stream.makefile("rb").read()) == 100_000


def test_a_member_that_refuses_streams_is_passed_over(serve: Serve, servers: Servers, tmp_path: Path) -> None:
    more = 'policy = "first-available"\n'
    relay = serve("--config", configuration(tmp_path, f'"127.0.0.1:{free_port()}", {servers.members}', more))
    with client(port_of(relay), socket.SOCK_STREAM) as stream:
        stream.sendall(b"x")
        inner, _ = servers.tcp[0].accept()
        with inner:
            assert inner.recv(1) == b"x"


def test_silence_has_an_end_and_a_reload_changes_members_while_streams_go_on(
    serve: Serve, servers: Servers, tmp_path: Path
) -> None:
    first, second = servers.members.split(", ")
    port = free_port()
    patience = "relay_timeout_ms = 100\n"
    relay = serve("--config", configuration(tmp_path, first, patience, port))
    with client(port) as datagram, client(port, socket.SOCK_STREAM) as stream:
        stream.sendall(b"x")
        inner, _ = servers.tcp[0].accept()
        inner.settimeout(PATIENCE)
        assert inner.recv(1) == b"x"
        datagram.send(bytes(20))
        servers.udp[0].recv(100)
        configuration(tmp_path, second, patience, port)
        relay.reload()
        datagram.send(bytes(20))
        servers.udp[1].recv(100)
        stream.sendall(b"y")
        assert inner.recv(1) == b"y"
        inner.close()
    relay.stop()


def test_a_relay_that_is_no_longer_configured_is_closed_and_a_wrong_configuration_changes_nothing(
    serve: Serve, servers: Servers, tmp_path: Path
) -> None:
    port = free_port()
    relay = serve("--config", configuration(tmp_path, servers.members, "relay_timeout_ms = 100\n", port))
    configuration(tmp_path, servers.members, 'policy = "qname-hash"\n', port)
    assert "a relay reads no names" in relay.reload("reload_refused")
    with client(port) as datagram:
        datagram.send(bytes(20))
        came, _, _ = select.select(servers.udp, (), (), PATIENCE)
        assert len(came) == 1
    (tmp_path / "resolver.toml").write_text('[server]\nlisten = ["127.0.0.1:0"]\n')
    relay.reload()
    socket.create_server(("127.0.0.1", port)).close()  # nobody has it any more
    relay.kill()  # what it said of the wrong configuration is an error


def test_a_port_that_is_taken_is_told_before_anything_starts(servers: Servers, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_resolver(tmp_path, "serve", "--config", configuration(tmp_path, servers.members, "", port))
    assert ended.returncode != 0
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr


def test_workers_share_the_port_of_a_relay(serve: Serve, servers: Servers, tmp_path: Path) -> None:
    port = free_port()
    more = 'policy = "first-available"\n'
    relay = serve("--config", configuration(tmp_path, servers.members, more, port, workers="workers = 2\n"))
    assert [place[1] for place in relay.listening] != [port]
    for number in range(8):
        with client(port) as datagram:
            datagram.send(struct.pack("!H", number) + bytes(18))
            octets, address = servers.udp[0].recvfrom(100)
            servers.udp[0].sendto(octets, address)
            assert datagram.recv(100) == struct.pack("!H", number) + bytes(18)
    assert relay.stats()["relay.replies"] == 8
