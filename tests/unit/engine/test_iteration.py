from __future__ import annotations

from dataclasses import replace

import pytest

from resolver.engine.actions import Exchange, Found, Lookup, NotFound, Replied, Unanswered, Verified, Verify
from resolver.engine.budget import Budget, Limits
from resolver.engine.iteration import resolve
from resolver.engine.outcome import Alias, Answer, Answered, Denied
from resolver.errors import ResolutionFailed
from resolver.message import Question, Rcode, Status, Transport, Type
from resolver.network.base import Endpoint, Trouble
from resolver.wire import names
from tests.support import zone_text
from tests.support.engine import Driver, Written, at, delegation
from tests.support.messages import name, reply, rrset, sets, soa

ROOT = delegation(".", 1)


def servers(*scripts):
    """An act that answers by (last number of the address, name in lower case, type) with a reply or its arguments."""

    def act(action):
        assert isinstance(action, Exchange), f"nobody should be looked up: {action}"
        question = action.question
        last = int(action.server.host.rpartition(".")[2])
        asked = f"{names.to_text(names.fold(question.name))} {Type(question.type).name}"
        for number, key, said in scripts:
            if (number, key) == (last, asked):
                if isinstance(said, Unanswered):
                    return said
                return Replied(action.server, action.transport, reply(question, **said), 0.02, action.edns)
        raise AssertionError(f"{last} was asked {asked}")

    return act


def refer(zone: str, last: int, ttl: int = 3600) -> dict:
    return {
        "authority": f"{zone} {ttl} IN NS ns.{zone}",
        "additional": f"ns.{zone} {ttl} IN A 192.0.2.{last}",
        "aa": False,
    }


def answer(*lines: str) -> dict:
    return {"answer": lines}


def deny(zone: str, rcode: int = 0, *lines: str) -> dict:
    return {"answer": lines, "authority": soa(zone), "rcode": rcode}


class Resolved:
    """What came of a question, and how."""

    def __init__(
        self, asked: str, act, known: Written | None = None, limits: Limits | None = None, *, checked: bool = False
    ):
        self.known = known or Written(ROOT)
        self.driver = Driver(act)
        self.budget = Budget(limits or Limits(), 0.0)
        self.answer: Answer | None = None
        self.failure: ResolutionFailed | None = None
        text, rtype = asked.split()
        try:
            steps = resolve(zone_text.question(text, rtype), self.known, self.budget, checked=checked)
            self.answer = self.driver.run(steps)
        except ResolutionFailed as failed:
            self.failure = failed

    @property
    def lines(self) -> list[str]:
        assert self.answer is not None, self.failure
        return [line for each in self.answer.rrsets for line in zone_text.lines([each])]

    @property
    def rcode(self) -> int:
        assert self.answer is not None, self.failure
        return self.answer.rcode


WALK = (
    (1, "www.example.com. A", refer("com.", 2)),
    (2, "www.example.com. A", refer("example.com.", 3)),
    (3, "www.example.com. A", answer("www.example.com. 300 IN A 192.0.2.80")),
)


# -- the walk


@pytest.mark.rfc(1034, "5.3.3")
def test_referrals_lead_from_the_root_to_the_answer():
    walk = Resolved("www.example.com. A", servers(*WALK))
    assert [whom for whom, _ in walk.driver.sent] == ["1", "2", "3"]
    assert walk.lines == ["www.example.com. 300 A 192.0.2.80"]
    assert [each.zone for each in walk.known.learnt_delegations] == [name("com."), name("example.com.")]
    assert [question for question, _ in walk.known.learnt] == [zone_text.question("www.example.com.", "A")]


@pytest.mark.rfc(1034, "5.3.3")
def test_the_walk_begins_at_the_best_known_servers():
    known = Written(ROOT, delegation("example.com.", 3))
    walk = Resolved("www.example.com. A", servers(*WALK), known)
    assert [whom for whom, _ in walk.driver.sent] == ["3"]


def test_what_is_known_answers_without_asking_anyone():
    known = Written(ROOT)
    held = Answered((), sets("www.example.com. 77 IN A 192.0.2.80"), False)
    known.recalled[name("www.example.com."), Type.A] = held
    walk = Resolved("www.example.com. A", [], known)
    assert walk.lines == ["www.example.com. 77 A 192.0.2.80"]


