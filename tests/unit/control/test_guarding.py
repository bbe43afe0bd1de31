"""Who may drive a daemon over TCP."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.config.sections.service import Admin
from resolver.control.guarding import Guard, Head, guard_of, token_of
from resolver.errors import ConfigError

TOKEN = "a-token-of-some-length"


def status(guard: Guard, asked: str = "127.0.0.1", **headers: str | list[str]) -> int:
    """The status that such a request gets; 200 where it is let in."""
    named = {name.replace("_", "-"): [value] if isinstance(value, str) else value for name, value in headers.items()}
    refusal = guard.refusal(Head(asked, named))
    return 200 if refusal is None else int(refusal.status)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8053",
        "localhost",
        "LOCALHOST:1",
        "[::1]:8053",
        "[::1]",
        "127.9.9.9",
        "dns.test",
        "dns.test.",
    ],
)
def test_an_address_of_ours_and_a_name_of_ours_are_let_in(host: str) -> None:
    assert status(Guard(None, ["dns.test"]), host=host) == 200


@pytest.mark.rfc(9110, "15.5.20")
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8053",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "dns.test.evil.example",
        "192.0.2.1",
        "8.8.8.8:8053",
        "",
        "localhost@evil.example",
        "evil.example#localhost",
        "[::1",
        "[::1].evil.example",
        "localhost:port",
        "2130706433",
        "0x7f.1",
        "[::ffff:8.8.8.8]",
        "x" * 300,
    ],
)
def test_a_host_that_is_none_of_ours_is_refused(host: str) -> None:
    assert status(Guard(None, ["dns.test"]), host=host) == 421


def test_a_request_without_a_host_is_refused() -> None:
    assert status(Guard(None, ())) == 421
    assert status(Guard(None, ()), host=["localhost", "evil.example"]) == 421


def test_where_an_address_was_asked_its_own_text_is_a_host() -> None:
    assert status(Guard(None, ()), "192.0.2.1", host="192.0.2.1:8053") == 200
    assert status(Guard(None, ()), "192.0.2.1", host="192.0.2.2:8053") == 421
    assert status(Guard(None, ()), "2001:db8::1", host="[2001:DB8:0::1]:8053") == 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"origin": "http://localhost:8053"}, 200),
        ({"origin": "http://LOCALHOST:8053", "sec_fetch_site": "same-origin"}, 200),
        ({"sec_fetch_site": "none"}, 200),
        ({"origin": "http://localhost:3000"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"origin": ["http://localhost:8053", "http://evil.example"]}, 403),
    ],
)
def test_a_page_of_another_site_is_refused(headers: dict[str, str], expected: int) -> None:
    assert status(Guard(None, ()), host="localhost:8053", **headers) == expected


@pytest.mark.rfc(6750, "2.1")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        (f"Basic {TOKEN}", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Bearer \xe9" + TOKEN, 401),
        (TOKEN, 401),
        ([f"Bearer {TOKEN}", "Bearer other-token-of-length"], 401),
    ],
)
def test_only_the_token_lets_in(given: str | list[str], expected: int) -> None:
    assert status(Guard(TOKEN, ()), host="localhost", authorization=given) == expected


@pytest.mark.rfc(6750, "3")
def test_who_has_no_token_is_told_how_to_send_one() -> None:
    refusal = Guard(TOKEN, ()).refusal(Head("127.0.0.1", {"host": ["localhost"]}))
    assert refusal is not None
    assert refusal.headers == {"www-authenticate": 'Bearer realm="resolverd"'}
    assert "Authorization: Bearer TOKEN" in refusal.why


def test_what_is_told_of_a_refusal_has_no_token_and_no_control_characters() -> None:
    wrong = "Bearer a-secret-that-was-mistyped"
    refusal = Guard(TOKEN, ()).refusal(Head("", {"host": ["localhost"], "authorization": [wrong]}))
    assert refusal is not None
    assert "mistyped" not in repr(refusal)
    assert TOKEN not in repr(refusal)
    refusal = Guard(TOKEN, ()).refusal(Head("", {"host": ["\x1b]0;x\x07" + "y" * 500]}))
    assert refusal is not None
    assert "\x1b" not in refusal.reason + refusal.why
    assert len(refusal.reason) < 200


def test_a_token_comes_from_a_file_without_its_last_line_end(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    assert token_of(Admin(token_file=file)) == TOKEN
    assert status(guard_of(Admin(token_file=file)), host="localhost") == 401
    assert token_of(Admin()) is None


@pytest.mark.parametrize("text", ["", "short", "two words of a token that is none", "x" * 5000, "\xff" * 20])
def test_a_file_that_holds_no_token_is_an_error_that_does_not_tell_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(ConfigError, match="no token of 16 to 512") as caught:
        token_of(Admin(token_file=file))
    assert not text or text not in str(caught.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        token_of(Admin(token_file=tmp_path))
