"""What no client program sends: the daemon refuses it or stays silent, as the RFCs say, and goes on answering."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.support import raw
from tests.support.daemons import Daemon
from tests.support.fixtures import Ask, Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

HEADER = 12
QR = 0x80
FENCE = b"\x12\x34"
"""The id of the query behind the others: its response shows that they have been dealt with."""


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon for these tests. After them it must end with a clean log."""
    running = Daemon(tmp_path_factory.mktemp("victim"), "--listen", "127.0.0.1:0")
    try:
        yield running
        running.stop()
    finally:
        running.kill()


def heard_after(sock: socket.socket, *hostile: bytes) -> list[bytes]:
    """What came back for `hostile` datagrams. They go in small portions, so that none is lost."""
    fence = FENCE + raw.query("health.resolverd.invalid", "TXT")[2:]
    came: list[bytes] = []
    for at in range(0, len(hostile), 50):
        for wire in hostile[at : at + 50]:
            sock.send(wire)
        sock.send(fence)
        while (wire := sock.recv(65535))[:2] != FENCE:
            came.append(wire)
    return came


def test_thousands_of_random_datagrams_do_no_harm(victim: Daemon, dig: Ask) -> None:
    dice = random.Random(53)
    junk = [dice.randbytes(dice.choice((0, 1, 11, 12, 13, 20, 40, 64, 200, 512, 1400))) for _ in range(4000)]
    junk = [wire for wire in junk if wire[:2] != FENCE]
    with raw.datagrams((victim.host, victim.port)) as sock:
        came = heard_after(sock, *junk)
    answered = [wire for wire in junk if len(wire) >= HEADER and not wire[2] & QR]
    assert 0 < len(came) <= len(answered)
    for wire in came:
        assert len(wire) >= HEADER
        assert wire[2] & QR
        assert wire[3] & 0x0F, "an error, and never an answer"
    assert dig(victim, "www.example.com").data == ["A 192.0.2.80"]
    stats = victim.stats()
    assert stats["queries.ignored"] >= len(junk) - len(answered)
    assert stats["answers.internal_error"] == 0
    assert stats["queries.in_flight"] == 0


def test_thousands_of_damaged_queries_do_no_harm(victim: Daemon, dig: Ask) -> None:
    dice = random.Random(1035)
    names = ("www.example.com", "_sip._tcp.example.com", ".", "a.b.c.d.example.org", "big.example.com")
    damaged = []
    for _ in range(4000):
        wire = bytearray(
            raw.query(dice.choice(names), dice.choice(("A", "ANY", "TXT", "DS")), edns=dice.random() < 0.5)
        )
        for _ in range(dice.randint(1, 4)):
            wire[dice.randrange(2, len(wire))] = dice.randrange(256)
        cut = dice.choice((len(wire), len(wire), dice.randrange(len(wire))))
        damaged.append(b"\xff\xff" + bytes(wire[2:cut]) + dice.randbytes(dice.choice((0, 0, 3))))
    with raw.datagrams((victim.host, victim.port)) as sock:
        came = heard_after(sock, *damaged)
    assert came
    assert all(wire[:2] == b"\xff\xff" and wire[2] & QR for wire in came)
    assert dig(victim, "www.example.com").data == ["A 192.0.2.80"]
    assert victim.stats()["answers.internal_error"] == 0


@pytest.mark.parametrize("at", ["127.0.0.1", "127.53.0.1", "127.53.0.3", "127.53.2.1", "127.53.9.2"])
def test_a_response_is_never_answered(daemon: Daemon, at: str) -> None:
    """Neither by the resolver nor by a simulated server: an answer to an answer is how loops begin."""
    wire = bytearray(raw.query("www.example.com"))
    wire[2] |= QR
    responses = [bytes(wire[:2] + bytes((opcode << 3 | QR,)) + wire[3:]) for opcode in (0, 2, 4, 5)]
    with raw.datagrams((at, daemon.port)) as sock:
        for hostile in (*responses, bytes(wire[:HEADER]), bytes(wire) + b"junk"):
            sock.send(hostile)
        fence = FENCE + raw.query(".", "SOA")[2:]
        sock.send(fence)
        assert sock.recv(65535)[:2] == FENCE


