"""What the resolver makes of each fault: the whole program, the shipped world in memory, rules added at run time."""

from __future__ import annotations

import pytest

from resolver.errors import InputError
from resolver.message import AD, TC, Edns, Rcode
from resolver.network.faults import RESOLVER_HOST, rule
from resolver.network.faults.words import DNSSEC, MALFORMED, WORDS
from tests.support.whole import whole

BOTH = ["ns1.example.com", "ns2.example.com"]
NAME = "www.example.com"
DO = Edns(do=True)
SETTINGS = {"history": {"messages": 1000}}

NEEDED = {
    "rcode": {"rcode": "NOTIMP"},
    "partition": {"between": [["resolver"], BOTH]},
    "clock_skew": {"seconds": "-60d"},
}


def add(made, kind, **conditions):
    return made.program.lab.faults.add(rule({"kind": kind, **NEEDED.get(kind, {}), **conditions}))


def ede(message):
    """The texts of the extended errors."""
    return " ".join(data[2:].decode() for code, data in message.edns.options if code == 15)


def applied(made):
    return [each["applied"] for each in made.program.lab.faults.listed() if not each["declared"]]


def failed(kind, **conditions):
    """What a client is told where both servers of a zone have the fault, how long it took, and what was applied."""

    async def main(made):
        add(made, kind, server=BOTH, **conditions)
        message = await made.ask(NAME)
        return message, made.took, applied(made)[0]

    return whole(main, SETTINGS)


ANSWERED = {
    "latency",
    "jitter",
    "duplication",
    "reordering",
    "oversize",
    "truncated",  # over TCP there is an answer
    "wrong_case",  # asked again without the riddle, or by TCP
    *(word for word, each in WORDS.items() if each.transport == "tcp"),  # nobody asks by TCP
}
"""With these there is an answer all the same."""


@pytest.mark.parametrize("word", [each for each in WORDS if WORDS[each].group != DNSSEC and each != "clock_skew"])
def test_a_fault_of_all_servers_of_a_zone_is_survived_or_told_in_time(word):
    message, took, count = failed(word)
    assert took <= 4.5
    if word in ANSWERED:
        assert message.rcode == Rcode.NOERROR
        assert message.answer
    else:
        assert message.rcode == Rcode.SERVFAIL
        assert not message.answer
        assert ede(message)
    assert count > 0 or WORDS[word].transport == "tcp"


@pytest.mark.parametrize("word", [each for each in WORDS if WORDS[each].group != DNSSEC and each != "clock_skew"])
def test_a_fault_of_one_server_is_survived(word):
    async def main(made):
        conditions = {"between": "resolver | ns1.example.com"} if word == "partition" else {}
        add(made, word, server="ns1.example.com", **conditions)
        return (await made.ask(NAME)).rcode, made.took

    rcode, took = whole(main)
    assert rcode == Rcode.NOERROR
    assert took < 4.5


@pytest.mark.parametrize("word", ["tcp_reset", "tcp_stall", "tcp_cut", "tcp_empty"])
def test_a_stream_that_fails_is_a_failure_where_there_is_no_other_way(word):
    async def main(made):
        add(made, "truncated", server=BOTH)
        add(made, word, server=BOTH)
        message = await made.ask(NAME)
        return message.rcode, bool(ede(message)), made.took <= 4.5, applied(made)[1] > 0

    assert whole(main) == (Rcode.SERVFAIL, True, True, True)


def test_a_stream_that_trickles_takes_its_time():
    async def main(made):
        add(made, "truncated", server=BOTH)
        add(made, "tcp_slow", server=BOTH, ms=2)
        message = await made.ask(NAME)
        return message.rcode, made.took

    rcode, took = whole(main)
    assert rcode == Rcode.NOERROR
    assert took > 0.2, "each octet takes two milliseconds"


@pytest.mark.parametrize("word", [each for each in WORDS if WORDS[each].group == MALFORMED])
def test_malformed_octets_are_no_answer_to_a_client_that_asks_by_tcp(word):
    """Nothing of a malformed reply comes through, whichever way the client came."""

    async def main(made):
        add(made, word, server=BOTH)
        message = await made.ask(NAME, tcp=True)
        return message.rcode, bool(message.flags & TC), bool(message.answer)

    assert whole(main) == (Rcode.SERVFAIL, False, False)


INSECURE = {"unknown-algorithm", "unknown-digest"}
"""With these a zone counts as unsigned."""


