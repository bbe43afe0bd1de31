from __future__ import annotations

import asyncio
import os
import socket
import time

import pytest

from resolver.message import Transport
from resolver.network.base import Endpoint
from resolver.network.datagrams import OCTETS, Plain, batched
from resolver.network.listening import bind_udp, bound_to
from resolver.server import udp
from resolver.server.access import UNANSWERED
from resolver.server.udp import UdpListener

pytestmark = pytest.mark.sockets


def echo(wire, client, send):
    send(b"re:" + wire)


class Kept:
    """`Hits` that find what `stored` gives, and count."""

    def __init__(self, stored):
        self.stored, self.begun, self.counted = stored, 0, 0

    def begin(self):
        self.begun += 1
        return self.stored

    def fitting(self, answers, moved):
        return answers

    def served(self, count):
        self.counted += count


def serve(respond=echo, host="127.0.0.1"):
    sock = bind_udp(Endpoint(host, 0))
    listener = UdpListener(asyncio.get_running_loop(), batched(sock), respond)
    listener.start()
    return listener, bound_to(sock)


class Asker:
    """A client socket on the running loop."""

    def __init__(self, host="127.0.0.1"):
        self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        self.sock.setblocking(False)
        self.sock.bind((host, 0))
        self.got = []
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(self.sock.fileno(), self._readable)

    def _readable(self):
        while True:
            try:
                self.got.append(self.sock.recvfrom(65535))
            except BlockingIOError:
                break
        self._changed.set()

    async def wait_for(self, count):
        while len(self.got) < count:
            self._changed.clear()
            await self._changed.wait()
        return [wire for wire, _ in self.got]

    def close(self):
        asyncio.get_running_loop().remove_reader(self.sock.fileno())
        self.sock.close()


async def until(condition):
    while not condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_query_is_answered_to_who_asked(on_loop, host):
    async def main():
        clients = []

        def respond(wire, client, send):
            clients.append(client)
            send(b"re:" + wire)

        listener, at = serve(respond, host)
        asker = Asker(host)
        asker.sock.sendto(b"ask", at)
        assert await asker.wait_for(1) == [b"re:ask"]
        (client,) = clients
        assert (client.host, client.port) == asker.sock.getsockname()[:2]
        assert client.transport is Transport.UDP
        assert (listener.received, listener.sent, listener.outstanding) == (1, 1, 0)
        asker.close()
        listener.close()
        listener.close()

    on_loop(main())


@pytest.mark.rfc(2181, "4.1")
@pytest.mark.parametrize(("wildcard", "asked"), [("0.0.0.0", "127.0.0.2"), ("0.0.0.0", "127.53.0.1"), ("::", "::1")])
def test_on_a_wildcard_the_answer_comes_from_the_address_that_was_asked(on_loop, wildcard, asked):
    async def main():
        listener, at = serve(host=wildcard)
        asker = Asker("::1" if ":" in asked else "127.0.0.1")
        asker.sock.sendto(b"ask", (asked, at.port))
        await asker.wait_for(1)
        wire, source = asker.got[0]
        assert (wire, source[:2]) == (b"re:ask", (asked, at.port))
        asker.close()
        listener.close()

    on_loop(main())


def _another_ipv6_address():
    """An IPv6 address of this machine that is not ::1, if there is one."""
    try:
        with open("/proc/net/if_inet6") as table:
            for line in table:
                raw, _, _, scope, *_ = line.split()
                if scope == "00":
                    return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(raw))
    except OSError:
        pass
    return None


@pytest.mark.rfc(2181, "4.1")
def test_on_the_ipv6_wildcard_two_addresses_are_told_apart(on_loop):
    other = _another_ipv6_address()
    if other is None:
        pytest.skip("this machine has no second IPv6 address")

    async def main():
        listener, at = serve(host="::")
        # From ::1 to the other address: left to the kernel, the answer would come from ::1.
        for own, asked in (("::1", other), (other, "::1")):
            asker = Asker(own)
            asker.sock.sendto(b"ask", (asked, at.port))
            await asker.wait_for(1)
            assert asker.got[0][1][0] == asked
            asker.close()
        listener.close()

    on_loop(main())


