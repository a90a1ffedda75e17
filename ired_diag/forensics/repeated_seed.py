"""One seed that is counted as several.

Four signs, where ``identical_curves`` (whole curves that agree) has nothing to say:

- two runs of a group are called seeds 3 and 4 by their folders or files, and their configurations or logs
  give both the same seed: a warning. Where only the configurations say so, which a command line may have
  overruled, it is a note, unless all other runs of the group state the seed that they are called by;
- two seeds of a group, or of a table of seeds next to the runs (a CSV with a column of seeds), give the same
  single number to five digits or more, in a measure that is no share of
  few samples (a table with a row copied): a warning where chance makes a pair in fewer than one table of a
  thousand. With values spread over a range R and printed in units u, a pair agrees with a probability of
  about u/R, and n values have n (n - 1)/2 pairs;
- two groups of single numbers agree in every seed, three at least, with five digits each: a warning;
- two groups with equal settings hold the same run of the same seed, in all metrics that both log: a note.
  Where both are counted, it counts twice;
- several tasks of one job ran the same seed, configuration and commit to their end, and their curves differ:
  a warning. Such tasks run side by side, so that none is a retry of another, and yet they are read as tries
  at one seed: an array of five seeds that all read seed 42 is one seed. Three runs of a group or more
  without names of seeds that state one seed, and differ: a note.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.curves.one_computation import are_one_computation
from ired_diag.errors import DiagError
from ired_diag.finding import Finding
from ired_diag.forensics import identical_curves
from ired_diag.forensics.rule import Evidence, Rule, labels_of, listed, seeds_in_words
from ired_diag.readers.foreign_configuration import seed_of
from ired_diag.readers.seed_table_metrics import names_seeds, read_seed_metrics
from ired_diag.runs.fold import fold_of
from ired_diag.runs.metric_limits import share_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.seed_sources import source_of_key
from ired_diag.stats.printed_numbers import printed

NAMED = re.compile(r"(?i)(?:^|[^a-z])seed[_=-]?(\d{1,9})(?!\d)")
FEWEST_DIGITS = 5
BY_CHANCE = 1e-3  # of the tables without a copy
FEW_POINTS = 2  # evaluations: longer curves are compared whole
FEWEST_EQUAL = 3  # seeds of two tables that agree, or runs that state one seed
FEWEST_TWICE = 3  # values, of runs in two groups: below, no digits prove that two curves are one


@dataclass(frozen=True)
class Twins:
    """A number that several seeds share.

    Attributes:
        metric: The name of what was measured.
        value: The number.
        labels: The labels of the seeds.
        chance: The probability that a table of such numbers has a pair.
    """

    metric: str
    value: float
    labels: tuple[str, ...]
    chance: float


@dataclass(frozen=True)
class Column:
    """A group of single numbers.

    Attributes:
        name: The group, with its table where it is in several.
        metric: The name of what was measured.
        values: The number of each seed.
    """

    name: str
    metric: str
    values: Mapping[str, float]


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each seed that is counted as several."""
    reported = identical_curves.equal_groups(study)
    tables = set(tables_of(study))
    for group, runs in study.groups().items():
        yield from _tasks_of_one_seed(group, runs)
        for members in _by_seeds_of_sources(runs):
            yield from _stated_alike(group, members)
            yield from _named_apart(group, members)
        yield from _equal_numbers(group, [run for run in runs if run.path not in tables])
    yield from _in_tables(study)
    yield from _equal_tables(study)
    yield from _in_two_groups(study, reported)


def _by_seeds_of_sources(runs: Sequence[Run]) -> list[list[Run]]:
    """Return the runs with a log, those together of one fold and equal seeds of sources (``data_seed``).

    Runs of one seed that differ in another one are crossed, and no seed is counted twice.
    """
    by_seeds: dict[tuple[tuple[str, str], ...], list[Run]] = defaultdict(list)
    for run in runs:
        if run.of_table:
            continue
        # Folds of one seed hold out different data.
        seeds = [("fold", str(fold_of(run)))]
        for key, value in (run.configuration or {}).items():
            if source_of_key(key) is not None:
                seeds.append((key, str(value)))
        by_seeds[tuple(sorted(seeds))].append(run)
    return list(by_seeds.values())


def tasks_at_once(run: Run) -> list[Run]:
    """Return the attempts at a run that are other tasks of its job and trained to their end, as it did."""
    task = run.provenance.get("task")
    if run.job is None or task is None or not run.ending.complete:
        return []
    tasks = {task}
    others = []
    for attempt in run.attempts:
        other_task = attempt.provenance.get("task")
        is_another = attempt.job == run.job and other_task is not None and other_task not in tasks
        if is_another and attempt.ending.complete:
            tasks.add(other_task)
            others.append(attempt)
    return others


