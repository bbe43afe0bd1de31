"""What a server does to queries by each word, seen by who asks it, in virtual time."""

from __future__ import annotations

import statistics

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from resolver.errors import WireError
from resolver.message import Client, Transport
from resolver.network import faulty, forging
from resolver.network.faults import FaultTable, Place, rule
from resolver.network.faults.words import DNSSEC, WORDS
from resolver.network.faulty import Faulty
from resolver.network.oddly import Oddly, Stream
from resolver.testing.virtual_time import VirtualClock
from resolver.wire.names import from_text
from resolver.wire.parse import parse

UDP = Client("127.0.0.1", 4000, Transport.UDP)
TCP = Client("127.0.0.1", 4000, Transport.TCP)
PLACE = Place("ns1.example.com.", ("127.53.2.1", "fd53::2:1"))


def query(name="www.example.com", rtype="A", **options):
    return dns.message.make_query(name, rtype, id=0x1234, **options).to_wire()


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


class Asked:
    """A server with faults, and what it has said to whoever asks it, and when."""

    def __init__(self, *rules, seed=1, place=PLACE, server=None, **options):
        self.clock, self.table, self.server = VirtualClock(), FaultTable(seed), server or Server()
        self.table.begin(self.clock)
        for each in rules:
            self.table.add(rule({"kind": each} if isinstance(each, str) else each))
        self.faulty = Faulty(self.server, self.table, place, self.clock, **options)
        self.began = self.clock.monotonic()
        self.said = []
        self.times = []

    def ask(self, wire=None, client=UDP):
        at = len(self.said)
        self.said.append("nothing yet")
        self.times.append(None)

        def send(response):
            assert self.said[at] == "nothing yet", "send is called exactly once"
            self.said[at] = response
            self.times[at] = round(self.clock.monotonic() - self.began, 6)

        self.faulty(query() if wire is None else wire, client, send)


def ask(run, *rules, wire=None, client=UDP, seed=1, **options):
    """What a server with the faults `rules` replies, in which second, and whether the server itself was asked."""

    async def main():
        asked = Asked(*rules, seed=seed, **options)
        asked.ask(wire, client)
        await asked.clock.advance(120)
        return asked.said[0], pytest.approx(asked.times[0]), asked.server.asked

    return run(main())


def several(run, count, *rules, client=UDP, seed=1):
    """What such a server replies to so many queries at once, and when."""

    async def main():
        asked = Asked(*rules, seed=seed)
        for number in range(count):
            asked.ask(query(f"www{number}.example.com"), client)
        await asked.clock.advance(120)
        return asked.said, asked.times

    return run(main())


def test_a_server_without_faults_answers_at_once_and_is_sound(run):
    said, seconds, asked = ask(run)
    assert dns.message.from_wire(said).answer
    assert (seconds, asked) == (0, 1)

    async def main():
        asked = Asked()
        assert asked.faulty.sound is asked.server
        number = asked.table.add(rule({"kind": "silent", "at": 5, "server": "ns1.example.com"}))
        assert asked.faulty.sound is None, "also while the rule waits"
        asked.table.clear(number)
        asked.table.add(rule({"kind": "silent", "server": "ns2.example.com"}))
        assert asked.faulty.sound is asked.server

    run(main())


def test_latency_makes_the_reply_late(run):
    said, seconds, _ = ask(run, {"kind": "latency", "ms": 250})
    assert dns.message.from_wire(said).answer
    assert seconds == 0.25


def test_latency_can_be_drawn_from_a_normal_distribution_and_is_never_less_than_none(run):
    _, times = several(run, 2000, {"kind": "latency", "ms": 100, "deviation_ms": 20})
    assert statistics.mean(times) == pytest.approx(0.1, abs=0.002)
    assert statistics.stdev(times) == pytest.approx(0.02, abs=0.002)
    _, times = several(run, 200, {"kind": "latency", "ms": 1, "deviation_ms": 50})
    assert min(times) == 0
    assert 70 < times.count(0) < 130


def test_jitter_is_spread_over_its_range_and_adds_to_latency(run):
    _, late = several(run, 300, {"kind": "latency", "ms": 100}, {"kind": "jitter", "ms": 50})
    assert all(0.1 <= seconds < 0.15 for seconds in late)
    assert max(late) - min(late) > 0.045
    assert statistics.mean(late) == pytest.approx(0.125, abs=0.003)


