"""Scenarios in few words: one server, which is the root, and what a client is told."""

from __future__ import annotations

from pathlib import Path

from resolver.testing.replay.reading import parse
from resolver.testing.replay.script import Scenario

ROOT = """
stub-zone:
    name: "."
    stub-addr: 192.0.2.1
"""
OTHERS = ("no:cacheprovider", "no:asyncio", "no:hypothesispytest", "no:anyio")
"""Plugins that have no part in a session for scenarios, and take long to import."""
PLUGIN = tuple(each for name in ("resolver.testing.replay.collecting", *OTHERS) for each in ("-p", name))
"""The arguments of such a session."""
PLAIN = f"server:\n    qname-minimisation: no\n{ROOT}"


def entry(question: str, *lines: str, match: str = "opcode qtype qname", reply: str = "QR AA NOERROR") -> str:
    """An entry; `lines` are those of its sections, `SECTION` lines included."""
    head = [f"MATCH {match}"] if match else []
    return "\n".join(
        ["ENTRY_BEGIN", *head, "ADJUST copy_id", f"REPLY {reply}", "SECTION QUESTION", question, *lines, "ENTRY_END"]
    )


PRIMING = entry(". IN NS", "SECTION ANSWER", ". IN NS ns.root.", "SECTION ADDITIONAL", "ns.root. IN A 192.0.2.1")


def server(*entries: str, first: int = 0, last: int = 100, address: str = "192.0.2.1") -> str:
    """A range with the server at `address`."""
    return "\n".join([f"RANGE_BEGIN {first} {last}", f"ADDRESS {address}", *entries, "RANGE_END"])


def asks(number: int, question: str, *, match: str = "", reply: str = "RD") -> str:
    """A step in which a client asks."""
    return f"STEP {number} QUERY\n" + entry(question, match=match, reply=reply)


def is_told(number: int, question: str, *lines: str, match: str = "all", reply: str = "QR RD RA NOERROR") -> str:
    """A step that checks what the client is told."""
    return f"STEP {number} CHECK_ANSWER\n" + entry(question, *lines, match=match, reply=reply)


def text(*parts: str, config: str = PLAIN) -> str:
    """A whole file."""
    return "\n".join([config, "CONFIG_END", "SCENARIO_BEGIN a scenario", *parts, "SCENARIO_END", ""])


def scenario(*parts: str, config: str = PLAIN) -> Scenario:
    """A whole scenario."""
    return parse(text(*parts, config=config), Path("some.rpl"))
