from __future__ import annotations

import pytest

from resolver.errors import ConfigError
from resolver.filters import hosts
from resolver.message import Type
from tests.support.messages import name


def read(tmp_path, text, most=100):
    path = tmp_path / "hosts"
    path.write_text(text)
    return hosts.read(path, most)


def test_each_name_has_its_address_and_each_address_its_first_name(tmp_path):
    records, report = read(
        tmp_path, "# ours\n192.0.2.1 nas.example nas # box\n2001:db8::1\tnas.example\n192.0.2.1 other\n"
    )
    assert [(each.name, each.type) for each in records] == [
        (name("nas.example."), Type.A),
        (name("nas."), Type.A),
        (name("1.2.0.192.in-addr.arpa."), Type.PTR),
        (name("nas.example."), Type.AAAA),
        (name("1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa."), Type.PTR),
        (name("other."), Type.A),
    ]
    assert records[2].rdata == name("nas.example.")
    assert (report.names, report.bad) == (4, 0)


def test_an_address_with_a_scope_is_left_out(tmp_path):
    assert read(tmp_path, "fe80::1%lo0 localhost\n")[0] == []


def test_a_bad_line_is_skipped_counted_and_told(tmp_path):
    records, report = read(tmp_path, "192.0.2.1 a b c\nnowhere d\n192.0.2.2\n192.0.2.3 a..b e\n")
    assert len(records) == 4
    assert (report.bad, [each.line for each in report.told]) == (3, [2, 3, 4])


def test_what_is_no_hosts_file_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match=r"most of it cannot be read .*; give lines of an address and names"):
        read(tmp_path, "<html>\n")


def test_a_hosts_file_that_is_too_long_or_not_there_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match=r"hosts:1: has more than 2 records; raise filters\.max_names"):
        read(tmp_path, "192.0.2.1 a b c\n", 2)
    with pytest.raises(ConfigError, match="cannot be read"):
        hosts.read(tmp_path / "none", 9)


def test_all_hosts_files_have_so_many_records_together(tmp_path):
    path = tmp_path / "hosts"
    path.write_text("192.0.2.1 a\n")
    assert len(hosts.read(path, 9, 7)[0]) == 2
    with pytest.raises(ConfigError, match=r"hosts:1: has more than 9 records with what was read before; raise filters"):
        hosts.read(path, 9, 8)


def test_a_wildcard_is_a_bad_line(tmp_path):
    records, report = read(tmp_path, "192.0.2.1 a\n192.0.2.2 *.b\n")
    assert len(records) == 2
    assert [str(each) for each in report.told] == [
        'line 2: "192.0.2.2 *.b" cannot be read: a wildcard stands for nothing here'
    ]


def test_of_a_long_line_only_the_beginning_is_seen_and_the_next_one_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(hosts, "MAX_LINE", 32)
    records, report = read(tmp_path, f"192.0.2.1 a {'b ' * 100}\n192.0.2.2 {'c' * 22}\n192.0.2.3 z\n")
    assert records[0].name == name("a.")
    assert records[-1].rdata == name("z.")
    assert report.bad == 0


def test_a_large_file_that_is_no_hosts_file_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(hosts, "MAX_BAD", 10)
    with pytest.raises(ConfigError, match=r"most of it cannot be read \(bad lines: 11\)"):
        read(tmp_path, "garbage\n" * 1000)
    assert read(tmp_path, "192.0.2.1 a\n" * 20 + "garbage\n" * 15)[1].bad == 15


@pytest.mark.parametrize("octets", [b"\0" * 100, b"127.0.0.1 \x1b[31m\xff\n", b"\xef\xbb\xbf\n", b"1.2.3.4 a\rb\r\n"])
def test_odd_octets_are_at_worst_bad_lines_and_told_escaped(tmp_path, octets):
    path = tmp_path / "hosts"
    path.write_bytes(b"192.0.2.1 fine\n" * 3 + octets)
    _, report = hosts.read(path, 100)
    assert all(str(each).isprintable() for each in report.told)


def test_who_reads_in_a_thread_lets_others_run(tmp_path):
    path = tmp_path / "hosts"
    path.write_text("192.0.2.1 a\n" * (2 * hosts.LINES_PER_BREATH))
    breaths: list[int] = []
    hosts.read(path, 10**6, breathe=lambda: breaths.append(1))
    assert len(breaths) == 2
