from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from resolver.message import Client, Transport
from resolver.network import faulty as faults
from resolver.network.entropy import SeededEntropy
from resolver.network.faulty import Fault, Faults, Faulty, wrong_id
from resolver.testing.virtual_time import VirtualClock
from resolver.wire.names import from_text

UDP = Client("127.0.0.1", 4000, Transport.UDP)
TCP = Client("127.0.0.1", 4000, Transport.TCP)


def query(name="www.example.com", **options):
    return dns.message.make_query(name, "A", **options).to_wire()


class Server:
    """A server that answers every query with one address, and counts."""

    def __init__(self):
        self.asked = 0

    def __call__(self, wire, client, send):
        self.asked += 1
        try:
            asked = dns.message.from_wire(wire)
            response = dns.message.make_response(asked)
        except dns.exception.DNSException:
            send(wire[:2] + b"\x80\x01" + bytes(8))
            return
        response.answer.append(dns.rrset.from_text(asked.question[0].name, 300, "IN", "A", "192.0.2.1"))
        send(response.to_wire())


def ask(run, spec, wire=None, client=UDP, *, seed=1):
    """What a server with the faults `spec` replies, in which second, and whether the server itself was asked."""
    server = Server()

    async def main():
        clock, got = VirtualClock(), []
        began = clock.monotonic()
        faulty = Faulty(server, clock, SeededEntropy(seed), spec)
        faulty(query() if wire is None else wire, client, lambda said: got.append((said, clock.monotonic() - began)))
        await clock.advance(60)
        assert len(got) == 1, "send is called exactly once"
        return got[0]

    said, seconds = run(main())
    return said, pytest.approx(seconds), server.asked


def test_a_server_without_faults_answers_at_once(run):
    said, seconds, asked = ask(run, Faults())
    assert dns.message.from_wire(said).answer
    assert (seconds, asked) == (0, 1)


def test_latency_makes_the_reply_late(run):
    said, seconds, _ = ask(run, Faults(latency_ms=250))
    assert dns.message.from_wire(said).answer
    assert seconds == 0.25


def test_jitter_is_spread_over_its_range(run):
    late = [ask(run, Faults(latency_ms=100, jitter_ms=50), seed=seed)[1].expected for seed in range(30)]
    assert all(0.1 <= seconds < 0.15 for seconds in late)
    assert max(late) - min(late) > 0.03


@pytest.mark.parametrize("client", [UDP, TCP])
def test_a_silent_server_says_nothing_on_any_transport(run, client):
    assert ask(run, Faults(fault="silent"), client=client)[::2] == (None, 0)


@pytest.mark.parametrize(("word", "rcode"), [("servfail", dns.rcode.SERVFAIL), ("refused", dns.rcode.REFUSED)])
@pytest.mark.parametrize("client", [UDP, TCP])
@pytest.mark.parametrize("edns", [-1, 0])
def test_an_error_echoes_id_and_question_and_has_nothing_else(run, word, rcode, client, edns):
    wire = query("wWw.Example.com", use_edns=edns)
    said, _, asked = ask(run, Faults(fault=word), wire, client)
    response = dns.message.from_wire(said)
    assert response.rcode() == rcode
    assert response.id == dns.message.from_wire(wire).id
    assert str(response.question[0].name) == "wWw.Example.com."
    assert (response.answer, response.authority, response.additional) == ([], [], [])
    assert response.edns == edns
    assert response.flags & dns.flags.RD
    assert not response.flags & (dns.flags.AA | dns.flags.RA)
    assert asked == 0


def test_a_truncated_server_sends_nothing_but_tc_over_udp_and_the_answer_over_tcp(run):
    response = dns.message.from_wire(ask(run, Faults(fault="truncated"))[0], ignore_trailing=False)
    assert response.flags & dns.flags.TC
    assert not response.answer
    response = dns.message.from_wire(ask(run, Faults(fault="truncated"), client=TCP)[0])
    assert not response.flags & dns.flags.TC
    assert response.answer


def test_a_lame_server_knows_nothing_and_does_not_say_aa(run):
    response = dns.message.from_wire(ask(run, Faults(fault="lame"))[0])
    assert response.rcode() == dns.rcode.NOERROR
    assert (response.answer, response.authority) == ([], [])
    assert not response.flags & dns.flags.AA


