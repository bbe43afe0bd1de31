"""DNS over HTTPS by several workers: clients of either are answered, shown the same, and counted together."""

from __future__ import annotations

import base64
import re
import signal
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import heard, raw
from tests.support.certificates import write
from tests.support.daemons import PATIENCE, Daemon
from tests.support.fixtures import Print, Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

AT = re.compile(r"^  https://127\.0\.0\.1:(\d+)/dns-query$", re.MULTILINE)
QUERY = base64.urlsafe_b64encode(raw.query("www.example.com")).rstrip(b"=").decode()
CLIENTS = 24
"""Connections of which each of two workers has some, but once in 2^23 times."""


def pair(serve: Serve, **more: str) -> tuple[Daemon, str]:
    """A daemon with two workers, and its port for HTTPS."""
    https = {"RESOLVER_SERVER__LISTEN_HTTPS": '["127.0.0.1:0"]', "RESOLVER_SERVER__WORKERS": "2"}
    daemon = serve(**https, **more)
    (port,) = AT.findall(daemon.out.text)
    return daemon, port


def curl(program: Any, port: str, *words: str) -> bytes:
    """What one curl, and so one connection, is told; it trusts anybody."""
    url = f"https://127.0.0.1:{port}/dns-query"
    argv = [program("curl"), "-sk", "--max-time", "10", *words, f"{url}?dns={QUERY}"]
    return subprocess.run(argv, capture_output=True, timeout=PATIENCE, check=True).stdout


def of_each(daemon: Daemon, name: str) -> list[int]:
    """What each worker has counted under that `name`."""
    return [each["stats"][name] for each in daemon.control("GET", "/workers")["workers"]]


@pytest.mark.parametrize("version", ["--http2", "--http1.1"])
def test_curl_is_answered_by_each_of_the_workers(serve: Serve, program: Any, version: str) -> None:
    daemon, port = pair(serve)
    for _ in range(CLIENTS):
        assert raw.response(curl(program, port, version)).answer[0][0].to_text() == "192.0.2.80"
    each = of_each(daemon, "queries.https")
    assert len(each) == 2
    assert all(each)
    stats = daemon.stats()
    assert stats["queries.https"] == sum(each) == CLIENTS
    assert stats["tls.handshakes"] == sum(of_each(daemon, "tls.handshakes")) == CLIENTS
    assert (stats["https.refused"], stats["https.put_off"], stats["https.bodies_cut"]) == (0, 0, 0)


def test_many_questions_of_one_connection_are_answered_by_one_worker(serve: Serve, printed: Print) -> None:
    daemon, port = pair(serve)
    asked = ["kdig", "@127.0.0.1", "-p", port, "+https", "+keepopen", "+retry=0", "+timeout=10"]
    replies = heard.read(printed(*asked, *["www.example.com"] * 20))
    assert [reply.data for reply in replies] == [["A 192.0.2.80"]] * 20
    assert sorted(of_each(daemon, "queries.https")) == [0, 20]


def shown(port: str) -> set[str | None]:
    """Which certificates so many clients are shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    seen = set()
    for _ in range(CLIENTS):
        with context.wrap_socket(raw.connect(("127.0.0.1", int(port)))) as stream:
            seen.add(ssl.DER_cert_to_PEM_cert(stream.getpeercert(binary_form=True) or b""))
    return seen


def test_after_a_reload_all_workers_show_the_new_certificate(serve: Serve, program: Any, tmp_path: Path) -> None:
    certificate, key = write(tmp_path)
    files = {"RESOLVER_SERVER__TLS_CERTIFICATE": str(certificate), "RESOLVER_SERVER__TLS_KEY": str(key)}
    daemon, port = pair(serve, **files)
    assert shown(port) == {certificate.read_text()}
    write(tmp_path)
    daemon.reload()
    assert shown(port) == {certificate.read_text()}
    assert raw.response(curl(program, port, "--http2")).answer
    kept = certificate.read_bytes()
    certificate.write_bytes(kept[:200])
    assert "has no certificate in PEM" in daemon.reload("reload_refused")
    assert shown(port) == {kept.decode()}
    daemon.signal(signal.SIGTERM)  # the refused reload is an error in the log, as it should be
    assert daemon.wait() == 0


def resumed(port: str, connections: int) -> list[bool]:
    """Of a client that comes again with the session of its last connection each time, which were resumed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    request = f"GET /dns-query?dns={QUERY} HTTP/1.1\r\nhost: a\r\n\r\n".encode()
    session, said = None, []
    for _ in range(connections):
        with context.wrap_socket(raw.connect(("127.0.0.1", int(port))), session=session) as stream:
            stream.sendall(request)
            assert stream.recv(65535).startswith(b"HTTP/1.1 200")  # the ticket comes before it
            said.append(bool(stream.session_reused))
            session = stream.session
    return said


def test_sessions_are_resumed_at_any_worker_until_a_reload_and_nobody_fails_afterwards(
    serve: Serve, tmp_path: Path
) -> None:
    certificate, key = write(tmp_path)
    files = {"RESOLVER_SERVER__TLS_CERTIFICATE": str(certificate), "RESOLVER_SERVER__TLS_KEY": str(key)}
    daemon, port = pair(serve, **files)
    assert resumed(port, CLIENTS) == [False] + [True] * (CLIENTS - 1)
    assert all(of_each(daemon, "tls.resumed"))
    daemon.reload()
    again = resumed(port, CLIENTS)
    assert len(again) == CLIENTS, "whoever comes to the other worker begins anew, and is answered"
    assert daemon.stats()["tls.failed"] == 0


def test_a_client_that_misbehaves_is_ended_by_its_worker_and_the_others_go_on(serve: Serve, program: Any) -> None:
    daemon, port = pair(serve)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    flood = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + bytes(8)
    with context.wrap_socket(raw.connect(("127.0.0.1", int(port)))) as stream:
        stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + flood * 300)
        while stream.recv(65535):
            pass
    assert sorted(of_each(daemon, "https.calmed")) == [0, 1]
    assert daemon.stats()["https.calmed"] == 1
    assert raw.response(curl(program, port, "--http2")).answer
    assert daemon.stats()["workers.restarted"] == 0
