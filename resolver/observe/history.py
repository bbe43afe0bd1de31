"""Decides what is remembered of messages: each query that a simulated server saw, and each answer that a client got.

Rules
* Octets are kept, and read when somebody asks; what cannot be read is shown as octets and breaks nothing.
* The oldest is forgotten first, when there are more messages than wanted, or more octets than `MAX_OCTETS`; how many
  were is counted. Numbers go on when all is forgotten, so that what was seen after a number can be asked for.
* It belongs to the program's loop: nothing else touches it.

Limits: `MAX_MESSAGES`; `MAX_FURTHER` replies to one query beyond the first, and `MAX_FAULTS` faults of one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from resolver.errors import InputError, WireError
from resolver.message import Message, Question, Transport
from resolver.observe import presenting
from resolver.observe.wanted import Wanted, matcher
from resolver.wire import types
from resolver.wire.compression import HEADER, read
from resolver.wire.parse import parse

MAX_MESSAGES: Final = 100_000
"""What may be remembered; with answers of usual size some 100 MB."""

MAX_OCTETS: Final = 256 << 20
"""Octets of all messages together: as many of 64 KB as would be a burden are not kept."""

MAX_FURTHER: Final = 16
"""Replies to one query beyond the first: a fault may send several."""

MAX_FAULTS: Final = 32
"""Words of faults that are kept of one query: whoever arranges more for it knows."""

MAX_BACK: Final = 64
"""Messages among which the one is sought to which a fault was applied: it is the last of its server."""

CLIENT: Final = "client"
SERVER: Final = "server"


@dataclass(slots=True, eq=False)
class Seen:
    """One query and what became of it. `time` is wall time in seconds since 1970."""

    number: int
    time: float
    side: str
    """`server` for a query to a simulated server, `client` for one to the resolver."""
    server: str
    """The name of the simulated server; "" where the resolver was asked."""
    address: str
    """The address that was asked; "" where it is not known."""
    client: str
    """The address that asked."""
    transport: Transport
    query: bytes
    response: bytes | None = None
    """What was replied; None for nothing, or nothing yet."""
    ms: float | None = None
    """Milliseconds until the reply left, or it was clear that there is none; None as long as it is not."""
    faults: tuple[str, ...] = ()
    """What was done to it, by the words of `network.faults`."""
    further: tuple[bytes, ...] = ()
    """What was replied besides: duplicates, and whatever else a fault sends."""

    @property
    def question(self) -> Question | None:
        """What was asked, in its spelling; None where the query has no question that can be read."""
        try:
            if self.query[4:6] == b"\0\0":
                return None
            name, at = read(self.query, HEADER, {})
            rtype, cls = self.query[at : at + 2], self.query[at + 2 : at + 4]
        except (WireError, IndexError):
            return None
        return None if len(cls) < 2 else Question(name, int.from_bytes(rtype, "big"), int.from_bytes(cls, "big"))

    @property
    def rcode(self) -> str | None:
        """The response code by its name; None without a response that can be read."""
        message = self.message
        return None if message is None else types.rcode_to_text(message.rcode)

    @property
    def message(self) -> Message | None:
        """The response; None where there is none, or none that can be read."""
        return None if self.response is None else _read(self.response)[0]

    @property
    def octets(self) -> int:
        """Octets of the messages: query, response, and further ones."""
        return len(self.query) + len(self.response or b"") + sum(map(len, self.further))

    def as_data(self) -> dict[str, Any]:
        """The same as JSON can carry it; docs/history.md describes it."""
        asked, query_error = _read(self.query)
        said, response_error = (None, None) if self.response is None else _read(self.response)
        question = self.question
        return {
            "number": self.number,
            "time": presenting.moment(self.time),
            "side": self.side,
            "server": self.server,
            "address": self.address,
            "client": self.client,
            "transport": str(self.transport),
            "question": None if question is None else presenting.question(question),
            "opcode": None if asked is None else presenting.opcode(asked),
            "query_flags": [] if asked is None else presenting.flags(asked),
            **presenting.sections(said),
            "faults": list(self.faults),
            "ms": None if self.ms is None else round(self.ms, 3),
            "query_octets": len(self.query),
            "response_octets": None if self.response is None else len(self.response),
            "query": self.query.hex(),
            "response": None if self.response is None else self.response.hex(),
            "further": [each.hex() for each in self.further],
            "query_error": query_error,
            "response_error": response_error,
        }


def seen(data: Mapping[str, Any]) -> Seen:
    """What `Seen.as_data` has made `data` of. Raises `InputError`."""
    try:
        response, ms = data["response"], data["ms"]
        return Seen(
            number=int(data["number"]),
            time=presenting.wall(data["time"]),
            side=str(data["side"]),
            server=str(data["server"]),
            address=str(data["address"]),
            client=str(data["client"]),
            transport=Transport(data["transport"]),
            query=bytes.fromhex(data["query"]),
            response=None if response is None else bytes.fromhex(response),
            ms=None if ms is None else float(ms),
            faults=tuple(map(str, data["faults"])),
            further=tuple(bytes.fromhex(each) for each in data["further"]),
        )
    except KeyError as missing:
        raise InputError(f"a message without {missing}", instead="give what `resolver history --json` prints") from None
    except (TypeError, ValueError, OverflowError) as wrong:
        raise InputError(f"no message: {wrong}", instead="give what `resolver history --json` prints") from None


def _read(wire: bytes) -> tuple[Message | None, str | None]:
    """The message that `wire` is, or what is wrong with it."""
    try:
        return parse(wire), None
    except WireError as wrong:
        return None, str(wrong)


class History:
    """The messages of a program, oldest first."""

    def __init__(self, limit: int) -> None:
        """The last `limit` are kept, at most `MAX_MESSAGES`. Raises ValueError for fewer than 1, or more."""
        self._kept: deque[Seen] = deque()
        self._octets = self._numbered = 0
        self.forgotten = 0
        """How many were, because others came; those that somebody cleared do not count."""
        self.forgotten_to = 0
        """The number of the last of them; 0 where none was."""
        self.adjust(limit)

    def adjust(self, limit: int) -> None:
        """The last `limit` are kept from now on."""
        if not 1 <= limit <= MAX_MESSAGES:
            raise ValueError(f"a history of {limit} messages; 1 to {MAX_MESSAGES} are kept")
        self.limit = limit
        self._trim()

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Seen]:
        return iter(self._kept)

    def asked(
        self,
        time: float,
        side: str,
        server: str,
        address: str,
        client: str,
        transport: Transport,
        query: bytes,
    ) -> Seen:
        """A query has come, and is remembered from now on; what becomes of it is to be told."""
        self._numbered += 1
        made = Seen(self._numbered, time, side, server, address, client, transport, query)
        self._kept.append(made)
        self._octets += len(query)
        self._trim()
        return made

    def replied(self, seen: Seen, response: bytes | None, ms: float) -> None:
        """`response`, or nothing, was replied to `seen` after so many milliseconds; it may be told more than once."""
        if seen.ms is None or (seen.response is None and response is not None):
            seen.response, seen.ms = response, ms
        elif response is not None and len(seen.further) < MAX_FURTHER:
            seen.further = (*seen.further, response)
        else:
            return
        if response is not None and self._kept and seen.number >= self._kept[0].number:
            self._octets += len(response)
            self._trim()

    def faulted(self, server: str, query: bytes, word: str) -> None:
        """The fault `word` was applied to `query`, which came to `server` (folded) just now."""
        for each in islice(reversed(self._kept), MAX_BACK):
            if each.query == query and each.server.lower() == server:
                each.faults = (*each.faults, word)[:MAX_FAULTS]
                return

    def select(self, wanted: Wanted | None = None, limit: int | None = None) -> Sequence[Seen]:
        """Those that are `wanted`, oldest first; the newest `limit` of them. Raises `InputError`."""
        holds = matcher(wanted or Wanted())
        newest = (each for each in reversed(self._kept) if holds(each))
        return list(islice(newest, limit))[::-1]

    def clear(self) -> int:
        """None is remembered any more: how many were."""
        count = len(self._kept)
        self._kept.clear()
        self._octets = 0
        return count

    def _trim(self) -> None:
        while len(self._kept) > self.limit or (self._octets > MAX_OCTETS and len(self._kept) > 1):
            gone = self._kept.popleft()
            self._octets -= gone.octets
            self.forgotten += 1
            self.forgotten_to = gone.number
