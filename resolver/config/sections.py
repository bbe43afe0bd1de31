"""Which settings there are, of what type, with what default and within which bounds: one model per section.

The attribute docstrings are the reference: `docs/generate.py` turns them into docs/configuration.md. A unit
stands in the name of its key (`_ms` milliseconds, `_s` seconds, `_kb` KiB, `_mb` MiB) or in its `Doc`.

Limits: a model checks values and how they go together (`contradictions.py`); whether a file that a setting
names exists is checked where settings are loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator

from resolver.config.contradictions import Contradictions, find_contradictions
from resolver.config.values import listen_endpoint, parsed_zone, text_string, upstream_endpoint
from resolver.network.base import Endpoint
from resolver.version import VERSION

HEALTH_NAME: Final = "health.resolverd.invalid."
"""The built-in name that `resolver healthcheck` asks for: below invalid. (RFC 6761 section 6.4), so nobody
owns it."""

HEALTH_TEXT: Final = "ok"
"""The TXT string that a healthy daemon answers for `HEALTH_NAME`."""


class Doc(NamedTuple):
    """What the type of a setting does not say: its unit, and the form in which it is written."""

    unit: str = ""
    form: str = ""


Listeners = Annotated[
    tuple[Annotated[Endpoint, PlainValidator(listen_endpoint)], ...],
    Field(strict=False, min_length=1, max_length=64),
    Doc(form='a list of "ADDR:PORT" or "[ADDR]:PORT"'),
]
Upstreams = Annotated[
    tuple[Annotated[Endpoint, PlainValidator(upstream_endpoint)], ...],
    Field(strict=False, min_length=1, max_length=32),
]
ZoneTable = Annotated[
    dict[Annotated[str, PlainValidator(parsed_zone)], Upstreams],
    Doc(form='a table: zone = list of "ADDR" or "ADDR:PORT"'),
]
OptionalPath = Annotated[Path | None, Field(strict=False), Doc(form="a path")]


class Section(BaseModel):
    """What all sections share: immutable, strict about types, and no key but the listed ones."""

    # No use_attribute_docstrings: reading its own source would cost each start 30 ms; docs/generate.py does.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


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


class World(Section):
    """The simulated internet: root, TLDs and authorities on localhost."""

    serve: Annotated[Literal["auto"] | bool, Doc(form='`"auto"`, `true` or `false`')] = "auto"
    """Whether the simulated servers run. `"auto"` serves them exactly if the resolver starts from them:
    `roots` is `"simulated"` and `"."` is not forwarded. `true` beside `roots = "internet"` lets them be asked
    directly."""

    directory: OptionalPath = None
    """The directory that holds hierarchy.toml and its master files; not set means the world that is
    shipped."""

    in_memory: bool = False
    """The simulated servers bind no addresses; only the resolver itself reaches them."""

    port: Annotated[int | None, Field(ge=1, le=65535)] = None
    """The port on which the simulated servers bind their addresses in 127.53.0.0/16; not set means the port
    of the first listener."""


class Resolver(Section):
    """How answers are found."""

    mode: Literal["iterative", "recursive"] = "iterative"
    """`"iterative"`: the resolver asks root, TLD and authority itself. `"recursive"`: it asks a root server
    that offers recursion, which asks on its behalf (RFC 1034 section 4.3.1)."""

    roots: Literal["simulated", "internet", "file"] = "simulated"
    """Where iteration begins: the simulated root, the built-in hints of the Internet's root servers (IANA),
    or `hints_file`."""

    hints_file: OptionalPath = None
    """A master file with the NS records of the root and their addresses, for `roots = "file"`."""

    stub_zones: ZoneTable = Field(default_factory=dict)
    """Zones whose authoritative servers are given here: they are asked without recursion (RD=0), and what
    lies below is iterated from them. The longest match wins. A port not given is 53."""

    forward_zones: ZoneTable = Field(default_factory=dict)
    """Zones for which other resolvers are asked, with recursion (RD=1); `"."` forwards everything. The
    longest match wins. A port not given is 53."""

    allow_private_upstreams: bool = False
    """Private addresses (RFC 1918, RFC 4193) may be asked, as networks with a DNS of their own need. Off, a
    zone on the Internet cannot make the resolver probe the network it stands in."""

    qname_minimisation: bool = True
    """A server is told no more labels of the name than it needs (RFC 9156)."""

    use_0x20: bool = True
    """The letters of the names that are asked are in random case, which forged replies must guess
    (draft-vixie-dnsext-dns0x20)."""

    client_timeout_ms: Annotated[int, Field(ge=100, le=4900)] = 4500
    """A client has its answer, or SERVFAIL, after this time. Stub resolvers give up at 5 s."""

    max_exchanges: Annotated[int, Field(ge=1, le=1000), Doc("exchanges")] = 100
    """Messages sent to servers for one question of a client. Bounds what one question can make others pay
    (NXNSAttack, CVE-2020-8616)."""

    max_depth: Annotated[int, Field(ge=1, le=32), Doc("levels")] = 7
    """How deep finding the address of a name server may lead to other name servers to be found."""

    max_aliases: Annotated[int, Field(ge=1, le=64), Doc("aliases")] = 11
    """CNAME and DNAME records that are followed for one question."""

    max_referrals: Annotated[int, Field(ge=1, le=255), Doc("referrals")] = 32
    """Referrals that are followed for one question. A name under ip6.arpa has 34 labels but few cuts."""


class Cache(Section):
    """What is remembered, how much of it and for how long."""

    size_mb: Annotated[int, Field(ge=1, le=1048576)] = 64
    """Bound of the stored answers and records together; what was used longest ago goes first."""

    min_ttl_s: Annotated[int, Field(ge=0, le=3600)] = 0
    """Floor of the TTL of positive answers. Above 0, changes of a zone become visible later than its owner
    says."""

    max_ttl_s: Annotated[int, Field(ge=1, le=604800)] = 86400
    """Ceiling of the TTL of positive answers (RFC 8767 section 4 wants one of days, at most a week)."""

    negative_max_ttl_s: Annotated[int, Field(ge=0, le=86400)] = 3600
    """Ceiling of the TTL of negative answers (RFC 2308 section 5 finds one to three hours sensible)."""

    failure_ttl_s: Annotated[int, Field(ge=1, le=300)] = 5
    """How long a failed resolution is not tried again (RFC 9520 section 3.2: at least 1 s, at most 5
    minutes)."""


class Log(Section):
    """What is written to standard error: one event a line."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important events that are written."""

    format: Literal["logfmt", "json"] = "logfmt"
    """`key=value` pairs, or one JSON object a line."""

    queries: bool = False
    """One event for each query, with its id, client, question, outcome and time taken. Answers are then made from
    the records each time, and not served as stored octets."""


