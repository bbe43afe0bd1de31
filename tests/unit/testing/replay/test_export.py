from __future__ import annotations

from pathlib import Path

import pytest

from resolver.config import Config
from resolver.errors import InputError
from resolver.message import TC, Edns, Rcode, Transport
from resolver.observe.history import Seen
from resolver.testing.replay import reading
from resolver.testing.replay.export import Setting, scenario
from resolver.testing.replay.matching import fits, reply
from resolver.testing.replay.script import Entry, Kind, Scenario
from resolver.testing.replay.settings import arrange
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.support.histories import BEGAN, Kept, response
from tests.support.messages import soa

ROOT = {"server": "a.root.", "address": "192.0.2.1"}
ONE = {"server": "ns1.example.", "address": "192.0.2.11"}
TWO = {"server": "ns2.example.", "address": "192.0.2.12"}
REFERRAL = {
    "authority": ["example. 60 IN NS ns1.example.", "example. 60 IN NS ns2.example."],
    "additional": ["ns1.example. 60 IN A 192.0.2.11", "ns2.example. 60 IN A 192.0.2.12"],
    "aa": False,
}


class Told(Kept):
    """A history in which a client has asked for www.example."""

    def __init__(self) -> None:
        super().__init__()
        self.client("www.example.", "www.example. 60 IN A 192.0.2.80")
        self.server(ROOT, "example.", **REFERRAL)

    def client(self, name: str, *lines: str, rcode: int = 0, **options) -> Seen:
        """A client is answered so, a second after what was before."""
        return self.answered(name, "A", *lines, rcode=rcode, **options)

    def server(self, where: dict[str, str], name: str, rtype: str = "A", *, transport=Transport.UDP, edns=None, **said):
        """A server says so, in the same second as what was before."""
        self.now -= 1
        asked = self.asked(name, rtype, transport=transport, edns=edns, **where)
        if said.pop("silent", False):
            self.history.replied(asked, None, 0.0)
        else:
            self.history.replied(asked, response(asked, id=7, **said), 0.0)
        return asked

    def made(self, setting: Setting | None = None, **options) -> Scenario:
        """The scenario of it."""
        setting = setting or Setting(roots=("192.0.2.1",))
        return reading.parse(scenario(self.history.select(), setting, **options), Path("some.rpl"))


def said(made: Scenario, address: str, query: bytes, moment: int, transport=Transport.UDP) -> Entry | None:
    """The entry with which the server at `address` answers `query` in a moment."""
    message = parse(query)
    for one in made.ranges:
        if one.first <= moment <= one.last and address in one.addresses:
            for entry in one.entries:
                if fits(entry, message, transport):
                    return entry
    return None


def steps(made: Scenario) -> list[tuple[Kind, float | None]]:
    return [(step.kind, step.until) for step in made.steps]


def test_each_query_and_its_answer_are_steps_and_time_passes_between():
    told = Told()
    told.now += 58.5
    told.client("gone.example.", rcode=Rcode.NXDOMAIN)
    made = told.made()
    assert steps(made) == [
        (Kind.QUERY, None),
        (Kind.CHECK_ANSWER, None),
        (Kind.TIME_PASSES, 59.5),
        (Kind.QUERY, None),
        (Kind.CHECK_ANSWER, None),
    ]
    assert arrange(made).wall == BEGAN
    wanted = made.steps[1].entry
    assert wanted is not None
    assert (wanted.match, len(wanted.answer), wanted.answer[0].ttl) == ({"all", "ttl"}, 1, 60)


def test_an_answer_that_comes_after_the_next_query_is_checked_then():
    told = Told()
    slow = told.asked("slow.example.")
    told.client("www.example.")
    told.history.replied(slow, response(slow, id=7), 1_500.0)
    order = [step.entry.question.name[:4] for step in told.made().steps if step.entry is not None]
    assert order == [b"\3www"] * 2 + [b"\4slo", b"\3www", b"\3www", b"\4slo"]


