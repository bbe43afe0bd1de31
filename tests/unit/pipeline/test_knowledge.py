from __future__ import annotations

from dataclasses import replace

import pytest

from resolver import hints
from resolver.cache.records import Records, TtlLimits
from resolver.cache.servers import Servers
from resolver.dnssec.anchors import Anchor
from resolver.dnssec.gaps import Gaps
from resolver.dnssec.negative import NegativeAnchor, NegativeAnchors
from resolver.dnssec.trust import Trust
from resolver.engine.delegation import Delegation
from resolver.engine.knowledge import Route
from resolver.engine.outcome import Alias, Answered, Denied, Overlong
from resolver.message import Proof, Question, Rcode, Status, Type
from resolver.network.entropy import SeededEntropy
from resolver.pipeline.knowledge import Known
from resolver.pipeline.routes import Routes
from resolver.wire import names
from tests.support import denials, zone_text
from tests.support.clocks import ManualClock
from tests.support.engine import delegation
from tests.support.messages import name, rrset, sets, soa

ROOT = hints.root(delegation(".", 1).servers)


def made(*, stubs=(), forwards=(), recursed_root: bool = False, **limits):
    clock = ManualClock()
    routes = Routes(
        ROOT,
        recursed_root,
        {name(zone): delegation(zone, 50 + number) for number, zone in enumerate(stubs)},
        {name(zone): Route(delegation(zone, 90 + number), recursed=True) for number, zone in enumerate(forwards)},
    )
    records = Records(1 << 20, clock, TtlLimits(**limits))
    return Known(records, Servers(clock, SeededEntropy(1)), routes, clock, port=53, minimises=True), clock


def denying(*, stubs=(), negatives: NegativeAnchors | None = None) -> Known:
    """What knows that nothing is between a.example. and c.example., and that gone.example. does not exist."""
    known, clock = made(stubs=stubs)
    trust = Trust({names.ROOT: Anchor(names.ROOT)}, clock, gaps=Gaps(), negatives=negatives)
    known = Known(known.records, known.servers, known.routes, clock, port=53, minimises=True, trust=trust)
    gap = denials.nsec("a.example.", "c.example.", [Type.A])
    top = denials.nsec("example.", "a.example.", [Type.NS, Type.SOA])
    assert trust.gaps is not None
    trust.gaps.learn(name("example."), denials.soa(), [gap, top], int(clock.boottime()), 0)
    gone = denials.nsec("e.example.", "k.example.", [Type.A])
    said = denials.soa()._replace(proof=Proof(Status.SECURE, (), (gone, top)))
    known.learn(zone_text.question("gone.example.", "A"), Denied((), name("gone.example."), Rcode.NXDOMAIN, said, True))
    return known


def routed(known: Known, asked: str, rtype: str = "A") -> tuple[str, bool]:
    """The zone whose servers are asked, and whether they recurse."""
    route = known.route(zone_text.question(asked, rtype))
    assert route is not None
    return names.to_text(route.delegation.zone), route.recursed


# -- who is asked


def test_the_learnt_delegation_closest_to_the_name_is_asked_and_the_root_otherwise():
    known, _ = made()
    known.learn_delegation(delegation("com.", 2))
    known.learn_delegation(delegation("example.com.", 3))
    assert routed(known, "www.Example.com.") == ("example.com.", False)
    assert routed(known, "example.com.") == ("example.com.", False)
    assert routed(known, "other.com.") == ("com.", False)
    assert routed(known, "xexample.com.") == ("com.", False)
    assert routed(known, "www.example.net.") == (".", False)


def test_a_delegation_lives_as_long_as_its_ttl_and_never_longer():
    known, clock = made(maximum=600)
    known.learn_delegation(delegation("com.", 2, ttl=300))
    known.learn_delegation(delegation("net.", 2, ttl=90_000))
    clock.advance(299)
    assert routed(known, "a.com.") == ("com.", False)
    clock.suspend(1)
    assert routed(known, "a.com.") == (".", False)
    assert routed(known, "a.net.") == ("net.", False)
    clock.advance(300)
    assert routed(known, "a.net.") == (".", False)
    known.learn_delegation(delegation("org.", 2, ttl=0))
    assert routed(known, "a.org.") == (".", False)


