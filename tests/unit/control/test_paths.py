"""Where the control socket lies."""

from pathlib import Path

from resolver.config import Config
from resolver.control.paths import socket_path


def test_the_socket_lies_where_the_runtime_directory_is() -> None:
    config = Config()
    assert socket_path(config, {}) == Path("/run/resolverd/control-5300.sock")
    assert socket_path(config, {"XDG_RUNTIME_DIR": ""}) == Path("/run/resolverd/control-5300.sock")
    assert socket_path(config, {"XDG_RUNTIME_DIR": "/run/user/7"}) == Path("/run/user/7/control-5300.sock")
    assert socket_path(config, {}, 53) == Path("/run/resolverd/control-53.sock")
    assert socket_path(Config.model_validate({"control": {"path": "/x/y"}}), {}) == Path("/x/y")
