"""Which settings about pools, forward zones and stub zones cannot stand together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resolver.config.contradictions.base import Contradiction

if TYPE_CHECKING:
    from resolver.config.sections import Config


def find(config: Config) -> Iterator[Contradiction]:
    """Every contradiction among these settings of `config`."""
    for zone in sorted(config.resolver.stub_zones.keys() & config.resolver.forward_zones.keys()):
        what = f'"{zone}" is both a stub zone and a forward zone'
        yield Contradiction("resolver", "forward_zones", what, "keep one of the two")

    for key, zones in (("forward_zones", config.resolver.forward_zones), ("stub_zones", config.resolver.stub_zones)):
        for zone, servers in zones.items():
            for endpoint in servers:
                if endpoint in config.server.listen:
                    what = f'"{zone}" is to be asked of {endpoint}, where this daemon itself listens'
                    yield Contradiction("resolver", key, what, "name another server")
