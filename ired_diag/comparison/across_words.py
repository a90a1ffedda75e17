"""What a comparison over tasks says, in sentences: only what holds, with N, and of which tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ired_diag.comparison.across import ALPHA, Across, NewAgainstOld
from ired_diag.comparison.across_amounts import amount, interval_in_words, p_in_words
from ired_diag.comparison.words import READOUT_NAMES, VALUE_OF_TABLE
from ired_diag.runs.name_list import counted, first_names
from ired_diag.stats.aggregate_coverage import LEAST
from ired_diag.stats.simultaneous import simultaneous_interval

MOST_NAMED = 8  # tasks in a sentence
METHODS = {
    "paired": "paired t test of per-seed means",
    "partial": "per-seed means of partly shared seeds, by REML",
    "partial_unequal": "per-seed means of partly shared seeds, with a variance for each group",
    "welch": "Welch's test of per-seed means",
    "pairs with gaps": "mixed model of pairs with missing cells",
    "separate tasks": "tests of single tasks, added up after Satterthwaite",
}
AGGREGATES = {
    "iqm": "IQM",
    "median": "median",
    "mean": "mean",
    "optimality_gap": "optimality gap",
}


def sentence_of(across: Across, pair: NewAgainstOld) -> str:
    """Return the verdict on the mean effect: ``b is better than a by 4.1% …``."""
    result = pair.result
    tasks = counted(len(across.tasks), "task")
    size = amount(across, result.difference)
    if not math.isfinite(result.test.low):
        reason = result.test.reason or "no interval"
        return (
            f"No test of {pair.new} against {pair.old} over {tasks}: {reason}. The mean difference is {size}."
        )
    found = _interval_and_p(across, pair)
    if not pair.is_significant:
        return f"Undecided: {pair.new} and {pair.old} differ by {size} on average over {tasks} ({found})."
    word = "better"
    if result.difference < 0:
        word = "worse"
    verdict = f"{pair.new} is {word} than {pair.old}: {size} on average over {tasks} ({found})."
    failed = _failed(pair)
    if not failed:
        return verdict
    if pair.decision == "undecided":
        return (
            f"Undecided: {failed} failed, and a failed run is the worst result. "
            f"Among the runs that ended well, {verdict}"
        )
    return (
        f"{verdict} This is among the runs that ended well: {failed} failed, and a failed run is the worst "
        "result."
    )


def _failed(pair: NewAgainstOld) -> str:
    """Return how many runs of each group failed; empty where none did."""
    counts = []
    for group, failed in ((pair.new, pair.failed), (pair.old, pair.failed_old)):
        if failed:
            runs = counted(failed, "run")
            counts.append(f"{runs} of {group}")
    return " and ".join(counts)


def _interval_and_p(across: Across, pair: NewAgainstOld) -> str:
    groups = len(across.pairs)
    low, high = simultaneous_interval(pair.result.test, groups)
    interval = interval_in_words(across, low, high)
    p = p_in_words(pair.p_adjusted)
    if groups == 1:
        return f"95% interval {interval}; p = {p}"
    return f"95% interval of all {groups} groups together {interval}; p = {p} (Holm)"


def method_of(across: Across, pair: NewAgainstOld) -> str:
    """Return how the mean effect was tested, and on how many seeds."""
    result = pair.result
    parts = [METHODS[result.method]]
    if result.method == "welch" and result.missing:
        parts = ["mixed model with missing cells, a variance for each group"]
    if math.isfinite(result.test.df):
        parts.append(f"df = {result.test.df:.3g}")
    pairs = "equal seeds are pairs"
    if not pair.is_paired:
        pairs = f"seeds are not pairs ({pair.obstacle})"
    test = "; ".join(parts)
    new = seeds_in_words(across, pair.new)
    old = seeds_in_words(across, pair.old)
    text = f"{test[0].upper()}{test[1:]}. {new}, {old}; {pairs}."
    if result.missing:
        missing = counted(result.missing, "number")
        text += f" {missing} missing, of seeds that have others."
    if result.unused:
        unused = counted(result.unused, "number")
        text += f" {unused} without a partner not used for the mean."
    return text


def seeds_in_words(across: Across, group: str) -> str:
    """Return how many seeds a group has on each task: ``5 seeds of a``."""
    least, largest = across.seeds(group)
    if least == largest:
        return f"{counted(least, 'seed')} of {group}"
    return f"{least} to {largest} seeds of {group}"


def sharing_of(across: Across) -> str:
    """Return what runs of one seed were taken to share over tasks."""
    if across.is_one_run:
        return "Metrics of one run depend on each other: seeds are the unit."
    if across.separate:
        return "Runs of one seed on different tasks are taken as independent."
    return (
        "Numbers of one seed on different tasks may depend on each other: seeds are the unit. "
        "If each task was trained by itself, --separate-runs says so and gains degrees of freedom."
    )


def decided_of(across: Across, pair: NewAgainstOld) -> str:
    """Return on how many tasks a group is better, worse, and undecided, after correction."""
    names: dict[str, list[str]] = {"better": [], "worse": [], "undecided": []}
    for task, effect in zip(across.tasks, pair.result.tasks, strict=True):
        names[effect.decision].append(task.name)
    total = len(across.tasks)
    tested = sum(math.isfinite(effect.p_adjusted) for effect in pair.result.tasks)
    if not tested:
        return "No task can be tested by itself."
    better = len(names["better"])
    worse = len(names["worse"])
    undecided = len(names["undecided"])
    survivors = sum(
        effect.decision == "undecided" and effect.p_adjusted <= ALPHA for effect in pair.result.tasks
    )
    withheld = ""
    if survivors:
        withheld = f" On {survivors} of them runs of the group with the better mean failed."
    correction = f"Holm's correction for {counted(tested, 'task')}"
    return (
        f"Better on {better} of {total} tasks{_named(names['better'])}, "
        f"worse on {worse}{_named(names['worse'])}, "
        f"undecided on {undecided} (each task by itself, {correction}).{withheld}"
    )


def interaction_of(pair: NewAgainstOld) -> str:
    """Return whether the effect differs between tasks."""
    test = pair.result.interaction
    if test.reason:
        return f"No test whether the effect differs between tasks: {test.reason}."
    p = p_in_words(test.p)
    degrees = f"df = {test.df_above:.3g} and {test.df_below:.3g}"
    numbers = f"F = {test.f:.3g}, {degrees}, p = {p}"
    if test.p <= ALPHA:
        return f"The effect differs between tasks ({numbers}): the mean does not stand for each of them."
    return (
        f"That the effect differs between tasks is not shown ({numbers}), "
        "nor that it is the same on all of them."
    )


def scale_of(across: Across) -> str:
    """Return how tasks were brought to one unit."""
    old = across.old
    words = {
        "relative": (
            f"Effects are ratios of means to those of {old}, averaged over tasks as a geometric mean, each "
            f"task of equal weight. Scores: 1 is the mean of {old} on the task, 1.1 is 10% better."
        ),
        "spread": (
            f"Unit of each task: one standard deviation of the seeds of {old}. Scores: 0 is the mean of "
            f"{old}."
        ),
        "reference": "Scores: 0 is the low and 1 the high reference of each task.",
        "raw": "Numbers are averaged as they are: that all tasks have one unit is your statement.",
    }
    text = words[across.scale.name]
    if across.scale.name == "raw" and (across.scale.sign < 0).any():
        text += " Where lower is better, the score is minus the number."
    return text


def fixed_tasks(across: Across) -> str:
    """Return of which tasks all that is said holds."""
    total = len(across.tasks)
    return f"All of this is about these {total} tasks and other seeds; nothing is said of other tasks."


def coverage_of(across: Across) -> str:
    """Return how far the intervals of aggregates can be trusted."""
    shares = [across.coverage[name] for name in _with_interval(across)]
    if not shares:
        return f"Aggregates have no intervals: {_why_no_interval(across)}."
    return (
        "Intervals of scores: bootstrap, stretched for few seeds; of 95% nominal, such intervals hold the "
        f"truth in {_shares_in_words(shares)} of simulated cases (docs/across.md).{_fixed_unit(across)}"
    )


def _with_interval(across: Across) -> list[str]:
    """Return the aggregates that have an interval in one group or more."""
    names = []
    for name in AGGREGATES:
        if any(math.isfinite(summary[name].low) for summary in across.aggregates.values()):
            names.append(name)
    return names


def _why_no_interval(across: Across) -> str:
    """Return why no aggregate has an interval: too rarely right, or a defect of the scores."""
    withheld = [across.coverage[name] for name in AGGREGATES if not across.coverage[name] >= LEAST]
    simulated = [share for share in withheld if math.isfinite(share)]
    too_rarely = "with so few seeds they would hold the truth too rarely"
    if simulated:
        # With a decimal: 89.6% is less than the 90% that is asked for.
        low, high = min(simulated), max(simulated)
        too_rarely += f" ({100 * low:.1f} to {high:.1%} of simulated cases; {LEAST:.0%} is the least)"
    if len(withheld) == len(AGGREGATES):
        return too_rarely
    reasons = dict.fromkeys(
        summary[name].reason
        for summary in across.aggregates.values()
        for name in AGGREGATES
        if across.coverage[name] >= LEAST
    )
    others = "; ".join(filter(None, reasons))
    if not withheld:
        return others
    return f"{others}; of the other aggregates: {too_rarely}"


def _shares_in_words(shares: Sequence[float]) -> str:
    low = f"{100 * min(shares):.0f}"
    high = f"{100 * max(shares):.0f}"
    if low == high:
        return f"{low}%"
    return f"{low} to {high}%"


def _fixed_unit(across: Across) -> str:
    """Return what intervals of scores do not count; empty where the unit is no estimate."""
    units = {"relative": "the means", "spread": "means and spreads"}
    if across.scale.name not in units:
        return ""
    unit = units[across.scale.name]
    return f" They take {unit} of {across.old}, the unit of the scores, as exact."


def _named(names: list[str]) -> str:
    if not names:
        return ""
    listed = first_names(names, MOST_NAMED)
    return f" ({listed})"


def what_of(across: Across) -> str:
    """Return what is compared: tasks, metrics with their directions, and the readout."""
    metrics = dict.fromkeys(task.metric for task in across.tasks)
    names = first_names(across.task_names, MOST_NAMED)
    metric = first_names(list(metrics), MOST_NAMED)
    direction = _directions(across)
    total = len(across.tasks)
    readout = READOUT_NAMES[across.readout]
    if across.of_tables:
        readout = VALUE_OF_TABLE
    return f"{total} tasks ({names}); metric: {metric} ({direction}); {readout} of each seed."


def _directions(across: Across) -> str:
    if across.scale.name == "reference":
        return "better is towards the high reference"
    lower = [task.name for task in across.tasks if task.lower_is_better]
    if not lower:
        return "higher is better"
    if len(lower) == len(across.tasks):
        return "lower is better"
    names = first_names(lower, MOST_NAMED)
    return f"lower is better on {names}, else higher"


def improvement_of(pair: NewAgainstOld) -> str:
    """Return how often a run of the new group is better, on average over tasks."""
    mean = pair.improvement.mean
    interval = f"no interval: {mean.reason}"
    if math.isfinite(mean.low):
        interval = f"{mean.low:.0%} to {mean.high:.0%}"
    subject = f"A run of {pair.new}"
    if _failed(pair):
        subject = f"Of the runs that ended well, one of {pair.new}"
    return (
        f"{subject} is better than a run of {pair.old} on the same task "
        f"with a probability of {mean.value:.0%} ({interval})."
    )
