"""Messages to upstreams over TLS: who is trusted, what is shared, and what is told."""

from __future__ import annotations

import asyncio
import gc
import re
import ssl
import warnings
import weakref
from functools import partial

import dns.message
import pytest

from resolver.message import Transport
from resolver.network import encrypted as module
from resolver.network.base import Endpoint, Trouble, Upstream
from resolver.network.carrying import STUCK_S
from resolver.network.dot import MAX_PIPELINED, MAX_STRAYS, MAX_UNANSWERED
from resolver.network.encrypted import Encrypted, Terms
from resolver.network.peers import HELD_OFF_S, IDLE_S, PER_SERVER
from resolver.network.tls_stream import TlsStream
from tests.support.authorities import Authority
from tests.support.sockets import HandClock, Inbox, framed, network, tcp_server, until, unused_port
from tests.support.tls_peers import Peer, listening, shaking, terms

pytestmark = pytest.mark.sockets

NAME = "dns.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def echo(query):
    return query + b", ed"


async def asked(world, how, query=b"ask"):
    """What comes of one query."""
    inbox = Inbox()
    sending = world.encrypted().send(how, query, inbox)
    (came,) = await inbox.wait_for(1)
    sending.close()
    return came


# -- connections are shared


@pytest.mark.rfc(7858, "3.3")
def test_queries_share_one_connection_and_each_has_its_reply(on_loop, authority):
    async def main():
        world, inboxes = network(), [Inbox() for _ in range(50)]
        async with listening(Peer(echo), authority.server(NAME)) as peer:
            how = terms(world, peer, authority.pem, NAME)
            for number, inbox in enumerate(inboxes):
                world.encrypted().send(how, b"%02d" % number, inbox)
                assert inbox.got == []
            for number, inbox in enumerate(inboxes):
                assert await inbox.wait_for(1) == [b"%02d, ed" % number]
            assert await asked(world, how) == b"ask, ed"
            assert peer.connections == 1
            assert peer.names == [NAME]
            counts = world.counts()
            assert counts["upstream.tls_sent"] == 51
            assert counts["upstream.tls_handshakes"] == counts["upstream.tls_connections"] == 1

    on_loop(main())


def test_replies_come_in_any_order_and_equal_ids_are_told_apart(on_loop, authority):
    async def main():
        world, first, second = network(), Inbox(), Inbox()
        async with listening(Peer(lambda _: None), authority.server(NAME)) as peer:
            how = terms(world, peer, authority.pem, NAME)
            world.encrypted().send(how, b"id one", first)
            world.encrypted().send(how, b"id two", second)
            await until(lambda: len(peer.queries) == 2)
            one, two = peer.queries
            assert one[2:] + two[2:] == b" one two"
            assert one[:2] != two[:2]
            peer.writers[0].write(framed(two) + framed(one))
            assert await second.wait_for(1) == [b"id two"]
            assert first.got == [b"id one"]

    on_loop(main())


def test_the_longest_reply_may_arrive_in_pieces(on_loop, authority):
    async def main():
        world = network()
        long = bytes(65_533)
        async with listening(Peer(lambda query: query[:2] + long), authority.server(NAME)) as peer:
            how = terms(world, peer, authority.pem, NAME)
            assert await asked(world, how, b"ab") == b"ab" + long
            assert await asked(world, how, b"cd" + bytes(65_533)) == b"cd" + long
            assert await asked(world, how, bytes(65_536)) is Trouble.LOCAL

    on_loop(main())


def test_a_query_that_is_given_up_takes_no_connection_with_it_and_its_id_is_not_given_again(on_loop, authority):
    async def main():
        world, late = network(), Inbox()
        async with listening(Peer(lambda _: None), authority.server(NAME)) as peer:
            how = terms(world, peer, authority.pem, NAME)
            world.encrypted().send(how, b"id late", late).close()
            given_up = world.encrypted().send(how, b"id slow", late)
            await until(lambda: peer.queries)
            given_up.close()
            given_up.close()
            inbox = Inbox()
            world.encrypted().send(how, b"id next", inbox)
            await until(lambda: len(peer.queries) == 3)
            for query in peer.queries:
                peer.writers[0].write(framed(query))
            assert await inbox.wait_for(1) == [b"id next"]
            assert late.got == []
            assert peer.connections == 1
            assert world.counts()["upstream.tls_connections"] == 1

    on_loop(main())


