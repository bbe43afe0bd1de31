"""What a program that embeds resolverd may use."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import resolver
from resolver.auth.shipped import find_zones
from resolver.network.entropy import SeededEntropy
from resolver.testing.virtual_time import VirtualClock, run
from resolver.wire import names


def test_every_public_name_is_there() -> None:
    for name in resolver.__all__:
        assert getattr(resolver, name) is not None


def test_a_program_embeds_a_world_and_asks_it_without_listening() -> None:
    async def main() -> list[bytes]:
        world = resolver.load_world(find_zones())
        program = resolver.build(resolver.Config(), world, clock=VirtualClock(), entropy=SeededEntropy(1))
        reply = await program.ask("www.example.com", "A")
        await program.stop()
        return [rdata for rrset in reply.answer for rdata in rrset.rdatas]

    assert run(main()) == [bytes((192, 0, 2, 80))]


def test_what_is_no_name_is_told_as_such() -> None:
    async def main() -> str:
        program = resolver.build(resolver.Config(), clock=VirtualClock(), entropy=SeededEntropy(1))
        try:
            await program.ask("a..b")
        except ValueError as wrong:
            return str(wrong)
        return "nothing"

    assert "empty label" in run(main())


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, resolver; print([name for name in ('dns', 'pydantic', 'asyncio') if name in sys.modules])"
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"


def test_names_are_shown_without_what_a_terminal_would_obey() -> None:
    assert "\x1b" not in names.to_text(b"\x04a\x1b[m\x00")


def test_the_program_of_the_readme_runs() -> None:
    root = Path(__file__).parent.parent
    (code,) = re.findall(r"```python\n(import .*?)```", (root / "README.md").read_text(), re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert "RRset" in done.stdout
    assert done.stderr == ""


def test_a_world_is_loaded_from_a_path_as_text_or_is_the_shipped_one() -> None:
    assert resolver.load_world(str(find_zones())).zones.keys() == resolver.load_world().zones.keys()
