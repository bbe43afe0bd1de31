"""The documentation says what the code does."""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from resolver import filtering, subnets
from resolver.app import build
from resolver.cli import COMMANDS
from resolver.config import Config, load
from resolver.config.sections import SECTIONS, Server
from resolver.config.sections.pools import POLICIES
from resolver.control.routes import OF_PROGRAM, of_process
from resolver.network.entropy import SeededEntropy
from resolver.network.faults import rule
from resolver.network.faults.words import CONDITIONS, WORDS
from resolver.testing.virtual_time import VirtualClock, run
from resolver.version import VERSION
from resolver.workers.speaking import COUNTED

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
STALE = "is stale: run `python docs/generate.py`"

TAG = re.compile(r"\[([A-Z]{4})\]")
NO_TAGS = {"AAAA", "ADDR", "AXFR", "CERT", "IXFR", "NAME", "NSEC", "TKEY", "TSIG", "TYPE"}
"""Four capitals that are no tags: record types, and words of the messages and of the command line."""


def _generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _generate()


def test_the_reference_of_settings_is_fresh() -> None:
    assert (DOCS / "configuration.md").read_text() == generate.configuration(), f"configuration.md {STALE}"


def test_what_is_named_as_a_test_is_one() -> None:
    there = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for page in sorted(DOCS.glob("*.md")):
        for name in set(re.findall(r"`(test_\w+)`", page.read_text())) - set(Server.model_fields):
            assert f"def {name}(" in there, f"{page.name} names {name}, which is no test"


def test_the_table_of_conformance_is_fresh() -> None:
    assert (DOCS / "conformance.md").read_text() == generate.conformance(), f"conformance.md {STALE}"


def test_the_figures_of_the_policies_are_fresh() -> None:
    page = (DOCS / "balancing.md").read_text()
    assert page == generate.balancing(page), f"balancing.md {STALE}"


def test_every_policy_has_a_line_that_says_when_to_use_it() -> None:
    page = (DOCS / "balancing.md").read_text()
    for policy in POLICIES:
        assert re.search(rf"^\| `{policy}` \| .{{40,}} \|$", page, re.MULTILINE), policy


def test_the_page_of_faults_is_fresh() -> None:
    assert (DOCS / "faults.md").read_text() == generate.faults(), f"faults.md {STALE}"


def test_every_fault_is_documented_and_its_examples_in_three_languages_say_the_same() -> None:
    text = (DOCS / "faults.md").read_text()
    seen = set()
    for row in re.findall(r"^\| `kind = (.*)` \| `(dns\..*)` \| `(resolver fault add .*)` \|$", text, re.MULTILINE):
        toml, python, shell = (each.replace("\\|", "|") for each in row)
        declared = rule(tomllib.loads("kind = " + toml.replace("; ", "\n")))
        assert rule(_said_in_python(python)) == declared
        assert rule(_said_on_the_command_line(shell)) == declared
        seen.add(declared.kind)
    assert seen == WORDS.keys()
    for word in WORDS.values():
        cells = re.search(rf"^\| `{word.word}` \| (.+) \| (.+) \|$", text, re.MULTILINE)
        assert cells, word.word
        assert all(f"`{each.word}`: " in cells[2] for each in word.parameters), word.word
    for condition in CONDITIONS:
        assert re.search(rf"^\| `{condition}` \| .+ \| .+ \|$", text, re.MULTILINE), condition


def _said_in_python(text: str) -> dict[str, object]:
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Attribute)
    said = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
    if call.func.attr == "fault":
        return {"kind": ast.literal_eval(call.args[0]), **said}
    server = call.func.value
    assert isinstance(server, ast.Call)
    return {"kind": call.func.attr, "server": ast.literal_eval(server.args[0]), **said}


def _said_on_the_command_line(text: str) -> dict[str, object]:
    _, _, _, word, *options = shlex.split(text)
    said = dict(each.removeprefix("--").split("=", 1) for each in options)
    return {"kind": word, **said}


def test_every_setting_is_documented_with_a_sentence() -> None:
    text = generate.configuration()
    for section, fields in SECTIONS.items():
        below = text.partition(f"## [{section}]")[2].partition("\n## ")[0]
        for key in fields:
            row = re.search(rf"^\| `{key}` \|.*\| ([^|]+) \|$", below, re.MULTILINE)
            assert row, f"{section}.{key}"
            assert row[1].rstrip().endswith("."), f"{section}.{key}: {row[1]}"


