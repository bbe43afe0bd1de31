"""Decides which programs are compared, and how each is set up: alike, on one thread, and so that nobody validates.

In one row all validate, from one trust anchor: that of the signed zone, so that nothing else is looked up for it.
Resolvers walk from the root of `hierarchy.py`; those that only forward ask its leaf. Each has a store that holds all
that a row puts there. What neither a template nor a command line here names is at the program's own default.

Limits: every server is new, with an empty store, each time that it is started.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from resolver.config.sections.server import Server as ServerSettings
from tests.bench import hierarchy, ruled
from tests.bench.hierarchy import HINTS, LEAF, POOL, ZONE, Hierarchy
from tests.bench.machine import HOST, Absent, Process, find, free_port
from tests.bench.own import environ, stored
from tests.bench.probe import await_answer
from tests.bench.signing import anchor
from tests.bench.templates import filled

OURS: Final = "resolverd"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers; `started_s` is the time from its exec to its first answer; `stored`, where it counts
    them, how many responses came from its store."""

    process: Process
    host: str
    port: int
    tls_port: int
    started_s: float
    stored: Callable[[], int] | None = None


@dataclass(frozen=True, slots=True)
class Arena:
    """Where servers run: a directory, their core and that of the load, and what resolvers walk through."""

    work: Path
    core: int
    load_core: int
    hierarchy: Hierarchy | None = None

    def directory(self, name: str) -> Path:
        """A new directory."""
        number = sum(1 for _ in self.work.glob(f"{name}-*"))
        made = self.work / f"{name}-{number}"
        made.mkdir()
        return made

    def certificate(self) -> tuple[Path, Path]:
        """A certificate that signs itself, and its key. Raises `Absent`."""
        certificate, key = self.work / "certificate.pem", self.work / "key.pem"
        openssl = find("openssl")
        if openssl is None:
            raise Absent("openssl, which makes the certificate, is not installed")
        if not certificate.exists():
            argv = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
            argv += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=dns.test"]
            subprocess.run(argv, check=True, capture_output=True, timeout=30)
        return certificate, key


Start = Callable[[Arena, str], AbstractContextManager[Running]]
"""Starts a server, with a listener for DNS over TLS where that is wanted. Raises `Unusable`."""


class Server(NamedTuple):
    """A program that can be measured; `forwards`: it asks others and walks nowhere; `modes`: those of dnsperf in which
    it can be loaded."""

    program: str | None
    start: Start
    forwards: bool = False
    modes: tuple[str, ...] = ("udp", "tcp")


def _peer(program: str, template: str, *arguments: str, proven: bool = False, rules: str = "") -> Start:
    """A program that is configured by one file, `arguments` having places as the template has them."""

    @contextmanager
    def start(arena: Arena, secure: str) -> Iterator[Running]:
        directory = arena.directory(program)
        config = directory / template
        places = resolver_places(arena, directory, secure, proven) | {"config": config, "rules": rules}
        config.write_text(filled(template, places, secure, proven))
        argv = [find(program) or program, *(argument.format_map(places) for argument in arguments)]
        with _answering(argv, arena, directory, places) as running:
            yield running

    return start


def own(template: str, proven: bool = False, rules: str = "", **settings: str) -> Start:
    """Our daemon with this configuration, `rules` in it, and `settings` of its environment."""

    @contextmanager
    def start(arena: Arena, secure: str) -> Iterator[Running]:
        if secure and {"dot": "listen_tls", "doh": "listen_https"}[secure] not in ServerSettings.model_fields:
            raise Absent(f"not available: there is no setting of server for {secure}")
        directory = arena.directory(OURS)
        config = directory / "resolver.toml"
        places = resolver_places(arena, directory, secure, proven) | {"rules": rules}
        config.write_text(filled(template, places, secure, proven))
        argv = [sys.executable, "-m", "resolver", "serve", "--config", str(config)]
        counts = partial(stored, directory)
        with _answering(argv, arena, directory, places, environ(directory, **settings), counts) as running:
            yield running

    return start


@contextmanager
def shipped(arena: Arena, secure: str = "") -> Iterator[Running]:
    """Our daemon with the shipped world and no configuration."""
    directory = arena.directory("shipped")
    places = {"host": HOST, "port": free_port(), "tls_port": 0}
    argv = [sys.executable, "-m", "resolver", "serve", "--listen", f"{HOST}:{places['port']}"]
    with _answering(argv, arena, directory, places, environ(directory)) as running:
        yield running


AUTHORITY: Final = "127.53.2.1"
"""Where the servers of the authoritative row answer: simulated servers stand in 127.53.0.0/16."""


@contextmanager
def own_authority(arena: Arena, secure: str) -> Iterator[Running]:
    """Our simulated authority of `ZONE`, which is asked itself."""
    directory = arena.directory("authority")
    (directory / "hierarchy.toml").write_text(filled("hierarchy.toml", {"authority": AUTHORITY}))
    port = free_port()
    argv = [sys.executable, "-m", "resolver", "serve", "--world", str(directory), "--listen", f"{HOST}:{free_port()}"]
    environment = environ(directory, RESOLVER_WORLD__PORT=str(port))
    places = {"host": AUTHORITY, "port": port, "tls_port": 0}
    with _answering(argv, arena, directory, places, environment) as running:
        yield running


@contextmanager
def nsd_authority(arena: Arena, secure: str) -> Iterator[Running]:
    """nsd with the same zone."""
    directory, port = arena.directory("nsd"), free_port()
    zones = {ZONE: hierarchy.wildcard_zone(AUTHORITY)}
    began = time.perf_counter()
    with hierarchy.nsd(directory, arena.core, AUTHORITY, port, zones) as process:
        answered = await_answer(process, f"www.{ZONE}", port, AUTHORITY)
        yield Running(process, AUTHORITY, port, 0, answered - began)


