"""The rules of the house, as far as a program can see them: who imports whom, what is banned, what is too long."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "resolver"
MODULES = sorted(PACKAGE.rglob("*.py"))

MAX_MODULE = 400
"""Lines of a module: the ceiling, not the aim."""

MAX_FUNCTION = 70
"""Lines of a function, its docstring included: a screen."""

BELOW = {"message", "errors", "answering", "text", "version"}
"""What everything may import."""

ARROWS: dict[str, set[str]] = {
    "message": set(),
    "version": set(),
    "text": set(),
    "errors": {"message"},
    "answering": {"errors", "message"},
    "wire": set(),
    "network": {"wire"},
    "cache": {"wire", "network.base"},
    "balance": {"wire", "network.base", "cache.table"},
    "routing": {"wire", "network.base"},
    "filters": {"wire", "network.base"},
    "dnssec": {"wire", "engine", "network.base", "cache.table"},
    "auth": {"wire", "dnssec", "network.faults"},
    "tasks": set(),
    "engine": {"wire", "network.base"},
    "observe": {"wire", "engine", "network.base", "network.oddly", "dnssec.evidence"},
    "pipeline": {
        *("engine", "dnssec", "cache", "balance", "routing", "filters", "auth"),
        *("wire", "network.base", "observe", "tasks"),
    },
    "server": {"pipeline", "balance", "cache", "wire", "network.base", "network.h2_settings", "observe"},
    "config": {
        *("wire", "network.base", "routing", "dnssec.anchors", "dnssec.negative", "server.access"),
        *("filters.kinds", "filters.names", "filters.prefixes", "filters.records"),
    },
}
"""What each room may import, besides itself and what is below all. Rooms that are not named stand above all."""

ABOVE = {"app", "cli", "config", "control", "daemon", "recording", "simulation", "testing", "workers"}
"""What no room may import."""

OWNERS_OF_THE_WORLD = ("resolver/network/", "resolver/testing/")
"""Where clocks, chance, sockets and timers of the real world may be touched: behind the seam of network/base.py."""

WORLDLY_MODULES = {"time", "random", "secrets", "socket", "uuid"}
WORLDLY_CALLS = re.compile(
    r"(.*loop|.*loop\(\))\.(time|call_later|call_at)|(datetime\.)+(now|utcnow|today)|os\.urandom"
)

PURE = (
    *("resolver/engine/", "resolver/wire/", "resolver/dnssec/"),
    *("resolver/auth/zone.py", "resolver/auth/tree.py", "resolver/auth/signed.py"),
)
"""Where an algorithm stands alone: no loop, no log, no dnspython."""

ON_THE_PATH = (*PURE, "resolver/cache/", "resolver/pipeline/", "resolver/server/", "resolver/network/")
"""What each query passes through: bytes only, no dnspython."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Each module, or name in one, that is imported anywhere in `tree`, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def may_import(room: str, imported: str) -> bool:
    """Whether a module of `room` may import `imported`, a dotted path below the package."""
    target = imported.split(".")[0]
    if target == room:
        return True
    allowed = ARROWS.get(room)
    if allowed is None:
        return True
    if target in BELOW and room not in BELOW:
        return True
    return any(imported == one or imported.startswith(f"{one}.") for one in allowed)


def ids(paths: list[Path]) -> list[str]:
    return [name_of(path) for path in paths]


@pytest.mark.parametrize("path", MODULES, ids=ids(MODULES))
def test_arrows_point_one_way(path: Path) -> None:
    room = room_of(path)
    for imported, line in imports(tree_of(path)):
        if imported.startswith("resolver."):
            below = imported.removeprefix("resolver.")
            assert may_import(room, below), f"{name_of(path)}:{line}: {room} must not import {below}"


def test_the_arrows_themselves_name_nobody_above() -> None:
    for room, allowed in ARROWS.items():
        assert not allowed & ABOVE, room
    assert may_import("pipeline", "network.base.Clock")
    assert not may_import("pipeline", "network.sockets.SocketNetwork")
    assert not may_import("engine", "pipeline.resolved")
    assert not may_import("wire", "cache.store")
    assert not may_import("message", "errors")


@pytest.mark.parametrize("path", MODULES, ids=ids(MODULES))
def test_time_chance_and_sockets_are_behind_the_seam(path: Path) -> None:
    name = name_of(path)
    if name.startswith(OWNERS_OF_THE_WORLD):
        return
    tree = tree_of(path)
    for imported, line in imports(tree):
        assert imported.split(".")[0] not in WORLDLY_MODULES, f"{name}:{line}: {imported}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            used = ast.unparse(node)
            assert not WORLDLY_CALLS.fullmatch(used), f"{name}:{node.lineno}: {used}; ask the Clock or the Entropy"


@pytest.mark.parametrize("path", MODULES, ids=ids(MODULES))
def test_nothing_is_a_task_that_nobody_owns(path: Path) -> None:
    name = name_of(path)
    if name.startswith(OWNERS_OF_THE_WORLD):
        return
    for node in ast.walk(tree_of(path)):
        started = isinstance(node, ast.Attribute) and node.attr == "create_task"
        assert not started, f"{name}:{getattr(node, 'lineno', 0)}: what it waits for should call it"


@pytest.mark.parametrize("path", MODULES, ids=ids(MODULES))
def test_pure_rooms_know_no_loop_no_log_and_no_dnspython(path: Path) -> None:
    name = name_of(path)
    banned = (
        {"asyncio", "logging", "dns"} if name.startswith(PURE) else {"dns"} if name.startswith(ON_THE_PATH) else set()
    )
    for imported, line in imports(tree_of(path)):
        assert imported.split(".")[0] not in banned, f"{name}:{line}: {imported}"


def test_no_module_is_longer_than_the_ceiling() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert not {name: length for name, length in lengths.items() if length > MAX_MODULE}


def test_no_function_is_longer_than_a_screen() -> None:
    long = {}
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION:
                    long[f"{name_of(path)}:{node.lineno} {node.name}"] = length
    assert not long


def test_everything_public_says_what_it_is() -> None:
    silent = []
    for path in MODULES:
        tree = tree_of(path)
        if tree.body and not ast.get_docstring(tree):
            silent.append(name_of(path))
        silent += [f"{name_of(path)}:{node.lineno} {node.name}" for node in public(tree) if not ast.get_docstring(node)]
    assert not silent


def public(
    node: ast.Module | ast.ClassDef,
) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """The classes, functions and methods that others may use. What overrides a method need not repeat its words."""
    inherits = isinstance(node, ast.ClassDef) and bool(node.bases)
    for one in node.body:
        if isinstance(one, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not one.name.startswith("_"):
            if isinstance(one, ast.ClassDef):
                yield one
                yield from public(one)
            elif not inherits:
                yield one


def test_nothing_is_left_to_be_done() -> None:
    left = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b")
    found = [
        f"{name_of(path)}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if left.search(line)
    ]
    assert not found


def test_each_test_file_stands_where_its_module_stands() -> None:
    """tests/unit/X/test_Y.py tests resolver/X; a room, or a module of that name, must be there."""
    lost = []
    for path in sorted((ROOT / "tests/unit").rglob("test_*.py")):
        folder = path.parent.relative_to(ROOT / "tests/unit")
        module = PACKAGE / folder / f"{path.stem.removeprefix('test_')}.py"
        if not module.exists() and not (folder.parts and (PACKAGE / folder).is_dir()):
            lost.append(name_of(path))
    assert not lost
