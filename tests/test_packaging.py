"""What `pip install .` installs is what stands in the tree."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_package_of_the_tree_is_in_the_distribution():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    there = {
        ".".join(init.parent.relative_to(ROOT).parts)
        for init in (ROOT / "resolver").rglob("__init__.py")
        if "zones" not in init.parts
    }
    assert set(listed) == there | {"resolver.zones"}
