"""Decides how what each worker says of itself becomes what the daemon says.

Rules: counts and gauges are added, but for those in `NOT_ADDED`; a word is given if all say the same. Entries of the
caches are listed in turn, each with the worker that holds it. What was forgotten is added. Faults
are told once, and messages in order of time. Pools are told once, with what all have counted of their members.

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

OF_POOLS: Final[Mapping[str, Callable[[Iterable[Any]], Any]]] = {
    "members": max,
    "taking": min,
    "down": max,
    "drained": max,
}
"""The same of pools, each of which all have: the worst that one sees."""

MIXED: Final = "mixed"
"""The state of a member that is not the same to all."""

_SUMMED: Final = ("outstanding", "picked", "replied", "failed", "checks", "checks_failed")


def stats(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counters and gauges of the daemon; `answers` are those of its workers."""
    merged: dict[str, Any] = {}
    for name in dict.fromkeys(itertools.chain.from_iterable(answers)):
        values = [answer[name] for answer in answers if name in answer]
        if (together := _together(name)) is not None:
            merged[name] = together(values)
        elif all(isinstance(value, (int, float)) for value in values):
            merged[name] = sum(values)
        elif len(set(values)) == 1:
            merged[name] = values[0]
    return merged


def _together(name: str) -> Callable[[Iterable[Any]], Any] | None:
    """How the values of `name` become one, where it is not their sum."""
    if name.startswith(("pool.", "pools.")):
        return OF_POOLS.get(name.rpartition(".")[2])
    return NOT_ADDED.get(name)


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


def pools(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The pools of all; one that a worker has not yet, or no longer, is told of the others."""
    merged: dict[str, dict[str, Any]] = {}
    members: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for pool in (each for answer in answers for each in answer["pools"]):
        merged.setdefault(pool["name"], {**pool, "members": []})
        for member in pool["members"]:
            members.setdefault((pool["name"], member["name"]), []).append(member)
    for (name, _), seen in members.items():
        merged[name]["members"].append(_member(seen))
    return {"pools": list(merged.values())}


def _member(seen: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    states = {each["state"] for each in seen}
    changed = [each["since_s"] for each in seen if each["since_s"] is not None]
    times = [each["rtt_ms"] for each in seen if each["rtt_ms"] is not None]
    said = [each["check"] for each in seen if each["check"] is not None]
    return {
        **seen[0],
        "state": states.pop() if len(states) == 1 else MIXED,
        "since_s": min(changed, default=None),
        "rtt_ms": round(sum(times) / len(times), 1) if times else None,
        **{key: sum(each[key] for each in seen) for key in _SUMMED},
        "check": next((each for each in said if each != "ok"), said[0] if said else None),
    }
