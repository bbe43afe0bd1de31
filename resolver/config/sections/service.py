"""The sections `[log]`, `[control]`, `[admin]` and `[history]`: how the daemon is observed and spoken to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from resolver.config.sections.base import Doc, OptionalPath, Section
from resolver.config.values import host_name, listen_endpoint, secret_token
from resolver.network.base import Endpoint


class Log(Section):
    """What is written to standard error: one event a line."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important events that are written."""

    format: Literal["logfmt", "json"] = "logfmt"
    """`key=value` pairs, or one JSON object a line."""

    queries: bool = False
    """One event for each query, with its id, client, question, outcome and time taken. Answers are then made from
    the records each time, and not served as stored octets."""

    explanations: bool = False
    """The event of each query says, too, why its answer is what it is: which server, which fault, what timed out, what
    was bogus, and what to do. Needs `queries`. It takes several times the work of an answer, so it is for looking into
    something, not for a busy resolver."""


class Control(Section):
    """The Unix socket on which `resolver stats` and `resolver cache` reach the daemon."""

    enabled: bool = True
    """Whether there is a control socket."""

    path: OptionalPath = None
    """The socket; not set means `${XDG_RUNTIME_DIR:-/run/resolverd}/control-PORT.sock` with the port of the
    first listener. Where it cannot be made, the daemon warns and runs without."""


class Admin(Section):
    """The routes of the control socket over TCP, for programs that cannot reach a Unix socket (docs/admin-api.md)."""

    listen: Annotated[
        tuple[Annotated[Endpoint, PlainValidator(listen_endpoint)], ...],
        Field(strict=False, max_length=16),
        Doc(form='a list of "ADDR:PORT" or "[ADDR]:PORT"'),
    ] = ()
    """Addresses and ports on which HTTP is answered, such as `127.0.0.1:8053`. None by default: who can ask there can
    change what names mean. An address that is not on loopback needs a token. One that cannot be bound keeps the daemon
    from starting."""

    token: Annotated[str | None, PlainValidator(secret_token), Doc(form="16 to 512 letters, digits and `-._~+/=`")] = (
        None
    )
    """What clients have to send as `Authorization: Bearer TOKEN`. Not set, whoever is on this machine may ask.
    `resolver config` does not show it."""

    token_file: OptionalPath = None
    """A file that holds the token and nothing else. Read at the start and at each reload."""

    hosts: Annotated[
        tuple[Annotated[str, PlainValidator(host_name)], ...],
        Field(strict=False, max_length=64),
        Doc(form="a list of host names"),
    ] = ()
    """Names under which clients know this daemon, such as that of its container. A request whose Host is none of them,
    nor `localhost`, nor an address of ours, is refused: a page in a browser may have any name lead here."""

    challtestsrv: bool = True
    """Whether the endpoints of Let's Encrypt's challtestsrv are answered, too, on the control socket and on TCP."""


class History(Section):
    """Which messages are remembered, to be shown by `resolver history`. Of several workers each has a history of its
    own."""

    messages: Annotated[int, Field(ge=0, le=100_000)] = 0
    """The last queries, with their answers, that are remembered: those of clients and those to simulated servers. 0
    remembers none, and costs nothing; else answers are not served as stored octets past it. It takes a restart to
    switch it on or off."""
