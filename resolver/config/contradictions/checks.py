"""Which settings of the checks of one pool cannot stand together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from resolver.config import checks
from resolver.config.contradictions.base import Contradiction

if TYPE_CHECKING:
    from resolver.config.sections import Config
    from resolver.config.sections.pools import Pool

_STREAMS: Final = ("tcp", "tls", "http", "https")
_CERTIFIED: Final = ("tls", "https")
_REQUESTS: Final = ("http", "https")
_OF: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("check_name", "check_type", "check_rcodes", "check_answer"), ("dns",)),
    "check_port": _STREAMS,
    "check_certificate_days": _CERTIFIED,
    "check_host": ("tls", "http", "https"),
    **dict.fromkeys(("check_path", "check_status", "check_body"), _REQUESTS),
}
"""The kinds of checks that a key is for."""


def find(config: Config) -> Iterator[Contradiction]:
    """Every contradiction among the settings of checks in `config`."""
    for name, pool in config.pools.items():
        yield from _of_pool(f"pools.{name}", pool)


def _of_pool(section: str, pool: Pool) -> Iterator[Contradiction]:
    for key, kinds in _OF.items():
        if pool.check not in kinds and getattr(pool, key) != type(pool).model_fields[key].default:
            wanted = " or ".join(f'check = "{kind}"' for kind in kinds)
            what = f'{key} is set, and check = "{pool.check}" has no use for it'
            yield Contradiction(section, key, what, f"remove it, or write {wanted}")
    if pool.check_answer is not None and pool.check == "dns":
        try:
            checks.rdata(pool.check_type, pool.check_answer)
        except ValueError as wrong:
            yield Contradiction(section, "check_answer", str(wrong), "write it as in a zone file, or set check_type")
        if "NOERROR" not in pool.check_rcodes:
            what = "check_answer is set, and no answer with NOERROR is good"
            yield Contradiction(section, "check_rcodes", what, 'add "NOERROR", or remove check_answer')
