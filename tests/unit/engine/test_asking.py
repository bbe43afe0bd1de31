from __future__ import annotations

from dataclasses import replace

import pytest

from resolver.engine.actions import (
    Ended,
    Exchange,
    Found,
    Lookup,
    Malformed,
    NotFound,
    Replied,
    Suspicion,
    Unanswered,
    Undecided,
)
from resolver.engine.asking import ask_zone
from resolver.engine.budget import Budget, Limits
from resolver.engine.candidates import RECURSED_TIMEOUT_S, TCP_TIMEOUT_S
from resolver.engine.delegation import NameServer, Trim
from resolver.engine.outcome import Answer, Answered, Denied, Outcome
from resolver.errors import ResolutionFailed
from resolver.message import Ede, Edns, Question, Rcode, Transport
from resolver.network.base import Trouble
from resolver.wire import names
from tests.support import zone_text
from tests.support.engine import Driver, Written, at, delegation
from tests.support.messages import name, reply, sets, soa

WWW = zone_text.question("www.example.com.", "A")
SILENT_ZONE_S = Limits().silent_zone_ms / 1000
GOOD = "www.example.com. 300 IN A 192.0.2.80"
UDP, TCP = Transport.UDP, Transport.TCP
SILENCE = Unanswered(Trouble.TIMEOUT, 0.4)


def said(last: int, *answer: str, rtt: float = 0.02, transport=UDP, edns: bool = True, opt=None, **options) -> Replied:
    """A reply of the server at `last`."""
    return Replied(at(last), transport, reply(WWW, answer, edns=opt, **options), rtt, edns)


class Asked:
    """What came of asking a zone, and how."""

    def __init__(self, zone, act, *, known=None, limits=None, recursed=False):
        self.known = known or Written()
        self.driver = Driver(act)
        self.failure: ResolutionFailed | None = None
        self.answer: tuple[str, ...] | None = None
        self.outcome: Outcome | None = None
        self.budget = Budget(limits or Limits(), 0.0)
        try:
            heard = self.driver.run(ask_zone(zone, WWW, self.known, self.budget, recursed=recursed))
        except ResolutionFailed as failed:
            self.failure = failed
        else:
            self.outcome = heard.outcome
            if isinstance(heard.outcome, Answered):
                self.answer = tuple(line for each in heard.outcome.rrsets for line in zone_text.lines([each]))

    @property
    def whom(self) -> str:
        """The servers asked, in their order; `+` marks TCP, `-` a query without EDNS."""
        return " ".join(
            each.server.host.rpartition(".")[2] + "+" * (each.transport is TCP) + "-" * (not each.edns)
            for each in self.driver.actions
            if isinstance(each, Exchange)
        )

    @property
    def waits(self) -> list[float]:
        return [round(each.timeout, 3) for each in self.driver.actions if isinstance(each, Exchange)]

    @property
    def tag(self) -> str:
        assert self.failure is not None
        return self.failure.tag


ZONE = delegation("example.com.", 1, 2, 3)
ONE = delegation("example.com.", 1)
NOTHING = Found(Answer(Rcode.NOERROR))
NO_WAY = Unanswered(Trouble.NO_ROUTE, 0.0)


def test_the_first_useful_reply_is_it():
    asked = Asked(ZONE, [said(1, GOOD, rtt=0.03)])
    assert (asked.whom, asked.answer) == ("1", ("www.example.com. 300 A 192.0.2.80",))
    assert asked.known.servers.notes == [("replied", at(1), 0.03)]
    action = asked.driver.actions[0]
    assert action == Exchange(at(1), WWW, name("example.com."), UDP, 0.4, False, True, name("ns1.test."))
    assert len(asked.known.noted) == 1


# -- silence


def test_each_server_is_tried_once_before_any_is_tried_again():
    asked = Asked(ZONE, [SILENCE, SILENCE, SILENCE, SILENCE, said(2, GOOD)], limits=Limits(sends_to_silent_zone=9))
    assert asked.whom == "1 2 3 1 2"
    assert asked.known.servers.notes[:3] == [("silent", at(last), 0.4) for last in (1, 2, 3)]


def test_a_retry_to_the_same_server_waits_twice_as_long():
    known = Written()
    known.servers.heard_before.add(at(1))
    asked = Asked(ONE, [SILENCE, SILENCE, SILENCE], known=known)
    assert asked.waits == [0.4, 0.8, 1.6]
    assert asked.tag == "MUTE"


