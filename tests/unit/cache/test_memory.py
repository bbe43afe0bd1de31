"""What the cache costs in memory, measured on a process of its own: the weights of entries must be honest."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

PREAMBLE = """
import gc, json, os, sys
from resolver.cache.answers import AnswerStore
from resolver.cache.records import NAME_ERROR, Credibility, Records
from resolver.message import QR, Edns, Message, Question, RRset
from resolver.wire import names
from resolver.wire.render import render, render_query

class Clock:
    boottime = staticmethod(lambda: 7000.0)

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def positive(number, count=1):
    owner = names.from_text(f"host{number}.department{number % 97}.example.com.")
    return RRset(owner, 1, 1, 300, tuple((number * 7 + each).to_bytes(4, "big") for each in range(count)))

def soa():
    first, second = names.from_text("ns1.example.com."), names.from_text("hostmaster.example.com.")
    return RRset(names.from_text("example.com."), 6, 1, 900, (first + second + bytes(18) + b"\\x0e\\x10",))

def told(*values):
    print(json.dumps(values))
"""

FLOOD = """
records, before = Records(1 << 30, Clock()), resident()
for number in range(COUNT):
    if DENIED:
        records.learn_denial(positive(number).name, NAME_ERROR, soa(), Credibility.AUTHORITATIVE_ANSWER)
    else:
        records.learn(positive(number), Credibility.AUTHORITATIVE_ANSWER)
assert len(records) == COUNT
told((resident() - before) / COUNT, records.store.bytes_held() / COUNT)
"""

STORED = """
answers, before = AnswerStore(1 << 30, Clock()), resident()
for number in range(COUNT):
    data = positive(number)
    question = Question(data.name, 1)
    response = render(Message(7, QR, 0, question, (data,), (), (), Edns()))
    answers.keep(render_query(7, question, rd=True, edns=Edns()), response)
told((resident() - before) / COUNT, answers.bytes_held() / COUNT)
"""

CHURN = """
limit = 12 << 20
records, before, highest = Records(limit, Clock()), resident(), 0
for number in range(COUNT):
    records.learn(positive(number, 1 + number * number % 40), Credibility.AUTHORITATIVE_ANSWER)
    if number % 10_000 == 0:
        highest = max(highest, resident() - before)
told(highest, limit)
"""


def measured(program: str, **values: object) -> tuple[float, float]:
    """The two numbers that `program` prints, whatever PYTHONMALLOC says, which changes what things cost."""
    given = "".join(f"{name} = {value!r}\n" for name, value in values.items())
    run = [sys.executable, "-E", "-c", PREAMBLE + given + program]
    done = subprocess.run(run, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    one, two = json.loads(done.stdout)
    return one, two


linux = pytest.mark.skipif(
    not Path("/proc/self/statm").exists()
    or not sysconfig.get_config_var("WITH_PYMALLOC")
    or hasattr(sys, "gettotalrefcount"),
    reason="needs /proc, and objects that cost what they do with the usual allocator of a release build",
)


@linux
@pytest.mark.parametrize(("denied", "count"), [(False, 200_000), (True, 60_000)])
def test_a_name_that_was_asked_for_once_costs_at_most_300_bytes_and_weighs_what_it_costs(denied: bool, count: int):
    resident, weight = measured(FLOOD, COUNT=count, DENIED=denied)
    assert resident <= 300
    assert 0.83 * resident <= weight <= 1.2 * resident


@linux
def test_a_stored_answer_weighs_what_it_costs():
    resident, weight = measured(STORED, COUNT=60_000)
    assert resident <= 600
    assert 0.83 * resident <= weight <= 1.2 * resident


@linux
def test_entries_that_come_and_go_stay_within_the_limit():
    highest, limit = measured(CHURN, COUNT=100_000)
    assert 0.5 * limit <= highest <= 1.2 * limit