def test_a_late_reply_comes_when_nobody_waits_any_more(run):
    said, seconds, _ = ask(run, "late")
    assert dns.message.from_wire(said).answer
    assert seconds == 6.0


@pytest.mark.parametrize("client", [UDP, TCP])
def test_a_silent_server_says_nothing_on_any_transport(run, client):
    assert ask(run, "silent", client=client)[::2] == (None, 0)


@pytest.mark.parametrize(
    ("what", "rcode"),
    [
        ("servfail", dns.rcode.SERVFAIL),
        ("refused", dns.rcode.REFUSED),
        ({"kind": "rcode", "rcode": "NOTIMP"}, dns.rcode.NOTIMP),
        ({"kind": "rcode", "rcode": 3}, dns.rcode.NXDOMAIN),
    ],
)
@pytest.mark.parametrize("client", [UDP, TCP])
@pytest.mark.parametrize("edns", [-1, 0])
def test_an_error_echoes_id_and_question_and_has_nothing_else(run, what, rcode, client, edns):
    wire = query("wWw.Example.com", use_edns=edns)
    said, _, asked = ask(run, what, wire=wire, client=client)
    response = dns.message.from_wire(said)
    assert response.rcode() == rcode
    assert response.id == dns.message.from_wire(wire).id
    assert str(response.question[0].name) == "wWw.Example.com."
    assert (response.answer, response.authority, response.additional) == ([], [], [])
    assert response.edns == edns
    assert response.flags & dns.flags.RD
    assert not response.flags & (dns.flags.AA | dns.flags.RA)
    assert asked == 0


def test_an_error_can_say_why_to_those_who_understand_it(run):
    what = {"kind": "rcode", "rcode": "BADVERS", "ede": 14, "text": "not ready [TEST]"}
    response = dns.message.from_wire(ask(run, what, wire=query(use_edns=0))[0])
    assert response.rcode() == dns.rcode.BADVERS
    assert response.options == (dns.edns.EDEOption(14, "not ready [TEST]"),)
    response = dns.message.from_wire(ask(run, {"kind": "refused", "ede": 18})[0])
    assert (response.rcode(), response.edns) == (dns.rcode.REFUSED, -1)


def test_a_truncated_server_sends_nothing_but_tc_over_udp_and_the_answer_over_tcp(run):
    response = dns.message.from_wire(ask(run, "truncated")[0], ignore_trailing=False)
    assert response.flags & dns.flags.TC
    assert not response.answer
    response = dns.message.from_wire(ask(run, "truncated", client=TCP)[0])
    assert not response.flags & dns.flags.TC
    assert response.answer


def test_a_lame_server_knows_nothing_and_does_not_say_aa(run):
    response = dns.message.from_wire(ask(run, "lame")[0])
    assert response.rcode() == dns.rcode.NOERROR
    assert (response.answer, response.authority) == ([], [])
    assert not response.flags & dns.flags.AA


def test_an_upward_referral_names_the_root_servers(run):
    roots = tuple(map(from_text, ("a.root-servers.net", "b.root-servers.net")))
    response = dns.message.from_wire(ask(run, "upward", root_servers=roots)[0])
    (rrset,) = response.authority
    assert rrset.name.to_text() == "."
    assert sorted(str(record.target) for record in rrset) == ["a.root-servers.net.", "b.root-servers.net."]
    assert not response.answer
    assert not response.flags & dns.flags.AA


def test_garbage_is_no_message_and_differs_from_seed_to_seed(run):
    first, second, again = (ask(run, "garbage", seed=seed)[0] for seed in (1, 2, 1))
    assert len(first) == forging.GARBAGE
    assert first == again != second
    with pytest.raises(dns.exception.DNSException):
        dns.message.from_wire(first)


def test_an_oversize_datagram_is_as_large_as_it_was_said_and_has_the_whole_answer(run):
    def by_transport(wire, client, send):
        Server()(wire, client, (lambda said: send(said if client.transport is Transport.TCP else said[:12])))

    for octets in (513, 1300, 4096, 60_000):
        said = ask(run, {"kind": "oversize", "octets": octets}, wire=query(use_edns=0), server=_Named(by_transport))[0]
        assert len(said) == octets
        response = dns.message.from_wire(said)
        assert response.answer
        assert response.edns == 0


