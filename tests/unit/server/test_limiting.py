from __future__ import annotations

import io
import ipaddress
import json

import pytest

from resolver.cache.answers import AnswerStore
from resolver.cache.buckets import Buckets, Prefixes, RateClass
from resolver.message import TC, UNTOLD, Client, Edns, Message, Question, Rcode, Reply, Transport, Type
from resolver.observe.counters import Counters
from resolver.observe.log import Log
from resolver.server import limiting as module
from resolver.server.conduct import Conduct
from resolver.server.cookies import OPTION, Cookies
from resolver.server.limiting import Classes, Limiting, Limits
from resolver.server.respond import Responder
from resolver.testing.virtual_time import VirtualClock
from resolver.wire import responses
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.support.messages import name, sets, soa

HOSTILE, NEIGHBOUR, OTHER = "192.0.2.9", "192.0.2.10", "198.51.100.1"
NO_SLIP = {"slip": 0}


def alike(rate: int) -> dict[bytes, int]:
    return dict.fromkeys((responses.ANSWER, responses.NODATA, responses.NXDOMAIN, responses.ERROR), rate)


class Answers:
    """An answerer that has at hand what `say` makes of a question."""

    def __init__(self) -> None:
        self.asked = 0

    def peek(self, query):
        self.asked += 1
        text = query.question.name
        if text.startswith(b"\x02nx"):
            return Reply(Rcode.NXDOMAIN, authority=sets([soa("example.com.")]), ra=True)
        if text.startswith(b"\x04fail"):
            return Reply(Rcode.SERVFAIL, ra=True)
        return Reply(0, sets([f"{'www.example.com.'} 300 IN A 192.0.2.80"]), ra=True, storable=True)

    def answer(self, query, done):
        done(self.peek(query))


class Moved:
    """`Datagrams` whose addresses are a host and a port."""

    host = staticmethod(lambda address: address[0].encode())
    peer = staticmethod(lambda address: address)


class Front:
    """A responder with limits, in virtual time."""

    def __init__(self, **limits) -> None:
        self.clock, self.counters, self.log, self.below = VirtualClock(), Counters(), io.StringIO(), Answers()
        log = Log(self.log, self.clock.wall, "info", "json")
        self.limiting = Limiting(Limits(**limits), self.clock, self.counters, log)
        self.cookies = Cookies(bytes(16), self.clock)
        self.store = AnswerStore(1 << 20, self.clock)
        self.responder = Responder(
            self.below,
            clock=self.clock,
            counters=self.counters,
            log=log,
            conduct=Conduct(),
            answers=self.store,
            cookies=self.cookies,
            limiting=self.limiting,
        )

    def ask(self, host=HOSTILE, asked="www.example.com.", transport=Transport.UDP, edns=None, rtype=Type.A):
        """Whether it was answered, cut or dropped, as "answered", "cut", "dropped"; or another rcode's name."""
        said = []
        wire = render(Message(7, 0x100, 0, Question(name(asked), rtype), edns=edns))
        self.responder(wire, Client(host, 4242, transport), said.append)
        (response,) = said
        return what(response)

    def good_cookie(self, host=HOSTILE):
        _, option = self.cookies.answer(b"12345678", host)
        return Edns(options=((OPTION, option),))

    def stored(self, host=HOSTILE, count=1):
        """The same of a batch of so many stored answers."""
        wire = render(Message(7, 0x100, 0, Question(name("www.example.com."), Type.A)))
        serve = self.responder.datagrams.begin()
        response = serve(wire)
        assert response is not None
        sent = self.responder.datagrams.fitting([(response, (host, 99))] * count, Moved)
        return [what(each) for each, _ in sent] + ["dropped"] * (count - len(sent))

    @property
    def events(self):
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


def what(response):
    if response is None:
        return "dropped"
    message = parse(response)
    if message.flags & TC:
        assert not message.answer
        return "cut"
    return "answered" if not message.rcode else Rcode(message.rcode).name


def front(run, main, **limits):
    async def go():
        return await main(Front(**limits))

    return run(go())


def test_a_client_gets_its_rate_and_its_burst_and_another_what_it_asks(run):
    async def main(f):
        first = [f.ask() for _ in range(30)]
        others = [f.ask(OTHER) for _ in range(10)]
        await f.clock.advance(1)
        return first, others, [f.ask() for _ in range(30)]

    first, others, later = front(run, main, queries_per_s=10, **NO_SLIP)
    assert first == later == ["answered"] * 10 + ["dropped"] * 20
    assert set(others) == {"answered"}


def test_what_is_beyond_is_dropped_and_each_nth_is_told_to_come_by_tcp(run):
    async def main(f):
        return [f.ask() for _ in range(7)], f.counters.limits_queries_dropped, f.counters.limits_queries_truncated

    said, dropped, cut = front(run, main, queries_per_s=1, slip=3)
    assert said == ["answered", "dropped", "dropped", "cut", "dropped", "dropped", "cut"]
    assert (dropped, cut) == (4, 2)


