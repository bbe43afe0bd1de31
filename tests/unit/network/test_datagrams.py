"""Both ways of moving datagrams do the same. The compiled one is tested where it is compiled."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver import compiled
from resolver.network import datagrams
from resolver.network.base import Datagrams
from resolver.network.datagrams import MOST, OCTETS, Batch, Compiled, Plain

pytestmark = pytest.mark.sockets

COMPILED = pytest.mark.skipif(Batch is None, reason=f"{compiled.runs()}; `make test-accelerated` runs this")
WAYS: dict[str, Callable[..., Datagrams]] = {
    "plain": Plain,
    **({} if Batch is None else {"compiled": Compiled}),
}
"""What there is of the two. Where nothing is compiled, the tests of that alone are skipped, and say so."""
FAMILIES = {
    "127.0.0.1": socket.AF_INET,
    "0.0.0.0": socket.AF_INET,
    "::1": socket.AF_INET6,
    "::": socket.AF_INET6,
}

Bind = Callable[[str], socket.socket]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Callable[..., Datagrams]:
    return WAYS[request.param]


@pytest.fixture
def bind() -> Iterator[Bind]:
    with ExitStack() as stack:

        def bound(host: str) -> socket.socket:
            sock = stack.enter_context(socket.socket(FAMILIES[host], socket.SOCK_DGRAM))
            if host == "0.0.0.0":
                sock.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
            elif host == "::":
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            sock.bind((host, 0))
            sock.setblocking(False)
            return sock

        yield bound


def test_the_fastest_there_is_is_used(bind: Bind) -> None:
    assert isinstance(datagrams.batched(bind("127.0.0.1")), Plain if Batch is None else Compiled)


def test_it_is_closed_with_its_socket(way, bind: Bind) -> None:
    sock = bind("127.0.0.1")
    moved = way(sock)
    assert moved.fileno() == sock.fileno()
    moved.close()
    moved.close()
    assert (moved.fileno(), sock.fileno()) == (-1, -1)


@COMPILED
@pytest.mark.parametrize("octets", [b"", b"\0", b"\x10", b"\x10" + bytes(16), b"\xff" * 40, b"\x02\2\0", bytes(200)])
def test_what_is_no_address_has_no_host(bind: Bind, octets: bytes) -> None:
    moved = Compiled(bind("127.0.0.1"))
    for read in (moved.host, moved.peer):
        with pytest.raises(ValueError, match="no address that was received"):
            read(octets)
        with pytest.raises(TypeError):
            read("127.0.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_what_comes_in_together_is_read_together_and_answered_in_its_order(way, bind: Bind, host: str) -> None:
    server, clients = bind(host), [bind(host) for _ in range(3)]
    moved = way(server)
    assert moved.receive(MOST) == ([], 0)
    for number in range(9):
        clients[number % 3].sendto(bytes((number,)), server.getsockname())
    (first, _), (rest, dropped) = moved.receive(4), moved.receive(MOST)
    assert [wire[0] for wire, _ in first + rest] == list(range(9))
    assert (len(first), dropped) == (4, 0)
    assert [moved.peer(address) for _, address in first] == [clients[at % 3].getsockname()[:2] for at in range(4)]
    assert moved.send([(b"re" + wire, address) for wire, address in first + rest]) == (9, 0, 0)
    for number, client in enumerate(clients):
        assert [client.recv(9) for _ in range(3)] == [b"re" + bytes((number + 3 * turn,)) for turn in range(3)]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_what_comes_from_a_port_that_is_never_answered_is_counted_alone(way, bind: Bind, host: str) -> None:
    loopback = "127.0.0.1" if "." in host else "::1"
    server, clients = bind(host), [bind(loopback) for _ in range(3)]
    moved = way(server, {0, clients[1].getsockname()[1], 65535})
    for number in range(9):
        clients[number % 3].sendto(bytes((number,)), (loopback, server.getsockname()[1]))
    (first, dropped), rest = moved.receive(5), moved.receive(MOST)
    assert ([wire[0] for wire, _ in first], dropped) == ([0, 2, 3], 2), "what is dropped counts as read"
    assert ([wire[0] for wire, _ in rest[0]], rest[1]) == ([5, 6, 8], 1)
    assert [moved.peer(at) for _, at in first] == [clients[at].getsockname()[:2] for at in (0, 2, 0)]
    assert moved.receive(MOST) == ([], 0)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_host_is_the_same_from_each_of_its_ports_and_to_each_of_our_addresses(way, bind: Bind, host: str) -> None:
    server = bind(host)
    moved = way(server)
    sources = ["127.0.0.1", "127.0.0.1", "127.0.0.2"] if host == "0.0.0.0" else ["::1", "::1"]
    for number, source in enumerate(sources):
        with socket.socket(FAMILIES[host], socket.SOCK_DGRAM) as client:
            client.bind((source, 0))
            client.sendto(b"", ("::1" if ":" in source else f"127.0.0.{9 - number}", server.getsockname()[1]))
    hosts = [moved.host(address) for _, address in moved.receive(MOST)[0]]
    assert len(hosts) == len(sources)
    assert len(set(hosts)) == len(set(sources))
    assert hosts[0] == hosts[1]


@pytest.mark.rfc(2181, "4")
@pytest.mark.parametrize(("host", "asked"), [("0.0.0.0", "127.0.0.1"), ("0.0.0.0", "127.0.0.9"), ("::", "::1")])
def test_on_a_wildcard_the_answer_leaves_from_the_address_that_was_asked(way, bind: Bind, host, asked) -> None:
    server, client = bind(host), bind("127.0.0.1" if host == "0.0.0.0" else "::1")
    moved = way(server)
    client.sendto(b"query", (asked, server.getsockname()[1]))
    [(wire, address)], _ = moved.receive(1)
    assert moved.peer(address) == client.getsockname()[:2]
    assert moved.send([(wire, address)]) == (1, 0, 0)
    assert client.recvfrom(9)[1][:2] == (asked, server.getsockname()[1])


def test_an_answer_leaves_by_whatever_interface_the_route_says() -> None:
    four, six = bytes((127, 0, 0, 2)), bytes(range(16))
    assert datagrams._source([(0, 8, b"\1\0\0\0" + four + b"\x7f\0\0\x09")]) == [(0, 8, bytes(4) + four + bytes(4))]
    assert datagrams._source([(41, 50, six + b"\1\0\0\0")]) == [(41, 50, six + bytes(4))]
    assert datagrams._source([]) == datagrams._source([(1, 1, b"x")]) == []


@pytest.mark.parametrize("size", [0, 1, OCTETS - 1, OCTETS, OCTETS + 1, 65507])
def test_a_datagram_of_any_size_is_read_up_to_a_bound(way, bind: Bind, size: int) -> None:
    server, client = bind("127.0.0.1"), bind("127.0.0.1")
    moved = way(server)
    for octets in (b"before", b"x" * size, b"behind"):
        client.sendto(octets, server.getsockname())
    assert [wire for wire, _ in moved.receive(MOST)[0]] == [b"before", b"x" * min(size, OCTETS), b"behind"]


def test_one_that_cannot_be_sent_keeps_none_of_the_others_back(way, bind: Bind) -> None:
    server, client = bind("127.0.0.1"), bind("127.0.0.1")
    moved = way(server)
    client.sendto(b"query", server.getsockname())
    address = moved.receive(1)[0][0][1]
    oversized = bytes(65508)
    sizes = [b"one", oversized, b"two", oversized]
    assert moved.send([(wire, address) for wire in sizes]) == (2, 0, 2)
    assert [client.recv(9), client.recv(9)] == [b"one", b"two"]


def test_more_than_fit_in_one_call_are_sent_with_several(way, bind: Bind) -> None:
    server, client = bind("127.0.0.1"), bind("127.0.0.1")
    moved = way(server)
    client.sendto(b"query", server.getsockname())
    address = moved.receive(1)[0][0][1]
    assert moved.send([]) == (0, 0, 0)
    assert moved.send([(bytes((at,)), address) for at in range(2 * MOST + 1)]) == (2 * MOST + 1, 0, 0)
    assert [client.recv(9)[0] for _ in range(2 * MOST + 1)] == list(range(2 * MOST + 1))


class Full(socket.socket):
    """A socket that has no room, ever."""

    def sendto(self, *_: object) -> int:
        raise BlockingIOError


def test_what_there_is_no_room_for_is_told() -> None:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with one, other:
        one.setblocking(False)
        with Full(socket.AF_INET, socket.SOCK_DGRAM) as full:
            full.bind(("127.0.0.1", 0))
            assert Plain(full).send([(b"a", ("127.0.0.1", 9)), (b"b", ("127.0.0.1", 9))]) == (0, 2, 0)
        if Batch is not None:
            sent, left, failed = Compiled(one).send([(bytes(1000), b"\0")] * 5000)
            assert sent > 0
            assert (sent + left, failed) == (5000, 0)


def test_a_closed_socket_is_an_error_to_read_and_sends_nothing(way, bind: Bind) -> None:
    server, client = bind("127.0.0.1"), bind("127.0.0.1")
    moved = way(server)
    client.sendto(b"query", server.getsockname())
    address = moved.receive(1)[0][0][1]
    server.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        moved.receive(1)
    assert moved.send([(b"answer", address)]) == (0, 0, 1)


@pytest.mark.parametrize("most", [0, -1, MOST + 1, 1 << 40])
def test_a_number_out_of_bounds_is_refused(way, bind: Bind, most: int) -> None:
    with pytest.raises(ValueError, match="are received at once"):
        way(bind("127.0.0.1")).receive(most)


@COMPILED
def test_what_are_no_pairs_of_octets_is_refused(bind: Bind) -> None:
    lists = [[()], [b"x"], [(b"x",)], [(b"x", b"\0", b"")], [("x", b"\0")], [(b"x", "x")], [(bytearray(1), b"\0")]]
    for wrong in (None, (), *lists):
        with pytest.raises(TypeError):
            Compiled(bind("127.0.0.1")).send(wrong)  # type: ignore[arg-type]


@COMPILED
def test_wrong_calls_are_refused() -> None:
    batch = Batch(())
    for arguments in ((), (1,), (1, 2, 3), ("x", 1), (1, "x")):
        with pytest.raises(TypeError):
            batch.receive(*arguments)
    for arguments in ((), (1,), ("x", [])):
        with pytest.raises(TypeError):
            batch.send(*arguments)
    for descriptor in (-2, 1 << 31):
        with pytest.raises(ValueError, match="no descriptor"):
            batch.send(descriptor, [])
    with pytest.raises(OverflowError):
        batch.receive(1 << 64, 1)
    for wrong in ((), ((), ()), (1,), (["x"],)):
        with pytest.raises(TypeError):
            Batch(*wrong)
    for port in (-1, 1 << 16):
        with pytest.raises(ValueError, match=f"{port} is no port"):
            Batch([53, port])
    with pytest.raises(OverflowError):
        Batch([1 << 64])


@COMPILED
@given(st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=300)), max_size=80))
def test_octets_that_are_no_address_are_refused_by_us_or_the_kernel(pairs: list[tuple[bytes, bytes]]) -> None:
    # A socket of another family, so that no packet can go anywhere.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, suppress(ValueError):
        assert Compiled(sock).send(pairs) == (0, 0, len(pairs))


@COMPILED
@given(
    st.lists(st.binary(max_size=OCTETS + 100), max_size=MOST, min_size=1),
    st.sampled_from(["127.0.0.1", "0.0.0.0", "::"]),
)
def test_both_read_and_answer_alike(wires: list[bytes], host: str) -> None:
    loopback = "::1" if host == "::" else "127.0.0.1"
    with (
        socket.socket(FAMILIES[host], socket.SOCK_DGRAM) as server,
        socket.socket(FAMILIES[host], socket.SOCK_DGRAM) as client,
    ):
        server.bind((host, 0))
        server.setblocking(False)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        client.bind((loopback, 0))
        client.settimeout(5)
        came = []
        for way in (Plain(server), Compiled(server)):
            for wire in wires:
                client.sendto(wire, (loopback, server.getsockname()[1]))
            got, _ = way.receive(MOST)
            assert way.send(got) == (len(wires), 0, 0)
            came.append(([wire for wire, _ in got], {way.peer(address) for _, address in got}))
            assert [client.recv(OCTETS + 1) for _ in wires] == [wire[:OCTETS] for wire in wires]
        assert came[0] == came[1]