def test_what_a_zone_says_of_its_own_servers_does_not_extend_its_delegation():
    """The child's NS set is data; the delegation is the parent's (the ghost domains of 2012)."""
    known, clock = made()
    known.learn_delegation(delegation("ghost.com.", 2, ttl=60))
    clock.advance(30)
    ns = Answered((), sets("ghost.com. 9999 IN NS ns.ghost.com."), True)
    known.learn(zone_text.question("ghost.com.", "NS"), ns)
    clock.advance(30)
    assert routed(known, "www.ghost.com.") == (".", False)


def learnt_through(parent: str, zone: str, ttl: int) -> Delegation:
    return replace(delegation(zone, 3, ttl=ttl), parent=name(parent))


def test_a_delegation_lives_no_longer_than_the_one_through_which_it_was_learnt():
    """Phoenix domain: a zone that is taken away must not live on in what was learnt from its servers."""
    known, clock = made()
    known.learn_delegation(learnt_through(".", "com.", 9000))
    known.learn_delegation(learnt_through("com.", "evil.com.", 60))
    clock.advance(50)
    known.learn_delegation(learnt_through("evil.com.", "sub.evil.com.", 9000))
    known.learn_delegation(learnt_through("sub.evil.com.", "x.sub.evil.com.", 9000))
    assert routed(known, "www.x.sub.evil.com.") == ("x.sub.evil.com.", False)
    clock.advance(9)
    assert routed(known, "www.x.sub.evil.com.") == ("x.sub.evil.com.", False)
    clock.advance(1)
    assert routed(known, "www.x.sub.evil.com.") == ("com.", False)
    known.learn_delegation(learnt_through("evil.com.", "sub.evil.com.", 9000))
    assert routed(known, "sub.evil.com.") == ("com.", False), "nor is it learnt anew through what is gone"


def test_what_the_root_or_the_configuration_delegates_is_good_for_its_own_ttl():
    known, clock = made(stubs=["stub."], forwards=["forward."])
    known.learn_delegation(replace(delegation(".", 1, ttl=10), parent=names.ROOT))
    for parent in (".", "stub."):
        zone = "a." + parent.lstrip(".")
        known.learn_delegation(learnt_through(parent, zone, 600))
        clock.advance(20)
        assert routed(known, f"x.{zone}") == (zone, False)


@pytest.mark.rfc(4035, "4.2")
def test_a_ds_is_routed_to_the_parent():
    known, _ = made()
    known.learn_delegation(delegation("com.", 2))
    known.learn_delegation(delegation("example.com.", 3))
    assert routed(known, "example.com.", "DS") == ("com.", False)
    assert routed(known, "com.", "DS") == (".", False)
    assert routed(known, ".", "DS") == (".", False)
    assert routed(known, "www.example.com.", "DS") == ("example.com.", False)


def test_the_longest_match_of_forward_and_stub_zones_wins():
    known, _ = made(stubs=["corp.", "lab.forward."], forwards=["forward.", "a.corp."])
    assert routed(known, "x.forward.") == ("forward.", True)
    assert routed(known, "x.lab.forward.") == ("lab.forward.", False)
    assert routed(known, "x.corp.") == ("corp.", False)
    assert routed(known, "x.a.corp.") == ("a.corp.", True)
    assert routed(known, "x.test.") == (".", False)


def test_a_forward_zone_hides_the_delegations_below_it_and_a_stub_zone_is_the_one_at_its_top():
    known, _ = made(stubs=["stub."], forwards=["forward."])
    for zone in ("forward.", "a.forward.", "stub.", "a.stub."):
        known.learn_delegation(delegation(zone, 7))
    assert routed(known, "x.a.forward.") == ("forward.", True)
    assert routed(known, "x.a.stub.") == ("a.stub.", False)
    route = known.route(zone_text.question("x.stub.", "A"))
    assert route is not None
    assert route.delegation.servers[0].endpoints[0].host == "192.0.2.50"


