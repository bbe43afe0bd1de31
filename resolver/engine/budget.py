"""How much work one client's query may cause. One budget goes with the query through all it needs and never resets:
not for an alias, a minimised name, an address of a name server or a restart.

Rules
* A hard limit raises: the question ends in SERVFAIL, and the tag names the limit. A soft one is asked for (`may_...`)
  and what it forbids is left out.
* What is spent in finding one address of a name server (`fetch`) is paid from the question's budget and from one of
  its own, so that a single bad name cannot spend everything.
* A message that could not leave this machine costs nothing (`refund_send`).

Running out is the asker's failure, not the question's, unless it began with the whole budget.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from resolver.errors import ResolutionFailed
from resolver.message import Ede
from resolver.network.base import Endpoint

OTHER, BOGUS, NO_REACHABLE_AUTHORITY, NETWORK_ERROR = 0, 6, 22, 23
"""EDE info-codes (RFC 8914 section 4)."""


FREE_IN_VAIN: Final = 2
"""Minimised names that may be in vain without shortening the chain of aliases: few names have more such labels."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Per client query; the settings of the section `[budget]` say what each is for, and what other resolvers use."""

    sends: int = 100
    sends_per_fetch: int = 50
    depth: int = 7
    referrals: int = 32
    aliases: int = 11
    failed_address_fetches: int = 5
    address_fetches: int = 10
    minimised_names: int = 10
    sends_per_server: int = 3
    sends_to_silent_zone: int = 3
    silent_zone_ms: int = 2500
    signature_checks: int = 32
    rrsigs_per_rrset: int = 8
    keys_per_tag: int = 2
    ds_per_zone: int = 8
    nsec3_hashes: int = 64


class _Spent:
    """What the whole of a query has used, shared by all of its fetches."""

    __slots__ = (
        "aliases",
        "failed_fetches",
        "fetches",
        "in_vain",
        "minimised",
        "nsec3_hashes",
        "places",
        "referrals",
        "signature_checks",
        "silent",
    )

    def __init__(self) -> None:
        self.aliases = self.referrals = self.fetches = self.failed_fetches = self.minimised = self.in_vain = 0
        self.signature_checks = self.nsec3_hashes = 0
        self.silent: dict[bytes, int] = {}
        """Messages by zone, while no server of it had ever replied."""
        self.places: dict[bytes, tuple[Endpoint, ...]] = {}
        """The addresses found, of as many name servers as may be sought."""


