"""A daemon of several workers: they answer as one, and one that ends takes nobody with it."""

from __future__ import annotations

import os
import re
import select
import signal
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support import certificates, raw
from tests.support.daemons import PATIENCE, TROUBLE, Daemon, free_port, run_resolver
from tests.support.fixtures import Ask, Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

ENOUGH = 64
"""Clients among which each of two or three workers has some, but once in 2^60 times."""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A configuration file to be written by the test."""
    return tmp_path / "resolver.toml"


def written(settings: Path, workers: int, more: str = "", listen: str = "127.0.0.1:0") -> None:
    settings.write_text(f'[server]\nlisten = ["{listen}"]\nworkers = {workers}\n{more}')


def asked(daemon: Daemon, clients: int = ENOUGH, name: str = "www.example.com") -> list[str]:
    """What so many clients are answered, each from a port of its own and all at once."""
    with ExitStack() as open_ones:
        all_of_them = [open_ones.enter_context(raw.datagrams((daemon.host, daemon.port))) for _ in range(clients)]
        for each in all_of_them:
            each.send(raw.query(name))
        return [raw.response(each.recv(65535)).answer[0][0].to_text() for each in all_of_them]


def workers(daemon: Daemon) -> list[dict[str, Any]]:
    """What each worker says of itself."""
    said: list[dict[str, Any]] = daemon.control("GET", "/workers")["workers"]
    return said


def pids(daemon: Daemon) -> list[int]:
    return [each["pid"] for each in workers(daemon)]


def gone(*processes: int) -> bool:
    """Whether all of them end in due time."""
    for pid in processes:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if not select.select([descriptor], [], [], PATIENCE)[0]:
                return False
        finally:
            os.close(descriptor)
    return True


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One with two workers, for tests that leave it as it is."""
    directory = tmp_path_factory.mktemp("workers")
    running = Daemon(directory, "--listen", "127.0.0.1:0", environ={"RESOLVER_SERVER__WORKERS": "2"})
    try:
        yield running
        assert "worker=" not in running.stop(), "a worker had something to say"
    finally:
        running.kill()


def test_the_kernel_spreads_clients_and_the_numbers_are_those_of_all(pair: Daemon) -> None:
    before = pair.stats()["queries.udp"]
    assert set(asked(pair)) == {"192.0.2.80"}
    each = [one["stats"]["queries.udp"] for one in workers(pair)]
    assert len(each) == 2
    assert all(each)
    stats = pair.stats()
    assert stats["queries.udp"] == sum(each) == before + ENOUGH
    assert (stats["workers"], stats["workers.restarted"], stats["workers.silent"]) == (2, 0, 0)
    assert pair.pid not in pids(pair)


def test_tcp_clients_are_spread_too(pair: Daemon) -> None:
    with ExitStack() as open_ones:
        streams = [open_ones.enter_context(raw.connect((pair.host, pair.port))) for _ in range(ENOUGH)]
        for stream in streams:
            stream.sendall(raw.framed(raw.query("www.example.com")))
        assert all(raw.response(raw.receive(stream)).answer for stream in streams)
    assert all(each["stats"]["queries.tcp"] for each in workers(pair))


