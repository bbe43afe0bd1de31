from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resolver.config import load
from resolver.errors import ConfigError

POOLS = "[pools.office]\nmembers = ['192.0.2.1']\n"


def problems(text: str, directory: Path) -> list[str]:
    file = directory / "resolver.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    return str(caught.value).replace(f"{directory}/", "").splitlines()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "forward_zones = {'.' = 'offise'}",
            """resolver.toml:2: ".": there is no pool "offise"; did you mean "office"?""",
        ),
        (
            "forward_zones = {'.' = 'zzz'}",
            """resolver.toml:2: ".": there is no pool "zzz"; add a table [pools.zzz] with its members""",
        ),
        (
            "forward_zones = {'.' = 'office'}\nforward_first = ['test']",
            'resolver.toml:3: "test." is no forward zone; add it to resolver.forward_zones, or remove it here',
        ),
        (
            "forward_zones = {'a' = 'office'}\nstub_zones = {'a' = ['192.0.2.1']}",
            'resolver.toml:2: "a." is both a stub zone and a forward zone; '
            "keep one, or add it to resolver.forward_first",
        ),
        (
            "forward_zones = {'a' = ['127.0.0.1:5300']}",
            'resolver.toml:2: "a." is to be asked of 127.0.0.1:5300, where this daemon itself listens; '
            "name another server",
        ),
    ],
)
def test_what_cannot_stand_together_is_told_with_what_to_write(text, told, tmp_path):
    assert problems(f"[resolver]\n{text}\n{POOLS}", tmp_path) == [told]


def test_a_member_that_is_this_daemon_is_told_at_its_pool(tmp_path):
    text = "[server]\nlisten = ['0.0.0.0:53']\n[pools.office]\nmembers = ['192.0.2.1', '127.0.0.1']\n"
    assert problems(text, tmp_path) == [
        'resolver.toml:4: "office" is to be asked of 127.0.0.1:53, where this daemon itself listens; '
        "name another server"
    ]


def test_a_pool_that_relays_is_none_to_forward_to(tmp_path):
    text = f"[resolver]\nforward_zones = {{'.' = 'office'}}\n{POOLS}mode = 'relay'\nlisten = ['127.0.0.1:5353']\n"
    (line,) = problems(text, tmp_path)
    assert "passes messages on without looking inside" in line, "once"


def made(text: str, directory: Path) -> Any:
    file = directory / "resolver.toml"
    file.write_text(text)
    return load(file, {}).config


def test_a_zone_that_is_forwarded_first_may_be_a_stub_zone_too(tmp_path):
    text = "[resolver]\nforward_zones = {a = ['192.0.2.1']}\nforward_first = ['A.']\nstub_zones = {a = ['192.0.2.2']}\n"
    assert made(text, tmp_path).resolver.forward_first == ("a.",)


def test_a_list_is_a_pool_of_its_own_and_one_of_the_system_needs_no_table(tmp_path):
    zones = "{a = ['192.0.2.1', 'tcp://192.0.2.1'], b = 'system', c = 'office'}"
    config = made(f"[resolver]\nforward_zones = {zones}\n{POOLS}", tmp_path)
    assert [config.pool_of(zone) for zone in ("a.", "b.", "c.")] == ["forward:a.", "system", "office"]
    assert [*config.all_pools] == ["office", "forward:a.", "system"]
    assert [str(each) for each in config.all_pools["forward:a."].members] == [
        "udp://192.0.2.1:53",
        "tcp://192.0.2.1:53",
    ]
    assert (config.all_pools["system"].members, config.all_pools["system"].check) == ("system", "none")


def test_the_simulated_world_is_served_where_it_is_iterated_after_all(tmp_path):
    text = "[resolver]\nforward_zones = {'.' = ['192.0.2.1']}\n"
    assert not made(text, tmp_path).world_served
    assert made(f"{text}forward_first = ['.']\n", tmp_path).world_served


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "members = ['192.0.2.1', 'tls://[2001:db8::1]']\nsource = '192.0.2.9'",
            "resolver.toml:3: source has no address of IPv6, and [2001:db8::1]:853 is one; add one of IPv6, or make "
            "two pools of it",
        ),
        (
            "members = ['192.0.2.1']\nsource = '2001:db8::9'",
            "resolver.toml:3: source has no address of IPv4, and 192.0.2.1:53 is one; add one of IPv4, or make two "
            "pools of it",
        ),
        (
            "members = 'system'\nsource = '192.0.2.9'",
            "resolver.toml:3: source is set, but who stands in a resolv.conf has none; remove it, or list members to "
            "forward to",
        ),
        (
            "members = ['192.0.2.1']\nmode = 'relay'\nlisten = ['127.0.0.1:5301']\nsource = '192.0.2.9'",
            "resolver.toml:5: source is set, but a relay has none; remove it, or list members to forward to",
        ),
    ],
)
def test_a_source_must_be_one_for_all_members(text: str, told: str, tmp_path: Path) -> None:
    assert problems(f"[pools.office]\n{text}\n", tmp_path) == [told]
