"""A daemon's life: started by what it says it needs, reloaded without losing anything, ended without a loss."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import stat
from pathlib import Path

import pytest

from tests.support import raw
from tests.support.daemons import ROOT, Daemon, free_port
from tests.support.fixtures import Ask, Print, Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A configuration file to be written by the test."""
    return tmp_path / "resolver.toml"


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A copy of the shipped world, to be changed by the test."""
    return Path(shutil.copytree(ROOT / "zones", tmp_path / "world"))


def written(settings: Path, identity: str, listen: str = "127.0.0.1:0", more: str = "") -> None:
    settings.write_text(f'[server]\nlisten = ["{listen}"]\nidentity = "{identity}"\n{more}')


def identity(dig: Ask, daemon: Daemon) -> str:
    (record,) = dig(daemon, "id.server", "TXT", "CH").answer
    return record.data.strip('"')


# -- start


def test_the_lines_to_paste_work(daemon: Daemon, printed: Print) -> None:
    banner = daemon.out.wait_for(r"^Try:\n((?:  .*\n){3})")
    commands = [line.partition("#")[0].split() for line in banner[1].splitlines()]
    assert [words[0] for words in commands] == ["dig", "nslookup", "dig"]
    resolver, both, root = (printed(*words) for words in commands)
    assert re.search(r"^www\.example\.com\.\s+\d+\s+IN\s+A\s+192\.0\.2\.80$", resolver, re.MULTILINE)
    assert "Address: 2001:db8::80" in both
    assert re.search(r"^com\.\s+\d+\s+IN\s+NS\s+a\.nic\.com\.$", root, re.MULTILINE)


def test_a_server_answers_on_ipv6_too(serve: Serve, dig: Ask) -> None:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError as error:
        pytest.skip(f"no IPv6 loopback: {error}")
    running = serve("--listen", "127.0.0.1:0", "--listen", "[::1]:0")
    assert [host for host, _ in running.listening] == ["127.0.0.1", "::1"]
    running.host, running.port = running.listening[1]
    assert dig(running, "www.example.com").data == ["A 192.0.2.80"]
    assert dig(running, "www.example.com", "+tcp").data == ["A 192.0.2.80"]


@pytest.mark.rfc(2181, "4")
def test_a_wildcard_answers_from_the_address_that_was_asked(serve: Serve, dig: Ask) -> None:
    """dig says `reply from unexpected source` and fails otherwise."""
    running = serve("--listen", "0.0.0.0:0", "--in-memory")
    for asked in ("127.0.0.1", "127.0.0.2", "127.9.8.7"):
        for option in ("+notcp", "+tcp"):
            reply = dig(running, "www.example.com", option, at=asked)
            assert reply.data == ["A 192.0.2.80"]
            assert f"SERVER: {asked}#{running.port}" in reply.text


def test_a_wildcard_and_the_simulated_servers_live_on_ports_of_their_own(serve: Serve, dig: Ask) -> None:
    """A wildcard takes its port on every address, those of the simulated servers among them."""
    port = free_port()
    running = serve("--listen", "0.0.0.0:0", RESOLVER_WORLD__PORT=str(port))
    assert dig(running, "chain.example.com", at="127.0.0.2").data[-1] == "A 203.0.113.111"
    running.port, resolver = port, running.port
    assert dig(running, "www.example.com", at="127.53.2.1").data == ["A 192.0.2.80"]
    running.port = resolver


def test_the_environment_says_where_to_listen(serve: Serve, dig: Ask) -> None:
    port = free_port()
    running = serve(RESOLVER_SERVER__LISTEN=f'["127.0.0.1:{port}"]')
    assert running.listening == [("127.0.0.1", port)]
    assert dig(running, "www.example.com").data == ["A 192.0.2.80"]


def test_variables_that_kubernetes_makes_for_a_service_do_no_harm(serve: Serve, dig: Ask) -> None:
    made = {
        "RESOLVER_PORT": "tcp://10.96.0.10:53",
        "RESOLVER_PORT_53_UDP": "udp://10.96.0.10:53",
        "RESOLVER_PORT_53_UDP_PROTO": "udp",
        "RESOLVER_SERVICE_HOST": "10.96.0.10",
        "RESOLVER_SERVICE_PORT_DNS": "53",
    }
    assert dig(serve(**made), "www.example.com").data == ["A 192.0.2.80"]


def test_two_daemons_with_their_own_worlds_run_side_by_side(serve: Serve, dig: Ask) -> None:
    one, other = serve(), serve("--mode", "recursive")
    assert one.port != other.port
    for running in (one, other):
        assert dig(running, "chain.example.com").data[-1] == "A 203.0.113.111"
        assert dig(running, ".", "SOA", at="127.53.0.1").status == "NOERROR"


# -- SIGHUP


def test_a_reload_takes_effect_and_keeps_the_cache(serve: Serve, settings: Path, dig: Ask) -> None:
    written(settings, "before")
    running = serve("--config", str(settings))
    assert identity(dig, running) == "before"
    assert dig(running, "www.example.com").data == ["A 192.0.2.80"]
    sent, port = running.stats()["upstream.sent"], running.port
    written(settings, "after")
    running.reload()
    assert identity(dig, running) == "after"
    assert dig(running, "www.example.com").data == ["A 192.0.2.80"]
    stats = running.stats()
    assert stats["upstream.sent"] == sent, "what was known is asked again"
    assert stats["cache.records"] > 0
    assert running.control("GET", "/config")["settings"]["server"]["identity"] == "after"
    assert dig(running, "www.example.org").data == ["A 203.0.113.80"]
    assert running.port == port


WRONG = [
    ('[server]\nidentity = "x"\nlissen = ["127.0.0.1:0"]\n', r"resolver\.toml:3.*lissen.*listen"),
    ("[cache]\nsize_mb = -1\n", r"resolver\.toml:2.*size_mb"),
    ("[server\n", r"resolver\.toml:1"),
    ('[world]\ndirectory = "nowhere"\n', r"resolver\.toml:2.*nowhere.*has no hierarchy\.toml"),
]
"""Configurations, and what is said of them."""


def test_a_wrong_configuration_is_refused_in_one_line_and_the_old_one_stays(
    serve: Serve, settings: Path, dig: Ask
) -> None:
    written(settings, "before")
    running = serve("--config", str(settings))
    dig(running, "www.example.com")
    for text, said in WRONG:
        settings.write_text(text)
        assert re.search(said, running.reload("reload_refused"))
        assert identity(dig, running) == "before"
        assert dig(running, "www.example.com", "+norecurse").data == ["A 192.0.2.80"]
    assert dig(running, "www.example.org").data == ["A 203.0.113.80"]
    written(settings, "after")
    running.reload()
    assert identity(dig, running) == "after"
    ended(running, refused=len(WRONG))


def ended(running: Daemon, refused: int) -> None:
    """`running` ends as it should, with `refused` errors in its log and nothing else that is wrong."""
    running.signal(signal.SIGTERM)
    assert running.wait() == 0
    assert "Traceback" not in running.log.text
    errors = [line for line in running.log.text.splitlines() if "level=error" in line]
    assert len(errors) == refused
    assert all("event=reload_refused" in line for line in errors)


def test_a_reload_opens_and_closes_listeners(serve: Serve, settings: Path, dig: Ask) -> None:
    old, new = free_port(), free_port()
    written(settings, "old", f"127.0.0.1:{old}")
    running = serve("--config", str(settings))
    written(settings, "new", f"127.0.0.1:{new}")
    running.reload()
    with pytest.raises(ConnectionRefusedError):
        raw.connect(("127.0.0.1", old)).close()
    running.port = new
    assert identity(dig, running) == "new"
    assert dig(running, "www.example.com").data == ["A 192.0.2.80"]
    assert dig(running, "www.example.net", at="127.53.2.21").data == ["A 198.51.100.80"]


def test_the_control_socket_follows_the_port_of_the_first_listener(serve: Serve, settings: Path) -> None:
    written(settings, "old", f"127.0.0.1:{free_port()}")
    running = serve("--config", str(settings))
    before = running.socket
    running.port = free_port()
    written(settings, "new", f"127.0.0.1:{running.port}")
    running.reload()
    assert running.resolver("stats", "--config", str(settings)).returncode == 0
    assert not before.exists()


def test_a_reload_puts_the_limits_of_tcp_in_force(serve: Serve, settings: Path) -> None:
    written(settings, "old")
    running = serve("--config", str(settings))
    written(settings, "new", more="tcp_idle_s = 0.1\n")
    running.reload()
    with raw.connect((running.host, running.port)) as stream:
        stream.settimeout(2)
        assert ended_by_peer(stream)


def ended_by_peer(stream: socket.socket) -> bool:
    """Whether the daemon has closed `stream`; TimeoutError if it does not."""
    try:
        return stream.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_reload_gives_each_line_of_the_log_its_new_form(serve: Serve, settings: Path, dig: Ask) -> None:
    written(settings, "old", more="[log]\nqueries = true\n")
    running = serve("--config", str(settings))
    written(settings, "new", more='[log]\nqueries = true\nformat = "json"\n')
    before = running.signal(signal.SIGHUP)
    running.log.wait_for("reloaded", before)
    dig(running, "www.example.com")
    for line in running.stop()[before:].splitlines():
        json.loads(line)


def test_a_reload_puts_the_size_of_datagrams_in_force_for_what_is_stored(
    serve: Serve, settings: Path, dig: Ask
) -> None:
    written(settings, "old")
    running = serve("--config", str(settings))
    question = ("medium.example.com", "TXT", "+nocookie", "+ignore")
    assert dig(running, *question).size > 512
    written(settings, "new", more="udp_payload = 512\n")
    running.reload()
    cut = dig(running, *question)
    assert cut.size <= 512
    assert cut.payload == 512


def test_a_reload_to_a_port_that_is_taken_changes_nothing(serve: Serve, settings: Path, dig: Ask) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        taken = holder.getsockname()[1]
        old = free_port()
        written(settings, "old", f"127.0.0.1:{old}")
        running = serve("--config", str(settings))
        written(settings, "new", f"127.0.0.1:{taken}")
        line = running.reload("reload_refused")
    assert f"port {taken} is taken" in line
    assert f"pid {os.getpid()}" in line
    assert identity(dig, running) == "old"
    assert dig(running, "www.example.com", "+tcp").data == ["A 192.0.2.80"]
    ended(running, refused=1)


def test_a_changed_zone_becomes_visible_within_its_ttl_and_not_before(
    serve: Serve, settings: Path, world: Path, dig: Ask
) -> None:
    zone = world / "example.us.zone"
    zone.write_text("$TTL 4\n@ A 192.0.2.1\nkept 3600 A 192.0.2.1\n")
    written(settings, "x", more='[world]\ndirectory = "world"\n')
    running = serve("--config", str(settings))
    assert dig(running, "kept.example.us").data == ["A 192.0.2.1"]
    assert dig(running, "example.us").data == ["A 192.0.2.1"]
    zone.write_text("$TTL 3600\n@ A 192.0.2.2\nkept A 192.0.2.2\nadded A 192.0.2.3\n")
    running.reload()
    assert dig(running, "example.us", at="127.53.2.41").data == ["A 192.0.2.2"], "the authority has it at once"
    assert dig(running, "added.example.us").data == ["A 192.0.2.3"]
    ttls = []
    while (reply := dig(running, "example.us")).data == ["A 192.0.2.1"]:
        ttls.append(reply.answer[0].ttl)
    assert ttls, "visible before its time"
    assert ttls == sorted(ttls, reverse=True)
    assert set(ttls) <= {0, 1, 2, 3, 4}
    assert reply.data == ["A 192.0.2.2"]
    assert dig(running, "kept.example.us").data == ["A 192.0.2.1"]


def test_a_zone_that_is_wrong_changes_nothing(serve: Serve, settings: Path, world: Path, dig: Ask) -> None:
    zone = world / "example.us.zone"
    zone.write_text("$TTL 1\n@ A 192.0.2.1\n")
    written(settings, "x", more='[world]\ndirectory = "world"\n')
    running = serve("--config", str(settings))
    zone.write_text("$TTL 1\n@ A 192.0.2.2\nwww A 192.0.2.777\n")
    line = running.reload("reload_refused")
    assert "example.us.zone:3" in line
    assert "192.0.2.777" in line
    assert dig(running, "example.us").data == ["A 192.0.2.1"]
    ended(running, refused=1)


# -- SIGTERM


def in_progress(running: Daemon, queries: int) -> None:
    """So many queries are being worked on."""
    for _ in range(1000):
        if running.stats()["queries.in_flight"] >= queries:
            return
    pytest.fail("a query that was sent is not worked on")


def test_sigterm_lets_queries_in_progress_finish(serve: Serve) -> None:
    running = serve()
    where = (running.host, running.port)
    with raw.datagrams(where) as udp, raw.connect(where) as tcp, raw.connect(where) as idle:
        udp.send(raw.query("slow.broken.test"))
        tcp.sendall(raw.framed(raw.query("slow.broken.test", "TXT")))
        in_progress(running, 2)
        before = running.signal(signal.SIGTERM)
        running.log.wait_for(r"event=stopping", before)
        assert idle.recv(1) == b""
        assert raw.response(udp.recv(65535)).answer
        assert raw.response(raw.receive(tcp)).rcode() == 0
    assert running.wait() == 0
    assert "event=stopped" in running.log.text
    assert "Traceback" not in running.log.text


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_daemon_cleanly(serve: Serve, which: signal.Signals) -> None:
    running = serve()
    assert stat.S_IMODE(running.socket.stat().st_mode) == 0o600
    running.signal(which)
    assert running.wait() == 0
    assert not running.socket.exists()
    with pytest.raises(ConnectionRefusedError):
        raw.connect((running.host, running.port)).close()


def test_a_query_that_never_ends_does_not_hold_the_daemon_back(serve: Serve) -> None:
    running = serve(RESOLVER_SERVER__DRAIN_S="0.2")
    with raw.datagrams((running.host, running.port)) as udp:
        udp.send(raw.query("silent.broken.test"))
        in_progress(running, 1)
        running.stop()


def test_a_second_signal_ends_the_daemon_at_once(serve: Serve) -> None:
    running = serve(RESOLVER_SERVER__DRAIN_S="60", RESOLVER_RESOLVER__CLIENT_TIMEOUT_MS="4900")
    with raw.datagrams((running.host, running.port)) as udp:
        udp.send(raw.query("silent.broken.test"))
        in_progress(running, 1)
        before = running.signal(signal.SIGTERM)
        running.log.wait_for("event=stopping", before)
        running.signal(signal.SIGTERM)
        assert running.wait() == 128 + signal.SIGTERM
    assert "Traceback" not in running.log.text


def test_a_daemon_starts_again_on_the_port_it_left(serve: Serve, dig: Ask) -> None:
    port = str(free_port())
    for _ in range(2):
        running = serve("--listen", f"127.0.0.1:{port}")
        assert dig(running, "www.example.com", "+tcp").data == ["A 192.0.2.80"]
        running.stop()
