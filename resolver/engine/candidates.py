"""Which server of a zone is asked next, how long its reply is waited for, and when enough has been tried.

Rules
* Servers are tried in the order that their round-trip times suggest, those lame for the zone last; each once before any
  is tried again. A retry to the same server waits twice as long.
* One question is sent to a server at most `Limits.sends_per_server` times over UDP, and as often over TCP.
* While no server of the zone has ever replied, `Limits.sends_to_silent_zone` messages are all it gets from one client
  query, and `Limits.silent_zone_ms` the time, so that a dead zone fails fast. The last of them goes over TCP,
  which does not get lost, and reaches those whose datagrams are dropped; it is waited for longest.
* A server that recurses on our behalf may take as long as the client waits; it is asked again more slowly.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from resolver.engine.budget import Budget
from resolver.engine.delegation import Delegation
from resolver.engine.knowledge import ServerKnowledge
from resolver.engine.outcome import Fault
from resolver.network.base import Endpoint, Trouble

TCP_TIMEOUT_S: Final = 2.0
RECURSED_TIMEOUT_S: Final = 0.8
"""A server that recurses on our behalf is given time to do so before it is asked again."""
LONGEST_WAIT_S: Final = 2.0
"""So that a question which began while the network was down is soon asked again when it is back."""
_LEAST_S: Final = 0.05


class Candidate:
    """A server that may still be asked. `tries` counts messages of one kind, `sent` all over the transport in use."""

    __slots__ = ("at_once", "edns", "endpoint", "name", "new_cookie", "sent", "tcp", "tries")

    def __init__(self, endpoint: Endpoint, name: bytes, edns: bool, tcp: bool) -> None:
        self.endpoint, self.name, self.edns, self.tcp = endpoint, name, edns, tcp
        self.tries = self.sent = 0
        self.new_cookie = self.at_once = False

    def turn_to_tcp(self, *, at_once: bool = True) -> None:
        """It is asked over TCP from now on; `at_once`, before others, since it has more to say."""
        if not self.tcp:
            self.tcp, self.tries, self.sent, self.at_once = True, 0, 0, at_once

    def turn_to_plain(self) -> None:
        """It is asked without EDNS from now on."""
        self.edns, self.tries = False, 0

    def turn_to_new_cookie(self) -> None:
        """It is asked once more, with the cookie that it has given, and then over TCP (RFC 7873 section 5.3)."""
        if self.new_cookie:
            self.turn_to_tcp()
        elif not self.tcp:
            self.new_cookie, self.tries, self.at_once = True, max(0, self.tries - 1), True


Why = Trouble | Fault | str
"""What became of a server: not heard, heard in vain, or something for which there is no word yet."""


class Candidates:
    """The servers of `delegation` that may be asked the one question that `budget` pays for."""

    __slots__ = (
        "anyone_replied",
        "budget",
        "delegation",
        "dismissed",
        "recursed",
        "sent",
        "servers",
        "waited",
        "waiting",
        "without",
    )

    def __init__(
        self,
        delegation: Delegation,
        servers: ServerKnowledge,
        budget: Budget,
        recursed: bool,
        without: Endpoint | None = None,
    ) -> None:
        self.delegation, self.servers, self.budget, self.recursed = delegation, servers, budget, recursed
        self.waiting: dict[Endpoint, Candidate] = {}
        self.dismissed: list[tuple[Candidate, Why]] = []
        self.without = without
        """One that has replied already, and is not asked again."""
        self.anyone_replied = without is not None
        self.sent = False
        """Something left this machine."""
        self.waited = 0.0

    def add(self, name: bytes, endpoints: Iterable[Endpoint]) -> None:
        """`endpoints` are addresses of the name server `name`."""
        gone = [candidate.endpoint for candidate, _ in self.dismissed] if self.dismissed else ()
        for endpoint in endpoints:
            if endpoint not in self.waiting and endpoint not in gone and endpoint != self.without:
                knows_edns, keeps_case, has_replied = self.servers.standing(endpoint)
                tcp = not keeps_case or endpoint in self.delegation.streams
                self.waiting[endpoint] = Candidate(endpoint, name, knows_edns, tcp)
                if has_replied:
                    self.anyone_replied = True

    @property
    def patient(self) -> bool:
        """Whether silence is put down to the way there, and not to a dead zone."""
        return self.anyone_replied or self.recursed

    @property
    def may_listen(self) -> bool:
        """Whether a message that was sent may still be replied to, and there is time to wait for that."""
        silent = any(why is Trouble.TIMEOUT for _, why in self.dismissed)
        return self.sent and self.left_s > 0 and (silent or not self.patient)

    @property
    def left_s(self) -> float:
        """Seconds for which silence may still be waited for."""
        return self.budget.limits.silent_zone_ms / 1000 - self.waited

    @property
    def exhausted(self) -> bool:
        """Whether the zone is silent and has had all that it gets."""
        if self.patient:
            return False
        return self.left_s <= 0 or not self.budget.may_send_to_silent(self.delegation.zone)

    def next(self, *, only_fresh: bool) -> Candidate | None:
        """The server to ask now; None when all is tried, or, with `only_fresh`, when each was tried once."""
        if not self.waiting or (not (self.anyone_replied or self.recursed) and self.exhausted):
            return None
        most = self.budget.limits.sends_per_server
        if len(self.waiting) == 1:
            (only,) = self.waiting.values()
            wanted = only.sent < most and (only.at_once or not (only.tries and only_fresh))
            return only if wanted else None
        left = [each for each in self.waiting.values() if each.sent < most]
        for each in left:
            if each.at_once:
                return each
        fewest = min((each.tries for each in left), default=most)
        if not left or (fewest and only_fresh):
            return None
        fresh = [each.endpoint for each in left if each.tries == fewest]
        return self.waiting[self.servers.ordered(fresh, self.delegation.zone)[0]]

    def send_to(self, candidate: Candidate) -> float:
        """`candidate` is sent one more message, which is paid for. The seconds to wait for its reply."""
        self.budget.spend_send()
        if self.anyone_replied or self.recursed:
            seconds = TCP_TIMEOUT_S if candidate.tcp else self._timeout(candidate)
        else:
            zone = self.delegation.zone
            first = self.budget.is_silent_from_the_first(zone)
            self.budget.spend_send_to_silent(zone)
            seconds = self.left_s
            if not first and not self.budget.may_send_to_silent(zone):
                candidate.turn_to_tcp(at_once=False)  # the last
            else:
                seconds = min(seconds, TCP_TIMEOUT_S if candidate.tcp else self._timeout(candidate))
            seconds = max(_LEAST_S, seconds)
        candidate.at_once = False
        candidate.tries += 1
        candidate.sent += 1
        return seconds

    def refund(self) -> None:
        """The last message has not left this machine."""
        self.budget.refund_send()
        if not self.patient:
            self.budget.spend_send_to_silent(self.delegation.zone, -1)

    def replied(self) -> None:
        """A server of the zone has said something."""
        self.sent = self.anyone_replied = True
        if self.budget.spent.silent:
            self.budget.heard_from(self.delegation.zone)

    def dismiss(self, candidate: Candidate, why: Why) -> None:
        """`candidate` is not asked this question again."""
        self.dismissed.append((candidate, why))
        self.waiting.pop(candidate.endpoint, None)

    def _timeout(self, candidate: Candidate) -> float:
        """The seconds that it takes a datagram to be worth no more waiting."""
        first = self.servers.timeout(candidate.endpoint)
        if self.recursed and first < RECURSED_TIMEOUT_S:
            first = RECURSED_TIMEOUT_S
        seconds = first * float(1 << candidate.tries) if candidate.tries else first
        return seconds if seconds < LONGEST_WAIT_S else LONGEST_WAIT_S
