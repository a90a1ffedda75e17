"""Identical runs of different configurations or seeds: what differs between them never reached the program.

Two runs are one computation where *every* metric that both logs hold has the same digits at every common
step, and these digits tell something (``curves.agreement``). One metric that differs once refutes it: a loss
printed with four digits is the same in many runs whose energies differ. Times, memory and schedules (learning
rate, epoch) are not results: their differences refute nothing and their equality proves nothing.

With different configurations an agreement means that the keys that differ were not read; so it does where
only names state them (``dropout=0.1``). With different seeds in a group it means that the seed was not; with
neither known, that one log is there several times. Runs that agree are one cluster, and clusters of the same
groups (one for each seed) are one finding.

Where one seed of two groups agrees and their other seeds differ, one log is a copy of the other.

Within a run, a validation metric that equals its training metric at every step is one number logged twice, or
one set of data.

Where the common steps end before half of the longer run, or of what was planned, a key may act later: that is
a note.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ired_diag.config_keys import METADATA
from ired_diag.curves.agreement import FEWEST, Agreement, agreement_of
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, counted, listed
from ired_diag.runs.evaluation_metric import is_of_training, training_metric
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.named_differences import named_differences, own_words
from ired_diag.runs.planned_steps import planned_steps
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

# Words of metrics that the machine decides: they differ between equal computations.
OF_THE_MACHINE = frozenset(
    """
    cpu date duration elapsed eta fps gb gpu host it latency mb mem memory ms power ram runtime sec second
    seconds speed temperature throughput time timestamp util utilization utilisation wall
    """.split()
)
# Words of metrics that the settings decide: they are equal in different computations.
OF_THE_SCHEDULE = frozenset(
    "batch beta epoch epochs flops iter iteration kimg lr momentum progress samples schedule step steps "
    "timesteps tokens weight".split()
)
UNREAD = frozenset((*METADATA, "experiment_name", "seed", "train_steps"))
# Words of keys that say how a run is logged, saved or stopped, not what it computes.
OF_BOOKKEEPING = frozenset(
    """
    checkpoint checkpoints ckpt compile dir every freq frequency interval keep log logger logging output
    patience prefetch print project resume save tensorboard threads verbose wandb worker workers
    """.split()
)
FEWEST_TWICE = 8  # steps at which validation equals training
FEWEST_OTHERS = 2  # seeds of two groups that differ next to one that agrees
HALF = 0.5  # of the longer run
MOST_KEYS = 8
OF_UNKNOWN_SEEDS = "Keep one of them; if they are runs of different seeds, the program did not use the seed."
HOW_MANY = {1: "the one metric", 2: "both metrics"}


@dataclass(frozen=True)
class Pair:
    """Two runs that agree in all that they log.

    Attributes:
        a: One run.
        b: The other.
        agreements: By metric.
    """

    a: Run
    b: Run
    agreements: dict[str, Agreement]

    @property
    def steps(self) -> int:
        """How many steps they share."""
        return max(agreement.steps for agreement in self.agreements.values())

    @property
    def reach(self) -> float:
        """Which share of the longer run, as planned if that is stated, the common steps span."""
        longest = max(run.history.last_step or 0 for run in (self.a, self.b))
        unfinished = [run for run in (self.a, self.b) if not run.ending.complete]
        longest = max(longest, *(planned_steps(run) or 0 for run in unfinished), 0)
        last = max(agreement.last for agreement in self.agreements.values())
        return last / longest if longest > 0 else 1.0

    @property
    def bits(self) -> float:
        """What the agreement tells, of all results together."""
        return sum(one.bits for name, one in self.agreements.items() if _is_result(name))


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each set of groups whose runs are the same, and each group with equal seeds."""
    sets: dict[frozenset[str], list[Pair]] = defaultdict(list)
    for cluster in _clusters([pair for pair in _same(study.runs) if _is_told(pair)]):
        sets[frozenset(run.group for pair in cluster for run in (pair.a, pair.b))] += cluster
    for pairs in sets.values():
        yield _copied(pairs, study) or _finding(pairs)
    yield from _logged_twice(study)


def _copied(pairs: Sequence[Pair], study: Study) -> Finding | None:
    """Return that one log is a copy, where the other seeds of the same two groups differ."""
    groups = study.groups()
    if len(pairs) != 1 or pairs[0].a.group == pairs[0].b.group or pairs[0].reach < HALF:
        return None
    (pair,) = pairs
    of_a, of_b = ({run.seed: run for run in groups[run.group]} for run in (pair.a, pair.b))
    others = [seed for seed in of_a if seed in of_b and seed not in (None, pair.a.seed, pair.b.seed)]
    if len(others) < FEWEST_OTHERS:
        return None
    statement = (
        f"{pair.a.label} and {pair.b.label} are the same log: they agree in {len(pair.agreements)} metrics "
        f"at all {pair.steps} common steps, while {len(others)} other seeds of {pair.a.group} and "
        f"{pair.b.group} differ. One is probably a copy: {_file(pair.a)} or {_file(pair.b)}."
    )
    evidence: Evidence = {"groups": f"{pair.a.group}, {pair.b.group}", "runs": 2, "evaluations": pair.steps}
    evidence |= {"bits": pair.bits, "other_seeds": len(others)}
    advice = "Find out which of the two files is the copy, and leave that seed out of its group."
    labels = (pair.a.label, pair.b.label)
    return Finding("identical_curves", "error", statement, evidence, advice, runs=labels)


