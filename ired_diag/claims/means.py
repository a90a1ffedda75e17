"""Is a printed mean, or a value, one that the runs have, and of which readout?

    last, plateau, last10, best: see ``comparison.readouts``

A mean of best evaluations is a mean of luck: the best of k noisy evaluations is the better the more there
are. Without runs, the mean is that of the report's own values by seed.
"""

from __future__ import annotations

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.groups import READOUTS, matching
from ired_diag.claims.ranges import Range, fits, through
from ired_diag.claims.samples import Sample


def check_mean(claim: Claim, book: Book) -> Verdict:
    """Return whether a mean is that of the runs, or of the report's own seeds."""
    label = claim.groups[0] if len(claim.groups) == 1 else None
    if label is None or (why := book.may_be_other(claim, label)):
        return unchecked(claim, why if label else book.why_unknown(claim))
    if group := book.group(label):
        return _of_runs(claim, book, label, group)
    sample = book.of_seeds(label)
    if sample is None:
        return unchecked(claim, book.why_unknown(claim))
    if fits(claim.number, sample.mean):
        return holds(claim, f"the mean of {sample.source} is {sample.mean.middle:.6g}")
    words = (
        f"the mean is printed as {claim.said}; that of {sample.source} is {sample.mean.middle:.6g} "
        f"({sample.n} seeds)."
    )
    return fails(claim, Fault("mean", "error", words, evidence={"recomputed": sample.mean.middle}).of(claim))


def _of_runs(claim: Claim, book: Book, label: str, group: str) -> Verdict:
    found = matching(claim.number, group, book.groups)
    if found == ["best"]:
        last = book.groups.sample(group, "last")
        words = (
            f"{claim.number.text} is the mean of each seed's best evaluation: of many noisy ones the luckiest"
        )
        told = f"{words}; the last evaluations have the mean {last.mean.middle:.6g}." if last else f"{words}."
        advice = f"Compare plateaus: ired-diag stats {group} OTHER --readout plateau"
        return holds(claim, "the runs' best", Fault("best_readout", "warning", told, advice).of(claim))
    if found:
        return holds(claim, f"the runs of {group} ({', '.join(found)})")
    samples = {name: sample for name in READOUTS if (sample := book.groups.sample(group, name))}
    has = ", ".join(f"{name} {sample.mean.middle:.6g}" for name, sample in samples.items())
    words = (
        f"the mean is printed as {claim.said}, which the runs of {group} do not have: {has}."
        f"{_elsewhere(claim, book, group)}"
    )
    where = book.groups.other_readout(claim.number, group)
    words += f" Their mean {where} agrees: if that is meant, the report must say so." if where else ""
    advice = f"See all readouts: ired-diag stats {group}"
    evidence = {f"mean_{name}": sample.mean.middle for name, sample in samples.items()}
    return fails(claim, Fault("mean", "warning" if where else "error", words, advice, evidence).of(claim))


def _elsewhere(claim: Claim, book: Book, group: str) -> str:
    """Return where else the number would be right."""
    others = [
        name for name in book.groups.members if name != group and matching(claim.number, name, book.groups)
    ]
    return f" It is the mean of {others[0]}." if len(others) == 1 else ""


def check_value(claim: Claim, book: Book) -> Verdict:
    """Return whether a seed's value is one that the seed's run has."""
    label = claim.groups[0] if len(claim.groups) == 1 else ""
    group = book.group(label) if label else None
    if group is None or book.may_be_other(claim, label):
        return unchecked(claim, book.why_unknown(claim))
    samples = {
        name: s for name in READOUTS if (s := book.groups.sample(group, name)) and claim.seed in s.values
    }
    if not samples:
        return unchecked(claim, f"no complete run of {group} is {claim.seed or 'of that seed'}")
    for name, sample in samples.items():
        if fits(claim.number, Range.around(sample.values[claim.seed], sample.half)):
            return holds(claim, f"the run of {group}/{claim.seed} ({name})")
    has = ", ".join(f"{name} {sample.values[claim.seed]:.6g}" for name, sample in samples.items())
    words = f"{claim.seed} is printed as {claim.said}; its run has {has}."
    return fails(claim, Fault("value", "error", words).of(claim))


def check_extreme(claim: Claim, book: Book) -> Verdict:
    """Return whether a smallest, largest or middle value of the seeds is theirs."""
    label = claim.groups[0] if len(claim.groups) == 1 else ""
    sample = book.sample(claim, label, summary=False) if label else None
    if sample is None:
        return unchecked(claim, book.why_unknown(claim))
    x = sorted(sample.values.values())
    middle = (x[(len(x) - 1) // 2] + x[len(x) // 2]) / 2
    ends = [x[0], x[-1]] if book.groups.lower_is_better else [x[-1], x[0]]
    right = {"best": ends, "worst": ends[::-1], "median": [middle]}[claim.kind]
    if any(fits(claim.number, Range.around(value, sample.half)) for value in right):
        return holds(claim, sample.source)
    if claim.kind == "best" and _is_best_readout(claim, book, label):
        return holds(claim, "of the runs' best evaluations")
    words = f"the {claim.kind} is printed as {claim.said}; of {sample.source} it is {right[0]:.6g}."
    return fails(claim, Fault("value", "warning", words, evidence={"recomputed": right[0]}).of(claim))


def _is_best_readout(claim: Claim, book: Book, label: str) -> bool:
    group = book.group(label)
    sample: Sample | None = book.groups.sample(group, "best") if group else None
    if sample is None:
        return False
    best = (min if book.groups.lower_is_better else max)(sample.values.values())
    return fits(claim.number, sample.mean) or fits(claim.number, Range.around(best, sample.half))


def check_difference(claim: Claim, book: Book) -> Verdict:
    """Return whether a difference is that of two means."""
    if len(claim.groups) != 2 or claim.number.percent:
        return unchecked(
            claim, book.why_unknown(claim) if not claim.groups else "of which two means is not certain"
        )
    a, b = (book.means(claim, label) for label in claim.groups)
    found = [through(lambda x, y: x - y, x, y) for x in a for y in b]
    if not found:
        return unchecked(claim, book.why_unknown(claim))
    if any(fits(claim.number, one, magnitude=True) for one in found):
        return holds(claim, f"the means differ by {found[0].middle:.4g}")
    words = f"the difference is printed as {claim.said}; the means differ by {found[0].middle:.4g}."
    return fails(
        claim, Fault("difference", "error", words, evidence={"recomputed": found[0].middle}).of(claim)
    )
