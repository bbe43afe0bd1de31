"""A DNS internet for tests: a whole hierarchy and a resolver, in this process, without a port.

With pytest the fixture `dns` is there as soon as the package is installed (`plugin`). Without:

    from resolver.testing import internet

    with internet() as dns:
        dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
        assert dns.resolve("www.shop.example").addresses == ["192.0.2.1"]

docs/testing.md is the tutorial. The names below are all that a test needs; they are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from resolver.testing.answer import Answer, Record, WrongRcode
    from resolver.testing.history import NotSeen
    from resolver.testing.internets import Internet
    from resolver.testing.nameserver import Nameserver
    from resolver.testing.scopes import InternetMixin, async_internet, internet
    from resolver.testing.servers import Fault, ServerHandle
    from resolver.testing.undeclared import UndeclaredName

__all__ = [
    "Answer",
    "Fault",
    "Internet",
    "InternetMixin",
    "Nameserver",
    "NotSeen",
    "Record",
    "ServerHandle",
    "UndeclaredName",
    "WrongRcode",
    "async_internet",
    "internet",
]

_HOMES: Final = {
    "Answer": "answer",
    "Fault": "servers",
    "Internet": "internets",
    "InternetMixin": "scopes",
    "Nameserver": "nameserver",
    "NotSeen": "history",
    "Record": "answer",
    "ServerHandle": "servers",
    "UndeclaredName": "undeclared",
    "WrongRcode": "answer",
    "async_internet": "scopes",
    "internet": "scopes",
}


def __getattr__(name: str) -> object:
    """The public name `name`, imported now."""
    if name not in _HOMES:
        raise AttributeError(f"module 'resolver.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(f"resolver.testing.{_HOMES[name]}"), name)
