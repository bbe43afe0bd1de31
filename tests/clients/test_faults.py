"""What real clients see of a server with faults, as `[[fault]]` tables of a hierarchy.toml declare them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.daemons import Daemon
from tests.support.fixtures import Ask, Print, Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

SERVER = "127.53.240.2"

WORLD = f"""
[zone."."]

[zone."test"]
servers = ["ns.test"]
records = ["*.f A 192.0.2.7"]

[[server]]
name = "a.root-servers.test"
address = "127.53.240.1"
zones = ["."]

[[server]]
name = "ns.test"
address = "{SERVER}"
"""

FAULTS = {
    "late": {"kind": "latency", "ms": 420},
    "lost": {"kind": "loss", "skip": 1, "count": 1},
    "twice": {"kind": "duplication"},
    "wid": {"kind": "wrong_id", "count": 1},
    "wcase": {"kind": "wrong_case"},
    "waddress": {"kind": "wrong_source", "count": 1},
    "wport": {"kind": "wrong_source", "part": "port", "count": 1},
    "error": {"kind": "rcode", "rcode": "NOTIMP", "ede": 21, "text": "not here [TEST]"},
    "large": {"kind": "oversize", "octets": 3000},
    "truncated": {"kind": "truncated"},
    "garbage": {"kind": "garbage"},
    "cut": {"kind": "cut_short"},
    "loop": {"kind": "compression_loop"},
    "tail": {"kind": "trailing_octets"},
    "header": {"kind": "header_only"},
    "reset": {"kind": "tcp_reset"},
    "ended": {"kind": "tcp_cut"},
    "stalled": {"kind": "tcp_stall"},
    "trickled": {"kind": "tcp_slow", "ms": 2},
    "empty": {"kind": "tcp_empty"},
    "apart": {"kind": "partition", "between": [["ns.test"], ["resolver"]]},
}
"""By the first label of the names that have it."""


def table(label: str) -> str:
    """The table for one of `FAULTS`."""
    lines = ["", "[[fault]]", f'name = "{label}.f.test"']
    for key, value in FAULTS[label].items():
        lines.append(f"{key} = {value}" if isinstance(value, int | list) else f'{key} = "{value}"')
    return "\n".join(lines).replace("'", '"') + "\n"


@pytest.fixture
def faulty(serve: Serve, tmp_path: Path) -> Daemon:
    """A daemon whose world has each of `FAULTS`."""
    world = tmp_path / "world"
    world.mkdir()
    (world / "hierarchy.toml").write_text(WORLD + "".join(map(table, FAULTS)))
    return serve("--world", str(world))


def asked(printed: Print, daemon: Daemon, label: str, *options: str, code: int = 0, time: int = 1) -> str:
    """What dig prints of a question to the server."""
    where = (f"@{SERVER}", "-p", str(daemon.port), "+tries=1", f"+time={time}", "+norecurse")
    return printed("dig", *where, f"{label}.f.test", *options, code=code)


GOOD = "192.0.2.7"


def test_dig_sees_what_goes_wrong_with_datagrams(faulty: Daemon, printed: Print, dig: Ask) -> None:
    assert GOOD in asked(printed, faulty, "sound")
    assert dig(faulty, "late.f.test", at=SERVER).ms >= 400
    assert GOOD in asked(printed, faulty, "lost")
    assert "timed out" in asked(printed, faulty, "lost", code=9)
    assert GOOD in asked(printed, faulty, "lost")
    assert GOOD in asked(printed, faulty, "twice")
    assert "ID mismatch" in asked(printed, faulty, "wid", code=9)
    assert "Question section mismatch" in asked(printed, faulty, "wcase") or ";WCASE.F.TEST." in asked(
        printed, faulty, "wcase"
    )
    for label in ("waddress", "wport"):  # its sockets are connected, so that what comes from elsewhere is nothing
        assert "timed out" in asked(printed, faulty, label, code=9)
        assert GOOD in asked(printed, faulty, label)
    error = dig(faulty, "error.f.test", at=SERVER)
    assert (error.status, error.ede_codes) == ("NOTIMP", {21})
    assert re.search(r"MSG SIZE +rcvd: 3000\b", asked(printed, faulty, "large", "+bufsize=4096"))


def test_dig_turns_to_tcp_where_a_reply_is_truncated(faulty: Daemon, printed: Print) -> None:
    text = asked(printed, faulty, "truncated")
    assert "Truncated, retrying in TCP mode" in text
    assert GOOD in text


def test_dig_says_that_octets_are_malformed(faulty: Daemon, printed: Print) -> None:
    assert "ID mismatch" in asked(printed, faulty, "garbage", code=9)
    assert "bad compression pointer" in asked(printed, faulty, "loop")
    for label in ("cut", "header"):
        assert "Message parser reports malformed message packet" in asked(printed, faulty, label)


def test_dig_tells_of_octets_behind_the_end(faulty: Daemon, printed: Print) -> None:
    assert "extra" in asked(printed, faulty, "tail").lower()


def test_dig_sees_what_goes_wrong_with_streams(faulty: Daemon, printed: Print) -> None:
    for label, said in (("reset", "reset"), ("ended", "end of file"), ("stalled", "timed out"), ("empty", "short")):
        text = asked(printed, faulty, label, "+tcp", code=0 if label == "empty" else 9)
        assert said in text, label
        assert GOOD not in text
        assert GOOD in asked(printed, faulty, label), "a datagram is good"
    assert GOOD in asked(printed, faulty, "trickled", "+tcp", time=5)


def test_kdig_sees_the_same(faulty: Daemon, kdig: Ask) -> None:
    assert GOOD in kdig(faulty, "trickled.f.test", "+tcp", at=SERVER).text
    assert kdig(faulty, "error.f.test", at=SERVER).status == "NOTIMPL"
    assert kdig(faulty, "late.f.test", at=SERVER).ms >= 400


def test_the_resolver_is_told_from_clients_on_sockets_too(faulty: Daemon, dig: Ask, printed: Print) -> None:
    assert dig(faulty, "sound.f.test").data == [f"A {GOOD}"]
    assert GOOD in asked(printed, faulty, "apart")
    assert dig(faulty, "apart.f.test").status == "SERVFAIL"


def test_the_resolver_answers_in_spite_of_them_on_sockets(faulty: Daemon, dig: Ask) -> None:
    for label in ("twice", "waddress", "wport", "wid", "large", "reset", "lost", "late"):
        assert dig(faulty, f"{label}.f.test").data == [f"A {GOOD}"], label


def test_a_fault_that_cannot_be_is_told_with_its_line(tmp_path: Path, printed: Print, serve: Serve) -> None:
    world = tmp_path / "world"
    world.mkdir()
    (world / "hierarchy.toml").write_text(WORLD + '\n[[fault]]\nkind = "slient"\n')
    with pytest.raises(AssertionError) as caught:
        serve("--world", str(world))
    line = WORLD.count("\n") + 3
    assert f"hierarchy.toml:{line}: kind: unknown fault 'slient'; did you mean 'silent'?" in str(caught.value)
