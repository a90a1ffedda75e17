"""Evaluations on fewer or on more samples than their configuration asks for, or than their siblings have.

A key such as ``num_test_samples`` says on how many samples a model is to be evaluated. What was used stands
in the log: a number of samples next to the result, or the batch up to which running values were printed. Only
what follows strictly is said:

- a stated number of samples that is not the configured one (of a key that says "at most": a larger one);
- batch b was reached, and b - 1 whole batches before it hold more samples than configured: more, even at one
  sample a batch; with the configured batch size the number is told as well;
- a final result after fewer than half of the batches that the configured samples fill: fewer.

Without a configured number the siblings tell: where three evaluations or more of the same metric and data
(``runs.evaluation_counts``), and two of three of them, rest on N samples, and one on fewer than 95% of N,
though no setting asks for fewer, its number is not of the same samples as theirs. That is a warning where
they are of one group or state the same data, else a note.

More samples do no harm to a number; that the key has no effect does, since another run may obey it. An
evaluation that is still running, or was stopped, cannot have used too few.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.evaluation_counts import SampleCount, is_sample_count, sample_counts
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.study import Study

EXACT = (
    "num_test_samples",
    "n_test_samples",
    "test_samples",
    "num_eval_samples",
    "n_eval_samples",
    "eval_samples",
    "num_validation_samples",
    "num_test_examples",
    "num_eval_examples",
)
AT_MOST = ("max_eval_samples", "max_test_samples", "max_predict_samples")
BATCH_SIZES = ("eval_batch_size", "test_batch_size", "per_device_eval_batch_size", "batch_size")

FEWEST_SIBLINGS = 3
USUAL = 2 / 3  # of the siblings rest on as many samples
FEWER = 0.95  # of them: a dropped last batch is no finding


@dataclass(frozen=True)
class Used:
    """How many samples a result rests on.

    Attributes:
        result: The result.
        key: The key that says how many there should be.
        configured: Its value.
        used: What was used: exactly so many, or a bound.
        words: The same in words.
    """

    result: EvaluationResult
    key: str
    configured: int
    used: int
    words: str


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each key and value that evaluations did not obey, by more or by fewer samples."""
    owners = [(a.experiment, a.configuration, a.results) for a in study.evaluations]
    owners += [(run.group, run.configuration, run.results) for run in study.runs]
    cases: dict[tuple[str, int, bool], list[tuple[str, Used]]] = defaultdict(list)
    for group, configuration, results in owners:
        for result in results:
            if not result.error and (used := used_otherwise(result, configuration or {})) is not None:
                cases[used.key, used.configured, used.used > used.configured].append((group, used))
    yield from map(_finding, cases.values())
    told = {(group, used.result.where) for found in cases.values() for group, used in found}
    yield from _fewer_than_siblings([c for c in sample_counts(study) if (c.group, c.where) not in told])


def used_otherwise(result: EvaluationResult, configuration: Mapping[str, Any]) -> Used | None:
    """Return how many samples a result rests on, where the configuration asks for another number."""
    key, configured = _whole(configuration, (*EXACT, *AT_MOST))
    if configured is None:
        return None
    if result.n is not None:
        differs = result.n > configured or (result.n < configured and key in EXACT)
        return Used(result, key, configured, result.n, f"{result.n} samples") if differs else None
    if result.last_batch is None:
        return None
    name, size = _whole(configuration, BATCH_SIZES)
    before = result.last_batch - 1
    if before > configured:
        words = f"more than {before} samples, since it reached batch {result.last_batch}"
        words += f" (about {result.last_batch * size:.3g} samples at {name} {size})" if size else ""
        return Used(result, key, configured, before, words)
    if size and not result.partial and key in EXACT and 2 * result.last_batch * size < configured:
        words = f"about {result.last_batch * size} samples, {result.last_batch} batches of {size}"
        return Used(result, key, configured, result.last_batch * size, words)
    return None


