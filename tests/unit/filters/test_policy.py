from __future__ import annotations

from resolver.filters.blocking import Blocking, Telling
from resolver.filters.local import Local
from resolver.filters.names import Names
from resolver.filters.policy import Policy
from resolver.filters.rebinding import Rebinding


def test_what_a_program_filters_by_are_policies_that_do_not_look_at_who_asks():
    policies: list[Policy] = [Blocking(Names(), Names(), [], Telling()), Local({}, []), Rebinding([])]
    assert [(each.by_client, each.looks_back) for each in policies] == [(False, True), (False, False), (False, True)]
