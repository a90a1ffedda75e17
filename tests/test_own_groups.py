"""Whose run it is on strangers' layouts: two groups of the right n, without an option or with one pattern."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from app.cli import main
from app.dashboard.catalog import Catalog
from ired_diag.errors import AmbiguousName, DiagError, NotFound
from ired_diag.grouping import group_runs, open_arguments
from ired_diag.importing import import_logs
from ired_diag.named_paths import parse_named_paths
from ired_diag.open import open_study
from ired_diag.runs.regroup import Grouping

Curve = list[tuple[int, float]]

UUIDS = (
    "08cd60f9-99e2-4e28-b1ac-19136dd42a05",
    "1ba806aa-ef41-4517-abbf-38330984ac3f",
    "4385349b-7c23-4b4b-b79a-95d579b1b70b",
)

# Where run n of group g is, by the name of the layout.
LAYOUTS: dict[str, Callable[[str, int], str]] = {
    "lightning": lambda g, n: f"{g}/lightning_logs/version_{n}/metrics.csv",
    "numbered": lambda g, n: f"{g}/run{n}/metrics.csv",
    "uuid folders": lambda g, n: f"{g}/{UUIDS[n]}/metrics.csv",
    "uuid files": lambda g, n: f"{g}/{UUIDS[n]}.csv",
    "numbered names": lambda g, n: f"{g}_{n}/metrics.csv",
    "numbered files": lambda g, n: f"{g}_{n}.csv",
    "seeds above": lambda g, n: f"seed{n}/{g}/metrics.csv",
    "dates": lambda g, n: f"{g}/2026-11-0{n + 1}/10-00-00/metrics.csv",
    "environment": lambda g, n: f"runs/Cart-v1__{g}__{n}__169585912{n}/progress.csv",
}


def curve(group: str, run: int) -> Curve:
    rng = np.random.default_rng([ord(group[0]), run])
    level = 1.0 if group == "wide" else 1.2
    return [(100 * s, level * (1 + 3 / s) + 0.01 * rng.standard_normal()) for s in range(1, 31)]


def as_csv(path: Path, points: Sequence[tuple[int, float]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("step,val_loss\n" + "".join(f"{step},{value:.6f}\n" for step, value in points))


def written(root: Path, layout: str, runs: int = 3) -> Path:
    for group in ("wide", "deep"):
        for run in range(runs):
            as_csv(root / LAYOUTS[layout](group, run), curve(group, run))
    return root


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_of_any_layout_gives_two_groups_of_three_runs(tmp_path: Path, layout: str) -> None:
    study = open_study(written(tmp_path / "logs", layout))
    counts = {group: len(runs) for group, runs in study.groups().items()}
    assert sorted(counts.values()) == [3, 3], counts
    assert {name.rpartition("__")[2] for name in counts} == {"wide", "deep"}
    assert len({run.label for run in study.runs}) == 6
    assert not any(run.attempts for run in study.runs)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_pattern_names_a_group(tmp_path: Path, layout: str) -> None:
    root = written(tmp_path / "logs", layout)
    folder = LAYOUTS[layout]("wide", 0).rsplit("/metrics", 1)[0]
    pattern = re.sub(r"[^/]*wide[^/]*", "*wide*", folder)
    pattern = re.sub(r"version_0|run0|08cd[^/]*|seed0|2026-11-01", "*", pattern)
    groups = group_runs([f"mine={root}/{pattern}"], tmp_path / "none")
    assert {name: len(runs) for name, runs in groups.items()} == {"mine": 3}
    assert len({run.label for run in groups["mine"]}) == 3


def test_stats_compares_two_folders_without_an_option(tmp_path: Path) -> None:
    root = written(tmp_path / "logs", "numbered")
    result = CliRunner().invoke(main, ["stats", str(root / "wide"), str(root / "deep")])
    assert result.exit_code == 0, result.output
    assert "wide is better than deep" in result.output


def test_runs_with_names_of_their_own_are_grouped_by_the_folders_that_are_given(tmp_path: Path) -> None:
    names = {"wide": ("mild-sun", "brave-sky", "red-fox"), "deep": ("old-oak", "new-elm")}
    for group, called in names.items():
        for run, name in enumerate(called):
            as_csv(tmp_path / group / name / "metrics.csv", curve(group, run))
    notes: list[str] = []
    groups = group_runs([str(tmp_path / group) for group in names], tmp_path / "none", missing=notes)
    assert {name: len(runs) for name, runs in groups.items()} == {"wide": 3, "deep": 2}
    assert [run.seed_label for run in groups["deep"]] == ["new-elm", "old-oak"]
    assert "each folder is taken as one group" in notes[0]


def test_runs_with_different_settings_are_not_grouped_by_their_folder(tmp_path: Path) -> None:
    for group in ("wide", "deep"):
        for run, lr in enumerate((0.1, 0.2)):
            folder = tmp_path / group / ("mild-sun", "brave-sky")[run]
            as_csv(folder / "metrics.csv", curve(group, run))
            (folder / "hparams.yaml").write_text(f"lr: {lr}\n")
    groups = group_runs([str(tmp_path / group) for group in ("wide", "deep")], tmp_path / "none")
    assert [len(runs) for runs in groups.values()] == [1, 1, 1, 1]


def test_two_runs_named_by_hand_are_two(tmp_path: Path) -> None:
    root = written(tmp_path / "logs", "lightning")
    paths = [str(root / "wide" / "lightning_logs" / f"version_{n}") for n in range(2)]
    assert [len(runs) for runs in group_runs(paths, tmp_path / "none").values()] == [2]


def configured(root: Path, run: str, values: dict[str, Any], number: int = 0) -> None:
    as_csv(root / run / "metrics.csv", curve("wide", number))
    (root / run / "config.json").write_text(json.dumps(values))


def test_settings_split_an_experiment_and_identities_do_not(tmp_path: Path) -> None:
    for run in range(4):
        values = {"lr": 0.1 if run < 2 else 0.2, "run_name": f"x-{run}", "host": f"n{run}", "seed": run}
        configured(tmp_path / "x", f"run{run}", values, run)
    assert {group: len(runs) for group, runs in open_study(tmp_path).groups().items()} == {
        "x@lr=0.1": 2,
        "x@lr=0.2": 2,
    }


def test_the_user_says_what_groups_and_what_does_not(tmp_path: Path) -> None:
    for run in range(4):
        values = {"lr": 0.1 if run < 2 else 0.2, "decay": run % 2, "draw": 10 + run}
        configured(tmp_path / "x", f"run{run}", values, run)
    split = open_study(tmp_path).groups()
    assert [len(runs) for runs in split.values()] == [1, 1, 1, 1]
    by_key = open_study(tmp_path, grouping=Grouping(by=("lr",))).groups()
    assert {group: len(runs) for group, runs in by_key.items()} == {"lr=0.1": 2, "lr=0.2": 2}
    two = open_study(tmp_path, grouping=Grouping(by=("experiment", "decay"))).groups()
    assert {group: len(runs) for group, runs in two.items()} == {"x,decay=0": 2, "x,decay=1": 2}
    ignoring = open_study(tmp_path, grouping=Grouping(ignored_keys=("decay", "draw"))).groups()
    assert {group: len(runs) for group, runs in ignoring.items()} == {"x@lr=0.1": 2, "x@lr=0.2": 2}
    seeded = open_study(tmp_path, grouping=Grouping(by=("lr",), seed_key="draw"))
    assert [run.seed for run in seeded.runs] == [10, 11, 12, 13]


def test_a_key_that_no_run_has_is_refused_naming_the_nearest(tmp_path: Path) -> None:
    configured(tmp_path / "x", "run0", {"learning_rate": 0.1})
    with pytest.raises(DiagError, match=r"'learning_rat'.*Did you mean 'learning_rate'"):
        open_study(tmp_path, grouping=Grouping(by=("learning_rat",)))


def test_the_same_seed_in_every_configuration_does_not_make_one_run_of_all(tmp_path: Path) -> None:
    for run in range(3):
        configured(tmp_path / "x", f"run{run}", {"lr": 0.1, "seed": 42}, run)
    (members,) = open_study(tmp_path).groups().values()
    assert [run.label for run in members] == ["x/run0", "x/run1", "x/run2"]
    assert not any(run.is_called_by_its_seed for run in members)
    notes: list[str] = []
    group_runs([str(tmp_path)], tmp_path, missing=notes)
    assert notes == [
        "x: 3 runs state the same seed, 42. They are taken as different runs because they are in different "
        "places, and they are not paired by seed."
    ]


@pytest.mark.parametrize("command", ["ls", "diagnose"])
def test_every_command_takes_named_patterns(tmp_path: Path, command: str) -> None:
    root = written(tmp_path / "logs", "numbered")
    arguments = [command, f"a={root}/wide/*", f"b={root}/deep/*", "--json"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    runs = json.loads(result.output)["runs"]
    named = [run.get("experiment") or run["run"].partition("/")[0] for run in runs]
    assert Counter(named) == {"a": 3, "b": 3}


def test_a_pattern_that_matches_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing matches"):
        open_arguments([f"a={tmp_path}/none/*"])


@pytest.mark.parametrize("argument", ["q301@mining_opt_steps=5", "q101", "lr=0.1", "=x", "a="])
def test_names_of_variants_are_no_patterns(argument: str) -> None:
    assert parse_named_paths(argument) is None


def test_real_language_model_runs_are_two_groups_in_every_layout(shared: Path, tmp_path: Path) -> None:
    sizes = {"contra": 16, "newton": 15}
    for layout in ("lightning", "numbered", "uuid folders", "uuid files", "numbered names"):
        root = tmp_path / layout
        for group in sizes:
            for number, log in enumerate(sorted((shared / "text_logs" / group).glob("*.txt"))):
                text = log.read_text(errors="replace")
                points = re.findall(r"^step:(\d+)/\d+ val_loss:([\d.]+)", text, re.MULTILINE)
                place = LAYOUTS[layout](group, number if "uuid" not in layout else 0)
                place = place.replace(UUIDS[0], log.stem)
                as_csv(root / place, [(int(step), float(value)) for step, value in points])
        groups = {name: len(runs) for name, runs in open_study(root).groups().items()}
        assert groups == sizes, layout


def test_the_dashboard_shows_the_same_groups(tmp_path: Path) -> None:
    root = written(tmp_path / "logs", "numbered")
    patterns = [f"a={root}/wide/*", f"b={root}/deep/*"]
    shown = Catalog(root, patterns=patterns).snapshot()
    assert {name: len(entries) for name, entries in shown.groups().items()} == {"a": 3, "b": 3}
    assert shown.patterns == {"a": patterns[0], "b": patterns[1]}
    for run in range(2):
        configured(tmp_path / "x", f"run{run}", {"lr": 0.1 + run, "decay": run}, run)
    shown = Catalog(tmp_path / "x", grouping=Grouping(by=("decay",))).snapshot()
    assert (list(shown.groups()), list(shown.options)) == (["decay=0", "decay=1"], ["--group-by", "decay"])


def test_groups_of_a_key_are_named_by_its_values(tmp_path: Path) -> None:
    for run in range(4):
        configured(tmp_path / "x", f"run{run}", {"lr": 0.1 if run < 2 else 0.2, "decay": run}, run)
    groups = group_runs(["lr=0.2"], tmp_path, grouping=Grouping(by=("lr",)))
    assert {name: len(runs) for name, runs in groups.items()} == {"lr=0.2": 2}
    notes: list[str] = []
    groups = group_runs(["x"], tmp_path, grouping=Grouping(by=("lr",)), missing=notes)
    assert notes[0].startswith("lr=0.1: its runs differ in decay.")
    assert {name: len(runs) for name, runs in groups.items()} == {"lr=0.1": 2, "lr=0.2": 2}


def test_groups_that_share_a_run_are_refused(tmp_path: Path) -> None:
    root = written(tmp_path / "logs", "numbered")
    with pytest.raises(AmbiguousName, match="a and b share"):
        group_runs([f"a={root}/wide/*", f"b={root}/wide/run0"], tmp_path)


@pytest.mark.parametrize("shift", [0, 2])
def test_two_folders_of_one_experiment_are_compared_or_it_is_said_how(tmp_path: Path, shift: int) -> None:
    for part in ("before", "after"):
        for run in range(2):
            seed = run + shift * (part == "after")
            values = {"experiment_name": "cifar", "seed": seed, "lr": 0.1}
            configured(tmp_path / part, f"run{run}", values, run + 2 * (part == "after"))
    notes: list[str] = []
    paths = [str(tmp_path / part) for part in ("before", "after")]
    sizes = {name: len(g) for name, g in group_runs(paths, tmp_path / "none", missing=notes).items()}
    if shift:
        assert sizes == {"cifar": 4}
        assert f"name them: before={paths[0]} after={paths[1]}" in notes[-1]
    else:
        assert sizes == {"before": 2, "after": 2}
        assert notes[0].startswith("The folders hold the same seeds: each folder is taken as one group")
    groups = group_runs([f"{Path(path).name}={path}" for path in paths], tmp_path / "none")
    assert {name: len(runs) for name, runs in groups.items()} == {"before": 2, "after": 2}


def test_groups_of_one_run_each_are_told_how_to_be_grouped(tmp_path: Path) -> None:
    for run in range(3):
        configured(tmp_path / "x", f"run{run}", {"lr": 0.1 * run}, run)
    notes: list[str] = []
    group_runs([str(tmp_path)], tmp_path / "none", missing=notes)
    assert notes[-1] == (
        "Each of 3 groups has one run. To group them: NAME=GLOB, --group-by KEY or --ignore-key KEY "
        "(the runs differ in lr)."
    )


@pytest.mark.parametrize("grouping", [Grouping(seed_key="sed"), Grouping(ignored_keys=("sed",))])
def test_an_option_that_names_no_key_is_refused(tmp_path: Path, grouping: Grouping) -> None:
    configured(tmp_path / "x", "run0", {"seed": 1})
    with pytest.raises(DiagError, match="Did you mean 'seed'"):
        group_runs([str(tmp_path)], tmp_path, grouping=grouping)


def test_the_seed_key_splits_no_group(tmp_path: Path) -> None:
    for run in range(3):
        configured(tmp_path / "x", f"run{run}", {"lr": 0.1, "draw": run}, run)
    groups = group_runs([str(tmp_path)], tmp_path, grouping=Grouping(seed_key="draw"))
    assert {name: [run.seed for run in runs] for name, runs in groups.items()} == {"x": [0, 1, 2]}


def test_an_import_keeps_the_seed_that_a_configuration_states(tmp_path: Path) -> None:
    for seed in range(2):
        configured(tmp_path / "x", f"run{seed}", {"lr": 0.1, "seed": seed}, seed)
    import_logs([tmp_path / "x"], tmp_path / "runs")
    assert [run.label for run in open_study(tmp_path / "runs").runs] == ["x/seed0", "x/seed1"]


def test_a_name_that_ends_with_the_configured_seed_is_without_it(tmp_path: Path) -> None:
    for seed in (0, 10, 20):
        configured(tmp_path / "data" / "ppo", f"ppo_s{seed}", {"seed": seed, "exp_name": "ppo"}, seed % 3)
    assert [run.label for run in open_study(tmp_path).runs] == ["ppo/seed0", "ppo/seed10", "ppo/seed20"]
