from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.errors import ResolutionFailed
from resolver.filters.policy import Cause, Dropped, Left, Redirected, Settled, Truncated, Verdict
from resolver.filters.prefixes import Prefix
from resolver.filters.rpz.actions import SIMPLE, Kind
from resolver.filters.rpz.policy import DENIED_S, Conduct, PolicyZones, Server, Used
from resolver.filters.rpz.zone import Zone
from resolver.message import Client, Edns, Query, Question, Rcode, Reply, Transport, Type
from resolver.wire import names, types
from tests.support.messages import name, sets
from tests.support.policy_zones import zone

HOST = "192.0.2.7"
SOA = "@ SOA ns.test. host.test. 1 2 3 4 30"
FAILED = ResolutionFailed("TEST", 22, "nothing")


class Known:
    """Servers by the zone that they serve."""

    def __init__(self, **servers: Iterable[tuple[str, str]]) -> None:
        self._servers = {
            name(zone.replace("_", ".") + "."): [
                Server(name(each), (ipaddress.ip_address(address).packed,)) for each, address in listed
            ]
            for zone, listed in servers.items()
        }

    def of(self, asked: bytes) -> Iterable[Server]:
        for each in names.ancestors(asked):
            yield from self._servers.get(each, ())


class Policies:
    """The policy of some zones, with what it tells."""

    def __init__(self, *zones: Zone | Used, servers: object = None, translated: Sequence[Prefix] = ()) -> None:
        self.told: list[Cause] = []
        used = [each if isinstance(each, Used) else Used(each) for each in zones]
        self.policy = PolicyZones(used, servers or Known(), self._tell, translated)  # type: ignore[arg-type]

    def _tell(self, _: Query, cause: Cause) -> None:
        self.told.append(cause)

    def query(self, asked: str, rtype: str = "A", host: str = HOST, do: bool = False) -> Query:
        client = Client(host, 9, Transport.UDP)
        return Query(Question(name(asked), types.from_text(rtype)), client, 1, 0.0, edns=Edns(do=True) if do else None)

    def before(self, asked: str, rtype: str = "A", **options) -> Verdict | None:
        return self.policy.before(self.query(asked, rtype, **options))

    def after(self, asked: str, *answer: str, rtype: str = "A", **options) -> Verdict | None:
        return self.policy.after(self.query(asked, rtype, **options), Reply(0, sets(answer), ra=True))

    def whole(self, asked: str, *answer: str, rtype: str = "A", **options) -> Verdict | None:
        """What is said before, or else after."""
        return self.before(asked, rtype, **options) or self.after(asked, *answer, rtype=rtype, **options)


def trigger(verdict: Verdict | None) -> str | None:
    return None if verdict is None else verdict.cause.trigger


def texts(verdict: Verdict | None) -> list[str]:
    assert isinstance(verdict, Settled)
    return [f"{names.to_text(each.name)} {types.to_text(each.type)}" for each in verdict.reply.answer]


# -- actions


@pytest.mark.parametrize(
    ("action", "rcode"), [("CNAME .", Rcode.NXDOMAIN), ("CNAME *.", Rcode.NOERROR), ("TXT x", Rcode.NOERROR)]
)
def test_a_denial_may_be_remembered_for_a_while_and_names_its_zone(action, rcode):
    said = Policies(zone(SOA, f"bad.test {action}")).before("bad.test.")
    assert isinstance(said, Settled)
    assert said.cause == Cause("rpz", "qname bad.test.", "rpz.test.")
    (authority,), (beside,) = said.reply.authority, said.reply.additional
    assert (said.reply.rcode, said.reply.answer, said.reply.storable, said.reply.ra) == (rcode, (), False, True)
    assert (authority.name, authority.type, authority.ttl) == (name("bad.test."), Type.SOA, 30)
    assert (beside.name, beside.type) == (name("rpz.test."), Type.SOA)
    assert [(each.code, each.text.endswith("[RPZH]")) for each in said.reply.ede] == [(15, True)]


def test_a_denial_of_a_zone_without_a_soa_is_remembered_for_a_minute():
    said = Policies(zone("bad.test CNAME .")).before("bad.test.")
    assert isinstance(said, Settled)
    assert said.reply.authority[0].ttl == DENIED_S


def test_data_is_told_of_its_type_and_of_any():
    policies = Policies(zone("bad.test A 192.0.2.1", "bad.test AAAA ::1"))
    assert texts(policies.before("bAd.test.")) == ["bAd.test. A"]
    assert texts(policies.before("bad.test.", "ANY")) == ["bad.test. A", "bad.test. AAAA"]
    assert texts(policies.before("bad.test.", "MX")) == []


