"""The settings in force, shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resolver.config import load
from resolver.config.effective import to_data, to_toml


def test_what_is_shown_gives_the_same_settings_when_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'hints "x"').touch()
    overrides = {
        "server.listen": ["127.0.0.1:1", "[::]:2"],
        "server.allow": ["192.0.2.0/24", "2001:db8::/32"],
        "server.identity": 'quote " backslash \\ é 😀',
        "resolver.roots": "file",
        "resolver.hints_file": 'hints "x"',
        "resolver.stub_zones": {r"a\.b.test": ["192.0.2.1"], "c.test": ["2001:db8::1", "192.0.2.2:5300"]},
        "server.drain_s": 0.25,
        "dnssec.trust_anchors": ["x. DS 1 8 1 00112233445566778899aabbccddeeff00112233"],
        "dnssec.trust_anchor_files": [str(tmp_path / 'hints "x"')],
        "dnssec.negative_trust_anchors": ["a.test", "b.test until 2026-12-24"],
    }
    shown = to_toml(load(None, {}, overrides))
    again = tmp_path / "again.toml"
    again.write_text(shown)
    first, second = load(None, {}, overrides).config, load(again, {}).config
    assert second.resolver.hints_file == tmp_path / 'hints "x"'
    assert second.model_copy(update={"resolver": first.resolver}) == first
    assert second.resolver.stub_zones == first.resolver.stub_zones


def test_each_setting_says_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "resolver.toml").write_text("[log]\nqueries = true\n")
    lines = to_toml(load(None, {"RESOLVER_LOG__FORMAT": "json"}, {"log.level": "debug"})).splitlines()
    assert "queries = true  # resolver.toml:2" in lines
    assert 'format = "json"  # environment RESOLVER_LOG__FORMAT' in lines
    assert 'level = "debug"  # command line' in lines
    assert "size_mb = 64  # default" in lines
    assert "# port is not set  # default" in lines


def test_settings_can_be_carried_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = to_data(load(None, {}))
    assert json.loads(json.dumps(data)) == data
    assert data["server"]["listen"] == ["127.0.0.1:5300", "[::1]:5300"]
    assert data["world"]["port"] is None


def test_a_secret_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    secret = "00112233445566778899aabbccddeeff"
    loaded = load(None, {"RESOLVER_SERVER__COOKIE_SECRET": secret})
    assert loaded.config.server.cookie_secret == secret
    text, data = to_toml(loaded), to_data(loaded)
    assert secret not in text
    assert secret not in json.dumps(data)
    assert "# cookie_secret is set, and not shown  # environment RESOLVER_SERVER__COOKIE_SECRET" in text.splitlines()
    assert data["server"]["cookie_secret"] == "set, and not shown"
    assert to_data(load(None, {}))["server"]["cookie_secret"] is None


def test_members_and_pins_are_shown_as_they_can_be_written(tmp_path: Path) -> None:
    pins = '"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo="'
    pinned = f'{{ address = "tls://192.0.2.2:853#dns.example", pins = [{pins}] }}'
    written, again = tmp_path / "resolver.toml", tmp_path / "again.toml"
    written.write_text(
        f"""
[resolver]
forward_zones = {{ "." = "office", "a.test" = ["192.0.2.1", {pinned}] }}
[pools.office]
members = ["192.0.2.1", {pinned}, {{ address = "https://192.0.2.3", weight = 3, pins = [{pins}] }}]
source = "192.0.2.9"
"""
    )
    first = load(written, {})
    again.write_text(to_toml(first))
    second = load(again, {}).config
    assert second.pools == first.config.pools
    assert second.resolver.forward_zones == first.config.resolver.forward_zones
    assert [len(each.upstream.pins) for each in second.pools["office"].members] == [0, 2, 2]
    assert second.pools["office"].source == ("192.0.2.9",)
