"""Causes of failures of servers: none replied, none could be reached or found, or what they said was of no use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from resolver.engine.actions import Exchange, Found, Lookup, NotFound, Suspicion, Unanswered
from resolver.engine.outcome import Truncated
from resolver.explain.case import Case
from resolver.explain.cause import Said
from resolver.explain.doing import ending, faults, silence, told_why, word
from resolver.message import Transport, Type
from resolver.network.base import Trouble
from resolver.observe.transcript import Node
from resolver.wire import names

_TO_DELEGATION: Final = "Correct the delegation at the parent, or have that server serve the zone."


def fault(case: Case) -> Said | None:
    """A rule has made it fail."""
    if case.reply is not None or case.tag in _NOT_BY_SERVERS:
        return None
    asked = case.of_zone(case.zone_asked())
    nodes = _faulted(asked) or _faulted(case.behind(asked))
    if not nodes:
        return None
    rules = {each.rule: word(each) for each in faults(nodes)}
    which = ", ".join(f"{number} ({kind})" for number, kind in rules.items())
    text = f"{case.led}{reason(case)}. That is on purpose: the fault rule{'s' * (len(rules) > 1)} {which} "
    text = f"{text}{'were' if len(rules) > 1 else 'was'} applied to {listed(case.all_of(nodes))}."
    return Said(text, ending(faults(nodes)))


def forged(case: Case) -> Said | None:
    """What came did not fit what was asked."""
    nodes = case.of_zone(case.zone_asked())
    odd = [node for node in nodes if isinstance(node.event, Unanswered) and node.event.suspicion is Suspicion.FORGERY]
    if case.tag != "mute" or not odd:
        return None
    text = (
        f"{case.led}{case.who(odd[0])} sent replies with another id or question than was asked, which are not believed"
    )
    return Said(f"{text}; over TCP none came.", "That server is broken, or somebody guesses replies in its name.")


def silent(case: Case) -> Said | None:
    """No server of the zone replied."""
    if case.tag != "mute":
        return None
    nodes = case.of_zone(case.zone_asked())
    servers = case.all_of(nodes)
    told = "" if not servers else f": {listed(servers)} got {counted(len(nodes), 'message')} and kept silent"
    waited = silence(case.exchanges, case.zone_asked())
    seconds = f" for {waited:.1f} s" if told and waited else ""
    text = f"{case.led}{case.reason}{told}{seconds}."
    return Said(text, "Check that the server runs, and that UDP and TCP port 53 reach it.")


def undeclared(case: Case) -> Said | None:
    """The address is none of this world."""
    if _trouble(case) is not Trouble.UNDECLARED:
        return None
    text = (
        f"{case.led}{_unreached(case)} has an address that is not declared in the simulated internet, outside of which "
    )
    return Said(f"{text}nobody is asked.", "Declare a server with that address in hierarchy.toml, or correct the glue.")


def forbidden(case: Case) -> Said | None:
    """The address must not be asked."""
    if _trouble(case) is not Trouble.FORBIDDEN:
        return None
    text = f"{case.led}{_unreached(case)} must not be asked: its address is a loopback, private or special one, or one "
    return Said(f"{text}where we listen ourselves.", "If it is meant: resolver.allow_private_upstreams, or a stub or "
                "forward zone with that server.")  # fmt: skip


def connection_refused(case: Case) -> Said | None:
    """Nothing listens at the address."""
    if _trouble(case) not in (Trouble.REFUSED, Trouble.RESET):
        return None
    text = f"{case.led}{_unreached(case)} does not let anybody connect ({_trouble(case)}), over TCP neither."
    return Said(text, "Start the server, or let port 53 through its firewall.")


def no_route(case: Case) -> Said | None:
    """Nothing can be sent there from here."""
    if case.tag != "unre":
        return None
    text = f"{case.led}{_unreached(case)} cannot be reached from here: {_trouble(case) or case.reason}."
    return Said(text, "Check the network of this machine: its routes, and whether it has IPv6.")


def cyclic(case: Case) -> Said | None:
    """Two delegations need each other."""
    failed = [
        each for each in case.lookups if isinstance(each.event, NotFound) and each.event.failure.tag.lower() == "cycl"
    ]
    if case.tag not in ("noad", "cycl", "budn", "budd") or not (failed or case.tag == "cycl"):
        return None
    zone, needed = case.zone_sought(), names_of(case.lookups)
    text = (
        f"{case.led}the name servers of {zone} cannot be found: the addresses of {listed(needed)} depend on each other"
    )
    return Said(
        f"{text}, and none of them comes with glue.", "Add glue (A and AAAA records) for one of them at the parent."
    )


def dangling(case: Case) -> Said | None:
    """The names of the name servers do not exist, or have no address."""
    gone = [each for each in case.lookups if isinstance(each.event, Found) and not _has_address(each)]
    if case.tag not in ("noad", "budn") or not gone:
        return None
    text = f"{case.led}{case.zone_sought()} is delegated to {listed(names_of(gone))}, of which there is no address"
    return Said(
        f"{text}, so nobody can be asked.", "Give these names A or AAAA records, or correct the NS records of the zone."
    )


def no_address(case: Case) -> Said | None:
    """The addresses of the name servers could not be looked up."""
    if case.tag not in ("noad", "budn"):
        return None
    needed = names_of(case.lookups)
    which = f": {listed(needed)}" if needed else ""
    text = f"{case.led}{case.zone_sought()} comes without glue, and the addresses of its name servers could not be "
    return Said(
        f"{text}looked up{which} ({case.reason}).", "Add glue at the parent, or repair the zone of these names."
    )


def _by_tag(tag: str, what: str, advice: str) -> Callable[[Case], Said | None]:
    """The cause of failures with `tag`: their reason, and what besides."""

    def applies(case: Case) -> Said | None:
        return Said(f"{case.led}{reason(case)}{what}{told_why(case)}.", advice) if case.tag == tag else None

    return applies


lame = _by_tag("lame", " that is delegated to it (a lame delegation)", _TO_DELEGATION)
upward = _by_tag("upwd", ": it does not serve the zone that is delegated to it", _TO_DELEGATION)
refused = _by_tag("rfsd", "", "See its access list, and whether it serves the zone.")
servfail = _by_tag("svfl", "", "The fault is at that server: its log tells more.")
too_large = _by_tag("huge", "", "If the zone is to be like that, raise budget.message_records.")


def odd_rcode(case: Case) -> Said | None:
    """It answered with another rcode that answers nothing."""
    if case.tag not in ("ferr", "nimp", "rocd", "cook"):
        return None
    without = ", without EDNS too" if case.tag in ("ferr", "nimp") else ""
    return Said(f"{case.led}{reason(case)}{without}{told_why(case)}.", "That server does not speak DNS as it should.")


def malformed(case: Case) -> Said | None:
    """What came is no message, or does not follow."""
    if case.tag not in ("malf", "dnam"):
        return None
    if "truncated" in case.reason:
        return Said(f"{case.led}{reason(case)}.", "That server must give whole answers over TCP (RFC 7766).")
    return Said(f"{case.led}{reason(case)}.", "That server is broken, or somebody changes what it says on its way.")


def tcp_failed(case: Case) -> Said | None:
    """The answer does not fit a datagram, and TCP does not work."""
    nodes = case.of_zone(case.zone_asked())
    cut = next((node for node in nodes if isinstance(node.outcome, Truncated) and node.transport != "tcp"), None)
    if cut is None or case.tag not in ("mute", "unre") or not any(map(_in_vain_by_tcp, nodes)):
        return None
    text = f"{case.led}{case.who(cut)} says that its answer is too long for UDP, and over TCP it cannot be had"
    return Said(f"{text} ({case.reason}).", "Let TCP port 53 through to that server (RFC 7766).")


_NOT_BY_SERVERS: Final = frozenset(("loop", "buda", "busz", "busv", "lpbk", "plno"))


def names_of(lookups: list[Node]) -> list[str]:
    """The names of name servers that were looked up, each once."""
    return list(
        dict.fromkeys(
            names.to_text(names.fold(each.action.question.name)) for each in lookups if isinstance(each.action, Lookup)
        )
    )


def _faulted(nodes: list[Node]) -> list[Node]:
    return [node for node in nodes if faults([node])]


def _has_address(node: Node) -> bool:
    return isinstance(node.event, Found) and any(each.type in (Type.A, Type.AAAA) for each in node.event.answer.rrsets)


def _in_vain_by_tcp(node: Node) -> bool:
    asked = isinstance(node.action, Exchange) and node.action.transport is not Transport.UDP
    return asked and isinstance(node.event, Unanswered)


def reason(case: Case) -> str:
    """The reason as a clause: who did what; the zone before it is told where it is not clear."""
    zone, colon, rest = case.reason.partition(": ")
    return f"asked for {zone}, {rest}" if colon and zone.endswith(".") else case.reason


def _trouble(case: Case) -> Trouble | None:
    """Why a server could not be reached."""
    if case.tag != "unre":
        return None
    return next((each for each in Trouble if case.reason.endswith(f": {each}")), None)


def _unreached(case: Case) -> str:
    """The server that could not be reached, and of which zone it is one."""
    zone, _, who = case.reason.rpartition(": ")[0].partition(": ")
    return f"{who}, a server of {zone}," if who else zone


def listed(words: list[str]) -> str:
    """`words` in a row, some of them if there are many."""
    shown = words if len(words) <= MAX_LISTED else [*words[: MAX_LISTED - 1], f"{len(words) - MAX_LISTED + 1} others"]
    return " and ".join((", ".join(shown[:-1]), shown[-1])) if len(shown) > 1 else "".join(shown)


def counted(number: int, word: str) -> str:
    """So many of what `word` names."""
    return f"{number} {word}{'s' * (number != 1)}"


MAX_LISTED: Final = 4
"""Names that are told of several."""