@pytest.mark.parametrize(
    ("action", "kind"),
    [("rpz-passthru.", Left), ("rpz-drop.", Dropped), ("rpz-tcp-only.", Truncated)],
)
def test_what_tells_nothing_itself_is_a_verdict(action, kind):
    assert isinstance(Policies(zone(f"bad.test CNAME {action}")).before("bad.test."), kind)


def test_an_alias_leads_to_its_target_and_is_told_to_who_asks_for_it():
    policies = Policies(zone("bad.test CNAME garden.test.", "*.bad.test CNAME *.garden.test."))
    said = policies.before("bad.test.")
    assert isinstance(said, Redirected)
    assert (said.target, said.links[0].rdatas, said.links[0].ttl) == (name("garden.test."), (name("garden.test."),), 60)
    below = policies.before("a.bad.test.")
    assert isinstance(below, Redirected)
    assert below.target == name("a.bad.test.garden.test.")
    assert texts(policies.before("bad.test.", "CNAME")) == ["bad.test. CNAME"]


def test_an_alias_to_a_name_that_would_be_too_long_is_yxdomain():
    long = ".".join(["x" * 49] * 4 + ["bad.test."])
    said = Policies(zone("*.bad.test CNAME *." + "y" * 49 + ".")).before(long)
    assert isinstance(said, Settled)
    assert said.reply.rcode == Rcode.YXDOMAIN


# -- triggers


def test_a_client_is_told_by_its_network():
    policies = Policies(zone("24.0.2.0.192.rpz-client-ip CNAME rpz-drop.", "48.zz.1.db8.2001.rpz-client-ip CNAME ."))
    assert policies.policy.by_client
    assert trigger(policies.before("any.test.")) == "client-ip 192.0.2.0/24"
    assert trigger(policies.before("any.test.", host="2001:db8:1::9")) == "client-ip 2001:db8:1::/48"
    assert policies.before("any.test.", host="198.51.100.1") is None
    assert policies.before("any.test.", host="fe80::1%eth0") is None


def test_an_address_in_the_answer_is_found_and_the_smallest_network_wins():
    policies = Policies(
        zone("8.0.0.0.10.rpz-ip CNAME .", "32.1.0.0.10.rpz-ip CNAME rpz-passthru.", "128.1.zz.db8.2001.rpz-ip CNAME *.")
    )
    assert policies.before("a.test.") is None
    assert trigger(policies.after("a.test.", "a.test. 9 IN A 10.9.9.9")) == "ip 10.0.0.0/8"
    both = policies.after("a.test.", "a.test. 9 IN A 10.9.9.9", "a.test. 9 IN A 10.0.0.1")
    assert (trigger(both), type(both)) == ("ip 10.0.0.1/32", Left)
    assert trigger(policies.after("a.test.", "a.test. 9 IN AAAA 2001:db8::1")) == "ip 2001:db8::1/128"
    assert policies.after("a.test.", "a.test. 9 IN A 192.0.2.1") is None
    assert policies.after("a.test.", "a.test. 9 IN TXT 10.9.9.9", rtype="TXT") is None


def test_of_addresses_with_equal_prefixes_the_lowest_wins():
    policies = Policies(zone("32.2.0.0.10.rpz-ip CNAME .", "32.1.0.0.10.rpz-ip CNAME *."))
    said = policies.after("a.test.", "a.test. 9 IN A 10.0.0.2", "a.test. 9 IN A 10.0.0.1")
    assert trigger(said) == "ip 10.0.0.1/32"


def test_an_ipv4_network_is_as_small_as_the_addresses_that_it_leaves_open():
    policies = Policies(zone("24.0.0.0.10.rpz-ip CNAME .", "48.zz.1.db8.2001.rpz-ip CNAME *."))
    both = ("a.test. 9 IN AAAA 2001:db8:1::1", "a.test. 9 IN A 10.0.0.1")
    assert trigger(policies.after("a.test.", *both, rtype="ANY")) == "ip 10.0.0.0/24"
    assert trigger(policies.after("a.test.", *reversed(both), rtype="ANY")) == "ip 10.0.0.0/24"


@pytest.mark.parametrize("turned", [False, True])
def test_of_rules_for_servers_the_best_is_heeded_whatever_the_order_of_the_servers(turned: bool):
    listed = [("x.evil.test.", "192.0.2.1"), ("ns.evil.test.", "192.0.2.2"), ("a.b.wild.test.", "192.0.2.3")]
    servers = Known(evil_test=listed[::-1] if turned else listed)
    wildcards = ("*.b.wild.test.rpz-nsdname CNAME .", "*.evil.test.rpz-nsdname CNAME *.")
    equals = ("x.evil.test.rpz-nsdname CNAME rpz-drop.", "ns.evil.test.rpz-nsdname CNAME rpz-passthru.")
    assert trigger(Policies(zone(*wildcards), servers=servers).after("evil.test.")) == "nsdname *.b.wild.test."
    assert trigger(Policies(zone(*wildcards, *equals), servers=servers).after("evil.test.")) == "nsdname ns.evil.test."


