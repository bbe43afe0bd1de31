"""Which keys are believed without proof: those of the configuration, of the simulated world, or of the Internet.

Rules
* What is built in is the simulated world's own anchor with `roots = "simulated"`, the keys of the Internet's root with
  `"internet"`, and nothing with `"file"`: whose root that is nobody knows but who wrote the file.
* What the configuration says of a zone takes the place of what is built in for it; so does what is known of a zone
  whose keys are followed (RFC 5011), also when nothing of it is believed any more.
* A zone is configured for good or followed, never both: a key that is configured for good would outlive its revocation.

Limits: files are read now, and again at a reload. Nothing here asks for keys; `dnssec.following` says what is due.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from resolver.dnssec import anchors
from resolver.dnssec.anchors import Anchor
from resolver.dnssec.negative import NegativeAnchors
from resolver.errors import ConfigError
from resolver.wire import names

if TYPE_CHECKING:
    from resolver.config import Config
    from resolver.dnssec.following import Following


class Trusted(NamedTuple):
    """What a configuration says: anchors by zone without those of zones that are `following`, which change."""

    configured: dict[bytes, Anchor]
    negatives: NegativeAnchors
    following: Following | None = None

    @property
    def anchors(self) -> dict[bytes, Anchor]:
        """What is believed at the moment, by zone."""
        return self.configured if self.following is None else {**self.configured, **self.following.anchors}


def trusted(config: Config, wall: float, world: Anchor | None = None) -> Trusted:
    """What `config` says is to be believed at `wall`, in seconds since 1970; `world` is the anchor of the simulated
    world.

    Raises `ConfigError` with a line for each problem.
    """
    settings = config.dnssec
    following = None
    problems = []
    if settings.auto_trust_anchor_file is not None:
        from resolver.dnssec.following import Following  # with `cryptography`, which few need

        try:
            following = Following.begin(settings.auto_trust_anchor_file, wall)
        except ConfigError as wrong:
            problems.append(str(wrong))
    found: dict[bytes, Anchor] = {}
    try:
        found = anchors.gather(settings.trust_anchors, settings.trust_anchor_files, wall)
    except ConfigError as wrong:
        problems.append(str(wrong))
    if following is not None:
        problems += [
            f"{settings.auto_trust_anchor_file}: {names.to_text(zone)} has an anchor among trust_anchors or"
            " trust_anchor_files too, which would outlive its revocation; keep one of the two"
            for zone in sorted(found.keys() & set(following.zones))
        ]
    if problems:
        raise ConfigError("\n".join(problems))
    spoken_for = found.keys() | (set() if following is None else set(following.zones))
    built_in = _built_in(config, world)
    if built_in is not None and built_in.zone not in spoken_for:
        found[built_in.zone] = built_in
    return Trusted(found, NegativeAnchors(settings.negative_trust_anchors), following)


def _built_in(config: Config, world: Anchor | None) -> Anchor | None:
    match config.resolver.roots:
        case "simulated":
            return world
        case "internet":
            return anchors.INTERNET
        case "file":
            return None
