from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.errors import InputError
from resolver.message import Client, Transport
from resolver.network.faults import FaultTable, Place, rule
from resolver.network.faults import table as faults
from resolver.network.faulty import Faulty
from resolver.testing.virtual_time import VirtualClock
from resolver.wire.render import render_query
from tests.support import zone_text
from tests.support.clocks import ManualClock

PLACE = Place("ns1.example.com.", ("127.53.2.1",))
CLIENT = Client("127.0.0.1", 4000, Transport.UDP)
WIRE = render_query(7, zone_text.question("www.example.com.", "A"), rd=False, edns=None)


class Table:
    """A table, and whether a query to a server is lost by it."""

    def __init__(self, seed=1):
        self.clock, self.table = VirtualClock(), FaultTable(seed)
        self.table.begin(self.clock)
        self.faulty = Faulty(lambda wire, client, send: send(wire), self.table, PLACE, self.clock)

    def lost(self, times=1):
        said = []
        for _ in range(times):
            self.faulty(WIRE, CLIENT, said.append)
        return [each is None for each in said]

    def add(self, kind="silent", **conditions):
        return self.table.add(rule({"kind": kind, **conditions}))

    def states(self):
        return [(each["id"], each["applied"], each["state"]) for each in self.table.listed()]


def test_a_rule_begins_at_its_time_and_lasts_as_long_as_it_says(run):
    async def main():
        t = Table()
        await t.clock.advance(100)
        t.add(at="30s", for_="60s")
        told = []
        for seconds in (0, 29.9, 0.2, 59.7, 0.2, 100):
            await t.clock.advance(seconds)
            told.append((*t.lost(), t.states()[0][2]))
        assert t.faulty.sound is not None, "the server is sound again"
        return told

    assert run(main()) == [
        (False, "waiting"),
        (False, "waiting"),
        (True, "in force"),
        (True, "in force"),
        (False, "over"),
        (False, "over"),
    ]


def test_the_first_are_spared_and_then_so_many_are_hit(run):
    async def main():
        t = Table()
        t.add(skip=2, count=3)
        lost = t.lost(8)
        assert t.faulty.sound is not None
        return lost, t.states()

    lost, states = run(main())
    assert lost == [False, False, True, True, True, False, False, False]
    assert states == [(1, 3, "over")]


def test_only_queries_that_meet_the_conditions_count(run):
    async def main():
        t = Table()
        t.add(skip=1, count=1, type="AAAA")
        t.lost(5)
        other = render_query(7, zone_text.question("www.example.com.", "AAAA"), rd=False, edns=None)
        said = []
        for _ in range(3):
            t.faulty(other, CLIENT, said.append)
        return [each is None for each in said]

    assert run(main()) == [False, True, False]


@given(st.floats(0, 1), st.integers(0, 1 << 32))
def test_a_probability_is_the_share_that_is_hit(probability, seed):
    table = FaultTable(seed)
    table.add(rule({"kind": "silent", "probability": probability}))
    said = []
    faulty = Faulty(lambda wire, client, send: send(wire), table, PLACE, ManualClock())
    for _ in range(400):
        faulty(WIRE, CLIENT, said.append)
    deviation = (probability * (1 - probability) / 400) ** 0.5
    assert abs(said.count(None) / 400 - probability) <= 6 * deviation + 1e-9


def test_what_happens_to_one_rule_depends_on_nothing_that_happens_to_others(run):
    async def main(busy):
        t = Table()
        t.add("silent", probability=0.5)
        if busy:
            t.add("garbage", probability=0.5)
        return t.lost(50)

    assert run(main(False)) == run(main(True))


def test_rules_are_numbered_listed_and_cleared(run):
    async def main():
        t = Table()
        first, second, third = t.add(), t.add("latency", ms=5), t.add("lame", count=1)
        assert (first, second, third) == (1, 2, 3)
        assert t.table.listed()[1] == {
            "id": 2,
            "kind": "latency",
            "ms": 5.0,
            "applied": 0,
            "state": "in force",
            "declared": False,
        }
        assert t.table.clear(second) == 1
        with pytest.raises(InputError, match="there is no fault 2; those that are there: 1, 3"):
            t.table.clear(second)
        assert [each["id"] for each in t.table.listed()] == [1, 3]
        assert t.lost() == [True]
        assert t.table.clear() == 2
        assert t.table.listed() == []
        assert t.lost() == [False]
        assert t.add() == 4, "a number is never used twice"

    run(main())


def test_rules_can_be_kept_and_put_back(run):
    async def main():
        t = Table()
        t.add("lame", probability=0.5)
        t.add("silent", count=1)
        t.lost()
        kept = t.table.added()
        assert [each.kind for each in kept] == ["lame"], "but for those that are over"
        t.table.clear()
        t.add("garbage")
        t.table.restore(kept)
        return [each["kind"] for each in t.table.listed()]

    assert run(main()) == ["lame"]


def test_rules_that_the_world_declares_outlive_its_changes_as_they_are(run):
    async def main():
        t = Table()
        once, lossy = rule({"kind": "silent", "count": 1}), rule({"kind": "loss", "probability": 0.5})
        t.table.declare([PLACE], [once])
        added = t.add("lame", type="MX")
        assert t.lost(2) == [True, False]
        t.table.declare([PLACE], [lossy, once])
        assert t.states() == [(1, 1, "over"), (added, 0, "in force"), (3, 0, "in force")]
        assert t.table.clear() == 1, "those of the world stay"
        first = t.lost(30)
        t.table.declare([PLACE], [])
        assert t.table.listed() == []
        t.table.declare([PLACE], [lossy])
        assert t.lost(30) == first, "a declared rule draws by what it says"

    run(main())


