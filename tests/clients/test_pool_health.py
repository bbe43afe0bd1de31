"""Members of pools that are checked on real sockets: stopped and started, with bad certificates, with bad responses."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import signal
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import certificates
from tests.support.daemons import Daemon, free_port
from tests.support.fixtures import Ask, Serve

pytestmark = pytest.mark.clients

QUICK = "check_interval_ms = 500\ncheck_rise = 1\ncheck_fall = 2\nslow_start_s = 0\n"
NAME = "dns.example"


def goes_down(daemon: Daemon, member: str, why: str, *, pool: str = r"\S+", after: int = 0) -> str:
    """The event by which `member` of `pool` is down for that reason; a machine that is busy may have others."""
    said = rf'^.*event=pool_member pool={pool} member={re.escape(member)} state=down before=\S+ reason="{why}" .*$'
    return daemon.log.wait_for(said, after)[0]


def comes_back(daemon: Daemon, member: str, *, pool: str = r"\S+", after: int = 0) -> None:
    """`member` of `pool` is up again."""
    daemon.log.wait_for(rf"event=pool_member pool={pool} member={re.escape(member)} state=up ", after)


def members(daemon: Daemon, pool: str) -> dict[str, dict[str, Any]]:
    """What is told of the members of a pool, by their names."""
    (told,) = (each for each in daemon.control("GET", "/pools")["pools"] if each["name"] == pool)
    return {each["name"]: each for each in told["members"]}


def written(directory: Path, key: str, name: str, **validity: int) -> tuple[Path, Path]:
    """A certificate in a directory of its own."""
    (directory / key).mkdir()
    return certificates.write(directory / key, name, **validity)


class Web:
    """A server of HTTP, over TLS if it has a certificate, that says what the test says."""

    def __init__(self, certificate: tuple[Path, Path] | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.status, self.body = 200, b'{"status": "up"}'
        said = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(said.status if self.path == "/health" else 404)
                self.end_headers()
                self.wfile.write(said.body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer((host, port), Handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, True, do_handshake_on_connect=False)
        self.port: int = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Web:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@contextlib.contextmanager
def upstream(directory: Path, port: int) -> Iterator[Daemon]:
    """A resolver with an internet of its own, at `port`, which is stopped at the end."""
    (directory / str(port)).mkdir(exist_ok=True)
    daemon = Daemon(directory / str(port), "--listen", f"127.0.0.1:{port}", "--in-memory")
    try:
        yield daemon
        daemon.stop()
    finally:
        daemon.kill()


def test_a_member_that_is_stopped_goes_down_and_comes_back_when_it_is_started_again(
    serve: Serve, dig: Ask, tmp_path: Path
) -> None:
    steady, moving = free_port(), free_port()
    names = [f"udp://127.0.0.1:{port}" for port in (steady, moving)]
    pool = f'members = {json.dumps(names)}\npolicy = "round-robin"\n{QUICK}'
    with contextlib.ExitStack() as stack:
        stack.enter_context(upstream(tmp_path, steady))
        with upstream(tmp_path, moving) as first:
            wanted = dig(first, "www.example.com").answer[0].data
            asked = f'check_name = "www.example.com"\ncheck_type = "A"\ncheck_answer = "{wanted}"\n'
            (tmp_path / "resolver.toml").write_text(
                '[server]\nlisten = ["127.0.0.1:0"]\n[resolver]\nforward_zones = {"." = "office"}\n'
                f'[dnssec]\nvalidation = false\n[pools.office]\n{pool}{asked}[pools.web]\n{pool}check = "tcp"\n'
            )
            daemon = serve("--config", "resolver.toml")
            assert dig(daemon, "www.example.com").answer[0].data == wanted
        for which in ("office", "web"):
            assert "level=info" in goes_down(daemon, names[1], "connection refused", pool=which)
        for number in range(4):
            assert dig(daemon, f"none{number}.example.com").status == "NXDOMAIN"
        assert members(daemon, "office")[names[1]]["check"] == "connection refused"
        before = len(daemon.log.text)
        stack.enter_context(upstream(tmp_path, moving))
        for which in ("office", "web"):
            comes_back(daemon, names[1], pool=which, after=before)
        assert members(daemon, "office")[names[1]]["checks_failed"] >= 2
        stats = daemon.stats()
        assert stats["pools.members"] == 4
        assert stats["pools.changes"] >= 4
        daemon.kill()  # before those that it has checked, which it would miss


def test_certificates_that_have_expired_or_are_for_another_name_take_their_members_down(
    serve: Serve, tmp_path: Path
) -> None:
    made = {
        "good": written(tmp_path, "good", NAME),
        "expired": written(tmp_path, "expired", "expired.example", began=-20, days=10),
        "soon": written(tmp_path, "soon", "soon.example", days=5),
        "other": written(tmp_path, "other", "other.example"),
        "plain": None,
    }
    wanted = {"expired": "expired.example", "soon": "soon.example"}
    trusted = tmp_path / "trusted.pem"
    trusted.write_text("".join(each[0].read_text() for each in made.values() if each is not None))
    with contextlib.ExitStack() as stack:
        ports = {key: stack.enter_context(Web(certificate)).port for key, certificate in made.items()}
        listed = [
            f'{{address = "tls://127.0.0.1:{port}#{wanted.get(key, NAME)}", name = "{key}"}}'
            for key, port in ports.items()
        ]
        (tmp_path / "resolver.toml").write_text(
            f'[server]\nlisten = ["127.0.0.1:0"]\n[pools.office]\nmembers = [{", ".join(listed)}]\n'
            f'tls_ca = "{trusted}"\ncheck = "tls"\ncheck_certificate_days = 7\ncheck_timeout_ms = 5000\n'
        )
        daemon = serve("--config", "resolver.toml", "--in-memory")
        for member, reason in (
            ("expired", "its certificate is refused: it has expired"),
            ("soon", "its certificate ends in 3 days"),
            ("other", "its certificate is refused: it is for another name"),
            ("plain", "no TLS can be spoken with it: what listens there speaks no TLS"),
        ):
            goes_down(daemon, member, reason)
        good = members(daemon, "office")["good"]
        assert (good["state"], good["check"]) == ("up", "ok")
        printed = daemon.resolver("pools", "--socket", str(daemon.socket)).stdout
        assert re.search(r"^  expired +down .*it has expired$", printed, re.MULTILINE)


def test_responses_with_another_status_or_text_take_a_member_down(serve: Serve, tmp_path: Path) -> None:
    certificate = written(tmp_path, "web", NAME)
    with contextlib.ExitStack() as stack:
        pools, moving = [], {}
        for kind, shown in (("http", None), ("https", certificate)):
            steady = stack.enter_context(Web(shown))
            moving[kind] = stack.enter_context(Web(shown, "127.0.0.2", steady.port))
            pools.append(
                f'[pools.{kind}]\nmembers = ["127.0.0.1", "127.0.0.2"]\ncheck = "{kind}"\ncheck_port = {steady.port}\n'
                f'check_path = "/health"\ncheck_status = ["200-204"]\ncheck_body = "up"\n{QUICK}'
            )
        trust = f'check_host = "{NAME}"\ntls_ca = "{certificate[0]}"\n'
        (tmp_path / "resolver.toml").write_text(f'[server]\nlisten = ["127.0.0.1:0"]\n{"".join(pools)}{trust}')
        daemon = serve("--config", "resolver.toml", "--in-memory")
        member = "udp://127.0.0.2:53"
        for web in moving.values():
            web.status = 503
        for kind in moving:
            goes_down(daemon, member, "it answers with status 503", pool=kind)
        before = len(daemon.log.text)
        for web in moving.values():
            web.status = 200
        for kind in moving:
            comes_back(daemon, member, pool=kind, after=before)
        for web in moving.values():
            web.body = b"down"
        for kind in moving:
            goes_down(daemon, member, "the text is not in its answer", pool=kind, after=before)
            told = members(daemon, kind)["udp://127.0.0.1:53"]
            assert told["checks"] > told["checks_failed"]
        daemon.kill()  # before those that it has checked, which it would miss


def test_a_drained_member_stays_so_over_a_reload_and_the_end_of_a_worker(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "resolver.toml").write_text(
        '[server]\nlisten = ["127.0.0.1:0"]\nworkers = 2\n[pools.office]\ncheck = "none"\n'
        'members = ["127.0.0.1:5999", {address = "127.0.0.1:5998", name = "right"}]\n'
    )
    daemon = serve("--config", "resolver.toml", "--in-memory")
    socket = ("--socket", str(daemon.socket))
    done = daemon.resolver("pools", "drain", "office", "127.0.0.1:5998", *socket)
    assert done.stdout == "drained right of office\n"
    wrong = daemon.resolver("pools", "drain", "office", "rigth", *socket)
    assert wrong.returncode != 0
    assert wrong.stderr.endswith("did you mean 'right'?\n")
    assert members(daemon, "office")["right"]["state"] == "drained"
    daemon.reload()
    assert members(daemon, "office")["right"]["state"] == "drained"

    victim = daemon.control("GET", "/workers")["workers"][1]["pid"]
    before = len(daemon.log.text)
    os.kill(victim, signal.SIGKILL)
    daemon.log.wait_for(r"event=worker_died", before)
    daemon.log.wait_for(r"event=pool_member .*member=right state=drained", before)
    assert len(daemon.control("GET", "/workers")["workers"]) == 2
    assert members(daemon, "office")["right"]["state"] == "drained"
    assert "worker_without_changes" not in daemon.log.text
    assert daemon.stats()["pools.drained"] == 1

    assert daemon.resolver("pools", "undrain", "office", "right", *socket).stdout == "undrained right of office\n"
    assert members(daemon, "office")["right"]["state"] in ("starting", "up")
    daemon.kill()
