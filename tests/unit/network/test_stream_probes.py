"""Checks over streams, of servers on loopback."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from resolver.network.base import Endpoint
from resolver.network.clock import RealClock
from resolver.network.pins import pin_of
from resolver.network.stream_probes import CLOSED, MAX_BODY, NO_HTTP, Http, StreamProbe, Tls
from resolver.network.trust import client_context
from tests.support import certificates
from tests.support.sockets import unused_port

pytestmark = pytest.mark.sockets

OK = ((200, 299),)
NAME = "dns.example"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(octets: bytes) -> Serve:
    """A server that reads a head, or what there is of it, and says `octets`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(octets)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort() if not octets else writer.close()

    return serve


def response(status: str, body: bytes = b"", *, head: bytes = b"") -> bytes:
    length = f"content-length: {len(body)}".encode()
    return b"HTTP/1.1 " + status.encode() + b"\r\n" + head + length + b"\r\n\r\n" + body


class Served:
    """`async with Served(serve) as endpoint:` a server on loopback, over TLS if it has a certificate."""

    def __init__(self, serve: Serve, certificate: tuple[Path, Path] | None = None) -> None:
        self.serve, self.context = serve, None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)

    async def __aenter__(self) -> Endpoint:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=self.context)
        return Endpoint(*self.server.sockets[0].getsockname()[:2])

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.server.wait_closed()


async def checked(to: Endpoint, **what: Any) -> str | None:
    """What a check comes to."""
    loop = asyncio.get_running_loop()
    came: asyncio.Future[str | None] = loop.create_future()
    StreamProbe(loop, RealClock(loop), to, **what).begin(came.set_result)
    return await asyncio.wait_for(came, 10)


def trusting(certificate: Path, name: str = NAME, days: int = 0) -> Tls:
    return Tls(lambda: ssl.create_default_context(cafile=certificate), name, days)


def test_who_accepts_a_connection_is_good(on_loop):
    async def main():
        async with Served(says(b"")) as server:
            assert await checked(server) == ""

    on_loop(main())


def test_who_refuses_a_connection_is_not(on_loop):
    async def main():
        assert await checked(Endpoint("127.0.0.1", unused_port())) == "connection refused"

    on_loop(main())


def test_where_no_more_files_may_be_open_nothing_is_said_of_the_server(on_loop, monkeypatch):
    async def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    async def main():
        monkeypatch.setattr(asyncio, "open_connection", full)
        assert await checked(Endpoint("127.0.0.1", 53)) is None

    on_loop(main())


def test_a_certificate_for_the_name_is_good_and_for_another_is_not(on_loop, tmp_path):
    certificate = certificates.write(tmp_path)

    async def main():
        async with Served(says(b""), certificate) as server:
            assert await checked(server, tls=trusting(certificate[0])) == ""
            other = await checked(server, tls=trusting(certificate[0], "other.example"))
            assert other == "its certificate is refused: it is for another name"
            assert await checked(server, tls=trusting(certificate[0], "127.0.0.1")) == other

    on_loop(main())


def test_a_certificate_that_nobody_trusts_is_not_good(on_loop, tmp_path):
    certificate = certificates.write(tmp_path)
    (tmp_path / "other").mkdir()
    other = certificates.write(tmp_path / "other", "other.example")

    async def main():
        async with Served(says(b""), certificate) as server:
            assert (await checked(server, tls=trusting(other[0]))).endswith("nobody who is trusted has signed it")

    on_loop(main())


def test_a_certificate_that_has_expired_or_soon_will_is_not_good(on_loop, tmp_path):
    expired = certificates.write(tmp_path, began=-20, days=10)
    soon = certificates.write(tmp_path, "soon.example", days=11)

    async def main():
        async with Served(says(b""), expired) as server:
            assert "expired" in await checked(server, tls=trusting(expired[0]))
        async with Served(says(b""), soon) as server:
            tls = trusting(soon[0], "soon.example", days=14)
            assert await checked(server, tls=tls) == "its certificate ends in 9 days"
            assert await checked(server, tls=tls._replace(days=7)) == ""

    on_loop(main())


@pytest.mark.rfc(7858, "4.2")
def test_who_has_a_pinned_key_is_good_and_who_has_another_is_not(on_loop, tmp_path):
    expired = certificates.write(tmp_path, began=-20, days=10)
    key = pin_of(x509.load_pem_x509_certificate(expired[0].read_bytes()))

    async def main():
        async with Served(says(b""), expired) as server:
            unchecked = partial(client_context, None, "dot", checked=False)
            assert await checked(server, tls=Tls(unchecked, "127.0.0.1", 0, frozenset((bytes(32), key)))) == ""
            other = await checked(server, tls=Tls(unchecked, "127.0.0.1", 0, frozenset((bytes(32),))))
            assert other.startswith("its certificate is refused: the pin of its key is ")
            soon = await checked(server, tls=Tls(unchecked, "127.0.0.1", 7, frozenset((key,))))
            assert soon == "its certificate ends in 0 days"
            trusted = Tls(trusting(expired[0]).context, "dns.example", 0, frozenset((key,)))
            assert await checked(server, tls=trusted) == "its certificate is refused: it has expired"

    on_loop(main())