def _tasks_of_one_seed(group: str, runs: Sequence[Run]) -> Iterator[Finding]:
    """Yield a finding for each seed that several tasks of one job trained to the end."""
    for run in runs:
        others = tasks_at_once(run)
        if not others or run.seed is None or _any_alike([run, *others]):
            continue
        count = len(others) + 1
        statement = (
            f"{group}: {count} tasks of job {run.job} all ran seed {run.seed} to the end, and their curves "
            f"differ: one seed trained {count} times, with what the machine does not repeat. They are taken "
            "as one seed, of which the last one counts."
        )
        evidence: Evidence = {
            "group": group,
            "seed": run.seed,
            "job": run.job,
            "tasks": count,
        }
        yield Finding(
            rule="repeated_seed",
            severity="warning",
            statement=statement,
            evidence=evidence,
            advice="Pass the number of the task as the seed, and train again: they are no independent seeds.",
            runs=(run.label,),
        )


def _stated_alike(group: str, runs: Sequence[Run]) -> Iterator[Finding]:
    """Yield a note for each seed that several runs state whose names state none."""
    by_seed: dict[int, list[Run]] = defaultdict(list)
    for run in runs:
        stated = stated_seed(run)
        if stated is not None and seed_in_name(run) is None:
            by_seed[stated].append(run)
    for seed, members in by_seed.items():
        if len(members) < FEWEST_EQUAL or _any_alike(members):
            continue
        statement = (
            f"{group}: {len(members)} runs ({seeds_in_words(members)}) all state seed {seed}, and their "
            "curves differ. If that seed is what ran, they are no independent seeds."
        )
        yield Finding(
            rule="repeated_seed",
            severity="note",
            statement=statement,
            evidence={"group": group, "seed": seed, "runs": len(members)},
            advice="Look for where the program reads its seed; if it read this one, count them as one seed.",
            runs=labels_of(members),
        )


def _named_apart(group: str, runs: Sequence[Run]) -> Iterator[Finding]:
    """Yield a finding for each seed that runs of different names state."""
    by_seed: dict[int, list[tuple[int, Run]]] = defaultdict(list)
    for run in runs:
        named = seed_in_name(run)
        stated = stated_seed(run)
        if named is not None and stated is not None:
            by_seed[stated].append((named, run))
    for seed, members in by_seed.items():
        names, of_seed = zip(*members, strict=True)
        different = sorted(set(names))
        if len(different) > 1 and not _any_alike(of_seed):
            others = {other: named for other, named in by_seed.items() if other != seed}
            yield _finding_on_names(group, seed, different, of_seed, is_usual=_follow_their_names(others))


def _follow_their_names(by_seed: Mapping[int, Sequence[tuple[int, Run]]]) -> bool:
    """Say whether runs state the seeds that they are called by, three at least."""
    named = [(seed, name) for seed, members in by_seed.items() for name, _ in members]
    return len(named) >= FEWEST_EQUAL and all(seed == name for seed, name in named)


def stated_seed(run: Run) -> int | None:
    """Return the seed that a run's configuration states, else the one that its log does."""
    configured = seed_of(run.configuration)
    if configured is None:
        return run.seed
    return configured


def _finding_on_names(
    group: str, seed: int, names: list[int], runs: Sequence[Run], *, is_usual: bool
) -> Finding:
    """Return the finding on runs of different names that state one seed.

    Args:
        group: Their group.
        seed: The seed that they state.
        names: The seeds that they are called by.
        runs: The runs.
        is_usual: Whether the other runs of the group state the seeds that they are called by.
    """
    labels = list(map(str, names))
    is_sure = all(run.seed == seed for run in runs)
    meaning = " in their configurations. If that is what ran, they are no independent seeds."
    if is_usual:
        meaning = (
            " in their configurations, where all others state the seed that they are called by. If that is "
            "what ran, they are no independent seeds."
        )
    if is_sure:
        meaning = ". They differ by what the machine does not repeat: they are no independent seeds."
    evidence: Evidence = {
        "group": group,
        "seed": seed,
        "names": ", ".join(labels),
        "runs": len(runs),
    }
    advice = "Look for where the program reads its seed; if it read this one, count these runs as one seed."
    return Finding(
        rule="repeated_seed",
        severity="warning" if is_sure or is_usual else "note",
        statement=f"{group}: the runs called seeds {listed(labels)} all state seed {seed}{meaning}",
        evidence=evidence,
        advice=advice,
        runs=labels_of(runs),
    )


