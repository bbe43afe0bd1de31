"""What holds of every socket that several messages share, however long it lasts."""

from __future__ import annotations

import socket

import pytest

from resolver.message import Transport
from resolver.network.base import Endpoint, Reuse, Trouble
from tests.support.shared_sockets import front
from tests.support.sockets import Inbox, network, silent, udp_server, unused_port

pytestmark = [pytest.mark.sockets, pytest.mark.parametrize("reuse", [Reuse.BRIEF, Reuse.LASTING])]


@pytest.mark.parametrize("to", [Endpoint("localhost", 53), Endpoint("127.0.0.1", 70_000)])
def test_what_cannot_be_sent_is_trouble_from_the_loop(on_loop, reuse, to):
    async def main():
        world, inbox = network(), Inbox()
        world.send(to, b"ask", Transport.UDP, inbox, reuse=reuse)
        assert inbox.got == []
        assert await inbox.wait_for(1) == [Trouble.LOCAL]
        assert world.open == 0

    on_loop(main())


def test_a_closed_port_is_refused(on_loop, reuse):
    async def main():
        world, inbox = network(), Inbox()
        world.send(Endpoint("127.0.0.1", unused_port()), b"ask", Transport.UDP, inbox, reuse=reuse)
        assert await inbox.wait_for(1) == [Trouble.REFUSED]
        assert world.open == 0

    on_loop(main())


@pytest.mark.rfc(5452, "4.4")
def test_a_datagram_from_another_address_or_port_is_never_seen(on_loop, reuse):
    async def main():
        with front(reuse=reuse) as world:
            sending, inbox = world.send(b"1.")
            await world.until_heard(1)
            for host in ("127.0.0.1", "127.0.0.9"):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
                    forger.bind((host, 0))
                    forger.sendto(b"1.forged", world.heard[0][1])
            world.say(b"1.true")
            assert await inbox.wait_for(1) == [b"1.true"]
            sending.close()
            assert world.network.counts()["upstream.strays"] == 0

    on_loop(main())


def test_all_that_are_shared_are_a_quarter_of_all_sockets_however_long_they_last(on_loop, reuse):
    async def main():
        with front(max_open=8) as world, udp_server(silent) as second, udp_server(silent) as third:
            ways = (reuse, Reuse.BRIEF, Reuse.LASTING)
            for at, way in zip((world.at, second, third), ways, strict=True):
                for n in range(2):
                    world.network.send(at, b"%d." % n, Transport.UDP, print, reuse=way)
            assert world.network.open == 4, "two shared ones, and two fresh ones to the third server"
            assert world.network.counts()["upstream.pooled"] == 4

    on_loop(main())
