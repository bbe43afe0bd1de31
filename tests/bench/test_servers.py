"""What our own daemon is told in a run is what it can be told, and its authority is that of the others."""

from __future__ import annotations

from pathlib import Path

import dns.name
import pytest

from resolver.auth.hierarchy import load as load_world
from resolver.config.load import load
from tests.bench.hierarchy import ZONE
from tests.bench.servers import AUTHORITY, Arena, resolver_places
from tests.bench.templates import filled


@pytest.mark.parametrize("template", ["resolverd.toml", "resolverd-forwarder.toml", "resolverd-pool.toml"])
def test_our_configuration_is_one(template: str, tmp_path: Path) -> None:
    places = resolver_places(Arena(tmp_path, 0, 0), tmp_path, secure="")
    file = tmp_path / "resolver.toml"
    file.write_text(filled(template, places))
    config = load(file, environ={}).config
    assert [endpoint.port for endpoint in config.server.listen] == [places["port"]]


def test_our_world_has_the_zone_at_the_address_that_is_asked(tmp_path: Path) -> None:
    (tmp_path / "hierarchy.toml").write_text(filled("hierarchy.toml", {"authority": AUTHORITY}))
    served = {server.ipv4: [zone.apex for zone in server.zones] for server in load_world(tmp_path).servers}
    assert served[AUTHORITY] == [dns.name.from_text(ZONE).to_wire()]
