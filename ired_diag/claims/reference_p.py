"""The p that belongs to a statistic and its degrees of freedom, and which p no degrees of freedom give.

    t(df):       2 P(T ≥ |t|)          F(d₁, d₂):  P(F ≥ f)
    χ²(df), H:   P(χ² ≥ x)             z:          2 P(Z ≥ |z|)

A one-sided p is half of it, or one minus that half. Without df, t still has bounds: the p is largest at df =
1 (Cauchy's distribution) and smallest as df → ∞ (the normal's). A p outside of them is impossible.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from scipy import stats

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.numbers import Printed
from ired_diag.claims.phrases import TESTED
from ired_diag.claims.ranges import Range, fits, fits_any, printed_range, through

SYMBOLS = {"chi2": "χ²", "F": "F", "H": "H", "z": "z", "t": "t"}
ONE_SIDED = re.compile(
    r"one[\s-]*(?:sided|tailed)|\b1[\s-]*(?:sided|tailed)|alternative(?:\s+is)?\s*[=:]?\s*['\"]?(?:less|greater|l|g|larger|smaller)\b"
    r"|[\[(]\s*-\s*(?:inf\w*|∞)|,\s*\+?(?:inf\w*|∞)\s*[\])]|\btail\s*=\s*['\"]?(?:left|right|lower|upper)|lower[\s-]tail|upper[\s-]tail",
    re.I,
)
CHANGED = re.compile(
    r"bonferroni|\bholm\b|adjust|corrected|\bfdr\b|benjamini|permutation|bootstrap|resampl|\bq\s*=", re.I
)
DEGREES = {"t": 1, "chi2": 1, "H": 1, "F": 2, "z": 0}  # how many each statistic has


def p_beside_statistic(claim: Claim, book: Book) -> Verdict | None:
    """Return whether a p is that of the one statistic next to it; None where none is there, or several.

    A statistic without degrees of freedom is held against the bounds that hold for any.
    """
    if CHANGED.search(claim.own_words):
        return None
    statistics = []
    printed_df = []
    number_of_ps = 0
    for other in book.beside(claim):
        if other.metric != claim.metric or other.groups != claim.groups:
            continue
        number_of_ps += other.kind == "p"
        if other.kind == "df":
            printed_df.append(other.number)
        if _name_of(other) in SYMBOLS:
            statistics.append(other)
    if len(statistics) != 1 or number_of_ps != 1:
        return None
    (statistic,) = statistics
    name = _name_of(statistic)
    df = statistic.df or tuple(printed_df)
    if name == "t" and not df:
        return _within_bounds(claim, statistic)
    df = df[: DEGREES[name]]
    if len(df) < DEGREES[name] or any(number.value <= 0 for number in df):
        return None
    return _at(claim, statistic, df, one_sided=book.says(ONE_SIDED.pattern))


def _name_of(claim: Claim) -> str:
    """Return which statistic a claim is of; empty where it is of none."""
    if claim.kind == "t":
        return "t"
    if claim.kind == "statistic":
        return claim.test
    return ""


def _at(claim: Claim, statistic: Claim, df: tuple[Printed, ...], *, one_sided: bool) -> Verdict:
    """Return whether a p is that of a statistic at its degrees of freedom.

    Args:
        claim: The p.
        statistic: As printed.
        df: As many as the statistic has.
        one_sided: Whether the report speaks of one-sided tests.
    """
    name = _name_of(statistic)
    value = printed_range(statistic.number)
    p = through(_tail(name), value, *map(_range_of_df, df))
    half = p.scaled(0.5)
    rest = Range(1 - half.high, 1 - half.middle, 1 - half.low)
    what = f"{SYMBOLS[name]}{_in_brackets(df)} = {statistic.number.text}"
    two_tailed = name in ("t", "z")
    right = [p]
    # Of F and χ² only one tail is used in any case.
    if one_sided and two_tailed:
        right += [half, rest]
    if fits_any(claim.number, right):
        return holds(claim, f"the p of {what}")
    is_half = fits(claim.number, half)
    if name == "z" and is_half:
        return holds(claim, f"the one-sided p of {what}")
    words = f"{_printed(claim)}; {what} has p = {p.middle:.3g}."
    if two_tailed and is_half:
        words += " Half of it, the one-sided p, is what is printed: if the test is one-sided, say so."
    return refuted(
        claim,
        rule="p",
        words=words,
        evidence={"recomputed": p.middle, "df": df[0].value if df else None},
    )


def _printed(claim: Claim) -> str:
    return f"p is printed as {claim.number.relation}{claim.said}"


def _in_brackets(df: tuple[Printed, ...]) -> str:
    if not df:
        return ""
    shown = ", ".join(number.text for number in df)
    return f"({shown})"


def _range_of_df(df: Printed) -> Range:
    """Return what printed degrees of freedom may stand for: those with a decimal point are Welch's, rounded.

    >>> _range_of_df(Printed("4.0", 4.0, 0.1)), _range_of_df(Printed("9", 9.0, 1.0))
    (Range(low=3.95, middle=4.0, high=4.05), Range(low=9.0, middle=9.0, high=9.0))
    """
    if df.unit >= 1:
        return Range.exactly(df.value)
    return printed_range(df)


def _tail(name: str) -> Callable[..., float]:
    """Return the p of a statistic as a function of it and of its degrees of freedom."""
    tails: dict[str, Callable[..., float]] = {
        "t": lambda t, df: 2 * stats.t.sf(abs(t), df),
        "z": lambda z: 2 * stats.norm.sf(abs(z)),
        "F": stats.f.sf,
        "chi2": stats.chi2.sf,
        "H": stats.chi2.sf,
    }
    tail = tails[name]
    return lambda *arguments: float(tail(*arguments))


def _within_bounds(claim: Claim, statistic: Claim) -> Verdict | None:
    """Return that a p is impossible for a t; None where it is possible, or may be of another test."""
    if not TESTED.search(claim.context) and not claim.table:
        return None
    t = abs(statistic.number.value)
    half_digit = statistic.number.unit / 2
    smallest_t = max(0.0, t - half_digit)
    largest = float(2 * stats.t.sf(smallest_t, 1))
    smallest = float(2 * stats.norm.sf(t + half_digit))
    two_sided = Range(smallest / 2, smallest, largest)
    other_side = Range(1 - largest / 2, 1 - largest / 2, 1.0)
    if fits_any(claim.number, (two_sided, other_side)):
        return None
    given = f"no degrees of freedom give it for t = {statistic.number.text}"
    bounds = f"the two-sided p lies between {smallest:.3g} and {largest:.3g}"
    return refuted(
        claim,
        rule="p",
        words=f"{_printed(claim)}; {given}: {bounds}.",
        evidence={"smallest": smallest, "largest": largest, "recomputed": largest},
    )


def check_statistic(claim: Claim, book: Book) -> Verdict:
    """Return that a statistic of a test over several groups is not recomputed; its p is held against it."""
    return unchecked(claim, f"{SYMBOLS.get(claim.test, claim.test)} is not recomputed from the seeds")