def test_queries_that_nobody_answered_are_asked_and_those_that_wait_are_not():
    told = Told()
    ignored, _ = told.asked("a.example."), told.asked("waits.example.")
    told.history.replied(ignored, None, 1.0)
    assert [kind for kind, _ in steps(told.made())][2:] == [Kind.TIME_PASSES, Kind.QUERY]


def test_a_server_says_what_it_said_from_the_phase_on_in_which_it_did():
    told = Told()
    query = told.server(ONE, "www.example.", answer="www.example. 60 IN A 192.0.2.80").query
    told.client("www.example.", "www.example. 60 IN A 192.0.2.81")
    told.server(ONE, "www.example.", answer="www.example. 60 IN A 192.0.2.81")
    made = told.made()
    second = [step.number for step in made.steps if step.kind is Kind.QUERY][1]
    answers = [said(made, "192.0.2.11", query, moment) for moment in (0, second - 1, second, second + 5)]
    assert [each and each.answer[0].rdatas[0][-1] for each in answers] == [80, 80, 81, None]


def test_a_server_that_was_not_asked_says_what_the_others_of_its_zone_did():
    told = Told()
    query = told.server(ONE, "www.example.", answer="www.example. 60 IN A 192.0.2.80").query
    told.server(TWO, "gone.example.", rcode=Rcode.NXDOMAIN, authority=soa("example."))
    made = told.made()
    assert said(made, "192.0.2.12", query, 1) == said(made, "192.0.2.11", query, 1)
    assert said(made, "192.0.2.1", query, 1) is None, "which serves another zone"


def test_what_one_server_did_wrong_is_not_said_by_another():
    told = Told()
    query = told.server(ONE, "www.example.", silent=True).query
    other = told.server(ONE, "mail.example.", rcode=Rcode.REFUSED).query
    told.server(TWO, "www.example.", answer="www.example. 60 IN A 192.0.2.80")
    made = told.made()
    silent, answers, refused = (
        said(made, "192.0.2.11", query, 1),
        said(made, "192.0.2.12", query, 1),
        said(made, "192.0.2.12", other, 1),
    )
    assert silent is not None
    assert answers is not None
    assert refused is not None
    assert "do_not_answer" in silent.adjust
    assert answers.answer
    assert refused.rcode == Rcode.REFUSED, "nobody has said anything better"


def test_a_server_that_said_nothing_in_a_phase_is_silent_in_it_whatever_it_is_asked():
    told = Told()
    query = told.server(ONE, "www.example.", answer="www.example. 60 IN A 192.0.2.80").query
    told.client("a.example.", rcode=Rcode.SERVFAIL)
    told.server(ONE, "a.example.", silent=True)
    for number in range(2):
        told.client(f"{number}.example.")
    told.server(ONE, "b.example.", answer="b.example. 60 IN A 192.0.2.80")
    numbers = [step.number for step in told.made().steps if step.kind is Kind.QUERY]

    def silent(*, lasting: bool) -> list[bool]:
        made = told.made(lasting=lasting)
        entries = [said(made, "192.0.2.11", query, moment) for moment in numbers]
        return ["do_not_answer" in each.adjust for each in entries if each is not None]

    assert silent(lasting=False) == [False, True, False, False]
    assert silent(lasting=True) == [False, True, True, False]


def test_of_two_replies_in_a_phase_the_last_counts():
    told = Told()
    query = told.server(ONE, "www.example.", silent=True).query
    told.server(ONE, "www.example.", answer="www.example. 60 IN A 192.0.2.80")
    entry = said(told.made(), "192.0.2.11", query, 1)
    assert entry is not None
    assert len(entry.answer) == 1


def test_a_server_takes_the_time_again_that_it_took():
    told = Told()
    told.now -= 1
    asked = told.asked("www.example.", **ONE)
    told.history.replied(asked, response(asked, id=7), 250.4)
    entry = said(told.made(), "192.0.2.11", asked.query, 1)
    assert entry is not None
    assert entry.delay_s == 0.25


