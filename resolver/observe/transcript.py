"""What happened while questions were resolved, as trees: each question of a client, each message sent for it, what came
back, what it was taken for.

The engine's sequence of actions and events is the transcript; this only arranges it. An exchange that begins
while another is open stands below it, so that a recursive walk shows the hops that a server made on our
behalf. `trace` prints it, a test that failed can, and `explain` tells why an answer is what it is. Beside the words
stand the values that they were made of, and beside the tree the steps of what was proven.

Rules
* What a client asked is a `Root` (`pipeline.transcribed` opens it), so that what is done for several at once does not
  mix. What is done for nobody is a root of its own: the renewal of what is held, the priming of the root.
* What stands below what is told by the context: it goes along with the message, through the timers and tasks of
  simulated servers in this process, to whatever those send in turn. A callback of a socket has another context, so
  each question that is driven brings its own (`driving`), and what a server at an address did is found by the message
  that it did it to (`faulted`).

Limits: at most `MAX_NODES` are kept below one root, and `MAX_ROOTS` roots, the latest; what is left out is counted in
`omitted`. Of the steps of proofs `MAX_EVIDENCE` are.
"""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

from resolver.dnssec.evidence import Evidence
from resolver.engine.actions import Exchange, Found, Listen, Lookup, Malformed, NotFound, Replied, Unanswered
from resolver.engine.knowledge import CONFIGURED
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
from resolver.errors import ResolutionFailed
from resolver.message import AA, RA, TC, Query, Question, Rcode, Reply, RRset
from resolver.observe.notes import Faulted, Joined, Note
from resolver.wire import names, types

MAX_NODES: Final = 1_000
MAX_ROOTS: Final = 1_000
MAX_EVIDENCE: Final = 10_000
"""A hundred for a zone on the way is many; the budget of a question allows for fewer."""


@dataclass(slots=True, weakref_slot=True)
class Node:
    """One message to a server, or one question of its own (`server` is then empty). Times in seconds.

    `action`, `event` and `outcome` are what the words were made of: what was begun, what came of it, and what that was
    taken for.
    """

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
    action: Exchange | Listen | Lookup | None = None
    event: Replied | Unanswered | Malformed | Found | NotFound | None = None
    outcome: Outcome | None = None
    notes: list[Note] = field(default_factory=list)
    upstream: str = ""
    """Which member of which pool the server is, if it is one of a pool that has a name."""

    def as_data(self) -> dict[str, object]:
        """The words, and those of what is below, as JSON can carry them."""
        return {
            "asked": self.asked,
            "server": self.server,
            "upstream": self.upstream,
            "address": self.address,
            "zone": self.zone,
            "transport": self.transport,
            "recursion_desired": self.recursion_desired,
            "why": self.why,
            "rtt": self.rtt,
            "came_back": self.came_back,
            "decided": self.decided,
            "below": [each.as_data() for each in self.below],
        }


@dataclass(slots=True, weakref_slot=True)
class Root(Node):
    """A question of a client; with no `query`, what was done for none. `told` is what became of it, None as long as
    nothing has."""

    query: Query | None = None
    told: Reply | ResolutionFailed | None = None
    evidence: list[Evidence] = field(default_factory=list)
    size: int = 0
    """The nodes below it, those left out included."""


class _Place(NamedTuple):
    """Where something stands: the node, and the root of its tree."""

    node: Node
    root: Root


class Opened(NamedTuple):
    """A node that something may come of, and how its context is left."""

    node: Node
    token: Token[_Place | None]


