"""Decides how the names of a whole process become those of a test, and what they were before again.

Rules: the functions of `socket` that look up names are replaced, which the standard library, requests, aiohttp, httpx
and all that use them follow. Stub resolvers of dnspython that are made for the system's nameservers, the default ones
too, ask the test's; and so do channels of pycares without servers of their own, by which aiodns and aiohttp look up
names. What is replaced last is put back first: what ends before that lets everything through to what stood there
before, and goes when nothing stands upon it. Before this process is forked the nameserver listens: the thread of the
internet is not in what is forked, and it is asked there.

Limits: see `lookups`. Code that has imported a function itself (`from socket import getaddrinfo`), or has made a stub
resolver when it was imported, keeps what it has.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final
from unittest import mock

from resolver.network.base import Endpoint
from resolver.testing.lookups import NAMES, Lookups

SYSTEM: Final = "/etc/resolv.conf"
"""Where stub resolvers learn whom to ask."""


class _Layer:
    """Names that are those of one test."""

    def __init__(self, nameserver: Callable[[], Endpoint]) -> None:
        self.nameserver = nameserver
        self.replaced = ExitStack()
        self.over = False

    def end(self) -> None:
        """They are not any more."""
        self.over = True
        while _layers and _layers[-1].over:
            _layers.pop().replaced.close()


_layers: list[_Layer] = []
"""Those of this process, the last on top."""


def _listen() -> None:
    for layer in tuple(_layers):
        if not layer.over:
            layer.nameserver()


if hasattr(os, "register_at_fork"):  # where processes can be forked
    os.register_at_fork(before=_listen)


def patched(lookups: Lookups, nameserver: Callable[[], Endpoint]) -> ExitStack:
    """Names are those of `lookups` until what is returned is closed; `nameserver` says where the internet listens."""
    layer = _Layer(nameserver)
    with ExitStack() as stack:
        for name in NAMES:
            stack.enter_context(mock.patch.object(socket, name, _StandIn(layer, name, lookups)))
        _patch_dnspython(layer, stack)
        if importlib.util.find_spec("pycares") is not None:
            _patch_pycares(layer, stack)
        layer.replaced = stack.pop_all()
    _layers.append(layer)
    made = ExitStack()
    made.callback(layer.end)
    return made


class _StandIn:
    """Stands in for a function of `socket` until its layer is over."""

    def __init__(self, layer: _Layer, name: str, lookups: Lookups) -> None:
        self._layer, self._name = layer, name
        self._before, self._instead = getattr(socket, name), getattr(lookups, name)
        functools.update_wrapper(self, self._instead)

    def __call__(self, *args: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        return (self._before if self._layer.over else self._instead)(*args, **options)

    def __reduce__(self) -> Any:
        """Handed to another process, as by multiprocessing, it is there what stands in `socket`."""
        return _of_socket, (self._name,)


def _of_socket(name: str) -> Any:
    return getattr(socket, name)


def _patch_dnspython(layer: _Layer, stack: ExitStack) -> None:
    import dns.asyncresolver
    import dns.name
    import dns.resolver

    before = dns.resolver.BaseResolver.__init__

    @functools.wraps(before)
    def begin(stub: Any, filename: Any = SYSTEM, configure: bool = True) -> None:
        of_the_system = configure and filename == SYSTEM and not layer.over
        before(stub, filename, configure and not of_the_system)
        if of_the_system:
            host, stub.port = layer.nameserver()
            stub.nameservers, stub.domain = [host], dns.name.root

    stack.enter_context(mock.patch.object(dns.resolver.BaseResolver, "__init__", begin))
    # What was made for the system is not used here, and what is made here not afterwards.
    for module in (dns.resolver, dns.asyncresolver):
        stack.enter_context(mock.patch.object(module, "default_resolver", None))


def _patch_pycares(layer: _Layer, stack: ExitStack) -> None:
    import pycares

    before = pycares.Channel.__init__

    @functools.wraps(before)
    def begin(channel: Any, **options: Any) -> None:
        if not (layer.over or options.get("servers") or options.get("resolvconf_path")):
            host, port = layer.nameserver()
            # No suffix of this machine's resolv.conf is tried: the answer is the same everywhere.
            flags = (options.get("flags") or 0) | pycares.ARES_FLAG_NOSEARCH
            options.update(servers=[host], udp_port=port, tcp_port=port, flags=flags)
        before(channel, **options)

    stack.enter_context(mock.patch.object(pycares.Channel, "__init__", begin))
