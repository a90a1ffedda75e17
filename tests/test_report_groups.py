"""The table of a report's groups, labels in its sentences, and that it says nothing twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.report_content import _each_once
from app.report_groups import group_table, with_labels_in
from ired_diag.runs.ending import Ending
from ired_diag.runs.history import History
from ired_diag.runs.run import Run


def run_of(name: str, seed: int, **configuration: Any) -> Run:
    settings = {"experiment_name": name, "seed": seed, **configuration}
    return silent_run(name, seed, configuration=settings, identity_keys=frozenset({"seed"}))


def silent_run(name: str, seed: int, **more: Any) -> Run:
    return Run(
        experiment=name, seed=seed, path=Path(name), history=History(), ending=Ending("complete"), **more
    )


def test_the_table_has_the_settings_that_differ_and_folds_those_that_do_not() -> None:
    groups = {
        "ours": [run_of("q1", seed, lr=0.1, layers=[2, 3], rank=8) for seed in range(3)],
        "q2": [run_of("q2", seed, lr=0.2, layers=[2, 3], rank=8) for seed in range(2)],
    }
    table = group_table(groups, {"ours": "q1", "q2": "q2"})
    assert table.columns == ("group", "name in the logs", "runs", "lr")
    assert table.rows == (("ours", "q1", "3", "0.1"), ("q2", "q2", "2", "0.2"))
    assert table.shared == (("layers", "[2, 3]"), ("rank", "8"))
    assert table.note == ""


def test_a_setting_that_differs_within_a_group_has_all_its_values_or_their_number() -> None:
    several = [run_of("a", seed, lr=0.1 * (1 + seed % 2), width=seed) for seed in range(5)]
    table = group_table({"a": several, "b": [run_of("b", 0, lr=0.7, width=9)]}, {})
    cells = dict(zip(table.columns, table.rows[0], strict=True))
    assert (cells["lr"], cells["width"]) == ("0.1, 0.2", "5 values")


def test_what_logs_do_not_state_is_said_to_be_unknown() -> None:
    silent = [silent_run("a", 0)]
    table = group_table({"a": silent, "b": silent}, {})
    assert table.columns == ("group", "runs") and "unknown" in table.note
    partly = group_table({"a": silent, "b": [run_of("b", 0, lr=0.1)]}, {})
    assert partly.rows[0][-1] == "-" and "some groups" in partly.note


@pytest.mark.parametrize(
    ("text", "labelled"),
    [
        ("q103: ends lastingly", "ours: ends lastingly"),
        ("between q101 and q103.", "between q101 and ours."),
        ("q103's mean", "ours's mean"),
        (
            "q103/seed0 and runs/q103, q103@x, q1031, q103-b",
            "q103/seed0 and runs/q103, q103@x, q1031, q103-b",
        ),
    ],
)
def test_labels_stand_for_groups_and_never_in_names_of_runs(text: str, labelled: str) -> None:
    assert with_labels_in(text, {"ours": "q103", "q101": "q101"}) == labelled


def test_a_caveat_is_said_once() -> None:
    caveats = ["One seed only.", "No plateau.", "One seed only.", "It is small."]
    assert _each_once(caveats, ["a and b: undecided. It is small."]) == ["One seed only.", "No plateau."]
