"""Tables as other programs and people lay them out: reStructuredText, sessions, readouts, crossed groups."""

from __future__ import annotations

import numpy as np
import pytest

from ired_diag.claims import check_report
from ired_diag.claims.markdown import parts_of
from ired_diag.claims.rst_tables import with_markdown_tables
from ired_diag.claims.table import Table
from tests.runs_of_metrics import accusations, held, reasons, study_of_metrics

MODELS = {
    "baseline": {"val_loss": (3.2820, 3.2875, 3.2824, 3.2849)},
    "qknorm": {"val_loss": (3.2556, 3.2626, 3.2612, 3.2584)},
}
MODEL_RUNS = study_of_metrics(MODELS, early=0.99)
MEAN = {group: float(np.mean(by_metric["val_loss"])) for group, by_metric in MODELS.items()}
SD = {group: float(np.std(by_metric["val_loss"], ddof=1)) for group, by_metric in MODELS.items()}
A, B = f"{MEAN['baseline']:.4f}", f"{MEAN['qknorm']:.4f}"
S, T = f"{SD['baseline']:.4f}", f"{SD['qknorm']:.4f}"

PRINTED = {
    "a simple table of reStructuredText": f"""========== ======== ========
variant    val loss std
========== ======== ========
baseline   {A}   {S}
qknorm     {B}   {T}
========== ======== ========
""",
    "a grid of reStructuredText with a title": f"""Results
-------

.. table:: Validation loss, mean and sd of 4 seeds

   +----------+----------+--------+
   | variant  | val loss | sd     |
   +==========+==========+========+
   | baseline | {A}   | {S} |
   +----------+----------+--------+
   | qknorm   | {B}   | {T} |
   +----------+----------+--------+
""",
    "a grid that a program prints": f"""
+----------+---------------+--------+
| variant  | mean val_loss | std    |
+----------+---------------+--------+
| baseline | {A}        | {S} |
| qknorm   | {B}        | {T} |
+----------+---------------+--------+
""",
    "a session of IPython": f"""```
In [4]: df.groupby("variant")["val_loss"].agg(["mean", "std"])
Out[4]:
             mean     std
variant
baseline     {A}  {S}
qknorm       {B}  {T}

[2 rows x 2 columns]
```
""",
    "a session of Python": f"""```pycon
>>> summary.loc[["baseline", "qknorm"]]
          val_loss     std
baseline    {A}  {S}
qknorm      {B}  {T}
```
""",
    "a data frame with an index": f"""Validation loss over 4 seeds

             mean     std
baseline     {A}   {S}
qknorm       {B}   {T}
""",
}


@pytest.mark.parametrize("name", PRINTED)
def test_a_table_is_read_as(name: str) -> None:
    text = PRINTED[name]
    checked = check_report(text, MODEL_RUNS)
    assert accusations(checked) == []
    assert {A, B, S, T} <= set(held(checked))
    (statement,) = accusations(check_report(text.replace(B, "3.2495"), MODEL_RUNS))
    line = 1 + next(k for k, shown in enumerate(text.split("\n")) if B in shown)
    assert statement.startswith(f"line {line}, qknorm")


def test_a_row_of_several_lines_in_a_grid_is_one_row() -> None:
    text = (
        "+---------+-------+\n| name    | loss  |\n+=========+=======+\n"
        "| a long  | 0.10  |\n| name    |       |\n+---------+-------+\n"
        "| b       | 0.20  |\n+---------+-------+\n"
    )
    (table,) = [part for part in parts_of(text) if isinstance(part, Table)]
    assert [cells for _, cells in table.rows] == [("a long name", "0.10"), ("b", "0.20")]
    assert [line for line, _ in table.rows] == [4, 7]


def test_rules_that_are_no_table_stay_as_they_are() -> None:
    for text in (
        "A\n=====\n\nB\n",
        "==== ====\nonly a head\n",
        "+---+\n| a |\n",
        "+--+--+\n| a |\n+--+--+\n",
    ):
        assert with_markdown_tables(text) == text


HOPPER = {
    "ppo": {"eval_return": (2810.0, 2935.0, 3052.0, 2890.0)},
    "sac": {"eval_return": (3120.0, 3410.0, 3302.0, 3488.0)},
}
HOPPER_RUNS = study_of_metrics(HOPPER, early=1.1)
LAST = {group: np.array(by_metric["eval_return"]) for group, by_metric in HOPPER.items()}


def _row(group: str, *factors: float) -> str:
    cells = [f"{(f * LAST[group]).mean():.0f} ({(f * LAST[group]).std(ddof=1):.0f})" for f in factors]
    return f"| {group} | {' | '.join(cells)} |"


READOUTS = (
    "Evaluation return: the last evaluation, and the best of each run "
    "(both averaged over 4 seeds, standard deviation in brackets).\n\n"
    f"| | Last | Best |\n|---|---|---|\n{_row('ppo', 1, 1.1)}\n{_row('sac', 1, 1.1)}\n"
)


def test_columns_last_and_best_are_means_of_two_readouts() -> None:
    checked = check_report(READOUTS, HOPPER_RUNS)
    assert accusations(checked) == []
    kinds = [v.claim.kind for v in checked.verdicts if v.claim.table and v.outcome == "holds"]
    assert kinds == ["mean", "sd"] * 4
    best_of_sac = f"{(1.1 * LAST['sac']).mean():.0f}"
    wrong = READOUTS.replace(best_of_sac, "3892")
    (statement,) = accusations(check_report(wrong, HOPPER_RUNS))
    assert "best evaluations" in statement
    swapped = READOUTS.replace("| Last | Best |", "| Best | Last |")
    assert len(accusations(check_report(swapped, HOPPER_RUNS))) >= 4


