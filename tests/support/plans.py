"""Plans made by tests: what a zone of a plan says, and whether two worlds are one."""

from __future__ import annotations

from resolver.auth.hierarchy import World
from resolver.auth.plan import Plan
from resolver.message import RRset
from resolver.wire import names, types

SHOP = {"www": {"A": ["192.0.2.1", "192.0.2.2"]}, "api": {"CNAME": "www"}, "@": {"MX": "10 mail", "TXT": "hello"}}
"""The records of a small zone."""


def shop(**said: object) -> Plan:
    """A plan with the zone shop.example."""
    plan = Plan()
    plan.zone("shop.example", SHOP, **said)  # type: ignore[arg-type]
    return plan


def rrset(plan: Plan, zone: str, name: str, rtype: str = "A") -> RRset | None:
    """What the zone of the plan's world holds of that name and type."""
    return plan.world().zones[key(zone)].rrset(key(name), types.from_text(rtype))


def told(plan: Plan, zone: str, name: str, rtype: str = "A") -> list[bytes]:
    """The data of that."""
    found = rrset(plan, zone, name, rtype)
    return [] if found is None else list(found.rdatas)


def hosts(plan: Plan, zone: str, name: str) -> list[str]:
    """The names in the NS records of `name` in that zone."""
    return [names.to_text(rdata) for rdata in told(plan, zone, name, "NS")]


def places(plan: Plan) -> dict[str, str]:
    """The servers of the world with their addresses."""
    return {names.to_text(server.name): server.ipv4 for server in plan.world().servers}


def key(text: str) -> bytes:
    """The folded name."""
    return names.fold(names.from_text(text))


def contents(world: World) -> dict[str, object]:
    """All that a world says, to be compared."""
    servers = [
        (
            *(server.name, server.ipv4, server.ipv6, server.latency_ms, server.loss, server.recursion, server.fault),
            sorted(zone.apex for zone in server.zones),
        )
        for server in world.servers
    ]
    zones = {
        apex: (type(zone), sorted((each._replace(rdatas=tuple(sorted(each.rdatas))) for each in zone), key=repr))
        for apex, zone in world.zones.items()
    }
    return {
        "servers": sorted(servers),
        "zones": zones,
        "roots": [server.name for server in world.root_servers],
        "anchor": world.trust_anchor,
        "faults": world.faults,
    }
