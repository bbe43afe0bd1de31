"""Upstreams that are known by their keys: which key is right, and what becomes of who has another."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from resolver.network.base import Trouble
from resolver.network.peers import HELD_OFF_S, IDLE_S
from resolver.network.pins import shown, unpinned
from tests.support.authorities import Authority, pin
from tests.support.sockets import HandClock, Inbox, network, until
from tests.support.tls_peers import HttpsPeer, Peer, asked, echo, listening, terms

NAME = "dns.example"
OTHER = bytes(32)
WRONG = f"{Trouble.UNTRUSTED}: the pin of its key is "


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority):
    return x509.load_pem_x509_certificate(authority.sign(NAME)[0].read_bytes())


def test_a_pin_is_of_the_key_with_its_algorithm_as_the_certificate_has_it(certificate):
    der = certificate.public_bytes(Encoding.DER)
    begin = der.index(bytes.fromhex("3059301306072a8648ce3d0201"))  # that of ECDSA, with a curve and a point behind it
    made = hashlib.sha256(der[begin : begin + 0x5B]).digest()
    assert unpinned(der, frozenset((OTHER, made))) is None
    assert shown(made) == base64.b64encode(made).decode()


@given(change=st.tuples(st.integers(0), st.integers(0, 255)), length=st.integers(0, 600))
def test_no_certificate_does_harm(certificate, change, length):
    octets = bytearray(certificate.public_bytes(Encoding.DER))
    octets[change[0] % len(octets)] = change[1]
    trouble = unpinned(bytes(octets[:length]), frozenset((OTHER,)))
    assert trouble is not None
    assert trouble.kind is Trouble.UNTRUSTED


@pytest.mark.rfc(7858, "4.2")
@pytest.mark.sockets
def test_who_has_one_of_the_pinned_keys_is_asked_whoever_signed_it(on_loop, authority):
    expired = authority.server("other.example", began=-9, days=3)

    async def main():
        world = network()
        async with listening(Peer(echo), expired) as peer:
            assert await asked(world, terms(world, peer, None, pins=(OTHER, pin(expired)))) == b"id ask, ed"
            came = await asked(world, terms(world, peer, authority.pem, NAME, pins=(pin(expired),)))
            assert came.kind is Trouble.UNTRUSTED, "with a name all of it must hold"

    on_loop(main())


@pytest.mark.rfc(7858, "4.2")
@pytest.mark.sockets
@pytest.mark.parametrize("name", ["", NAME])
@pytest.mark.parametrize("path", ["", "/dns-query"])
def test_who_has_another_key_is_asked_nothing_and_told_of(on_loop, authority, name, path):
    context = authority.server(NAME, protocols=("h2",) if path else ())

    async def main():
        clock, told, waiting = HandClock(), [], [Inbox() for _ in range(3)]
        world, peer = network(clock=clock), HttpsPeer(echo) if path else Peer(echo)
        world.encrypted().told = lambda upstream, trouble: told.append((str(upstream), str(trouble)))
        async with listening(peer, context):
            how = terms(world, peer, authority.pem, name, path, pins=(OTHER,))
            for inbox in waiting:
                world.encrypted().send(how, b"id ask", inbox)
            why = f"{WRONG}{shown(pin(context))}, and not one of those in `pins`"
            for inbox in waiting:
                assert await inbox.wait_for(1) == [why]
            assert await asked(world, how) == why, "and for a while it is not tried again"
            clock.advance(HELD_OFF_S)
            assert await asked(world, how) == why
            assert told == [(str(how.upstream), why)]
            assert not peer.queries
            assert world.counts()["upstream.tls_failed"] == 2
            assert world.counts()["upstream.tls_handshakes"] == 0
            assert (
                await asked(world, terms(world, peer, authority.pem, name, path, pins=(pin(context),))) == b"id ask, ed"
            )

    on_loop(main())


@pytest.mark.sockets
def test_a_session_that_is_taken_up_is_of_the_pinned_key_and_another_key_is_seen(on_loop, authority):
    first, second = authority.server(NAME), authority.server(NAME)

    async def main():
        clock = HandClock()
        world, peer = network(clock=clock), Peer(echo)
        async with listening(peer, first):
            how = terms(world, peer, None, pins=(pin(first),))
            assert await asked(world, how) == b"id ask, ed"
            clock.advance(IDLE_S)
            await until(lambda: not world.counts()["upstream.tls_connections"])
            assert await asked(world, how) == b"id ask, ed"
            assert world.counts()["upstream.tls_resumed"] == 1
        async with listening(peer, second, peer.at.port):
            came = await asked(world, how)
            assert came in (Trouble.RESET, f"{WRONG}{shown(pin(second))}, and not one of those in `pins`")
            clock.advance(HELD_OFF_S)
            assert str(await asked(world, how)).startswith(WRONG)
        assert len(peer.queries) == 2

    on_loop(main())
