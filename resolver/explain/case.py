"""What the causes look at: one question of a client, what was done for it, what it was told, in the words they need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final, TypeVar

from resolver.engine.actions import Exchange, Listen, Lookup, Replied
from resolver.engine.outcome import Alias, Answered, Denied, Overlong, Referral
from resolver.errors import CACHED_ERROR, ResolutionFailed
from resolver.explain.declared import Declared
from resolver.message import Ede, Reply, RRset, Type
from resolver.observe.notes import Joined, Note
from resolver.observe.transcript import Node, Root
from resolver.wire import names, types

NoteT = TypeVar("NoteT", bound=Note)

_TAG: Final = re.compile(r" ?\[([A-Z]{4})\]$")
_ZONE: Final = re.compile(r"name server of (\S+) has|^(\S+):")


class Case:
    """The question `root`, which has been told something."""

    def __init__(self, root: Root, declared: Declared | None = None) -> None:
        """Raises ValueError for what nobody asked, or has not been answered yet."""
        if root.query is None or root.told is None:
            raise ValueError("nobody asked this, or it has no answer yet")
        self.root, self.query, self.declared = root, root.query, declared
        self.question = root.query.question
        self.told = root.told

    # -- what was told

    @property
    def reply(self) -> Reply | None:
        """The reply; None for a failure."""
        return self.told if isinstance(self.told, Reply) else None

    @property
    def failure(self) -> ResolutionFailed | None:
        """The failure; None for a reply."""
        return self.told if isinstance(self.told, ResolutionFailed) else None

    @property
    def ede(self) -> tuple[Ede, ...]:
        """The extended errors."""
        return self.told.ede

    def tagged(self, tag: str) -> Ede | None:
        """The extended error of ours that ends in `tag`, which is in lower case."""
        return next((each for each in self.ede if each.text.endswith(f"[{tag.upper()}]")), None)

    @property
    def tag(self) -> str:
        """The tag of the failure that is told, also of one that a reply tells of; "" where there is none.

        It is in lower case, so that in capitals it stands only where it is given (docs/errors.md).
        """
        match = _TAG.search(self.ede[0].text) if self.ede else None
        return match[1].lower() if match else ""

    @property
    def reason(self) -> str:
        """The text of the first extended error, without its tag."""
        return _TAG.sub("", self.ede[0].text) if self.ede else ""

    @property
    def is_remembered(self) -> bool:
        """Whether the failure is told again to somebody for whom nothing was asked."""
        return any(each.code == CACHED_ERROR for each in self.ede)

    @property
    def answer(self) -> tuple[RRset, ...]:
        """The answer section."""
        return () if self.reply is None else self.reply.answer

    @cached_property
    def name(self) -> bytes:
        """The name asked for, folded."""
        return names.fold(self.question.name)

    @property
    def asked(self) -> str:
        """The question in words."""
        return self.root.asked

    @cached_property
    def aliases(self) -> list[RRset]:
        """The CNAME records that were followed, in their order."""
        if self.question.type in (Type.CNAME, Type.ANY):
            return []
        chain = [rrset for rrset in self.answer if rrset.type == Type.CNAME]
        if self.failure is not None:
            for node in self.exchanges:
                if isinstance(node.outcome, Alias):
                    chain += [rrset for rrset in node.outcome.chain if rrset.type == Type.CNAME]
        return chain

    @cached_property
    def end(self) -> bytes:
        """The name at the end of the aliases, folded: what was told is told of it."""
        return names.fold(self.aliases[-1].rdatas[0]) if self.aliases else self.name

    @property
    def wanted(self) -> str:
        """The last name with the type asked for, in words."""
        return f"{names.to_text(self.end)} {types.to_text(self.question.type)}"

    @property
    def chain(self) -> list[str]:
        """The name asked for, and those that the aliases lead to, in words."""
        return [names.to_text(self.name), *(names.to_text(names.fold(each.rdatas[0])) for each in self.aliases)]

    @property
    def flush(self) -> str:
        """The command that makes the daemon forget what it holds of the last name, and what failed."""
        return f"`resolver cache flush {names.to_text(self.end).rstrip('.')}`"

    @property
    def led(self) -> str:
        """How the aliases lead there: the beginning of a sentence, or ""."""
        if not self.aliases:
            return ""
        chain = self.chain
        if len(chain) == 2:
            return f"{chain[0]} is an alias of {chain[1]}; "
        shown = chain if len(chain) <= MAX_SHOWN else [*chain[: MAX_SHOWN - 1], "…", chain[-1]]
        return f"{chain[0]} leads to {chain[-1]} ({' → '.join(shown)}); "

    # -- what was done

    def note(self, kind: type[NoteT]) -> NoteT | None:
        """The first note of that kind at the question itself."""
        return next((each for each in self.root.notes if isinstance(each, kind)), None)

    @cached_property
    def exchanges(self) -> list[Node]:
        """The messages for the question itself, in their order, with those of servers that recursed."""
        return list(_messages(self.root, set()))

    @cached_property
    def lookups(self) -> list[Node]:
        """The questions of their own that were needed, those within them too."""
        return list(_lookups(self.root, set()))

    @property
    def all_messages(self) -> list[Node]:
        """The messages for the question and for all that it needed."""
        return [*self.exchanges, *(each for lookup in self.lookups for each in _messages(lookup, set()))]

    @cached_property
    def nodes(self) -> list[Node]:
        """All that was done for the question, what proves it too."""
        return list(_all(self.root, set()))

    @cached_property
    def concluding(self) -> Node | None:
        """The message that the answer came with; None where it was not asked for, or none came."""
        found = (each for each in reversed(self.exchanges) if isinstance(each.outcome, _CONCLUSIONS))
        return next(found, None)

    def zone_asked(self) -> str:
        """The zone whose servers were asked last."""
        return next((each.zone for each in reversed(self.exchanges) if each.zone), "")

    def zone_sought(self) -> str:
        """The zone whose name servers have no address: that of the failure, or of the last referral."""
        match = _ZONE.search(self.reason)
        if match:
            return match[1] or match[2]
        below = (each.outcome for each in reversed(self.exchanges) if isinstance(each.outcome, Referral))
        return next((names.to_text(each.delegation.zone) for each in below), "the zone")

    def of_zone(self, zone: str) -> list[Node]:
        """The messages to servers of `zone`, as text."""
        return [each for each in self.exchanges if each.zone == zone and isinstance(each.action, Exchange)]

    def behind(self, nodes: Iterable[Node]) -> list[Node]:
        """Of the messages that servers sent which were asked by `nodes` and recursed, those to the zone that they asked
        last."""
        sent = [each for node in nodes for each in _messages(node, set()) if isinstance(each.action, Exchange)]
        return [each for each in sent if each.zone == sent[-1].zone]

    def who(self, node: Node) -> str:
        """The server of `node` as a person knows it."""
        server = node.server or next(
            (each.server for each in self.exchanges if each.address == node.address and each.server), ""
        )
        host = host_of(node)
        if server:
            return f"{server} ({host})"
        if node.upstream:
            return f"{node.upstream} ({host})"
        return f"the configured server {node.address}" if node.address else f"the servers of {node.zone}"

    def all_of(self, nodes: Iterable[Node]) -> list[str]:
        """The servers of `nodes`, each once, with all of its addresses that were asked."""
        hosts: dict[str, dict[str, None]] = {}
        for node in nodes:
            hosts.setdefault(self.who(node).partition(" (")[0], {})[host_of(node)] = None
        return [f"{who} ({' and '.join(told)})" if not who.startswith("the ") else who for who, told in hosts.items()]

    def line(self, name: bytes, rtype: int) -> str:
        """Where the records are written, as ` (FILE:LINE)`; "" where that is not known."""
        found = "" if self.declared is None else self.declared.line(name, rtype)
        return f" ({found})" if found else ""


MAX_SHOWN: Final = 4
"""Names of a chain of aliases that are told; the last is always one of them."""
_CONCLUSIONS: Final = (Answered, Alias, Denied, Overlong)


def host_of(node: Node) -> str:
    """The address of the server of `node`, without its port."""
    if isinstance(node.event, Replied):
        return node.event.server.host
    return node.action.server.host if isinstance(node.action, Exchange) else ""


def _reached(node: Node, seen: set[int]) -> Iterator[Node]:
    """What stands below `node`, and below what it joined."""
    if id(node) in seen:
        return
    seen.add(id(node))
    for note in node.notes:
        if isinstance(note, Joined):
            yield from _reached(note.node, seen)
    yield from node.below


def _all(node: Node, seen: set[int]) -> Iterator[Node]:
    for each in _reached(node, seen):
        yield each
        yield from _all(each, seen)


def _messages(node: Node, seen: set[int]) -> Iterator[Node]:
    for each in _reached(node, seen):
        if isinstance(each.action, Exchange | Listen):
            yield each
            yield from _messages(each, seen)


def _lookups(node: Node, seen: set[int]) -> Iterator[Node]:
    for each in _reached(node, seen):
        if isinstance(each.action, Lookup):
            yield each
        yield from _lookups(each, seen)
