"""Decides which octets are a query that can be answered, and what the others are told.

Rules
* FORMERR for what cannot be parsed and for QDCOUNT other than 1 (RFC 9619), but for a query without a question that
  asks for a cookie (RFC 7873 section 5.4); NOTIMP for opcodes other than QUERY (RFC 8906 section 3.1.4); BADVERS for
  EDNS versions other than 0 (RFC 6891 section 6.1.3).
* Records have no place in a query, but for the SOA that an IXFR brings (RFC 1995 section 3), nor has TC.

Limits: `Conduct.bounds`. What is shorter than a header, and responses, must not be given to `read`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from resolver.errors import WireError
from resolver.message import AD, CD, RD, TC, Client, Ede, Edns, Query, Rcode, Transport, Type
from resolver.network.base import Clock
from resolver.observe.counters import Counters
from resolver.observe.log import Log
from resolver.server.access import Access
from resolver.server.conduct import ANSWERING_S, Conduct
from resolver.server.cookies import Cookies, Standing
from resolver.server.options import NOTHING, Heard, hear
from resolver.server.saying import brief
from resolver.wire import types
from resolver.wire.compression import HEADER
from resolver.wire.parse import parse

_PROHIBITED: Final = 18
_DENIED: Final = Ede(_PROHIBITED, "clients of this address may not ask here [DENY]")
_IXFR: Final = int(Type.IXFR)

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__


class Reading:
    """Reads queries as `conduct` says. Each has a number of its own, which the log shows."""

    def __init__(
        self,
        conduct: Conduct,
        cookies: Cookies | None,
        idle_seconds: Callable[[], float] | None,
        *,
        clock: Clock,
        counters: Counters,
        log: Log,
    ) -> None:
        self.conduct, self.cookies, self._idle_seconds = conduct, cookies, idle_seconds
        self._monotonic, self._counters, self._log = clock.monotonic, counters, log
        self._last_id = 0

    def read(self, wire: bytes, client: Client) -> tuple[Query, Heard] | bytes:
        """The query in `wire` and what its options ask, or the response that it deserves instead."""
        if wire[2] & 0x78:
            return self.brief(wire, client, Rcode.NOTIMP)
        conduct = self.conduct
        try:
            message = parse(wire, conduct.bounds)
            edns = message.edns
            heard = NOTHING if edns is None or not edns.options else self._hear(edns, client)
        except WireError as error:
            self._log.debug("malformed", client=client.host, reason=str(error))
            return self._malformed(wire, client)
        _, flags, _, question, answer, authority, additional, _ = message
        if question is None:
            if heard.cookie is None or flags & TC or answer or authority or additional:
                return self._malformed(wire, client)
            bad = heard.cookie is Standing.BAD
            return self.brief(wire, client, Rcode.BADCOOKIE if bad else Rcode.NOERROR)
        if answer or flags & TC or (authority and question.type != _IXFR):
            return self._malformed(wire, client)
        if edns is not None and edns.version:
            return self.brief(wire, client, Rcode.BADVERS)
        self._last_id += 1
        deadline = self._monotonic() + conduct.client_timeout_s - ANSWERING_S
        rd, cd, ad = flags & RD != 0, flags & CD != 0, flags & AD != 0
        return _make(Query, (question, client, self._last_id, deadline, rd, cd, ad, edns)), heard

    def brief(self, wire: bytes, client: Client, rcode: int, *ede: Ede) -> bytes:
        """The response to `wire` that says `rcode` and has no records; it is logged where queries are."""
        conduct = self.conduct
        if conduct.log_queries:
            self._last_id += 1
            self._log.info(
                "query",
                query=self._last_id,
                client=client.host,
                transport=str(client.transport),
                rcode=types.rcode_to_text(rcode),
            )
        return brief(
            wire,
            rcode,
            ede,
            lambda edns: self._hear(edns, client).told,
            conduct.payload,
            ra=conduct.recursion_available,
        )

    def denial(self, wire: bytes, client: Client, access: Access) -> bytes | None:
        """What a client is told that may not ask: REFUSED, or nothing where that might strike somebody else."""
        self._counters.queries_denied += 1
        if len(wire) < HEADER or wire[2] & 0x80 or access.denies(client.host):
            return None
        if client.transport is Transport.UDP and not access.tells():
            return None
        self._counters.queries_denied_told += 1
        return self.brief(wire, client, Rcode.REFUSED, _DENIED)

    def _malformed(self, wire: bytes, client: Client) -> bytes:
        self._counters.queries_malformed += 1
        return self.brief(wire, client, Rcode.FORMERR)

    def _hear(self, edns: Edns, client: Client) -> Heard:
        """What the options of `edns` say. Those of a version that we do not know say nothing."""
        if edns.version:
            return NOTHING
        return hear(edns, client, self.cookies, self._idle_seconds)
