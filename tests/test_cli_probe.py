"""``ired-diag probe`` and ``demo``, end to end on small runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.cli.demo import sample_runs
from ired_diag.open import open_run
from ired_diag.runs.checkpoint_choice import choose_checkpoints
from ired_diag.table import read_columns, read_table

pytestmark = pytest.mark.slow

TINY = (
    "rank=3",
    "width=8",
    "time_embedding=8",
    "time_width=8",
    "batch_size=8",
    "train_steps=6",
    "validate_every=2",
    "validation_batches=1",
    "validation_batch_size=4",
    "checkpoint_every=2",
)


def call(*arguments: object, status: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == status, result.output
    return result


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run with checkpoints of steps 2, 4 and 6."""
    runs = tmp_path_factory.mktemp("runs")
    settings = [word for knob in TINY for word in ("--set", knob)]
    call("train", "q103", "--runs", runs, "--device", "cpu", *settings)
    return runs / "q103" / "seed0"


def test_list_names_each_probe_with_its_question() -> None:
    told = call("probe", "--list").output
    assert "conditioning" in told
    assert "?" in told


def test_a_run_is_probed_into_its_own_folder(run: Path) -> None:
    told = call("probe", "conditioning", run, "--samples", 6, "--device", "cpu").output
    assert "conditioning (step 6, raw weights)" in told
    assert "The condition number of adversarial negatives" in told
    table, metadata = read_table(run / "probes" / "conditioning.parquet")
    assert set(table["step"].tolist()) == {6}
    assert len(table["cond"]) == 6 * 10 * 5
    assert metadata["question"].endswith("?")
    for form in ("pdf", "png", "html"):
        assert (run / "probes" / f"conditioning-step-000000006.{form}").stat().st_size > 1000


def test_all_checkpoints_stand_in_one_table_and_a_repetition_replaces_its_rows(
    run: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        call("probe", "conditioning", run, "--checkpoint", "all", "--samples", 4, "--out", tmp_path)
    call("probe", "conditioning", run, "--weights", "ema", "--samples", 4, "--out", tmp_path)
    table, _ = read_table(tmp_path / "conditioning.parquet")
    rows = 4 * 10 * 5
    assert [int((table["step"] == step).sum()) for step in (2, 4, 6)] == [rows, rows, 2 * rows]
    assert int((table["weights"] == "ema").sum()) == rows


def test_json_holds_finding_comparison_and_files(run: Path, tmp_path: Path) -> None:
    arguments = ("probe", "conditioning", run, "--checkpoint", "4", "--samples", 5, "--out", tmp_path)
    (told,) = json.loads(call(*arguments, "--json").stdout)["answers"]
    assert (told["label"], told["step"], told["weights"]) == ("q103/seed0", 4, "raw")
    assert told["finding"]["evidence"]["n"] == 5
    assert len(told["comparison"]["d"]) == 5 * 6 * 11
    assert all(Path(path).is_file() for path in [told["table"], *told["figures"]])


def test_several_runs_get_folders_of_their_own_and_no_table_is_written_over(
    run: Path, tmp_path: Path
) -> None:
    other = tmp_path / "runs" / "q103" / "seed1"
    for path in run.rglob("*"):
        if path.is_file() and "probes" not in path.parts:
            (other / path.relative_to(run)).parent.mkdir(parents=True, exist_ok=True)
            (other / path.relative_to(run)).write_bytes(path.read_bytes())
    told = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**told, "seed": 1}))
    out = tmp_path / "out"
    call("probe", "conditioning", run, other, "--samples", 4, "--out", out)
    assert [(out / "q103" / f"seed{k}" / "conditioning.parquet").is_file() for k in (0, 1)] == [True, True]
    place = out / "q103" / "seed0"
    result = call("probe", "conditioning", other, "--samples", 4, "--out", place, status=1)
    assert "holds the table of" in result.stderr


def test_no_name_of_a_run_leads_out_of_the_folder_asked_for(run: Path, tmp_path: Path) -> None:
    for seed in ("seed0", "seed1"):
        place = tmp_path / "runs" / seed
        (place / "checkpoints").mkdir(parents=True)
        for name in ("config.json", "metrics.jsonl", "checkpoints/last.pt"):
            (place / name).write_bytes((run / name).read_bytes())
        told = json.loads((place / "config.json").read_text())
        named = {**told, "experiment": "../../escaped", "seed": int(seed[-1])}
        (place / "config.json").write_text(json.dumps(named))
    out = tmp_path / "deep" / "out"
    call("probe", "conditioning", tmp_path / "runs", "--samples", 4, "--out", out)
    tables = list(tmp_path.rglob("*.parquet"))
    assert len(tables) == 2
    assert all(table.is_relative_to(out) for table in tables)


