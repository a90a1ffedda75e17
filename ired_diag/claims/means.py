"""Is a printed mean one that the runs have, and of which readout?

    last, plateau, last10, best: see ``comparison.readouts``

A mean of best evaluations is a mean of luck: the best of k noisy evaluations is the better the more there
are. Without runs, the mean is that of the report's own values by seed.
"""

from __future__ import annotations

import re

from ired_diag.claims.agreeing_readouts import matching, other_readout
from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, holds, refuted, unchecked
from ired_diag.claims.known_samples import label_of_claim, why_unknown
from ired_diag.claims.metrics import relation_to, spoken
from ired_diag.claims.other_number import runs_at_step, why_of_another
from ired_diag.claims.ranges import Range, fits, fits_any, is_far
from ired_diag.claims.readout_columns import by_named_readout
from ired_diag.claims.samples import Sample
from ired_diag.finding import Severity

ENOUGH = 2  # means of a column that agree: one may by chance
FEWEST = 2  # values by seed that a mean is held against
CALLED_MEAN = re.compile(r"\bmeans?\b|\baverage[sd]?\b|\bavg\b|\bmittel|±", re.IGNORECASE)


def check_mean(claim: Claim, book: Book) -> Verdict:
    """Return whether a mean is that of the runs, or of the report's own seeds."""
    label = label_of_claim(claim, book)
    if label is None:
        return unchecked(claim, why_unknown(claim, book))
    group = book.group(label)
    why = why_of_another(claim, label, book) if group else why_unknown(claim, book)
    if group and not why:
        return _of_runs(claim, book, group)
    sample = book.of_seeds(label, claim.metric)
    if sample is None:
        return unchecked(claim, why)
    return _of_seeds(claim, book, sample)


def _of_seeds(claim: Claim, book: Book, sample: Sample) -> Verdict:
    """Return whether a mean is that of the report's own values; a last digit that is cut off is accepted."""
    mean = sample.mean
    half = mean.high - mean.middle
    cut_off = claim.number.unit / 2
    slack = Range.around(mean.middle, half + cut_off)
    if fits_any(claim.number, (mean, slack)):
        return holds(claim, f"the mean of {sample.source} is {mean.middle:.6g}")
    if is_far(claim.number.value, mean.middle):
        return unchecked(claim, "it is so far from the values by seed that it may be of another metric")
    if sample.n < FEWEST:
        return unchecked(claim, "one value by seed is no sample that a mean could be held against")
    if _is_of_another_table(claim, book):
        return unchecked(claim, "its table may be of another set-up than the values by seed")
    printed = f"the mean{spoken(claim.metric)} is printed as {claim.said}"
    given = f"that of {sample.source} is {mean.middle:.6g} ({sample.n} seeds)"
    return refuted(
        claim,
        rule="mean",
        words=f"{printed}; {given}.",
        evidence={"recomputed": mean.middle},
    )


def _is_of_another_table(claim: Claim, book: Book) -> bool:
    """Say whether a mean stands under another heading than the values, in a table of which no mean agrees."""
    if not claim.table:
        return False
    for label in claim.groups:
        for value in book.stated("value", label, metric=claim.metric):
            if value.heading == claim.heading:
                return False
    means = 0
    for other in book.of_kinds("mean"):
        if other.table != claim.table or len(other.groups) != 1:
            continue
        means += 1
        if _agrees_with_own_seeds(other, book):
            return False
    return means > 1


def _agrees_with_own_seeds(mean: Claim, book: Book) -> bool:
    sample = book.of_seeds(mean.only_group, mean.metric)
    return sample is not None and fits(mean.number, sample.mean)


def _of_runs(claim: Claim, book: Book, group: str) -> Verdict:
    if sample := runs_at_step(claim, group, book):
        return _at_step(claim, sample)
    if named := by_named_readout(claim, book, group):
        return named
    readouts = matching(claim.number, group, book.groups)
    # Where another readout agrees as well, nothing says that the best one is meant.
    if readouts == ["best"]:
        return _only_of_best(claim, book, group)
    if readouts:
        return holds(claim, f"the runs of {group} ({', '.join(readouts)})")
    if lone := _of_one_seed(claim, book, group):
        return lone
    if relation_to(claim.metric, book.groups.metric) == "generic" and not _column_agrees(claim, book):
        return unchecked(claim, f"{claim.metric!r} may be of another metric than {book.groups.metric}")
    return _no_readout(claim, book, group)


def _only_of_best(claim: Claim, book: Book, group: str) -> Verdict:
    """Return that a mean is right, but only as the mean of the seeds' best evaluations."""
    words = f"{claim.number.text} is the mean of each seed's best evaluation: of many noisy ones the luckiest"
    last = book.groups.sample(group, "last")
    if last is not None:
        mean = last.mean.middle
        words += f"; the last evaluations have the mean {mean:.6g}"
    fault = Fault(
        rule="best_readout",
        severity="warning",
        words=f"{words}.",
        advice=f"Compare plateaus: ired-diag stats {group} OTHER --readout plateau",
    )
    return holds(claim, "the runs' best", fault.of(claim))