def _whole(configuration: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, int | None]:
    """Return the first of some keys that has a positive whole number, and the number."""
    for key in keys:
        value = configuration.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return key, value
    return "", None


def _finding(cases: list[tuple[str, Used]]) -> Finding:
    groups, used = list(dict.fromkeys(group for group, _ in cases)), cases[0][1]
    places = listed(dict.fromkeys(one.result.where for _, one in cases))
    where = used.result.where if len(groups) == 1 else f"the first of {len(groups)} evaluations"
    more = used.used > used.configured
    consequence = (
        "the key has no effect, and the evaluation takes as much longer"
        if more
        else "the result is less certain than the configuration promises"
    )
    statement = (
        f"{listed(groups)}: {used.key} is {used.configured}, and {where} used {used.words}: {consequence}"
        f"{f' ({places})' if len(groups) > 1 else ''}."
    )
    evidence: Evidence = {"group": groups[0], "groups": ", ".join(groups), "key": used.key}
    evidence |= {"configured": used.configured, "used": used.used, "used_is_bound": used.result.n is None}
    evidence |= {"results": len(cases), "last_batch": used.result.last_batch}
    advice = f"Look at where the program reads {used.key}, and report the number that was used."
    return Finding("evaluation_samples", "warning", statement, evidence, advice)


def _fewer_than_siblings(counts: Sequence[SampleCount]) -> Iterator[Finding]:
    """Yield a finding for each set of siblings of which some rest on fewer samples than the others."""
    families: dict[tuple[str, tuple[tuple[str, str], ...]], list[SampleCount]] = defaultdict(list)
    for count in counts:
        families[count.metric, count.data].append(count)
    told: set[tuple[str, str, int]] = set()
    for family in families.values():
        usual, having = Counter(count.samples for count in family).most_common(1)[0]
        parts = {count.parts for count in family if count.samples == usual}
        fewer = [c for c in family if c.samples < FEWER * usual and c.parts in parts]
        fewer = [c for c in fewer if (c.group, c.label, c.samples) not in told]
        if having >= FEWEST_SIBLINGS and having >= USUAL * len(family) and fewer:
            told |= {
                (c.group, c.label, c.samples) for c in fewer
            }  # each metric of a file has the same number
            yield _fewer(fewer, usual=usual, others=[c for c in family if c.samples == usual])


def _fewer(fewer: Sequence[SampleCount], *, usual: int, others: Sequence[SampleCount]) -> Finding:
    first = fewer[0]
    is_sure = bool(first.data) or all(c.group in {other.group for other in others} for c in fewer)
    severity: Severity = "warning" if is_sure else "note"
    is_logged = is_sample_count(first.metric)
    used, on = (f"is {first.samples}", "") if is_logged else (f"rests on {first.samples} samples", "on ")
    labels = listed(dict.fromkeys(f"{c.label}, {c.where}" for c in fewer))
    statement = (
        f"{first.group}: {first.metric} {used} ({labels}), and {on}{usual} in {len(others)} siblings "
        f"({listed(dict.fromkeys(f'{c.group} {c.label}' for c in others))}). No setting asks for fewer: "
        "these are not the same samples, and the number is less certain."
    )
    evidence: Evidence = {"group": first.group, "metric": first.metric, "used": first.samples}
    evidence |= {"usual": usual, "siblings": len(others), "results": len(fewer)}
    advice = "Evaluate again on all samples before this result is compared with the others."
    return Finding("evaluation_samples", severity, statement, evidence, advice)


RULE = Rule(
    name="evaluation_samples",
    question="Did evaluations use as many samples as configured?",
    find=find,
    refuted_by="A count of the samples in the program: as configured, where batches are counted otherwise.",
    near_miss=(
        "An evaluation that was stopped early; a last batch that is not full; fewer than a maximum; data "
        "sets of different size; a setting that asks for a part."
    ),
    example="num_test_samples 1024, and a running value printed after batch 36725.",
)