def test_a_zone_of_which_nobody_ever_replied_is_given_up_soon():
    act = lambda action: Unanswered(Trouble.TIMEOUT, action.timeout)  # noqa: E731
    many = Asked(delegation("example.com.", *range(1, 11)), act)
    assert many.whom == "1 2 3+"
    assert many.waits == [0.4, 0.4, pytest.approx(SILENT_ZONE_S - 0.8)], "the last is waited for longest"
    one = Asked(ONE, act)
    assert sum(one.waits) == pytest.approx(SILENT_ZONE_S)
    known = Written()
    known.servers.first_timeout = 2.0
    slow = Asked(ZONE, act, known=known)
    assert slow.waits == [2.0, pytest.approx(SILENT_ZONE_S - 2.0)]
    assert slow.tag == "MUTE"
    assert slow.failure is not None
    assert (slow.failure.code, slow.failure.rcode, slow.failure.own_limit) == (22, Rcode.SERVFAIL, False)
    assert str(slow.failure) == "no server of example.com. replied [MUTE]"


def test_a_zone_of_which_somebody_once_replied_is_asked_with_patience():
    known = Written()
    known.servers.heard_before.add(at(2))
    asked = Asked(ZONE, [SILENCE] * 9, known=known)
    assert asked.whom == "1 2 3 1 2 3 1 2 3"


def test_addresses_that_cannot_be_reached_at_all_do_not_use_up_the_patience():
    """Four IPv6 addresses on a host without IPv6 must not hide the servers behind them."""
    local = Unanswered(Trouble.LOCAL, 0.0)
    asked = Asked(delegation("example.com.", *range(1, 8)), [local] * 5 + [SILENCE, said(7, GOOD)])
    assert asked.whom == "1 2 3 4 5 6 7"
    assert ("silent", at(1), 0.0) not in asked.known.servers.notes


def test_a_zone_that_replies_to_this_question_first_is_asked_with_patience_from_then_on():
    asked = Asked(ZONE, [said(1, rcode=Rcode.SERVFAIL), *[SILENCE] * 6])
    assert asked.whom == "1 2 3 2 3 2 3", "three messages are for zones of which nobody replied"


def test_a_server_is_sent_as_many_messages_as_the_limit_says_over_each_transport():
    known = Written()
    known.servers.heard_before.add(at(1))
    for most, whom in ((1, "1"), (2, "1 1")):
        assert Asked(ONE, [SILENCE] * 9, known=known, limits=Limits(sends_per_server=most)).whom == whom


@pytest.mark.parametrize("trouble", [Trouble.UNREACHABLE, Trouble.UNDECLARED, Trouble.FORBIDDEN])
def test_a_server_that_cannot_be_reached_is_not_asked_again(trouble):
    known = Written()
    known.servers.heard_before.add(at(2))
    asked = Asked(delegation("example.com.", 1, 2), [Unanswered(trouble, 0.0), SILENCE, said(2, GOOD)], known=known)
    assert asked.whom == "1 2 2"
    only = Asked(ONE, [Unanswered(trouble, 0.0)])
    assert only.tag == "UNRE"
    assert only.failure is not None
    assert only.failure.code == 22
    assert str(trouble) in str(only.failure)


def test_a_server_whose_udp_port_is_closed_may_serve_tcp():
    asked = Asked(ONE, [Unanswered(Trouble.REFUSED, 0.0), said(1, GOOD, transport=TCP)])
    assert asked.whom == "1 1+"
    shut = Asked(ONE, [Unanswered(Trouble.REFUSED, 0.0)] * 2)
    assert (shut.whom, shut.tag) == ("1 1+", "UNRE")


def test_a_server_that_drops_every_datagram_is_found_by_the_last_message_which_goes_over_tcp():
    asked = Asked(delegation("example.com.", 1, 2), [SILENCE, SILENCE, said(1, GOOD, transport=TCP)])
    assert asked.whom == "1 2 1+"
    assert asked.answer is not None


