"""Attacks by delegations: too many, leading nowhere, to the dead, to themselves, or upwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from resolver.message import Message, Transport
from resolver.wire import names
from tests.robustness.world import Attack, Hostile, Said, asked, nothing, only_by_stream, referral
from tests.support.internet import Script
from tests.support.messages import reply


def _hands_out(zone: str, hosts: list[str], glue: list[tuple[str, str]] | None = None) -> Script:
    """Everything is delegated to `hosts`, just below `zone`."""
    depth = names.depth(names.from_text(zone))

    def script(query: Message, transport: Transport) -> Said:
        name = names.from_text(asked(query))
        return referral(query, names.to_text(names.last_labels(name, depth + 1)), hosts, glue or [])

    return script


def _nxns(internet: Hostile) -> None:
    """CVE-2020-12662: 95 names of servers in a victim's zone, none of which exists."""
    internet.weapon("evil.", _hands_out("evil.", [f"n{number}.victim." for number in range(95)]))
    internet.zone("victim.")


def _nxns_without_addresses(internet: Hostile) -> None:
    """Names that exist and have no address: each costs two questions."""
    internet.weapon("evil.", _hands_out("evil.", [f"n{number}.victim." for number in range(95)]))
    internet.zone("victim.", ["*.victim. 300 IN TXT none"])


def _nxns_dead(internet: Hostile) -> None:
    internet.weapon("evil.", _hands_out("evil.", [f"n{number}.victim." for number in range(95)]))
    internet.delegate("victim.", "10.9.0.1", "10.9.0.2")


def _nxns_silent(internet: Hostile) -> None:
    """95 names of which each has an address of its own, at which nobody replies."""
    internet.weapon("evil.", _hands_out("evil.", [f"n{number}.victim." for number in range(95)]))
    internet.zone(
        "victim.", [f"n{number}.victim. 300 IN A 10.9.{number // 60}.{1 + number % 60}" for number in range(95)]
    )


def _nxns_many_dead(internet: Hostile) -> None:
    """95 names in as many zones, whose servers are all silent."""
    internet.weapon("evil.", _hands_out("evil.", [f"ns.dead{number}." for number in range(95)]))
    for number in range(95):
        internet.delegate(f"dead{number}.", f"10.9.0.{1 + number % 60}", f"10.9.1.{1 + number % 60}")


def _many(by_stream: bool) -> Callable[[Hostile], None]:
    def build(internet: Hostile) -> None:
        hosts = [f"n{number}.victim." for number in range(1500)]
        script = _hands_out("evil.", hosts)
        internet.weapon("evil.", only_by_stream(script) if by_stream else script)
        internet.zone("victim.")

    return build


def _deep(internet: Hostile) -> None:
    """Each label of a long name is a zone of its own, on one server."""
    where: list[str] = []

    def script(query: Message, transport: Transport) -> Said:
        name = names.from_text(asked(query))
        # The zone that asks is not to be seen from a query: each cut is handed out once, from the top.
        for depth in range(2, names.depth(name) + 1):
            zone = names.to_text(names.last_labels(name, depth))
            if zone not in handed:
                handed.add(zone)
                return referral(query, zone, [f"ns.{zone}"], [(f"ns.{zone}", where[0])])
        return nothing(query, names.to_text(name))

    handed: set[str] = set()
    where += internet.weapon("evil.", script)


DEEP: Final = ".".join("x" for _ in range(120)) + ".evil."


def _self_referential(internet: Hostile) -> None:
    def script(query: Message, transport: Transport) -> Said:
        return referral(query, "sub.evil.", ["ns1.sub.evil.", "ns2.sub.evil."])

    internet.weapon("evil.", script)


def _cyclic(internet: Hostile) -> None:
    def script(query: Message, transport: Transport) -> Said:
        name = asked(query)
        zone, other = ("a.evil.", "b.evil.") if name.endswith("a.evil.") else ("b.evil.", "a.evil.")
        return referral(query, zone, [f"ns1.{other}", f"ns2.{other}"])

    internet.weapon("evil.", script)


