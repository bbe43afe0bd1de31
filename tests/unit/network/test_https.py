"""Messages to upstreams over HTTPS: what is requested, which responses are replies, and how a server may leave."""

from __future__ import annotations

import dns.message
import pytest

from resolver.network.base import Trouble
from resolver.network.https import MAX_STREAMS
from tests.support.authorities import Authority
from tests.support.sockets import HandClock, Inbox, network, until
from tests.support.tls_peers import HttpsPeer, Peer, asked, echo, held, listening, terms

pytestmark = pytest.mark.sockets

NAME = "dns.example"
PATH = "/dns-query"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def shown(authority):
    return authority.server(NAME, "127.0.0.1", protocols=("h2",))


@pytest.mark.rfc(8484, "4.1")
def test_a_query_is_a_post_with_the_id_0_and_its_reply_has_its_own(on_loop, authority, shown):
    async def main():
        world, peer = network(), HttpsPeer(echo)
        async with listening(peer, shown):
            assert await asked(world, terms(world, peer, authority.pem, NAME, PATH)) == b"id ask, ed"
            assert peer.queries == [b"\0\0 ask"]
            assert peer.requests == [
                {
                    ":method": "POST",
                    ":scheme": "https",
                    ":authority": f"{NAME}:{peer.at.port}",
                    ":path": PATH,
                    "accept": "application/dns-message",
                    "content-type": "application/dns-message",
                    "content-length": "6",
                }
            ]
            assert peer.sessions[0].selected_alpn_protocol() == "h2"
            counts = world.counts()
            assert counts["upstream.https_sent"] == counts["upstream.tls_connections"] == 1

    on_loop(main())


@pytest.mark.rfc(8484, "4.1")
@pytest.mark.parametrize(("path", "asked_for"), [(PATH, PATH + "?dns="), ("/q?key=1", "/q?key=1&dns=")])
def test_it_may_be_a_get_with_the_query_in_its_path(on_loop, authority, shown, path, asked_for):
    async def main():
        world, peer = network(), HttpsPeer(echo)
        async with listening(peer, shown):
            assert await asked(world, terms(world, peer, authority.pem, "", path, gets=True)) == b"id ask, ed"
            (request,) = peer.requests
            assert request[":method"] == "GET"
            assert request[":authority"] == f"127.0.0.1:{peer.at.port}"
            assert request[":path"] == f"{asked_for}AAAgYXNr"
            assert "content-type" not in request

    on_loop(main())


def test_many_queries_are_streams_of_one_connection_in_any_order(on_loop, authority, shown):
    async def main():
        world, peer = network(), HttpsPeer(held)
        inboxes = [Inbox() for _ in range(60)]
        async with listening(peer, shown):
            how = terms(world, peer, authority.pem, NAME, PATH)
            for number, inbox in enumerate(inboxes):
                world.encrypted().send(how, b"%02d ask" % number, inbox)
            await until(lambda: len(peer.waiting) == 60)
            for stream, query in reversed(peer.waiting):
                peer.reply(peer.https[0], stream, query + b" %d" % stream)
            peer.flush()
            for number, inbox in enumerate(inboxes):
                assert await inbox.wait_for(1) == [b"%02d ask %d" % (number, 2 * number + 1)]
            assert peer.connections == 1

    on_loop(main())


@pytest.mark.rfc(9113, "5.1.2")
def test_a_server_gets_no_more_streams_than_it_takes(on_loop, authority, shown):
    async def main():
        world, peer = network(), HttpsPeer(held, MAX_CONCURRENT_STREAMS=3)
        async with listening(peer, shown):
            how, inboxes = terms(world, peer, authority.pem, NAME, PATH), [Inbox() for _ in range(5)]
            for number, inbox in enumerate(inboxes):
                world.encrypted().send(how, b"%02d ask" % number, inbox)
            done = 0
            while done < 5:  # they are put before it is known, so that all are on one connection
                await until(lambda count=done: len(peer.waiting) > count)
                assert peer.https[0].open_inbound_streams <= 3
                stream, query = peer.waiting[done]
                peer.reply(peer.https[0], stream, query)
                peer.flush()
                done += 1
            for number, inbox in enumerate(inboxes):
                assert await inbox.wait_for(1) == [b"%02d ask" % number]
            assert peer.connections == 1

    on_loop(main())


