from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from resolver import listeners as module
from resolver.certificates import shown
from resolver.config import Server
from resolver.errors import ListenError
from resolver.listeners import Kind, Listeners, bind, bind_all, bind_stream
from resolver.network import listening
from resolver.network.base import Endpoint
from resolver.network.clock import RealClock
from resolver.server.handshakes import Handshakes
from resolver.server.places import TcpLimits
from tests.support.streams import Kept

pytestmark = pytest.mark.sockets
ANY = Endpoint("127.0.0.1", 0)


def echo(wire, client, send):
    send(wire)


def test_port_0_becomes_one_port_that_both_have():
    bound = bind(ANY, 65536)
    try:
        assert bound.asked == ANY
        assert bound.endpoint == Endpoint("127.0.0.1", bound.udp.getsockname()[1])
        assert bound.tcp.getsockname()[1] == bound.endpoint.port != 0
    finally:
        bound.close()


def test_a_port_that_tcp_does_not_have_is_sought_again(monkeypatch):
    refused = []
    real = listening.bind_tcp

    def bind_tcp(endpoint, **how):
        if len(refused) < 3:
            refused.append(endpoint.port)
            raise ListenError(f"{endpoint} is taken")
        return real(endpoint, **how)

    monkeypatch.setattr(module.listening, "bind_tcp", bind_tcp)
    bound = bind(ANY, 65536)
    bound.close()
    assert len(refused) == 3
    refused.clear()
    with pytest.raises(ListenError):
        bind(Endpoint("127.0.0.1", bound.endpoint.port), 65536)
    assert len(refused) == 1, "a port that was asked for is not replaced by another"


def test_all_are_bound_or_none():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = Endpoint("127.0.0.1", holder.getsockname()[1])
        first = bind(ANY, 65536)
        first.close()
        with pytest.raises(ListenError, match=str(taken.port)):
            bind_all([first.endpoint, taken], 65536)
        bind(first.endpoint, 65536).close()


def test_listeners_for_tls_share_the_places_and_have_a_port_of_their_own(on_loop):
    async def main():
        loop = asyncio.get_running_loop()
        clock = RealClock(loop)
        plain = Listeners(loop, clock)
        handshakes = Handshakes(clock, shown(Server(), 0.0).contexts)
        encrypted = Listeners(loop, clock, plain.places, handshakes)
        bound, ours = bind(ANY, 65536), bind_all([ANY], 65536, Kind.TLS)[0]
        await plain.start(bound, echo)
        await encrypted.start(ours, echo, None, Kept(lambda wire: b"stored" if wire == b"known" else None))
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        reader, writer = await asyncio.open_connection(*ours.endpoint, ssl=trusting)
        writer.write(b"\0\5other\0\5known")
        read = await reader.readexactly(2 + 5 + 2 + 6)
        counts, places = encrypted.counts(), len(plain.places)
        ended = asyncio.ensure_future(reader.read())
        await asyncio.gather(plain.keep_only((), 1.0), encrypted.keep_only((), 1.0))
        last = await ended
        writer.close()
        bind_stream(ours.endpoint, Kind.TLS).close()
        return ours.udp, bound.endpoint != ours.endpoint, read, counts["udp.dropped_full"], places, last

    assert on_loop(main()) == (None, True, b"\0\5other\0\6stored", 0, 1, b"")


def test_what_is_no_longer_wanted_is_closed_and_the_rest_goes_on(on_loop):
    async def main():
        loop = asyncio.get_running_loop()
        listeners = Listeners(loop, RealClock(loop))
        one, two = bind(ANY, 65536), bind(Endpoint("127.0.0.2", 0), 65536)
        for bound in (one, two):
            await listeners.start(bound, echo)
        both = list(listeners.endpoints)
        await listeners.keep_only([two.asked], 1.0)
        left = list(listeners.endpoints)
        bind(one.endpoint, 65536).close()
        where = listeners.place(two.asked)
        known = one.asked in listeners, two.asked in listeners
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.sendto(b"hello", (where.host, where.port))
            echoed = await loop.run_in_executor(None, client.recv, 100)
        await listeners.keep_only((), 0.0)
        return both, left, one.endpoint, two.endpoint, known, echoed

    both, left, one, two, known, echoed = on_loop(main())
    assert both == [one, two]
    assert left == [two]
    assert known == (False, True)
    assert echoed == b"hello"


