"""Every number that ``ired-diag stats --json`` prints, recomputed with numpy and scipy from logs and tables.

The formulas (``recomputation``) and their layout (``recomputed_stats``) share no code with the project; the
logs are parsed here by two regular expressions. A printed number that nothing recomputes fails the test,
unless ``NOT_RECOMPUTED`` says why, so that a new number cannot come unnoticed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.runs.history import Row, to_jsonl
from tests.recomputation import Array
from tests.recomputed_stats import FINAL, Truth, expected

pytestmark = pytest.mark.slow

EXACT = 1e-9
NUMERIC = 1e-6  # where degrees of freedom are of a second derivative taken from differences
TOLERANCES = {  # relative, where the printed number comes from an iteration or an integral of its own
    r"\.(power|nemenyi)\.": 1e-6,
    r"\.posterior\.": 1e-6,
    r"\.sizes\.(hedges|paired|dominance|improvement)\.": 1e-7,
    r"\.sd_ratio\.": 1e-7,
}
ABSOLUTE = {r"\.skewness$": 1e-12, r"\.nemenyi\.p\.": 1e-9, r"\.posterior\.(below|inside|above)": 1e-8}
NOT_RECOMPUTED = {
    r"\.interquartile_mean\.(low|high)$": "bootstrap",
    r"\.tests\.bootstrap\.(low|high|draws)$": "bootstrap",
    r"\.coverage(_indicated)?\.(coverage|standard_error)$": "simulated beforehand, kept as a table",
    r"\.shared_noise\.p$": "Monte Carlo over assignments of seeds",
    r"^\.plateau_step$": "the rule of curves.plateau, tested on its own; here it must be a logged step",
}
EVALUATION = re.compile(r"Validation Result @ Iteration (\d+);[^\n]*\(ID: Validation\)\n[- ]+\nmse +(\S+)\n")
CLOCK = re.compile(r"^(?:Job started|Experiment completed) at \w+ (\w+ +\d+ [\d:]+) \w+ (\d+)$", re.MULTILINE)
SEED = re.compile(r"_(\d+)\.out$")

Table = Mapping[str, list[float | None]]

TABLES: dict[str, Table] = {
    "two_of_five": {"a": [1.03, 1.11, 0.98, 1.07, 1.21], "b": [1.31, 1.18, 1.27, 1.44, 1.09]},
    "three_of_three": {"a": [0.51, 0.57, 0.48], "b": [0.61, 0.55, 0.63], "c": [0.92, 0.81, 0.87]},
    "negative": {
        "a": [-4.04, -4.01, -3.98, -4.08, -4.05, -4.06],
        "b": [-2.97, -3.03, -2.96, -3.01, -3.0, -3.1],
    },
    "both_signs": {"a": [-0.3, 0.4, 0.9, -0.2, 0.5, 0.11], "b": [1.2, 0.8, 2.1, -0.4, 1.5, 0.7]},
    "large": {"a": [3.1e12, 3.3e12, 2.9e12, 3.05e12], "b": [3.6e12, 3.2e12, 3.45e12, 3.9e12]},
    "small": {
        "a": [2.1e-13, 2.4e-13, 1.9e-13, 2.2e-13, 2.0e-13],
        "b": [2.6e-13, 2.2e-13, 2.5e-13, 2.7e-13, 3e-13],
    },
    "ties": {
        "a": [1.0, 2.0, 2.0, 3.0, 4.0, 2.5],
        "b": [2.0, 2.0, 3.5, 3.0, 5.0, 2.5],
        "c": [1.0, 3.0, 2.0, 4.0, 6.0, 2.5],
    },
    "ten_seeds": {
        "a": [0.81, 0.84, 0.79, 0.88, 0.83, 0.8, 0.86, 0.82, 0.85, 0.78],
        "b": [0.83, 0.85, 0.8, 0.93, 0.84, 0.79, 0.9, 0.87, 0.86, 0.83],
        "c": [0.95, 0.91, 1.02, 0.88, 0.97, 0.99, 0.93, 1.1, 0.96, 0.9],
        "d": [0.8, 0.89, 0.77, 0.9, 0.81, 0.84, 0.82, 0.85, 0.88, 0.76],
    },
    "missing_in_one": {"a": [1.2, 1.5, None, 1.1, 1.3, 1.4], "b": [1.6, 1.9, 1.7, 1.4, 1.8, 2.2]},
    "failed_in_one": {"a": [1.2, 1.5, math.nan, 1.1, math.nan, 1.4], "b": [1.6, 1.9, 1.7, 1.4, 1.8, 2.2]},
    "no_seed_in_common": {
        "a": [0.71, 0.83, 0.64, 0.77, 0.9, None, None, None, None, None, None, None],
        "b": [None, None, None, None, None, 1.01, 0.82, 0.95, 1.3, 0.88, 1.12, 0.99],
    },
    "missing_in_all": {
        "a": [5.1, 5.4, 4.9, None, 5.6, 5.0, 5.2],
        "b": [5.9, None, 5.5, 5.8, 6.3, 5.7, 6.1],
        "c": [7.0, 6.1, None, 6.6, 6.9, 7.7, 6.4],
    },
}


def printed(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["stats", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def numbers_of(tree: object, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numbers of a document by their path; null is NaN."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from numbers_of(value, f"{path}.{key}")
    elif isinstance(tree, list | tuple):
        for place, value in enumerate(tree):
            yield from numbers_of(value, f"{path}.{place}")
    elif tree is None:
        yield path, math.nan
    elif not isinstance(tree, str | bool | np.bool_):
        yield path, float(tree)  # type: ignore[arg-type]


def words_of(tree: object, path: str = "") -> Iterator[tuple[str, str | bool]]:
    """Yield the texts and truth values of a document by their path."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from words_of(value, f"{path}.{key}")
    elif isinstance(tree, list | tuple):
        for place, value in enumerate(tree):
            yield from words_of(value, f"{path}.{place}")
    elif isinstance(tree, str | bool):
        yield path, tree


