"""Decides which rule a clause `auth-zone:` of a scenario means.

Rules: clients are answered from the zone, before anything else (`for-downstream`, which is Unbound's default). Its file
stands in the configuration (TEMPFILE_CONTENTS); records in it that are outside the zone are left out.

Limits: a zone that the resolver alone is to look into (`for-downstream: no`), or that is to be transferred, is a
feature that we do not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from resolver.auth import master
from resolver.errors import BadName, ZoneError
from resolver.message import Type
from resolver.testing.replay.policies import TRANSFERS, Fail
from resolver.testing.replay.records import TTL
from resolver.testing.replay.script import Word
from resolver.wire import names

WORDS: Final = TRANSFERS | {"name", "zonefile", "for-downstream", "for-upstream", "fallback-enabled"}
"""What such a clause is made of."""


def zone_file(clause: list[Word], files: Mapping[str, str], fail: Fail) -> str | None:
    """The master file of the zone that the words of a `clause` come to; None where it is no zone for clients."""
    found = {word.key: word for word in clause}
    file, downstream = found.get("zonefile"), found.get("for-downstream")
    if file is None or TRANSFERS & found.keys() or (downstream is not None and downstream.value == "no"):
        return None
    if file.value not in files:
        fail(file, f"zonefile: {file.value!r} stands nowhere", "write TEMPFILE_NAME and TEMPFILE_CONTENTS")
    if "name" not in found:
        fail(file, "auth-zone without a name", "write name: and zonefile:")
    try:
        apex = names.fold(names.from_text(found["name"].value))
    except BadName as wrong:
        fail(found["name"], f"name: {wrong}", "write the name of the zone")
    reader = master.Reader(apex, ttl=TTL)
    try:
        reader.read_text(files[file.value], file.value)
    except ZoneError as wrong:
        fail(file, f"zonefile: {wrong.where}: {wrong.what}", wrong.instead)
    records = [each for each in reader.records if names.is_below(each.name.lower(), apex)]
    if not any(each.key == (apex, Type.SOA) for each in records):
        fail(file, f"zonefile: {file.value!r} has no SOA record at {names.to_text(apex)}", "write one")
    return "".join(
        f"{names.to_text(each.name)} {each.ttl} IN TYPE{each.type} \\# {len(each.rdata)} {each.rdata.hex()}\n"
        for each in records
    )
