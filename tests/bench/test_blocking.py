"""The list of a run is one that is read as it is meant."""

from __future__ import annotations

from resolver.filters.lists import Lists
from tests.bench.blocking import written
from tests.bench.servers import Arena
from tests.support.messages import name


def test_the_list_has_as_many_names_as_it_says(tmp_path) -> None:
    lists = Lists(10_000)
    lists.read(written(Arena(tmp_path, 0, 0), 2_000))
    (report,) = lists.reports
    assert (report.form, report.names, report.repeated, report.bad) == ("adblock", 2_000, 0, 0)
    assert lists.blocked.above(name("tracker1999.host1999.example.com.")) is not None


def test_its_names_are_as_long_as_those_of_published_lists(tmp_path) -> None:
    octets = written(Arena(tmp_path, 0, 0), 2_000).stat().st_size / 2_000
    assert 25 < octets - len("||^\n") < 35
