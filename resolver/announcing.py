"""Decides what the log says of a daemon that has started.

Rules: whoever forwards everything does not iterate, so nothing is said of roots then. Answers that are to be proven and
for which there is no trust anchor would be believed in silence, so that is a warning.
"""

from __future__ import annotations

from pathlib import Path

from resolver.config import Config
from resolver.observe.log import Log


def announce(log: Log, config: Config, file: Path | None, workers: int | None = None) -> None:
    """The log has said how a daemon with this `config` of `file` works, and its `workers` if it has several."""
    ours = config.resolver
    if not config.forwards_all:
        log.info("started", mode=ours.mode, roots=ours.roots, config=file, workers=workers)
        return
    log.info("started", mode="forwarding", to=config.pool_of("."), config=file, workers=workers)
    if _unproven(config):
        instead = "set resolver.roots = internet, or dnssec.validation = false if that is meant"
        log.warning("nothing_validated", problem="there is no trust anchor", instead=instead)


def _unproven(config: Config) -> bool:
    """Whether answers shall be proven, and there is nothing to begin from."""
    ours = config.dnssec
    given = ours.trust_anchors or ours.trust_anchor_files or ours.auto_trust_anchor_file is not None
    return ours.validation and not given and config.resolver.roots != "internet" and not config.world_served