def test_what_nobody_may_be_asked_for_is_an_empty_answer_that_is_not_kept():
    walk = Resolved("www.example.com. A", [], Written())
    assert walk.answer == Answer(Rcode.NOERROR, (), None, keeps=False)


@pytest.mark.rfc(4035, "4.2")
def test_a_ds_is_asked_of_the_servers_of_the_parent():
    known = Written(ROOT, delegation("com.", 2), delegation("example.com.", 3))
    walk = Resolved("example.com. DS", servers((2, "example.com. DS", deny("com."))), known)
    assert walk.answer is not None
    assert (walk.rcode, walk.lines) == (0, [])
    assert walk.answer.soa is not None
    assert names.to_text(walk.answer.soa.name) == "com."


# -- denials


@pytest.mark.rfc(2308, "5")
def test_denials_carry_the_soa_and_one_without_is_not_kept():
    known = Written(delegation("example.com.", 3))
    gone = Resolved("gone.example.com. A", servers((3, "gone.example.com. A", deny("example.com.", 3))), known)
    assert gone.answer == Answer(Rcode.NXDOMAIN, (), rrset(soa("example.com.")))
    bare = Resolved("gone.example.com. A", servers((3, "gone.example.com. A", {"rcode": 3})), known)
    assert bare.answer == Answer(Rcode.NXDOMAIN, (), None, keeps=False)
    nodata = Resolved("www.example.com. MX", servers((3, "www.example.com. MX", deny("example.com."))), known)
    assert nodata.answer == Answer(Rcode.NOERROR, (), rrset(soa("example.com.")))


# -- aliases


ALIAS = "www.example.com. 300 IN CNAME web.example.net."


@pytest.mark.rfc(1034, "5.3.3")
def test_an_alias_across_zones_is_followed_and_kept_in_front():
    known = Written(delegation("com.", 2), delegation("net.", 3))
    walk = Resolved(
        "www.example.com. A",
        servers(
            (2, "www.example.com. A", answer(ALIAS, "web.example.net. 9 IN A 192.0.2.66")),
            (3, "web.example.net. A", answer("web.example.net. 300 IN A 192.0.2.80")),
        ),
        known,
    )
    assert walk.lines == ["www.example.com. 300 CNAME web.example.net.", "web.example.net. 300 A 192.0.2.80"]
    assert [question.name for question, _ in known.learnt] == [name("www.example.com."), name("web.example.net.")]


def test_the_ttl_of_an_alias_runs_down_while_it_is_followed():
    known = Written(delegation("com.", 2), delegation("net.", 3))
    known.left[name("www.example.com.")] = 297
    web = (3, "web.example.net. A", answer("web.example.net. 300 IN A 192.0.2.80"))
    walk = Resolved("www.example.com. A", servers((2, "www.example.com. A", answer(ALIAS)), web), known)
    assert walk.lines == ["www.example.com. 297 CNAME web.example.net.", "web.example.net. 300 A 192.0.2.80"]


@pytest.mark.rfc(2308, "2.1")
def test_a_name_error_at_the_end_of_a_chain_is_that_of_the_chain():
    known = Written(delegation("com.", 2), delegation("net.", 3))
    act = servers((2, "www.example.com. A", answer(ALIAS)), (3, "web.example.net. A", deny("example.net.", 3)))
    walk = Resolved("www.example.com. A", act, known)
    assert (walk.rcode, walk.lines) == (3, ["www.example.com. 300 CNAME web.example.net."])


@pytest.mark.parametrize("in_one_reply", [True, False])
def test_aliases_that_lead_back_are_a_loop(in_one_reply):
    known = Written(delegation("com.", 2))
    links = ["a.com. 300 IN CNAME b.com.", "b.com. 300 IN CNAME a.com."]
    act = servers(
        (2, "a.com. A", answer(*links) if in_one_reply else answer(links[0])), (2, "b.com. A", answer(links[1]))
    )
    walk = Resolved("a.com. A", act, known)
    assert walk.failure is not None
    assert (walk.failure.tag, walk.failure.rcode, walk.failure.own_limit) == ("LOOP", Rcode.SERVFAIL, False)


