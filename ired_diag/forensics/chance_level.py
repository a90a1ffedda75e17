"""Results at chance: no better than an answer that never looks at its input.

    R², explained variance        0        the mean of the answers
    AUROC                         1/2      any constant
    accuracy                      1/K      guessing among K classes
    cross-entropy (nll, ce)       ln K     equal probability for each class
    perplexity                    V        equal probability for each of V tokens
    loss                          ln K     likewise, if it is a cross-entropy: ln V for tokens

K and V are read from the configuration. Within 1% of the level (0.005 of R² and AUROC), or beyond it, a
result is no better than chance. A metric that is only called a loss may be any loss: it counts where it
stays within 1% of ln K, above or below, in every tenth of the run, where no accuracy says that it learned.
Looked at are what evaluations printed or saved, and the evaluations of complete runs, ten or more (of a loss
five), where no tenth of them is better than chance by more than three standard errors (a run that lost what
it had learned has diverged, which ``curve_shape`` says). Weights that were never loaded look like that, and
so do labels that do not belong to their inputs.

A test is often a single number in the log. If the same run's validation covers a quarter of the way from
chance to 1 or more, and its test accuracy keeps 3% of that gain or less, the test is at chance next to a good
validation: of these weights, or of this preprocessing. Out of distribution chance may be the honest end: that
is a note. What a matrix inversion has to beat is the rule ``trivial_floor``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.metric_words import DETAILS, NEGATED, SPLITS, TEST_SPLITS, words_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

CLASSES = (
    "num_classes",
    "n_classes",
    "num_labels",
    "n_labels",
    "nb_classes",
    "num_class",
    "n_class",
    "nclasses",
)
TOKENS = ("vocab_size", "n_vocab", "vocabulary_size", "nvocab")
ACCURACY = frozenset(("accuracy", "acc"))
FEWEST = 10  # evaluations
FEWEST_OF_A_LOSS = 5  # a level that is met from both sides is met by chance more rarely
CLOSE, OF_ONE = 0.01, 0.005
ERRORS = 3.0  # standard errors
ROBUST = 1.4826 / math.sqrt(6)  # from the median size of second differences to a standard deviation


GOOD = 0.25  # of the way from chance to 1: a validation that has learned
TOO_SURE = 0.05  # of the way from chance to 1
KEPT = 0.03  # of what the validation gained: a test that has not
MOST_TIMES = 1.25  # chance: what a test may reach and still be at it


class Chance(NamedTuple):
    """What chance reaches: the value, whether less is better, how near is no better, and in words.

    Attributes:
        value: The value.
        lower_is_better: Whether less is better.
        margin: How near is no better.
        words: The level in words.
        is_met_from_both_sides: Whether a value beyond the level is another quantity, and not at chance.
    """

    value: float
    lower_is_better: bool
    margin: float
    words: str
    is_met_from_both_sides: bool = False


class Case(NamedTuple):
    """A result at chance: where it stands, and its value."""

    where: str
    value: float


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group, metric and level of chance that its results do not beat."""
    cases: dict[tuple[str, str, Chance], list[Case]] = defaultdict(list)
    for run in study.runs:
        for metric in run.history.series if run.ending.may_be_complete else ():
            chance = chance_of(metric, run.configuration or {})
            value = _end(run, metric, chance) if chance else None
            if chance and value is not None and not (chance.is_met_from_both_sides and _has_learned(run)):
                cases[run.group, metric, chance].append(Case(run.seed_label, value))
    yield from _tests_at_chance(study)
    owners = [(a.experiment, a.configuration, a.results) for a in study.evaluations]
    owners += [(run.group, run.configuration, run.results) for run in study.runs]
    for group, configuration, results in owners:
        for result in results:
            chance = chance_of(result.metric, configuration or {})
            if chance and result.value is not None and not (result.partial or chance.is_met_from_both_sides):
                value = result.value / 100 if result.unit == "%" else result.value
                if _fails(value, chance):
                    cases[group, result.metric, chance].append(Case(result.where, value))
    for (group, metric, chance), found in cases.items():
        yield _finding(group, metric, chance=chance, cases=found)


