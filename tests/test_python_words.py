"""Errors and notes of the Python functions name arguments, and no option of the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import ired_diag as ird
from app.cli.demo import sample_runs
from ired_diag.errors import DiagError
from ired_diag.python_words import in_python

OPTION = re.compile(r"(?<!\w)--[a-z]")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Choose one with --metric NAME: a, b.", "Choose one with metric='NAME': a, b."),
        ("--checkpoint 'x': expected last.", "checkpoint='x': expected last."),
        ("Choose --checkpoint last, or a step.", "Choose checkpoint='last', or a step."),
        ("--task dw.py: no.", "task='dw.py': no."),
        (
            "Name the file: --task FILE.py:FUNCTION. It is run.",
            "Name the file: task='FILE.py:FUNCTION'. It is run.",
        ),
        ("Name it: --task /a/dw.py:build. It is run.", "Name it: task='/a/dw.py:build'. It is run."),
        ("Repeat them: --set 'hidden=4'.", "Repeat them: settings={'hidden': 4}."),
        ("with --set train_steps=20.", "with settings={'train_steps': 20}."),
        ("say otherwise with --group-by KEY.", "say otherwise with grouping=Grouping(by=('KEY',))."),
        ("pass paired=True (command line: --paired).", "pass paired=True (command line: --paired)."),
        ("Compare: ired-diag stats a b --paired", "Compare: ired-diag stats a b --paired"),
        ("--metric chooses, --seeds names", "metric= chooses, seeds= names"),
        ("a--metric and --metrical stay", "a--metric and --metrical stay"),
    ],
)
def test_options_become_arguments_and_commands_stay(message: str, words: str) -> None:
    assert in_python(message) == words


def test_errors_of_the_functions_name_arguments(tmp_path: Path) -> None:
    runs = sample_runs()
    small = {"train_steps": 1, "validation_batches": 1}
    calls: list[Callable[[], object]] = [
        lambda: ird.compare("q101", "q103", runs=runs, metric="validation/mes"),
        lambda: ird.figures("q101", "q103", runs=runs, metric="validation/mes"),
        lambda: ird.diagnose(runs, metric="validation/mes"),
        lambda: ird.probe("conditioning", "q103", runs=runs, checkpoint="newest"),
        lambda: ird.probe("conditioning", "q103", runs=runs, task="other"),
        lambda: ird.compare("q101", runs=tmp_path / "none"),
        lambda: ird.train(runs=tmp_path),
        lambda: ird.train("q101", seeds=[-1], runs=tmp_path),
        lambda: ird.train("q101", settings={"seed": 3}, runs=tmp_path),
        lambda: ird.train("q101", seeds=[0], runs=runs, settings=small),
        lambda: ird.train("q101", seeds=[77], runs=tmp_path, resume=True),
        lambda: ird.train(task="other", runs=tmp_path),
        lambda: ird.train("q101", runs=tmp_path, device="tpu"),
    ]
    for call in calls:
        with pytest.raises(DiagError) as error:
            call()
        assert not OPTION.search(str(error.value)), str(error.value)


def test_a_misspelled_metric_is_answered_with_the_one_that_was_meant() -> None:
    for call in (ird.compare, ird.figures):
        with pytest.raises(DiagError, match=r"metric='validation/mes'.* Did you mean validation/mse\?"):
            call("q101", "q103", runs=sample_runs(), metric="validation/mes")


def test_notes_and_cautions_name_arguments(tmp_path: Path) -> None:
    table = tmp_path / "results.csv"
    rows = [
        f"{name},{seed},{0.5 + seed / 10 + shift}"
        for name, shift in (("a", 0), ("b", 1))
        for seed in range(4)
    ]
    table.write_text("\n".join(["experiment,seed,val_thing", *rows]))
    comparison = ird.compare(table)
    shown = [repr(comparison), comparison._repr_html_(), *comparison.frame()["cautions"]]
    assert "add paired=True" in shown[2]
    assert not any(OPTION.search(text) for text in shown)


def test_a_function_keeps_its_name_and_help() -> None:
    assert ird.compare.__name__ == "compare" and "Args:" in ird.compare.__doc__
    assert ird.compare is ird.compare