def test_a_connection_on_which_half_is_left_unanswered_takes_no_more(on_loop, authority):
    async def main():
        world, inbox = network(), Inbox()
        peer = Peer(lambda query: query if query[2:] == b"good" else None)
        async with listening(peer, authority.server(NAME)):
            how = terms(world, peer, authority.pem, NAME)
            for _ in range(MAX_UNANSWERED + 1):
                bad = world.encrypted().send(how, b"idbad", inbox)
                assert await asked(world, how, b"idgood") == b"idgood"
                bad.close()
            assert peer.connections == 1
            assert await asked(world, how, b"idgood") == b"idgood"
            assert peer.connections == 2
            assert world.open == 1

    on_loop(main())


def test_a_server_that_says_nothing_at_all_is_asked_by_another_connection(on_loop, authority):
    async def main():
        clock = HandClock()
        world, inbox, other = network(clock=clock), Inbox(), Inbox()
        async with listening(Peer(lambda query: query if query == b"second" else None), authority.server(NAME)) as peer:
            how = terms(world, peer, authority.pem, NAME)
            stuck = world.encrypted().send(how, b"first", inbox)
            await until(lambda: peer.queries)
            clock.advance(STUCK_S)
            world.encrypted().send(how, b"second", other)
            assert await other.wait_for(1) == [b"second"]
            assert peer.connections == 2
            assert world.open == 2, "what is outstanding may still be answered"
            stuck.close()
            assert world.open == 1

    on_loop(main())


def test_what_finds_no_room_opens_few_more_connections_and_then_is_busy(on_loop, authority):
    async def main():
        world, inbox = network(), Inbox()
        async with listening(Peer(lambda _: None), authority.server(NAME)) as peer:
            how = terms(world, peer, authority.pem, NAME)
            for _ in range(PER_SERVER * MAX_PIPELINED):
                world.encrypted().send(how, b"id", inbox)
            assert world.encrypted().open == PER_SERVER
            await until(lambda: len(peer.queries) == PER_SERVER * MAX_PIPELINED)
            assert inbox.got == []
            assert await asked(world, how) is Trouble.BUSY

    on_loop(main())


def test_no_more_sockets_are_opened_than_may_be(on_loop, authority):
    async def main():
        world = network(max_open=4)
        async with listening(Peer(echo), authority.server(NAME)) as peer:
            assert await asked(world, terms(world, peer, authority.pem, NAME)) == b"ask, ed"
            assert await asked(world, terms(world, peer, authority.pem, "other.example")) is Trouble.LOCAL

    on_loop(main())


def test_what_is_idle_is_closed_and_its_session_taken_up_again(on_loop, authority):
    async def main():
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            clock = HandClock()
            world, context = network(clock=clock), authority.server(NAME)
            context.maximum_version = version
            async with listening(Peer(echo), context) as peer:
                how = terms(world, peer, authority.pem, NAME)
                for round in range(3):
                    assert await asked(world, how) == b"ask, ed"
                    clock.advance(IDLE_S - 2)
                    assert world.open == 1
                    clock.advance(3)
                    assert world.open == 0, version
                    assert peer.sessions[round].session_reused is (round > 0)
                assert world.counts()["upstream.tls_resumed"] == 2
                assert not clock.timers

    on_loop(main())


# -- connections end


@pytest.mark.rfc(7766, "6.2.4")
def test_what_was_outstanding_on_a_connection_that_ends_is_asked_once_more(on_loop, authority):
    async def main():
        world, inboxes = network(), [Inbox() for _ in range(5)]
        peer = Peer(lambda _: None)
        async with listening(peer, authority.server(NAME)):
            how = terms(world, peer, authority.pem, NAME)
            closed = world.encrypted().send(how, b"closed", inboxes[0])
            for number, inbox in enumerate(inboxes):
                world.encrypted().send(how, b"%02d" % number, inbox)
            await until(lambda: len(peer.queries) == 6)
            closed.close()
            peer.answer = echo
            peer.cut()
            for number, inbox in enumerate(inboxes):
                assert await inbox.wait_for(1) == [b"%02d, ed" % number]
            assert peer.connections == 2
            assert world.counts()["upstream.tls_repeated"] == 5

    on_loop(main())


