"""Which seed is the best, or the worst: "the best a seed is seed 0", "seed 3 is the worst of a".

It is right where the seed's last or best evaluation is the smallest or largest of its group, a tie included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.groups import OF_ONE_EVALUATION
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.metrics import metric_at
from ired_diag.claims.named_groups import NamedGroups
from ired_diag.claims.other_number import why_of_another
from ired_diag.claims.samples import Sample

EXTREME = r"(?P<extreme>best|worst|strongest|weakest)"
NUMBER = r"(?P<seed>\d{1,6})\b(?!\.\d)"
EXTREME_FIRST = re.compile(
    rf"\b{EXTREME}\s+(?:(?!of\b)[^\W\d][\w@-]*\s+){{0,2}}(?:seed|run)(?:\s+of\s+[\w@-]+)?\s+(?:is|was)\s+"
    rf"seed\s*#?{NUMBER}",
    re.IGNORECASE,
)
SEED_FIRST = re.compile(
    rf"\bseed\s*#?{NUMBER}\s+(?:of\s+[\w@-]+\s+)?(?:is|was)\s+(?:by far\s+|clearly\s+)?the\s+{EXTREME}\b"
    r"(?=\s*(?:$|[.,;(]|(?:seed|run|one)\b|(?:of|for|with)\s))",
    re.IGNORECASE,
)
WORST = ("worst", "weakest")


def extreme_seeds_of(text: str, named: NamedGroups, line: int, context: str, block: int) -> Iterator[Claim]:
    """Yield which seeds a sentence calls the best or the worst of their group.

    Args:
        text: The sentence.
        named: Where it names which group.
        line: Where it stands.
        context: The sentence and its heading.
        block: The number that its claims share.
    """
    for hit in (*EXTREME_FIRST.finditer(text), *SEED_FIRST.finditer(text)):
        groups = named.everyone
        if len(groups) != 1:
            groups = named.within(hit.start(), hit.end())
        yield Claim(
            "which seed",
            line,
            hit[0],
            groups=groups if len(groups) == 1 else (),
            context=context,
            block=block,
            seed=f"seed{int(hit['seed'])}",
            metric=metric_at(text, hit.start(), hit.end(), ()),
            test="worst" if hit["extreme"].lower() in WORST else "best",
        )


def check_extreme_seed(claim: Claim, book: Book) -> Verdict:
    """Return whether a seed is the best or the worst of its group, as the sentence says."""
    group = book.only_group(claim)
    if group is None:
        return unchecked(claim, why_unknown(claim, book))
    if why := why_of_another(claim, claim.only_group, book):
        return unchecked(claim, why)
    is_lowest = (claim.test == "best") == book.groups.lower_is_better
    extremes = []
    for readout, sample in book.groups.samples_with_seed(group, claim.seed).items():
        if readout not in OF_ONE_EVALUATION:
            continue
        extreme = _extreme(sample, is_lowest=is_lowest)
        if abs(sample.values[claim.seed] - sample.values[extreme]) <= 2 * sample.half:
            return holds(claim, sample.source)
        extremes.append(f"{extreme} by {sample.source} ({sample.values[extreme]:.6g})")
    if not extremes:
        return unchecked(claim, f"no complete run of {group} is {claim.seed}")
    return refuted(
        claim,
        rule="value",
        words=f"{claim.seed} is called the {claim.test} of {group}; that is {'; '.join(extremes)}.",
    )


def _extreme(sample: Sample, *, is_lowest: bool) -> str:
    """Return the seed with the smallest, or the largest, value."""
    values = sample.values
    return min(values, key=values.__getitem__) if is_lowest else max(values, key=values.__getitem__)
