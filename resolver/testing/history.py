"""Decides how a test reads what was asked and answered: entries, filters, and assertions that say what they saw.

Rules
* A filter is made of the words of `observe.wanted`; a word that is none, a server that is not there and a name that no
  declared zone has are errors that say which was meant: else `assert_not_asked` would hold because of a misspelling.
* Where no `side` is given, queries to simulated servers are meant, which is what tests count; `answers` are those that
  clients got. `side=None` means both.
* A resolver that minimises names (RFC 9156) asks a server for no more of a name than it needs: the servers of example.
  are asked for shop.example., not for www.shop.example.

Limits: what is shown of a history is `showing.MAX_ROWS` messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypedDict, Unpack

from resolver.errors import BadName, InputError
from resolver.message import Ede
from resolver.observe import presenting, showing
from resolver.observe.history import CLIENT, SERVER, History, Seen
from resolver.observe.wanted import Wanted, matcher, wanted
from resolver.text import closest
from resolver.wire import names, types

NEAR: Final = 0.4
"""How alike two names must be, of 1, that one may be meant by the other."""


class Others(TypedDict, total=False):
    """The words of a filter besides name and type. Without `side` each method says which is meant."""

    side: str | None
    server: str | None
    zone: str | None
    rcode: str | int | None
    transport: str | None
    client: str | None
    fault: str | None
    since: float | str | None
    until: float | str | None
    after: int | None


class Words(Others, total=False):
    """The words of a filter; see `observe.wanted.Wanted`."""

    name: str | None
    type: str | int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One query and what became of it, as text. `seen` has the octets."""

    seen: Seen = field(repr=False)

    @property
    def number(self) -> int:
        """Its place among all that was seen."""
        return self.seen.number

    @property
    def time(self) -> float:
        """When it came, in seconds since 1970, by the clock of the internet that it came to."""
        return self.seen.time

    @property
    def side(self) -> str:
        """`server` for a query to a simulated server, `client` for one to the resolver."""
        return self.seen.side

    @property
    def server(self) -> str:
        """The name of the server that was asked; "" for the resolver."""
        return self.seen.server

    @property
    def client(self) -> str:
        """The address of who asked."""
        return self.seen.client

    @property
    def transport(self) -> str:
        """`udp`, `tcp` or `tls`."""
        return str(self.seen.transport)

    @property
    def name(self) -> str:
        """What was asked for, absolute and in lower case; "" where that cannot be read."""
        question = self.seen.question
        return "" if question is None else names.to_text(names.fold(question.name))

    @property
    def type(self) -> str:
        """The type that was asked for, as in `"A"`; "" where that cannot be read."""
        question = self.seen.question
        return "" if question is None else types.to_text(question.type)

    @property
    def rcode(self) -> str | None:
        """What was replied, as in `"NXDOMAIN"`; None for nothing that can be read."""
        return self.seen.rcode

    @property
    def answer(self) -> list[str]:
        """The records of the answer section, in presentation format."""
        message = self.seen.message
        return [] if message is None else presenting.records(message.answer)

    @property
    def ede(self) -> list[Ede]:
        """The extended errors of the response (RFC 8914)."""
        message = self.seen.message
        return [] if message is None else presenting.extended_errors(message)

    @property
    def faults(self) -> tuple[str, ...]:
        """The words of the faults that were applied."""
        return self.seen.faults

    @property
    def ms(self) -> float | None:
        """Milliseconds until the reply left; None as long as there is none."""
        return self.seen.ms

    def as_data(self) -> dict[str, Any]:
        """All that is known of it, as JSON can carry it: docs/history.md."""
        return self.seen.as_data()

    def __str__(self) -> str:
        return showing.line(self.seen)


class Count(int):
    """How many messages were seen, and which: so that a comparison which fails can show them."""

    seen: Sequence[Seen]
    words: Mapping[str, Any]
    all: Sequence[Seen]

    def explained(self, wanted: object) -> list[str]:
        """Why it is not the number `wanted`, line by line."""
        asked = showing.phrase(self.words)
        title = f"seen {showing.times(self)}: {asked}; wanted {wanted}"
        return [title, *(showing.table(self.seen) if self.seen else showing.nearest(self.words, self.all))]


class NotSeen(AssertionError):
    """What was seen is not what was to be."""


