"""Decides what the supervisor and a worker say to each other, and how that is written.

Rules: the supervisor's orders are pickled, as they carry settings; they are its own objects in a process that it has
forked, over a pair of sockets that nobody else has. What a worker says is JSON: who speaks with clients must not be
able to make the supervisor run anything.

Limits: those of network/channel.py.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from typing import Any, NamedTuple

from resolver.config import Config
from resolver.listeners import Kind
from resolver.network.base import Endpoint


class Question(NamedTuple):
    """What the control socket is asked: to be answered under `number`."""

    number: int
    method: str
    target: str
    body: bytes


class Settings(NamedTuple):
    """`config` is to be in force; the answer, under `number`, says whether it is.

    The sockets beside it are those of `opened`, in order: the endpoint that was asked for, the one that it is, and
    what is spoken there: plain DNS has two sockets, all else one.
    """

    number: int
    config: Config
    opened: tuple[tuple[Endpoint, Endpoint, Kind], ...]


class End(NamedTuple):
    """Nothing more is taken; queries in progress may finish, unless it is to end `now`. `relieved`: others go on."""

    now: bool
    relieved: bool = False


Order = Question | Settings | End


def written(order: Order) -> bytes:
    """`order` as a frame."""
    return pickle.dumps(order)


def ordered(frame: bytes) -> Order:
    """What a frame of the supervisor orders."""
    order: Order = pickle.loads(frame)  # noqa: S301 - our own parent wrote it
    return order


def said(kind: str, **fields: object) -> bytes:
    """What a worker says, as a frame: "ready", "failed" or "answer"."""
    return json.dumps({"kind": kind, **fields}).encode()


def heard(frame: bytes) -> Mapping[str, Any]:
    """What a frame of a worker says; "" as its kind if that is nothing."""
    try:
        value = json.loads(frame)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) and isinstance(value.get("kind"), str) else {"kind": ""}


def places(said: object) -> list[tuple[str, Endpoint]]:
    """The simulated servers, by name, that a worker says to have; what else it may say there is passed over."""
    listed = said.get("simulated") if isinstance(said, dict) else None
    found: list[tuple[str, Endpoint]] = []
    for each in listed if isinstance(listed, list) else ():
        match each:
            case [str(name), [str(host), int(port)]]:
                found.append((name, Endpoint(host, port)))
    return found
