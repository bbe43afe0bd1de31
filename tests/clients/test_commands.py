"""The other commands beside a running daemon, and what is said of a start that fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import tomllib
from pathlib import Path

import pytest

from tests.support import raw
from tests.support.daemons import ROOT, Daemon, run_resolver
from tests.support.fixtures import Ask, Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]


def refused_start(directory: Path, *arguments: str, code: int, **environ: str) -> str:
    """The one line with which the daemon does not start."""
    done = run_resolver(directory, "serve", *arguments, environ=environ)
    assert done.returncode == code, done
    assert not done.stdout
    (line,) = done.stderr.splitlines()
    return line


# -- a start that fails


@pytest.mark.parametrize("transport", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["udp", "tcp"])
def test_a_port_that_is_taken_is_named_with_its_holder_and_the_way_out(
    tmp_path: Path, transport: socket.SocketKind
) -> None:
    with socket.socket(socket.AF_INET, transport) as holder:
        holder.bind(("127.0.0.1", 0))
        if transport is socket.SOCK_STREAM:
            holder.listen()
        port = holder.getsockname()[1]
        line = refused_start(tmp_path, "--listen", f"127.0.0.1:{port}", "--in-memory", code=1)
    assert f"port {port} is taken by" in line
    assert f"(pid {os.getpid()})" in line
    assert "--listen 127.0.0.1:" in line


def test_a_second_daemon_is_told_of_the_first(daemon: Daemon, tmp_path: Path) -> None:
    line = refused_start(tmp_path, "--listen", f"127.0.0.1:{daemon.port}", code=1)
    assert f"port {daemon.port} is taken by" in line
    assert f"(pid {daemon.pid})" in line


def test_an_address_that_is_not_here_is_named(tmp_path: Path) -> None:
    line = refused_start(tmp_path, "--listen", "192.0.2.1:5300", code=1)
    assert "192.0.2.1:5300" in line
    assert "no such address" in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nlissen = []\n", r"resolver\.toml:2: .*lissen.*listen"),
        ('[resolver]\n\nmode = "iterativ"\n', r"resolver\.toml:3: .*iterativ.*iterative"),
        ('[sever]\nlisten = ["127.0.0.1:0"]\n', r"resolver\.toml:1: .*sever.*server"),
        ("[cache]\nsize_mb = 0\n", r"resolver\.toml:2: .*size_mb.*1"),
        ('[server]\nlisten = "127.0.0.1"\n', r"resolver\.toml:2: .*listen"),
        ("[server]\nlisten = [\n", r"resolver\.toml:\d: "),
    ],
)
def test_a_setting_that_is_wrong_is_one_line_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "resolver.toml").write_text(text)
    line = refused_start(tmp_path, code=2)
    assert re.search(said, line), line
    checked = run_resolver(tmp_path, "check")
    assert checked.returncode == 2
    assert checked.stderr.splitlines() == [line]


def test_a_variable_that_is_wrong_is_named(tmp_path: Path) -> None:
    assert "RESOLVER_SERVER__LISSEN" in refused_start(tmp_path, code=2, RESOLVER_SERVER__LISSEN="[]")
    assert "RESOLVER_CACHE__SIZE_MB" in refused_start(tmp_path, code=2, RESOLVER_CACHE__SIZE_MB="big")


def test_a_zone_that_is_wrong_is_one_line_with_its_place(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "zones", tmp_path / "world")
    with (tmp_path / "world" / "example.us.zone").open("a") as zone:
        zone.write("bad AAAA 192.0.2.1\n")
    lines = len((tmp_path / "world" / "example.us.zone").read_text().splitlines())
    line = refused_start(tmp_path, "--listen", "127.0.0.1:0", "--world", "world", code=2)
    assert f"example.us.zone:{lines}" in line


def test_a_daemon_without_a_place_for_its_control_socket_warns_and_runs(serve: Serve, dig: Ask) -> None:
    running = serve(XDG_RUNTIME_DIR="/dev/null/nowhere")
    assert "event=no_control" in running.log.text
    assert dig(running, "www.example.com").data == ["A 192.0.2.80"]


# -- check and config


def test_check_finds_the_shipped_world_clean(tmp_path: Path) -> None:
    for arguments in (("check",), ("check", "zones"), ("check", "zones", str(ROOT / "zones"))):
        done = run_resolver(tmp_path, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert "clean" in done.stdout


def test_check_zones_tells_findings_from_what_cannot_be_served(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "zones", tmp_path / "world")
    zone = tmp_path / "world" / "example.us.zone"
    good = zone.read_text()
    zone.write_text(f"{good}@ NS ns.nowhere.example.com.\n")
    findings = run_resolver(tmp_path, "check", "zones", "world")
    assert findings.returncode == 1
    assert re.search(r"example\.us\.zone:\d+: .*ns\.nowhere\.example\.com", findings.stdout)
    zone.write_text(f"{good}www CNAME @\n")
    fatal = run_resolver(tmp_path, "check", "zones", "world")
    assert fatal.returncode in (1, 2)
    assert re.search(r"example\.us\.zone:\d+: .*CNAME", fatal.stdout + fatal.stderr)
    zone.write_text(f"{good}www A nonsense\n")
    unusable = run_resolver(tmp_path, "check", "zones", "world")
    assert unusable.returncode == 2
    assert "example.us.zone:" in unusable.stdout + unusable.stderr


def test_what_config_prints_is_a_configuration(tmp_path: Path) -> None:
    environ = {"RESOLVER_CACHE__SIZE_MB": "16", "RESOLVER_SERVER__LISTEN": '["127.0.0.1:5399"]'}
    shown = run_resolver(tmp_path, "config", "--mode", "recursive", environ=environ)
    assert shown.returncode == 0
    settings = tomllib.loads(shown.stdout)
    assert settings["cache"]["size_mb"] == 16
    assert settings["resolver"]["mode"] == "recursive"
    assert "RESOLVER_CACHE__SIZE_MB" in shown.stdout
    (tmp_path / "resolver.toml").write_text(shown.stdout)
    again = run_resolver(tmp_path, "config")
    assert tomllib.loads(again.stdout) == settings
    assert run_resolver(tmp_path, "check").returncode == 0


# -- a running daemon


def test_healthcheck_tells_a_daemon_from_none_and_from_another(daemon: Daemon) -> None:
    healthy = daemon.resolver("healthcheck", "--listen", f"127.0.0.1:{daemon.port}")
    assert (healthy.returncode, healthy.stdout) == (0, "healthy\n")
    by_environment = daemon.resolver("healthcheck", RESOLVER_SERVER__LISTEN=f'["0.0.0.0:{daemon.port}"]')
    assert by_environment.returncode == 0
    other = daemon.resolver("healthcheck", "--listen", f"127.53.2.1:{daemon.port}")
    assert other.returncode == 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{mute.getsockname()[1]}"
        ill = daemon.resolver("healthcheck", "--timeout", "0.1", "--listen", where)
    assert ill.returncode == 1
    assert where in ill.stderr


def test_stats_count_what_was_asked(serve: Serve, dig: Ask) -> None:
    running = serve()
    for option in ("+notcp", "+tcp", "+notcp", "+notcp"):
        dig(running, "www.example.com", "+nocookie", option)
    dig(running, "nope.example.com")
    shown = running.resolver("stats", "--json", "--socket", str(running.socket))
    assert shown.returncode == 0
    stats = json.loads(shown.stdout)
    assert (stats["queries.udp"], stats["queries.tcp"]) == (4, 1)
    assert stats["answers.nxdomain"] == 1
    assert stats["upstream.sent"] >= 4
    assert stats["answers.stored"] >= 1
    lines = running.resolver("stats", "--socket", str(running.socket)).stdout.splitlines()
    assert {line.split()[0] for line in lines} == set(stats)
    assert [line.split()[0] for line in lines] == sorted(stats)


def test_the_cache_is_listed_and_flushed(serve: Serve, dig: Ask) -> None:
    running = serve()
    where = ("--socket", str(running.socket))
    for name in ("www.example.com", "mail.example.com", "www.example.org", "nope.example.org"):
        dig(running, name)
    listed = running.resolver("cache", "list", *where).stdout
    assert re.search(r"www\.example\.com\.\s+A\b", listed)
    assert re.search(r"nope\.example\.org\.\s+NXDOMAIN\b", listed)
    entries = json.loads(running.resolver("cache", "list", "--json", "--limit", "3", *where).stdout)["entries"]
    assert len(entries) == 3

    def asked_again(name: str) -> bool:
        before = running.stats()["upstream.sent"]
        dig(running, name)
        return running.stats()["upstream.sent"] > before

    assert not asked_again("www.example.com")
    assert running.resolver("cache", "flush", "WWW.example.com", *where).returncode == 0
    assert asked_again("www.example.com")
    assert not asked_again("mail.example.com")
    assert running.resolver("cache", "flush", "example.org/subtree", *where).returncode == 0
    assert asked_again("www.example.org")
    assert asked_again("nope.example.org")
    assert not asked_again("mail.example.com")
    wrong = running.resolver("cache", "flush", "a..b", *where)
    assert wrong.returncode == 2
    assert len(wrong.stderr.splitlines()) == 1


def test_commands_say_in_one_line_that_no_daemon_runs(tmp_path: Path) -> None:
    for arguments in (("stats",), ("cache", "list"), ("cache", "flush", "example.com")):
        done = run_resolver(tmp_path, *arguments)
        assert done.returncode == 1
        assert not done.stdout
        assert "control-5300.sock" in done.stderr
        assert len(done.stderr.splitlines()) == 1


# -- the log


@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_with_log_queries_each_query_is_a_line_with_its_id(serve: Serve, dig: Ask, form: str) -> None:
    running = serve(RESOLVER_LOG__FORMAT=form, RESOLVER_LOG__QUERIES="true")
    dig(running, "www.example.com")
    dig(running, "nope.example.com", "+tcp")
    dig(running, "refused.broken.test")
    running.log.wait_for("RFSD")
    log = running.stop().splitlines()
    events = [json.loads(line) if form == "json" else _fields(line) for line in log]
    assert all({"time", "level", "event"} <= event.keys() for event in events)
    queries = [event for event in events if event["event"] == "query"]
    assert [event["name"] for event in queries] == ["www.example.com.", "nope.example.com.", "refused.broken.test."]
    assert [event["rcode"] for event in queries] == ["NOERROR", "NXDOMAIN", "SERVFAIL"]
    assert [event["transport"] for event in queries] == ["udp", "tcp", "udp"]
    assert {event["client"] for event in queries} == {"127.0.0.1"}
    assert len({event["query"] for event in queries}) == 3


def _fields(line: str) -> dict[str, str]:
    found = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)
    assert " ".join(f"{key}={value}" for key, value in found) == line
    return {key: value.strip('"') for key, value in found}


def test_a_query_that_is_answered_from_the_store_is_logged_too(serve: Serve, dig: Ask) -> None:
    running = serve(RESOLVER_LOG__QUERIES="true")
    for _ in range(3):
        dig(running, "www.example.com", "+nocookie")
    log = running.stop()
    assert log.count("event=query ") == 3


def test_a_name_cannot_forge_a_line_of_the_log(serve: Serve) -> None:
    running = serve(RESOLVER_LOG__QUERIES="true")
    name = rb"a\010level=warning event=forged x=\034 \027[31m".decode()
    with raw.datagrams((running.host, running.port)) as sock:
        sock.send(raw.query(f"{name}.example.com"))
        assert raw.response(sock.recv(65535)).rcode() == 3
    log = running.stop()
    assert all(line.startswith("time=") for line in log.splitlines())
    assert "\x1b" not in log
