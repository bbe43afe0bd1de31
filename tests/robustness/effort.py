"""What it takes to find out that a hostile signed zone proves nothing: checks of signatures, hashes and digests.

Rules
* Counted is what is really done, not what the budget says: each signature where it is checked, each name where it is
  hashed, each key where a DS is compared with it.
* The keys of the root are known by then, as in `world`; all else is of the one question, or of those that are asked.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import dns.rcode

from resolver.dnssec import descent, nsec3
from resolver.dnssec.algorithms import price, verify
from resolver.dnssec.signatures import IN_VAIN
from resolver.engine.actions import Check
from resolver.pipeline.verifying import Inline
from resolver.wire.compression import read_plain
from tests.robustness.keytrap import Laid
from tests.robustness.world import SETTLED_S, Front, in_front_of

_SIGNER = 18
"""Where in what is signed the name of the signer begins (RFC 4034 section 3.1)."""


@dataclass(slots=True)
class Effort:
    """What was done. `rcodes` are those of the responses, in the order of the questions."""

    rcodes: list[str] = field(default_factory=list)
    checks: list[tuple[Check, bool]] = field(default_factory=list)
    """The signatures that were checked, and whether they held."""
    hashes: list[int] = field(default_factory=list)
    """The iterations of each name that was hashed."""
    digests: int = 0
    messages: int = 0

    @property
    def price(self) -> int:
        """Of the checks, as the budget counts them."""
        return sum(price(one.algorithm, one.key) * (1 if good else IN_VAIN) for one, good in self.checks)

    @property
    def work(self) -> int:
        """Of the hashes, as the budget counts them."""
        return sum(1 + iterations // nsec3.ITERATIONS_IN_PRICE for iterations in self.hashes)

    @property
    def signatures_of_a_set(self) -> int:
        """The most signatures that were tried of one set."""
        return _most((one.data[read_plain(one.data, _SIGNER)[1] :], one.signature) for one, _ in self.checks)

    @property
    def keys_of_a_signature(self) -> int:
        """The most keys that were tried with one signature."""
        return _most(((one.data, one.signature), one.key) for one, _ in self.checks)


def _most(pairs: Iterator[tuple[Any, Any]]) -> int:
    """The most different seconds that one first has."""
    return max(Counter(first for first, _ in set(pairs)).values(), default=0)


@contextmanager
def _counted(front: Front, effort: Effort) -> Iterator[None]:
    """What is done inside is counted."""
    hash_name, digest = nsec3.hash_name, descent.digest

    def judged(check: Check) -> bool:
        good = verify(check)
        effort.checks.append((check, good))
        return good

    def hashed(name: bytes, params: nsec3.Params) -> bytes:
        effort.hashes.append(params.iterations)
        return hash_name(name, params)

    def digested(digest_type: int, owner: bytes, dnskey: bytes) -> bytes | None:
        effort.digests += 1
        return digest(digest_type, owner, dnskey)

    driver = front.program._composed.resolved.driver
    with patch.object(nsec3, "hash_name", hashed), patch.object(descent, "digest", digested):
        driver.verifier = Inline(judged)
        yield


def effort(laid: Laid, *rounds: Sequence[str], settings: dict[str, Any] | None = None) -> Effort:
    """What it takes to answer the question of `laid`; or those of each of `rounds`, which are asked side by side."""

    async def main(front: Front) -> Effort:
        seen = Effort()
        with _counted(front, seen):
            for names in rounds or ((laid.name,),):
                heard = await asyncio.gather(*(front.ask(name) for name in names))
                seen.rcodes += [dns.rcode.to_text(dns.rcode.Rcode(message.rcode)) for message, _ in heard]
            await front.internet.clock.advance(SETTLED_S)
        seen.messages = len(front.internet.network.history)
        return seen

    done: Effort = in_front_of(laid.trap.build, main, settings)
    return done
