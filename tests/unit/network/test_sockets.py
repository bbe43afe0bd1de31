from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter
from contextlib import contextmanager

import pytest

from resolver.message import Transport
from resolver.network import sockets
from resolver.network.base import Endpoint, Trouble
from resolver.network.clock import RealClock
from resolver.network.entropy import SeededEntropy, SystemEntropy
from resolver.network.sockets import SocketNetwork, local_trouble_of, trouble_of

pytestmark = pytest.mark.sockets

HOSTS = ["127.0.0.1", "::1"]


class Inbox:
    """Collects what is delivered, and wakes who waits for it."""

    def __init__(self):
        self.got = []
        self._changed = asyncio.Event()

    def __call__(self, what):
        self.got.append(what)
        self._changed.set()

    async def wait_for(self, count):
        while len(self.got) < count:
            self._changed.clear()
            await self._changed.wait()
        return self.got


@contextmanager
def udp_server(answer, host="127.0.0.1"):
    """A UDP server on the running loop: `answer(sock, wire, address)` for each datagram."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind((host, 0))

        def readable():
            for _ in range(200):
                try:
                    wire, address = sock.recvfrom(65535)
                except BlockingIOError:
                    return
                answer(sock, wire, address)

        loop.add_reader(sock.fileno(), readable)
        try:
            yield Endpoint(host, sock.getsockname()[1])
        finally:
            loop.remove_reader(sock.fileno())


def unused_port(host="127.0.0.1", kind=socket.SOCK_DGRAM):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as sock:
        sock.bind((host, 0))
        return sock.getsockname()[1]


def network(**options):
    loop = asyncio.get_running_loop()
    return SocketNetwork(loop, RealClock(loop), options.pop("entropy", SystemEntropy()), **options)


@pytest.mark.parametrize("host", HOSTS)
def test_a_datagram_goes_out_and_its_answer_comes_back(on_loop, host):
    async def main():
        world, inbox = network(), Inbox()
        with udp_server(lambda sock, wire, address: sock.sendto(b"re:" + wire, address), host) as server:
            sending = world.send(server, b"ask", Transport.UDP, inbox)
            assert inbox.got == []
            assert await inbox.wait_for(1) == [b"re:ask"]
            sending.close()
            sending.close()
        assert world.open == 0

    on_loop(main())


def test_everything_that_comes_is_delivered_until_the_sending_is_closed(on_loop):
    async def main():
        world, inbox = network(), Inbox()
        late = []

        def answer(sock, wire, address):
            sock.sendto(b"forged", address)
            sock.sendto(b"", address)
            sock.sendto(b"true", address)
            late.append((sock, address))

        with udp_server(answer) as server:
            sending = world.send(server, b"ask", Transport.UDP, inbox)
            assert await inbox.wait_for(3) == [b"forged", b"", b"true"]
            sock, address = late[0]
            sock.sendto(b"late", address)
            assert (await inbox.wait_for(4))[3] == b"late"
            sending.close()
            sock.sendto(b"too late", address)
            probe = Inbox()
            other = world.send(server, b"x", Transport.UDP, probe)
            await probe.wait_for(3)
            other.close()
        assert len(inbox.got) == 4

    on_loop(main())


def test_a_receiver_may_close_in_the_middle_of_a_batch(on_loop):
    async def main():
        world, got = network(), []
        done = asyncio.get_running_loop().create_future()

        def answer(sock, wire, address):
            for n in range(5):
                sock.sendto(bytes([n]), address)
            asyncio.get_running_loop().call_soon(lambda: None)

        def deliver(what):
            got.append(what)
            sending.close()
            asyncio.get_running_loop().call_soon(done.set_result, None)

        with udp_server(answer) as server:
            sending = world.send(server, b"ask", Transport.UDP, deliver)
            await done
        assert got == [b"\0"]
        assert world.open == 0

    on_loop(main())


@pytest.mark.rfc(5452, "9.2")
def test_source_ports_are_drawn_from_the_whole_unprivileged_range(on_loop):
    async def main():
        world, ports, inbox = network(), [], Inbox()

        def answer(sock, wire, address):
            ports.append(address[1])
            sock.sendto(b"ok", address)

        with udp_server(answer) as server:
            for batch in range(4):
                sendings = [world.send(server, b"ask", Transport.UDP, inbox) for _ in range(100)]
                await inbox.wait_for(100 * (batch + 1))
                for sending in sendings:
                    sending.close()
        return ports

    ports = on_loop(main())
    assert len(set(ports)) > 380
    assert min(ports) >= 1024
    assert min(ports) < 6000, "the kernel's own range starts at 32768"
    assert max(ports) > 61000


@pytest.mark.rfc(6056, "3.2")
def test_source_ports_are_evenly_spread_and_no_socket_is_used_twice(on_loop):
    async def main():
        world, ports = network(entropy=SeededEntropy(11)), []
        for _ in range(4000):
            with world._udp_socket(socket.AF_INET) as sock:
                ports.append(sock.getsockname()[1])
        return ports

    ports = on_loop(main())
    spread = Counter(port // 1024 for port in ports)
    # 63 ranges of 1,024 ports with 63 draws each: five standard deviations are 40.
    assert sorted(spread) == list(range(1, 64))
    assert all(23 < count < 104 for count in spread.values())
    assert len(set(ports)) > 3800, "4,000 draws of 64,512 meet about 121 times"


def test_a_port_that_is_taken_is_passed_over(on_loop):
    async def main():
        draws = SeededEntropy(3)
        taken = next(port for port in iter(lambda: draws.bits(16), None) if port >= 1024)
        ports, inbox = [], Inbox()

        def answer(sock, wire, address):
            ports.append(address[1])
            sock.sendto(b"ok", address)

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder, udp_server(answer) as server:
            holder.bind(("0.0.0.0", taken))
            sending = network(entropy=SeededEntropy(3)).send(server, b"ask", Transport.UDP, inbox)
            await inbox.wait_for(1)
            sending.close()
        assert ports[0] != taken

    on_loop(main())


def test_when_every_drawn_port_is_taken_the_kernel_chooses(on_loop):
    class Stuck(SystemEntropy):
        def bits(self, count):
            return taken

    async def main():
        inbox = Inbox()
        with udp_server(lambda sock, wire, address: sock.sendto(b"ok", address)) as server:
            sending = network(entropy=Stuck()).send(server, b"ask", Transport.UDP, inbox)
            assert await inbox.wait_for(1) == [b"ok"]
            sending.close()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("0.0.0.0", 0))
        taken = holder.getsockname()[1]
        on_loop(main())


@pytest.mark.rfc(5452, "4.4")
def test_a_datagram_from_another_address_or_port_is_never_seen(on_loop):
    async def main():
        world, inbox = network(), Inbox()

        def answer(sock, wire, address):
            for host in ("127.0.0.1", "127.0.0.9"):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
                    forger.bind((host, 0))
                    forger.sendto(b"forged", address)
            sock.sendto(b"true", address)

        with udp_server(answer) as server:
            sending = world.send(server, b"ask", Transport.UDP, inbox)
            assert await inbox.wait_for(1) == [b"true"]
            sending.close()

    on_loop(main())


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
def test_a_closed_port_is_refused_from_the_loop_and_frees_the_socket(on_loop, host, transport):
    async def main():
        world, inbox = network(), Inbox()
        kind = socket.SOCK_DGRAM if transport is Transport.UDP else socket.SOCK_STREAM
        sending = world.send(Endpoint(host, unused_port(host, kind)), b"ask", transport, inbox)
        assert inbox.got == []
        assert await inbox.wait_for(1) == [Trouble.REFUSED]
        assert world.open == 0
        sending.close()

    on_loop(main())


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
@pytest.mark.parametrize(
    ("to", "trouble"),
    [
        (Endpoint("255.255.255.255", 53), {Trouble.LOCAL, Trouble.UNREACHABLE, Trouble.NO_ROUTE}),
        (Endpoint("localhost", 53), {Trouble.LOCAL}),  # never looked up
        (Endpoint("127.0.0.1", 70_000), {Trouble.LOCAL}),
        (Endpoint("fe80::1", 53), {Trouble.LOCAL, Trouble.NO_ROUTE}),
    ],
)
def test_what_cannot_be_sent_is_trouble_from_the_loop(on_loop, to, trouble, transport):
    async def main():
        world, inbox = network(), Inbox()
        world.send(to, b"ask", transport, inbox)
        assert inbox.got == []
        await inbox.wait_for(1)
        assert inbox.got[0] in trouble
        assert world.open == 0

    on_loop(main())


def test_trouble_is_not_delivered_to_who_has_closed(on_loop):
    async def main():
        world, inbox = network(max_open=0), Inbox()
        world.send(Endpoint("127.0.0.1", 53), b"ask", Transport.UDP, inbox).close()
        other = Inbox()
        world.send(Endpoint("127.0.0.1", 53), b"ask", Transport.UDP, other)
        assert await other.wait_for(1) == [Trouble.LOCAL]
        assert inbox.got == []

    on_loop(main())


def test_open_sockets_are_bounded_and_places_become_free(on_loop):
    async def main():
        world, silent, inbox = network(max_open=3), Inbox(), Inbox()
        with udp_server(lambda *_: None) as server:
            sendings = [world.send(server, b"ask", Transport.UDP, silent) for _ in range(3)]
            world.send(server, b"ask", Transport.TCP, inbox)
            assert await inbox.wait_for(1) == [Trouble.LOCAL]
            sendings[0].close()
            sendings[0] = world.send(server, b"ask", Transport.UDP, silent)
            assert world.open == 3
            world.close()
            assert world.open == 0
        assert silent.got == []

    on_loop(main())


def test_files_kept_for_others_are_not_used_up(on_loop, monkeypatch):
    import resource

    async def main():
        monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
        assert network().max_open == 1024 - sockets.RESERVED_FILES
        monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 4096))
        assert network().max_open == 16
        monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, 0))
        assert network().max_open == sockets.MAX_OPEN

    on_loop(main())


def test_a_burst_of_two_thousand_queries_loses_nothing_and_leaks_nothing(on_loop):
    async def main():
        loop, world, inbox, lag = asyncio.get_running_loop(), network(), Inbox(), []

        async def heartbeat():
            while True:
                began = loop.time()
                await asyncio.sleep(0)
                lag.append(loop.time() - began)

        beat = loop.create_task(heartbeat())
        with udp_server(lambda sock, wire, address: sock.sendto(wire, address)) as server:
            for batch in range(20):
                mine = [world.send(server, b"%d" % (batch * 100 + n), Transport.UDP, inbox) for n in range(100)]
                await inbox.wait_for((batch + 1) * 100)
                for sending in mine:
                    sending.close()
        beat.cancel()
        assert sorted(map(int, inbox.got)) == list(range(2000))
        assert world.open == 0
        assert max(lag) < 0.5

    on_loop(main())


# TCP


async def tcp_server(handle, host="127.0.0.1"):
    async def served(reader, writer):
        try:
            await handle(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):  # the client has given up
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(served, host, 0)
    return server, Endpoint(host, server.sockets[0].getsockname()[1])


async def read_message(reader):
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))


def framed(wire):
    return len(wire).to_bytes(2, "big") + wire


@pytest.mark.parametrize("host", HOSTS)
def test_a_stream_carries_one_query_and_is_closed_after_the_reply(on_loop, host):
    async def main():
        world, inbox = network(), Inbox()
        ended = asyncio.get_running_loop().create_future()

        async def handle(reader, writer):
            wire = await read_message(reader)
            writer.write(framed(b"re:" + wire))
            ended.set_result(await reader.read())

        server, at = await tcp_server(handle, host)
        async with server:
            world.send(at, b"ask", Transport.TCP, inbox)
            assert inbox.got == []
            assert await inbox.wait_for(1) == [b"re:ask"]
            assert await ended == b""
        assert world.open == 0

    on_loop(main())


@pytest.mark.rfc(7766, "8")
def test_length_and_message_leave_together_and_may_arrive_octet_by_octet(on_loop):
    async def main():
        world, inbox = network(), Inbox()
        first = asyncio.get_running_loop().create_future()

        async def handle(reader, writer):
            first.set_result(await reader.read(100))
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in framed(b"answer"):
                writer.write(bytes([octet]))
                await writer.drain()
                await asyncio.sleep(0)

        server, at = await tcp_server(handle)
        async with server:
            world.send(at, b"ask", Transport.TCP, inbox)
            assert await inbox.wait_for(1) == [b"answer"]
            assert await first == b"\x00\x03ask"

    on_loop(main())


def test_a_frame_of_no_octets_is_a_reset_at_once(on_loop):
    async def main():
        world, inbox = network(), Inbox()

        async def handle(reader, writer):
            await read_message(reader)
            writer.write(framed(b""))
            await reader.read()

        server, at = await tcp_server(handle)
        async with server:
            world.send(at, b"ask", Transport.TCP, inbox)
            assert await inbox.wait_for(1) == [Trouble.RESET]
        assert world.open == 0

    on_loop(main())


def test_a_stream_that_drips_is_given_up_with_its_sending_and_delivers_nothing(on_loop):
    """However many octets still come: the time of a reply is that of its last octet, and its waiter's to bound."""

    async def main():
        world, inbox = network(), Inbox()
        half, gone = asyncio.Event(), asyncio.get_running_loop().create_future()

        async def handle(reader, writer):
            await read_message(reader)
            for octet in framed(b"answer")[:-1]:
                writer.write(bytes([octet]))
                await writer.drain()
            half.set()
            try:
                gone.set_result(await reader.read())
            except ConnectionResetError:  # what it had not read yet makes the kernel say so
                gone.set_result(b"")

        server, at = await tcp_server(handle)
        async with server:
            sending = world.send(at, b"ask", Transport.TCP, inbox)
            await half.wait()
            sending.close()
            assert await gone == b"", "the connection is closed"
        assert inbox.got == []
        assert world.open == 0

    on_loop(main())