def test_an_upward_referral_names_the_root_servers(run):
    roots = tuple(map(from_text, ("a.root-servers.net", "b.root-servers.net")))
    response = dns.message.from_wire(ask(run, Faults(fault="upward", root_servers=roots))[0])
    (rrset,) = response.authority
    assert rrset.name.to_text() == "."
    assert sorted(str(record.target) for record in rrset) == ["a.root-servers.net.", "b.root-servers.net."]
    assert not response.answer
    assert not response.flags & dns.flags.AA


def test_garbage_is_no_message_and_differs_from_seed_to_seed(run):
    first, second = (ask(run, Faults(fault="garbage"), seed=seed)[0] for seed in (1, 2))
    assert len(first) == faults.GARBAGE
    assert first != second
    with pytest.raises(dns.exception.DNSException):
        dns.message.from_wire(first)


def test_a_wrong_id_is_the_only_thing_wrong(run):
    wire = query()
    said, _, asked = ask(run, Faults(fault="wrong_id"), wire)
    assert said[:2] != wire[:2]
    assert dns.message.from_wire(wire[:2] + said[2:]).answer
    assert asked == 1


def test_a_wrong_question_keeps_the_id(run):
    wire = query()
    response = dns.message.from_wire(ask(run, Faults(fault="wrong_question"), wire)[0])
    assert response.id == dns.message.from_wire(wire).id
    assert response.question[0].name.to_text() == "other.invalid."
    assert response.answer


@pytest.mark.parametrize("word", [None, "servfail", "lame", "truncated", "wrong_id", "wrong_question", "upward"])
@pytest.mark.parametrize("wire", [b"", b"\x12", bytes(11), b"\x12\x34" + b"\xff" * 30, query()[:-3]])
def test_what_is_no_message_goes_on_to_the_server(run, word, wire):
    assert ask(run, Faults(fault=word), wire)[2] == 1


def test_a_response_is_never_answered_with_a_forgery(run):
    response = bytearray(query())
    response[2] |= 0x80
    assert ask(run, Faults(fault="servfail"), bytes(response))[2] == 1


def test_loss_takes_its_share_of_datagrams_and_nothing_from_streams(run):
    async def main():
        clock, server, got = VirtualClock(), Server(), []
        faulty = Faulty(server, clock, SeededEntropy(5), Faults(loss=0.3))
        wire = query()
        for _ in range(1000):
            faulty(wire, UDP, got.append)
        lost = got.count(None)
        for _ in range(100):
            faulty(wire, TCP, got.append)
        return lost, got.count(None) - lost, server.asked

    lost, lost_of_streams, asked = run(main())
    assert 250 < lost < 350
    assert lost_of_streams == 0
    assert asked == 1100 - lost


def test_replies_that_wait_are_bounded_and_the_rest_is_lost(run, monkeypatch):
    monkeypatch.setattr(faults, "MAX_DELAYED", 10)

    async def main():
        clock, got = VirtualClock(), []
        faulty = Faulty(Server(), clock, SeededEntropy(1), Faults(latency_ms=100))
        for _ in range(15):
            faulty(query(), UDP, got.append)
        assert got == [None] * 5
        await clock.advance(0.2)
        faulty(query(), UDP, got.append)
        await clock.advance(0.2)
        return got

    got = run(main())
    assert len(got) == 16
    assert got.count(None) == 5


def test_a_server_that_answers_nothing_stays_silent_behind_any_lie(run):
    async def main():
        got = []
        Faulty(lambda wire, client, send: send(None), VirtualClock(), SeededEntropy(1), Faults(fault="wrong_id"))(
            query(), UDP, got.append
        )
        return got

    assert run(main()) == [None]


@pytest.mark.parametrize(
    "bad", [{"fault": "sleepy"}, {"latency_ms": -1}, {"jitter_ms": -1}, {"loss": 1.1}, {"loss": -0.1}]
)
def test_faults_that_make_no_sense_are_refused(bad):
    with pytest.raises(ValueError):
        Faults(**bad)


def test_an_unknown_word_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match="silent, servfail, refused, truncated, lame, upward"):
        Faults(fault="sleepy")


def test_no_faults_are_false():
    assert not Faults()
    assert all(map(bool, (Faults(latency_ms=1), Faults(loss=0.1), Faults(fault=Fault.LAME), Faults(jitter_ms=1))))


def test_what_is_too_short_for_an_id_has_no_wrong_one():
    assert [wrong_id(each) for each in (b"", b"x")] == [b"", b"x"]
    assert wrong_id(b"ab")[:2] != b"ab"
