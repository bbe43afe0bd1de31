"""Decides what becomes of the pools of a program: made from the settings, checked, changed with a reload, drained by an
operator, and told of.

Rules
* A pool lives as long as settings name it, and a member as long as its name and its upstream stay the same: a reload
  keeps their states, their counts and who is drained. `coming` changes nothing of what is in force, so that a reload
  may still fail; `put_in_force` cannot.
* Members are checked from when they are put in force to the end of the program.
* Each change of a member's state is one event of the log and one more of `pools.changes`.

Limits: each of several workers has pools of its own, and checks their members for itself. What an operator has drained
is not remembered over a restart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from resolver.network.base import Clock, Entropy, Network
from resolver.observe.log import Log

if TYPE_CHECKING:
    from resolver.balance.checking import Checker, Timing
    from resolver.balance.health import Health, Rules, Verdict
    from resolver.balance.pool import Member, Policy, Pool, State
    from resolver.config import Config
    from resolver.config.sections.pools import Pool as Settings
    from resolver.config.upstreams import PoolMember


class Pools:
    """All pools of a program, by name."""

    def __init__(self, clock: Clock, entropy: Entropy, log: Log) -> None:
        self._clock, self._entropy, self._log = clock, entropy, log
        self._watched: dict[str, _Watched] = {}
        self.changes = 0
        """How often a member's state has changed."""

    def coming(self, config: Config) -> Mapping[str, Pool]:
        """The pools that `config` describes: those in force that it names, as they are, and new ones."""
        return {
            name: self._watched[name].pool if name in self._watched else self._made(name, settings)
            for name, settings in config.pools.items()
        }

    def put_in_force(self, config: Config, pools: Mapping[str, Pool], network: Network) -> None:
        """`pools`, which `coming` gave for `config`, are as it says, and their members are checked over `network`."""
        for name in self._watched.keys() - pools.keys():
            self._watched.pop(name).end()
        for name, pool in pools.items():
            if name not in self._watched:
                self._watched[name] = _Watched(pool, self._clock, self._entropy)
            self._adjust(self._watched[name], config.pools[name], network)

    def end(self) -> None:
        """Nobody is checked any more."""
        for watched in self._watched.values():
            watched.end()

    @property
    def in_force(self) -> Mapping[str, Pool]:
        """Those that are in force, by name."""
        return {name: watched.pool for name, watched in self._watched.items()}

    # -- parts

    def _made(self, name: str, settings: Settings) -> Pool:
        from resolver.balance.pool import Pool

        return Pool(
            name,
            _members(settings),
            self._policy(settings),
            self._clock,
            open_when_all_down=settings.when_all_down == "open",
        )

    def _policy(self, settings: Settings) -> Policy:
        from resolver.balance.policies import LeastResponseTime, RoundRobin

        if settings.policy == "least-response-time":
            return LeastResponseTime(self._entropy, self._clock)
        return RoundRobin(self._entropy)

    def _adjust(self, watched: _Watched, settings: Settings, network: Network) -> None:
        pool = watched.pool
        if watched.settings is not None and watched.settings != settings:
            pool.policy = self._policy(settings)
            pool.open_when_all_down = settings.when_all_down == "open"
            pool.become(_members(settings))
        pool.changed = partial(self._changed, watched)
        watched.watch(settings, network)

    def _changed(self, watched: _Watched, member: Member, before: State) -> None:
        self.changes += 1
        pool, state = watched.pool.name, member.state
        reason = watched.reason or None
        tell = self._log.error if state == "down" else self._log.info
        tell("pool_member", pool=pool, member=member.name, state=state, before=before, reason=reason)


class _Watched:
    """A pool in force, with what is known of the health of its members."""

    def __init__(self, pool: Pool, clock: Clock, entropy: Entropy) -> None:
        self.pool = pool
        self.settings: Settings | None = None
        self.reason = ""
        """Why the state of a member changes just now."""
        self._clock, self._entropy = clock, entropy
        self._health: dict[Member, Health] = {}
        self._checkers: dict[Member, Checker] = {}

    def watch(self, settings: Settings, network: Network) -> None:
        """The members are checked by `settings` over `network`, from now on; what is known of them is kept."""
        from resolver.balance.checking import Checker
        from resolver.balance.health import Health
        from resolver.probing import probe

        self.end()
        fresh = self.settings is None
        self.settings = settings
        rules, timing = _rules(settings), _timing(settings)
        members = self.pool.members
        self._health = {each: self._health.get(each) or Health(rules) for each in members}
        for member, health in self._health.items():
            health.rules = rules
            checks = probe(settings, member.target, network, self._entropy)
            changed = partial(self._found, member)
            self._checkers[member] = Checker(health, checks, timing, self._clock, self._entropy, changed)
        self.pool.heard = self._heard
        for checker in self._checkers.values():
            checker.begin(at_once=fresh)

    def end(self) -> None:
        """Nobody is checked any more."""
        self.pool.heard = None
        for checker in self._checkers.values():
            checker.end()
        self._checkers.clear()

    def _heard(self, member: Member, good: bool) -> None:
        checker = self._checkers.get(member)
        if checker is not None:
            checker.served(good)

    def _found(self, member: Member, verdict: Verdict, why: str) -> None:
        self.reason = why
        try:
            self.pool.up(member) if verdict == "up" else self.pool.down(member)
        finally:
            self.reason = ""


def _members(settings: Settings) -> Sequence[Member]:
    from resolver.balance.pool import Member

    listed: Sequence[PoolMember] = () if settings.members == "system" else settings.members
    return [Member(str(each), each.upstream, weight=each.weight) for each in listed]


def _rules(settings: Settings) -> Rules:
    from resolver.balance.health import Rules

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
    from resolver.balance.checking import Timing

    return Timing(
        settings.check_interval_ms / 1000, settings.check_jitter_percent / 100, settings.check_timeout_ms / 1000
    )
