"""Decides how datagrams of clients come in and how answers go out.

Rules:
* One raw socket, read and answered in the same turn of the loop and in batches (`network/datagrams.py`): what waits is
  read, stored answers are looked up for all of it and leave together, and then the others are handed to `respond`.
  What that answers in one turn of the loop leaves together, too. Counts are added up once for a batch. Datagram
  transports of asyncio and uvloop allocate 256 KiB at each read, and answer from the wrong address on a wildcard.
* An answer that the socket has no room for is dropped and counted: the client asks again (RFC 1035 section
  4.2.1).
* What comes from a port that is never answered is dropped where it is read; what comes from an address that may not
  ask gets no stored answer, and `respond` decides what else. Hosts that may are remembered as they stand in a
  datagram, since to make text of an address costs a fifth of a hit.
* Nothing that arrives can raise here: what breaks `respond` is told to the loop's exception handler, and
  counted.

Limits: `BATCH` datagrams per wake-up, of which `WORK` without a stored answer, so that other work of the loop is never
more than that late. `ADMITTED` hosts are remembered, then all are forgotten and asked for again. How many queries are
in flight is bounded by `respond`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from functools import partial
from typing import Final

from resolver.message import Client, Respond, Transport
from resolver.network.base import Address, Datagram, Datagrams
from resolver.server.hits import Hits

_UDP: Final = Transport.UDP

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__

BATCH: Final = 64
"""Datagrams read per wake-up: at 10 microseconds each, others wait for less than a millisecond."""

WORK: Final = 16
"""Of those, the ones that `respond` looks at: at 0.2 ms for a question that must be asked, others wait for 3 ms. No
more are read at once, for each may be one of them."""

ADMITTED: Final = 10_000
"""Hosts that are remembered to be such as may ask, some 70 octets each."""


class UdpListener:
    """Answers what arrives as `datagrams` with what `respond` makes of it. Owns them."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        datagrams: Datagrams,
        respond: Respond,
        hits: Hits | None = None,
        allows: Callable[[str], bool] | None = None,
    ) -> None:
        """`hits` has stored responses, and is asked before `respond`.

        `allows` says of an address whether a client there may ask; without it, everybody may.
        """
        self._loop, self._datagrams, self._respond = loop, datagrams, respond
        self._hits, self._begin = hits, _no_store if hits is None else hits.begin
        self.allows = allows
        self._fd = datagrams.fileno()
        self._reading = self._closed = self._in_turn = False
        self._given: list[Datagram] = []
        self._emptied: asyncio.Future[None] | None = None
        self.received = 0
        """Datagrams that came in."""
        self.sent = 0
        """Answers that left."""
        self.silent = 0
        """Queries to which `respond` gave no answer."""
        self.dropped_full = 0
        """Answers dropped because the socket's send buffer was full."""
        self.dropped_port = 0
        """Datagrams from ports that are never answered."""
        self.failed = 0
        """Answers that the kernel refused to send, and queries that broke `respond`."""
        self.outstanding = 0
        """Queries that `respond` has not settled yet."""

    def start(self) -> None:
        """Datagrams are read from now on."""
        self._reading = True
        self._loop.add_reader(self._fd, self._read)

    def stop_reading(self) -> None:
        """No further query is taken; answers still go out. Calling it again does nothing."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)

    async def drained(self) -> None:
        """Returns once no query is outstanding. For use after `stop_reading`; bound it with a timeout."""
        if self.outstanding > 0:
            if self._emptied is None:
                self._emptied = self._loop.create_future()
            await asyncio.shield(self._emptied)

    def close(self) -> None:
        """The socket is closed; answers that are still made are dropped. Calling it again does nothing."""
        self.stop_reading()
        self._flush()
        self._closed = True
        self._datagrams.close()

    @property
    def allows(self) -> Callable[[str], bool] | None:
        """Says of an address whether a client there may ask; None where everybody may."""
        return self._allows

    @allows.setter
    def allows(self, allows: Callable[[str], bool] | None) -> None:
        """Whoever was remembered is asked for anew."""
        self._allows = allows
        self._admitted: set[Hashable] | None = None if allows is None else set()

    def _read(self) -> None:
        datagrams, admitted = self._datagrams, self._admitted
        receive, host = datagrams.receive, datagrams.host
        stored = self._begin() or _nothing
        kinds = None if stored is not _nothing or self._hits is None else self._hits.kinds()
        if kinds is not None:
            kinds.begin()
        answers: list[Datagram] = []
        others: list[Datagram] = []
        read = 0
        while (most := min(WORK - len(others), BATCH - read)) > 0:
            try:
                came, dropped = receive(most)
            except OSError:  # an error of the interface
                break
            for datagram in came:
                wire, address = datagram
                try:
                    admits = admitted is None or host(address) in admitted or self._admits(address)
                    if kinds is not None:
                        at = host(address)
                        stored = kinds.hosts.get(at) or kinds.learn(at, datagrams.peer(address)[0])
                    response = stored(wire) if admits else None
                except Exception as error:
                    self._broke(error)
                    continue
                if response is None:
                    others.append(datagram)
                else:
                    answers.append((response, address))
            self.dropped_port += dropped
            taken = len(came) + dropped
            read += taken
            if taken < most:
                break
        if answers and self._hits is not None:
            self.received += len(answers)
            self._hits.served(len(answers))
            self._give(self._hits.fitting(answers, datagrams))
        self._in_turn = True
        for wire, address in others:
            if self._closed:  # by what was handled before
                break
            self._handle(wire, address)
        self._in_turn = False
        self._flush()

    def _admits(self, address: Address) -> bool:
        """Whether the client at `address` may ask, who is remembered then."""
        if self._allows is None or self._admitted is None:
            return True
        if not self._allows(self._datagrams.peer(address)[0]):
            return False
        if len(self._admitted) >= ADMITTED:
            self._admitted.clear()
        self._admitted.add(self._datagrams.host(address))
        return True

    def _handle(self, wire: bytes, address: Address) -> None:
        self.received += 1
        self.outstanding += 1
        try:
            host, port = self._datagrams.peer(address)
            self._respond(wire, _make(Client, (host, port, _UDP, None)), partial(self._answer, address))
        except Exception as error:
            self.outstanding -= 1
            if self._emptied is not None:
                self._settled(self._emptied)
            self._broke(error)

    def _broke(self, error: Exception) -> None:
        self.failed += 1
        self._loop.call_exception_handler({"message": "a query broke its server", "exception": error})

    def _answer(self, address: Address, wire: bytes | None) -> None:
        if wire is None:
            self.silent += 1
        elif self._closed:
            self.failed += 1
        else:
            self._given.append((wire, address))
            if not self._in_turn and len(self._given) == 1:
                self._loop.call_soon(self._flush)
        self.outstanding -= 1
        if self._emptied is not None:
            self._settled(self._emptied)

    def _flush(self) -> None:
        """What was given to send is sent."""
        if self._given:
            answers, self._given = self._given, []
            self._give(answers)

    def _give(self, answers: list[Datagram]) -> None:
        """They leave, or are counted as lost."""
        sent, full, failed = self._datagrams.send(answers)
        self.sent += sent
        self.dropped_full += full
        self.failed += failed

    def _settled(self, emptied: asyncio.Future[None]) -> None:
        """One that `drained` waits for is settled."""
        if self.outstanding <= 0:
            self._emptied = None
            emptied.set_result(None)


def _no_store() -> None:
    """Nothing is served from store."""


def _nothing(_: bytes) -> None:
    """No response is stored."""