def test_it_is_not_asked_a_third_time(on_loop, authority):
    async def main():
        world = network()
        peer = Peer(lambda _: b"")
        async with listening(peer, authority.server(NAME)):
            assert await asked(world, terms(world, peer, authority.pem, NAME)) is Trouble.RESET
            assert peer.connections == 2

    on_loop(main())


def test_whoever_sends_what_nobody_asked_for_is_left(on_loop, authority):
    async def main():
        world, inbox = network(), Inbox()
        peer = Peer(lambda _: None)
        async with listening(peer, authority.server(NAME)):
            world.encrypted().send(terms(world, peer, authority.pem, NAME), b"id", inbox)
            for connection in range(2):
                await until(lambda count=connection: len(peer.queries) == count + 1)
                peer.writers[-1].write(framed(b"no such id") * (MAX_STRAYS + 1))
            assert await inbox.wait_for(1) == [Trouble.RESET]

    on_loop(main())


def test_trouble_before_a_connection_is_open_is_told_at_once(on_loop, authority):
    async def main():
        world = network()
        peer = Peer(echo)
        peer.at = Endpoint("127.0.0.1", unused_port())
        assert await asked(world, terms(world, peer, authority.pem, NAME)) is Trouble.REFUSED

        async def ends(reader, writer):
            await reader.read(1)

        server, peer.at = await tcp_server(ends)
        async with server:
            assert await asked(world, terms(world, peer, authority.pem, NAME)) is Trouble.RESET
        peer.at = Endpoint("127.0.0.1", 70_000)
        assert await asked(world, terms(world, peer, authority.pem, NAME)) is Trouble.LOCAL

    on_loop(main())


def test_a_network_that_is_closed_delivers_nothing_and_leaves_nothing_open(on_loop, authority):
    async def main():
        world, inbox = network(), Inbox()
        async with listening(Peer(lambda _: None), authority.server(NAME)) as peer:
            world.encrypted().send(terms(world, peer, authority.pem, NAME), b"open", inbox)
            await until(lambda: peer.queries)
            world.encrypted().send(terms(world, peer, authority.pem, "wrong.example"), b"connecting", inbox)
            await until(lambda: world.counts()["upstream.tls_failed"])  # and its certificate is being looked at
            assert world.open == 2
            world.close()
            assert world.open == 0
            for _ in range(5):
                await asyncio.sleep(0)
            assert inbox.got == []

    on_loop(main())


# -- who is trusted


@pytest.mark.rfc(8310, "8.1")
@pytest.mark.parametrize(
    ("names", "name", "refused"),
    [
        ((NAME,), NAME, ""),
        (("*.dns.example",), "a.dns.example", ""),
        (("127.0.0.1", "::1"), "", ""),
        (("other.example",), NAME, "it is for other.example, not for dns.example"),
        (("*.dns.example",), NAME, "it is for *.dns.example, not for dns.example"),
        ((NAME,), "", "it is for dns.example, not for 127.0.0.1"),
        (("127.0.0.2", "::1"), "", "it is for 127.0.0.2, ::1, not for 127.0.0.1"),
        (("127.0.0.1",), NAME, "it is for 127.0.0.1, not for dns.example"),
        (("a", "b", "c", "d", "e"), NAME, "it is for a, b, c, 2 more, not for dns.example"),
        ((), NAME, "it is for no name at all, not for dns.example"),
    ],
)
def test_the_certificate_must_be_for_the_name_or_the_address(on_loop, authority, names, name, refused):
    async def main():
        world = network()
        async with listening(Peer(echo), authority.server(*names, common=NAME)) as peer:
            came = await asked(world, terms(world, peer, authority.pem, name))
            if refused:
                assert came == f"{Trouble.UNTRUSTED}: {refused}"
                assert came.kind is Trouble.UNTRUSTED
                assert peer.queries == []
            else:
                assert came == b"ask, ed"
            assert set(peer.names) == {name or None}

    on_loop(main())


