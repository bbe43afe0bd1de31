"""Decides which rules a policy zone has: what of a query or an answer fits each, and what is done then.

Rules (draft sections 3 and 4)
* The labels of an owner before the zone's name are its trigger: a name that is asked for, or behind `rpz-client-ip`,
  `rpz-ip`, `rpz-nsip` a network, behind `rpz-nsdname` the name of a name server.
* A wildcard fits what is below it. The name itself comes before a wildcard, and a longer wildcard before a shorter one.
* A record that cannot be a rule is left out and told (`Skipped`); the others stand. Of one trigger the first action
  stands; to say it again changes nothing.

Limits: a rule takes some 80 octets and its name; what it does it shares with rules that do the same. Records come one
by one, so that reading a large zone needs no more than the rules do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from resolver.filters.rpz.actions import PASSED_OVER, Action, of_cname, with_data
from resolver.filters.rpz.addresses import Networks, read
from resolver.message import Class, RRset, Type
from resolver.text import nearest
from resolver.wire import names, types

_CNAME: Final = int(Type.CNAME)
_SOA: Final = int(Type.SOA)
_CLIENT: Final = b"rpz-client-ip"
_IP: Final = b"rpz-ip"
_NSIP: Final = b"rpz-nsip"
_NSDNAME: Final = b"rpz-nsdname"
_ADDRESSES: Final = (_CLIENT, _IP, _NSIP)
_RESERVED: Final = b"rpz-"


class Skipped(NamedTuple):
    """A record that is no rule: its line, what is wrong with it, and what to write instead."""

    line: int
    what: str
    instead: str


class Named:
    """What is said of names."""

    __slots__ = ("_exact", "_wild")

    def __init__(self) -> None:
        self._exact: dict[bytes, Action] = {}
        self._wild: dict[bytes, Action] = {}

    def __len__(self) -> int:
        return len(self._exact) + len(self._wild)

    def change(self, trigger: bytes, change: Callable[[Action | None], Action]) -> None:
        """What is said of the folded `trigger`, a wildcard perhaps, is what `change` makes of it."""
        if trigger.startswith(b"\x01*"):
            table, key = self._wild, trigger[2:]
        else:
            table, key = self._exact, trigger
        table[key] = change(table.get(key))

    def find(self, name: bytes) -> tuple[bytes, Action] | None:
        """The trigger that fits the folded `name` best, and what is said of it."""
        action = self._exact.get(name)
        if action is not None:
            return name, action
        wild = self._wild
        if wild:
            pos = 0
            while length := name[pos]:
                pos += length + 1
                action = wild.get(name[pos:])
                if action is not None:
                    return b"\x01*" + name[pos:], action
        return None


class Zone:
    """The rules of one policy zone. `name` is its own, folded."""

    __slots__ = ("client", "ip", "name", "nsdname", "nsip", "qname", "soa")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.qname, self.nsdname = Named(), Named()
        self.client: Networks[Action] = Networks()
        self.ip: Networks[Action] = Networks()
        self.nsip: Networks[Action] = Networks()
        self.soa: RRset | None = None
        """That of the zone, which is told beside what it denies."""

    def __len__(self) -> int:
        """How many rules there are."""
        return len(self.qname) + len(self.nsdname) + self.client.count + self.ip.count + self.nsip.count

    def add(self, name: bytes, rtype: int, ttl: int, rdata: bytes, line: int) -> Skipped | None:
        """The record in `line` is heeded, unless it is none of a rule. The records of an owner may stand anywhere."""
        owner = names.fold(name)
        cut = len(owner) - len(self.name)
        last = pos = 0
        while pos < cut:
            last, pos = pos, pos + owner[pos] + 1
        if pos != cut or not owner.endswith(self.name):
            return Skipped(line, f"{names.to_text(name)} is not in the zone {names.to_text(self.name)}", "remove it")
        if rtype in PASSED_OVER:
            if rtype == _SOA and not cut:
                self.soa = RRset(name, rtype, Class.IN, ttl, (rdata,))
            return None
        if not cut:
            what = f"{types.to_text(rtype)} at the name of the zone is no rule"
            return Skipped(line, what, "write the name that it is about before it")
        try:
            if owner.startswith(_RESERVED, last + 1):
                self._reserved(owner[:last] + names.ROOT, owner[last + 1 : cut], rtype, ttl, rdata)
            else:
                trigger = owner[:cut] + names.ROOT
                self.qname.change(trigger, lambda known: _changed(known, trigger, rtype, ttl, rdata))
        except ValueError as wrong:
            what, _, instead = str(wrong).partition("; ")
            return Skipped(
                line, f"{names.to_text(name)}: {what}", instead or "see docs/rpz.md for how rules are written"
            )
        return None

    def _reserved(self, trigger: bytes, kind: bytes, rtype: int, ttl: int, rdata: bytes) -> None:
        """The record is heeded for a `trigger` that stands before a label of its own `kind`. Raises `ValueError`."""
        if kind in _ADDRESSES:
            network = read([each.decode("latin-1") for each in names.labels(trigger)])
            table = {_CLIENT: self.client, _IP: self.ip, _NSIP: self.nsip}[kind]
            table.put(network, _changed(table.get(network), b"", rtype, ttl, rdata))
        elif kind == _NSDNAME:
            if trigger == names.ROOT:
                raise ValueError("no name stands before the trigger")
            self.nsdname.change(trigger, lambda known: _changed(known, b"", rtype, ttl, rdata))
        else:
            shown, kinds = kind.decode("latin-1"), [each.decode() for each in (*_ADDRESSES, _NSDNAME)]
            raise ValueError(f"{shown!r} is no kind of trigger; {nearest(shown, kinds)}")


def _changed(known: Action | None, trigger: bytes, rtype: int, ttl: int, rdata: bytes) -> Action:
    """What is done for a `trigger` of which something is `known` perhaps, with one record more. Raises `ValueError`."""
    if rtype != _CNAME:
        return with_data(known, rtype, ttl, rdata)
    action = of_cname(rdata, ttl, trigger)
    if known is not None and known != action:
        raise ValueError("the trigger has an action already, and a CNAME stands alone")
    return action
