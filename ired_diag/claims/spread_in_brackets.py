"""What is the number in brackets behind a mean, where the words say "mean (standard deviation)"?"""

from __future__ import annotations

import re

from ired_diag.claims.claim import Kind
from ired_diag.claims.statistic_words import after_plus_minus

OF_SPREAD = (
    r"(?:sample\s+|one\s+|1\s+)?(?:standard\s+(?:deviations?|errors?)|s\.?d\.?|std\.?(?:\s?dev\w*)?|"
    r"s\.?e\.?m\.?|se|std\.?\s?err\w*|\u03c3)"
)
IN_BRACKETS_BEHIND = re.compile(
    rf"\b(?:means?|averages?)\b[^.;()]{{0,60}}\(\s*(?:with\s+)?(?:the\s+)?({OF_SPREAD})[^()]{{0,30}}\)",
    re.IGNORECASE,
)


def spread_in_brackets(text: str) -> Kind:
    """Return what the words "mean (standard deviation)" say of numbers in brackets; else a spread.

    >>> spread_in_brackets("Error rates, mean (standard deviation)"), spread_in_brackets("mean (n=3)")
    ('sd', 'spread')
    """
    kinds = {after_plus_minus(_singular(hit[1])) for hit in IN_BRACKETS_BEHIND.finditer(text)}
    if len(kinds) != 1:
        return "spread"
    return kinds.pop()


def _singular(words: str) -> str:
    return re.sub(r"(deviation|error)s$", r"\1", words, flags=re.IGNORECASE)
