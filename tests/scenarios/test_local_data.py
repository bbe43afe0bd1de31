"""Local zones, local records, private addresses and DNS64, written as scenarios."""

from __future__ import annotations

import pytest

from resolver.testing.replay.comparing import Level
from resolver.testing.replay.playing import play
from resolver.testing.replay.settings import arrange
from resolver.testing.virtual_time import run
from tests.support.scripts import PLAIN, PRIMING, asks, entry, is_told, scenario, server

ADDRESS = ("SECTION ANSWER", "www.example. 300 IN A 192.0.2.7")
NODATA = ("SECTION AUTHORITY", "example. 300 IN SOA ns.example. me.example. 1 2 3 4 100")
SERVERS = server(
    PRIMING,
    entry("www.example. IN A", *ADDRESS),
    entry("www.example. IN AAAA", *NODATA),
    entry("in.example. IN A", "SECTION ANSWER", "in.example. 300 IN A 10.0.0.1"),
)
LOCAL = """
server:
 local-zone: "corp." static
 local-data: "a.corp. 60 IN A 192.0.2.1"
 local-zone: "ads.example." always_nxdomain
 local-zone: "gone.example." always_refuse
 local-zone: "sink.example." redirect
 local-data: "sink.example. 60 IN A 192.0.2.9"
 local-data: "own.example. 60 IN A 192.0.2.8"
 local-data-ptr: "192.0.2.1 a.corp."
 private-address: 10.0.0.0/8
 module-config: "dns64 validator iterator"
"""


def failure(question: str, *wanted: str, rcode: str = "NOERROR") -> str | None:
    """What goes otherwise than `wanted`."""
    told = is_told(2, question, *wanted).replace("NOERROR", rcode)
    made = scenario(SERVERS, asks(1, question), told, config=f"{LOCAL}{PLAIN.replace('server:', '')}")
    failed = run(play(made, arrange(made), Level.CORE)).failure
    return None if failed is None else failed.text


@pytest.mark.parametrize(
    ("question", "wanted", "rcode"),
    [
        ("a.corp. IN A", ["SECTION ANSWER", "a.corp. 60 IN A 192.0.2.1"], "NOERROR"),
        ("a.corp. IN TXT", [], "NOERROR"),
        ("b.corp. IN A", [], "NXDOMAIN"),
        ("b.ads.example. IN A", [], "NXDOMAIN"),
        ("gone.example. IN A", [], "REFUSED"),
        ("b.sink.example. IN A", ["SECTION ANSWER", "b.sink.example. 60 IN A 192.0.2.9"], "NOERROR"),
        ("own.example. IN A", ["SECTION ANSWER", "own.example. 60 IN A 192.0.2.8"], "NOERROR"),
        ("1.2.0.192.in-addr.arpa. IN PTR", ["SECTION ANSWER", "1.2.0.192.in-addr.arpa. IN PTR a.corp."], "NOERROR"),
        ("www.example. IN A", list(ADDRESS), "NOERROR"),
        ("www.example. IN AAAA", ["SECTION ANSWER", "www.example. 100 IN AAAA 64:ff9b::192.0.2.7"], "NOERROR"),
        ("in.example. IN A", [], "REFUSED"),
    ],
)
def test_what_is_told_where_much_is_decided_here(question: str, wanted: list[str], rcode: str) -> None:
    assert failure(question, *wanted, rcode=rcode) is None


def test_a_scenario_fails_where_local_data_say_something_else() -> None:
    assert failure("a.corp. IN A", "SECTION ANSWER", "a.corp. 60 IN A 192.0.2.2") is not None
