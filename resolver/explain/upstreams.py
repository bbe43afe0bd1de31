"""Causes of failures of upstreams: of all members of a pool none was of use, or none may be asked."""

from __future__ import annotations

from typing import Final

from resolver.engine.actions import Exchange
from resolver.explain.case import Case
from resolver.explain.cause import Said
from resolver.explain.doing import told_why
from resolver.explain.servers import counted, listed
from resolver.network.base import Trouble

_ENCRYPTED: Final = (Trouble.UNTRUSTED, Trouble.NO_TLS, Trouble.HTTP)
"""Trouble of who is there, and is spoken to in another way than it should be."""

_WHERE = "`resolver pools` shows who is up"


def _reason(case: Case) -> tuple[str, str]:
    """What is forwarded, and what became of that."""
    zone, _, rest = case.reason.partition(": ")
    return "everything" if zone == "." else zone, rest


def looping(case: Case) -> Said | None:
    """Two servers forward to one another."""
    if case.tag == "lpbk":
        text = f"{case.asked} was asked by a server that this resolver had sent the same question to"
    elif case.tag == "pllp":
        text = f"{case.led}{_reason(case)[1]}: each forwards to the other, and nobody finds the answer"
    else:
        return None
    return Said(f"{text}.", "Have that server ask somebody else, or forward to another one here.")


def nobody(case: Case) -> Said | None:
    """No member may be asked."""
    if case.tag != "plno":
        return None
    text = f"{case.led}{_reason(case)[0]} is forwarded to a pool that has no member, or none that is up"
    return Said(f"{text}.", f'{_WHERE} and why; when_all_down = "open" asks those that are down all the same.')


def silent(case: Case) -> Said | None:
    """No member replied."""
    if case.tag != "plmu":
        return None
    nodes = [each for each in case.of_zone(case.zone_asked()) if isinstance(each.action, Exchange)]
    told = f": {listed(case.all_of(nodes))} got {counted(len(nodes), 'message')} and kept silent" if nodes else ""
    zone, rest = _reason(case)
    text = f"{case.led}asked for {zone}, {rest}{told}."
    return Said(text, f"Check that one of them runs, and the network; {_WHERE}.")


def unreachable(case: Case) -> Said | None:
    """No member could be reached."""
    if case.tag != "plun":
        return None
    zone, rest = _reason(case)
    advice = "Start it, or let its port through its firewall"
    if any(each in rest for each in _ENCRYPTED):
        advice = "Compare what it shows with its `address`, its `pins` and `tls_ca` (docs/upstreams.md)"
    return Said(f"{case.led}asked for {zone}, {rest}.", f"{advice}; {_WHERE}.")


def of_no_use(case: Case) -> Said | None:
    """No member had an answer."""
    if case.tag != "plsf":
        return None
    zone, rest = _reason(case)
    text = f"{case.led}asked for {zone}, {rest}{told_why(case)}."
    return Said(text, "The fault is at that server: its log tells more.")