def test_an_address_that_a_translator_makes_is_the_ipv4_address_too():
    prefix = Prefix(ipaddress.IPv6Network("64:ff9b::/96"))
    policies = Policies(zone("24.0.113.0.203.rpz-ip CNAME ."), translated=[prefix])
    assert trigger(policies.after("a.test.", "a.test. 9 IN AAAA 64:ff9b::203.0.113.9", rtype="AAAA")) == (
        "ip 203.0.113.0/24"
    )
    assert policies.after("a.test.", "a.test. 9 IN AAAA 64:ff9b::192.0.2.9", rtype="AAAA") is None
    assert policies.after("a.test.", "a.test. 9 IN AAAA 2001:db8::203.0.113.9", rtype="AAAA") is None


def test_data_for_an_address_is_told_in_the_place_of_the_answer():
    said = Policies(zone("32.1.0.0.10.rpz-ip A 192.0.2.99")).after("a.test.", "a.test. 9 IN A 10.0.0.1")
    assert texts(said) == ["a.test. A"]
    assert isinstance(said, Settled)
    assert not said.reply.aa


def test_the_servers_of_a_name_and_of_what_is_above_it_are_looked_at():
    servers = Known(evil_test=[("ns.evil.test.", "203.0.113.1")], test=[("ns.nic.test.", "198.51.100.1")])
    named = Policies(zone("ns.evil.test.rpz-nsdname CNAME ."), servers=servers)
    placed = Policies(zone("24.0.100.51.198.rpz-nsip CNAME ."), servers=servers)
    assert trigger(named.after("www.evil.test.", "www.evil.test. 9 IN A 192.0.2.1")) == "nsdname ns.evil.test."
    assert named.after("www.good.test.", "www.good.test. 9 IN A 192.0.2.1") is None
    assert trigger(placed.after("www.evil.test.")) == "nsip 198.51.100.0/24"
    assert trigger(placed.policy.after(placed.query("x.test."), FAILED)) == "nsip 198.51.100.0/24"


# -- precedence


def test_in_a_zone_the_client_comes_first_then_the_question_the_answer_and_the_servers():
    servers = Known(bad_test=[("ns.bad.test.", "203.0.113.1")])
    rules = [
        "24.0.2.0.192.rpz-client-ip CNAME .",
        "bad.test CNAME .",
        "32.1.0.0.10.rpz-ip CNAME .",
        "ns.bad.test.rpz-nsdname CNAME .",
        "32.1.113.0.203.rpz-nsip CNAME .",
    ]
    seen = []
    while rules:
        seen.append(trigger(Policies(zone(*rules), servers=servers).whole("bad.test.", "bad.test. 9 IN A 10.0.0.1")))
        rules.pop(0)
    assert [each and each.split()[0] for each in seen] == ["client-ip", "qname", "ip", "nsdname", "nsip"]


def test_the_zone_that_stands_earlier_wins_whatever_the_trigger():
    first = zone("32.1.0.0.10.rpz-ip CNAME rpz-passthru.", origin="first.test.")
    second = zone("bad.test CNAME .", origin="second.test.")
    waits = Policies(first, second)
    assert waits.before("bad.test.") is None, "the answer may have an address of the first zone"
    said = waits.after("bad.test.", "bad.test. 9 IN A 10.0.0.1")
    assert isinstance(said, Left)
    assert trigger(waits.after("bad.test.", "bad.test. 9 IN A 10.0.0.2")) == "qname bad.test."
    assert trigger(waits.policy.after(waits.query("bad.test."), FAILED)) == "qname bad.test."
    assert trigger(Policies(second, first).before("bad.test.")) == "qname bad.test."


def test_what_comes_earlier_in_a_chain_of_aliases_wins_over_an_earlier_zone():
    first = zone("c.test CNAME .", "32.1.0.0.10.rpz-ip CNAME .", origin="first.test.")
    second = zone("b.test A 192.0.2.99", origin="second.test.")
    chain = ("a.test. 9 IN CNAME b.test.", "b.test. 9 IN CNAME c.test.", "c.test. 9 IN A 10.0.0.1")
    said = Policies(first, second).after("a.test.", *chain)
    assert (trigger(said), texts(said)) == ("qname b.test.", ["a.test. CNAME", "b.test. A"])
    only = Policies(first).after("a.test.", *chain)
    assert (trigger(only), texts(only)) == ("qname c.test.", ["a.test. CNAME", "b.test. CNAME"])
    assert isinstance(only, Settled)
    assert only.reply.rcode == Rcode.NXDOMAIN