def test_it_must_be_valid_now_and_signed_by_whom_we_trust(on_loop, authority, tmp_path):
    async def main():
        stranger = Authority(tmp_path, "Stranger")
        world = network()
        for context, refused in (
            (authority.server(NAME, began=-9, days=3), r"it expired on \d{4}-\d\d-\d\d at \d\d:\d\d UTC"),
            (authority.server(NAME, began=2), r"it is not valid before \d{4}-\d\d-\d\d \d\d:\d\d UTC"),
            (stranger.server(NAME), "CN=Stranger signed it, of whom nobody trusted here vouches"),
        ):
            async with listening(Peer(echo), context) as peer:
                came = await asked(world, terms(world, peer, authority.pem, NAME))
                assert re.fullmatch(f"{Trouble.UNTRUSTED}: {refused}", came), came
                came = await asked(world, terms(world, peer, None, NAME))
                assert came.kind is Trouble.UNTRUSTED, "the system does not know that authority either"
                assert peer.queries == []

    on_loop(main())


def test_one_that_signed_itself_is_told_so(on_loop, authority, tmp_path):
    from tests.support.certificates import write

    async def main():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*write(tmp_path))
        world = network()
        async with listening(Peer(echo), context) as peer:
            came = await asked(world, terms(world, peer, authority.pem, NAME))
            assert came == f"{Trouble.UNTRUSTED}: CN=dns.example signed it itself, and is not trusted here"

    on_loop(main())


@pytest.mark.rfc(9325, "3.1")
def test_tls_is_of_version_1_2_or_later(on_loop, authority):
    async def main():
        context = authority.server(NAME)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        world, peer = network(), Peer(echo)
        server, peer.at = await tcp_server(partial(shaking, context))
        async with server:
            came = await asked(world, terms(world, peer, authority.pem, NAME))
            assert came == f"{Trouble.NO_TLS}: it has no version of TLS that is spoken here"

    on_loop(main())


def test_what_speaks_no_tls_is_told_so(on_loop, authority):
    async def main():
        async def plain(reader, writer):
            await reader.read(1)
            writer.write(framed(b"what do you want?"))
            await reader.read()

        server, at = await tcp_server(plain)
        async with server:
            peer = Peer(echo)
            peer.at = at
            world = network()
            came = await asked(world, terms(world, peer, authority.pem, NAME))
            assert came == f"{Trouble.NO_TLS}: what listens there speaks no TLS"

    on_loop(main())


def test_dot_is_offered_by_alpn_and_not_demanded(on_loop, authority):
    async def main():
        for protocols in (("dot",), ("h2", "http/1.1"), ()):
            world = network()
            async with listening(Peer(echo), authority.server(NAME, protocols=protocols)) as peer:
                assert await asked(world, terms(world, peer, authority.pem, NAME)) == b"ask, ed"
                assert peer.sessions[0].selected_alpn_protocol() == ("dot" if protocols == ("dot",) else None)

    on_loop(main())


def test_whose_certificate_is_refused_is_left_alone_for_a_while_and_told_of_once(on_loop, authority):
    async def main():
        clock, told = HandClock(), []
        world = network(clock=clock)
        world.encrypted().told = lambda upstream, trouble: told.append((str(upstream), str(trouble)))
        peer, waiting = Peer(echo), [Inbox() for _ in range(3)]
        async with listening(peer, authority.server("other.example")):
            how = terms(world, peer, authority.pem, NAME)
            for inbox in waiting:
                world.encrypted().send(how, b"ask", inbox)
            refused = f"{Trouble.UNTRUSTED}: it is for other.example, not for dns.example"
            for inbox in waiting:
                assert await inbox.wait_for(1) == [refused]
            looked = len(peer.names)
            assert await asked(world, how) == refused
            assert len(peer.names) == looked, "it was not tried again"
            clock.advance(HELD_OFF_S)
            assert await asked(world, how) == refused
            assert len(peer.names) == 2 * looked
            assert told == [(f"tls://{peer.at}#dns.example", refused)]
            assert world.counts()["upstream.tls_failed"] == 2
        clock.advance(HELD_OFF_S)
        async with listening(peer, authority.server(NAME), peer.at.port):
            assert await asked(world, how) == b"ask, ed"

    on_loop(main())


