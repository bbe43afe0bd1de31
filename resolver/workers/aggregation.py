"""Decides how what each worker says of itself becomes what the daemon says.

Rules: counts and gauges are added, but for those in `NOT_ADDED`; a word is given if all say the same. Entries of the
caches are listed in turn, each with the worker that holds it. What was forgotten is added. Faults
are told once, and messages in order of time.

Limits: a worker that does not answer in time is left out of sums and listings; how many are is `workers.silent`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from resolver import filtering

NOT_ADDED: Final[Mapping[str, Callable[[Iterable[Any]], Any]]] = dict.fromkeys(
    ("uptime.seconds", *filtering.COUNTED), max
)
"""How the values of all become one where it is not their sum."""


def stats(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counters and gauges of the daemon; `answers` are those of its workers."""
    merged: dict[str, Any] = {}
    for name in dict.fromkeys(itertools.chain.from_iterable(answers)):
        values = [answer[name] for answer in answers if name in answer]
        if name in NOT_ADDED:
            merged[name] = NOT_ADDED[name](values)
        elif all(isinstance(value, (int, float)) for value in values):
            merged[name] = sum(values)
        elif len(set(values)) == 1:
            merged[name] = values[0]
    return merged


def entries(answers: Sequence[Mapping[str, Any]], limit: int) -> dict[str, Any]:
    """At most `limit` entries of all caches, one of each in turn."""
    turns = itertools.zip_longest(*(answer["entries"] for answer in answers))
    listed = (entry for turn in turns for entry in turn if entry is not None)
    return {"entries": list(itertools.islice(listed, limit))}


def flushed(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many entries all have forgotten."""
    return {"flushed": sum(answer["flushed"] for answer in answers)}


def workers(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Each worker by itself."""
    return {"workers": [each for answer in answers for each in answer["workers"]]}


def faults(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The rules of all: one that several have is told once, with how often all of them applied it."""
    merged: dict[Any, dict[str, Any]] = {}
    for rule in (each for answer in answers for each in answer["faults"]):
        known = merged.setdefault(rule["id"], {**rule, "applied": 0})
        known["applied"] += rule["applied"]
    return {"faults": [merged[number] for number in sorted(merged)]}


def messages(answers: Sequence[Mapping[str, Any]], limit: int) -> dict[str, Any]:
    """The newest `limit` messages of all histories, by time, each with the worker (by order) that has seen it."""
    seen = [{**each, "worker": worker} for worker, answer in enumerate(answers) for each in answer["messages"]]
    seen.sort(key=lambda each: str(each["time"]))
    return {"messages": seen[-limit:], "forgotten": sum(answer["forgotten"] for answer in answers)}
