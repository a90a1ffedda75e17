"""Results at chance: no better than an answer that never looks at its input.

    R², explained variance        0        the mean of the answers
    AUROC                         1/2      any constant
    accuracy                      1/K      guessing among K classes
    cross-entropy (nll, ce)       ln K     equal probability for each class
    perplexity                    V        equal probability for each of V tokens

K and V are read from the configuration. Within 1% of the level (0.005 of R² and AUROC), or beyond it, a
result is no better than chance. Looked at are what evaluations printed or saved, and the evaluations of
complete runs, ten or more, where no tenth of them is better than chance by more than three standard errors
(a run that lost what it had learned has diverged, which ``curve_shape`` says). Weights that were never loaded
look like that, and so do labels that do not belong to their inputs. Out of distribution chance may be the
honest end: that is a note. What a matrix inversion has to beat is the rule ``trivial_floor``.
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

CLASSES = ("num_classes", "n_classes", "num_labels", "n_labels", "nb_classes")
TOKENS = ("vocab_size", "n_vocab", "vocabulary_size")
FEWEST = 10  # evaluations
CLOSE, OF_ONE = 0.01, 0.005
ERRORS = 3.0  # standard errors
ROBUST = 1.4826 / math.sqrt(6)  # from the median size of second differences to a standard deviation


class Chance(NamedTuple):
    """What chance reaches: the value, whether less is better, how near is no better, and in words."""

    value: float
    lower_is_better: bool
    margin: float
    words: str


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
            if chance and value is not None:
                cases[run.group, metric, chance].append(Case(run.seed_label, value))
    owners = [(a.experiment, a.configuration, a.results) for a in study.evaluations]
    owners += [(run.group, run.configuration, run.results) for run in study.runs]
    for group, configuration, results in owners:
        for result in results:
            chance = chance_of(result.metric, configuration or {})
            if chance and result.value is not None and not result.partial:
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
        len(values) < FEWEST
        or not np.isfinite(values).all()
        or not (metric == judged or {*SPLITS, *TEST_SPLITS}.intersection(words))
    ):
        return None
    if ("accuracy" in words or "acc" in words) and np.nanmax(values, initial=0.0) > 1.5:
        values = values / 100
    tenths = np.array_split(values, 10)
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
    return off <= chance.margin + slack


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
    near_miss="A run that is at chance early, or was stopped; R² below 0 in one evaluation; a hard data set.",
    example="num_classes 10, and a val_acc of 0.100 at the end of a complete run.",
)
