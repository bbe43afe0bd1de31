"""What happened while a question was resolved, as a tree: each message sent, what came back, what it was
taken for.

The engine's sequence of actions and events is the transcript; this only arranges it. An exchange that begins
while another is open stands below it, so that a recursive walk shows the hops that a server made on our
behalf. `trace` prints it, and a test that failed can. Beside the tree stand the steps of what was proven.

Limits: at most `MAX_NODES` are kept; later ones are counted in `omitted`. Of the steps of proofs `MAX_EVIDENCE` are.
"""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Final

from resolver.dnssec.evidence import Evidence
from resolver.engine.actions import Exchange, Found, Listen, Lookup, Malformed, NotFound, Replied, Unanswered
from resolver.engine.outcome import (
    Alias,
    Answered,
    Denied,
    Outcome,
    Overlong,
    Referral,
    Truncated,
    Unusable,
)
from resolver.message import Question, Rcode, RRset
from resolver.wire import names, types

MAX_NODES: Final = 1_000
MAX_EVIDENCE: Final = 10_000
"""A hundred for a zone on the way is many; the budget of a question allows for fewer."""


@dataclass(slots=True)
class Node:
    """One message to a server, or one question of its own (`server` is then empty). Times in seconds."""

    asked: str
    server: str = ""
    address: str = ""
    zone: str = ""
    transport: str = ""
    recursion_desired: bool = False
    why: str = ""
    """What a question of its own is for."""
    rtt: float | None = None
    came_back: str = ""
    decided: str = ""
    below: list[Node] = field(default_factory=list)


_Opened = tuple[Node, Token["Node | None"]]


class Transcript:
    """The tree of one question: `roots` are what it did first; `evidence` is how what came of it was proven.

    What stands below what is told by the context: it goes along with the message, through the timers and tasks of
    simulated servers in this process, to whatever those send in turn.
    """

    def __init__(self) -> None:
        self.roots: list[Node] = []
        self.omitted = 0
        self.evidence: list[Evidence] = []
        self._count = 0
        self._last: Node | None = None
        self._above: ContextVar[Node | None] = ContextVar("above", default=None)

    def sent(self, action: Exchange) -> _Opened:
        """A message is on its way."""
        return self._begin(
            Node(
                asked=_question(action.question),
                server=names.to_text(action.server_name) if action.server_name else "",
                address=str(action.server),
                zone=names.to_text(action.zone),
                transport=str(action.transport),
                recursion_desired=action.rd,
            )
        )

    def listening(self, action: Listen) -> _Opened:
        """Nothing more is sent; replies to what was sent are waited for."""
        return self._begin(Node(asked=_question(action.question), zone=names.to_text(action.zone)))

    def entered(self, lookup: Lookup) -> _Opened:
        """A question of its own begins: that for an address of a name server, or for what a proof takes."""
        why = "for the chain of trust" if lookup.checked else "the address of a name server"
        return self._begin(Node(asked=_question(lookup.question), why=why))

    def left(self, opened: _Opened) -> None:
        """What begins from now on does not stand below what was `opened`, which goes on."""
        self._above.reset(opened[1])

    def found(self, opened: _Opened, result: Found | NotFound) -> None:
        """`result` came of the question that was `opened`."""
        match result:
            case Found(answer):
                opened[0].came_back = _found(answer.rcode, answer.rrsets)
            case NotFound(failure):
                opened[0].came_back = str(failure)

    def ended(self, opened: _Opened, event: Replied | Unanswered | Malformed) -> None:
        """`event` came of the message that was `opened`."""
        node, _ = opened
        self.left(opened)
        self._last = node
        match event:
            case Replied(server, transport, message, rtt):
                node.address, node.transport, node.rtt = str(server), str(transport), rtt
                node.came_back = _summary(message.rcode, message.answer, message.authority, message.flags)
            case Unanswered(trouble, waited, suspicion):
                node.rtt = waited
                node.came_back = str(suspicion or trouble)
            case Malformed(_, reason):
                node.came_back = f"malformed: {reason}"

    def decided(self, outcome: Outcome) -> None:
        """The engine takes the reply that ended last for `outcome`."""
        if self._last is not None:
            self._last.decided = describe(outcome)

    def proven(self, evidence: Evidence) -> None:
        """A step of a proof was taken."""
        if len(self.evidence) < MAX_EVIDENCE:
            self.evidence.append(evidence)

    def _begin(self, node: Node) -> _Opened:
        self._count += 1
        above = self._above.get()
        if self._count > MAX_NODES:
            self.omitted += 1
        else:
            (self.roots if above is None else above.below).append(node)
        return node, self._above.set(node)


def describe(outcome: Outcome) -> str:
    """What a reply was taken for, in a few words."""
    match outcome:
        case Answered(_, rrsets, authoritative):
            kind = "answer" if authoritative else "answer without authority"
            return f"{kind}: {_sets(rrsets)}"
        case Alias(_, target):
            return f"alias: go on with {names.to_text(target)}"
        case Denied(_, name, rcode):
            return f"{'no such name' if rcode == Rcode.NXDOMAIN else 'no such data'}: {names.to_text(name)}"
        case Overlong():
            return "alias to a name that is too long"
        case Referral(delegation):
            servers = ", ".join(names.to_text(each.name) for each in delegation.servers)
            return f"referral: {names.to_text(delegation.zone)} is served by {servers}"
        case Unusable(fault):
            return f"unusable: {fault}"
        case Truncated():
            return "truncated: ask again over TCP"


def _question(question: Question) -> str:
    return f"{names.to_text(names.fold(question.name))} {types.to_text(question.type)}"


def _sets(rrsets: tuple[RRset, ...]) -> str:
    counts: Counter[int] = Counter()
    for each in rrsets:
        counts[each.type] += len(each.rdatas)
    return ", ".join(f"{count} {types.to_text(rtype)}" for rtype, count in counts.items())


def _found(rcode: int, rrsets: tuple[RRset, ...]) -> str:
    return _sets(rrsets) if rrsets else types.rcode_to_text(rcode)


def _summary(rcode: int, answer: tuple[RRset, ...], authority: tuple[RRset, ...], flags: int) -> str:
    marks = "".join(f" {mark}" for mark, bit in (("AA", 0x0400), ("TC", 0x0200), ("RA", 0x0080)) if flags & bit)
    parts = [f"{types.rcode_to_text(rcode)}{marks}"]
    if answer:
        parts.append(f"answer {_sets(answer)}")
    if authority:
        parts.append(f"authority {_sets(authority)}")
    return "; ".join(parts)
