from __future__ import annotations

import asyncio
import socket

import pytest

from resolver.message import Transport
from resolver.network import sockets
from resolver.network.base import Endpoint, Reuse, Trouble
from resolver.network.poller import LoopPoller
from tests.support.sockets import (
    HandClock,
    Inbox,
    echo,
    framed,
    network,
    read_message,
    silent,
    tcp_server,
    udp_server,
    unused_port,
)

pytestmark = pytest.mark.sockets

HOSTS = ["127.0.0.1", "::1"]


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
        world, nothing, inbox = network(max_open=3), Inbox(), Inbox()
        with udp_server(silent) as server:
            sendings = [world.send(server, b"ask", Transport.UDP, nothing) for _ in range(3)]
            world.send(server, b"ask", Transport.TCP, inbox)
            world.send(server, b"ask", Transport.UDP, inbox)
            world.send(server, b"ask", Transport.UDP, inbox, reuse=Reuse.LASTING)
            assert await inbox.wait_for(3) == [Trouble.LOCAL] * 3
            sendings[0].close()
            sendings[0] = world.send(server, b"ask", Transport.UDP, nothing)
            assert world.open == 3
            world.close()
            assert world.open == 0
        assert nothing.got == []

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


def test_no_file_is_left_open_after_ten_thousand_exchanges(on_loop):
    """One in three by a shared socket, one in three over a stream."""

    async def main():
        world, inbox = network(), Inbox()
        ways = ((Transport.UDP, Reuse.NONE), (Transport.UDP, Reuse.LASTING), (Transport.TCP, Reuse.NONE))

        async def handle(reader, writer):
            while octets := await reader.read(65536):
                writer.write(octets)

        server, at = await tcp_server(handle)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.bind(at)
            loop = asyncio.get_running_loop()

            def readable():
                for _ in range(200):
                    try:
                        echo(sock, *sock.recvfrom(4096))
                    except BlockingIOError:
                        return

            loop.add_reader(sock.fileno(), readable)
            async with server:
                for batch in range(100):
                    mine = [
                        world.send(
                            at, (batch * 100 + n).to_bytes(2, "big"), ways[n % 3][0], inbox, reuse=ways[n % 3][1]
                        )
                        for n in range(100)
                    ]
                    await inbox.wait_for((batch + 1) * 100)
                    for sending in mine:
                        sending.close()
                assert sorted(inbox.got) == [n.to_bytes(2, "big") for n in range(10_000)]
                assert world.open <= 1 + 8 + 8, "a connection, eight shared sockets and as many that are retired"
                world.close()
            loop.remove_reader(sock.fileno())
        assert world.open == 0

    on_loop(main())


def test_a_file_number_that_is_given_away_again_in_a_batch_brings_nobody_what_is_not_his(on_loop):
    """Both have an answer when the loop wakes up; the first receiver closes both and sends anew by their numbers."""

    async def main():
        world, late = network(), Inbox()
        numbers, renewed = [], []
        answered, changed = [], asyncio.Event()

        def answer(sock, wire, address):
            answered.append((sock, wire, address))
            if len(answered) in (2, 4):
                changed.set()

        def deliver(what):
            assert not renewed, "the other was closed"
            for sending in sendings:
                sending.close()
            renewed.extend(world.send(server, b"new", Transport.UDP, late) for _ in sendings)
            assert sorted(each._fd for each in renewed) == sorted(numbers)

        with udp_server(answer) as server:
            sendings = [world.send(server, b"old", Transport.UDP, deliver) for _ in range(2)]
            numbers += [each._fd for each in sendings]
            await changed.wait()
            changed.clear()
            for sock, wire, address in tuple(answered):
                sock.sendto(wire, address)
            await changed.wait()
            assert late.got == []
            for sock, _, address in answered[2:]:
                sock.sendto(b"true", address)
            assert await late.wait_for(2) == [b"true", b"true"]
            for sending in renewed:
                sending.close()

    on_loop(main())


def test_a_receiver_that_breaks_hides_nothing_from_others(on_loop):
    async def main():
        world, inbox, seen = network(), Inbox(), Inbox()
        asyncio.get_running_loop().set_exception_handler(lambda _, context: seen(str(context["exception"])))

        def broken(what):
            raise ValueError("broken")

        with udp_server(echo) as server:
            sendings = [world.send(server, b"x", Transport.UDP, each) for each in (broken, inbox, broken, inbox)]
            await inbox.wait_for(2)
            assert await seen.wait_for(2) == ["broken", "broken"]
            for sending in sendings:
                sending.close()

    on_loop(main())


