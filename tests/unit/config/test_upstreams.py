"""How upstreams are written."""

from __future__ import annotations

import base64

import pytest

from resolver.config.upstreams import forwarders, member, shown_pins, sources, upstream
from resolver.message import Transport
from resolver.network.base import Endpoint, Upstream

AT = "192.0.2.1"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (AT, Upstream(Endpoint(AT, 53), Transport.UDP)),
        (f"tcp://{AT}:5353", Upstream(Endpoint(AT, 5353), Transport.TCP)),
        (f"tls://{AT}", Upstream(Endpoint(AT, 853), Transport.TLS)),
        ("TLS://[2001:db8::1]:443#DNS.example", Upstream(Endpoint("2001:db8::1", 443), Transport.TLS, "dns.example")),
        (f"https://{AT}", Upstream(Endpoint(AT, 443), Transport.HTTPS, "", "/dns-query")),
        (f"https://{AT}/q?a=1#dns.example", Upstream(Endpoint(AT, 443), Transport.HTTPS, "dns.example", "/q?a=1")),
        (f"https://{AT}/dns-query{{?dns}}", Upstream(Endpoint(AT, 443), Transport.HTTPS, "", "/dns-query")),
    ],
)
def test_an_upstream_is_written_as_a_url(text, made):
    assert upstream(text) == made
    assert upstream(str(made)) == made, "what is shown can be written"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("https://dns.example/dns-query", 'behind #, as in "https://192.0.2.1/dns-query#dns.example"'),
        ("tls://dns.example:8853", 'as in "tls://192.0.2.1:8853#dns.example"'),
        ("dns.example", 'names are not looked up: write its address, as in "192.0.2.1"'),
        ("192.0.2.300", 'write one as in "192.0.2.1", "tls://'),
        ("tls:/192.0.2.1", 'write "tls://192.0.2.1"'),
        ("tls:192.0.2.1#dns.example", 'write "tls://192.0.2.1#dns.example"'),
        (f"{AT}#dns.example", "has a name, but no certificate; write tls:// or https://, or no #"),
        (f"tls://{AT}/dns-query", "has a path; write https://, or no /"),
        (f"https://{AT}/a b", "has no usable path"),
        (f"quic://{AT}", "has no scheme of ours"),
        (f"tls://{AT}#a..b", "is no host name"),
        (f"tls://{AT}#{'a' * 64}.example", "is no host name"),
        (f"tls://{AT}#{'a.' * 127}bcd", "is no host name"),
    ],
)
def test_what_is_none_is_told_with_what_to_write(text, what):
    with pytest.raises(ValueError, match="; ") as caught:
        upstream(text)
    assert what in str(caught.value)


PIN, NEXT = "A" * 43 + "=", "q" * 42 + "o="
TLS = f"tls://{AT}#dns.example"


def test_an_upstream_may_have_pins_beside_its_address():
    made = upstream({"address": TLS, "pins": [PIN, NEXT]})
    assert made == upstream(TLS)._replace(pins=frozenset((bytes(32), base64.b64decode(NEXT))))
    assert shown_pins(made) == [PIN, NEXT]
    assert str(made) == str(upstream(TLS)), "and is called as without them"
    assert forwarders([AT, {"address": TLS, "pins": [PIN]}])[1].pins == {bytes(32)}
    assert member({"address": TLS, "weight": 2, "pins": [PIN]}).upstream.pins == {bytes(32)}
    assert upstream({"address": AT}) == upstream(AT)


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({"address": TLS, "pins": PIN}, 'is no list of pins; write one as in ["AAAA'),
        ({"address": TLS, "pins": []}, "a list of 0 pins; write 1 to 16, or leave the key out"),
        ({"address": TLS, "pins": [PIN] * 17}, "a list of 17 pins; write 1 to 16, or leave the key out"),
        ({"address": TLS, "pins": [PIN, PIN]}, f'the pin "{PIN}" stands there twice; remove one'),
        ({"address": AT, "pins": [PIN]}, "has pins, but no certificate; write tls:// or https://, or no pins"),
        ({"address": TLS, "pins": ["abc"]}, '"abc" is no pin; write the SHA-256 of its public key in base64, as in'),
        ({"address": TLS, "pins": [7]}, "is no pin; write the SHA-256 of its public key in base64"),
        ({"address": TLS, "pins": [f"sha256//{NEXT}"]}, f'is no pin; write "{NEXT}"'),
        ({"address": TLS, "pins": [f'pin-sha256="{NEXT}"']}, f'is no pin; write "{NEXT}"'),
        ({"address": TLS, "pins": ["00:" * 31 + "00"]}, f'is no pin; write "{PIN}"'),
        ({"address": TLS, "pins": [PIN[:-1]]}, f'is no pin; write "{PIN}"'),
        ({"address": TLS, "pins": [f" {PIN}"]}, f'is no pin; write "{PIN}"'),
        ({"address": TLS, "pin": [PIN]}, "an upstream has no key \"pin\"; did you mean 'pins'?"),
        ({"pins": [PIN]}, "an upstream needs an `address`; its keys are address and pins"),
        ({"address": {"address": TLS}}, "is no upstream"),
    ],
)
def test_pins_that_are_none_are_told_with_what_to_write(table, what):
    with pytest.raises(ValueError, match="; ") as caught:
        upstream(table)
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="; "):
        member(table)


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ("192.0.2.9", ("192.0.2.9",)),
        (["2001:DB8:0::9", "192.0.2.9"], ("2001:db8::9", "192.0.2.9")),
        ([], ()),
    ],
)
def test_a_source_is_an_address_of_each_family(value, made):
    assert sources(value) == made


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("eth0", '"eth0" is no address; write one of this machine, as in "192.0.2.1"'),
        ("192.0.2.9:53", "is no address; write one of this machine"),
        (7, "7 is no address; write one of this machine"),
        ([7], "7 is no address; write one of this machine"),
        ("0.0.0.0", "is no address to send from; write one of this machine"),
        ("ff02::1", "is no address to send from; write one of this machine"),
        (["192.0.2.9", "192.0.2.8"], "has two addresses of one family; write one of each"),
        ("fe80::1%eth0", "has a scope; write an address without %"),
    ],
)
def test_what_is_no_source_is_told_with_what_to_write(value, what):
    with pytest.raises(ValueError, match="; ") as caught:
        sources(value)
    assert what in str(caught.value)
