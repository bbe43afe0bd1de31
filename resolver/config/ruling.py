"""What the tables `[[rules]]` mean (`routing.rules.Rule`).

Limits: nothing here reads a file: what stands in those of a rule is added where a program is composed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resolver.config.matching import MAX_TTL_S, parsed
from resolver.message import Ede, Transport
from resolver.routing import actions, times
from resolver.routing.circumstances import Chance, Headers, Options, Paths, ServerNames, Tagged, Texts, Times
from resolver.routing.matchers import Clients, Matcher, Names, Transports, Types
from resolver.routing.rules import Rule
from resolver.wire import names, types

if TYPE_CHECKING:
    from resolver.config.sections.rules import Matchers
    from resolver.config.sections.rules import Rule as Settings


def rules_of(settings: tuple[Settings, ...]) -> tuple[Rule, ...]:
    """The rules that `settings` describe, in their order."""
    return tuple(_rule(number, each) for number, each in enumerate(settings, 1))


def _rule(number: int, settings: Settings) -> Rule:
    matchers = [*_matchers(settings, number)]
    if settings.action == "truncate":
        matchers = [_datagrams(matchers), *(each for each in matchers if not isinstance(each, Transports))]
    unless = () if settings.unless is None else tuple(_matchers(settings.unless, -number))
    return Rule(number, _action(settings), tuple(matchers), unless, settings.name)


def _datagrams(matchers: list[Matcher]) -> Transports:
    """Of the transports that are wanted, that of which there is something to truncate."""
    udp = frozenset((Transport.UDP,))
    wanted = next((each.values for each in matchers if isinstance(each, Transports)), udp)
    return Transports(wanted & udp)


def _matchers(settings: Matchers, salt: int) -> Iterator[Matcher]:
    """What `settings` look at; what differs for the same query comes last."""
    files = [(str(each), "names") for each in settings.names_files]
    files += [(str(each), "suffixes") for each in settings.suffixes_files]
    if settings.names or settings.suffixes or files:
        yield Names(_folded(settings.names), _folded(settings.suffixes), frozenset(files))
    if settings.types:
        yield Types(frozenset(map(types.from_text, settings.types)))
    if settings.clients:
        yield Clients(settings.clients)
    if settings.transports:
        yield Transports(frozenset(settings.transports))
    if settings.server_names:
        yield ServerNames(_texts(settings.server_names))
    if settings.paths:
        yield Paths(_texts(settings.paths))
    if settings.headers:
        yield Headers({key.lower(): _texts((value,)) for key, value in settings.headers.items()})
    if settings.edns_options:
        yield Options(frozenset(settings.edns_options))
    if settings.tagged:
        yield Tagged(frozenset(settings.tagged))
    if settings.times:
        minutes = 0
        for each in settings.times:
            minutes |= times.minutes_of(each)
        yield Times(minutes, settings.time_zone, ", ".join(settings.times))
    if settings.chance is not None:
        yield Chance(settings.chance, salt)


def _folded(texts: tuple[str, ...]) -> frozenset[bytes]:
    return frozenset(names.fold(names.from_text(each)) for each in texts)


def _texts(texts: tuple[str, ...]) -> Texts:
    begin = tuple(each[:-1] for each in texts if each.endswith("*"))
    return Texts(frozenset(each for each in texts if not each.endswith("*")), begin)


def _action(settings: Settings) -> actions.Action:
    match settings.action:
        case "pool":
            return actions.ToPool(settings.pool or "")
        case "authority":
            return actions.FromZones(tuple(map(str, settings.zone_files)))
        case "refuse":
            told = settings.ede_text or "a rule refuses it"
            code = actions.PROHIBITED if settings.ede is None else settings.ede
            return actions.Refuse(types.rcode_from_text(settings.rcode or "REFUSED"), Ede(code, f"{told} [RULE]"))
        case "drop":
            return actions.Drop()
        case "truncate":
            return actions.Truncate()
        case "answer":
            return actions.Answer(tuple(map(parsed, settings.records)))
        case "rewrite":
            return _rewrite(settings)
        case "tag":
            return actions.Tag(frozenset(settings.tags))
        case "ttl":
            most = MAX_TTL_S if settings.ttl_max_s is None else settings.ttl_max_s
            return actions.SetTtl(settings.ttl_min_s or 0, most)
        case "add-subnet":
            return actions.AddSubnet(settings.ipv4_prefix or 24, settings.ipv6_prefix or 56)
        case "strip-subnet":
            return actions.StripSubnet()
        case "limit":
            return actions.Limit(settings.limit or "")
        case _:
            return actions.Resolve()


def _rewrite(settings: Settings) -> actions.Rewrite:
    rtype = None if settings.to_type is None else types.from_text(settings.to_type)
    if settings.to_suffix is not None:
        return actions.Rewrite(names.from_text(settings.to_suffix), _folded(settings.suffixes), rtype)
    name = None if settings.to_name is None else names.from_text(settings.to_name)
    return actions.Rewrite(name, type=rtype)
