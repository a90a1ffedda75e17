"""What may not be read is listed by every command, and counted; nothing vanishes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ired_diag.importing import import_logs
from tests.conftest import configuration, log_text
from tests.nobody import Answer, commands_as_nobody, folder_of_nobody, python_as_nobody

pytestmark = pytest.mark.slow

SEEDS = 8
UNREADABLE = {1: "", 2: "", 3: "config.json", 4: "metrics.jsonl"}  # of q900's seeds, what may not be read
MODES = {1: 0o000, 2: 0o444, 3: 0o000, 4: 0o000}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """``runs/`` with q900 (eight seeds, four not readable), q901, and a q902 that may not be entered."""
    with folder_of_nobody() as place:
        _write_logs(place)
        import_logs([place / "logs"], place / "runs")
        _close(place / "runs")
        yield place


def _write_logs(place: Path) -> None:
    (place / "logs").mkdir()
    for experiment in (900, 901, 902):
        for seed in range(SEEDS if experiment == 900 else 3):
            path = place / "logs" / f"ired_q{experiment}_x_{experiment}_{seed}.out"
            last = 0.01 * (experiment - 899) + 0.0001 * seed
            steps = [(1000 * n, 0.5, 1.0 / n + last) for n in range(1, 5)] + [(5000, 0.1, last)]
            config = configuration(f"q{experiment}_x")
            path.write_text(log_text(seed=seed, config=config, evaluations=steps))


def _close(runs: Path) -> None:
    for seed, part in UNREADABLE.items():
        (runs / "q900" / f"seed{seed}" / part).chmod(MODES[seed])
    for name in ("checkpoints", "attempts/77"):
        (runs / "q900" / "seed5" / name).mkdir(parents=True)
        (runs / "q900" / "seed5" / name).chmod(0o000)
    (runs / "q902").chmod(0o000)
    (runs / "evaluations").mkdir(exist_ok=True)
    (runs / "evaluations").chmod(0o000)


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, Answer]:
    """How each command ends that nobody runs on the folder."""
    (folder / "report.md").write_text("q901 has a mean of 0.0201 over 3 seeds.\n")
    (folder / "logs" / "ired_q900_x_900_3.out").chmod(0o000)
    (folder / "logs" / "deep").mkdir()
    (folder / "logs" / "deep").chmod(0o000)
    commands = {
        "ls": ["ls"],
        "ls json": ["ls", "--json"],
        "stats": ["stats", "q900", "q901"],
        "stats json": ["stats", "q900", "q901", "--json"],
        "stats logs": ["stats", "logs"],
        "stats glob": ["stats", "a=runs/q900/*", "b=runs/q901/*"],
        "stats q902": ["stats", "q902"],
        "diagnose": ["diagnose", "runs"],
        "diagnose json": ["diagnose", "runs", "--json"],
        "check": ["check", "report.md", "--runs", "runs"],
        "check json": ["check", "report.md", "--runs", "runs", "--json"],
        "figures": [
            "figures",
            "q900",
            "q901",
            "--only",
            "learning-curves",
            "--format",
            "svg",
            "--out",
            "own/figures",
        ],
        "report": ["report", "q900", "q901", "--out", "own/report.html"],
        "probe": ["probe", "conditioning", "q900", "--out", "own/probes"],
        "fork": ["train", "--from", "q900@last", "--set", "rank=3", "--device", "cpu"],
        "import": ["import", "logs", "--runs", "own/runs"],
        "import json": ["import", "logs", "--runs", "own/again", "--json"],
    }
    named = ["runs/q900/seed1", "runs/q900/seed2", "runs/q900/seed3", "runs/q902", "runs/q902/seed0"]
    commands |= {f"{command} {path}": [command, path] for path in named for command in ("ls", "stats")}
    commands |= {"ls closed runs": ["ls", "--runs", "runs/q902"], "import closed": ["import", "runs/q902"]}
    return dict(zip(commands, commands_as_nobody(list(commands.values()), folder), strict=True))


def test_no_command_ends_with_a_traceback(answers: dict[str, Answer]) -> None:
    assert {name: answer.traceback for name, answer in answers.items() if answer.traceback} == {}


def test_ls_lists_every_unreadable_run_and_folder(answers: dict[str, Answer]) -> None:
    answer = answers["ls"]
    assert answer.status == 0
    for seed in UNREADABLE:
        (row,) = [line for line in answer.stdout.splitlines() if line.startswith(f"  q900/seed{seed} ")]
        assert "not readable" in row
        assert f"q900/seed{seed}: warning: not readable: runs/q900/seed{seed}" in answer.stdout
    assert "not readable: runs/q902: Permission denied" in answer.stdout
    assert "not readable: runs/evaluations: Permission denied" in answer.stdout
    assert "q900/seed5: warning: not readable: runs/q900/seed5/checkpoints: Perm" in answer.stdout
    assert "q900/seed5: warning: not readable: runs/q900/seed5/attempts/77: Perm" in answer.stdout


def test_json_lists_them_too(answers: dict[str, Answer]) -> None:
    told = json.loads(answers["ls json"].stdout)
    states = {run["name"]: run["state"] for run in told["runs"] if run["experiment"] == "q900"}
    assert len(states) == SEEDS
    assert {name for name, state in states.items() if state == "unreadable"} == {
        f"q900/seed{seed}" for seed in UNREADABLE
    }
    assert [place["path"] for place in told["unreadable"]] == ["runs/evaluations", "runs/q902"]
    assert told["skipped"] == []
    diagnosed = json.loads(answers["diagnose json"].stdout)
    assert diagnosed["unreadable"] == told["unreadable"]
    assert json.loads(answers["check json"].stdout)["unreadable"] == told["unreadable"]


def test_stats_count_them_without_calling_them_failures(answers: dict[str, Answer]) -> None:
    for name in ("stats", "stats glob"):
        answer = answers[name]
        group = "q900" if name == "stats" else "a"
        assert answer.status == 0, answer.stderr
        assert f"{group}: 4 of 8 seeds are not readable and are left out: seed1, seed2, seed3, seed4" in (
            answer.stdout
        )
    assert "note: not readable: runs/q902: Permission denied. It is not counted." in answers["stats"].stderr
    assert "note: q900/seed5: not readable: runs/q900/seed5/checkpoints" in answers["stats"].stderr
    told = json.loads(answers["stats json"].stdout)
    group = next(one for one in told["groups"] if one["name"] == "q900")
    assert group["summary"]["n"] == 4
    assert group["outcomes"]["attempted"] == 4  # what may not be read has not failed
    assert any("not readable: runs/q902" in note for note in told["notes"])
    assert any("4 of 8 seeds are not readable" in sentence for sentence in told["left_out"])


def test_an_unreadable_log_is_said_where_its_siblings_are_compared(answers: dict[str, Answer]) -> None:
    answer = answers["stats logs"]
    assert answer.status == 0, answer.stderr
    assert "not readable: logs/ired_q900_x_900_3.out: Permission denied. It is not counted." in answer.stderr
    assert "not readable: logs/deep: Permission denied. It is not counted." in answer.stderr


@pytest.mark.parametrize("command", ["diagnose", "check", "figures", "report", "probe", "import"])
def test_every_other_command_says_so(answers: dict[str, Answer], command: str) -> None:
    answer = answers[command]
    said = "logs/deep" if command == "import" else "runs/q902"
    assert f"not readable: {said}: Permission denied" in answer.stdout + answer.stderr
    if command not in ("probe", "import", "check"):
        assert "seed3" in answer.stdout + answer.stderr


def test_a_report_page_says_so_too(answers: dict[str, Answer], folder: Path) -> None:
    assert answers["report"].status == 0
    assert "4 of 8 seeds are not readable" in (folder / "own" / "report.html").read_text()


def test_import_reads_the_other_logs(answers: dict[str, Answer]) -> None:
    told = json.loads(answers["import json"].stdout)
    assert {place["path"] for place in told["unreadable"]} == {"logs/deep", "logs/ired_q900_x_900_3.out"}
    assert len(told["runs"]) == SEEDS + 3 + 3 - 1


def test_a_fork_of_every_seed_does_not_leave_one_out_unsaid(answers: dict[str, Answer]) -> None:
    assert answers["fork"].status == 1
    assert "not readable" in answers["fork"].stderr or "has no checkpoint" in answers["fork"].stderr


@pytest.mark.parametrize("path", ["runs/q900/seed1", "runs/q900/seed2", "runs/q900/seed3", "runs/q902"])
@pytest.mark.parametrize("command", ["ls", "stats"])
def test_named_by_itself_it_is_one_clear_line(answers: dict[str, Answer], command: str, path: str) -> None:
    answer = answers[f"{command} {path}"]
    (line,) = answer.stderr.splitlines()
    assert line.startswith(f"ired-diag: {path}")
    assert line.endswith("not readable: Permission denied.")
    assert answer.status == 1


def test_what_is_inside_a_closed_folder_is_not_said_to_be_nothing(answers: dict[str, Answer]) -> None:
    for name in ("ls runs/q902/seed0", "stats runs/q902/seed0", "ls closed runs", "import closed"):
        (line,) = answers[name].stderr.splitlines()
        assert line.endswith("not readable: Permission denied."), name


def test_a_name_in_a_closed_folder_is_not_found_with_the_reason(answers: dict[str, Answer]) -> None:
    assert answers["stats q902"].status == 1
    assert "not readable: runs/q902" in answers["stats q902"].stderr


DASHBOARD = """
from pathlib import Path
from app.dashboard.catalog import Catalog
snapshot = Catalog(Path("runs").absolute()).refresh()
entries = snapshot.entries.values()
print(sorted(entry.run.label for entry in entries if entry.run.ending.state == "unreadable"))
print(snapshot.unreadable())
print(sorted({entry.verdict.completion for entry in entries}))
"""


def test_the_dashboard_shows_them(folder: Path) -> None:
    runs, places, completions = python_as_nobody(DASHBOARD, folder).splitlines()
    assert runs == str([f"q900/seed{seed}" for seed in UNREADABLE])
    assert "not readable: q902: Permission denied" in places
    assert completions == str(["complete", "unknown"])


@pytest.fixture(scope="module")
def foreign() -> Iterator[Path]:
    """Logs of other programs, each of another format, that may not be read; one that may."""
    with folder_of_nobody() as place:
        closed = {
            "table/metrics.csv": "step,loss\n1,0.5\n",
            "lines/metrics.jsonl": '{"step": 1, "loss": 0.5}\n',
            "state/trainer_state.json": "{}",
            "board/events.out.tfevents.1700000000.host": "",
            "results/experiment_config.json": "{}",
            "alone/job.err": "Killed\n",
            "theirs/config.json": "{}",
            "plain/notes.txt": "a note",
        }
        for name, text in {**closed, "results/model-1.pt": "", "open/job_1.out": log_text()}.items():
            path = place / "logs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            if name in closed:
                path.chmod(0o000)
        for name, mode in {"entered": 0o444, "listed": 0o111, "closed": 0o000}.items():
            (place / "logs" / name).mkdir()
            (place / "logs" / name / "job_2.out").write_text(log_text(seed=2))
            (place / "logs" / name).chmod(mode)
        yield place


def test_logs_of_other_programs_that_may_not_be_read_are_listed(foreign: Path) -> None:
    commands = [["ls", "logs", "--json"], ["import", "logs", "--runs", "own/runs", "--json"], ["ls", "logs"]]
    listed, imported, printed = commands_as_nobody(commands, foreign)
    assert [listed.traceback, imported.traceback, printed.traceback] == ["", "", ""]
    for answer in (listed, imported):
        told = json.loads(answer.stdout)
        named = {part for one in told["unreadable"] for part in Path(one["path"]).parts}
        assert {"table", "lines", "state", "board", "alone", "theirs", "plain"} <= named
        assert {"entered", "listed", "closed"} <= named
        assert len(told["runs"]) == 1
    assert "results" in {Path(one["path"]).name for one in json.loads(listed.stdout)["unreadable"]}
    assert "not readable: logs/entered: Permission denied" in printed.stdout


TRAINING = """
import json, os, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from ired_diag.inverse.config import parse_inverse
from ired_diag.errors import DiagError
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.plan import plan
from ired_diag.training.trainer import train
tiny = json.loads(sys.stdin.read())
Path("own/tiny.json").write_text(json.dumps(tiny))
folder = train(INVERSE, parse_inverse(tiny), Path("own/trained/q900/seed0"))
def said(work):
    try:
        work()
    except DiagError as error:
        print(type(error).__name__, error)
    else:
        print("done")
