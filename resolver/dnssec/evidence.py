"""What can be told of how a status came about: the steps of a proof, in the order in which they were taken.

Rules
* `Trust.noting` is handed each of them where somebody wants to see how things are proven; where nobody does, none is
  made. Nothing is decided by them.
* Each is a value that was there anyway: what was checked, and what came of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from resolver.dnssec.anchors import Anchor
    from resolver.dnssec.denial import Verdict
    from resolver.dnssec.negative import NegativeAnchor
    from resolver.dnssec.records import Dnskey
    from resolver.dnssec.signatures import Invalid, Keys, Valid
    from resolver.dnssec.trust import Link
    from resolver.engine.outcome import Conclusion
    from resolver.message import Question, RRset


class Begun(NamedTuple):
    """The chain of trust to `name`, folded, begins at `anchor`; None where there is none above it."""

    name: bytes
    anchor: Anchor | NegativeAnchor | None


class Sought(NamedTuple):
    """The records of `rtype` at `name`, folded, are looked up for the chain."""

    name: bytes
    rtype: int


class Signed(NamedTuple):
    """Whether one of the signatures of `rrset`, which stand in its proof, holds by `keys`, at `now` of wall time."""

    rrset: RRset
    keys: Keys
    found: Valid | Invalid
    now: float


class Named(NamedTuple):
    """Of the `keys` of a zone those `named` are the ones that `anchor` names: what its parent's DS say, or a trust
    anchor."""

    anchor: Anchor
    keys: tuple[Dnskey, ...]
    named: tuple[Dnskey, ...]


class Judged(NamedTuple):
    """What `sets` of NSEC or NSEC3 records of `zone`, folded, make of a denial of `rtype` at `name`, folded; or, where
    `encloser` is there, of an answer from the wildcard below it."""

    name: bytes
    rtype: int
    zone: bytes
    sets: tuple[RRset, ...]
    verdict: Verdict
    encloser: bytes | None = None


class Reached(NamedTuple):
    """What there is at `name`, folded, on the way down."""

    name: bytes
    link: Link


class Concluded(NamedTuple):
    """The answer to `question`, whose name is folded, with the status of each part."""

    question: Question
    conclusion: Conclusion


Evidence: TypeAlias = Begun | Sought | Signed | Named | Judged | Reached | Concluded
Noting = Callable[[Evidence], None]
