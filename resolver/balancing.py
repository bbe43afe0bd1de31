"""What the settings of a pool come to: its policy, and the table of clients that keep their member.

Limits: a policy is made before a reload is known to succeed, so its store is connected to by `begin`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from resolver.balance.choosing import POLICIES, Means
from resolver.balance.hashing import Prefixes
from resolver.balance.sticky import Sticky
from resolver.config.stores import MEMORY
from resolver.errors import ConfigError
from resolver.network.base import Clock, Entropy
from resolver.observe.log import Log

if TYPE_CHECKING:
    from resolver.balance.pool import Policy, Pool
    from resolver.config import Config
    from resolver.config.sections.pools import Pool as Settings
    from resolver.network.shared_table import SharedTable

CHOOSING: Final = (
    *("policy", "mode", "load_bound", "client_ipv4_prefix", "client_ipv6_prefix"),
    *("sticky", "sticky_password", "sticky_s", "sticky_max_clients"),
)
"""The settings of which a policy is made."""


def policy(name: str, settings: Settings, clock: Clock, entropy: Entropy, log: Log) -> Policy:
    """The policy of the pool `name`. `check` has passed."""
    prefixes = Prefixes(settings.client_ipv4_prefix, settings.client_ipv6_prefix)
    made = POLICIES[settings.chosen_by](Means(entropy, clock, prefixes, settings.load_bound))
    if settings.sticky is None:
        return made
    sticky = Sticky(made, prefixes, clock, seconds=settings.sticky_s, maximum=settings.sticky_max_clients)
    if settings.sticky != MEMORY:
        sticky.store = _shared(name, settings, sticky, log)
    return sticky


def check(config: Config) -> None:
    """Raises ConfigError where what the pools of `config` need is not installed."""
    from importlib.util import find_spec

    for name, settings in config.pools.items():
        if settings.sticky not in (None, MEMORY) and find_spec("valkey") is None:
            what = f"pools.{name}.sticky is in a store, for which a library is missing"
            raise ConfigError(what, instead="pip install 'resolverd[valkey]', or write sticky = \"memory\"")


def adjust(pool: Pool, before: Settings, after: Settings, clock: Clock, entropy: Entropy, log: Log) -> None:
    """Members are chosen as `after` says; where it says the same as `before`, whoever is remembered stays so."""
    if any(getattr(before, key) != getattr(after, key) for key in CHOOSING):
        end(pool.policy)
        pool.policy = policy(pool.name, after, clock, entropy, log)
        pool.policy.changed(pool.members)
    pool.slow_start_s = after.slow_start_s
    pool.open_when_all_down = after.when_all_down == "open"


def begin(policy: Policy) -> None:
    """A store that `policy` shares is connected to. Calling it again does nothing."""
    if isinstance(policy, Sticky) and policy.store is not None:
        policy.store.begin()


def counts(policy: Policy) -> dict[str, int]:
    """What is counted of clients that keep their member."""
    sticky = policy if isinstance(policy, Sticky) else None
    store = None if sticky is None else sticky.store
    return {
        "sticky_clients": 0 if sticky is None else len(sticky),
        "sticky_stores": int(store is not None and store.is_there),
        "sticky_untold": 0 if store is None else store.dropped,
    }


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
    return SharedTable(settings.sticky, settings.sticky_password, name, settings.sticky_s, sticky.learn, stands)
