"""Evaluations on fewer or on more samples than their configuration asks for, or than their siblings have.

A key such as ``num_test_samples`` says on how many samples a model is to be evaluated. What was used stands
in the log: a number of samples next to the result, or the batch up to which running values were printed. Only
what follows strictly is said:

- a stated number of samples that is not the configured one (of a key that says "at most": a larger one);
- batch b was reached, and b - 1 whole batches before it hold more samples than configured: more, even at one
  sample a batch; with the configured batch size the number is stated as well;
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

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.evaluation_counts import SampleCount, is_sample_count, sample_counts
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.owned_results import owned_results
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
        used: The number of samples used: exactly, or a bound.
        words: The number of samples used, in words.
    """

    result: EvaluationResult
    key: str
    configured: int
    used: int
    words: str

    @property
    def is_more(self) -> bool:
        """Whether more samples were used than configured."""
        return self.used > self.configured


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each key and value that evaluations did not obey, by more or by fewer samples."""
    cases: dict[tuple[str, int, bool], list[tuple[str, Used]]] = defaultdict(list)
    reported: set[tuple[str, str]] = set()
    for owned in owned_results(study):
        if owned.result.error:
            continue
        used = used_otherwise(owned.result, owned.configuration)
        if used is not None:
            cases[used.key, used.configured, used.is_more].append((owned.group, used))
            reported.add((owned.group, owned.result.where))
    yield from map(_finding, cases.values())
    others = [count for count in sample_counts(study) if (count.group, count.where) not in reported]
    yield from _fewer_than_siblings(others)


def used_otherwise(result: EvaluationResult, configuration: Mapping[str, Any]) -> Used | None:
    """Return how many samples a result rests on, where the configuration asks for another number."""
    key, configured = _first_whole_number(configuration, (*EXACT, *AT_MOST))
    if not configured:
        return None
    if result.n is not None:
        if result.n > configured or (result.n < configured and key in EXACT):
            return Used(result, key, configured, used=result.n, words=f"{result.n} samples")
        return None
    if result.last_batch is None:
        return None
    size_key, size = _first_whole_number(configuration, BATCH_SIZES)
    least = result.last_batch - 1
    at_most = result.last_batch * size
    if least > configured:
        words = f"more than {least} samples, since it reached batch {result.last_batch}"
        if size:
            words += f" (about {at_most:.3g} samples at {size_key} {size})"
        return Used(result, key, configured, used=least, words=words)
    if size and not result.partial and key in EXACT and 2 * at_most < configured:
        words = f"about {at_most} samples, {result.last_batch} batches of {size}"
        return Used(result, key, configured, used=at_most, words=words)
    return None


def _first_whole_number(configuration: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, int]:
    """Return the first of the keys that has a positive whole number, and the number; 0 without one."""
    for key in keys:
        value = configuration.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return key, value
    return "", 0


def _finding(cases: list[tuple[str, Used]]) -> Finding:
    all_groups, each_used = zip(*cases, strict=True)
    groups = list(dict.fromkeys(all_groups))
    places = listed(dict.fromkeys(used.result.where for used in each_used))
    used = each_used[0]
    where = used.result.where
    of_which = ""
    if len(groups) > 1:
        where = f"the first of {len(groups)} evaluations"
        of_which = f" ({places})"
    consequence = "the result is less certain than the configuration promises"
    if used.is_more:
        consequence = "the key has no effect, and the evaluation takes as much longer"
    statement = (
        f"{listed(groups)}: {used.key} is {used.configured}, and {where} used {used.words}: {consequence}"
        f"{of_which}."
    )
    evidence: Evidence = {
        "group": groups[0],
        "groups": ", ".join(groups),
        "key": used.key,
        "configured": used.configured,
        "used": used.used,
        "used_is_bound": used.result.n is None,
        "results": len(cases),
        "last_batch": used.result.last_batch,
    }
    return Finding(
        rule="evaluation_samples",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=f"Look at where the program reads {used.key}, and report the number that was used.",
    )


def _fewer_than_siblings(counts: Sequence[SampleCount]) -> Iterator[Finding]:
    """Yield a finding for each set of siblings of which a part rests on fewer samples than the others."""
    families: dict[tuple[str, tuple[tuple[str, str], ...]], list[SampleCount]] = defaultdict(list)
    for count in counts:
        families[count.metric, count.data].append(count)
    # Each metric of a file has the same number of samples: it is reported once.
    reported: set[tuple[str, str, int]] = set()
    for family in families.values():
        samples = Counter(count.samples for count in family)
        usual, size = samples.most_common(1)[0]
        fewer = [count for count in _counts_below(family, usual) if _identity(count) not in reported]
        if fewer and size >= FEWEST_SIBLINGS and size >= USUAL * len(family):
            reported.update(map(_identity, fewer))
            yield _fewer(fewer, usual=usual, others=_counts_of(family, usual))


def _counts_of(family: Sequence[SampleCount], samples: int) -> list[SampleCount]:
    return [count for count in family if count.samples == samples]


def _counts_below(family: Sequence[SampleCount], usual: int) -> list[SampleCount]:
    """Return the counts that are clearly below the usual one, and of the same parts of the data."""
    parts = {count.parts for count in _counts_of(family, usual)}
    return [count for count in family if count.samples < FEWER * usual and count.parts in parts]


def _identity(count: SampleCount) -> tuple[str, str, int]:
    return count.group, count.label, count.samples


def _fewer(fewer: Sequence[SampleCount], *, usual: int, others: Sequence[SampleCount]) -> Finding:
    first = fewer[0]
    groups = {other.group for other in others}
    is_sure = bool(first.data) or all(count.group in groups for count in fewer)
    rests = f"rests on {first.samples} samples"
    usually = f"on {usual}"
    if is_sample_count(first.metric):
        rests = f"is {first.samples}"
        usually = f"{usual}"
    labels = dict.fromkeys(f"{count.label}, {count.where}" for count in fewer)
    siblings = dict.fromkeys(f"{count.group} {count.label}" for count in others)
    statement = (
        f"{first.group}: {first.metric} {rests} ({listed(labels)}), and {usually} in {len(others)} siblings "
        f"({listed(siblings)}). No setting asks for fewer: "
        "these are not the same samples, and the number is less certain."
    )
    evidence: Evidence = {
        "group": first.group,
        "metric": first.metric,
        "used": first.samples,
        "usual": usual,
        "siblings": len(others),
        "results": len(fewer),
    }
    return Finding(
        rule="evaluation_samples",
        severity="warning" if is_sure else "note",
        statement=statement,
        evidence=evidence,
        advice="Evaluate again on all samples before this result is compared with the others.",
    )


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
