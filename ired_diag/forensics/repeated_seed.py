"""One seed that is counted as several.

Four signs, where ``identical_curves`` (whole curves that agree) has nothing to say:

- two runs of a group are called seeds 3 and 4 by their folders or files, and their configurations or logs
  give both the same seed: a warning, or a note where only the configurations say so, which a command line may
  have overruled;
- two seeds of a group, or of a table of seeds next to the runs (a CSV with a column of seeds), give the same
  single number to five digits or more, in a measure that is no share of
  few samples (a table with a row copied): a warning where chance makes a pair in fewer than one table of a
  thousand. With values spread over a range R and printed in units u, a pair agrees with a probability of
  about u/R, and n values have n (n - 1)/2 pairs;
- two groups of single numbers agree in every seed, three at least, with five digits each: a warning;
- two groups with equal settings hold the same run of the same seed: a note. Where both are counted, it
  counts twice.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ired_diag.errors import DiagError
from ired_diag.finding import Finding, Severity
from ired_diag.forensics import identical_curves
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.readers.foreign_configuration import seed_of
from ired_diag.readers.seed_table_metrics import names_seeds, read_seed_metrics
from ired_diag.runs.history import Series
from ired_diag.runs.metric_limits import share_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.stats.printed_numbers import printed

NAMED = re.compile(r"(?i)(?:^|[^a-z])seed[_=-]?(\d{1,9})(?!\d)")
FEWEST_DIGITS = 5
BY_CHANCE = 1e-3
FEW_POINTS = 2  # evaluations: longer curves are compared whole
FEWEST_EQUAL = 3  # seeds of two tables that agree
FEWEST_TWICE = 10  # values, of runs in two groups


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each seed that is counted as several."""
    told = identical_curves.equal_groups(study)
    tables = set(tables_of(study))
    for group, runs in study.groups().items():
        yield from _named_apart(group, [run for run in runs if not run.of_table])
        yield from _equal_numbers(group, [run for run in runs if run.path not in tables])
    yield from _in_tables(study)
    yield from _equal_tables(study)
    yield from _in_two_groups(study, told)


def _named_apart(group: str, runs: Sequence[Run]) -> Iterator[Finding]:
    by_seed: dict[int, list[tuple[int, Run]]] = defaultdict(list)
    for run in runs:
        named, stated = seed_in_name(run), stated_seed(run)
        if named is not None and stated is not None:
            by_seed[stated].append((named, run))
    for seed, members in by_seed.items():
        names = sorted({named for named, _ in members})
        if len(names) > 1 and not _any_same([run for _, run in members]):
            yield _one_seed(group, seed, names, [run for _, run in members])


def stated_seed(run: Run) -> int | None:
    """Return the seed that a run's configuration states, else the one that its log does."""
    configured = seed_of(run.configuration)
    return run.seed if configured is None else configured


def _one_seed(group: str, seed: int, names: list[int], runs: Sequence[Run]) -> Finding:
    is_sure = all(run.seed == seed for run in runs)
    statement = f"{group}: the runs called seeds {listed(map(str, names))} all state seed {seed}"
    if is_sure:
        severity: Severity = "warning"
        statement += ". They differ by what the machine does not repeat: they are no independent seeds."
    else:
        severity = "note"
        statement += " in their configurations. If that is what ran, they are no independent seeds."
    evidence: Evidence = {"group": group, "seed": seed, "names": ", ".join(map(str, names))}
    evidence |= {"runs": len(runs)}
    advice = "Look for where the program reads its seed; if it read this one, count these runs as one seed."
    labels = tuple(run.label for run in runs)
    return Finding("repeated_seed", severity, statement, evidence, advice, runs=labels)


def seed_in_name(run: Run) -> int | None:
    """Return the seed that a run's folder or file is named by; None where there is none, or several."""
    for name in (run.path.name, run.path.parent.name):
        seeds = {int(seed) for seed in NAMED.findall(name)}
        if len(seeds) == 1:
            return seeds.pop()
    return None


def _any_same(runs: Sequence[Run]) -> bool:
    return any(a.history.series == b.history.series for a, b in itertools.combinations(runs, 2))


def _equal_numbers(group: str, runs: Sequence[Run]) -> Iterator[Finding]:
    """Yield a finding where two seeds of a group of single numbers give the same."""
    judged = [run for run in runs if run.evaluated and len(run.evaluated[1]) <= FEW_POINTS]
    metrics = {run.evaluated[0] for run in judged if run.evaluated}
    if len(metrics) == 1:
        values = {run.label: float(run.evaluated[1].values[-1]) for run in judged if run.evaluated}
        seeds = {run.label: run.seed_label for run in judged}
        yield from _twins(group, metrics.pop(), values, seeds)


def _twins(
    group: str, metric: str, values: Mapping[str, float], seeds: Mapping[str, str], *, where: str = ""
) -> Iterator[Finding]:
    """Yield a finding for each number that two seeds or more share, by their labels."""
    numbers = np.array(list(values.values()))
    if len(values) < 3 or share_of(metric) or not np.isfinite(numbers).all() or np.ptp(numbers) == 0:
        return
    chance = chance_of_a_pair(numbers)
    alike: dict[float, list[str]] = defaultdict(list)
    for label, value in values.items():
        alike[value].append(label)
    for value, twins in alike.items():
        if len(twins) > 1 and chance <= BY_CHANCE and _digits(value) >= FEWEST_DIGITS:
            named = [seeds[label] for label in twins]
            statement = (
                f"{group}: {listed(named)} give the same {metric}, {value:.12g}, to the last of "
                f"{_digits(value)} digits{where}; by chance {chance:.1g} of such tables have a pair. One of "
                "them is probably a copy, and is counted twice."
            )
            evidence: Evidence = {"group": group, "metric": metric, "value": value, "runs": len(twins)}
            evidence |= {"chance": chance, "seeds": ", ".join(named)}
            advice = "Look the two numbers up in their logs, and leave one out if they are one run."
            labels = () if where else tuple(twins)
            yield Finding("repeated_seed", "warning", statement, evidence, advice, runs=labels)


