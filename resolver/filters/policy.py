"""Decides what a policy can say of a question, or of what was found for it.

Rules
* A policy is asked `before` anything is looked up, of the question and its client, and `after`, of what came of it.
  None says that it has no word on it.
* `Settled` is told in the place of any other answer. `Redirected` leads to another name, which is looked up without
  being filtered again. `Dropped` tells nothing. `Truncated` makes a client of UDP ask again over TCP, where the answer
  is left as it is. `Left` is left as it is by all policies that come later, before and after.
* Each verdict has a `Cause`, which is counted, logged and explained.

Limits: what a policy says is a value; the stage that holds the policies (`pipeline/filtered.py`) acts on it.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeAlias

from resolver.errors import ResolutionFailed
from resolver.message import Ede, Query, Reply, RRset

Result: TypeAlias = Reply | ResolutionFailed
"""What came of a question."""


class Cause(NamedTuple):
    """Why a verdict was given: the `kind` of policy under which it is counted, the name or network that fitted, in
    presentation form, and the list, the zone or the setting that has it."""

    kind: str
    trigger: str
    source: str


class Settled(NamedTuple):
    """`reply` is what is told."""

    cause: Cause
    reply: Reply


class Redirected(NamedTuple):
    """The aliases `links` are told, and then what is found for `target`, to which they lead, with `ede`."""

    cause: Cause
    links: tuple[RRset, ...]
    target: bytes
    ede: tuple[Ede, ...] = ()


class Dropped(NamedTuple):
    """Nothing is told."""

    cause: Cause


class Truncated(NamedTuple):
    """Over UDP nothing is told but that TCP is to be asked; else it is as `Left`."""

    cause: Cause


class Left(NamedTuple):
    """No policy behind this one has a word on it."""

    cause: Cause


Verdict: TypeAlias = Settled | Redirected | Dropped | Truncated | Left


class Policy(Protocol):
    """What has a word on questions or answers. What it knows never changes: a reload makes another."""

    by_client: bool
    """Whether it looks at who asks: then no answer is stored for all."""
    looks_back: bool
    """Whether `after` is to be called."""

    def before(self, query: Query) -> Verdict | None:
        """What is said of `query`, of which nothing is known yet."""
        ...

    def after(self, query: Query, result: Result) -> Verdict | None:
        """What is said of `result`, which came of `query`."""
        ...
