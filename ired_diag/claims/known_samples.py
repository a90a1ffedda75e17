"""What is known of the groups of a claim: runs, else seeds, else a printed mean, sd and n."""

from __future__ import annotations

from ired_diag.claims.book import FAR, Book
from ired_diag.claims.claim import Claim
from ired_diag.claims.labels import same_name
from ired_diag.claims.metrics import UNCLEAR
from ired_diag.claims.other_number import another_metric_in, runs_of_claim, why_of_another
from ired_diag.claims.ranges import Range, fits, printed_range
from ired_diag.claims.samples import Sample


def label_of_claim(claim: Claim, book: Book) -> str | None:
    """Return the one group that a claim is about.

    Of a claim that names none it is the only group there is of its metric, where its mean says so: a
    number printed beside a mean that agrees is of the same group.
    """
    if claim.groups:
        return claim.groups[0] if len(claim.groups) == 1 else None
    labels = _only_labels(claim, book)
    if len(labels) != 1 or claim.metric == UNCLEAR:
        return None
    sample = runs_of_claim(claim, labels[0], book) or book.of_seeds(labels[0], claim.metric)
    means = [c for c in book.beside(claim) if c.kind == "mean" and not c.groups]
    agree = sample is not None and any(fits(c.number, sample.mean) for c in means)
    return labels[0] if agree else None


def _only_labels(claim: Claim, book: Book) -> list[str]:
    if len(book.groups.members) == 1:
        group = next(iter(book.groups.members))
        return [next((name for name, meant in book.meant.items() if meant == group), group)]
    return book.labels_with_seeds(claim.metric)


def sample_of_claim(claim: Claim, label: str, book: Book, *, summary: bool = True) -> Sample | None:
    """Return the best that is known of a group: the runs, the report's seeds, its mean, sd and n."""
    block = claim.block if book.stated("mean", label, block=claim.block) else None
    by_seed = runs_of_claim(claim, label, book) or _seeds_beside(claim, label, book)
    return by_seed or (book.of_summary(label, claim.metric, block) if summary else None)


def means_of_claim(claim: Claim, label: str, book: Book) -> list[Range]:
    """Return the means that a group may have: of the runs, and as printed where that is right."""
    sample = runs_of_claim(claim, label, book) or _seeds_beside(claim, label, book)
    printed = [
        c.number
        for c in book.stated("mean", label, metric=claim.metric)
        if book.group(label) is None or not another_metric_in(c.context, book)
    ]
    if sample is None:
        values = {number.value for number in printed}
        return [printed_range(printed[0])] if len(values) == 1 else []
    return [sample.mean, *(printed_range(number) for number in printed if fits(number, sample.mean))]


def why_unknown(claim: Claim, book: Book) -> str:
    """Return why nothing is known about the groups of a claim."""
    if claim.metric == UNCLEAR:
        return "of which metric it is, is not certain"
    if not claim.groups:
        return "it does not say, for certain, which groups it is about"
    for label in claim.groups:
        if book.group(label) and (why := why_of_another(claim, label, book)):
            return why
    name = same_name(claim.groups[0], book.names) or claim.groups[0]
    return book.reasons.get(name) or "nothing in the report or the runs to compute it from"


def _seeds_beside(claim: Claim, label: str, book: Book) -> Sample | None:
    """Return the report's seeds, unless the claim may be about something else."""
    sample = book.of_seeds(label, claim.metric)
    means = book.stated("mean", label, block=claim.block, metric=claim.metric)
    if sample is None:
        return None
    size = abs(sample.mean.middle)
    far = [c for c in means if size and not 1 / FAR < abs(c.number.value) / size < FAR]
    return None if far else sample
