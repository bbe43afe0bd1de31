"""Decides what is asked for a recording: what is wanted, and then what else has to be known of the zones on the way.

Rules
* What is wanted is resolved as for any client, with all that the configuration says: minimised names, aliases, name
  servers without glue, the chain of trust. Only the mode is always iterative, forwarders and stub zones are not asked
  (no walk leads to them), and nothing is answered from what is not what a server said (stale, prefetched, or denied by
  a held NSEC).
* A zone is *needed* where a name that was asked for, or that an alias leads to, is at or below it, or the name of a
  server that had to be looked up, since it came without glue.
* Of needed names each one above is asked for its SOA, which shows where zones begin; of needed zones the NS, and of
  signed ones the DNSKEY and NSEC3PARAM. So it goes on until nothing new is needed.

Limits: `noting.MAX_NOTES` messages and `noting.MAX_OCTETS`; what is still to be asked then is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from resolver.answering import awaited
from resolver.config import Config
from resolver.dnssec.chains import NSEC3PARAM
from resolver.errors import ResolutionFailed
from resolver.message import Client, Edns, Query, Question, Reply, Transport, Type
from resolver.network.base import Clock
from resolver.program import Program
from resolver.recording.evidence import Evidence, read
from resolver.recording.noting import Noting
from resolver.wire import names

FULL: Final = "not asked: the recording has as many messages as one may have"


class Asked(NamedTuple):
    """A question that was wanted, and what came of it: a reply, or why there was none."""

    question: Question
    reply: Reply | None
    failure: str = ""
    bogus: bool = False


@dataclass(slots=True)
class Needs:
    """Folded names and zones without which the walk cannot be repeated."""

    names: set[bytes] = field(default_factory=set)
    zones: set[bytes] = field(default_factory=lambda: {names.ROOT})


def configured(config: Config) -> Config:
    """`config` for a walk that can be recorded."""
    resolver = {"mode": "iterative", "forward_zones": {}, "stub_zones": {}}
    return config.model_copy(
        update={
            "resolver": config.resolver.model_copy(update=resolver),
            "cache": config.cache.model_copy(update={"prefetch": False, "serve_stale": False}),
            "dnssec": config.dnssec.model_copy(update={"aggressive": False}),
        }
    )


def needed(evidence: Evidence, questions: Iterable[Question]) -> Needs:
    """What the walks to `questions` need, as far as it is known."""
    needs = Needs()
    waiting: list[bytes] = []
    for asked in questions:
        *aliases, last = evidence.path(names.fold(asked.name), asked.type)
        # A DS is the zone above's to say; where there is none, that it is a zone's name may matter (opt-out).
        said_above = asked.type == Type.DS and (last, Type.DS) in evidence.sets
        waiting += (*aliases, names.parent(last) if said_above else last)
    while waiting:
        name = waiting.pop()
        if name in needs.names:
            continue
        needs.names.add(name)
        for above in names.ancestors(name):
            if above not in needs.zones and (above in evidence.apexes or above in evidence.delegations):
                needs.zones.add(above)
                waiting += _without_glue(evidence, above)
    return needs


def _without_glue(evidence: Evidence, zone: bytes) -> Iterator[bytes]:
    """The servers of `zone` whose addresses were looked up, along their aliases."""
    for host in evidence.targets(zone):
        if host in evidence.sought and (zone, host) not in evidence.glued:
            yield from evidence.path(host, Type.A)


async def ask(program: Program, clock: Clock, question: Question, *, cd: bool = False) -> Asked:
    """What comes of `question`; with `cd` unproven."""
    client = Client("127.0.0.1", 0, Transport.TCP)
    deadline = clock.monotonic() + program.config.resolver.client_timeout_ms / 1000
    query = Query(question, client, 0, deadline, cd=cd, ad=True, edns=Edns())
    try:
        return Asked(question, await awaited(program.responder.answerer, query))
    except ResolutionFailed as failure:
        return Asked(question, None, str(failure), failure.label == "bogus")


@dataclass(slots=True)
class Walker:
    """Asks by way of `program`, whose messages `noting` notes."""

    program: Program
    noting: Noting
    clock: Clock

    async def walk(self, questions: Iterable[Question]) -> list[Asked]:
        """What came of `questions`, in their order."""
        asked = []
        for question in questions:
            if self.noting.full:
                asked.append(Asked(question, None, FULL))
            else:
                asked.append(await ask(self.program, self.clock, question))
        return asked

    async def survey(self, questions: Iterable[Question]) -> Evidence:
        """What is known of all that `questions` need, once everything is asked that has to be known."""
        questions = list(questions)
        done: set[Question] = set()
        while True:
            evidence = read(self.noting.notes)
            wanted = [each for each in self._wanted(evidence, needed(evidence, questions)) if each not in done]
            if not wanted or self.noting.full:
                return evidence
            for question in wanted:
                if not self.noting.full:
                    await ask(self.program, self.clock, question, cd=True)
            done.update(wanted)

    def _wanted(self, evidence: Evidence, needs: Needs) -> Iterator[Question]:
        """What is to be asked of what is needed."""
        above = {each for name in needs.names for each in names.ancestors(name)}
        for name in sorted({names.ROOT} | above, key=lambda name: (names.depth(name), name)):
            if (name, Type.SOA) not in evidence.sets:
                yield Question(name, Type.SOA)
        for zone in sorted(needs.zones, key=lambda name: (names.depth(name), name)):
            if (zone, Type.NS) not in evidence.sets:
                yield Question(zone, Type.NS)
            if zone in evidence.ds or evidence.has_signatures(zone):
                yield Question(zone, Type.DNSKEY)
            if (zone, Type.DNSKEY) in evidence.sets:
                yield Question(zone, NSEC3PARAM)