class _Named:
    """A server that does what a function does."""

    asked = 0

    def __init__(self, respond):
        self._respond = respond

    def __call__(self, wire, client, send):
        self._respond(wire, client, send)


def test_a_wrong_id_is_the_only_thing_wrong(run):
    wire = query()
    said, _, asked = ask(run, "wrong_id", wire=wire)
    assert said[:2] != wire[:2]
    assert dns.message.from_wire(wire[:2] + said[2:]).answer
    assert asked == 1


def test_a_wrong_question_keeps_the_id(run):
    wire = query()
    response = dns.message.from_wire(ask(run, "wrong_question", wire=wire)[0])
    assert response.id == dns.message.from_wire(wire).id
    assert response.question[0].name.to_text() == "other.invalid."
    assert response.answer


def test_the_case_of_the_question_is_the_other_one(run):
    wire = query("wWw.exAMPle.com")
    response = dns.message.from_wire(ask(run, "wrong_case", wire=wire)[0])
    assert str(response.question[0].name) == "WwW.EXampLE.COM."
    assert response.id == dns.message.from_wire(wire).id
    assert response.answer


UNREADABLE = (
    *("garbage", "no_octets", "header_only", "cut_short", "wrong_counts", "compression_loop", "forward_pointer"),
    *("bad_label", "long_name", "bad_length", "two_opts"),
)


@pytest.mark.parametrize("word", UNREADABLE)
@pytest.mark.parametrize("client", [UDP, TCP])
@pytest.mark.parametrize("edns", [-1, 0])
def test_malformed_octets_are_refused_by_our_parser_and_by_dnspython(run, word, client, edns):
    wire = query(use_edns=edns)
    said = ask(run, word, wire=wire, client=client)[0]
    with pytest.raises(WireError):
        parse(said)
    with pytest.raises(dns.exception.DNSException):
        dns.message.from_wire(said)
    if word not in ("garbage", "no_octets"):
        assert said[:2] == wire[:2], "nothing but that is wrong"


def test_the_other_malformed_words_are_what_they_say(run):
    wire = query(use_edns=0)
    assert ask(run, "echo", wire=wire)[0] == wire
    said = ask(run, "trailing_octets", wire=wire)[0]
    with pytest.raises(dns.message.TrailingJunk):
        dns.message.from_wire(said)
    assert dns.message.from_wire(said, ignore_trailing=True).answer
    said = ask(run, "two_questions", wire=wire)[0]
    assert len(dns.message.from_wire(said).question) == 2
    assert len(ask(run, "no_octets", wire=wire)[0]) == 0
    assert len(ask(run, "header_only", wire=wire)[0]) == 12


def test_every_malformed_word_is_tried_here():
    there = {word for word, each in WORDS.items() if each.group == "malformed octets"}
    assert there == {*UNREADABLE, "echo", "trailing_octets", "two_questions"}


ALL = sorted(
    word
    for word, each in WORDS.items()
    if each.group != DNSSEC and not any(one.required for one in each.parameters) and word not in ("silent", "loss")
)


@pytest.mark.parametrize("word", [None, *ALL])
@pytest.mark.parametrize("wire", [b"", b"\x12", bytes(11), b"\x12\x34" + b"\xff" * 30, query()[:-3]])
@pytest.mark.parametrize("client", [UDP, TCP])
def test_what_is_no_message_goes_on_to_the_server(run, word, wire, client):
    assert ask(run, *([word] if word else []), wire=wire, client=client)[2] == 1


def test_a_response_is_never_answered_with_a_forgery(run):
    response = bytearray(query())
    response[2] |= 0x80
    assert ask(run, "servfail", wire=bytes(response))[2] == 1


def test_loss_takes_its_share_of_datagrams_and_nothing_from_streams(run):
    lossy = {"kind": "loss", "probability": 0.3}
    said, _ = several(run, 1000, lossy)
    assert 250 < said.count(None) < 350
    said, _ = several(run, 100, lossy, client=TCP)
    assert said.count(None) == 0


