from __future__ import annotations

import ipaddress

import pytest

from resolver.answering import Told
from resolver.errors import ResolutionFailed
from resolver.filters.prefixes import Prefix
from resolver.message import Client, Edns, Query, Question, Rcode, Reply, Transport
from resolver.pipeline.synthesised import Synthesised
from resolver.wire import types
from tests.support.messages import name, sets, soa, told

WELL_KNOWN = "64:ff9b::/96"
OWN = "2001:db8:64::/96"
V4 = "www.test. 900 IN A 192.0.2.33"
NODATA = Reply(0, (), sets(soa("test.", ttl=400, minimum=100)), ra=True, storable=True)
FOUND = Reply(0, sets(V4), ra=True, storable=True)
FAILED = ResolutionFailed("TEST", 22, "nobody replied")
BOGUS = ResolutionFailed("SIGX", 7, "expired", label="bogus")
RRSIG = "A 13 2 900 20300101000000 20250101000000 1 test. AAAA"

Result = Reply | ResolutionFailed


class Below:
    """The stages below: they say what is `known` of a name and a type, at hand or after work."""

    def __init__(self, known: dict[tuple[str, str], Result], at_hand: bool) -> None:
        self.known = {(name(each), types.from_text(rtype)): result for (each, rtype), result in known.items()}
        self.at_hand = at_hand
        self.asked: list[str] = []

    def answer(self, query: Query, done: Told) -> None:
        reply = self.peek(query)
        if reply is None:
            self.work(query, done)
        else:
            done(reply)

    def peek(self, query: Query) -> Reply | None:
        result = self.said(query)
        return result if self.at_hand and isinstance(result, Reply) else None

    def work(self, query: Query, done: Told) -> None:
        self.asked.append(types.to_text(query.question.type))
        done(self.said(query))

    def said(self, query: Query) -> Result:
        return self.known.get((query.question.name.lower(), query.question.type), Reply(Rcode.NXDOMAIN))


@pytest.fixture(params=[True, False], ids=["at hand", "worked on"])
def at_hand(request) -> bool:
    return request.param


def asked(
    known: dict[str, Result],
    at_hand: bool = True,
    *,
    prefixes: tuple[str, ...] = (WELL_KNOWN,),
    qname: str = "www.test.",
    rtype: str = "AAAA",
    client: str = "2001:db8::7",
    flags: str = "",
    noted: list[object] | None = None,
    **networks: list[str],
) -> Result:
    below = Below(
        {("www.test.", key) if " " not in key else tuple(key.split()): each for key, each in known.items()}, at_hand
    )
    stage = Synthesised(
        below,
        [Prefix(ipaddress.IPv6Network(each)) for each in prefixes],
        lambda _, cause: None if noted is None else noted.append(cause),
        **{key: [ipaddress.ip_network(each) for each in listed] for key, listed in networks.items()},
    )
    question = Question(name(qname), types.from_text(rtype))
    edns = Edns(do="do" in flags) if "do" in flags else None
    query = Query(
        question, Client(client, 5, Transport.UDP), 1, 0.0, rd="rd=0" not in flags, cd="cd" in flags, edns=edns
    )
    results: list[Result] = []
    stage.answer(query, results.append)
    (result,) = results
    return result


def answer(*args, **options) -> list[str]:
    reply = asked(*args, **options)
    assert isinstance(reply, Reply)
    return told(*reply.answer)


@pytest.mark.rfc(6147, "5.1.6")
@pytest.mark.rfc(6147, "5.1.7")
def test_a_name_without_an_address_gets_one_made_of_its_ipv4_address(at_hand):
    noted = []
    reply = asked({"AAAA": NODATA, "A": FOUND}, at_hand, noted=noted)
    assert told(*reply.answer) == ["www.test. 100 AAAA 64:ff9b::c000:221"]
    assert (reply.rcode, reply.authority, reply.ad, reply.storable) == (0, (), False, True)
    assert noted == [("dns64", "www.test.", WELL_KNOWN)]


@pytest.mark.rfc(6147, "5.1.7")
def test_what_is_made_lives_as_long_as_both_the_record_and_the_denial():
    short = Reply(0, sets("www.test. 30 IN A 192.0.2.33"))
    assert answer({"AAAA": NODATA, "A": short}) == ["www.test. 30 AAAA 64:ff9b::c000:221"]
    assert answer({"AAAA": Reply(0), "A": FOUND}) == ["www.test. 600 AAAA 64:ff9b::c000:221"]


def test_there_is_one_for_each_prefix_and_each_address():
    both = Reply(0, sets([V4, "www.test. 900 IN A 192.0.2.34"]))
    assert answer({"AAAA": NODATA, "A": both}, prefixes=(WELL_KNOWN, OWN)) == [
        f"www.test. 100 AAAA {each}"
        for each in ("2001:db8:64::c000:221", "2001:db8:64::c000:222", "64:ff9b::c000:221", "64:ff9b::c000:222")
    ]