class Control(Section):
    """The Unix socket on which `resolver stats` and `resolver cache` reach the daemon."""

    enabled: bool = True
    """Whether there is a control socket."""

    path: OptionalPath = None
    """The socket; not set means `${XDG_RUNTIME_DIR:-/run/resolverd}/control-PORT.sock` with the port of the
    first listener. Where it cannot be made, the daemon warns and runs without."""


class Config(Section):
    """All settings; `Config()` is the defaults."""

    server: Server = Field(default_factory=Server)
    """The daemon's own front."""

    world: World = Field(default_factory=World)
    """The simulated internet."""

    resolver: Resolver = Field(default_factory=Resolver)
    """How answers are found."""

    cache: Cache = Field(default_factory=Cache)
    """What is remembered."""

    log: Log = Field(default_factory=Log)
    """What is written to standard error."""

    control: Control = Field(default_factory=Control)
    """The control socket."""

    @property
    def world_served(self) -> bool:
        """Whether the simulated servers run, with `world.serve = "auto"` decided."""
        if self.world.serve != "auto":
            return self.world.serve
        return self.resolver.roots == "simulated" and "." not in self.resolver.forward_zones

    @model_validator(mode="after")
    def _settings_go_together(self) -> Config:
        found = find_contradictions(self)
        if found:
            raise Contradictions(found)
        return self
