"""Whatever the network does and whatever servers say, each question ends in time with a well-formed outcome."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.errors import ResolutionFailed
from resolver.message import AA, QR, RA, TC, Message, Question, Rcode, Reply, RRset, Type
from resolver.network.faults import WORDS, FaultTable, Place, rule
from resolver.network.faults.words import DNSSEC
from resolver.network.faulty import Faulty
from resolver.network.simulated import FORGERIES, Link
from resolver.wire import names
from resolver.wire.render import render
from tests.support.internet import ROOT_SERVER, Internet, Resolver, delegate, leaf, root_with
from tests.support.messages import name, rrset, soa
from tests.support.strict import run_strictly
from tests.support.whole import extended_errors, whole

HOSTS = tuple(f"10.0.0.{last}" for last in range(1, 6))
NAMES = tuple(map(name, (".", "a.", "b.", "x.a.", "y.a.", "ns.a.", "ns.b.", "z.x.a.", "w.b.", "ns.x.a.", "ns1.y.a.")))
ADDRESSES = tuple(bytes(map(int, host.split("."))) for host in HOSTS)

CLEAR = Link(latency_ms=20)
_ROUGH = st.builds(
    Link,
    latency_ms=st.sampled_from([0.0, 5.0, 80.0, 700.0, 3000.0]),
    jitter_ms=st.sampled_from([0.0, 50.0]),
    loss=st.sampled_from([0.0, 0.0, 0.3, 0.9, 1.0]),
    duplication=st.sampled_from([0.0, 0.5, 1.0]),
    reordering=st.sampled_from([0.0, 0.5]),
    forgery=st.sampled_from([None, None, *FORGERIES]),
)
_LINKS = st.one_of(st.just(CLEAR), st.just(CLEAR), _ROUGH)


def _rrset(owner: bytes, rtype: int, target: bytes, address: bytes, ttl: int) -> RRset:
    rdata = {1: address, 6: rrset(soa("a.")).rdatas[0]}.get(rtype, target)
    return RRset(owner, rtype, 1, ttl, (rdata,))


_SETS = st.builds(
    _rrset,
    st.sampled_from(NAMES),
    st.sampled_from([1, 1, 2, 2, 5, 6, 39]),
    st.sampled_from(NAMES),
    st.sampled_from(ADDRESSES),
    st.sampled_from([0, 1, 300, 0x7FFFFFFF]),
)
_SECTIONS = st.lists(_SETS, max_size=4).map(tuple)
_RAW = st.builds(
    lambda flags, rcode, *sections: Message(0, QR | flags, rcode, None, *sections),
    st.sampled_from([0, AA, AA, AA | RA, TC, AA | TC]),
    st.sampled_from([0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 9]),
    _SECTIONS,
    _SECTIONS,
    _SECTIONS,
)
_REFERRAL = st.tuples(
    st.just("referral"),
    st.integers(1, 3),
    st.sampled_from(NAMES),
    st.booleans(),
    st.sampled_from(ADDRESSES),
    st.integers(0, 600),
)
_ALIAS = st.tuples(st.just("alias"), st.sampled_from([Type.CNAME, Type.DNAME]), st.sampled_from(NAMES))
_ADDRESS = st.tuples(st.just("address"), st.sampled_from(ADDRESSES))
_DENIAL = st.tuples(st.just("denial"), st.sampled_from([0, 3]), st.integers(0, 3))
_SAID = st.one_of(
    _REFERRAL, _REFERRAL, _REFERRAL, _ALIAS, _ADDRESS, _ADDRESS, _DENIAL, _RAW, st.none(), st.binary(max_size=40)
)


def _say(said: object, query: Message) -> Message | bytes | None:
    """What a liar makes of a template, so that it fits the question well enough to be believed at times."""
    question = query.question
    assert question is not None
    empty = Message(0, QR | AA, 0, question)
    match said:
        case Message():
            return said._replace(question=question)
        case ("referral", int(labels), bytes(ns), bool(glued), bytes(address), int(ttl)):
            cut = RRset(names.last_labels(question.name, labels), Type.NS, 1, ttl, (ns,))
            glue = (RRset(ns, Type.A, 1, ttl, (address,)),) if glued else ()
            return empty._replace(flags=QR, authority=(cut,), additional=glue)
        case ("alias", Type() as rtype, bytes(target)):
            owner = names.parent(question.name) if rtype == Type.DNAME else question.name
            return empty._replace(answer=(RRset(owner, rtype, 1, 60, (target,)),))
        case ("address", bytes(address)):
            return empty._replace(answer=(RRset(question.name, Type.A, 1, 60, (address,)),))
        case ("denial", int(rcode), int(labels)):
            denial = rrset(soa("a."))._replace(name=names.last_labels(question.name, labels))
            return empty._replace(rcode=rcode, authority=(denial,))
        case bytes():
            return query.id.to_bytes(2, "big") + b"\x84" + said
    return None


class Liar:
    """A server that says one of these things after the other, whatever is asked."""

    def __init__(self, said: list[object]) -> None:
        self._said, self._next = said, 0

    def __call__(self, query: Message, transport: str) -> Message | bytes | None:
        said = self._said[self._next % len(self._said)]
        self._next += 1
        return _say(said, query)


def well_formed(outcome: object) -> bool:
    """An answer that can be rendered, or a failure that names its cause."""
    if isinstance(outcome, Reply):
        question = Question(names.ROOT, Type.A)
        sections = (outcome.answer, outcome.authority, outcome.additional)
        assert render(Message(1, QR, outcome.rcode, question, *sections))
        assert outcome.rcode in (Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.YXDOMAIN)
        assert all(0 <= each.ttl <= 86_400 for section in sections for each in section)
        return True
    assert isinstance(outcome, ResolutionFailed), repr(outcome)
    assert outcome.rcode == Rcode.SERVFAIL
    assert outcome.ede[0].text.endswith(f"[{outcome.tag}]")
    return True


@settings(derandomize=True, deadline=None, max_examples=250)
@given(
    st.lists(st.tuples(st.lists(_SAID, min_size=1, max_size=4), _LINKS), min_size=len(HOSTS), max_size=len(HOSTS)),
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from([1, 2, 5, 28, 43, 255]), st.integers(0, 3000)),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
    st.booleans(),
    st.integers(0, 1000),
)
def test_among_liars_every_question_ends_in_time(servers, questions, use_0x20, minimises, seed):
    async def main():
        world = Internet(seed=seed)
        for host, (said, link) in zip(HOSTS, servers, strict=True):
            world.script(host, Liar(said), link=link)
        resolver = Resolver(world, roots=HOSTS[:2], use_0x20=use_0x20, minimises=minimises, primed=False)

        async def ask(asked: bytes, rtype: int, later_ms: int) -> tuple[object, float]:
            await world.clock.advance(later_ms / 1000)
            began = world.clock.monotonic()
            outcome: object
            try:
                outcome = await resolver.ask(names.to_text(asked), Type(rtype).name)
            except ResolutionFailed as failed:
                outcome = failed
            return outcome, world.clock.monotonic() - began

        outcomes = await asyncio.gather(*(ask(*question) for question in questions))
        await world.clock.advance(8)  # what clients were not told in time goes on for the cache
        return outcomes, resolver.resolved.flights, len(world.asked())

    outcomes, in_flight, sent = run_strictly(main())
    for outcome, took in outcomes:
        assert well_formed(outcome)
        assert took <= 4.5 + 1e-6
    assert in_flight == 0
    assert sent <= 101 * len(questions)


_FAULTS = sorted(
    word
    for word, each in WORDS.items()
    if each.group != DNSSEC and not any(parameter.required for parameter in each.parameters)
)


@settings(derandomize=True, deadline=None, max_examples=120)
@given(
    st.lists(_LINKS, min_size=3, max_size=3),
    st.lists(st.sampled_from([None, None, None, *_FAULTS]), min_size=3, max_size=3),
    st.lists(
        st.sampled_from(["www.a.", "alias.a.", "gone.a.", "www.b.", "www.c.", "b.", "a.", "x."]), min_size=1, max_size=8
    ),
    st.integers(0, 1000),
)
def test_in_any_weather_what_is_answered_is_the_truth(links, faults, asked, seed):
    """Honest servers behind bad links, some of them faulty: an answer is the right one, or it is a failure."""
    truth = {
        "www.a.": (0, {"10.1.1.1"}),
        "alias.a.": (0, {"10.1.1.2"}),
        "gone.a.": (3, set()),
        "www.b.": (0, {"10.1.1.2"}),
        "www.c.": (0, {"10.1.1.3"}),
        "a.": (0, set()),
        "b.": (0, set()),
        "x.": (3, set()),
    }

    async def main():
        world = Internet(seed=seed)
        # c. has no glue and is served by the server of b., whose name is in a.
        delegations = (*delegate("a.", "10.0.0.2"), "b. 3600 IN NS ns.b.a.", "c. 3600 IN NS ns.b.a.")
        world.zones(ROOT_SERVER, root_with(*delegations), link=links[0])
        world.zones(
            "10.0.0.2",
            leaf(
                "a.",
                "10.0.0.2",
                "www.a. 300 IN A 10.1.1.1",
                "alias.a. 300 IN CNAME www.b.",
                "ns.b.a. 300 IN A 10.0.0.3",
            ),
            link=links[1],
        )
        world.zones(
            "10.0.0.3",
            leaf("b.", "10.0.0.3", "www.b. 300 IN A 10.1.1.2"),
            leaf("c.", "10.0.0.3", "www.c. 300 IN A 10.1.1.3"),
            link=links[2],
        )
        for number, (host, fault) in enumerate(zip((ROOT_SERVER, "10.0.0.2", "10.0.0.3"), faults, strict=True)):
            if fault is not None:
                honest = world.network._servers[host]
                table = FaultTable(seed=number)
                table.begin(world.clock)
                table.add(rule({"kind": fault}))
                world.serve(host, Faulty(honest, table, Place(host, (host,)), world.clock))
        resolver = Resolver(world, use_0x20=True, minimises=True, primed=False)

        async def ask(name: str) -> object:
            try:
                return await resolver.ask(name)
            except ResolutionFailed as failed:
                return failed

        began = world.clock.monotonic()
        outcomes = await asyncio.gather(*map(ask, asked))
        return outcomes, world.clock.monotonic() - began

    outcomes, took = run_strictly(main())
    assert took <= 4.5 + 1e-6
    for which, outcome in zip(asked, outcomes, strict=True):
        assert well_formed(outcome)
        if isinstance(outcome, Reply):
            found = {".".join(map(str, data)) for each in outcome.answer if each.type == Type.A for data in each.rdatas}
            assert (outcome.rcode, found) == truth[which]


def test_in_good_weather_everything_is_answered():
    """The property above would hold for a resolver that always fails; this one would not."""

    async def main():
        world = Internet()
        delegations = (*delegate("a.", "10.0.0.2"), "b. 3600 IN NS ns.b.a.")
        world.zones(ROOT_SERVER, root_with(*delegations))
        world.zones("10.0.0.2", leaf("a.", "10.0.0.2", "www.a. 300 IN A 10.1.1.1", "ns.b.a. 300 IN A 10.0.0.3"))
        world.zones("10.0.0.3", leaf("b.", "10.0.0.3", "www.b. 300 IN A 10.1.1.2"))
        resolver = Resolver(world, use_0x20=True, minimises=True, primed=False)
        return [await resolver.lines(each) for each in ("www.a.", "www.b.")]

    assert run_strictly(main()) == [["www.a. 300 A 10.1.1.1"], ["www.b. 300 A 10.1.1.2"]]


@settings(derandomize=True, deadline=None, max_examples=25)
@given(
    st.sampled_from(["iterative", "recursive"]),
    st.integers(0, 10_000),
    st.lists(
        st.sampled_from(
            [
                "www.example.com.",
                "chain.example.com.",
                "lossy.broken.test.",
                "silent.broken.test.",
                "cyclic.broken.test.",
                "cyclic2.broken.test.",
                "gone.example.org.",
                "www.example.net.",
                "slow.broken.test.",
                "big.example.com.",
            ]
        ),
        min_size=1,
        max_size=12,
    ),
)
def test_the_whole_program_answers_every_client_in_time(mode, seed, asked):
    async def main(made):
        began = made.clock.monotonic()
        messages = await asyncio.gather(*(made.ask(each) for each in asked))
        return messages, made.clock.monotonic() - began

    messages, took = whole(main, {"resolver": {"mode": mode}}, seed=seed)
    assert took <= 4.5 + 1e-6
    for message in messages:
        assert message.rcode in (0, 2, 3)
        assert message.rcode != Rcode.SERVFAIL or extended_errors(message)