def test_who_speaks_no_tls_is_not_good(on_loop, tmp_path):
    certificate = certificates.write(tmp_path)

    async def no_tls(reader, writer):
        await reader.read(100)
        writer.write(b"220 welcome\r\n")
        writer.close()

    async def main():
        async with Served(no_tls) as server:
            assert (
                await checked(server, tls=trusting(certificate[0]))
                == "no TLS can be spoken with it: what listens there speaks no TLS"
            )

    on_loop(main())


def test_a_response_with_a_wanted_status_and_text_is_good(on_loop, tmp_path):
    certificate = certificates.write(tmp_path)
    wanted = Http(NAME, "/health?full", ((200, 204), (301, 301)), b'"status": "up"')
    heard = []

    async def serve(reader, writer):
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(response("200 OK", b'{"status": "up"}'))
        writer.close()

    async def main():
        async with Served(serve) as server:
            assert await checked(server, http=wanted) == ""
        async with Served(serve, certificate) as server:
            assert await checked(server, http=wanted, tls=trusting(certificate[0])) == ""

    on_loop(main())
    assert all(each.startswith(b"GET /health?full HTTP/1.1\r\nhost: dns.example\r\n") for each in heard)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (response("503 Service Unavailable", b"up"), "it answers with status 503"),
        (response("302 Found", b"up", head=b"location: /elsewhere\r\n"), "it answers with status 302"),
        (response("200 OK", b"down"), "the text is not in its answer"),
        (response("200 OK", b"." * (MAX_BODY + 1) + b"up"), "the text is not in its answer"),
        (b"SSH-2.0-server\r\n", NO_HTTP),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", NO_HTTP),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 5000, NO_HTTP),
        (b"", CLOSED),
    ],
    ids=["status", "elsewhere", "text", "too long", "no HTTP", "half", "a long head", "nothing"],
)
def test_any_other_response_is_not(on_loop, octets, why):
    async def main():
        async with Served(says(octets)) as server:
            assert await checked(server, http=Http("a.example", "/", OK, b"up")) == why

    on_loop(main())


def test_where_no_text_is_wanted_the_status_alone_decides(on_loop):
    async def main():
        async with Served(says(response("503 Service Unavailable"))) as server:
            assert await checked(server, http=Http("a.example", "/", OK)) == "it answers with status 503"

    on_loop(main())


def test_a_response_before_the_last_is_passed_over(on_loop):
    async def main():
        octets = b"HTTP/1.1 103 Early Hints\r\n\r\n" + response("204 No Content")
        async with Served(says(octets)) as server:
            assert await checked(server, http=Http("a.example", "/", OK)) == ""

    on_loop(main())


def test_responses_before_the_last_that_never_end_are_no_answer(on_loop):
    async def main():
        async with Served(says(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9 + response("200 OK"))) as server:
            assert await checked(server, http=Http("x", "/", OK)) == NO_HTTP
        async with Served(says(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 8 + response("200 OK"))) as server:
            assert await checked(server, http=Http("x", "/", OK)) == ""

    on_loop(main())


def test_a_body_of_ever_so_many_parts_is_not_read_to_its_end(on_loop):
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"

    async def main():
        for parts, why in ((500, ""), (5000, "the text is not in its answer")):
            body = b"1\r\nx\r\n" * parts + b"2\r\nup\r\n0\r\n\r\n"
            async with Served(says(head + body)) as server:
                assert await checked(server, http=Http("x", "/", OK, b"up")) == why

    on_loop(main())


def test_a_check_that_is_closed_tells_nothing_and_leaves_no_connection(on_loop):
    async def main():
        met, gone = asyncio.Event(), asyncio.Event()

        async def serve(reader, writer):
            met.set()
            await reader.read()
            writer.close()
            gone.set()

        async with Served(serve) as server:
            loop = asyncio.get_running_loop()
            came = []
            probe = StreamProbe(loop, RealClock(loop), server, http=Http("a.example", "/", OK))
            sending = probe.begin(came.append)
            await asyncio.wait_for(met.wait(), 10)
            sending.close()
            sending.close()
            await asyncio.wait_for(gone.wait(), 10)
            assert came == []

    on_loop(main())
