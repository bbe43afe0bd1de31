"""Writes the parts of the documentation that follow from the code: `python docs/generate.py`.

docs/configuration.md comes from the models of `resolver.config` and the docstrings of their attributes,
docs/conformance.md from the `rfc` markers of the tests, docs/admin-api.md from the table of routes. tests/test_docs.py
fails when one is stale.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from resolver.config.describe import bounds, kind, unit  # noqa: E402
from resolver.config.effective import toml  # noqa: E402
from resolver.config.environment import variable  # noqa: E402
from resolver.config.load import SECTIONS  # noqa: E402
from resolver.control import challtestsrv, clock, faults, messages, running, snapshots, zones  # noqa: E402
from resolver.control.openapi import Described  # noqa: E402
from resolver.control.routes import of_process  # noqa: E402
from resolver.control.schemas import Schema, wanted  # noqa: E402

CONFIGURATION_HEAD = """\
# Configuration

<!-- Written by docs/generate.py from resolver/config/sections. Change it there. -->

The daemon needs no configuration: `resolver serve` runs with the defaults below. A setting comes from, each over
the one before:

1. its default;
2. a TOML file: `--config FILE`, else `./resolver.toml` if it is there;
3. the environment: `RESOLVER_SECTION__KEY`, such as `RESOLVER_CACHE__SIZE_MB=16`;
4. the command line.

`resolver config` prints the settings in force and where each of them comes from; `resolver check` says what is wrong
with them, all at once, with file and line, and what to write instead. An unknown key is an error. SIGHUP makes the
daemon read its configuration again; a wrong one is logged and the old one stays in force.

In the environment only names with two underscores behind `RESOLVER_` are settings, so that the `RESOLVER_PORT` which
Kubernetes makes for a service of that name does no harm. Lists and tables are written as JSON, everything else plainly;
an empty value unsets a setting that may be unset:

    RESOLVER_SERVER__LISTEN='["0.0.0.0:53", "[::]:53"]'
    RESOLVER_RESOLVER__FORWARD_ZONES='{".": ["192.0.2.1"]}'
    RESOLVER_RESOLVER__ROOTS=internet

A relative path in a file is relative to that file's directory; one from the environment or the command line, to the
working directory.
"""

CONFORMANCE_HEAD = """\
# Conformance

<!-- Written by docs/generate.py from the rfc markers of the tests. Change them there. -->

Which requirement of which RFC is shown by which test. `pytest TEST` runs one.
"""


MARK = "<!-- What follows is written by docs/generate.py from the routes of resolver/control. Change it there. -->"

ADMIN_PARTS = (
    ("The daemon", lambda: of_process(None)),  # type: ignore[arg-type,return-value]
    ("Counters and cache", lambda: running.ROUTES),
    ("Zones and records", lambda: zones.ROUTES),
    ("Faults", lambda: faults.ROUTES),
    ("Time", lambda: clock.ROUTES),
    ("History", lambda: messages.ROUTES),
    ("Snapshots", lambda: snapshots.ROUTES),
    ("challtestsrv", lambda: challtestsrv.ROUTES),
)
ADMIN = "http://127.0.0.1:8053"


def configuration() -> str:
    """The text of docs/configuration.md."""
    said: dict[str, dict[str, str]] = {}
    for source in sorted((ROOT / "resolver/config/sections").glob("*.py")):
        said |= _docstrings(source)
    parts = [CONFIGURATION_HEAD]
    for section, fields in SECTIONS.items():
        of_class = said[section.capitalize()]
        parts.append(f"## [{section}]\n\n{of_class['']}\n")
        rows = ["| key | type | unit | default | range | what it decides |", "|---|---|---|---|---|---|"]
        for key, field in fields.items():
            default = field.get_default(call_default_factory=True)
            shown = "not set" if default is None else f"`{toml(default)}`"
            cells = [f"`{key}`", kind(field), unit(key, field), shown, bounds(field), of_class[key]]
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts.append("\n".join(rows) + "\n")
        parts.append(f"In the environment: `{variable(section, next(iter(fields)))}` and so on.\n")
    return "\n".join(parts)


def admin_api() -> str:
    """The text of docs/admin-api.md: what stands above the mark, and the routes."""
    head = (ROOT / "docs/admin-api.md").read_text().partition(MARK)[0]
    parts = [f"{head}{MARK}\n"]
    for title, routes in ADMIN_PARTS:
        parts.append(f"## {title}\n")
        parts += map(_route, routes())
    return "\n".join(parts)


def _route(route: Described) -> str:
    shape = route.shape
    said = [("path", shape.path, ()), ("query", shape.query, ())]
    if shape.body is not None:
        said.append(("body", shape.body.get("properties", {}), shape.body.get("required", ())))
    rows = [
        _cells(where, name, schema, name in needed) for where, known, needed in said for name, schema in known.items()
    ]
    table = ["| in | name | takes | |", "|---|---|---|---|", *rows, ""] if rows else []
    answer = [f"* `{name}`: {_says(schema)}" for name, schema in shape.answer.get("properties", {}).items()]
    if not answer and shape.answer.get("description"):
        answer = [f"* {_says(shape.answer)}"]
    lines = [f"### {route.method} {route.path}", "", f"{route.gives[:1].upper()}{route.gives[1:]}.", "", *table]
    return "\n".join([*lines, f"    {curl(route)}", "", *(["Answers:", "", *answer, ""] if answer else [])])


def curl(route: Described) -> str:
    """The example of `route`, as a command."""
    method = "" if route.method == "GET" else f" -X {route.method}"
    body = "" if route.shape.example is None else f" -d '{json.dumps(route.shape.example)}'"
    target = route.shape.target or route.path
    quoted = f"'{ADMIN}{target}'" if "?" in target else f"{ADMIN}{target}"
    return f"curl{method}{body} {quoted}"


def _cells(where: str, name: str, schema: Schema, needed: bool) -> str:
    takes = wanted(schema) if len(wanted(schema)) < 120 else "a text, or a list of texts"
    cells = [where, f"`{name}`{' (needed)' if needed else ''}", takes, _says(schema)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _says(schema: Schema) -> str:
    if schema.get("type") == "array" and schema["items"].get("properties"):
        inner = ", ".join(f"`{name}`" for name in schema["items"]["properties"])
        return f"{schema['description']} A list of objects with {inner}.".strip()
    return str(schema.get("description") or wanted(schema))


def _docstrings(source: Path) -> dict[str, dict[str, str]]:
    """For each class of `source` the docstrings of its attributes, and its own under the empty name."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(source.read_text()).body:
        if not isinstance(node, ast.ClassDef):
            continue
        texts = found[node.name] = {"": " ".join((ast.get_docstring(node) or "").split())}
        for attribute, text in zip(node.body, node.body[1:], strict=False):
            if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name):
                match text:
                    case ast.Expr(value=ast.Constant(value=str() as words)):
                        texts[attribute.target.id] = " ".join(words.split())
    return found