def test_what_was_told_over_udp_alone_is_not_said_over_tcp():
    told = Told()
    query = told.server(ONE, "www.example.", tc=True).query
    entry = said(told.made(), "192.0.2.11", query, 1)
    assert entry is not None
    assert entry.flags & TC
    assert said(told.made(), "192.0.2.11", query, 1, Transport.TCP) is None
    told.server(ONE, "www.example.", transport=Transport.TCP, answer="www.example. 60 IN A 192.0.2.80")
    streamed = said(told.made(), "192.0.2.11", query, 1, Transport.TCP)
    assert streamed is not None
    assert not streamed.flags & TC


def test_what_was_told_without_an_opt_alone_is_not_said_with_one():
    told = Told()
    with_opt = told.server(ONE, "www.example.", edns=Edns(), rcode=Rcode.FORMERR).query
    without = told.server(ONE, "www.example.", answer="www.example. 60 IN A 192.0.2.80").query
    made = told.made()
    entries = [said(made, "192.0.2.11", query, 1) for query in (with_opt, without)]
    assert [each and each.rcode for each in entries] == [Rcode.FORMERR, Rcode.NOERROR]


@pytest.mark.parametrize("fault", ["tcp_reset", "wrong_source"])
def test_what_no_resolver_takes_for_a_reply_is_silence(fault):
    told = Told()
    asked = told.server(ONE, "www.example.", answer="www.example. 60 IN A 192.0.2.80")
    asked.faults = (fault,)
    entry = said(told.made(), "192.0.2.11", asked.query, 1)
    assert entry is not None
    assert "do_not_answer" in entry.adjust


def test_a_reply_with_another_id_has_another_one_again():
    told = Told()
    asked = told.server(ONE, "www.example.", answer="www.example. 60 IN A 192.0.2.80")
    asked.response = b"\xff\xff" + (asked.response or b"")[2:]
    entry = said(told.made(), "192.0.2.11", asked.query, 1)
    assert entry is not None
    forged = parse(reply(entry, parse(asked.query)))
    assert forged.id != parse(asked.query).id
    assert len(forged.answer) == 1


def test_a_reply_in_other_letter_case_leads_to_a_stream():
    told = Told()
    asked = told.server(ONE, "www.example.", answer="www.example. 60 IN A 192.0.2.80")
    asked.faults = ("wrong_case",)
    entry = said(told.made(), "192.0.2.11", asked.query, 1)
    assert entry is not None
    assert (entry.flags & TC, entry.answer) == (TC, ())


def test_a_reply_that_is_malformed_or_to_another_question_is_written_as_octets():
    told = Told()
    malformed = told.server(ONE, "www.example.")
    malformed.response = (malformed.response or b"") + b"rubbish"
    other = told.server(ONE, "mail.example.")
    assert other.response is not None
    other.response = render(parse(other.response)._replace(question=parse(malformed.query).question))
    made = told.made()
    for asked in (malformed, other):
        entry = said(made, "192.0.2.11", asked.query, 1)
        assert entry is not None
        assert entry.raw is not None
        assert entry.raw[2:] == (asked.response or b"")[2:]


def test_what_is_asked_oddly_is_written_as_octets():
    told = Told()
    told.client("www.example.", edns=Edns(512)).response = None
    odd = told.history.asked(told.now, "client", "", "", "192.0.2.9", Transport.UDP, b"\0\7\1\0\0\0\0\0\0\0\0\0rubbish")
    told.history.replied(odd, odd.query[:2] + b"\x81\x01" + bytes(8), 1.0)
    short = told.client("cut.example.", edns=Edns(512))
    short.response = render(parse(short.response or b"")._replace(flags=0x8300))
    made = told.made()
    queries = [step.entry for step in made.steps if step.kind is Kind.QUERY]
    assert [each is not None and each.raw is not None for each in queries] == [False, False, True, True]
    assert queries[2].raw == odd.query
    assert queries[3].raw == short.query