def test_a_bare_checkpoint_is_never_written_beside(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = run / "checkpoints" / "step-000000002.safetensors"
    before = sorted(run.rglob("*"))
    call("probe", "conditioning", checkpoint, "--samples", 4)
    assert sorted(run.rglob("*")) == before
    assert (tmp_path / "ired-diag-out" / checkpoint.stem / "conditioning.parquet").is_file()


@pytest.mark.parametrize(("which", "name"), [("last", "last"), ("2", "step-000000002"), ("best", "best")])
def test_a_choice_of_checkpoint_means_its_file(run: Path, which: str, name: str) -> None:
    assert [path.stem for path in choose_checkpoints(open_run(run), which)] == [name]


def test_an_interrupted_run_without_a_kept_step_is_probed_at_its_last_state(
    run: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "seed0"
    (folder / "checkpoints").mkdir(parents=True)
    for name in ("config.json", "metrics.jsonl", "checkpoints/last.pt"):
        (folder / name).write_bytes((run / name).read_bytes())
    told = call("probe", "conditioning", folder, "--samples", 4, "--out", tmp_path / "out").output
    assert "step 6, raw weights" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("condition",), "No probe is named 'condition'. There are: "),
        (("conditioning", "--checkpoint", "5"), "has no checkpoint of step 5. There are: 2, 4, 6"),
        (("conditioning", "--checkpoint", "latest"), "expected last, best, all or a step"),
    ],
)
def test_what_cannot_be_meant_is_refused_on_one_line(
    run: Path, arguments: tuple[str, ...], said: str
) -> None:
    name, *options = arguments
    result = call("probe", name, run, *options, status=1)
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_log_without_checkpoints_says_how_to_join_them(tmp_path: Path) -> None:
    log = next((sample_runs() / "slurm_logs").glob("*_0.out"))
    assert "--checkpoints DIR" in call("probe", "conditioning", log, status=1).stderr


def test_public_checkpoint_is_probed(shared: Path, tmp_path: Path) -> None:
    told = call(
        *("probe", "conditioning", shared / "ired_checkpoint" / "model-1.pt"),
        *("--samples", 20, "--device", "cpu", "--out", tmp_path),
    ).output
    assert "step 400, raw weights" in told


def _copied(run: Path, place: Path) -> Path:
    """Return a copy of a run without its tables."""
    return Path(shutil.copytree(run, place, ignore=shutil.ignore_patterns("probes")))


def test_a_runs_folder_that_moved_is_probed_again_and_its_rows_are_still_known(
    run: Path, tmp_path: Path
) -> None:
    here = _copied(run, tmp_path / "here" / "seed0")
    call("probe", "conditioning", here, "--samples", 4)
    table = here / "probes" / "conditioning.parquet"
    _, metadata = read_columns(table)
    assert (table.parent / metadata["source"]).resolve() == here.resolve()
    (tmp_path / "here").rename(tmp_path / "there")
    there = tmp_path / "there" / "seed0"
    before = (there / "probes" / "conditioning.parquet").read_bytes()
    call("probe", "conditioning", there, "--samples", 4)
    assert (there / "probes" / "conditioning.parquet").read_bytes() == before
    call("probe", "conditioning", there, "--samples", 5)
    rows, _ = read_table(there / "probes" / "conditioning.parquet")
    assert len(set(rows["settings"])) == 2


def test_a_table_of_an_earlier_version_with_an_absolute_path_is_that_of_its_run(
    run: Path, tmp_path: Path
) -> None:
    run = _copied(run, tmp_path / "seed0")
    call("probe", "conditioning", run, "--samples", 4)
    path = run / "probes" / "conditioning.parquet"
    table = pq.read_table(path)
    stored = dict(table.schema.metadata)
    old = {}
    for key, value in stored.items():
        old[key] = value.replace(b'"source": ".."', b'"source": "/gone/q103/seed0"')
    assert old != stored
    pq.write_table(table.replace_schema_metadata(old), path)
    call("probe", "conditioning", run, "--samples", 5)
    rows, _ = read_table(path)
    assert len(set(rows["settings"])) == 2