class Transcript:
    """The trees of what was asked, in that order; `evidence` is how what came of all of them was proven."""

    def __init__(self, *, keeps: bool = True) -> None:
        """Without `keeps` nothing is held of a question but by who opened it: the log of a daemon wants no more."""
        self.asked_for: list[Root] = []
        self.evidence: list[Evidence] = []
        self._keeps = keeps
        self._forgotten = 0
        self._last: Node | None = None
        self._above: ContextVar[_Place | None] = ContextVar("above", default=None)
        self._sent: WeakValueDictionary[tuple[str, bytes, int], Node] = WeakValueDictionary()

    # -- trees

    @property
    def roots(self) -> list[Node]:
        """What was done first, of whatever client's question: the walk as a person wants to see it."""
        return [node for root in self.asked_for for node in root.below]

    @property
    def omitted(self) -> int:
        """What was left out."""
        return self._forgotten + sum(max(0, root.size - MAX_NODES) for root in self.asked_for)

    def clear(self) -> None:
        """Nothing was asked."""
        self.asked_for.clear()
        self.evidence.clear()
        self._forgotten = 0

    # -- questions of clients

    def asked(self, query: Query) -> Opened:
        """A client asks: what begins until `left` is for `query`, and what that begins in turn."""
        root = Root(asked=in_words(query.question), why="a question of a client", query=query)
        self._plant(root)
        return Opened(root, self._above.set(_Place(root, root)))

    def withdrawn(self, opened: Opened) -> None:
        """That there was a question `opened` is forgotten."""
        if self.asked_for and self.asked_for[-1] is opened.node:
            self.asked_for.pop()

    def told(self, opened: Opened, result: Reply | ResolutionFailed) -> Root:
        """The client whose question was `opened` is told `result`; the root of the tree, which is whole now."""
        root = opened.node
        assert isinstance(root, Root)
        root.told = result
        if isinstance(result, Reply):
            root.came_back = _found(result.rcode, result.answer)
        else:
            root.came_back = str(result)
        return root

    def noted(self, note: Note) -> None:
        """`note` is told of what is under way here."""
        place = self._above.get()
        if place is not None:
            place.node.notes.append(note)

    def joined(self, there: Node | None) -> None:
        """What is under way here waits for what is done `there` (see `here`)."""
        place = self._above.get()
        if place is not None and there is not None and there is not place.node:
            place.node.notes.append(Joined(there))

    @property
    def here(self) -> Node | None:
        """What is under way here."""
        place = self._above.get()
        return None if place is None else place.node

    # -- messages

    def sent(self, action: Exchange) -> Opened:
        """A message is on its way."""
        node = Node(
            asked=in_words(action.question),
            server=names.to_text(action.server_name) if action.server_name else "",
            address=str(action.server),
            zone=names.to_text(action.zone),
            transport=str(action.transport),
            recursion_desired=action.rd,
            action=action,
            upstream="" if action.upstream == CONFIGURED else action.upstream,
        )
        self._sent[_key(action.server.host, action.question)] = node
        return self._begin(node)

    def listening(self, action: Listen) -> Opened:
        """Nothing more is sent; replies to what was sent are waited for."""
        return self._begin(Node(asked=in_words(action.question), zone=names.to_text(action.zone), action=action))

    def entered(self, lookup: Lookup) -> Opened:
        """A question of its own begins: that for an address of a name server, or for what a proof takes."""
        why = "for the chain of trust" if lookup.checked else "the address of a name server"
        return self._begin(Node(asked=in_words(lookup.question), why=why, action=lookup))

    def left(self, opened: Opened) -> None:
        """What begins from now on does not stand below what was `opened`, which goes on."""
        self._above.reset(opened.token)

    def found(self, opened: Opened, result: Found | NotFound) -> None:
        """`result` came of the question that was `opened`."""
        opened.node.event = result
        match result:
            case Found(answer):
                opened.node.came_back = _found(answer.rcode, answer.rrsets)
            case NotFound(failure):
                opened.node.came_back = str(failure)

    def ended(self, opened: Opened, event: Replied | Unanswered | Malformed) -> None:
        """`event` came of the message that was `opened`."""
        node = opened.node
        self.left(opened)
        self._last = node
        node.event = event
        match event:
            case Replied(server, transport, message, rtt):
                sent = (
                    self._sent.get(_key(server.host, message.question)) if message.question and node.upstream else None
                )
                if sent is not None:  # perhaps another one, which was asked before
                    node.upstream = sent.upstream
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
            self._last.outcome = outcome
            self._last.decided = describe(outcome)

    def faulted(self, host: str, question: Question, fault: Faulted) -> None:
        """The server at the address `host`, which may stand behind a socket, did `fault` to the message with `question`
        that is still open."""
        node = self._sent.get(_key(host, question))
        if node is not None and node.event is None:
            node.notes.append(fault)

    def proven(self, evidence: Evidence) -> None:
        """A step of a proof was taken."""
        if self._keeps and len(self.evidence) < MAX_EVIDENCE:
            self.evidence.append(evidence)
        place = self._above.get()
        if place is not None and len(place.root.evidence) < MAX_EVIDENCE:
            place.root.evidence.append(evidence)

    def _begin(self, node: Node) -> Opened:
        place = self._above.get()
        if place is None:
            root = self._nobodys()
            place = _Place(root, root)
        above, root = place
        root.size += 1
        if root.size <= MAX_NODES:
            above.below.append(node)
        return Opened(node, self._above.set(_Place(node, root)))

    def _nobodys(self) -> Root:
        """The root of what is done for nobody, until somebody asks."""
        if self.asked_for and self.asked_for[-1].query is None:
            return self.asked_for[-1]
        root = Root(asked="", why="done for no client")
        self._plant(root)
        return root

    def _plant(self, root: Root) -> None:
        if not self._keeps:
            return
        if len(self.asked_for) >= MAX_ROOTS:
            self._forgotten += 1
            del self.asked_for[0]
        self.asked_for.append(root)


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


def _key(host: str, question: Question) -> tuple[str, bytes, int]:
    return host, names.fold(question.name), question.type


def in_words(question: Question) -> str:
    """The name and the type of `question`."""
    return f"{names.to_text(names.fold(question.name))} {types.to_text(question.type)}"


def _sets(rrsets: tuple[RRset, ...]) -> str:
    counts: Counter[int] = Counter()
    for each in rrsets:
        counts[each.type] += len(each.rdatas)
    return ", ".join(f"{count} {types.to_text(rtype)}" for rtype, count in counts.items())


def _found(rcode: int, rrsets: tuple[RRset, ...]) -> str:
    return _sets(rrsets) if rrsets else types.rcode_to_text(rcode)


def _summary(rcode: int, answer: tuple[RRset, ...], authority: tuple[RRset, ...], flags: int) -> str:
    marks = "".join(f" {mark}" for mark, bit in (("AA", AA), ("TC", TC), ("RA", RA)) if flags & bit)
    parts = [f"{types.rcode_to_text(rcode)}{marks}"]
    if answer:
        parts.append(f"answer {_sets(answer)}")
    if authority:
        parts.append(f"authority {_sets(authority)}")
    return "; ".join(parts)
