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
is a note. What a task's model has to beat is the rule ``trivial_floor``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, judged_metric, labels_of, listed, runs_of, seeds_in_words
from ired_diag.runs.metric_words import DETAILS, NEGATED, SPLITS, TEST_SPLITS, words_of
from ired_diag.runs.owned_results import OwnedResult, owned_results
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
EVALUATED = frozenset((*SPLITS, *TEST_SPLITS))
AROUND = frozenset((*EVALUATED, *DETAILS))  # words of a name that do not say what is measured
MOST_OF_A_FRACTION = 1.5  # an accuracy above it is in percent
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
    """What chance reaches in a metric.

    Attributes:
        value: The level.
        lower_is_better: Whether a smaller value of the metric is better.
        margin: Distance from the level within which a result is no better.
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


class Lost(NamedTuple):
    """A run whose accuracy on test data is at chance: it, and its accuracies on test and validation data."""

    run: Run
    test: float
    validation: float


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group, metric and level of chance that its results do not beat."""
    cases: dict[tuple[str, str, Chance], list[Case]] = defaultdict(list)
    for run in study.runs:
        if run.ending.may_be_complete:
            for metric, chance, value in _ends_at_chance(run):
                cases[run.group, metric, chance].append(Case(run.seed_label, value))
    yield from _tests_at_chance(study)
    for owned in owned_results(study):
        at_chance = _result_at_chance(owned)
        if at_chance is not None:
            chance, value = at_chance
            cases[owned.group, owned.result.metric, chance].append(Case(owned.result.where, value))
    for (group, metric, chance), results in cases.items():
        yield _finding(group, metric, chance=chance, cases=results)


def _ends_at_chance(run: Run) -> Iterator[tuple[str, Chance, float]]:
    """Yield each metric of a run that ends at chance, with the level and the end."""
    for metric in run.history.series:
        chance = chance_of(metric, run.configuration or {})
        if chance is None:
            continue
        value = _end_at_chance(run, metric, chance)
        if value is None or (chance.is_met_from_both_sides and _has_learned(run)):
            continue
        yield metric, chance, value


def _result_at_chance(owned: OwnedResult) -> tuple[Chance, float] | None:
    """Return what chance reaches in a printed or saved result, and its value; None if it beats chance."""
    result = owned.result
    chance = chance_of(result.metric, owned.configuration)
    if chance is None or chance.is_met_from_both_sides or result.value is None or result.partial:
        return None
    value = result.value
    if result.unit == "%":
        value = value / 100
    if not _is_at_chance(value, chance):
        return None
    return chance, value


def chance_of(metric: str, configuration: Mapping[str, Any]) -> Chance | None:
    """Return what chance reaches in a metric; None where its name or the configuration does not say.

    >>> chance_of("val/r2", {}).value, chance_of("val_acc", {"num_classes": 10}).value
    (0.0, 0.1)
    >>> chance_of("val_acc", {}), chance_of("value_loss", {"num_classes": 10})
    (None, None)
    """
    measure = _measure_of(metric)
    if measure is None:
        return None
    if measure in ("r2", "explainedvariance"):
        return _above(0.0, OF_ONE, "the mean of the answers has 0")
    if measure == "auroc":
        return _above(0.5, OF_ONE, "any constant has 0.5")
    classes = _whole_number(configuration, CLASSES)
    tokens = _whole_number(configuration, TOKENS)
    if classes and measure in ACCURACY:
        share = 1 / classes
        return _above(share, CLOSE / classes, f"guessing among {classes} classes has {share:.3g}")
    if classes and measure in ("ce", "crossentropy", "nll"):
        level = math.log(classes)
        return _below(level, f"equal probability for {classes} classes has {level:.3g}")
    if tokens and measure in ("perplexity", "ppl"):
        return _below(float(tokens), f"equal probability for {tokens} tokens has {tokens}")
    if measure == "loss" and classes:
        return _cross_entropy(classes, "classes")
    if measure == "loss" and tokens:
        return _cross_entropy(tokens, "tokens")
    return None


