"""The metric that a head or a sentence names, and the step: what is left when other words are taken away.

Two heads are of one metric where the same words are left after those of statistics, units and directions are
taken away.
"""

from __future__ import annotations

import re

from ired_diag.claims.numbers import plain
from ired_diag.claims.statistic_words import spaced

STATISTIC_WORDS = frozenset(
    """
    mean means average avg std stdev stddev sd sem se s.d s.e.m ± +/- ci 95 90 99 confidence interval median
    iqr over n seeds seed runs run of the in by across lower higher better is are standard deviation error
    dev per stat statistic mittelwert standardabweichung konfidenzintervall 1\u03c3 \u03c3 2\u03c3 value
    values v our ours and sample samples ddof
    """.split()
) - {"error"}  # fmt: skip
UNITS = frozenset("s ms sec secs seconds minutes min hours h gb mb kb bytes tokens % k m".split())
SCALE = re.compile(r"(?:[x\u00d7·*(]\s*|\bin\s+|^|\s)(?:10\s*\^\s*([-+]?\d+)|1?e(-\d+))\b", re.IGNORECASE)
INCEPTION_SCORE = re.compile(r"^\W*IS\b(?=\s*(?:[\u2191(@$]|$))")
STEP = re.compile(
    r"\b(?:step|iteration|iter)s?\s*[=#@]?\s*(\d[\d,]*)(k?)\b|\b(\d[\d,]*)(k?)\s*(?:steps|iterations)\b"
    r"|(?:^|\s)(\d{3,6})()\s+val\b|(?:loss|val|mse|acc\w*|error)\s+at\s+(\d{3,7})()\b",
    re.I,
)
AT_THOUSANDS = re.compile(r"@\s*(\d+(?:\.\d+)?)([kKM])\b")  # "loss @ 2.5k"
OF_A_FAILURE = re.compile(
    r"\b(?:nans?|diverg\w*|crash\w*|fail\w*|blew up|exploded)\b[^.;:\d]{0,20}"
    r"\b(?:steps?|iterations?|epochs?)\s*\d[\d,]*k?\b",
    re.IGNORECASE,
)  # when a run failed is not when the number was read
NO_WORDS = re.compile(
    r"\b\d+[\s-]*seeds?\b|\bn\s*=\s*\d+|\b\d\d\s*%\s*-?(?=\s*(?:ci|conf))|lower is better|higher is better"
)
SIGNS = frozenset("±+-/*\u03c3")


def metric_of(head: str) -> str:
    """Return the words of the metric that a head names, in a spelling that compares.

    >>> metric_of("R2_MSE"), metric_of("Mean"), metric_of("Final val loss (mean ± SD, n = 5)")
    ('r2 mse', '', 'final val loss')
    """
    lowered = spaced(plain(INCEPTION_SCORE.sub("inception score", head))).lower()
    text = NO_WORDS.sub(" ", SCALE.sub(" ", lowered))
    words = [word.strip("-.") for word in re.split(r"[^\w%.²+/*@-]+", text)]
    return " ".join(word for word in words if _is_of_metric(word))


def _is_of_metric(word: str) -> bool:
    """Say whether a word is neither that of a statistic, nor a unit, nor a sign."""
    if word in STATISTIC_WORDS or word in UNITS:
        return False
    return not SIGNS.issuperset(word)


def step_of(text: str) -> int | None:
    """Return the step that a text names, None where it names none.

    >>> step_of("3200 val"), step_of("at step 10k"), step_of("q101")
    (3200, 10000, None)
    """
    text = OF_A_FAILURE.sub(" ", text.replace("_", " "))
    if at := AT_THOUSANDS.search(text):
        return round(float(at[1]) * (1_000_000 if at[2] == "M" else 1000))
    hit = STEP.search(text)
    if not hit:
        return None
    digits = hit[1] or hit[3] or hit[5] or hit[7]
    thousands = hit[2] or hit[4]
    return int(digits.replace(",", "")) * (1000 if thousands else 1)