def tolerance(path: str, table: Mapping[str, float], default: float) -> float:
    return next((value for pattern, value in table.items() if re.search(pattern, path)), default)


def is_excused(path: str) -> bool:
    return any(re.search(pattern, path) for pattern in NOT_RECOMPUTED)


def agree(path: str, told: float, truth: float, exact: float) -> bool:
    if not (math.isfinite(told) and math.isfinite(truth)):
        return not (math.isfinite(told) or math.isfinite(truth))
    relative, absolute = tolerance(path, TOLERANCES, exact), tolerance(path, ABSOLUTE, 0.0)
    return math.isclose(told, truth, rel_tol=relative, abs_tol=absolute)


def check(document: dict[str, Any], truth: Truth, *, exact: float = EXACT) -> int:
    """Compare all numbers; return how many finite ones were recomputed."""
    recomputed = expected(document, truth)
    told, right = dict(numbers_of(document)), dict(numbers_of(recomputed))
    null = {path for path, value in told.items() if math.isnan(value) and path not in right}
    unknown = [path for path in told if path not in right and path not in null and not is_excused(path)]
    assert not unknown, f"numbers that nothing recomputes: {unknown}"
    assert not (lost := [path for path in right if path not in told]), f"no longer printed: {lost}"
    off = [
        f"{path}: {told[path]!r}, not {right[path]!r}"
        for path in right
        if not agree(path, told[path], right[path], exact)
    ]
    words = dict(words_of(document))
    off += [
        f"{path}: {words[path]}, not {decision}"
        for path, decision in words_of(recomputed)
        if words[path] != decision
    ]
    assert not off, "\n".join(off)
    return sum(math.isfinite(value) for value in right.values())


def truth_of_table(table: Table, *, lower_is_better: bool = True) -> Truth:
    seeds = {
        name: {f"seed{i}": value for i, value in enumerate(column) if value is not None and value == value}
        for name, column in table.items()
    }
    none: dict[str, dict[str, float]] = {name: {} for name in table}
    readouts = {name: seeds if name in ("last", "best") else none for name in FINAL}
    windows: dict[str, dict[str, Array]] = {name: {} for name in table}
    failed = {
        name: [f"seed{i}" for i, value in enumerate(column) if value is not None and value != value]
        for name, column in table.items()
    }
    return Truth(readouts, windows, dict.fromkeys(table, 0), lower_is_better=lower_is_better, failed=failed)


def write_table(path: Path, table: Table) -> Path:
    rows = ["seed," + ",".join(table)]
    for i, cells in enumerate(zip(*table.values(), strict=True)):
        rows.append(",".join([str(i), *("" if cell is None else repr(cell) for cell in cells)]))
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("name", TABLES)
def test_numbers_of_a_table(name: str, tmp_path: Path) -> None:
    document = printed(str(write_table(tmp_path / "table.csv", TABLES[name])))
    assert check(document, truth_of_table(TABLES[name])) > 80 * len(document["pairs"])
    assert document["ranks"] is None


