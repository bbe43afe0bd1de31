"""Decides which rules a policy zone has: what of a query or an answer fits each, and what is done then.

Rules (draft sections 3 and 4)
* The labels of an owner before the zone's name are its trigger: a name that is asked for, or behind `rpz-client-ip`,
  `rpz-ip`, `rpz-nsip` a network, behind `rpz-nsdname` the name of a name server.
* A wildcard fits what is below it. The name itself comes before a wildcard, and a longer wildcard before a shorter one.
* A record that cannot be a rule is left out and told (`Skipped`); the others stand. Of one trigger the first action
  stands.

Limits: a rule takes some 150 octets and its name. Records come one by one, so that reading a large zone needs no more
than the rules do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from resolver.filters.rpz.actions import PASSED_OVER, Action, of_cname, with_data
from resolver.filters.rpz.addresses import Networks, read
from resolver.message import RRset, Type
from resolver.text import nearest, printable
from resolver.wire import names, types

_CNAME: Final = int(Type.CNAME)
_SOA: Final = int(Type.SOA)
_CLIENT: Final = "rpz-client-ip"
_IP: Final = "rpz-ip"
_NSIP: Final = "rpz-nsip"
_NSDNAME: Final = "rpz-nsdname"
_KINDS: Final = (_CLIENT, _IP, _NSIP, _NSDNAME)
_RESERVED: Final = "rpz-"


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

    __slots__ = ("_origin", "client", "ip", "name", "nsdname", "nsip", "qname", "soa")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self._origin = names.depth(name)
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
        if not names.is_below(owner, self.name):
            return Skipped(line, f"{names.to_text(name)} is not in the zone {names.to_text(self.name)}", "remove it")
        if owner == self.name and rtype == _SOA:
            self.soa = RRset(name, rtype, 1, ttl, (rdata,))
        if rtype in PASSED_OVER:
            return None
        labels = names.labels(owner)
        trigger = labels[: len(labels) - self._origin]
        if not trigger:
            what = f"{types.to_text(rtype)} at the name of the zone is no rule"
            return Skipped(line, what, "write the name that it is about before it")
        kind = trigger[-1].decode("latin-1")
        try:
            self._heed(kind, trigger, rtype, ttl, rdata)
        except ValueError as wrong:
            shown = printable(names.to_text(name))
            what, _, instead = str(wrong).partition("; ")
            return Skipped(line, f"{shown}: {what}", instead or "see docs/rpz.md for how rules are written")
        return None

    def _heed(self, kind: str, trigger: tuple[bytes, ...], rtype: int, ttl: int, rdata: bytes) -> None:
        def change(known: Action | None) -> Action:
            if rtype != _CNAME:
                return with_data(known, rtype, ttl, rdata)
            if known is not None:
                raise ValueError("the trigger has an action already, and a CNAME stands alone")
            return of_cname(rdata, ttl, own)

        own = b""
        if kind in (_CLIENT, _IP, _NSIP):
            network = read([each.decode("latin-1") for each in trigger[:-1]])
            table = {_CLIENT: self.client, _IP: self.ip, _NSIP: self.nsip}[kind]
            table.put(network, change(table.get(network)))
        elif kind == _NSDNAME:
            if len(trigger) == 1:
                raise ValueError("no name stands before the trigger")
            self.nsdname.change(_wire(trigger[:-1]), change)
        elif kind.startswith(_RESERVED):
            raise ValueError(f"{kind!r} is no kind of trigger; {nearest(kind, _KINDS)}")
        else:
            own = _wire(trigger)
            self.qname.change(own, change)


def _wire(labels: tuple[bytes, ...]) -> bytes:
    """The absolute name of `labels`."""
    return b"".join(bytes((len(each),)) + each for each in labels) + names.ROOT