def _cyclic_apart(internet: Hostile) -> None:
    """Two zones that the root delegates to one another, without glue."""
    internet.delegate_by(
        "evil. 3600 IN NS ns1.wicked.",
        "evil. 3600 IN NS ns2.wicked.",
        "wicked. 3600 IN NS ns1.evil.",
        "wicked. 3600 IN NS ns2.evil.",
    )


def _to_itself(internet: Hostile) -> None:
    """Servers that refer to the zone that was asked, again and again."""

    def script(query: Message, transport: Transport) -> Said:
        return referral(query, "evil.", ["ns1.evil.", "ns2.evil."])

    internet.weapon("evil.", script)


def _upward(internet: Hostile) -> None:
    internet.weapon("evil.", lambda query, transport: referral(query, ".", ["a.root."]))


def _sideways(internet: Hostile) -> None:
    internet.weapon("evil.", lambda query, transport: referral(query, "victim.", ["ns1.victim."]))
    internet.zone("victim.")


def _lame(rcode: int) -> Callable[[Hostile], None]:
    def build(internet: Hostile) -> None:
        internet.weapon("evil.", lambda query, transport: reply(query.question, aa=False, rcode=rcode))

    return build


def _silent(servers: int) -> Callable[[Hostile], None]:
    def build(internet: Hostile) -> None:
        internet.delegate("evil.", *(f"10.9.0.{1 + number}" for number in range(servers)))

    return build


def _silent_below(internet: Hostile) -> None:
    hosts = ["ns1.sub.evil.", "ns2.sub.evil."]
    internet.weapon("evil.", _hands_out("evil.", hosts, [(hosts[0], "10.9.0.1"), (hosts[1], "10.9.0.2")]))


def _silent_addresses(internet: Hostile) -> None:
    for number in range(200):
        name = f"ns{number % 4}.evil."
        if number < 4:
            internet.delegate_by(f"evil. 3600 IN NS {name}")
        internet.delegate_by(f"{name} 3600 IN A 10.9.{number // 50}.{1 + number % 50}")


NXNS: Final = "NXNS with 95 names"
SILENT: Final = "silent servers"
CYCLIC: Final = "self-referential and cyclic delegations"
LAME: Final = "upward referrals and lame servers"

ATTACKS: Final = (
    Attack(NXNS, "that do not exist", 9, _nxns, "www.evil."),
    Attack(NXNS, "that have no address", 9, _nxns_without_addresses, "www.evil."),
    Attack(NXNS, "at which nobody replies", 10, _nxns_silent, "www.evil.", ours=True),
    Attack("NXNS into a dead zone", "of 2 silent servers", 7, _nxns_dead, "www.evil."),
    Attack("NXNS into a dead zone", "of 95 dead zones", 23, _nxns_many_dead, "www.evil.", ours=True),
    Attack("delegation with 1,500 NS", "in a datagram", 3, _many(False), "www.evil."),
    Attack("delegation with 1,500 NS", "over TCP, after TC", 4, _many(True), "www.evil.", ours=True),
    Attack("deep cuts", "at each of 120 labels", 35, _deep, DEEP, servers="2, then 1 each"),
    Attack(SILENT, "2 NS", 6, _silent(2), "www.evil."),
    Attack(SILENT, "2 NS, below a zone that replies", 6, _silent_below, "www.sub.evil."),
    Attack(SILENT, "200 addresses", 8, _silent_addresses, "www.evil.", servers="4, with 50 addresses each"),
    Attack(CYCLIC, "names in the zone itself", 4, _self_referential, "www.sub.evil."),
    Attack(CYCLIC, "two zones of one owner", 4, _cyclic, "www.a.evil."),
    Attack(CYCLIC, "two zones below the root", 4, _cyclic_apart, "www.evil."),
    Attack(CYCLIC, "a zone to itself", 4, _to_itself, "www.evil."),
    Attack(LAME, "to the root", 4, _upward, "www.evil."),
    Attack(LAME, "sideways", 4, _sideways, "www.evil."),
    Attack(LAME, "no authority", 4, _lame(0), "www.evil."),
    Attack(LAME, "REFUSED", 4, _lame(5), "www.evil."),
    Attack(LAME, "SERVFAIL", 4, _lame(2), "www.evil."),
)
"""In the order of the table."""