def test_forgers_take_nothing_from_a_client_that_comes_by_tcp_or_has_a_cookie(run):
    async def main(f):
        flood = [f.ask() for _ in range(50)]
        tcp = [f.ask(transport=Transport.TCP) for _ in range(3)]
        await f.clock.advance(10)
        for _ in range(50):
            f.ask()
        return flood, tcp, [f.ask(edns=f.good_cookie()) for _ in range(6)]

    flood, tcp, cookie = front(run, main, queries_per_s=5, **NO_SLIP)
    assert flood.count("answered") == 5
    assert tcp == ["answered"] * 3
    assert cookie == ["answered"] * 5 + ["dropped"]


def test_a_cookie_that_is_not_ours_shows_nothing(run):
    async def main(f):
        stolen = f.good_cookie(OTHER)
        return [f.ask(edns=each) for each in (stolen, Edns(), None, stolen)]

    assert front(run, main, queries_per_s=2, **NO_SLIP) == ["answered", "answered", "dropped", "dropped"]


def test_a_datagram_without_a_cookie_is_not_even_read_beyond_the_limit(run, monkeypatch):
    async def main(f):
        f.ask()
        monkeypatch.setattr(type(f.responder._reading), "read", lambda *_: 1 / 0)
        return f.ask()

    assert front(run, main, queries_per_s=1, **NO_SLIP) == "dropped"


def test_a_stream_is_told_why_it_gets_no_more(run):
    async def main(f):
        said = [f.ask(transport=Transport.TCP, edns=Edns()) for _ in range(3)]
        return said, f.counters.limits_queries_refused

    assert front(run, main, queries_per_s=2) == (["answered", "answered", "REFUSED"], 1)


def test_stored_answers_count_like_all_others(run):
    async def main(f):
        assert f.ask(OTHER) == f.ask(OTHER) == "answered"
        batch = f.stored(count=8)
        return batch, f.ask(), f.counters.limits_queries_dropped

    batch, fresh, dropped = front(run, main, queries_per_s=5, **NO_SLIP)
    assert batch == ["answered"] * 5 + ["dropped"] * 3
    assert (fresh, dropped) == ("dropped", 4)


def test_a_stream_gets_stored_answers_within_its_rate_and_then_is_refused(run):
    async def main(f):
        assert f.ask(OTHER, transport=Transport.TCP) == f.ask(OTHER, transport=Transport.TCP) == "answered"
        wire = render(Message(7, 0x100, 0, Question(name("www.example.com."), Type.A)))
        serve = f.responder.streams.begin_for(HOSTILE)
        return [serve(wire) is not None for _ in range(4)], f.ask(transport=Transport.TCP), f.below.asked

    given, fresh, asked = front(run, main, queries_per_s=3)
    assert given == [True, True, True, False]
    assert (fresh, asked) == ("REFUSED", 2)


def test_clients_of_one_network_share_and_who_is_exempt_is_not_counted(run):
    async def main(f):
        shared = [f.ask(host) for host in (HOSTILE, NEIGHBOUR, NEIGHBOUR)]
        f.ask("127.0.0.1")
        return shared, [f.ask("127.0.0.1") for _ in range(5)], f.stored("127.0.0.1", 5), f.limiting.counts()

    exempt = (ipaddress.ip_network("127.0.0.0/8"),)
    shared, here, stored, counts = front(run, main, queries_per_s=2, prefixes=(24, 56), exempt=exempt, **NO_SLIP)
    assert shared == ["answered", "answered", "dropped"]
    assert set(here) == set(stored) == {"answered"}
    assert counts == {"limits.networks": 1, "limits.responses": 0}


# -- responses


def test_the_same_answer_leaves_so_often_for_a_network_and_another_answer_as_well(run):
    async def main(f):
        same = [f.ask(host) for host in (HOSTILE, NEIGHBOUR) * 4]
        other = [f.ask(asked="other.example.com.", rtype=each) for each in (Type.A, Type.AAAA)]
        return same, other, f.counters.limits_responses_dropped, f.counters.limits_responses_truncated

    same, other, dropped, cut = front(run, main, responses_per_s=alike(3), slip=2)
    assert same == ["answered"] * 3 + ["dropped", "cut", "dropped", "cut", "dropped"]
    assert other == ["answered", "answered"]
    assert (dropped, cut) == (3, 2)


def test_a_flood_that_goes_on_gets_nothing_more_until_it_has_ceased_for_the_window(run):
    async def main(f):
        said = []
        for _ in range(100):
            said.append(f.ask())
            await f.clock.advance(0.01)
        await f.clock.advance(3)
        during = f.ask()
        await f.clock.advance(10)
        return said, during, f.ask()

    said, during, after = front(run, main, responses_per_s=alike(5), window_s=5, **NO_SLIP)
    assert said.count("answered") <= 6
    assert (during, after) == ("dropped", "answered")