def test_a_declared_rule_that_was_cleared_stays_so_until_the_world_does_not_declare_it(run):
    async def main():
        t = Table()
        silent = rule({"kind": "silent"})
        t.table.declare([PLACE], [silent])
        t.table.clear(1)
        t.table.declare([PLACE], [silent])
        assert (t.lost(), t.states()) == ([False], [(1, 0, "over")])
        t.table.declare([PLACE], [])
        t.table.declare([PLACE], [silent])
        return t.lost()

    assert run(main()) == [True]


def test_two_equal_rules_of_the_world_are_two(run):
    async def main():
        t = Table()
        once = rule({"kind": "silent", "count": 1})
        t.table.declare([PLACE], [once, once])
        t.table.declare([PLACE], [once, once])
        return t.lost(3)

    assert run(main()) == [True, True, False]


@pytest.mark.parametrize("declared", [True, False])
def test_equal_rules_do_not_draw_alike(run, declared):
    async def main():
        t = Table()
        half = rule({"kind": "latency", "probability": 0.5})
        if declared:
            t.table.declare([PLACE], [half, half])
        else:
            t.add("latency", probability=0.5)
            t.add("latency", probability=0.5)
        came = set()
        began = t.clock.monotonic()
        for _ in range(40):
            t.faulty(WIRE, CLIENT, lambda _: came.add(round(t.clock.monotonic() - began, 3)))
        await t.clock.advance(1)
        return came

    assert run(main()) == {0.0, 0.1, 0.2}, "none, one of them, and both"


def test_rules_that_were_there_before_the_clock_are_counted_from_when_it_begins(run):
    async def main():
        clock, table = VirtualClock(), FaultTable()
        table.add(rule({"kind": "silent", "at": 10}))
        await clock.advance(50)
        table.begin(clock)
        await clock.advance(9)
        states = [table.listed()[0]["state"]]
        await clock.advance(2)
        return [*states, table.listed()[0]["state"]]

    assert run(main()) == ["waiting", "in force"]


def test_rules_are_bounded(monkeypatch):
    monkeypatch.setattr(faults, "MAX_RULES", 2)
    table = FaultTable()
    table.add(rule({"kind": "silent"}))
    table.add(rule({"kind": "silent"}))
    with pytest.raises(InputError, match="2 faults are the most; clear those that are over"):
        table.add(rule({"kind": "silent"}))


def test_a_server_that_is_not_there_is_found_out():
    table = FaultTable()
    table.declare([PLACE, Place("ns2.example.com.", ("127.53.2.2",))], [])
    for good in (
        {"server": "ns1.example.com"},
        {"server": "127.53.2.2"},
        {"source": ["resolver", "clients", "ns2.example.com", "10.0.0.0/8", "192.0.2.1"]},
    ):
        table.check(rule({"kind": "silent", **good}))
    with pytest.raises(InputError, match=r"no server ns1\.exmaple\.com\. is in this world; did you mean 'ns1\.example"):
        table.check(rule({"kind": "silent", "server": "ns1.exmaple.com"}))
    with pytest.raises(InputError, match=r"no server 127\.53\.2\.3"):
        table.check(rule({"kind": "silent", "server": "127.53.2.3"}))
    with pytest.raises(InputError) as caught:
        table.check(rule({"kind": "partition", "between": "ns1.example.com | ns3.example.com"}))
    assert caught.value.where == "between"


def test_a_zone_that_is_not_signed_cannot_be_broken():
    table = FaultTable()
    table.declare([PLACE], [], ["example.com.", "example.org."])
    table.check(rule({"kind": "expired", "zone": "Example.com"}))
    table.check(rule({"kind": "silent", "zone": "example.net"}))
    with pytest.raises(InputError, match=r"no signed zone exmaple\.com\. is in this world; did you mean 'example\.com"):
        table.check(rule({"kind": "expired", "zone": "exmaple.com"}))


def test_what_was_applied_is_counted(run):
    async def main():
        t = Table()
        t.add(count=2)
        t.lost(5)
        return t.table.counts()

    assert run(main()) == {"faults.rules": 1, "faults.applied": 2, "faults.overflowed": 0}


def test_a_source_may_be_a_server_whose_name_has_a_slash(run):
    async def main():
        t = Table()
        t.table.declare((PLACE, Place("0/25.2.0.192.in-addr.arpa.", ("127.53.2.9",))), ())
        t.add(source=["0/25.2.0.192.in-addr.arpa", "10.0.0.0/8"])
        said = []
        for host in ("127.53.2.9", "10.1.2.3", "127.0.0.1"):
            t.faulty(WIRE, CLIENT._replace(host=host), said.append)
        return [each is None for each in said]

    assert run(main()) == [True, True, False]


def test_what_a_rule_says_in_one_line_is_one_that_acts_on_no_terminal():
    made = rule({"kind": "servfail", "ede": 0, "text": "\x1b[2J\nfault 2: silent"})
    assert made.text == "servfail ede=0 text=\\u001b[2J\\nfault 2: silent"
