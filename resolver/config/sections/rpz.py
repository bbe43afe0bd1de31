"""The tables `[[rpz]]`: response policy zones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from resolver.config.sections.base import Doc, Section
from resolver.config.values import optional_zone, parsed_zone


class Rpz(Section):
    """A response policy zone: what is told of names and addresses, written down as a zone. Those that come first win.
    docs/rpz.md says how rules are written and which of several is heeded. There are no transfers of zones."""

    zone: Annotated[str, PlainValidator(parsed_zone), Doc(form="the name of a zone")]
    """The name that the zone has in its file. Peers: Unbound `name`, BIND `zone`."""

    file: Annotated[Path, Field(strict=False), Doc(form="a path")]
    """Its master file (RFC 1035 section 5). It is read at the start and again at each reload; a
    reload with a file that cannot be read changes nothing. Records that are no rules are left out, with a line in the
    log. Peers: Unbound `zonefile`, PowerDNS `rpzFile`."""

    action: Literal["given", "nxdomain", "nodata", "passthru", "drop", "tcp-only", "cname", "disabled"] = "given"
    """What is done where one of its rules fits: what the rule says (`given`), or the same for all of them. `disabled`
    changes nothing, and logs and counts what would have been. Peers: `given` (Unbound `rpz-action-override`, BIND
    `policy`, PowerDNS `defpol`)."""

    target: Annotated[str | None, PlainValidator(optional_zone), Doc(form="a name")] = None
    """Where `action = "cname"` leads. Peers: Unbound `rpz-cname-override`."""

    break_dnssec: bool = True
    """Whether answers that are signed are changed, too, for those who ask for signatures (DO). They cannot validate
    what they get instead, so it is blocked for them in any case. Peers: Unbound, PowerDNS and Knot Resolver do so; BIND
    does not unless told (`break-dnssec`)."""

    ede: Literal["forged", "blocked", "censored", "filtered", "prohibited", "none"] = "blocked"
    """The extended error that is told with what the zone decides (RFC 8914 sections 4.5 and 4.16 to 4.19). Peers: BIND
    none (`ede`), Unbound blocked (`rpz-signal-nxdomain-ra` is another way)."""

    log: bool = True
    """Whether the log has an event for each rule that is heeded; no more than 10 a second are written. Peers: Unbound
    no (`rpz-log`), BIND yes (`log`)."""
