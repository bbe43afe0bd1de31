"""Decides which questions are mistakes of a test: those for names that nobody declared.

Rules
* A name is declared if a zone encloses it that somebody declared, now or earlier in this test: what does not exist in
  it is an honest NXDOMAIN. Parents that appear by themselves declare nothing but what they need.
* Names that are special (`wire.special`), and those that a test has called absent, with what is below them, may be
  asked for.
* A question that a test asks itself raises `UndeclaredName`. One that came by the nameserver or by patched functions is
  REFUSED with an extended error that says so, and is remembered: the test fails at its end. So does an alias that leads
  to such a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from resolver.answering import Told, peek_or_work
from resolver.config import HEALTH_NAME
from resolver.errors import ResolutionFailed
from resolver.message import Class, Ede, Query, Rcode, Reply, RRset, Type
from resolver.text import closest
from resolver.wire import names
from resolver.wire.special import special_above

if TYPE_CHECKING:
    from resolver.auth.plan import Plan
    from resolver.observe.transcript import Root, Transcript

_OTHER: Final = 0
_ALWAYS: Final = names.fold(names.from_text(HEALTH_NAME))


class UndeclaredName(AssertionError):
    """A test has asked for a name that nobody declared."""


class Undeclared:
    """Tells mistakes from names that are not there."""

    def __init__(self, plan: Plan, *, allowed: bool) -> None:
        """With `allowed` nothing is a mistake."""
        self._plan, self._allowed = plan, allowed
        self._absent: set[bytes] = set()
        self._zones: set[bytes] = set()
        self.found: dict[str, None] = {}
        """Mistakes that nobody was told of but by an answer, in their order."""

    def absent(self, *absent: str) -> None:
        """These names and all below them may be asked for. Raises `BadName`."""
        self._absent.update([names.fold(names.from_text(each)) for each in absent])

    def declared(self, name: str) -> None:
        """There is, or was, a zone `name`."""
        self._zones.add(names.fold(names.from_text(name)))

    def is_declared(self, name: bytes) -> bool:
        """Whether somebody declared a zone that encloses `name`, folded."""
        owner = self._plan.owner(name)
        if owner is not None and not self._plan.is_automatic(owner):
            return True
        return any(names.is_below(name, zone) for zone in self._zones)

    def mistake(self, name: bytes) -> str | None:
        """What is wrong with asking for `name`, folded, in a sentence; None where nothing is."""
        if self._allowed or self.is_declared(name) or name == _ALWAYS or special_above(name) is not None:
            return None
        if any(names.is_below(name, each) for each in self._absent) or self._serves(name):
            return None
        shown = names.to_text(name)
        near = closest(shown, self._known())
        said = "nothing like it is declared" if near is None else f"the nearest that is declared is {near}"
        return (
            f"nobody declared {shown}: {said}; declare its zone with dns.zone({_zone_of(name)!r}, ...), or allow it"
            f" with dns.absent({shown!r})"
        )

    def dangling(self, rrsets: tuple[RRset, ...]) -> str | None:
        """The mistake that an alias among `rrsets` leads to; None where none does."""
        targets = [names.fold(each.rdatas[0]) for each in rrsets if each.type == Type.CNAME]
        if not targets or any(names.fold(each.name) == targets[-1] for each in rrsets):
            return None
        wrong = self.mistake(targets[-1])
        return None if wrong is None else f"an alias leads to {names.to_text(targets[-1])}, and {wrong}"

    def note(self, mistake: str) -> None:
        """`mistake` was made where nobody could be told."""
        self.found[mistake] = None

    def raise_noted(self) -> None:
        """Raises `UndeclaredName` for the mistakes that were noted, and forgets them."""
        __tracebackhide__ = True
        if self.found:
            text = "\n".join(self.found)
            self.found.clear()
            raise UndeclaredName(text)

    def _serves(self, name: bytes) -> bool:
        """Whether `name` is one that parents need: a top-level domain, a server."""
        owner = self._plan.owner(name)
        if owner is None or name == owner:
            return owner is not None
        return any(names.fold(names.from_text(each["name"])) == name for each in self._plan.servers())

    def _known(self) -> list[str]:
        """The names that are declared, as text."""
        return [each for each in self._plan.names() if self.is_declared(names.fold(names.from_text(each)))]


class Guard:
    """The stages `below`, behind what refuses questions that are mistakes."""

    def __init__(self, below: Any, undeclared: Undeclared, transcript: Transcript | None = None) -> None:
        """Refusals stand in the `transcript`, too."""
        self.below, self._undeclared, self._transcript = below, undeclared, transcript
        self.last: Root | None = None
        """The tree of the question that was told last."""

    def peek(self, query: Query) -> Reply | None:
        """The refusal, or what is at hand."""
        mistake = None if query.question.cls != Class.IN else self._undeclared.mistake(names.fold(query.question.name))
        if mistake is not None:
            return self._refuse(query, mistake)
        reply: Reply | None = self.below.peek(query)
        if reply is not None:
            self._pass(reply)
        return reply

    def work(self, query: Query, done: Told) -> None:
        """`done` has what became of `query`, for which nothing is at hand."""

        def told(result: Reply | ResolutionFailed) -> None:
            self._pass(result)
            done(result)

        self.below.work(query, told)

    def answer(self, query: Query, done: Told) -> None:
        """`done` has what is at hand, or what became of `query`."""
        peek_or_work(self, query, done)

    def _refuse(self, query: Query, mistake: str) -> Reply:
        self._undeclared.note(mistake)
        reply = Reply(Rcode.REFUSED, ra=True, ede=(Ede(_OTHER, f"{mistake} [UNDC]"),))
        if self._transcript is not None:
            opened = self._transcript.asked(query)
            self._transcript.left(opened)
            self.last = self._transcript.told(opened, reply)
        return reply

    def _pass(self, result: Reply | ResolutionFailed) -> None:
        """`result` goes on to whoever asked; where an alias in it leads to nobody's name, that is a mistake."""
        self.last = self.below.last
        mistake = self._undeclared.dangling(result.answer) if isinstance(result, Reply) else None
        if mistake is not None:
            self._undeclared.note(mistake)


def _zone_of(name: bytes) -> str:
    """The zone that a person would declare for `name`: its last two labels."""
    return names.to_text(names.last_labels(name, min(2, names.depth(name))))