def resolver_places(arena: Arena, directory: Path, secure: str, proven: bool = False) -> dict[str, object]:
    """What the templates of resolvers have places for. Raises `Absent` when there is no certificate to be had."""
    certificate, key = arena.certificate() if secure else ("", "")
    hints = directory / "hints"
    hints.write_text(HINTS)
    return {
        "directory": directory, "host": HOST, "port": free_port(), "tls_port": free_port() if secure else 0,
        "hints": hints, "certificate": certificate, "key": key, "leaf": LEAF,
        "modules": "validator iterator" if proven else "iterator", "validation": str(proven).lower(),
        "anchor": anchor() if proven else "", **{f"pool_{number}": each for number, each in enumerate(POOL, 1)},
    }  # fmt: skip


@contextmanager
def _answering(
    argv: list[str],
    arena: Arena,
    directory: Path,
    places: Mapping[str, object],
    environment: dict[str, str] | None = None,
    counts: Callable[[], int] | None = None,
) -> Iterator[Running]:
    host, port, tls_port = str(places["host"]), int(str(places["port"])), int(str(places["tls_port"]))
    began = time.perf_counter()
    with Process(argv, arena.core, directory / "log", environment) as process:
        answered = await_answer(process, f"www.{ZONE}", port, host)
        yield Running(process, host, port, tls_port, answered - began, counts)


_ALL: Final = ("udp", "tcp", "dot")
_HTTPS: Final = (*_ALL, "doh")

_UNBOUND: Final = _peer("unbound", "unbound.conf", "-d", "-c", "{config}")
_KNOT: Final = _peer("kresd", "kresd.conf", "-n", "-q", "-c", "{config}", "{directory}")
_POWERDNS: Final = _peer("pdns_recursor", "recursor.conf", "--config-dir={directory}")
_BIND: Final = _peer("named", "named.conf", "-f", "-4", "-n", "1", "-c", "{config}")
_DNSDIST_COMMAND: Final = ("--supervised", "--disable-syslog", "-C", "{config}")
_DNSDIST: Final = _peer("dnsdist", "dnsdist.conf", *_DNSDIST_COMMAND)
# With -d it keeps its user. With -k it ends at once in a user namespace (seen of 2.90), where it cannot change him.
_DNSMASQ: Final = _peer("dnsmasq", "dnsmasq.conf", "-d", "-C", "{config}")

RESOLVERS: Final[Mapping[str, Server]] = {
    OURS: Server(None, own("resolverd.toml"), modes=_HTTPS),
    "unbound": Server("unbound", _UNBOUND, modes=_HTTPS),
    "knot-resolver": Server("kresd", _KNOT, modes=_HTTPS),
    "pdns-recursor": Server("pdns_recursor", _POWERDNS),
    "bind9": Server("named", _BIND, modes=_ALL),
    "dnsdist": Server("dnsdist", _DNSDIST, forwards=True, modes=_HTTPS),
    # Seen of 2.90: it ends a TCP connection after a hundred queries, and what was sent beyond them gets no answer.
    "dnsmasq": Server("dnsmasq", _DNSMASQ, forwards=True, modes=("udp",)),
}
"""Those that answer any client, ours first."""

VALIDATING: Final[Mapping[str, Server]] = {
    OURS: Server(None, own("resolverd.toml", proven=True)),
    "unbound": Server("unbound", _peer("unbound", "unbound.conf", "-d", "-c", "{config}", proven=True)),
}
"""Those that answer any client with what they have proven."""

ALONE: Final[Mapping[str, Server]] = {OURS: Server(None, own("resolverd.toml"))}
"""Ours alone."""

AUTHORITIES: Final[Mapping[str, Server]] = {
    OURS: Server(None, own_authority),
    "nsd": Server("nsd", nsd_authority),
}
"""Those that are asked for their own zone."""

SHIPPED: Final[Mapping[str, Server]] = {OURS: Server(None, shipped)}
"""Ours alone, with the world that it comes with."""


def _ruled(ours: str, dnsdist: str) -> Mapping[str, Server]:
    """Ours and dnsdist, before the leaf, with these rules."""
    beside = _peer("dnsdist", "dnsdist-rules.conf", *_DNSDIST_COMMAND, rules=dnsdist)
    return {OURS: Server(None, own("resolverd-rules.toml", rules=ours)), "dnsdist": Server("dnsdist", beside)}


RULED: Final = _ruled(ruled.ours(), ruled.dnsdist())
"""Those that look at queries by rules, with fifty of them."""
UNRULED: Final = _ruled("", "")
"""The same without any."""

FORWARDERS: Final[Mapping[str, Server]] = {
    OURS: Server(None, own("resolverd-forwarder.toml")),
    "dnsmasq": Server("dnsmasq", _DNSMASQ, forwards=True, modes=("udp",)),
    "dnsdist": Server("dnsdist", _DNSDIST, forwards=True, modes=_ALL),
    "unbound": Server("unbound", _peer("unbound", "unbound-forwarder.conf", "-d", "-c", "{config}"), forwards=True),
}
"""Those that ask one upstream for everything."""

POOLED: Final[Mapping[str, Server]] = {
    OURS: Server(None, own("resolverd-pool.toml")),
    "dnsdist": Server("dnsdist", _peer("dnsdist", "dnsdist-pool.conf", *_DNSDIST_COMMAND)),
}
"""Those that ask three upstreams alike, and check them."""

FORWARDER: Final[Mapping[str, Server]] = {OURS: Server(None, own("resolverd-forwarder.toml"))}
"""Ours alone, with nothing but a forwarder."""
