"""Names and paths from a command line: order, and clashes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from app.calls.targets import targets_of
from app.cli.demo import sample_runs
from ired_diag.errors import AmbiguousName, DiagError, NotFound
from ired_diag.grouping import group_runs
from ired_diag.importing import import_logs
from ired_diag.open import open_study

LogWriter = Callable[..., Path]


@pytest.fixture
def folders(write_log: LogWriter, tmp_path: Path) -> Path:
    """Logs of q900 and q901 in folders of their own, and both imported into ``runs``."""
    for number, name in enumerate(("q900_synthetic", "q901_other")):
        write_log(1001 + number, folder=name[:4], config={"experiment_name": name})
    import_logs([tmp_path / "q900", tmp_path / "q901"], tmp_path / "runs")
    return tmp_path


@pytest.mark.parametrize("order", [("q900", "q901"), ("q901", "q900")])
def test_groups_stand_in_the_order_given_whether_named_or_pointed_at(
    folders: Path, order: tuple[str, str]
) -> None:
    first, second = order
    for arguments in (
        [first, second],
        [str(folders / first), str(folders / second)],
        [first, str(folders / second)],
        [str(folders / first), second],
    ):
        assert list(group_runs(arguments, folders / "runs")) == [first, second]


def test_a_group_meant_by_a_name_and_by_a_path_is_refused(folders: Path) -> None:
    with pytest.raises(AmbiguousName, match=r"q900.* is both a run name and a path"):
        group_runs([str(folders / "q900"), "q900"], folders / "runs")


def test_a_label_means_its_run_and_the_labels_of_a_group_mean_one_group() -> None:
    groups = group_runs(["q101/seed1", "q102", "q101/seed0"], sample_runs(), variants=True)
    assert list(groups) == ["q101", "q102"]
    assert [run.label for run in groups["q101"]] == ["q101/seed1", "q101/seed0"]
    whole = group_runs(["q101/seed1", "q101"], sample_runs())["q101"]
    assert sorted(run.label for run in whole) == [f"q101/seed{k}" for k in range(len(whole))]
    assert len(whole) > 2


@pytest.mark.parametrize("label", ["q101/seed99", "q101/seed", "q999/seed0", "q101/seed0/seed0"])
def test_a_label_that_no_run_has_is_no_such_path(label: str) -> None:
    with pytest.raises(NotFound, match=f"{label}: no such file or folder"):
        group_runs(["q101", label], sample_runs())


def test_a_label_names_a_run_to_a_study_and_to_the_probes() -> None:
    study = open_study(sample_runs())
    assert [run.label for run in study["q103/seed0"]] == ["q103/seed0"]
    assert "q103/seed0" in study
    selection = targets_of(["q103/seed0"], runs=sample_runs(), device=torch.device("cpu"), notes=[])
    assert [run.label for run in selection.runs] == ["q103/seed0"]


def test_a_path_that_cannot_be_looked_up_is_taken_for_a_name_and_not_found(folders: Path) -> None:
    with pytest.raises(DiagError, match="No run is named"):
        group_runs(["x" * 400], folders / "runs")


def test_err_files_named_beside_their_logs_are_read_with_them(write_log: LogWriter, tmp_path: Path) -> None:
    log = write_log(1003, err="warning\n")
    both = [str(log), str(log.with_suffix(".err"))]
    assert [len(runs) for runs in group_runs(both, tmp_path).values()] == [1]
    import_logs([Path(path) for path in both], tmp_path / "again")


@pytest.mark.parametrize(("processes", "same_seed", "runs"), [(4, True, 1), (3, True, 3), (4, False, 4)])
def test_processes_of_one_seed_are_one_run_where_none_is_left_out(
    tmp_path: Path, processes: int, same_seed: bool, runs: int
) -> None:
    for rank in range(processes):
        folder = tmp_path / "ddp" / str(rank)
        folder.mkdir(parents=True)
        config = {
            "rank": rank,
            "local_rank": rank,
            "world_size": 4,
            "seed": 0 if same_seed else rank,
            "lr": 0.1,
        }
        (folder / "config.json").write_text(json.dumps(config))
        rows = [{"step": step, "val_loss": rank / 10 + 1 / step} for step in range(1, 6)]
        (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    notes: list[str] = []
    groups = group_runs([str(tmp_path / "ddp")], tmp_path / "runs", missing=notes)
    assert [len(members) for members in groups.values()] == [runs]
    assert any("one run and not several seeds" in note for note in notes) == (runs == 3)