def test_the_largest_message_passes_both_ways(on_loop):
    async def main():
        world, inbox = network(), Inbox()
        wire = bytes(range(256)) * 256
        wire = wire[:65535]

        async def handle(reader, writer):
            writer.write(framed(await read_message(reader)))
            await writer.drain()
            await reader.read()

        server, at = await tcp_server(handle)
        async with server:
            world.send(at, wire, Transport.TCP, inbox)
            assert await inbox.wait_for(1) == [wire]
            world.send(at, wire + b"x", Transport.TCP, inbox)
            assert (await inbox.wait_for(2))[1] is Trouble.LOCAL

    on_loop(main())


def test_what_follows_the_reply_on_the_stream_is_not_read(on_loop):
    async def main():
        world, inbox = network(), Inbox()

        async def handle(reader, writer):
            await read_message(reader)
            writer.write(framed(b"one") + framed(b"two"))
            await reader.read()

        server, at = await tcp_server(handle)
        async with server:
            world.send(at, b"ask", Transport.TCP, inbox)
            assert await inbox.wait_for(1) == [b"one"]
        assert world.open == 0

    on_loop(main())


@pytest.mark.parametrize("said", [b"", b"\x00", b"\x00\x05half"])
def test_a_stream_that_ends_early_is_a_reset(on_loop, said):
    async def main():
        world, inbox = network(), Inbox()

        async def handle(reader, writer):
            await read_message(reader)
            writer.write(said)
            await writer.drain()

        server, at = await tcp_server(handle)
        async with server:
            world.send(at, b"ask", Transport.TCP, inbox)
            assert await inbox.wait_for(1) == [Trouble.RESET]
        assert world.open == 0

    on_loop(main())