@dataclass(frozen=True)
class HistoryView:
    """What was asked and answered in the internet of a test.

    `call` runs something in the loop that the history belongs to. `servers` gives the names of those that are there,
    `zones` what is declared (and so may be asked for); without them every name is taken.
    """

    history: History
    call: Callable[[Callable[[], Any]], Any] = lambda job: job()
    servers: Callable[[], Iterable[str]] | None = None
    zones: Callable[[], Iterable[str]] | None = None
    start: int = 0
    """What has a greater number counts."""

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__()} - {"call", "history", "servers", "start", "zones"})  # what it is made of

    # -- reading

    def __iter__(self) -> Iterator[Entry]:
        """All that was seen, on both sides, oldest first."""
        return iter([Entry(each) for each in self._all()])

    def __len__(self) -> int:
        return len(self._all())

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        seen = self._all()
        asked = sum(each.side == SERVER for each in seen)
        return f"<history: {asked} queries to servers, {len(seen) - asked} of clients>"

    def __str__(self) -> str:
        return "\n".join(showing.table(self._all()))

    def queries(self, **words: Unpack[Words]) -> list[Entry]:
        """The queries to simulated servers that `words` mean, oldest first. Raises `InputError`."""
        return [Entry(each) for each in self._select(words, SERVER)]

    def answers(self, **words: Unpack[Words]) -> list[Entry]:
        """What clients asked and were answered, as far as `words` mean it, oldest first. Raises `InputError`."""
        return [Entry(each) for each in self._select(words, CLIENT)]

    def count(self, **words: Unpack[Words]) -> Count:
        """How many queries to simulated servers `words` mean; with `side="client"` how many of clients. Raises
        `InputError`."""
        made = Count(len(seen := self._select(words, SERVER)))
        made.seen, made.words, made.all = seen, _with_side(words, SERVER), self._all()
        return made

    @property
    def last(self) -> Entry | None:
        """The last query to a simulated server; None where there was none."""
        return next(reversed(self.queries()), None)

    @property
    def forgotten(self) -> int:
        """How many messages had to make room for later ones, and are not seen any more."""
        return self.history.forgotten

    def since(self) -> HistoryView:
        """The same for what is seen from now on."""
        seen = self._all()
        start = seen[-1].number if seen else self.start
        return HistoryView(self.history, self.call, self.servers, self.zones, start)

    def clear(self) -> int:
        """Nothing is remembered any more: how many messages were."""
        cleared: int = self.call(self.history.clear)
        return cleared

    # -- assertions

    def assert_asked(
        self,
        name: str | None = None,
        type: str | int | None = None,
        *,
        times: int | None = None,
        **words: Unpack[Others],
    ) -> list[Entry]:
        """A server was asked for `name` and `type`, at least once or so many `times`; those queries. Raises `NotSeen`,
        which shows what was seen, and `InputError`."""
        __tracebackhide__ = True
        given = _given(name, type, words)
        seen = self._select(given, SERVER)
        if times is not None:
            self._check_whole()
        if len(seen) == times or (times is None and seen):
            return [Entry(each) for each in seen]
        said = _with_side(given, SERVER)
        often = "at least once" if times is None else showing.times(times)
        title = f"wanted {often}: {showing.phrase(said)}; seen {showing.times(len(seen))}"
        raise NotSeen("\n".join([title, *self._evidence(seen, said)]))

    def assert_not_asked(self, name: str | None = None, type: str | int | None = None, **words: Unpack[Others]) -> None:
        """No server was asked for `name` and `type`. Raises `NotSeen`, which shows what was seen, and `InputError`."""
        __tracebackhide__ = True
        given = _given(name, type, words)
        self._check_whole()
        if seen := self._select(given, SERVER):
            title = f"wanted never: {showing.phrase(_with_side(given, SERVER))}; seen {showing.times(len(seen))}"
            raise NotSeen("\n".join([title, *showing.table(seen)]))

    def assert_sequence(
        self, wanted: Sequence[str | Mapping[str, Any]], *, exact: bool = False, **words: Unpack[Words]
    ) -> list[Entry]:
        """Servers were asked what is `wanted`, in that order; with `exact`, nothing else was asked of what `words`
        mean. Each is a mapping of filter words, or a text like `"shop.example. NS @a.gtld.test."`, of which type and
        server may be left out. Those queries. Raises `NotSeen`, which shows what was seen, and `InputError`."""
        __tracebackhide__ = True
        steps = [_step(each) for each in wanted]
        for step in steps:
            self._check(step)
        seen = self._select(words, SERVER)
        found: list[Seen] = []
        rest = iter(seen)
        for number, step in enumerate(steps, 1):
            holds = matcher(_wanted(step))
            hit = next((each for each in rest if holds(each)), None)
            if hit is None:
                behind = f", behind #{found[-1].number}" if found else ""
                title = f"wanted as number {number} of {len(steps)}{behind}: {showing.phrase(step)}; not seen there"
                raise NotSeen("\n".join([title, *self._evidence([], step, seen)]))
            found.append(hit)
        if exact and len(seen) != len(found):
            others = [each for each in seen if each not in found]
            title = f"wanted nothing but a sequence of {len(steps)}; seen besides: {len(others)}"
            raise NotSeen("\n".join([title, *showing.table(others)]))
        return [Entry(each) for each in found]

    # -- parts

    def _all(self) -> Sequence[Seen]:
        """What is remembered since the start."""
        seen: Sequence[Seen] = self.call(lambda: self.history.select(Wanted(after=self.start)))
        return seen

    def _select(self, words: Mapping[str, Any], side: str) -> Sequence[Seen]:
        self._check(words)
        said = _with_side(words, side)
        meant = _wanted({**said, "after": max(self.start, said.get("after") or 0)})
        seen: Sequence[Seen] = self.call(lambda: self.history.select(meant))
        return seen

    def _check_whole(self) -> None:
        """Raises `NotSeen` where something was forgotten that would count."""
        if self.history.forgotten_to > self.start:
            what = f"{self.history.forgotten} messages were forgotten, so it cannot be told"
            raise NotSeen(f"{what}; {self.history.limit} are remembered")

    def _evidence(
        self, seen: Sequence[Seen], words: Mapping[str, Any], among: Sequence[Seen] | None = None
    ) -> list[str]:
        """What is shown below an assertion that failed: what was seen of it, or else what comes nearest."""
        if seen:
            return showing.table(seen)
        return showing.nearest(words, self._all() if among is None else among)

    def _check(self, words: Mapping[str, Any]) -> None:
        """Raises `InputError` for a server or a name that nobody declared or saw."""
        wanted(words)
        server = words.get("server")
        if self.servers is not None and server is not None:
            self._check_server(str(server), list(self.servers()))
        if self.zones is not None:
            for word in ("name", "zone"):
                if words.get(word) is not None:
                    self._check_name(word, str(words[word]), list(self.zones()))

    def _check_server(self, server: str, known: Sequence[str]) -> None:
        if server.startswith("*.") or server[:1].isdigit() or ":" in server:  # an address, as which it has no name
            return
        meant = _folded(server)
        if not any(_folded(each) == meant for each in (*known, *(seen.server or "." for seen in self._all()))):
            raise InputError(f"there is no server {server!r}", instead=_did_you_mean(server, known))

    def _check_name(self, word: str, name: str, zones: Sequence[str]) -> None:
        meant = _folded(name.removeprefix("*.") or ".")
        known = [_folded(each) for each in zones]
        if any(names.is_below(meant, each) or names.is_below(each, meant) for each in known):
            return
        if any((asked := each.question) is not None and names.fold(asked.name) == meant for each in self._all()):
            return
        raise InputError(f"{word}: no declared zone has {name!r}", instead=_did_you_mean(name, zones))


