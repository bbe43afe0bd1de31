"""Decides what is kept of the name servers that upstreams name beside their answers: data of the lowest credibility
(RFC 2181 section 5.4.1), which nobody has confirmed.

Rules
* It is told to those who may look into the cache (`snooped`), as a referral, and used for nothing else: no server is
  asked because of it, and it is never an answer, nor glue of a delegation that a parent told.
* An NS set counts where its owner is at or above the name that was asked, at or below the zone that is forwarded, and
  in no zone that the configuration has asked elsewhere. So is it with addresses, which must lie below that owner.
* What is told last counts, for its least TTL, never longer than a record may be held.

Limits: `OVERHEARD_BYTES`; the owner that was used longest ago goes first. Of one NS set as much is kept as of a
delegation (`Trim`). A reload begins anew. What is told of clients' subnets is not heard.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from resolver.cache.table import Table
from resolver.engine.classify import is_elsewhere
from resolver.engine.delegation import Delegation, Trim, of_referral
from resolver.message import Class, Message, Question, RRset, Type
from resolver.network.base import Clock
from resolver.pipeline.knowledge import weigh
from resolver.wire import names

OVERHEARD_BYTES: Final = 1 << 20
"""Some 2,000 NS sets with an address for each of two names."""


class Overheard:
    """NS sets by their owner, folded."""

    __slots__ = ("_borders", "_longest_s", "_trim", "held")

    def __init__(self, clock: Clock, borders: Collection[bytes], trim: Trim, longest_s: int) -> None:
        """`borders` are the zones, folded, that the configuration has asked of somebody."""
        self.held: Table[bytes, Delegation] = Table(OVERHEARD_BYTES, clock, weigh)
        self._borders, self._trim, self._longest_s = borders, trim, longest_s

    def learn(self, question: Question, zone: bytes, message: Message) -> None:
        """What `message`, by which an upstream for `zone` answered `question`, says of name servers is held."""
        name = question.name.lower()
        for ns in message.authority:
            owner = ns.name.lower()
            if ns.type != Type.NS or ns.cls != Class.IN or not names.is_below(name, owner):
                continue
            if not names.is_below(owner, zone) or is_elsewhere(owner, zone, self._borders):
                continue
            near = message._replace(additional=tuple(each for each in message.additional if self._says(zone, each)))
            told = of_referral(near, ns, owner, 0, self._trim)
            self.held.put(owner, replace(told, parent=b""), min(told.ttl, self._longest_s))

    def forget(self, name: bytes, *, subtree: bool) -> int:
        """Nothing is held of `name`, folded, nor below it when `subtree`. The number that went."""
        gone = [zone for zone, _ in self.held.items() if zone == name or (subtree and names.is_below(zone, name))]
        for zone in gone:
            self.held.remove(zone)
        return len(gone)

    def _says(self, zone: bytes, address: RRset) -> bool:
        """Whether an upstream for `zone` is the one who is asked about the owner of `address`."""
        return not is_elsewhere(address.name.lower(), zone, self._borders)
