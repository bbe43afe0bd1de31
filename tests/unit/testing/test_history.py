from __future__ import annotations

import pytest

from resolver.errors import InputError
from resolver.message import Rcode, Transport
from resolver.observe import showing
from resolver.testing.history import HistoryView, NotSeen
from tests.support.histories import Kept
from tests.support.whole import whole

SERVERS = ("a.root-servers.test.", "a.gtld.test.", "ns1.shop.example.", "ns2.shop.example.")
ZONES = ("shop.example.", "gone.test.")


class Filled(Kept):
    """What is seen when a client asks for two names below shop.example."""

    def __init__(self, limit: int = 1_000) -> None:
        super().__init__(limit)
        self.view = HistoryView(self.history, servers=lambda: SERVERS, zones=lambda: ZONES)
        self.answered("www.shop.example", "A", "www.shop.example. 60 IN A 192.0.2.1")  # 1
        self.answered("example", "NS", server="a.root-servers.test.")  # 2
        self.answered("shop.example", "A", server="a.gtld.test.")  # 3
        self.asked("www.shop.example", server="ns1.shop.example.").faults = ("silent",)  # 4
        self.answered("WWW.shop.example", server="ns2.shop.example.", transport=Transport.TCP)  # 5
        self.answered("gone.shop.example", rcode=Rcode.NXDOMAIN, client="192.0.2.7")  # 6
        self.answered("gone.shop.example", server="ns2.shop.example.", rcode=Rcode.NXDOMAIN)  # 7


@pytest.fixture
def view() -> HistoryView:
    return Filled().view


def failure(assertion, *given, **words) -> list[str]:
    """What the assertion says when it fails."""
    with pytest.raises(NotSeen) as failed:
        assertion(*given, **words)
    return str(failed.value).splitlines()


def test_queries_to_servers_are_counted_unless_another_side_is_named(view):
    assert view.count() == 5
    assert view.count(server="a.gtld.test.") == 1
    assert view.count(name="www.shop.example", type="A") == 2
    assert view.count(side="client") == 2
    assert view.count(side=None) == len(view) == 7
    assert view.count(zone="shop.example", rcode="NXDOMAIN", side=None) == 2
    assert view.count(fault="silent") == 1
    assert view.count(transport="tcp") == 1


def test_answers_are_those_that_clients_got(view):
    first, second = view.answers()
    assert (first.name, first.type, first.rcode) == ("www.shop.example.", "A", "NOERROR")
    assert first.answer == ["www.shop.example. 60 IN A 192.0.2.1"]
    assert (second.client, second.rcode, second.answer) == ("192.0.2.7", "NXDOMAIN", [])
    assert view.answers(rcode="NXDOMAIN") == [second]


def test_an_entry_says_what_was_asked_of_whom(view):
    silent, answered = view.queries(name="www.shop.example")
    assert (silent.server, silent.rcode, silent.ms, silent.faults) == ("ns1.shop.example.", None, None, ("silent",))
    assert (answered.name, answered.transport, answered.ms, answered.side) == (
        "www.shop.example.",
        "tcp",
        1.5,
        "server",
    )
    assert str(silent) == "www.shop.example. A → ns1.shop.example. (udp): no reply, silent"
    assert str(answered) == "www.shop.example. A → ns2.shop.example. (tcp): NOERROR, 1.5 ms"
    assert answered.as_data()["server"] == "ns2.shop.example."
    assert [each.number for each in view] == [1, 2, 3, 4, 5, 6, 7]


def test_the_last_query_is_one_to_a_server(view):
    assert view.last is not None
    assert view.last.number == 7
    view.clear()
    assert (view.last, len(view), view.count()) == (None, 0, 0)


def test_what_is_seen_since_a_moment_can_be_told_apart():
    made = Filled()
    later = made.view.since()
    assert (len(later), later.count(), bool(later)) == (0, 0, True)
    made.answered("mail.shop.example", "MX", server="ns1.shop.example.")
    assert (len(later), later.count(), made.view.count()) == (1, 1, 6)
    assert later.count(after=8) == 0
    later.assert_not_asked("www.shop.example")
    made.history.clear()
    assert later.since().count() == 0