def test_a_duplicated_reply_comes_as_often_as_it_was_said(run):
    said, _, _ = ask(run, {"kind": "duplication", "copies": 3})
    assert isinstance(said, Oddly)
    assert said.copies == 3
    assert dns.message.from_wire(bytes(said)).answer
    assert not isinstance(ask(run, "duplication", client=TCP)[0], Oddly)


def test_a_reordered_reply_is_overtaken_by_the_next_one_or_comes_in_its_time(run):
    async def main():
        asked = Asked({"kind": "reordering", "ms": 500, "name": "first.example.com"})
        asked.ask(query("first.example.com"))
        assert asked.said == ["nothing yet"]
        await asked.clock.advance(0.1)
        asked.ask(query("second.example.com"))
        await asked.clock.advance(0)
        assert asked.times == [0.1, 0.1]
        asked.ask(query("first.example.com"))
        await asked.clock.advance(10)
        return asked.times

    assert run(main()) == [0.1, 0.1, 0.6]


def test_of_two_that_are_reordered_the_second_comes_first(run):
    order = []

    async def main():
        asked = Asked({"kind": "reordering"})
        for number in range(4):
            asked.faulty(query(), UDP, lambda _, number=number: order.append(number))
        await asked.clock.advance(10)

    run(main())
    assert order == [1, 0, 3, 2]


@pytest.mark.parametrize("part", ["address", "port"])
def test_a_reply_from_elsewhere_says_from_where(run, part):
    said, _, _ = ask(run, {"kind": "wrong_source", "part": part})
    assert (said.source, said.copies) == (part, 1)
    assert not isinstance(ask(run, "wrong_source", client=TCP)[0], Oddly)


@pytest.mark.parametrize(
    ("word", "stream"),
    [
        ("tcp_reset", Stream.RESET),
        ("tcp_stall", Stream.HANGING),
        ("tcp_cut", Stream.CUT),
        ("tcp_empty", Stream.EMPTY),
        ("tcp_slow", None),
    ],
)
def test_words_for_streams_leave_datagrams_alone(run, word, stream):
    said, _, _ = ask(run, word, client=TCP)
    assert isinstance(said, Oddly)
    assert said.stream is stream
    assert said.octet_ms == (10 if word == "tcp_slow" else 0)
    assert not isinstance(ask(run, word)[0], Oddly)


def test_all_rules_that_are_met_are_applied_and_of_those_that_make_the_reply_up_the_first(run):
    async def main():
        asked = Asked(
            {"kind": "latency", "ms": 100},
            "refused",
            "servfail",
            {"kind": "latency", "ms": 50},
            "wrong_id",
            "wrong_case",
            {"kind": "duplication", "copies": 2},
        )
        wire = query("www.example.com")
        asked.ask(wire)
        await asked.clock.advance(1)
        said = asked.said[0]
        assert (said.copies, asked.times[0]) == (2, 0.15)
        assert said[:2] != wire[:2]
        response = dns.message.from_wire(bytes(said))
        assert response.rcode() == dns.rcode.REFUSED
        assert str(response.question[0].name) == "WWW.EXAMPLE.COM."
        return [each["applied"] for each in asked.table.listed()]

    assert run(main()) == [1, 1, 0, 1, 1, 1, 1]


def test_what_loses_the_query_ends_it(run):
    async def main():
        asked = Asked("silent", "refused")
        asked.ask()
        return asked.said, [each["applied"] for each in asked.table.listed()]

    assert run(main()) == ([None], [1, 0])


def test_octets_of_replies_that_wait_are_bounded_too(run, monkeypatch):
    monkeypatch.setattr(faulty, "MAX_DELAYED_OCTETS", 9_000)

    async def main():
        asked = Asked({"kind": "latency", "ms": 100}, {"kind": "oversize", "octets": 4_000})
        for _ in range(5):
            asked.ask()
        lost = asked.said.count(None)
        await asked.clock.advance(0.2)
        asked.ask()
        await asked.clock.advance(0.2)
        return lost, asked.said.count(None), len(asked.said)

    assert run(main()) == (2, 2, 6)