last = folder / "checkpoints" / "last.pt"
for place in (last, folder / "checkpoints"):
    place.chmod(0)
    said(lambda: train(INVERSE, parse_inverse(tiny), folder, resume=True))
    place.chmod(0o755)
(folder / "config.json").chmod(0)
said(lambda: plan("own/tiny.json", "1", runs=Path("own/trained")))
(folder / "config.json").chmod(0o644)
print(torch.load(last, weights_only=True)["step"])
"""
TINY = {
    "experiment_name": "q900_tiny",
    "rank": 2,
    "width": 4,
    "diffusion_steps": 4,
    "batch_size": 4,
    "train_steps": 4,
    "validate_every": 2,
    "validation_batches": 1,
    "validation_batch_size": 4,
    "checkpoint_every": 2,
}


def test_a_last_state_that_may_not_be_read_is_not_replaced(folder: Path) -> None:
    """It may be whole; and a seed next to it may be trained."""
    closed, inside, beside, step = python_as_nobody(TRAINING, folder, json.dumps(TINY)).splitlines()
    for line in (closed, inside):
        assert line.startswith("NotReadable own/trained/q900/seed0/checkpoints")
        assert line.endswith("not readable: Permission denied.")
    assert (beside, step) == ("done", "4")


def test_root_is_not_told_of_permissions_that_do_not_bind_it(folder: Path, tmp_path: Path) -> None:
    """A folder that may be read by its owner is read, whatever its mode says of others."""
    copy = Path(shutil.copytree(folder / "runs" / "q901", tmp_path / "q901"))
    from ired_diag.open import open_study

    study = open_study(copy)
    assert (len(study.runs), study.unreadable) == (3, ())
