"""Decides whether the hot modules run as machine code or as the Python that stands beside it.

`make accelerator`, or `RESOLVER_ACCELERATE=1 pip install .`, compiles the modules that `setup.py` lists into the
directory `resolver/machine_code`, with a manifest. The import of `resolver` puts a finder first that takes them from
there; without the directory it costs one call of the system, and each module is the Python of its own file.

Rules
* All of them or none: they call one another without going through Python, so one that is replaced would be passed by.
* Never what is older than its source: the manifest has the hash of each file of the package whose types or constants
  went into the code, as Python itself tells stale byte code (PEP 552). When one differs, plain Python runs.
* Never what does not load: the libraries are loaded at once, a millisecond that the first compiled module would take.
* `RESOLVER_PURE=1` turns it off. `resolver --version` says which it is and why, `runtime.compiled` of the stats which;
  a daemon that finds something compiled and cannot use it warns of it.

Limits: hashing takes a fraction of a millisecond of the start. The directory is trusted as the sources beside it are.
A stub of a module that does not load though its library does, such as one that was cut short, is an `ImportError`.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import source_hash
from types import ModuleType
from typing import Final

PACKAGE: Final = os.path.dirname(os.path.abspath(__file__))
DIRECTORY: Final = "machine_code"
MANIFEST: Final = "manifest"
SHARED: Final = "resolverd__mypyc"
"""The library with the code of all modules; each module is a stub that begins its part of it."""

LIBRARIES: Final = (SHARED, "resolver.network._datagrams")
"""What is loaded to see whether it can be: the code of all modules, and what is written in C where there is some."""

INSTEAD: Final = "`make accelerator` builds it anew, RESOLVER_PURE=1 does without"

_found: Final[list[Unusable]] = []
"""Why plain Python runs, unless this is empty."""


class Unusable(Exception):
    """Plain Python runs; its text says why."""


class Unwanted(Unusable):
    """Nothing is compiled, or it is not to be used: nothing is wrong."""


class Finder:
    """Finds the modules of `files`, a path for each name, and no others."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where the module `name` is loaded from; None for one that is not compiled."""
        file = self.files.get(name)
        if file is None:
            return None
        return ModuleSpec(name, ExtensionFileLoader(name, file), origin=file)


def digest(source: bytes) -> str:
    """What stands in a manifest for a file with these octets."""
    return source_hash(source).hex()


def manifest(modules: Sequence[str], sources: Sequence[str], package: str = PACKAGE) -> str:
    """The text that says that `modules`, dotted names, were compiled from `sources`, paths below `package`."""
    lines = [f"suffix {EXTENSION_SUFFIXES[0]}", *(f"module {name}" for name in modules)]
    for source in sources:
        with open(os.path.join(package, source), "rb") as file:
            lines.append(f"source {digest(file.read())} {source}")
    return "\n".join(lines) + "\n"


def usable(package: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The file of each compiled module of `package`. Raises `Unusable` where plain Python is to run."""
    if environ.get("RESOLVER_PURE", "0") not in ("", "0"):
        raise Unwanted("RESOLVER_PURE is set")
    directory = os.path.join(package, DIRECTORY)
    try:
        with open(os.path.join(directory, MANIFEST), encoding="utf-8") as file:
            lines = [line.split(" ", 2) for line in file.read().splitlines()]
    except OSError:
        raise Unwanted("nothing is compiled") from None
    except UnicodeDecodeError:
        raise Unusable("the manifest is broken") from None
    suffix = EXTENSION_SUFFIXES[0]
    files = {SHARED: os.path.join(directory, SHARED + suffix)}
    for line in lines:
        match line:
            case ["suffix", made_for]:
                if made_for != suffix:
                    raise Unusable(f"compiled for another Python, {made_for}")
            case ["module", name]:
                files[name] = os.path.join(directory, *name.split(".")[1:]) + suffix
            case ["source", expected, source]:
                _check(package, source, expected)
            case _:
                raise Unusable("the manifest is broken")
    if len(files) == 1:
        raise Unusable("the manifest is broken")
    for name, path in files.items():
        if not os.path.exists(path):
            raise Unusable(f"the compiled {name} is missing")
    return files


def _check(package: str, source: str, expected: str) -> None:
    try:
        with open(os.path.join(package, source), "rb") as file:
            found = digest(file.read())
    except OSError:
        found = ""
    if found != expected:
        raise Unusable(f"what is compiled is older than {source}")


def load(finder: Finder) -> None:
    """`finder` is asked first from now on. Raises `Unusable` where a library of it does not load; then it is not."""
    sys.meta_path.insert(0, finder)
    for name in LIBRARIES:
        if name not in finder.files:
            continue
        try:
            importlib.import_module(name)
        except Exception as wrong:  # whatever the library itself may raise, too
            sys.meta_path.remove(finder)
            text = " ".join(str(wrong).split()) or type(wrong).__name__
            raise Unusable(f"what is compiled does not load: {text}") from None


def install() -> None:
    """The compiled modules are imported from now on, where they may be. For `resolver/__init__.py`."""
    try:
        load(Finder(usable(PACKAGE, os.environ)))
    except Unusable as why:
        _found.append(why)


def why_not() -> str | None:
    """Why plain Python runs; None where the compiled modules do."""
    return str(_found[0]) if _found else None


def problem() -> str | None:
    """Why what is compiled is not used, though it is meant to be; None where nothing is wrong."""
    return why_not() if _found and not isinstance(_found[0], Unwanted) else None


def runs() -> str:
    """What runs, for people: `compiled`, or `plain Python`, the reason, and what to do where something is wrong."""
    why = why_not()
    if why is None:
        return "compiled"
    return f"plain Python: {why}" if problem() is None else f"plain Python: {why}; {INSTEAD}"