def test_on_a_wildcard_late_answers_also_keep_their_source(on_loop):
    async def main():
        waiting = []
        listener, at = serve(lambda wire, client, send: waiting.append((wire, send)), "0.0.0.0")
        asker = Asker()
        for last in (2, 3, 4):
            asker.sock.sendto(b"%d" % last, (f"127.0.0.{last}", at.port))
        await until(lambda: len(waiting) == 3)
        for wire, send in reversed(waiting):
            send(wire)
        await asker.wait_for(3)
        assert [(wire, source[0]) for wire, source in asker.got] == [
            (b"4", "127.0.0.4"),
            (b"3", "127.0.0.3"),
            (b"2", "127.0.0.2"),
        ]
        asker.close()
        listener.close()

    on_loop(main())


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_burst_of_two_thousand_datagrams_is_answered_whole_in_bounded_batches(on_loop, host):
    async def main():
        loop, turns, in_turn = asyncio.get_running_loop(), [], [0]

        def respond(wire, client, send):
            in_turn[0] += 1
            send(wire)

        sock = bind_udp(Endpoint(host, 0))
        listener, at = UdpListener(loop, batched(sock), respond), bound_to(sock)
        listener.start()
        asker = Asker()
        # What the kernel lets wait at once: a small datagram takes some 768 octets of the receive buffer.
        burst = min(2000, sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 1024)
        began = time.monotonic()
        for first in range(0, 2000, burst):
            last = min(2000, first + burst)
            for n in range(first, last):  # the listener has no chance to read in between
                asker.sock.sendto(b"%d" % n, ("127.0.0.1", at.port))
            while listener.received < last:
                await asyncio.sleep(0)
                turns.append(in_turn[0])
                in_turn[0] = 0
        await asker.wait_for(2000)
        assert time.monotonic() - began < 2
        assert sorted(map(int, [wire for wire, _ in asker.got])) == list(range(2000))
        assert max(turns) <= udp.BATCH
        assert listener.outstanding == 0
        assert loop.is_running()
        asker.close()
        listener.close()

    on_loop(main())


def test_answers_may_come_later_and_out_of_order(on_loop):
    async def main():
        waiting = []
        listener, at = serve(lambda wire, client, send: waiting.append((wire, send)))
        asker = Asker()
        for wire in (b"one", b"two", b"three"):
            asker.sock.sendto(wire, at)
        await until(lambda: len(waiting) == 3)
        assert listener.outstanding == 3
        waiting[2][1](b"3")
        waiting[0][1](b"1")
        waiting[1][1](None)
        assert await asker.wait_for(2) == [b"3", b"1"]
        assert (listener.outstanding, listener.sent, listener.silent) == (0, 2, 1)
        asker.close()
        listener.close()

    on_loop(main())


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_query_that_breaks_its_server_is_counted_and_the_next_is_answered(host):
    unseen = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))

        def respond(wire, client, send):
            if wire == b"bad":
                raise ZeroDivisionError
            send(wire)

        listener, at = serve(respond, host)
        asker = Asker()
        for wire in (b"bad", b"good"):
            asker.sock.sendto(wire, ("127.0.0.1", at.port))
        assert await asker.wait_for(1) == [b"good"]
        assert (listener.received, listener.failed, listener.outstanding) == (2, 1, 0)
        asker.close()
        listener.close()

    asyncio.run(main())
    assert [type(context["exception"]) for context in unseen] == [ZeroDivisionError]


