"""The tables `[pools.NAME]`: servers that recurse on our behalf, and how one is chosen for each question."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import PlainValidator

from resolver.config.sections.base import Doc, OptionalPath, Section
from resolver.config.upstreams import SYSTEM, PoolMember, members

POLICIES: Final = (
    "round-robin",
    "weighted-round-robin",
    "weighted-random",
    "least-outstanding",
    "least-response-time",
    "client-hash",
    "qname-hash",
    "consistent-hash",
    "first-available",
)


class Pool(Section):
    """Servers that recurse on our behalf, under a name by which `resolver.forward_zones` and rules send questions to
    them. docs/balancing.md says which policy is for what."""

    members: Annotated[
        tuple[PoolMember, ...] | Literal["system"],
        PlainValidator(members),
        Doc(form=f'a list of upstreams, or of tables with `address`, `weight`, `name`; or `"{SYSTEM}"`'),
    ]
    """Who is in it: `"192.0.2.1"` and `"udp://192.0.2.1:53"` (UDP, and TCP where a reply is truncated),
    `"tcp://192.0.2.1"`, `"tls://192.0.2.1#dns.example"` (RFC 7858; the certificate must be for the name behind `#`, or
    for the address where there is none, RFC 8310), `"https://192.0.2.1/dns-query#dns.example"` (RFC 8484). `"system"`
    is who stands in /etc/resolv.conf, which is read again when it changes."""

    policy: Annotated[str, Doc(form=" or ".join(f'`"{each}"`' for each in POLICIES))] = "least-response-time"
    """How a member is chosen."""

    mode: Literal["forward", "relay"] = "forward"
    """`"forward"`: questions are read, answered from the cache, joined, and what comes back is checked. `"relay"`: what
    arrives at `listen` is passed on by the client's address, and nothing of it but its id is looked at."""

    tls_ca: OptionalPath = None
    """The certificates that are trusted, as a PEM file; not set, those of the system."""

    https_method: Literal["POST", "GET"] = "POST"
    """How upstreams over HTTPS are asked (RFC 8484 section 4.1): `"GET"` lets caches of HTTP on the way answer,
    `"POST"` is shorter."""
