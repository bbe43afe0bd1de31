"""Decides how an event is written: one line, `event=... key=value` (logfmt) or a JSON object.

Rules: the first fields are always `time` (UTC, RFC 3339), `level` and `event`; then what the logger is
bound to, then what the event says of itself. Nothing that a client or a server chose can break a line,
forge a field or reach a terminal as a control character: a value that is not plain is quoted as a JSON
string, with everything unprintable escaped. One warning that repeats is written `BURST` times within
`WINDOW` seconds; then it is counted, and the next one that is written says how many were left out.

Limits: a value is cut after `MAX_VALUE` characters. A stream that cannot be written to loses the event: a
full disk or a reader that has gone must not stop the answers.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TextIO

from resolver.text import quoted

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
MAX_VALUE: Final = 512
"""Characters of one value: two names of 255 octets fit, a flood of text does not."""

BURST: Final = 5
"""Times that the same warning is written within a window."""

WINDOW: Final = 60.0
"""Seconds after which a repeated warning is written again."""

MAX_REPEATED: Final = 256
"""Different warnings that are counted; beyond it the oldest is forgotten."""

PLAIN: Final = re.compile(r"[!#-<>-\[\]-~]+")
"""A logfmt value that needs no quotes: visible ASCII without `"`, `=` and backslash."""

Format = Literal["logfmt", "json"]


class _Repeated:
    """How often each warning was written since its window began."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, tuple[float, int]] = {}

    def left_out(self, event: str, now: float) -> int | None:
        """None if the event is to be left out; otherwise how many were left out before it."""
        start, count = self._counts.get(event, (now, 0))
        # A wall clock may be set back: a window that begins in the future is over, too.
        if not 0 <= now - start < WINDOW:
            self._counts.pop(event)
            suppressed = max(0, count - BURST)
            self._counts[event] = (now, 1)
            return suppressed
        if event not in self._counts and len(self._counts) >= MAX_REPEATED:
            self._counts.pop(next(iter(self._counts)))
        self._counts[event] = (start, count + 1)
        return 0 if count < BURST else None


@dataclass(slots=True)
class _Form:
    """What a reload may change, for a log and all that are bound to it."""

    level: str
    format: Format


class Log:
    """Writes events of at least `level` to `stream`; `wall` is the time in seconds since 1970."""

    __slots__ = ("_bound", "_form", "_repeated", "_stream", "_wall")

    def __init__(
        self, stream: TextIO, wall: Callable[[], float], level: str = "info", format: Format = "logfmt"
    ) -> None:
        self._stream, self._wall = stream, wall
        self._form = _Form(level, format)
        self._bound: Mapping[str, object] = {}
        self._repeated = _Repeated()

    def adjust(self, level: str, format: Format) -> None:
        """Events of at least `level` are written, in `format`, here and wherever this log is bound."""
        self._form.level, self._form.format = level, format

    def bind(self, **fields: object) -> Log:
        """A log whose events all carry `fields`."""
        log = Log(self._stream, self._wall)
        log._form, log._repeated, log._bound = self._form, self._repeated, {**self._bound, **fields}
        return log

    def enabled(self, level: str) -> bool:
        """Whether events of `level` are written: ask before collecting fields that cost something."""
        return LEVELS[level] >= LEVELS[self._form.level]

    def debug(self, event: str, **fields: object) -> None:
        """Something only a developer wants to know."""
        self._write("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Something an operator may want to know."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Something an operator should look at; not written again and again."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Something that does not work."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        if not self.enabled(level):
            return
        now = self._wall()
        if level == "warning":
            left_out = self._repeated.left_out(event, now)
            if left_out is None:
                return
            if left_out:
                fields = {**fields, "left_out": left_out}
        said = {"time": _rfc3339(now), "level": level, "event": event, **self._bound, **fields}
        line = json_line(said) if self._form.format == "json" else logfmt(said)
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()


def _rfc3339(now: float) -> str:
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def logfmt(fields: Mapping[str, object]) -> str:
    """`fields` as `key=value` pairs on one line; None is left out."""
    return " ".join(f"{key}={_logfmt_value(value)}" for key, value in fields.items() if value is not None)


def _logfmt_value(value: object) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = _text(value)
    return text if PLAIN.fullmatch(text) else quoted(text)


def json_line(fields: Mapping[str, object]) -> str:
    """`fields` as one JSON object on one line, in ASCII; None is left out."""
    return json.dumps({key: _json_value(value) for key, value in fields.items() if value is not None})


def _json_value(value: object) -> object:
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return round(value, 6) if value - value == 0 else str(value)  # JSON has no infinity
    return _text(value)


def _text(value: object) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 3] + "..."


def place_of(error: BaseException | None) -> str:
    """File and line that raised `error`: what the log says of a bug in place of a traceback."""
    trace = None if error is None else error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
