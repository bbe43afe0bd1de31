"""Decides how a test speaks of the real address of its internet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from resolver.network.base import Endpoint

if TYPE_CHECKING:
    import dns.resolver


@dataclass(frozen=True, slots=True)
class Nameserver:
    """Where the resolver of an internet answers over UDP and TCP. As text it is `127.0.0.1:PORT`."""

    host: str
    port: int

    @property
    def endpoint(self) -> Endpoint:
        """The same as the program itself calls it."""
        return Endpoint(self.host, self.port)

    def resolver(self) -> dns.resolver.Resolver:
        """A stub resolver of dnspython that asks here, and nobody else, and appends no suffix."""
        import dns.name
        import dns.resolver

        made = dns.resolver.Resolver(configure=False)
        made.nameservers, made.port = [self.host], self.port
        made.domain = dns.name.root
        return made

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
