"""Questions that never reach resolution: about the server itself, of types that are no data, of other
classes.

Rules
* Class CH names the server (`version.bind`, `id.server`: RFC 4892); other names and classes are REFUSED.
* The health name is answered here, so that `resolver healthcheck` proves listener and pipeline without any
  network.
* Transfers are REFUSED (RFC 5936 section 2.2.1); MAILA, MAILB, OPT, TSIG and other meta types are NOTIMP or
  FORMERR.
"""

from __future__ import annotations

from typing import Final

from resolver.message import (
    Class,
    Ede,
    Query,
    Question,
    Rcode,
    Reply,
    RRset,
    Type,
)
from resolver.wire import names

_NOT_SUPPORTED: Final = 21
_VERSION_NAMES: Final = frozenset(map(names.from_text, ("version.bind.", "version.server.")))
_IDENTITY_NAMES: Final = frozenset(map(names.from_text, ("hostname.bind.", "id.server.")))
_META_TYPES: Final = range(129, 255)
"""Types of queries and of messages, not of data (RFC 6895 section 3.1); 255 is ANY."""
_NXNAME: Final = 128
"""Stands in NSEC records only (RFC 9824); a query for it is malformed."""

_IN: Final = int(Class.IN)
_SUSPECT: Final = frozenset(map(int, (0, Type.OPT, Type.TXT, _NXNAME, *_META_TYPES)))
"""Types of class IN of which some are screened."""


class Screened:
    """The first stage. `health` is the name that is always answered, and the text it has."""

    def __init__(self, *, version: str, identity: str, health: tuple[bytes, str]) -> None:
        self._version, self._identity = version, identity
        self._health_name, self._health_text = health

    def peek(self, query: Query) -> Reply | None:
        """The reply to what is screened; None for all else."""
        question = query.question
        if question.cls == _IN and (question.type not in _SUSPECT):
            return None
        return self._screen(question)

    def _screen(self, question: Question) -> Reply | None:
        if question.cls == Class.CH:
            return self._about_the_server(question)
        if question.cls != Class.IN:
            return _refused("only class IN is served [CLSS]")
        if question.type in (Type.AXFR, Type.IXFR):
            return _refused("no zone is transferred from a resolver [NXFR]")
        if question.type in _META_TYPES:
            return Reply(Rcode.NOTIMP, ra=True)
        if question.type in (0, Type.OPT, _NXNAME):
            return Reply(Rcode.FORMERR, ra=True)
        if question.type == Type.TXT and names.fold(question.name) == self._health_name:
            return Reply(Rcode.NOERROR, (_text(question, self._health_text),), ra=True)
        return None

    def _about_the_server(self, question: Question) -> Reply:
        name = names.fold(question.name)
        if question.type in (Type.TXT, Type.ANY):
            if name in _VERSION_NAMES and self._version:
                return Reply(Rcode.NOERROR, (_text(question, self._version),), aa=True, ra=True)
            if name in _IDENTITY_NAMES and self._identity:
                return Reply(Rcode.NOERROR, (_text(question, self._identity),), aa=True, ra=True)
        return _refused("class CH holds only what this server says of itself [CHAO]")


def _text(question: Question, text: str) -> RRset:
    octets = text.encode()[:255]
    return RRset(question.name, Type.TXT, question.cls, 0, (bytes((len(octets),)) + octets,))


def _refused(text: str) -> Reply:
    return Reply(Rcode.REFUSED, ra=True, ede=(Ede(_NOT_SUPPORTED, text),))