def test_an_alias_to_itself_is_a_loop():
    known = Written(delegation("com.", 2))
    walk = Resolved("a.com. A", servers((2, "a.com. A", answer("a.com. 300 IN CNAME A.COM."))), known)
    assert walk.failure is not None
    assert walk.failure.tag == "LOOP"


@pytest.mark.parametrize("in_one_reply", [True, False])
@pytest.mark.parametrize(("length", "fails"), [(3, False), (4, True)])
def test_aliases_are_counted_in_however_many_replies_they_come(in_one_reply, length, fails):
    known = Written(delegation("com.", 2))
    links = [f"n{number}.com. 300 IN CNAME n{number + 1}.com." for number in range(length)]
    links.append(f"n{length}.com. 300 IN A 192.0.2.1")
    scripts = [
        (2, f"n{number}.com. A", answer(*(links if in_one_reply else links[number : number + 1])))
        for number in range(length + 1)
    ]
    walk = Resolved("n0.com. A", servers(*scripts), known, Limits(aliases=3))
    assert (walk.failure is not None) == fails
    if walk.failure is not None:
        assert walk.failure.tag == "BUDA"
    else:
        assert len(walk.lines) == length + 1


def test_an_alias_that_is_known_is_followed_to_what_is_not():
    known = Written(delegation("com.", 2), delegation("net.", 3))
    known.recalled[name("www.example.com."), Type.A] = Alias(sets(ALIAS), name("web.example.net."), False)
    web = (3, "web.example.net. A", answer("web.example.net. 300 IN A 192.0.2.80"))
    walk = Resolved("www.example.com. A", servers(web), known)
    assert len(walk.lines) == 2


@pytest.mark.rfc(6672, "3.1")
def test_the_alias_that_a_dname_makes_counts_once_and_has_what_is_left_of_its_ttl():
    known = Written(delegation("com.", 2), delegation("net.", 3))
    known.left[name("old.com.")] = 297
    lines = "old.com. 300 IN DNAME new.net.", "www.old.com. 300 IN CNAME www.new.net."
    web = (3, "www.new.net. A", answer("www.new.net. 60 IN A 192.0.2.80"))
    walk = Resolved("www.old.com. A", servers((2, "www.old.com. A", answer(*lines)), web), known, Limits(aliases=1))
    assert walk.lines == [
        "old.com. 297 DNAME new.net.",
        "www.old.com. 297 CNAME www.new.net.",
        "www.new.net. 60 A 192.0.2.80",
    ]


@pytest.mark.rfc(6672, "2.2")
def test_a_name_too_long_behind_a_dname_is_yxdomain():
    known = Written(delegation("example.com.", 3))
    long = ".".join(("x" * 60,) * 3) + ".old.example.com."
    dname = f"old.example.com. 300 IN DNAME {'y' * 60}.example.com."
    walk = Resolved(f"{long} A", servers((3, f"{long} A", {"answer": dname, "rcode": 6})), known)
    assert walk.answer is not None
    assert (walk.rcode, walk.answer.rrsets) == (Rcode.YXDOMAIN, sets(dname))


# -- referrals


def test_referrals_are_paid_for():
    walk = Resolved("www.example.com. A", servers(*WALK), None, Limits(referrals=1))
    assert walk.failure is not None
    assert walk.failure.tag == "BUDR"


def test_an_upward_referral_is_no_way_on():
    act = servers(
        (1, "www.example.com. A", refer("com.", 2)),
        (2, "www.example.com. A", {"authority": ". 300 IN NS a.root.", "aa": False}),
    )
    walk = Resolved("www.example.com. A", act)
    assert walk.failure is not None
    assert walk.failure.tag == "UPWD"


# -- on our behalf


def test_what_recurses_on_our_behalf_is_asked_the_whole_question_with_rd():
    known = Written(ROOT, minimises=True, recursed=True)
    known.unprimed = True
    whole = {"answer": "www.example.com. 300 IN A 192.0.2.80", "ra": True, "aa": False}
    walk = Resolved("www.example.com. A", servers((1, "www.example.com. A", whole)), known)
    assert walk.lines == ["www.example.com. 300 A 192.0.2.80"]
    assert all(action.rd for action in walk.driver.actions)


