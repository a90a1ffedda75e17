"""Studies: what a name means, what is refused instead of guessed, and names beside paths."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ired_diag.errors import AmbiguousName, DiagError, NotFound, UnreadableFile
from ired_diag.grouping import group_runs
from ired_diag.importing import import_logs
from ired_diag.open import open_run, open_study
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study, check_seeds
from tests.made_runs import made_run

LogWriter = Callable[..., Path]

OTHER_COMMIT = "f" * 40


def run(
    experiment: str = "q900",
    seed: int | None = 0,
    *,
    name: str | None = None,
    variant: str | None = None,
    job: str = "1",
    commit: str = "a" * 40,
    complete: bool = True,
) -> Run:
    return made_run(
        experiment,
        seed,
        state="complete" if complete else "cut_off",
        name=name,
        variant=variant,
        path=Path(f"{experiment}-{variant}-{seed}-{job}"),
        provenance={"job": job, "git_commit": commit},
    )


def labels(runs: list[Run] | tuple[Run, ...]) -> list[str]:
    return [one.label for one in runs]


def write_experiment(folder: Path, experiment: str, seeds: int) -> Path:
    folder.mkdir(exist_ok=True)
    for seed in range(seeds):
        log = folder / f"ired_{experiment}_1001_{seed}.out"
        log.write_text("Job started at noon\n[X-DIAG step=1] a=1\n")
    return folder


def test_runs_stand_in_the_order_of_experiment_variant_and_number_of_the_seed() -> None:
    told = [
        run("q901"),
        run("q900", 10),
        run("q900", 9),
        run("q900", None, job="7"),
        run("q899", 1, variant="2"),
        run("q899", 2, variant="1"),
    ]
    assert labels(Study.of(told).runs) == [
        "q899@1/seed2",
        "q899@2/seed1",
        "q900/unseeded-7",
        "q900/seed9",
        "q900/seed10",
        "q901/seed0",
    ]


def test_groups_are_experiments_and_variants() -> None:
    study = Study.of([run("q900", 1), run("q901", 0, variant="5"), run("q900", 0), run("q901", variant="6")])
    groups = {group: labels(runs) for group, runs in study.groups().items()}
    assert groups == {
        "q900": ["q900/seed0", "q900/seed1"],
        "q901@5": ["q901@5/seed0"],
        "q901@6": ["q901@6/seed0"],
    }


@pytest.mark.parametrize("name", ["q900", "q900_baseline"])
def test_an_experiment_is_selected_by_number_and_by_full_name(name: str) -> None:
    study = Study.of([run(seed=seed, name="q900_baseline") for seed in (1, 0)] + [run("q9001")])
    assert labels(study.select(name)) == ["q900/seed0", "q900/seed1"]


@pytest.mark.parametrize("name", ["q900@6", "q900_baseline@6"])
def test_a_variant_is_selected_by_number_or_name_and_variant(name: str) -> None:
    study = Study.of([run(name="q900_baseline", variant=variant) for variant in ("5", "6")])
    assert labels(study.select(name)) == ["q900@6/seed0"]


def test_a_name_of_several_variants_is_refused_with_each_one_in_brief() -> None:
    told = [
        run(seed=0, variant="5", commit="a" * 40),
        run(seed=1, variant="5", commit="a" * 40, complete=False),
        run(seed=0, variant="6", commit="b" * 40),
    ]
    with pytest.raises(AmbiguousName) as caught:
        Study.of(told).select("q900")
    assert str(caught.value) == (
        "'q900' means 2 variants: q900@5 (2 seeds, 1 complete, commit aaaaaaa); "
        "q900@6 (1 seeds, 1 complete, commit bbbbbbb). Name one of them."
    )


def test_a_number_of_several_experiments_is_refused_naming_them() -> None:
    study = Study.of([run(name, name=name) for name in ("q900_energy", "q900_gradient")])
    with pytest.raises(AmbiguousName, match=r"'q900' means 2 experiments: q900_energy .*; q900_gradient "):
        study.select("q900")
    assert labels(study.select("q900_energy")) == ["q900_energy/seed0"]


@pytest.mark.parametrize("name", ["q9", "Q900", "q900@7", "q900_", "", "@5", "q900/seed0"])
def test_a_name_of_nothing_is_refused_listing_what_there_is(name: str) -> None:
    study = Study.of([run(variant="5"), run(variant="6"), run("q901")])
    with pytest.raises(NotFound, match=r"There are: q900@5, q900@6, q901\.$") as caught:
        study.select(name)
    assert repr(name) in str(caught.value)


def test_a_long_list_of_names_is_cut_and_an_empty_one_said() -> None:
    study = Study.of([run(f"q{number}") for number in range(100, 120)])
    with pytest.raises(NotFound, match=r"q100, .*q111, …\.$"):
        study.select("q1")
    with pytest.raises(NotFound, match="There are: none"):
        Study.of([]).select("q1")


def test_a_seed_that_stands_twice_is_refused_with_both_places() -> None:
    first, second = run(seed=3, job="1"), run(seed=3, job="2")
    with pytest.raises(DiagError, match="q900: seed3 is there twice") as caught:
        Study.of([first, run(seed=2), second]).select("q900")
    assert str(first.path) in str(caught.value)
    assert str(second.path) in str(caught.value)


def test_runs_without_a_seed_are_told_apart_by_their_job() -> None:
    check_seeds("q900", [run(seed=None, job="1"), run(seed=None, job="2")])
    with pytest.raises(DiagError, match="unseeded-1 is there twice"):
        check_seeds("q900", [run(seed=None, job="1"), replace(run(seed=None, job="1"))])


def test_a_variant_without_a_name_is_called_by_its_job_where_there_are_others() -> None:
    study = Study.of([run(seed=0, job="7"), run(seed=0, variant="5"), run("q901", job="8")])
    assert labels(study.runs) == ["q900@5/seed0", "q900@7/seed0", "q901/seed0"]


def test_logs_in_place_and_imported_mean_the_same_names(write_log: LogWriter, tmp_path: Path) -> None:
    logs = write_log(1001).parent
    write_log(1002, commit=OTHER_COMMIT, started="Sun Jan 25 00:53:55 EST 2026")
    import_logs([logs], tmp_path / "runs")
    for place in (logs, tmp_path / "runs"):
        study = open_study(place)
        assert labels(study.select("q900@1001")) == ["q900@1001/seed0"]
        assert labels(study.select("q900_synthetic@1002")) == ["q900@1002/seed0"]
        with pytest.raises(AmbiguousName, match=r"q900@1001 .*commit 0123456.*q900@1002 .*commit fffffff"):
            study.select("q900")


def test_names_are_looked_up_in_the_runs_folder_in_the_order_given(tmp_path: Path) -> None:
    runs = write_experiment(tmp_path / "logs", "q900", 2)
    write_experiment(runs, "q901", 1)
    groups = group_runs(["q901", "q900"], runs)
    assert list(groups) == ["q901", "q900"]
    assert labels(groups["q900"]) == ["q900/seed0", "q900/seed1"]


def test_paths_mean_themselves_and_are_grouped_together(tmp_path: Path) -> None:
    logs = write_experiment(tmp_path / "a", "q900", 2)
    other = write_experiment(tmp_path / "b", "q901", 1)
    paths = [str(other), *map(str, sorted(logs.glob("*.out")))]
    groups = group_runs(paths, tmp_path / "no runs folder")
    assert {group: labels(runs) for group, runs in groups.items()} == {
        "q900": ["q900/seed0", "q900/seed1"],
        "q901": ["q901/seed0"],
    }


def test_paths_and_names_may_be_mixed(tmp_path: Path) -> None:
    logs = write_experiment(tmp_path / "a", "q900", 2)
    runs = write_experiment(tmp_path / "b", "q901", 3)
    groups = group_runs([str(logs), "q901"], runs)
    assert {group: len(members) for group, members in groups.items()} == {"q900": 2, "q901": 3}


def test_a_seed_twice_among_paths_is_refused(write_log: LogWriter, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        import_logs([write_log(1001)], tmp_path / folder)
    with pytest.raises(DiagError, match="q900: seed0 is there twice"):
        group_runs([str(tmp_path / "one"), str(tmp_path / "two")], tmp_path / "runs")


def test_a_path_twice_is_one_run(write_log: LogWriter, tmp_path: Path) -> None:
    import_logs([write_log(1001)], tmp_path / "one")
    seed = tmp_path / "one" / "q900" / "seed0"
    groups = group_runs([str(seed), str(tmp_path / "one"), str(seed / "config.json")], tmp_path)
    assert {group: len(members) for group, members in groups.items()} == {"q900": 1}


def test_a_name_without_a_runs_folder_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"'q900'.*--runs DIR.*ired-diag import"):
        group_runs(["q900"], tmp_path / "none")


def test_a_path_that_holds_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="holds no run"):
        group_runs([str(tmp_path / "empty")], tmp_path)


def test_one_run_is_opened_and_several_are_refused(write_log: LogWriter) -> None:
    log = write_log(1001, task=0, seed=0)
    write_log(1001, task=1, seed=1)
    assert open_run(log).label == "q900/seed0"
    with pytest.raises(DiagError, match=re.escape("found 2 (q900/seed0, q900/seed1")):
        open_run(log.parent)


@pytest.mark.parametrize("name", ["none", "empty"])
def test_a_path_without_a_run_is_not_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match=f"{name}: expected a run"):
        open_run(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "config.json"),
        (json.dumps({"format": 99, "experiment": "q900"}), "is of format 99"),
        (json.dumps({"format": 1}), "experiment"),
        (json.dumps({"format": 1, "experiment": "q900", "ending": {"state": "bliss"}}), "bliss"),
    ],
)
def test_a_damaged_run_folder_is_listed_among_others_and_refused_alone(
    write_log: LogWriter, tmp_path: Path, content: str, said: str
) -> None:
    runs = tmp_path / "runs"
    import_logs([write_log(1001, task=seed, seed=seed) for seed in (0, 1)], runs)
    damaged = runs / "q900" / "seed0"
    (damaged / "config.json").write_text(content)
    study = open_study(runs)
    assert labels(study.runs) == ["q900/seed1"]
    (skipped,) = study.skipped
    assert skipped.path == damaged
    assert said in skipped.reason
    with pytest.raises(UnreadableFile, match=re.escape(said)):
        open_study(damaged)


def test_faults_of_the_history_are_findings_of_the_run(write_log: LogWriter, tmp_path: Path) -> None:
    import_logs([write_log(1001)], tmp_path / "runs")
    metrics = tmp_path / "runs" / "q900" / "seed0" / "metrics.jsonl"
    metrics.write_bytes(metrics.read_bytes() + b"no JSON\n" + b'{"step": 40')
    found = open_run(tmp_path / "runs")
    assert [(f.rule, dict(f.evidence)) for f in found.findings] == [
        ("bad_lines", {"lines": 1, "first": 4}),
        ("torn_tail", {}),
    ]
    assert found.history.last_step == 3000
