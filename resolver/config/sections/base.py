"""What the sections are made of: their common model, and the types that several of them use.

The attribute docstrings of the sections are the reference: `docs/generate.py` turns them into
docs/configuration.md. A unit stands in the name of a key (`_ms` milliseconds, `_s` seconds, `_kb` KiB, `_mb` MiB)
or in its `Doc`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from resolver.config.upstreams import authorities, forwarders
from resolver.config.values import (
    Network,
    http_path,
    https_endpoint,
    ip_network,
    listen_endpoint,
    one_or_more,
    parsed_zone,
    tls_endpoint,
    zones_once,
)
from resolver.network.base import Endpoint, Upstream


class Doc(NamedTuple):
    """What the type of a setting does not say: its unit, and the form in which it is written."""

    unit: str = ""
    form: str = ""


Listeners = Annotated[
    tuple[Annotated[Endpoint, PlainValidator(listen_endpoint)], ...],
    Field(strict=False, min_length=1, max_length=64),
    Doc(form='a list of "ADDR:PORT" or "[ADDR]:PORT"'),
]
TlsListeners = Annotated[
    tuple[Annotated[Endpoint, PlainValidator(tls_endpoint)], ...],
    Field(strict=False, max_length=64),
    Doc(form='a list of "ADDR" or "ADDR:PORT"'),
]
HttpsListeners = Annotated[
    tuple[Annotated[Endpoint, PlainValidator(https_endpoint)], ...],
    Field(strict=False, max_length=64),
    Doc(form='a list of "ADDR" or "ADDR:PORT"'),
]
HttpsPaths = Annotated[
    tuple[Annotated[str, PlainValidator(http_path)], ...],
    Field(strict=False, min_length=1, max_length=16),
    Doc(form='a list of "/PATH"'),
]
OneOrMorePaths = Annotated[
    tuple[Annotated[Path, Field(strict=False)], ...],
    Field(strict=False, max_length=64),
    BeforeValidator(one_or_more),
    Doc(form="a path, or a list of them"),
]
Networks = Annotated[
    tuple[Annotated[Network, PlainValidator(ip_network)], ...],
    Field(strict=False, max_length=1024),
]
Zone = Annotated[str, PlainValidator(parsed_zone)]
StubTable = Annotated[
    dict[Zone, Annotated[tuple[Upstream, ...], PlainValidator(authorities)]],
    BeforeValidator(zones_once),
    Doc(form='a table: zone = list of "ADDR", "ADDR:PORT" or URLs'),
]
ForwardTable = Annotated[
    dict[Zone, Annotated[tuple[Upstream, ...] | str, PlainValidator(forwarders)]],
    BeforeValidator(zones_once),
    Doc(form='a table: zone = list of "ADDR", "ADDR:PORT" or URLs; or the name of a pool; or `"system"`'),
]
OptionalPath = Annotated[Path | None, Field(strict=False), Doc(form="a path")]


class Section(BaseModel):
    """What all sections share: immutable, strict about types, and no key but the listed ones."""

    # No use_attribute_docstrings: reading its own source would cost each start 30 ms; docs/generate.py does.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
