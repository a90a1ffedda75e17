"""Conclusions in sentences: "significant", its negation, and "equivalent"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ired_diag.claims.claim import Claim, Kind
from ired_diag.claims.heads import CORRECTED
from ired_diag.claims.named_groups import NamedGroups

EQUIVALENT = re.compile(
    r"\bequivalent\b(?! to\b)|\bequally (?:good|well|accurate)\b|\b(?:statistically )?indistinguishable\b"
    r"|\bkein(?:en)? Unterschied\b"
    r"|\bno (?:real |practical |meaningful |measurable |detectable )?difference\b|\bmakes? no difference\b"
    r"|\bidentical (?:performance|results|accuracy)\b|\bperform(?:s|ed)? (?:the same|identically)\b"
    r"|\bas good as\b",
    re.IGNORECASE,
)  # fmt: skip
SIGNIFICANT = re.compile(
    r"\b(?:statistically )?signifi[ck]ant(?:ly)?\b(?!\s+(?:digits?|figures?|level|other|number|"
    r"amount|part|bits?))"
    r"|(?<=\breach )significance\b|(?<=\breached )significance\b|(?<=\breaches )significance\b",
    re.IGNORECASE,
)
NOT_SIGNIFICANT = re.compile(r"(?<![\w.])n\.\s?s\.?(?![\w])")
NOT = re.compile(
    r"(?:\b(?:not?|non|nor|never|neither|without|nicht|kein\w*|fail\w*|nothing|none|lacks?|loses|isn|marginally)\b"
    r"|n['\u2019]t\b|\bin(?=signif))[\s\w\-*_]{0,30}$",
    re.IGNORECASE,
)
QUOTES = ('"', "\u201c", "\u201e", "'")
NEGATIVE = ("no ", "kein")  # of words that are a conclusion with their negation: "no difference"


def conclusions_of(text: str, named: NamedGroups, line: int, context: str, block: int) -> Iterator[Claim]:
    """Yield the conclusions of a sentence about the two groups that it names.

    Args:
        text: The sentence.
        named: Where it names which group.
        line: Where it stands.
        context: The sentence and its heading.
        block: The number that its claims share.
    """
    groups = named.everyone if len(named.everyone) == 2 else ()
    for hit in EQUIVALENT.finditer(text):
        if _is_stated(text, hit):
            yield Claim("equivalent", line, hit[0], groups=groups, context=context, block=block)
    corrected = CORRECTED.search(text)
    for hit in (*SIGNIFICANT.finditer(text), *NOT_SIGNIFICANT.finditer(text)):
        yield Claim(
            _kind(text, hit),
            line,
            hit[0],
            groups=groups,
            context=context,
            block=block,
            test=corrected[0] if corrected else "",
        )


def _is_stated(text: str, hit: re.Match[str]) -> bool:
    """Say whether a sentence states that groups are alike, and neither quotes nor denies it."""
    before = text[: hit.start()]
    if before.endswith(QUOTES):
        return False
    # So near, a negation belongs to the conclusion: "we did not find them equivalent".
    return hit[0].lower().startswith(NEGATIVE) or not NOT.search(before[-30:])


def _kind(text: str, hit: re.Match[str]) -> Kind:
    before = text[: hit.start()]
    if NOT_SIGNIFICANT.fullmatch(hit[0]) or NOT.search(before[-40:]):
        return "not significant"
    return "significant"
