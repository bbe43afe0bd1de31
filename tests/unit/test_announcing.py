"""What the log says of a daemon that has started."""

from __future__ import annotations

import io
from typing import Any

import pytest

from resolver.announcing import announce
from resolver.config import Config
from resolver.observe.log import Log

OFFICE = {".": ["192.0.2.1"]}


def said(**sections: Any) -> str:
    out = io.StringIO()
    announce(Log(out, wall=lambda: 0.0), Config.model_validate(sections), None)
    return out.getvalue()


def test_who_iterates_says_from_where_and_who_forwards_says_to_whom():
    assert "event=started mode=iterative roots=simulated\n" in said()
    text = said(resolver={"forward_zones": OFFICE, "roots": "internet"})
    assert text.endswith("event=started mode=forwarding to=forward:.\n"), "and no warning"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, True),
        ({"dnssec": {"validation": False}}, False),
        ({"dnssec": {"trust_anchors": [". IN DS 20326 8 2 " + "E0" * 32]}}, False),
        ({"world": {"serve": True}}, False),
    ],
)
def test_answers_that_nothing_can_prove_are_warned_of(more, told):
    text = said(resolver={"forward_zones": OFFICE}, **more)
    assert ("event=nothing_validated" in text and "roots = internet" in text) == told
