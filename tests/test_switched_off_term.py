"""A contrastive term that the configuration switches off and that the log has."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.finding import Finding
from ired_diag.forensics import load
from ired_diag.open import open_study
from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run

RULE = "contrastive_term"
SWITCHES: dict[str, Any] = {"use_contrastive_loss": False, "mining_strategy": "adversarial"}
TERM = 0.05 * np.abs(np.random.default_rng(0).normal(1, 0.3, 40))


def _run(config: dict[str, Any], **terms: Any) -> Run:
    return made_run("a", config=config, metrics={"val_mse": falling(40), **terms})


def _switched_off(findings: list[Finding]) -> list[str]:
    return [f.severity for f in findings if "not what switches it" in f.statement]


@pytest.mark.parametrize(
    "config",
    [
        SWITCHES,
        {"loss.use_ired_contrastive_loss": False},
        {"use_nce": "off", "energy_loss_weight": 0.05},
        {"energy_loss_weight": 0.0},
    ],
)
@pytest.mark.parametrize("name", ["diag/E_wtd", "train/nce_weighted", "weighted_contrastive_loss"])
def test_a_weighted_term_next_to_a_switch_that_is_off_is_a_warning(config: dict[str, Any], name: str) -> None:
    assert _switched_off(findings_of(RULE, [_run(config, **{name: TERM})])) == ["warning"]


def test_a_term_that_is_0_unweighted_unswitched_or_another_loss_is_left_alone() -> None:
    runs = [
        _run(SWITCHES, E_wtd=np.zeros(40)),
        _run(SWITCHES, **{"train/nce": TERM}),  # logged without being used
        _run({"mining_strategy": "adversarial"}, E_wtd=TERM),
        _run({**SWITCHES, "use_contrastive_loss": True}, E_wtd=TERM),
        _run({**SWITCHES, "use_cd_loss": True}, E_wtd=TERM),
        _run(SWITCHES, E_wtd=np.where(np.arange(40) < 5, TERM, 0.0)),
        _run({"use_langevin": False}, E_wtd=TERM),
    ]
    for run in runs:
        assert _switched_off(findings_of(RULE, [run])) == []


def _as_json_lines(folder: Path, config: dict[str, Any], rows: list[dict[str, float]]) -> None:
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "config.json").write_text(json.dumps(config))


def _as_csv(folder: Path, config: dict[str, Any], rows: list[dict[str, float]]) -> None:
    lines = [",".join(rows[0]), *(",".join(map(repr, row.values())) for row in rows)]
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n")
    (folder / "hparams.yaml").write_text("".join(f"{k}: {json.dumps(v)}\n" for k, v in config.items()))


def _as_hugging_face(folder: Path, config: dict[str, Any], rows: list[dict[str, float]]) -> None:
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": 400, "log_history": rows}))
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("write", [_as_json_lines, _as_csv, _as_hugging_face])
def test_strangers_files_are_told_when_off_and_left_alone_when_on(
    write: Callable[[Path, dict[str, Any], list[dict[str, float]]], None], tmp_path: Path
) -> None:
    curve = falling(40)
    rows = [{"step": 10 * (i + 1), "val_mse": float(curve[i]), "E_wtd": float(TERM[i])} for i in range(40)]
    for name, is_on in (("off", False), ("on", True)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, {"use_contrastive_loss": is_on, "energy_loss_weight": 0.05}, rows)
        told = list(load(RULE).find(open_study(tmp_path / name)))
        assert _switched_off(told) == ([] if is_on else ["warning"])


def test_the_archives_control_without_a_contrastive_term_logs_one(shared: Path) -> None:
    study = open_study(sorted((shared / "ired_logs").glob("ired_q207*.out")))
    (finding,) = [f for f in load(RULE).find(study) if "not what switches it" in f.statement]
    assert (finding.severity, finding.evidence["group"]) == ("warning", "q207")
