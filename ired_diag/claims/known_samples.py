"""What is known of the groups of a claim: runs, else seeds, else a printed mean, sd and n."""

from __future__ import annotations

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim
from ired_diag.claims.labels import same_name
from ired_diag.claims.metrics import UNCLEAR
from ired_diag.claims.other_number import another_metric_in, runs_of_claim, why_of_another
from ired_diag.claims.ranges import Range, fits, is_far, printed_range
from ired_diag.claims.samples import Sample


def label_of_claim(claim: Claim, book: Book) -> str | None:
    """Return the one group that a claim is about.

    Of a claim that names none it is the only group there is of its metric, where its mean says so: a
    number printed next to a mean that agrees is of the same group.
    """
    if claim.groups:
        return claim.only_group or None
    labels = _only_labels(claim, book)
    if len(labels) != 1 or claim.metric == UNCLEAR:
        return None
    sample = runs_of_claim(claim, labels[0], book) or book.of_seeds(labels[0], claim.metric)
    if sample is None:
        return None
    for other in book.beside(claim):
        if other.kind == "mean" and not other.groups and fits(other.number, sample.mean):
            return labels[0]
    return None


def _only_labels(claim: Claim, book: Book) -> list[str]:
    if len(book.groups.members) != 1:
        return book.labels_with_seeds(claim.metric)
    (group,) = book.groups.members
    for name, meant in book.meant.items():
        if meant == group:
            return [name]
    return [group]


def sample_of_claim(claim: Claim, label: str, book: Book, *, summary: bool = True) -> Sample | None:
    """Return the best that is known of a group: the runs, the report's seeds, its mean, sd and n."""
    by_seed = runs_of_claim(claim, label, book) or _seeds_beside(claim, label, book)
    if by_seed is not None or not summary:
        return by_seed
    block = None
    if book.stated("mean", label, block=claim.block):
        block = claim.block
    return book.of_summary(label, claim.metric, block)


def means_of_claim(claim: Claim, label: str, book: Book) -> list[Range]:
    """Return the means that a group may have: of the runs, and as printed where that is right."""
    sample = runs_of_claim(claim, label, book) or _seeds_beside(claim, label, book)
    stated = book.stated("mean", label, metric=claim.metric)
    # A mean next to words of another metric is not the one that the runs log.
    if book.group(label) is not None:
        stated = [mean for mean in stated if not another_metric_in(mean.context, book)]
    printed = [mean.number for mean in stated]
    if sample is not None:
        right = [printed_range(number) for number in printed if fits(number, sample.mean)]
        return [sample.mean, *right]
    values = {number.value for number in printed}
    # A mean that is printed in two ways is not certain in either.
    if len(values) != 1:
        return []
    return [printed_range(printed[0])]


def why_unknown(claim: Claim, book: Book) -> str:
    """Return why nothing is known about the groups of a claim."""
    if claim.metric == UNCLEAR:
        return "of which metric it is, is not certain"
    if not claim.groups:
        return "it does not say, for certain, which groups it is about"
    for label in claim.groups:
        why = why_of_another(claim, label, book) if book.group(label) else ""
        if why:
            return why
    first = claim.groups[0]
    name = same_name(first, book.names) or first
    return book.reasons.get(name) or "nothing in the report or the runs to compute it from"


def _seeds_beside(claim: Claim, label: str, book: Book) -> Sample | None:
    """Return the report's seeds, unless the claim may be about something else."""
    sample = book.of_seeds(label, claim.metric)
    if sample is None:
        return None
    means = book.stated("mean", label, block=claim.block, metric=claim.metric)
    if any(is_far(mean.number.value, sample.mean.middle) for mean in means):
        return None
    return sample