def test_the_whole_can_be_shown(view):
    assert repr(view) == "<history: 5 queries to servers, 2 of clients>"
    assert str(view).splitlines()[0].split() == ["#", "AT", "ASKED", "NAME", "TYPE", "OVER", "RCODE", "MS", "FAULTS"]
    assert len(str(view).splitlines()) == 8


# -- assertions


def test_what_was_asked_is_given_back(view):
    (found,) = view.assert_asked("shop.example")
    assert (found.server, found.number) == ("a.gtld.test.", 3)
    assert len(view.assert_asked("www.shop.example", "A", times=2)) == 2
    view.assert_asked(server="ns2.shop.example.", times=2)
    view.assert_not_asked("www.shop.example", "AAAA")
    view.assert_asked("gone.shop.example", side="client")


def test_what_comes_nearest_is_shown_where_it_was_not_asked(view):
    lines = failure(view.assert_asked, "www.shop.example", "AAAA", server="ns1.shop.example.")
    assert lines[0] == (
        "wanted at least once: queries to servers with name www.shop.example, type AAAA, server ns1.shop.example.; "
        "seen never"
    )
    assert lines[1:8] == [
        "nearest, #4:",
        "    side      server",
        "    name      www.shop.example.",
        "  - type      AAAA",
        "  + type      A",
        "    server    ns1.shop.example.",
        "seen:",
    ]
    assert lines[8].split()[:4] == ["#", "AT", "ASKED", "NAME"]
    assert len(lines) == 9 + 7


def test_how_often_it_was_asked_is_shown_with_each(view):
    lines = failure(view.assert_asked, "www.shop.example", times=3)
    assert lines[0] == "wanted 3 times: queries to servers with name www.shop.example; seen twice"
    assert [line.split()[0] for line in lines[1:]] == ["#", "4", "5"]


def test_what_was_asked_against_the_wish_is_shown(view):
    lines = failure(view.assert_not_asked, "shop.example", server="a.gtld.test.")
    assert lines[0] == "wanted never: queries to servers with name shop.example, server a.gtld.test.; seen once"
    assert lines[2].split() == ["3", "+0.000", "a.gtld.test.", "shop.example.", "A", "udp", "NOERROR", "1.5", "-"]


def test_nothing_can_be_asserted_of_what_was_forgotten():
    view = Filled(limit=5).view
    for assertion, words in ((view.assert_not_asked, {}), (view.assert_asked, {"times": 1})):
        (line,) = failure(assertion, "mail.shop.example", **words)
        assert line == "2 messages were forgotten, so it cannot be told; 5 are remembered"
    view.assert_asked("gone.shop.example")
    view.since().assert_not_asked("mail.shop.example")


def test_a_sequence_is_met_in_its_order(view):
    found = view.assert_sequence(
        [
            "example. NS @a.root-servers.test.",
            {"server": "a.gtld.test."},
            "www.shop.example @ns2.shop.example.",
        ]
    )
    assert [each.number for each in found] == [2, 3, 5]
    view.assert_sequence(["gone.shop.example"], exact=True, name="gone.shop.example")
    view.assert_sequence([])


def test_the_first_of_a_sequence_that_is_missing_is_shown(view):
    lines = failure(view.assert_sequence, ["shop.example. @a.gtld.test.", "example. NS"])
    assert lines[0] == ("wanted as number 2 of 2, behind #3: queries with name example., type NS; not seen there")
    assert lines[1] == "nearest, #2:"


def test_what_is_seen_besides_an_exact_sequence_is_shown(view):
    lines = failure(view.assert_sequence, ["www.shop.example"], exact=True, name="www.shop.example")
    assert lines[0] == "wanted nothing but a sequence of 1; seen besides: 1"
    assert lines[2].split()[0] == "5"


def test_a_count_can_say_why_it_is_another(view):
    count = view.count(name="www.shop.example")
    lines = count.explained(1)
    assert lines[0] == "seen twice: queries to servers with name www.shop.example; wanted 1"
    assert [line.split()[0] for line in lines[1:]] == ["#", "4", "5"]
    assert "nearest, #5:" in view.count(name="www.shop.example", type="MX").explained(1)


