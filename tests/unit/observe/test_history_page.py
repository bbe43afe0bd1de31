"""docs/history.md says what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

from resolver.message import AA, QR, Message, Question, Transport
from resolver.observe.history import MAX_MESSAGES, MAX_OCTETS, History, seen
from resolver.observe.wanted import WORDS
from resolver.testing.virtual_time import WALL_START
from resolver.wire.parse import parse
from resolver.wire.render import render, render_query
from tests.support.messages import name, sets

PAGE = (Path(__file__).resolve().parents[3] / "docs/history.md").read_text()


def below(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_message_on_the_page_is_what_one_is_told_as():
    history = History(10)
    question = Question(name("www.example.com."), 1)
    for _ in range(4):
        one = history.asked(
            WALL_START,
            "server",
            "ns1.example.com.",
            "127.53.2.1",
            "127.0.0.1",
            Transport.UDP,
            render_query(7, question, rd=False, edns=None),
        )
    assert one.number == 4
    answer = sets("www.example.com. 3600 IN A 192.0.2.80")
    authority = sets("example.com. 86400 IN NS ns1.example.com.")
    history.replied(one, render(Message(7, QR | AA, 0, question, answer, authority)), 40.0)
    one.faults = ("latency",)
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert json.loads(shown) == one.as_data()
    assert seen(json.loads(shown)).message == parse(one.response or b"")


def test_every_field_and_every_word_is_on_the_page():
    fields = re.findall(r"^\| (`.*?) \|", below("A message as JSON"), re.MULTILINE)
    assert re.findall(r"`(\w+)`", " ".join(fields)) != []
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", " ".join(fields))) == set(json.loads(shown))
    assert set(re.findall(r"^\| `(\w+)` \|", below("Filters"), re.MULTILINE)) == set(WORDS)


def test_the_bounds_on_the_page_are_those_in_force():
    assert f"{MAX_MESSAGES:,} messages are remembered, and {MAX_OCTETS >> 20} MiB" in PAGE