def test_a_referral_of_one_that_does_not_recurse_is_followed_but_not_learnt():
    known = Written(ROOT, recursed=True)
    walk = Resolved("www.example.com. A", servers(*WALK), known)
    assert [(action.server, action.rd) for action in walk.driver.actions] == [
        (at(1), True),
        (at(2), False),
        (at(3), False),
    ]
    assert [each.zone for each in known.learnt_delegations] == [name("example.com.")]


# -- minimised names


MINIMISED = (
    (1, "com. A", refer("com.", 2)),
    (2, "example.com. A", refer("example.com.", 3)),
    (3, "ent.example.com. A", deny("example.com.")),
    (3, "www.ent.example.com. A", answer("www.ent.example.com. 300 IN A 192.0.2.1")),
    (3, "a.www.ent.example.com. TXT", answer("a.www.ent.example.com. 300 IN TXT hello")),
)


@pytest.mark.rfc(9156, "2.3")
def test_each_server_is_asked_for_one_label_more_and_the_last_for_the_question():
    known = Written(ROOT, minimises=True)
    walk = Resolved("a.www.ent.example.com. TXT", servers(*MINIMISED), known)
    assert walk.driver.sent == [
        ("1", "com. A"),
        ("2", "example.com. A"),
        ("3", "ent.example.com. A"),
        ("3", "www.ent.example.com. A"),
        ("3", "a.www.ent.example.com. TXT"),
    ]
    assert walk.lines == ['a.www.ent.example.com. 300 TXT "hello"']


@pytest.mark.rfc(9156, "3")
def test_what_was_said_of_a_minimised_name_is_not_kept():
    known = Written(ROOT, minimises=True)
    Resolved("a.www.ent.example.com. TXT", servers(*MINIMISED), known)
    assert [question for question, _ in known.learnt] == [zone_text.question("a.www.ent.example.com.", "TXT")]


@pytest.mark.rfc(9156, "2.3")
@pytest.mark.parametrize(
    "said",
    [deny("example.com.", 3), answer("ent.example.com. 300 IN CNAME x.example.com."), {"rcode": 2}, {"rcode": 5}],
    ids=["nxdomain", "alias", "servfail", "refused"],
)
def test_an_error_for_a_minimised_name_ends_the_minimising_and_not_the_walk(said):
    known = Written(delegation("example.com.", 3), minimises=True)
    whole = (3, "a.b.ent.example.com. TXT", answer("a.b.ent.example.com. 300 IN TXT hello"))
    walk = Resolved("a.b.ent.example.com. TXT", servers((3, "ent.example.com. A", said), whole), known)
    assert walk.lines == ['a.b.ent.example.com. 300 TXT "hello"']
    assert len(walk.driver.sent) == 2


def test_silence_for_a_minimised_name_is_silence():
    known = Written(delegation("example.com.", 3), minimises=True)
    silence = Unanswered(Trouble.TIMEOUT, 1.0)
    walk = Resolved("a.ent.example.com. A", servers((3, "ent.example.com. A", silence)), known)
    assert walk.failure is not None
    assert walk.failure.tag == "MUTE"


# -- priming


PRIMED = {
    "answer": [". 86400 IN NS a.root.", ". 86400 IN NS b.root."],
    "additional": ["a.root. 86400 IN A 192.0.2.1", "b.root. 86400 IN A 192.0.2.9"],
}
TEST_A = (9, "x.test. A", answer("x.test. 300 IN A 192.0.2.80"))


def hinted(*lasts: int) -> Written:
    root = delegation(".", *lasts, ttl=0)
    known = Written(type(root)(root.zone, root.servers, 0, configured=True))
    known.unprimed = True
    return known


@pytest.mark.rfc(9609, "3")
def test_the_root_names_its_own_servers_before_it_is_asked():
    known = hinted(5)
    walk = Resolved(
        "x.test. A", servers((5, ". NS", PRIMED), (1, "x.test. A", answer("x.test. 300 IN A 192.0.2.80"))), known
    )
    assert walk.driver.sent == [("5", ". NS"), ("1", "x.test. A")]
    primed = known.delegations[names.ROOT]
    assert [(each.name, each.endpoints) for each in primed.servers] == [
        (name("a.root."), (at(1),)),
        (name("b.root."), (at(9),)),
    ]
    assert primed.ttl == 86_400


