"""Sessions, hyperparameters and sub-folders in TensorBoard's files, as torch and Keras write them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ired_diag.open import open_study
from ired_diag.readers import tensorboard
from ired_diag.readers.scalar_log import ScalarLog
from tests.event_files import NAME, event, message, number, record, simple, written

Series = dict[str, list[tuple[int, float]]]


def series(log: ScalarLog) -> Series:
    return {
        name: list(zip(s.steps.tolist(), s.values.tolist(), strict=True))
        for name, s in log.history.series.items()
    }


def session_start(step: int, status: int = 1) -> bytes:
    return record(b"\x09" + struct.pack("<d", 1.769e9) + number(2, step) + message(7, number(1, status)))


def hparams(values: dict[str, Any], *, wall_time: float = 1.769e9) -> bytes:
    """Return the event of a session's hyperparameters, from plugin_data.proto."""
    entries = b""
    for name, value in values.items():
        if isinstance(value, bool):
            encoded = number(4, value)
        elif isinstance(value, str):
            encoded = message(3, value.encode())
        else:
            encoded = b"\x11" + struct.pack("<d", value)
        entries += message(1, message(1, name.encode()) + message(2, encoded))
    content = message(3, entries + b"\x29" + struct.pack("<d", 1.769e9))
    metadata = message(9, message(1, message(1, b"hparams") + message(2, content)))
    return event(0, message(1, b"_hparams_/session_start_info") + metadata, wall_time=wall_time)


def curve(tag: str, steps: Sequence[int], value: float = 1.0) -> list[bytes]:
    return [event(step, simple(tag, value)) for step in steps]


def folder(path: Path, *records: bytes, name: str = NAME) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    written(path, *records, name=name)
    return path


def test_a_session_that_starts_at_a_step_ends_all_tags_from_there_on(tmp_path: Path) -> None:
    first = [*curve("val/loss", range(0, 60, 10)), *curve("train/loss", range(0, 60, 10))]
    folder(tmp_path, *first, name="tfevents.1")
    folder(tmp_path, session_start(30), *curve("val/loss", (30, 40), 2.0), name="tfevents.2")
    log = tensorboard.read(tmp_path)
    assert series(log) == {
        "val/loss": [(0, 1.0), (10, 1.0), (20, 1.0), (30, 2.0), (40, 2.0)],
        "train/loss": [(0, 1.0), (10, 1.0), (20, 1.0)],
    }
    assert (log.restarts, [f.rule for f in log.findings]) == ((30,), ["log_restarted"])


@pytest.mark.parametrize("second", [[], [session_start(30, status=2)], [session_start(30, status=3)]])
def test_without_a_session_that_starts_the_points_of_both_files_count(
    tmp_path: Path, second: list[bytes]
) -> None:
    folder(tmp_path, *curve("x", (10, 20, 30, 40)), name="tfevents.1")
    folder(tmp_path, *second, *curve("x", (20, 30), 2.0), name="tfevents.2")
    log = tensorboard.read(tmp_path)
    assert series(log) == {"x": [(10, 1.0), (20, 2.0), (30, 2.0), (40, 1.0)]}
    assert log.findings == ()


def test_hyperparameters_are_the_configuration_and_their_final_values_no_evaluation(tmp_path: Path) -> None:
    run = folder(tmp_path / "net_seed3", *curve("val/loss", range(0, 50, 10)))
    values = {"lr": 0.1, "width": 64, "optimizer": "adam", "amp": True}
    folder(run / "1769000000.5", hparams(values), event(0, simple("val/loss", 0.5)))
    log = tensorboard.read(run)
    assert series(log) == {"val/loss": [(step, 1.0) for step in range(0, 50, 10)]}
    assert log.stated == {"config": values}
    assert isinstance(log.stated["config"]["width"], int)
    (note,) = log.findings
    assert (note.rule, note.evidence) == ("final_values", {"val/loss": 0.5})
    (found,) = open_study(tmp_path).runs
    assert (found.label, found.configuration) == ("net/seed3", values)


def test_hyperparameters_next_to_the_curve_are_no_evaluation_either(tmp_path: Path) -> None:
    folder(tmp_path, *curve("val/loss", (0, 10, 20)), name="tfevents.1")
    folder(tmp_path, hparams({"lr": 0.1}), event(0, simple("val/loss", 0.5)), name="tfevents.2")
    assert series(tensorboard.read(tmp_path)) == {"val/loss": [(0, 1.0), (10, 1.0), (20, 1.0)]}


