"""Decides what is counted and logged of an answer that was made. What is served from store is counted by `hits.py`."""

from __future__ import annotations

from typing import Final

from resolver.errors import ResolutionFailed
from resolver.message import Query, Reply, Transport
from resolver.network.base import Clock
from resolver.observe.counters import Counters
from resolver.observe.log import Log
from resolver.server.conduct import ANSWERING_S, Conduct
from resolver.wire import names, types

_UDP: Final = Transport.UDP
_TCP: Final = Transport.TCP
_TLS: Final = Transport.TLS


def came(counters: Counters, transport: Transport) -> None:
    """A message came by `transport`."""
    if transport is _UDP:
        counters.queries_udp += 1
    elif transport is _TCP:
        counters.queries_tcp += 1
    elif transport is _TLS:
        counters.queries_tls += 1
    else:
        counters.queries_https += 1


def count(counters: Counters, rcode: int) -> None:
    """An answer with `rcode` was made. Most often it is the first that is looked for: no table is faster."""
    if rcode == 0:
        counters.answers_noerror += 1
    elif rcode == 3:
        counters.answers_nxdomain += 1
    elif rcode == 2:
        counters.answers_servfail += 1
    else:
        counters.answers_other += 1


def write(log: Log, clock: Clock, conduct: Conduct, query: Query, reply: Reply) -> None:
    """`query` and what it was answered are a line of the log."""
    took = clock.monotonic() - (query.deadline + ANSWERING_S - conduct.client_timeout_s)
    log.info(
        "query",
        query=query.id,
        client=query.client.host,
        transport=str(query.client.transport),
        name=names.to_text(query.question.name),
        type=types.to_text(query.question.type),
        rcode=types.rcode_to_text(reply.rcode),
        answers=sum(len(rrset.rdatas) for rrset in reply.answer),
        ms=round(took * 1000, 1),
        ede=reply.ede[0].text if reply.ede else None,
        explanation=None if conduct.explains is None else conduct.explains(query.id),
    )


def distrusted(log: Log, query: Query, failure: ResolutionFailed) -> None:
    """That `query` was told nothing because what was found is bogus is a line of the log, whichever of the zones is at
    fault: its owner, or somebody on the way, has to do something about it. The log leaves out what repeats."""
    log.warning(
        "bogus",
        name=names.to_text(query.question.name),
        type=types.to_text(query.question.type),
        tag=failure.tag,
        reason=failure.text,
    )
