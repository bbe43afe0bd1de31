"""Decides what a test can do with its internet: declare it, ask it, break it, move its time, and look at what happened.

Rules
* Nothing is made before it is needed, and nothing is bound before `nameserver` or `patch_getaddrinfo` is used. Until
  then no time passes but what a question takes and a test advances.
* Every call waits until what it says is so, and works where a loop runs already. `aresolve` lets that loop go on.
* What a test does wrong is raised at its line.

Limits: an internet belongs to its process, and ends with `close`.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, Unpack

from resolver.errors import InputError
from resolver.message import Question
from resolver.testing.answer import Answer
from resolver.testing.calling import at_the_callers_line, callers_line
from resolver.testing.clock import TestClock
from resolver.testing.history import HistoryView
from resolver.testing.inside import Inside, Told
from resolver.testing.jobs import Job, asks, awaited, listed, put, question, restored, saved, spelled
from resolver.testing.lookups import Lookups
from resolver.testing.nameserver import Nameserver, asked
from resolver.testing.options import DENIALS, Given, options
from resolver.testing.reporting import report, tree
from resolver.testing.servers import Fault, ServerHandle, said
from resolver.testing.thread import LoopThread
from resolver.testing.tried import not_there
from resolver.text import nearest
from resolver.wire import names, types

if TYPE_CHECKING:
    from resolver.auth.shape import Data
    from resolver.explain import Explanation
    from resolver.testing.replay.verdict import Verdict

T = TypeVar("T")
Signed = str | bool | Mapping[str, object] | None
"""`nsec` or `nsec3`, True for the first, None or False for not at all; or a table as in hierarchy.toml."""


MAX_SHOWN: Final = 5
"""Zones that are named where an internet is shown."""


class Internet:
    """A DNS internet with a resolver of its own, for one test. `resolver.testing.internet` gives one that is closed at
    the end."""

    def __init__(self, **given: Unpack[Given]) -> None:
        """`given` are the words of `options.Options`. Raises `InputError`."""
        self._options = options(given)
        self._config = self._options.config()
        self._thread = LoopThread()
        self._lock = threading.Lock()
        self._inside: Inside | None = None
        self._patches = ExitStack()
        self._last: Told | None = None
        self._nameserver: Nameserver | None = None
        self.clock = TestClock(self._run)
        """Moves the time of this internet."""

    @property
    def seed(self) -> int:
        """What all chance in this internet is drawn from."""
        return self._options.seed

    # -- the world

    @at_the_callers_line
    def zone(
        self,
        name: str,
        data: Data | None = None,
        *,
        records: Sequence[str] | str = (),
        servers: Sequence[str] | None = None,
        ttl: int | None = None,
        negative_ttl: int | None = None,
        dnssec: Signed | EllipsisType = ...,
    ) -> None:
        """There is a zone `name` with these records and no others; what is above it appears by itself.

            dns.zone("shop.example", {"@": {"MX": "10 mail"}, "mail": {"A": ["192.0.2.1", "192.0.2.2"]}}, ttl=300)

        `data` is `{owner: {type: value or values}}`, with `@` for the zone itself and owners and values relative to it
        unless they end in a dot; `records` are lines of a master file, in place of it or besides. `servers` are the
        names of its servers, else ns1 and ns2 below it. TTLs are in seconds, `negative_ttl` that of what is not there.
        Raises `InputError`.
        """
        where = callers_line()
        lines = inspect.cleandoc(records).splitlines() if isinstance(records, str) else list(records)
        signed = self._options.dnssec if dnssec is ... else (DENIALS[0] if dnssec is True else dnssec or None)

        def declare(inside: Inside) -> None:
            inside.plan.zone(
                spelled(name),
                {spelled(owner): types for owner, types in data.items()} if isinstance(data, Mapping) else data,
                records=[each for each in lines if each.strip()],
                servers=servers,
                ttl=ttl,
                negative_ttl=negative_ttl,
                dnssec=signed,
                where=where,
            )
            inside.undeclared.declared(spelled(name))

        self._change(declare)

    @at_the_callers_line
    def set(self, name: str, rtype: str, values: str | Sequence[str], *, ttl: int | None = None) -> None:
        """The records of that name and type are `values`, and no others. Raises `InputError`, and `UndeclaredName`
        where no zone that was declared encloses it."""
        self._change(put(name, rtype, values, ttl, keep=False))

    @at_the_callers_line
    def add(self, name: str, rtype: str, values: str | Sequence[str], *, ttl: int | None = None) -> None:
        """The records of that name and type have `values`, too. Raises `InputError`, and `UndeclaredName` where no zone
        that was declared encloses it."""
        self._change(put(name, rtype, values, ttl, keep=True))

    @at_the_callers_line
    def remove(self, name: str, rtype: str | None = None, value: str | None = None) -> int:
        """The records of that name, or of that type, or with that value, are gone: how many. Raises `InputError`."""
        return self._change(lambda inside: inside.plan.remove(spelled(name), rtype, value))

    @at_the_callers_line
    def remove_zone(self, name: str) -> None:
        """There is no zone `name` any more. Raises `InputError`."""
        self._change(lambda inside: inside.plan.without_zone(spelled(name)))

    @at_the_callers_line
    def absent(self, *absent: str) -> None:
        """These names, and all below them, do not exist, and may be asked for. Raises `BadName`, a ValueError."""
        self._do(lambda inside: inside.undeclared.absent(*map(spelled, absent)))

    @at_the_callers_line
    def snapshot(self, name: str = "snapshot") -> None:
        """Zones and faults as they are now can be had again by `restore`."""
        self._run(saved(name))

    @at_the_callers_line
    def restore(self, name: str = "snapshot") -> None:
        """Zones and faults are what they were at the `snapshot` of that name; the resolver has forgotten everything.
        Raises `InputError`."""
        self._run(restored(name))

    # -- what goes wrong

    @at_the_callers_line
    def server(self, name: str) -> ServerHandle:
        """The server `name`. Raises `InputError` with the nearest where there is none."""
        return ServerHandle(self, self.described_server(name)["name"])

    @at_the_callers_line
    def fault(self, word: str, *value: Any, **conditions: Any) -> Fault:
        """What `word` says goes wrong from now on, or with `with` in a block: the number of the rule. The keywords are
        parameters of the word, and conditions: `server`, `zone`, `name`, `type`, `transport`, `source`, `probability`,
        `count`, `skip`, `at`, `for_`. Raises `InputError`."""
        given = said(word, value, conditions)

        async def add(inside: Inside) -> int:
            return await inside.add_fault(given)

        number = self._run(add)
        return Fault.of(number, lambda: self._do(lambda inside: inside.end_fault(number)))

    @at_the_callers_line
    def partition(self, one: str | Sequence[str], other: str | Sequence[str], **conditions: Any) -> Fault:
        """Nothing passes between two groups of servers, `resolver` and `clients`: the number of the rule. Raises
        `InputError`."""
        return self.fault("partition", [listed(one), listed(other)], **conditions)

    @at_the_callers_line
    def clear_faults(self, number: int | None = None, *, server: str | None = None) -> int:
        """That rule, or those for that server alone, or all that were added, are in force no more: how many. Raises
        `InputError`."""
        return self._do(lambda inside: inside.clear_faults(number, server))

    @property
    def faults(self) -> list[dict[str, object]]:
        """The faults that were arranged, each with how often it was `applied` and its `state`."""
        return self._do(lambda inside: inside.faults.listed())

    # -- questions

    @at_the_callers_line
    def resolve(
        self, name: str, rtype: str = "A", *, tcp: bool = False, dnssec: bool = False, cd: bool = False
    ) -> Answer:
        """What a client is told: over UDP, and over TCP if that is cut short, or with `tcp` at once. `dnssec` asks for
        signatures (DO), `cd` for what was not checked. Raises `UndeclaredName` for a name that nobody declared, and
        ValueError for what is no name or type."""
        asked = question(name, rtype)
        return self._answered(asked, self._run(asks(asked, tcp=tcp, dnssec=dnssec, cd=cd)))

    async def aresolve(
        self, name: str, rtype: str = "A", *, tcp: bool = False, dnssec: bool = False, cd: bool = False
    ) -> Answer:
        """The same, while the loop that it is awaited in, of asyncio or trio, goes on."""
        __tracebackhide__ = True
        asked = question(name, rtype)
        told: Told = await awaited(self._submit(asks(asked, tcp=tcp, dnssec=dnssec, cd=cd)))
        return self._answered(asked, told)

    @at_the_callers_line
    def flush(self, name: str = ".") -> int:
        """The resolver has forgotten what it knows of `name` and all below it, and what failed: how many records and
        delegations that were."""
        folded = names.fold(names.from_text(spelled(name)))

        async def flush(inside: Inside) -> int:
            return await inside.flush(folded)

        return self._run(flush)

    # -- real clients

    @property
    def nameserver(self) -> Nameserver:
        """A real UDP and TCP address at which this internet's resolver answers; from now on time passes."""
        if self._nameserver is None:
            self._thread.become_real()
            endpoint = self._run(lambda inside: inside.listen())
            self._nameserver = Nameserver(endpoint.host, endpoint.port)
        return self._nameserver

    def patch_getaddrinfo(self, *, leave: Iterable[str] = ()) -> ExitStack:
        """The names of this process are those of this internet, until the test is over or what is returned is closed,
        as `with` does. Names that match a pattern in `leave`, such as `db` or `*.internal`, are looked up as ever."""
        from resolver.testing.patching import patched

        self._thread.become_real()
        lookups = Lookups(self._looked_up, self._declares, leave)
        made = patched(lookups, lambda: self.nameserver.endpoint)
        self._patches.callback(made.close)
        return made

    # -- what happened

    @property
    def history(self) -> HistoryView:
        """What servers were asked, and clients answered."""
        history = self._do(lambda inside: inside.history)
        return HistoryView(history, lambda job: self._do(lambda _: job()), self._server_names, self._zone_names)

    def tree(self) -> str:
        """What was done for the last question of the test, message by message."""
        return "" if self._last is None else tree(self._last.root)

    def report(self) -> str:
        """What a test that failed should say of its internet: seed, time, faults, and what was done for its
        questions; "" where nothing was asked and nothing goes wrong."""
        if self._inside is None:
            return ""
        return self._do(lambda inside: report(inside, self.seed, real=self._thread.loop.is_real))

    def export_scenario(self, path: str | PathLike[str], title: str = "exported from a test") -> Verdict:
        """`path` holds a scenario of what was asked and answered, for `resolver replay`; how the resolver does in it.

        Records that were changed meanwhile are said as they were when a server was asked for them. Raises `InputError`
        where nobody has asked anything, and OSError.
        """
        from resolver.testing.replay.export import Setting
        from resolver.testing.replay.exporting import export

        __tracebackhide__ = True
        seen, config, world = self._do(lambda inside: (inside.history.select(), inside.config, inside.plan.world()))
        return export(seen, Setting.of(config, world), Path(path), world=world, title=title)

    def described_server(self, name: str) -> Mapping[str, Any]:
        """The server `name` with its zones and addresses. Raises `InputError` with the nearest where there is none."""
        folded = names.fold(names.from_text(name))
        servers = self._do(lambda inside: inside.plan.servers())
        for each in servers:
            if names.fold(names.from_text(each["name"])) == folded:
                return each
        hint = nearest(names.to_text(folded), [each["name"] for each in servers])
        raise InputError(f"there is no server {name!r}", instead=hint)

    # -- life

    def forget_what_happened(self) -> None:
        """A test begins: what was asked before does not show in its report and its history."""
        if self._inside is not None:
            self._do(lambda inside: inside.forget_what_happened())

    def raise_for_undeclared(self) -> None:
        """Raises `UndeclaredName` where somebody has asked for a name that nobody declared, and could not be told."""
        __tracebackhide__ = True
        if self._inside is not None:
            self._inside.undeclared.raise_noted()

    def close(self) -> None:
        """Nothing is patched, bound or running any more. Calling it again does nothing."""
        try:
            self._patches.close()
        finally:
            inside = self._inside
            self._thread.close(None if inside is None else inside.stop)

    if not TYPE_CHECKING:

        def __getattr__(self, word: str) -> NoReturn:
            """Raises AttributeError, which says what was meant."""
            __tracebackhide__ = True
            raise not_there(self, word, dir(type(self)))

    def __repr__(self) -> str:
        if self._thread.closed:
            return "<internet, closed>"
        if self._inside is None:
            return "<internet, nothing declared>"
        return f"<internet of {', '.join(self._zone_names()[:MAX_SHOWN]) or 'nothing'}; {self.clock!r}>"

    # -- parts

    def _submit(self, main: Job[T]) -> Any:
        """A future of what `main` returns, which runs in this internet's thread."""

        async def run() -> T:
            if self._inside is None:
                self._inside = Inside(self._options, self._config)
            return await main(self._inside)

        return self._thread.submit(run())

    def _run(self, main: Job[T]) -> T:
        """What `main` returns, which runs in this internet's thread."""
        __tracebackhide__ = True
        result: T = self._submit(main).result()
        return result

    def _do(self, job: Callable[[Inside], T]) -> T:
        """What `job` returns, which is called in this internet's thread."""
        __tracebackhide__ = True

        async def call(inside: Inside) -> T:
            return job(inside)

        return self._run(call)

    def _change(self, change: Callable[[Inside], T]) -> T:
        """What `change`, which changes the plan, returns."""
        __tracebackhide__ = True

        async def call(inside: Inside) -> T:
            made = change(inside)
            await inside.changed()
            return made

        return self._run(call)

    def _answered(self, question: Question, told: Told) -> Answer:
        __tracebackhide__ = True
        self._last = told

        def explain() -> Explanation:
            return self._do(lambda inside: inside.explain(told.root))

        return Answer(names.to_text(question.name), types.to_text(question.type), told.message, told.ms, explain)

    def _looked_up(self, name: str, rtype: str) -> Answer:
        """The answer that code of the process gets, which is not told of its mistakes otherwise."""
        __tracebackhide__ = True
        wanted = question(name, rtype)
        if self._thread.elsewhere:  # there is no thread here: what was forked asks as any other process does
            told = asked(self.nameserver, wanted)
            return Answer(names.to_text(wanted.name), types.to_text(wanted.type), told, 0.0)
        return self._answered(wanted, self._run(asks(wanted, checked=False)))

    def _declares(self, name: str) -> bool:
        folded = names.fold(names.from_text(name))
        if self._thread.elsewhere and self._inside is not None:
            return self._inside.undeclared.is_declared(folded)
        return self._do(lambda inside: inside.undeclared.is_declared(folded))

    def _server_names(self) -> list[str]:
        return [each["name"] for each in self._do(lambda inside: inside.plan.servers())]

    def _zone_names(self) -> list[str]:
        return self._do(lambda inside: inside.zone_names())
