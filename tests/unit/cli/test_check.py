"""What `resolver check` finds before a daemon is started with it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from resolver.cli import main


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[server]\nlisten_https = ["127.0.0.1:0"]\n',
            "server.listen_https: DNS over HTTPS takes the library h2, which is not installed; "
            "pip install 'resolverd[https]'",
        ),
        (
            '[pools.office]\nmembers = ["192.0.2.1"]\nsticky = "valkey://127.0.0.1"\n',
            "pools.office.sticky is in a store, for which a library is missing; pip install 'resolverd[valkey]', or",
        ),
    ],
)
def test_a_library_that_is_not_installed_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, text: str, said: str
):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    file = tmp_path / "resolver.toml"
    file.write_text(text)
    assert main(["check", "--config", str(file)]) == 2
    assert said in capsys.readouterr().err


def test_authorities_for_checks_that_cannot_be_read_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "ca.pem").write_text("nothing")
    file = tmp_path / "resolver.toml"
    file.write_text('[pools.office]\nmembers = ["192.0.2.1"]\ncheck = "tls"\ntls_ca = "ca.pem"\n')
    assert main(["check", "--config", str(file)]) == 2
    assert "ca.pem" in capsys.readouterr().err
