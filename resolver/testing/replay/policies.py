"""Decides which table `[[rpz]]` a clause `rpz:` of a scenario means.

Rules: its zone is the file that stands in the configuration (TEMPFILE_CONTENTS), under the name that `zonefile` has.
What Unbound logs, and how it signals, changes no answer.

Limits: a zone that is to be transferred or fetched cannot be had, and is a feature that we do not have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from resolver.testing.replay.script import Word

MEANINGLESS: Final = frozenset(("rpz-log", "rpz-log-name", "rpz-signal-nxdomain-ra", "allow-notify"))
TRANSFERS: Final = frozenset(("primary", "master", "url"))

WORDS: Final = MEANINGLESS | TRANSFERS | {"rpz-action-override", "rpz-cname-override"}
"""The words of such a clause that no other has."""

_ACTIONS: Final = ("nxdomain", "nodata", "passthru", "drop", "tcp-only", "disabled", "cname")

Fail = Callable[[Word, str, str], NoReturn]
"""Raises what is wrong with a word: what it is, and what to write instead."""


def table(clause: list[Word], files: Mapping[str, str], fail: Fail) -> dict[str, Any] | None:
    """The table that the words of a `clause` come to; None where the zone is to be had by a transfer."""
    made: dict[str, Any] = {}
    for word in clause:
        match word.key:
            case "name":
                made["zone"] = word.value
            case "zonefile":
                if word.value not in files:
                    fail(word, f"zonefile: {word.value!r} stands nowhere", "write TEMPFILE_NAME and TEMPFILE_CONTENTS")
                made["file"] = word.value
            case "rpz-action-override":
                if word.value not in _ACTIONS:
                    fail(word, f"rpz-action-override: {word.value!r}", f"write one of {', '.join(_ACTIONS)}")
                made["action"] = word.value
            case "rpz-cname-override":
                made["target"] = word.value
            case key if key in TRANSFERS:
                return None
            case key if key not in MEANINGLESS:
                fail(word, f"{key!r} has no meaning in a clause rpz", "leave it out")
    if "zone" not in made:
        fail(clause[0] if clause else Word(1, 0, "rpz", ""), "rpz without a name", "write name: and zonefile:")
    return made if "file" in made else None
