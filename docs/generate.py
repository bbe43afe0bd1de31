"""Writes the parts of the documentation that follow from the code: `python docs/generate.py`.

docs/configuration.md comes from the models of `resolver.config` and the docstrings of their attributes,
docs/conformance.md from the `rfc` markers of the tests, docs/faults.md from the words of
`resolver.network.faults.words`, docs/admin-api.md from the table of routes, the figures in docs/balancing.md from a
simulated run of each policy. tests/test_docs.py fails when one is stale.
"""

from __future__ import annotations

import ast
import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from resolver.config.describe import bounds, kind, unit  # noqa: E402
from resolver.config.effective import toml  # noqa: E402
from resolver.config.environment import variable  # noqa: E402
from resolver.config.nearest import header  # noqa: E402
from resolver.config.sections import LISTED, NAMED, SECTIONS  # noqa: E402
from resolver.control import challtestsrv, clock, messages, pools, running, snapshots, zones  # noqa: E402
from resolver.control.faults import ROUTES as FAULT_ROUTES  # noqa: E402
from resolver.control.openapi import Described  # noqa: E402
from resolver.control.routes import of_process  # noqa: E402
from resolver.control.schemas import Schema, wanted  # noqa: E402
from resolver.network.faults.words import CONDITIONS, DNSSEC, GROUPS, WORDS, Parameter, Word  # noqa: E402

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

FIGURES_BEGIN = "<!-- Figures: written by docs/generate.py from tests/bench/policies.py -->\n\n"
FIGURES_END = "\n<!-- End of figures -->\n"

FAULTS_HEAD = """\
# Faults

<!-- Written by docs/generate.py from resolver/network/faults/words.py. Change the words there. -->

What a simulated server, or the network before it, does wrong on purpose. The same words are written in four places:

* in `hierarchy.toml`, as a table `[[fault]]` with the keys `kind`, its parameters and its conditions, or as `fault =
  "WORD"` in the table of a server (`zones/README.md`);
* in a test: `dns.server("ns1.example.com").latency(ms=200)`, or `dns.fault("latency", ms=200, zone="example.com")`;
* on the command line, for a daemon that runs: `resolver fault add latency --ms 200`, `resolver fault list`, `resolver
  fault clear 3`;
* as JSON for the admin API: `POST /faults` with `{"kind": "latency", "ms": 200}`.

An unknown word, parameter or value is an error that names the nearest one.

## How faults come together

A query meets a rule when it meets all of its conditions. All rules that it meets are applied, in the order of their
numbers:

* delays add up;
* `silent`, `loss` and `partition` end it: nothing that comes after them is applied;
* of the words that make a reply up (`servfail`, `refused`, `rcode`, `truncated`, `lame`, `upward`, `garbage`,
  `no_octets`, `echo`, `tcp_reset`, `tcp_empty`) the first one counts;
* those that change a reply change what the others have made of it.

A rule is `waiting` before `at`, then `in force`, and `over` after `for`, or when it happened `count` times. A rule
outlives a change of the world and a reload. Those that `hierarchy.toml` declares are listed with the others; `clear`
without a number leaves them, `clear` with their number ends them until the file does not declare them any more. Each
time that a rule is applied is counted: in `resolver fault list` for each rule, in the statistics for all
(`faults.applied`). The history has the words at the query, the transcript and `resolver explain` have the rule.

All chance comes from one seed, and each rule draws from a sequence of its own: the same queries in the same order
meet the same faults, and what happens to one server depends on nothing that happens to others.

## Who asks

Servers tell who asks by the address. The resolver asks from `127.54.0.1` and a server that recurses from its own
address, on sockets and in memory alike: `resolver` and the name of a server stand for these, `clients` for everybody
else. A `partition` is between two groups of such: nothing passes between a server of one and who asks from the other.

## What is not played

* Faults are the simulated servers', not the resolver's own front: a partition between `resolver` and `clients` has no
  effect.
* A connection to a slow server is made at once; its replies are late.
* A server cannot refuse a connection: its listener stays open. `tcp_reset` resets it when the query has come.
* On sockets `wrong_source` sends from `127.55.x.y` in place of `127.53.x.y`. In memory such a reply reaches nobody,
  as none does at a connected socket.
* At most 4,096 replies of a server wait for their time; more are lost, and counted in `faults.overflowed`. At most
  10,000 rules are in force.
* A fault of DNSSEC signs the zone anew when the first query meets it, which takes a second for some hundred thousand
  records. The DS of the root has no parent: `ds-mismatch` and the like do nothing to the root.
* Those servers that recurse have look-ups for addresses of name servers in common; these come from `127.0.0.1`.
"""