def test_what_finds_no_room_goes_by_another_connection(on_loop, authority, shown):
    async def main():
        world, peer, inbox = network(), HttpsPeer(held), Inbox()
        async with listening(peer, shown):
            how = terms(world, peer, authority.pem, NAME, PATH)
            for _ in range(MAX_STREAMS + 1):
                world.encrypted().send(how, b"id ask", inbox)
            await until(lambda: len(peer.waiting) == MAX_STREAMS + 1)
            assert peer.connections == 2

    on_loop(main())


@pytest.mark.rfc(9113, "5.2")
def test_a_body_that_finds_no_room_goes_in_the_path(on_loop, authority, shown):
    async def main():
        world, peer = network(), HttpsPeer(echo, INITIAL_WINDOW_SIZE=64)
        async with listening(peer, shown):
            how = terms(world, peer, authority.pem, NAME, PATH)
            await asked(world, how)  # after which the size of its windows is known
            assert await asked(world, how, b"id" + bytes(63)) == b"id" + bytes(63) + b", ed"
            assert [request[":method"] for request in peer.requests] == ["POST", "GET"]

    on_loop(main())


def test_a_long_response_is_read_whole_and_one_that_is_too_long_is_not(on_loop, authority, shown):
    async def main():
        world, peer = network(), HttpsPeer(lambda query: query[:2] + bytes(65_533))
        async with listening(peer, shown):
            how = terms(world, peer, authority.pem, NAME, PATH)
            for _ in range(3):  # more than the windows of a connection that nobody widens
                assert await asked(world, how) == b"id" + bytes(65_533)
            peer.answer = lambda query: query[:2] + bytes(200_000)
            assert await asked(world, how) == f"{Trouble.HTTP}: a response of more than 65,535 octets"
            await until(lambda: peer.reset)
            peer.answer = echo
            assert await asked(world, how) == b"id ask, ed"
            assert peer.connections == 1

    on_loop(main())


@pytest.mark.rfc(8484, "4.2.1")
@pytest.mark.parametrize(
    ("status", "fields", "body", "why"),
    [
        ("404", [], b"no", "status 404 for /dns-query"),
        ("503", [("content-type", "application/dns-message")], b"id no", "status 503 for /dns-query"),
        ("302", [("location", "https://elsewhere.example/")], b"", "status 302 for /dns-query"),
        ("200", [("content-type", "text/html\x7f; charset=utf-8")], b"<p>", None),
        ("200", [], b"id", "a response without a type"),
        ("200", [("content-type", "application/dns-message"), ("x", "long" * 2000)], b"\0\0yes", b"idyes"),
        ("200", [("content-type", "application/dns-message")], b"", "a response without a message"),
        ("200", [("content-type", "Application/DNS-Message; x=1")], b"\0\0yes", b"idyes"),
    ],
)
def test_only_a_message_with_status_200_is_a_reply(on_loop, authority, shown, status, fields, body, why):
    async def main():
        world, peer = network(), HttpsPeer(lambda _: body)
        peer.status, peer.fields = status, fields
        async with listening(peer, shown):
            how = terms(world, peer, authority.pem, NAME, PATH)
            came = await asked(world, how)
            if isinstance(why, bytes):
                assert came == why
                return
            assert came.kind is Trouble.HTTP
            assert came.isprintable()
            if why is not None:
                assert came == f"{Trouble.HTTP}: {why}"
            peer.status, peer.fields, peer.answer = "200", [("content-type", "application/dns-message")], echo
            assert await asked(world, how) == b"id ask, ed"
            assert world.counts()["upstream.https_refused"] == 1
            assert peer.connections == 1, "one bad response says nothing about the others"

    on_loop(main())


