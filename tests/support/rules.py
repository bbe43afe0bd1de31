"""Rules and queries for tests, drawn at random where many are wanted."""

from __future__ import annotations

import ipaddress
from random import Random
from typing import Any

from hypothesis import strategies as st

from resolver.config.ruling import rules_of
from resolver.config.sections.rules import Rule as Settings
from resolver.message import Client, Edns, Query, Question, Session, Transport
from resolver.routing import actions
from resolver.routing.circumstances import Chance, Headers, Options, Paths, ServerNames, Tagged, Texts, Times
from resolver.routing.matchers import Clients, Names, Transports, Types, Zones
from resolver.routing.rules import Rule
from resolver.routing.times import minutes_of
from resolver.wire import names

NOON = 1_767_268_800.0
"""Thursday, 2026-01-01 12:00 UTC."""


def wire(text: str) -> bytes:
    return names.from_text(text).lower()


def rules(*settings: dict[str, Any]) -> tuple[Rule, ...]:
    """The rules that tables of a configuration describe."""
    return rules_of(tuple(Settings.model_validate(each) for each in settings))


def query(name: str = "www.example.com.", rtype: int = 1, client: str = "192.0.2.1", **more: Any) -> Query:
    """A query; `more`: transport, session, options, id."""
    who = Client(client, 4242, more.pop("transport", Transport.UDP), more.pop("session", None))
    options = more.pop("options", ())
    edns = Edns(options=options) if options else None
    return Query(Question(names.from_text(name), rtype), who, more.pop("id", 1), 0.0, edns=edns, **more)


NAMES = ("com.", "example.com.", "www.example.com.", "xample.com.", "a.b.example.com.", "test.", ".", "b.test.")
HOSTS = ("10.0.0.1", "10.1.2.3", "192.0.2.1", "2001:db8::1", "2001:db8:1::1")
NETWORKS = ("10.0.0.0/8", "10.1.0.0/16", "192.0.2.1/32", "0.0.0.0/0", "2001:db8::/32", "2001:db8:1::/48", "::/0")
TAGS = ("x", "y")
PATHS = ("/a", "/a/b", "/c")

_some_names = st.frozensets(st.sampled_from(NAMES).map(wire), max_size=2)
_texts = st.builds(Texts, st.frozensets(st.sampled_from(PATHS), max_size=2), st.just(()) | st.just(("/a",)))
_matcher = {
    "names": st.builds(Names, _some_names, _some_names),
    "zones": st.builds(Zones, st.just(frozenset()), _some_names),
    "types": st.builds(Types, st.frozensets(st.sampled_from((1, 28, 16)), min_size=1, max_size=2)),
    "clients": st.builds(
        Clients, st.lists(st.sampled_from(NETWORKS).map(ipaddress.ip_network), min_size=1, max_size=2).map(tuple)
    ),
    "transports": st.builds(Transports, st.frozensets(st.sampled_from(Transport), min_size=1, max_size=2)),
    "server_names": st.builds(ServerNames, st.just(Texts(frozenset(("dns.test",)), ("kids",)))),
    "paths": st.builds(Paths, _texts),
    "headers": st.builds(Headers, st.just({"x-team": Texts(frozenset(("a",)))})),
    "options": st.builds(Options, st.frozensets(st.sampled_from((8, 10)), min_size=1)),
    "tagged": st.builds(Tagged, st.frozensets(st.sampled_from(TAGS), min_size=1)),
    "times": st.builds(Times, st.sampled_from(("mon-fri", "00:00-13:00", "thu 12:00-12:01", "sun")).map(minutes_of)),
    "chance": st.builds(Chance, st.sampled_from((0.3, 0.7, 1.0)), st.integers(1, 5)),
}
_action = st.one_of(
    st.sampled_from(("a", "b")).map(actions.ToPool),
    st.just(actions.Resolve()),
    st.just(actions.Drop()),
    st.frozensets(st.sampled_from(TAGS), min_size=1).map(actions.Tag),
    st.builds(actions.SetTtl, st.just(5), st.sampled_from((5, 9))),
    st.just(actions.AddSubnet(24, 56)),
    st.just(actions.StripSubnet()),
    st.sampled_from(("slow",)).map(actions.Limit),
    st.sampled_from(NAMES).map(lambda text: actions.Rewrite(wire(text), type=28)),
    st.just(actions.Rewrite(wire("test."), frozenset((wire("example.com."), wire("com."))))),
)


@st.composite
def rule(draw: st.DrawFn, number: int) -> Rule:
    """One rule, with some matchers and exceptions, each kind once at most."""
    kinds = st.lists(st.sampled_from(sorted(_matcher)), max_size=2, unique=True)
    matchers = [draw(_matcher[kind]) for kind in draw(kinds)]
    unless = [draw(_matcher[kind]) for kind in draw(kinds) if kind != "zones"]
    return Rule(number, draw(_action), tuple(matchers), tuple(unless))


@st.composite
def lists(draw: st.DrawFn, most: int = 8) -> tuple[Rule, ...]:
    """A list of rules."""
    return tuple(draw(rule(number)) for number in range(1, draw(st.integers(0, most)) + 1))


def _drawn(chance: Random) -> Query:
    """A query that such rules tell from others."""
    transport, session = chance.choice(tuple(Transport)), None
    name = chance.choice(("", "dns.test", "kids.test"))
    if transport is Transport.TLS:
        session = Session(name)
    elif transport is Transport.HTTPS:
        headers = chance.choice(((), (("x-team", "a"),), (("x-team", "b"),)))
        session = Session(name, chance.choice(PATHS), headers)
    return query(
        chance.choice(NAMES),
        chance.choice((1, 28, 16, 255)),
        chance.choice(HOSTS),
        transport=transport,
        session=session,
        options=chance.choice(((), ((8, b""),), ((10, b"12345678"),))),
        id=chance.randrange(1000),
    )


queries = st.sampled_from([_drawn(Random(seed)) for seed in range(600)])