@pytest.mark.parametrize("trouble", [Trouble.LOCAL, Trouble.NO_ROUTE, Trouble.BUSY])
def test_what_has_not_left_this_machine_costs_nothing_and_is_held_against_nobody(trouble):
    in_vain = [NOTHING] * (trouble is Trouble.NO_ROUTE)  # of looking the server up in the other family
    asked = Asked(ONE, [Unanswered(trouble, 0.0), *in_vain])
    assert asked.budget.sends == 0
    assert asked.budget.may_send_to_silent(ONE.zone)
    assert not [note for note in asked.known.servers.notes if note[0] == "silent"]
    assert (("no_route", at(1)) in asked.known.servers.notes) == (trouble is Trouble.NO_ROUTE)
    assert asked.failure is not None
    assert (asked.tag, asked.failure.own_limit, asked.failure.label) == ("UNRE", True, "local")


# -- dead zones


def test_a_zone_whose_servers_are_all_silent_is_remembered_as_dead_and_not_asked():
    asked = Asked(ZONE, [SILENCE] * 3)
    assert [str(each) for each in asked.known.dead.values()] == [str(asked.failure)]
    assert list(asked.known.dead) == [ZONE.zone]
    again = Asked(ZONE, [], known=asked.known)
    assert (again.whom, again.tag) == ("", "MUTE")


def test_a_zone_is_not_dead_for_one_that_was_not_heard_among_those_that_were():
    refused = Asked(ZONE, [said(1, rcode=Rcode.REFUSED), *[SILENCE] * 6])
    assert refused.tag == "RFSD"
    assert not refused.known.dead


def test_silence_for_a_rare_type_says_nothing_of_the_zone():
    known = Written()
    steps = ask_zone(ZONE, zone_text.question("www.example.com.", "HTTPS"), known, Budget(Limits(), 0.0))
    with pytest.raises(ResolutionFailed):
        Driver([SILENCE] * 3).run(steps)
    assert not known.dead


# -- late replies


def test_a_late_reply_to_an_earlier_try_counts():
    asked = Asked(ZONE, [SILENCE, said(1, GOOD, rtt=0.6)])
    assert asked.answer is not None
    assert ("replied", at(1), 0.6) in asked.known.servers.notes


def test_a_late_reply_of_no_use_is_held_against_its_sender_alone():
    """Server 1, asked twice, refuses twice; the second refusal comes while server 2 is waited for."""
    known = Written()
    known.servers.heard_before.add(at(1))
    zone = delegation("example.com.", 1, 2)
    refusal = said(1, rcode=Rcode.REFUSED)
    asked = Asked(zone, [SILENCE, SILENCE, refusal, refusal, said(2, GOOD)], known=known)
    assert asked.whom == "1 2 1 2 2"
    assert asked.answer is not None


def test_late_garbage_is_held_against_its_sender_alone():
    garbage = Malformed(at(1), "cut")
    zone = delegation("example.com.", 1, 2)
    known = Written()
    known.servers.heard_before.add(at(1))
    asked = Asked(zone, [SILENCE, garbage, garbage, said(2, GOOD)], known=known)
    assert asked.whom == "1 2 2 2"
    assert asked.answer is not None


def test_garbage_makes_a_silent_zone_worth_no_more_messages():
    asked = Asked(ONE, [Malformed(at(2), "cut")] * 3)
    assert asked.whom == "1 1 1+"


def test_a_late_truncated_datagram_does_not_end_the_stream_to_its_sender():
    cut = said(1, tc=True)
    asked = Asked(ONE, [SILENCE, cut, cut, said(1, GOOD, transport=TCP)])
    assert asked.whom == "1 1 1+ 1+"
    assert asked.answer is not None


def test_a_late_formerr_to_a_query_with_edns_does_not_condemn_the_one_without():
    bad = said(1, rcode=Rcode.FORMERR)
    asked = Asked(ONE, [bad, bad, said(1, GOOD, edns=False)])
    assert asked.whom == "1 1- 1-"
    assert asked.answer is not None


def test_a_late_answer_to_a_query_with_edns_shows_that_the_server_knows_it():
    asked = Asked(ONE, [SILENCE, said(1, rcode=Rcode.FORMERR), said(1, GOOD, edns=True)])
    assert asked.whom == "1 1 1-"
    assert ("without_edns", at(1)) not in asked.known.servers.notes


