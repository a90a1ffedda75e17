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
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.phrases import TESTED
from ired_diag.claims.ranges import Range, fits, printed_range, through

SYMBOLS = {"chi2": "χ²", "F": "F", "H": "H", "z": "z", "t": "t"}
ONE_SIDED = re.compile(
    r"one[\s-]*(?:sided|tailed)|\b1[\s-]*(?:sided|tailed)|alternative(?:\s+is)?\s*[=:]?\s*['\"]?(?:less|greater|l|g|larger|smaller)\b"
    r"|[\[(]\s*-\s*(?:inf\w*|∞)|,\s*\+?(?:inf\w*|∞)\s*[\])]|\btail\s*=\s*['\"]?(?:left|right|lower|upper)|lower[\s-]tail|upper[\s-]tail",
    re.I,
)
CHANGED = re.compile(
    r"bonferroni|\bholm\b|adjust|corrected|\bfdr\b|benjamini|permutation|bootstrap|resampl|\bq\s*=", re.I
)


def p_beside_statistic(claim: Claim, book: Book) -> Verdict | None:
    """Return whether a p is that of the one statistic beside it; None where none is beside it, or several.

    A statistic without degrees of freedom is held against the bounds that hold for any.
    """
    here = [c for c in book.beside(claim) if c.metric == claim.metric]
    same = [c for c in here if c.groups == claim.groups]
    statistics = [c for c in same if c.kind == "t" or (c.kind == "statistic" and c.test in SYMBOLS)]
    if len(statistics) != 1 or sum(c.kind == "p" for c in same) != 1 or CHANGED.search(_near(claim)):
        return None
    (statistic,) = statistics
    name = statistic.test if statistic.kind == "statistic" else "t"
    df = statistic.df or tuple(c.number.value for c in same if c.kind == "df")
    if name == "t" and not df:
        return _within_bounds(claim, statistic)
    if not _complete(name, df):
        return None
    return _at(claim, statistic, name, df, one_sided=book.says(ONE_SIDED.pattern))


def _near(claim: Claim) -> str:
    return claim.context if claim.table else claim.context.split("\n")[0]


def _complete(name: str, df: tuple[float, ...]) -> bool:
    needed = {"t": 1, "chi2": 1, "H": 1, "F": 2, "z": 0}[name]
    return len(df) >= needed and all(d > 0 for d in df[:needed])


def _at(claim: Claim, statistic: Claim, name: str, df: tuple[float, ...], *, one_sided: bool) -> Verdict:
    p = through(
        _tail(name), printed_range(statistic.number), *map(_range_of_df, df[: 2 if name == "F" else 1])
    )
    what = f"{SYMBOLS[name]}{_in_brackets(name, df)} = {statistic.number.text}"
    half = Range(p.low / 2, p.middle / 2, p.high / 2)
    rest = Range(1 - half.high, 1 - half.middle, 1 - half.low)
    two_tailed = name in ("t", "z")
    if fits(claim.number, p) or (
        one_sided and two_tailed and (fits(claim.number, half) or fits(claim.number, rest))
    ):
        return holds(claim, f"the p of {what}")
    if name == "z" and fits(claim.number, half):
        return holds(claim, f"the one-sided p of {what}")
    words = f"p is printed as {_relation(claim)}{claim.said}; {what} has p = {p.middle:.3g}."
    if two_tailed and fits(claim.number, half):
        words += " Half of it, the one-sided p, is what is printed: if the test is one-sided, say so."
    evidence = {"recomputed": p.middle, "df": df[0] if df else None}
    return fails(claim, Fault("p", "error", words, evidence=evidence).of(claim))


def _in_brackets(name: str, df: tuple[float, ...]) -> str:
    return f"({', '.join(f'{d:g}' for d in df[: 2 if name == 'F' else 1])})" if df and name != "z" else ""


def _relation(claim: Claim) -> str:
    return claim.number.relation


def _range_of_df(df: float) -> Range:
    """Return what printed degrees of freedom may stand for; those of Welch's test are rounded.

    >>> _range_of_df(8.8), _range_of_df(9.0)
    (Range(low=8.75, middle=8.8, high=8.850000000000001), Range(low=9.0, middle=9.0, high=9.0))
    """
    decimals = len(f"{df:g}".partition(".")[2])
    return Range.around(df, 0.5 / 10**decimals) if decimals else Range.exactly(df)


def _tail(name: str) -> Callable[..., float]:
    if name == "t":
        return lambda t, df: float(2 * stats.t.sf(abs(t), df))
    if name == "z":
        return lambda z, *_: float(2 * stats.norm.sf(abs(z)))
    if name == "F":
        return lambda f, d1, d2: float(stats.f.sf(f, d1, d2))
    return lambda x, df: float(stats.chi2.sf(x, df))


def _within_bounds(claim: Claim, statistic: Claim) -> Verdict | None:
    """Return that a p is impossible for a t; None where it is possible, or may be of another test."""
    if not TESTED.search(claim.context) and not claim.table:
        return None
    t = abs(statistic.number.value)
    t_low, t_high = max(0.0, t - statistic.number.unit / 2), t + statistic.number.unit / 2
    largest, smallest = float(2 * stats.t.sf(t_low, 1)), float(2 * stats.norm.sf(t_high))
    number = claim.number
    reach = Range(smallest / 2, smallest, largest)
    other_side = Range(1 - largest / 2, 1 - largest / 2, 1.0)
    if fits(number, reach) or fits(number, other_side):
        return None
    words = (
        f"p is printed as {number.relation}{claim.said}; no degrees of freedom give it for t = "
        f"{statistic.number.text}: "
        f"the two-sided p lies between {smallest:.3g} and {largest:.3g}."
    )
    evidence = {"smallest": smallest, "largest": largest, "recomputed": largest}
    return fails(claim, Fault("p", "error", words, evidence=evidence).of(claim))


def check_statistic(claim: Claim, book: Book) -> Verdict:
    """Return that a statistic of a test over several groups is not recomputed; its p is held against it."""
    return unchecked(claim, f"{SYMBOLS.get(claim.test, claim.test)} is not recomputed from the seeds")
