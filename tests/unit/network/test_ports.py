from __future__ import annotations

import os
import socket
from collections import Counter
from contextlib import closing

import pytest

from resolver.message import Transport
from resolver.network import ports
from resolver.network.entropy import SeededEntropy, SystemEntropy
from resolver.network.ports import family_of, stream_socket, udp_socket
from tests.support.sockets import Inbox, network, udp_server

pytestmark = pytest.mark.sockets


@pytest.mark.rfc(6056, "3.2")
def test_source_ports_are_evenly_spread_and_no_socket_is_used_twice(on_loop):
    async def main():
        entropy, ports = SeededEntropy(11), []
        for _ in range(4000):
            with closing(udp_socket(socket.AF_INET, entropy)) as sock:
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


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_no_socket_blocks_or_is_inherited(family):
    for sock in (udp_socket(family, SystemEntropy()), stream_socket(family)):
        with closing(sock):
            assert sock.gettimeout() == 0
            assert not os.get_blocking(sock.fileno())
            assert not os.get_inheritable(sock.fileno())


def test_a_family_is_that_of_a_valid_address_and_remembered_within_bounds(monkeypatch):
    monkeypatch.setattr(ports, "MAX_HOSTS", 2)
    monkeypatch.setattr(ports, "_families", {})
    assert family_of("192.0.2.1") == socket.AF_INET
    assert family_of("fe80::1%eth0") == socket.AF_INET6
    assert family_of("192.0.2.2") == socket.AF_INET
    assert list(ports._families) == ["fe80::1%eth0", "192.0.2.2"]
    for wrong in ("localhost", "", "1.2.3", "::g"):
        with pytest.raises(OSError, match="illegal"):
            family_of(wrong)
    assert len(ports._families) == 2


def test_a_stream_does_not_hold_back_what_is_small():
    with closing(stream_socket(socket.AF_INET)) as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