def test_a_run_of_one_file_that_states_hyperparameters_keeps_its_only_evaluation(tmp_path: Path) -> None:
    folder(tmp_path, hparams({"lr": 0.1}), event(99, simple("val_loss", 0.5)))
    assert series(tensorboard.read(tmp_path)) == {"val_loss": [(99, 0.5)]}


def test_records_of_hyperparameters_that_differ_are_named(tmp_path: Path) -> None:
    run = folder(tmp_path / "sweep", *curve("val/loss", (0, 10, 20)))
    for lr in (0.1, 0.01):
        folder(run / f"lr{lr}", hparams({"lr": lr, "width": 64}), event(0, simple("hparam/m", lr)))
    log = tensorboard.read(run)
    assert log.stated == {"config": {"width": 64}}
    assert [f.rule for f in log.findings] == ["hparams_differ", "final_values"]
    assert len(open_study(tmp_path).runs) == 1


def test_add_scalars_makes_series_of_the_run(tmp_path: Path) -> None:
    run = folder(tmp_path / "net_seed0", *curve("val/loss", (0, 10)))
    folder(run / "energy_gap_pos", *curve("energy/gap", (0, 10), 2.0))
    folder(run / "energy_gap_neg x", *curve("energy/gap", (0, 10), 3.0))
    assert series(tensorboard.read(run)) == {
        "val/loss": [(0, 1.0), (10, 1.0)],
        "energy/gap/pos": [(0, 2.0), (10, 2.0)],
        "energy/gap/neg x": [(0, 3.0), (10, 3.0)],
    }
    assert [run.label for run in open_study(tmp_path).runs] == ["net/seed0"]


def test_the_nested_folders_of_tensorboardx_are_series_of_the_run(tmp_path: Path) -> None:
    run = folder(tmp_path / "base_0", *curve("val/loss", [1, 2, 3]))
    for name in ("train", "test"):
        folder(run / "both" / name, *curve("both", [1, 2, 3]))
    (opened,) = open_study(tmp_path).runs
    assert sorted(opened.history.series) == ["both/test", "both/train", "val/loss"]


def test_the_folders_that_keras_writes_are_one_run(tmp_path: Path) -> None:
    for split, value in (("train", 1.0), ("validation", 2.0)):
        folder(tmp_path / "fit_seed1" / split, *curve("epoch_loss", range(5), value))
    (run,) = open_study(tmp_path).runs
    assert run.label == "fit/seed1"
    assert {name: s.values[-1] for name, s in run.history.series.items()} == {
        "train/epoch_loss": 1.0,
        "validation/epoch_loss": 2.0,
    }


def test_runs_below_a_folder_with_events_of_its_own_stay_runs(tmp_path: Path) -> None:
    folder(tmp_path, *curve("note", (0,)))
    for seed in range(3):
        folder(tmp_path / f"net_seed{seed}", hparams({"lr": 0.1}), *curve("val/loss", (0, 10, 20)))
    labels = [run.label for run in open_study(tmp_path).runs]
    assert [label for label in labels if label.startswith("net")] == [f"net/seed{seed}" for seed in range(3)]
    assert len(labels) == 4


CASES = {
    "c05_tb_purge_step": ("val/loss", 120, 5.2),
    "l_tb_purge": ("validation/mse", 80, 0.0617),
    "c06_tb_restart_no_purge": ("val/loss", 300, 0.3),
    "c49_tb_hparams": ("val/loss", 390, 0.0025),
    "l_tb_hparams": ("validation/mse", 40, 0.0244),
    "l_tb_scalars": ("validation/mse", 40, 0.0244),
}


@pytest.mark.parametrize(("case", "last"), CASES.items(), ids=CASES)
def test_real_files_of_each_kind_are_one_run_with_the_right_last_point(
    shared: Path, case: str, last: tuple[str, int, float]
) -> None:
    (run,) = open_study(shared / "cases" / case).runs
    assert run.evaluated is not None
    name, evaluated = run.evaluated
    assert (name, int(evaluated.steps[-1])) == last[:2]
    assert evaluated.values[-1] == pytest.approx(last[2], abs=5e-5)
    if case == "l_tb_purge":
        assert run.history.series["train/loss"].steps[-1] == 40
    if case == "l_tb_scalars":
        assert {"energy/pos", "energy/neg"} <= run.history.series.keys()
    if case.endswith("hparams"):
        assert run.configuration
