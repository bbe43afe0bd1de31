"""Which settings about TLS cannot stand together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resolver.config.contradictions.base import Contradiction, wildcard

if TYPE_CHECKING:
    from resolver.config.sections import Config


def find(config: Config) -> Iterator[Contradiction]:
    """Every contradiction among these settings of `config`."""
    server = config.server
    plain = {endpoint for endpoint in server.listen if endpoint.port}
    wild = {wildcard(endpoint) for endpoint in plain}
    for endpoint in sorted({endpoint for endpoint in server.listen_tls if endpoint.port}):
        if endpoint in plain or wildcard(endpoint) in plain or endpoint in wild:
            what = f'"{endpoint}" is taken by server.listen, for TCP without TLS'
            yield Contradiction("server", "listen_tls", what, "write another port, as in 853")
    for key, given, other, missing in (
        ("tls_certificate", server.tls_certificate, "tls_key", server.tls_key),
        ("tls_key", server.tls_key, "tls_certificate", server.tls_certificate),
    ):
        if given is not None and missing is None:
            what = f"{key} is set and {other} is not"
            yield Contradiction("server", key, what, f"set server.{other} too, or remove {key}")
        elif given is not None and not server.listen_tls:
            what = f"{key} is set, but nothing listens for TLS"
            yield Contradiction("server", key, what, f"add an address to server.listen_tls, or remove {key}")