def _at_step(claim: Claim, sample: Sample) -> Verdict:
    """Return whether a mean is that of the runs at the step that its words name."""
    mean = sample.mean
    if fits(claim.number, mean):
        return holds(claim, sample.source)
    if is_far(claim.number.value, mean.middle):
        return unchecked(claim, "it is so far from the runs' numbers that it may be of another metric")
    return refuted(
        claim,
        rule="mean",
        words=f"the mean is printed as {claim.said}; of {sample.source} it is {mean.middle:.6g}.",
        evidence={"recomputed": mean.middle},
    )


def _no_readout(claim: Claim, book: Book, group: str, *, seed: str = "") -> Verdict:
    """Return that no readout of the runs has the mean, with those that it has.

    Args:
        claim: The mean.
        book: What is known.
        group: Of the runs.
        seed: Whose last evaluation the number is; empty where it is of none.
    """
    evidence = {}
    readouts = []
    for name, sample in book.groups.samples(group).items():
        mean = sample.mean.middle
        evidence[f"mean_{name}"] = mean
        readouts.append(f"{name} {mean:.6g}")
    what = "mean" if claim.kind == "mean" else "number"
    printed = f"the {what} is printed as {claim.said}"
    words = f"{printed}, which the runs of {group} do not have: {', '.join(readouts)}."
    if seed:
        words += f" It is the last evaluation of {seed} alone."
    words += _elsewhere(claim, book, group)
    severity: Severity = "error"
    where = other_readout(claim.number, group, book.groups)
    if where and not seed:
        severity = "warning"
        words += f" Their mean {where} agrees: if that is meant, the report must say so."
    return refuted(
        claim,
        rule="mean",
        severity=severity,
        words=words,
        advice=f"See all readouts: ired-diag stats {group}",
        evidence=evidence,
    )


def _of_one_seed(claim: Claim, book: Book, group: str) -> Verdict | None:
    """Return the verdict on a number that is one seed's and no mean; None where it is not."""
    sample = book.groups.sample(group, "last")
    if sample is None or sample.n < 2:
        return None
    for seed in sample.values:
        if fits(claim.number, sample.value_of(seed)):
            if _is_called_mean(claim, book):
                return _no_readout(claim, book, group, seed=seed)
            number = seed.removeprefix("seed")
            if re.search(rf"\bseed\s*[#=]?\s*{re.escape(number)}\b", claim.own_words, re.IGNORECASE):
                return holds(claim, f"{group}/{seed}, which is named")
            fault = _selection(claim, book, group, sample, seed)
            return holds(claim, f"{group}/{seed}", fault.of(claim))
    return None


def _is_called_mean(claim: Claim, book: Book) -> bool:
    """Say whether the report calls a number a mean, by a word, by its spread, or by several seeds."""
    if claim.kind != "mean":
        return False
    if CALLED_MEAN.search(claim.own_words):
        return True
    for other in book.beside(claim):
        if other.half_width and other.groups == claim.groups and other.metric == claim.metric:
            return True
    size = book.size(claim.only_group) if claim.only_group else None
    return size is not None and size >= FEWEST


def _selection(claim: Claim, book: Book, group: str, sample: Sample, seed: str) -> Fault:
    """Return that a number is that of a single seed.

    Args:
        claim: The number.
        book: What is known.
        group: Of the seed.
        sample: The last evaluations of the group.
        seed: Whose last evaluation the number is.
    """
    which = f"one of {sample.n} seeds"
    best = sample.best(lower_is_better=book.groups.lower_is_better)
    if sample.values[seed] == best:
        which = f"the best of {sample.n} seeds"
    mean = sample.mean.middle
    alone = f"{claim.said} is the last evaluation of {seed} alone, {which} of {group}"
    return Fault(
        rule="selection",
        severity="warning",
        words=f"{alone}; their mean is {mean:.6g}.",
        evidence={"mean_last": mean, "n": sample.n},
    )


def _elsewhere(claim: Claim, book: Book, group: str) -> str:
    """Return where else the number would be right."""
    agreeing = []
    for name in book.groups.members:
        if name != group and matching(claim.number, name, book.groups):
            agreeing.append(name)
    if len(agreeing) != 1:
        return ""
    return f" It is the mean of {agreeing[0]}."


def _column_agrees(claim: Claim, book: Book) -> bool:
    """Say whether most other means in the column of a claim are those of the runs, at least two of them."""
    agreeing = []
    for other in book.claims:
        is_in_column = other.table == claim.table and other.metric == claim.metric and other.kind == "mean"
        group = book.only_group(other)
        if claim.table and is_in_column and other is not claim and group:
            agreeing.append(bool(matching(other.number, group, book.groups)))
    return sum(agreeing) >= ENOUGH and 2 * sum(agreeing) > len(agreeing)