def test_datagrams_of_any_size_arrive_cut_at_the_bound(on_loop):
    async def main():
        sizes = []

        def respond(wire, client, send):
            sizes.append(len(wire))
            send(None)

        listener, at = serve(respond)
        asker = Asker()
        for size in (0, 1, 12, OCTETS, OCTETS + 1, 60_000):
            asker.sock.sendto(bytes(size), at)
        await until(lambda: len(sizes) == 6)
        assert sizes == [0, 1, 12, OCTETS, OCTETS, OCTETS]
        asker.close()
        listener.close()

    on_loop(main())


class Stubborn:
    """A socket whose sends fail as told."""

    def __init__(self, host, error):
        self._sock, self._error, self._host = bind_udp(Endpoint("127.0.0.1", 0)), error, host
        for name in ("fileno", "close", "recvfrom", "recvmsg"):
            setattr(self, name, getattr(self._sock, name))

    def getsockname(self):
        return self._host, self._sock.getsockname()[1]

    def sendto(self, *_):
        raise self._error

    def sendmsg(self, *_):
        raise self._error


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize(("error", "counter"), [(BlockingIOError(), "dropped_full"), (OSError(1, "x"), "failed")])
def test_an_answer_that_cannot_leave_is_dropped_and_counted(on_loop, host, error, counter):
    async def main():
        sock = Stubborn(host, error)
        listener = UdpListener(asyncio.get_running_loop(), Plain(sock), echo)
        listener.start()
        asker = Asker()
        asker.sock.sendto(b"ask", ("127.0.0.1", sock.getsockname()[1]))
        await until(lambda: getattr(listener, counter))
        assert (listener.sent, listener.outstanding) == (0, 0)
        asker.close()
        listener.close()

    on_loop(main())


def test_after_stop_reading_what_was_asked_is_answered_and_nothing_new_is_taken(on_loop):
    async def main():
        waiting = []
        listener, at = serve(lambda wire, client, send: waiting.append(send))
        asker = Asker()
        asker.sock.sendto(b"ask", at)
        await until(lambda: waiting)
        listener.stop_reading()
        listener.stop_reading()
        asker.sock.sendto(b"too late", at)
        drained = asyncio.ensure_future(listener.drained())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not drained.done()
        waiting[0](b"answer")
        await drained
        await listener.drained()
        assert await asker.wait_for(1) == [b"answer"]
        assert listener.received == 1
        asker.close()
        listener.close()

    on_loop(main())


def test_an_answer_after_close_is_dropped(on_loop):
    async def main():
        waiting = []
        listener, at = serve(lambda wire, client, send: waiting.append(send))
        asker = Asker()
        asker.sock.sendto(b"ask", at)
        await until(lambda: waiting)
        listener.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM):  # takes the file number that became free
            waiting[0](b"answer")
        assert (listener.sent, listener.failed, listener.outstanding) == (0, 1, 0)
        asker.close()

    on_loop(main())


def test_a_server_may_close_its_listener_in_the_middle_of_a_batch(on_loop):
    async def main():
        asked = []

        def respond(wire, client, send):
            asked.append(wire)
            listener.close()
            send(wire)

        listener, at = serve(respond)
        asker = Asker()
        for n in range(3):
            asker.sock.sendto(bytes([n]), at)
        await until(lambda: asked)
        for _ in range(5):
            await asyncio.sleep(0)
        assert asked == [b"\0"]
        asker.close()

    on_loop(main())


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc")
def test_random_octets_break_nothing(on_loop):
    async def main():
        listener, at = serve(lambda wire, client, send: send(wire[:100] or None))
        asker = Asker()
        for n in range(300):
            asker.sock.sendto(os.urandom(n), at)
        await asker.wait_for(299)
        assert (listener.received, listener.sent, listener.silent, listener.failed) == (300, 299, 1, 0)
        asker.close()
        listener.close()

    on_loop(main())


