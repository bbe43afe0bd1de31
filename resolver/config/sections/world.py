"""The section `[world]`: the simulated internet."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from resolver.config.sections.base import Doc, OptionalPath, Section


class World(Section):
    """The simulated internet: root, TLDs and authorities on localhost."""

    serve: Annotated[Literal["auto"] | bool, Doc(form='`"auto"`, `true` or `false`')] = "auto"
    """Whether the simulated servers run. `"auto"` serves them exactly if the resolver starts from them:
    `roots` is `"simulated"` and `"."` is not forwarded. `true` beside `roots = "internet"` lets them be asked
    directly."""

    directory: OptionalPath = None
    """The directory that holds hierarchy.toml and its master files; not set means the world that is
    shipped."""

    in_memory: bool = False
    """The simulated servers bind no addresses; only the resolver itself reaches them."""

    port: Annotated[int | None, Field(ge=1, le=65535)] = None
    """The port on which the simulated servers bind their addresses in 127.53.0.0/16; not set means the port
    of the first listener."""
