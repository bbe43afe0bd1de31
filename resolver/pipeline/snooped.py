"""Decides who may look into the cache, by queries without RD, and what those are told of whom no whole answer is held.

Rules
* Who may is told what is held: the aliases that lead on from the name, and of where they end the closest delegation,
  with its glue (RFC 1034 section 4.3.2, step 4). Nobody is asked for it, and nothing of it is stored as octets.
* Delegations are what parents told. Of two for the same zone theirs is told before one that was overheard.
* Where a stub or forward zone is closest to a name, no delegation above it is told: that is not whom we would ask. Nor
  are hints, and the servers of stub zones: nobody has told us these.
* Who may not is REFUSED, whatever is held: what others have asked is none of their business.

Limits: nothing of a delegation is proven, and its DS is not told.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from typing import Final

from resolver.engine.delegation import Delegation
from resolver.engine.outcome import Alias, Answer
from resolver.message import Class, Query, Question, Rcode, Reply, RRset, Type
from resolver.pipeline.knowledge import Known
from resolver.pipeline.replying import reply_of
from resolver.wire import names

_ADDRESSES: Final = ((Type.A, 4), (Type.AAAA, 6))

May = Callable[[str], bool]
"""Whether the client at an address, as text, may look into the cache."""


class Snooped:
    """What is told to whom of the cache of one branch, which is `known`."""

    def __init__(self, known: Known, may: May, max_aliases: int) -> None:
        """`max_aliases` is how many one query may follow."""
        self._known, self.may, self._max_aliases = known, may, max_aliases

    def referral(self, query: Query, checked: bool) -> Reply | None:
        """The aliases and the delegation that are held of what `query` asks; None where there is neither."""
        chain, name = self._followed(query.question, checked)
        found = self._closest(query.question._replace(name=name))
        if found is None and not chain:
            return None
        reply = reply_of(Answer(Rcode.NOERROR, chain, keeps=False), query)
        return reply if found is None else reply._replace(authority=(_ns(*found),), additional=_glue(*found))

    def _followed(self, question: Question, checked: bool) -> tuple[tuple[RRset, ...], bytes]:
        """The aliases that are held from the name on, and where they end; none where they are too many, or a loop."""
        chain: list[RRset] = []
        name = question.name
        while len(chain) <= self._max_aliases:
            match self._known.recall(name, question.type, checked):
                case Alias(links, target):
                    chain += links
                    name = target
                case _:
                    return tuple(chain), name
        return (), question.name

    def _closest(self, question: Question) -> tuple[Delegation, int] | None:
        """The delegation that is closest to what is asked, and the seconds that it is good for."""
        known = self._known
        name = names.fold(question.name)
        if question.type == Type.DS and name != names.ROOT:  # which is the parent's to say (RFC 4035 section 4.2)
            name = names.parent(name)
        border = known.routes.closest(name)
        tables = [known.delegations] if known.heard is None else [known.delegations, known.heard.held]
        for zone in names.ancestors(name):
            if zone in known.routes.stubs:
                return None
            for table in tables:
                found = table.get(zone)
                if found is not None:
                    return found, math.ceil(table.left(zone))
            if zone == border:
                return None
        return None


def _ns(delegation: Delegation, ttl: int) -> RRset:
    return RRset(delegation.zone, Type.NS, Class.IN, ttl, tuple(each.name for each in delegation.servers))


def _glue(delegation: Delegation, ttl: int) -> tuple[RRset, ...]:
    """The addresses of the name servers, an RRset for each name and family."""
    made: list[RRset] = []
    for server in delegation.servers:
        hosts = [ipaddress.ip_address(each.host) for each in server.endpoints]
        for rtype, version in _ADDRESSES:
            packed = tuple(each.packed for each in hosts if each.version == version)
            if packed:
                made.append(RRset(server.name, rtype, Class.IN, ttl, packed))
    return tuple(made)
