"""The collected cases of reports: each wrong sentence is found, and no right one is accused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ired_diag.claims import Checked, check_report
from ired_diag.open import open_study
from ired_diag.runs.study import Study

CASES = ("r1_per_seed_summary", "r2_mean_std_contrasts", "r4_welch_from_means")


@pytest.fixture(scope="module")
def logs(shared: Path) -> Study:
    return open_study(shared / "ired_logs")


@pytest.fixture(scope="module")
def cases(shared: Path) -> Path:
    folder = shared / "cases"
    if not folder.exists():
        pytest.skip("the collected cases are not here")
    return folder


def accusations(checked: Checked) -> list[str]:
    return [f.statement for f in checked.findings if f.severity != "note"]


def test_every_wrong_sentence_is_found_and_no_right_one_is_accused(cases: Path, logs: Study) -> None:
    sentences = json.loads((cases / "claims" / "sentences.json").read_text())
    missed, accused = [], []
    for case in sentences:
        faults = accusations(check_report(case["text"], logs))
        if case["right"] and faults:
            accused.append((case["text"], faults))
        if not case["right"] and not faults:
            missed.append(case["text"])
    assert (missed, accused) == ([], [])


@pytest.mark.parametrize("case", CASES)
def test_a_right_report_is_left_alone_and_each_planted_line_is_found(cases: Path, case: str) -> None:
    right = (cases / case / "report.md").read_text()
    planted = (cases / case / "planted.md").read_text()
    assert accusations(check_report(right)) == []
    changed = {
        number
        for number, (old, new) in enumerate(
            zip(right.splitlines(), planted.splitlines(), strict=True), start=1
        )
        if old != new
    }
    lines = {finding.evidence["line"] for finding in check_report(planted).findings}
    assert lines == changed


def evidence(text: str, rule: str) -> list[Any]:
    """Return line and recomputed number of each finding of a rule."""
    findings = [f for f in check_report(text).findings if f.rule == f"claim_{rule}"]
    return [(f.evidence["line"], float(f.evidence.get("recomputed") or 0)) for f in findings]


def test_the_self_contradictions_of_small_reports_are_found_with_the_right_number(cases: Path) -> None:
    a, b, c, d = ((cases / "r5_simple_self_check" / f"{name}.md").read_text() for name in "abcd")
    assert evidence(a, "mean") == [(3, pytest.approx(0.26172))]
    assert evidence(a, "population_sd") == [(3, pytest.approx(0.0139, abs=5e-5))]
    assert evidence(b, "mean") == [(8, pytest.approx(0.26172))]
    assert evidence(b, "population_sd") == [(9, pytest.approx(0.0114, abs=5e-5))]
    assert {line for line, _ in evidence(b, "t") + evidence(b, "p")} == {11}
    assert [line for line, _ in evidence(c, "p")] == [3, 6]
    assert evidence(c, "p")[0][1] == pytest.approx(0.0011, abs=5e-5)
    lines = {f.evidence["line"] for f in check_report(d).findings}
    assert {3, 6} <= lines