def test_a_stored_response_is_sent_without_asking_the_server(on_loop):
    async def main():
        asked = []

        def respond(wire, client, send):
            asked.append(wire)
            send(b"made")

        sock = bind_udp(Endpoint("127.0.0.1", 0))
        listener = UdpListener(asyncio.get_running_loop(), batched(sock), respond, Kept({b"known": b"kept"}.get))
        listener.start()
        asker = Asker()
        for wire in (b"known", b"new"):
            asker.sock.sendto(wire, bound_to(sock))
        assert sorted(await asker.wait_for(2)) == [b"kept", b"made"]
        assert asked == [b"new"]
        assert (listener.received, listener.sent, listener.outstanding) == (2, 2, 0)
        asker.close()
        listener.close()

    on_loop(main())


def test_a_store_that_breaks_costs_one_query_and_is_told(on_loop):
    async def main():
        loop = asyncio.get_running_loop()
        told = []
        loop.set_exception_handler(lambda _, context: told.append(context["exception"]))

        def stored(wire):
            if wire == b"bad":
                raise ZeroDivisionError
            return b"kept"

        sock = bind_udp(Endpoint("127.0.0.1", 0))
        listener = UdpListener(loop, batched(sock), echo, Kept(stored))
        listener.start()
        asker = Asker()
        for wire in (b"bad", b"good"):
            asker.sock.sendto(wire, bound_to(sock))
        assert await asker.wait_for(1) == [b"kept"]
        assert listener.failed == 1
        assert [type(error) for error in told] == [ZeroDivisionError]
        asker.close()
        listener.close()

    on_loop(main())


class Written:
    """A socket that has received these datagrams, each with the address it came from."""

    def __init__(self, *datagrams, host="127.0.0.1"):
        self.datagrams, self.host, self.sent = list(datagrams), host, []

    def fileno(self):
        return -1

    def getsockname(self):
        return self.host, 53

    def recvfrom(self, size):
        if not self.datagrams:
            raise BlockingIOError
        return self.datagrams.pop(0)

    def recvmsg(self, size, ancillary):
        wire, address = self.recvfrom(size)
        return wire, [], 0, address

    def sendto(self, wire, to):
        self.sent.append((wire, to))

    def sendmsg(self, wires, ancillary, flags, to):
        self.sent.append((b"".join(wires), to))

    def close(self):
        pass


def written(host, *came, stored=None, allows=None, respond=echo):
    sock = Written(*came, host=host)
    moved = Plain(sock, UNANSWERED)
    listener = UdpListener(None, moved, respond, None if stored is None else Kept(stored), allows)
    return sock, listener, listener._read


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("stored", [None, lambda wire: b"stored"])
def test_ports_on_which_anything_answers_get_no_answer(host, stored):
    ports = (0, 7, 13, 19, 37, 464)
    came = [(b"ask", ("192.0.2.1", port)) for port in (*ports, 53, 1024)]
    sock, listener, read = written(host, *came, stored=stored)
    read()
    assert [to for _, to in sock.sent] == [("192.0.2.1", 53), ("192.0.2.1", 1024)]
    assert (listener.dropped_port, listener.received) == (6, 2)


