"""Decides on which terms the upstreams of a configuration are spoken to over TLS and HTTPS.

Rules:
* Those of a pool are trusted by its `tls_ca`, or by the certificates of the system. The file is read at the start and
  at each reload; what cannot be used is a `ConfigError` that names the setting, after which nothing has changed.
* One place has one name, one path and the same pins for each transport, in whichever pool it stands: queries find it
  by where it is.
* Those that have pins and no name are known by their keys alone.
* A pool that relays has no terms: it does not look into what it passes on.

Limits: nothing of this is imported where no upstream is encrypted. HTTPS takes the library h2, an extra.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from resolver.config import Config
from resolver.errors import ConfigError
from resolver.message import Transport
from resolver.network.base import Endpoint, Trouble, Upstream
from resolver.observe.log import Log
from resolver.setting import Setting

if TYPE_CHECKING:
    from pathlib import Path
    from ssl import SSLContext

    from resolver.network.peers import Terms

Upstreams = Sequence[tuple[Upstream, str]]
"""The upstreams of a configuration that are asked, each with the name of its pool."""

Contexts = Callable[..., "SSLContext"]
"""Gives how those are spoken to who are trusted by certificates in PEM, or by those of the system."""


def upstreams(config: Config) -> Upstreams:
    """The upstreams that are written in pools and forward zones of `config`, but for those that are relayed to."""
    return [
        (member.upstream, name)
        for name, pool in config.all_pools.items()
        if pool.mode == "forward" and not isinstance(pool.members, str)
        for member in pool.members
    ]


def speaking(setting: Setting) -> Setting:
    """`setting` with a network on which encrypted upstreams are spoken to on their terms, if there are any. Raises
    `ConfigError`."""
    wanted = [each for each in upstreams(setting.config) if _is_encrypted(each[0])]
    if not wanted:
        return setting
    from resolver.network.speaking import Speaking

    encrypted, tools = setting.sockets.encrypted(), setting.tools
    table = _table(encrypted.context, setting.config, wanted)
    encrypted.told = partial(_told, setting.log)
    return replace(setting, tools=replace(tools, network=Speaking(tools.network, tools.clock, encrypted, table)))


def check(config: Config) -> None:
    """Encrypted upstreams of `config` can be asked, as far as their settings and files say. Raises `ConfigError`."""
    wanted = [each for each in upstreams(config) if _is_encrypted(each[0])]
    if wanted:
        from resolver.network.trust import context_for

        _table(cache(context_for), config, wanted)


def _told(log: Log, upstream: Upstream, trouble: Trouble) -> None:
    """The log says that `upstream` is not what it should be."""
    log.warning("upstream_refused", upstream=str(upstream), reason=str(trouble))


def _is_encrypted(upstream: Upstream) -> bool:
    return upstream.transport in (Transport.TLS, Transport.HTTPS)


def _table(contexts: Contexts, config: Config, wanted: Upstreams) -> dict[tuple[Endpoint, Transport], Terms]:
    from resolver.network.peers import Terms

    table: dict[tuple[Endpoint, Transport], tuple[Terms, str]] = {}
    pools = config.all_pools
    for upstream, name in wanted:
        where = f"pools.{name}.members" if name in config.pools else "resolver.forward_zones"
        if upstream.transport is Transport.HTTPS and importlib.util.find_spec("h2") is None:
            what = f"{upstream} takes the library h2, which is not installed"
            raise ConfigError(what, where=where, instead="pip install 'resolverd[https]', or write tls://")
        pool = pools[name]
        if upstream.pins:
            importlib.import_module("resolver.network.pins")  # now, when nobody waits for it
        if upstream.is_known_by_pins_alone:
            context = contexts(None, transport=upstream.transport, checked=False)
        else:
            context = trusting(name, pool.tls_ca, partial(contexts, transport=upstream.transport))
        source = pool.source_of(upstream.endpoint.host)
        terms = Terms(upstream, context, pool.https_method == "GET", source)
        before, other = table.setdefault((upstream.endpoint, upstream.transport), (terms, where))
        if before != terms:
            what = f"{upstream} is spoken to in another way in {other}"
            instead = "write one name, path, tls_ca and https_method, the same pins and source, or another address"
            raise ConfigError(what, where=where, instead=instead)
    return {key: terms for key, (terms, _) in table.items()}


def trusting(name: str, authorities: Path | None, make: Callable[[str | None], SSLContext]) -> SSLContext:
    """How those are spoken to who are trusted by the file `authorities` of the pool `name`, or by the system: what
    `make` gives for its text. Raises `ConfigError`."""
    if authorities is None:
        return make(None)
    try:
        text = authorities.read_text(encoding="ascii", errors="ignore")
    except OSError as wrong:
        what = f"{authorities} cannot be read: {wrong.strerror}"
    else:
        try:
            return make(text)
        except (OSError, ValueError):  # that of the library is an OSError
            what = f"{authorities} has no usable certificate in PEM"
    instead = "give a file with the certificates of those who are trusted, each from -----BEGIN CERTIFICATE-----"
    raise ConfigError(what, where=f"pools.{name}.tls_ca", instead=instead)
