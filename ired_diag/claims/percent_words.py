r"""Is it said that numbers are in percent: by a sign, by the head of the column, by the caption?

    "WER (%)", "error rates in percent", "(\%)", "[%]", "in percentage points"

A factor of 100 is never taken because the numbers would agree with it. Where nothing says it, a number that
is about 100 times that of the runs, or a hundredth, is not checked: its unit is not certain.
"""

from __future__ import annotations

import re

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim
from ired_diag.claims.heads import head_of
from ired_diag.claims.numbers import plain
from ired_diag.claims.ranges import fits
from ired_diag.runs.metric_words import words_of

IN_WORDS = re.compile(
    r"[(\[,]\s*(?:all\s+|each\s+|values\s+|numbers\s+)?(?:in\s+)?(?:%|percent|pp)\s*[)\],]"
    r"|\b(?:in|as|are|is|given in|reported in)\s+"
    r"(?:%|percent\b|percentages?\b|per\s+cent\b|percentage points\b|pp\b)"
    r"|\bin\s+[^.;\d]{0,30}\bpercent\b"
    r"|(?:^|[\s(])%\s*(?=[a-z])(?!\s*of\b)",
    re.IGNORECASE,
)
SIGN_BEHIND = re.compile(r"\s*(?:±\s*[\d.]+\s*)?(?:%|percent\b|pp\b)", re.IGNORECASE)
LEAST, MOST = 50.0, 200.0  # times another number: about a hundred
SHARES = frozenset(
    """
    accuracy acc top exactmatch em f1 auroc auc auprc roc ap map dice dsc iou miou jaccard r2 success winrate
    win error err wer cer ter eer ece mape smape precision recall sensitivity specificity hit pass
    misclassification
    """.split()
)  # measures that are printed in percent
BOUNDED = SHARES - {"err", "error", "wer", "cer", "ter", "mape", "smape", "misclassification"}  # by 1
LEVELS = ("mean", "level", "value", "median", "best", "worst")


def says_percent(text: str) -> bool:
    r"""Say whether a caption or a heading says that numbers are in percent.

    >>> says_percent("Error rates (%) after 50 epochs"), says_percent("WER in percent, mean of 3 seeds")
    (True, True)
    >>> says_percent("The error falls by 12%."), says_percent("Mean over 5 seeds (95% CI)")
    (False, False)
    """
    return IN_WORDS.search(plain(text)) is not None


def is_share(metric: str, *, bounded: bool = False) -> bool:
    """Say whether a metric is one that is printed in percent.

    >>> is_share("val_wer"), is_share("val_wer", bounded=True), is_share("f1", bounded=True), is_share("mse")
    (True, False, True, False)

    Args:
        metric: Its name.
        bounded: Whether it has to be one that is never above 1; an error rate may be.
    """
    return not (BOUNDED if bounded else SHARES).isdisjoint(words_of(metric))


def is_in_percent(claim: Claim) -> bool:
    """Say whether a sign at a number, the head of its column or the words above its table say percent."""
    if any(number.percent for number in claim.numbers) or head_of(claim.wording).percent:
        return True
    if claim.table:
        return says_percent(claim.above)
    return any(SIGN_BEHIND.match(claim.wording, number.end) for number in claim.numbers)


def hundredfold(claim: Claim, book: Book) -> str:
    """Return that a level, or the mean next to a spread, may be in percent where nothing says so."""
    group = book.only_group(claim)
    if group is None or not claim.numbers:
        return ""
    level: Claim | None = claim
    if claim.kind not in LEVELS:
        level = book.mean_beside(claim, claim.only_group)
    sample = book.groups.sample(group, "last")
    if level is None or sample is None or not sample.mean.middle or is_in_percent(level):
        return ""
    size = abs(level.number.value)
    own = abs(sample.mean.middle)
    is_share = bool(SHARES.intersection(words_of(book.groups.metric)))
    if fits(level.number.scaled(0.01), sample.mean) or (is_share and LEAST * own < size < MOST * own):
        return "it is about 100 times the number of the runs, and that it is in percent is not said"
    if fits(level.number.scaled(100.0), sample.mean) or (is_share and LEAST * size < own < MOST * size):
        return "it is about a hundredth of the number of the runs, and in which unit it is, is not said"
    return ""
