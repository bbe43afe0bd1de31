"""The version of the program: the one that `pyproject.toml` gives the distribution."""

from typing import Final

VERSION: Final = "0.1.0"
