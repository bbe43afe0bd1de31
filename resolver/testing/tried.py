"""Decides what a test is told that tries a method or an attribute which is not there: which one it means.

Rules: what people try first, because another library calls it so, is in `MEANT`; otherwise it is what is spelled alike.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from typing import Final

from resolver.text import closest

_RECORDS: Final = "use set(name, type, values) or add(name, type, values)"
_ASK: Final = "use resolve(name, type)"
_TIME: Final = "use clock.advance(time)"

MEANT: Final[Mapping[str, Mapping[str, str]]] = {
    "Internet": {
        **dict.fromkeys(("record", "records", "add_record", "set_record", "register", "mock"), _RECORDS),
        **dict.fromkeys(("lookup", "ask", "get", "dig"), _ASK),
        **dict.fromkeys(("advance", "sleep", "tick", "time", "freeze"), _TIME),
        **dict.fromkeys(("add_zone", "create_zone", "zones"), "use zone(name, records)"),
        **dict.fromkeys(("calls", "requests", "log", "queries"), "use history"),
        **dict.fromkeys(("address", "host", "port"), "use nameserver.host and nameserver.port"),
        **dict.fromkeys(("patch", "patch_socket"), "use patch_getaddrinfo()"),
        "reset": "use flush() for what is cached, clear_faults() for faults, restore() for zones",
    },
    "Answer": {
        **dict.fromkeys(("address", "ip", "ips"), "use addresses"),
        **dict.fromkeys(("answer", "rrset", "rrsets", "answers"), "use records, or values for those of the type asked"),
        **dict.fromkeys(("text", "strings"), "use texts"),
        **dict.fromkeys(("status", "code"), "use rcode"),
        **dict.fromkeys(("time", "elapsed"), "use ms"),
        "flags": "use aa, ad, tc and ra",
    },
    "TestClock": {
        **dict.fromkeys(("tick", "sleep", "move", "shift", "move_to"), "use advance(time)"),
        **dict.fromkeys(("stop", "pause"), "use freeze()"),
        **dict.fromkeys(("resume", "start", "unfreeze"), "use thaw()"),
    },
}

FAULTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("timeout", "down", "dead", "unreachable", "blackhole", "no_reply"), "silent, or drop()"),
    **dict.fromkeys(("slow", "lag"), "latency, or delay(ms)"),
    **dict.fromkeys(("nxdomain", "formerr", "notimp", "notauth", "error"), 'rcode, as in rcode("NXDOMAIN")'),
    **dict.fromkeys(("tc", "truncation"), "truncated, or truncate()"),
    **dict.fromkeys(("packet_loss", "flaky"), "loss, or lose(probability)"),
    **dict.fromkeys(("corrupt", "malformed", "nonsense"), "garbage"),
    **dict.fromkeys(("reset", "rst"), "tcp_reset"),
    **dict.fromkeys(("expire", "dnssec"), "expired or bogus"),
}
"""The same for words of faults."""


def not_there(owner: object, word: str, known: Iterable[str]) -> AttributeError:
    """What is raised where `owner` has no attribute `word`; `known` are those that it has."""
    kind = type(owner).__name__
    hint = MEANT.get(kind, {}).get(word, "")
    if not hint and not word.startswith("_"):
        near = closest(word, [each for each in known if not each.startswith("_")])
        hint = "" if near is None else f"did you mean {near!r}?"
    if kind == "Internet" and not word.startswith("_") and importlib.util.find_spec(f"dns.{word}") is not None:
        hint = f"for that module of dnspython, which the fixture hides, write `from dns import {word}`"
    return AttributeError(f"{kind!r} has no attribute {word!r}{f'; {hint}' if hint else ''}", name=word, obj=owner)
