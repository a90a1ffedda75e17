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
    r"amount|part|bits?))",
    re.IGNORECASE,
)
NOT_SIGNIFICANT = re.compile(r"(?<![\w.])n\.\s?s\.?(?![\w])")
NOT = re.compile(
    r"(?:\b(?:not?|non|nor|never|neither|without|nicht|kein\w*|fail\w*|nothing|none|lacks?|loses|isn|marginally)\b"
    r"|n['\u2019]t\b|\bin(?=signif))[\s\w\-*_]{0,30}$",
    re.IGNORECASE,
)


def conclusions_of(text: str, named: NamedGroups, line: int, context: str, block: int) -> Iterator[Claim]:
    """Yield the conclusions of a sentence about the two groups that it names."""
    groups = named.within(0, len(text))
    pair = groups if len(groups) == 2 else ()
    corrected = CORRECTED.search(text)
    for hit in EQUIVALENT.finditer(text):
        if text[: hit.start()].endswith(('"', "\u201c", "\u201e", "'")):  # a quotation
            continue
        negated = NOT.search(text[: hit.start()][-30:]) and not hit[0].lower().startswith(("no ", "kein"))
        if not negated:
            yield Claim("equivalent", line, hit[0], groups=pair, context=context, block=block)
    for hit in [*SIGNIFICANT.finditer(text), *NOT_SIGNIFICANT.finditer(text)]:
        denied = NOT.search(text[: hit.start()][-40:]) or NOT_SIGNIFICANT.fullmatch(hit[0])
        kind: Kind = "not significant" if denied else "significant"
        yield Claim(
            kind,
            line,
            hit[0],
            groups=pair,
            context=context,
            block=block,
            test=corrected[0] if corrected else "",
        )
