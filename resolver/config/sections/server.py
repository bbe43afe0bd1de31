"""The section `[server]`: where clients are answered, which of them, and what each may cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator

from resolver.config.sections.base import (
    Doc,
    HttpsListeners,
    HttpsPaths,
    Listeners,
    Networks,
    OneOrMorePaths,
    Section,
    TlsListeners,
)
from resolver.config.values import hex_secret, text_string, worker_count
from resolver.network.base import Endpoint
from resolver.version import VERSION


class Server(Section):
    """The daemon's own front: where it listens, who may ask and what a client may cost."""

    listen: Listeners = (Endpoint("127.0.0.1", 5300), Endpoint("::1", 5300))
    """Addresses and ports on which UDP and TCP are answered. A wildcard (`0.0.0.0`, `[::]`) answers from the
    address that was asked. Port 0 takes a free port. Peers: Unbound, Knot Resolver and PowerDNS loopback, BIND all
    addresses."""

    listen_tls: TlsListeners = ()
    """Addresses on which DNS over TLS (RFC 7858) is answered, of TLS 1.2 or later; a port not given is 853, port 0
    takes a free one. What holds of TCP connections holds of these: the settings below, who may ask, places. None by
    default: who uses it needs a certificate that its clients trust. Peers: none by default either (Unbound `interface`
    with `tls-port`, BIND `listen-on ... tls`, Knot Resolver `net.listen` with `kind = 'tls'`; PowerDNS leaves it to
    dnsdist)."""

    listen_https: HttpsListeners = ()
    """Addresses on which DNS over HTTPS (RFC 8484) is answered, by HTTP/2 and HTTP/1.1 over TLS 1.2 or later; a port
    not given is 443, port 0 takes a free one. What holds of `listen_tls` holds of these. It takes `pip install
    'resolverd[https]'`. Peers: none by default either (Unbound `interface` with `https-port`, BIND `listen-on ...
    http`, Knot Resolver `net.listen` with `kind = 'doh2'`, dnsdist `addDOHLocal`)."""

    https_paths: HttpsPaths = ("/dns-query",)
    """Paths at which DNS is answered over HTTPS; elsewhere is 404. Peers: Unbound one, `/dns-query` (`http-endpoint`),
    BIND a list, `/dns-query` (`endpoints`), Knot Resolver `/dns-query` and `/doh`, dnsdist a list, `/`."""

    https_streams: Annotated[int, Field(ge=1, le=1000), Doc("requests")] = 100
    """Requests under way on one connection of HTTP/2, those included that their client has given up and that are still
    worked on; further ones are refused. Peers: Unbound 100 (`http-max-streams`), BIND 100 (`streams-per-connection`),
    Knot Resolver 100, not to be set."""

    tls_certificate: OneOrMorePaths = ()
    """The certificate that clients of TLS and HTTPS are shown, as a PEM file: our own first, then those above it. Of
    several, each client is shown the one that is for the name by which it calls us (SNI), or else the first. Read at
    the start, at each reload, and when a file has changed. Not set, an ephemeral one is made at each start, which is
    for development: no client trusts it but by its pin, which the daemon prints. Peers: Unbound `tls-service-pem`, BIND
    `cert-file`, Knot Resolver `net.tls`, which makes an ephemeral one too; dnsdist takes several."""

    tls_key: OneOrMorePaths = ()
    """The private key of `tls_certificate`, as a PEM file without a passphrase; of several certificates, as many in the
    same order. Peers: Unbound `tls-service-key`, BIND `key-file`, Knot Resolver `net.tls`."""

    tls_watch_s: Annotated[float, Field(ge=0, le=86400)] = 30.0
    """How often it is looked whether those files have changed, so that a renewed certificate is shown without a reload;
    connections that are open go on with the one they have. 0 never looks. Peers: no such setting; they want a
    reload."""

    allow: Annotated[Networks | None, Doc(form='a list of "ADDR/LENGTH"')] = None
    """Who may ask listeners that are not on loopback. Not set, the private networks may: 10.0.0.0/8, 172.16.0.0/12,
    192.168.0.0/16, 100.64.0.0/10, 169.254.0.0/16, fc00::/7 and fe80::/10, so that a resolver that is open by
    mistake is no weapon (RFC 5358); set, these networks and no others. Loopback always may. Others are REFUSED
    (`DENY`), their TCP connections closed. Peers: PowerDNS has the same default (`allow-from`), Unbound loopback
    alone (`access-control`), BIND the networks of its own interfaces (`allow-recursion`), Knot Resolver everybody."""

    deny: Annotated[Networks, Doc(form='a list of "ADDR/LENGTH"')] = ()
    """Who may never ask, whatever `allow` says, and hears nothing: no datagram, and connections are closed. Loopback
    always may ask. Peers: none by default (BIND `blackhole`, Unbound `access-control: ... deny`, PowerDNS `allow-from`
    with `!`)."""

    snoop: Annotated[Networks | None, Doc(form='a list of "ADDR/LENGTH"')] = None
    """Who may look into the cache: be told, by queries without RD (RD=0), what is held, be it an answer or else the
    closest delegation with its glue, without anybody being asked. Set, others are REFUSED (`SNOP`) by queries without
    RD, whatever is held, loopback too unless it is named; `[]` is nobody. What is served here, such as local zones, is
    told to all. Not set, who may ask at all is told the answers that are held, and nobody is told delegations. Name the
    hosts of administrators: the cache shows what others ask for. Peers: Unbound nobody (`access-control: ...
    allow_snoop`), BIND those who may ask (`allow-query-cache`), PowerDNS nobody since 5.0 (`allow-no-rd`)."""

    refusals_per_s: Annotated[int, Field(ge=0, le=10000), Doc("answers per second")] = 100
    """REFUSED answers to UDP clients that may not ask, of all together; beyond it they hear nothing. Sources of
    datagrams are easily forged: at 100 a second a victim gets 10 KB/s at most from us. 0 never tells them. Peers:
    Unbound, BIND and PowerDNS have no such limit; PowerDNS says nothing to anybody who may not ask."""

    workers: Annotated[int, PlainValidator(worker_count), Doc("processes", '1 to 64, or `"auto"`')] = 1
    """Processes that answer, each on a core of its own; `"auto"` (or 0) is as many as this process has CPUs, by its
    affinity and the quota of its control group. One takes the least memory, and its cache serves all clients. The
    kernel spreads clients over several by address and port (SO_REUSEPORT); each has a cache of its own. What a setting
    bounds for the daemon is divided among them: `max_in_flight`, `tcp_max_connections`, `refusals_per_s`,
    `cache.size_mb`, `resolver.max_per_zone`, `resolver.max_per_server`. What it bounds for a client holds in each, and
    a client can reach several from different ports. Needs Linux. Peers: Unbound 1 thread (`num-threads`), BIND as many
    as there are CPUs (`-n`), Knot Resolver 1 process (`workers` from 6.0), PowerDNS 2 threads (`threads`)."""

    udp_payload: Annotated[int, Field(ge=512, le=4096), Doc("octets")] = 1232
    """The largest UDP response whatever the client offers, and what is offered to servers (EDNS). 1232 fits the
    smallest IPv6 packet without fragments (RFC 9715) and bounds what a forged query can be worth; below 512 is not DNS
    (RFC 6891 section 6.2.3). Peers: Unbound 1232, earlier 4096 (`max-udp-size`), BIND 1232 (`max-udp-size`), Knot
    Resolver 1232, PowerDNS 1232 (`udp-truncation-threshold`)."""

    receive_buffer_kb: Annotated[int, Field(ge=64, le=65536)] = 1024
    """Kernel buffer (SO_RCVBUF) of a UDP listener. The usual default of 208 KiB drops bursts.
    A reload changes it for listeners that are new. Peers: all four leave it to the kernel unless told
    (Unbound `so-rcvbuf`)."""

    max_in_flight: Annotated[int | None, Field(ge=1, le=65536), Doc("queries")] = None
    """Queries worked on at once, of all clients together; beyond it what is in the cache is still answered, anything
    else gets no reply over UDP and SERVFAIL (`BUSY`) over TCP. An eighth of them may wait for
    their turn. Bounds memory under a flood of names that are not
    stored. Not set, it is what the file descriptors that the process may have suffice for, 2048 at most; the daemon
    raises their limit (RLIMIT_NOFILE) as far as it may. Peers: Unbound 1024 or 2048 per thread
    (`num-queries-per-thread`), BIND 1000 (`recursive-clients`), PowerDNS 2048 per thread (`max-mthreads`)."""

    max_in_flight_per_client: Annotated[int, Field(ge=1, le=65536), Doc("queries")] = 200
    """Queries worked on at once for one client address, counted only while more than half of `max_in_flight` is
    taken, so that one client cannot take the rest; beyond it as above (`MANY` over TCP). Loopback is exempt: a proxy or
    a sidecar there speaks for many. Peers: no such setting; Unbound can bound the rate of an address (`ip-ratelimit`,
    off)."""

    tcp_max_connections: Annotated[int, Field(ge=1, le=65536), Doc("connections")] = 256
    """TCP connections open at once, of all clients and on all listeners together (RFC 7766 section 6.2.2). When all
    are taken a newcomer gets the place of the one of which nothing has come for the longest. Peers: BIND 150
    (`tcp-clients`), Unbound 10 per thread (`incoming-num-tcp`), PowerDNS 128 or 1024 by its version
    (`max-tcp-clients`), Knot Resolver as many as it has descriptors; three of the four lock newcomers out when 500
    connections idle."""

    tcp_max_per_client: Annotated[int, Field(ge=1, le=65536), Doc("connections")] = 16
    """TCP connections open at once from one client address, so that one client cannot take them all; a further one
    takes the place of one of its own. Loopback is exempt: a proxy or a sidecar there speaks for many. Peers: none by
    default (PowerDNS `max-tcp-per-client`, Unbound `tcp-connection-limit`)."""

    tcp_idle_s: Annotated[float, Field(ge=0.1, le=3600)] = 10.0
    """A TCP connection without an outstanding query is closed after this time (RFC 7766 section 6.2.3), and so is one
    that takes no answers. Above half of `tcp_max_connections` it is a quarter of it, above three quarters a twentieth,
    at least 0.2 s. It is what edns-tcp-keepalive tells a client that asks (RFC 7828). Peers: Unbound 30 s, shrinking
    in steps from half full on (`tcp-idle-timeout`), BIND 30 s (`tcp-idle-timeout`), Knot Resolver 10 s, PowerDNS 2 s
    (`client-tcp-timeout`)."""

    tcp_message_s: Annotated[float, Field(ge=0.1, le=60)] = 5.0
    """Time in which a message that has begun to arrive over TCP must be complete, however slowly it drips. Peers: no
    such setting; BIND 30 s for the first message (`tcp-initial-timeout`)."""

    tcp_pipeline: Annotated[int, Field(ge=1, le=4096), Doc("queries")] = 64
    """Queries outstanding on one TCP connection; beyond it the connection is not read until one is
    answered. Peers: BIND 23, not to be set, Knot Resolver 100 (`net.tcp_pipeline`), PowerDNS 10
    (`max-concurrent-requests-per-tcp-connection`)."""

    tcp_unsent_kb: Annotated[int, Field(ge=1, le=4096)] = 64
    """Answers that wait for a client to take them, per TCP connection; beyond it the connection is not read. One
    message can be of 64 KiB. Peers: no such setting."""

    cookie_secret: Annotated[str | None, PlainValidator(hex_secret), Doc(form="32 hexadecimal digits")] = None
    """The key of DNS cookies (RFC 9018). Not set, one is drawn at each start. Servers behind one address must have the
    same (RFC 9018 section 5); `resolver config` does not show it. Peers: the same, random unless set (BIND and
    Unbound `cookie-secret`)."""

    test_clock: bool = False
    """Whether the time of the daemon can be moved and frozen while it runs (`resolver clock`): for tests. It then runs
    on asyncio's own event loop. A reload does not change it. Peers: no such setting."""

    drain_s: Annotated[float, Field(ge=0, le=60)] = 3.0
    """Time that queries in progress have to finish after SIGTERM. Below the 10 s that container engines
    wait. Peers: no such setting."""

    identity: Annotated[str, PlainValidator(text_string), Doc(form="a text of 1 to 255 octets")] = (
        f"resolverd {VERSION}"
    )
    """What CH TXT questions for version.bind, version.server, hostname.bind and id.server are told
    (RFC 4892 section 2)."""
