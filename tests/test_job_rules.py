"""Rules about jobs and what they left: failed evaluations, an evaluation that trained, empty states."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from app.cli.demo import sample_runs
from ired_diag.forensics import empty_state, evaluation_as_training, failed_evaluation
from ired_diag.forensics.empty_state import content_of
from ired_diag.open import open_run, open_study
from ired_diag.runs.ending import Ending, State
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from tests.made_runs import made_run

RULES = (failed_evaluation, evaluation_as_training, empty_state)
EVALUATION = {"experiment_name": "q900_evaluation", "evaluation_mode": True, "rank": 20}


def run(
    experiment: str,
    *,
    seed: int = 0,
    ending: Ending | None = None,
    steps: int = 3,
    checkpoints: tuple[Path, ...] = (),
    started: bool = False,
    **keys: Any,
) -> Run:
    metrics = {"validation/mse": [1.0] * steps} if steps else {}
    return made_run(
        experiment,
        seed,
        every=1000,
        config={"rank": 20, **keys},
        ending=ending,
        path=Path(experiment),
        provenance={"training_started": True, "train_steps": 5000} if started else {},
        checkpoints=checkpoints,
        metrics=metrics,
    )


def evaluation(state: State, detail: str = "", *, job: str = "7", seed: int = 0) -> Run:
    return Run(
        path=Path(f"{job}.out"),
        experiment="e",
        seed=seed,
        configuration=EVALUATION,
        ending=Ending(state, detail),
        provenance={"job": job},
    )


def of_evaluations(*attempts: Run) -> list[tuple[str, int]]:
    findings = failed_evaluation.find(Study.of([run("a")], evaluations=attempts))
    return [(finding.severity, int(finding.evidence["jobs"] or 0)) for finding in findings]


@pytest.mark.parametrize(
    ("state", "detail", "severity"),
    [
        ("unexplained", "model: ERROR - Unrecognized checkpoint format", "error"),
        ("unexplained", "ValueError: no such key", "error"),
        ("unexplained", "the script reached its end without finishing training", None),
        ("complete", "", None),
        ("traceback", "boom", "error"),
        ("out_of_memory", "killed", "error"),
        ("time_limit", "", "error"),
        ("cut_off", "", "warning"),
        ("cut_off", "last error line: FutureWarning: this will raise a ValueError", "warning"),
        ("unexplained", "mean error 0.2", None),
    ],
)
def test_an_evaluation_is_told_by_how_it_ended(state: State, detail: str, severity: str | None) -> None:
    assert of_evaluations(evaluation(state, detail)) == ([(severity, 1)] if severity else [])


def test_evaluations_that_failed_alike_are_one_finding() -> None:
    alike = [evaluation("unexplained", "ERROR - a", job=str(i), seed=i) for i in range(10)]
    other = evaluation("unexplained", "ERROR - b", job="99")
    assert sorted(of_evaluations(*alike, other)) == [("error", 1), ("error", 10)]


def test_a_complete_training_with_an_error_in_its_files_is_told_once_a_group() -> None:
    ending = Ending("complete", "then: ValueError: no such file")
    runs = [run("a", seed=seed, ending=ending) for seed in range(5)]
    (finding,) = failed_evaluation.find(Study.of(runs))
    assert (finding.severity, finding.evidence["runs"]) == ("warning", 5)
    assert "ValueError: no such file" in finding.statement
    healthy = [Ending("complete"), Ending("complete", "stopped early at step 9: best at 5")]
    healthy += [Ending("traceback", "then: x"), Ending("cut_off")]
    assert list(failed_evaluation.find(Study.of([run("a", ending=one) for one in healthy]))) == []


def test_a_log_of_an_evaluation_with_an_error_inside_is_found_and_its_healthy_twin_is_not(
    tmp_path: Path,
) -> None:
    text = "Running on host: x\nConfiguration: " + json.dumps(EVALUATION, indent=2) + "\n"
    end = "\nSaving results to: x.json\nExperiment completed at Sat Jan 24 02:32:02 EST 2026\n"
    (tmp_path / "bad_10001_0.out").write_text(f"{text}model: ERROR - no such key\n{end}")
    (tmp_path / "good_10002_0.out").write_text(f"{text}model: mse 0.2\n{end}")
    study = open_study(tmp_path)
    assert len(study.evaluations) == 2
    (finding,) = failed_evaluation.find(study)
    assert finding.evidence["file"] == "bad_10001_0.out"
    assert finding.evidence["reached_last_line"] is True
    assert "model: ERROR - no such key" in finding.statement


@pytest.mark.parametrize(
    ("mode", "steps", "started", "is_told"),
    [
        (True, 3, True, True),
        (True, 0, True, True),
        (True, 3, False, True),
        (True, 0, False, False),
        (False, 3, True, False),
        ("none", 3, True, False),
        (None, 3, True, False),
    ],
)
def test_an_evaluation_that_trained_is_told(mode: Any, steps: int, started: bool, is_told: bool) -> None:
    keys = {} if mode is None else {"evaluation_mode": mode}
    runs = [run("a", seed=seed, steps=steps, started=started, **keys) for seed in range(3)]
    findings = list(evaluation_as_training.find(Study.of(runs)))
    assert [(f.severity, f.evidence["runs"], f.evidence["last_step"]) for f in findings] == (
        [("error", 3, 1000 * steps)] if is_told else []
    )


def test_what_was_to_be_evaluated_is_named_however_it_is_told() -> None:
    for subjects, count in (("a.pt", 1), (["a.pt", "b.pt"], 2), (None, 0), ({"a": 1}, 1)):
        one = run("a", evaluation_mode=True, model_checkpoints=subjects)
        (finding,) = evaluation_as_training.find(Study.of([one]))
        assert finding.evidence["subjects"] == count
        assert ("a.pt" in finding.statement) == (subjects in ("a.pt", ["a.pt", "b.pt"]))


Saver = Callable[[str, object], Path]


@pytest.fixture
def save(tmp_path: Path) -> Saver:
    def write(name: str, content: object) -> Path:
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return write


def weights(width: int = 50) -> dict[str, torch.Tensor]:
    return {"fc1.weight": torch.ones(width, width), "fc1.bias": torch.ones(width)}


def test_the_directory_of_a_file_tells_what_loading_it_tells(save: Saver, tmp_path: Path) -> None:
    path = save("model-1.pt", {"step": 5, "model": weights()})
    assert (content_of(path).tensors, content_of(path).payload) == (2, 4 * (50 * 50 + 50))
    ours = sorted(sample_runs().rglob("*.safetensors"))[0]
    length = struct.unpack("<Q", ours.read_bytes()[:8])[0]
    content = content_of(ours)
    assert content.size == 8 + length + content.payload
    assert (content.tensors or 0) > 20
    assert not content.damage


def test_an_empty_state_is_found_beside_whole_ones(save: Saver) -> None:
    whole = [save(f"model-{n}.pt", {"model": weights(), "opt": weights()}) for n in (1, 2)]
    fine = save("final_fine.pt", {"ebm_state": weights(40), "step": 5})
    empty = save("final_model.pt", {"ebm_state": {}, "step": 5, "config": {"a": 1}})
    assert list(empty_state.find(Study.of([run("a", checkpoints=(*whole, fine))]))) == []
    runs = [run("a", seed=seed, checkpoints=(*whole, empty)) for seed in range(2)]  # one folder, joined twice
    (finding,) = empty_state.find(Study.of(runs))
    assert (finding.severity, finding.evidence["files"], finding.evidence["tensors"]) == ("error", 1, 0)
    assert finding.evidence["bytes"] == empty.stat().st_size
    assert "final_model.pt" in finding.statement


def test_a_counter_alone_is_no_state_beside_whole_ones_and_a_small_network_alone_is_one(save: Saver) -> None:
    counter = save("final_model.pt", {"ebm_state": {}, "step": torch.tensor(5)})
    whole = save("model-1.pt", {"model": weights()})
    (finding,) = empty_state.find(Study.of([run("a", checkpoints=(whole, counter))]))
    assert (finding.evidence["tensors"], finding.evidence["tensor_bytes"]) == (1, 8)
    small = save("small.pt", {"w": torch.ones(2)})
    assert list(empty_state.find(Study.of([run("a", checkpoints=(small,))]))) == []


def test_a_file_without_a_byte_and_a_safetensors_file_without_a_tensor_are_empty(tmp_path: Path) -> None:
    nothing, bare = tmp_path / "model-1.pt", tmp_path / "step-1.safetensors"
    nothing.write_bytes(b"")
    bare.write_bytes(struct.pack("<Q", 2) + b"{}")
    (finding,) = empty_state.find(Study.of([run("a", checkpoints=(nothing, bare))]))
    assert (finding.severity, finding.evidence["files"]) == ("error", 2)


def test_every_cut_of_a_file_is_told_as_damaged_or_empty_and_never_as_a_crash(
    save: Saver, tmp_path: Path
) -> None:
    for whole in (save("model-1.pt", weights(4)), sorted(sample_runs().rglob("*.safetensors"))[0]):
        content = whole.read_bytes()
        for end in (0, 1, 2, 7, 8, 9, 100, len(content) // 2, len(content) - 1):
            cut = tmp_path / f"cut{whole.suffix}"
            cut.write_bytes(content[:end])
            found = list(empty_state.find(Study.of([run("a", checkpoints=(cut,))])))
            told = [finding.severity for finding in found]
            old_format = end == 1 and whole.suffix == ".pt"  # too short to be told from another format
            assert told == ([] if old_format else ["error"] if end == 0 else ["warning"]), (whole, end)


def test_a_file_that_is_gone_or_of_the_old_format_is_not_called_empty(tmp_path: Path) -> None:
    old = tmp_path / "old.pt"
    torch.save(weights(), old, _use_new_zipfile_serialization=False)
    assert content_of(old).tensors is None
    assert list(empty_state.find(Study.of([run("a", checkpoints=(old,))]))) == []
    (finding,) = empty_state.find(Study.of([run("a", checkpoints=(tmp_path / "gone.pt",))]))
    assert (finding.severity, "No such file" in finding.statement) == ("warning", True)


def test_a_zip_of_something_else_is_no_state(tmp_path: Path) -> None:
    path = tmp_path / "model-1.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no tensors")
    (finding,) = empty_state.find(Study.of([run("a", checkpoints=(path,))]))
    assert finding.severity == "error"


def test_checkpoints_are_looked_at_without_torch(save: Saver) -> None:
    path = save("final_model.pt", {"ebm_state": {}})
    code = (
        "import sys; from pathlib import Path; from ired_diag.forensics.empty_state import content_of; "
        f"assert content_of(Path({str(path)!r})).tensors == 0; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("folder", ["", "slurm_logs"])
def test_nothing_is_found_in_the_sample_runs(folder: str) -> None:
    study = open_study(sample_runs() / folder)
    assert study.runs
    assert [finding for rule in RULES for finding in rule.find(study)] == []


def test_the_studys_logs_show_the_failed_evaluation_and_the_one_that_trained(shared: Path) -> None:
    study = open_study(shared / "ired_logs")
    (failed,) = failed_evaluation.find(study)
    assert (failed.severity, failed.evidence["experiment"]) == ("error", "q245")
    assert "Unrecognized checkpoint format" in failed.statement
    (trained,) = evaluation_as_training.find(study)
    assert (trained.severity, trained.evidence["group"]) == ("error", "q225")
    assert "q225_tam_ctl_full_100k/final_model.pt" in trained.statement


def test_the_real_checkpoint_is_no_empty_state(shared: Path) -> None:
    opened = open_run(shared / "ired_checkpoint" / "model-1.pt")
    assert list(empty_state.find(Study.of([opened]))) == []
    content = content_of(opened.checkpoints[0])
    assert 0.9 < content.payload / content.size < 1
