"""Do t, df and p follow from the samples, and is the test the right one?

A printed number is right if it is that of the test that the words name; of any of Student's, Welch's and the
paired t test where they name none. A right p may still be of the wrong test:

- Student's where Welch's, which allows unequal variances, is on the other side of 5%;
- an unpaired one where the seeds are pairs, with the same data and the same evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.comparisons import NAMES, Tested, tests_of, two_sided_p
from ired_diag.claims.pairs import Pair, other_test, samples_of_pair, tests_said
from ired_diag.claims.ranges import Range, fits, printed_range, through
from ired_diag.claims.samples import as_population
from ired_diag.finding import Finding

ALPHA = 0.05


def check_test(claim: Claim, book: Book) -> Verdict:
    """Return whether a t, df or p follows from the samples, or from the t beside it."""
    if claim.kind == "p" and claim.number.value == 0 and not claim.number.relation:
        return _zero(claim, book)
    if claim.kind == "p" and not 0 <= claim.number.value <= 1:
        words = f"p is printed as {claim.said}; a p lies between 0 and 1."
        return fails(claim, Fault("p", "error", words).of(claim))
    if other := other_test(claim):
        return unchecked(claim, f"it may be of something else than a plain t test ({other!r})")
    pair = samples_of_pair(claim, book)
    tests = tests_of(pair.a, pair.b, pairs=pair.pairs) if pair else {}
    if pair is None or not tests:
        return _from_t(claim, book)
    return _against(claim, pair, tests)


def _against(claim: Claim, pair: Pair, tests: Mapping[str, Tested]) -> Verdict:
    fitting = [name for name, test in tests.items() if _fits(claim, test)]
    said = tests_said(claim)
    right = [name for name in fitting if name in said]
    if right:
        source = f"{NAMES[right[0]]} on {pair.a.source}"
        return holds(claim, source, *_remarks(claim, pair, tests, fitting))
    if not any(name in tests for name in said):
        return unchecked(claim, f"{NAMES[said[0]]} does not follow from {pair.a.source}")
    told = "; ".join(f"{NAMES[name]} gives {_value(claim, test).middle:.4g}" for name, test in tests.items())
    evidence = {f"{claim.kind}_{name}": _value(claim, test).middle for name, test in tests.items()}
    if fitting:
        words = f"{claim.kind} = {claim.said} is of {NAMES[fitting[0]]}, not of {NAMES[said[0]]}: {told}."
        return fails(claim, Fault("wrong_test", "warning", words, evidence=evidence).of(claim))
    if _of_population(claim, pair):
        words = f"{claim.kind} = {claim.said} follows only if the sds are population ones (ddof = 0): {told}."
        return fails(claim, Fault("population_sd", "warning", words, evidence=evidence).of(claim))
    if not pair.certain:
        return unchecked(claim, "a paired test does not follow from means and sds")
    words = f"{claim.kind} is printed as {claim.said}, which does not follow from {pair.a.source}: {told}."
    if pair.pairs:
        return fails(claim, Fault(claim.kind, "error", words, evidence=evidence).of(claim))
    words += " A paired test needs the values by seed; if this is one, the report does not say so."
    return fails(claim, Fault(claim.kind, "warning", words, evidence=evidence).of(claim))


def _value(claim: Claim, test: Tested) -> Range:
    return {"t": test.t, "df": test.df, "p": test.p}[claim.kind]


def _fits(claim: Claim, test: Tested) -> bool:
    return fits(claim.number, _value(claim, test), magnitude=claim.kind == "t")


def _of_population(claim: Claim, pair: Pair) -> bool:
    """Say whether a number comes out with sds that are taken for what they are not."""
    if pair.a.sd_unsure:
        tests = tests_of(as_population(pair.a), as_population(pair.b), pairs=False)
    else:
        plain = [replace(s, sd=s.population_sd, values={}) for s in (pair.a, pair.b)]
        tests = tests_of(*plain, pairs=False)
    return any(_fits(claim, test) for test in tests.values())


def _remarks(claim: Claim, pair: Pair, tests: Mapping[str, Tested], fitting: list[str]) -> Iterator[Finding]:
    """Yield what is odd about a p that is rightly computed."""
    if claim.kind != "p" or claim.number.relation:
        return
    p = {name: test.p.middle for name, test in tests.items()}
    evidence: dict[str, float | int | str | bool | None] = {f"p_{name}": value for name, value in p.items()}
    evidence |= {"sd_a": pair.a.sd.middle, "sd_b": pair.b.sd.middle}
    if "student" in fitting and "welch" not in fitting and _apart(p["student"], p["welch"]):
        words = (
            f"p = {claim.said} is Student's, which takes the variances for equal; the sds are "
            f"{pair.a.sd.middle:.3g} and {pair.b.sd.middle:.3g}, and Welch's test, which does not, gives "
            f"p = {p['welch']:.3g}, on the other side of 5%."
        )
        yield Fault(
            "student_unequal_variances", "warning", words, "Use Welch's test, or pairs.", evidence
        ).of(claim)
    if pair.told_pairs and "paired" in p and "paired" not in fitting:
        other = _apart(claim.number.value, p["paired"])
        words = (
            f"p = {claim.said} is of an unpaired test, but the configurations share data and "
            f"evaluation, so equal seeds are pairs; the paired test gives p = {p['paired']:.3g}, "
            f"{'another' if other else 'the same'} conclusion at 5%."
        )
        severity = "warning" if other else "note"
        yield Fault("unpaired", severity, words, "ired-diag stats pairs the seeds.", evidence).of(claim)  # type: ignore[arg-type]


def _apart(p: float, other: float) -> bool:
    return (p < ALPHA) != (other < ALPHA)


def _zero(claim: Claim, book: Book) -> Verdict:
    pair = samples_of_pair(claim, book)
    tests = tests_of(pair.a, pair.b, pairs=pair.pairs) if pair else {}
    told = "; ".join(f"{NAMES[name]} gives {test.p.middle:.3g}" for name, test in tests.items())
    words = f"p is printed as {claim.said}; a p is never 0{f': {told}' if told else ''}."
    advice = f"Write p < {claim.number.unit:g}, or more digits."
    return fails(claim, Fault("p_zero", "warning", words, advice).of(claim))


def _from_t(claim: Claim, book: Book) -> Verdict:
    """Return whether a p is that of the t and df printed beside it."""
    beside = [c for c in book.claims if c.block == claim.block and c.groups == claim.groups]
    ts = [c for c in beside if c.kind == "t"]
    df = _df(claim, beside, book, ts)
    if claim.kind != "p" or len(ts) != 1 or df is None or len([c for c in beside if c.kind == "p"]) != 1:
        return unchecked(claim, book.why_unknown(claim))
    p = through(lambda t: two_sided_p(t, df), printed_range(ts[0].number))
    if fits(claim.number, p):
        return holds(claim, f"p of t = {ts[0].said} at {df:g} degrees of freedom")
    words = (
        f"p is printed as {claim.said}; t = {ts[0].said} at {df:g} degrees of freedom has p = {p.middle:.3g}."
    )
    return fails(claim, Fault("p", "error", words, evidence={"recomputed": p.middle, "df": df}).of(claim))


def _df(claim: Claim, beside: list[Claim], book: Book, ts: list[Claim]) -> float | None:
    """Return the degrees of freedom that are printed; none are guessed."""
    told = [c.number.value for c in beside if c.kind == "df"]
    if len(told) == 1 and told[0] > 0:
        return told[0]
    for t in ts:
        found = re.search(
            r"\bt\s*\(\s*(\d+(?:\.\d+)?)\s*\)\s*[=:]\s*" + re.escape(t.number.text), claim.context
        )
        if found and float(found[1]) > 0:
            return float(found[1])
    return None
