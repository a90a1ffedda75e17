"""Links to folders: what they lead to is listed once; no loop is walked twice, no foreign tree in full."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.runs.find import contents_of
from ired_diag.runs.fingerprints import tree


def run_at(folder: Path, seed: int = 0) -> Path:
    folder.mkdir(parents=True)
    content = {"format": 1, "experiment": "q900", "seed": seed, "config": {}, "ending": {"state": "complete"}}
    (folder / "config.json").write_text(json.dumps(content))
    (folder / "metrics.jsonl").write_text('{"step": 1, "validation/mse": 0.5}\n')
    return folder


def listed(runs: Path) -> list[str]:
    result = CliRunner().invoke(main, ["ls", str(runs), "--json"])
    assert result.exit_code == 0, result.output
    return [run["path"] for run in json.loads(result.stdout)["runs"]]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    run_at(tmp_path / "runs" / "q900" / "seed0")
    return tmp_path / "runs"


def test_a_run_on_another_disk_is_listed_by_its_link(runs: Path, tmp_path: Path) -> None:
    other = run_at(tmp_path / "disk" / "seed1", seed=1)
    (runs / "q900" / "seed1").symlink_to(other)
    assert listed(runs) == [str(runs / "q900" / "seed0"), str(runs / "q900" / "seed1")]


def test_an_experiment_on_another_disk_is_listed_by_its_link(runs: Path, tmp_path: Path) -> None:
    run_at(tmp_path / "disk" / "q900" / "seed1", seed=1)
    (runs / "more").symlink_to(tmp_path / "disk" / "q900")
    assert listed(runs) == [str(runs / "q900" / "seed0"), str(runs / "more" / "seed1")]


def test_a_run_is_listed_once_however_many_links_lead_to_it(runs: Path, tmp_path: Path) -> None:
    other = run_at(tmp_path / "disk" / "seed1", seed=1)
    for number in range(5):
        (runs / f"link{number}").symlink_to(other)
        (runs / f"again{number}").symlink_to(runs / "q900" / "seed0")
    assert listed(runs) == [str(runs / "q900" / "seed0"), str(runs / "link0")]


@pytest.mark.parametrize("target", [".", "..", "/", "loop", "q900"])
def test_a_loop_is_walked_once(runs: Path, target: str) -> None:
    (runs / "loop").symlink_to(target)
    assert listed(runs) == [str(runs / "q900" / "seed0")]


def test_a_tree_behind_a_link_is_not_walked_in_full(runs: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name in ("a", "a/b", "a/b/c"):
        (data / name).mkdir(parents=True)
        (data / name / "log.csv").write_text("step,val_loss\n1,2\n")
    (data / "log.csv").write_text("step,val_loss\n1,2\n")
    run_at(data / "a" / "b" / "seed7")
    (runs / "data").symlink_to(data)
    contents = contents_of(runs)
    assert contents.files == [runs / "data" / "log.csv"]
    assert contents.runs == [runs / "q900" / "seed0"]


def test_the_dashboard_sees_a_change_behind_a_link(runs: Path, tmp_path: Path) -> None:
    other = run_at(tmp_path / "disk" / "seed1", seed=1)
    (runs / "linked").symlink_to(other)
    before = tree(runs)
    with (other / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "validation/mse": 0.4}\n')
    changed = {path for path, told in tree(runs).items() if before.get(path) != told}
    assert changed == {str(runs / "linked" / "metrics.jsonl")}


def test_a_link_whose_target_is_gone_hides_nothing(runs: Path, tmp_path: Path) -> None:
    other = run_at(tmp_path / "disk" / "seed1", seed=1)
    (runs / "linked").symlink_to(other)
    shutil.rmtree(other)
    assert listed(runs) == [str(runs / "q900" / "seed0")]
