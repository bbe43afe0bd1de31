"""Decides what the endpoints of Let's Encrypt's challtestsrv do here: the same requests, answered by a DNS internet.

Rules
* A host that no declared zone encloses gets a zone: of its last two labels, or of one more than an automatic parent
  has. It goes again when nothing is in it. A top-level domain counts as no zone that encloses a host.
* Records are as in any zone: a CNAME stands alone, names exist or not. `add` and `set-txt` add, `clear` takes all of
  the type; to clear what is not there is no error.
* A default address is the answer for whatever nobody declared: a wildcard (RFC 4592) at the root, at top-level domains
  and at parents that appeared by themselves, and in the zones that were made here a wildcard and the address at each
  name that has no other. Zones that somebody else declared have none of it.
* SERVFAIL is a fault of the servers, for that name alone.
* What was changed is forgotten by the resolver's own cache, and TTLs are 0, so that no other one keeps it.

Limits: what was put there as a default and has become somebody's data since is taken away with the default. HTTP-01 and
TLS-ALPN-01 responses are none of a DNS server's business.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from resolver.control.changing import change, plan_of
from resolver.control.table import Inside
from resolver.errors import InputError
from resolver.network.faults import rule
from resolver.wire import names, types

if TYPE_CHECKING:
    from resolver.auth.plan import Plan

TTL: Final = 0
LABELS: Final = 2
"""Labels of a zone that is made for a host, as in letsencrypt.org."""

MAX_STRING: Final = 255
"""Octets of a character-string (RFC 1035 section 3.3)."""

SERVFAIL: Final = "servfail"

MAX_CLEARED: Final = 10_000
"""Hosts of which messages are not told any more; beyond it the oldest are told again, if they are still remembered."""

FAMILIES: Final = {"A": ipaddress.IPv4Address, "AAAA": ipaddress.IPv6Address}
_OWN_TYPES: Final = frozenset(map(types.from_text, ("SOA", "NS")))
_ADDRESSES: Final = frozenset(map(types.from_text, FAMILIES))
_SERVERS: Final = (b"\3ns1", b"\3ns2")
_CNAME: Final = types.from_text("CNAME")


@dataclass(slots=True)
class _State:
    defaults: dict[str, str] = field(default_factory=dict)
    """The address for each type, where there is one."""
    zones: set[bytes] = field(default_factory=set)
    """Apexes, folded, of the zones that were made here."""
    placed: dict[tuple[bytes, str], str] = field(default_factory=dict)
    """Default addresses that are in zones, by owner and type."""
    failing: dict[bytes, int] = field(default_factory=dict)
    """The faults that make names fail."""
    cleared: dict[bytes, int] = field(default_factory=dict)
    """The number of the last message that is not to be told of a name."""

    def copy(self) -> _State:
        """The same, which changes by itself."""
        return _State(dict(self.defaults), set(self.zones), dict(self.placed), dict(self.failing), dict(self.cleared))


Edit: TypeAlias = "Callable[[Plan, _State], object]"
"""Changes both."""


class Challenges:
    """What was asked for by these endpoints, beyond what stands in the plan."""

    def __init__(self) -> None:
        self._now = _State()
        self._plan: Plan | None = None
        """What that is about: after a reload there is another, in which nothing of it stands."""
        self._saved: dict[str, _State] = {}

    # -- what can be asked

    async def add(self, inside: Inside, host: bytes, rtype: str, values: list[str]) -> None:
        """`host` has these records as well. Raises `InputError`."""

        def edit(plan: Plan, state: _State) -> None:
            _enclose(plan, state, host)
            plan.add(names.to_text(host), rtype, values, ttl=TTL)

        await self._change(inside, edit, [host])

    async def set_alias(self, inside: Inside, host: bytes, target: str) -> None:
        """`host` is an alias of `target`. Raises `InputError`."""

        def edit(plan: Plan, state: _State) -> None:
            _enclose(plan, state, host)
            plan.put(names.to_text(host), "CNAME", [target], ttl=TTL)

        await self._change(inside, edit, [host])

    async def clear(self, inside: Inside, host: bytes, rtype: str) -> None:
        """`host` has no records of that type."""

        def edit(plan: Plan, state: _State) -> None:
            if not _is_open(plan, plan.owner(host)):
                plan.remove(names.to_text(host), rtype)
                _abandon(plan, state)

        await self._change(inside, edit, [host])

    async def set_default(self, inside: Inside, rtype: str, address: str) -> None:
        """`address` answers for whatever nobody declared; nothing does where it is empty. Raises `InputError`."""

        def edit(_: Plan, state: _State) -> None:
            if address:
                state.defaults[rtype] = address
            else:
                state.defaults.pop(rtype, None)

        await self._change(inside, edit, [names.ROOT])

    async def fail(self, inside: Inside, host: bytes) -> None:
        """Questions for `host` fail. Raises `InputError`."""
        if host not in self._now.failing:
            await self._change(inside, lambda plan, state: _enclose(plan, state, host), [host])
            wanted = rule({"kind": SERVFAIL, "name": names.to_text(host)})
            self._now.failing[host] = inside.laboratory.faults.add(wanted)
        inside.program.flush(host, False)

    async def fail_no_more(self, inside: Inside, host: bytes) -> None:
        """They do not any more."""
        number = self._now.failing.pop(host, None)
        if number is not None:
            with contextlib.suppress(InputError):  # somebody has cleared it among the faults
                inside.laboratory.faults.clear(number)
            await self._change(inside, _abandon, [host])
        inside.program.flush(host, False)

    def hide(self, host: bytes, number: int) -> None:
        """Messages about `host` up to that number are not told any more."""
        self._now.cleared.pop(host, None)
        self._now.cleared[host] = number
        if len(self._now.cleared) > MAX_CLEARED:
            self._now.cleared.pop(next(iter(self._now.cleared)))

    def hidden(self, host: bytes) -> int:
        """Up to which number they are not."""
        return self._now.cleared.get(host, 0)

    # -- snapshots

    def save(self, name: str) -> None:
        """What is here now is kept under `name`."""
        self._saved[name] = self._now.copy()

    def restore(self, inside: Inside, name: str) -> None:
        """What is here is what was kept under `name`; the faults of names that fail have other numbers by now."""
        self._now, self._plan = self._saved.get(name, _State()).copy(), plan_of(inside)
        there = {str(each.get("name")): each["id"] for each in inside.laboratory.faults.listed() if _fails(each)}
        numbers = {host: there.get(names.to_text(host)) for host in self._now.failing}
        self._now.failing = {host: number for host, number in numbers.items() if isinstance(number, int)}

    def drop(self, name: str) -> None:
        """Nothing is kept under `name`."""
        self._saved.pop(name, None)

    # -- parts

    async def _change(self, inside: Inside, edit: Edit, forget: Iterable[bytes]) -> None:
        """`edit` has changed plan and state, and default addresses stand where they belong; or nothing has changed."""
        state, current = self._now.copy(), plan_of(inside)
        if self._plan is not current:
            state = _State(failing=state.failing, cleared=state.cleared)

        def whole(plan: Plan) -> None:
            _lift(plan, state)
            edit(plan, state)
            _place(plan, state)

        await change(inside, whole, forget)
        self._now, self._plan = state, current


def _fails(fault: Mapping[str, object]) -> bool:
    return fault["kind"] == SERVFAIL and not fault["declared"]


def _enclose(plan: Plan, state: _State, host: bytes) -> None:
    """A declared zone encloses `host`."""
    owner = plan.owner(host)
    if not _is_open(plan, owner):
        return
    above = 0 if owner is None else names.depth(owner)
    apex = names.last_labels(host, min(names.depth(host), max(LABELS, above + 1)))
    plan.zone(names.to_text(apex), {}, ttl=TTL, negative_ttl=TTL)
    state.zones.add(apex)


def _is_open(plan: Plan, apex: bytes | None) -> bool:
    """Whether a host in the zone at `apex` is one that nobody has declared."""
    return apex is None or names.depth(apex) < LABELS or plan.is_automatic(apex)


def _abandon(plan: Plan, state: _State) -> None:
    """Zones that were made here and have nothing in them are gone."""
    zones = plan.world().zones
    for apex in tuple(state.zones):
        zone = zones.get(apex)
        if zone is None or plan.is_automatic(apex):
            state.zones.discard(apex)
        elif not any(_is_data(each.name, each.type, apex) for each in zone) and not any(
            names.is_below(host, apex) for host in state.failing
        ):
            plan.without_zone(names.to_text(apex))
            state.zones.discard(apex)


def _is_data(owner: bytes, rtype: int, apex: bytes) -> bool:
    """Whether somebody has put a record there: a zone has its own, and those of its servers."""
    name = names.fold(owner)
    if name == apex:
        return rtype not in _OWN_TYPES
    return not (rtype in _ADDRESSES and names.parent(name) == apex and name[:4] in _SERVERS)


def _lift(plan: Plan, state: _State) -> None:
    """No default address stands anywhere."""
    for (owner, rtype), address in state.placed.items():
        if plan.owner(owner) is not None:
            plan.remove(names.to_text(owner), rtype, address)
    state.placed.clear()


def _place(plan: Plan, state: _State) -> None:
    """Default addresses stand where they belong."""
    if not state.defaults:
        return
    zones = plan.world().zones
    for apex, zone in zones.items():
        if apex in state.zones:
            owners = _owners(apex, ((names.fold(each.name), each.type) for each in zone))
        elif _is_open(plan, apex) and not names.is_below(apex, _ARPA):
            owners = {b"\1*" + apex: set()}
        else:
            continue
        for owner, held in owners.items():
            for rtype, address in state.defaults.items():
                if types.from_text(rtype) not in held and _CNAME not in held:
                    plan.put(names.to_text(owner), rtype, [address], ttl=TTL)
                    state.placed[owner, rtype] = address


_ARPA: Final = names.from_text("arpa")


def _owners(apex: bytes, held: Iterable[tuple[bytes, int]]) -> Mapping[bytes, set[int]]:
    """The names of a zone, those without records included (RFC 8020), and a wildcard, with the types that each has."""
    found: dict[bytes, set[int]] = {apex: set(), b"\1*" + apex: set()}
    for owner, rtype in held:
        name = owner
        while name != apex:
            found.setdefault(name, set())
            name = names.parent(name)
        found[owner].add(rtype)
    return found


# -- values


def address(text: str, rtype: str) -> str:
    """The address that `text` says, of that type. Raises `InputError`."""
    try:
        return str(FAMILIES[rtype](text))
    except ValueError:
        instead = "write one as 192.0.2.1" if rtype == "A" else "write one as 2001:db8::1"
        raise InputError(f"{text[:64]!r} is no address for {rtype}", instead=instead) from None


def text_rdata(value: str) -> str:
    """A TXT record's data that say `value`: as many character-strings as it takes."""
    octets = value.encode(errors="surrogatepass")
    parts = [octets[at : at + MAX_STRING] for at in range(0, len(octets), MAX_STRING)] or [b""]
    return " ".join(f'"{_escaped(part)}"' for part in parts)


def policy_rdata(tag: str, value: str) -> str:
    """A CAA record's data (RFC 8659 section 4.1). Raises `InputError`."""
    if not (tag.isascii() and tag.isalnum() and len(tag) <= 15):
        raise InputError(f"{tag[:64]!r} is no tag of a CAA record", instead='write one as "issue"')
    return f'0 {tag} "{_escaped(value.encode(errors="surrogatepass"))}"'


def _escaped(octets: bytes) -> str:
    return "".join(f"\\{each:03}" if each in b'"\\' or not 32 <= each < 127 else chr(each) for each in octets)