def _with_side(words: Mapping[str, Any], side: str) -> dict[str, Any]:
    return {"side": side, **words}


def _given(name: str | None, type: str | int | None, words: Mapping[str, Any]) -> dict[str, Any]:
    first = {word: value for word, value in (("name", name), ("type", type)) if value is not None}
    return {**first, **words}


def _wanted(words: Mapping[str, Any]) -> Wanted:
    return wanted({word: value for word, value in words.items() if value is not None})


def _step(given: str | Mapping[str, Any]) -> dict[str, Any]:
    """The filter that a step of a sequence is. Raises `InputError`."""
    if not isinstance(given, str):
        return dict(given)
    made: dict[str, Any] = {}
    for word in given.split():
        key = "server" if word.startswith("@") else "type" if "name" in made else "name"
        if key in made:
            raise InputError(f"{given!r} says {key} twice", instead="write it like 'www.example. A @ns1.example.'")
        made[key] = word.removeprefix("@")
    return made


def _folded(name: str) -> bytes:
    """The folded name that `name` spells. Raises `InputError`."""
    try:
        return names.fold(names.from_text(name))
    except BadName as wrong:
        raise InputError(str(wrong), instead="write one as in example.com") from None


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    """A hint that names the nearest of `known`, or all of them where they are few."""
    absolute = (name if name.endswith(".") else f"{name}.").lower()
    if (close := closest(absolute, [each.lower() for each in known], NEAR)) is not None:
        return f"did you mean {close!r}?"
    return f"there are {', '.join(sorted(known))}" if len(known) <= showing.MAX_NAMED else ""