def test_the_resolver_of_the_scenario_is_that_of_the_settings():
    config = Config.model_validate(
        {
            "resolver": {"qname_minimisation": False, "unreserved": ["internal"]},
            "cache": {"serve_stale": True, "stale_ttl_s": 7, "prefetch": False},
            "dnssec": {"negative_trust_anchors": ["bad.example"], "nsec3_iterations_max": 77, "aggressive": False},
        }
    )
    anchor = f". 60 IN DS 1 8 2 {'0A' * 32}"
    setting = Setting(config, ("192.0.2.1", "2001:db8::1"), (anchor,))
    told = Told()
    told.server(ROOT, "1.0.10.in-addr.arpa.", rcode=Rcode.NXDOMAIN)
    got = arrange(told.made(setting)).config
    assert (got.resolver.qname_minimisation, got.cache.serve_stale, got.cache.prefetch) == (False, True, False)
    assert got.cache.stale_ttl_s == 7
    assert set(got.resolver.unreserved) == {"internal.", "10.in-addr.arpa."}
    assert (got.dnssec.validation, got.dnssec.nsec3_iterations_max, got.dnssec.aggressive) == (True, 77, False)
    assert got.dnssec.nsec3_iterations_insecure == config.dnssec.nsec3_iterations_insecure
    assert [each.zone for each in got.dnssec.negative_trust_anchors] == [b"\3bad\7example\0"]
    made = arrange(told.made(setting))
    assert len(made.root.servers) == 2
    assert not arrange(told.made(Setting(config, ("192.0.2.1",)))).config.dnssec.validation


@pytest.mark.parametrize("snoop", [None, [], ["10.0.0.0/8", "2001:db8::/32"]])
def test_who_may_look_into_the_cache_may_in_the_scenario(snoop):
    config = Config.model_validate({"server": {"snoop": snoop}})
    assert arrange(Told().made(Setting(config, ("192.0.2.1",)))).config.server.snoop == config.server.snoop


def test_names_below_test_are_looked_up_by_daemons_that_have_them_special():
    """Unbound answers them itself unless it is told otherwise."""
    told = Told()
    told.server(ROOT, "www.shop.test.", rcode=Rcode.NXDOMAIN)
    made = told.made()
    assert ("local-zone", "test. nodefault") in [(word.key, word.value) for word in made.words]
    assert not arrange(made).config.resolver.unreserved


def test_servers_of_the_root_that_recurse_are_forwarded_to():
    told = Told()
    told.now -= 1
    question = told.asked("www.example.", **ROOT)
    question.query = question.query[:2] + b"\x01" + question.query[3:]
    assert list(arrange(told.made()).config.resolver.forward_zones) == ["."]


def test_without_hints_the_root_is_who_serves_it():
    told = Told()
    told.server(ROOT, ".", "NS", answer=". 60 IN NS a.root.")
    made = arrange(told.made(Setting()))
    assert [str(each.endpoints[0]) for each in made.root.servers] == ["192.0.2.1:53"]


def test_a_history_without_clients_is_none():
    made = Kept()
    made.answered("www.example.", "A", server="a.root.", address="192.0.2.1")
    with pytest.raises(InputError, match="no client has asked"):
        scenario(made.history.select(), Setting())


def test_a_title_stays_on_its_line_and_acts_on_no_terminal():
    assert Told().made(title="\x1b[2Jone").title == "\\u001b[2Jone"
    assert Told().made(title="one\nSTEP 1 JUMP").title == "one STEP 1 JUMP"


def test_steps_whose_ttl_must_not_count_say_so():
    words = [step.entry.match for step in Told().made(loose={2}).steps if step.kind is Kind.CHECK_ANSWER]
    assert words == [{"all"}]
