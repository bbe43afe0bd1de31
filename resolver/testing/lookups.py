"""Decides what the functions of the module `socket` answer while names are those of a test: what the C library would,
had it asked that internet.

Rules
* Numeric addresses, no name at all, `localhost`, the names of this machine, and what is to be left alone go to the
  function that stood there before.
* Otherwise AAAA and A are asked, as the family wants (RFC 3493 section 6.1), and each address goes through the function
  that stood there before as a numeric one: services, socket types and flags mean what they always do.
* The errors are those of RFC 3493 section 6.1: EAI_NONAME for a name that is not there, EAI_NODATA (where the platform
  has it) for one without addresses, EAI_AGAIN for SERVFAIL and silence, EAI_FAIL for a name that nobody declared.
* No suffix is appended, and AI_ADDRCONFIG changes nothing: the answer is the same on every machine. IPv6 comes first,
  as in the table of RFC 6724 section 2.1.
* Addresses that no zone is declared for have no names: they are shown as numbers, and nobody is asked.

Limits: who calls the C library without these functions is not seen: `socket.connect` with a name in place of an
address, uvloop's own getaddrinfo, programs that are started.
"""

from __future__ import annotations

import fnmatch
import importlib
import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final

from resolver.errors import BadName
from resolver.testing.answer import Answer

Ask = Callable[[str, str], Answer]
"""Gives the answer to a name and type."""
Host = str | bytes | bytearray | None

_TEXTS: Final = {
    "EAI_NONAME": "Name or service not known",
    "EAI_NODATA": "No address associated with hostname",
    "EAI_AGAIN": "Temporary failure in name resolution",
    "EAI_FAIL": "Non-recoverable failure in name resolution",
}
"""What the C library says."""

_NO_SUCH_HOST: Final = socket.herror(1, "Unknown host")  # HOST_NOT_FOUND of <netdb.h>
_OF_NAMES: Final = socket.AI_CANONNAME | socket.AI_ADDRCONFIG | socket.AI_V4MAPPED | socket.AI_ALL
"""Flags that mean nothing for a numeric address."""