class Budget:
    """What is left. `deadline` is the monotonic time in seconds at which the work ends."""

    __slots__ = ("client", "deadline", "limits", "parent", "sends", "spent", "told")

    def __init__(self, limits: Limits, deadline: float, parent: Budget | None = None, client: str = "") -> None:
        self.limits, self.deadline, self.parent = limits, deadline, parent
        self.client = client
        """The address of the client that it is spent for; empty where it is spent for nobody."""
        self.told: tuple[Ede, ...] = ()
        """The extended errors that came with what is answered."""
        self.sends = 0
        self.spent: _Spent = _Spent() if parent is None else parent.spent

    def fetch(self) -> Budget:
        """The budget of finding one address: it has a limit of its own, and all that it spends is spent here too."""
        return Budget(self.limits, self.deadline, self, self.client)

    def spend_send(self) -> None:
        """One more message is sent."""
        self.sends += 1
        if self.parent is not None:
            if self.sends > self.limits.sends_per_fetch:
                raise _exhausted("BUDF", f"more than {self.limits.sends_per_fetch} messages for one name server")
            self.parent.spend_send()
        elif self.sends > self.limits.sends:
            raise _exhausted("BUDX", f"more than {self.limits.sends} messages for one question")

    def refund_send(self) -> None:
        """The last message has not left this machine."""
        self.sends -= 1
        if self.parent is not None:
            self.parent.refund_send()

    def spend_alias(self) -> None:
        """One more alias is followed. Two minimised names in vain, beyond the first two, cost as much (CAMP)."""
        spent = self.spent
        spent.aliases += 1
        if spent.aliases + max(0, spent.in_vain - FREE_IN_VAIN) / 2 > self.limits.aliases:
            raise _exhausted("BUDA", f"a chain of more than {self.limits.aliases} aliases")

    def spend_referral(self) -> None:
        """One more referral is followed."""
        self.spent.referrals += 1
        if self.spent.referrals > self.limits.referrals:
            raise _exhausted("BUDR", f"more than {self.limits.referrals} referrals for one question")

    def check_depth(self, depth: int) -> None:
        """A question at this depth may be asked."""
        if depth > self.limits.depth:
            raise _exhausted("BUDD", f"addresses of name servers nested more than {self.limits.depth} deep")

    def may_fetch(self, under_way: int = 0) -> bool:
        """Whether the addresses of one more name server may be sought, if those `under_way` fail, too."""
        spent, limits = self.spent, self.limits
        most = limits.failed_address_fetches
        return spent.fetches < limits.address_fetches and spent.failed_fetches + under_way < most

    def spend_fetch(self) -> None:
        """The addresses of one more name server are sought."""
        self.spent.fetches += 1

    def fetched(self, name: bytes, places: tuple[Endpoint, ...]) -> None:
        """The name server `name` turned out to have these addresses."""
        self.spent.places[name] = places

    def places_of(self, name: bytes) -> tuple[Endpoint, ...]:
        """The addresses that were found of the name server `name`: what comes next to its zone need not seek them."""
        return self.spent.places.get(name, ())

    def spend_failed_fetch(self) -> None:
        """A name server turned out to have no address."""
        self.spent.failed_fetches += 1

    def check_failed_fetches(self, zone: str) -> None:
        """Name servers without an address have not used up what may be tried of them."""
        if self.spent.failed_fetches >= self.limits.failed_address_fetches:
            most = self.limits.failed_address_fetches
            raise _exhausted("BUDN", f"{zone}: {most} name servers without an address are enough")

    def may_minimise(self) -> bool:
        """Whether one more minimised name may be asked; if so it is counted."""
        if self.spent.minimised >= self.limits.minimised_names:
            return False
        self.spent.minimised += 1
        return True

    def minimised_in_vain(self) -> None:
        """A minimised name led no further down."""
        self.spent.in_vain += 1

    def spend_signature_check(self, count: int = 1) -> None:
        """A signature is checked that takes as much as `count` of the usual ones (KeyTrap, CVE-2023-50387)."""
        self.spent.signature_checks += count
        most = self.limits.signature_checks
        if self.spent.signature_checks > most:
            raise _unproven("BUDS", f"more than {most} signatures to check for one question")

    def may_prove_again(self) -> bool:
        """Whether less than half of the signature checks is spent, so that another reply may be worth its price."""
        return 2 * self.spent.signature_checks < self.limits.signature_checks

    def spend_nsec3_hash(self, count: int = 1) -> None:
        """`count` more names are hashed (CVE-2023-50868)."""
        self.spent.nsec3_hashes += count
        most = self.limits.nsec3_hashes
        if self.spent.nsec3_hashes > most:
            raise _unproven("BUDH", f"more than {most} names to hash for one question")

    def is_silent_from_the_first(self, zone: bytes) -> bool:
        """Whether nothing has been sent to `zone` yet, as far as it is silent."""
        return zone not in self.spent.silent

    def may_send_to_silent(self, zone: bytes) -> bool:
        """Whether one more message may go to `zone`, no server of which has ever replied."""
        return self.spent.silent.get(zone, 0) < self.limits.sends_to_silent_zone

    def spend_send_to_silent(self, zone: bytes, count: int = 1) -> None:
        """`count` more messages go to `zone`, no server of which has ever replied."""
        self.spent.silent[zone] = self.spent.silent.get(zone, 0) + count

    def heard_from(self, zone: bytes) -> None:
        """A server of `zone` has replied."""
        self.spent.silent.pop(zone, None)


def _exhausted(tag: str, text: str) -> ResolutionFailed:
    return ResolutionFailed(tag, OTHER, text, label="budget", own_limit=True)


def _unproven(tag: str, text: str) -> ResolutionFailed:
    """What ends a proof: nothing is believed then, nor is anything told that has expired.

    It says nothing of what was asked on the way, as all that is shared by what nests: so nobody can have the keys of
    others taken for broken.
    """
    return ResolutionFailed(tag, BOGUS, text, label="bogus", own_limit=True)