def _measure_of(metric: str) -> str | None:
    """Return the one word of a metric's name that says what it measures; None where there are several."""
    words = words_of(metric)
    measures = [word for word in words if word not in AROUND]
    measures = [word for word in measures if word != "loss"] or measures  # ce_loss, nll_loss
    if len(measures) != 1 or NEGATED.intersection(words):
        return None
    return measures[0]


def _above(level: float, margin: float, words: str) -> Chance:
    return Chance(value=level, lower_is_better=False, margin=margin, words=words)


def _below(level: float, words: str) -> Chance:
    return Chance(value=level, lower_is_better=True, margin=CLOSE * level, words=words)


def _cross_entropy(count: int, what: str) -> Chance:
    """Return the level of a loss that may be a cross-entropy: beyond it, it is another loss."""
    level = math.log(count)
    words = f"a cross-entropy with equal probability for {count} {what} is {level:.4g}"
    return _below(level, words)._replace(is_met_from_both_sides=True)


def _whole_number(configuration: Mapping[str, Any], keys: tuple[str, ...]) -> int:
    """Return the number above 1 that all of the configured keys state; 0 where there is no such number."""
    values = {value for key, value in configuration.items() if key.rpartition(".")[2] in keys}
    if len(values) != 1:
        return 0
    value = values.pop()
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and value > 1 else 0


def _end_at_chance(run: Run, metric: str, chance: Chance) -> float | None:
    """Return the last tenth of an evaluation that was never better than chance; None of any other metric."""
    words = words_of(metric)
    values = np.asarray(run.history.series[metric].values, dtype=np.float64)
    fewest = FEWEST_OF_A_LOSS if chance.is_met_from_both_sides else FEWEST
    if len(values) < fewest or not np.isfinite(values).all():
        return None
    if metric != judged_metric(run) and EVALUATED.isdisjoint(words):
        return None
    if ACCURACY.intersection(words) and values.max() > MOST_OF_A_FRACTION:
        values = values / 100
    noise = float(np.median(np.abs(np.diff(values, n=2)))) * ROBUST  # a trend is no noise
    tenths = np.array_split(values, min(10, len(values)))
    for part in tenths:
        error = ERRORS * noise / math.sqrt(len(part))
        if not _is_at_chance(float(part.mean()), chance, slack=error):
            return None
    if not _is_at_chance(float(values[-1]), chance, slack=ERRORS * noise):
        return None
    return float(tenths[-1].mean())


def _is_at_chance(value: float, chance: Chance, *, slack: float = 0.0) -> bool:
    if not math.isfinite(value):
        return False
    if chance.is_met_from_both_sides:
        return abs(chance.value - value) <= chance.margin
    gain = value - chance.value
    if chance.lower_is_better:
        gain = chance.value - value
    return gain <= chance.margin + slack


def _has_learned(run: Run) -> bool:
    """Say whether an accuracy beats chance: a loss that is as large is that of a model that is too sure."""
    for name, chance in _accuracies(run):
        value = _last_share(run, name)
        if value is not None and value > chance.value + TOO_SURE * (1 - chance.value):
            return True
    return False


def _accuracies(run: Run) -> list[tuple[str, Chance]]:
    """Return the logged accuracies, each with what chance reaches, where that is known."""
    accuracies = []
    for name in run.history.series:
        chance = chance_of(name, run.configuration or {})
        if chance is not None and _is_accuracy(name):
            accuracies.append((name, chance))
    return accuracies


def _is_accuracy(metric: str) -> bool:
    return not ACCURACY.isdisjoint(words_of(metric))