@pytest.mark.rfc(8484, "5.1")
def test_the_time_in_caches_of_http_is_taken_from_the_ttls(on_loop, authority, shown):
    async def main():
        query = dns.message.make_query("www.example.", "A", id=0x6964)
        reply = dns.message.make_response(query)
        reply.answer = [dns.rrset.from_text("www.example.", 300, "IN", "A", "192.0.2.1")]
        wire = reply.to_wire()
        world, peer = network(), HttpsPeer(lambda _: b"\0\0" + wire[2:])
        async with listening(peer, shown):
            how = terms(world, peer, authority.pem, NAME, PATH)
            for age, ttl in (("250", 50), ("301", 0), ("0", 300), ("soon", 300), ("9" * 30, 300)):
                peer.fields = [("content-type", "application/dns-message"), ("age", age)]
                came = dns.message.from_wire(await asked(world, how, query.to_wire()))
                assert came.answer[0].ttl == ttl
                assert came.id == 0x6964

    on_loop(main())


def test_a_query_that_is_given_up_is_reset_and_its_connection_kept(on_loop, authority, shown):
    async def main():
        world, peer, inbox = network(), HttpsPeer(held), Inbox()
        async with listening(peer, shown):
            how = terms(world, peer, authority.pem, NAME, PATH)
            world.encrypted().send(how, b"never sent", inbox).close()
            given_up = world.encrypted().send(how, b"id slow", inbox)
            await until(lambda: peer.waiting)
            given_up.close()
            await until(lambda: peer.reset)
            peer.answer = echo
            assert await asked(world, how) == b"id ask, ed"
            assert inbox.got == []
            assert [query[2:] for query in peer.queries] == [b" slow", b" ask"]
            assert peer.connections == 1

    on_loop(main())


@pytest.mark.rfc(9113, "6.8")
def test_a_server_that_leaves_answers_what_it_has_accepted_and_the_rest_is_asked_again(on_loop, authority, shown):
    async def main():
        world, peer = network(), HttpsPeer(held)
        inboxes = [Inbox() for _ in range(4)]
        async with listening(peer, shown):
            how = terms(world, peer, authority.pem, NAME, PATH)
            for number, inbox in enumerate(inboxes):
                world.encrypted().send(how, b"%02d ask" % number, inbox)
            await until(lambda: len(peer.waiting) == 4)
            peer.answer = echo
            leaving = bytes.fromhex("000008 07 00 00000000 00000003 00000000")
            peer.writers[0].write(leaving)  # streams 1 and 3 are accepted, 5 and 7 are not
            assert await inboxes[2].wait_for(1) == [b"02 ask, ed"]
            assert await inboxes[3].wait_for(1) == [b"03 ask, ed"]
            assert peer.connections == 2
            assert inboxes[0].got == inboxes[1].got == []
            for stream, query in peer.waiting[:2]:
                peer.reply(peer.https[0], stream, query)
            peer.flush()
            assert await inboxes[0].wait_for(1) == [b"00 ask"]
            assert await inboxes[1].wait_for(1) == [b"01 ask"]
            await until(lambda: world.open == 1)
            assert world.counts()["upstream.tls_repeated"] == 2

    on_loop(main())


def test_what_a_server_refuses_unread_is_asked_once_more(on_loop, authority, shown):
    async def main():
        world, peer = network(), HttpsPeer(echo)
        async with listening(peer, shown):
            how = terms(world, peer, authority.pem, NAME, PATH)
            peer.refuses = 1
            assert await asked(world, how) == b"id ask, ed"
            peer.refuses = 2
            assert await asked(world, how) == f"{Trouble.HTTP}: it has reset the request (REFUSED_STREAM)"
            assert peer.connections == 1

    on_loop(main())


