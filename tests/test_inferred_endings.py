"""A cause that is told for one job is inferred for siblings that died at the same place, and marked so."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ired_diag.open import open_study
from ired_diag.readers.endings import settle_endings
from ired_diag.runs.ending import Ending, State
from ired_diag.runs.history import History, Row
from ired_diag.runs.run import Run


def attempt(
    name: str,
    line: str = "Starting the program with seed 0...",
    *,
    state: State = "cut_off",
    commit: str = "abcdef1",
    rows: tuple[Row, ...] = (),
    configured: bool = False,
) -> Run:
    return Run(
        path=Path(name),
        sources=(Path(name),),
        experiment="q1",
        seed=0,
        configuration={} if configured else None,
        history=History.of(rows),
        ending=Ending(state, "why" if state != "cut_off" else ""),
        provenance={"job": "1", "git_commit": commit},
        last_line=line,
    )


DEAD = attempt("dead.out", state="argument_error")


def test_the_cause_is_inferred_from_the_same_line_at_the_same_commit_and_names_its_source() -> None:
    same = settle_endings([DEAD, attempt("a.out", "Starting the program with seed 7...")])[1].ending
    assert (same.state, same.inferred) == ("argument_error", True)
    assert "dead.out" in same.detail
    assert same.label == "failed: argument_error (inferred)"


@pytest.mark.parametrize(
    "other",
    [
        attempt("other commit", commit="1234567"),
        attempt("another place", "Now training a network of many layers for long"),
        attempt("it trained", rows=(Row(1, {"x": 1.0}),)),
        attempt("no last line", ""),
        attempt(
            "like the other, but further", "Starting the program with adversarial seed 0...", configured=True
        ),
    ],
    ids=lambda a: str(a.path),
)
def test_nothing_is_inferred_otherwise(other: Run) -> None:
    assert settle_endings([DEAD, other])[1].ending == other.ending


def test_siblings_that_disagree_prove_nothing() -> None:
    other = attempt("b", state="traceback")
    assert settle_endings([DEAD, other, attempt("c")])[2].ending.state == "cut_off"


def test_causes_that_come_at_any_place_are_not_inferred() -> None:
    assert settle_endings([attempt("a", state="time_limit"), attempt("b")])[1].ending.state == "cut_off"


def test_every_failed_submission_of_the_study_is_named_by_cause(shared: Path) -> None:
    study = open_study(shared / "ired_logs")
    for group in ("q101", "q102", "q103"):
        causes = Counter(a.ending.state for run in study.select(group) for a in run.attempts)
        assert causes == {"argument_error": 10, "file_not_found": 10}, group