def test_an_alias_in_a_chain_leads_on_from_where_the_rule_fits():
    said = Policies(zone("b.test CNAME garden.test.")).after("a.test.", "a.test. 9 IN CNAME b.test.")
    assert isinstance(said, Redirected)
    assert [names.to_text(each.rdatas[0]) for each in said.links] == ["b.test.", "garden.test."]


def test_who_asks_for_the_alias_itself_is_told_of_no_rule_for_its_target():
    policies = Policies(zone("b.test CNAME ."))
    assert policies.after("a.test.", "a.test. 9 IN CNAME b.test.", rtype="CNAME") is None


def test_a_ring_of_aliases_has_an_end():
    ring = ("a.test. 9 IN CNAME b.test.", "b.test. 9 IN CNAME a.test.")
    assert Policies(zone("32.1.0.0.10.rpz-ip CNAME .")).after("a.test.", *ring) is None


# -- how a zone is used


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [(Kind.NXDOMAIN, Settled), (Kind.PASSTHRU, Left), (Kind.DROP, Dropped), (Kind.TCP_ONLY, Truncated)],
)
def test_an_action_of_the_configuration_takes_the_place_of_those_of_the_rules(kind, verdict):
    used = Used(zone("bad.test A 192.0.2.1"), Conduct(SIMPLE[kind]))
    assert isinstance(Policies(used).before("bad.test."), verdict)


def test_a_zone_that_is_disabled_changes_nothing_and_tells_what_it_would_have_done():
    disabled = Used(zone("bad.test CNAME .", "32.1.0.0.10.rpz-ip CNAME .", origin="try.test."), Conduct(disabled=True))
    policies = Policies(disabled, zone("32.1.0.0.10.rpz-ip CNAME *."))
    assert policies.before("bad.test.") is None
    said = policies.after("bad.test.", "bad.test. 9 IN A 10.0.0.1")
    assert (said and said.cause.source, policies.told) == ("rpz.test.", [Cause("rpz", "qname bad.test.", "try.test.")])
    delayed = Policies(disabled, zone("bad.test CNAME ."))
    assert trigger(delayed.before("bad.test.")) == "qname bad.test.", "a disabled zone delays nothing"


SIGNED = ("bad.test. 9 IN A 10.0.0.1", "bad.test. 9 IN RRSIG A 13 2 9 20300101000000 20260101000000 1 test. AQID")


def test_a_zone_that_does_not_break_dnssec_lets_signed_answers_pass_for_who_wants_signatures():
    polite = Policies(Used(zone("bad.test CNAME ."), Conduct(break_dnssec=False)))
    assert polite.before("bad.test.", do=True) is None
    assert polite.after("bad.test.", *SIGNED, do=True) is None
    assert trigger(polite.after("bad.test.", SIGNED[0], do=True)) == "qname bad.test."
    assert trigger(polite.before("bad.test.")) == "qname bad.test."
    assert trigger(Policies(zone("bad.test CNAME .")).before("bad.test.", do=True)) == "qname bad.test."


def test_an_alias_before_what_is_told_loses_its_signature():
    answer = ("a.test. 9 IN CNAME bad.test.", SIGNED[1].replace("bad.test. 9", "a.test. 9"), SIGNED[0])
    assert texts(Policies(zone("bad.test A 192.0.2.9")).after("a.test.", *answer)) == ["a.test. CNAME", "bad.test. A"]


@pytest.mark.parametrize("code", [None, 17])
def test_the_extended_error_is_the_one_that_is_wanted(code):
    said = Policies(Used(zone("bad.test CNAME ."), Conduct(ede=code))).before("bad.test.")
    assert isinstance(said, Settled)
    assert [each.code for each in said.reply.ede] == ([] if code is None else [code])


labels = st.sampled_from("abc")
owners = st.lists(labels, min_size=1, max_size=4).map(lambda parts: ".".join([*parts, "test."]))


@given(st.dictionaries(st.tuples(st.booleans(), owners), st.integers(1, 9), max_size=12), owners)
def test_the_best_fit_is_what_looking_at_all_rules_finds(rules, asked):
    made = zone(*(f"{'*.' * wild}{owner.removesuffix('.')} A 192.0.2.{last}" for (wild, owner), last in rules.items()))
    fits = [
        (not wild, len(owner), last)
        for (wild, owner), last in rules.items()
        if (asked.endswith("." + owner) if wild else asked == owner)
    ]
    said = Policies(made).before(asked)
    if not fits:
        assert said is None
        return
    assert isinstance(said, Settled)
    assert said.reply.answer[0].rdatas[0][-1] == max(fits)[2]