def test_a_late_reply_in_other_case_changes_the_transport_to_its_sender_alone():
    other = Unanswered(Trouble.TIMEOUT, 0.5, Suspicion.CASE, server=at(1))
    asked = Asked(delegation("example.com.", 1, 2), [SILENCE, other, said(1, GOOD, transport=TCP)])
    assert asked.whom == "1 2 1+"
    assert ("changes_case", at(1)) in asked.known.servers.notes
    assert ("changes_case", at(2)) not in asked.known.servers.notes


# -- truncation


def test_the_server_that_truncated_is_asked_over_tcp_before_another_is_asked_at_all():
    known = Written()
    known.servers.ordered = lambda servers, zone: [max(servers)] if len(known.noted) else list(servers)
    asked = Asked(delegation("example.com.", 1, 2), [said(1, tc=True), said(1, GOOD, transport=TCP)], known=known)
    assert asked.whom == "1 1+"


@pytest.mark.rfc(7766, "5")
def test_a_truncated_reply_is_asked_for_again_over_tcp():
    asked = Asked(ZONE, [said(1, tc=True), said(1, GOOD, transport=TCP)])
    assert asked.whom == "1 1+"
    assert asked.waits == [0.4, TCP_TIMEOUT_S]


def test_tcp_that_fails_leaves_the_other_servers():
    for event in (SILENCE, Unanswered(Trouble.REFUSED, 0.0), Unanswered(Trouble.RESET, 0.0)):
        asked = Asked(ZONE, [said(1, tc=True), event, said(2, GOOD)])
        assert asked.whom == "1 1+ 2"


def test_a_server_that_truncates_over_tcp_too_is_of_no_use():
    asked = Asked(ONE, [said(1, tc=True), said(1, tc=True, transport=TCP)])
    assert asked.tag == "MALF"
    assert "over TCP too" in str(asked.failure)


# -- EDNS


@pytest.mark.rfc(6891, "6.2.2")
@pytest.mark.parametrize("rcode", [Rcode.FORMERR, Rcode.NOTIMP])
def test_edns_is_left_out_after_formerr_and_notimp_and_that_is_remembered_when_it_helped(rcode):
    asked = Asked(ZONE, [said(1, rcode=rcode), said(1, GOOD, edns=False)])
    assert asked.whom == "1 1-"
    assert ("without_edns", at(1)) in asked.known.servers.notes


@pytest.mark.rfc(6891, "6.2.2")
def test_a_server_that_refuses_without_edns_too_is_of_no_use_and_nothing_is_remembered():
    asked = Asked(ZONE, [said(1, rcode=Rcode.FORMERR), said(1, rcode=Rcode.FORMERR, edns=False), said(2, GOOD)])
    assert asked.whom == "1 1- 2"
    assert ("without_edns", at(1)) not in asked.known.servers.notes


@pytest.mark.rfc(6891, "6.2.2")
@pytest.mark.parametrize("rcode", [Rcode.SERVFAIL, Rcode.REFUSED, Rcode.BADVERS])
def test_edns_is_kept_after_any_other_error(rcode):
    assert Asked(ZONE, [said(1, rcode=rcode), said(2, GOOD)]).whom == "1 2"


@pytest.mark.rfc(6891, "6.2.2")
def test_edns_is_kept_after_a_timeout():
    known = Written()
    known.servers.heard_before.add(at(1))
    asked = Asked(ONE, [SILENCE, SILENCE, SILENCE], known=known)
    assert asked.whom == "1 1 1"


def test_a_server_known_to_have_no_edns_is_asked_without_at_once():
    known = Written()
    known.servers.no_edns.add(at(1))
    assert Asked(ONE, [said(1, GOOD, edns=False)], known=known).whom == "1-"


# -- letter case


def test_a_server_that_changes_the_case_is_asked_over_tcp_now_and_later():
    asked = Asked(ONE, [Unanswered(Trouble.TIMEOUT, 0.02, Suspicion.CASE, server=at(1)), said(1, GOOD, transport=TCP)])
    assert asked.whom == "1 1+"
    known = Written()
    known.servers.no_case.add(at(1))
    assert Asked(ONE, [said(1, GOOD, transport=TCP)], known=known).whom == "1+"


