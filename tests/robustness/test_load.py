"""What rates are measured with works: the authority answers, and the load counts what came back."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator

import dns.message
import dns.rdatatype
import pytest

from tests.robustness.authority import answer
from tests.robustness.load import Stream, as_fast_as_answered, at_a_rate, once
from tests.support.daemons import PATIENCE, ROOT

HOST = "127.0.0.2"


@pytest.fixture
def at() -> Iterator[tuple[str, int]]:
    """Where an authority answers that ends with the test."""
    argv = [sys.executable, "-m", "tests.robustness.authority", HOST]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield HOST, int(child.stdout.readline())
        child.communicate(timeout=PATIENCE)
        assert child.returncode == 0


@pytest.mark.parametrize("rtype", ["A", "AAAA"])
def test_the_authority_has_an_address_for_each_name_and_denies_all_else(rtype: str) -> None:
    query = dns.message.make_query("www.good0.", rtype, use_edns=False)
    response = dns.message.from_wire(answer(query.to_wire()))
    assert query.is_response(response)
    assert bool(response.answer) == (rtype == "A")
    assert [rrset.rdtype for rrset in response.authority] == ([] if rtype == "A" else [dns.rdatatype.SOA])


@pytest.mark.sockets
def test_as_many_are_asked_as_are_answered_and_all_are_counted(at: tuple[str, int]) -> None:
    load = as_fast_as_answered(at, (f"n{number}.good0" for number in itertools.count()), 300, PATIENCE)
    assert (load.sent, load.good, load.lost, load.rcodes) == (300, 300, 0, {0: 300})


@pytest.mark.sockets
def test_streams_are_asked_side_by_side_each_at_its_rate(at: tuple[str, int]) -> None:
    fast = Stream((f"n{number}.good0" for number in itertools.count()), 400.0)
    slow = Stream(itertools.repeat("n.good1"), 20.0)
    at_a_rate(at, (fast, slow), 0.25)
    assert (fast.sent, fast.good, fast.lost) == (100, 100, 0)
    assert (slow.sent, slow.good, slow.lost) == (5, 5, 0)
    assert 0 < fast.percentile(0.5) <= fast.percentile(0.99)
    assert once(at, "www.good0")[:2] == (0, 1)


def test_what_never_came_is_lost_and_took_for_ever() -> None:
    stream = Stream(iter(()), 1.0, sent=3)
    assert stream.lost == 3
    assert stream.percentile(0.99) == float("inf")
