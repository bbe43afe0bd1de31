"""The whole taxonomy of what can go wrong, and whose fault it is.

    ResolverdError
    ├── InputError          something a person wrote: what, where, what to write instead
    │   ├── ConfigError     a setting, an environment variable, an option of the command line
    │   ├── ZoneError       a master file or hierarchy.toml
    │   └── ScenarioError   a scenario file of `resolver replay`
    ├── WireError           octets from the network that are no DNS message (FORMERR)
    │   ├── Oversized       more records than are read of one message
    │   └── BadName      a name that breaks RFC 1035 section 2.3.4
    ├── ListenError         an address that cannot be bound
    ├── ControlError        the control socket does not answer, or refuses
    └── ResolutionFailed    a question that found no answer: rcode, EDE, tag and metric label
        └── Bogus           a reply that is not what its zone has signed

Each place that raises `ResolutionFailed` has its own four-letter tag, which stands at the end of the EDE's
text: `grep` leads from a user's `dig` output to the line. docs/errors.md lists them.
"""

from __future__ import annotations

from typing import Final

from resolver.message import Ede, Rcode

CACHED_ERROR: Final = 13
"""The extended error of a failure that is told again (RFC 8914 section 4.14)."""


class ResolverdError(Exception):
    """The root of the taxonomy."""


class InputError(ResolverdError):
    """Something a person wrote is wrong: a line that says what, where (`file:line` or a setting), and what instead."""

    def __init__(self, what: str, *, where: str = "", instead: str = "") -> None:
        self.what, self.where, self.instead = what, where, instead
        super().__init__(f"{where}: {what}" if where else what)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.instead}" if self.instead else text


class ConfigError(InputError):
    """A setting that cannot be used."""


class ZoneError(InputError):
    """A master file or a hierarchy that cannot be used."""


class ScenarioError(InputError):
    """A scenario file that cannot be played."""


class WireError(ResolverdError):
    """Octets that are no DNS message; the text says which bound they break."""


class Oversized(WireError):
    """A message with more records than are read of one."""


class BadName(WireError, ValueError):
    """A name, in wire or presentation form, that breaks RFC 1035 section 2.3.4."""


class ListenError(ResolverdError):
    """An address that cannot be bound: `what` names it and its holder where that is known, `instead` the fix."""

    def __init__(self, what: str, instead: str = "") -> None:
        self.what, self.instead = what, instead
        super().__init__(f"{what}; {instead}" if instead else what)


class ControlError(ResolverdError):
    """The control socket does not answer, or refuses what was asked."""


class ResolutionFailed(ResolverdError):
    """A question found no answer.

    `tag` is the four letters of the place that gave up; `code` the EDE info-code (RFC 8914 section 4);
    `label` the value under which it is counted. `own_limit` is True when the asker's own budget, depth, cycle
    or deadline ended it: such a failure says nothing about the question, and whoever joined it goes on alone.
    `heard` are the extended errors that the servers asked had sent themselves.
    """

    text: str

    def __init__(
        self,
        tag: str,
        code: int,
        text: str,
        *,
        rcode: int = Rcode.SERVFAIL,
        label: str = "unusable",
        own_limit: bool = False,
        heard: tuple[Ede, ...] = (),
        cause: ResolutionFailed | None = None,
    ) -> None:
        self._below = None if cause is None else cause.root
        if cause is not None:
            text = f"{text}: {self.root.text}"
        super().__init__(f"{text} [{tag}]")
        self.tag, self.code, self.text, self.heard = tag, code, text, heard
        self.rcode, self.label, self.own_limit = rcode, label, own_limit

    @property
    def root(self) -> ResolutionFailed:
        """The failure at the bottom of it, whose text is told.

        A failure must not refer to itself: with it, every frame that it passed would wait for the garbage collector.
        """
        return self if self._below is None else self._below

    @property
    def ede(self) -> tuple[Ede, ...]:
        """The extended errors that the client is told, our own first."""
        return (Ede(self.code, str(self)), *self.heard)

    def remembered(self, label: str | None = None) -> ResolutionFailed:
        """The same failure, as it is told to those who ask again while it is remembered (RFC 8914 section 4.14)."""
        again = self.fresh()
        again.label = label or self.label
        again.heard = (*self.heard, Ede(CACHED_ERROR, ""))
        return again

    @property
    def is_remembered(self) -> bool:
        """Whether it is told again, to somebody for whom nothing was asked."""
        return any(each.code == CACHED_ERROR for each in self.heard)

    def fresh(self) -> ResolutionFailed:
        """The same failure, never raised: one that was keeps every frame that it passed, and what is in them."""
        made = ResolutionFailed(
            self.tag,
            self.code,
            self.text,
            rcode=self.rcode,
            label=self.label,
            own_limit=self.own_limit,
            heard=self.heard,
        )
        made._below = self._below
        return made


class Bogus(ResolutionFailed):
    """A reply that is not what its zone has signed (RFC 4035 section 4.3); another server of the zone may say what is.

    Told to others, who have not asked that server, it is a failure like any other (`fresh`).
    """

    def __init__(self, tag: str, code: int, text: str) -> None:
        super().__init__(tag, code, text, label="bogus")