def test_a_server_that_hides_its_certificate_the_second_time_is_told_of_by_what_is_known(on_loop, authority):
    async def main():
        clock = HandClock()
        world, inbox = network(clock=clock), Inbox()
        context = authority.server("other.example")
        held = []

        async def once(reader, writer):
            if held:
                await reader.read()  # it lets the client wait
                return
            held.append(writer)
            await shaking(context, reader, writer)

        server, at = await tcp_server(once)
        async with server:
            peer = Peer(echo)
            peer.at = at
            how = terms(world, peer, authority.pem, NAME)
            world.encrypted().send(how, b"ask", inbox)
            given_up = world.encrypted().send(how, b"ask", Inbox())
            await until(lambda: world.counts()["upstream.tls_failed"])
            given_up.close()
            later = Inbox()
            world.encrypted().send(how, b"ask", later)
            clock.advance(1.0)
            refused = f"{Trouble.UNTRUSTED}: it is for another name"
            assert await inbox.wait_for(1) == await later.wait_for(1) == [refused]
            world.close()

    on_loop(main())


# -- what goes by what


@pytest.mark.rfc(8467, "4.1")
def test_a_query_is_padded_before_it_leaves(on_loop, authority):
    async def main():
        world, wire = network(), dns.message.make_query("www.example.", "A", use_edns=0).to_wire()
        async with listening(Peer(echo), authority.server(NAME)) as peer:
            await asked(world, terms(world, peer, authority.pem, NAME), wire)
            assert len(peer.queries[0]) == 128
            assert dns.message.from_wire(peer.queries[0]).question == dns.message.from_wire(wire).question

    on_loop(main())


def test_what_a_connection_held_is_freed_with_its_end(on_loop, authority):
    async def main():
        world = network()
        peer = Peer(echo)
        async with listening(peer, authority.server(NAME)):
            how = terms(world, peer, authority.pem, NAME)
            gc.disable()
            try:
                streams = []
                for _ in range(3):
                    await asked(world, how)
                    (owner,) = (each for each in world._poller.watched.values() if isinstance(each, TlsStream))
                    streams.append(weakref.ref(owner._tls))
                    del owner
                    peer.cut()
                    await until(lambda: not world.open)
                assert [each() for each in streams] == [None] * 3
            finally:
                gc.enable()

    on_loop(main())


def test_an_upstream_on_other_terms_is_another_one(on_loop, authority):
    async def main():
        world = network()
        async with listening(Peer(echo), authority.server(NAME, "two.example")) as peer:
            for name in (NAME, "two.example"):
                assert await asked(world, terms(world, peer, authority.pem, name)) == b"ask, ed"
            assert await asked(world, terms(world, peer, authority.pem, NAME)) == b"ask, ed"
            assert peer.connections == 2

    on_loop(main())


def test_what_must_be_encrypted_never_leaves_in_plain(on_loop):
    async def main():
        world, inbox = network(), Inbox()
        at = Endpoint("127.0.0.1", unused_port())
        for transport in (Transport.TLS, Transport.HTTPS):
            world.send(at, b"ask", transport, inbox)
        assert await inbox.wait_for(2) == [Trouble.FORBIDDEN] * 2
        assert world.open == 0

    on_loop(main())


def test_contexts_are_made_once_and_upstreams_forgotten(on_loop, authority, monkeypatch, tmp_path):
    async def main():
        clock = HandClock()
        world = network(clock=clock)
        encrypted: Encrypted = world.encrypted()
        contexts = [
            encrypted.context(pem, kind) for pem in (None, authority.pem) for kind in (Transport.TLS, Transport.HTTPS)
        ]
        assert len(set(contexts)) == 4
        assert encrypted.context(authority.pem, Transport.TLS) is encrypted.context(authority.pem, Transport.TLS)
        monkeypatch.setattr(module, "MAX_PEERS", 2)
        at = Endpoint("127.0.0.1", unused_port())
        context = encrypted.context(authority.pem, Transport.TLS)
        for number in range(5):
            how = Terms(Upstream(at, Transport.TLS, f"n{number}.example"), context)
            assert await asked(world, how) is Trouble.REFUSED
        assert len(encrypted._peers) == 2
        clock.advance(module.FORGOTTEN_S)
        assert await asked(world, Terms(Upstream(at, Transport.TLS), context)) is Trouble.REFUSED
        assert len(encrypted._peers) == 1
        monkeypatch.setattr(module, "MAX_CONTEXTS", len(encrypted._contexts))
        assert encrypted.context(Authority(tmp_path, "Another").pem, Transport.TLS) not in contexts
        assert len(encrypted._contexts) == module.MAX_CONTEXTS

    on_loop(main())