@pytest.mark.rfc(9609, "4.2")
@pytest.mark.parametrize("said", [Unanswered(Trouble.FORBIDDEN, 0.0), {"rcode": 5}, deny("."), {"aa": False}])
def test_hints_that_cannot_be_verified_still_serve(said):
    known = hinted(5)
    walk = Resolved("x.test. A", servers((5, ". NS", said), (5, "x.test. A", TEST_A[2])), known)
    assert walk.lines == ["x.test. 300 A 192.0.2.80"]
    assert not known.learnt_delegations


@pytest.mark.rfc(9609, "4.2")
def test_a_root_that_names_servers_without_addresses_leaves_those_of_the_hints():
    known = hinted(5)
    without = {"answer": [". 86400 IN NS a.root."]}
    walk = Resolved("x.test. A", servers((5, ". NS", without), (5, "x.test. A", TEST_A[2])), known)
    assert walk.lines == ["x.test. 300 A 192.0.2.80"]
    same = {"answer": [". 86400 IN NS ns5.test.", ". 86400 IN NS a.root."]}
    known = hinted(5)
    Resolved("x.test. A", servers((5, ". NS", same), (5, "x.test. A", TEST_A[2])), known)
    assert known.delegations[names.ROOT].servers[0].endpoints == (at(5),)
    assert len(known.delegations[names.ROOT].servers) == 1


def test_servers_of_other_zones_are_not_asked_who_serves_the_root():
    known = hinted(5)
    known.delegations[name("test.")] = delegation("test.", 9)
    walk = Resolved("x.test. A", servers(TEST_A), known)
    assert walk.driver.sent == [("9", "x.test. A")]
    assert known.unprimed, "the root is primed when it is asked itself"


def test_a_budget_that_ends_while_priming_ends_the_question():
    walk = Resolved("x.test. A", servers((5, ". NS", PRIMED)), hinted(5), Limits(sends=0))
    assert walk.failure is not None
    assert walk.failure.tag == "BUDX"


# -- name servers to be found


def test_addresses_found_for_name_servers_are_asked_next():
    known = Written(delegation("example.com.", nameless=["ns.other."]))
    where = Found(Answer(0, sets("ns.other. 300 IN A 192.0.2.9")))
    question = zone_text.question("www.example.com.", "A")
    said = Replied(at(9), Transport.UDP, reply(question, "www.example.com. 300 IN A 192.0.2.80"), 0.02)
    walk = Resolved("www.example.com. A", [where, said], known)
    assert walk.lines == ["www.example.com. 300 A 192.0.2.80"]
    assert walk.driver.looked_up == ["ns.other. A"]
    assert walk.driver.actions[1].server == Endpoint("192.0.2.9", 53)


def test_a_denial_that_is_known_ends_the_chain():
    known = Written(delegation("com.", 2))
    denial = rrset(soa("example.net."))
    known.recalled[name("web.example.net."), Type.A] = Denied(
        (), name("web.example.net."), Rcode.NXDOMAIN, denial, False
    )
    walk = Resolved("www.example.com. A", servers((2, "www.example.com. A", answer(ALIAS))), known)
    assert walk.answer == Answer(Rcode.NXDOMAIN, sets(ALIAS), denial)


def test_the_question_keeps_its_class_and_type_along_the_chain():
    known = Written(delegation("com.", 2), delegation("net.", 3))
    web = (3, "web.example.net. MX", deny("example.net."))
    walk = Resolved("www.example.com. MX", servers((2, "www.example.com. MX", answer(ALIAS)), web), known)
    assert [action.question for action in walk.driver.actions] == [
        Question(name("www.example.com."), Type.MX),
        Question(name("web.example.net."), Type.MX),
    ]


# -- delegations without the glue that they need


BARE = {"authority": "example. 3600 IN NS ns.example.", "aa": False}
GLUELESS = (1, "www.example. A", BARE)
WWW_AT_2 = (2, "www.example. A", answer("www.example. 300 IN A 192.0.2.80"))


