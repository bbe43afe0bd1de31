"""What a reply says about the question it was asked, once everything is removed that its sender may not say.

Rules
* Data counts only when its owner lies inside the zone of the server that sent it. Aliases are followed
  through the answer section from the question's name; the first target outside the zone is left to be asked
  again. So is one that the configuration has asked elsewhere (`borders`, the forward and stub zones): neither the
  servers of a zone above may speak for it, nor another forwarder (MaginotDNS).
* A CNAME that a DNAME synthesised is made again from the DNAME and compared (RFC 6672 section 3.4). Where a CNAME
  is what was asked for, by its type or by ANY, it is the answer and is not followed.
* A referral goes strictly downwards and is at or above the name; an NS set at or above the zone of the
  sender, with no answer, is lame or upward.
* NXDOMAIN is that of the last name of the chain (RFC 2308 section 2.1). A NODATA without a SOA is NODATA if
  the server claims authority, lame otherwise. An answer without AA from a server of the zone is accepted.
* The reply of a server that recursed on our behalf (`recursed`, and RA is set) is read the same way, with its zone as
  the border, but it cannot be lame for want of AA.

Limits: the chain in one reply is bounded by `MAX_CHAIN`; what is longer is asked again from where it was cut.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from typing import Final

from resolver.engine import delegation
from resolver.engine.delegation import Trim
from resolver.engine.outcome import (
    Alias,
    Answered,
    Denied,
    Fault,
    Outcome,
    Overlong,
    Referral,
    Truncated,
    Unusable,
)
from resolver.errors import BadName
from resolver.message import AA, EDE_OPTION, RA, TC, Class, Ede, Message, Proof, Question, Rcode, RRset, Type
from resolver.wire import names

MAX_CHAIN: Final = 16
MAX_TOLD: Final = 4
"""Extended errors that are read of one reply."""
MAX_TOLD_TEXT: Final = 200
"""Octets that are read of the text of one."""

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__


_FAULTS: Final[dict[int, Fault]] = {
    Rcode.SERVFAIL: Fault.SERVFAIL,
    Rcode.REFUSED: Fault.REFUSED,
    Rcode.FORMERR: Fault.FORMERR,
    Rcode.NOTIMP: Fault.NOTIMP,
    Rcode.BADCOOKIE: Fault.BADCOOKIE,
}

_MEANT: Final = frozenset(map(int, (Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.YXDOMAIN)))
"""The rcodes of replies that say something of the name."""
_YXDOMAIN: Final = int(Rcode.YXDOMAIN)
_NXDOMAIN: Final = int(Rcode.NXDOMAIN)
_IN: Final = int(Class.IN)
_RRSIG: Final = int(Type.RRSIG)
_SOA: Final = int(Type.SOA)
_NS: Final = int(Type.NS)
_ALIASES: Final = frozenset(map(int, (Type.CNAME, Type.DNAME)))

_Index = dict[tuple[bytes, int], RRset]


def classify(
    message: Message,
    question: Question,
    zone: bytes,
    port: int,
    *,
    recursed: bool = False,
    trim: Trim = delegation.UNTOUCHED,
    borders: Collection[bytes] = (),
) -> Outcome:
    """What `message`, from a server of `zone` (folded), says about `question`.

    `port` is where glue leads, `trim` how much is taken of a referral, `borders` are zones that others are asked about.
    """
    _, flags, rcode, _, answer, *_ = message
    if flags & TC:
        return Truncated()
    if rcode not in _MEANT:
        return Unusable(_FAULTS.get(rcode, Fault.RCODE), told(message))
    recursed = recursed and bool(flags & RA)
    authoritative = flags & AA != 0
    name = question.name.lower()
    # Nearly all that is asked is one label below the zone, which is seen at once.
    if name[name[0] + 1 :] != zone and not names.is_below(name, zone):
        return Unusable(Fault.LAME)
    if answer and rcode != _YXDOMAIN and (len(answer) == 1 or (len(answer) == 2 and answer[1].type == _RRSIG)):
        owner, rtype, cls, _, _, _ = answer[0]
        # The data asked for, and no alias: as nearly all answers are, that need no further look.
        if rtype == question.type and rtype not in _ALIASES and cls == _IN and owner.lower() == name:
            return _make(Answered, ((), answer[:1], authoritative))
    outcome: Outcome | None = None
    if answer or rcode == _YXDOMAIN:
        index: _Index = {(names.fold(each.name), each.type): _one(each) for each in answer if each.cls == Class.IN}
        if rcode == _YXDOMAIN:
            return _too_long(index, question.name, zone)
        outcome = _followed(message, index, question, zone, borders)
    if outcome is None:
        without = _without_data(message, name, question, zone, recursed=recursed)
        if not isinstance(without, RRset):
            return without
        outcome = _make(Referral, (delegation.of_referral(message, without, zone, port, trim),))
    return outcome


def _followed(
    message: Message, index: _Index, question: Question, zone: bytes, borders: Collection[bytes]
) -> Outcome | None:
    """What the aliases of `index` lead to, as far as a server of `zone` is to be believed; None without any data."""
    authoritative = message.flags & AA != 0
    chain: list[RRset] = []
    spelled, name = question.name, names.fold(question.name)
    seen: set[bytes] = set()
    while len(chain) < MAX_CHAIN and name not in seen:
        seen.add(name)
        found = _data_at(index, name, question.type)
        if found and question.type != Type.CNAME and not (question.type == Type.ANY and _is_below_dname(index, name)):
            return Answered(tuple(chain), found, authoritative)
        step = _alias_at(index, name, spelled, zone)
        match step:
            case None:
                break
            case Overlong() | Unusable():
                return step
            case Alias(chain=links, target=target):
                if question.type in (Type.CNAME, Type.ANY):
                    return Answered((*chain, *links[:-1]), links[-1:], authoritative)
                chain.extend(links)
                spelled, name = target, names.fold(target)
                if not names.is_below(name, zone) or is_elsewhere(name, zone, borders):
                    return Alias(tuple(chain), target, authoritative)
    return _end_of_chain(message, tuple(chain), name, zone, authoritative) if chain else None


def is_elsewhere(name: bytes, zone: bytes, borders: Collection[bytes]) -> bool:
    """Whether `name`, below `zone`, is in one of `borders` that is below it too; all folded."""
    return bool(borders) and any(len(each) > len(zone) and each in borders for each in names.ancestors(name))


def _too_long(index: _Index, spelled: bytes, zone: bytes) -> Outcome:
    """What YXDOMAIN means: that a DNAME of the answer leads to a name that is too long, and nothing else."""
    for _ in range(MAX_CHAIN):
        step = _alias_at(index, names.fold(spelled), spelled, zone)
        if isinstance(step, Overlong):
            return step
        if not isinstance(step, Alias):
            break
        spelled = step.target
    return Unusable(Fault.RCODE)


def told(message: Message) -> tuple[Ede, ...]:
    """The extended errors that a server sent, with hostile bytes replaced."""
    if message.edns is None:
        return ()
    options = (data for code, data in message.edns.options if code == EDE_OPTION and len(data) >= 2)
    return tuple(Ede(int.from_bytes(data[:2], "big"), _printable(data[2:])) for data in islice(options, MAX_TOLD))


def _printable(text: bytes) -> str:
    """What a server wrote, cut, with everything replaced that a log or a terminal would act on."""
    decoded = text[:MAX_TOLD_TEXT].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in decoded)


def _one(rrset: RRset) -> RRset:
    """`rrset`, of aliases only the first: a name has one (RFC 2181 section 10.1, RFC 6672 section 2.4)."""
    if rrset.type in (Type.CNAME, Type.DNAME) and len(rrset.rdatas) > 1:
        return rrset._replace(rdatas=rrset.rdatas[:1])
    return rrset


def _data_at(index: _Index, name: bytes, rtype: int) -> tuple[RRset, ...]:
    if rtype == Type.ANY:
        return tuple(rrset for (owner, _), rrset in index.items() if owner == name)
    found = index.get((name, rtype))
    return () if found is None else (found,)


def _is_below_dname(index: _Index, name: bytes) -> bool:
    """Whether a DNAME above `name` makes an alias of it, which then has no other data (RFC 6672 section 2.4)."""
    return any((above, Type.DNAME) in index for above in islice(names.ancestors(name), 1, None))


def _alias_at(index: _Index, name: bytes, spelled: bytes, zone: bytes) -> Alias | Overlong | Unusable | None:
    """The alias that stands at `name`, or above it as a DNAME; None when there is none."""
    cname = index.get((name, Type.CNAME))
    for owner in names.ancestors(name):
        dname = index.get((owner, Type.DNAME))
        if dname is None or owner == name or not names.is_below(owner, zone):
            continue
        made = synthesised(spelled, dname)
        if isinstance(made, Alias) and cname is not None and names.fold(cname.rdatas[0]) != names.fold(made.target):
            return Unusable(Fault.DNAME)
        return made  # what the server made of it has the letter case that we drew
    if cname is None:
        return None
    return Alias((cname,), cname.rdatas[0], True)


def synthesised(spelled: bytes, dname: RRset) -> Alias | Overlong:
    """The alias that `dname` makes of the name `spelled` below its owner (RFC 6672 section 3.1)."""
    try:
        target = names.substitute(spelled, dname.name, dname.rdatas[0])
    except BadName:
        return Overlong((dname,))
    proof = None if dname.proof is None else Proof(dname.proof.status)
    made = RRset(spelled, Type.CNAME, Class.IN, dname.ttl, (target,), proof)
    return Alias((dname, made), target, True)


def _soa(message: Message, name: bytes, zone: bytes) -> RRset | None:
    for rrset in message.authority:
        if rrset.type == _SOA and rrset.cls == _IN:
            owner = names.fold(rrset.name)
            if names.is_below(name, owner) and names.is_below(owner, zone):
                return rrset
    return None


def _end_of_chain(message: Message, chain: tuple[RRset, ...], name: bytes, zone: bytes, authoritative: bool) -> Outcome:
    """A chain that ends without data: a denial of its last name if the reply says so, else that is asked again."""
    soa = _soa(message, name, zone)
    if soa is not None and message.rcode in (Rcode.NOERROR, Rcode.NXDOMAIN):
        return Denied(chain, name, Rcode(message.rcode), soa, authoritative)
    return Alias(chain, name, authoritative)


def _without_data(message: Message, name: bytes, question: Question, zone: bytes, *, recursed: bool) -> Outcome | RRset:
    """A reply with nothing of use in its answer section; the NS set of a referral, if it is one."""
    _, flags, rcode, _, _, authority, *_ = message
    authoritative = flags & AA != 0
    soa = _soa(message, name, zone)
    if rcode == _YXDOMAIN:
        return Unusable(Fault.RCODE)
    if rcode == _NXDOMAIN:
        return Denied((), name, Rcode.NXDOMAIN, soa, authoritative)
    if soa is not None:
        return Denied((), name, Rcode.NOERROR, soa, authoritative)
    for ns in authority:
        if ns.type != _NS or ns.cls != _IN or recursed:
            continue
        owner = names.fold(ns.name)
        if owner == zone and authoritative:
            continue
        if names.is_below(zone, owner):
            return Unusable(Fault.LAME if owner == zone else Fault.UPWARD)
        if names.is_below(owner, zone) and names.is_below(name, owner):
            if question.type == Type.DS and owner == name:
                return Denied((), name, Rcode.NOERROR, None, authoritative)
            return ns
    if authoritative or recursed:
        return Denied((), name, Rcode.NOERROR, None, authoritative)
    return Unusable(Fault.LAME)