def test_the_ds_of_a_forwarded_zone_belongs_to_its_parent():
    known, _ = made(forwards=["corp.test."])
    assert routed(known, "corp.test.", "DS") == (".", False)
    assert routed(known, "a.corp.test.", "DS") == ("corp.test.", True)


def test_everything_may_be_forwarded():
    known, _ = made(forwards=["."], stubs=["corp."])
    assert routed(known, "www.example.com.") == (".", True)
    assert routed(known, ".", "NS") == (".", True)
    assert routed(known, "x.corp.") == ("corp.", False)


def test_in_the_recursive_mode_the_root_is_asked_to_recurse_whatever_was_learnt():
    known, _ = made(recursed_root=True, stubs=["corp."], forwards=["fwd."])
    known.learn_delegation(delegation("com.", 2))
    assert routed(known, "www.example.com.") == (".", True)
    assert routed(known, "x.corp.") == ("corp.", False)
    assert routed(known, "x.fwd.") == ("fwd.", True)


# -- priming


@pytest.mark.rfc(9609, "3")
def test_the_root_is_primed_once_and_again_when_what_was_learnt_has_ended():
    known, clock = made()
    assert known.wants_priming()
    assert not known.wants_priming()
    known.learn_delegation(delegation(".", 1, ttl=600))
    clock.advance(599)
    assert not known.wants_priming()
    clock.advance(1)
    assert known.wants_priming()


@pytest.mark.rfc(9609, "3")
def test_a_priming_that_failed_is_not_tried_for_a_minute():
    known, clock = made()
    assert known.wants_priming()
    clock.advance(59)
    assert not known.wants_priming()
    clock.advance(1)
    assert known.wants_priming()


def test_a_root_that_is_configured_is_not_primed():
    known, _ = made(stubs=["."])
    assert not known.wants_priming()


# -- what is held


def test_what_was_learnt_is_recalled_with_the_time_that_is_left():
    known, clock = made()
    question = zone_text.question("www.example.com.", "A")
    chain = sets("www.example.com. 100 IN CNAME web.example.com.")
    data = sets("web.example.com. 50 IN A 192.0.2.1")
    learnt = Answered(chain, data, True)
    assert known.learn(question, learnt) == learnt
    clock.advance(10)
    recalled = known.recall(question.name, Type.A)
    assert recalled == Alias((chain[0]._replace(ttl=90),), name("web.example.com."), False)
    assert known.recall(name("web.example.com."), Type.A) == Answered((), (data[0]._replace(ttl=40),), False)
    assert known.recall(name("web.example.com."), Type.MX) is None
    assert [known.current(each).ttl for each in (*chain, *data)] == [90, 40]


@pytest.mark.rfc(2308, "5")
@pytest.mark.parametrize(("rcode", "also"), [(Rcode.NXDOMAIN, True), (Rcode.NOERROR, False)])
def test_a_denial_is_held_for_the_last_name_of_its_chain(rcode, also):
    known, _ = made()
    chain = sets("www.example.com. 100 IN CNAME gone.example.com.")
    denial = rrset(soa("example.com.", ttl=900, minimum=60))
    gone = name("gone.example.com.")
    learnt = known.learn(zone_text.question("www.example.com.", "A"), Denied(chain, gone, rcode, denial, True))
    assert learnt == Denied(chain, gone, rcode, denial._replace(ttl=60), True)
    assert known.recall(gone, Type.A) == Denied((), gone, rcode, denial._replace(ttl=60), False)
    assert (known.recall(gone, Type.MX) is not None) == also
    assert known.recall(name("www.example.com."), Type.A) is not None


