from __future__ import annotations

import json
import shutil

import pytest


@pytest.mark.parametrize(("name", "package"), [("dig", "bind9-dnsutils"), ("kdig", "knot-dnsutils"), ("nsd", "nsd")])
def test_a_missing_program_is_a_skip_that_names_its_package_and_a_failure_in_the_gate(
    program, monkeypatch, name, package
):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.delenv("RESOLVER_CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=package):
        program(name)
    monkeypatch.setenv("RESOLVER_CI", "1")
    with pytest.raises(pytest.fail.Exception, match=package):
        program(name)


def test_a_program_that_is_there_is_its_path(program, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert program("dig") == "/usr/bin/dig"


def test_a_missing_library_is_a_skip_and_a_failure_in_the_gate(library, monkeypatch):
    monkeypatch.delenv("RESOLVER_CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no_such_library"):
        library("no_such_library")
    monkeypatch.setenv("RESOLVER_CI", "1")
    with pytest.raises(pytest.fail.Exception, match="no_such_library"):
        library("no_such_library")
    assert library("json") is json
