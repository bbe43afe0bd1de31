"""Decides what a list of rules comes to for one query, rule by rule: the meaning that `table` gives faster.

Rules
* All matchers of a rule must fit, and none of those that it names under `unless`.
* Rules are tried in their order. What changes the query changes it for the rules behind; the first action that decides
  ends it. Where none decides, the query goes the usual way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from resolver.errors import BadName
from resolver.message import Query, Question
from resolver.routing.actions import (
    CHANGING,
    Action,
    AddSubnet,
    Changing,
    Deciding,
    Limit,
    Resolve,
    Rewrite,
    SetTtl,
    StripSubnet,
    Tag,
)
from resolver.routing.circumstances import Chance, Times
from resolver.routing.matchers import Matcher
from resolver.routing.seen import Seen
from resolver.wire import names

USUAL: Final = Resolve()
LOOSE: Final = (Times, Chance)
"""What differs for the same query from the same client. It is looked at last."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its number in the list, from 1, what must fit and what must not, and what is done."""

    number: int
    action: Action
    matchers: tuple[Matcher, ...] = ()
    unless: tuple[Matcher, ...] = ()
    name: str = ""

    @property
    def is_loose(self) -> bool:
        """Whether it looks at what differs for the same query from the same client: time and chance."""
        return any(isinstance(each, LOOSE) for each in (*self.matchers, *self.unless))

    def misfit(self, seen: Seen, loose: bool = False) -> str | None:
        """In short why the query does not fit, looking at time and chance if `loose`, else at all others; None where it
        does."""
        for matcher in self.matchers:
            if isinstance(matcher, LOOSE) is loose and not matcher.fits(seen):
                return matcher.why(seen)
        for matcher in self.unless:
            if isinstance(matcher, LOOSE) is loose and matcher.fits(seen):
                return f"it is excepted, since {matcher.key} is {matcher}"
        return None

    def __str__(self) -> str:
        return f"rule {self.number} ({self.name})" if self.name else f"rule {self.number}"


@dataclass(slots=True)
class Decision:
    """What becomes of a query: the `action`, and the rule that decided, if one did.

    `keeps`: the same query from such a client comes to the same, so that its answer may be stored as octets; where it
    does so only until the next full minute, `within_minute` says so.
    """

    action: Deciding = USUAL
    rule: Rule | None = None
    fitted: tuple[Rule, ...] = ()
    """All rules that it fitted, in their order."""
    question: Question | None = None
    """What is asked in its place, if it is another question."""
    tags: frozenset[str] = frozenset()
    subnet: AddSubnet | None = None
    ttl: SetTtl | None = None
    limits: tuple[str, ...] = ()
    keeps: bool = True
    within_minute: bool = False
    simple: bool = False
    """Nothing but the action is to be done: what comes back is told as it is."""

    @property
    def is_plain(self) -> bool:
        """Whether what comes back is told as it is."""
        shapes = self.ttl or self.question or self.within_minute or self.limits or self.subnet
        return self.keeps and not shapes

    @property
    def number(self) -> int:
        """That of the rule that decided; 0 where none did."""
        return 0 if self.rule is None else self.rule.number

    def take(self, rule: Rule, asked: Question, seen: Seen) -> bool:
        """`rule`, which fits, has changed what becomes of the question `asked`, and what rules see; whether it
        decided."""
        self.fitted = (*self.fitted, rule)
        action = rule.action
        if isinstance(action, CHANGING):
            self.change(action, asked, seen)
            return False
        self.action, self.rule = action, rule
        return True

    def undecided(self) -> Decision:
        """The same, as if the last rule had not fitted."""
        return replace(self, action=USUAL, rule=None, fitted=self.fitted[:-1])

    def change(self, action: Changing, asked: Question, seen: Seen) -> bool:
        """`action` has changed what becomes of the question `asked`, and what rules see; whether that is another one
        now."""
        match action:
            case Tag(tags):
                self.tags = seen.tags = seen.tags | tags
            case SetTtl():
                self.ttl = action
            case AddSubnet():
                self.subnet = action
            case StripSubnet():
                self.subnet = None
            case Limit(name):
                self.limits = (*self.limits, name)
            case Rewrite():
                self.question = rewritten(asked if self.question is None else self.question, action)
                seen.name, seen.type = self.question.name.lower(), self.question.type
                return True
        return False

    def loosen(self, rule: Rule) -> None:
        """What `rule` says of time and chance was looked at."""
        for matcher in (*rule.matchers, *rule.unless):
            if isinstance(matcher, Times):
                self.within_minute = True
            elif isinstance(matcher, Chance):
                self.keeps = False


def rewritten(question: Question, action: Rewrite) -> Question:
    """The question that `action` makes of `question`; the same where the name would be too long."""
    name, rtype = question.name, question.type if action.type is None else action.type
    if action.name is not None:
        if not action.old:
            name = action.name
        else:
            old = next((each for each in names.ancestors(name.lower()) if each in action.old), None)
            if old is not None:
                try:
                    name = names.substitute(name, old, action.name)
                except BadName:
                    return question
    return question._replace(name=name, type=rtype)


class Tried(NamedTuple):
    """A rule that was tried, and why the query does not fit; None where it does."""

    rule: Rule
    misfit: str | None


def tried(rules: Sequence[Rule], query: Query, seen: Seen, decision: Decision) -> Iterator[Tried]:
    """Each rule that is tried, in their order, as `decision` becomes what it comes to."""
    for rule in rules:
        misfit = rule.misfit(seen)
        if misfit is None and rule.is_loose:
            decision.loosen(rule)
            misfit = rule.misfit(seen, loose=True)
        yield Tried(rule, misfit)
        if misfit is not None:
            continue
        if decision.take(rule, query.question, seen):
            return


def decide(rules: Sequence[Rule], query: Query, wall: Callable[[], float], secret: int = 0) -> Decision:
    """What `rules` come to for `query`, one after the other; `table` comes to the same."""
    decision = Decision()
    for _ in tried(rules, query, Seen(query, wall, secret), decision):
        pass
    return decision
