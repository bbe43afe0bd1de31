"""Verdicts as JUnit XML, read back by a reader that knows the schema."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from resolver.errors import ScenarioError
from resolver.testing.replay.junit import Outcome, report, write
from resolver.testing.replay.verdict import Status, Verdict

CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"skipped", "failure", "error", "system-out"},
    "skipped": set(),
    "failure": set(),
    "error": set(),
    "system-out": set(),
}
"""Which elements each may have, of those that we use."""

ATTRIBUTES = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, set()),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped", "time"}, set()),
    "testcase": ({"name", "classname", "time"}, set()),
    "skipped": ({"message"}, set()),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "system-out": (set(), set()),
}
"""Which attributes each must have, and which it may."""


def check(element: Element) -> None:
    """`element`, and all in it, is as the schema says, and counts what is there."""
    must, may = ATTRIBUTES[element.tag]
    assert must <= set(element.keys()) <= must | may, element.tag
    assert {child.tag for child in element} <= CHILDREN[element.tag]
    if element.tag in ("testsuites", "testsuite"):
        for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
            assert int(element.attrib[attribute]) == len(list(element.iter(tag))), attribute
        assert float(element.attrib["time"]) >= 0
        assert int(element.get("skipped", "0")) in (0, len(list(element.iter("skipped"))))
    if element.tag == "testcase":
        assert len([child for child in element if child.tag != "system-out"]) <= 1
    for child in element:
        check(child)


def verdicts() -> list[tuple[Path, Outcome]]:
    """One of each kind."""
    passed = Verdict(Path("some/a.rpl"), Status.PASS, notes=("filled in a thing",), seconds=0.25)
    failed = Verdict(Path("some/b.rpl"), Status.FAIL, "b.rpl:3: rcode: <NOERROR> & more", ("-one", "+other"), seconds=1)
    skipped = Verdict(Path("other/c.rpl"), Status.SKIP, "needs-rpz")
    wrong = ScenarioError("no text", where="bad.rpl:1", instead="write some")
    return [*((each.path, each) for each in (passed, failed, skipped)), (Path("bad.rpl"), wrong)]


def test_a_report_is_as_the_schema_says() -> None:
    root = report(verdicts())
    check(root)
    assert [suite.get("name") for suite in root] == ["some", "other", "."]
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "time")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "time": "1.250",
    }


def test_each_verdict_has_its_element(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    write(path, verdicts())
    root = ElementTree.parse(path).getroot()
    check(root)
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert cases["a.rpl"].get("classname") == "some"
    assert [child.tag for child in cases["a.rpl"]] == ["system-out"]
    failure = cases["b.rpl"].find("failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("b.rpl:3: rcode: <NOERROR> & more", "-one\n+other")
    skipped = cases["c.rpl"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "needs-rpz"
    error = cases["bad.rpl"].find("error")
    assert error is not None
    assert error.text == "bad.rpl:1: no text; write some"


def test_names_may_have_any_characters(tmp_path: Path) -> None:
    """Octets of a path that are no UTF-8, control characters, markup, and what Unicode has no character for."""
    odd = ["a<b>&\"'.rpl", "caf\u00e9 \U0001f600.rpl", "esc\x1b[31m.rpl", "\udcff.rpl", "\ufffe\n\t.rpl", "]]>.rpl"]
    path = tmp_path / "report.xml"
    found: list[tuple[Path, Outcome]] = [
        (Path("f\x00lder") / name, Verdict(Path(name), Status.FAIL, name, (name,), (name,))) for name in odd
    ]
    write(path, found)
    root = ElementTree.parse(path).getroot()
    check(root)
    shown = [case.get("name", "") for case in root.iter("testcase")]
    assert shown[:2] == odd[:2]
    assert shown[2:] == ["esc\\u001b[31m.rpl", "\\udcff.rpl", "\\ufffe\n\t.rpl", "]]>.rpl"]
    assert root[0].get("name") == "f\\u0000lder"


def test_nothing_played_is_a_report_too() -> None:
    check(report([]))
