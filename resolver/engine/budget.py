"""How much work one client's query may cause. One budget goes with the query through all it needs and never
resets.

Running out is the asker's failure, not the question's: it is neither cached nor shared with those who joined.
"""

from __future__ import annotations

from dataclasses import dataclass

from resolver.errors import ResolutionFailed

OTHER, NO_REACHABLE_AUTHORITY, NETWORK_ERROR = 0, 22, 23
"""EDE info-codes (RFC 8914 section 4)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Per client query. `exchanges`: messages sent; `depth`: nested questions for addresses of name servers."""

    exchanges: int = 100
    depth: int = 7
    aliases: int = 11
    referrals: int = 32


@dataclass(slots=True)
class Budget:
    """What is left. `deadline` is the monotonic time in seconds at which the client must have its answer."""

    limits: Limits
    deadline: float
    exchanges: int = 0
    aliases: int = 0
    referrals: int = 0

    def spend_exchange(self) -> None:
        """One more message is sent."""
        self.exchanges += 1
        if self.exchanges > self.limits.exchanges:
            raise _exhausted("BUDX", f"more than {self.limits.exchanges} exchanges for one question")

    def spend_alias(self) -> None:
        """One more alias is followed."""
        self.aliases += 1
        if self.aliases > self.limits.aliases:
            raise _exhausted("BUDA", f"a chain of more than {self.limits.aliases} aliases")

    def spend_referral(self) -> None:
        """One more referral is followed."""
        self.referrals += 1
        if self.referrals > self.limits.referrals:
            raise _exhausted("BUDR", f"more than {self.limits.referrals} referrals for one question")

    def check_depth(self, depth: int) -> None:
        """A question at this depth may be asked."""
        if depth > self.limits.depth:
            raise _exhausted("BUDD", f"addresses of name servers nested more than {self.limits.depth} deep")


def _exhausted(tag: str, text: str) -> ResolutionFailed:
    return ResolutionFailed(tag, OTHER, text, label="budget", own_limit=True)
