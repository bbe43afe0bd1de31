"""The tables `[[rules]]`: what becomes of a query, by who asks what and how."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field, PlainValidator

from resolver.config import matching
from resolver.config.sections.base import Doc, Networks, Section
from resolver.config.values import parsed_zone
from resolver.message import Transport

T = TypeVar("T")
MAX_LISTED: Final = 10_000
"""Values of one matcher that stand in the settings themselves; more belong into a file."""

ACTIONS: Final = (
    *("pool", "resolve", "authority", "answer", "refuse", "drop", "truncate"),
    *("rewrite", "tag", "ttl", "add-subnet", "strip-subnet", "limit"),
)

Several = Annotated[tuple[T, ...], Field(strict=False, min_length=1, max_length=MAX_LISTED)]
Name: TypeAlias = Annotated[str, PlainValidator(parsed_zone)]
Word: TypeAlias = Annotated[str, PlainValidator(matching.word)]
Paths: TypeAlias = Annotated[Several[Annotated[Path, Field(strict=False)]], Doc(form="a list of paths")]
TypeName: TypeAlias = Annotated[str, PlainValidator(matching.type_text)]


class Matchers(Section):
    """What is looked at."""

    names: Annotated[Several[Name], Doc(form="a list of names")] = ()
    """The name is one of these, with `suffixes` and the two lists of files: one of all of them."""

    suffixes: Annotated[Several[Name], Doc(form="a list of names")] = ()
    """The name is one of these or below one."""

    names_files: Paths = ()
    """The name stands in one of these files: one name a line, `#` begins a comment. They are read again with each
    reload."""

    suffixes_files: Paths = ()
    """The name stands in one of these files, or is below one that does."""

    types: Annotated[Several[TypeName], Doc(form='a list of types, as in `["A", "AAAA"]`')] = ()
    """The type that is asked for is one of these."""

    clients: Annotated[Networks, Field(min_length=1), Doc(form='a list of "ADDR/LENGTH"')] = ()
    """The client's address is in one of these networks."""

    transports: Annotated[
        Several[Annotated[Transport, PlainValidator(matching.transport)]],
        Doc(form='a list of `"udp"`, `"tcp"`, `"tls"`, `"https"`'),
    ] = ()
    """The query came by one of these."""

    server_names: Annotated[
        Several[Annotated[str, PlainValidator(matching.server_name)]],
        Doc(form='a list of names, as in `["dns.example", "team-*"]`'),
    ] = ()
    """TLS was begun with one of these names (SNI). A `*` at the end stands for all that begin so, here and in the next
    two."""

    paths: Annotated[
        Several[Annotated[str, PlainValidator(matching.path)]], Doc(form='a list of paths, as in `["/team/*"]`')
    ] = ()
    """The request over HTTPS is for one of these paths."""

    headers: Annotated[
        dict[str, Annotated[str, PlainValidator(matching.pattern)]],
        Field(min_length=1, max_length=64),
        Doc(form="a table: field = value"),
    ] = Field(default_factory=dict)
    """The request over HTTPS has all of these header fields; `"*"` is any value."""

    edns_options: Annotated[
        Several[Annotated[int, PlainValidator(matching.option)]],
        Doc(form='a list of codes, or of `"ecs"`, `"cookie"` and the like'),
    ] = ()
    """The query has one of these EDNS options."""

    tagged: Annotated[Several[Word], Doc(form="a list of tags")] = ()
    """An earlier rule has put one of these tags on it."""

    times: Annotated[
        Several[Annotated[str, PlainValidator(matching.time_span)]],
        Doc(form='a list of spans, as in `["mon-fri 08:00-18:00", "sun"]`'),
    ] = ()
    """It comes in one of these times of the week."""

    time_zone: Annotated[str, PlainValidator(matching.time_zone)] = "UTC"
    """Whose clocks `times` mean, as in `"Europe/Zurich"`."""

    chance: Annotated[float, Field(gt=0, le=1)] | None = None
    """This share of the queries, chosen by chance."""