@pytest.mark.rfc(2308, "5")
def test_a_denial_without_a_soa_is_not_held():
    known, _ = made()
    gone = name("gone.example.com.")
    known.learn(Question(gone, Type.A), Denied((), gone, Rcode.NXDOMAIN, None, True))
    assert known.recall(gone, Type.A) is None


@pytest.mark.rfc(2181, "5.4.1")
def test_an_answer_without_authority_does_not_replace_one_with_it():
    known, _ = made()
    question = zone_text.question("www.example.com.", "A")
    good, worse = (sets(f"www.example.com. 100 IN A 192.0.2.{last}") for last in (1, 2))
    known.learn(question, Answered((), good, True))
    known.learn(question, Answered((), worse, False))
    assert known.recall(question.name, Type.A) == Answered((), good, False)


def test_learning_tells_the_ttls_that_are_kept():
    known, _ = made(minimum=60, maximum=600)
    question = zone_text.question("www.example.com.", "A")
    alias = Alias(sets("www.example.com. 9000 IN CNAME a.example.com."), name("a.example.com."), True)
    kept = known.learn(question, alias)
    assert isinstance(kept, Alias)
    assert kept.chain[0].ttl == 600
    overlong = Overlong(())
    assert known.learn(question, overlong) is overlong


def test_flushing_takes_records_and_delegations():
    known, _ = made()
    for zone in ("com.", "example.com.", "sub.example.com."):
        known.learn_delegation(Delegation(name(zone), (), 600))
        known.learn(zone_text.question(zone, "A"), Answered((), sets(f"{zone} 600 IN A 192.0.2.1"), True))
    assert known.flush(name("EXAMPLE.com."), subtree=False) == 2
    assert routed(known, "x.example.com.") == ("com.", False)
    assert known.flush(name("com."), subtree=True) == 4
    assert routed(known, "x.sub.example.com.") == (".", False)
    assert len(known.records) == 0


# -- DNAME

DNAME = "legacy.example.org. 300 IN DNAME example.com."
MADE = "www.legacy.example.org. 300 IN CNAME www.example.com."


@pytest.mark.rfc(6672, "3.4")
def test_a_dname_that_is_held_answers_for_every_name_below_it_and_not_for_itself():
    known, clock = made()
    learnt = known.learn(
        zone_text.question("www.legacy.example.org.", "A"), Alias(sets([DNAME, MADE]), name("www.example.com."), True)
    )
    assert isinstance(learnt, Alias)
    assert learnt.chain == sets([DNAME, MADE])
    clock.advance(100)
    for below, target in (
        ("www.legacy.example.org.", "www.example.com."),
        ("a.b.Legacy.example.org.", "a.b.example.com."),
    ):
        recalled = known.recall(name(below), Type.AAAA)
        assert isinstance(recalled, Alias)
        assert recalled.target == name(target)
        assert [(each.type, each.ttl) for each in recalled.chain] == [(Type.DNAME, 200), (Type.CNAME, 200)]
        assert recalled.chain[1].name == name(below)
    assert known.recall(name("legacy.example.org."), Type.A) is None
    assert known.recall(name("xlegacy.example.org."), Type.A) is None
    clock.advance(200)
    assert known.recall(name("www.legacy.example.org."), Type.A) is None


@pytest.mark.rfc(6672, "2.2")
def test_a_dname_that_is_held_says_when_a_name_gets_too_long():
    known, _ = made()
    long = "l.example.org. 300 IN DNAME " + ".".join(["a" * 60] * 3) + "."
    known.learn(zone_text.question("l.example.org.", "DNAME"), Answered((), sets(long), True))
    assert isinstance(known.recall(name("b" * 63 + "." + "c" * 20 + ".l.example.org."), Type.A), Overlong)


def test_delegations_can_outlive_what_is_known_of_whom_to_ask():
    known, clock = made()
    known.learn_delegation(delegation("com.", 2))
    again = Known(
        known.records,
        known.servers,
        Routes(ROOT),
        clock,
        port=53,
        minimises=True,
        delegations=known.delegations,
    )
    assert routed(again, "a.com.") == ("com.", False)


