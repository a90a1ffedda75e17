"""The rule about seeds that are counted twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.forensics import diagnose, load
from ired_diag.forensics.repeated_seed import chance_of_a_pair, seed_in_name
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.run import Run
from ired_diag.seed_table_runs import open_with_tables
from tests.made_runs import falling, findings_of, made_run

RULE = "repeated_seed"


def _table(values: Any, metric: str = "val_loss") -> list[Run]:
    return [made_run("t", seed, metrics={metric: [value]}) for seed, value in enumerate(values)]


def _placed(run: Run, path: str) -> Run:
    return replace(run, path=Path(path))


def test_folders_named_by_other_seeds_than_their_configurations_state_are_a_warning() -> None:
    runs = [
        _placed(made_run("a", 0, run_name=f"r{i}", loss=falling(30, seed=i)), f"runs/seed_{i}")
        for i in range(3)
    ]
    (finding,) = findings_of(RULE, runs)
    assert (finding.severity, finding.evidence["names"], finding.evidence["seed"]) == (
        "warning",
        "0, 1, 2",
        0,
    )


def test_configurations_that_all_state_one_seed_are_a_note() -> None:
    made = [made_run("a", i, config={"seed": 0}, loss=falling(30, seed=i)) for i in range(3)]
    (finding,) = findings_of(RULE, [_placed(run, f"runs/seed{i}/log.csv") for i, run in enumerate(made)])
    assert (finding.severity, finding.evidence["runs"]) == ("note", 3)


@pytest.mark.parametrize(
    ("path", "seed"),
    [
        ("runs/seed3", 3),
        ("a/run_seed=7/log.csv", 7),
        ("a/model_s7/log.csv", None),
        ("results5/x", None),
        ("a/seed1_seed2", None),
        ("a/gpus4", None),
    ],
)
def test_the_seed_in_a_name_is_read_where_it_is_one(path: str, seed: int | None) -> None:
    assert seed_in_name(_placed(made_run("a", 0, loss=[1.0]), path)) == seed


def test_one_number_twice_in_a_table_is_a_warning() -> None:
    values = np.round(0.0097 + 0.0001 * np.random.default_rng(0).standard_normal(10), 9)
    values[7] = values[3]
    (finding,) = findings_of(RULE, _table(values))
    assert (finding.severity, finding.evidence["seeds"]) == ("warning", "seed3, seed7")


def test_a_pair_by_chance_is_as_frequent_as_told() -> None:
    rng, met, told = np.random.default_rng(1), 0, []
    for _ in range(2000):
        values = np.round(1 + rng.random(10), 2)
        met += len(np.unique(values)) < 10
        told.append(chance_of_a_pair(values))
    assert np.median(told) / (met / 2000) == pytest.approx(1, rel=0.6)


def test_values_that_may_meet_are_left_alone() -> None:
    rng = np.random.default_rng(2)
    assert findings_of(RULE, _table(np.round(0.01 + 0.001 * rng.random(10), 4)[[0, 0, *range(1, 9)]])) == []
    assert findings_of(RULE, _table([0.9132, 0.9132, 0.9148, 0.9101], "val_accuracy")) == []
    assert findings_of(RULE, _table([0.01] * 5)) == []
    again = [made_run("a", s, config={"lr": 0.1}, loss=falling(30, seed=s)) for s in (0, 1)]
    assert findings_of(RULE, again) == []


def test_one_run_in_two_groups_of_equal_settings_is_a_note() -> None:
    runs = [made_run(group, 0, config={"lr": 0.1}, loss=falling(30)) for group in ("a", "a_again")]
    (finding,) = findings_of(RULE, runs)
    assert (finding.severity, finding.evidence["other_group"]) == ("note", "a_again")


COPIED = [0.009712345, 0.009698123, 0.009731456, 0.009698123, 0.009705234, 0.009721877]
DISTINCT = [*COPIED[:3], 0.009699871, *COPIED[4:]]


def _as_long_table(values: list[float]) -> str:
    return "method,seed,mse\n" + "".join(f"ours,{seed},{value}\n" for seed, value in enumerate(values))


def _as_wide_table(values: list[float]) -> str:
    rows = (f"{seed},{value},{0.0098 + 1e-6 * seed**2}\n" for seed, value in enumerate(values))
    return "seed,ours,base\n" + "".join(rows)


def _as_metrics(values: list[float]) -> str:
    rows = (f"{seed},{value},0.9{seed}\n" for seed, value in enumerate(values))
    return "seed,val_loss,test_acc\n" + "".join(rows)


FORMS = {"long.csv": _as_long_table, "wide.csv": _as_wide_table, "metrics.csv": _as_metrics}
FORMS["table.json"] = lambda values: json.dumps({"ours": values, "base": [0.5, 0.25, 0.75]})


@pytest.mark.parametrize("form", FORMS)
def test_a_row_that_was_copied_is_told_in_every_form_of_seed_table(form: str, tmp_path: Path) -> None:
    path = tmp_path / form
    path.write_text(FORMS[form](COPIED))
    study = open_with_tables([str(path)], grouping=Grouping())
    (finding,) = [f for f in diagnose(study) if f.severity != "note"]
    assert (finding.rule, finding.evidence["seeds"]) == (RULE, "seed1, seed3")
    path.write_text(FORMS[form](DISTINCT))
    assert [
        f for f in diagnose(open_with_tables([str(path)], grouping=Grouping())) if f.severity != "note"
    ] == []


def test_a_table_next_to_runs_is_looked_at_and_opened_as_no_run(tmp_path: Path) -> None:
    rows = [{"step": i, "val_loss": float(v)} for i, v in enumerate(falling(20))]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "finals.csv").write_text(_as_wide_table(COPIED))
    study = open_with_tables([str(tmp_path)], grouping=Grouping())
    assert len(study.runs) == 1
    (finding,) = load(RULE).find(study)
    assert "finals.csv" in finding.statement


def test_tables_of_something_else_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "shares.csv").write_text("seed,accuracy\n0,0.91325\n1,0.91325\n2,0.92118\n3,0.90127\n")
    (tmp_path / "coarse.csv").write_text("seed,ours\n0,0.12\n1,0.12\n2,0.13\n3,0.14\n")
    (tmp_path / "prices.csv").write_text("item,price\na,1.23456789\nb,1.23456789\nc,2.3456789\n")
    assert diagnose(open_with_tables([str(tmp_path)], grouping=Grouping())) == []


def test_the_command_opens_a_table(tmp_path: Path) -> None:
    path = tmp_path / "finals.csv"
    path.write_text(_as_wide_table(COPIED))
    result = CliRunner().invoke(main, ["diagnose", str(path), "--fail-on", "warning"])
    assert result.exit_code == 3
    assert "seed1, seed3" in result.output