def test_replies_that_wait_are_bounded_and_the_rest_is_lost_and_counted(run, monkeypatch):
    monkeypatch.setattr(faulty, "MAX_DELAYED", 10)

    async def main():
        asked = Asked({"kind": "latency", "ms": 100})
        for _ in range(15):
            asked.ask()
        assert asked.said.count(None) == 5
        await asked.clock.advance(0.2)
        asked.ask()
        await asked.clock.advance(0.2)
        return asked.said, asked.table.counts()["faults.overflowed"]

    said, overflowed = run(main())
    assert len(said) == 16
    assert said.count(None) == overflowed == 5


@pytest.mark.parametrize("word", ALL)
def test_a_server_that_answers_nothing_stays_silent_behind_any_lie(run, word):
    if word in faulty._MADE_UP:
        return
    server = _Named(lambda wire, client, send: send(None))
    assert ask(run, word, server=server)[0] is None
    assert ask(run, word, server=server, client=TCP)[0] is None


def test_rules_are_for_the_servers_the_transports_and_the_askers_that_they_name(run):
    def refused(what, client=UDP, wire=None):
        said = ask(run, {"kind": "refused", **what}, client=client, wire=wire)[0]
        return dns.message.from_wire(said).rcode() == dns.rcode.REFUSED

    assert refused({"server": "NS1.example.com"})
    assert refused({"server": ["fd53:0::2:1", "ns9.example.com"]})
    assert not refused({"server": "ns2.example.com"})
    assert refused({"transport": "tcp"}, TCP)
    assert not refused({"transport": "tcp"})
    assert refused({"source": "clients"})
    assert refused({"source": "127.0.0.0/8"})
    assert not refused({"source": "resolver"})
    assert not refused({"source": "127.0.0.2, 10.0.0.0/8, ::/0"})
    assert refused({"source": "resolver"}, UDP._replace(host="127.54.0.1"))
    assert refused({"source": "fe80::/10"}, UDP._replace(host="fe80::1%eth0"))
    assert refused({"zone": "example.COM"})
    assert not refused({"zone": "ample.com"})
    assert refused({"name": "www.example.com"})
    assert not refused({"name": "example.com"})
    assert refused({"name": "*.com"})
    assert not refused({"name": "*.www.example.com"})
    assert refused({"type": "A,AAAA"})
    assert not refused({"type": "AAAA"})
    assert refused({"type": "AAAA"}, wire=query(rtype="AAAA"))


def test_nothing_passes_between_the_groups_of_a_partition_in_either_direction(run):
    for groups in ("ns1.example.com | resolver", "127.54.0.0/16 | 127.53.2.1, ns7.example.com"):
        what = {"kind": "partition", "between": groups}
        assert ask(run, what, client=UDP._replace(host="127.54.0.1"))[0] is None
        assert ask(run, what, client=TCP._replace(host="127.54.0.1"))[0] is None
        assert ask(run, what)[0] is not None
    elsewhere = {"kind": "partition", "between": "ns2.example.com | resolver"}
    assert ask(run, elsewhere, client=UDP._replace(host="127.54.0.1"))[0] is not None
    within = {"kind": "partition", "between": "ns1.example.com, resolver | ns2.example.com"}
    assert ask(run, within, client=UDP._replace(host="127.54.0.1"))[0] is not None


def test_whoever_watches_is_told_while_the_query_is_handled(run):
    async def main():
        asked, hits = Asked({"kind": "refused", "count": 1}), []
        asked.table.watch(hits.append)
        wire = query()
        asked.ask(wire)
        (hit,) = hits
        assert (hit.number, hit.rule.text) == (1, "refused count=1")
        assert (hit.server, hit.addresses, hit.client, hit.query, hit.question) == (
            *PLACE,
            UDP,
            wire,
            parse(wire).question,
        )
        asked.ask(wire)
        return len(hits)

    assert run(main()) == 1


def test_the_same_seed_gives_the_same_run_and_another_one_another(run):
    rules = (
        {"kind": "loss", "probability": 0.3},
        {"kind": "jitter", "ms": 100},
        {"kind": "garbage", "probability": 0.1},
        {"kind": "trailing_octets", "probability": 0.2},
    )

    def told(seed):
        said, times = several(run, 200, *rules, seed=seed)
        return [None if each is None else len(each) for each in said], times

    assert told(1) == told(1)
    assert told(1) != told(2)