def _in_tables(study: Study) -> Iterator[Finding]:
    """Yield a finding where two seeds of a table give one number: the tables next to the runs."""
    for path in tables_of(study):
        try:
            metrics = read_seed_metrics(path)
        except DiagError:
            continue  # not a table of seeds, which the list of skipped files says
        told: set[tuple[str, str]] = set()
        for metric, table in metrics.items():
            for group, values in table.items():
                numbers = {str(seed): value for seed, value in values.items() if value is not None}
                seeds = {seed: f"seed{seed}" for seed in numbers}
                for finding in _twins(group, metric, numbers, seeds, where=f" in {path.name}"):
                    if (group, str(finding.evidence["seeds"])) not in told:
                        yield finding
                    told.add((group, str(finding.evidence["seeds"])))


def _equal_tables(study: Study) -> Iterator[Finding]:
    """Yield a finding for each two groups of single numbers that agree in every seed."""
    tables: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in study.runs:
        tables[run.group, run.path.name if run.of_table else ""].append(run)
    count = Counter(group for group, _ in tables)
    columns = [
        (f"{group} of {file}" if count[group] > 1 else group, column)
        for (group, file), runs in tables.items()
        if (column := _column(runs))
    ]
    for (a, (metric, x)), (b, (other, y)) in itertools.combinations(columns, 2):
        if metric != other or x != y or len(set(x.values())) < FEWEST_EQUAL:
            continue
        if sum(map(_digits, x.values())) < FEWEST_DIGITS * FEWEST_EQUAL:
            continue
        statement = (
            f"{a} and {b} give the same {metric} for each of {len(x)} seeds, to the last digit: one is "
            "probably a copy of the other."
        )
        evidence: Evidence = {"group": a, "other_group": b, "metric": metric, "runs": len(x)}
        advice = f"Look up where the numbers of {a} and {b} come from. Until then, do not compare them."
        yield Finding("repeated_seed", "warning", statement, evidence, advice)


def _column(runs: Sequence[Run]) -> tuple[str, dict[str, float]] | None:
    """Return the metric and the numbers of a group of single numbers, by seed; None of any other."""
    judged = [(run, run.evaluated) for run in runs if run.evaluated and len(run.evaluated[1]) == 1]
    metrics = {evaluated[0] for _, evaluated in judged}
    if len(judged) != len(runs) or len(metrics) != 1:
        return None
    return metrics.pop(), {run.seed_label: float(series.values[0]) for run, (_, series) in judged}


def tables_of(study: Study) -> list[Path]:
    """Return the tables of one number a seed: those opened as runs, and the CSV files next to runs."""
    opened = [run.path for run in study.runs if run.of_table]
    skipped = [one.path for one in study.skipped if one.path.suffix.lower() == ".csv"]
    return list(dict.fromkeys([*opened, *(path for path in skipped if names_seeds(path))]))


def chance_of_a_pair(values: np.ndarray) -> float:
    """Return the probability that two of n printed values agree by chance, at most 1.

    The values are taken to lie evenly in the range of their middle half, times two.
    """
    low, high = np.quantile(np.unique(values), [0.25, 0.75])
    unit = float(printed(values).unit.max())
    pairs = len(values) * (len(values) - 1) / 2
    return min(1.0, pairs * unit / (2 * (high - low))) if high > low else 1.0


def _digits(value: float) -> int:
    return len(f"{abs(value):.12g}".partition("e")[0].replace(".", "").lstrip("0"))


def _in_two_groups(study: Study, told: set[frozenset[str]]) -> Iterator[Finding]:
    """Yield a finding for each two groups of equal settings that hold the same run of one seed."""
    starts: dict[tuple[object, ...], list[Run]] = defaultdict(list)
    for run in study.runs:
        if run.evaluated and len(run.evaluated[1]) >= FEWEST_TWICE and run.seed is not None:
            starts[run.seed, run.evaluated[0], *run.evaluated[1].values[:3].tolist()].append(run)
    pairs: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for alike in starts.values():
        for a, b in itertools.combinations(alike, 2):
            if a.group != b.group and frozenset((a.group, b.group)) not in told and _is_one_run(a, b):
                pairs[a.group, b.group].append(a)
    for (a_group, b_group), runs in pairs.items():
        statement = (
            f"{a_group} and {b_group} have equal settings and hold the same runs, digit by digit "
            f"({listed(run.seed_label for run in runs)}): counted in both, they count twice."
        )
        evidence: Evidence = {"group": a_group, "other_group": b_group, "runs": len(runs)}
        advice = f"Count {a_group} or {b_group}, and not both."
        yield Finding("repeated_seed", "note", statement, evidence, advice)


def _is_one_run(a: Run, b: Run) -> bool:
    if a.settings != b.settings or not a.evaluated or not b.evaluated:
        return False
    x, y = a.evaluated[1], b.evaluated[1]
    return _equal(x, y) and float(np.ptp(np.asarray(x.values))) > 0


def _equal(x: Series, y: Series) -> bool:
    return x == y and bool(np.isfinite(x.values).all())


RULE = Rule(
    name="repeated_seed",
    question="Is one seed counted as several?",
    find=find,
    refuted_by="The two logs: they print different seeds, or differ in any other metric.",
    near_miss="Accuracies over few samples that meet; few digits; one configuration run with another seed.",
    consequence="conclusion",
    example="seed3 and seed7 of a table both give 0.0096873412, and no other two agree in four digits.",
)
