"""What a person is told when the daemon has started."""

from __future__ import annotations

from resolver.banner import banner
from resolver.certificates import Shown
from resolver.config import Config
from resolver.network.base import Endpoint
from resolver.version import VERSION

ROOT = ("a.root-servers.test.", Endpoint("127.53.0.1", 5300))


def test_what_listens_and_what_to_paste() -> None:
    config = Config()
    assert (
        banner(config, config.server.listen, [ROOT, ("x.", Endpoint("127.53.0.2", 5300))])
        == f"""\
resolverd {VERSION} (iterative) answers on
  127.0.0.1:5300  UDP and TCP
  [::1]:5300  UDP and TCP
simulated internet: 2 addresses in 127.53.0.0/16, port 5300
  127.53.0.1:5300  a.root-servers.test.

Try:
  dig @127.0.0.1 -p 5300 www.example.com
  nslookup -port=5300 www.example.com 127.0.0.1
  dig @127.53.0.1 -p 5300 www.example.com   # the simulated root itself: a referral to com.
"""
    )


def test_where_tls_is_spoken_is_said_with_the_pin_and_whether_it_is_for_development() -> None:
    config, places = Config(), ([Endpoint("0.0.0.0", 853)], [])
    text = banner(config, config.server.listen, [], places, Shown({}, "cGlu", frozenset({"localhost"})))
    assert "\n  0.0.0.0:853  TLS\nephemeral certificate, for development: pin cGlu\n" in text
    assert text.endswith("\n  kdig @127.0.0.1 -p 853 +tls-pin=cGlu www.example.com\n")
    assert "ephemeral" not in banner(config, config.server.listen, [], places, Shown({}, "cGlu"))


def test_where_https_is_spoken_is_said_as_a_url_with_a_line_to_paste() -> None:
    config = Config.model_validate({"server": {"https_paths": ["/dns", "/dns-query"]}})
    text = banner(config, [], [], ([], [Endpoint("::", 443)]), Shown({}, "cGlu"))
    assert "\n  https://[::]:443/dns\ncertificate: pin cGlu\n" in text
    assert text.endswith("\n  kdig @::1 -p 443 +https=/dns +tls-pin=cGlu www.example.com\n")


def test_who_is_asked_in_our_stead_and_what_is_passed_on_is_said() -> None:
    members = [f"192.0.2.{number}" for number in range(1, 6)]
    config = Config.model_validate(
        {
            "resolver": {"forward_zones": {".": "office", "a.test": ["tls://192.0.2.9"], "b.test": "system"}},
            "pools": {
                "office": {"members": members},
                "raw": {"members": members[:1], "mode": "relay", "listen": ["127.0.0.1:5301", "127.0.0.1:0"]},
            },
        }
    )
    assert banner(config, [Endpoint("127.0.0.1", 53)], []).startswith(
        f"""\
resolverd {VERSION} (forwarding) answers on
  127.0.0.1:53  UDP and TCP
  127.0.0.1:5301  passed on to the pool raw
forwarded: . to the pool office (5 members)
forwarded: a.test. to tls://192.0.2.9:853
forwarded: b.test. to those in /etc/resolv.conf
"""
    )


def test_port_53_is_not_mentioned_and_a_wildcard_is_asked_on_loopback() -> None:
    text = banner(Config(), [Endpoint("::", 53)], [])
    assert text.endswith("  dig @::1 www.example.com\n  nslookup www.example.com ::1\n")


def test_a_world_in_memory_is_said_to_be_there() -> None:
    assert "in memory, only the resolver reaches it" in banner(Config(), [], [])
    internet = Config.model_validate({"resolver": {"roots": "internet"}})
    assert "simulated" not in banner(internet, [], [])


def test_a_world_of_ones_own_is_asked_what_every_world_answers() -> None:
    config = Config.model_validate({"world": {"directory": "my-world"}})
    text = banner(config, [Endpoint("127.0.0.1", 5300)], [ROOT])
    assert "simulated internet: 1 address in 127.53.0.0/16" in text
    assert text.endswith(
        """
  dig @127.0.0.1 -p 5300 . NS
  nslookup -port=5300 -type=NS . 127.0.0.1
  dig @127.53.0.1 -p 5300 . NS   # the simulated root itself
"""
    )


def test_a_world_of_ones_own_in_memory_has_no_root_to_ask() -> None:
    config = Config.model_validate({"world": {"directory": "my-world", "in_memory": True}})
    text = banner(config, [Endpoint("127.0.0.1", 53)], [])
    assert text.endswith("  dig @127.0.0.1 . NS\n  nslookup -type=NS . 127.0.0.1\n")
