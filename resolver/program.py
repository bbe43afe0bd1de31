"""How a program lives: what is bound, started, swapped and stopped, in an order in which nothing that worked
is lost.

A reload loads, binds and composes everything new beside what runs, which may fail; then it swaps, which
cannot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from resolver import compiled, differing, files, placing, serving
from resolver.answering import awaited
from resolver.arranged import Lab
from resolver.auth.shipped import find_zones
from resolver.caches import Caches, new_caches
from resolver.certificates import Shown
from resolver.config import Config
from resolver.files import Read
from resolver.fronts import Fronts, Opened
from resolver.listeners import BindAll, Bound, Kind, bind_all
from resolver.message import Client, Edns, Query, Question, Reply, Transport, Type
from resolver.network.base import Clock, Endpoint
from resolver.network.sockets import SocketNetwork
from resolver.observe import watching
from resolver.observe.log import Log
from resolver.odd_listeners import OddListeners, served_at
from resolver.pipeline.driving import Tools
from resolver.pools import Pools
from resolver.server.cookies import drawn
from resolver.server.flights import MOST
from resolver.server.respond import Responder
from resolver.setting import Compose, Composed, Setting
from resolver.tasks import Tasks
from resolver.wire import names, types

if TYPE_CHECKING:
    from resolver.auth.hierarchy import World
    from resolver.balance.pool import Pool
    from resolver.rolling import Rolling

IN_MEMORY_PORT: Final = 53
"""The port of simulated servers that bind none."""


@dataclass(slots=True)
class _Opened:
    """What has been bound, and does not listen yet: for clients and relays, and for simulated servers."""

    fronts: Opened = field(default_factory=Opened)
    behind: list[Bound] = field(default_factory=list)

    def close(self) -> None:
        """Nothing is bound."""
        self.fronts.close()
        for bound in self.behind:
            bound.close()


@dataclass(frozen=True, slots=True)
class _Coming:
    """What is to be put in force; `fronts` and `places` are all that is to listen."""

    config: Config
    read: Read
    caches: Caches
    pools: Mapping[str, Pool]
    composed: Composed
    fronts: Opened
    places: Sequence[Endpoint]


Offload: TypeAlias = "Callable[[Callable[[], Read]], Awaitable[Read]]"
"""Runs what takes long where it does not keep clients waiting: in a thread, or in virtual time right here."""


class Program:
    """A resolver with its listeners, its simulated servers and its caches. `app.build` makes it."""

    def __init__(
        self,
        config: Config,
        world: World | None,
        tools: Tools,
        log: Log,
        compose: Compose,
        sockets: SocketNetwork,
        *,
        offload: Offload,
        bind: BindAll = bind_all,
        shown: Shown | None = None,
        lab: Lab,
    ) -> None:
        """`sockets` are those to other servers, which are closed with the program."""
        self.config = config
        self.log = log
        self.lab = lab
        self.reloads = 0
        """How often settings, and the world with them, have been read anew."""
        self._given_world = world
        self._swapping = asyncio.Lock()
        self._listens = False
        self._tools = tools
        self._compose = compose
        self._sockets = sockets
        self._offload = offload
        self._tasks = Tasks()
        self._began = tools.clock.monotonic()
        self._caches = new_caches(config, self._tools)
        self.pools = Pools(tools.clock, tools.entropy, log)
        loop = asyncio.get_running_loop()
        self._fronts = Fronts(loop, tools.clock, bind, log, shown, self.pools.relays)
        self._behind = OddListeners(loop, tools.clock)
        self._drawn = drawn(tools.entropy)
        self._read = read = files.read(config, world, lab)
        pools = self.pools.coming(config)
        self._composed = self._composition(config, read, IN_MEMORY_PORT, self._caches, pools, bound=False, listening=())
        self._caches.adjust(config, self._composed.branches.held())
        self.responder = Responder(
            self._composed.answerer,
            clock=tools.clock,
            counters=tools.counters,
            log=log,
            conduct=serving.conduct(config, self._composed.explains, self._composed.kind_of),
            answers=self._caches.answers,
            access=serving.access(config, tools.clock),
            cookies=serving.cookies(config, self._drawn, tools.clock),
            idle_seconds=self._fronts.places.idle_seconds,
            limiting=serving.limiting(config, tools.clock, tools.counters, log, None),
        )
        self.respond = watching.watched(self.responder, lab.history, tools.clock)
        """What clients ask."""

    # -- life

    async def start(self) -> None:
        """Everything listens. Raises `ListenError`; then nothing does."""
        self._listens = True
        try:
            await self._put_in_force(self.config, self._read)
        except BaseException:
            self._listens = False
            raise
        self._warn()
        self._composed.resolved.refresh(Question(names.ROOT, Type.NS))  # the root is primed before anyone asks

    async def reload(self, config: Config) -> None:
        """`config` is in force and the cache is kept; or an error is raised and nothing has changed.

        A world that is in a directory is read again, whatever `change` has made of it.
        """
        async with self._swapping:
            reading = partial(files.read, config, self._given_world, self.lab)
            await self._put_in_force(config, await self._offload(reading))
            self.reloads += 1
            self._warn()

    async def change(self, world: World) -> None:
        """`world` is served and resolved in the place of the one before, and the cache is kept. Raises `ListenError`;
        then nothing has changed."""
        async with self._swapping:
            await self._put_in_force(self.config, self._read._replace(world=world))
            if self._given_world is not None:
                self._given_world = world

    async def stop(self, drain_s: float | None = None, *, relieved: bool = False) -> None:
        """Queries in progress are answered or given up after `drain_s` (`server.drain_s`); nothing listens any more.

        `relieved`: others listen on the same ports and go on (`Listeners.keep_only`).
        """
        drain_s = self.config.server.drain_s if drain_s is None else drain_s
        await self._fronts.stop(drain_s, relieved=relieved)
        await self._behind.keep_only((), 0.0)
        self.responder.give_up()
        self._roll(None)
        self.pools.end()
        self._tasks.cancel()
        self._tools.verifier.close()
        self._sockets.close()

    async def _put_in_force(self, config: Config, read: Read) -> None:
        opened = _Opened()
        try:
            coming = self._prepared(config, read, opened)
        except BaseException:
            opened.close()
            raise
        self._swap(coming)
        await self._listen(coming, opened)

    def _prepared(self, config: Config, read: Read, opened: _Opened) -> _Coming:
        """All that may fail: what is to be listened on is bound, and held in `opened`, and the stages are made."""
        self._fronts.prepare(config, opened.fronts, listens=self._listens)
        plain, buffer = opened.fronts.of(Kind.PLAIN), config.server.receive_buffer_kb * 1024
        port = config.world.port or self._first_port(opened.fronts.wanted.get(Kind.PLAIN, ()), plain)
        places = placing.places(config, read.world, port, self.log) if self._listens else []
        opened.behind = placing.bind_servers((each for each in places if each not in self._behind), buffer)
        listening = (*self.listening, *(each.endpoint for each in plain))
        # Of another internet nothing is known; questions in flight go on with what they began with.
        same = differing.origin(config, read.world) == differing.origin(self.config, self._read.world)
        caches = self._caches if same else new_caches(config, self._tools)
        pools = self.pools.coming(config)
        composed = self._composition(config, read, port, caches, pools, bound=bool(places), listening=listening)
        return _Coming(config, read, caches, pools, composed, opened.fronts, places)

    def _swap(self, coming: _Coming) -> None:
        """Whatever is asked from now on is answered by what is `coming`."""
        config, composed, clock = coming.config, coming.composed, self._tools.clock
        self._roll(composed.rolling)
        for zone in differing.doubted(self.config, config, self._composed.known, composed.known):
            composed.branches.flush(zone, subtree=True)
        watching.adjust(self.lab.history, self.config.history.messages, config.history.messages, self.log)
        self.config, self._caches, self._composed = config, coming.caches, composed
        self._read = coming.read
        self.pools.put_in_force(config, coming.pools, composed.network)
        access, cookies = serving.access(config, clock), serving.cookies(config, self._drawn, clock)
        conduct = serving.conduct(config, composed.explains, composed.kind_of)
        limiting = serving.limiting(config, clock, self._tools.counters, self.log, self.responder.limiting)
        self.responder.adjust(composed.answerer, conduct, coming.caches.answers, access, cookies, limiting)
        self._caches.adjust(config, composed.branches.held())
        self.log.adjust(config.log.level, config.log.format)
        self._fronts.adjust(config, coming.fronts, None if access is None else access.allows)

    async def _listen(self, coming: _Coming, opened: _Opened) -> None:
        """What was `opened` listens, and what is not wanted any more does not."""
        respond, drain_s = self.respond, coming.config.server.drain_s
        for bound in opened.behind:
            await self._behind.start(bound, *served_at(bound.endpoint.host, lambda: self._composed.simulated))
        await self._behind.keep_only(coming.places, 0.0)
        hits = {Kind.PLAIN: respond.streams, Kind.TLS: respond.encrypted, Kind.HTTPS: respond.https}
        await self._fronts.listen(coming.fronts, respond.fresh, hits, respond.datagrams, drain_s)

    def _warn(self) -> None:
        """The log says what is not as it was meant to be."""
        for finding in () if self._read.world is None else self._read.world.findings:
            self.log.error("zone_not_served", reason=str(finding))
        if self._read.filtering is not None:
            self._read.filtering.tell(self.log)
        if self.config.server.max_in_flight is None and self.responder.conduct.max_in_flight < MOST:
            instead = "allow more open files (ulimit -n, LimitNOFILE=), or set server.max_in_flight"
            self.log.warning("few_descriptors", max_in_flight=self.responder.conduct.max_in_flight, instead=instead)

    def _roll(self, rolling: Rolling | None) -> None:
        """`rolling` follows the keys of zones from now on, and nothing else does."""
        if self._composed.rolling is not None:
            self._composed.rolling.cancel()
        if rolling is not None:
            rolling.begin()

    # -- use

    async def ask(self, name: str, rtype: str = "A", *, timeout_s: float = 4.5) -> Reply:
        """The reply that a client gets to `name` and `rtype`.

        Raises `ValueError` for what is no name or no type, `ResolutionFailed` when there is no answer to be had.
        """
        question = Question(names.from_text(name), types.from_text(rtype))
        client = Client("127.0.0.1", 0, Transport.TCP)
        deadline = self._tools.clock.monotonic() + timeout_s
        return await awaited(self.responder.answerer, Query(question, client, 0, deadline, edns=Edns()))

    @property
    def clock(self) -> Clock:
        """The time that the program goes by."""
        return self._tools.clock

    @property
    def directory(self) -> Path | None:
        """Where the world that is served is read from; None where it was handed in, or none is served."""
        if self._given_world is not None or self._read.world is None:
            return None
        return find_zones() if self.config.world.directory is None else Path(self.config.world.directory)

    @property
    def world(self) -> World | None:
        """The simulated internet that is served, if one is."""
        return self._read.world

    @property
    def listening(self) -> Sequence[Endpoint]:
        """Where clients are answered, with the ports that were really taken."""
        return self._fronts.endpoints(Kind.PLAIN)

    @property
    def encrypted(self) -> Sequence[Endpoint]:
        """Where clients are answered over TLS, with the ports that were really taken."""
        return self._fronts.endpoints(Kind.TLS)

    @property
    def https(self) -> Sequence[Endpoint]:
        """Where clients are answered over HTTPS, with the ports that were really taken."""
        return self._fronts.endpoints(Kind.HTTPS)

    @property
    def shown(self) -> Shown | None:
        """The certificate that clients of TLS are shown."""
        return self._fronts.shown

    @property
    def simulated(self) -> Sequence[tuple[str, Endpoint]]:
        """The simulated servers that have an address of their own: name and place, those of the root first."""
        if self._read.world is None:
            return []
        placed = {endpoint.host: endpoint for endpoint in self._behind.endpoints}
        roots = {root.ipv4 for root in self._read.world.root_servers}
        servers = sorted(self._read.world.servers, key=lambda server: server.ipv4 not in roots)
        return [(names.to_text(each.name), placed[each.ipv4]) for each in servers if each.ipv4 in placed]

    def stats(self) -> Mapping[str, int | float | str]:
        """Counters and gauges under flat names."""
        return {
            "uptime.seconds": round(self._tools.clock.monotonic() - self._began, 1),
            **self._tools.counters.as_dict(),
            **self._sockets.counts(),
            **self._caches.counts(),
            **self._composed.branches.counts(),
            **({} if self._read.filtering is None else self._read.filtering.counts()),
            **self._fronts.counts(),
            **serving.limits_held(self.responder.limiting),
            **self.lab.faults.counts(),
            **watching.counts(self.lab.history),
            **self.pools.counts(),
            "tasks.running": len(self._tasks),
            "runtime.compiled": int(compiled.why_not() is None),
        }

    def cache_entries(self, limit: int) -> Sequence[Mapping[str, object]]:
        """At most `limit` of the records and denials that are held, with the seconds that are left."""
        return self._caches.entries(limit)

    def flush(self, name: bytes, subtree: bool) -> int:
        """`name`, and all below it if `subtree`, are forgotten; how many records and delegations that were."""
        self._caches.answers.clear()
        return self._composed.branches.flush(name, subtree=subtree)

    # -- parts

    def _composition(
        self,
        config: Config,
        read: Read,
        port: int,
        caches: Caches,
        pools: Mapping[str, Pool],
        *,
        bound: bool,
        listening: Iterable[Endpoint],
    ) -> Composed:
        own = (*config.server.listen, *listening)
        tools, tasks, log, lab, sockets = self._tools, self._tasks, self.log, self.lab, self._sockets
        return self._compose(
            Setting(
                *(config, read.world, port, bound, own, caches, tools, tasks, log, lab, sockets, pools),
                filtering=read.filtering,
                rules=read.rules,
            )
        )

    def _first_port(self, listen: Iterable[Endpoint], bound: Sequence[Bound]) -> int:
        taken = {each.asked: each.endpoint for each in bound}
        front = self._fronts.of(Kind.PLAIN)
        there = next((each for each in listen if each in taken or each in front), None)
        return IN_MEMORY_PORT if there is None else (taken.get(there) or front.place(there)).port
