"""How upstreams are written."""

from __future__ import annotations

import pytest

from resolver.config.upstreams import upstream
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
