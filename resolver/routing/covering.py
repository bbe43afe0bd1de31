"""Decides which rules can never fit: those that exclude themselves, and those before which another always decides.

Rules: a rule covers another when it decides, and each of its matchers covers one of the other, and each of its
exceptions is one of the other's or apart from what the other wants. Where a rule between the two asks another question
in the place of the one that the first saw, or tags it, what the first sees of it is not what the second sees.

Limits: one earlier rule is looked at, not what several cover together; where it cannot be told, a rule may fit. What
zones a rule answers from stands in files, so that it is not known here which names it leaves to others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from resolver.message import Transport
from resolver.routing.actions import FromZones, Rewrite, Tag, Truncate, decides
from resolver.routing.circumstances import Chance, Headers, Paths, ServerNames, Tagged
from resolver.routing.matchers import Matcher, Names, Transports, Types
from resolver.routing.rules import Rule

_ENCRYPTED: Final = frozenset((Transport.TLS, Transport.HTTPS))
_HTTPS: Final = frozenset((Transport.HTTPS,))
_NEEDS: Final = ((ServerNames, _ENCRYPTED), (Paths, _HTTPS), (Headers, _HTTPS))
"""What is known of a query that came by these alone."""


def contradiction(rule: Rule) -> str | None:
    """Why no query fits `rule`, by itself; None where one may."""
    carried = next((each for each in rule.matchers if isinstance(each, Transports)), None)
    if carried is not None and isinstance(rule.action, Truncate) and Transport.UDP not in carried.values:
        return "only datagrams can be truncated"
    for kind, needed in _NEEDS:
        known = next((each for each in rule.matchers if isinstance(each, kind)), None)
        if known is not None and carried is not None and not carried.values & needed:
            return f"nothing that came over {carried} has {known.key}"
    for matcher in rule.matchers:
        for other in rule.unless:
            if other.covers(matcher):
                return f"whatever has {matcher.key} {matcher} is excepted by `unless`"
        for other in rule.matchers:
            if other is not matcher and matcher.is_apart(other):
                return f"nothing is both {matcher} and {other}"
    return None


def shadow(rules: Sequence[Rule], rule: Rule) -> Rule | None:
    """The earlier one of `rules` that decides whatever fits `rule`; None where a query may reach that."""
    before = list(rules[: rules.index(rule)])
    for at, earlier in enumerate(before):
        final = decides(earlier.action) and not isinstance(earlier.action, FromZones)
        if final and _covers(earlier, rule, before[at + 1 :]):
            return earlier
    return None


def _covers(earlier: Rule, later: Rule, between: Iterable[Rule]) -> bool:
    wanted = all(any(mine.covers(theirs) for theirs in later.matchers) or _all(mine) for mine in earlier.matchers)
    if not wanted or not all(_is_harmless(exception, later) for exception in earlier.unless):
        return False
    looks = (*earlier.matchers, *earlier.unless)
    for rule in between:
        moves = isinstance(rule.action, Rewrite) and any(isinstance(each, (Names, Types)) for each in looks)
        tags = isinstance(rule.action, Tag) and any(isinstance(each, Tagged) for each in looks)
        if moves or tags:
            return False
    return True


def _all(matcher: Matcher) -> bool:
    """Whether everything fits it."""
    return isinstance(matcher, Chance) and matcher.share >= 1


def _is_harmless(exception: Matcher, later: Rule) -> bool:
    """Whether nothing that fits `later` is excepted by `exception`."""
    return any(theirs.covers(exception) for theirs in later.unless) or any(
        exception.is_apart(theirs) for theirs in later.matchers
    )
