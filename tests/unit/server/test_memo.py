from __future__ import annotations

from resolver.message import Session
from resolver.server import memo
from resolver.server.memo import Known, Memo

QUERY = bytes(40)


def test_a_block_is_known_by_the_table_that_it_was_read_with():
    kept = Memo()
    known = Known(QUERY, Session("", "/dns-query"))
    kept.keep(1, b"block", known)
    assert kept.get((1, b"block")) is known
    assert kept.get((2, b"block")) is None


def test_a_short_block_that_stands_for_much_is_not_kept():
    kept = Memo()
    for much in (
        Known(bytes(memo.LONGEST + 1), Session("", "/dns-query")),
        Known(None, Session("", "/" + "a" * memo.LONGEST)),
        Known(QUERY, Session("", "/dns-query", (("x-team", "b" * memo.LONGEST),))),
    ):
        kept.keep(1, b"\x82", much)
    kept.keep(1, bytes(memo.LONGEST + 1), Known(QUERY, Session()))
    assert len(kept) == 0


def test_no_more_than_so_many_blocks_and_tables_are_kept(monkeypatch):
    monkeypatch.setattr(memo, "BLOCKS", 3)
    monkeypatch.setattr(memo, "TABLES", 3)
    kept = Memo()
    numbers = {kept.table(state) for state in range(10)}
    assert len(numbers) == 10  # a number is given once
    for block in range(10):
        kept.keep(1, bytes((block,)), Known(QUERY, Session()))
    assert 0 < len(kept) <= 3
