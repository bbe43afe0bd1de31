from __future__ import annotations

import builtins

import pytest

from resolver.network import descriptors

resource = pytest.importorskip("resource")


@pytest.fixture
def limits(monkeypatch):
    """The limits of a process that is not this one: (soft, hard), and whether they may be changed."""
    state = {"now": (256, 4096), "may": True}

    def setrlimit(which, wanted):
        assert which == resource.RLIMIT_NOFILE
        if not state["may"]:
            raise ValueError("not allowed")
        state["now"] = wanted

    monkeypatch.setattr(resource, "getrlimit", lambda which: state["now"])
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    return state


def test_the_soft_limit_becomes_the_hard_one(limits):
    assert descriptors.limit() == 256
    assert descriptors.raise_limit() == (256, 4096)
    assert limits["now"] == (4096, 4096)
    assert descriptors.raise_limit() == (4096, 4096)


def test_where_it_cannot_be_raised_it_stays(limits):
    limits["may"] = False
    assert descriptors.raise_limit() == (256, 256)


def test_without_a_limit_a_good_number_is_assumed(limits):
    limits["now"] = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    assert descriptors.raise_limit() == (descriptors.UNKNOWN, descriptors.UNKNOWN)


def test_a_system_that_tells_of_no_limit_is_assumed_to_have_a_good_one(monkeypatch):
    real = builtins.__import__

    def importing(name, *rest):
        if name == "resource":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", importing)
    assert descriptors.limit() == descriptors.UNKNOWN
    assert descriptors.raise_limit() == (descriptors.UNKNOWN, descriptors.UNKNOWN)
