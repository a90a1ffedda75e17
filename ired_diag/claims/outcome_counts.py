"""Did as many runs end in a way as the report says: diverged, failed, crashed, not finished, at a value?

Counted are all runs that were launched, each by what became of it (``comparison.outcomes``). A word may mean
more or less: a run that crashed may have diverged before, one that was stopped may be called failed. With s
runs that the word means for certain and m others that it may mean, "k of n" is right at k = s, open for
s < k ≤ s + m, and wrong elsewhere. A run reaches a value at its last or at its best evaluation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.groups import OF_ONE_EVALUATION, RESULT, UNKNOWN_END
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.labels import same_name
from ired_diag.claims.other_number import why_of_another
from ired_diag.claims.ranges import is_far
from ired_diag.claims.samples import Sample

# By the word of a report: the ends of runs that it means for certain, and those that it may mean as well.
MEANINGS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "not finite": (("not finite",), ("diverged", "crashed")),
    "diverged": (("not finite", "diverged"), ("crashed",)),
    "crashed": (("crashed",), ("not finite", "diverged", "stopped", UNKNOWN_END)),
    # A run that trained to its end may be called failed for its result.
    "failed": (("not finite", "diverged", "crashed"), ("stopped", RESULT, UNKNOWN_END)),
    "incomplete": (("crashed", "stopped"), ("not finite", "diverged", UNKNOWN_END)),
    "finished": ((RESULT,), ("not finite", "diverged", UNKNOWN_END)),
    # No shape of a curve says for certain that it converged: some only are certain not to have.
    "converged": ((), (RESULT, UNKNOWN_END, "stopped")),
}
PERCENT = 0.01
BY_SHAPE = "diverged"  # to a finite value: judged by the shape of the curve
OTHER_SETTING = re.compile(
    r"\b(?:at|with|for|using|under)\s+(?:an?\s+|the\s+)?(?:[^\W\d]\w*\s+){0,2}?"
    r"(?:lr|learning rates?|batch(?:es)?(?: size)?|temperatures?|clip\w*|weight decay|dropout|beta\w*|"
    r"warm-?up|widths?|depths?|layers?|precision|schedules?)\b|\b(?:lr|learning rate|batch size)\s*(?:of|=)",
    re.IGNORECASE,
)
REACHING = ("reached", "above", "below")


@dataclass(frozen=True)
class _Ends:
    """What became of the runs that a claim counts."""

    groups: Sequence[str]
    counts: Counter[str]

    @property
    def launched(self) -> int:
        """All runs."""
        return self.counts.total()

    def of(self, kinds: Sequence[str]) -> int:
        """Return how many runs ended in one of several ways."""
        return sum(self.counts[kind] for kind in kinds)

    @property
    def in_words(self) -> str:
        """How many ended in which way: ``2 diverged, 3 with a result``."""
        return ", ".join(f"{count} {kind}" for kind, count in sorted(self.counts.items()))


def check_outcomes(claim: Claim, book: Book) -> Verdict:
    """Return whether as many runs ended in the way that the sentence says."""
    if claim.test in REACHING:
        return _of_a_value(claim, book)
    ends = _ends(claim, book)
    if ends is None:
        return unchecked(claim, why_unknown(claim, book))
    if wrong := _of_other_runs(claim, ends):
        return wrong
    certain, possible = MEANINGS[claim.test]
    fewest = ends.of(certain)
    most = fewest + ends.of(possible)
    count = round(claim.number.value)
    with_result = ends.of((RESULT, UNKNOWN_END))
    # "All finished" is right of runs that all have a result, whether or not their logs say how they ended.
    if count == with_result and claim.test in ("finished", "converged"):
        return holds(claim, f"of {_named(ends)}: {ends.in_words}")
    if count == fewest and claim.test != "converged":
        return holds(claim, f"of {_named(ends)}: {ends.in_words}")
    if fewest <= count <= most:
        return unchecked(claim, f"which runs {claim.test!r} means is not certain: {ends.in_words}")
    if hit := OTHER_SETTING.search(claim.wording):
        return unchecked(claim, f"it may be of runs of another setting ({hit[0]!r})")
    is_by_shape = bool(ends.counts[BY_SHAPE]) or (claim.test == "diverged" and count > most)
    return refuted(
        claim,
        rule="outcomes",
        severity="warning" if is_by_shape else "error",
        words=f"{claim.said!r} is printed; of the {ends.launched} runs of {_named(ends)}: {ends.in_words}.",
        advice="ired-diag ls says how each run ended.",
        evidence=dict(ends.counts),
    )


def _named(ends: _Ends) -> str:
    return " and ".join(ends.groups)


def _of_other_runs(claim: Claim, ends: _Ends) -> Verdict | None:
    """Return the verdict on a count whose n is not that of the runs; None where it is, or is not printed."""
    if len(claim.numbers) < 2:
        return None
    n = round(claim.numbers[1].value)
    if n == ends.launched:
        return None
    if n > ends.launched and len(claim.groups) == 1:
        return refuted(
            claim,
            rule="n",
            words=f"n is printed as {claim.numbers[1].text}; {ends.launched} runs are there.",
            advice="ired-diag ls lists them.",
            evidence={"n": ends.launched},
        )
    return unchecked(claim, f"it counts {n} runs, and {ends.launched} of {_named(ends)} are there")


def _ends(claim: Claim, book: Book) -> _Ends | None:
    """Return what became of the runs of the groups of a claim; of one that names none, of all groups."""
    ended = book.groups.ended
    groups = []
    for label in claim.groups:
        group = book.group(label) or same_name(label, ended)
        if group is None or group not in ended:
            return None
        groups.append(group)
    if not claim.groups and not claim.doubt:
        groups = list(ended) if _is_of_all(claim, ended) else []
    if not groups:
        return None
    counts: Counter[str] = Counter()
    for group in groups:
        counts.update(ended[group])
    return _Ends(groups, counts)


def _is_of_all(claim: Claim, ended: Mapping[str, Sequence[str]]) -> bool:
    """Say whether a count without a group is of all runs: of the only group, or of as many as there are."""
    every = sum(map(len, ended.values()))
    if len(ended) == 1 or len(claim.numbers) < 2:
        return True
    return round(claim.numbers[1].value) == every


def _of_a_value(claim: Claim, book: Book) -> Verdict:
    """Return whether as many seeds reach a value, at their last or at their best evaluation."""
    group = book.only_group(claim)
    if group is None:
        return unchecked(claim, why_unknown(claim, book))
    if why := why_of_another(claim, claim.only_group, book):
        return unchecked(claim, why)
    samples = book.groups.samples(group)
    last = samples.get("last")
    count, n, value = claim.numbers
    if last is not None and value.percent and abs(last.mean.middle) <= 1:
        value = value.scaled(PERCENT)
    if last is None or is_far(value.value, last.mean.middle):
        return unchecked(claim, "it may be of another metric, or in another unit")
    launched = len(book.groups.ended[group])
    if round(n.value) not in (last.n, launched):
        return unchecked(claim, f"it counts {n.text} seeds, and {last.n} of {group} have a result")
    read = [sample for readout, sample in samples.items() if readout in OF_ONE_EVALUATION]
    counts = [_reaching(sample, value.value, claim.test, book) for sample in read]
    if round(count.value) in counts:
        return holds(claim, last.source)
    fewest = min(counts)
    most = max(counts) + launched - last.n  # a run that failed may have reached it before
    if fewest <= count.value <= most:
        return unchecked(claim, "at which of its evaluations a seed is to reach the value is not said")
    return refuted(
        claim,
        rule="outcomes",
        words=f"{claim.said!r} is printed; of the {last.n} seeds of {group} it is {counts[0]} by their last "
        f"evaluation, and {counts[-1]} by their best.",
        evidence={"last": counts[0], "best": counts[-1]},
    )


def _reaching(sample: Sample, value: float, event: str, book: Book) -> int:
    """Return how many seeds of a sample are on the side of a value that an event means."""
    below = event == "below" or (event == "reached" and book.groups.lower_is_better)
    reaching = 0
    for number in sample.values.values():
        reaching += number <= value + sample.half if below else number >= value - sample.half
    return reaching
