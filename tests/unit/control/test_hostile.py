"""Requests that are meant to break something: whatever they say, the answer is a refusal in one line, or it is done."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from resolver.control.openapi import operation
from resolver.control.routes import OF_PROGRAM
from resolver.control.table import OfProgram
from resolver.testing.virtual_time import VirtualClock, run
from tests.support.arranged import Arranged, Asked

ROUNDS = 60


def nested(levels: int) -> Any:
    """An object in an object, and so on: Python itself takes more levels of JSON than whoever looks into them."""
    return {"a": nested(levels - 1)} if levels else 1


NASTY: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1 << 70,
        1.5,
        1e308,
        "",
        ".",
        "..",
        "*",
        "*.",
        "@",
        "a" * 64,
        "a." * 130,
        "\\",
        "\\256",
    ),
    *(
        "\\000",
        "\0",
        "\x1b[2J",
        "\ud800",
        "\u202e",
        "xn--",
        "$INCLUDE /etc/passwd",
        "$GENERATE 1-4294967295 a A 1.2.3.4",
    ),
    *("$ORIGIN ..", "(", '"', ";", "A", "ANY", "OPT", "TYPE65535", "RRSIG", "NSEC", "SOA", "NS", "CNAME", "192.0.2.1"),
    *([], [[]], {}, {"": {}}, {"@": {"A": {"values": []}}}, [None], "5m", "-5m", "nsec", "servfail", "shop.example"),
    *(nested(900), "0/25.2.0.192.in-addr.arpa", "\ud800 \udfff"),
    *("com", "example", "in-addr.arpa", "127.53.0.1", [["a"], ["b"]], {"denial": "nsec3", "iterations": 1 << 40}),
)


def nasty(chance: random.Random, value: Any) -> Any:
    """`value` with something in it that nobody expects there."""
    if chance.random() < 0.3:
        return chance.choice(NASTY)
    if isinstance(value, dict):
        changed = dict(value)
        for key in list(changed) or [""]:
            if chance.random() < 0.5:
                changed[key] = nasty(chance, changed.get(key))
        if chance.random() < 0.3:
            key = chance.choice([each for each in NASTY if isinstance(each, str)])
            changed[key] = chance.choice(NASTY)
        return changed
    if isinstance(value, list):
        return [nasty(chance, each) for each in value] + [chance.choice(NASTY)] * chance.randrange(2)
    return chance.choice(NASTY)


def target_of(chance: random.Random, route: OfProgram) -> str:
    """The path with something nasty in its places, and parameters as nasty."""
    path = route.path
    for name in route.shape.path:
        text = str(chance.choice(NASTY)).encode("utf-8", "surrogatepass")
        path = path.replace(f"{{{name}}}", "".join(f"%{octet:02x}" for octet in text) or "x")
    words = [f"{name}={chance.choice(['', 'x', '-1', '%ff', '%00', '9' * 30, '.', 'A'])}" for name in route.shape.query]
    chosen = [word for word in words if chance.random() < 0.3]
    return f"{path}?{'&'.join(chosen)}" if chosen else path


@pytest.mark.parametrize("route", OF_PROGRAM, ids=operation)
def test_a_nasty_request_is_refused_or_done_and_never_a_bug(route: OfProgram) -> None:
    chance = random.Random(operation(route))

    async def main() -> None:
        asked = Asked(Arranged(VirtualClock(), messages=10))
        await asked.done("PUT", "/zones/shop.example", {"data": {"www": {"A": "192.0.2.1"}}})
        await asked.done("POST", "/snapshots/save", {"name": "a"})
        for _ in range(ROUNDS):
            body = None if route.shape.body is None else nasty(chance, route.shape.example)
            target = target_of(chance, route)
            status, value = await asked(route.method, target, body)
            assert status in (200, 400, 404, 409), (target, body, value)
            if status != 200:
                assert len(value["error"]) < 1100
                assert "\n" not in value["error"]
            json.dumps(value).encode()
        assert "control_failed" not in asked.log.getvalue()
        assert (await asked("GET", "/zones"))[0] == 200

    run(main())


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/records/www.shop.example/TXT", {"values": "\ud800"}),
        ("PUT", "/zones/shop.example", {"dnssec": nested(900)}),
        ("POST", "/faults", {"kind": "silent", "server": nested(900)}),
    ],
)
def test_text_that_is_none_and_values_without_end_are_refused_in_a_line(method: str, target: str, body: Any) -> None:
    async def main() -> None:
        asked = Asked(Arranged(VirtualClock()))
        await asked.done("PUT", "/zones/shop.example", {"data": {"www": {"A": "192.0.2.1"}}})
        assert (await asked.refused(method, target, body))[0] == 400

    run(main())