def _tests_at_chance(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and test whose accuracy is at chance next to a good validation."""
    cases: dict[tuple[str, str, str, Chance], list[Lost]] = defaultdict(list)
    for run in study.runs:
        for metric, validation_metric, chance in _tests(run):
            test = _last_share(run, metric)
            validation = _last_share(run, validation_metric)
            if test is None or validation is None:
                continue
            if _is_lost(test, validation, chance.value):
                lost = Lost(run=run, test=test, validation=validation)
                cases[run.group, metric, validation_metric, chance].append(lost)
    for (_, metric, validation_metric, chance), lost_runs in cases.items():
        yield _finding_on_test(metric, validation_metric, chance=chance, cases=lost_runs)


def _tests(run: Run) -> Iterator[tuple[str, str, Chance]]:
    """Yield each accuracy on test data with that on validation data, and what chance reaches."""
    accuracies = _accuracies(run)
    tests = []
    validations = []
    for name, chance in accuracies:
        if _is_of(TEST_SPLITS, name):
            tests.append((name, chance))
        elif _is_of(SPLITS, name):
            validations.append(name)
    if len(validations) != 1:
        return
    for name, chance in tests:
        if len(run.history.series[name]) < FEWEST:
            yield name, validations[0], chance


def _is_of(splits: tuple[str, ...], metric: str) -> bool:
    return bool(set(splits).intersection(words_of(metric)))


def _last_share(run: Run, metric: str) -> float | None:
    """Return the last value of an accuracy, as a fraction of 1; None where it is not finite."""
    values = np.asarray(run.history.series[metric].values, dtype=np.float64)
    if not len(values) or not math.isfinite(values[-1]):
        return None
    largest = 0.0
    for name, series in run.history.series.items():
        if _is_accuracy(name):
            largest = max(largest, np.nanmax(series.values, initial=0.0))
    last = float(values[-1])
    return last / 100 if largest > MOST_OF_A_FRACTION else last


def _is_lost(test: float, validation: float, chance: float) -> bool:
    """Say whether a test accuracy is at chance while a validation accuracy is far above it.

    >>> _is_lost(0.102, 0.93, 0.1), _is_lost(0.3, 0.93, 0.1), _is_lost(0.1, 0.12, 0.1)
    (True, False, False)
    """
    gained = validation - chance
    most = min(chance + KEPT * gained, MOST_TIMES * chance)
    return gained >= GOOD * (1 - chance) and test <= most


def _finding_on_test(metric: str, validation_metric: str, *, chance: Chance, cases: list[Lost]) -> Finding:
    first = cases[0]
    group = first.run.group
    runs = runs_of(cases)
    is_ood = "ood" in words_of(metric)
    honest = "; so does an honest failure on these data" if is_ood else ""
    statement = (
        f"{group}: {metric} is {first.test:.4g} ({seeds_in_words(runs)}), at chance ({chance.words}), next "
        f"to a {validation_metric} of {first.validation:.4g}. Weights that were not loaded, other "
        f"preprocessing or permuted labels look like that{honest}."
    )
    evidence: Evidence = {
        "group": group,
        "metric": metric,
        "value": first.test,
        "chance": chance.value,
        "validation": first.validation,
        "results": len(cases),
        "lower_is_better": False,
    }
    return Finding(
        rule="chance_level",
        severity="note" if is_ood else "warning",
        statement=statement,
        evidence=evidence,
        advice=f"Evaluate the checkpoint on the validation data with the program that gave {metric}.",
        runs=labels_of(runs),
    )


def _finding(group: str, metric: str, *, chance: Chance, cases: list[Case]) -> Finding:
    values = [case.value for case in cases]
    low, high = min(values), max(values)
    spread = f"{low:.4g}"
    if low != high:
        spread = f"{low:.4g} to {high:.4g}"
    places = listed(case.where for case in cases)
    statement = f"{group}: {metric} is {spread} ({places}), no better than chance: {chance.words}."
    is_ood = "ood" in words_of(metric)
    if not is_ood:
        statement += " Were the weights loaded, and do the labels belong to their inputs?"
    evidence: Evidence = {
        "group": group,
        "metric": metric,
        "value": values[0],
        "chance": chance.value,
        "results": len(cases),
        "lower_is_better": chance.lower_is_better,
    }
    return Finding(
        rule="chance_level",
        severity="note" if is_ood else "warning",
        statement=statement,
        evidence=evidence,
        advice="Evaluate the checkpoint on its own training data: there it must beat chance.",
    )


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
