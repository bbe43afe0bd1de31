"""What values settings take, and which of them cannot stand together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from resolver.config import Config
from resolver.network.base import Endpoint


def config(**sections: Any) -> Config:
    return Config.model_validate(sections)


def complaint(**sections: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        config(**sections)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("127.0.0.1:53", Endpoint("127.0.0.1", 53)),
        ("[2001:DB8:0::1]:53", Endpoint("2001:db8::1", 53)),
        ("0.0.0.0:0", Endpoint("0.0.0.0", 0)),
    ],
)
def test_a_listener_is_an_address_in_canonical_form_and_a_port(text: str, endpoint: Endpoint) -> None:
    assert config(server={"listen": [text]}).server.listen == (endpoint,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("127.0.0.1", "has no port"),
        ("[::1]", "has no port"),
        ("::1", "has no port"),
        ("127.0.0.1:", "has no usable port"),
        ("127.0.0.1:65536", "has no usable port"),
        ("127.0.0.1:-1", "has no usable port"),
        ("127.0.0.1:٣", "has no usable port"),
        ("localhost:53", "is no address"),
        ("[::1:53", "is no address|has no port"),
        ("[::1]53", "is no address|has no port"),
        ("127.0.0.01:53", "is no address"),
        ("[fe80::1%eth0]:53", "has a scope"),
        ("[::ffff:127.0.0.1]:53", "write 127.0.0.1"),
        (5300, "is no address"),
        ("", "has no port"),
    ],
)
def test_what_is_no_listener_is_refused_with_the_reason(text: object, why: str) -> None:
    assert any(one in complaint(server={"listen": [text]}) for one in why.split("|"))


@pytest.mark.rfc(7858, "3.1")
def test_a_listener_for_tls_without_a_port_has_port_853() -> None:
    listeners = ["192.0.2.1", "2001:db8::1", "[2001:db8::2]", "192.0.2.2:8530", "192.0.2.3:0"]
    assert config(server={"listen_tls": listeners}).server.listen_tls == (
        Endpoint("192.0.2.1", 853),
        Endpoint("2001:db8::1", 853),
        Endpoint("2001:db8::2", 853),
        Endpoint("192.0.2.2", 8530),
        Endpoint("192.0.2.3", 0),
    )
    assert "has no usable port" in complaint(server={"listen_tls": ["192.0.2.1:65536"]})


def test_an_upstream_without_a_port_is_asked_on_port_53() -> None:
    zones = {"Example.COM": ["192.0.2.1", "2001:db8::1", "[2001:db8::2]", "192.0.2.2:5353"]}
    (servers,) = config(resolver={"stub_zones": zones}).resolver.stub_zones.values()
    assert [str(each) for each in servers] == [
        *("udp://192.0.2.1:53", "udp://[2001:db8::1]:53", "udp://[2001:db8::2]:53", "udp://192.0.2.2:5353"),
    ]


def test_an_upstream_cannot_have_port_0() -> None:
    assert "no usable port" in complaint(resolver={"forward_zones": {".": ["192.0.2.1:0"]}})


def test_lists_of_addresses_are_not_empty() -> None:
    complaint(server={"listen": []})
    complaint(resolver={"forward_zones": {".": []}})


def test_networks_that_may_ask_are_addresses_with_a_length() -> None:
    listen = ["127.0.0.1:53", "0.0.0.0:54"]
    allow = ["192.0.2.0/24", "2001:DB8::/32", "198.51.100.7"]
    made = config(server={"listen": listen, "allow": allow}).server.allow
    assert made is not None
    assert [str(each) for each in made] == ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7/32"]
    assert config(server={"listen": listen, "allow": []}).server.allow == ()
    assert config(server={"listen": listen, "allow": made}).server.allow == made


@pytest.mark.parametrize(
    ("network", "why"),
    [
        ("192.0.2.1/24", "write 192.0.2.0/24"),
        ("2001:db8::1/32", "write 2001:db8::/32"),
        ("192.0.2.0/33", "is no network"),
        ("private", "is no network"),
        (10, "is no network"),
        ("", "is no network"),
    ],
)
def test_what_is_no_network_is_refused_with_the_reason(network: object, why: str) -> None:
    assert why in complaint(server={"listen": ["0.0.0.0:53"], "allow": [network]})


def test_a_cookie_secret_is_sixteen_octets_in_hexadecimal() -> None:
    secret = "00112233445566778899AABBCCDDEEFF"
    assert config(server={"cookie_secret": secret}).server.cookie_secret == secret.lower()
    assert config(server={"cookie_secret": None}).server.cookie_secret is None
    for wrong in ("", secret[:-1], secret + "0", "x" * 32, 32):
        said = complaint(server={"cookie_secret": wrong})
        assert "32 hexadecimal digits" in said


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Config().cache.size_mb = 3  # type: ignore[misc]


@pytest.mark.rfc(1035, "3.3")
def test_an_identity_fits_into_one_character_string() -> None:
    assert config(server={"identity": "é" * 127}).server.identity == "é" * 127
    for text in ("", "x" * 256, "é" * 128, "a\nb", "\x7f"):
        complaint(server={"identity": text})


@pytest.mark.parametrize(
    ("sections", "why"),
    [
        ({"server": {"listen": ["127.0.0.1:53", "127.0.0.1:53"]}}, "stands there twice"),
        ({"server": {"listen": ["127.0.0.1:53", "0.0.0.0:53"]}}, "takes"),
        ({"server": {"listen": ["[::1]:53", "[::]:53"]}}, "takes"),
        ({"resolver": {"roots": "file"}}, "needs hints_file"),
        ({"resolver": {"hints_file": "x"}}, "roots is"),
        ({"resolver": {"mode": "recursive", "roots": "internet"}}, "offers recursion"),
        ({"world": {"serve": False}}, "no root to ask"),
        ({"world": {"in_memory": True}, "resolver": {"roots": "internet"}}, "not served"),
        (
            {"resolver": {"stub_zones": {"a.test": ["::1"]}, "forward_zones": {"A.TEST.": ["::1"]}}},
            "both a stub zone and a forward zone",
        ),
        ({"resolver": {"forward_zones": {".": ["127.0.0.1:5300"]}}}, "this daemon itself listens"),
        ({"server": {"allow": ["192.168.0.0/16"]}}, "asked by nobody else"),
        ({"server": {"allow": [], "listen": ["127.0.0.1:53", "[::1]:53"]}}, "asked by nobody else"),
        ({"server": {"deny": ["192.168.0.0/16"]}}, "server.deny: deny is set, but who listens on loopback alone"),
        ({"server": {"deny": ["127.0.0.0/8"], "listen": ["0.0.0.0:53"]}}, '"127.0.0.0/8" is on this machine'),
        ({"server": {"listen_tls": ["127.0.0.1", "127.0.0.1:853"]}}, "stands there twice"),
        ({"log": {"explanations": True}}, "explanations stand in the events of queries, which are not written"),
        ({"server": {"listen_tls": ["127.0.0.1:853", "0.0.0.0:853"]}}, "takes"),
        ({"server": {"listen": ["127.0.0.1:853"], "listen_tls": ["127.0.0.1"]}}, "for TCP without TLS"),
        ({"server": {"listen": ["0.0.0.0:853"], "listen_tls": ["127.0.0.1"]}}, "for TCP without TLS"),
        ({"server": {"listen": ["[::1]:853"], "listen_tls": ["::"]}}, "for TCP without TLS"),
        ({"server": {"listen_tls": ["::1"], "tls_certificate": "x"}}, "tls_certificate is set and tls_key is not"),
        ({"server": {"listen_tls": ["::1"], "tls_key": "x"}}, "tls_key is set and tls_certificate is not"),
        ({"server": {"tls_key": "x", "tls_certificate": "x"}}, "nothing listens for TLS"),
        ({"server": {"listen_https": ["::1"], "tls_key": "x"}}, "tls_key is set and tls_certificate is not"),
        (
            {"server": {"listen_https": ["::1"], "tls_key": ["x"], "tls_certificate": ["x", "y"]}},
            "2 certificates have 1",
        ),
        (
            {"server": {"listen_https": ["127.0.0.1:853"], "listen_tls": ["0.0.0.0"]}},
            "taken by server.listen_tls",
        ),
        ({"server": {"listen_https": ["127.0.0.1", "127.0.0.1:443"]}}, "stands there twice"),
        ({"server": {"https_paths": ["/dns-query", "/dns-query"]}}, "stands there twice"),
        ({"cache": {"min_ttl_s": 60, "max_ttl_s": 30}}, "above max_ttl_s"),
        ({"dnssec": {"nsec3_iterations_insecure": 151}}, "write at most 150"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(sections: dict[str, Any], why: str) -> None:
    assert why in complaint(**sections)


def test_settings_that_look_alike_but_do_not_clash_are_taken() -> None:
    config(server={"listen": ["127.0.0.1:0", "127.0.0.1:0", "0.0.0.0:53", "[::]:53", "127.0.0.1:54"]})
    config(server={"listen": ["127.0.0.1:0", "[::]:53"], "listen_tls": ["127.0.0.1:0", "127.0.0.1:0", "[::]:853"]})
    config(server={"listen_tls": ["0.0.0.0"], "allow": []})
    config(world={"serve": False}, resolver={"forward_zones": {".": ["192.0.2.1"]}})


@pytest.mark.parametrize(
    ("sections", "served"),
    [
        ({}, True),
        ({"resolver": {"roots": "internet"}}, False),
        ({"resolver": {"roots": "internet"}, "world": {"serve": True}}, True),
        ({"resolver": {"forward_zones": {".": ["192.0.2.1"]}}}, False),
        ({"resolver": {"forward_zones": {"test": ["192.0.2.1"]}}}, True),
    ],
)
def test_the_world_is_served_when_the_resolver_starts_from_it(sections: dict[str, Any], served: bool) -> None:
    assert config(**sections).world_served is served


def test_only_special_names_or_those_above_them_can_be_unreserved() -> None:
    settings = config(resolver={"unreserved": ["Internal", "10.in-addr.arpa.", "."]})
    assert settings.resolver.unreserved == ("internal.", "10.in-addr.arpa.", ".")
    assert "no special-use name" in complaint(resolver={"unreserved": ["example.com"]})
    assert "no special-use name" in complaint(resolver={"unreserved": ["a.internal"]})


DIGEST = "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"


def test_a_trust_anchor_is_kept_as_it_is_written() -> None:
    settings = config(dnssec={"trust_anchors": [f". IN DS ( 20326  8 2\n{DIGEST} )"]})
    assert settings.dnssec.trust_anchors == (f". IN DS 20326 8 2 {DIGEST}",)


@pytest.mark.parametrize(
    ("anchor", "why"),
    [
        (f". IN DS 20326 8 2 {DIGEST[1:]}", "not in hexadecimal digits"),
        (". IN A 192.0.2.1", "neither DS nor DNSKEY"),
        (20326, "20326 is no trust anchor"),
    ],
)
def test_what_is_no_trust_anchor_is_refused_with_what_to_write(anchor: object, why: str) -> None:
    told = complaint(dnssec={"trust_anchors": [anchor]})
    assert why in told
    assert "; write " in told or "; copy " in told


def test_a_negative_trust_anchor_may_end() -> None:
    settings = config(dnssec={"negative_trust_anchors": ["Example.com", "a.test until 2026-12-24"]})
    assert [str(one) for one in settings.dnssec.negative_trust_anchors] == [
        "example.com.",
        "a.test. until 2026-12-24T00:00:00Z",
    ]
    assert config(dnssec={"negative_trust_anchors": list(settings.dnssec.negative_trust_anchors)}) == settings
    assert "has no time behind until" in complaint(dnssec={"negative_trust_anchors": ["a.test until noon"]})
    assert "5 is no negative trust anchor" in complaint(dnssec={"negative_trust_anchors": [5]})


def test_a_class_of_limits_has_a_name_and_a_rate():
    assert config(limits={"classes": {"slow-1": 5}}).limits.classes == {"slow-1": 5}
    assert "is no name; write 1 to 63 letters" in complaint(limits={"classes": {"slow down": 5}})
    assert "greater than or equal to 1" in complaint(limits={"classes": {"slow": 0}})


@pytest.mark.parametrize("path", ["", "dns-query", "/a b", "/a?b", "/a#b", "/\xe9", "/" + "x" * 255, 5])
def test_what_is_no_path_of_a_url_is_told(path) -> None:
    assert "is no path; write one" in complaint(server={"https_paths": [path]})


def test_a_lone_path_stands_for_a_list_of_one_certificate() -> None:
    given = {"listen_https": ["127.0.0.1"], "tls_certificate": "a.pem", "tls_key": ["a.key"]}
    server = config(server=given).server
    assert (server.tls_certificate, server.tls_key) == ((Path("a.pem"),), (Path("a.key"),))
    assert server.listen_https == (Endpoint("127.0.0.1", 443),)
