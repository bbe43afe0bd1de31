"""Decides what is left of the TTLs of a message that caches of HTTP have kept (RFC 8484 section 5.1).

Rules: each TTL is reduced by the age in seconds, to 0 where it is lower.

Limits: a message that is truncated or signed, or has a TTL of 0, stays as it was: it is of no use to any cache.
"""

from __future__ import annotations

from resolver.wire import stored


def aged(wire: bytes, age: int) -> bytes:
    """`wire`, a response, as it is after `age` seconds."""
    response = stored.make(wire) if age > 0 else None
    if response is None:
        return wire
    out = bytearray(wire)
    for place in response.ttls:  # counted from behind the id
        at = place + 2
        left = max(0, int.from_bytes(out[at : at + 4], "big") - age)
        out[at : at + 4] = left.to_bytes(4, "big")
    return bytes(out)