@pytest.mark.parametrize("said", [answer("ns.example. 60 IN A 192.0.2.2"), refer("example.", 2, 60)])
def test_missing_glue_is_asked_of_the_servers_of_the_parent(said):
    found = Resolved("www.example. A", servers(GLUELESS, (1, "ns.example. A", said), WWW_AT_2))
    assert found.driver.sent == [("1", "www.example. A"), ("1", "ns.example. A"), ("2", "www.example. A")]
    (learnt,) = found.known.learnt_delegations
    assert (learnt.servers[0].endpoints, learnt.ttl) == ((at(2),), 60)
    assert found.budget.spent.fetches == 1


def test_glue_that_the_parent_does_not_have_either_is_asked_for_once():
    """The name server is looked up then, which ends in a cycle."""

    def act(action):
        if isinstance(action, Exchange):
            return servers(GLUELESS, (1, "ns.example. A", BARE))(action)
        return Found(Answer(Rcode.NXDOMAIN))

    with pytest.raises(ResolutionFailed):
        Driver(act).run(resolve(zone_text.question("www.example.", "A"), Written(ROOT), Budget(Limits(), 0.0)))


def test_glue_is_not_missing_where_another_name_server_has_an_address():
    refers = refer("example.", 2)
    refers["authority"] = ["example. 3600 IN NS ns0.example.", "example. 3600 IN NS ns.example."]
    found = Resolved("www.example. A", servers((1, "www.example. A", refers), WWW_AT_2))
    assert found.driver.sent == [("1", "www.example. A"), ("2", "www.example. A")]


# -- what a checked question is answered


SIGNATURE = "www.example.com. 300 IN RRSIG CNAME 13 3 300 20300101000000 20260101000000 1 com. AQID"


def validating(*delegations: object) -> Written:
    known = Written(*delegations)
    known.validates = True
    return known


NO_ADDRESS = NotFound(ResolutionFailed("NOAD", 22, "it has no other address", label="no_address"))


def judged(act, *, good: bool = True):
    """`act`, with this verdict on each signature."""

    def either(action):
        if isinstance(action, Lookup):  # of another address of the server that is not believed
            return NO_ADDRESS
        return Verified(tuple(good for _ in action.checks)) if isinstance(action, Verify) else act(action)

    return either


CHAIN = (
    (2, "www.example.com. A", answer(ALIAS, SIGNATURE)),
    (3, "web.example.net. A", answer("web.example.net. 300 IN A 192.0.2.80")),
)


def test_what_a_checked_question_is_answered_is_proven_link_by_link_before_it_is_kept():
    known = validating(delegation("com.", 2), delegation("net.", 3))
    walk = Resolved("www.example.com. A", judged(servers(*CHAIN)), known, checked=True)
    assert walk.lines == ["www.example.com. 300 CNAME web.example.net.", "web.example.net. 300 A 192.0.2.80"]
    assert [(question.name, zone) for question, zone in known.proven] == [
        (name("www.example.com."), name("com.")),
        (name("web.example.net."), name("net.")),
    ]
    assert known.asked_checked == [True, True]
    assert len(known.learnt) == 2


def configured(zone: str, *lasts: int):
    """A delegation whose servers are what they are: no other addresses of theirs are sought."""
    return replace(delegation(zone, *lasts), configured=True)


def bogus(*lasts: int):
    """An act in which the signatures that these servers sent do not hold."""
    whose: list[int] = []
    good = servers(
        *((last, "www.example.com. A", answer("www.example.com. 300 IN A 192.0.2.80", SIGNATURE)) for last in (2, 3, 4))
    )

    def act(action):
        if isinstance(action, Verify):
            return Verified(tuple(whose[-1] not in lasts for _ in action.checks))
        whose.append(int(action.server.host.rpartition(".")[2]))
        return good(action)

    return act


def test_what_cannot_be_proven_is_the_failure_of_the_question_and_not_kept():
    known = validating(configured("com.", 2))
    walk = Resolved("www.example.com. A", bogus(2), known, checked=True)
    assert walk.failure is not None
    assert (walk.failure.tag, walk.failure.label) == ("TEST", "bogus")
    assert known.learnt == []


