"""Decides what a running program says of itself: its counters, its workers, its cache.

Limits: answers are made in the loop, so `MAX_ENTRIES` bounds what listing the cache may cost.
"""

from __future__ import annotations

import json
import os
from http import HTTPStatus
from typing import Any, Final

from resolver.control.table import Answers, Ask, Controlled, OfProgram, Refused
from resolver.wire import names
from resolver.workers import aggregation

DEFAULT_ENTRIES: Final = 100
MAX_ENTRIES: Final = 10_000
"""Entries of the cache in one answer: some 50 ms of the loop."""


def _stats(program: Controlled, _worker: int, _: Ask) -> object:
    return dict(program.stats())


def _all_stats(_: Ask, answers: Answers) -> dict[str, Any]:
    return aggregation.stats(answers)


def _all_workers(_: Ask, answers: Answers) -> dict[str, Any]:
    return aggregation.workers(answers)


def _all_entries(ask: Ask, answers: Answers) -> dict[str, Any]:
    return aggregation.entries(answers, _limit(ask))


def _worker(program: Controlled, worker: int, _: Ask) -> object:
    return {"workers": [{"worker": worker, "pid": os.getpid(), "stats": dict(program.stats())}]}


def _limit(ask: Ask) -> int:
    text = ask.query.get("limit", str(DEFAULT_ENTRIES))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MAX_ENTRIES):
        raise Refused(HTTPStatus.BAD_REQUEST, f"limit is {json.dumps(text)}; write 1 to {MAX_ENTRIES}")
    return int(text)


def _entries(program: Controlled, _worker: int, ask: Ask) -> object:
    return {"entries": [dict(entry) for entry in program.cache_entries(_limit(ask))]}


def _flush(program: Controlled, _worker: int, ask: Ask) -> object:
    name, subtree = ask.body.get("name"), ask.body.get("subtree", False)
    if not isinstance(name, str) or not isinstance(subtree, bool):
        raise Refused(HTTPStatus.BAD_REQUEST, 'the body must be {"name": "example.com", "subtree": true or false}')
    return {"flushed": program.flush(names.fold(names.from_text(name)), subtree)}


def _all_flushed(_: Ask, answers: Answers) -> dict[str, Any]:
    return aggregation.flushed(answers)


ROUTES: Final = (
    OfProgram("GET", "/stats", "counters and gauges", _stats, _all_stats),
    OfProgram("GET", "/workers", "each process that answers", _worker, _all_workers),
    OfProgram("GET", "/cache", "entries of the cache; ?limit=N", _entries, _all_entries),
    OfProgram("POST", "/cache/flush", 'forgets {"name": ..., "subtree": bool}', _flush, _all_flushed),
)
