"""Every attack, in the order of the table in docs/robustness.md."""

from __future__ import annotations

from typing import Final

from tests.robustness import aliases, delegations, keytrap, replies
from tests.robustness.world import Attack

ATTACKS: Final[tuple[Attack, ...]] = (*delegations.ATTACKS, *aliases.ATTACKS, *replies.ATTACKS, *keytrap.ATTACKS)
