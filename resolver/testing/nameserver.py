"""Decides how a test speaks of the real address of its internet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from resolver.message import RD, Message, Question
from resolver.network.base import Endpoint
from resolver.wire import names
from resolver.wire.parse import parse

if TYPE_CHECKING:
    import dns.resolver

TIMEOUT_S: Final = 10.0
"""Longer than any question takes."""


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


def asked(nameserver: Nameserver, question: Question) -> Message:
    """What `nameserver` answers to whoever has no loop to ask with: over UDP, and over TCP if that is cut short. Raises
    OSError where nothing comes that can be used."""
    import dns.exception
    import dns.message
    import dns.query
    import dns.rdatatype

    rtype = dns.rdatatype.RdataType.make(question.type)
    query = dns.message.make_query(names.to_text(question.name), rtype, use_edns=True, flags=RD)
    try:
        response, _ = dns.query.udp_with_fallback(query, nameserver.host, TIMEOUT_S, nameserver.port)
    except dns.exception.DNSException as failure:
        raise OSError(f"{nameserver}: {failure}") from None
    return parse(response.to_wire())
