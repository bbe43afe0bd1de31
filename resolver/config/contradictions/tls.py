"""Which settings about TLS cannot stand together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resolver.config.contradictions.base import Contradiction, wildcard

if TYPE_CHECKING:
    from resolver.config.sections import Config


def find(config: Config) -> Iterator[Contradiction]:
    """Every contradiction among these settings of `config`."""
    yield from _places(config)
    yield from _files(config)


def _places(config: Config) -> Iterator[Contradiction]:
    """No two listeners want one port of TCP."""
    server = config.server
    taken = [("listen", "TCP without TLS", server.listen)]
    for key, use, endpoints in (
        ("listen_tls", "TLS", server.listen_tls),
        ("listen_https", "HTTPS", server.listen_https),
    ):
        for endpoint in sorted({endpoint for endpoint in endpoints if endpoint.port}):
            for other, use_there, there in taken:
                fixed = {each for each in there if each.port}
                if endpoint in fixed or wildcard(endpoint) in fixed or endpoint in map(wildcard, fixed):
                    what = f'"{endpoint}" is taken by server.{other}, for {use_there}'
                    usual = 853 if key == "listen_tls" else 443
                    yield Contradiction("server", key, what, f"write another port, as in {usual}")
        taken.append((key, use, endpoints))
    for path in dict.fromkeys(server.https_paths):
        if server.https_paths.count(path) > 1:
            yield Contradiction("server", "https_paths", f'"{path}" stands there twice', "remove one")


def _files(config: Config) -> Iterator[Contradiction]:
    """Certificates and keys come in pairs, to be shown to somebody."""
    server = config.server
    certificates, keys = server.tls_certificate, server.tls_key
    for key, given, other, others in (
        ("tls_certificate", certificates, "tls_key", keys),
        ("tls_key", keys, "tls_certificate", certificates),
    ):
        if given and not others:
            what = f"{key} is set and {other} is not"
            yield Contradiction("server", key, what, f"set server.{other} too, or remove {key}")
        elif given and not (server.listen_tls or server.listen_https):
            what = f"{key} is set, but nothing listens for TLS"
            instead = f"add an address to server.listen_tls or server.listen_https, or remove {key}"
            yield Contradiction("server", key, what, instead)
    if certificates and keys and len(certificates) != len(keys):
        what = f"{len(certificates)} certificates have {len(keys)} keys"
        yield Contradiction("server", "tls_key", what, "give the key of each certificate, in the same order")
