from __future__ import annotations

import pytest

from resolver.message import Transport
from resolver.network import reach
from resolver.network.base import Endpoint, Reuse, Trouble
from resolver.network.reach import Apart, OnlyDeclared, OnlyPublic, Reach, reach_of
from resolver.testing.virtual_time import VirtualClock


class Recorder:
    """A network that only remembers what it was asked to send."""

    def __init__(self):
        self.sent = []

    def send(self, to, wire, transport, deliver, *, reuse=Reuse.NONE):
        self.sent.append((to, wire, transport))
        return self

    def close(self):
        pass


NEVER = """0.0.0.0 0.1.2.3 127.0.0.1 127.53.0.1 169.254.169.254 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::2 ::7f00:1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:10.0.0.1 fe80::1 fe80::1%eth0 febf::1 ff02::1 ff0e::1
    100::1 2002:7f00:1::1 2002:e000:1::1 64:ff9b::7f00:1 64:ff9b::169.254.169.254 2001:0:7f00:1::
    localhost ns.example 1.2.3 1.2.3.4.5"""
PRIVATE = """10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.127.255.255 192.0.0.1 192.0.2.1 198.18.0.1
    198.51.100.1 203.0.113.1 fc00::1 fd12:3456::1 fec0::1 2001:db8::1 3fff::1 64:ff9b:1::1 2002:a00:1::1
    64:ff9b::10.0.0.1 64:ff9b::c0a8:1"""
PUBLIC = """1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 169.253.0.1
    172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.41.0.4 223.255.255.255 2001:503:ba3e::2:30
    2606:4700::1111 2002:808:808::1 64:ff9b::8.8.8.8 2a00::1"""


@pytest.mark.rfc(6890, "2.2")
@pytest.mark.parametrize(
    ("host", "expected"),
    [(host, Reach.NEVER) for host in (*NEVER.split(), "")]
    + [(host, Reach.PRIVATE) for host in PRIVATE.split()]
    + [(host, Reach.PUBLIC) for host in PUBLIC.split()],
)
def test_where_an_address_lies(host, expected):
    assert reach_of(host) is expected


def sent_by(run, make, to, transport=Transport.UDP):
    """What `make(inner, clock)` handed on, and what it delivered."""

    async def main():
        clock, inner, got = VirtualClock(), Recorder(), []
        network = make(inner, clock)
        network.send(to, b"ask", transport, got.append)
        assert got == [], "trouble is delivered from the loop"
        await clock.advance(0.001)
        return inner.sent, got

    return run(main())


def public(**options):
    options.setdefault("own", [Endpoint("127.0.0.1", 5300)])
    return lambda inner, clock: OnlyPublic(inner, clock, **options)


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
def test_a_public_address_is_asked(run, transport):
    to = Endpoint("198.41.0.4", 53)
    assert sent_by(run, public(), to, transport) == ([(to, b"ask", transport)], [])


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:192.168.1.1", "10.0.0.1", "fd00::1"])
def test_what_leads_into_our_own_network_is_forbidden_and_nothing_leaves(run, host):
    assert sent_by(run, public(), Endpoint(host, 53)) == ([], [Trouble.FORBIDDEN])


def test_private_addresses_are_asked_when_a_person_allowed_them_and_loopback_still_is_not(run):
    private = Endpoint("192.168.1.1", 53)
    assert sent_by(run, public(allow_private=True), private)[0]
    for host in ("127.0.0.1", "169.254.169.254", "fe80::1", "2002:7f00:1::"):
        assert sent_by(run, public(allow_private=True), Endpoint(host, 53)) == ([], [Trouble.FORBIDDEN])


def test_a_configured_endpoint_is_asked_on_its_port_and_no_other(run):
    forwarder = Endpoint("127.0.0.1", 5335)
    assert sent_by(run, public(allowed=[forwarder]), forwarder)[0]
    assert sent_by(run, public(allowed=[forwarder]), Endpoint("127.0.0.1", 53))[1] == [Trouble.FORBIDDEN]


def test_our_own_listener_is_never_asked_even_when_it_is_configured(run):
    own = Endpoint("192.168.1.1", 53)
    make = public(own=[own], allowed=[own], allow_private=True)
    assert sent_by(run, make, own) == ([], [Trouble.FORBIDDEN])
    public_own = Endpoint("198.51.100.1", 53)
    assert sent_by(run, public(own=[public_own], allow_private=True), public_own)[1] == [Trouble.FORBIDDEN]


@pytest.mark.sockets
@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::"])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "0.0.0.0", "::ffff:127.0.0.1"])
def test_a_wildcard_listener_is_recognised_on_every_address_of_this_machine(run, wildcard, host):
    make = public(own=[Endpoint(wildcard, 5300)], allowed=[Endpoint(host, 5300), Endpoint(host, 5335)])
    assert sent_by(run, make, Endpoint(host, 5300))[1] == [Trouble.FORBIDDEN]
    assert sent_by(run, make, Endpoint(host, 5335))[0]


@pytest.mark.sockets
def test_a_wildcard_listener_does_not_hide_the_rest_of_the_world(run):
    to = Endpoint("198.41.0.4", 53)
    assert sent_by(run, public(own=[Endpoint("0.0.0.0", 53)]), to)[0] == [(to, b"ask", Transport.UDP)]


def test_verdicts_are_remembered_and_bounded(monkeypatch):
    judged = []
    monkeypatch.setattr(reach, "MAX_JUDGED", 3)
    monkeypatch.setattr(reach, "reach_of", lambda host: judged.append(host) or Reach.PUBLIC)
    network = OnlyPublic(Recorder(), None, own=[])
    for host in ("1.1.1.1", "1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.4", "1.1.1.1"):
        network.send(Endpoint(host, 53), b"", Transport.UDP, print)
    assert judged == ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.1"]
    assert len(network._verdicts) == 3


SERVED = {"127.53.0.1": Endpoint("127.53.0.1", 5300), "fd53::1": Endpoint("127.53.0.1", 5300)}


@pytest.mark.parametrize("host", SERVED)
def test_a_declared_address_is_asked_where_it_is_really_served(run, host):
    sent, got = sent_by(run, lambda inner, clock: OnlyDeclared(inner, clock, SERVED), Endpoint(host, 53))
    assert sent == [(Endpoint("127.53.0.1", 5300), b"ask", Transport.UDP)]
    assert got == []


@pytest.mark.parametrize("host", ["198.41.0.4", "127.0.0.1", "127.53.0.2", "::1"])
def test_an_undeclared_address_is_unreachable_and_nothing_leaves(run, host):
    make = lambda inner, clock: OnlyDeclared(inner, clock, SERVED)  # noqa: E731
    assert sent_by(run, make, Endpoint(host, 53)) == ([], [Trouble.UNDECLARED])


def test_trouble_is_not_delivered_to_who_has_closed(run):
    async def main():
        clock, got = VirtualClock(), []
        sending = OnlyDeclared(Recorder(), clock, {}).send(Endpoint("1.1.1.1", 53), b"", Transport.UDP, got.append)
        sending.close()
        sending.close()
        await clock.advance(1)
        return got

    assert run(main()) == []


def test_what_a_person_configured_goes_by_its_own_network():
    configured, other = Endpoint("192.0.2.1", 53), Endpoint("192.0.2.2", 53)
    through, others = Recorder(), Recorder()
    network = Apart([configured], through, others)
    for to in (configured, other, Endpoint(configured.host, 54)):
        network.send(to, b"", Transport.UDP, print)
    assert [to for to, _, _ in through.sent] == [configured]
    assert [to for to, _, _ in others.sent] == [other, Endpoint(configured.host, 54)]
