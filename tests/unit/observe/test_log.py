"""How events are written."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.observe.log import BURST, MAX_REPEATED, MAX_VALUE, WINDOW, Format, Log

HOSTILE = 'a b="c"\n\x1b[2J\x7f\x00\\\x9b\u202e level=error'


class Wall:
    now = 1_700_000_000.25

    def __call__(self) -> float:
        return self.now


def written(wanted: Format = "logfmt", **fields: Any) -> str:
    stream = io.StringIO()
    Log(stream, Wall(), format=wanted).info("query", **fields)
    return stream.getvalue()


def test_an_event_is_one_line_that_begins_with_time_level_and_event() -> None:
    assert written(name="www.example.com.", rtt=0.0123456789, tries=2, hit=True, none=None) == (
        "time=2023-11-14T22:13:20.250Z level=info event=query name=www.example.com. rtt=0.0123457 tries=2 hit=true\n"
    )


def test_json_carries_the_same_with_its_types() -> None:
    line = written("json", name="www.example.com.", rtt=0.0123456789, tries=2, hit=True, none=None)
    assert line.count("\n") == 1
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "info",
        "event": "query",
        "name": "www.example.com.",
        "rtt": 0.012346,
        "tries": 2,
        "hit": True,
    }


@pytest.mark.parametrize("wanted", ["logfmt", "json"])
def test_hostile_text_stays_in_its_field(wanted: Format) -> None:
    line = written(wanted, name=HOSTILE, wire=b"\x1b\xff\n")
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    if wanted == "json":
        assert json.loads(line)["name"] == HOSTILE
    else:
        assert r'name="a b=\"c\"\n\u001b[2J\u007f\u0000\\\u009b\u202e level=error"' in line


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_a_quoted_value_is_the_text_it_stands_for(text: str) -> None:
    line = written(name=text)[:-1]
    assert line.isprintable()
    value = line.partition(" name=")[2]
    if value.startswith('"'):
        value = json.loads(value)
    assert value == text


def test_an_empty_value_is_quoted() -> None:
    assert written(name="").endswith(' name=""\n')


def test_values_that_json_lacks_become_text() -> None:
    assert json.loads(written("json", rtt=float("inf")))["rtt"] == "inf"


def test_a_long_value_is_cut() -> None:
    assert len(written(name="x" * 10_000)) < MAX_VALUE + 100


@pytest.mark.parametrize(("level", "count"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_events_below_the_level_are_not_written(level: str, count: int) -> None:
    stream = io.StringIO()
    log = Log(stream, Wall(), level)
    for write in (log.debug, log.info, log.warning, log.error):
        write("event")
    assert len(stream.getvalue().splitlines()) == count
    assert log.enabled("debug") is (level == "debug")


def test_bound_fields_stand_in_every_event() -> None:
    stream = io.StringIO()
    log = Log(stream, Wall()).bind(query=7).bind(client="192.0.2.1")
    log.info("one", client="::1")
    assert stream.getvalue().endswith("event=one query=7 client=::1\n")


def test_a_warning_that_repeats_is_written_a_few_times_and_then_counted() -> None:
    stream, wall = io.StringIO(), Wall()
    log = Log(stream, wall)
    for _ in range(BURST + 7):
        log.bind(server="a").warning("no-reply")
    log.warning("other")
    assert len(stream.getvalue().splitlines()) == BURST + 1
    wall.now += WINDOW
    log.warning("no-reply")
    assert stream.getvalue().endswith("event=no-reply left_out=7\n")


def test_a_wall_clock_that_is_set_back_silences_nothing() -> None:
    stream, wall = io.StringIO(), Wall()
    log = Log(stream, wall)
    for _ in range(BURST + 1):
        log.warning("no-reply")
    wall.now -= 10 * WINDOW
    log.warning("no-reply")
    assert stream.getvalue().endswith("event=no-reply left_out=1\n")


def test_the_count_of_repeated_warnings_is_bounded() -> None:
    log = Log(io.StringIO(), Wall())
    for number in range(MAX_REPEATED * 2):
        log.warning(f"event-{number}")
    assert len(log._repeated._counts) == MAX_REPEATED


def test_a_stream_that_cannot_be_written_to_stops_nothing() -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    Log(Full(), Wall()).error("event")
    closed = io.StringIO()
    closed.close()
    Log(closed, Wall()).error("event")