@pytest.mark.parametrize("name", TABLES)
def test_numbers_of_a_table_whose_seeds_are_pairs(name: str, tmp_path: Path) -> None:
    document = printed(str(write_table(tmp_path / "table.csv", TABLES[name])), "--paired")
    assert check(document, truth_of_table(TABLES[name]), exact=NUMERIC) > 80 * len(document["pairs"])


def test_numbers_of_a_table_where_higher_is_better(tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.csv", TABLES["ties"])
    document = printed(str(path), "--higher-is-better")
    assert check(document, truth_of_table(TABLES["ties"], lower_is_better=False)) > 300


def curves_of(folder: Path, experiment: str) -> dict[str, tuple[Array, Array]]:
    """Return steps and validation errors of each seed, of the last attempt that has evaluations."""
    curves = {}
    for path in sorted(folder.glob(f"ired_{experiment}_*.out")):
        rows = EVALUATION.findall(path.read_text())
        seed = SEED.search(path.name)
        if rows and seed:
            steps, values = np.array(rows, dtype=np.float64).T
            curves[f"seed{seed[1]}"] = (steps, values)
    return {seed: curves[seed] for seed in sorted(curves)}


def seconds_of(folder: Path, experiment: str) -> list[float]:
    """Return how long each attempt took that has evaluations."""
    seconds = []
    for path in sorted(folder.glob(f"ired_{experiment}_*.out")):
        text = path.read_text()
        if EVALUATION.search(text):
            begun, ended = (
                datetime.strptime(" ".join(clock), "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
                for clock in CLOCK.findall(text)
            )
            seconds.append((ended - begun).total_seconds())
    return seconds


def read(steps: Array, values: Array, start: float, *, lower_is_better: bool) -> dict[str, float]:
    """Return the readouts of one curve whose plateau begins at a step."""
    area = np.sum((values[1:] + values[:-1]) / 2 * np.diff(steps)) / (steps[-1] - steps[0])
    best = values.min() if lower_is_better else values.max()
    read = (values[steps >= start].mean(), values[-1], best, values[-10:].mean(), area)
    return dict(zip(FINAL, map(float, read), strict=True))


def truth_of_curves(
    curves: Mapping[str, Mapping[str, tuple[Array, Array]]],
    start: float,
    *,
    lower_is_better: bool = True,
    seconds: Mapping[str, list[float]] | None = None,
) -> Truth:
    """Return what was logged, of curves by group and seed; one that ends in NaN is of a failed seed."""
    readouts: dict[str, dict[str, dict[str, float]]] = {each: {name: {} for name in curves} for each in FINAL}
    windows: dict[str, dict[str, Array]] = {name: {} for name in curves}
    failed: dict[str, list[str]] = {name: [] for name in curves}
    for name, group in curves.items():
        for seed, (steps, values) in group.items():
            if np.isnan(values[-1]):
                failed[name].append(seed)
                continue
            windows[name][seed] = values[steps >= start]
            for each, value in read(steps, values, start, lower_is_better=lower_is_better).items():
                readouts[each][name][seed] = value
    last = {name: int(group["seed0"][0][-1]) for name, group in curves.items()}
    return Truth(readouts, windows, last, failed, seconds or {}, lower_is_better)


def truth_of_logs(folder: Path, names: tuple[str, ...], start: float) -> Truth:
    curves = {name: curves_of(folder, name) for name in names}
    return truth_of_curves(curves, start, seconds={name: seconds_of(folder, name) for name in names})


@pytest.mark.parametrize("readout", ["plateau", "last"])
def test_numbers_of_the_study(readout: str, shared: Path) -> None:
    names, folder = ("q101", "q102", "q103"), shared / "ired_logs"
    document = printed(*names, "--runs", str(folder), "--readout", readout)
    steps, _ = curves_of(folder, "q101")["seed0"]
    assert document["plateau_step"] in steps
    assert check(document, truth_of_logs(folder, names, document["plateau_step"])) > 700


STEPS: Array = 50.0 * np.arange(1, 81, dtype=np.float64)
STUDY = {
    "mining_strategy": "none",
    "dataset": "inverse",
    "rank": 20,
    "ood": False,
    "evaluation_mode": "fixed",
    "validation_batches": 10,
}
FAILING = {  # of each group, which seeds end in NaN
    "the study, failures in one group": (STUDY, True, {"m0": (1, 4), "m1": (), "m2": ()}),
    "other runs, failures in all groups": ({}, False, {"m0": (0,), "m1": (2, 5), "m2": (3,)}),
}


def resting(level: float, rng: np.random.Generator, *, lower_is_better: bool) -> Array:
    """Return a curve that comes to a level and rests there, with noise of lag-one correlation 0.6."""
    noise = rng.standard_normal(len(STEPS))
    for i in range(1, len(noise)):
        noise[i] = 0.6 * noise[i - 1] + 0.8 * noise[i]
    fall = np.exp(-np.arange(len(STEPS)) / 3)
    return np.asarray(
        level * (1 + 0.01 * noise + 0.005 * rng.standard_normal()) + fall * (1 if lower_is_better else -level)
    )


def write_runs(
    root: Path,
    metric: str,
    configuration: Mapping[str, Any],
    curves: Mapping[str, Mapping[str, tuple[Array, Array]]],
) -> None:
    """Write a folder for each run."""
    for name, group in curves.items():
        for seed, (steps, values) in group.items():
            folder = root / name / seed
            folder.mkdir(parents=True)
            ending = {"state": "complete"}
            told = {
                "format": 1,
                "experiment": name,
                "seed": int(seed[4:]),
                "config": configuration,
                "ending": ending,
            }
            (folder / "config.json").write_text(json.dumps(told))
            rows = [Row(int(step), {metric: float(v)}) for step, v in zip(steps, values, strict=True)]
            (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))


@pytest.mark.parametrize("case", FAILING)
def test_numbers_of_runs_of_which_seeds_failed(case: str, tmp_path: Path) -> None:
    configuration, lower, failing = FAILING[case]
    curves: dict[str, dict[str, tuple[Array, Array]]] = {}
    for g, (name, lost) in enumerate(failing.items()):
        curves[name] = {}
        for seed in range(7):
            rng = np.random.default_rng([g, seed])
            values = resting(0.7 + 0.02 * g, rng, lower_is_better=lower)
            values[-3:] = np.nan if seed in lost else values[-3:]
            curves[name][f"seed{seed}"] = (STEPS, values)
    write_runs(tmp_path, "validation/mse" if lower else "val_accuracy", configuration, curves)
    document = printed(*curves, "--runs", str(tmp_path))
    assert document["plateau_step"] in STEPS
    assert [pair["primary"] == "worst_rank" for pair in document["pairs"]] == [True, True, not lower]
    truth = truth_of_curves(curves, document["plateau_step"], lower_is_better=lower)
    assert check(document, truth, exact=NUMERIC) > 700


PARTLY_SHARED: Table = {
    "a": [5.1, 5.4, 4.9, 5.3, 5.6, 5.0, 5.2, 5.7, 4.8, None, 5.5],
    "b": [5.9, 5.8, 5.5, 6.0, 6.3, 5.7, 6.1, 6.2, 5.6, 6.4, None],
    "c": [5.2, 5.3, 5.0, 5.3, 5.5, 5.1, 5.1, None, None, None, None],
}


@pytest.mark.parametrize("arguments", [("--paired",), ("--paired", "--margin", "0.05abs"), ("--unpaired",)])
def test_numbers_where_groups_share_a_part_of_their_seeds(arguments: tuple[str, ...], tmp_path: Path) -> None:
    document = printed(str(write_table(tmp_path / "table.csv", PARTLY_SHARED)), *arguments)
    estimators = {pair["estimator"] for pair in document["pairs"]}
    assert estimators == ({"welch"} if arguments == ("--unpaired",) else {"partial", "partial_unequal"})
    assert check(document, truth_of_table(PARTLY_SHARED), exact=NUMERIC) > 300


def test_a_wrong_number_and_a_new_one_are_seen(tmp_path: Path) -> None:
    table = TABLES["two_of_five"]
    document = printed(str(write_table(tmp_path / "table.csv", table)))
    document["pairs"][0]["welch"]["p"] *= 1 + 1e-6
    with pytest.raises(AssertionError, match=r"pairs\.0\.welch\.p"):
        check(document, truth_of_table(table))
    document = printed(str(tmp_path / "table.csv"))
    document["pairs"][0]["novelty"] = 0.5
    with pytest.raises(AssertionError, match="novelty"):
        check(document, truth_of_table(table))
    document = printed(str(tmp_path / "table.csv"))
    del document["pairs"][0]["welch"]["df"]
    with pytest.raises(AssertionError, match=r"no longer printed.*df"):
        check(document, truth_of_table(table))
