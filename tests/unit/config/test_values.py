"""How values are shown to whoever wrote them."""

from __future__ import annotations

from pathlib import Path

from resolver.config.values import MAX_PATH, shown_path


def test_of_a_long_path_the_end_is_shown() -> None:
    deep = Path("/" + "/".join(["directory"] * 20), "hierarchy\n.toml")
    assert shown_path(deep).endswith('directory/hierarchy\\n.toml"')
    assert shown_path(deep).startswith('"/directory/')
    text = shown_path(Path("/" + "a" * 1000, "end"))
    assert len(text) == MAX_PATH
    assert text.startswith('"...aaa')
    assert text.endswith('a/end"')