def test_name_errors_of_a_zone_are_alike_whatever_the_names_and_so_are_all_errors(run):
    async def main(f):
        denied = [f.ask(asked=f"nx.r{number}.example.com.") for number in range(5)]
        failed = [f.ask(asked=f"fail.r{number}.example.com.") for number in range(5)]
        return denied, failed

    denied, failed = front(run, main, responses_per_s=alike(2), **NO_SLIP)
    assert denied == ["NXDOMAIN"] * 2 + ["dropped"] * 3
    assert failed == ["SERVFAIL"] * 2 + ["dropped"] * 3


def test_whoever_makes_up_names_below_a_wildcard_is_told_twice_as_often_as_of_one_name_and_no_more(run):
    async def main(f):
        made_up = [f.ask(asked=f"r{number}.{'x' * number}a.example.com.") for number in range(1, 9)]
        stored = [f.ask(asked=f"r{number}.example.com.") for number in range(1, 9)]
        elsewhere = f.ask(asked="r1.example.net.")
        return made_up, stored, elsewhere, f.limiting.counts()["limits.responses"]

    made_up, stored, elsewhere, held = front(run, main, responses_per_s=alike(3), **NO_SLIP)
    assert made_up == ["answered"] * 6 + ["dropped"] * 2
    assert stored == ["dropped"] * 8
    assert elsewhere == "answered"
    assert held == 8 + 8 + 1 + 2


def test_what_is_no_query_is_told_so_within_the_limit_of_errors(run):
    async def main(f):
        said = []
        for _ in range(4):
            f.responder(b"\0\7\x28" + bytes(9), Client(HOSTILE, 1, Transport.UDP), said.append)
        return [each is not None for each in said]

    assert front(run, main, responses_per_s=alike(2), **NO_SLIP) == [True, True, False, False]


@pytest.mark.rfc(7873, "5.2.5")
def test_a_client_with_a_cookie_or_a_stream_is_told_the_same_as_often_as_it_asks(run):
    async def main(f):
        for _ in range(10):
            f.ask()
        cookie = [f.ask(edns=f.good_cookie()) for _ in range(10)]
        return cookie, [f.ask(transport=each) for each in (Transport.TCP, Transport.TLS) for _ in range(5)]

    cookie, streams = front(run, main, responses_per_s=alike(1))
    assert set(cookie) == set(streams) == {"answered"}


def test_stored_answers_are_alike_with_those_that_are_made(run):
    async def main(f):
        f.ask(OTHER), f.ask(OTHER)
        return f.ask(), f.stored(NEIGHBOUR, 5)

    made, stored = front(run, main, responses_per_s=alike(3), slip=2)
    assert (made, stored) == ("answered", ["answered", "answered", "cut", "dropped", "dropped"])


def test_each_kind_has_a_rate_of_its_own_and_0_is_no_limit(run):
    async def main(f):
        return [f.ask() for _ in range(5)], [f.ask(asked="nx.a.") for _ in range(3)]

    rates = {responses.ANSWER: 0, responses.NXDOMAIN: 1}
    answers, denied = front(run, main, responses_per_s=rates, **NO_SLIP)
    assert (answers, denied) == (["answered"] * 5, ["NXDOMAIN", "dropped", "dropped"])


# -- what is said and kept


def test_the_log_names_one_network_at_a_time(run):
    async def main(f):
        for _ in range(20):
            f.ask(HOSTILE), f.ask(OTHER)
        await f.clock.advance(module.QUIET_S)
        for _ in range(20):
            f.ask("2001:db8:1:2::3")
        return f.events

    events = front(run, main, queries_per_s=1)
    assert [(each["event"], each["what"], each["network"]) for each in events] == [
        ("limited", "queries", "192.0.2.9/32"),
        ("limited", "queries", "2001:db8:1::/56"),
    ]


def test_the_hosts_that_listeners_know_are_bounded(run, monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED", 10)

    async def main(f):
        f.ask(OTHER), f.ask(OTHER)
        for number in range(50):
            f.stored(f"192.0.2.{number}")
            assert len(f.limiting._hosts) <= 10

    front(run, main, queries_per_s=1)


def test_a_class_of_a_rule_refuses_streams_and_drops_or_cuts_datagrams(run):
    async def main():
        clock = VirtualClock()
        rates = {"slow": RateClass(Buckets(1, 1, 100), Prefixes(32, 56), clock)}
        made = Classes(rates, 2)
        udp = [made("slow", Client(HOSTILE, 1, Transport.UDP)) for _ in range(4)]
        return udp, [made("slow", Client(HOSTILE, 1, each)) for each in (Transport.TCP, Transport.TLS)]

    udp, streams = run(main())
    assert udp[:2] == [None, UNTOLD]
    assert (udp[2].tc, udp[3]) == (True, UNTOLD)
    assert (streams[0], streams[1].rcode, streams[1].ede[0].text[-6:]) == (None, Rcode.REFUSED, "[RATC]")