@pytest.mark.rfc(6672, "3.4")
def test_the_alias_that_a_dname_makes_is_itself_the_answer_where_it_is_asked_for():
    known, _ = made()
    dname = rrset("old.example.com. 100 IN DNAME new.example.com.")
    known.learn(zone_text.question("old.example.com.", "DNAME"), Answered((), (dname,), True))
    alias = rrset("a.old.example.com. 100 IN CNAME a.new.example.com.")
    for rtype in (Type.CNAME, Type.ANY):
        assert known.recall(alias.name, rtype) == Answered((dname,), (alias,), False)


@pytest.mark.rfc(6672, "3.4")
def test_an_alias_that_was_asked_for_and_made_by_a_dname_is_not_held_without_it():
    known, _ = made()
    dname, alias = sets([DNAME, MADE])
    known.learn(zone_text.question("www.legacy.example.org.", "CNAME"), Answered((dname,), (alias,), True))
    recalled = known.recall(alias.name, Type.A)
    assert isinstance(recalled, Alias)
    assert recalled.chain == (dname, alias)


@pytest.mark.rfc(4035, "4.2")
def test_what_the_parent_says_of_a_ds_does_not_deny_the_name_itself():
    known, _ = made(stubs=["corp."])
    denied = Denied((), name("corp."), Rcode.NXDOMAIN, rrset(soa(".")), True)
    known.learn(zone_text.question("corp.", "DS"), denied)
    assert known.recall(name("corp."), Type.A) is None
    assert known.recall(name("corp."), Type.SOA) is None
    assert isinstance(known.recall(name("corp."), Type.DS), Denied)


@pytest.mark.rfc(2308, "5")
def test_a_name_that_does_not_exist_has_no_ds_now_and_later():
    known, _ = made(stubs=["corp."])
    known.learn(
        zone_text.question("no.such.", "DS"), Denied((), name("no.such."), Rcode.NXDOMAIN, rrset(soa(".")), True)
    )
    for rtype in (Type.DS, Type.A):
        recalled = known.recall(name("no.such."), rtype)
        assert isinstance(recalled, Denied)
        assert recalled.rcode == Rcode.NXDOMAIN


@pytest.mark.rfc(8020, "2")
@pytest.mark.rfc(8198, "5.1")
@pytest.mark.parametrize("asked", ["b.example.", "x.b.example.", "x.gone.example."])
def test_a_checked_question_is_answered_from_what_is_proven_of_other_names(asked):
    known = denying()
    concluded = known.recall(name(asked), Type.A)
    assert isinstance(concluded, Denied)
    assert (concluded.name, concluded.rcode) == (name(asked), Rcode.NXDOMAIN)
    assert known.recall(name(asked), Type.A, checked=False) is None
    assert known.recall(name("d.example."), Type.A) is None


@pytest.mark.rfc(8198, "5.3")
def test_a_wildcard_that_has_answered_once_answers_for_other_names():
    known = denying()
    gap = denials.nsec("m.example.", "z.example.", [Type.A])
    proof = Proof(Status.SECURE, (denials.signature(Type.A, 1),), (gap,))
    told = rrset("one.example. 100 IN A 192.0.2.1")._replace(proof=proof)
    assert known.recall(name("two.example."), Type.A) is None
    known.learn(zone_text.question("one.example.", "A"), Answered((), (told,), True))
    concluded = known.recall(name("two.example."), Type.A)
    assert isinstance(concluded, Answered)
    (made,) = concluded.rrsets
    assert (made.name, made.rdatas, made.status) == (name("two.example."), told.rdatas, Status.SECURE)
    assert known.recall(name("two.example."), Type.A, checked=False) is None


