"""Hugging Face's trainer_state.json: intact, torn and damaged."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.open import open_study
from ired_diag.readers import trainer_state
from ired_diag.readers.scalar_log import ScalarLog
from ired_diag.runs.study import Study

ENTRIES: list[dict[str, Any]] = [
    {"epoch": 0.5, "grad_norm": 1.25, "learning_rate": 5e-05, "loss": 2.5, "step": 50},
    {"epoch": 1.0, "grad_norm": 1.5, "learning_rate": 4e-05, "loss": 2.25, "step": 100},
    {"epoch": 1.0, "eval_loss": 2.0, "eval_runtime": 3.5, "step": 100},
    {"epoch": 1.5, "grad_norm": float("nan"), "learning_rate": 3e-05, "loss": 2.0, "step": 150},
]
STATE = {
    "best_metric": 2.0,
    "global_step": 150,
    "log_history": ENTRIES,
    "max_steps": 300,
    "stateful_callbacks": {"TrainerControl": {"args": {"should_log": False}, "attributes": {}}},
}
TEXT = json.dumps(STATE, indent=2) + "\n"
LOSS = [(50, 2.5), (100, 2.25), (150, 2.0)]
LAST = TEXT.index('    {\n      "epoch": 1.5')


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "trainer_state.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def pairs(log: ScalarLog, name: str) -> list[tuple[int, float]]:
    points = log.points[name]
    return list(zip(points.steps.tolist(), points.values.tolist(), strict=True))


def test_an_intact_file_tells_its_metrics_and_how_far_training_came(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT)
    assert trainer_state.accepts(path)
    log = trainer_state.read(path)
    assert pairs(log, "loss") == LOSS
    assert pairs(log, "eval_loss") == [(100, 2.0)]
    assert sorted(log.points) == sorted({k for e in ENTRIES for k in e} - {"step"})
    assert (log.stated["max_steps"], log.stated["global_step"]) == (300, 150)
    assert (log.damaged, log.torn_tail) == ((), False)


def test_a_file_of_another_name_is_known_by_what_it_begins_with(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(TEXT)
    assert trainer_state.accepts(path)
    path.write_text('{"step": 1, "loss": 2}\n')
    assert not trainer_state.accepts(path)


def test_a_torn_file_names_the_switch_and_is_read_to_its_last_whole_entry(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT[: LAST + 30])
    with pytest.raises(UnreadableFile, match=r"allow_torn_tail=True .*--allow-torn-tail"):
        trainer_state.read(path)
    log = trainer_state.read(path, allow_torn_tail=True)
    assert (pairs(log, "loss"), log.torn_tail, log.damaged) == (LOSS[:2], True, ())


def test_a_file_cut_anywhere_is_torn(tmp_path: Path) -> None:
    for cut in range(TEXT.index("[") + 1, len(TEXT.rstrip())):
        log = trainer_state.read(written(tmp_path, TEXT[:cut]), allow_torn_tail=True)
        assert (cut, log.torn_tail, log.damaged) == (cut, True, ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"loss": 2.25', '"loss": 2.x5'),
        ('"loss": 2.25', '"loss" 2.25'),
        ('"step": 100\n    }', '"step": 100\n    ?'),
    ],
)
def test_a_damaged_entry_is_skipped_and_counted(tmp_path: Path, old: str, new: str) -> None:
    log = trainer_state.read(written(tmp_path, TEXT.replace(old, new, 1)))
    assert (pairs(log, "loss"), len(log.damaged), log.torn_tail) == ([LOSS[0], LOSS[2]], 1, False)


def test_a_comma_turned_into_a_bracket_does_not_end_the_list(tmp_path: Path) -> None:
    log = trainer_state.read(written(tmp_path, TEXT.replace("},\n    {", "}]\n    {", 1)))
    assert pairs(log, "loss") == LOSS
    assert len(log.damaged) == 1


def test_damage_after_the_list_is_counted_too(tmp_path: Path) -> None:
    log = trainer_state.read(written(tmp_path, TEXT.replace('"max_steps": 300', '"max_steps": 3x0')))
    assert (pairs(log, "loss"), len(log.damaged)) == (LOSS, 1)


def test_entries_that_are_none_are_counted(tmp_path: Path) -> None:
    content = json.dumps({"log_history": [1, {"loss": 1}, {"step": 1, "loss": 2}, {"step": "x", "loss": 2}]})
    log = trainer_state.read(written(tmp_path, content))
    assert [damage.where for damage in log.damaged] == [1, 2, 4]
    assert pairs(log, "loss") == [(1, 2.0)]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"log_history": 3}', "{" * 65])
def test_a_file_without_the_list_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(UnreadableFile, match="log_history"):
        trainer_state.read(written(tmp_path, content), allow_torn_tail=True)
    with pytest.raises(UnreadableFile, match="cannot be read"):
        trainer_state.read(tmp_path / "none.json")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(TEXT) - 2), st.integers(0, 255))
def test_a_flipped_byte_costs_at_most_the_entries_beside_it(
    tmp_path_factory: pytest.TempPathFactory, at: int, to: int
) -> None:
    content = bytearray(TEXT.encode())
    content[at] = to
    path = written(tmp_path_factory.mktemp("flips"), bytes(content))
    trainer_state.accepts(path)
    try:
        log = trainer_state.read(path, allow_torn_tail=True)
    except DiagError:
        assert at < TEXT.index("[") + 1
        return
    found = sum(len(points) for points in log.points.values())
    lost = sum(len(entry) - 1 for entry in ENTRIES) - found
    assert lost <= 2 * max(len(entry) - 1 for entry in ENTRIES)
    if lost > 1:
        assert log.damaged or log.torn_tail


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = written(tmp_path_factory.mktemp("bytes"), b'{"log_history": [{"step": 1, "x": 1},' + content)
    log = trainer_state.read(path, allow_torn_tail=True)
    assert log.damaged or log.torn_tail


def entries_until(step: int, value: float = 1.0) -> list[dict[str, float]]:
    steps = range(10, step + 1, 10)
    return [
        entry for s in steps for entry in ({"step": s, "loss": value}, {"step": s, "eval_loss": value / s})
    ]


def saved(path: Path, step: int, entries: list[dict[str, float]], **told: object) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    content = {"global_step": step, "max_steps": 100, "log_history": entries, **told}
    (path / "trainer_state.json").write_text(json.dumps(content))
    return path / "trainer_state.json"


FINAL = {"step": 40, "train_runtime": 9.0, "train_loss": 1.0}
CALLBACKS = {
    "EarlyStoppingCallback": {
        "args": {"early_stopping_patience": 3},
        "attributes": {"early_stopping_patience_counter": 3},
    }
}
STOPPED = {"TrainerControl": {"args": {"should_training_stop": True}, "attributes": {}}}


@pytest.mark.parametrize(
    ("entries", "told", "said"),
    [
        ([*entries_until(40), FINAL], {"stateful_callbacks": CALLBACKS}, "early stopping at step 40 of 100"),
        (entries_until(40), {"stateful_callbacks": {k: [v] for k, v in CALLBACKS.items()}}, "early stopping"),
        ([*entries_until(40), FINAL], {}, "train_runtime"),
        ([*entries_until(40), FINAL, {"step": 40, "eval_loss": 1.0}], {}, "train_runtime"),
        (entries_until(40), {"stateful_callbacks": STOPPED}, "told to stop"),
        (entries_until(40), {}, None),
        ([FINAL, *entries_until(40)], {}, None),
        ([*entries_until(40), FINAL], {"max_steps": 40}, None),
    ],
)
def test_an_end_before_the_last_planned_step_is_told(
    tmp_path: Path, entries: list[dict[str, float]], told: dict[str, object], said: str | None
) -> None:
    path = saved(tmp_path / "net_seed0", 40, entries, **told)
    ended = trainer_state.read(path).stated.get("ended")
    assert said in str(ended) if said else ended is None
    (run,) = open_study(tmp_path).runs
    expected = "complete" if said or told.get("max_steps") == 40 else "cut_off"
    assert run.ending.state == expected


def last_values(study: Study) -> list[tuple[str, int, float]]:
    found = [(run.label, run.history.series["loss"]) for run in study.runs]
    return [(label, int(series.steps[-1]), float(series.values[-1])) for label, series in found]


def test_the_states_of_checkpoints_are_one_run_with_the_final_one(tmp_path: Path) -> None:
    for seed in (0, 1):
        run = tmp_path / f"net_seed{seed}"
        for step in (10, 20, 30):
            saved(run / f"checkpoint-{step}", step, entries_until(step))
        saved(run, 30, entries_until(30))
    assert last_values(open_study(tmp_path)) == [("net/seed0", 30, 1.0), ("net/seed1", 30, 1.0)]


def test_a_checkpoint_from_before_a_resume_is_no_run_and_does_not_count(tmp_path: Path) -> None:
    run = tmp_path / "net_seed0"
    saved(run / "checkpoint-20", 20, entries_until(20))
    saved(
        run / "checkpoint-50", 50, [*entries_until(20), {"step": 30, "loss": 9.0}, {"step": 50, "loss": 9.0}]
    )
    saved(run, 40, entries_until(40))
    assert last_values(open_study(tmp_path)) == [("net/seed0", 40, 1.0)]


def test_a_checkpoint_that_goes_on_from_the_final_state_counts(tmp_path: Path) -> None:
    run = tmp_path / "net_seed0"
    saved(run, 40, [*entries_until(40), FINAL])
    saved(run / "checkpoint-60", 60, entries_until(60))
    assert last_values(open_study(tmp_path)) == [("net/seed0", 60, 1.0)]


def test_without_a_final_state_the_latest_checkpoint_counts(tmp_path: Path) -> None:
    for step in (10, 20, 100):
        saved(tmp_path / "net_seed0" / f"checkpoint-{step}", step, entries_until(step))
    assert last_values(open_study(tmp_path)) == [("net/seed0", 100, 1.0)]


def test_real_states_are_read_whole_and_end_as_they_say(shared: Path) -> None:
    (run,) = open_study(shared / "cases" / "c48_hf_early_stop").runs
    assert (run.ending.state, "early stopping" in run.ending.detail) == ("complete", True)
    assert [run.label for run in open_study(shared / "cases" / "l_hf_real").runs] == [
        "q101/seed0",
        "q104/seed0",
    ]
    (run,) = open_study(shared / "cases" / "c14_hf_loss_zero_nan").runs
    assert math.isnan(run.history.series["eval_loss"].values[-1])
    (run,) = open_study(shared / "cases" / "c16_hf_two_eval_sets").runs
    assert sum(name.endswith("_loss") for name in run.history.series) == 2