def test_what_is_bogus_is_asked_of_one_more_server():
    known = validating(configured("com.", 2, 3, 4))
    walk = Resolved("www.example.com. A", bogus(2), known, checked=True)
    assert walk.lines == ["www.example.com. 300 A 192.0.2.80"]
    assert [whom for whom, _ in walk.driver.sent] == ["2", "3"]
    again = Resolved("www.example.com. A", bogus(2, 3), validating(configured("com.", 2, 3, 4)), checked=True)
    assert again.failure is not None
    assert (again.failure.label, [whom for whom, _ in again.driver.sent]) == ("bogus", ["2", "3"])


def test_a_server_that_is_not_believed_has_another_address_looked_up_where_it_is_the_only_one():
    known = validating(delegation("com.", 2))
    found = Found(Answer(0, sets("ns2.test. 300 IN AAAA 2001:db8::3")))

    def act(action):
        if isinstance(action, Lookup):
            return found
        if isinstance(action, Exchange) and ":" in action.server.host:
            return Replied(
                action.server,
                action.transport,
                reply(action.question, **answer("www.example.com. 300 IN A 192.0.2.80")),
                0.02,
            )
        return bogus(2)(action) if isinstance(action, Exchange) else Verified((False,) * len(action.checks))

    walk = Resolved("www.example.com. A", act, known, checked=True)
    assert walk.driver.looked_up == ["ns2.test. AAAA"]


def test_what_ends_by_the_limits_of_the_question_is_asked_of_nobody_else():
    known = validating(configured("com.", 2, 3))
    spent = ResolutionFailed("TEST", 6, "no more signatures", label="bogus", own_limit=True)

    def prove(*_: object):
        raise spent
        yield

    known.prove = prove  # type: ignore[method-assign]
    walk = Resolved("www.example.com. A", bogus(), known, checked=True)
    assert walk.failure is spent
    assert [whom for whom, _ in walk.driver.sent] == ["2"]


@pytest.mark.rfc(8020, "2")
def test_below_a_minimised_name_that_is_proven_not_to_be_there_nobody_is_asked():
    denial = (2, "gone.com. A", deny("com.", 3))
    for checked, asked in ((True, ["gone.com. A"]), (False, ["gone.com. A", "www.gone.com. A"])):
        known = validating(delegation("com.", 2))
        known.minimises = True
        known.recalled[name("www.gone.com."), Type.A] = None  # type: ignore[assignment]
        script = servers(denial, (2, "www.gone.com. A", deny("com.", 3)))

        def prove(question, conclusion, message, zone, budget, known=known):
            known.recalled[name("www.gone.com."), Type.A] = conclusion._replace(name=name("www.gone.com."))
            return conclusion
            yield

        known.prove = prove  # type: ignore[method-assign]
        walk = Resolved("www.gone.com. A", script, known, checked=checked)
        assert (walk.rcode, [what for _, what in walk.driver.sent]) == (3, asked)


@pytest.mark.parametrize(("checked", "validates"), [(True, False), (False, True)])
def test_nothing_is_proven_where_nobody_wants_it_or_the_configuration_does_not_but_signatures_are_kept(
    checked, validates
):
    known = Written(delegation("com.", 2), delegation("net.", 3))
    known.validates = validates
    walk = Resolved("www.example.com. A", servers(*CHAIN), known, checked=checked)
    assert known.proven == []
    assert known.asked_checked == [checked] * 2
    assert walk.answer is not None
    proof = walk.answer.rrsets[0].proof
    assert proof is not None
    assert (proof.status, proof.signatures) == (Status.UNCHECKED, rrset(SIGNATURE).rdatas)


def test_what_is_said_of_minimised_names_is_not_proven():
    known = validating(ROOT)
    known.minimises = True
    walk = Resolved("a.www.ent.example.com. TXT", judged(servers(*MINIMISED)), known, checked=True)
    assert walk.lines == ['a.www.ent.example.com. 300 TXT "hello"']
    assert [names.to_text(question.name) for question, _ in known.proven] == ["a.www.ent.example.com."]