def test_defaults_in_the_reference_are_those_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference, written down as a configuration, is the default configuration."""
    monkeypatch.chdir(tmp_path)
    lines = []
    below = re.search(r"^## (\[\[|\[\w+\.)", reference := generate.configuration(), re.MULTILINE)
    assert below is not None, "tables of which there are any number have no defaults of their own"
    for line in reference[: below.start()].splitlines():
        if section := re.match(r"## (\[\w+\])$", line):
            lines.append(section[1])
        elif row := re.match(r"\| `(\w+)` \|[^|]*\|[^|]*\| `(.*?)` \|", line):
            lines.append(f"{row[1]} = {row[2]}")
    tomllib.loads("\n".join(lines))
    Path("resolver.toml").write_text("\n".join(lines))
    loaded = load(None, {})
    assert loaded.config == Config()
    assert sum(source != "default" for source in loaded.sources.values()) > 30


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented_with_an_example(name: str) -> None:
    text = (DOCS / "commands.md").read_text().partition(f"\n## resolver {name}\n")[2].partition("\n## ")[0]
    assert f"\n    resolver {name}" in text, "an example"
    module = importlib.import_module(f"resolver.cli.{COMMANDS[name].module}")
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    shared = {"--help", *(() if name == "serve" else _options_of("serve"))}
    for option in _options(parser):
        assert option in text or option in shared, option


def _options_of(name: str) -> Iterator[str]:
    parser = argparse.ArgumentParser()
    importlib.import_module(f"resolver.cli.{COMMANDS[name].module}").add_arguments(parser)
    return _options(parser)


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from (option for option in action.option_strings if option.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _options(inner)


def test_the_page_of_the_admin_api_is_fresh_and_has_every_route() -> None:
    text = (DOCS / "admin-api.md").read_text()
    assert text == generate.admin_api(), f"admin-api.md {STALE}"
    for route in (*of_process(lambda: load(None, {})), *OF_PROGRAM):
        assert f"\n### {route.method} {route.path}\n" in text, route


def test_the_examples_of_the_reference_are_settings_that_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = dict(re.findall(r"^    (RESOLVER_\w+)='?(.*?)'?$", generate.configuration(), re.MULTILINE))
    assert len(environ) == 3
    load(None, environ)


def test_the_version_is_that_of_the_distribution() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def tags() -> list[tuple[str, str]]:
    """Each place that names a tag: the tag, and `file:line`."""
    found = []
    for path in sorted((ROOT / "resolver").rglob("*.py")):
        module = ast.parse(path.read_text())
        comments = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
        raises = any(
            isinstance(node, ast.Name) and node.id in ("ResolutionFailed", "Bogus") for node in ast.walk(module)
        )
        for node in ast.walk(module):
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)) or id(node) in comments:
                continue
            names = TAG.findall(node.value)
            if raises and re.fullmatch(r"[A-Z]{4}", node.value):
                names.append(node.value)
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            found += [(name, where) for name in names if name not in NO_TAGS]
    return found


def test_a_tag_leads_to_one_place() -> None:
    places: dict[str, list[str]] = {}
    for tag, where in tags():
        places.setdefault(tag, []).append(where)
    assert places, "the search for tags finds none"
    assert not {tag: where for tag, where in places.items() if len(where) > 1}


def test_every_tag_is_documented() -> None:
    text = (DOCS / "errors.md").read_text()
    documented = set(re.findall(r"`([A-Z]{4})`", text))
    used = {tag for tag, _ in tags()}
    assert used - documented == set(), "not in docs/errors.md"
    assert documented - used - NO_TAGS == set(), "only in docs/errors.md"


def test_every_metric_is_documented() -> None:
    async def main() -> set[str]:
        program = build(Config(), clock=VirtualClock(), entropy=SeededEntropy(1))
        names = {*program.stats(), *program._sockets.encrypted().counts()}
        await program.stop()
        return names

    documented = set(re.findall(r"^\| `([a-z0-9_.]+)` \|", (DOCS / "metrics.md").read_text(), re.MULTILINE))
    assert run(main()) | set(COUNTED) | set(filtering.COUNTED) | set(subnets.COUNTED) == documented