@pytest.mark.parametrize("relieved", [True, False])
def test_who_is_relieved_answers_until_nothing_is_in_progress(on_loop, relieved):
    async def main():
        loop = asyncio.get_running_loop()
        listeners, waiting, begun = Listeners(loop, RealClock(loop)), [], asyncio.Event()

        def respond(wire, client, send):
            if wire == b"slow":
                waiting.append(send)
                begun.set()
            else:
                send(wire)

        bound = bind(ANY, 65536)
        await listeners.start(bound, respond)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect(bound.endpoint)
            client.send(b"slow")
            await begun.wait()
            ending = asyncio.ensure_future(listeners.keep_only((), 30.0, relieved=relieved))
            await asyncio.sleep(0)
            client.send(b"quick")
            for _ in range(10):
                await asyncio.sleep(0)
            got = [await asyncio.wait_for(loop.sock_recv(client, 100), 5)] if relieved else []
            still = ending.done()
            waiting[0](b"at last")
            await ending
            got.append(await asyncio.wait_for(loop.sock_recv(client, 100), 5))
        bind(bound.endpoint, 65536).close()
        return got, still

    assert on_loop(main()) == ([*([b"quick"] if relieved else []), b"at last"], False)


def test_new_limits_are_those_of_connections_to_come(on_loop):
    async def main():
        loop = asyncio.get_running_loop()
        listeners = Listeners(loop, RealClock(loop))
        await listeners.start(bind(ANY, 65536), echo)
        listeners.adjust(TcpLimits(connections=7), None)
        limits = [tcp.places.limits.connections for _, _, tcp in listeners._pairs.values()]
        await listeners.keep_only((), 0.0)
        return limits

    assert on_loop(main()) == [7]


def test_a_listener_on_loopback_does_not_ask_who_may_and_another_does(on_loop):
    async def main():
        loop = asyncio.get_running_loop()
        listeners = Listeners(loop, RealClock(loop))
        asked = []
        allows = lambda host: asked.append(host) or False  # noqa: E731
        wildcard = Endpoint("0.0.0.0", 0)
        for endpoint in (ANY, wildcard):
            await listeners.start(bind(endpoint, 65536), echo, None, None, allows)
        pairs = {asked_for: (udp.allows, tcp.allows) for asked_for, (_, udp, tcp) in listeners._pairs.items()}
        listeners.adjust(TcpLimits(), None)
        after = {udp.allows for _, udp, _ in listeners._pairs.values()}
        await listeners.keep_only((), 0.0)
        return pairs == {ANY: (None, None), wildcard: (allows, allows)}, after

    assert on_loop(main()) == (True, {None})


def test_all_listeners_share_their_places_and_count_together(on_loop):
    async def main():
        loop = asyncio.get_running_loop()
        listeners = Listeners(loop, RealClock(loop))
        listeners.adjust(TcpLimits(connections=2), None)
        one, two = bind(ANY, 65536), bind(Endpoint("127.0.0.2", 0), 65536)
        writers = []
        for bound in (one, two):
            await listeners.start(bound, echo)
            _, writer = await asyncio.open_connection(*bound.endpoint)
            writers.append(writer)
        reader, writer = await asyncio.open_connection(*one.endpoint)
        writer.write(b"\0\2in")
        echoed = await reader.readexactly(4)
        counts = listeners.counts()
        for each in (writer, *writers):
            each.close()
        await listeners.keep_only((), 0.0)
        return echoed, counts

    echoed, counts = on_loop(main())
    assert echoed == b"\0\2in"
    assert (counts["tcp.connections"], counts["tcp.accepted"], counts["tcp.evicted"]) == (2, 3, 1)
