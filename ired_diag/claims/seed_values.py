"""Is a printed value of a seed one that the seed's run has, by any readout?

Where runs do not say which seed they are, a value may be that of any run of its group. One that no run has
is then wrong only if most of the report's values are theirs.
"""

from __future__ import annotations

from collections.abc import Iterable

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.other_number import runs_at_step, why_of_another
from ired_diag.claims.ranges import fits
from ired_diag.claims.samples import Sample


def check_value(claim: Claim, book: Book) -> Verdict:
    """Return whether a seed's value is one that the seed's run has."""
    label = claim.only_group
    group = book.group(label) if label else None
    if group is None:
        return unchecked(claim, why_unknown(claim, book))
    if why := why_of_another(claim, label, book):
        return unchecked(claim, why)
    samples = book.groups.samples_with_seed(group, claim.seed)
    at_step = runs_at_step(claim, group, book)
    if at_step and claim.seed in at_step.values:
        samples = {f"at {claim.metric}": at_step}
    if not samples:
        return _of_any_run(claim, book, group)
    fitting = fitting_readouts(claim, samples)
    if not fitting:
        return refuted_by_run(claim, samples)
    is_of_another_readout = book.readout in samples and book.readout not in fitting
    if book.readout_is_certain and is_of_another_readout:
        return unchecked(claim, f"it is {fitting[0]}, and the other numbers of the report are {book.readout}")
    return holds(claim, f"the run of {group}/{claim.seed} ({fitting[0]})")


def fitting_readouts(claim: Claim, samples: dict[str, Sample]) -> list[str]:
    """Return the readouts by which a number is the value of the seed that its claim names."""
    fitting = []
    for readout, sample in samples.items():
        if fits(claim.number, sample.value_of(claim.seed)):
            fitting.append(readout)
    return fitting


def refuted_by_run(claim: Claim, samples: dict[str, Sample]) -> Verdict:
    """Return that a seed's run has other values, by each of its readouts."""
    values = []
    for readout, sample in samples.items():
        value = sample.values[claim.seed]
        values.append(f"{readout} {value:.6g}")
    return refuted(
        claim,
        rule="value",
        words=f"{claim.seed} is printed as {claim.said}; its run has {', '.join(values)}.",
    )


def _of_any_run(claim: Claim, book: Book, group: str) -> Verdict:
    """Return whether any run of a group has the value; for runs whose seeds are unknown.

    Where the seeds are known, one that is not among them is of a run that is not here.
    """
    members = book.groups.members[group]
    if any(seed.pairable for seed in members.seeds):
        return unchecked(claim, f"no complete run of {group} is {claim.seed or 'of that seed'}")
    samples = list(book.groups.samples(group).values())
    at_step = runs_at_step(claim, group, book)
    if at_step:
        samples = [at_step]
    if _is_a_value_of(claim, samples):
        return holds(claim, f"one of the runs of {group}")
    siblings = 0
    agreeing = 0
    for other in book.of_kinds("value"):
        if other.groups == claim.groups and other.metric == claim.metric:
            siblings += 1
            agreeing += _is_a_value_of(other, samples)
    # One wrong value among right ones is a slip; values without a right one are of other runs.
    if 2 * agreeing <= siblings:
        return unchecked(claim, "most of the values next to it are of no run, so that they may be of others")
    printed = f"{claim.said} is printed for {claim.seed or 'a run'}"
    others = f"{agreeing} of {siblings} values next to it are of its runs"
    return refuted(
        claim,
        rule="value",
        words=f"{printed}, and no run of {group} ends there; {others}.",
        evidence={"agreeing": agreeing},
    )


def _is_a_value_of(claim: Claim, samples: Iterable[Sample]) -> bool:
    for sample in samples:
        for seed in sample.values:
            if fits(claim.number, sample.value_of(seed)):
                return True
    return False