def _file(run: Run) -> str:
    return "/".join(run.path.parts[-3:])


def _logged_twice(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose validation metric is its training metric at every step."""
    alike: dict[tuple[str, str, str], list[tuple[Run, int]]] = defaultdict(list)
    for run in study.runs:
        series = run.history.series
        if run.evaluated is None or is_of_training(metric := run.evaluated[0], series):
            continue
        train = training_metric(metric, series)
        if train is None or len(series[train]) < FEWEST_TWICE:
            continue
        a, b = series[metric], series[train]
        agreement = agreement_of(a.steps, a.values, b.steps, b.values)
        if agreement is not None and agreement.proves and agreement.steps == len(a) == len(b):
            alike[run.group, metric, train].append((run, agreement.steps))
    for (group, metric, train), cases in alike.items():
        runs = [run for run, _ in cases]
        statement = (
            f"{group}: {metric} equals {train} to the last digit at all {cases[0][1]} steps "
            f"({listed(run.seed_label for run in runs)}): the same number is logged twice, or "
            "validation uses the training data."
        )
        evidence: Evidence = {"group": group, "metric": metric, "train": train, "runs": len(runs)}
        advice = f"Look at where {metric} is computed. Until then there is no validation."
        labels = tuple(run.label for run in runs)
        yield Finding("identical_curves", "error", statement, evidence, advice, runs=labels)


def equal_groups(study: Study) -> set[frozenset[str]]:
    """Return the pairs of groups that this rule tells of."""
    pairs = [pair for pair in _same(study.runs) if _is_told(pair)]
    return {frozenset((pair.a.group, pair.b.group)) for pair in pairs}


def _finding(pairs: Sequence[Pair]) -> Finding:
    runs = _runs(pairs)
    groups = list(dict.fromkeys(run.group for run in runs))
    labels = list(dict.fromkeys(run.seed_label for run in runs))
    keys = sorted({key for pair in pairs for key in _differing(pair.a, pair.b)})
    metrics = list(dict.fromkeys(name for pair in pairs for name in pair.agreements))
    steps, reach = min(pair.steps for pair in pairs), min(pair.reach for pair in pairs)
    alike = listed(labels) if len(labels) > 1 else f"{counted(len(runs), 'run')} of {labels[0]}"
    who = f"{_and(groups)} ({listed(labels)})" if len(groups) > 1 else f"{groups[0]}: {alike}"
    what = HOW_MANY.get(len(metrics), f"all {len(metrics)} metrics")
    share = (
        f"{what} that these logs share ({listed(metrics, 3)}) to the last digit at all {steps} common steps"
    )
    evidence: Evidence = {
        "groups": ", ".join(groups),
        "runs": len(runs),
        "evaluations": steps,
        "metrics": len(metrics),
        "keys": ", ".join(keys),
        "bits": min(pair.bits for pair in pairs),
        "reach": reach,
    }
    if reach < HALF:
        statement = (
            f"{who}: they agree in {share}, up to {100 * reach:.2g}% of the longest run or of the planned "
            "steps. What differs between them has changed nothing so far."
        )
        return Finding("identical_curves", "note", statement, evidence, "Look again when they are longer.")
    told, advice = _consequence(pairs, keys, is_one_group=len(groups) == 1)
    if len({run.seed for run in runs}) > 1 and steps != max(pair.steps for pair in pairs):
        share = share.replace(f"all {steps} common steps", f"all common steps ({steps} or more)")
    statement = f"{who} are the same computation: they agree in {share}. {told}"
    return Finding("identical_curves", "error", statement, evidence, advice)


def _consequence(pairs: Sequence[Pair], keys: list[str], *, is_one_group: bool) -> tuple[str, str]:
    """Return what an agreement means, and what to do."""
    by_seed = any(_seeds_differ(pair) for pair in pairs)
    if keys:
        those = "one key that differs" if len(keys) == 1 else f"{len(keys)} keys that differ"
        told = f"The {those} changed nothing: {listed(keys, MOST_KEYS)}."
        told += " Nor did the seed." if by_seed else ""
        return told, "Count them as one experiment, and look for where the program reads these keys."
    if by_seed:
        advice = "Keep one of them, look for where the program reads its seed, and train the others again."
        return "The seed changed nothing: they count as one run.", advice
    told = "They count as one run: copies of one log, or runs in which nothing differs."
    if is_one_group:
        return told, OF_UNKNOWN_SEEDS
    groups = list(dict.fromkeys(run.group for run in _runs(pairs)))
    differences = named_differences(groups)
    if differences:
        settings = listed(f"{name} ({listed(values)})" for name, values in differences.items())
        told = f"Their names say that they differ in {settings}, which changed nothing."
        return told, "Count them as one experiment, and look for where the program reads this setting."
    own = own_words(groups)
    if own:
        told = f"Their names differ in {listed(own)}; if these are settings, they changed nothing."
        return told, "Keep one of them, and look for where the program reads what their names say."
    told += " No configuration says what differs between them."
    return told, OF_UNKNOWN_SEEDS


def _same(runs: Sequence[Run]) -> Iterator[Pair]:
    """Yield pairs of runs that agree in every metric, in digits that prove it."""
    starts: dict[tuple[str | float, ...], list[Run]] = defaultdict(list)
    for run in runs:
        if start := _start(run):
            starts[start].append(run)
    for alike in starts.values():
        for a, b in itertools.combinations(alike, 2):
            if pair := _pair(a, b):
                yield pair


def _start(run: Run) -> tuple[str | float, ...]:
    """Return a result and its first values, which runs that agree have in common; nothing without any."""
    results = [name for name, series in run.history.series.items() if len(series) >= FEWEST]
    results = [name for name in results if _is_result(name)]
    judged = run.evaluated[0] if run.evaluated and run.evaluated[0] in results else min(results, default="")
    return (judged, *run.history.series[judged].values[:FEWEST].tolist()) if judged else ()


def _pair(a: Run, b: Run) -> Pair | None:
    x, y = a.history.series, b.history.series
    agreements = {}
    for name in [name for name in x if name in y and _is_computed(name)]:
        agreement = agreement_of(x[name].steps, x[name].values, y[name].steps, y[name].values)
        if agreement is not None:
            agreements[name] = agreement
        elif len(set(x[name].steps.tolist()) & set(y[name].steps.tolist())):
            return None
    is_proved = any(agreement.proves for name, agreement in agreements.items() if _is_result(name))
    return Pair(a, b, agreements) if is_proved else None


def are_one_computation(a: Run, b: Run) -> bool:
    """Say whether two runs agree in every metric that both log, in digits that prove it."""
    return _pair(a, b) is not None


def _is_told(pair: Pair) -> bool:
    """Say whether two runs that agree should not: one configuration that was run twice is no mistake."""
    a, b = pair.a, pair.b
    if a.group == b.group or _seeds_differ(pair):
        return True
    return bool(_differing(a, b)) or not (a.settings and b.settings)


def _clusters(pairs: Iterable[Pair]) -> list[list[Pair]]:
    """Return pairs that hang together."""
    cluster_of: dict[int, list[Pair]] = {}
    for pair in pairs:
        a, b = (cluster_of.get(id(run), []) for run in (pair.a, pair.b))
        small, large = sorted((a, b), key=len)
        if small is not large:
            large += small
        large.append(pair)
        cluster_of |= {id(run): large for run in _runs([*small, pair])}
    return list({id(cluster): cluster for cluster in cluster_of.values()}.values())


def _runs(pairs: Iterable[Pair]) -> list[Run]:
    return list({id(run): run for pair in pairs for run in (pair.a, pair.b)}.values())


def _is_computed(name: str) -> bool:
    """Say whether a metric is the same in equal computations."""
    return not OF_THE_MACHINE.intersection(words_of(name))


def _is_result(name: str) -> bool:
    """Say whether a metric is another in different computations."""
    return _is_computed(name) and not OF_THE_SCHEDULE.intersection(words_of(name))


def _seeds_differ(pair: Pair) -> bool:
    return None not in (pair.a.seed, pair.b.seed) and pair.a.seed != pair.b.seed


def _differing(a: Run, b: Run) -> list[str]:
    """Return the keys that differ and say what is computed."""
    x, y = a.settings, b.settings
    if not (x and y):
        return []
    keys = [key for key in {**x, **y} if key not in UNREAD and not OF_BOOKKEEPING.intersection(words_of(key))]
    return [key for key in keys if x.get(key) != y.get(key)]


def _and(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


RULE = Rule(
    "identical_curves",
    "Did runs of different configurations or seeds compute the same?",
    find,
    consequence="conclusion",
    refuted_by=(
        "One metric that both logs hold and that differs once at a common step. Or a reason why these keys "
        "or the seed cannot matter: a deterministic program, a key that acts only later."
    ),
    near_miss=(
        "Two runs whose training loss is the same in four printed digits, because they draw the same data "
        "and have learnt nothing yet, while their energies differ; runs with the same learning rates."
    ),
    example=(
        "q202, q203 and q204 log the same validation/mse, digit by digit, at 100 steps each of two seeds, "
        "though 13 keys differ: none of them reached the model."
    ),
)