def test_what_a_server_resets_otherwise_is_trouble(on_loop, authority, shown):
    async def main():
        world, peer, inbox = network(), HttpsPeer(held), Inbox()
        async with listening(peer, shown):
            world.encrypted().send(terms(world, peer, authority.pem, NAME, PATH), b"id ask", inbox)
            await until(lambda: peer.waiting)
            peer.https[0].reset_stream(peer.waiting[0][0], 0xB)
            peer.flush()
            assert await inbox.wait_for(1) == [f"{Trouble.HTTP}: it has reset the request (ENHANCE_YOUR_CALM)"]

    on_loop(main())


def test_a_connection_that_ends_has_its_queries_asked_once_more(on_loop, authority, shown):
    async def main():
        world, peer, inbox = network(), HttpsPeer(held), Inbox()
        async with listening(peer, shown):
            world.encrypted().send(terms(world, peer, authority.pem, NAME, PATH), b"id ask", inbox)
            await until(lambda: peer.waiting)
            peer.answer = echo
            peer.cut()
            assert await inbox.wait_for(1) == [b"id ask, ed"]

    on_loop(main())


@pytest.mark.parametrize(
    "octets",
    [
        b"\xff\xff\xff\0\0\0\0\0\0",  # a frame of 16 MiB
        b"\0\0\x04\x07\0\0\0\0\0\0\0\0\0",  # a GOAWAY of 4 octets
        b"\0\0\x01\x00\0\0\0\0\x09x",  # data on a stream that nobody opened
        b"\0\0\x04\x01\x04\0\0\0\x01\xff\xff\xff\xff",  # header fields that cannot be read
    ],
)
def test_whoever_breaks_the_rules_of_http_2_is_left(on_loop, authority, shown, octets):
    async def main():
        world, peer, inbox = network(), HttpsPeer(held), Inbox()
        async with listening(peer, shown):
            world.encrypted().send(terms(world, peer, authority.pem, NAME, PATH), b"id ask", inbox)
            for connection in range(2):
                await until(lambda count=connection: len(peer.waiting) == count + 1)
                peer.writers[-1].write(octets)
            (came,) = await inbox.wait_for(1)
            assert came.kind is Trouble.HTTP
            assert "breaks the rules of HTTP/2" in came
            assert world.open == 0

    on_loop(main())


def test_header_fields_have_a_bound(on_loop, authority, shown):
    async def main():
        world, peer = network(), HttpsPeer(echo)
        peer.fields = [*peer.fields, ("x", "long" * 5000)]
        async with listening(peer, shown):
            came = await asked(world, terms(world, peer, authority.pem, NAME, PATH))
            assert came.kind is Trouble.HTTP
            assert peer.connections == 2

    on_loop(main())


def test_a_server_without_http_2_is_told_so_and_left_alone_for_a_while(on_loop, authority):
    async def main():
        world, peer, told = network(), Peer(echo), []
        world.encrypted().told = lambda _, trouble: told.append(trouble)
        async with listening(peer, authority.server(NAME, protocols=("http/1.1",))):
            how = terms(world, peer, authority.pem, NAME, PATH)
            for _ in range(3):
                assert await asked(world, how) == f"{Trouble.HTTP}: it speaks no HTTP/2"
            assert told == [f"{Trouble.HTTP}: it speaks no HTTP/2"]
            assert len(peer.names) == 1
            assert peer.queries == []
            assert world.open == 0

    on_loop(main())


def test_what_is_idle_is_closed_and_resumed(on_loop, authority, shown):
    async def main():
        clock = HandClock()
        world, peer = network(clock=clock), HttpsPeer(echo)
        async with listening(peer, shown):
            how = terms(world, peer, authority.pem, NAME, PATH)
            for _ in range(2):
                assert await asked(world, how) == b"id ask, ed"
                clock.advance(30)
                assert world.open == 0
            assert world.counts()["upstream.tls_resumed"] == 1

    on_loop(main())