def test_a_stored_response_is_for_those_who_may_ask():
    came = [(b"ask", (f"192.0.2.{last}", 1024)) for last in (1, 2)]
    sock, _, read = written("127.0.0.1", *came, stored=lambda wire: b"stored", allows=lambda host: host == "192.0.2.1")
    read()
    assert sock.sent == [(b"stored", ("192.0.2.1", 1024)), (b"re:ask", ("192.0.2.2", 1024))]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_who_may_ask_is_asked_for_once_and_who_may_not_each_time(host, monkeypatch):
    asked = []

    def allows(host):
        asked.append(host)
        return host != "192.0.2.1"

    came = [(b"ask", (f"192.0.2.{last}", 1024 + last)) for last in (1, 2, 1, 2, 3, 2)]
    sock, listener, read = written(host, *came, stored=lambda wire: b"stored", allows=allows)
    read()
    assert asked == ["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"]
    assert [wire for wire, _ in sock.sent] == [b"stored"] * 4 + [b"re:ask"] * 2
    listener.allows = lambda host: asked.append("anew")
    sock.datagrams.append((b"ask", ("192.0.2.2", 1024)))
    read()
    assert asked[4:] == ["anew"], "after a reload others may"
    monkeypatch.setattr(udp, "ADMITTED", 20)
    listener.allows = lambda host: True
    sock.datagrams += [(b"ask", (f"192.0.2.{last}", 1024)) for last in range(60)]
    read()
    assert 0 < len(listener._admitted) <= 20


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_what_is_dropped_for_its_port_keeps_nobody_behind_it_waiting(host):
    came = [(b"new", ("192.0.2.1", port)) for port in [19] * 10 + [1024] * 10 + [19] * 100]
    sock, listener, read = written(host, *came)
    read()
    assert (listener.received, listener.dropped_port) == (10, udp.BATCH - 10)
    read()
    assert (listener.received, listener.dropped_port, sock.datagrams) == (10, 110, [])


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_few_queries_that_need_work_are_read_per_wake_up(host):
    sock, listener, read = written(host, *[(b"new", ("192.0.2.1", 1024))] * 100)
    read()
    assert (listener.received, len(sock.datagrams)) == (udp.WORK, 100 - udp.WORK)


def test_work_leaves_room_for_stored_responses_in_the_same_wake_up():
    wires = [b"new", b"known", b"known", b"known"] * 30
    came = [(wire, ("192.0.2.1", 1024)) for wire in wires]
    _, listener, read = written("127.0.0.1", *came, stored={b"known": b"kept"}.get)
    read()
    assert listener.received == 4 * (udp.WORK - 1) + 1
    read()
    assert not listener.failed


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_store_is_asked_once_in_a_turn_and_told_once_what_was_served(host):
    came = [(wire, ("192.0.2.1", 1024)) for wire in (b"known", b"new", b"known", b"known")]
    sock = Written(*came, host=host)
    kept = Kept({b"known": b"kept"}.get)
    listener = UdpListener(None, Plain(sock), echo, kept)
    listener._read()
    assert [wire for wire, _ in sock.sent] == [b"kept", b"kept", b"kept", b"re:new"]
    assert (kept.begun, kept.counted) == (1, 3)
    assert (listener.received, listener.sent) == (4, 4)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize(("error", "left", "full", "failed"), [(BlockingIOError, 1, 2, 0), (PermissionError, 2, 0, 1)])
def test_stored_responses_that_cannot_leave_are_counted_one_by_one(host, error, left, full, failed):
    sock = Written(*[(b"known", ("192.0.2.1", 1024))] * 3, host=host)
    outcomes = [None, error, None]

    def send(wire, to):
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        sock.sent.append((wire, to))

    sock.sendto = send
    sock.sendmsg = lambda wires, ancillary, flags, to: send(b"".join(wires), to)
    listener = UdpListener(None, Plain(sock), echo, Kept(lambda wire: b"kept"))
    listener._read()
    assert (listener.received, listener.sent, len(sock.sent)) == (3, left, left)
    assert (listener.dropped_full, listener.failed) == (full, failed)


@pytest.mark.rfc(2181, "4.1")
def test_on_a_wildcard_a_stored_response_comes_from_the_address_that_was_asked(on_loop):
    async def main():
        sock = bind_udp(Endpoint("0.0.0.0", 0))
        listener = UdpListener(asyncio.get_running_loop(), batched(sock), echo, Kept(lambda wire: b"kept:" + wire))
        asker = Asker()
        for last in (2, 2, 3, 2, 4):
            asker.sock.sendto(b"%d" % last, (f"127.0.0.{last}", bound_to(sock).port))
        listener.start()
        await asker.wait_for(5)
        assert [(wire, source[0]) for wire, source in asker.got] == [
            (b"kept:%d" % last, f"127.0.0.{last}") for last in (2, 2, 3, 2, 4)
        ]
        asker.close()
        listener.close()

    on_loop(main())


