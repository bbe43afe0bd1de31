"""Compiles the hot modules to machine code when RESOLVER_ACCELERATE=1 asks for it; else nothing is built here.

    make accelerator                          # in this tree, for the daemon of `make serve`
    RESOLVER_ACCELERATE=1 pip install .       # in the installation

It takes a C compiler, the headers of Python and a minute or two. Where that fails, one line says so and what is
installed is plain Python, which does the same. What is compiled stands in a directory of its own, whose use and checks
are `resolver/compiled.py`. All else about the distribution is in pyproject.toml.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import sys
from pathlib import Path
from subprocess import CalledProcessError
from types import ModuleType

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent

MODULES = (
    *(f"cache/{name}.py" for name in ("answers", "cookies", "packed", "records", "servers", "store", "table")),
    *(f"balance/{name}.py" for name in ("policies", "pool")),
    *(f"dnssec/{name}.py" for name in ("attach", "canonical", "chain", "descent", "records", "signatures", "trust")),
    *(f"engine/{name}.py" for name in (
        "actions", "asking", "budget", "candidates", "classify", "delegation", "forwarding", "giving_up", "iteration",
        "knowledge", "outcome", "seeking",
    )),
    *(f"network/{name}.py" for name in ("brief", "shared", "sockets", "tally")),
    "observe/counters.py",
    *(f"pipeline/{name}.py" for name in (
        "cached", "conversation", "driving", "flight", "forwarded", "knowledge", "replying", "reserved", "resolved",
        "routes", "screened", "staged", "stale",
    )),
    *(f"server/{name}.py" for name in ("accounting", "flights", "options", "reading", "respond", "saying", "waiting")),
    *(f"wire/{name}.py" for name in ("compression", "names", "parse", "rdata", "render", "special", "stored")),
)  # fmt: skip
"""What a query passes through. Each that is added must earn its place in docs/performance.md."""

WRITTEN_IN_C = ("network/_datagrams.c",) if sys.platform == "linux" else ()
"""Extension modules of our own."""

OPTIMISATION = "2"
TOOLS = ["mypy>=2.4", "types-cachetools"]
WANTED = os.environ.get("RESOLVER_ACCELERATE", "0") not in ("", "0")


def rules() -> ModuleType:
    """`resolver/compiled.py`, without the import of the package."""
    spec = importlib.util.spec_from_file_location("compiled", ROOT / "resolver/compiled.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def manifest(compiled: ModuleType) -> str:
    """What is compiled and of what, the files that are read for it included."""
    sources = [*WRITTEN_IN_C, *read_by([f"resolver/{each}" for each in MODULES])]
    return str(compiled.manifest([dotted(each) for each in (*MODULES, *WRITTEN_IN_C)], sources, str(ROOT / "resolver")))


def read_by(paths: list[str]) -> list[str]:
    """The files whose types and constants go into the code of `paths`: what they import, and what that imports."""
    found: set[str] = set()
    left = list(paths)
    while left:
        path = left.pop()
        if path in found:
            continue
        found.add(path)
        for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            left += [file for name in names if name.startswith("resolver.") for file in files_of(name)]
    return sorted(Path(path).relative_to("resolver").as_posix() for path in found)


def dotted(path: str) -> str:
    """The name of the module whose source stands at `path` below the package."""
    return f"resolver.{path.rpartition('.')[0].replace('/', '.')}"


def files_of(name: str) -> list[str]:
    """The files of the package that an import of the dotted `name`, a module or something in one, runs."""
    parts = name.split(".")
    steps = ["/".join(parts[:count]) for count in range(2, len(parts) + 1)]
    return [path for step in steps for path in (f"{step}.py", f"{step}/__init__.py") if Path(path).is_file()]


def reason(error: BaseException) -> str:
    """Why it failed, in a line; a command without its many arguments."""
    failed = error if isinstance(error, CalledProcessError) else error.__cause__ or error.__context__
    if isinstance(failed, CalledProcessError) and isinstance(failed.cmd, list):
        return f"{failed.cmd[0]} ended with exit status {failed.returncode}"
    return " ".join(str(error).split()) or type(error).__name__


class Accelerator(build_ext):
    """Turns the modules into C with mypyc, compiles that, and writes the manifest."""

    def run(self) -> None:
        """The directory of machine code is there and whole, or not there at all."""
        compiled = rules()
        directory = self.directory(compiled)  # now, for `self.inplace` is not what it was where the compiler has failed
        try:
            text = manifest(compiled)  # first, so that what is edited meanwhile counts as newer
            self.generate(compiled)
            shutil.rmtree(directory, ignore_errors=True)
            for each in (*MODULES, *WRITTEN_IN_C):
                (directory / each).parent.mkdir(parents=True, exist_ok=True)
            super().run()
            (directory / compiled.MANIFEST).write_text(text, encoding="utf-8")
        except (Exception, SystemExit) as error:
            print(f"resolverd is not accelerated, plain Python is installed: {reason(error)}", file=sys.stderr)
            self.extensions = []
            shutil.rmtree(directory, ignore_errors=True)

    def generate(self, compiled: ModuleType) -> None:
        """The C code is written, and what is to be built of it decided."""
        from mypyc.build import mypycify

        paths = [f"resolver/{each}" for each in MODULES]
        target = Path(self.build_temp) / "c"
        extensions = mypycify(
            ["--config-file=", *paths],
            target_dir=str(target),
            group_name=compiled.SHARED.removesuffix("__mypyc"),
            opt_level=OPTIMISATION,
            debug_level="0",
        )
        extensions += [Extension(dotted(each), [f"resolver/{each}"]) for each in WRITTEN_IN_C]
        for each in extensions:
            each.name = f"resolver.{compiled.DIRECTORY}.{each.name.removeprefix('resolver.')}"
        self.distribution.ext_modules = extensions
        self.swig_opts = None  # as it was, for what is decided of each extension is decided again
        self.finalize_options()

    def directory(self, compiled: ModuleType) -> Path:
        """Where the machine code goes: into the tree for an editable installation, else into what is built."""
        base = ROOT if self.inplace else Path(self.build_lib)
        return base / "resolver" / compiled.DIRECTORY


if WANTED:
    setup(
        ext_modules=[Extension("resolver.machine_code", [])],
        cmdclass={"build_ext": Accelerator},
        setup_requires=TOOLS,
    )
else:
    setup()
