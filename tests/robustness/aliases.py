"""Attacks by aliases: long chains, chains mixed with delegations and minimised names, loops, and DNAME."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from resolver.message import AA, QR, Class, Message, RRset, Transport, Type
from resolver.wire import names
from tests.robustness.world import Attack, Hostile, Said, alias, asked, nothing, referral

CHAIN: Final = 60
DEEP: Final = "a.b.c.d.e.f.g.h"
"""Eight labels, so that each name takes minimised ones."""


def _number(label: str) -> int:
    """The number in the label `z12`."""
    return int(label[1:]) if label[1:].isdigit() else -1


def _step(query: Message, before: str, number: int, behind: str) -> Message:
    """What stands at a link of the chain: the next link, or nothing at its end."""
    if number >= CHAIN:
        return nothing(query, "evil.")
    return alias(query, f"{before}z{number + 1}{behind}")


def _link(owner: str, target: str) -> RRset:
    return RRset(names.from_text(owner), Type.CNAME, Class.IN, 300, (names.from_text(target),))


def _chain(internet: Hostile) -> None:
    def script(query: Message, transport: Transport) -> Said:
        return _step(query, "", _number(asked(query).split(".")[0]), ".evil.")

    internet.weapon("evil.", script)


def _chain_in_one(internet: Hostile) -> None:
    """The whole chain in each reply."""

    def script(query: Message, transport: Transport) -> Said:
        first = _number(asked(query).split(".")[0])
        links = tuple(_link(f"z{each}.evil.", f"z{each + 1}.evil.") for each in range(first, CHAIN))
        return Message(0, QR | AA, 0, query.question, links)

    internet.weapon("evil.", script)


def _camp_minimised(internet: Hostile) -> None:
    """Each target is a deep name of the same zone; between its labels there is nothing."""

    def script(query: Message, transport: Transport) -> Said:
        name = asked(query)
        if not name.startswith(f"{DEEP}."):
            return nothing(query, "evil.")
        return _step(query, f"{DEEP}.", _number(name.split(".")[-3]), ".evil.")

    internet.weapon("evil.", script)


def _camp_delegated(internet: Hostile, deep: str = "") -> None:
    """Each target lies in a zone of its own."""
    below = [internet.host() for _ in range(CHAIN + 1)]

    def parent(query: Message, transport: Transport) -> Said:
        zone = ".".join(asked(query).split(".")[-3:])
        number = _number(zone.split(".")[0])
        return referral(query, zone, [f"ns.{zone}"], [(f"ns.{zone}", below[number])])

    def child(query: Message, transport: Transport) -> Said:
        name = asked(query)
        if not name.startswith(f"{deep}x."):
            return nothing(query, ".".join(name.split(".")[-3:]))
        return _step(query, f"{deep}x.", _number(name.split(".")[-3]), ".evil.")

    internet.weapon("evil.", parent)
    for host in below:
        internet.script(host, child)


def _camp_both(internet: Hostile) -> None:
    _camp_delegated(internet, f"{DEEP}.")


def _camp_servers(internet: Hostile) -> None:
    """Every name is delegated to ten servers without glue, each name of which begins a chain of deep aliases."""

    def script(query: Message, transport: Transport) -> Said:
        name = asked(query)
        labels = name.split(".")
        if labels[-3] == "www":
            return referral(query, "www.evil.", [f"{DEEP}.z0.n{number}.evil." for number in range(10)])
        if not name.startswith(f"{DEEP}.z"):
            return nothing(query, "evil.")
        return _step(query, f"{DEEP}.", _number(labels[-4]), f".{labels[-3]}.evil.")

    internet.weapon("evil.", script)


def _loop(length: int) -> Callable[[Hostile], None]:
    """A loop of so many names, all of it in each reply, as servers of one zone tell it."""

    def build(internet: Hostile) -> None:
        def script(query: Message, transport: Transport) -> Said:
            first = int(asked(query).split(".")[0][1:])
            order = [(first + each) % length for each in range(length)]
            links = tuple(_link(f"l{each}.evil.", f"l{(each + 1) % length}.evil.") for each in order)
            return Message(0, QR | AA, 0, query.question, links)

        internet.weapon("evil.", script)

    return build


def _dname(target: str) -> Callable[[Hostile], None]:
    """The zone is a DNAME at its apex that leads below itself, so that each name grows."""

    def build(internet: Hostile) -> None:
        def script(query: Message, transport: Transport) -> Said:
            assert query.question is not None
            dname = RRset(names.from_text("evil."), Type.DNAME, Class.IN, 300, (names.from_text(target),))
            name = query.question.name
            try:
                made = names.substitute(name, names.from_text("evil."), names.from_text(target))
            except ValueError:
                return Message(0, QR | AA, 6, query.question, (dname,))
            cname = RRset(name, Type.CNAME, Class.IN, 300, (made,))
            return Message(0, QR | AA, 0, query.question, (dname, cname))

        internet.weapon("evil.", script)

    return build


LOOPS: Final = "alias loops"
GROWTH: Final = "DNAME growth"
CAMP: Final = "CAMP: alias chains with delegations and minimisation"

ATTACKS: Final = (
    Attack("alias chain of 60", "one link in a reply", 13, _chain, "z0.evil."),
    Attack("alias chain of 60", "all of it in a reply", 13, _chain_in_one, "z0.evil."),
    Attack(CAMP, "deep names of one zone", 27, _camp_minimised, f"{DEEP}.z0.evil."),
    Attack(CAMP, "a zone for each link", 27, _camp_delegated, "x.z0.evil.", servers="2, then 1 each"),
    Attack(CAMP, "deep names, a zone for each link", 27, _camp_both, f"{DEEP}.x.z0.evil.", servers="2, then 1 each"),
    Attack(CAMP, "10 name servers that are deep aliases", 27, _camp_servers, "www.evil.", servers="2, then 10"),
    Attack(LOOPS, "a name to itself", 3, _loop(1), "l0.evil."),
    Attack(LOOPS, "two names", 3, _loop(2), "l0.evil."),
    Attack(LOOPS, "nine names", 3, _loop(9), "l0.evil."),
    Attack(GROWTH, "by a label", 3, _dname("x.evil."), "www.evil.", rcodes=("SERVFAIL", "YXDOMAIN")),
    Attack(
        "DNAME growth", "by 63 octets", 3, _dname(f"{'x' * 62}.evil."), "www.evil.", rcodes=("SERVFAIL", "YXDOMAIN")
    ),
)
"""In the order of the table."""
