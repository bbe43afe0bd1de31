"""What the settings of a pool come to: its policy, and the table of clients that keep their member.

Limits: a store is connected to when its policy is made, and left when the policy is ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from resolver.balance.choosing import POLICIES, Means
from resolver.balance.hashing import Prefixes
from resolver.balance.sticky import Sticky
from resolver.config.stores import MEMORY
from resolver.errors import ConfigError
from resolver.network.base import Clock, Entropy
from resolver.observe.log import Log

if TYPE_CHECKING:
    from resolver.balance.pool import Policy
    from resolver.config.sections.pools import Pool as Settings
    from resolver.network.shared_table import SharedTable


def policy(name: str, settings: Settings, clock: Clock, entropy: Entropy, log: Log) -> Policy:
    """The policy of the pool `name`. Raises ConfigError where a library is missing."""
    prefixes = Prefixes(settings.client_prefix_v4, settings.client_prefix_v6)
    made = POLICIES[settings.chosen_by](Means(entropy, clock, prefixes, settings.load_bound))
    if settings.sticky is None:
        return made
    sticky = Sticky(made, prefixes, clock, seconds=settings.sticky_s, maximum=settings.sticky_max_clients)
    if settings.sticky != MEMORY:
        sticky.store = _shared(name, settings, sticky, log)
    return sticky


def end(policy: Policy) -> None:
    """Nothing of `policy` is under way any more."""
    if isinstance(policy, Sticky):
        policy.close()


def _shared(name: str, settings: Settings, sticky: Sticky, log: Log) -> SharedTable:
    from resolver.network.shared_table import SharedTable

    def stands(is_there: bool, why: str) -> None:
        if is_there:
            log.info("sticky_store", pool=name, state="up")
        else:
            log.warning("sticky_store", pool=name, state="down", reason=why)

    assert settings.sticky is not None
    try:
        made = SharedTable(settings.sticky, settings.sticky_password, name, settings.sticky_s, sticky.learn, stands)
    except ImportError:
        what = f"pools.{name}.sticky is in a store, for which a library is missing"
        raise ConfigError(what, instead="pip install 'resolverd[valkey]', or write sticky = \"memory\"") from None
    made.begin()
    return made
