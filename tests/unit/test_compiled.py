from __future__ import annotations

import os
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from resolver import compiled
from resolver.compiled import LIBRARIES, Finder, Unusable, Unwanted, usable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of two modules, of which `wire.hot` is compiled with what it read."""
    for name in ("wire/hot.py", "message.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    code = tmp_path / compiled.DIRECTORY
    (code / "wire").mkdir(parents=True)
    for name in (compiled.SHARED, "wire/hot"):
        (code / f"{name}{EXTENSION_SUFFIXES[0]}").touch()
    text = compiled.manifest(["resolver.wire.hot"], ["wire/hot.py", "message.py"], str(tmp_path))
    (code / compiled.MANIFEST).write_text(text)
    return tmp_path


def why_not(package: Path, **environ: str) -> str:
    with pytest.raises(Unusable) as told:
        usable(str(package), environ)
    return str(told.value)


def test_what_is_compiled_is_found_in_its_own_directory_and_nothing_else_is(package: Path) -> None:
    files = usable(str(package), {})
    assert sorted(files) == ["resolver.wire.hot", compiled.SHARED]
    finder = Finder(files)
    spec = finder.find_spec("resolver.wire.hot")
    assert spec is not None
    assert spec.origin == str(package / compiled.DIRECTORY / f"wire/hot{EXTENSION_SUFFIXES[0]}")
    assert finder.find_spec("resolver.wire") is None
    assert finder.find_spec("hot") is None


@pytest.mark.parametrize("source", ["wire/hot.py", "message.py"])
def test_nothing_is_used_once_a_source_has_changed_or_gone(package: Path, source: str) -> None:
    whole = (package / source).read_text()
    (package / source).write_text(whole + "\n")
    assert why_not(package) == f"what is compiled is older than {source}"
    (package / source).unlink()
    assert why_not(package) == f"what is compiled is older than {source}"
    (package / source).write_text(whole)
    assert usable(str(package), {})


def test_nothing_is_used_that_was_compiled_for_another_python(package: Path) -> None:
    path = package / compiled.DIRECTORY / compiled.MANIFEST
    path.write_text(path.read_text().replace(EXTENSION_SUFFIXES[0], ".cpython-30.so"))
    assert why_not(package) == "compiled for another Python, .cpython-30.so"


@pytest.mark.parametrize("name", [compiled.SHARED, "wire/hot"])
def test_all_of_it_is_used_or_none(package: Path, name: str) -> None:
    (package / compiled.DIRECTORY / f"{name}{EXTENSION_SUFFIXES[0]}").unlink()
    assert "is missing" in why_not(package)


def test_the_environment_turns_it_off(package: Path) -> None:
    assert why_not(package, RESOLVER_PURE="1") == "RESOLVER_PURE is set"
    with pytest.raises(Unwanted):
        usable(str(package), {"RESOLVER_PURE": "1"})
    assert usable(str(package), {"RESOLVER_PURE": "0"}) == usable(str(package), {"RESOLVER_PURE": ""})


def test_without_the_directory_plain_python_runs(tmp_path: Path) -> None:
    assert why_not(tmp_path) == "nothing is compiled"


@pytest.mark.parametrize("text", ["\n", "source\n", "module\n", "source x\n", "\0", "suffix\n", "\xff"])
def test_a_broken_manifest_means_plain_python(package: Path, text: str) -> None:
    (package / compiled.DIRECTORY / compiled.MANIFEST).write_bytes(text.encode("latin-1"))
    assert why_not(package) == "the manifest is broken"


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_that_does_not_load_means_plain_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"\x7fELF and no more")
    monkeypatch.delitem(sys.modules, name, raising=False)
    before = list(sys.meta_path)
    with pytest.raises(Unusable, match=r"^what is compiled does not load: .*broken\.so") as told:
        compiled.load(Finder({name: str(broken)}))
    assert "\n" not in str(told.value)
    assert sys.meta_path == before


def test_what_is_wrong_is_told_with_what_to_do_and_what_is_wanted_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_found", [Unusable("it does not load")])
    assert compiled.problem() == compiled.why_not() == "it does not load"
    assert compiled.runs() == f"plain Python: it does not load; {compiled.INSTEAD}"
    monkeypatch.setattr(compiled, "_found", [Unwanted("RESOLVER_PURE is set")])
    assert (compiled.problem(), compiled.why_not()) == (None, "RESOLVER_PURE is set")
    monkeypatch.setattr(compiled, "_found", [])
    assert (compiled.problem(), compiled.why_not(), compiled.runs()) == (None, None, "compiled")


def test_pure_means_that_every_module_is_the_python_beside_it() -> None:
    script = (
        "import resolver.wire.parse, resolver.network.datagrams as d, resolver.compiled as c\n"
        "print(resolver.wire.parse.__file__, d.Batch, c.runs(), sep='|')"
    )
    environ = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "RESOLVER_PURE": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == f"{ROOT / 'resolver/wire/parse.py'}|None|plain Python: RESOLVER_PURE is set\n"
