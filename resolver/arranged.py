"""Decides what of a program is arranged by hand, in place of what its configuration says or beside it: by tests, and by
commands that want to see what happened.

Rules
* Nothing is arranged in a daemon: it keeps a table of faults in which there is nothing, and the history that
  `[history]` asks for.
* Faults, history and transcript are the same for the whole life of a program, reloads included (`Lab`).
* A fault that is applied is told to the history, and to the transcript at the message that it was applied to.
* Without a transcript nothing is kept of how questions are resolved. Where the log is to explain answers
  (`log.explanations`) there is one all the same, which holds nothing beyond each question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from resolver.answering import Answerer
from resolver.errors import ResolverdError
from resolver.network.base import Clock, Network
from resolver.network.faults import FaultTable, Hit
from resolver.observe.history import History
from resolver.observe.notes import Faulted
from resolver.observe.transcript import Transcript
from resolver.observe.watching import new_history, telling
from resolver.pipeline.transcribed import Stages

if TYPE_CHECKING:
    from resolver.auth.findings import Where
    from resolver.auth.plan import Plan
    from resolver.config import Config
    from resolver.engine.delegation import Delegation

Around = Callable[[Network], Network]
"""Makes of a network one that watches what passes."""


Before = Callable[[Stages], Answerer]
"""Makes of the stages what clients ask in their place."""


def _as_it_is(network: Network) -> Network:
    return network


def _alone(stages: Stages) -> Answerer:
    return stages


@dataclass(frozen=True, slots=True)
class Arranged:
    """What is arranged of one program; None, and nothing `around` or `before`, is what a daemon has."""

    network: Network | None = None
    """All that the resolver reaches."""
    around: Around = _as_it_is
    """What it makes of the network is used in its place."""
    root: Delegation | None = None
    """Where iteration begins."""
    before: Before = _alone
    """What it makes of the stages is asked in their place, after each reload and change, too."""
    transcript: Transcript | None = None
    """Where it stands how questions were resolved."""
    faults: FaultTable | None = None
    """What goes wrong on purpose."""
    history: History | None = None
    """Where messages are remembered, in place of the one that the configuration asks for."""
    texts: Mapping[str, str] | None = None
    """What stands for the files of policy zones, by their paths."""


class Lines:
    """Where the records of the world are written down, as far as a `Laboratory` knows."""

    plan: Callable[[], Plan] | None = None

    def __call__(self, name: bytes, rtype: int) -> Where | None:
        """The line of the records of the folded `name` and type; None where that is not known."""
        try:
            return None if self.plan is None else self.plan().where(name, rtype)
        except ResolverdError:  # the files are not what they were when they were served
            return None


class Lab(NamedTuple):
    """What is arranged of a program and outlives a reload: what goes wrong on purpose; where messages are remembered,
    if anywhere; the transcript of who is to explain answers; where the world is written down; and what stands for files
    of policy zones."""

    faults: FaultTable
    history: History | None = None
    explaining: Transcript | None = None
    lines: Lines | None = None
    texts: Mapping[str, str] | None = None


def lab(arranged: Arranged, config: Config, clock: Clock) -> Lab:
    """What a program has of `arranged`. Faults are counted from now."""
    faults = FaultTable() if arranged.faults is None else arranged.faults
    history = new_history(config.history.messages) if arranged.history is None else arranged.history
    explaining = Transcript(keeps=False) if arranged.transcript is None else arranged.transcript
    if history is not None:
        faults.watch(telling(history))
    faults.watch(partial(_faulted, explaining))
    faults.begin(clock)
    return Lab(faults, history, explaining, Lines(), arranged.texts)


def _faulted(transcript: Transcript, hit: Hit) -> None:
    """What was done to a message stands in the transcript, at the message."""
    if hit.question is not None:
        for host in hit.addresses:
            transcript.faulted(host, hit.question, Faulted(hit.rule.text, hit.number, hit.declared))