@pytest.mark.rfc(5452, "9.1")
def test_a_server_in_whose_name_somebody_guesses_is_asked_over_tcp_for_this_question_alone():
    forged = Unanswered(Trouble.TIMEOUT, 0.02, Suspicion.FORGERY, server=at(1))
    asked = Asked(ONE, [forged, said(1, GOOD, transport=TCP)])
    assert asked.whom == "1 1+"
    assert ("changes_case", at(1)) not in asked.known.servers.notes
    assert not any(note[0] == "silent" for note in asked.known.servers.notes)


def test_a_message_with_too_many_records_ends_the_asking_for_the_others_say_the_same():
    asked = Asked(delegation("example.com.", 1, 2), [Malformed(at(1), "4000 records", oversized=True)])
    assert (asked.whom, asked.tag) == ("1", "HUGE")
    assert not asked.failure.own_limit


def test_of_the_addresses_of_a_name_server_not_all_are_used():
    found = Answer(0, tuple(zone_text.rrsets([f"ns.test. 300 IN A 192.0.2.{last}" for last in range(100, 140)])))
    known = Written()
    known.trim = Trim(addresses=2)
    lookup = Lookup(Question(name("ns.test."), 1))
    events = [Ended(lookup, Found(found)), *[said(last, rcode=Rcode.REFUSED) for last in (100, 101)]]
    asked = Asked(delegation("example.com.", nameless=["ns.test."]), events, known=known)
    assert asked.whom == "100 101"


# -- cookies


@pytest.mark.rfc(7873, "5.3")
def test_a_bad_cookie_has_the_same_server_asked_once_more_and_then_over_tcp():
    bad = said(1, rcode=Rcode.BADCOOKIE)
    assert Asked(ONE, [bad, said(1, GOOD)]).whom == "1 1"
    assert Asked(ONE, [bad, bad, said(1, GOOD, transport=TCP)]).whom == "1 1 1+"
    never = said(1, rcode=Rcode.BADCOOKIE, transport=TCP)
    failed = Asked(ONE, [bad, bad, never])
    assert (failed.whom, failed.failure.tag) == ("1 1 1+", "COOK")
    again = Asked(delegation("example.com.", 1, 2), [bad, said(1, GOOD)])
    assert again.whom == "1 1", "it has just replied, so it is the one to be asked"


# -- useless replies


@pytest.mark.parametrize(
    ("event", "tag", "code"),
    [
        (said(1, rcode=Rcode.SERVFAIL), "SVFL", 23),
        (said(1, rcode=Rcode.REFUSED), "RFSD", 22),
        (said(1, rcode=Rcode.NOTAUTH), "ROCD", 23),
        (said(1, aa=False), "LAME", 22),
        (said(1, aa=False, authority=". 300 IN NS a.root."), "UPWD", 22),
        (
            said(1, "example.com. 300 IN DNAME x.example.com.", "www.example.com. 300 IN CNAME lie.example.com."),
            "DNAM",
            23,
        ),
        (Malformed(at(1), "a label of 70 octets"), "MALF", 23),
    ],
)
def test_a_server_of_no_use_is_skipped_and_named_when_there_is_no_other(event, tag, code):
    asked = Asked(delegation("example.com.", 1, 2), [event, said(2, GOOD)])
    assert asked.whom == "1 2"
    assert asked.answer is not None
    alone = Asked(ONE, [event])
    assert alone.failure is not None
    assert (alone.failure.tag, alone.failure.code, alone.failure.rcode) == (tag, code, Rcode.SERVFAIL)
    assert str(alone.failure).startswith("example.com.: ns1.test. (192.0.2.1)")
    assert str(alone.failure).endswith(f"[{tag}]")


@pytest.mark.parametrize(("rcode", "tag"), [(Rcode.FORMERR, "FERR"), (Rcode.NOTIMP, "NIMP")])
def test_a_server_that_understands_nothing_is_named(rcode, tag):
    assert Asked(ONE, [said(1, rcode=rcode), said(1, rcode=rcode, edns=False)]).tag == tag


def test_what_a_server_said_counts_more_than_the_silence_of_others():
    asked = Asked(ZONE, [SILENCE, said(2, rcode=Rcode.REFUSED), Unanswered(Trouble.UNREACHABLE, 0.0), SILENCE, SILENCE])
    assert asked.tag == "RFSD"


