"""The rule about settings out of line: slips are told, sweeps and choices are left alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ired_diag.forensics import load
from ired_diag.open import open_study
from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run

RULE = "setting_slip"


def _run(group: str, *, inputs: int | None = None, **config: Any) -> Run:
    told = {"rank": 20, "lr": 1e-4, "batch_size": 2048, "dropout": 0.1, **config}
    provenance = {"input_dimension": inputs} if inputs else {}
    return made_run(group, config=told, provenance=provenance, val_loss=falling(20))


def _family(**odd: Any) -> list[Run]:
    others = [_run(f"q{201 + i}", mode=mode) for i, mode in enumerate(("a", "b", "a", "b"))]
    return [*others, _run("q220", mode="c", **odd)]


@pytest.mark.parametrize(("key", "value"), [("rank", 220), ("batch_size", 20488), ("rank", 270)])
def test_one_digit_too_many_is_a_warning(key: str, value: float) -> None:
    (finding,) = findings_of(RULE, _family(**{key: value}))
    assert (finding.severity, finding.evidence["key"], finding.evidence["value"]) == ("warning", key, value)
    assert finding.evidence["others"] == 4


def test_a_number_far_from_all_siblings_is_a_note() -> None:
    (finding,) = findings_of(RULE, _family(lr=0.01))
    assert (finding.severity, finding.evidence["key"]) == ("note", "lr")


def test_choices_and_sweeps_are_left_alone() -> None:
    assert findings_of(RULE, _family(rank=30)) == []
    assert findings_of(RULE, _family(rank=220, notes="a rank of 220, to see how it scales")) == []
    assert findings_of(RULE, _family(lr=0.01, description="higher lr")) == []
    sweep = [_run(f"s{rank}", mode="x", rank=rank) for rank in (10, 40, 220)]
    assert findings_of(RULE, [*_family(), *sweep]) == []
    alone = [_run(f"a{i}", seeds=1) for i in range(4)]
    assert findings_of(RULE, [*alone, _run("b", seeds=1, lr=0.01)]) == []
    assert findings_of(RULE, [_run("a"), _run("b", mode="x", rank=220)]) == []
    halves = [_run(f"h{i}", mode=str(i // 2), lr=(1e-4, 1e-2)[i % 2]) for i in range(8)]
    assert findings_of(RULE, halves) == []


def test_inputs_that_are_not_those_of_the_rank_are_a_warning() -> None:
    (finding,) = findings_of(RULE, [_run("a", inputs=48400), _run("b", inputs=400)])
    assert (finding.severity, finding.evidence["inputs"]) == ("warning", 48400)


def test_the_inputs_of_every_seed_are_read() -> None:
    seeds = [replace(_run("a", inputs=400 if seed != 3 else 48400), seed=seed) for seed in range(5)]
    (finding,) = findings_of(RULE, seeds)
    assert finding.runs == ("a/seed3",)
    assert "the log of seed3 prints inputs of 48400" in finding.statement


def test_the_archives_sweep_of_rank_220_is_told_with_the_inputs_of_its_log(shared: Path) -> None:
    for folders in (["ired_logs_2"], ["ired_logs", "ired_logs_2"]):
        found = findings_of(RULE, open_study([shared / folder for folder in folders]).runs)
        (slip,) = [finding for finding in found if finding.severity == "warning"]
        assert (slip.evidence["key"], slip.evidence["value"], slip.evidence["inputs"]) == ("rank", 220, 48400)


def _seeds(batch_size: int, count: int, *, group: str = "ours", **config: Any) -> list[Run]:
    told = {"lr": 1e-4, "batch_size": batch_size, **config}
    return [made_run(group, seed, config=told, val_loss=falling(20, seed=seed)) for seed in range(count)]


@pytest.mark.parametrize(("odd", "usual"), [(521, 512), (1042, 1024), (265, 256), (2084, 2048)])
def test_two_digits_exchanged_are_a_warning_though_nothing_else_differs(odd: int, usual: int) -> None:
    (finding,) = findings_of(RULE, [*_seeds(usual, 4), *_seeds(odd, 1, group="other")])
    assert (finding.severity, finding.evidence["value"], finding.evidence["usual"]) == ("warning", odd, usual)
    assert "exchanged two digits" in finding.statement
    (among_groups,) = findings_of(RULE, _family(batch_size=2084))
    assert among_groups.evidence["value"] == 2084


def test_exchanged_digits_that_may_be_meant_are_left_alone() -> None:
    assert findings_of(RULE, [*_seeds(512, 4), *_seeds(521, 1, group="batch521")]) == []
    assert (
        findings_of(RULE, [*_seeds(512, 4), *_seeds(521, 1, group="b", notes="521 is all that fits")]) == []
    )
    assert findings_of(RULE, [*_seeds(512, 2), *_seeds(521, 1, group="b")]) == []  # which of them is usual
    assert findings_of(RULE, [*_seeds(512, 3), *_seeds(521, 3, group="b")]) == []
    assert findings_of(RULE, [*_seeds(123, 4), *_seeds(132, 1, group="b")]) == []
    assert findings_of(RULE, [*_seeds(12, 4), *_seeds(21, 1, group="b")]) == []
    sweep = [run for i, size in enumerate((128, 256, 512, 521)) for run in _seeds(size, 3, group=f"s{i}")]
    assert findings_of(RULE, sweep) == []


def _curve(folder: Path) -> Any:
    return falling(20, seed=sum(map(ord, folder.name)))


def _as_json_lines(folder: Path, size: int) -> None:
    rows = [{"step": i, "val_loss": float(v)} for i, v in enumerate(_curve(folder))]
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "config.json").write_text(json.dumps({"lr": 0.1, "batch_size": size}))


def _as_lightning(folder: Path, size: int) -> None:
    rows = [f"{i},{10 * i},{v}" for i, v in enumerate(_curve(folder))]
    (folder / "metrics.csv").write_text("\n".join(["epoch,step,val_loss", *rows]) + "\n")
    (folder / "hparams.yaml").write_text(f"lr: 0.1\ndata:\n  batch_size: {size}\n")


def _as_hugging_face(folder: Path, size: int) -> None:
    rows = [{"step": 10 * i, "epoch": float(i), "eval_loss": float(v)} for i, v in enumerate(_curve(folder))]
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": 190, "log_history": rows}))
    (folder / "args.json").write_text(json.dumps({"lr": 0.1, "per_device_train_batch_size": size}))


@pytest.mark.parametrize("write", [_as_json_lines, _as_lightning, _as_hugging_face])
def test_one_of_five_strangers_runs_with_exchanged_digits_is_told(
    write: Callable[[Path, int], None], tmp_path: Path
) -> None:
    for study, odd in (("slip", 521), ("same", 512)):
        for place, size in (("alpha", 512), ("beta", 512), ("gamma", 512), ("delta", odd), ("epsilon", 512)):
            (tmp_path / study / place).mkdir(parents=True)
            write(tmp_path / study / place, size)
    told = [f for f in load(RULE).find(open_study(tmp_path / "slip")) if f.severity == "warning"]
    assert len(told) == 1
    assert list(load(RULE).find(open_study(tmp_path / "same"))) == []
