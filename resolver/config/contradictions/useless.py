"""Which settings of a pool nothing would come of, for what they are about is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from resolver.config.contradictions.base import Contradiction
from resolver.config.upstreams import SYSTEM
from resolver.message import Transport

if TYPE_CHECKING:
    from resolver.config.sections import Config
    from resolver.config.sections.pools import Pool

_ENCRYPTED: Final = (Transport.TLS, Transport.HTTPS)


class _About(NamedTuple):
    """Keys that are for pools of one kind: which those are, what is so of others, what makes one of that kind."""

    keys: tuple[str, ...]
    fits: Callable[[Pool], bool]
    otherwise: str
    instead: str


_KEYS: Final = (
    _About(
        ("sticky_s", "sticky_max_clients"),
        lambda pool: pool.sticky is not None,
        "no client keeps its member",
        'sticky = "memory"',
    ),
    _About(
        ("load_bound",),
        lambda pool: pool.chosen_by == "consistent-hash",
        "the policy does not look at it",
        'policy = "consistent-hash"',
    ),
    _About(
        ("client_ipv4_prefix", "client_ipv6_prefix"),
        lambda pool: pool.sticky is not None or pool.mode == "relay" or pool.chosen_by == "client-hash",
        "nothing looks at clients",
        'policy = "client-hash"',
    ),
    _About(("resolv_conf",), lambda pool: pool.members == SYSTEM, "the members are listed", f'members = "{SYSTEM}"'),
    _About(
        ("https_method",),
        lambda pool: bool(_kinds(pool) & {Transport.HTTPS}),
        "no member is asked over HTTPS",
        "a member as https://",
    ),
    _About(
        ("tls_ca",),
        lambda pool: pool.check in ("tls", "https") or not _kinds(pool).isdisjoint(_ENCRYPTED),
        "no certificate is looked at",
        "a member as tls:// or https://",
    ),
    _About(
        ("relay_timeout_ms", "relay_max_pending", "relay_max_streams", "relay_idle_s"),
        lambda pool: pool.mode == "relay",
        'mode is "forward"',
        'mode = "relay"',
    ),
    _About(
        ("retry_ms", "hedge_percent"),
        lambda pool: pool.mode == "forward",
        "a relay asks nobody twice",
        'mode = "forward"',
    ),
)


def find(config: Config) -> Iterator[Contradiction]:
    """Each such setting of `config`."""
    for name, pool in config.pools.items():
        for about in _KEYS:
            if about.fits(pool):
                continue
            for key in about.keys:
                if getattr(pool, key) != type(pool).model_fields[key].default:
                    what = f"{key} is set, but {about.otherwise}"
                    yield Contradiction(f"pools.{name}", key, what, f"write {about.instead}, or remove {key}")


def _kinds(pool: Pool) -> set[Transport]:
    """How members of `pool` are asked; those of the system over UDP."""
    return set() if pool.members == SYSTEM else {each.upstream.transport for each in pool.members}