def chance_of(metric: str, configuration: Mapping[str, Any]) -> Chance | None:
    """Return what chance reaches in a metric; None where its name or the configuration does not say.

    >>> chance_of("val/r2", {}).value, chance_of("val_acc", {"num_classes": 10}).value
    (0.0, 0.1)
    >>> chance_of("val_acc", {}), chance_of("value_loss", {"num_classes": 10})
    (None, None)
    """
    around = (*SPLITS, *TEST_SPLITS, *DETAILS)
    named = [word for word in words_of(metric) if word not in around]
    named = [word for word in named if word != "loss"] or named  # ce_loss, nll_loss
    if len(named) != 1 or NEGATED.intersection(words_of(metric)):
        return None
    (measure,) = named
    if measure in ("r2", "explainedvariance"):
        return Chance(0.0, False, OF_ONE, "the mean of the answers has 0")
    if measure == "auroc":
        return Chance(0.5, False, OF_ONE, "any constant has 0.5")
    classes, tokens = (_whole(configuration, keys) for keys in (CLASSES, TOKENS))
    if classes and measure in ("accuracy", "acc"):
        words = f"guessing among {classes} classes has {1 / classes:.3g}"
        return Chance(1 / classes, False, CLOSE / classes, words)
    if classes and measure in ("ce", "crossentropy", "nll"):
        level = math.log(classes)
        return Chance(level, True, CLOSE * level, f"equal probability for {classes} classes has {level:.3g}")
    if tokens and measure in ("perplexity", "ppl"):
        words = f"equal probability for {tokens} tokens has {tokens}"
        return Chance(float(tokens), True, CLOSE * tokens, words)
    if (classes or tokens) and measure == "loss":
        count, what = (classes, "classes") if classes else (tokens, "tokens")
        level = math.log(count)
        words = f"a cross-entropy with equal probability for {count} {what} is {level:.4g}"
        return Chance(level, True, CLOSE * level, words, is_met_from_both_sides=True)
    return None


def _whole(configuration: Mapping[str, Any], keys: tuple[str, ...]) -> int:
    values = {v for k, v in configuration.items() if k.rpartition(".")[2] in keys}
    whole = [v for v in values if isinstance(v, int) and not isinstance(v, bool) and v > 1]
    return whole[0] if len(whole) == len(values) == 1 else 0


def _end(run: Run, metric: str, chance: Chance) -> float | None:
    """Return the last tenth of an evaluation that was never better than chance; None of any other metric."""
    words, judged = words_of(metric), run.evaluated[0] if run.evaluated else ""
    values = np.asarray(run.history.series[metric].values, dtype=np.float64)
    if (
        len(values) < (FEWEST_OF_A_LOSS if chance.is_met_from_both_sides else FEWEST)
        or not np.isfinite(values).all()
        or not (metric == judged or {*SPLITS, *TEST_SPLITS}.intersection(words))
    ):
        return None
    if ("accuracy" in words or "acc" in words) and np.nanmax(values, initial=0.0) > 1.5:
        values = values / 100
    tenths = np.array_split(values, min(10, len(values)))
    noise = float(np.median(np.abs(np.diff(values, n=2)))) * ROBUST  # a trend is no noise
    errors = [ERRORS * noise / math.sqrt(len(part)) for part in tenths]
    within = [
        _fails(float(part.mean()), chance, slack=error) for part, error in zip(tenths, errors, strict=True)
    ]
    last_fails = _fails(float(values[-1]), chance, slack=ERRORS * noise)
    return float(tenths[-1].mean()) if all(within) and last_fails else None


def _fails(value: float, chance: Chance, *, slack: float = 0.0) -> bool:
    if not math.isfinite(value):
        return False
    off = chance.value - value if chance.lower_is_better else value - chance.value
    if chance.is_met_from_both_sides:
        return abs(off) <= chance.margin
    return off <= chance.margin + slack


def _has_learned(run: Run) -> bool:
    """Say whether an accuracy beats chance: a loss that is as large is that of a model that is too sure."""
    for name in run.history.series:
        chance = chance_of(name, run.configuration or {})
        value = _last_share(run, name) if ACCURACY.intersection(words_of(name)) else None
        if chance and value is not None and value > chance.value + TOO_SURE * (1 - chance.value):
            return True
    return False


