"""From which address of this machine the members of pools are asked and checked."""

from __future__ import annotations

import asyncio

import pytest

from resolver import encrypting, probing, sourcing
from resolver.app import build
from resolver.config import Config
from resolver.config.sections.pools import Pool
from resolver.config.upstreams import upstream
from resolver.errors import ConfigError
from resolver.network.base import Endpoint, Trouble
from resolver.network.clock import RealClock
from resolver.network.entropy import SystemEntropy
from tests.support.authorities import Authority
from tests.support.sockets import Inbox, network, read_message, tcp_server, udp_server, until
from tests.support.tls_peers import HttpsPeer, Peer, listening, shaking

HERE, ELSEWHERE = "127.0.0.5", "192.0.2.55"
"""An address that this machine has, and one that it has not."""
NAME = "dns.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def config(**pools):
    return Config.model_validate({"pools": pools, "resolver": {"roots": "internet"}})


def echo(query):
    return query + b", ed"


@pytest.mark.sockets
@pytest.mark.parametrize("source", ["", HERE])
def test_members_are_asked_from_the_source_of_their_pool_whatever_they_speak(on_loop, authority, source):
    async def main():
        seen, peers = [], (Peer(echo), HttpsPeer(echo))

        def answer(sock, wire, address):
            seen.append(address[0])
            sock.sendto(wire, address)

        async def answers(reader, writer):
            seen.append(writer.get_extra_info("peername")[0])
            writer.write(b"\0\3tcp")
            await read_message(reader)

        tcp, at_tcp = await tcp_server(answers)
        tls, https = (authority.server(NAME, protocols=(each,)) for each in ("dot", "h2"))
        async with listening(peers[0], tls), listening(peers[1], https), tcp:
            with udp_server(answer) as at:
                members = [
                    *(f"udp://{at}", f"tcp://{at_tcp}", f"tls://{peers[0].at}#{NAME}", f"https://{peers[1].at}#{NAME}"),
                ]
                program = build(config(one={"members": members, "tls_ca": authority.ca, "source": source or []}))
                try:
                    for each in map(upstream, members):
                        inbox = Inbox()
                        program._composed.network.send(each.endpoint, b"id ask", each.transport, inbox)
                        (came,) = await inbox.wait_for(1)
                        assert not isinstance(came, Trouble), each
                finally:
                    await program.stop()
        assert seen + peers[0].hosts + peers[1].hosts == [source or "127.0.0.1"] * 4

    on_loop(main())


@pytest.mark.sockets
def test_nothing_leaves_where_this_machine_has_no_such_address(on_loop, authority):
    async def main():
        members = ["udp://127.0.0.1:5999", "tcp://127.0.0.1:5999", "tls://127.0.0.1:5999", "https://127.0.0.1:5999"]
        program = build(config(one={"members": members, "tls_ca": authority.ca, "source": ELSEWHERE}))
        try:
            for each in map(upstream, members):
                inbox = Inbox()
                program._composed.network.send(each.endpoint, b"id ask", each.transport, inbox)
                assert await inbox.wait_for(1) == [Trouble.NO_ROUTE], each
        finally:
            await program.stop()

    on_loop(main())


@pytest.mark.sockets
def test_what_is_wrong_with_a_certificate_is_looked_at_from_there_too(on_loop, authority):
    async def main():
        seen, context = [], authority.server("other.example")

        async def shows(reader, writer):
            seen.append(writer.get_extra_info("peername")[0])
            await shaking(context, reader, writer)

        server, at = await tcp_server(shows)
        async with server:
            made = config(one={"members": [f"tls://{at}#{NAME}"], "tls_ca": authority.ca, "source": HERE})
            world = network()
            encrypted = world.encrypted()
            (terms,) = encrypting._table(encrypted.context, made, encrypting.upstreams(made)).values()
            inbox = Inbox()
            encrypted.send(terms, b"id ask", inbox)
            (came,) = await inbox.wait_for(1)
            assert came == f"{Trouble.UNTRUSTED}: it is for other.example, not for dns.example"
            assert seen == [HERE, HERE]

    on_loop(main())


@pytest.mark.sockets
@pytest.mark.parametrize("kind", ["tcp", "http", "https"])
def test_checks_over_streams_leave_from_there_too(on_loop, authority, kind):
    async def main():
        seen = []

        async def answers(reader, writer):
            seen.append(writer.get_extra_info("peername")[0])
            if kind.startswith("http"):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            writer.close()

        context = authority.server(NAME) if kind == "https" else None
        server = await asyncio.start_server(answers, "127.0.0.1", 0, ssl=context)
        async with server:
            at = Endpoint(*server.sockets[0].getsockname())
            said = {"members": [f"tls://127.0.0.1#{NAME}"], "check": kind, "check_port": at.port, "source": HERE}
            settings = Pool.model_validate({**said, "tls_ca": authority.ca})
            clock = RealClock(asyncio.get_running_loop())
            probe = probing.probing("office", settings, network(), clock, SystemEntropy())
            came = asyncio.get_running_loop().create_future()
            probe(settings.members[0].upstream).begin(came.set_result)
            assert await came == ""
            await until(lambda: seen)
            assert seen == [HERE]

    on_loop(main())


def test_one_place_is_asked_from_one_address():
    one = {"members": ["192.0.2.1", "[2001:db8::1]:53", "tls://192.0.2.1"], "source": [HERE, "::1"]}
    assert sourcing.sources(config(one=one)) == {
        Endpoint("192.0.2.1", 53): HERE,
        Endpoint("2001:db8::1", 53): "::1",
    }, "what is encrypted goes by its terms"
    assert sourcing.sources(config(one={"members": ["192.0.2.1"]})) == {}
    assert sourcing.sources(config(one=one, two={"members": ["192.0.2.2"]}))[Endpoint("192.0.2.2", 53)] == ""
    with pytest.raises(ConfigError) as caught:
        sourcing.sources(config(one=one, two={"members": ["tcp://192.0.2.1"]}))
    said = (
        "pools.two.source: 192.0.2.1:53 is asked from another address in the pool one; write the same `source` in both"
    )
    assert str(caught.value).startswith(said)


def test_one_place_is_spoken_to_over_tls_from_one_address(authority):
    one, two = ({"members": ["tls://192.0.2.1"], "tls_ca": authority.ca, "source": each} for each in (HERE, []))
    with pytest.raises(ConfigError, match=r"spoken to in another way in pools.one.members; write one name, .* source"):
        encrypting.check(config(one=one, two=two))
