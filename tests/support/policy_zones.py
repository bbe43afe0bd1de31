"""Policy zones from text, for tests."""

from __future__ import annotations

import dns.rdata

from resolver.filters.rpz.zone import Zone
from tests.support.messages import name


def zone(*lines: str, origin: str = "rpz.test.") -> Zone:
    """The zone with a rule in each of `lines`: owner, type and data; `@` is its own name, without a TTL it is 60."""
    made = Zone(name(origin))
    for number, text in enumerate(lines, 1):
        owner, rtype, rest = text.split(None, 2)
        owner = origin if owner == "@" else f"{owner}.{origin}"
        rdata = dns.rdata.from_text("IN", rtype, rest)
        skipped = made.add(name(owner), int(rdata.rdtype), 60, rdata.to_wire(), number)
        assert skipped is None, skipped
    return made