def test_the_extended_errors_of_the_servers_are_passed_on():
    options = ((15, b"\x00\x09no key"), (15, b"\x00\x07expired"))
    failing = [said(last, rcode=Rcode.SERVFAIL, opt=Edns(options=options)) for last in (1, 2, 3)]
    asked = Asked(ZONE, failing)
    assert asked.failure is not None
    assert asked.failure.ede[1:] == (Ede(9, "no key"), Ede(7, "expired"))


# -- servers without an address


def found(host: str) -> Found:
    return Found(Answer(0, sets(f"ns.other. 300 IN A {host}")))


def test_name_servers_without_an_address_are_looked_up_when_those_with_one_have_all_been_tried():
    zone = delegation("example.com.", 1, nameless=["ns.other."])
    asked = Asked(zone, [SILENCE, found("192.0.2.9"), said(9, GOOD)])
    assert asked.whom == "1 9"
    assert asked.driver.looked_up == ["ns.other. A"]


def test_no_name_server_is_looked_up_while_an_address_is_left():
    zone = delegation("example.com.", 1, nameless=["ns.other."])
    assert Asked(zone, [said(1, GOOD)]).driver.looked_up == []


def test_an_ipv6_address_is_looked_up_where_there_is_no_ipv4_one():
    zone = delegation("example.com.", nameless=["ns.other."])
    nodata = Found(Answer(Rcode.NOERROR, (), sets(soa("other."))[0]))
    six = Found(Answer(0, sets("ns.other. 300 IN AAAA 2001:db8::9")))
    asked = Asked(zone, [nodata, six, said(1, GOOD)])
    assert asked.driver.looked_up == ["ns.other. A", "ns.other. AAAA"]
    action = asked.driver.actions[-1]
    assert isinstance(action, Exchange)
    assert action.server.host == "2001:db8::9"


def test_a_name_server_of_a_family_without_a_route_is_looked_up_in_the_other_when_nobody_else_is_left():
    six = Found(Answer(0, sets("ns2.test. 300 IN AAAA 2001:db8::9")))
    assert Asked(delegation("example.com.", 1, 2), [NO_WAY, said(2, GOOD)]).driver.looked_up == []
    asked = Asked(delegation("example.com.", 2), [NO_WAY, six, said(1, GOOD)])
    assert asked.driver.looked_up == ["ns2.test. AAAA"]
    assert asked.answer is not None
    assert asked.budget.spent.fetches == 1


def test_the_other_family_is_sought_once_for_two_name_servers_and_never_for_configured_ones():
    zone = delegation("example.com.", 1, 2, 3)
    both = replace(zone, servers=(NameServer(name("ns1.test."), (at(1), at(2))),))
    assert Asked(both, [NO_WAY, SILENCE, SILENCE, SILENCE]).driver.looked_up == []
    assert Asked(zone, [NO_WAY] * 3 + [NOTHING] * 2).driver.looked_up == ["ns1.test. AAAA", "ns2.test. AAAA"]
    assert Asked(replace(zone, configured=True), [NO_WAY] * 3).driver.looked_up == []


def test_a_name_server_that_does_not_exist_is_not_asked_for_twice():
    zone = delegation("example.com.", nameless=["ns.other.", "ns.third."])
    gone = Found(Answer(Rcode.NXDOMAIN))
    asked = Asked(zone, [gone, found("192.0.2.9"), said(9, GOOD)])
    assert asked.driver.looked_up == ["ns.other. A", "ns.third. A"]


def test_a_zone_none_of_whose_servers_has_an_address_fails_with_the_reason():
    zone = delegation("example.com.", nameless=["ns.other."])
    reason = ResolutionFailed("MUTE", 22, "no server of other. replied", label="silent")
    asked = Asked(zone, [NotFound(reason)])
    assert asked.failure is not None
    assert (asked.tag, asked.failure.code, asked.failure.own_limit) == ("NOAD", 22, False)
    assert str(asked.failure) == "no name server of example.com. has an address: no server of other. replied [NOAD]"
    assert asked.failure.root is reason