def test_what_is_shorter_than_a_header_is_never_answered(daemon: Daemon) -> None:
    wire = raw.query("www.example.com")
    with raw.datagrams((daemon.host, daemon.port)) as sock:
        assert heard_after(sock, *(wire[:length] for length in range(HEADER))) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda wire: wire[:-3],
        lambda wire: wire + b"\x00",
        lambda wire: wire[:HEADER] + b"\xc0\x0c" + wire[HEADER + 2 :],
        lambda wire: wire[:HEADER] + b"\x40" + wire[HEADER + 1 :],
        lambda wire: wire[:4] + b"\x00\x02" + wire[6:],
        lambda wire: wire[:4] + b"\x00\x00" + wire[6:],
        lambda wire: wire[:10] + b"\xff\xff" + wire[HEADER:],
    ],
    ids=["cut", "trailing octet", "pointer to itself", "odd label", "two questions", "no question", "counts that lie"],
)
def test_a_query_that_cannot_be_read_is_formerr(daemon: Daemon, damage: object) -> None:
    assert callable(damage)
    wire = damage(raw.query("www.example.com", edns=False))
    with raw.datagrams((daemon.host, daemon.port)) as sock:
        (came,) = heard_after(sock, wire)
    assert came[:2] == wire[:2]
    assert came[3] & 0x0F == 1, "FORMERR"


def test_two_opt_records_are_formerr(daemon: Daemon) -> None:
    wire = raw.query("www.example.com")
    opt = wire[-11:]
    with raw.datagrams((daemon.host, daemon.port)) as sock:
        (came,) = heard_after(sock, wire[:11] + b"\x02" + wire[12:] + opt)
    assert came[3] & 0x0F == 1


def test_garbage_over_tcp_ends_at_most_its_own_connection(victim: Daemon, dig: Ask) -> None:
    dice = random.Random(7766)
    for _ in range(200):
        with raw.connect((victim.host, victim.port)) as stream:
            stream.sendall(dice.randbytes(dice.choice((1, 2, 3, 30, 700))))
            stream.shutdown(socket.SHUT_WR)
            while stream.recv(65535):
                pass
    for start in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00\x00"):
        with raw.connect((victim.host, victim.port)) as stream:
            stream.sendall(start)
            stream.shutdown(socket.SHUT_WR)
            while stream.recv(65535):
                pass
    assert dig(victim, "www.example.com", "+tcp").data == ["A 192.0.2.80"]


def test_connections_that_are_reset_do_no_harm(victim: Daemon, dig: Ask) -> None:
    reset = (1).to_bytes(4, "little") + bytes(4)
    for sent in (
        b"",
        b"\x00",
        raw.framed(raw.query("slow.broken.test")),
        raw.framed(raw.query("big.example.com", "TXT")),
    ):
        for _ in range(20):
            with raw.connect((victim.host, victim.port)) as stream:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                stream.sendall(sent)
    assert dig(victim, "www.example.com", "+tcp").data == ["A 192.0.2.80"]


@pytest.mark.rfc(7766, "6.2.3")
def test_connections_that_wait_half_open_keep_nobody_out(serve: Serve, dig: Ask) -> None:
    victim = serve(RESOLVER_SERVER__TCP_MAX_CONNECTIONS="32")
    with ExitStack() as open_ones:
        for number in range(100):
            stream = open_ones.enter_context(raw.connect((victim.host, victim.port)))
            stream.sendall(raw.framed(raw.query("www.example.com"))[: number % 20])
        assert dig(victim, "www.example.com", "+tcp").data == ["A 192.0.2.80"]
        assert dig(victim, "www.example.com").data == ["A 192.0.2.80"]
        assert victim.stats()["tcp.connections"] <= 32


def test_a_message_that_drips_is_given_up_and_an_idle_connection_closed(serve: Serve) -> None:
    victim = serve(RESOLVER_SERVER__TCP_IDLE_S="0.2", RESOLVER_SERVER__TCP_MESSAGE_S="0.2")
    for start in (b"", b"\x00", raw.framed(raw.query("www.example.com"))[:20]):
        with raw.connect((victim.host, victim.port)) as stream:
            stream.sendall(start)
            with suppress(ConnectionResetError):
                assert stream.recv(1) == b""


@pytest.mark.rfc(7766, "7")
def test_answers_on_one_connection_come_as_they_are_ready(daemon: Daemon) -> None:
    slow, quick = raw.query("slow.broken.test", "TXT"), [raw.query("www.example.com") for _ in range(40)]
    with raw.connect((daemon.host, daemon.port)) as stream:
        stream.sendall(b"".join(map(raw.framed, (slow, *quick))))
        came = [raw.receive(stream)[:2] for _ in range(1 + len(quick))]
    assert came[-1] == slow[:2]
    assert sorted(came[:-1]) == sorted(wire[:2] for wire in quick)


def test_a_message_split_anywhere_is_one_message(daemon: Daemon) -> None:
    wire = raw.framed(raw.query("www.example.com"))
    with raw.connect((daemon.host, daemon.port)) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in wire:
            stream.sendall(bytes((octet,)))
        assert raw.response(raw.receive(stream)).answer
