"""Worlds written by tests: a directory with a hierarchy and master files, and questions to its servers."""

from __future__ import annotations

from pathlib import Path

import dns.rdatatype

from resolver.auth.authority import Authority
from resolver.auth.hierarchy import World, WorldServer
from resolver.message import Question, Reply, RRset, Type
from resolver.wire import names

ROOT = """
[zone."."]
[[server]]
name = "a.root.test"
address = "127.53.0.1"
zones = ["."]
"""
"""A root with one server."""

SMALL = f"""{ROOT}
[zone."test"]
[zone."arpa"]
[[server]]
name = "ns.nic.test"
address = "127.53.1.1"
zones = ["test", "arpa"]

[zone."shop.test"]
[[server]]
name = "ns1.shop.test"
address = "127.53.2.1"
zones = ["shop.test"]
"""
"""A root, two top-level domains and a leaf."""


def write(directory: Path, hierarchy: str = SMALL, **files: str) -> Path:
    """`directory` holds the hierarchy and `files`: the keyword shop_test is the file shop.test.zone."""
    (directory / "hierarchy.toml").write_text(hierarchy, encoding="utf-8")
    for name, text in files.items():
        (directory / f"{name.replace('_', '.')}.zone").write_text(text, encoding="utf-8")
    return directory


def server(world: World, name: str) -> WorldServer:
    """The server of that name."""
    return next(one for one in world.servers if names.to_text(one.name) == f"{name}.")


def ask(asked: WorldServer, name: str, kind: str = "A") -> Reply:
    """What the server's zones say, faults apart."""
    question = Question(names.from_text(name), int(dns.rdatatype.from_text(kind)))
    return Authority(asked.zones).reply(question)


def hosts(rrsets: tuple[RRset, ...], rtype: int = Type.NS) -> set[str]:
    """The names that NS or PTR records lead to."""
    return {names.to_text(rdata) for rrset in rrsets if rrset.type == rtype for rdata in rrset.rdatas}


def addresses(rrsets: tuple[RRset, ...]) -> dict[str, set[str]]:
    """The IPv4 addresses in a section, by owner."""
    return {
        names.to_text(rrset.name): {".".join(map(str, rdata)) for rdata in rrset.rdatas}
        for rrset in rrsets
        if rrset.type == Type.A
    }
