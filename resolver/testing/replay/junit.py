"""Decides how verdicts are written for machines: as JUnit XML, which build servers read.

Rules: a folder is a suite, a file a case in it. A FAIL is a `failure` with the difference and the messages; a SKIP is
`skipped` with its reason; a file that is malformed is an `error` with its line. Notes stand in `system-out`. Times are
seconds of the real world. Only elements and attributes of the schema that Jenkins publishes are used.

Limits: XML 1.0 has no way to write most control characters, nor halves of surrogates, which a path may hold: they are
written as an escape, such as `\\u001b`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from resolver.errors import ScenarioError
from resolver.testing.replay.verdict import Status, Verdict

_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What is no Char of XML 1.0, section 2.2."""

Outcome = Verdict | ScenarioError
"""What came of a file: a verdict, or why there is none."""


def write(path: Path, outcomes: Sequence[tuple[Path, Outcome]]) -> None:
    """The file `path` has what came of each scenario. Raises OSError."""
    tree = ElementTree.ElementTree(report(outcomes))
    ElementTree.indent(tree)
    with path.open("wb") as file:
        tree.write(file, encoding="utf-8", xml_declaration=True)
        file.write(b"\n")


def report(outcomes: Iterable[tuple[Path, Outcome]]) -> Element:
    """What came of each scenario as an element `testsuites`."""
    folders: dict[str, list[tuple[Path, Outcome]]] = {}
    for path, outcome in outcomes:
        folders.setdefault(str(path.parent), []).append((path, outcome))
    root = Element("testsuites", name="resolver replay")
    for folder, held in folders.items():
        suite = SubElement(root, "testsuite", name=_text(folder))
        for path, outcome in held:
            _case(suite, folder, path, outcome)
        _total(suite, suite.iter("testcase"))
        suite.set("skipped", str(sum(case.find("skipped") is not None for case in suite)))
    _total(root, root.iter("testcase"))
    return root


def _case(suite: Element, folder: str, path: Path, outcome: Outcome) -> None:
    classname = ".".join(part for part in Path(folder).parts if part not in ("/", ".", ".."))
    case = SubElement(suite, "testcase", classname=_text(classname or "scenarios"), name=_text(path.name))
    if isinstance(outcome, ScenarioError):
        case.set("time", "0.000")
        error = SubElement(case, "error", message=_text(str(outcome)), type="malformed")
        error.text = _text(str(outcome))
        return
    case.set("time", f"{outcome.seconds:.3f}")
    if outcome.status is Status.SKIP:
        SubElement(case, "skipped", message=_text(outcome.reason))
    elif outcome.status is Status.FAIL:
        failure = SubElement(case, "failure", message=_text(outcome.reason), type="scenario")
        failure.text = _text("\n".join(outcome.lines))
    if outcome.notes:
        SubElement(case, "system-out").text = _text("\n".join(f"note: {note}" for note in outcome.notes))


def _total(element: Element, cases: Iterable[Element]) -> None:
    """`element` says how many `cases` there are, of which kinds, and how long they took."""
    held = list(cases)
    element.set("tests", str(len(held)))
    element.set("failures", str(sum(case.find("failure") is not None for case in held)))
    element.set("errors", str(sum(case.find("error") is not None for case in held)))
    element.set("time", f"{sum(float(case.get('time', 0)) for case in held):.3f}")


def _text(text: str) -> str:
    return _NO_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
