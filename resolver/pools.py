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

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from resolver.errors import InputError
from resolver.network.base import Clock, Endpoint, Entropy, Network
from resolver.observe.log import Log
from resolver.relays import Relays
from resolver.text import nearest, quoted

if TYPE_CHECKING:
    from resolver.balance.pool import Member, Pool, State
    from resolver.config import Config
    from resolver.config.sections.pools import Pool as Settings
    from resolver.config.upstreams import PoolMember
    from resolver.resolv_conf import Followed
    from resolver.watched_pool import WatchedPool

MAX_COUNTED: Final = 16
"""Pools whose counts stand among those of the program, each by itself; all stand in `listed`."""

COUNTED: Final = (
    *("members", "taking", "down", "drained", "outstanding"),
    *("picked", "replied", "failed", "checks", "checks_failed"),
    *("sticky_clients", "sticky_stores", "sticky_untold"),
)
"""What is counted of a pool, and of all together."""

OPERATOR: Final = "an operator said so"


class Pools:
    """All pools of a program, by name."""

    def __init__(self, clock: Clock, entropy: Entropy, log: Log) -> None:
        self._clock, self._entropy, self._log = clock, entropy, log
        self._watched: dict[str, WatchedPool] = {}
        self._followed: dict[str, Followed] = {}
        self.relays = Relays(clock, entropy, log)
        """What passes on to members unread."""
        self.changes = 0
        """How often a member's state has changed."""

    def coming(self, config: Config) -> Mapping[str, Pool]:
        """The pools that `config` describes: those in force that it names, as they are, and new ones. Raises
        ConfigError where what one needs is not there."""
        if config.pools:
            from resolver import balancing, probing

            balancing.check(config)
            probing.certify(config)
        own = config.server.listen
        return {
            name: self._watched[name].pool if name in self._watched else self._made(name, settings, own)
            for name, settings in config.all_pools.items()
        }

    def put_in_force(self, config: Config, pools: Mapping[str, Pool], network: Network) -> None:
        """`pools`, which `coming` gave for `config`, are as it says, and their members are checked over `network`."""
        settings = config.all_pools
        for name in self._watched.keys() - pools.keys():
            _end(self._watched.pop(name))
        for name, pool in pools.items():
            watched = self._watched.get(name)
            if watched is None:
                from resolver.watched_pool import WatchedPool

                watched = self._watched[name] = WatchedPool(pool, self._clock, self._entropy)
            self._adjust(watched, settings[name], network)
        self._follow(config)
        self.relays.adjust(config, pools, network)

    def become(self, pool: str, members: Sequence[PoolMember]) -> None:
        """The pool of that name, which is in force, has these members from now on."""
        self._watched[pool].become(_made(members))

    def end(self) -> None:
        """Nobody is checked any more."""
        for watched in self._watched.values():
            _end(watched)
        for followed in self._followed.values():
            followed.end()

    @property
    def in_force(self) -> Mapping[str, Pool]:
        """Those that are in force, by name."""
        return {name: watched.pool for name, watched in self._watched.items()}

    # -- operators

    def drain(self, pool: str, member: str) -> str:
        """That member gets no new questions, whatever its health is; its name. Raises `InputError`."""
        return self._told(pool, member, drained=True)

    def undrain(self, pool: str, member: str) -> str:
        """That member is what health finds; its name. Raises `InputError`."""
        return self._told(pool, member, drained=False)

    def listed(self) -> list[dict[str, object]]:
        """Each pool with its members, their states and what was counted of them, as JSON can carry it."""
        return [watched.as_data(self._clock.monotonic()) for watched in self._watched.values()]

    def counts(self) -> Mapping[str, int]:
        """Counters and gauges under flat names: of all pools together, the first `MAX_COUNTED` each, and relays."""
        each = [watched.counts() for watched in self._watched.values()]
        counted = {f"pools.{key}": sum(one[key] for one in each) for key in COUNTED}
        counted["pools.changes"] = self.changes
        for name, one in zip(self._watched, each[:MAX_COUNTED], strict=False):
            counted |= {f"pool.{name}.{key}": one[key] for key in COUNTED}
        return {**counted, **self.relays.counts()}

    def _told(self, pool: str, member: str, *, drained: bool) -> str:
        watched = self._watched.get(pool)
        if watched is None:
            raise InputError(f"there is no pool {quoted(pool)}", instead=nearest(pool, self._watched))
        name = watched.name_of(member)
        watched.reason = OPERATOR
        try:
            watched.pool.drain(name) if drained else watched.pool.undrain(name)
        finally:
            watched.reason = ""
        return name

    # -- parts

    def _made(self, name: str, settings: Settings, own: Collection[Endpoint]) -> Pool:
        from resolver import balancing
        from resolver.balance.pool import Pool

        return Pool(
            name,
            _made(_members(settings, own)),
            balancing.policy(name, settings, self._clock, self._entropy, self._log),
            self._clock,
            slow_start_s=settings.slow_start_s,
            open_when_all_down=settings.when_all_down == "open",
        )

    def _adjust(self, watched: WatchedPool, settings: Settings, network: Network) -> None:
        from resolver import balancing

        pool = watched.pool
        if watched.settings is not None and watched.settings != settings:
            balancing.adjust(pool, watched.settings, settings, self._clock, self._entropy, self._log)
            if settings.members != "system":
                pool.become(_made(settings.members))
        balancing.begin(pool.policy)
        pool.changed = partial(self._changed, watched)
        watched.watch(settings, network)

    def _follow(self, config: Config) -> None:
        """The pools of the system have the members that stand in its file, from now on."""
        files = {name: each.resolv_conf for name, each in config.all_pools.items() if each.members == "system"}
        own = frozenset(config.server.listen)
        for name, followed in tuple(self._followed.items()):
            if files.get(name) != followed.path or own != followed.own:
                self._followed.pop(name).end()
        for name in files.keys() - self._followed.keys():
            from resolver.resolv_conf import Followed

            become = partial(self.become, name)
            self._followed[name] = Followed(name, files[name], own, become, self._clock, self._log)
            self._followed[name].begin()

    def _changed(self, watched: WatchedPool, member: Member, before: State) -> None:
        self.changes += 1
        left = watched.taking
        tell = self._log.info if left else self._log.error
        tell(
            "pool_member",
            pool=watched.pool.name,
            member=member.name,
            state=str(member.state),
            before=str(before),
            reason=watched.reason or None,
            left=left,
        )


def _end(watched: WatchedPool) -> None:
    """Nothing of a pool is under way any more."""
    from resolver import balancing

    watched.end()
    balancing.end(watched.pool.policy)


def _members(settings: Settings, own: Collection[Endpoint]) -> Sequence[PoolMember]:
    """Who is in a pool of a daemon that listens at `own`, before anything is followed."""
    if settings.members != "system":
        return settings.members
    from resolver import resolv_conf

    return resolv_conf.named(settings.resolv_conf, own)


def _made(members: Sequence[PoolMember]) -> Sequence[Member]:
    from resolver.balance.pool import Member

    return [Member(str(each), each.upstream, weight=each.weight) for each in members]
