from __future__ import annotations

import pytest

from resolver import hints
from resolver.engine.knowledge import Route
from resolver.pipeline.routes import Routes
from tests.support.engine import delegation
from tests.support.messages import name

FORWARDED = ("corp.", "lab.corp.", "both.")
ROUTES = Routes(
    hints.root(delegation(".", 1).servers),
    stubs={name(zone): delegation(zone, 5) for zone in ("dev.lab.corp.", "stub.", "both.")},
    forwards={name(zone): Route(delegation(zone, 9), recursed=True) for zone in FORWARDED},
    first=frozenset((name("both."),)),
)


@pytest.mark.parametrize(
    ("asked", "zone"),
    [
        ("www.corp.", "corp."),
        ("corp.", "corp."),
        ("x.lab.corp.", "lab.corp."),
        ("x.dev.lab.corp.", None),
        ("xcorp.", None),
        ("www.stub.", None),
        ("www.both.", "both."),
        (".", None),
    ],
)
def test_the_closest_zone_decides_and_one_that_is_both_is_forwarded(asked, zone):
    route = ROUTES.forward(name(asked))
    assert (None if route is None else route.delegation.zone) == (None if zone is None else name(zone))


def test_everything_may_be_forwarded():
    everything = Routes(ROUTES.root, forwards={name("."): Route(delegation("."), recursed=True)})
    assert everything.forward(name("www.example.com.")) is everything.forward(name("."))
