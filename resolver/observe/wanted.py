"""Decides which remembered messages somebody means: the words of a filter, and what each holds of.

Rules: there is one reader of these words (`wanted`) for the fixtures, the command and the API. Names are compared
without regard to letter case, `*.example.` stands for what is below example., and a server may be named or given by an
address of its own. A value that cannot be meant is an error that says what can.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Final, Protocol

from resolver.errors import BadName, InputError
from resolver.message import Question, Transport
from resolver.observe import presenting
from resolver.text import nearest
from resolver.wire import names, types

SIDES: Final = ("client", "server")

UNANSWERED: Final = "none"
"""The rcode of a query to which nothing was replied that is a message."""


class Remembered(Protocol):
    """What is asked of a message that is remembered: see `history.Seen`."""

    number: int
    time: float
    side: str
    server: str
    address: str
    client: str
    transport: Transport
    faults: tuple[str, ...]

    @property
    def question(self) -> Question | None:
        """What was asked."""
        ...

    @property
    def rcode(self) -> str | None:
        """What was replied."""
        ...


Test = Callable[[Remembered], bool]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages are meant; None takes all. Names are as text, `zone` takes those at and below it."""

    side: str | None = None
    """`client` or `server`."""
    server: str | None = None
    """The name of a simulated server or an address of its; `*.gtld.test.` for all below a name."""
    name: str | None = None
    """The name that was asked for; `*.example.com` for all below a name."""
    zone: str | None = None
    """The name that was asked for is this one or below it."""
    type: str | int | None = None
    """The type that was asked for, by its name or number."""
    rcode: str | int | None = None
    """What was replied, by its name or number; `none` for nothing."""
    transport: str | None = None
    """`udp`, `tcp` or `tls`."""
    client: str | None = None
    """The address of who asked, or the network that it is in."""
    fault: str | None = None
    """The word of a fault that was applied."""
    since: float | str | None = None
    """Wall time, in seconds since 1970 or as in RFC 3339: those from then on."""
    until: float | str | None = None
    """Wall time: those before then."""
    after: int | str | None = None
    """A number: those with a greater one."""


WORDS: Final = tuple(each.name for each in fields(Wanted))
"""The words of a filter."""


def wanted(given: Mapping[str, object]) -> Wanted:
    """The filter that `given` says; words whose value is None count for nothing. Raises `InputError` with the right
    spelling of what is wrong."""
    for word in given:
        if word not in WORDS:
            raise InputError(f"there is no filter {word!r}", instead=nearest(word, WORDS))
    for word, value in given.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, str | int | float)):
            raise InputError(f"{word} is {value!r}", instead="write it as text or a number")
    made = Wanted(**given)  # type: ignore[arg-type]  # `matcher` reads each value
    matcher(made)
    return made


def matcher(wanted: Wanted) -> Test:
    """What says of a message whether it is `wanted`. Raises `InputError`."""
    tests = [make(value) for word, make in _TESTS.items() if (value := getattr(wanted, word)) is not None]

    def holds(seen: Remembered) -> bool:
        return all(test(seen) for test in tests)

    return holds


def _side(value: object) -> Test:
    side = _one_of("side", value, SIDES)
    return lambda seen: seen.side == side


def _transport(value: object) -> Test:
    transport = _one_of("transport", value, tuple(Transport))
    return lambda seen: seen.transport == transport


def _server(value: object) -> Test:
    try:
        address = str(ipaddress.ip_address(str(value)))
    except ValueError:
        meant = _names("server", value)
        return lambda seen: bool(seen.server) and meant(names.fold(names.from_text(seen.server)))
    return lambda seen: seen.address == address


def _name(value: object) -> Test:
    meant = _names("name", value)
    return lambda seen: (asked := seen.question) is not None and meant(names.fold(asked.name))


def _zone(value: object) -> Test:
    zone = _read("zone", value)
    return lambda seen: (asked := seen.question) is not None and names.is_below(names.fold(asked.name), zone)


def _type(value: object) -> Test:
    if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
        value = f"TYPE{value}"
    try:
        number = types.from_text(str(value))
    except ValueError as wrong:
        what, _, instead = str(wrong).partition("; ")
        raise InputError(what, instead=instead) from None
    return lambda seen: (asked := seen.question) is not None and asked.type == number


def _rcode(value: object) -> Test:
    if str(value).lower() == UNANSWERED:
        return lambda seen: seen.rcode is None
    try:
        text = types.rcode_to_text(types.rcode_from_text(str(value)))
    except ValueError:
        known = (*types.RCODES.values(), UNANSWERED)
        raise InputError(f"there is no rcode {value!r}", instead=nearest(str(value).upper(), known)) from None
    return lambda seen: seen.rcode == text


def _client(value: object) -> Test:
    try:
        network = ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        raise InputError(f"client is {value!r}", instead="write an address or a network like 192.0.2.0/24") from None

    def holds(seen: Remembered) -> bool:
        try:
            return ipaddress.ip_address(seen.client) in network
        except ValueError:
            return False

    return holds


def _fault(value: object) -> Test:
    word = str(value)
    return lambda seen: any(each.split(maxsplit=1)[0] == word for each in seen.faults if each)


def _since(value: object) -> Test:
    moment = _wall("since", value)
    return lambda seen: seen.time >= moment


def _until(value: object) -> Test:
    moment = _wall("until", value)
    return lambda seen: seen.time < moment


def _after(value: object) -> Test:
    text = str(value)
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise InputError(f"after is {value!r}", instead="write the number of a message")
    number = int(text)
    return lambda seen: seen.number > number


_TESTS: Final[dict[str, Callable[[object], Test]]] = {
    "side": _side,
    "transport": _transport,
    "after": _after,
    "since": _since,
    "until": _until,
    "server": _server,
    "client": _client,
    "fault": _fault,
    "type": _type,
    "name": _name,
    "zone": _zone,
    "rcode": _rcode,
}
"""What is made of the value of each word; what is cheap to tell is told first."""


def _one_of(word: str, value: object, known: tuple[str, ...]) -> str:
    if value not in known:
        raise InputError(f"{word} is {value!r}", instead=nearest(str(value), known))
    return str(value)


def _names(word: str, value: object) -> Callable[[bytes], bool]:
    """What says of a folded name whether `value` means it."""
    text = str(value)
    if not text.startswith("*."):
        meant = _read(word, text)
        return lambda name: name == meant
    above = _read(word, text[2:] or ".")
    return lambda name: name != above and names.is_below(name, above)


def _read(word: str, value: object) -> bytes:
    """The folded name that `value` spells."""
    try:
        return names.fold(names.from_text(str(value)))
    except BadName as wrong:
        raise InputError(f"{word}: {wrong}", instead="write one as in example.com, or *.example.com") from None


def _wall(word: str, value: object) -> float:
    try:
        moment = presenting.wall(str(value))
    except ValueError:
        moment = math.nan
    if not math.isfinite(moment):
        instead = "write seconds since 1970, or a time like 2026-11-26T10:58:31Z"
        raise InputError(f"{word} is {value!r}", instead=instead)
    return moment
