"""Identical runs of different configurations or seeds: what differs between them never reached the program.

Two runs are one computation where *every* metric that both logs hold has the same digits at every common
step, and these digits tell something (``curves.agreement``). One metric that differs once refutes it: a loss
printed with four digits is the same in many runs whose energies differ. Times, memory and schedules (learning
rate, epoch) are not results: their differences refute nothing and their equality proves nothing.

With different configurations an agreement means that the keys that differ were not read; so it does where
only names state them (``dropout=0.1``). With different seeds in a group it means that the seed was not; with
neither known, that one log is there several times. Runs that agree are one cluster, and clusters of the same
groups (one for each seed) are one finding.

Where some seeds of two groups agree and as many others or more differ, these logs are copies of the others.

Where seeds of one group differ in other metrics and log one curve of the validation metric
(``curves.one_evaluation``), the evaluation does not depend on what was trained, or its numbers were copied:
that is a warning. Groups are left alone: a setting may change only what a training logs.

Within a run, a validation metric that equals its training metric at every step is one number logged twice, or
one set of data.

Where the common steps end before half of the longer run, or of what was planned, a key may act later: that is
a note. So is a difference in how long two runs train (``epochs``): the longer one only goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from ired_diag.curves.one_computation import (
    HALF,
    Pair,
    agreement_of_series,
    differing_settings,
    equal_pairs,
)
from ired_diag.curves.one_evaluation import OneEvaluation, equal_evaluations
from ired_diag.finding import Finding
from ired_diag.forensics.rule import (
    Evidence,
    Rule,
    groups_of,
    judged_metric,
    labels_of,
    listed,
    seeds_in_words,
)
from ired_diag.runs.evaluation_metric import is_of_training, training_metric
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.name_list import counted
from ired_diag.runs.named_differences import named_differences, own_words
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

# Words of keys that say how long a run trains.
OF_LENGTH = frozenset(
    """
    budget count epoch epochs iter iteration iterations iters max maximum n num number of stop steps timesteps
    total train trainer training updates
    """.split()
)
UNITS_OF_LENGTH = frozenset("epoch epochs iter iteration iterations iters steps timesteps updates".split())
FEWEST_TWICE = 8  # steps at which validation equals training
FEWEST_OTHERS = 2  # seeds of two groups that differ next to one that agrees
MOST_KEYS = 8
OF_UNKNOWN_SEEDS = "Keep one of them; if they are runs of different seeds, the program did not use the seed."
HOW_MANY = {1: "the one metric", 2: "both metrics"}


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each set of groups whose runs are the same, and each group with equal seeds."""
    pairs_of: dict[frozenset[str], list[Pair]] = defaultdict(list)
    for cluster in _clusters(_unexpected_pairs(study)):
        groups = frozenset(groups_of(_runs_of(cluster)))
        pairs_of[groups].extend(cluster)
    for pairs in pairs_of.values():
        yield _finding_on_copy(pairs, study) or _finding(pairs)
    yield from _equally_evaluated(study)
    yield from _logged_twice(study)


def _finding_on_copy(pairs: Sequence[Pair], study: Study) -> Finding | None:
    """Return that logs are copies, where most other seeds of the same two groups differ."""
    pair = pairs[0]
    is_across = all(each.a.group != each.b.group and not each.has_different_seeds for each in pairs)
    groups = groups_of(_runs_of(pairs))
    if not is_across or len(groups) != 2 or min(each.reach for each in pairs) < HALF:
        return None
    others = _other_seeds_in_common(pairs, study)
    if len(others) < max(FEWEST_OTHERS, len(pairs)):
        return None
    first, second = groups
    if len(pairs) == 1:
        who = f"{pair.a.label} and {pair.b.label} are the same log: they agree"
        copies = f"One is probably a copy: {_file(pair.a)} or {_file(pair.b)}."
    else:
        seeds = listed([each.a.seed_label for each in pairs])
        who = f"{first} and {second} hold the same logs ({seeds}): they agree"
        copies = f"They are probably copies, such as {_file(pair.a)} or {_file(pair.b)}."
    statement = (
        f"{who} in {len(pair.agreements)} metrics at all {pair.steps} common steps, "
        f"while {len(others)} other seeds of {first} and {second} differ. {copies}"
    )
    evidence: Evidence = {
        "groups": f"{first}, {second}",
        "runs": len(_runs_of(pairs)),
        "evaluations": pair.steps,
        "bits": min(each.bits for each in pairs),
        "other_seeds": len(others),
    }
    advice = "Find out which of the two files is the copy, and leave that seed out of its group."
    if len(pairs) > 1:
        advice = "Find out which of the files are copies, and leave these seeds out of their group."
    return Finding(
        rule="identical_curves",
        severity="error",
        statement=statement,
        evidence=evidence,
        advice=advice,
        runs=labels_of(_runs_of(pairs)),
    )