def _tests_at_chance(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and test whose accuracy is at chance next to a good validation."""
    cases: dict[tuple[str, str, str, Chance], list[tuple[Run, float, float]]] = defaultdict(list)
    for run in study.runs:
        for metric, validation, chance in _tests(run):
            test, good = (_last_share(run, name) for name in (metric, validation))
            if test is not None and good is not None and _is_lost(test, good, chance.value):
                cases[run.group, metric, validation, chance].append((run, test, good))
    for (group, metric, validation, chance), lost in cases.items():
        yield _lost(group, metric, validation, chance=chance, cases=lost)


def _tests(run: Run) -> Iterator[tuple[str, str, Chance]]:
    """Yield each accuracy on test data with that on validation data, and what chance reaches."""
    series, configuration = run.history.series, run.configuration or {}
    accuracies = [
        (name, chance)
        for name in series
        if (chance := chance_of(name, configuration)) and ACCURACY.intersection(words_of(name))
    ]
    validations = [name for name, _ in accuracies if _is_of(SPLITS, name) and not _is_of(TEST_SPLITS, name)]
    if len(validations) == 1:
        for name, chance in accuracies:
            if _is_of(TEST_SPLITS, name) and len(series[name]) < FEWEST:
                yield name, validations[0], chance


def _is_of(splits: tuple[str, ...], metric: str) -> bool:
    return bool(set(splits).intersection(words_of(metric)))


def _last_share(run: Run, metric: str) -> float | None:
    """Return the last value of an accuracy, as a fraction of 1; None where it is not finite."""
    values = np.asarray(run.history.series[metric].values, dtype=np.float64)
    if not len(values) or not math.isfinite(values[-1]):
        return None
    is_percent = any(
        np.nanmax(told.values, initial=0.0) > 1.5
        for name, told in run.history.series.items()
        if ACCURACY.intersection(words_of(name))
    )
    return float(values[-1]) / (100 if is_percent else 1)


def _is_lost(test: float, validation: float, chance: float) -> bool:
    """Say whether a test accuracy is at chance while a validation accuracy is far above it.

    >>> _is_lost(0.102, 0.93, 0.1), _is_lost(0.3, 0.93, 0.1), _is_lost(0.1, 0.12, 0.1)
    (True, False, False)
    """
    gained = validation - chance
    return gained >= GOOD * (1 - chance) and test <= min(chance + KEPT * gained, MOST_TIMES * chance)


def _lost(
    group: str, metric: str, validation: str, *, chance: Chance, cases: list[tuple[Run, float, float]]
) -> Finding:
    _, test, good = cases[0]
    outside = "ood" in words_of(metric)
    seeds = listed(run.seed_label for run, *_ in cases)
    statement = (
        f"{group}: {metric} is {test:.4g} ({seeds}), at chance ({chance.words}), next to a {validation} of "
        f"{good:.4g}. Weights that were not loaded, other preprocessing or permuted labels look like that"
    )
    statement += "; so does an honest failure on these data." if outside else "."
    evidence: Evidence = {"group": group, "metric": metric, "value": test, "chance": chance.value}
    evidence |= {"validation": good, "results": len(cases), "lower_is_better": False}
    advice = f"Evaluate the checkpoint on the validation data with the program that gave {metric}."
    runs = tuple(run.label for run, *_ in cases)
    return Finding("chance_level", "note" if outside else "warning", statement, evidence, advice, runs=runs)


def _finding(group: str, metric: str, *, chance: Chance, cases: list[Case]) -> Finding:
    values = [case.value for case in cases]
    spread = f"{min(values):.4g}" if min(values) == max(values) else f"{min(values):.4g} to {max(values):.4g}"
    outside = "ood" in words_of(metric)
    severity: Severity = "note" if outside else "warning"
    statement = (
        f"{group}: {metric} is {spread} ({listed(case.where for case in cases)}), no better than chance: "
        f"{chance.words}."
    )
    if not outside:
        statement += " Were the weights loaded, and do the labels belong to their inputs?"
    evidence: Evidence = {"group": group, "metric": metric, "value": values[0], "chance": chance.value}
    evidence |= {"results": len(cases), "lower_is_better": chance.lower_is_better}
    advice = "Evaluate the checkpoint on its own training data: there it must beat chance."
    return Finding("chance_level", severity, statement, evidence, advice)


RULE = Rule(
    name="chance_level",
    question="Is the result better than chance?",
    find=find,
    consequence="conclusion",
    refuted_by="The class shares of the data: where classes are not equally frequent, chance lies elsewhere.",
    near_miss=(
        "A run that is at chance early, or was stopped; R² below 0 in one evaluation; a hard data set; a "
        "loss that passes ln K on its way down; a test that is worse than the validation and above chance."
    ),
    example="num_classes 10, and a val_acc of 0.100 at the end of a complete run.",
)
