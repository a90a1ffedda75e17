"""What a comparison over tasks says, in sentences: only what holds, with N, and of which tasks."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ired_diag.comparison.across import Across, NewAgainstOld
from ired_diag.runs.name_list import counted, first_names

ALPHA = 0.05
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
    test = result.test
    tasks = counted(len(across.tasks), "task")
    if test.reason or not math.isfinite(test.low):
        mean = ""
        if math.isfinite(result.difference):
            mean = f" The mean difference is {amount(across, result.difference)}."
        return f"No test of {pair.new} against {pair.old} over {tasks}: {test.reason or 'no interval'}.{mean}"
    interval = f"95% interval {interval_in_words(across, test.low, test.high)}"
    p = f"p = {p_in_words(pair.p_adjusted)}"
    if len(across.pairs) > 1:
        p += " (Holm)"
    if pair.p_adjusted > ALPHA:
        return (
            f"Undecided: {pair.new} and {pair.old} differ by {amount(across, result.difference)} on average "
            f"over {tasks} ({interval}; {p})."
        )
    word = "better" if result.difference > 0 else "worse"
    size = amount(across, result.difference)
    return f"{pair.new} is {word} than {pair.old}: {size} on average over {tasks} ({interval}; {p})."


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
    seeds = [seeds_in_words(across, group) for group in (pair.new, pair.old)]
    text = f"{'; '.join(parts)}. {', '.join(seeds)}; {pairs}."
    if result.missing:
        text += f" {counted(result.missing, 'number')} missing, of seeds that have others."
    if result.unused:
        text += f" {counted(result.unused, 'number')} without a partner not used for the mean."
    return text[0].upper() + text[1:]


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
    better = [name for name, effect in _effects(across, pair) if effect == "better"]
    worse = [name for name, effect in _effects(across, pair) if effect == "worse"]
    total = len(across.tasks)
    undecided = total - len(better) - len(worse)
    return (
        f"Better on {len(better)} of {total} tasks{_named(better)}, worse on {len(worse)}{_named(worse)}, "
        f"undecided on {undecided} (each task by itself, Holm's correction for {total} tasks)."
    )


def interaction_of(pair: NewAgainstOld) -> str:
    """Return whether the effect differs between tasks."""
    test = pair.result.interaction
    if test.reason:
        return f"No test whether the effect differs between tasks: {test.reason}."
    numbers = f"F = {test.f:.3g}, df = {test.df_above:.3g} and {test.df_below:.3g}, p = {p_in_words(test.p)}"
    if test.p <= ALPHA:
        return f"The effect differs between tasks ({numbers}): the mean does not stand for each of them."
    return (
        f"That the effect differs between tasks is not shown ({numbers}); that it is the same is not either."
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
    shares = [share for name, share in across.coverage.items() if math.isfinite(share) and share >= 0.9]
    if not shares:
        return "Aggregates have no intervals: with so few seeds they hold the truth too rarely."
    low, high = min(shares), max(shares)
    share = f"{low:.0%}"
    if round(100 * low) != round(100 * high):
        share = f"{100 * low:.0f} to {high:.0%}"
    return (
        "Intervals of scores: bootstrap, stretched for few seeds; of 95% nominal, such intervals hold the "
        f"truth in {share} of simulated cases (docs/across.md).{_fixed_unit(across)}"
    )


def _fixed_unit(across: Across) -> str:
    """Return what intervals of scores do not count; empty where the unit is no estimate."""
    units = {"relative": "the means", "spread": "means and spreads"}
    if across.scale.name not in units:
        return ""
    return f" They take {units[across.scale.name]} of {across.old}, the unit of the scores, as exact."


def amount(across: Across, effect: float) -> str:
    """Return an effect in words: ``+4.1%``, ``-0.32 sd``, ``+0.05``."""
    if not math.isfinite(effect):
        return "unknown"
    name = across.scale.name
    if name == "relative":
        return f"{percent(across, effect):+.3g}%{_percent_of(across)}"
    unit = {"spread": f" sd of {across.old}", "reference": " of the reference range"}.get(name, "")
    if name == "raw" and (across.scale.sign < 0).all():
        return f"{-effect:+.4g} (lower is better)"
    return f"{effect:+.4g}{unit}"


def _percent_of(across: Across) -> str:
    signs = set(across.scale.sign.tolist())
    if signs == {-1.0}:
        return " (lower is better)"
    if signs == {1.0}:
        return ""
    return " (turned so that more is better)"


def percent(across: Across, effect: float) -> float:
    """Return a relative effect in percent, in the direction of the metric where all tasks share one."""
    if (across.scale.sign < 0).all():
        return 100 * math.expm1(-effect)
    return 100 * math.expm1(effect)


def displayed(across: Across, effect: float) -> float:
    """Return an effect as it is printed and drawn: in percent, or in the unit of the scale."""
    if not math.isfinite(effect):
        return effect
    if across.scale.name == "relative":
        return percent(across, effect)
    if across.scale.name == "raw" and (across.scale.sign < 0).all():
        return -effect
    return effect


def interval_in_words(across: Across, low: float, high: float) -> str:
    """Return an interval in the unit of effects, the smaller number first."""
    ends = sorted((displayed(across, low), displayed(across, high)))
    unit = "%" if across.scale.name == "relative" else ""
    return f"{ends[0]:+.3g} to {ends[1]:+.3g}{unit}"


def p_in_words(p: float) -> str:
    """Return a p value."""
    if not math.isfinite(p):
        return "unknown"
    return f"{p:.2g}"


def _effects(across: Across, pair: NewAgainstOld) -> Iterator[tuple[str, str]]:
    for task, effect in zip(across.tasks, pair.result.tasks, strict=True):
        yield task.name, effect.decision


def _named(names: list[str]) -> str:
    return f" ({first_names(names, MOST_NAMED)})" if names else ""


def what_of(across: Across) -> str:
    """Return what is compared: tasks, metrics with their directions, and the readout."""
    metrics = list(dict.fromkeys(task.metric for task in across.tasks))
    lower = sum(task.lower_is_better for task in across.tasks)
    total = len(across.tasks)
    direction = "higher is better"
    if lower == total:
        direction = "lower is better"
    elif lower:
        names = [task.name for task in across.tasks if task.lower_is_better]
        direction = f"lower is better on {first_names(names, MOST_NAMED)}, else higher"
    if across.scale.name == "reference":
        direction = "better is towards the high reference"
    return (
        f"{total} tasks ({first_names(across.task_names, MOST_NAMED)}); metric: "
        f"{first_names(metrics, MOST_NAMED)} ({direction}); the {across.readout} value of each seed."
    )


def improvement_of(pair: NewAgainstOld) -> str:
    """Return how often a run of the new group is better, on average over tasks."""
    mean = pair.improvement.mean
    interval = f"no interval: {mean.reason}"
    if math.isfinite(mean.low):
        interval = f"{mean.low:.0%} to {mean.high:.0%}"
    return (
        f"A run of {pair.new} is better than a run of {pair.old} on the same task with a probability of "
        f"{mean.value:.0%} ({interval})."
    )


def short_amount(across: Across, effect: float) -> str:
    """Return an effect as a cell of a table."""
    if not math.isfinite(effect):
        return "unknown"
    unit = "%" if across.scale.name == "relative" else ""
    return f"{displayed(across, effect):+.3g}{unit}"