def seed_in_name(run: Run) -> int | None:
    """Return the seed that a run's folder or file is named by; None where there is none, or several."""
    for name in (run.path.name, run.path.parent.name):
        seeds = set(map(int, NAMED.findall(name)))
        if len(seeds) == 1:
            return seeds.pop()
    return None


def _any_alike(runs: Sequence[Run]) -> bool:
    """Say whether two runs logged the same."""
    pairs = itertools.combinations(runs, 2)
    return any(a.history.series == b.history.series for a, b in pairs)


def _equal_numbers(group: str, runs: Sequence[Run]) -> Iterator[Finding]:
    """Yield a finding where two seeds of a group of single numbers give the same."""
    values: dict[str, float] = {}
    seeds: dict[str, str] = {}
    metrics: set[str] = set()
    for run in runs:
        if run.evaluated is None or len(run.evaluated[1]) > FEW_POINTS:
            continue
        metric, series = run.evaluated
        metrics.add(metric)
        values[run.label] = float(series.values[-1])
        seeds[run.label] = run.seed_label
    if len(metrics) == 1:
        for twins in _twins(metrics.pop(), values):
            names = [seeds[label] for label in twins.labels]
            yield _finding_on_twins(group, twins, names, runs=twins.labels)


def _twins(metric: str, values: Mapping[str, float]) -> Iterator[Twins]:
    """Yield each number that two seeds or more share, where chance makes none.

    Args:
        metric: The name of what was measured.
        values: The number of each seed, by its label.
    """
    numbers = np.array(list(values.values()))
    if len(values) < 3 or share_of(metric) or not np.isfinite(numbers).all() or np.ptp(numbers) == 0:
        return
    chance = chance_of_a_pair(numbers)
    if chance > BY_CHANCE:
        return
    labels_of_value: dict[float, list[str]] = defaultdict(list)
    for label, value in values.items():
        labels_of_value[value].append(label)
    for value, labels in labels_of_value.items():
        if len(labels) > 1 and _digits(value) >= FEWEST_DIGITS:
            yield Twins(metric=metric, value=value, labels=tuple(labels), chance=chance)


def _finding_on_twins(
    group: str, twins: Twins, names: Sequence[str], *, where: str = "", runs: tuple[str, ...] = ()
) -> Finding:
    statement = (
        f"{group}: {listed(names)} give the same {twins.metric}, {twins.value:.12g}, to the last of "
        f"{_digits(twins.value)} digits{where}; by chance {twins.chance:.1g} of such tables have a pair. One "
        "of them is probably a copy, and is counted twice."
    )
    evidence: Evidence = {
        "group": group,
        "metric": twins.metric,
        "value": twins.value,
        "runs": len(names),
        "chance": twins.chance,
        "seeds": ", ".join(names),
    }
    return Finding(
        rule="repeated_seed",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice="Look the two numbers up in their logs, and leave one out if they are one run.",
        runs=runs,
    )


def _in_tables(study: Study) -> Iterator[Finding]:
    """Yield a finding where two seeds of a table give one number: the tables next to the runs."""
    for path in tables_of(study):
        try:
            metrics = read_seed_metrics(path)
        except DiagError:
            continue  # not a table of seeds, which the list of skipped files says
        reported: set[tuple[str, str]] = set()
        for metric, table in metrics.items():
            for group, values in table.items():
                for finding in _in_column(group, metric, values, where=f" in {path.name}"):
                    seeds = str(finding.evidence["seeds"])
                    if (group, seeds) not in reported:
                        yield finding
                    reported.add((group, seeds))


def _in_column(
    group: str, metric: str, values: Mapping[Any, float | None], *, where: str
) -> Iterator[Finding]:
    """Yield a finding for each number that two seeds of a column share."""
    numbers = {f"seed{seed}": value for seed, value in values.items() if value is not None}
    for twins in _twins(metric, numbers):
        yield _finding_on_twins(group, twins, twins.labels, where=where)


def _equal_tables(study: Study) -> Iterator[Finding]:
    """Yield a finding for each two groups of single numbers that agree in every seed."""
    for a, b in itertools.combinations(_columns(study), 2):
        if a.metric != b.metric or a.values != b.values:
            continue
        digits = sum(map(_digits, a.values.values()))
        if len(set(a.values.values())) < FEWEST_EQUAL or digits < FEWEST_DIGITS * FEWEST_EQUAL:
            continue
        seeds = len(a.values)
        statement = (
            f"{a.name} and {b.name} give the same {a.metric} for each of {seeds} seeds, to the last digit: "
            "one is probably a copy of the other."
        )
        evidence: Evidence = {
            "group": a.name,
            "other_group": b.name,
            "metric": a.metric,
            "runs": seeds,
        }
        advice = (
            f"Look up where the numbers of {a.name} and {b.name} come from. Until then, do not compare them."
        )
        yield Finding(
            rule="repeated_seed",
            severity="warning",
            statement=statement,
            evidence=evidence,
            advice=advice,
        )