@pytest.mark.rfc(6147, "5.1.1")
def test_a_name_with_an_address_keeps_it(at_hand):
    own = Reply(0, sets("www.test. 9 IN AAAA 2001:db8::1"), storable=True)
    assert asked({"AAAA": own, "A": FOUND}, at_hand) is own


@pytest.mark.rfc(6147, "5.1.2")
def test_a_name_that_does_not_exist_has_none(at_hand):
    nothing = Reply(Rcode.NXDOMAIN)
    assert asked({"AAAA": nothing, "A": FOUND}, at_hand) is nothing


@pytest.mark.rfc(6147, "5.1.2")
@pytest.mark.rfc(6147, "5.1.3")
@pytest.mark.parametrize("result", [Reply(Rcode.SERVFAIL), Reply(Rcode.REFUSED), FAILED])
def test_any_other_failure_counts_as_no_address(result, at_hand):
    assert answer({"AAAA": result, "A": FOUND}, at_hand) == ["www.test. 600 AAAA 64:ff9b::c000:221"]


def test_where_both_fail_the_first_failure_is_told():
    other = ResolutionFailed("LATE", 22, "too late")
    assert asked({"AAAA": FAILED, "A": other}) is FAILED
    assert asked({"AAAA": NODATA, "A": other}) is other
    assert asked({"AAAA": FAILED, "A": Reply(0)}) is FAILED


@pytest.mark.rfc(6147, "5.5")
def test_what_is_not_to_be_believed_is_no_reason_to_make_anything():
    assert asked({"AAAA": BOGUS, "A": FOUND}) is BOGUS


def test_a_name_with_neither_is_told_so(at_hand):
    assert asked({"AAAA": NODATA, "A": NODATA._replace(ad=True)}, at_hand) is NODATA


@pytest.mark.rfc(6147, "5.1.4")
def test_excluded_addresses_count_for_nothing(at_hand):
    mapped = "www.test. 9 IN AAAA ::ffff:192.0.2.9"
    excluded = ["::ffff:0:0/96"]
    given = {"AAAA": Reply(0, sets(mapped)), "A": FOUND}
    assert answer(given, at_hand, excluded=excluded) == ["www.test. 600 AAAA 64:ff9b::c000:221"]
    mixed = Reply(0, sets([mapped, "www.test. 9 IN AAAA 2001:db8::1", f"www.test. 9 IN RRSIG {RRSIG}"]), ad=True)
    reply = asked({"AAAA": mixed, "A": FOUND}, at_hand, excluded=excluded)
    assert told(*reply.answer) == ["www.test. 9 AAAA 2001:db8::1"]
    assert not reply.ad


@pytest.mark.rfc(6147, "5.1.5")
def test_aliases_are_told_and_the_address_is_that_of_their_end(at_hand):
    link = "www.test. 9 IN CNAME a.other.test."
    denied = Reply(0, sets(link), sets(soa("other.test.")))
    found = Reply(0, sets([link, "a.other.test. 9 IN A 192.0.2.33"]))
    assert answer({"AAAA": denied, "A": found}, at_hand) == [
        "www.test. 9 CNAME a.other.test.",
        "a.other.test. 9 AAAA 64:ff9b::c000:221",
    ]


@pytest.mark.rfc(6147, "5.5")
@pytest.mark.parametrize(
    ("flags", "made", "ad"), [("", True, False), ("do", True, True), ("cd", True, False), ("cd do", False, True)]
)
def test_who_checks_for_himself_gets_nothing_that_was_made(flags, made, ad, at_hand):
    given = {"AAAA": NODATA._replace(ad=True), "A": FOUND._replace(ad=True)}
    reply = asked(given, at_hand, flags=flags)
    assert bool(reply.answer) == made
    assert reply.ad == ad


@pytest.mark.rfc(6147, "5.5")
def test_both_parts_must_be_proven_for_the_whole_to_be():
    for half in ("AAAA", "A"):
        given = {"AAAA": NODATA._replace(ad=True), "A": FOUND._replace(ad=True)}
        given[half] = given[half]._replace(ad=False)
        assert not asked(given, flags="do").ad


def test_no_signature_is_told_with_what_was_made():
    signed = Reply(0, sets([V4, f"www.test. 900 IN RRSIG {RRSIG}"]))
    assert answer({"AAAA": NODATA, "A": signed}, flags="do") == ["www.test. 100 AAAA 64:ff9b::c000:221"]


def test_what_is_made_of_what_may_not_be_stored_is_not_stored():
    assert not asked({"AAAA": NODATA._replace(storable=False), "A": FOUND}).storable
    assert not asked({"AAAA": NODATA, "A": FOUND._replace(storable=False)}).storable


