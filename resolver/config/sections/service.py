"""The sections `[log]`, `[control]` and `[history]`: how the daemon is observed and spoken to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from resolver.config.sections.base import OptionalPath, Section


class Log(Section):
    """What is written to standard error: one event a line."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important events that are written."""

    format: Literal["logfmt", "json"] = "logfmt"
    """`key=value` pairs, or one JSON object a line."""

    queries: bool = False
    """One event for each query, with its id, client, question, outcome and time taken. Answers are then made from
    the records each time, and not served as stored octets."""


class Control(Section):
    """The Unix socket on which `resolver stats` and `resolver cache` reach the daemon."""

    enabled: bool = True
    """Whether there is a control socket."""

    path: OptionalPath = None
    """The socket; not set means `${XDG_RUNTIME_DIR:-/run/resolverd}/control-PORT.sock` with the port of the
    first listener. Where it cannot be made, the daemon warns and runs without."""


class History(Section):
    """Which messages are remembered, to be shown by `resolver history`. Of several workers each has a history of its
    own."""

    messages: Annotated[int, Field(ge=0, le=100_000)] = 0
    """The last queries, with their answers, that are remembered: those of clients and those to simulated servers. 0
    remembers none, and costs nothing; else answers are not served as stored octets past it. It takes a restart to
    switch it on or off."""
