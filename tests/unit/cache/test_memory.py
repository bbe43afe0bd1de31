"""What the cache costs in memory, measured on a process of its own: the weights of entries must be honest."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.filling import KINDS, MIXED, filled

ROOT = Path(__file__).resolve().parents[3]

PREAMBLE = """
import gc, json, os, sys
from resolver.cache.answers import AnswerStore
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

def told(*values):
    print(json.dumps(values))
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
@pytest.mark.parametrize("kind", KINDS)
def test_a_name_costs_at_most_300_bytes_beyond_its_data_and_weighs_what_it_costs(kind: str):
    seen = filled(kind, 10_000 if kind == "TXT" else 30_000, 1 << 40)
    assert seen.names >= 10_000
    assert (seen.resident - seen.data) / seen.names <= 300
    assert 0.83 * seen.resident <= seen.weighed <= 1.2 * seen.resident


@linux
def test_a_stored_answer_weighs_what_it_costs():
    resident, weight = measured(STORED, COUNT=60_000)
    assert resident <= 300
    assert 0.83 * resident <= weight <= 1.2 * resident


@linux
@pytest.mark.parametrize("kind", [*KINDS, MIXED])
def test_names_that_come_and_go_take_the_limit_within_a_fifth(kind: str):
    limit = 3 << 20
    seen = filled(kind, 8_000 if kind == "TXT" else 40_000, limit)
    assert seen.evicted > 0
    assert 0.8 * limit <= seen.lowest_full
    assert seen.highest <= 1.2 * limit