@pytest.mark.rfc(6052, "3.1")
def test_private_addresses_are_not_behind_the_well_known_prefix():
    private = Reply(0, sets("www.test. 900 IN A 10.0.0.1"))
    assert asked({"AAAA": NODATA, "A": private}) is NODATA
    assert answer({"AAAA": NODATA, "A": private}, prefixes=(OWN,)) == ["www.test. 100 AAAA 2001:db8:64::a00:1"]
    assert asked({"AAAA": NODATA, "A": private}, prefixes=(OWN,), unmapped=["10.0.0.0/8"]) is NODATA


def test_only_listed_clients_are_served_and_nothing_is_stored_for_all(at_hand):
    given = {"AAAA": NODATA, "A": FOUND}
    for client, made in (("2001:db8::1", True), ("2001:db8:1::1", False), ("192.0.2.1", False)):
        reply = asked(given, at_hand, client=client, clients=["2001:db8::/48"])
        assert bool(reply.answer) == made
        assert not reply.storable
    own = Reply(0, sets("www.test. 9 IN AAAA 2001:db8::1"), storable=True)
    assert not asked({"AAAA": own}, at_hand, clients=["2001:db8::/48"]).storable


def test_other_types_pass_untouched(at_hand):
    assert asked({"A": FOUND}, at_hand, rtype="A", clients=["2001:db8::/48"]) is FOUND


REVERSE = Prefix(ipaddress.IPv6Network(WELL_KNOWN))


@pytest.mark.rfc(6147, "5.3.1")
def test_the_reverse_name_of_such_an_address_is_an_alias_of_the_ipv4_one(at_hand):
    qname = f"{ipaddress.IPv6Address('64:ff9b::192.0.2.33').reverse_pointer}."
    pointed = Reply(0, sets("33.2.0.192.in-addr.arpa. 60 IN PTR www.test."), ad=True)
    given = {"33.2.0.192.in-addr.arpa. PTR": pointed}
    reply = asked(given, at_hand, qname=qname, rtype="PTR")
    assert told(*reply.answer) == [
        f"{qname} 60 CNAME 33.2.0.192.in-addr.arpa.",
        "33.2.0.192.in-addr.arpa. 60 PTR www.test.",
    ]
    assert not reply.ad
    other = f"{ipaddress.IPv6Address('2001:db8::1').reverse_pointer}."
    assert asked({f"{other} PTR": FOUND}, at_hand, qname=other, rtype="PTR") is FOUND


def test_a_failure_of_the_reverse_name_is_told():
    qname = f"{ipaddress.IPv6Address('64:ff9b::192.0.2.33').reverse_pointer}."
    assert asked({"33.2.0.192.in-addr.arpa. PTR": FAILED}, qname=qname, rtype="PTR") is FAILED


@pytest.mark.rfc(8880, "7.1")
@pytest.mark.rfc(7050, "3")
def test_the_name_by_which_clients_find_the_prefix_is_answered_here(at_hand):
    options = {"qname": "IPv4Only.arpa.", "prefixes": (OWN,)}
    assert answer({}, at_hand, **options) == [
        "IPv4Only.arpa. 86400 AAAA 2001:db8:64::c000:aa",
        "IPv4Only.arpa. 86400 AAAA 2001:db8:64::c000:ab",
    ]
    assert answer({}, at_hand, rtype="A", **options) == [
        "IPv4Only.arpa. 86400 A 192.0.0.170",
        "IPv4Only.arpa. 86400 A 192.0.0.171",
    ]
    assert asked(
        {"ipv4only.arpa. AAAA": NODATA}, qname="ipv4only.arpa.", client="::1", clients=["2001:db8::/32"]
    ) == NODATA._replace(storable=False)


def test_without_recursion_nothing_is_made_unless_it_is_held_that_there_is_no_other_address():
    """That nothing is held, or a delegation, says nothing of AAAA records."""
    refused = Reply(Rcode.REFUSED, ra=True)
    referral = Reply(0, (), sets("test. 60 IN NS ns.test."), ra=True)
    for held in (refused, referral):
        assert asked({"AAAA": held, "A": FOUND}, flags="rd=0") == held
        assert asked({"AAAA": NODATA, "A": held}, flags="rd=0") == NODATA
    assert answer({"AAAA": NODATA, "A": FOUND}, flags="rd=0") == ["www.test. 100 AAAA 64:ff9b::c000:221"]
    excluded = Reply(0, sets("www.test. 60 IN AAAA ::ffff:192.0.2.1"), ra=True)
    known = {"AAAA": excluded, "A": FOUND}
    made = ["www.test. 600 AAAA 64:ff9b::c000:221"]
    assert answer(known, flags="rd=0", excluded=["::ffff:0:0/96"]) == answer(known, excluded=["::ffff:0:0/96"]) == made
