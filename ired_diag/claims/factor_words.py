"""Ratios in words: "a halves the error of b", "the return of a is twice that of b"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ired_diag.claims.metrics import MEASURE
from ired_diag.claims.numbers import Printed

FACTORS = {"halv": 2.0, "half": 2.0, "doubl": 2.0, "twice": 2.0, "tripl": 3.0, "quadrupl": 4.0}
QUALITY = rf"(?:{MEASURE.pattern}|error)"
VERB = re.compile(
    rf"\b(?P<word>halve[sd]|doubles|doubled|triples|tripled|quadrupled?s?)\s+"
    rf"(?:(?:the|its|their)\s+)?(?:[^\W\d][\w@'\u2019-]*\s+){{0,2}}?{QUALITY}"
    r"(?!\s+(?:weight|coefficient|scale|term|function|rate)s?\b)",
    re.IGNORECASE,
)
OF_ANOTHER = re.compile(
    r"\b(?:is|was|are|were)\s+(?P<word>half|twice)\s+(?:that|those|as\s+\w+\s+as\s+that)\s+of\b", re.I
)


def factors_in(text: str) -> Iterator[Printed]:
    """Yield the ratios that a sentence writes as words.

    >>> [(factor.text, factor.value) for factor in factors_in("muon halves the validation loss of adam")]
    [('halves', 2.0)]
    """
    hits = [*VERB.finditer(text)]
    if MEASURE.search(text):
        hits += OF_ANOTHER.finditer(text)
    for hit in hits:
        word = hit["word"]
        value = next(factor for stem, factor in FACTORS.items() if word.lower().startswith(stem))
        yield Printed(
            text=word,
            value=value,
            unit=1.0,
            start=hit.start("word"),
            end=hit.end("word"),
        )
