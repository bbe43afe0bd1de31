from __future__ import annotations

import errno
import os
import socket
import sys

import pytest

from resolver.errors import ListenError
from resolver.message import Transport
from resolver.network import listening
from resolver.network.base import Endpoint
from resolver.network.listening import bind_tcp, bind_udp, bound_to

pytestmark = pytest.mark.sockets


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0", "::"])
@pytest.mark.parametrize("bind", [bind_udp, bind_tcp])
def test_a_socket_is_bound_where_it_was_asked_to_be(bind, host):
    with bind(Endpoint(host, 0)) as sock:
        assert bound_to(sock).host == host
        assert bound_to(sock).port > 0
        assert not sock.getblocking()


def test_the_receive_buffer_is_enlarged():
    with bind_udp(Endpoint("127.0.0.1", 0), 300_000) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= 300_000


@pytest.mark.parametrize("bind", [bind_udp, bind_tcp])
def test_both_wildcards_can_be_bound_on_one_port(bind):
    with bind(Endpoint("0.0.0.0", 0)) as four, bind(Endpoint("::", bound_to(four).port)) as six:
        assert six.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("bind", [bind_udp, bind_tcp])
def test_a_taken_port_names_the_port_its_holder_and_the_fix(bind, host):
    with bind(Endpoint(host, 0)) as held:
        at = bound_to(held)
        with pytest.raises(ListenError) as raised:
            bind(at)
    text = str(raised.value)
    assert "\n" not in text
    assert f"port {at.port} is taken by " in text
    assert f"(pid {os.getpid()})" in text
    assert f"--listen {Endpoint(host, at.port + 1)}" in text
    assert raised.value.__cause__.errno == errno.EADDRINUSE


def test_a_port_held_on_the_wildcard_is_taken_too():
    with bind_udp(Endpoint("0.0.0.0", 0)) as held, pytest.raises(ListenError, match=f"pid {os.getpid()}"):
        bind_udp(Endpoint("127.0.0.1", bound_to(held).port))


@pytest.mark.parametrize("bind", [bind_udp, bind_tcp])
@pytest.mark.parametrize("host", ["203.0.113.7", "2001:db8::7"])
def test_an_address_of_another_machine_says_so(bind, host):
    with pytest.raises(ListenError, match="no such address"):
        bind(Endpoint(host, 0))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.256", "", "::g"])
@pytest.mark.parametrize("bind", [bind_udp, bind_tcp])
def test_what_is_no_address_is_never_looked_up(bind, host):
    with pytest.raises(ListenError, match="is no IP address"):
        bind(Endpoint(host, 0))


@pytest.mark.parametrize("bind", [bind_udp, bind_tcp])
def test_a_port_out_of_range_is_one_line(bind):
    with pytest.raises(ListenError, match="from 0 to 65535"):
        bind(Endpoint("127.0.0.1", 65_536))


@pytest.mark.parametrize("bind", [bind_udp, bind_tcp])
def test_a_privileged_port_names_the_capability_and_the_sysctl(bind, monkeypatch):
    class Forbidden(socket.socket):
        def bind(self, address):
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(listening.socket, "socket", Forbidden)
    with pytest.raises(ListenError) as raised:
        bind(Endpoint("127.0.0.1", 53))
    text = str(raised.value)
    assert "CAP_NET_BIND_SERVICE" in text
    assert "net.ipv4.ip_unprivileged_port_start=53" in text
    assert "--listen 127.0.0.1:5300" in text


def test_another_error_keeps_the_words_of_the_kernel(monkeypatch):
    class Broken(socket.socket):
        def bind(self, address):
            raise OSError(errno.ENOBUFS, "No buffer space available")

    monkeypatch.setattr(listening.socket, "socket", Broken)
    with pytest.raises(ListenError, match="No buffer space available"):
        bind_udp(Endpoint("127.0.0.1", 5300))


@pytest.mark.skipif(sys.platform != "linux", reason="a rule of Linux")
def test_path_mtu_messages_are_not_believed():
    with bind_udp(Endpoint("127.0.0.1", 0)) as sock:
        assert sock.getsockopt(socket.IPPROTO_IP, 10) == 5


@pytest.mark.rfc(3542, "6.1")
def test_a_wildcard_tells_which_address_was_asked_and_another_socket_need_not():
    for host, expected in (("::", 1), ("::1", 0)):
        with bind_udp(Endpoint(host, 0)) as sock:
            assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO) == expected


def test_the_transport_is_named():
    with bind_tcp(Endpoint("127.0.0.1", 0)) as held, pytest.raises(ListenError, match="TCP"):
        bind_tcp(bound_to(held))
    assert Transport.TCP.upper() == "TCP"
