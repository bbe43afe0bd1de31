"""Decides how the configuration of a server is made: a file of `templates/`, with the places of this run.

`$name` stands for a place. A line that begins with `@tls ` is there only when what is encrypted is measured, without
that mark, one with `@dot ` or `@doh ` when it is that, and one with `@proven ` when answers are validated. What a
template does not name is at the program's own default."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Final

DIRECTORY: Final = Path(__file__).resolve().parent / "templates"

_TLS: Final = "@tls "
_DOT: Final = "@dot "
_DOH: Final = "@doh "
_PROVEN: Final = "@proven "


def filled(name: str, places: Mapping[str, object], secure: str = "", proven: bool = False) -> str:
    """The template `name` with `places`, for what is `secure`, "dot" or "doh", if anything is. Raises `KeyError` for a
    place that is not given."""
    lines = (DIRECTORY / name).read_text().splitlines(keepends=True)
    marks = ((_TLS, secure != ""), (_DOT, secure == "dot"), (_DOH, secure == "doh"), (_PROVEN, proven))
    for mark, wanted in marks:
        lines = [line.removeprefix(mark) for line in lines if wanted or not line.startswith(mark)]
    return Template("".join(lines)).substitute(places)