@pytest.mark.rfc(8198, "5.3")
def test_an_alias_at_a_wildcard_that_has_led_once_leads_other_names():
    known = denying()
    gap = denials.nsec("m.example.", "z.example.", [Type.A])
    proof = Proof(Status.SECURE, (denials.signature(Type.CNAME, 1),), (gap,))
    alias = rrset("three.example. 100 IN CNAME a.org.")._replace(proof=proof)
    known.learn(zone_text.question("three.example.", "MX"), Alias((alias,), name("a.org."), True))
    assert isinstance(known.recall(name("two.example."), Type.MX), Alias)


@pytest.mark.parametrize(("asked", "stub"), [("x.b.example.", "b.example."), ("x.y.gone.example.", "y.gone.example.")])
def test_nothing_is_proven_of_names_that_others_are_asked_about(asked, stub):
    assert denying(stubs=("org.",)).recall(name(asked), Type.A) is not None
    assert denying(stubs=(stub,)).recall(name(asked), Type.A) is None


@pytest.mark.rfc(7646, "2")
def test_nothing_is_proven_of_names_below_a_negative_trust_anchor():
    negative = NegativeAnchors((NegativeAnchor(name("b.example.")),))
    known = denying(negatives=negative)
    assert known.recall(name("x.b.example."), Type.A) is None
    assert known.recall(name("bb.example."), Type.A) is not None


def test_delegations_are_bounded_by_what_they_weigh():
    from resolver.cache.table import Table
    from resolver.pipeline.knowledge import weigh

    clock = ManualClock()
    table = Table(100_000, clock, weigh)
    for number in range(1000):
        table.put(name(f"z{number}."), delegation(f"z{number}.", *range(1, 14)), 60)
    held = [each for _, each in table.items()]
    assert 10 < len(held) < 50
    assert sum(map(weigh, held)) <= 100_000
    assert held[-1].zone == name("z999.")
    table.resize(20_000)
    assert sum(weigh(each) for _, each in table.items()) <= 20_000
    assert table.get(name("z999.")) is not None


# -- what is stale


def test_what_is_stale_is_recalled_with_ttls_of_0_and_never_before_what_is_fresh():
    known, clock = made()
    www = name("www.example.com.")
    old = sets("www.example.com. 100 IN A 192.0.2.1")
    known.learn(zone_text.question("www.example.com.", "A"), Answered((), old, True))
    clock.advance(150)
    assert known.recall(www, Type.A) is None
    stale = known.recall_stale(www, Type.A, 60)
    assert stale == Answered((), (old[0]._replace(ttl=0),), False)
    assert known.recall_stale(www, Type.A, 50) is None
    # The name has moved away meanwhile: a DNAME that is fresh counts more than data that is not.
    dname = sets("example.com. 100 IN DNAME example.net.")
    known.learn(zone_text.question("example.com.", "DNAME"), Answered((), dname, True))
    moved = known.recall_stale(www, Type.A, 60)
    assert isinstance(moved, Alias)
    assert moved.target == name("www.example.net.")
    clock.advance(101)
    stale = known.recall_stale(name("other.example.com."), Type.A, 60)
    assert isinstance(stale, Alias)
    assert [rrset.ttl for rrset in stale.chain] == [0, 0]


def test_what_is_held_of_a_question_says_when_it_should_be_renewed():
    known, clock = made()
    asked = zone_text.question("www.example.com.", "A")
    assert known.renewable_in(asked.name, Type.A) is None
    known.learn(asked, Answered((), sets("www.example.com. 100 IN A 192.0.2.1"), True))
    clock.advance(30)
    assert known.renewable_in(asked.name, Type.A) == 60


@pytest.mark.rfc(8482, "4.1")
def test_any_is_answered_with_an_rrset_that_is_held_also_an_alias():
    known, _ = made()
    alias = sets("www.example.com. 100 IN CNAME web.example.com.")
    known.learn(zone_text.question("www.example.com.", "CNAME"), Answered((), alias, True))
    assert known.recall(name("www.example.com."), Type.ANY) == Answered((), alias, False)
