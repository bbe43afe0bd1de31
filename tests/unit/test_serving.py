"""What the settings of [server] and [limits] come to."""

from __future__ import annotations

import io
import ipaddress
from typing import Any

import pytest

from resolver import serving
from resolver.config import Config
from resolver.message import Client, Transport
from resolver.network import descriptors
from resolver.observe.counters import Counters
from resolver.observe.log import Log
from resolver.server.cookies import Standing
from resolver.server.flights import MOST
from resolver.server.limiting import Limiting, Limits
from resolver.server.terms import Terms
from resolver.testing.virtual_time import VirtualClock


def config(**server: Any) -> Config:
    return Config.model_validate({"server": server})


@pytest.mark.parametrize("listen", [["127.0.0.1:0"], ["[::1]:0", "127.0.0.5:0"]])
def test_on_loopback_nobody_is_asked_who_he_is(run, listen):
    async def main():
        return serving.access(config(listen=listen), VirtualClock())

    assert run(main()) is None


@pytest.mark.parametrize(
    ("settings", "private", "public"),
    [({}, True, False), ({"allow": ["203.0.113.0/24"]}, False, True), ({"allow": []}, False, False)],
)
@pytest.mark.parametrize("listen", [["0.0.0.0:0"], ["127.0.0.1:0", "192.0.2.1:0"], ["[::]:0"]])
def test_beyond_loopback_it_is_private_unless_networks_are_named(run, listen, settings, private, public):
    async def main():
        access = serving.access(config(listen=listen, **settings), VirtualClock())
        return access.allows("10.0.0.1"), access.allows("203.0.113.9"), access.allows("127.0.0.1")

    assert run(main()) == (private, public, True)


def test_strangers_are_told_as_often_as_is_wanted(run):
    async def main():
        access = serving.access(config(listen=["0.0.0.0:0"], refusals_per_s=1), VirtualClock())
        return access.tells(), access.tells()

    assert run(main()) == (True, False)


@pytest.mark.parametrize(("limit", "most"), [(1 << 20, MOST), (1024, 256)])
def test_how_many_are_in_flight_follows_from_the_descriptors_unless_it_is_set(monkeypatch, limit, most):
    monkeypatch.setattr(descriptors, "limit", lambda: limit)
    assert serving.conduct(config()).max_in_flight == most
    assert serving.conduct(config(max_in_flight=5000)).max_in_flight == 5000


def test_every_limit_of_a_client_is_a_setting():
    made = config(
        tcp_max_connections=1,
        tcp_max_per_client=2,
        tcp_pipeline=3,
        tcp_idle_s=4.0,
        tcp_message_s=5.0,
        tcp_unsent_kb=6,
        max_in_flight=7,
        max_in_flight_per_client=8,
        udp_payload=900,
    )
    limits, conduct = serving.tcp_limits(made), serving.conduct(made)
    assert (limits.connections, limits.per_client, limits.outstanding) == (1, 2, 3)
    assert (limits.idle_seconds, limits.message_seconds, limits.write_buffer) == (4.0, 5.0, 6 * 1024)
    assert (conduct.max_in_flight, conduct.max_per_client, conduct.payload) == (7, 8, 900)


def test_the_defaults_are_those_of_the_modules():
    assert serving.tcp_limits(Config()) == type(serving.tcp_limits(Config()))()
    made, plain = serving.conduct(Config()), type(serving.conduct(Config()))()
    assert (made.max_per_client, made.payload) == (plain.max_per_client, plain.payload)


def test_a_secret_that_is_set_makes_cookies_that_others_with_it_take(run):
    async def main():
        clock = VirtualClock()
        made = config(cookie_secret="00112233445566778899aabbccddeeff")
        one, two = (serving.cookies(made, bytes((drawn,)) * 16, clock) for drawn in (1, 2))
        drawn_one, drawn_two = (serving.cookies(config(), bytes((drawn,)) * 16, clock) for drawn in (1, 2))
        _, sent = one.answer(b"clients!", "192.0.2.1")
        _, drawn_sent = drawn_one.answer(b"clients!", "192.0.2.1")
        return two.answer(sent, "192.0.2.1")[0], drawn_two.answer(drawn_sent, "192.0.2.1")[0]

    assert run(main()) == (Standing.GOOD, Standing.BAD)


def test_who_is_denied_hears_nothing(run):
    async def main():
        access = serving.access(config(listen=["0.0.0.0:0"], deny=["10.9.0.0/16"]), VirtualClock())
        return access.allows("10.9.0.1"), access.denies("10.9.0.1"), access.allows("10.1.0.1")

    assert run(main()) == (False, True, True)


def limited(**limits: Any) -> Config:
    return Config.model_validate({"limits": limits})


def limiting(config: Config, before: Limiting | None = None) -> Limiting | None:
    return serving.limiting(config, VirtualClock(), Counters(), Log(io.StringIO(), lambda: 0.0), before)


@pytest.mark.parametrize("settings", [{}, {"burst_s": 3, "slip": 1, "exempt": []}, {"classes": {"slow": 5}}])
def test_where_nothing_is_limited_nothing_keeps_limits(run, settings):
    async def main():
        return limiting(limited(**settings))

    assert run(main()) is None
    assert serving.limits_held(None) == {"limits.networks": 0, "limits.responses": 0}


def test_every_setting_of_limits_reaches_what_keeps_them(run):
    async def main():
        return limiting(
            limited(
                queries_per_s=1,
                burst_s=2,
                ipv4_prefix=3,
                ipv6_prefix=4,
                exempt=["192.0.2.0/24"],
                responses_per_s=5,
                nodata_per_s=6,
                errors_per_s=0,
                responses_window_s=7,
                responses_ipv4_prefix=8,
                responses_ipv6_prefix=9,
                slip=10,
                max_entries=110,
            )
        )

    assert run(main()).limits == Limits(
        queries_per_s=1,
        burst_s=2,
        prefixes=(3, 4),
        exempt=(ipaddress.ip_network("192.0.2.0/24"),),
        responses_per_s={b"a": 5, b"n": 6, b"x": 5, b"e": 0},
        response_prefixes=(8, 9),
        window_s=7,
        slip=10,
        table=110,
    )


def test_a_reload_that_changes_no_limit_forgives_nobody(run):
    async def main():
        first = limiting(limited(queries_per_s=5))
        same, other = limiting(limited(queries_per_s=5), first), limiting(limited(queries_per_s=6), first)
        return first is same, first is other

    assert run(main()) == (True, False)


def test_classes_have_their_rates_by_name(run):
    async def main():
        clock = VirtualClock()
        made = serving.rate_classes(limited(classes={"slow": 1, "bulk": 3}, exempt=[]), clock)
        client = Client("127.0.0.1", 1, Transport.UDP)
        none = serving.rate_classes(Config(), clock)
        return {name: [rate.take(client) for _ in range(4)] for name, rate in made.items()}, none

    assert run(main()) == ({"slow": [True, False, False, False], "bulk": [True, True, True, False]}, {})


def test_https_is_answered_at_its_paths_and_told_of_the_header_fields_that_rules_look_at() -> None:
    rule = {"action": "refuse", "headers": {"X-Team": "blue"}}
    server = {"listen_https": ["127.0.0.1:443"], "https_paths": ["/a", "/b"], "https_streams": 7}
    terms = serving.https_terms(Config.model_validate({"server": server, "rules": [rule]}))
    assert terms == Terms(frozenset({b"/a", b"/b"}), 7, frozenset({b"x-team"}))
