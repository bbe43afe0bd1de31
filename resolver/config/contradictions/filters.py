"""Which settings about filters, policy zones and limits cannot stand together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from resolver.config.contradictions.base import Contradiction
from resolver.text import nearest
from resolver.wire import names

if TYPE_CHECKING:
    from resolver.config.sections import Config
    from resolver.config.sections.filters import Filters


def find(config: Config) -> Iterator[Contradiction]:
    """Every contradiction among the filters, policy zones and limits of `config`."""
    ours = config.filters
    yield from _without_effect(ours)
    for pool in ours.rebinding_pools:
        if pool not in config.pools:
            hint = nearest(pool, config.pools) or f"write a table [pools.{pool}]"
            yield Contradiction("filters", "rebinding_pools", f'there is no pool "{pool}"', hint)
    for name in sorted({*ours.block} & {*ours.allow}):
        yield Contradiction("filters", "allow", f'"{name}" is blocked and allowed', "remove it from one of the two")
    for prefix in sorted({each for each in ours.dns64 if ours.dns64.count(each) > 1}):
        yield Contradiction("filters", "dns64", f'"{prefix}" stands there twice', "remove one")
    if ours.local_data:
        yield from _local(ours)


def _without_effect(ours: Filters) -> Iterator[Contradiction]:
    """Settings of something that is not switched on."""
    for key in ("rebinding_names", "rebinding_networks", "rebinding_pools"):
        if getattr(ours, key) and not ours.rebinding:
            instead = f"set rebinding = true, or remove {key}"
            yield Contradiction("filters", key, f"{key} is set, but rebinding is off", instead)
    for key in ("dns64_clients", "dns64_exclude_a"):
        if getattr(ours, key) and not ours.dns64:
            instead = f"set dns64 to a prefix, or remove {key}"
            yield Contradiction("filters", key, f"{key} is set, but dns64 has no prefix", instead)
    for key in ("allow", "allow_lists"):
        if getattr(ours, key) and not (ours.block or ours.block_lists):
            instead = f"set block_lists, or remove {key}"
            yield Contradiction("filters", key, f"{key} is set, but nothing is blocked", instead)


def _local(ours: Filters) -> Iterator[Contradiction]:
    """Records that would never be told, or not as they are meant."""
    from resolver.filters import records
    from resolver.message import Type

    read = [records.read(text) for text in ours.local_data]
    zones = {names.from_text(zone): kind for zone, kind in ours.local_zones.items()}
    aliases = {each.name.lower(): each for each in read if each.type == Type.CNAME}
    rings = _rings({name: each.rdata.lower() for name, each in aliases.items()})
    for record in read:
        name, shown = record.name.lower(), names.to_text(record.name)
        zone = next((each for each in names.ancestors(name) if each in zones), None)
        kind = "" if zone is None else zones[zone]
        if zone is not None and kind.startswith("always_"):
            what = f"{shown} is in the local zone {names.to_text(zone)} ({kind}), which does not look at records"
            yield Contradiction("filters", "local_data", what, 'write "static" in its place, or remove it')
        elif zone is not None and kind == "redirect" and name != zone:
            what = f"{shown} is below the local zone {names.to_text(zone)} (redirect), which has records at its top"
            yield Contradiction("filters", "local_data", what, 'write "static" or "transparent" for that zone')
        alias = aliases.get(name)
        if alias is not None and alias != record:
            instead = "remove one: an alias stands alone (RFC 1034 section 3.6.2)"
            yield Contradiction("filters", "local_data", f"{shown} has a CNAME record and others", instead)
        if record.type == Type.CNAME and name in rings:
            what = f"the alias {shown} leads back to itself"
            yield Contradiction("filters", "local_data", what, "lead it to a name with an address")


def _rings(aliases: Mapping[bytes, bytes]) -> set[bytes]:
    """The names from which `aliases`, by name, lead back to themselves; each alias is followed once."""
    rings: set[bytes] = set()
    followed: set[bytes] = set()
    for name in aliases:
        way: dict[bytes, int] = {}
        while name in aliases and name not in followed:
            followed.add(name)
            way[name] = len(way)
            name = aliases[name]
        if name in way:
            rings.update(each for each, at in way.items() if at >= way[name])
    return rings
