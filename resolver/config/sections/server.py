"""The section `[server]`: where clients are answered and what each may cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator

from resolver.config.sections.base import Doc, Listeners, Section
from resolver.config.values import text_string
from resolver.network.base import Endpoint
from resolver.version import VERSION


class Server(Section):
    """The daemon's own front: where it listens and what a client may cost."""

    listen: Listeners = (Endpoint("127.0.0.1", 5300), Endpoint("::1", 5300))
    """Addresses and ports on which UDP and TCP are answered. A wildcard (`0.0.0.0`, `[::]`) answers from the
    address that was asked. Port 0 takes a free port."""

    udp_payload: Annotated[int, Field(ge=512, le=4096), Doc("octets")] = 1232
    """The largest UDP response, and what is offered to servers (EDNS). 1232 fits the smallest IPv6 packet
    without fragments (RFC 9715); below 512 is not DNS (RFC 6891 section 6.2.3)."""

    receive_buffer_kb: Annotated[int, Field(ge=64, le=65536)] = 1024
    """Kernel buffer (SO_RCVBUF) of a UDP listener. The usual default of 208 KiB drops bursts.
    A reload changes it for listeners that are new."""

    max_in_flight: Annotated[int, Field(ge=1, le=65536), Doc("queries")] = 2048
    """Queries worked on at once, of all clients together; beyond it a new one gets no reply over UDP and
    SERVFAIL over TCP. Bounds memory under a flood of names that are not stored."""

    tcp_max_connections: Annotated[int, Field(ge=1, le=65536), Doc("connections")] = 256
    """TCP connections open at once on one listener, of all clients together (RFC 7766 section 6.2.2)."""

    tcp_max_per_client: Annotated[int, Field(ge=1, le=65536), Doc("connections")] = 16
    """TCP connections open at once from one client address on one listener, so that one client cannot take them all.
    Loopback is exempt: a proxy or a sidecar there speaks for many."""

    tcp_idle_s: Annotated[float, Field(ge=0.1, le=3600)] = 10.0
    """A TCP connection without an outstanding query is closed after this time (RFC 7766 section 6.2.3)."""

    tcp_message_s: Annotated[float, Field(ge=0.1, le=60)] = 5.0
    """Time in which a message that has begun to arrive over TCP must be complete; ends the ones that drip."""

    tcp_pipeline: Annotated[int, Field(ge=1, le=4096), Doc("queries")] = 64
    """Queries outstanding on one TCP connection; beyond it the connection is not read until one is
    answered."""

    drain_s: Annotated[float, Field(ge=0, le=60)] = 3.0
    """Time that queries in progress have to finish after SIGTERM. Below the 10 s that container engines
    wait."""

    identity: Annotated[str, PlainValidator(text_string), Doc(form="a text of 1 to 255 octets")] = (
        f"resolverd {VERSION}"
    )
    """What CH TXT questions for version.bind, version.server, hostname.bind and id.server are told
    (RFC 4892 section 2)."""