def test_tls_clients_are_spread_too_and_shown_the_same(serve: Serve) -> None:
    running = serve(RESOLVER_SERVER__WORKERS="2", RESOLVER_SERVER__LISTEN_TLS='["127.0.0.1:0"]')
    assert running.log.text.count("event=ephemeral_certificate") == 1
    port = int(running.out.wait_for(r"^  127\.0\.0\.1:(\d+)  TLS$")[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    shown = set()
    with ExitStack() as open_ones:
        for _ in range(24):
            stream = open_ones.enter_context(context.wrap_socket(raw.connect((running.host, port))))
            stream.sendall(raw.framed(raw.query("www.example.com")))
            assert raw.response(raw.receive(stream)).answer
            shown.add(stream.getpeercert(binary_form=True))
    assert len(shown) == 1
    assert all(each["stats"]["queries.tls"] for each in workers(running))


@pytest.mark.rfc(9018, "5")
def test_a_cookie_of_one_worker_is_one_of_all(pair: Daemon, dig: Ask) -> None:
    """A client comes to another worker with its next port."""
    for _ in range(8):
        first = dig(pair, "www.example.com", "+cookie=0123456789abcdef")
        given = re.search(r"COOKIE: ([0-9a-f]+) \(good\)", first.text)
        assert given
        for _ in range(3):
            again = dig(pair, "www.example.com", f"+cookie={given[1]}")
            assert given[1] in again.text, "another worker did not know it"


def test_the_caches_are_listed_and_flushed_together(pair: Daemon) -> None:
    asked(pair)
    listed = [e for e in pair.control("GET", "/cache?limit=1000")["entries"] if e["name"] == "www.example.com."]
    assert len([entry for entry in listed if entry["type"] == "A"]) == 2
    assert len(pair.control("GET", "/cache?limit=3")["entries"]) == 3
    assert "limit is" in pair.control("GET", "/cache?limit=x")["error"]
    printed = pair.resolver("cache", "flush", "www.example.com", "--socket", str(pair.socket)).stdout
    assert re.fullmatch(r"flushed \d+ entries\n", printed)
    assert not [e for e in pair.control("GET", "/cache?limit=1000")["entries"] if e["name"] == "www.example.com."]


def test_each_worker_can_be_seen(pair: Daemon) -> None:
    shown = pair.resolver("stats", "--workers", "--socket", str(pair.socket)).stdout
    first, second = pids(pair)
    assert re.match(rf"WORKER +0 \(PID {first}\) +1 \(PID {second}\)\n", shown)
    assert re.search(r"^queries\.udp +\d+ +\d+$", shown, re.MULTILINE)


def test_the_simulated_servers_have_their_addresses(pair: Daemon, dig: Ask) -> None:
    assert dig(pair, "www.example.com", at="127.53.2.1").data == ["A 192.0.2.80"]
    assert dig(pair, "www.example.com", at="127.53.0.1").status == "NOERROR"


def test_the_settings_are_those_of_the_daemon(pair: Daemon) -> None:
    said = pair.control("GET", "/config")["settings"]
    assert (said["server"]["workers"], said["cache"]["size_mb"]) == (2, 64)
    assert said["server"]["cookie_secret"] is None


def test_a_port_of_another_daemon_is_told_in_one_line(pair: Daemon, tmp_path: Path) -> None:
    """Though both would share theirs with workers of their own."""
    came_to = run_resolver(
        tmp_path, "serve", "--listen", f"127.0.0.1:{pair.port}", environ={"RESOLVER_SERVER__WORKERS": "2"}
    )
    assert came_to.returncode == 1
    assert came_to.stderr.count("\n") == 1
    assert f"port {pair.port} is taken by" in came_to.stderr
    assert set(asked(pair)) == {"192.0.2.80"}


def test_what_keeps_a_worker_from_starting_is_told_in_one_line(pair: Daemon, tmp_path: Path) -> None:
    environ = {"RESOLVER_SERVER__WORKERS": "2", "RESOLVER_WORLD__PORT": str(pair.port)}
    came_to = run_resolver(tmp_path, "serve", "--listen", "127.0.0.1:0", environ=environ)
    assert came_to.returncode == 1
    (line,) = [line for line in came_to.stderr.splitlines() if line.startswith("resolver: ")]
    assert "a simulated server cannot listen on 127.53.0.1" in line
    assert "Traceback" not in came_to.stderr


def test_a_worker_that_is_killed_is_replaced_and_nobody_else_disturbed(serve: Serve) -> None:
    running = serve(RESOLVER_SERVER__WORKERS="2")
    asked(running)
    first, second = workers(running)
    before = len(running.log.text)
    os.kill(second["pid"], signal.SIGKILL)
    assert set(asked(running)) == {"192.0.2.80"}, "what waits in the sockets of the dead is answered by the next"
    running.log.wait_for(rf"event=worker_died worker=1 pid={second['pid']} status=SIGKILL$", before)
    running.log.wait_for("event=worker_started worker=1", before)
    now = workers(running)
    assert now[0]["pid"] == first["pid"]
    assert now[0]["stats"]["uptime.seconds"] >= first["stats"]["uptime.seconds"]
    assert now[1]["pid"] not in (first["pid"], second["pid"])
    assert running.stats()["workers.restarted"] == 1
    ended_well(running, errors=1)


def test_a_worker_is_replaced_although_the_certificate_is_just_being_renewed(serve: Serve, tmp_path: Path) -> None:
    certificate, key = certificates.write(tmp_path)
    running = serve(
        RESOLVER_SERVER__WORKERS="2",
        RESOLVER_SERVER__LISTEN_TLS='["127.0.0.1:0"]',
        RESOLVER_SERVER__TLS_CERTIFICATE=str(certificate),
        RESOLVER_SERVER__TLS_KEY=str(key),
    )
    before = len(running.log.text)
    certificate.unlink()
    os.kill(pids(running)[1], signal.SIGKILL)
    running.log.wait_for("event=worker_started worker=1", before)
    assert running.stats()["workers.restarted"] == 1
    ended_well(running, errors=1)


def ended_well(running: Daemon, errors: int) -> None:
    """`running` ends as it should, with so many errors in its log and nothing else that is wrong."""
    children = pids(running)
    running.signal(signal.SIGTERM)
    assert running.wait() == 0
    assert gone(*children)
    assert len(TROUBLE.findall(running.log.text)) == errors, running.log.text


def test_a_reload_is_in_force_in_all_workers_or_in_none(serve: Serve, settings: Path, dig: Ask) -> None:
    def identities() -> set[str]:
        return {dig(running, "id.server", "TXT", "CH").data[0] for _ in range(12)}

    written(settings, 2, 'identity = "before"\n')
    running = serve("--config", str(settings))
    asked(running)
    sent, before = running.stats()["upstream.sent"], pids(running)
    written(settings, 2, 'identity = "after"\n')
    running.reload()
    assert identities() == {'TXT "after"'}
    for wrong in ('identiti = "x"\n', '[world]\ndirectory = "nowhere"\n'):
        written(settings, 2, wrong)
        assert "resolver.toml" in running.reload("reload_refused")
    (settings.parent / "hierarchy.toml").write_text("what = is this\n")
    written(settings, 2, 'identity = "never"\n[world]\ndirectory = "."\n')
    assert "hierarchy.toml" in running.reload("reload_refused"), "which a worker alone finds out"
    assert identities() == {'TXT "after"'}
    asked(running)
    assert running.stats()["upstream.sent"] == sent, "what was known is asked again"
    assert pids(running) == before
    ended_well(running, errors=3)


def test_a_reload_opens_listeners_in_all_workers_and_changes_their_number(serve: Serve, settings: Path) -> None:
    written(settings, 2)
    port = free_port()
    running = serve("--config", str(settings))
    old, old_pids = running.port, pids(running)
    written(settings, 3, listen=f"127.0.0.1:{port}")
    after = len(running.log.text)
    running.reload()
    running.log.wait_for("worker_started worker=2", after)
    with pytest.raises(ConnectionRefusedError):
        raw.connect(("127.0.0.1", old)).close()
    running.port = port
    asked(running)
    assert [each["stats"]["queries.udp"] > 0 for each in workers(running)] == [True] * 3
    assert pids(running)[:2] == old_pids
    written(settings, 1, listen=f"127.0.0.1:{port}")
    after = len(running.log.text)
    running.reload()
    running.log.wait_for("worker_ended worker=2", after)
    assert set(asked(running)) == {"192.0.2.80"}
    assert pids(running) == old_pids[:1]


def in_progress(running: Daemon, queries: int) -> None:
    """So many queries are being worked on."""
    for _ in range(1000):
        if running.stats()["queries.in_flight"] >= queries:
            return
    pytest.fail("a query that was sent is not worked on")


def test_sigterm_lets_queries_in_progress_finish_in_all_workers(serve: Serve) -> None:
    running = serve(RESOLVER_SERVER__WORKERS="2")
    with ExitStack() as open_ones:
        clients = [open_ones.enter_context(raw.datagrams((running.host, running.port))) for _ in range(16)]
        for client in clients:
            client.send(raw.query("slow.broken.test"))
        in_progress(running, 16)
        children, before = pids(running), running.signal(signal.SIGTERM)
        running.log.wait_for("event=stopping", before)
        for pid in children:  # a terminal, or an init, tells all of a group
            for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
                os.kill(pid, number)
        assert all(raw.response(client.recv(65535)).answer for client in clients)
    assert running.wait() == 0
    assert gone(*children)
    assert not TROUBLE.search(running.log.text)
    with pytest.raises(ConnectionRefusedError):
        raw.connect((running.host, running.port)).close()


def test_a_second_signal_ends_all_at_once(serve: Serve) -> None:
    running = serve(
        RESOLVER_SERVER__WORKERS="2",
        RESOLVER_SERVER__DRAIN_S="60",
        RESOLVER_RESOLVER__CLIENT_TIMEOUT_MS="4900",
    )
    with raw.datagrams((running.host, running.port)) as udp:
        udp.send(raw.query("silent.broken.test"))
        in_progress(running, 1)
        children, before = pids(running), running.signal(signal.SIGTERM)
        running.log.wait_for("event=stopping", before)
        running.signal(signal.SIGTERM)
        assert running.wait() == 128 + signal.SIGTERM
    assert gone(*children)
    assert "Traceback" not in running.log.text


def test_workers_end_when_their_supervisor_is_killed(serve: Serve) -> None:
    running = serve(RESOLVER_SERVER__WORKERS="2")
    children = pids(running)
    os.kill(running.pid, signal.SIGKILL)
    assert gone(*children)
    assert running.wait() == -signal.SIGKILL


def test_a_worker_that_hangs_does_not_keep_the_daemon_from_ending(serve: Serve) -> None:
    running = serve(RESOLVER_SERVER__WORKERS="2", RESOLVER_SERVER__DRAIN_S="60")
    children = pids(running)
    os.kill(children[1], signal.SIGSTOP)
    before = running.signal(signal.SIGTERM)
    running.log.wait_for("event=stopping", before)
    running.signal(signal.SIGTERM)
    assert running.wait() == 128 + signal.SIGTERM
    assert gone(*children)
