"""Causes of answers that servers gave: data, by whatever way, or that there is none."""

from __future__ import annotations

from typing import Final

from resolver.engine.outcome import Answered, Denied, Truncated
from resolver.explain.case import Case
from resolver.explain.cause import Said
from resolver.explain.doing import by_fault, ending, faults, is_silent
from resolver.explain.limits import SLOW_S
from resolver.message import Rcode, Type
from resolver.observe.transcript import Node
from resolver.wire import names, types

_OCTETS: Final = 4


def no_such_name(case: Case) -> Said | None:
    """The name does not exist."""
    node = case.concluding
    if case.reply is None or case.reply.rcode != Rcode.NXDOMAIN or node is None:
        return None
    denied = names.fold(node.outcome.name) if isinstance(node.outcome, Denied) else case.end
    text = f"{case.led}{_by(case, node)} says that {names.to_text(denied)} does not exist (NXDOMAIN){_delay(case)}."
    if denied != case.end:
        text = f"{text} So nothing below it does either (RFC 8020)."
    nearest = None if case.declared is None else case.declared.nearest(denied)
    advice = "" if case.declared is None else "Declare it in its zone, or correct the spelling."
    if reverse := _reverse(case.end):
        return Said(text, f"That is an address. To learn its name, ask for {reverse} PTR.")
    return Said(text, f"Did you mean {nearest}?" if nearest else advice)


def name_too_long(case: Case) -> Said | None:
    """A DNAME makes a name that cannot be."""
    if case.reply is None or case.reply.rcode != Rcode.YXDOMAIN:
        return None
    owner = next((rrset for rrset in case.answer if rrset.type == Type.DNAME), None)
    which = "A DNAME" if owner is None else f"The DNAME at {names.to_text(names.fold(owner.name))}"
    text = (
        f"{which} makes of {names.to_text(case.name)} a name of more than 255 octets (YXDOMAIN, RFC 6672 section 2.2)."
    )
    return Said(text, "Use shorter names, or another target of the DNAME.")


def empty_non_terminal(case: Case) -> Said | None:
    """The name exists only because others below it do."""
    if not _is_nodata(case) or case.declared is None or case.declared.types(case.end):
        return None
    below = case.declared.below(case.end)
    if below is None or case.concluding is None:
        return None
    text = (
        f"{case.led}{names.to_text(case.end)} has no records of its own: it exists because {names.to_text(below)} does "
    )
    text = f"{text}(an empty non-terminal, RFC 4592 section 2.2.2), says {_by(case, case.concluding)}{_delay(case)}."
    return Said(text, f"Add {types.to_text(case.question.type)} records to it if it is to have some.")


def no_such_type(case: Case) -> Said | None:
    """The name exists, without records of that type."""
    if not _is_nodata(case) or case.concluding is None:
        return None
    there = [] if case.declared is None else case.declared.types(case.end)
    has = f"; it has {', '.join(map(types.to_text, there))}" if there else ""
    text = f"{case.led}{_by(case, case.concluding)} says that {names.to_text(case.end)} exists and has no "
    text = f"{text}{types.to_text(case.question.type)} records (NODATA){has}{_delay(case)}."
    return Said(
        text, "" if not has else f"Add {types.to_text(case.question.type)} records, or ask for a type that is there."
    )


def failed_over(case: Case) -> Said | None:
    """One server was silent, and another answered."""
    node, silent = case.concluding, _silent_before(case)
    if node is None or not silent or not case.answer or all(each.server == node.server for each in silent):
        return None
    others = " and ".join(case.all_of(silent))
    text = f"{case.led}{others} did not reply{by_fault(silent)}, so {_by(case, node)} was asked and answered "
    return Said(
        f"{text}{case.wanted}{_place(case)} after {_waited(silent):.1f} s.",
        _mended(silent, "See why the first does not reply."),
    )


def asked_again(case: Case) -> Said | None:
    """A message was lost."""
    node, silent = case.concluding, _silent_before(case)
    if node is None or not silent or not case.answer:
        return None
    text = f"{case.led}{_by(case, node)} answered {case.wanted}{_place(case)} only when it was asked again: the first "
    return Said(f"{text}message, or its reply, was lost{by_fault(silent)}, which cost {_waited(silent):.1f} s.",
                _mended(silent, "If it happens often, the way to that server is bad."))  # fmt: skip


def slow(case: Case) -> Said | None:
    """The server takes long."""
    node = case.concluding
    if node is None or not case.answer or node.rtt is None or node.rtt < SLOW_S:
        return None
    text = f"{case.led}{_by(case, node)} answered {case.wanted}{_place(case)}, and took {node.rtt:.1f} s"
    return Said(f"{text}{by_fault([node])}.", _mended([node], "That server is far away or overloaded."))


def over_tcp(case: Case) -> Said | None:
    """It was too long for a datagram."""
    node = case.concluding
    if node is None or node.transport != "tcp" or not case.answer:
        return None
    if not any(isinstance(each.outcome, Truncated) for each in case.of_zone(node.zone)):
        return None
    text = (
        f"{case.led}{_by(case, node)} said over UDP that its answer is truncated{by_fault(case.of_zone(node.zone))}, "
    )
    return Said(f"{text}and gave {case.wanted}{_place(case)} over TCP.")


def by_dname(case: Case) -> Said | None:
    """A DNAME above the name leads elsewhere."""
    dname = next((rrset for rrset in case.answer if rrset.type == Type.DNAME), None)
    if dname is None or case.question.type == Type.DNAME or case.concluding is None:
        return None
    owner = names.fold(dname.name)
    text = f"The DNAME at {names.to_text(owner)}{case.line(owner, Type.DNAME)} sends all below it to "
    text = f"{text}{names.to_text(names.fold(dname.rdatas[0]))}, so {case.led.removesuffix('; ')} (RFC 6672)."
    return Said(f"{text} {_by(case, case.concluding)} answered {case.wanted}{_place(case)}.")


