"""What each command prints and returns."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from resolver.auth.findings import Finding
from resolver.cli import cache, check, healthcheck, main, stats
from resolver.config import HEALTH_NAME, HEALTH_TEXT
from resolver.errors import ZoneError
from resolver.message import Transport
from resolver.network.base import Deliver, Endpoint


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A double of the daemon: `answer` is what it says, `asked` what it was asked."""
    double: dict[str, Any] = {"asked": [], "answer": {}}

    def ask(*words: object) -> object:
        double["asked"].append(words)
        return double["answer"]

    monkeypatch.setattr(stats, "ask", ask)
    monkeypatch.setattr(cache, "ask", ask)
    return double


SOCKET = Path("/run/user/7/control-5300.sock")


def test_config_prints_toml_and_takes_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--listen", "127.0.0.1:1", "--listen", "[::1]:2", "--mode", "recursive", "--in-memory"]) == 0
    text = capsys.readouterr().out
    read = tomllib.loads(text)
    assert read["server"]["listen"] == ["127.0.0.1:1", "[::1]:2"]
    assert (read["resolver"]["mode"], read["world"]["in_memory"]) == ("recursive", True)
    assert text.count("# command line\n") == 3


def test_stats_are_sorted_and_aligned(daemon: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    daemon["answer"] = {"queries.udp": 3, "b": 0.123456789, "mode": "it\x1berative"}
    assert main(["stats"]) == 0
    assert capsys.readouterr().out == "b            0.123457\nmode         it\\u001berative\nqueries.udp  3\n"
    assert daemon["asked"] == [(SOCKET, "GET", "/stats")]


def test_stats_as_json(daemon: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    daemon["answer"] = {"queries.udp": 3}
    assert main(["stats", "--json", "--socket", "/x"]) == 0
    assert json.loads(capsys.readouterr().out) == {"queries.udp": 3}
    assert daemon["asked"] == [(Path("/x"), "GET", "/stats")]


def test_the_control_socket_is_that_of_the_configuration(daemon: dict[str, Any]) -> None:
    Path("my.toml").write_text("[control]\npath = '/run/my.sock'\n")
    assert main(["stats", "--config", "my.toml"]) == 0
    assert daemon["asked"] == [(Path("/run/my.sock"), "GET", "/stats")]


def test_a_control_socket_that_is_switched_off_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("resolver.toml").write_text("[control]\nenabled = false\n")
    assert main(["stats"]) == 1
    assert "set control.enabled = true" in capsys.readouterr().err


def test_without_a_daemon_the_way_to_start_one_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", "--socket", "absent"]) == 1
    told = "resolver: no daemon listens on absent; start it with `resolver serve`\n"
    assert capsys.readouterr().err == told


def test_the_cache_is_listed_as_a_table(daemon: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    daemon["answer"] = {"entries": [{"name": "a.", "ttl": 30}, {"name": "www.example.com.", "ttl": 7, "x": "\n"}]}
    assert main(["cache", "list", "--limit", "7"]) == 0
    assert capsys.readouterr().out == (
        "NAME              TTL  X\n" + "a.                30   -\n" + "www.example.com.  7    \\n\n"
    )
    assert daemon["asked"] == [(SOCKET, "GET", "/cache?limit=7")]


def test_an_empty_cache_prints_nothing(daemon: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    daemon["answer"] = {"entries": []}
    assert main(["cache", "list"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["cache", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"entries": []}


@pytest.mark.parametrize(
    ("written", "name", "subtree"),
    [
        ("www.example.com", "www.example.com", False),
        ("example.com/subtree", "example.com", True),
        ("./subtree", ".", True),
        ("0/25.2.0.192.in-addr.arpa", "0/25.2.0.192.in-addr.arpa", False),
    ],
)
def test_a_name_or_all_below_it_is_flushed(
    written: str, name: str, subtree: bool, daemon: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    daemon["answer"] = {"flushed": 1}
    assert main(["cache", "flush", written]) == 0
    assert daemon["asked"] == [(SOCKET, "POST", "/cache/flush", {"name": name, "subtree": subtree})]
    assert capsys.readouterr().out == "flushed 1 entry\n"


@pytest.mark.parametrize("name", ["a..b", "", "x" * 64, "/subtree"])
def test_what_is_no_name_is_not_sent(name: str, daemon: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "flush", name]) == 2
    assert capsys.readouterr().err.startswith("resolver: no domain name: ")
    assert not daemon["asked"]


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([], 0),
        ([Finding("a.zone", 3, "glue is missing", "add an A record")], 1),
        ([Finding("a.zone", 3, "no SOA", "", fatal=True), Finding("b.zone", 1, "x", "")], 2),
    ],
)
def test_zones_are_clean_or_have_findings_or_are_unusable(
    findings: list[Finding], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("resolver.auth.lint.check", lambda _: tuple(findings))
    Path("world").mkdir()
    assert main(["check", "zones", "world"]) == code
    told = capsys.readouterr()
    assert told.out.splitlines() == ([str(finding) for finding in findings] or ["world: clean"])
    assert told.err.count("\n") == (1 if findings else 0)


def test_a_world_that_cannot_be_read_is_unusable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unusable(_: Path) -> tuple[Finding, ...]:
        raise ZoneError("no TOML", where="world/hierarchy.toml:3")

    assert main(["check", "zones", "world"]) == 2
    assert capsys.readouterr().err.startswith("resolver: world: is no directory")
    Path("world").mkdir()
    monkeypatch.setattr("resolver.auth.lint.check", unusable)
    assert main(["check", "zones", "world"]) == 2
    assert capsys.readouterr().err == "resolver: world/hierarchy.toml:3: no TOML\n"


def test_checking_the_configuration_checks_the_world_it_serves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checked: list[Path] = []
    monkeypatch.setattr("resolver.auth.lint.check", lambda directory: checked.append(directory) or ())
    assert main(["check"]) == 0
    assert checked == [check.find_zones()]
    Path("my.toml").write_text("[resolver]\nroots = 'internet'\n")
    assert main(["check", "--config", "my.toml"]) == 0
    assert len(checked) == 1
    assert "my.toml: clean\n" in capsys.readouterr().out


def test_a_wrong_configuration_is_unusable(capsys: pytest.CaptureFixture[str]) -> None:
    Path("my.toml").write_text("[server]\nlisen = []\n")
    assert main(["check", "--config", "my.toml"]) == 2
    told = "resolver: my.toml:2: unknown key 'lisen' in [server]; did you mean 'listen'?\n"
    assert capsys.readouterr().err == told


def test_a_token_that_the_daemon_would_refuse_is_unusable(capsys: pytest.CaptureFixture[str]) -> None:
    Path("my.toml").write_text('[admin]\nlisten = ["127.0.0.1:8053"]\ntoken_file = "token"\n')
    Path("token").write_text("short\n")
    assert main(["check", "--config", "my.toml"]) == 2
    assert "token: this is no token of 16 to 512 letters" in capsys.readouterr().err
    Path("token").write_text("abcdefghijklmnopqrst\n")
    assert main(["check", "--config", "my.toml"]) == 0


def test_bad_lines_of_a_list_are_printed_and_a_file_that_is_no_list_is_unusable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("my.toml").write_text('[filters]\nblock_lists = ["names.txt"]\n[resolver]\nroots = "internet"\n')
    good = "".join(f"a{number}.test\n" for number in range(9))
    Path("names.txt").write_text(f"{good}no name\nx y\nx y\nx y\n")
    assert main(["check", "--config", "my.toml"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].endswith('names.txt:10: "no name" is no name')
    assert printed[3].endswith("names.txt: 4 lines cannot be read, and are skipped")
    Path("names.txt").write_text("<html>\n")
    assert main(["check", "--config", "my.toml"]) == 2
    assert "most of it cannot be read (bad lines: 1), as line 1" in capsys.readouterr().err
    Path("names.txt").unlink()
    assert main(["check", "--config", "my.toml"]) == 2
    assert "my.toml:2: block_lists" in capsys.readouterr().err


@pytest.mark.parametrize("hints", ["garbage here", "", ". NS a.root.\n"])
def test_hints_that_the_daemon_would_refuse_are_unusable(hints: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("hints").write_text(hints)
    Path("my.toml").write_text("[resolver]\nroots = 'file'\nhints_file = 'hints'\n")
    assert main(["check", "--config", "my.toml"]) == 2
    assert capsys.readouterr().err.startswith("resolver: hints")


@pytest.mark.sockets
@pytest.mark.parametrize("mode", ["iterative", "recursive"])
def test_a_walk_outside_the_simulated_world_is_traced_too(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{closed.getsockname()[1]}"
    Path("my.toml").write_text(f"[resolver]\nforward_zones = {{'.' = ['{where}']}}\n")
    assert main(["trace", "www.example.com", "--config", "my.toml", "--mode", mode]) == 1
    told = capsys.readouterr().out
    assert f"(a configured server) {where}" in told
    assert f".: the configured server {where}: connection refused [PLUN]" in told


@pytest.mark.parametrize("name", ["example.com/subtre", "example.com/all", "com/"])
def test_only_a_subtree_can_be_flushed_below_a_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "flush", name]) == 2
    behind = name.partition("/")[2]
    assert capsys.readouterr().err == f"resolver: there is nothing to flush as /{behind}; write NAME or NAME/subtree\n"


class Answers:
    """A double of a DNS server: what comes back for the octets that the command sends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, zone: str = "", rcode: int = 0) -> None:
        import dns.message
        import dns.rrset

        from resolver.network.sockets import SocketNetwork

        self.asked: list[tuple[str, int]] = []

        class Sent:
            def close(self) -> None:
                pass

        def send(_: SocketNetwork, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver) -> Sent:
            self.asked.append(to)
            query = dns.message.from_wire(wire)
            assert query.question[0].name.to_text() == HEALTH_NAME
            assert transport is Transport.UDP
            reply = dns.message.make_response(query)
            reply.set_rcode(rcode)  # type: ignore[arg-type]
            if zone:
                reply.answer.append(dns.rrset.from_text(HEALTH_NAME, 0, "IN", "TXT", zone))
            deliver(b"forged")
            deliver(reply.to_wire())
            return Sent()

        monkeypatch.setattr(SocketNetwork, "send", send)


def test_a_daemon_that_answers_rightly_is_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(monkeypatch, f'"{HEALTH_TEXT}"')
    assert main(["healthcheck"]) == 0
    assert main(["healthcheck", "--listen", "0.0.0.0:53"]) == 0
    assert main(["healthcheck", "--listen", "[::]:5353", "--listen", "127.0.0.1:1"]) == 0
    assert answers.asked == [("127.0.0.1", 5300), ("127.0.0.1", 53), ("::1", 5353)]


@pytest.mark.parametrize(
    ("text", "rcode", "why"),
    [
        ("", 0, "127.0.0.1:5300 is no resolverd"),
        ('"other"', 0, "127.0.0.1:5300 is no resolverd"),
        ('"ok"', 2, "127.0.0.1:5300 answers SERVFAIL"),
        ("", 3, "127.0.0.1:5300 answers NXDOMAIN"),
    ],
)
def test_a_daemon_that_answers_wrongly_is_ill(
    text: str, rcode: int, why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Answers(monkeypatch, text, rcode)
    assert main(["healthcheck"]) == 1
    assert capsys.readouterr().err.startswith(f"resolver: {why}")


@pytest.mark.sockets
def test_a_port_where_nobody_listens_is_known_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{closed.getsockname()[1]}"
    assert main(["healthcheck", "--listen", where, "--timeout", "60"]) == 1
    assert capsys.readouterr().err == f"resolver: {where} does not answer: connection refused\n"


@pytest.mark.sockets
def test_a_daemon_that_does_not_answer_is_ill(capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        assert main(["healthcheck", "--listen", where, "--timeout", "0.01"]) == 1
    assert capsys.readouterr().err == f"resolver: {where} does not answer within 0.01 s\n"


@pytest.mark.parametrize("words", [["--timeout", "0"], ["--timeout", "nan"], ["--listen", "127.0.0.1:0"]])
def test_a_healthcheck_that_cannot_work_is_refused(words: list[str]) -> None:
    assert main(["healthcheck", *words]) == 2


def test_a_healthcheck_of_a_listener_for_tls_is_told_whom_to_ask(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESOLVER_SERVER__LISTEN_TLS", '["127.0.0.1:8853"]')
    assert main(["healthcheck", "--listen", "127.0.0.1:8853"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(
        "resolver: 127.0.0.1:8853 speaks TLS, and the question is asked over UDP; ask one of 127.0.0.1:5300"
    )


def test_the_healthcheck_needs_little_time() -> None:
    assert healthcheck.TIMEOUT < 3, "container engines call it unhealthy after some seconds"