def test_a_stream_can_be_given_up_at_any_time(on_loop):
    async def main():
        world, inbox = network(), Inbox()
        arrived = asyncio.get_running_loop().create_future()

        async def handle(reader, writer):
            await read_message(reader)
            arrived.set_result(None)
            await reader.read()

        server, at = await tcp_server(handle)
        async with server:
            world.send(at, b"ask", Transport.TCP, inbox).close()
            sending = world.send(at, b"ask", Transport.TCP, inbox)
            await arrived
            sending.close()
            sending.close()
        assert inbox.got == []
        assert world.open == 0

    on_loop(main())


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (errno.ECONNREFUSED, Trouble.REFUSED),
        (errno.EHOSTUNREACH, Trouble.UNREACHABLE),
        (errno.ENETUNREACH, Trouble.UNREACHABLE),
        (errno.EADDRNOTAVAIL, Trouble.LOCAL),
        (errno.EPIPE, Trouble.RESET),
        (errno.ETIMEDOUT, Trouble.TIMEOUT),
        (errno.EMFILE, Trouble.LOCAL),
        (errno.EPERM, Trouble.LOCAL),
        (None, Trouble.LOCAL),
    ],
)
def test_an_errno_is_told_as_what_it_means_to_the_sender(code, trouble):
    error = OSError() if code is None else OSError(code, "")
    assert trouble_of(error) is trouble


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (errno.ENETUNREACH, Trouble.NO_ROUTE),
        (errno.EADDRNOTAVAIL, Trouble.NO_ROUTE),
        (errno.EAFNOSUPPORT, Trouble.NO_ROUTE),
        (errno.EHOSTUNREACH, Trouble.UNREACHABLE),
        (errno.EMFILE, Trouble.LOCAL),
    ],
)
def test_what_is_met_before_anything_has_left_is_told_apart_from_what_others_said(code, trouble):
    assert local_trouble_of(OSError(code, "")) is trouble
