"""How many examples each property is shown, and whether they are the same each time.

`gate` is what `make test` runs: derandomised, no deadline, few examples. `fuzz` is what `make fuzz` runs again and
again until its time is up: random, no deadline. RESOLVER_PROFILE chooses; the gate is the default.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

_PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "gate", derandomize=True, deadline=None, max_examples=80, suppress_health_check=_SLOW, phases=_PHASES
)
settings.register_profile(
    "fuzz", derandomize=False, deadline=None, max_examples=120, suppress_health_check=_SLOW, phases=_PHASES
)

PROFILE = settings.get_profile(os.environ.get("RESOLVER_PROFILE", "gate"))


def examples(share: float = 1.0) -> settings:
    """The profile with a share of its examples, for properties that cost more or less than others."""
    return settings(PROFILE, max_examples=max(1, int(PROFILE.max_examples * share)))
