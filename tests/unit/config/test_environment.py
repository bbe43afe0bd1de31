"""Which environment variables are settings, and what they mean."""

from __future__ import annotations

import pytest

from resolver.config import load
from resolver.errors import ConfigError
from resolver.message import Transport
from resolver.network.base import Endpoint, Upstream


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path, monkeypatch):  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)


def test_variables_that_only_look_like_settings_do_no_harm() -> None:
    environ = {
        "RESOLVER_PORT": "tcp://10.0.0.1:53",
        "RESOLVER_PORT_53_TCP": "tcp://10.0.0.1:53",
        "RESOLVER_SERVICE_HOST": "10.0.0.1",
        "RESOLVER_CI": "1",
        "RESOLVER__X": "1",
        "RESOLVER_": "1",
        "RESOLVER___X": "1",
        "MY_RESOLVER_CACHE__SIZE_MB": "1",
    }
    assert set(load(None, environ).sources.values()) == {"default"}


def test_lists_and_tables_are_json() -> None:
    environ = {
        "RESOLVER_SERVER__LISTEN": '["0.0.0.0:53", "[::]:53"]',
        "RESOLVER_RESOLVER__FORWARD_ZONES": '{".": ["192.0.2.1"]}',
    }
    config = load(None, environ).config
    assert config.server.listen == (Endpoint("0.0.0.0", 53), Endpoint("::", 53))
    assert config.resolver.forward_zones == {".": (Upstream(Endpoint("192.0.2.1", 53), Transport.UDP),)}


@pytest.mark.parametrize("text", ["127.0.0.1:53", "", "[", "[" * 100_000])
def test_a_list_that_is_no_json_is_shown_an_example(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {"RESOLVER_SERVER__LISTEN": text})
    told = str(caught.value)
    assert told.startswith("environment RESOLVER_SERVER__LISTEN: ")
    assert told.endswith('is no JSON; write a JSON list, as in ["127.0.0.1:5300", "[::1]:5300"]')
    assert len(told) < 300


@pytest.mark.parametrize(("text", "value"), [("true", True), ("Off", False), ("yes", True), ("auto", "auto")])
def test_words_are_truth_values_where_these_are_allowed(text: str, value: object) -> None:
    environ = {"RESOLVER_WORLD__SERVE": text, "RESOLVER_RESOLVER__ROOTS": "internet"}
    assert load(None, environ).config.world.serve == value


def test_numbers_are_plain() -> None:
    environ = {
        "RESOLVER_SERVER__DRAIN_S": "0.5",
        "RESOLVER_CACHE__SIZE_MB": "16",
        "RESOLVER_SERVER__IDENTITY": "1",
    }
    config = load(None, environ).config
    assert (config.server.drain_s, config.cache.size_mb, config.server.identity) == (0.5, 16, "1")


@pytest.mark.parametrize("text", ["many", "1.5", "", "9" * 5000, "0x10", "١"])
def test_what_is_no_number_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^environment RESOLVER_CACHE__SIZE_MB: cache\.size_mb is .*; write an int"):
        load(None, {"RESOLVER_CACHE__SIZE_MB": text})


def test_nothing_unsets_what_may_be_unset() -> None:
    with pytest.raises(ConfigError, match='size_mb is ""; write'):
        load(None, {"RESOLVER_CACHE__SIZE_MB": ""})
    assert load(None, {"RESOLVER_WORLD__PORT": ""}, {}).config.world.port is None
    assert load(None, {"RESOLVER_WORLD__PORT": "54"}, {}).config.world.port == 54


def test_an_unknown_setting_shows_the_nearest_real_one() -> None:
    with pytest.raises(ConfigError, match=r"unknown setting; did you mean RESOLVER_LOG__LEVEL\?"):
        load(None, {"RESOLVER_LOGS__LEVEL": "info"})
    with pytest.raises(ConfigError, match="known are RESOLVER_SERVER__LISTEN and the like"):
        load(None, {"RESOLVER_QQ__ZZ": "info"})
