"""Decides what a running program says of itself: its counters, its workers, its cache.

Limits: answers are made in the loop, so `MAX_ENTRIES` bounds what listing the cache may cost.
"""

from __future__ import annotations

import os
from typing import Any, Final

from resolver.control import schemas
from resolver.control.table import Answers, Ask, Inside, OfProgram, Shape
from resolver.wire import names
from resolver.workers import aggregation

DEFAULT_ENTRIES: Final = 100
MAX_ENTRIES: Final = 10_000
"""Entries of the cache in one answer: some 50 ms of the loop."""

_COUNTERS: Final = schemas.table("Each under its name; docs/metrics.md says what they count.", schemas.ANYTHING)


def _stats(inside: Inside, _: Ask) -> object:
    return dict(inside.program.stats())


def _all_stats(_: Ask, answers: Answers) -> dict[str, Any]:
    return aggregation.stats(answers)


def _worker(inside: Inside, _: Ask) -> object:
    return {"workers": [{"worker": inside.worker, "pid": os.getpid(), "stats": dict(inside.program.stats())}]}


def _all_workers(_: Ask, answers: Answers) -> dict[str, Any]:
    return aggregation.workers(answers)


def limit_of(ask: Ask) -> int:
    """How many entries are wanted."""
    return int(ask.query.get("limit", DEFAULT_ENTRIES))


def _entries(inside: Inside, ask: Ask) -> object:
    return {"entries": [dict(entry) for entry in inside.program.cache_entries(limit_of(ask))]}


def _all_entries(ask: Ask, answers: Answers) -> dict[str, Any]:
    return aggregation.entries(answers, limit_of(ask))


def _flush(inside: Inside, ask: Ask) -> object:
    name, subtree = names.fold(names.from_text(ask.body["name"])), ask.body.get("subtree", False)
    return {"flushed": inside.program.flush(name, subtree)}


def _all_flushed(_: Ask, answers: Answers) -> dict[str, Any]:
    return aggregation.flushed(answers)


LIMIT: Final = schemas.integer(f"At most so many; {DEFAULT_ENTRIES} unless said.", 1, MAX_ENTRIES)

_WORKER: Final = schemas.record(
    "One process.",
    {
        "worker": schemas.integer("Its number.", 0, 64),
        "pid": schemas.integer("Its process.", 1, 1 << 31),
        "stats": _COUNTERS,
    },
)
_ENTRY: Final = schemas.record(
    "An RRset, or a denial.",
    {
        "name": schemas.text("Its owner."),
        "type": schemas.text("Its type; NXDOMAIN for a name that does not exist."),
        "ttl": schemas.integer("Seconds that are left.", 0, 1 << 31),
        "records": schemas.integer("Records; 0 for a denial.", 0, 1 << 16),
    },
)
_NAME: Final = schemas.text("A domain name.", most=1024, least=1, example="example.com")

ROUTES: Final = (
    OfProgram("GET", "/stats", "counters and gauges", _stats, _all_stats, Shape(answer=_COUNTERS)),
    OfProgram(
        "GET",
        "/workers",
        "each process that answers",
        _worker,
        _all_workers,
        Shape(answer=schemas.record("", {"workers": schemas.listed("", _WORKER)})),
    ),
    OfProgram(
        "GET",
        "/cache",
        "entries of the cache",
        _entries,
        _all_entries,
        Shape(
            query={"limit": LIMIT},
            answer=schemas.record("", {"entries": schemas.listed("", _ENTRY, most=MAX_ENTRIES)}),
            target="/cache?limit=20",
        ),
    ),
    OfProgram(
        "POST",
        "/cache/flush",
        "forgets a name, or all below it as well",
        _flush,
        _all_flushed,
        Shape(
            body=schemas.record("", {"name": _NAME}, subtree=schemas.flag("All below it as well; false unless said.")),
            answer=schemas.record("", {"flushed": schemas.integer("Entries that were forgotten.", 0, 1 << 53)}),
            example={"name": "example.com", "subtree": True},
        ),
    ),
)