def test_the_servers_that_the_root_names_are_proven_where_they_were_asked_for():
    root = replace(ROOT, configured=True)
    said = {"answer": ". 86400 IN NS ns.root.", "additional": "ns.root. 86400 IN A 192.0.2.7"}
    for asked, proven in ((". NS", 1), ("www.example.com. A", 0)):
        known = validating(root)
        known.unprimed = True
        script = servers((1, ". NS", said), (7, "www.example.com. A", deny("com.")))
        assert Resolved(asked, judged(script), known, checked=True).failure is None
        assert [zone for question, zone in known.proven if question.type == Type.NS] == [names.ROOT] * proven


def test_the_address_of_a_name_server_is_looked_up_unchecked_as_its_zone_may_wait_for_it():
    known = validating(delegation("example.com.", nameless=("ns.other.",)))
    found = Found(Answer(0, sets("ns.other. 300 IN A 192.0.2.9")))
    lookups: list[Lookup] = []

    def act(action):
        if isinstance(action, Lookup):
            lookups.append(action)
            return found
        return judged(servers((9, "www.example.com. A", answer("www.example.com. 300 IN A 192.0.2.80"))))(action)

    assert Resolved("www.example.com. A", act, known, checked=True).failure is None
    assert [each.checked for each in lookups] == [False]


def by_address(act, *good: str):
    """As `act`; of all addresses those in `good` are signed."""
    signed = [rrset(f"www.example.com. 300 IN A {each}").rdatas[0] for each in good]

    def judge(action):
        if isinstance(action, Lookup):
            return NO_ADDRESS
        if isinstance(action, Verify):
            return Verified(tuple(check.signature in signed for check in action.checks))
        return act(action)

    return judge


def said_by(*lasts: int):
    return servers(
        *((last, "www.example.com. A", answer(f"www.example.com. 300 IN A 192.0.2.{last}")) for last in lasts)
    )


@pytest.mark.rfc(4035, "5.5")
def test_where_one_server_says_what_is_not_signed_so_another_is_asked():
    known = validating(delegation("example.com.", 2, 3, 4, 5))
    walk = Resolved("www.example.com. A", by_address(said_by(2, 3), "192.0.2.3"), known, checked=True)
    assert walk.lines == ["www.example.com. 300 A 192.0.2.3"]
    assert [names.to_text(question.name) for question, _ in known.learnt] == ["www.example.com."]


@pytest.mark.rfc(4035, "5.5")
def test_when_another_server_is_no_better_no_third_is_asked():
    known = validating(delegation("example.com.", 2, 3, 4, 5))
    walk = Resolved("www.example.com. A", by_address(said_by(2, 3, 4), "192.0.2.4"), known, checked=True)
    assert walk.failure is not None
    assert (walk.failure.tag, walk.failure.label) == ("TEST", "bogus")
    assert len(known.proven) == 2
    assert known.learnt == []


def test_the_failure_of_the_first_server_is_told_when_the_others_are_silent_or_refer_elsewhere():
    silence = Unanswered(Trouble.TIMEOUT, 0.4)
    first = (2, "www.example.com. A", answer("www.example.com. 300 IN A 192.0.2.2"))
    for then in (silence, refer("www.example.com.", 9)):
        known = validating(delegation("example.com.", 2, 3))
        script = servers(first, (3, "www.example.com. A", then))
        walk = Resolved("www.example.com. A", by_address(script), known, checked=True)
        assert walk.failure is not None
        assert walk.failure.tag == "TEST"
        assert known.dead == {}


def test_what_the_proof_rests_on_is_not_looked_for_at_other_servers_of_the_zone():
    known = validating(delegation("example.com.", 2, 3))
    broken = ResolutionFailed("SIGX", 7, "the keys of com. are broken", label="bogus")

    def fails(question, conclusion, message, zone, budget):
        raise broken
        yield

    known.prove = fails
    walk = Resolved("www.example.com. A", said_by(2), known, checked=True)
    assert walk.failure is broken


def test_what_a_referral_says_besides_is_kept_for_the_proof_of_what_comes_from_there():
    known = Written(ROOT)
    script = servers((1, "www.example.com. A", refer("com.", 2)), (2, "www.example.com. A", deny("com.")))
    assert Resolved("www.example.com. A", script, known).failure is None
    ((zone, message),) = known.referrals
    assert zone == name("com.")
    assert message.authority == sets("com. 3600 IN NS ns.com.")