def _columns(study: Study) -> list[Column]:
    """Return each group of single numbers, for each table that it comes from."""
    runs_of: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in study.runs:
        file = run.path.name if run.of_table else ""
        runs_of[run.group, file].append(run)
    tables_with = Counter(group for group, _ in runs_of)
    columns = []
    for (group, file), runs in runs_of.items():
        name = group
        if tables_with[group] > 1:
            name = f"{group} of {file}"
        column = _column(name, runs)
        if column is not None:
            columns.append(column)
    return columns


def _column(name: str, runs: Sequence[Run]) -> Column | None:
    """Return the numbers of a group of single numbers, by seed; None of any other."""
    values: dict[str, float] = {}
    metrics: set[str] = set()
    for run in runs:
        if run.evaluated is None or len(run.evaluated[1]) != 1:
            return None
        metric, series = run.evaluated
        metrics.add(metric)
        values[run.seed_label] = float(series.values[0])
    if len(metrics) != 1:
        return None
    return Column(name=name, metric=metrics.pop(), values=values)


def tables_of(study: Study) -> list[Path]:
    """Return the tables of one number a seed: those opened as runs, and the CSV files next to runs."""
    tables = [run.path for run in study.runs if run.of_table]
    for file in study.skipped:
        if file.path.suffix.lower() == ".csv" and names_seeds(file.path):
            tables.append(file.path)
    return list(dict.fromkeys(tables))


def chance_of_a_pair(values: np.ndarray) -> float:
    """Return the probability that two of n printed values agree by chance, at most 1.

    The values are taken to lie evenly in the range of their middle half, times two.
    """
    low, high = np.quantile(np.unique(values), [0.25, 0.75])
    if high <= low:
        return 1.0
    unit = float(printed(values).unit.max())
    pairs = len(values) * (len(values) - 1) / 2
    return float(min(1.0, pairs * unit / (2 * (high - low))))


def _digits(value: float) -> int:
    """Return how many significant digits a number is written with."""
    mantissa = f"{abs(value):.12g}".partition("e")[0]
    return len(mantissa.replace(".", "").lstrip("0"))


def _in_two_groups(study: Study, reported: set[frozenset[str]]) -> Iterator[Finding]:
    """Yield a finding for each two groups of equal settings that hold the same run of one seed."""
    runs_of: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for alike in _runs_by_start(study):
        for a, b in itertools.combinations(alike, 2):
            is_new = a.group != b.group and frozenset((a.group, b.group)) not in reported
            if is_new and _is_one_run(a, b):
                runs_of[a.group, b.group].append(a)
    for (a_group, b_group), runs in runs_of.items():
        statement = (
            f"{a_group} and {b_group} have equal settings and hold the same runs, digit by digit "
            f"({seeds_in_words(runs)}): counted in both, they count twice."
        )
        evidence: Evidence = {
            "group": a_group,
            "other_group": b_group,
            "runs": len(runs),
        }
        yield Finding(
            rule="repeated_seed",
            severity="note",
            statement=statement,
            evidence=evidence,
            advice=f"Count {a_group} or {b_group}, and not both.",
        )


def _runs_by_start(study: Study) -> Iterable[list[Run]]:
    """Return the runs of one seed and metric whose first three evaluations are equal."""
    by_start: dict[tuple[object, ...], list[Run]] = defaultdict(list)
    for run in study.runs:
        if run.seed is None or run.evaluated is None:
            continue
        metric, series = run.evaluated
        if len(series) >= FEWEST_TWICE:
            first_values = series.values[:3].tolist()
            by_start[run.seed, metric, *first_values].append(run)
    return by_start.values()


def _is_one_run(a: Run, b: Run) -> bool:
    """Say whether two runs have the same settings, and the same curves in all that both log."""
    if a.settings != b.settings or not a.evaluated or not b.evaluated:
        return False
    series, other = a.evaluated[1], b.evaluated[1]
    if series != other or not np.isfinite(series.values).all():
        return False
    return are_one_computation(a, b)


RULE = Rule(
    name="repeated_seed",
    question="Is one seed counted as several?",
    find=find,
    refuted_by="The two logs: they print different seeds, or differ in any other metric.",
    near_miss=(
        "Accuracies over few samples that meet, while another metric differs; few digits; one configuration "
        "run with another seed; a task of a job that died and was started again."
    ),
    consequence="conclusion",
    example="seed3 and seed7 of a table both give 0.0096873412, and no other two agree in four digits.",
)
