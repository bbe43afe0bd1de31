"""What is told when a zone's servers were of no use: the failure that tells most, what a server said before what none
said.

A failure that the asker's own limits or this machine's network brought about (`own_limit`) says nothing about the zone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from resolver.engine.budget import NETWORK_ERROR, NO_REACHABLE_AUTHORITY
from resolver.engine.candidates import Candidate
from resolver.engine.outcome import Fault
from resolver.errors import ResolutionFailed
from resolver.network.base import Trouble
from resolver.wire import names

if TYPE_CHECKING:
    from resolver.engine.asking import Asking

MAX_HEARD: Final = 4
"""Extended errors of other servers that are passed on."""
NOTHING_WAS_SAID: Final = frozenset(("unreachable", "silent", "dead_zone", "no_address", "local", "oversized"))
"""The labels of those failures in which no server said anything that another question of the zone would change."""

_BY_FAULT: Final[dict[Fault, tuple[str, int]]] = {
    Fault.LAME: ("LAME", NO_REACHABLE_AUTHORITY),
    Fault.UPWARD: ("UPWD", NO_REACHABLE_AUTHORITY),
    Fault.REFUSED: ("RFSD", NO_REACHABLE_AUTHORITY),
    Fault.SERVFAIL: ("SVFL", NETWORK_ERROR),
    Fault.FORMERR: ("FERR", NETWORK_ERROR),
    Fault.NOTIMP: ("NIMP", NETWORK_ERROR),
    Fault.RCODE: ("ROCD", NETWORK_ERROR),
    Fault.BADCOOKIE: ("COOK", NETWORK_ERROR),
    Fault.DNAME: ("DNAM", NETWORK_ERROR),
}


def gave_up(asking: Asking) -> ResolutionFailed:
    """Why the servers of the zone were of no use."""
    zone = names.to_text(asking.delegation.zone)
    own = asking.cut_short or (asking.seeking is not None and asking.seeking.cut_short)
    heard = tuple(dict.fromkeys(asking.heard))[:MAX_HEARD]
    silent: ResolutionFailed | None = None
    for candidate, why in asking.candidates.dismissed:
        who = _who(candidate)
        match why:
            case Fault():
                tag, code = _BY_FAULT[why]
                text = f"{zone}: {who} {why}"
                return ResolutionFailed(tag, code, text, label=why.name.lower(), heard=heard, own_limit=own)
            case Trouble():
                silent = silent or _undelivered(zone, who, why, own)
            case _:
                text = f"{zone}: {who} {why}"
                return ResolutionFailed("MALF", NETWORK_ERROR, text, label="malformed", heard=heard, own_limit=own)
    if silent is not None:
        return silent
    if asking.candidates.sent or asking.candidates.waiting:
        # Nothing sent: what this client query may send to the zone was used up by another of its look-ups.
        text = f"no server of {zone} replied"
        own = own or not asking.candidates.sent
        return ResolutionFailed("MUTE", NO_REACHABLE_AUTHORITY, text, label="silent", own_limit=own)
    text = f"no name server of {zone} has an address"
    failure = None if asking.seeking is None else asking.seeking.failure
    return ResolutionFailed("NOAD", NO_REACHABLE_AUTHORITY, text, label="no_address", own_limit=own, cause=failure)


def too_large(asking: Asking, reason: str) -> ResolutionFailed:
    """That the zone's answer has more records than are read, which is the same from each of its servers."""
    text = f"{names.to_text(asking.delegation.zone)}: the reply has {reason}"
    return ResolutionFailed("HUGE", NETWORK_ERROR, text, label="oversized")


def _undelivered(zone: str, who: str, why: Trouble, own: bool) -> ResolutionFailed | None:
    """What it means that a server could not be reached; None for mere silence."""
    if why is Trouble.TIMEOUT:
        return None
    text = f"{zone}: {who}: {why}"
    label = "local" if own else "unreachable"
    return ResolutionFailed("UNRE", NO_REACHABLE_AUTHORITY, text, label=label, own_limit=own)


def _who(candidate: Candidate) -> str:
    """The server as a person knows it: by its name, or by where the configuration says that it is."""
    if candidate.name:
        return f"{names.to_text(candidate.name)} ({candidate.endpoint.host})"
    return f"the configured server {candidate.endpoint}"