def by_alias(case: Case) -> Said | None:
    """An alias leads to the data."""
    if not case.aliases or case.reply is None or case.concluding is None:
        return None
    written = case.line(names.fold(case.aliases[0].name), Type.CNAME)
    if not any(rrset.type == case.question.type for rrset in case.answer):
        return Said(f"{case.led}nothing is told of that name{written}.", "Ask for the target itself.")
    text = f"{case.led}{_by(case, case.concluding)} answered {case.wanted}{_place(case)}."
    return Said(f"{text} The first CNAME is on {written.strip(' ()')}." if written else text)


def by_forwarder(case: Case) -> Said | None:
    """Somebody who recurses for us was asked."""
    node = case.concluding
    if node is None or case.reply is None or node.server or not node.recursion_desired:
        return None
    text = f"{case.led}{case.who(node)}, to which resolver.forward_zones sends {_zone(node)}, answered"
    return Said(f"{text} {case.wanted}.")


def by_pool(case: Case) -> Said | None:
    """A member of a pool was asked, which recurses for us."""
    node = case.concluding
    if node is None or case.reply is None or not node.upstream:
        return None
    return Said(f"{case.led}{case.who(node)}, which is asked for {_zone(node)}, answered {case.wanted}.")


def by_stub(case: Case) -> Said | None:
    """A server that the configuration names was asked."""
    node = case.concluding
    if node is None or case.reply is None or node.server or node.recursion_desired:
        return None
    return Said(f"{case.led}{case.who(node)}, which resolver.stub_zones names for {node.zone}, answered {case.wanted}.")


def from_wildcard(case: Case) -> Said | None:
    """A wildcard stands for the name."""
    if not case.answer or case.concluding is None or case.declared is None:
        return None
    wildcard = case.declared.wildcard(case.end, case.question.type)
    if wildcard is None:
        return None
    line = case.line(wildcard, case.question.type)
    text = f"{case.led}{names.to_text(case.end)} does not exist itself: the wildcard {names.to_text(wildcard)}{line}"
    return Said(f"{text} answers for it (RFC 4592), says {_by(case, case.concluding)}.")


def by_recursion(case: Case) -> Said | None:
    """Servers asked each other on our behalf."""
    hops = [node for node in case.exchanges if node.recursion_desired]
    node = case.concluding
    if node is None or case.reply is None or not hops or not hops[0].below:
        return None
    way = " → ".join(dict.fromkeys(case.who(each) for each in case.exchanges))
    text = f"{case.led}the servers asked each other on our behalf ({way}), and {_by(case, node)} answered {case.wanted}"
    return Said(f"{text}{_place(case)}.")


def by_authority(case: Case) -> Said | None:
    """A server of the zone answered."""
    node = case.concluding
    if node is None or case.reply is None:
        return None
    own = not isinstance(node.outcome, Answered) or node.outcome.authoritative
    how = "from its zone" if own else "without being an authority for it"
    return Said(f"{_by(case, node)} answered {case.wanted} {how}{_place(case)}.")


def put_together(case: Case) -> Said | None:
    """Nobody was asked, though it was not at hand as a whole."""
    if case.reply is None or case.exchanges or case.reply.rcode not in (Rcode.NOERROR, Rcode.NXDOMAIN):
        return None
    return Said(f"{case.led}{case.wanted} was put together from what the cache holds, so nobody was asked.")


def _is_nodata(case: Case) -> bool:
    reply = case.reply
    if reply is None or reply.rcode != Rcode.NOERROR:
        return False
    return not any(rrset.type == case.question.type for rrset in reply.answer) and case.question.type != Type.ANY


def _by(case: Case, node: Node) -> str:
    """The server of `node`, and of which zone it is one."""
    who = case.who(node)
    return f"{who.removesuffix(')')}, for {'the root' if node.zone == '.' else node.zone})" if node.server else who


def _mended(nodes: list[Node], otherwise: str) -> str:
    """What to do about the messages `nodes`: if no fault was applied to them, what `otherwise` says."""
    found = faults(nodes)
    return ending(found) if found else otherwise


def _zone(node: Node) -> str:
    return "everything" if node.zone == "." else f"what is below {node.zone}"


def _place(case: Case) -> str:
    """Where what was answered is written."""
    return case.line(case.end, case.question.type)


def _silent_before(case: Case) -> list[Node]:
    """The messages to the zone that answered to which nothing came."""
    node = case.concluding
    return [] if node is None else [each for each in case.of_zone(node.zone) if is_silent(each)]


def _reverse(name: bytes) -> str:
    """The name of the PTR records of `name`, folded, if that is written like an IPv4 address; else ""."""
    labels = names.to_text(name).removesuffix(".").split(".")
    if len(labels) != _OCTETS or not all(each.isdigit() and int(each) <= 0xFF for each in labels):
        return ""
    return f"{'.'.join(reversed(labels))}.in-addr.arpa."


def _waited(silent: list[Node]) -> float:
    return sum(each.rtt or 0.0 for each in silent)


def _delay(case: Case) -> str:
    """What a denial was kept waiting by: the end of a sentence."""
    silent = _silent_before(case)
    if not silent:
        return ""
    who = " and ".join(case.all_of(silent))
    return f"; before, {who} kept silent for {_waited(silent):.1f} s{by_fault(silent)}"
