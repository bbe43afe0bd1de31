"""Pools, as they are asked for and told over the control socket."""

from __future__ import annotations

from resolver.testing.virtual_time import run
from tests.support.arranged import Asked


def test_pools_are_listed():
    async def main() -> None:
        asked = Asked()
        listed = {"pools": [{"name": "office", "members": [{"name": "left", "state": "up"}]}]}
        assert await asked.done("GET", "/pools") == listed

    run(main())


def test_a_member_is_drained_and_undrained():
    async def main() -> None:
        asked = Asked()
        body = {"member": "192.0.2.1"}
        assert await asked.done("POST", "/pools/office/drain", body) == {"pool": "office", "drained": "left"}
        assert await asked.done("POST", "/pools/office/undrain", body) == {"pool": "office", "undrained": "left"}
        assert asked.program.pools.told == [("drain", "office", "192.0.2.1"), ("undrain", "office", "192.0.2.1")]

    run(main())


def test_what_names_nobody_is_refused_with_the_nearest():
    async def main() -> None:
        asked = Asked()
        told = (400, "there is no pool \"ofice\"; did you mean 'office'?")
        assert await asked.refused("POST", "/pools/ofice/drain", {"member": "left"}) == told
        assert (await asked.refused("POST", "/pools/office/drain", {}))[0] == 400
        assert (await asked.refused("POST", "/pools/office/drain", {"member": ""}))[0] == 400
        assert (await asked.refused("POST", "/pools/office/drain", {"membr": "left"}))[0] == 400
        assert (await asked.refused("GET", "/pools/office/drain"))[0] == 405

    run(main())
