"""Random hierarchies from a seed: zones, delegations with in-domain, sibling and no glue, aliases, DNAMEs, wildcards.

A `Plan` says what there is; `texts` gives the zones of each server as lines, for servers in memory, and `write` a
directory that the program reads as a world. Server names are chosen among zones made before, so that no delegation
depends on itself, unless `tangle` is asked for.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from resolver.wire import names

LABELS = ("alpha", "Beta", "gamma", "delta", "eps", "zeta", "eta", "theta")
"""Of zones."""
OWNERS = ("www", "Mail", "a.b", "ent.deep.er", "_sip._tcp", "one", "two", "x\\.y", "n\\000l")
"""Of records; no zone has one of them as its first label."""
TYPES = ("A", "AAAA", "MX", "TXT", "CNAME", "NS", "SOA", "TYPE65280", "DNAME", "DS", "SRV")
"""Of questions."""
LONG = '"' + "x" * 200 + '"'
TTL = 3600


@dataclass(slots=True)
class ZonePlan:
    """A zone: who serves it, and its records without SOA, NS, delegations and addresses of servers."""

    origin: str
    servers: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """Zones by origin, the parents before their children; servers with their addresses. The root is `.`."""

    zones: dict[str, ZonePlan] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        rows = [f"{name} is at {address}" for name, address in self.addresses.items()]
        for zone in self.zones.values():
            rows += [f"{zone.origin} is served by {', '.join(zone.servers)}", *(f"    {line}" for line in zone.lines)]
        return "\n".join(rows)

    def roots(self) -> dict[str, str]:
        """The servers of the root with their addresses."""
        return {name: self.addresses[name] for name in self.zones["."].servers}

    def enclosing(self, name: str) -> str:
        """The origin of the zone that `name` belongs to."""
        folded = _folded(name)
        origins = {_folded(origin): origin for origin in self.zones}
        return next(origins[above] for above in names.ancestors(folded) if above in origins)

    def parent(self, origin: str) -> str:
        """The zone that delegates `origin`."""
        return self.enclosing(names.to_text(names.parent(names.from_text(origin))))

    def depends_on(self, origin: str) -> set[str]:
        """The zones that whoever serves `origin` can rightly change: below it, or by way of servers named there."""
        found = {origin}
        while True:
            more = {
                zone.origin
                for zone in self.zones.values()
                if zone.origin != "."
                and (self.parent(zone.origin) in found or any(self.enclosing(each) in found for each in zone.servers))
            }
            if more <= found:
                return found
            found |= more

    def texts(self, address: str) -> list[tuple[str, str]]:
        """The zones that are served at `address`: origin and lines."""
        here = {name for name, at in self.addresses.items() if at == address}
        return [(zone.origin, "\n".join(self.lines(zone))) for zone in self.zones.values() if here & set(zone.servers)]

    def lines(self, zone: ZonePlan) -> Iterator[str]:
        """Every record of `zone`, with what its parent's side needs for the zones below."""
        origin = zone.origin
        yield f"{origin} {TTL} IN SOA {zone.servers[0]} admin.test. 1 7200 3600 1209600 300"
        yield from (f"{origin} {TTL} IN NS {server}" for server in zone.servers)
        yield from zone.lines
        below = [each for each in self.zones.values() if each.origin != "." and self.parent(each.origin) == origin]
        yield from (f"{each.origin} {TTL} IN NS {server}" for each in below for server in each.servers)
        top = _folded(origin)
        needed = {server for each in below for server in each.servers}
        for server, address in self.addresses.items():
            inside = names.is_below(_folded(server), top)
            if inside and (server in needed or self.enclosing(server) == origin):
                yield f"{server} {TTL} IN A {address}"

    def write(self, directory: Path) -> Path:
        """`directory` holds the plan as a world that the program serves."""
        parts = []
        for zone in self.zones.values():
            parts.append(f"[zone.{_toml(zone.origin.rstrip('.') or '.')}]")
            parts.append(f"records = [{', '.join(_toml(line) for line in zone.lines)}]")
        for server, address in self.addresses.items():
            served = [zone.origin.rstrip(".") or "." for zone in self.zones.values() if server in zone.servers]
            parts += ["[[server]]", f"name = {_toml(server.rstrip('.'))}", f"address = {_toml(address)}"]
            parts += ["ipv6 = false", f"zones = [{', '.join(map(_toml, served))}]"]
        (directory / "hierarchy.toml").write_text("\n".join(parts) + "\n")
        return directory

    def questions(self, rng: random.Random, count: int) -> list[tuple[str, str]]:
        """`count` questions: names that are there, their children and neighbours, zones, and what is nowhere."""
        return [(self.name(rng), rng.choice(TYPES)) for _ in range(count)]

    def name(self, rng: random.Random) -> str:
        """A name that somebody might ask for."""
        zone = rng.choice(list(self.zones.values()))
        base = rng.choice([zone.origin, *zone.owners * 2])
        prefix = rng.choice(("", "", "", "", "child.", "no.such.", "*.", "nothing.", "WWW."))
        if prefix == "nothing." and base != ".":
            base = names.to_text(names.parent(names.from_text(base)))
        name = prefix + ("" if base == "." and prefix else base)
        try:
            names.from_text(name)
        except ValueError:
            return base
        return name


