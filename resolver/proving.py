"""Decides what proves answers: where the chain of trust begins, and who asks for keys that are followed; nothing where
the configuration does not validate.

Limits: what takes `cryptography` is loaded when it is needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from resolver.dnssec.anchors import of_rrset
from resolver.trusted import Trusted, trusted

if TYPE_CHECKING:
    from resolver.dnssec.trust import Trust
    from resolver.pipeline.resolved import Resolved
    from resolver.rolling import Rolling
    from resolver.setting import Setting


class Proving(NamedTuple):
    """What is believed, and the trust that begins there."""

    believed: Trusted
    trust: Trust


def proving(setting: Setting) -> Proving | None:
    """What proves answers by `setting`; None where nothing is to be proven, or there is nothing to begin from. Raises
    `ConfigError`."""
    config = setting.config
    if not config.dnssec.validation:
        return None
    signed = None if setting.world is None else setting.world.trust_anchor
    believed = trusted(config, setting.tools.clock.wall(), None if signed is None else of_rrset(signed))
    if not believed.anchors and believed.following is None:
        return None
    return Proving(believed, _trust(setting, believed))


def apart(setting: Setting, proven: Proving | None, *, gaps: bool = True) -> Proving | None:
    """The same beliefs, with a trust of its own: what is proven on one branch is not told on another. Without `gaps` no
    denial answers for other names than were asked."""
    return None if proven is None else Proving(proven.believed, _trust(setting, proven.believed, gaps=gaps))


def _trust(setting: Setting, believed: Trusted, *, gaps: bool = True) -> Trust:
    from resolver.dnssec.denial import Iterations
    from resolver.dnssec.gaps import Gaps
    from resolver.dnssec.trust import Trust

    settings, transcript = setting.config.dnssec, setting.tools.transcript
    return Trust(
        believed.anchors,
        setting.tools.clock,
        negatives=believed.negatives,
        iterations=Iterations(settings.nsec3_iterations_insecure, settings.nsec3_iterations_max),
        gaps=Gaps() if settings.aggressive and gaps else None,
        noting=None if transcript is None else transcript.proven,
    )


def rolling(
    setting: Setting,
    proving: Proving | None,
    resolved: Resolved,
    loop: asyncio.AbstractEventLoop | None,
    *,
    keeps: bool,
    others: Iterable[Trust] = (),
) -> Rolling | None:
    """What asks `resolved` for the keys of zones that are followed, if there are any; see `rolling.Rolling`. What it
    finds is believed by `others`, too."""
    if proving is None or proving.believed.following is None:
        return None
    from resolver.rolling import Rolling

    def believe() -> None:
        for trust in (proving.trust, *others):
            trust.believe(proving.believed.anchors)

    clock, log = setting.tools.clock, setting.log
    return Rolling(proving.believed.following, resolved.renew, believe, clock=clock, log=log, loop=loop, keeps=keeps)
