"""`resolver which`: says which rule and which pool a query would take, and why; of each earlier rule why not.

Rules: the files of rules are read as the daemon reads them; nothing is asked of anybody. Where chance decides, each way
is told with its share of the queries; what chance changes on the way is taken to be changed.

Limits: what stands behind the rules (filters, the cache) has no word here.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from resolver.cli import options
from resolver.config import Config
from resolver.errors import BadName, ConfigError
from resolver.message import Client, Edns, Query, Question, Session, Transport
from resolver.routing.actions import Resolve
from resolver.routing.circumstances import Chance
from resolver.routing.matchers import percent
from resolver.routing.rules import Decision, Rule
from resolver.routing.seen import Seen
from resolver.text import printable
from resolver.wire import names, types

if TYPE_CHECKING:
    from resolver.rulebook import Book

EXAMPLES: Final = """examples:
  resolver which www.example.com
  resolver which intranet.corp.example --client 10.1.2.3 --type AAAA
  resolver which www.example.com --server-name kids.dns.example --at 2026-03-01T21:30

exit codes: 0 told, 2 something that was written is wrong"""

_EPOCH: Final = 1970
_LAST_YEAR: Final = 9998
"""With room for whatever time zone a rule may mean."""


@dataclass(frozen=True, slots=True)
class Told:
    """A rule that was tried: whether it fits, for which share of the queries, and what it does or why it does not."""

    rule: Rule
    fits: bool
    share: float
    says: str


@dataclass(frozen=True, slots=True)
class End:
    """What this share of the queries comes to."""

    share: float
    decision: Decision


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the query, as far as rules look at it."""
    parser.add_argument("name", metavar="NAME", help="the name that is asked")
    parser.add_argument("--type", metavar="TYPE", default="A", help="the type that is asked for (default: A)")
    parser.add_argument("--client", metavar="ADDRESS", default="127.0.0.1", help="who asks (default: 127.0.0.1)")
    parser.add_argument("--transport", choices=[each.value for each in Transport], help="how (default: udp)")
    parser.add_argument("--server-name", metavar="NAME", default="", help="the name that TLS was begun with (SNI)")
    parser.add_argument("--path", metavar="PATH", default="", help="the path of the request over HTTPS")
    parser.add_argument(
        "--header", metavar="'FIELD: VALUE'", action="append", default=[], help="a header field of it; may be repeated"
    )
    parser.add_argument(
        "--edns-option", metavar="CODE", action="append", default=[], help="an EDNS option of it; may be repeated"
    )
    parser.add_argument(
        "--at", metavar="TIME", help="when, in UTC unless it says otherwise, as in 2026-03-01T21:30 (default: now)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options.add_config_file(parser)


def run(args: argparse.Namespace) -> int:
    """What becomes of the query is printed. Raises `ConfigError` and `ZoneError`."""
    query, wall = _query(args), _wall(args.at)
    config = options.settings(args).config
    tried, ends = walked(_book(config, wall), query, wall)
    if args.json:
        print(json.dumps(_data(query, tried, ends, config), indent=2))
    else:
        for line in _lines(query, tried, ends, config):
            print(printable(line))
    return 0


def walked(book: Book, query: Query, wall: float) -> tuple[list[Told], list[End]]:
    """Each rule that is tried, in their order, and what all queries like `query` come to, `wall` seconds after 1970."""
    seen, decision, left = Seen(query, lambda: wall, certain=True), Decision(), 1.0
    tried: list[Told] = []
    ends: list[End] = []
    for rule in book.rules:
        why = rule.misfit(seen) or rule.misfit(seen, loose=True)
        if why is not None:
            tried.append(Told(rule, False, 0.0, why))
            continue
        chance = _chance(rule)
        tried.append(Told(rule, True, chance, str(rule.action)))
        if decision.take(rule, query.question, seen):
            ends.append(End(left * chance, decision))
            left *= 1.0 - chance
            decision = decision.undecided()
            if left <= 0.0:
                return tried, ends
    return tried, [*ends, End(left, decision)]


def _chance(rule: Rule) -> float:
    """The share of what fits `rule` otherwise that chance lets fit."""
    share = 1.0
    for matcher in rule.matchers:
        share *= matcher.share if isinstance(matcher, Chance) else 1.0
    for matcher in rule.unless:
        share *= 1.0 - matcher.share if isinstance(matcher, Chance) else 1.0
    return share


# -- what was asked for


def _query(args: argparse.Namespace) -> Query:
    try:
        question = Question(names.from_text(args.name), types.from_text(args.type))
    except BadName as wrong:
        raise ConfigError(f"no domain name: {wrong}", instead="write one as in example.com") from None
    except ValueError as wrong:
        raise ConfigError(str(wrong).partition("; ")[0], instead="write one as in --type AAAA") from None
    try:
        given = ipaddress.ip_address(args.client)
    except ValueError:
        what = f"{args.client!r} is no address"
        raise ConfigError(what, where="--client", instead="write one as in 10.1.2.3") from None
    mapped = given.ipv4_mapped if isinstance(given, ipaddress.IPv6Address) else None
    host, session = str(mapped or given), _session(args)
    edns = Edns(options=tuple((code, b"") for code in map(_option, args.edns_option)))
    return Query(question, Client(host, 0, _transport(args), session), 0, 0.0, edns=edns if edns.options else None)


def _transport(args: argparse.Namespace) -> Transport:
    """How it came, which what is said of the session may imply."""
    over_https, over_tls = bool(args.path or args.header), bool(args.server_name)
    implied = Transport.HTTPS if over_https else Transport.TLS if over_tls else Transport.UDP
    if args.transport is None:
        return implied
    given = Transport(args.transport)
    if over_https and given is not Transport.HTTPS:
        raise ConfigError(f"nothing over {given} has a path or a header", instead="write --transport https")
    if over_tls and given not in (Transport.TLS, Transport.HTTPS):
        raise ConfigError(f"nothing over {given} has a server name", instead="write --transport tls")
    return given


def _session(args: argparse.Namespace) -> Session | None:
    headers = []
    for each in args.header:
        field, colon, value = each.partition(":")
        if not colon or not field.strip():
            raise ConfigError(f"{each!r} is no header", where="--header", instead="write one as in 'X-Team: guests'")
        headers.append((field.strip().lower(), value.strip()))
    transport = _transport(args)
    if transport not in (Transport.TLS, Transport.HTTPS):
        return None
    path = args.path or ("/dns-query" if transport is Transport.HTTPS else "")
    return Session(args.server_name.lower().removesuffix("."), path, tuple(headers))


def _option(text: str) -> int:
    from resolver.config.matching import option

    try:
        return option(int(text) if text.isascii() and text.isdigit() else text)
    except ValueError as wrong:
        what, _, instead = str(wrong).partition("; ")
        raise ConfigError(what, where="--edns-option", instead=instead) from None


def _wall(text: str | None) -> float:
    if text is None:
        from resolver.network.clock import RealClock

        return RealClock.wall()
    instead = "write one as in 2026-03-01T21:30"
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is no time", where="--at", instead=instead) from None
    if not _EPOCH <= at.year <= _LAST_YEAR:
        raise ConfigError(f"{text!r} is not between {_EPOCH} and {_LAST_YEAR}", where="--at", instead=instead)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _book(config: Config, wall: float) -> Book:
    from resolver import rulebook
    from resolver.auth.shipped import load_world

    of_world = any(each.action == "authority" and not each.zone_files for each in config.rules)
    world = load_world(config.world.directory) if of_world and config.world_served else None
    return rulebook.book(rulebook.read(config), world, lambda: wall)


# -- how it is told


def _lines(query: Query, tried: Sequence[Told], ends: Sequence[End], config: Config) -> Iterator[str]:
    name, kind = names.to_text(query.question.name), types.to_text(query.question.type)
    session = query.client.session
    begun = f", begun with {session.server_name}" if session is not None and session.server_name else ""
    path = f", for {session.path}" if session is not None and session.path else ""
    yield f"{name} {kind}, from {query.client.host} over {query.client.transport}{begun}{path}"
    yield ""
    for each in tried:
        share = f" in {percent(each.share)} of all" if each.fits and each.share < 1 else ""
        yield f"  {each.rule}: {'fits' if each.fits else 'no'}{share}: {each.says}"
    if not tried:
        yield "  there are no rules"
    yield ""
    for end in ends:
        share = "" if end.share >= 1 else f"{percent(end.share)}: "
        yield f"{share}{_end(query, end, config)}"


def _end(query: Query, end: End, config: Config) -> str:
    """What is done in the end, and why."""
    decision, rule = end.decision, end.decision.rule
    asked = decision.question or query.question
    parts = []
    if rule is None or isinstance(rule.action, Resolve):
        parts.append(f"{_usual(asked, config)}, {'since no rule decides' if rule is None else f'by {rule}'}")
    else:
        parts.append(f"{rule.action}, by {rule}")
        if rule.matchers:
            parts.append(f"because of {', '.join(f'{each.key} ({each})' for each in rule.matchers)}")
    if asked != query.question:
        parts.append(f"asked as {names.to_text(asked.name)} {types.to_text(asked.type)}")
    parts += [str(each) for each in (decision.ttl, decision.subnet) if each is not None]
    parts += [f"limit class {each}" for each in decision.limits]
    return "; ".join(parts)


def _usual(question: Question, config: Config) -> str:
    """Whom the settings of `[resolver]` have asked."""
    settings, name = config.resolver, names.fold(question.name)
    for ancestor in names.ancestors(name):
        zone = names.to_text(ancestor)
        if zone in settings.stub_zones:
            return f"the usual way: stub zone {zone}"
        if zone in settings.forward_zones:
            whom = settings.forward_zones[zone]
            asked = f"pool {whom}" if isinstance(whom, str) else ", ".join(map(str, whom))
            return f"the usual way: forward zone {zone}, asked of {asked}"
    return f"the usual way: {settings.mode}, from the {settings.roots} root"


def _data(query: Query, tried: Sequence[Told], ends: Sequence[End], config: Config) -> dict[str, Any]:
    return {
        "name": names.to_text(query.question.name),
        "type": types.to_text(query.question.type),
        "client": query.client.host,
        "transport": str(query.client.transport),
        "tried": [
            {
                "rule": each.rule.number,
                "name": each.rule.name or None,
                "fits": each.fits,
                "share": each.share,
                ("does" if each.fits else "why_not"): each.says,
            }
            for each in tried
        ],
        "ends": [
            {
                "share": end.share,
                "rule": None if end.decision.rule is None else end.decision.rule.number,
                "pool": getattr(end.decision.action, "pool", None),
                "text": _end(query, end, config),
            }
            for end in ends
        ],
    }