@pytest.mark.parametrize("word", [each for each in WORDS if WORDS[each].group == DNSSEC])
def test_a_signed_zone_is_broken_while_the_rule_is_there_and_whole_when_it_goes(word):
    async def main(made):
        before = await made.ask(NAME, edns=DO)
        assert before.flags & AD
        number = add(made, word, zone="example.com")
        gone = "gone.example.com"
        made.program.flush(b"\0", True)
        broken = [await made.ask(NAME, edns=DO), await made.ask(gone, edns=DO)]
        assert applied(made)[0] > 0
        made.program.lab.faults.clear(number)
        made.program.flush(b"\0", True)
        after = [await made.ask(NAME, edns=DO), await made.ask(gone, edns=DO)]
        assert all(each.flags & AD for each in after)
        assert [each.rcode for each in after] == [Rcode.NOERROR, Rcode.NXDOMAIN]
        return [(each.rcode, bool(each.flags & AD)) for each in broken]

    name, gone = whole(main, {"dnssec": {"validation": True}})
    if word in INSECURE:
        assert (name, gone) == ((Rcode.NOERROR, False), (Rcode.NXDOMAIN, False))
    elif word in ("nsec-missing", "nsec3-iterations"):
        assert gone in ((Rcode.SERVFAIL, False), (Rcode.NXDOMAIN, False)), "what is not there cannot be proven"
        assert name[0] == Rcode.NOERROR
    elif word == "revoked":
        assert name == (Rcode.SERVFAIL, False)
    else:
        assert name == (Rcode.SERVFAIL, False)


def test_a_clock_that_is_wrong_makes_signatures_of_another_time():
    async def main(made):
        rcodes = []
        for seconds in ("-60d", "60d", "-1h", "-10d"):
            number = add(made, "clock_skew", server=BOTH, seconds=seconds)
            rcodes.append((await made.ask(NAME)).rcode)
            made.program.lab.faults.clear(number)
            made.program.flush(b"\0", True)
        return rcodes

    rcodes = whole(main, {"dnssec": {"validation": True}})
    assert rcodes == [Rcode.SERVFAIL, Rcode.SERVFAIL, Rcode.NOERROR, Rcode.NOERROR]


def test_only_the_zone_that_is_named_is_broken():
    async def main(made):
        add(made, "bogus", zone="example.com")
        return [(await made.ask(name)).rcode for name in ("www.example.org", "example.com")]

    assert whole(main, {"dnssec": {"validation": True}}) == [Rcode.NOERROR, Rcode.SERVFAIL]


def test_each_server_that_recurses_asks_from_its_own_address():
    async def main(made):
        await made.ask(NAME)
        history = made.program.lab.history
        return {(seen.server, seen.client) for seen in history.select() if seen.side == "server"}

    asked = whole(main, {**SETTINGS, "resolver": {"mode": "recursive"}})
    roots = {
        "a.root-servers.test.": "127.53.0.1",
        "b.root-servers.test.": "127.53.0.2",
        "c.root-servers.test.": "127.53.0.3",
    }
    assert {client for server, client in asked if server in roots} == {RESOLVER_HOST}
    assert {client for server, client in asked if server.endswith(".nic.com.")} <= set(roots.values())
    assert {client for server, client in asked if server.endswith(".example.com.")} <= {"127.53.1.1", "127.53.1.2"}


@pytest.mark.parametrize(("mode", "rcode"), [("recursive", Rcode.SERVFAIL), ("iterative", Rcode.NOERROR)])
def test_the_network_between_servers_can_be_cut_which_hurts_who_asks_through_them(mode, rcode):
    """In the recursive mode the root servers ask those of com; in the iterative one nobody asks for another."""

    async def main(made):
        roots = [f"{each}.root-servers.test" for each in "abc"]
        add(made, "partition", between=[roots, ["a.nic.com", "b.nic.com"]])
        return (await made.ask(NAME)).rcode, applied(made)[0] > 0

    assert whole(main, {"resolver": {"mode": mode}}) == (rcode, mode == "recursive")


def test_what_was_done_is_remembered_of_the_query_and_told_in_the_transcript():
    async def main(made):
        number = add(made, "refused", server="ns1.example.com")
        add(made, "latency", ms=5, server=BOTH)
        await made.ask(NAME)
        seen = [each for each in made.program.lab.history.select() if "refused" in each.faults]
        nodes = list(made.transcript.roots)
        notes = set()
        while nodes:
            node = nodes.pop()
            nodes += node.below
            notes |= {(node.server.rstrip("."), note) for note in node.notes}
        return number, {(each.server, each.faults) for each in seen}, notes

    number, seen, notes = whole(main, SETTINGS, transcribed=True)
    assert seen <= {("ns1.example.com.", ("refused", "latency"))}
    told = {note.fault for server, note in notes if hasattr(note, "fault")}
    assert any(text.startswith("latency ms=5 server=") for text in told)
    if seen:
        assert any(note.rule == number for _, note in notes if hasattr(note, "rule"))


def test_faults_are_counted_in_the_statistics_and_outlive_a_change_of_the_world():
    async def main(made):
        add(made, "refused", zone="example.com", count=1)
        before = made.program.stats()["faults.applied"]
        await made.ask(NAME)
        assert made.program.stats()["faults.applied"] == before + 1
        await made.swap(made.program.world)
        return applied(made)

    settings = {"world": {"in_memory": True, "port": 53}}
    assert whole(main, settings) == [1]


def test_a_rule_for_a_server_that_is_not_there_is_found_out():
    async def main(made):
        with pytest.raises(InputError, match=r"did you mean 'ns1\.example\.com\.'"):
            made.program.lab.faults.check(rule({"kind": "silent", "server": "ns1.exmple.com"}))
        made.program.lab.faults.check(rule({"kind": "silent", "server": "ns1.example.com"}))

    whole(main)