FAULTS_SAID: dict[str, dict[str, object]] = {
    "latency": {"ms": 200, "deviation_ms": 50},
    "jitter": {"ms": 50},
    "late": {"ms": 8000, "count": 1},
    "clock_skew": {"seconds": "-40d"},
    "loss": {"probability": 0.3},
    "silent": {"at": "30s", "for": "60s"},
    "duplication": {"copies": 3},
    "reordering": {"ms": 200},
    "partition": {"between": [["ns1.example.com"], ["resolver"]]},
    "servfail": {"type": "AAAA"},
    "refused": {"source": "resolver"},
    "rcode": {"rcode": "NOTIMP", "ede": 21, "text": "not here"},
    "oversize": {"octets": 3000},
    "wrong_source": {"part": "port"},
    "garbage": {"skip": 2, "count": 1},
    "tcp_slow": {"ms": 5},
    "expired": {"zone": "example.com", "for": "5m"},
}
"""What the examples say beside a word, and beside the server or the zone."""


def faults() -> str:
    """docs/faults.md."""
    parts = [FAULTS_HEAD, "\n## Conditions\n\nEvery fault can be given these. What is not given is no condition.\n\n"]
    parts.append("| Condition | What it says | Values |\n|---|---|---|\n")
    parts += (f"| `{each.word}` | {each.does}{_unless(each)} | {each.takes} |\n" for each in CONDITIONS.values())
    parts.append("\nIn Python `for` is a word of the language: write `for_`.\n")
    for group in GROUPS:
        words = [each for each in WORDS.values() if each.group == group]
        parts.append(f"\n## Words: {group}\n\n| Word | What it does | Its parameters |\n|---|---|---|\n")
        for each in words:
            own = "; ".join(f"`{one.word}`: {one.does}, {one.takes}{_unless(one)}" for one in each.parameters)
            only = f" Only over {each.transport.upper()}." if each.transport and "TCP" not in each.does else ""
            parts.append(f"| `{each.word}` | {each.does}{only} | {own or '-'} |\n")
        parts.append("\n| In `hierarchy.toml`, below `[[fault]]` | In a test | On the command line |\n|---|---|---|\n")
        for each in words:
            given = said_of(each)
            parts.append(f"| `{toml_of(each, given)}` | `{python_of(each, given)}` | `{shell_of(each, given)}` |\n")
    return "".join(parts)


def _unless(parameter: Parameter) -> str:
    default = parameter.default
    if default is None:
        return "; must be said" if parameter.required else ""
    return f" ({default:g})" if isinstance(default, float | int) else f" ({default})"


def said_of(word: Word) -> dict[str, object]:
    """What the example of `word` says beside it."""
    given = FAULTS_SAID.get(word.word, {})
    if word.group == DNSSEC:
        return {"zone": "example.com", **given}
    return given if word.word == "partition" else {"server": "ns1.example.com", **given}


def toml_of(word: Word, given: dict[str, object]) -> str:
    """The example in a hierarchy.toml; the lines of a table stand behind one another."""
    return "; ".join(f"{key} = {toml(value)}" for key, value in {"kind": word.word, **given}.items())


