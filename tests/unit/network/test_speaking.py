"""Which messages are encrypted, and to whom none leaves."""

from __future__ import annotations

import asyncio

from resolver.message import Transport
from resolver.network.base import Endpoint, Reuse, Trouble, Upstream
from resolver.network.sourced import Sourced
from resolver.network.speaking import Speaking
from resolver.testing.virtual_time import VirtualClock

AT = Endpoint("192.0.2.1", 853)
"""Where an upstream over TLS is."""


class Said:
    """A network, and what carries encrypted messages: it notes what it is given."""

    def __init__(self):
        self.sent = []

    def send(self, *what, **how):
        self.sent.append((*what[:3], how))
        return self


def test_an_upstream_is_spoken_to_on_its_terms_and_all_else_as_before(run):
    async def main():
        plain, encrypted, heard = Said(), Said(), []
        terms = object()
        network = Speaking(plain, VirtualClock(), encrypted, {(AT, Transport.TLS): terms})
        network.send(AT, b"one", Transport.TLS, heard.append)
        assert encrypted.sent == [(terms, b"one", heard.append, {})]
        for transport in (Transport.UDP, Transport.TCP):
            network.send(AT, b"two", transport, heard.append, reuse=Reuse.LASTING)
        assert plain.sent == [(AT, b"two", each, {"reuse": Reuse.LASTING}) for each in (Transport.UDP, Transport.TCP)]
        assert heard == []

    run(main())


def test_nothing_leaves_over_tls_to_whom_nobody_configured(run):
    async def main():
        plain, encrypted, heard = Said(), Said(), []
        clock = VirtualClock()
        network = Speaking(plain, clock, encrypted, {(AT, Transport.TLS): object()})
        network.send(AT, b"one", Transport.HTTPS, heard.append)
        network.send(AT._replace(port=8853), b"two", Transport.TLS, heard.append)
        network.send(AT._replace(port=8854), b"three", Transport.TLS, heard.append).close()
        assert heard == []
        await asyncio.sleep(0.1)
        assert heard == [Trouble.FORBIDDEN] * 2
        assert plain.sent == encrypted.sent == []

    run(main())


def test_an_upstream_says_itself():
    assert str(Upstream(AT, Transport.TLS, "dns.example")) == "tls://192.0.2.1:853#dns.example"


def test_a_server_is_asked_by_the_network_of_its_own_in_plain_alone():
    usual, own = Said(), Said()
    network = Sourced(usual, {AT: own})
    for transport in Transport:
        network.send(AT, b"one", transport, print, reuse=Reuse.BRIEF)
    network.send(AT._replace(port=53), b"two", Transport.UDP, print)
    assert own.sent == [(AT, b"one", each, {"reuse": Reuse.BRIEF}) for each in (Transport.UDP, Transport.TCP)]
    assert [each[2] for each in usual.sent[:-1]] == [each for each in Transport if each not in ("udp", "tcp")]
    assert usual.sent[-1] == (AT._replace(port=53), b"two", Transport.UDP, {"reuse": Reuse.NONE})
