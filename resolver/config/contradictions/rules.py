"""Which settings about rules cannot stand together: what an action lacks or has no use for, names that nobody has
given, and rules that can never fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from resolver.config.contradictions import unheard
from resolver.config.contradictions.base import Contradiction

if TYPE_CHECKING:
    from resolver.config.sections import Config
    from resolver.config.sections.rules import Rule

PARAMETERS: Final[Mapping[str, str]] = {
    "pool": "pool",
    "zone_files": "authority",
    "records": "answer",
    "rcode": "refuse",
    "ede": "refuse",
    "ede_text": "refuse",
    "to_name": "rewrite",
    "to_suffix": "rewrite",
    "to_type": "rewrite",
    "tags": "tag",
    "ttl_min_s": "ttl",
    "ttl_max_s": "ttl",
    "ipv4_prefix": "add-subnet",
    "ipv6_prefix": "add-subnet",
    "limit": "limit",
}
"""Which action each key is for."""
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "pool": ("pool",),
    "answer": ("records",),
    "rewrite": ("to_name", "to_suffix", "to_type"),
    "tag": ("tags",),
    "ttl": ("ttl_min_s", "ttl_max_s"),
    "limit": ("limit",),
}
"""Of which keys an action needs one."""


def find(config: Config) -> Iterator[Contradiction]:
    """Every contradiction among the rules of `config`."""
    if not config.rules:
        return
    tags: set[str] = set()
    names: dict[str, int] = {}
    for number, rule in enumerate(config.rules, 1):
        label = f"rules.{number}"
        yield from _parameters(label, rule)
        yield from _meant(label, rule, config)
        yield from _tagged(label, rule, tags)
        tags |= set(rule.tags)
        if rule.name in names:
            what = f'rule {names[rule.name]} is called "{rule.name}", too'
            yield Contradiction(label, "name", what, "give them different names")
        elif rule.name:
            names[rule.name] = number
    never = [*_never(config)]
    yield from never
    told = {each.section for each in never}
    yield from (each for each in unheard.find(config) if each.section not in told)


def _parameters(label: str, rule: Rule) -> Iterator[Contradiction]:
    """What an action has no use for, and what it lacks."""
    for key, action in PARAMETERS.items():
        if key in rule.model_fields_set and getattr(rule, key) not in (None, ()) and action != rule.action:
            yield Contradiction(label, key, f'{key} is for action = "{action}", not "{rule.action}"', "remove it")
    needed = _NEEDED.get(rule.action)
    if needed and all(getattr(rule, key) in (None, ()) for key in needed):
        instead = " or ".join(f"`{key}`" for key in needed)
        yield Contradiction(
            label, "action", f'action = "{rule.action}" has no {" and no ".join(needed)}', f"add {instead}"
        )
    if rule.to_name is not None and rule.to_suffix is not None:
        yield Contradiction(label, "to_suffix", "there is a to_name, too", "keep one of the two")
    if rule.to_suffix is not None and not rule.suffixes:
        what = "to_suffix has no suffixes to take the place of"
        yield Contradiction(label, "to_suffix", what, "add `suffixes`, or write to_name")
    if rule.unless is not None and not rule.unless.model_fields_set:
        yield Contradiction(label, "unless", "unless looks at nothing", "write a matcher into it, or remove it")
    yield from _alias(label, rule)
    low, high = rule.ttl_min_s, rule.ttl_max_s
    if low is not None and high is not None and low > high:
        yield Contradiction(label, "ttl_min_s", f"ttl_min_s {low} is above ttl_max_s {high}", f"write at most {high}")
    for each in (rule, rule.unless):
        if each is not None and each.time_zone != "UTC" and not each.times:
            yield Contradiction(
                label, "time_zone", "there are no times that it would be for", "add `times`, or remove it"
            )


def _alias(label: str, rule: Rule) -> Iterator[Contradiction]:
    """An alias among records, which stands alone."""
    if len(rule.records) > 1:
        from resolver.config.matching import parsed
        from resolver.message import Type

        if any(parsed(each)[0] == Type.CNAME for each in rule.records):
            what = "records has a CNAME and others"
            yield Contradiction(label, "records", what, "remove one: an alias stands alone (RFC 1034 section 3.6.2)")


def _meant(label: str, rule: Rule, config: Config) -> Iterator[Contradiction]:
    """Names that nobody has given."""
    from resolver.text import nearest

    if rule.action == "pool" and rule.pool is not None and rule.pool not in config.pools:
        hint = nearest(rule.pool, config.pools) or "write [pools.NAME] with its members"
        yield Contradiction(label, "pool", f'there is no pool "{rule.pool}"', hint)
    if rule.action == "authority" and not rule.zone_files and not config.world_served:
        what = "there are no zones to answer from: the simulated world is not served"
        yield Contradiction(label, "action", what, "add `zone_files`, or set world.serve = true")


def _tagged(label: str, rule: Rule, tags: set[str]) -> Iterator[Contradiction]:
    """Tags that no earlier rule puts on anything."""
    from resolver.text import nearest

    for key, given in (("tagged", rule.tagged), ("unless", () if rule.unless is None else rule.unless.tagged)):
        for tag in given:
            if tag not in tags:
                hint = nearest(tag, tags) or 'put a rule with action = "tag" before it'
                yield Contradiction(label, key, f'no rule before it tags anything "{tag}"', hint)


def _never(config: Config) -> Iterator[Contradiction]:
    """Rules that can never fit."""
    from resolver.config.ruling import rules_of
    from resolver.routing.covering import contradiction, shadow

    rules = rules_of(config.rules)
    for rule in rules:
        label = f"rules.{rule.number}"
        why = contradiction(rule)
        if why is not None:
            yield Contradiction(label, "action", f"this rule can never fit: {why}", "change what it looks at")
            continue
        earlier = shadow(rules, rule)
        if earlier is not None:
            what = f"this rule can never fit: {earlier} decides whatever would, before it"
            yield Contradiction(label, "action", what, "put it before that one, or remove it")