def python_of(word: Word, given: dict[str, object]) -> str:
    """The example in a test."""
    rest = dict(given)
    server = rest.pop("server", None)
    said = [f"{'for_' if key == 'for' else key}={value!r}" for key, value in rest.items()]
    if server is None:
        return f"dns.fault({', '.join([repr(word.word), *said])})".replace("'", '"')
    return f"dns.server({server!r}).{word.word.replace('-', '_')}({', '.join(said)})".replace("'", '"')


def shell_of(word: Word, given: dict[str, object]) -> str:
    """The example on a command line."""
    said = ["resolver", "fault", "add", word.word]
    for key, value in given.items():
        text = " | ".join(",".join(group) for group in value) if isinstance(value, list) else str(value)
        said.append(f"--{key.replace('_', '-')}={shlex.quote(text)}")
    return " ".join(said).replace("|", "\\|")  # as a table wants it


MARK = "<!-- What follows is written by docs/generate.py from the routes of resolver/control. Change it there. -->"

ADMIN_PARTS = (
    ("The daemon", lambda: of_process(None)),  # type: ignore[arg-type,return-value]
    ("Counters and cache", lambda: running.ROUTES),
    ("Pools", lambda: pools.ROUTES),
    ("Zones and records", lambda: zones.ROUTES),
    ("Faults", lambda: FAULT_ROUTES),
    ("Time", lambda: clock.ROUTES),
    ("History", lambda: messages.ROUTES),
    ("Snapshots", lambda: snapshots.ROUTES),
    ("challtestsrv", lambda: challtestsrv.ROUTES),
)
ADMIN = "http://127.0.0.1:8053"
SINGULAR = {"pools": "Pool", "rules": "Rule", "rpz": "Rpz"}
INHERITED = {"rules": "Matchers"}
"""The model that a section has keys of, besides its own."""


def configuration() -> str:
    """The text of docs/configuration.md."""
    said: dict[str, dict[str, str]] = {}
    for source in sorted((ROOT / "resolver/config/sections").glob("*.py")):
        said |= _docstrings(source)
    parts = [CONFIGURATION_HEAD]
    for section, fields in {**SECTIONS, **NAMED, **LISTED}.items():
        of_class = said[section.capitalize() if section in SECTIONS else SINGULAR[section]]
        of_class = {**said.get(INHERITED.get(section, ""), {}), **of_class}
        parts.append(f"## {header(section)}\n\n{of_class['']}\n")
        rows = ["| key | type | unit | default | range | what it decides |", "|---|---|---|---|---|---|"]
        for key, field in fields.items():
            default = None if field.is_required() else field.get_default(call_default_factory=True)
            shown = "needed" if field.is_required() else "not set" if default is None else f"`{toml(default)}`"
            cells = [f"`{key}`", kind(field), unit(key, field), shown, bounds(field), of_class[key]]
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts.append("\n".join(rows) + "\n")
        if section in SECTIONS:
            parts.append(f"In the environment: `{variable(section, next(iter(fields)))}` and so on.\n")
        elif section in NAMED:
            parts.append(f"In the environment: `{variable(section, 'name')}`, the whole table as JSON.\n")
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


def balancing(text: str) -> str:
    """`text`, which is that of docs/balancing.md, with the figures of today."""
    from tests.bench.policies import table

    before, begin, rest = text.partition(FIGURES_BEGIN)
    _, end, after = rest.partition(FIGURES_END)
    return f"{before}{begin}{table()}{end}{after}"


def main() -> int:
    """All of them are written."""
    (ROOT / "docs/configuration.md").write_text(configuration())
    (ROOT / "docs/admin-api.md").write_text(admin_api())
    (ROOT / "docs/conformance.md").write_text(conformance())
    (ROOT / "docs/faults.md").write_text(faults())
    (ROOT / "docs/balancing.md").write_text(balancing((ROOT / "docs/balancing.md").read_text()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
