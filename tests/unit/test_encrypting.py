"""On which terms the upstreams of a configuration are spoken to."""

from __future__ import annotations

import asyncio
import importlib.util

import pytest

from resolver import encrypting
from resolver.app import build
from resolver.config import Config
from resolver.errors import ConfigError
from resolver.network.base import Endpoint
from tests.support.authorities import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def config(**pools):
    return Config.model_validate({"pools": pools, "resolver": {"roots": "internet"}})


def refused(made):
    with pytest.raises(ConfigError) as caught:
        encrypting.check(made)
    return str(caught.value)


def test_those_of_pools_are_upstreams_but_not_those_that_are_relayed_to_or_of_the_system():
    made = config(
        one={"members": ["192.0.2.1", "tls://192.0.2.2#dns.example"]},
        two={"members": ["192.0.2.3"], "mode": "relay", "listen": ["127.0.0.1:5301"]},
        three={"members": "system"},
    )
    assert [(str(each), name) for each, name in encrypting.upstreams(made)] == [
        ("udp://192.0.2.1:53", "one"),
        ("tls://192.0.2.2:853#dns.example", "one"),
    ]


def test_authorities_are_those_of_the_pool_or_of_the_system(authority):
    encrypting.check(config(one={"members": ["tls://192.0.2.1"]}, two={"members": ["192.0.2.3"]}))
    encrypting.check(config(one={"members": ["tls://192.0.2.1", "https://192.0.2.1"], "tls_ca": authority.ca}))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "has no usable certificate in PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "has no usable certificate in PEM"),
        ("-----BEGIN CERTIFICATE-----\n", "has no usable certificate in PEM"),
        ("\xff\xfe", "has no usable certificate in PEM"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_setting(tmp_path, text, what):
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    said = refused(config(office={"members": ["tls://192.0.2.1"], "tls_ca": path}))
    assert said.startswith(f"pools.office.tls_ca: {path} {what}; give a file with the certificates")


@pytest.mark.parametrize(
    ("scheme", "other"),
    [
        ("tls", {"members": ["tls://192.0.2.1#b.example"]}),
        ("https", {"members": ["https://192.0.2.1#a.example"], "https_method": "GET"}),
        ("tls", {"members": ["tls://192.0.2.1#a.example"]}),
    ],
)
def test_one_place_cannot_be_spoken_to_in_two_ways(authority, scheme, other):
    one = {"members": [f"{scheme}://192.0.2.1#a.example"]}
    if other == one:
        encrypting.check(config(one=one, two={**one, "policy": "round-robin"}))
        other = {**other, "tls_ca": authority.ca}
    said = refused(config(one=one, two=other))
    assert said.startswith(f"pools.two.members: {scheme}://192.0.2.1:{'853' if scheme == 'tls' else '443'}")
    assert "is spoken to in another way in pools.one.members; write one name, path, tls_ca and https_method" in said


def test_upstreams_of_forward_zones_are_told_by_their_setting():
    made = Config.model_validate(
        {
            "resolver": {"roots": "internet", "forward_zones": {".": ["tls://192.0.2.1#a.example"]}},
            "pools": {"one": {"members": ["tls://192.0.2.1#b.example"]}},
        }
    )
    said = refused(made)
    assert said.startswith(
        "resolver.forward_zones: tls://192.0.2.1:853#a.example is spoken to in another way in pools."
    )


def test_one_place_may_be_spoken_to_over_tls_and_over_https(authority):
    encrypting.check(config(one={"members": ["tls://192.0.2.1:443#a.example", "https://192.0.2.1#b.example"]}))


def test_https_without_its_library_is_told_with_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    said = refused(config(one={"members": ["https://192.0.2.1"]}))
    assert said == (
        "pools.one.members: https://192.0.2.1:443/dns-query takes the library h2, which is not installed; "
        "pip install 'resolverd[https]', or write tls://"
    )
    encrypting.check(config(one={"members": ["tls://192.0.2.1"]}))


def test_a_program_that_has_none_has_nothing_for_them_and_one_that_has_reaches_them(authority):
    async def main():
        plain = build(config(one={"members": ["192.0.2.1"]}))
        assert plain._sockets._encrypted is None
        assert "upstream.tls_sent" not in plain.stats()
        await plain.stop()
        members = ["tls://127.0.0.1:8853#dns.example"]
        program = build(config(one={"members": members, "tls_ca": authority.ca}))
        try:
            assert program.stats()["upstream.tls_sent"] == 0
            before = dict(program._sockets.encrypted()._contexts)
            await program.reload(config(one={"members": members, "tls_ca": authority.ca}))
            assert program._sockets.encrypted()._contexts == before, "what has not changed is what it was"
            with pytest.raises(ConfigError):
                await program.reload(config(one={"members": members, "tls_ca": authority.ca.with_name("none.pem")}))
            network = program._composed.network
            assert network.may_ask(Endpoint("127.0.0.1", 8853))
            assert not network.may_ask(Endpoint("127.0.0.1", 8854))
        finally:
            await program.stop()

    asyncio.run(main())


PIN = "A" * 43 + "="


def test_who_is_known_by_pins_alone_needs_no_authorities(tmp_path):
    gone = str(tmp_path / "gone.pem")
    encrypting.check(config(one={"members": [{"address": "tls://192.0.2.1", "pins": [PIN]}], "tls_ca": gone}))
    named = {"address": "tls://192.0.2.1#dns.example", "pins": [PIN]}
    assert "gone.pem cannot be read" in refused(config(one={"members": [named], "tls_ca": gone}))


def test_one_place_cannot_have_two_lists_of_pins(authority):
    pinned = {"address": "tls://192.0.2.1#dns.example", "pins": [PIN]}
    one, two = ({"members": [each], "tls_ca": authority.ca} for each in (pinned, pinned["address"]))
    encrypting.check(config(one=one, two=one))
    assert "tls://192.0.2.1:853#dns.example is spoken to in another way in pools.one" in refused(
        config(one=one, two=two)
    )