def conformance(tests: Path = ROOT / "tests") -> str:
    """The text of docs/conformance.md."""
    shown: dict[tuple[int, str], list[str]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        where = path.relative_to(tests.parent).as_posix()
        for test, rfc, section in marked(ast.parse(path.read_text()), where):
            shown.setdefault((rfc, section), []).append(test)
    parts = [CONFORMANCE_HEAD]
    for rfc in sorted({rfc for rfc, _ in shown}):
        link = f"https://www.rfc-editor.org/rfc/rfc{rfc}"
        rows = [f"## [RFC {rfc}]({link})\n", "| section | test |", "|---|---|"]
        sections = sorted((section for number, section in shown if number == rfc), key=_in_order)
        for section in sections:
            rows += [f"| {section} | `{test}` |" for test in dict.fromkeys(shown[rfc, section])]
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def _in_order(section: str) -> list[tuple[int, str]]:
    """Sections by their numbers: 3.10 comes after 3.9, an appendix after both."""
    return [(int(part), "") if part.isdigit() else (10_000, part) for part in section.split(".")]


def marked(module: ast.Module, where: str) -> Iterator[tuple[str, int, str]]:
    """The tests of `module` that have an rfc marker, of their own or of what they stand in: test, RFC, section."""
    yield from _marked_below(module, where, _module_marks(module))


def _marked_below(
    node: ast.Module | ast.ClassDef, where: str, above: list[tuple[int, str]]
) -> Iterator[tuple[str, int, str]]:
    for one in node.body:
        if isinstance(one, ast.ClassDef):
            marks = [*above, *_marks(*one.decorator_list)]
            yield from _marked_below(one, f"{where}::{one.name}", marks)
        elif isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name.startswith("test"):
            for rfc, section in (*above, *_marks(*one.decorator_list)):
                yield f"{where}::{one.name}", rfc, section


def _module_marks(module: ast.Module) -> list[tuple[int, str]]:
    for one in module.body:
        if isinstance(one, ast.Assign) and any(ast.unparse(target) == "pytestmark" for target in one.targets):
            return _marks(one.value)
    return []


def _marks(*nodes: ast.expr) -> list[tuple[int, str]]:
    found = []
    for node in (inner for one in nodes for inner in ast.walk(one)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rfc":
            rfc, section = (ast.literal_eval(word) for word in node.args)
            found.append((int(rfc), str(section)))
    return found


def main() -> int:
    """All of them are written."""
    (ROOT / "docs/configuration.md").write_text(configuration())
    (ROOT / "docs/admin-api.md").write_text(admin_api())
    (ROOT / "docs/conformance.md").write_text(conformance())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