def _known_matchers(value: object) -> object:
    """`value`, a table of matchers. Raises `ValueError` for a key that is none."""
    if isinstance(value, dict):
        for key in value:
            matching.one_of(key, Matchers.model_fields, "matcher")
    return value


class Rule(Matchers):
    """What is done with queries that fit all that is looked at. Rules are tried in their order: `pool`, `resolve`,
    `authority`, `answer`, `refuse`, `drop` and `truncate` decide and end it, the other actions go on to the next rule;
    where no rule decides, a query goes the usual way. docs/gateway.md has examples of each."""

    action: Annotated[
        str,
        PlainValidator(lambda value: matching.one_of(value, ACTIONS, "action")),
        Doc(form=" or ".join(f'`"{each}"`' for each in ACTIONS)),
    ]
    """What is done."""

    name: Annotated[Literal[""] | Word, Doc(form="a text")] = ""
    """What the rule is called in `resolver which` and in statistics; not set, by its number."""

    unless: Annotated[Matchers | None, BeforeValidator(_known_matchers), Doc(form="a table of matchers")] = None
    """What fits one of these matchers does not fit the rule, as in `unless = { names = ["www.example.com"] }`."""

    pool: str | None = None
    """`pool`: whom it is asked of, as `[pools.NAME]` says. What is answered by a pool is told to no query that another
    one answers."""

    zone_files: Paths = ()
    """`authority`: the master files it is answered from, each the zone of its SOA; not set, the zones of the simulated
    world. What is in none of the zones does not fit the rule."""

    records: Annotated[
        Several[Annotated[str, PlainValidator(matching.record)]],
        Doc(form='a list of records, as in `["A 192.0.2.1", "300 TXT text"]`'),
    ] = ()
    """`answer`: what is told, under the name that was asked, for 60 s unless said; of another type there is no data,
    but a CNAME is followed."""

    rcode: Annotated[
        str | None,
        PlainValidator(lambda value: None if value is None else matching.one_of(value, matching.RCODES, "rcode")),
        Doc(form=" or ".join(f'`"{each}"`' for each in matching.RCODES)),
    ] = None
    """`refuse`: with what; not set, REFUSED. NOERROR is an answer without data."""

    ede: Annotated[int, Field(ge=0, le=65535)] | None = None
    """`refuse`: the code of the extended error (RFC 8914); not set, 18 (Prohibited)."""

    ede_text: Annotated[str | None, PlainValidator(matching.ede_text), Doc(form="a text")] = None
    """`refuse`: the text of the extended error."""

    to_name: Name | None = None
    """`rewrite`: the name that is asked in place of the one that came. Answers are told under the name that came; what
    is signed loses its signatures."""

    to_suffix: Name | None = None
    """`rewrite`: what takes the place of the one of `suffixes` that the name is in."""

    to_type: TypeName | None = None
    """`rewrite`: the type that is asked for in place of the one that came."""

    tags: Annotated[Several[Word], Doc(form="a list of tags")] = ()
    """`tag`: what is put on the query, for later rules to see (`tagged`)."""

    ttl_min_s: Annotated[int, Field(ge=0, le=matching.MAX_TTL_S)] | None = None
    """`ttl`: no record is told with a lower TTL."""

    ttl_max_s: Annotated[int, Field(ge=0, le=matching.MAX_TTL_S)] | None = None
    """`ttl`: no record is told with a higher TTL."""

    ipv4_prefix: Annotated[int, Field(ge=1, le=32), Doc("bits")] | None = None
    """`add-subnet`: of a client's IPv4 address a pool is told so many bits; not set, 24 (RFC 7871 section 11.1)."""

    ipv6_prefix: Annotated[int, Field(ge=1, le=128), Doc("bits")] | None = None
    """`add-subnet`: the same for IPv6; not set, 56."""

    limit: Word | None = None
    """`limit`: the class of `[limits]` that the query counts against."""
