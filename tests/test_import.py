"""Importing: every file is accounted for, nothing is lost on the way, nobody else's run is overwritten."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.errors import AmbiguousName, CannotWrite, DiagError, NotFound
from ired_diag.importing import Imported, import_logs
from ired_diag.open import open_run, open_study
from ired_diag.runs.find import RESULTS_CONFIG
from ired_diag.runs.run import Run
from ired_diag.runs.store import find_runs
from ired_diag.runs.study import Study

LogWriter = Callable[..., Path]

OTHER_COMMIT = "f" * 40
NEXT_DAY = "Sun Jan 25 00:53:55 EST 2026"
TRACEBACK = "Traceback (most recent call last):\n  x\nValueError: bad\n"


@dataclass(frozen=True)
class RealImport:
    logs: Path
    runs: Path
    imported: Imported
    study: Study


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> RealImport:
    logs, runs = shared / "ired_logs", tmp_path_factory.mktemp("real") / "runs"
    imported = import_logs([logs], runs)
    return RealImport(logs, runs, imported, open_study(runs))


def contents(folder: Path) -> dict[str, bytes]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def accounted(imported: Imported) -> Counter[Path]:
    attempts = (a for one in imported.runs for a in (one.run, *one.run.attempts))
    evaluated = (path for attempt in imported.evaluations for path in attempt.sources)
    return Counter(
        [*(p for a in attempts for p in a.sources), *evaluated, *(s.path for s in imported.skipped)]
    )


def files_of(folder: Path) -> Counter[Path]:
    return Counter(p for p in folder.rglob("*") if p.is_file())


def labels(runs: Iterable[Run]) -> list[str]:
    return [run.label for run in runs]


def facts(run: Run) -> dict[str, Any]:
    """All that a run says, but for where it lies."""
    provenance = {key: value for key, value in run.provenance.items() if key != "sources"}
    series = {k: (s.steps.tolist(), s.values.tolist()) for k, s in run.history.series.items()}
    attempts = [(a.job, a.ending, a.evaluations, a.started) for a in run.attempts]
    history = (series, run.history.attempts, run.history.bad_lines, run.history.torn_tail)
    told = (run.experiment, run.name, run.variant, run.seed, run.configuration, run.ending, run.findings)
    return {"told": told, "history": history, "provenance": provenance, "attempts": attempts}


def same(a: Study, b: Study) -> None:
    assert labels(a.runs) == labels(b.runs)
    for one, other in zip(a.runs, b.runs, strict=True):
        np.testing.assert_equal(facts(one), facts(other), err_msg=one.label)


def trained_here(folder: Path) -> Path:
    folder.mkdir(parents=True)
    told = {"format": 1, "experiment": "q900", "seed": 0, "provenance": {"device": "cpu"}}
    (folder / "config.json").write_text(json.dumps(told))
    return folder


def results_folder(folder: Path, *, checkpoint: bool = True, **config: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / RESULTS_CONFIG).write_text(json.dumps({"experiment_name": "q900_synthetic", **config}))
    if checkpoint:
        (folder / "model-1.pt").write_bytes(b"never opened by an import")
    return folder


def test_every_real_file_is_a_run_an_attempt_or_skipped_with_a_reason(real: RealImport) -> None:
    assert accounted(real.imported) == files_of(real.logs)
    assert (len(real.imported.runs), real.imported.attempts, len(real.imported.skipped)) == (73, 64, 0)
    (evaluation,) = real.imported.evaluations
    assert evaluation.path.name == "ired_q245_steps_63515507_0.out"
    assert len(real.study.runs) == 73
    assert sum(len(run.attempts) for run in real.study.runs) == 64


@pytest.mark.slow
def test_the_real_runs_in_the_runs_folder_are_those_in_place(real: RealImport) -> None:
    same(real.study, open_study(real.logs))


@pytest.mark.slow
def test_importing_the_real_logs_twice_changes_nothing(real: RealImport) -> None:
    before = contents(real.runs)
    again = import_logs([real.logs], real.runs)
    assert again == real.imported
    assert contents(real.runs) == before


@pytest.mark.parametrize("experiment", ["q101", "q102", "q103"])
def test_the_thirty_runs_of_the_study_are_complete_and_end_at_the_published_numbers(
    real: RealImport, shared: Path, experiment: str
) -> None:
    published = json.loads((shared / "published_results.json").read_text())[experiment]
    runs = real.study.select(experiment)
    assert [run.seed for run in runs] == list(range(10))
    for run, value in zip(runs, published["values"], strict=True):
        assert run.ending.complete
        assert [a.evaluations for a in run.attempts] == [0, 0]
        for metric in ("train/mse_error", "validation/mse"):
            assert run.history.series[metric].steps.tolist() == list(range(1000, 100_001, 1000))
        assert run.history.series["validation/mse"].values[-1] == value
        assert (run.configuration or {})["mining_strategy"] == published["strategy"]


@pytest.mark.parametrize(
    ("experiment", "seed", "job", "state"),
    [
        ("q102", 3, "56540909", "file_not_found"),
        ("q103", 5, "56216364", "argument_error"),
        ("q203@61091859", 7, "61091859", "out_of_memory"),
    ],
)
def test_a_real_attempt_with_an_err_file_carries_its_cause(
    real: RealImport, experiment: str, seed: int, job: str, state: str
) -> None:
    (run,) = [run for run in real.study.select(experiment) if run.seed == seed]
    states = {a.job: a.ending.state for a in run.attempts} | {run.provenance["job"]: run.ending.state}
    assert states[job] == state


def test_the_real_q201_is_refused_naming_its_variants(real: RealImport) -> None:
    with pytest.raises(AmbiguousName, match="'q201' means 3 variants") as caught:
        real.study.select("q201")
    assert re.findall(r"q201@(\d+)", str(caught.value)) == ["60619264", "60967395", "61186975"]
    assert [run.seed for run in real.study.select("q201@61186975")] == list(range(6))


def test_every_synthetic_file_is_accounted_for(write_log: LogWriter, tmp_path: Path) -> None:
    logs = write_log(1001, complete=False, err=TRACEBACK).parent
    write_log(1002, started=NEXT_DAY, err="")
    (logs / "empty_1003.out").write_bytes(b"")
    (logs / "binary_1004.out").write_bytes(b"\0\1")
    (logs / "notes.txt").write_text("remember the milk\n")
    (logs / "other_1005.out").write_text("remember the milk\n")
    (logs / "alone_1006.err").write_text(TRACEBACK)
    (logs / "below").mkdir()
    write_log(1007, folder="logs/below", seed=1)
    imported = import_logs([logs], tmp_path / "runs")
    assert accounted(imported) == files_of(logs)
    assert (len(imported.runs), imported.attempts) == (2, 1)
    reasons = {s.path.name: s.reason for s in imported.skipped}
    assert sorted(reasons) == [
        "alone_1006.err",
        "binary_1004.out",
        "empty_1003.out",
        "notes.txt",
        "other_1005.out",
    ]
    assert all(reasons.values())
    assert not any(str(logs) in reason for reason in reasons.values())


def test_synthetic_runs_read_back_equal_to_those_in_place(write_log: LogWriter, tmp_path: Path) -> None:
    logs = write_log(1001, complete=False, err=TRACEBACK, evaluations=()).parent
    path = write_log(1002, started=NEXT_DAY, evaluations=[(1000, math.nan, math.inf), (2000, 1, 0.1)])
    path.write_text(path.read_text() * 2 + "[X-DIAG step=2100] a=1\n[X-DIAG step=22")
    write_log(1003, seed=None)
    write_log(1004, seed=4, complete=False)
    (logs / "q901_1005.out").write_text("Job started at noon\nConfiguration: {\n")
    import_logs([logs], tmp_path / "runs")
    in_place = open_study(logs)
    same(open_study(tmp_path / "runs"), in_place)
    run = next(run for run in in_place.runs if run.provenance["job"] == "1002")
    assert run.history.attempts == 3
    assert {finding.rule for finding in run.findings} == {"several_configurations", "torn_tail"}


def test_an_earlier_attempt_keeps_a_folder_of_its_own(write_log: LogWriter, tmp_path: Path) -> None:
    write_log(1001, complete=False, evaluations=[(1000, 9, 8)])
    write_log(1002, started=NEXT_DAY)
    import_logs([tmp_path / "logs"], tmp_path / "runs")
    earlier = tmp_path / "runs" / "q900" / "seed0" / "attempts" / "1001"
    assert [a.path for a in open_run(tmp_path / "runs").attempts] == [earlier]
    assert open_run(earlier).history.series["validation/mse"].values.tolist() == [8.0]
    assert open_run(earlier).ending.state == "unexplained"


def test_a_log_that_grew_is_brought_up_to_date(write_log: LogWriter, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    log = write_log(1001, complete=False, evaluations=[(1000, 9, 8)])
    import_logs([log], runs)
    assert (open_run(runs).history.last_step, open_run(runs).ending.state) == (1000, "cut_off")
    write_log(1001)
    import_logs([log], runs)
    assert (open_run(runs).history.last_step, open_run(runs).ending.state) == (3000, "complete")


def test_a_retry_that_comes_later_becomes_the_run(write_log: LogWriter, tmp_path: Path) -> None:
    logs = write_log(1001, complete=False).parent
    import_logs([logs], tmp_path / "runs")
    write_log(1002, started=NEXT_DAY)
    import_logs([logs], tmp_path / "runs")
    same(open_study(tmp_path / "runs"), open_study(logs))
    assert [a.job for a in open_run(tmp_path / "runs").attempts] == ["1001"]


def test_a_run_that_becomes_a_variant_moves_with_all_that_is_in_its_folder(
    write_log: LogWriter, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    logs = write_log(1001).parent
    import_logs([logs], runs)
    table = runs / "q900" / "seed0" / "probes" / "table.parquet"
    table.parent.mkdir()
    table.write_bytes(b"costly")
    write_log(1002, started=NEXT_DAY, commit=OTHER_COMMIT)
    import_logs([logs], runs)
    assert [str(f.relative_to(runs)) for f in find_runs(runs)] == [
        "q900/job=1001/seed0",
        "q900/job=1002/seed0",
    ]
    assert (runs / "q900" / "job=1001" / "seed0" / "probes" / "table.parquet").read_bytes() == b"costly"
    same(open_study(runs), open_study(logs))


def test_a_run_of_other_logs_is_refused_and_nothing_is_written(write_log: LogWriter, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    import_logs([write_log(1001)], runs)
    before = contents(runs)
    other = write_log(2001, folder="other")
    write_log(2002, folder="other", seed=1)
    with pytest.raises(CannotWrite, match="--replace") as caught:
        import_logs([other.parent], runs)
    assert str(runs / "q900" / "seed0") in str(caught.value)
    assert "ired_q900_synthetic_1001.out" in str(caught.value)
    assert contents(runs) == before


def test_replace_overwrites_a_run_of_other_logs(write_log: LogWriter, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    import_logs([write_log(1001)], runs)
    other = write_log(2001, folder="other", evaluations=[(1000, 9, 8)])
    import_logs([other], runs, replace=True)
    same(open_study(runs), open_study(other))


@pytest.mark.parametrize("replace", [False, True])
def test_a_trained_run_is_never_overwritten(write_log: LogWriter, tmp_path: Path, replace: bool) -> None:
    runs = tmp_path / "runs"
    trained_here(runs / "q900" / "seed0")
    before = contents(runs)
    with pytest.raises(CannotWrite, match="trained here"):
        import_logs([write_log(1001), write_log(1002, seed=1)], runs, replace=replace)
    assert contents(runs) == before


def test_of_many_conflicts_three_are_named(write_log: LogWriter, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for task in range(5):
        trained_here(runs / "q900" / f"seed{task}")
        logs = write_log(1001, task=task, seed=task).parent
    with pytest.raises(CannotWrite, match=r"seed0 .*seed1 .*seed2 .* and 2 more"):
        import_logs([logs], runs)


def test_checkpoints_are_joined_by_experiment_and_seed(write_log: LogWriter, tmp_path: Path) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    zero = results_folder(results / "a", seed=0)
    one = results_folder(results / "q900_seed1", seed=0)
    results_folder(results / "b", seed=2, checkpoint=False)
    other = results_folder(results / "c", seed=3, experiment_name="q901_other")
    logs = [write_log(1001, task=seed, seed=seed) for seed in range(4)]
    logs.append(write_log(1002, seed=3, config={"experiment_name": "q901_other"}))
    joined = [one.results for one in import_logs(logs, runs, checkpoints=results).runs]
    assert joined == [zero, one, None, None, other]
    found = [list(run.checkpoints) for run in open_study(runs).runs]
    assert found == [[zero / "model-1.pt"], [one / "model-1.pt"], [], [], [other / "model-1.pt"]]


@pytest.mark.parametrize("made", [True, False])
def test_a_checkpoints_folder_without_results_is_refused_and_nothing_is_written(
    write_log: LogWriter, tmp_path: Path, made: bool
) -> None:
    results = tmp_path / "results"
    if made:
        results_folder(results / "a", seed=0, checkpoint=False)
    with pytest.raises(NotFound, match=re.escape(RESULTS_CONFIG)):
        import_logs([write_log(1001)], tmp_path / "runs", checkpoints=results)
    assert not (tmp_path / "runs").exists()


def test_a_source_that_is_missing_is_refused(write_log: LogWriter, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="found nothing"):
        import_logs([write_log(1001), tmp_path / "none"], tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_folder_without_a_log_is_refused_with_the_first_reason(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    with pytest.raises(NotFound, match="holds no log"):
        import_logs([logs], tmp_path / "runs")
    (logs / "notes.txt").write_text("remember the milk\n")
    with pytest.raises(NotFound, match=r"1 file; notes\.txt: is not a log of a known format"):
        import_logs([logs], tmp_path / "runs")


def test_a_damaged_log_named_by_itself_is_an_error(write_log: LogWriter, tmp_path: Path) -> None:
    empty = tmp_path / "empty_1003.out"
    empty.write_bytes(b"")
    with pytest.raises(DiagError, match="is empty"):
        import_logs([write_log(1001), empty], tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_runs_folder_that_is_a_file_is_refused(write_log: LogWriter, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("taken")
    with pytest.raises(CannotWrite, match="--runs DIR"):
        import_logs([write_log(1001)], tmp_path / "runs")


def test_the_column_of_steps_may_be_chosen(tmp_path: Path) -> None:
    log = tmp_path / "mine.csv"
    log.write_text("x,val_loss\n10,0.5\n20,0.4\n30,0.3\n")
    with pytest.raises(NotFound, match="name it with --step COLUMN"):
        import_logs([tmp_path], tmp_path / "runs")
    import_logs([tmp_path / "mine.csv"], tmp_path / "runs", step="x")
    [run] = open_study(tmp_path / "runs").runs
    assert run.history.series["val_loss"].steps.tolist() == [10, 20, 30]


def test_a_log_named_twice_is_one_attempt(write_log: LogWriter, tmp_path: Path) -> None:
    log = write_log(1001)
    imported = import_logs([log, log.parent, log], tmp_path / "runs")
    assert (len(imported.runs), imported.attempts) == (1, 0)


def test_progress_counts_the_runs_up_to_all(write_log: LogWriter, tmp_path: Path) -> None:
    counted: list[tuple[int, int]] = []
    logs = [write_log(1001, task=seed, seed=seed) for seed in range(3)]
    import_logs(logs, tmp_path / "runs", progress=lambda done, total: counted.append((done, total)))
    assert counted == [(0, 3), (1, 3), (2, 3), (3, 3)]