class Noted:
    """`Datagrams` of a socket that note what is sent with one call."""

    def __init__(self, sock):
        self.moved, self.calls = batched(sock), []
        for name in ("fileno", "close", "receive", "host", "peer"):
            setattr(self, name, getattr(self.moved, name))

    def send(self, answers):
        self.calls.append([wire for wire, _ in answers])
        return self.moved.send(answers)


def noted(respond, stored=None):
    sock = bind_udp(Endpoint("127.0.0.1", 0))
    moved = Noted(sock)
    hits = None if stored is None else Kept(stored)
    return moved, UdpListener(asyncio.get_running_loop(), moved, respond, hits), bound_to(sock)


def test_what_is_stored_leaves_with_one_call_and_what_is_made_at_once_with_a_second(on_loop):
    async def main():
        moved, listener, at = noted(echo, {b"known": b"kept"}.get)
        asker = Asker()
        for wire in (b"known", b"one", b"known", b"two"):
            asker.sock.sendto(wire, at)
        listener.start()
        await asker.wait_for(4)
        assert moved.calls == [[b"kept", b"kept"], [b"re:one", b"re:two"]]
        asker.close()
        listener.close()

    on_loop(main())


def test_answers_that_are_made_in_one_turn_leave_together_and_those_of_the_next_after_them(on_loop):
    async def main():
        waiting = []
        moved, listener, at = noted(lambda wire, client, send: waiting.append(send))
        asker = Asker()
        for wire in (b"1", b"2", b"3"):
            asker.sock.sendto(wire, at)
        listener.start()
        await until(lambda: len(waiting) == 3)
        waiting[0](b"one")
        waiting[1](b"two")
        await asker.wait_for(2)
        waiting[2](b"three")
        assert listener.outstanding == 0
        await asker.wait_for(3)
        assert moved.calls == [[b"one", b"two"], [b"three"]]
        assert listener.sent == 3
        asker.close()
        listener.close()

    on_loop(main())


def test_an_answer_that_was_made_before_the_end_still_leaves(on_loop):
    async def main():
        waiting = []
        _, listener, at = noted(lambda wire, client, send: waiting.append(send))
        asker = Asker()
        asker.sock.sendto(b"ask", at)
        listener.start()
        await until(lambda: waiting)
        listener.stop_reading()
        waiting[0](b"answer")
        await listener.drained()
        listener.close()
        assert await asker.wait_for(1) == [b"answer"]
        assert (listener.sent, listener.failed) == (1, 0)
        asker.close()

    on_loop(main())


def test_where_clients_are_told_apart_each_host_is_served_what_is_stored_for_its_kind():
    class ByHost:
        """Kinds of clients: even addresses and odd ones; nothing is stored for others than those of the first."""

        def __init__(self):
            self.hosts, self.begun, self.learnt = {}, 0, []

        def begin(self):
            self.begun += 1

        def learn(self, host, text):
            self.learnt.append(text)
            even = int(text.rpartition(".")[2]) % 2 == 0
            self.hosts[host] = (lambda wire: b"even") if even else (lambda wire: None)
            return self.hosts[host]

    kinds = ByHost()
    came = [(b"ask", (f"192.0.2.{last}", 1024)) for last in (1, 2, 1, 2, 4)]
    sock, listener, read = written("127.0.0.1", *came, stored=lambda wire: b"for all")
    listener._hits.kinds, listener._begin = (lambda: kinds), (lambda: None)
    read()
    told = sorted((to[0], wire) for wire, to in sock.sent)
    odd, even = ("192.0.2.1", b"re:ask"), ("192.0.2.2", b"even")
    assert told == [odd, odd, even, even, ("192.0.2.4", b"even")]
    assert kinds.learnt == ["192.0.2.1", "192.0.2.2", "192.0.2.4"], "each is looked at once"
