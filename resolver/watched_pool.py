"""Decides what is known of one pool in force: the health of its members, who checks them, and what is told of both.

Rules: what is known of a member is kept over new settings, as long as its pool keeps the member, and its next check is
made when it was due before.

Limits: nothing here is kept beyond the end of the process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from resolver import balancing
from resolver.balance.checking import Checker, Timing
from resolver.balance.health import Health, Rules, Verdict
from resolver.balance.pool import Member, Pool, State
from resolver.config.sections.pools import Pool as Settings
from resolver.config.upstreams import upstream
from resolver.errors import InputError
from resolver.network.base import Clock, Entropy, Network
from resolver.probing import probing
from resolver.text import nearest, quoted

MAX_TOLD: Final = 4
"""Members that are told to who has named several."""

TAKING: Final = (State.UP, State.STARTING)
"""States in which a member takes questions."""


class WatchedPool:
    """A pool in force, with what is known of the health of its members."""

    def __init__(self, pool: Pool, clock: Clock, entropy: Entropy) -> None:
        self.pool = pool
        self.settings: Settings | None = None
        self._network: Network | None = None
        self.reason = ""
        """Why the state of a member changes just now."""
        self._clock, self._entropy = clock, entropy
        self._health: dict[Member, Health] = {}
        self._checkers: dict[Member, Checker] = {}

    def watch(self, settings: Settings, network: Network) -> None:
        """The members are checked by `settings` over `network`, from now on; what is known of them is kept."""
        self.settings, self._network = settings, network
        rules, timing = _rules(settings), _timing(settings)
        members, probe = self.pool.members, probing(self.pool.name, settings, network, self._clock, self._entropy)
        for gone in self._checkers.keys() - members:
            self._end(gone)
        for member in members:
            check = None if probe is None else probe(member.target)
            if member in self._checkers:
                self._health[member].rules = rules
                self._checkers[member].adjust(check, timing)
                continue
            health = self._health[member] = Health(rules)
            changed = partial(self._found, member)
            checker = Checker(health, check, timing, self._clock, self._entropy, changed)
            self._checkers[member] = checker
            member.heard = checker.served
            checker.begin()

    def become(self, members: Sequence[Member]) -> None:
        """These are the members from now on; those that were there before stay as they are."""
        assert self.settings is not None, "what is in force has settings"
        assert self._network is not None, "and a network"
        self.pool.become(members)
        self.watch(self.settings, self._network)

    def end(self) -> None:
        """Nobody is checked any more."""
        for member in tuple(self._checkers):
            self._end(member)

    def _end(self, member: Member) -> None:
        member.heard = None
        self._checkers.pop(member).end()
        del self._health[member]

    def name_of(self, text: str) -> str:
        """The name of the member that `text` names, or whose address it is. Raises `InputError`."""
        named = self.pool.named(text)
        if named is not None:
            return named.name
        try:
            there = [each.name for each in self.pool.members if str(each.target) == str(upstream(text))]
        except ValueError:
            there = []
        if len(there) != 1:  # written without its scheme, or its port, as long as it is clear who is meant
            places = [(each.name, each.target.endpoint) for each in self.pool.members]
            there = [name for name, place in places if text in (str(place), place.host)]
        if len(there) == 1:
            return there[0]
        if there:
            what = f"{quoted(text)} may be any of {len(there)} members of the pool {quoted(self.pool.name)}"
            raise InputError(what, instead=f"write one of them: {', '.join(there[:MAX_TOLD])}")
        instead = nearest(text, [each.name for each in self.pool.members])
        raise InputError(f"pool {quoted(self.pool.name)} has no member {quoted(text)}", instead=instead)

    @property
    def taking(self) -> int:
        """How many members take questions."""
        return sum(each.state in TAKING for each in self.pool.members)

    def counts(self) -> Mapping[str, int]:
        """Each of `COUNTED`."""
        members, checks = self.pool.members, [each.last for each in self._checkers.values()]
        self.pool.settle()
        return {
            "members": len(members),
            "taking": self.taking,
            "down": sum(each.state is State.DOWN for each in members),
            "drained": sum(each.state is State.DRAINED for each in members),
            "outstanding": sum(each.outstanding for each in members),
            "picked": sum(each.picked for each in members),
            "replied": sum(each.replied for each in members),
            "failed": sum(each.failed for each in members),
            "checks": sum(each.made for each in checks),
            "checks_failed": sum(each.failed for each in checks),
            **balancing.counts(self.pool.policy),
        }

    def as_data(self, now: float) -> dict[str, object]:
        """What is told of the pool and its members at the monotonic time `now`."""
        settings = self.settings
        assert settings is not None, "what is in force has settings"
        self.pool.settle()
        return {
            "name": self.pool.name,
            "mode": settings.mode,
            "policy": settings.chosen_by,
            "check": settings.check,
            "when_all_down": settings.when_all_down,
            "members": [self._member(each, now) for each in self.pool.members],
        }

    def _member(self, member: Member, now: float) -> dict[str, object]:
        checker = self._checkers.get(member)
        checked = None if checker is None or not (checker.last.made or checker.last.said) else checker.last
        return {
            "name": member.name,
            "upstream": str(member.target),
            "state": str(member.state),
            "since_s": round(now - member.since, 1) if member.since else None,
            "weight": member.weight,
            "outstanding": member.outstanding,
            "rtt_ms": round(member.rtt * 1000, 1) if member.rtt else None,
            "picked": member.picked,
            "replied": member.replied,
            "failed": member.failed,
            "checks": 0 if checked is None else checked.made,
            "checks_failed": 0 if checked is None else checked.failed,
            "check": None if checked is None else checked.said or "ok",
        }

    def _found(self, member: Member, verdict: Verdict, why: str) -> None:
        self.reason = why
        try:
            self.pool.up(member) if verdict is Verdict.UP else self.pool.down(member)
        finally:
            self.reason = ""


def _rules(settings: Settings) -> Rules:
    return Rules(
        rise=settings.check_rise,
        fall=settings.check_fall,
        passive_fall=settings.passive_fall,
        passive_percent=settings.passive_percent,
        passive_down_s=settings.passive_down_s,
        checked=settings.check != "none",
        confirm=settings.passive_confirm,
    )


def _timing(settings: Settings) -> Timing:
    interval_s, timeout_s = settings.check_interval_ms / 1000, settings.check_timeout_ms / 1000
    return Timing(interval_s, settings.check_jitter_percent / 100, min(interval_s, timeout_s))
