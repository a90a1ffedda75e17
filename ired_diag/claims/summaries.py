"""Two groups that a sentence describes in full: "(M = 5.2, SD = 1.1, n = 20) vs (M = 6.1, SD = 1.3, n = 20)".

Their t, p and effect size follow from the six numbers; no table, seed or run is needed. They are claims about
two groups that are named after their places, unless the sentence names groups that are known. A mean, sd,
smallest and largest value in one sentence bound each other in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ired_diag.claims.claim import Claim, Kind
from ired_diag.claims.markdown import Sentence
from ired_diag.claims.numbers import Printed, numbers_in, plain

NUMBER = r"[-+]?\d*[.,]?\d+"
SD = r"(?:s\.?d\.?|std\.?|standard deviation)"
SUMMARY = re.compile(
    rf"(?<![\w.])({NUMBER})\s*[(,;]\s*{SD}\s*(?:=|:|of)?\s*({NUMBER})\s*[,;]\s*n\s*=\s*(\d+)", re.IGNORECASE
)
MEAN = re.compile(r"\bmeans?\b|\baverage|(?<!\w)M\s*=")
RANGE = re.compile(
    rf"\bmean\s*(?:=|:|of)?\s*({NUMBER})[,;\s]+{SD}\s*(?:=|:|of)?\s*({NUMBER})[,;\s]+(?:and\s+)?"
    rf"min(?:imum)?\s*(?:=|:|of)?\s*({NUMBER})[,;\s]+(?:and\s+)?max(?:imum)?\s*(?:=|:|of)?\s*({NUMBER})",
    re.IGNORECASE,
)
OF_A_GROUP: tuple[Kind, ...] = ("mean", "sd", "n")
OF_TWO = ("t", "p", "df", "effect")
OF_A_RANGE: tuple[Kind, ...] = ("mean", "sd", "best", "worst")


def claims_of_summaries(
    sentence: Sentence, claims: Sequence[Claim], block: int, *, comma: bool
) -> list[Claim]:
    """Return the claims of a sentence, those of groups that it describes in full given to them.

    Args:
        sentence: The sentence.
        claims: As they are read word by word.
        block: Their block.
        comma: Whether the text writes decimal commas.
    """
    text = plain(sentence.text)
    # A sentence that names its groups is read word by word.
    if any(claim.groups for claim in claims):
        return list(claims)
    kinds = OF_A_RANGE
    hits = list(RANGE.finditer(text))[:1]
    if not hits:
        kinds = OF_A_GROUP
        hits = list(SUMMARY.finditer(text))
        if len(hits) != 2 or not MEAN.search(text):
            return list(claims)
    numbers = {number.start: number for number in numbers_in(text, comma=comma)}
    described: list[Claim] = []
    labels = []
    for place, hit in enumerate(hits, start=1):
        label = f"group {place} of line {sentence.line}"
        shown = [numbers.get(hit.start(k)) for k in range(1, len(kinds) + 1)]
        if not all(shown):
            return list(claims)
        labels.append(label)
        described += _described(sentence, label, kinds, shown, block)
    return [*described, *_others(claims, hits, tuple(labels))]


def _described(
    sentence: Sentence,
    label: str,
    kinds: Sequence[Kind],
    numbers: Sequence[Printed | None],
    block: int,
) -> Iterator[Claim]:
    """Yield the claims on a group that is described."""
    context = f"{plain(sentence.text)}\n{sentence.heading}"
    for kind, number in zip(kinds, numbers, strict=True):
        if number is not None:
            yield Claim(
                kind,
                sentence.line,
                number.text,
                groups=(label,),
                numbers=(number,),
                context=context,
                block=block,
            )


def _others(
    claims: Sequence[Claim], hits: Sequence[re.Match[str]], labels: tuple[str, ...]
) -> Iterator[Claim]:
    """Yield the claims that are not part of a description; those that compare are of the two groups."""
    for claim in claims:
        if claim.numbers and any(hit.start() <= claim.number.start < hit.end() for hit in hits):
            continue
        if len(labels) == 2 and claim.kind in OF_TWO:
            claim = replace(claim, groups=labels)
        yield claim
