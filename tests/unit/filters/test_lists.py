from __future__ import annotations

from pathlib import Path

import pytest

from resolver.errors import ConfigError
from resolver.filters import lists as module
from resolver.filters.lists import Lists, Report
from resolver.wire import names
from tests.support.messages import name


def read(tmp_path: Path, text: str | bytes, *, allows: bool = False, most: int = 1000) -> tuple[Lists, Report]:
    path = tmp_path / "names.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    lists = Lists(most)
    lists.read(path, allows=allows)
    (report,) = lists.reports
    return lists, report


def held(lists: Lists) -> list[str]:
    return sorted(names.to_text(each.name) for each in lists.blocked)


def test_a_name_on_each_line(tmp_path):
    lists, report = read(tmp_path, "# comment\nads.example\n\nTRACK.example.net. # why\n*.wild.example\n_srv.example\n")
    assert held(lists) == ["_srv.example.", "ads.example.", "track.example.net.", "wild.example."]
    assert (report.form, report.names, report.bad) == ("plain", 4, 0)
    assert lists.blocked.above(name("wild.example.")) is None
    assert lists.blocked.above(name("a.wild.example.")) is not None


def test_lines_of_a_hosts_file(tmp_path):
    own = "127.0.0.1 localhost\n127.0.0.1 localhost.localdomain\n::1 localhost ip6-loopback\n"
    text = f"{own}0.0.0.0 ads.example b.example # two\n0.0.0.0\tc.example\n"
    lists, report = read(tmp_path, f"{text}:: d.example\n0.0.0.0 0.0.0.0\n255.255.255.255 broadcasthost\n")
    assert held(lists) == ["ads.example.", "b.example.", "c.example.", "d.example."]
    assert (report.form, report.bad) == ("hosts", 0)


def test_adblock_rules(tmp_path):
    lists, report = read(
        tmp_path,
        "[Adblock Plus 2.0]\n! Title: names\n||ads.example^\n||b.example^$important\n@@||good.ads.example^\n"
        "||*.wild.example^\nplain.example\n0.0.0.0 hosts.example\n# comment\n",
    )
    assert held(lists) == ["ads.example.", "b.example.", "hosts.example.", "plain.example.", "wild.example."]
    assert [names.to_text(each.name) for each in lists.allowed] == ["good.ads.example."]
    assert (report.form, report.names, report.skipped, report.bad) == ("adblock", 6, 0, 0)


def test_a_banner_of_hash_signs_makes_no_adblock_list_of_a_plain_one(tmp_path):
    banner = "########\n## Names that nobody wants\n#### of 2026 ####\n########\n"
    lists, report = read(tmp_path, f"{banner}ads.example ## why\n{banner}b.example # it tracks\n")
    assert held(lists) == ["ads.example.", "b.example."]
    assert (report.form, report.skipped, report.bad) == ("plain", 0, 0)


@pytest.mark.parametrize("comment", ["########", "## more", "#### more ####", "#"])
def test_a_row_of_hash_signs_in_an_adblock_list_is_a_comment(tmp_path, comment):
    lists, report = read(tmp_path, f"! title\n||ads.example^\n{comment}\n###id\na.example##.banner\n")
    assert (held(lists), report.form, report.skipped, report.bad) == (["ads.example."], "adblock", 2, 0)


@pytest.mark.parametrize(
    "rule",
    [
        "||a.example^$third-party",
        "||a.example/path^",
        "||a.*^",
        "a.example##.banner",
        "##.banner",
        "a.example#@#.banner",
        "/banner[0-9]+/",
        "|https://a.example|",
        "-banner-",
        "||a.example^$important,script",
    ],
)
def test_rules_that_say_nothing_of_names_are_skipped_and_counted(tmp_path, rule):
    lists, report = read(tmp_path, f"||ads.example^\n||b.example^\n{rule}\n")
    assert held(lists) == ["ads.example.", "b.example."]
    assert (report.skipped, report.bad) == (1, 0)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("no name", "is no name"),
        ("a..example", "is no name"),
        ("x" * 64 + ".example", "is no name"),
        (".".join(["x" * 60] * 5), "is longer than the 253 characters of a name"),
        ("bücher.example", "is no name; write letters beyond ASCII as xn--..."),
        ("192.0.2.1", "is an address, and no name"),
        (".", "is the root: that would be all names"),
        ("local-zone: a.example refuse", "is no name"),
    ],
)
def test_a_bad_line_is_skipped_counted_and_told_with_its_number(tmp_path, line, why):
    lists, report = read(tmp_path, f"ads.example\n{line}\nb.example\n")
    assert held(lists) == ["ads.example.", "b.example."]
    assert report.bad == 1
    (mistake,) = report.told
    assert (mistake.line, mistake.what) == (2, why)
    assert str(mistake).startswith('line 2: "')


