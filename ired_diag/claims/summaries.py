"""Two groups that a sentence describes in full: "(M = 5.2, SD = 1.1, n = 20) vs (M = 6.1, SD = 1.3, n = 20)".

Their t, p and effect size follow from the six numbers; no table, seed or run is needed. They are claims about
two groups that are named after their places, unless the sentence names groups that are known. A mean, sd,
smallest and largest value in one sentence bound each other in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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
OF_A_RANGE: tuple[Kind, ...] = ("mean", "sd", "best", "worst")


def claims_of_summaries(
    sentence: Sentence, claims: Sequence[Claim], block: int, *, comma: bool
) -> list[Claim]:
    """Return the claims of a sentence, those of groups that it describes in full given to them.

    Args:
        sentence: Which.
        claims: As they are read word by word.
        block: Their block.
        comma: Whether the text writes decimal commas.
    """
    text = plain(sentence.text)
    if any(claim.groups for claim in claims):
        return list(claims)
    numbers = {number.start: number for number in numbers_in(text, comma=comma)}
    if whole := RANGE.search(text):
        return _described(sentence, claims, [whole], OF_A_RANGE, numbers, block)
    found = list(SUMMARY.finditer(text))
    if len(found) != 2 or not MEAN.search(text):
        return list(claims)
    return _described(sentence, claims, found, OF_A_GROUP, numbers, block)


def _described(
    sentence: Sentence,
    claims: Sequence[Claim],
    hits: Sequence[re.Match[str]],
    kinds: Sequence[Kind],
    numbers: dict[int, Printed],
    block: int,
) -> list[Claim]:
    """Return the claims on each group that is described, and those that compare the groups."""
    text = plain(sentence.text)
    spans = [hit.span() for hit in hits]
    labels = [f"group {place} of line {sentence.line}" for place in range(1, len(hits) + 1)]
    described = []
    for hit, label in zip(hits, labels, strict=True):
        shown = [numbers.get(hit.start(k)) for k in range(1, len(kinds) + 1)]
        if not all(shown):
            return list(claims)
        described += [
            Claim(
                kind, sentence.line, number.text, groups=(label,), numbers=(number,),
                context=f"{text}\n{sentence.heading}", block=block,
            )
            for kind, number in zip(kinds, shown, strict=True)
            if number is not None
        ]  # fmt: skip
    rest = [c for c in claims if not c.numbers or not any(a <= c.number.start < b for a, b in spans)]
    pair = tuple(labels)
    compared = [replace(c, groups=pair) if c.kind in ("t", "p", "df", "effect") else c for c in rest]
    return [*described, *(compared if len(pair) == 2 else rest)]