CROSSED = {
    "ETTh1/dlinear": {"mse": (0.459, 0.444, 0.451)},
    "ETTh1/patchtst": {"mse": (0.421, 0.418, 0.424)},
    "weather/dlinear": {"mse": (0.250, 0.247, 0.253)},
    "weather/patchtst": {"mse": (0.233, 0.235, 0.231)},
}
CROSSED_RUNS = study_of_metrics(CROSSED)
BY_MODEL = """MSE, mean of 3 seeds.

| Model | ETTh1 | weather |
|---|---|---|
| DLinear | 0.451 | 0.250 |
| PatchTST | 0.421 | 0.233 |
"""
BY_DATA_SET = """MSE, mean of 3 seeds.

| Data | DLinear | PatchTST |
|---|---|---|
| ETTh1 | 0.451 | 0.421 |
| weather | 0.250 | 0.233 |
"""
WITH_SD = """MSE (mean ± sd over 3 seeds)

| Model | ETTh1 | weather |
|---|---|---|
| DLinear | 0.451 ± 0.008 | 0.250 ± 0.003 |
| PatchTST | 0.421 ± 0.003 | 0.233 ± 0.002 |
"""


@pytest.mark.parametrize("text", [BY_MODEL, BY_DATA_SET, WITH_SD])
def test_rows_and_columns_that_name_groups_together_are_read(text: str) -> None:
    checked = check_report(text, CROSSED_RUNS)
    assert accusations(checked) == []
    means = [v for v in checked.verdicts if v.claim.kind == "mean"]
    assert [v.outcome for v in means] == ["holds"] * 4
    (statement,) = accusations(check_report(text.replace("0.421", "0.433"), CROSSED_RUNS))
    assert "ETTh1/patchtst" in statement


def test_columns_that_name_no_group_are_not_crossed_with_the_rows() -> None:
    text = "| Model | Traffic | Solar |\n|---|---|---|\n| DLinear | 0.451 | 0.250 |\n"
    assert check_report(text, CROSSED_RUNS).verdicts == []


SEEDS = [
    "| arch | s0 | s1 | s2 | s3 |\n|---|---|---|---|---|\n",
    "| arch / seed | 0 | 1 | 2 | 3 |\n|---|---|---|---|---|\n",
    "Final val loss by seed\n\n| arch | 0 | 1 | 2 | 3 |\n|---|---|---|---|---|\n",
]


@pytest.mark.parametrize("head", SEEDS)
def test_seeds_as_columns_are_held_against_their_runs(head: str) -> None:
    rows = [f"| {group} | {' | '.join(f'{v:.4f}' for v in m['val_loss'])} |" for group, m in MODELS.items()]
    text = head + "\n".join(rows) + "\n"
    checked = check_report(text, MODEL_RUNS)
    assert accusations(checked) == []
    assert len(held(checked)) == 8
    assert len(accusations(check_report(text.replace("3.2626", "3.2526"), MODEL_RUNS))) == 1


CHANGES = [
    "Final return (mean over 4 seeds) and the difference from PPO.\n\n"
    "| Method | Return | SD | Δ |\n|---|---|---|---|\n"
    "| ppo | 2922 | 101 | -- |\n| sac | 3330 | 160 | +{change} |\n",
    "| Method | Return | Δ |\n|---|---|---|\n| ppo | 2922 | — |\n| sac | 3330 | {change} |\n",
    "| Method | Return | Δ vs. PPO |\n|---|---|---|\n| PPO | 2922 | ref |\n| SAC | 3330 | +{change} |\n",
]


@pytest.mark.parametrize("text", CHANGES)
def test_a_change_from_the_row_with_a_dash_is_held_against_the_means(text: str) -> None:
    assert accusations(check_report(text.format(change=408), HOPPER_RUNS)) == []
    assert any("means differ" in s for s in accusations(check_report(text.format(change=293), HOPPER_RUNS)))


def test_changes_from_row_to_row_are_not_held_against_the_first_row() -> None:
    finals = {
        "a": {"val_loss": (0.50, 0.52)},
        "b": {"val_loss": (0.45, 0.47)},
        "c": {"val_loss": (0.42, 0.44)},
    }
    text = (
        "| m | val loss | Δ |\n|---|---|---|\n| a | 0.51 | -- |\n| b | 0.46 | -0.05 |\n| c | 0.43 | -0.03 |\n"
    )
    checked = check_report(text, study_of_metrics(finals))
    assert accusations(checked) == []
    assert "from which row" in reasons(checked)


RANGES = """| | PPO | SAC |
|---|---|---|
| mean | 2922 | 3330 |
| sd | 101 | 160 |
| range | 2810\u20133052 | 3120\u20133488 |
"""


def test_a_row_of_ranges_does_not_hide_the_rows_next_to_it() -> None:
    for text in (RANGES, RANGES.replace("| range |", "| min\u2013max |")):
        checked = check_report(text, HOPPER_RUNS)
        assert accusations(checked) == []
        assert {"2922", "3330"} <= set(held(checked))
        assert len(accusations(check_report(text.replace("3330", "3430"), HOPPER_RUNS))) == 1