def test_a_hosts_line_that_leads_somewhere_is_bad_and_says_what_to_do(tmp_path):
    _, report = read(
        tmp_path,
        "0.0.0.0 a.example\n192.0.2.1 nas.example\n0.0.0.0 b.example\nwhat is this\n0.0.0.0\n0.0.0.0 c.example\n",
    )
    assert [each.what for each in report.told] == [
        "leads somewhere; write a file with such lines to filters.hosts_files",
        "does not begin with an address",
        "has no name behind the address",
    ]


def test_only_the_first_bad_lines_are_told(tmp_path):
    good = "".join(f"a{number}.example\n" for number in range(9))
    _, report = read(tmp_path, good + "bad line\n" * 7)
    assert (report.bad, [each.line for each in report.told]) == (7, [10, 11, 12])


def test_what_a_bad_line_holds_cannot_act_on_a_terminal(tmp_path):
    _, report = read(tmp_path, b"a.example\nb.example\n\x1b[2J\xff.example\n" + b"c.example\n")
    assert str(report.told[0]).isprintable()


@pytest.mark.parametrize("text", ["<!DOCTYPE html>\n<p>Not found</p>\n", "address=/ads.example/\na b\n", "\x00\x01"])
def test_what_is_no_list_is_an_error_that_says_what_a_list_is(tmp_path, text):
    with pytest.raises(
        ConfigError, match=r"most of it cannot be read .*, as line 1: .*; give a name on each line"
    ) as wrong:
        read(tmp_path, text)
    assert str(wrong.value).startswith(str(tmp_path / "names.txt"))


def test_an_empty_list_is_a_list(tmp_path):
    assert len(read(tmp_path, "")[0].blocked) == 0


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        Lists(9).read(tmp_path)


def test_more_names_than_are_wanted_are_an_error(tmp_path):
    text = "".join(f"a{number}.example\n" for number in range(4))
    assert len(read(tmp_path, text, most=4)[0].blocked) == 4
    with pytest.raises(ConfigError, match=r"more than 3 names; raise filters\.max_names"):
        read(tmp_path, text, most=3)


def test_a_name_that_stands_twice_counts_once(tmp_path):
    lists, report = read(tmp_path, "ads.example\nADS.example.\nb.example\n")
    assert (len(lists.blocked), report.names, report.repeated) == (2, 2, 1)


def test_lists_that_allow_and_several_lists_have_numbers_in_their_order(tmp_path):
    lists = Lists(99)
    for number, allows in enumerate((False, False, True)):
        path = tmp_path / f"{number}.txt"
        path.write_text(f"list{number}.example\n")
        lists.read(path, allows=allows)
    assert [(each.name, each.number) for each in lists.blocked] == [
        (name("list0.example."), 0),
        (name("list1.example."), 1),
    ]
    assert [each.number for each in lists.allowed] == [2]


def test_line_ends_of_windows_a_mark_in_front_and_a_missing_end(tmp_path):
    assert held(read(tmp_path, b"\xef\xbb\xbfa.example\r\nb.example\r\n||x^\r\nc.example")[0])[:2] == [
        "a.example.",
        "b.example.",
    ]


def test_lines_that_are_cut_by_blocks_are_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 7)
    wanted = [f"host{number}.example." for number in range(10, 60)]
    lists, report = read(tmp_path, "\n".join(wanted))
    assert held(lists) == wanted
    assert report.bad == 0


def test_of_a_line_without_an_end_the_beginning_is_seen(tmp_path):
    _, report = read(tmp_path, b"a.example\nb.example\n" + b"x" * (1 << 18) + b"\nc.example\n")
    assert (report.bad, report.names) == (1, 3)
    assert len(str(report.told[0])) < 200


def test_a_simple_line_that_is_too_long_for_a_name_is_bad_and_those_around_it_are_read(tmp_path):
    lists, report = read(tmp_path, "a.example\n" + ".".join(["x" * 60] * 4) + ".longname.example\nb.example\n")
    assert (held(lists), report.bad, report.told[0].line) == (["a.example.", "b.example."], 1, 2)


def test_both_ways_of_reading_a_line_agree(tmp_path):
    """Simple lines are taken in one look; a blank behind sends them the long way."""
    for line in ("A-b.Example.com", "0.0.0.0 a.b.example", "||a.b.example^", "127.0.0.1 a.b_c.example"):
        fast, slow = read(tmp_path, line * 1 + "\n"), read(tmp_path, f"{line} \n")
        assert held(fast[0]) == held(slow[0]) != []


def test_a_large_file_that_is_no_list_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_BAD", 10)
    monkeypatch.setattr(module, "_BLOCK", 64)
    with pytest.raises(ConfigError, match=r"most of it cannot be read \(bad lines: 1[0-9]\)"):
        read(tmp_path, "no name\n" * 1000)
    assert read(tmp_path, "".join(f"a{each}.example\n" for each in range(40)) + "no name\n" * 15)[1].bad == 15
