"""What can be told of the simulated world beside what its servers said: the line of a zone file, the names and types
that exist, what goes wrong on purpose.

Limits: of a zone with more than `MAX_RECORDS` no names are looked through, so that an explanation takes no longer than
an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from resolver.message import Type
from resolver.text import closest
from resolver.wire import names

if TYPE_CHECKING:
    from resolver.auth.findings import Where
    from resolver.auth.hierarchy import World
    from resolver.auth.zone import Zone

MAX_RECORDS: Final = 10_000

_TYPES: Final = range(1, 258)
"""Types that people write into zones (RFC 6895 section 3.1), CAA the last."""
_MADE: Final = frozenset((Type.RRSIG, Type.NSEC, Type.NSEC3, Type.DNSKEY))
"""Types that signing adds."""

Line = Callable[[bytes, int], "Where | None"]
"""The line on which the records of a folded name and a type are written; None for those that were generated."""


class Declared:
    """The simulated `world`; `line` says where its records are written down."""

    def __init__(self, world: World, line: Line | None = None) -> None:
        self._world, self._line = world, line

    def zone(self, name: bytes) -> Zone | None:
        """The zone that encloses `name`, folded, most closely."""
        zones = self._world.zones
        return next((zones[each] for each in names.ancestors(name) if each in zones), None)

    def line(self, name: bytes, rtype: int) -> str:
        """Where the records of `name`, folded, are written, as `FILE:LINE`; "" where that is not known, or nowhere."""
        found = None if self._line is None else self._line(name, rtype)
        return "" if found is None or not found.line else f"{found.file.rpartition('/')[2]}:{found.line}"

    def types(self, name: bytes) -> list[int]:
        """The types that `name`, folded, has records of."""
        zone = self.zone(name)
        if zone is None:
            return []
        return [rtype for rtype in _TYPES if rtype not in _MADE and zone.rrset(name, rtype) is not None]

    def below(self, name: bytes) -> bytes | None:
        """A name that exists below `name`, folded, in its zone."""
        inner = (each for each in self._names(name) if len(each) > len(name) and names.is_below(each, name))
        return min(inner, default=None)

    def wildcard(self, name: bytes, rtype: int) -> bytes | None:
        """The wildcard that answers for `name`, folded, which has no records itself (RFC 4592)."""
        zone = self.zone(name)
        if zone is None or self.types(name):
            return None
        above = (each for each in names.ancestors(name) if names.is_below(each, zone.apex))
        made = (names.prepend(b"*", each) for each in above if each != name)
        return next((each for each in made if zone.rrset(each, rtype) or zone.rrset(each, Type.CNAME)), None)

    def nearest(self, name: bytes) -> str | None:
        """The name of the zone that is most like `name`, folded, which does not exist."""
        zone = self.zone(name)
        behind = len(names.to_text(zone.apex)) if zone is not None else 0
        texts = sorted({names.to_text(each) for each in self._names(name) if not each.startswith(names.WILDCARD)})
        # What is the same in all of them tells nothing.
        inner = {text[:-behind].rstrip("."): text for text in texts if len(text) > behind}
        close = closest(names.to_text(name)[:-behind].rstrip("."), inner)
        return None if close is None else inner[close]

    def dnssec_fault(self, name: bytes) -> tuple[str, str] | None:
        """The zone at or above `name`, folded, that is signed wrongly on purpose, and how."""
        from resolver.auth.signed import SignedZone

        for each in names.ancestors(name):
            zone = self._world.zones.get(each)
            if isinstance(zone, SignedZone) and zone.signer.fault is not None:
                return names.to_text(each), str(zone.signer.fault)
        return None

    def _names(self, name: bytes) -> set[bytes]:
        """The owners in the zone of `name`."""
        zone = self.zone(name)
        return set() if zone is None or len(zone) > MAX_RECORDS else {names.fold(rrset.name) for rrset in zone}
