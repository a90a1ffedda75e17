"""Which statistic words name: the mean, the sd, an interval, p, t, n, and what follows a ±."""

from __future__ import annotations

import re

from ired_diag.claims.claim import Kind

COLUMNS: tuple[tuple[Kind, str], ...] = (
    ("p", r"^[pq]$|^p\s+(?:vs\.?|versus|against|to|over|for|of)\s"),
    ("p", r"^(?:raw|nominal|exact|welch|holm|bonferroni|fdr|bh|adj\w*\.?|(?:un)?corrected)[\s-]*p$"),
    ("p", r"^p\s*[(_-]|\bp[\s-]*(?:values?|wert)\b|\bpval(?:ue)?s?\b|^p \w+$"),
    ("t", r"^t$|^t\s+(?:vs\.?|versus|against)\s|\bt[\s-]*(?:stat\w*|values?|wert)|^t\s*\("),
    ("df", r"^(?:df|dof|d\.f\.?|degrees of freedom)$"),
    ("effect", r"\bcohen|\bhedges|^effect size|^\|?[dg]\|?$|^[dg]\s+(?:vs\.?|versus|against)\s"),
    ("interval", r"\bci\b|\bci ?95|\d\d% ?ci|confidence interval|konfidenz|\binterval$"),
    ("quartiles", r"^iqr\b|interquartile"),
    ("se", r"\bs\.?e\.?m\b|^s\.?e\.?(?:$|\s+of\b)|std\.?\s*err|standard\s*err|standardfehler"),
    ("sd", r"\bstd(?:ev|dev)?\b|\bs\.?d\.?\b|standard\s*dev|^\u03c3$|standardabweichung|\bstdev"),
    ("n", r"^#?\s*n$|^(?:number of |num |# ?|n )?(?:seeds|runs)$|^samples? size$|^n (?:seeds|runs)$"),
    ("median", r"\bmedian\b"),
    (
        "percent",
        r"\brelative (?:change|diff\w*|improvement)|improvement|prozent|"
        r"\brel\.(?!\s*(?:l\d|\w*err|\w?mse|mae|norm))|"
        r"^(?:%|percent) (?:change|diff\w*)|%\s*$(?<=[Δδ]%)",
    ),
    ("difference", r"\bdiff|^Δ|^δ|\bdelta\b|differenz|\bvs\b|\bgap\b|\bchange\b|\bgain\b"),
    ("significant", r"signifi[ck]an|^sig\.?\??$"),
    ("best", r"^(?:best|min(?:imum)?|lowest)(?: (?:seed|run|value))?$"),
    ("worst", r"^(?:worst|max(?:imum)?|highest)(?: (?:seed|run|value))?$"),
    ("mean", r"\bmean\b|\baverage\b|\bavg\b|mittel|^μ$"),
)  # fmt: skip


def kind_of(head: str) -> Kind | None:
    """Return what the numbers under a head are.

    >>> kind_of("Std Dev"), kind_of("95% CI"), kind_of("p-value"), kind_of("GPU hours")
    ('sd', 'interval', 'p', None)
    """
    before_spread = head.replace("+/-", "±").partition("±")[0]
    shown = spaced(before_spread).lower().strip(" (")
    for kind, pattern in COLUMNS:
        if re.search(pattern, shown):
            return kind
    return None


def after_plus_minus(words: str) -> Kind:
    """Return what the number after a ± is, by the words around it."""
    shown = spaced(words).lower()
    patterns = dict(COLUMNS)
    kinds: list[Kind] = ["interval", "se", "sd"]
    said = [kind for kind in kinds if re.search(patterns[kind], shown)]
    if len(said) != 1:
        return "spread"
    return said[0]


def spaced(text: str) -> str:
    """Return a text with blanks for underscores."""
    return text.replace("_", " ")