def _other_seeds_in_common(pairs: Sequence[Pair], study: Study) -> set[int]:
    """Return the seeds that the groups of both runs have, without those of the runs themselves."""
    groups = study.groups()
    pair = pairs[0]
    common = _seeds_of(groups[pair.a.group]) & _seeds_of(groups[pair.b.group])
    return common - _seeds_of(_runs_of(pairs))


def _seeds_of(runs: Iterable[Run]) -> set[int]:
    return {run.seed for run in runs if run.seed is not None}


def _file(run: Run) -> str:
    return "/".join(run.path.parts[-3:])


def _equally_evaluated(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group with runs that trained differently and log one validation curve."""
    pairs_of: dict[tuple[str, str], list[OneEvaluation]] = defaultdict(list)
    for pair in equal_evaluations(study.runs):
        if pair.a.group == pair.b.group:
            pairs_of[pair.a.group, pair.metric].append(pair)
    for pairs in pairs_of.values():
        yield _finding_on_evaluations(pairs)


def _finding_on_evaluations(pairs: Sequence[OneEvaluation]) -> Finding:
    runs = list({id(run): run for pair in pairs for run in (pair.a, pair.b)}.values())
    groups = groups_of(runs)
    metric, differing = pairs[0].metric, pairs[0].differing
    evaluations = min(pair.agreement.steps for pair in pairs)
    return Finding(
        rule="identical_curves",
        severity="warning",
        statement=(
            f"{_groups_in_words(groups, runs)}: {metric} has the same digits at all {evaluations} common "
            f"evaluations, while {differing} differs. The evaluation does not depend on what was trained "
            "(other weights are evaluated than those that are trained), or its numbers were copied."
        ),
        evidence={
            "groups": ", ".join(groups),
            "runs": len(runs),
            "metric": metric,
            "differing": differing,
            "evaluations": evaluations,
            "bits": min(pair.agreement.bits for pair in pairs),
        },
        advice=f"Look at which weights {metric} is computed of. Until then these runs count as one.",
        runs=labels_of(runs),
    )


def _logged_twice(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose validation metric is its training metric at every step."""
    cases: dict[tuple[str, str, str], list[tuple[Run, int]]] = defaultdict(list)
    for run in study.runs:
        twins = _equal_training_metric(run)
        if twins is not None:
            metric, train, steps = twins
            cases[run.group, metric, train].append((run, steps))
    for (group, metric, train), members in cases.items():
        runs, _ = zip(*members, strict=True)
        statement = (
            f"{group}: {metric} equals {train} to the last digit at all {members[0][1]} steps "
            f"({seeds_in_words(runs)}): the same number is logged twice, or "
            "validation uses the training data."
        )
        evidence: Evidence = {
            "group": group,
            "metric": metric,
            "train": train,
            "runs": len(runs),
        }
        yield Finding(
            rule="identical_curves",
            severity="error",
            statement=statement,
            evidence=evidence,
            advice=f"Look at where {metric} is computed. Until then there is no validation.",
            runs=labels_of(runs),
        )


def _equal_training_metric(run: Run) -> tuple[str, str, int] | None:
    """Return the validation metric, the training metric that equals it, and the number of steps."""
    logged = run.history.series
    metric = judged_metric(run)
    if not metric or is_of_training(metric, logged):
        return None
    train = training_metric(metric, logged)
    if train is None or len(logged[train]) < FEWEST_TWICE:
        return None
    agreement = agreement_of_series(logged[metric], logged[train])
    if agreement is None or not agreement.proves:
        return None
    if not agreement.steps == len(logged[metric]) == len(logged[train]):
        return None
    return metric, train, agreement.steps


def equal_groups(study: Study) -> set[frozenset[str]]:
    """Return the pairs of groups that this rule reports."""
    return study.derived(_equal_groups)


def _equal_groups(study: Study) -> set[frozenset[str]]:
    return {frozenset(groups_of(pair.runs)) for pair in _unexpected_pairs(study)}


def _finding(pairs: Sequence[Pair]) -> Finding:
    runs = _runs_of(pairs)
    groups = groups_of(runs)
    keys: set[str] = set()
    metrics: dict[str, None] = {}
    for pair in pairs:
        keys.update(differing_settings(*pair.runs))
        metrics |= dict.fromkeys(pair.agreements)
    reach = min(pair.reach for pair in pairs)
    who = _groups_in_words(groups, runs)
    seeds = {run.seed for run in runs}
    is_long = reach >= HALF
    share = _agreement_in_words(list(metrics), pairs, has_several_lengths=is_long and len(seeds) > 1)
    evidence: Evidence = {
        "groups": ", ".join(groups),
        "runs": len(runs),
        "evaluations": min(pair.steps for pair in pairs),
        "metrics": len(metrics),
        "keys": ", ".join(sorted(keys)),
        "bits": min(pair.bits for pair in pairs),
        "reach": reach,
    }
    if not is_long:
        return Finding(
            rule="identical_curves",
            severity="note",
            statement=(
                f"{who}: they agree in {share}, up to {100 * reach:.2g}% of the longest run or of the "
                "planned steps. What differs between them has changed nothing so far."
            ),
            evidence=evidence,
            advice="Look again when they are longer.",
            runs=labels_of(runs),
        )
    by_seed = any(pair.has_different_seeds for pair in pairs)
    if keys and all(map(_is_length, keys)) and not by_seed:
        return Finding(
            rule="identical_curves",
            severity="note",
            statement=(
                f"{who} are one training: they agree in {share}. They differ in how long they train "
                f"({listed(sorted(keys))}), so that the longer one goes on where the other ends."
            ),
            evidence=evidence,
            advice="Count them as one run.",
            runs=labels_of(runs),
        )
    meaning, advice = _consequence(pairs, sorted(keys), is_one_group=len(groups) == 1)
    return Finding(
        rule="identical_curves",
        severity="error",
        statement=f"{who} are the same computation: they agree in {share}. {meaning}",
        evidence=evidence,
        advice=advice,
        runs=labels_of(runs),
    )


def _groups_in_words(groups: Sequence[str], runs: Sequence[Run]) -> str:
    """Return which runs of which groups agree."""
    labels = list(dict.fromkeys(run.seed_label for run in runs))
    if len(groups) > 1:
        return f"{', '.join(groups[:-1])} and {groups[-1]} ({listed(labels)})"
    if len(labels) > 1:
        return f"{groups[0]}: {listed(labels)}"
    return f"{groups[0]}: {counted(len(runs), 'run')} of {labels[0]}"


def _agreement_in_words(metrics: Sequence[str], pairs: Sequence[Pair], *, has_several_lengths: bool) -> str:
    """Return in what pairs of runs agree, and at how many steps."""
    what = HOW_MANY.get(len(metrics), f"all {len(metrics)} metrics")
    shared_steps = [pair.steps for pair in pairs]
    fewest = min(shared_steps)
    steps = f"all {fewest} common steps"
    if has_several_lengths and max(shared_steps) > fewest:
        steps = f"all common steps ({fewest} or more)"
    return f"{what} that these logs share ({listed(metrics, 3)}) to the last digit at {steps}"


def _consequence(pairs: Sequence[Pair], keys: list[str], *, is_one_group: bool) -> tuple[str, str]:
    """Return what an agreement means, and what to do."""
    by_seed = any(pair.has_different_seeds for pair in pairs)
    if keys:
        number = "one key that differs" if len(keys) == 1 else f"{len(keys)} keys that differ"
        meaning = f"The {number} changed nothing: {listed(keys, MOST_KEYS)}."
        if by_seed:
            meaning += " Nor did the seed."
        return meaning, "Count them as one experiment, and look for where the program reads these keys."
    if by_seed:
        advice = "Keep one of them, look for where the program reads its seed, and train the others again."
        return "The seed changed nothing: they count as one run.", advice
    meaning = "They count as one run: copies of one log, or runs in which nothing differs."
    if is_one_group:
        return meaning, OF_UNKNOWN_SEEDS
    groups = groups_of(_runs_of(pairs))
    differences = named_differences(groups)
    if differences:
        settings = listed(f"{name} ({listed(values)})" for name, values in differences.items())
        meaning = f"Their names say that they differ in {settings}, which changed nothing."
        return meaning, "Count them as one experiment, and look for where the program reads this setting."
    own = own_words(groups)
    if own:
        meaning = f"Their names differ in {listed(own)}. If these words are settings, they had no effect."
        return meaning, "Keep one of them, and look for where the program reads what their names say."
    if all(run.settings for run in _runs_of(pairs)):
        return f"{meaning} Their settings are equal.", OF_UNKNOWN_SEEDS
    return f"{meaning} No configuration says what differs between them.", OF_UNKNOWN_SEEDS


def _unexpected_pairs(study: Study) -> list[Pair]:
    """Return the pairs of runs that agree and should not."""
    return study.derived(_find_unexpected_pairs)


def _find_unexpected_pairs(study: Study) -> list[Pair]:
    return list(filter(_is_unexpected, equal_pairs(study.runs)))


def _is_unexpected(pair: Pair) -> bool:
    """Say whether two runs that agree should not: one configuration and seed that ran twice is no mistake.

    Equal settings do not say that the seeds are equal: those must be known too.
    """
    a, b = pair.runs
    if a.group == b.group or pair.has_different_seeds or None in (a.seed, b.seed):
        return True
    is_unknown = not a.settings or not b.settings
    return is_unknown or bool(differing_settings(a, b))


def _clusters(pairs: Iterable[Pair]) -> list[list[Pair]]:
    """Return pairs that hang together."""
    cluster_of: dict[int, list[Pair]] = {}
    for pair in pairs:
        small, large = sorted((cluster_of.get(id(run), []) for run in pair.runs), key=len)
        # Only the runs of the smaller cluster move, so that many pairs take little time.
        if small is not large:
            large.extend(small)
        large.append(pair)
        for run in _runs_of([*small, pair]):
            cluster_of[id(run)] = large
    return list({id(cluster): cluster for cluster in cluster_of.values()}.values())


def _runs_of(pairs: Iterable[Pair]) -> list[Run]:
    """Return the runs of pairs, each once."""
    runs: dict[int, Run] = {}
    for pair in pairs:
        for run in pair.runs:
            runs[id(run)] = run
    return list(runs.values())


def _is_length(key: str) -> bool:
    """Say whether a key states how long a run trains."""
    words = frozenset(words_of(key))
    return words <= OF_LENGTH and not words.isdisjoint(UNITS_OF_LENGTH)


RULE = Rule(
    name="identical_curves",
    question="Did runs of different configurations or seeds compute the same?",
    find=find,
    consequence="conclusion",
    refuted_by=(
        "One metric that both logs hold and that differs once at a common step. "
        "Or a reason why these keys or the seed cannot matter: a "
        "deterministic program, a key that acts only later."
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
