"""Decides how the names of a whole process become those of a test, and what they were before again.

Rules: the functions of `socket` that look up names are replaced, which the standard library, requests, aiohttp, httpx
and all that use them follow. Where pycares is installed, a channel without servers of its own asks the test's
nameserver: aiodns and aiohttp look up names with it. What is replaced last is put back first: what ends before that
lets everything through to what stood there before, and goes when nothing stands upon it.

Limits: see `lookups`. Code that has imported a function itself (`from socket import getaddrinfo`) keeps what it has.
"""

from __future__ import annotations

import functools
import importlib.util
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest import mock

from resolver.network.base import Endpoint
from resolver.testing.lookups import NAMES, Lookups


class _Layer:
    """Names that are those of one test."""

    def __init__(self) -> None:
        self.replaced = ExitStack()
        self.over = False

    def end(self) -> None:
        """They are not any more."""
        self.over = True
        while _layers and _layers[-1].over:
            _layers.pop().replaced.close()


_layers: list[_Layer] = []
"""Those of this process, the last on top."""


def patched(lookups: Lookups, nameserver: Callable[[], Endpoint]) -> ExitStack:
    """Names are those of `lookups` until what is returned is closed; `nameserver` says where the internet listens."""
    layer = _Layer()
    with ExitStack() as stack:
        for name in NAMES:
            stack.enter_context(mock.patch.object(socket, name, _stand_in(layer, name, lookups)))
        if importlib.util.find_spec("pycares") is not None:
            _patch_pycares(layer, stack, nameserver)
        layer.replaced = stack.pop_all()
    _layers.append(layer)
    made = ExitStack()
    made.callback(layer.end)
    return made


def _stand_in(layer: _Layer, name: str, lookups: Lookups) -> Callable[..., Any]:
    before, instead = getattr(socket, name), getattr(lookups, name)

    @functools.wraps(instead)
    def look_up(*args: Any, **options: Any) -> Any:
        return (before if layer.over else instead)(*args, **options)

    return look_up


def _patch_pycares(layer: _Layer, stack: ExitStack, nameserver: Callable[[], Endpoint]) -> None:
    import pycares

    before = pycares.Channel.__init__

    @functools.wraps(before)
    def begin(channel: Any, **options: Any) -> None:
        if not (layer.over or options.get("servers") or options.get("resolvconf_path")):
            host, port = nameserver()
            # No suffix of this machine's resolv.conf is tried: the answer is the same everywhere.
            flags = (options.get("flags") or 0) | pycares.ARES_FLAG_NOSEARCH
            options.update(servers=[host], udp_port=port, tcp_port=port, flags=flags)
        before(channel, **options)

    stack.enter_context(mock.patch.object(pycares.Channel, "__init__", begin))
