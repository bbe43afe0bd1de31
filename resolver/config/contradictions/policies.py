"""Which settings about policy zones and limits cannot stand together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resolver.config.contradictions.base import Contradiction
from resolver.text import nearest

if TYPE_CHECKING:
    from resolver.config.sections import Config


def find(config: Config) -> Iterator[Contradiction]:
    """Every contradiction among the policy zones and limits of `config`."""
    for number, rule in enumerate(config.rules, 1):
        if rule.limit is not None and rule.limit not in config.limits.classes:
            known = nearest(rule.limit, config.limits.classes)
            instead = known or f'write classes = {{ "{rule.limit}" = 100 }} below [limits]'
            yield Contradiction(
                f"rules.{number}", "limit", f'there is no class "{rule.limit}" in limits.classes', instead
            )
    seen: set[str] = set()
    for at, table in enumerate(config.rpz, 1):
        label = f"rpz.{at}"
        if table.zone in seen:
            yield Contradiction(label, "zone", f'"{table.zone}" stands there twice', "remove one")
        seen.add(table.zone)
        if table.action == "cname" and table.target is None:
            yield Contradiction(label, "action", 'action = "cname" leads nowhere', "set target too")
        if table.target is not None and table.action != "cname":
            what = f'target is set but action is "{table.action}"'
            yield Contradiction(label, "target", what, 'set action = "cname", or remove target')