def test_a_failure_that_a_limit_of_the_asker_brought_about_is_not_that_of_the_zone():
    own = NotFound(ResolutionFailed("BUDD", 0, "too deep", own_limit=True))
    other = NotFound(ResolutionFailed("MUTE", 22, "silence"))
    zone = delegation("example.com.", nameless=["ns.a.", "ns.b."])
    for events in ([own, other], [other, own]):
        failure = Asked(zone, events).failure
        assert failure is not None
        assert failure.own_limit
    with_address = delegation("example.com.", 1, nameless=["ns.a."])
    failure = Asked(with_address, [said(1, rcode=Rcode.REFUSED), own]).failure
    assert failure is not None
    assert (failure.tag, failure.own_limit) == ("RFSD", True)


def test_lookups_of_one_zone_are_bounded():
    zone = delegation("example.com.", nameless=[f"ns{number}.other." for number in range(13)])
    gone = Asked(zone, lambda action: Found(Answer(Rcode.NXDOMAIN)))
    assert len(gone.driver.looked_up) == Limits().failed_address_fetches
    assert gone.tag == "BUDN"
    lame = Asked(zone, lambda action: said(9, rcode=5) if isinstance(action, Exchange) else found("192.0.2.9"))
    assert len(lame.driver.looked_up) == Limits().address_fetches
    assert lame.tag == "RFSD"
    dead = Asked(zone, lambda action: SILENCE if isinstance(action, Exchange) else found(_fresh()))
    assert len(dead.driver.looked_up) == Limits().sends_to_silent_zone, "as many as can be asked"
    assert dead.tag == "MUTE"


def test_an_address_of_neither_family_counts_twice():
    """So names that exist but have no address cost what names cost that do not exist."""
    zone = delegation("example.com.", nameless=[f"ns{number}.other." for number in range(13)])
    nodata = Found(Answer(Rcode.NOERROR, (), sets(soa("other."))[0]))
    asked = Asked(zone, lambda action: nodata)
    assert len(asked.driver.looked_up) == Limits().failed_address_fetches
    assert asked.tag == "BUDN"


def test_the_first_look_up_gets_company_when_it_takes_long():
    zone = delegation("example.com.", nameless=["ns.a.", "ns.b.", "ns.c."])
    late = Ended(Lookup(zone_text.question("ns.b.", "A")), found("192.0.2.9"))
    asked = Asked(zone, [Undecided(), late, said(9, GOOD)])
    assert asked.driver.looked_up == ["ns.a. A", "ns.b. A"]
    assert asked.whom == "9"


def test_after_the_first_two_are_looked_up_at_a_time():
    zone = delegation("example.com.", nameless=["ns.a.", "ns.b.", "ns.c.", "ns.d."])
    gone = Found(Answer(Rcode.NXDOMAIN))
    asked = Asked(zone, [gone, Ended(Lookup(zone_text.question("ns.c.", "A")), found("192.0.2.9")), said(9, GOOD)])
    assert asked.driver.looked_up == ["ns.a. A", "ns.b. A", "ns.c. A"]


_COUNT = iter(range(10_000))


def _fresh() -> str:
    number = next(_COUNT)
    return f"198.51.{number >> 8}.{number & 255}"


# -- on our behalf


def test_a_server_that_recurses_is_asked_with_rd_and_given_time():
    asked = Asked(ONE, [SILENCE, said(1, GOOD, ra=True)], recursed=True)
    assert asked.waits == [RECURSED_TIMEOUT_S, 2 * RECURSED_TIMEOUT_S]
    assert all(action.rd for action in asked.driver.actions)


def test_a_forwarder_that_is_dead_leaves_the_next():
    asked = Asked(delegation(".", 1, 2), [SILENCE, said(2, GOOD, ra=True)], recursed=True)
    assert asked.whom == "1 2"


# -- budget


def test_each_message_is_paid_for():
    asked = Asked(ZONE, [SILENCE] * 5, limits=Limits(sends=5, sends_to_silent_zone=5))
    assert asked.budget.sends == 5
    broke = Asked(ZONE, [SILENCE] * 2, limits=Limits(sends=2))
    assert broke.tag == "BUDX"
    assert broke.failure is not None
    assert broke.failure.own_limit


def test_an_address_that_was_of_no_use_is_not_asked_again_under_another_name():
    def act(action):
        if isinstance(action, Exchange):
            return said(7, rcode=Rcode.REFUSED)
        return Found(Answer(Rcode.NOERROR, sets(f"{names.to_text(action.question.name)} 60 IN A 192.0.2.7")))

    zone = delegation("example.com.", nameless=[f"ns{number}.example.net." for number in range(5)])
    asked = Asked(zone, act)
    assert asked.whom == "7"
    assert asked.failure is not None
    assert asked.failure.tag == "RFSD"


