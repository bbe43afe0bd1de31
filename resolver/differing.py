"""Decides what a change of settings or of the world makes the resolver forget.

Rules: of another internet, or with other beliefs, nothing that is held may be told: the caches begin anew. A negative
trust anchor that comes or goes, and a trust anchor whose file has changed, concern what is below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from resolver.config import Config
from resolver.pipeline.knowledge import Known

if TYPE_CHECKING:
    from resolver.auth.hierarchy import World


def origin(config: Config, world: World | None) -> tuple[object, ...]:
    """Which internet is resolved, and what is believed of it; the key of the world's root is a part of that."""
    believed = config.dnssec.model_copy(update={"negative_trust_anchors": ()})
    anchor = None if world is None else world.trust_anchor
    return config.resolver.roots, config.resolver.hints_file, config.world.directory, believed, anchor


def doubted(before: Config, after: Config, known: Known, knowing: Known) -> set[bytes]:
    """The zones, folded, below which nothing that was `known` may be told by who is `knowing` now: those that the
    settings take for unsigned, or no longer, and those whose trust anchors differ, as their files may have changed."""
    changed = _excepted(before) ^ _excepted(after)
    if known.trust is not None and knowing.trust is not None:
        old, new = known.trust.anchors, knowing.trust.anchors
        changed |= {zone for zone in old.keys() | new.keys() if old.get(zone) != new.get(zone)}
    return changed


def _excepted(config: Config) -> set[bytes]:
    return {each.zone for each in config.dnssec.negative_trust_anchors}
