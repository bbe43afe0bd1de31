"""The sections `[log]` and `[control]`: how the daemon is observed and spoken to."""

from __future__ import annotations

from typing import Literal

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