def test_what_could_not_be_sent_from_here_says_nothing_of_the_question():
    asked = Asked(delegation("example.com.", 1, 2), lambda _: Unanswered(Trouble.LOCAL, 0.0))
    assert asked.failure is not None
    assert (asked.failure.tag, asked.failure.own_limit) == ("UNRE", True)


def test_a_slow_zone_is_waited_for_when_nothing_more_may_be_sent():
    """All that is left is refused at once, but a reply to the first datagram is on its way."""
    refused = Unanswered(Trouble.REFUSED, 0.0)
    asked = Asked(delegation("example.com.", 1, 2), [SILENCE, SILENCE, refused, said(1, GOOD, rtt=1.2)])
    assert asked.whom == "1 2 1+"
    assert asked.answer is not None


def test_a_silent_zone_is_listened_to_once_and_no_longer_than_its_time():
    refused = Unanswered(Trouble.REFUSED, 0.0)
    asked = Asked(delegation("example.com.", 1, 2), [SILENCE, SILENCE, refused, Unanswered(Trouble.TIMEOUT, 1.7)])
    assert asked.tag == "UNRE"


def test_guesses_in_the_name_of_a_silent_zone_do_not_prolong_the_listening():
    refused = Unanswered(Trouble.REFUSED, 0.0)
    guess = Unanswered(Trouble.TIMEOUT, 0.1, Suspicion.FORGERY, at(2))
    script = [SILENCE, SILENCE, refused, *[guess] * 5]
    assert Asked(delegation("example.com.", 1, 2), script).tag == "UNRE"
    assert len(script) == 4, "listened to once"


def test_a_denial_without_a_soa_is_believed_when_another_server_has_nothing_to_say_against_it():
    nothing = said(1)
    second = said(2)
    asked = Asked(delegation("example.com.", 1, 2, 3), [nothing, second])
    assert asked.whom == "1 2"
    alone = Asked(ONE, [nothing])
    assert alone.whom == "1"
    silent = Asked(delegation("example.com.", 1, 2), [nothing, SILENCE])
    assert silent.whom == "1 2"
    for each in (asked, alone, silent):
        assert each.outcome == Denied((), WWW.name, Rcode.NOERROR, None, True)


def test_a_denial_without_a_soa_gives_way_to_what_another_server_says():
    asked = Asked(delegation("example.com.", 1, 2), [said(1), said(2, GOOD)])
    assert asked.whom == "1 2"
    assert asked.answer == ("www.example.com. 300 A 192.0.2.80",)


def test_a_lone_server_that_once_replied_quickly_is_waited_for_after_its_last_message():
    known = Written()
    known.servers.heard_before.add(at(1))
    known.servers.first_timeout = 0.1
    asked = Asked(ONE, [Unanswered(Trouble.TIMEOUT, 0.1)] * 3 + [said(1, GOOD, rtt=2.0)], known=known)
    assert asked.waits == [0.1, 0.2, 0.4]
    assert asked.answer is not None


def test_how_long_a_silent_zone_is_waited_for_is_set():
    act = lambda action: Unanswered(Trouble.TIMEOUT, action.timeout)  # noqa: E731
    asked = Asked(ZONE, act, limits=Limits(silent_zone_ms=700))
    assert asked.waits == [0.4, pytest.approx(0.3)]
    assert asked.tag == "MUTE"


def test_a_server_that_is_asked_at_once_with_its_new_cookie_is_not_asked_before_others_for_ever():
    asked = Asked(delegation("example.com.", 1, 2), [said(1, rcode=Rcode.BADCOOKIE), SILENCE, said(2, GOOD)])
    assert asked.whom == "1 1 2"
    assert asked.answer is not None


def test_a_stream_to_a_silent_zone_gets_no_more_than_the_time_of_the_zone():
    known = Written()
    known.servers.no_case.add(at(1))
    act = lambda action: Unanswered(Trouble.TIMEOUT, action.timeout)  # noqa: E731
    asked = Asked(ONE, act, known=known, limits=Limits(silent_zone_ms=700))
    assert (asked.whom, asked.waits) == ("1+", [0.7])