# -- what is mistaken


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"servr": "a.gtld.test."}, "there is no filter 'servr'; did you mean 'server'?"),
        ({"server": "ns1.shop.exmaple."}, "there is no server 'ns1.shop.exmaple.'; did you mean 'ns1.shop.example.'?"),
        (
            {"server": "x."},
            "there is no server 'x.'; there are a.gtld.test., a.root-servers.test., ns1.shop.example., "
            "ns2.shop.example.",
        ),
        ({"name": "www.shop.exmaple"}, "name: no declared zone has 'www.shop.exmaple'; did you mean 'shop.example.'?"),
        ({"zone": "*.shop.exmaple"}, "zone: '*.shop.exmaple': no declared zone"),
        ({"name": "a..b"}, "name: 'a..b' has an empty label; write one as in example.com, or *.example.com"),
    ],
)
def test_a_word_that_is_misspelt_is_an_error(view, words, told):
    if "zone" in words:
        told = "zone: no declared zone has '*.shop.exmaple'; did you mean 'shop.example.'?"
    for method in (view.count, view.queries, view.answers, view.assert_asked, view.assert_not_asked):
        with pytest.raises(InputError) as wrong:
            method(**words)
        assert str(wrong.value) == told
    with pytest.raises(InputError):
        view.assert_sequence([words])


def test_names_above_and_below_declared_zones_may_be_meant_and_those_that_were_seen():
    made = Filled()
    for name in ("example", ".", "deep.www.shop.example", "gone.test", "test"):
        made.view.assert_not_asked(name, "TXT")
    with pytest.raises(InputError):
        made.view.count(name="elsewhere.invalid")
    made.asked("elsewhere.invalid", server="unlisted.test.")
    assert made.view.count(name="elsewhere.invalid", server="unlisted.test.") == 1
    assert made.view.count(server="127.53.0.99") == 0
    assert made.view.count(server="*.example.") == 3


def test_a_step_that_says_a_word_twice_is_an_error(view):
    with pytest.raises(InputError, match="says server twice"):
        view.assert_sequence(["a. A @b. @c."])
    with pytest.raises(InputError, match="says type twice"):
        view.assert_sequence(["a. A AAAA"])


# -- what is shown


def test_a_table_is_bounded():
    made = Kept()
    for number in range(showing.MAX_ROWS + 12):
        made.asked(f"n{number}.example")
    made.asked(f"{'x' * 63}.{'y' * 63}.example")
    lines = showing.table(made.history.select())
    assert lines[0] == "  … 13 earlier"
    assert len(lines) == showing.MAX_ROWS + 2
    assert max(map(len, lines)) < 140
    assert showing.table([]) == ["  nothing was seen"]


def test_nothing_that_was_asked_acts_on_a_terminal():
    made = Kept()
    made.asked("\\027[2J.example")
    assert all(line.isprintable() for line in showing.table(made.history.select()))


def test_a_message_without_a_question_is_shown():
    made = Kept()
    rubbish = made.history.asked(made.now, "client", "", "", "192.0.2.1", Transport.UDP, b"rubbish")
    made.history.replied(rubbish, b"rubbish", 1.0)
    view = HistoryView(made.history)
    assert str(view).splitlines()[1].split()[2:6] == ["the", "resolver", "(no", "question)"]
    assert "no message" in str(view)
    (entry,) = view.answers()
    assert (entry.name, entry.type, entry.rcode, entry.ede) == ("", "", None, [])
    assert failure(view.assert_asked, "a.example", "A", server="b.")[1] == "nearest, #1:"


# -- with a program


def test_what_a_program_asks_is_seen_in_its_order():
    async def main(made):
        view = HistoryView(made.program.lab.history)
        await made.ask("www.example.com.")
        found = view.assert_sequence(["com. @*.root-servers.test.", "example.com. @*.nic.com.", "www.example.com."])
        later = view.since()
        await made.clock.advance(4_000)
        await made.ask("www.example.com.")
        later.assert_asked("www.example.com", times=1)
        later.assert_not_asked("example.com")
        return [each.server for each in found]

    servers = whole(main, {"history": {"messages": 100}, "dnssec": {"validation": False}})
    assert len(servers) == 3