class Lookups:
    """Stand-ins for functions of `socket`, with their signatures."""

    def __init__(self, ask: Ask, declares: Callable[[str], bool], leave: Iterable[str] = ()) -> None:
        """`ask` asks the internet, and raises OSError where that does not answer; `declares` says whether a name is of
        a zone in it; names that match one of the patterns in `leave`, such as `db` or `*.internal`, are left alone."""
        self._ask, self._declares = ask, declares
        self._leave = ("localhost", _plain(socket.gethostname()), *map(_plain, leave))
        self._before = {name: getattr(socket, name) for name in NAMES}

    def __reduce__(self) -> Any:
        """A function that is handed to another process, as by multiprocessing, is there what stands in `socket`."""
        return importlib.import_module, ("socket",)

    # The parameters are spelled as in `socket`, where callers name them.

    def getaddrinfo(
        self, host: Host, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> list[Any]:
        """What stands in for `socket.getaddrinfo`."""
        __tracebackhide__ = True
        before = self._before["getaddrinfo"]
        name = self._ours(host)
        if name is None or flags & socket.AI_NUMERICHOST or family not in (0, socket.AF_INET, socket.AF_INET6):
            found: list[Any] = before(host, port, family, type, proto, flags)
            return found
        addresses, canonical = self._addresses(name, family, flags)
        numeric = (flags | socket.AI_NUMERICHOST) & ~_OF_NAMES
        found = []
        for address in addresses:
            kind = socket.AF_INET6 if ":" in address else socket.AF_INET
            found += before(address, port, kind, type, proto, numeric)
        if flags & socket.AI_CANONNAME and found:
            found[0] = (*found[0][:3], canonical, found[0][4])
        return found

    def gethostbyname(self, hostname: str) -> str:
        """What stands in for `socket.gethostbyname`."""
        __tracebackhide__ = True
        name = self._ours(hostname)
        if name is None:
            left: str = self._before["gethostbyname"](hostname)
            return left
        return self._addresses(name, socket.AF_INET, 0)[0][0]

    def gethostbyname_ex(self, hostname: str) -> tuple[str, list[str], list[str]]:
        """What stands in for `socket.gethostbyname_ex`."""
        __tracebackhide__ = True
        name = self._ours(hostname)
        if name is None:
            left: tuple[str, list[str], list[str]] = self._before["gethostbyname_ex"](hostname)
            return left
        answer = self._ask(name, "A")
        addresses, canonical = self._addresses(name, socket.AF_INET, 0)
        aliases = [_plain(each.name) for each in answer.records if each.type == "CNAME"]
        return canonical, aliases, addresses

    def gethostbyaddr(self, ip_address: str) -> tuple[str, list[str], list[str]]:
        """What stands in for `socket.gethostbyaddr`, which takes a name, too."""
        __tracebackhide__ = True
        name = self._ours(ip_address)
        address = ip_address if name is None else self._addresses(name, 0, 0)[0][0]
        known = self._name_of(address)
        if known is not None:
            return known, [], [address]
        if name is None and _is_own(address):
            left: tuple[str, list[str], list[str]] = self._before["gethostbyaddr"](address)
            return left
        raise socket.herror(*_NO_SUCH_HOST.args)

    def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:
        """What stands in for `socket.getnameinfo`."""
        __tracebackhide__ = True
        before = self._before["getnameinfo"]
        known = None if flags & socket.NI_NUMERICHOST else self._name_of(sockaddr[0])
        if known is None and (flags & socket.NI_NUMERICHOST or _is_own(sockaddr[0])):
            left: tuple[str, str] = before(sockaddr, flags)
            return left
        if known is None and flags & socket.NI_NAMEREQD:
            raise _error("EAI_NONAME")
        host, service = before(sockaddr, (flags & ~socket.NI_NAMEREQD) | socket.NI_NUMERICHOST)
        return known or host, service

    # -- parts

    def _ours(self, host: Host) -> str | None:
        """`host` as a name that is to be asked for; None for what is not."""
        if not host or host == "<broadcast>":
            return None
        # As `socket` itself does, with the same UnicodeError for what cannot be a name.
        text = host.encode("idna").decode() if isinstance(host, str) else bytes(host).decode("ascii", "replace")
        if _is_numeric(text, self._before["getaddrinfo"]):
            return None
        if any(fnmatch.fnmatchcase(_plain(text), each) for each in self._leave):
            return None
        return text

    def _addresses(self, name: str, family: int, flags: int) -> tuple[list[str], str]:
        """The addresses of `name`, at least one, and its canonical name. Raises gaierror."""
        __tracebackhide__ = True
        mapped = family == socket.AF_INET6 and bool(flags & socket.AI_V4MAPPED)
        found: list[str] = []
        answers: list[Answer] = []
        for rtype in ("AAAA", "A"):
            if rtype == "AAAA" and family == socket.AF_INET:
                continue
            if rtype == "A" and family == socket.AF_INET6 and not (mapped and (not found or flags & socket.AI_ALL)):
                continue
            answer = self._asked(name, rtype)
            answers.append(answer)
            found += [f"::ffff:{each}" if mapped and rtype == "A" else each for each in answer.values]
        if not found:
            raise _reason(answers)
        canonical = next((each.name for answer in answers for each in answer.records if each.type == answer.type), name)
        return found, _plain(canonical)

    def _asked(self, name: str, rtype: str) -> Answer:
        __tracebackhide__ = True
        try:
            return self._ask(name, rtype)
        except BadName:
            raise _error("EAI_NONAME") from None
        except OSError:
            raise _error("EAI_AGAIN") from None

    def _name_of(self, address: str) -> str | None:
        """The name of `address`; None where it has none, or nobody declares it."""
        try:
            reverse = ipaddress.ip_address(address.partition("%")[0]).reverse_pointer
        except ValueError:
            return None
        if not self._declares(reverse):
            return None
        values = self._ask(reverse, "PTR").values
        return _plain(values[0]) if values else None


NAMES: Final = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")
"""The functions of `socket` that have a stand-in."""


def _reason(answers: list[Answer]) -> socket.gaierror:
    """Why there are no addresses, of all reasons the one that says most."""
    rcodes = [each.rcode for each in answers]
    refused = next((each for each in answers if each.rcode == "REFUSED"), None)
    if refused is not None:
        return _error("EAI_FAIL", refused.ede[0].text if refused.ede else "")
    if "NXDOMAIN" in rcodes:
        return _error("EAI_NONAME")
    return _error("EAI_NODATA" if set(rcodes) == {"NOERROR"} else "EAI_AGAIN")


def _error(name: str, text: str = "") -> socket.gaierror:
    number = getattr(socket, name, socket.EAI_NONAME)  # EAI_NODATA is not everywhere: RFC 3493 has dropped it
    return socket.gaierror(number, text or _TEXTS[name])


def _is_numeric(text: str, before: Callable[..., Any]) -> bool:
    """Whether the C library takes `text` for an address: also 127.1, and fe80::1%eth0."""
    try:
        before(text, None, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    except OSError:
        return False
    return True


def _is_own(address: str) -> bool:
    """Whether `address` is of this machine alone."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _plain(name: str) -> str:
    """`name` as programs write it: without its last dot, in lower case."""
    return name.rstrip(".").lower()