def plan(seed: int, zones: int, *, tangle: bool = False) -> Plan:
    """A hierarchy of `zones` zones below two top-level domains. `tangle`: some delegations depend on one another."""
    rng = random.Random(seed)
    made = Plan()
    _place(made, ZonePlan(".", ["a.root-servers.alpha.", "b.root-servers.alpha."]), 0)
    for label in ("alpha", "beta"):
        _place(made, ZonePlan(f"{label}.", [f"a.nic.{label}.", f"b.nic.{label}."]), 1)
    for _ in range(zones):
        _place(made, _below(made, rng), 2)
    if tangle:
        first, second = rng.sample([each for each in made.zones if each != "."], 2)
        for here, there in ((first, second), (second, first)):
            name = f"tangled.{there}"
            made.zones[here].servers = [name]
            made.addresses.setdefault(name, f"127.53.3.{len(made.addresses) + 1}")
    for zone in made.zones.values():
        _fill(made, zone, rng)
    return made


def _place(made: Plan, zone: ZonePlan, level: int) -> None:
    made.zones[zone.origin] = zone
    for server in zone.servers:
        made.addresses.setdefault(server, f"127.53.{level}.{len(made.addresses) + 1}")


def _below(made: Plan, rng: random.Random) -> ZonePlan:
    """A zone below one that is there; now and then its label holds the octets of another zone's name."""
    above = [each for each in made.zones if each != "." and names.depth(_folded(each)) < 5]
    parent = rng.choice(above)
    label = f"{rng.choice(LABELS)}{len(made.zones)}"
    if rng.random() < 0.25:
        other = rng.choice(above)
        first = names.labels(names.from_text(other))[0].decode("latin-1")
        if other.count(".") > 1 and len(first) < 40 and "\\" not in other:
            parent, label = made.parent(other), f"x\\{len(first):03d}{first}"
    origin = f"{label}.{parent}"
    if origin in made.zones:
        origin = f"{LABELS[0]}{len(made.zones)}.{parent}"
    servers: list[str] = []
    for number in range(rng.choice((1, 2, 2, 3))):
        kind = rng.random()
        if kind < 0.45:
            servers.append(f"ns{number + 1}.{origin}")
        elif kind < 0.7:
            servers.append(rng.choice([each for each in made.addresses if not each.startswith("a.root")]))
        else:
            elsewhere = rng.choice([each for each in made.zones if each != "."])
            servers.append(f"ns-{len(made.addresses)}-{number}.{elsewhere}")
    return ZonePlan(origin, list(dict.fromkeys(servers)))


def _fill(made: Plan, zone: ZonePlan, rng: random.Random) -> None:
    if zone.origin == ".":
        return

    def there() -> str:
        return made.name(rng) if rng.random() < 0.8 else f"{rng.choice(OWNERS)}.{zone.origin}"

    def say(owner: str, rest: str, ttl: int | None = None) -> None:
        zone.lines.append(f"{owner} {ttl or rng.choice((1, 5, 60, TTL, 200_000))} IN {rest}")

    say(zone.origin, f"MX 10 {there()}")
    for label in rng.sample(OWNERS, rng.randint(2, 6)):
        owner = f"{label}.{zone.origin}"
        zone.owners.append(owner)
        kind = rng.random()
        if kind < 0.35:
            say(owner, f"CNAME {there()}")
        elif kind < 0.45:
            say(owner, "TXT " + " ".join([LONG] * rng.choice((1, 3, 9))), TTL)
        else:
            say(owner, f"A 192.0.2.{rng.randrange(256)}", TTL)
            say(owner, f"A 198.51.100.{rng.randrange(256)}", TTL)
            if rng.random() < 0.5:
                say(owner, f"AAAA 2001:db8::{rng.randrange(9999)}")
            if rng.random() < 0.2:
                say(owner, "TYPE65280 \\# 2 abcd")
    if rng.random() < 0.4:
        zone.owners.append(f"dn.{zone.origin}")
        zone.owners.append(f"www.dn.{zone.origin}")
        say(f"dn.{zone.origin}", f"DNAME {rng.choice(list(made.zones))}")
    if rng.random() < 0.4:
        zone.owners.append(f"any.wild.{zone.origin}")
        say(f"*.wild.{zone.origin}", f"CNAME {there()}" if rng.random() < 0.4 else "A 203.0.113.7")
    if rng.random() < 0.3:
        zone.owners.append(f"loop1.{zone.origin}")
        say(f"loop1.{zone.origin}", f"CNAME loop2.{zone.origin}")
        say(f"loop2.{zone.origin}", f"CNAME {rng.choice(('loop1', 'loop2', 'wild.wild'))}.{zone.origin}")


@lru_cache(maxsize=4096)
def _folded(text: str) -> bytes:
    """The name as a key."""
    return names.fold(names.from_text(text))


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