def test_without_epoll_the_loop_watches_each_socket(on_loop):
    async def main():
        world, inbox = network(poller=LoopPoller(asyncio.get_running_loop())), Inbox()

        async def handle(reader, writer):
            writer.write(await reader.readexactly(10))
            await reader.read()

        server, at = await tcp_server(handle)
        async with server:
            with udp_server(echo) as udp:
                sendings = [
                    world.send(udp, b"1 fresh", Transport.UDP, inbox),
                    world.send(udp, b"2 shared", Transport.UDP, inbox, reuse=Reuse.LASTING),
                    world.send(at, b"3 stream", Transport.TCP, inbox),
                    world.send(Endpoint("127.0.0.1", unused_port()), b"4", Transport.UDP, inbox),
                ]
                assert set(await inbox.wait_for(4)) == {b"1 fresh", b"2 shared", b"3 stream", Trouble.REFUSED}
                for sending in sendings:
                    sending.close()
            assert world.open == 2
            world.close()
        assert world.open == 0

    on_loop(main())


def test_what_is_counted(on_loop):
    async def main():
        world, inbox = network(), Inbox()
        with udp_server(echo) as server:
            for n in range(3):
                sending = world.send(server, b"%d." % n, Transport.UDP, inbox, reuse=Reuse.LASTING)
                await inbox.wait_for(n + 1)
                sending.close()
            fresh = world.send(server, b"9", Transport.UDP, inbox)
            counts = world.counts()
            fresh.close()
        assert 2 <= counts["upstream.sockets_open"] <= 4
        assert counts["upstream.pooled"] == 3
        assert counts["upstream.connections"] == counts["upstream.tcp_reused"] == counts["upstream.tcp_repeated"] == 0

    on_loop(main())


def test_what_is_shared_is_looked_at_each_second_while_there_is_any(on_loop):
    async def main():
        clock = HandClock()
        world, inbox = network(clock=clock), Inbox()

        async def handle(reader, writer):
            writer.write(framed(await read(reader)))
            await reader.read()

        async def read(reader):
            return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))

        server, at = await tcp_server(handle)
        async with server:
            with udp_server(echo) as udp:
                world.send(at, b"one", Transport.TCP, inbox)
                sending = world.send(udp, b"two", Transport.UDP, inbox, reuse=Reuse.LASTING)
                await inbox.wait_for(2)
                sending.close()
                clock.advance(4.5)
                assert world.open == 2
                assert len(clock.timers) == 1
                clock.advance(1)
                assert world.open == 0
                assert clock.timers == [], "nothing is left to look at"

    on_loop(main())


def test_after_its_end_nothing_is_delivered_and_it_can_be_used_again(on_loop):
    async def main():
        clock = HandClock()
        world, gone, inbox = network(clock=clock), Inbox(), Inbox()
        with udp_server(echo) as server:
            sendings = [world.send(server, b"old", Transport.UDP, gone, reuse=reuse) for reuse in Reuse]
            world.close()
            assert clock.timers == []
            for sending in sendings:
                sending.close()
            again = [world.send(server, b"%d new" % reuse, Transport.UDP, inbox, reuse=reuse) for reuse in Reuse]
            assert sorted(await inbox.wait_for(3)) == [b"0 new", b"1 new", b"2 new"]
            for sending in again:
                sending.close()
        assert gone.got == []

    on_loop(main())


def asked_from(world, server, transport, inbox, **options):
    """Three senders ask: two of an address of their own, and one of none."""
    for number, sender in enumerate((world.at("127.54.0.1"), world.at("127.53.0.3"), world)):
        sender.send(server, bytes((1, number)) + b"ask", transport, inbox, **options)
    assert world.at("127.54.0.1") is world.at("127.54.0.1")


SOURCES = ["127.0.0.1", "127.53.0.3", "127.54.0.1"]


@pytest.mark.parametrize("reuse", Reuse)
def test_a_sender_of_datagrams_can_have_an_address_of_its_own(on_loop, reuse):
    came = []

    def answer(sock, wire, address):
        came.append(address[0])
        sock.sendto(wire, address)

    async def main():
        world, inbox = network(), Inbox()
        with udp_server(answer) as server:
            asked_from(world, server, Transport.UDP, inbox, reuse=reuse)
            await inbox.wait_for(3)
        world.close()
        assert world.open == 0

    on_loop(main())
    assert sorted(came) == SOURCES


def test_a_sender_by_streams_can_have_an_address_of_its_own(on_loop):
    came = []

    async def handle(reader, writer):
        came.append(writer.get_extra_info("peername")[0])
        while True:
            writer.write(framed(await read_message(reader)))

    async def main():
        world, inbox = network(), Inbox()
        server, at = await tcp_server(handle)
        asked_from(world, at, Transport.TCP, inbox)
        await inbox.wait_for(3)
        assert world.counts()["upstream.connections"] == 3, "those of all senders are counted"
        world.close()
        assert world.open == 0
        server.close()

    on_loop(main())
    assert sorted(came) == SOURCES


def test_an_address_that_this_machine_has_not_is_no_source(on_loop):
    async def main():
        world = network()
        assert world.at("192.0.2.1") is world

    on_loop(main())
