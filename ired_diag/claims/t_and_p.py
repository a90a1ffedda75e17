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
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, heading_of, holds, unchecked
from ired_diag.claims.comparisons import NAMES, Tested, tests_of
from ired_diag.claims.correction import QUOTIENT, Level, level_of
from ired_diag.claims.heads import CORRECTED
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.metrics import UNCLEAR
from ired_diag.claims.one_sample import p_against_target
from ired_diag.claims.pairs import Pair, other_test, samples_of_pair, tests_said
from ired_diag.claims.phrases import TESTED
from ired_diag.claims.ranges import Range, fits
from ired_diag.claims.rank_tests import check_rank_test, test_named
from ired_diag.claims.reference_p import p_beside_statistic
from ired_diag.claims.samples import as_population
from ired_diag.finding import Finding, Severity

ALPHA = 0.05
OTHER_STATISTIC = re.compile(r"(?<![\w.])[UWTHF]\s*(?:\([\d., ]*\))?\s*=\s*[\d.]+\s*[,;(]?\s*p\s*[=<>]?\s*$")
REACH = 60  # letters: so near to a p is advice about it
SMALLEST_WORDS = 0.001  # a p of 0 without decimals, written as style guides ask
ADVISED = re.compile(
    r"\binstead\b|\bmistakes?\b|\bpitfalls?\b|\bavoid\b|\bnever\b|\bdo not\b"
    r"|\bdon't\b|\brather than\b|\breporting p\b"
    r"|\bshould\b|\bnot (?:as )?p\s*=|\bguidelines?\b|\bwrong\b|\bincorrect|\bbad\b|❌|✗",
    re.IGNORECASE,
)
UNADJUSTED = re.compile(r"\b(?:unadjusted|uncorrected|raw|nominal)\s+p\W*$", re.IGNORECASE)
ADJUSTED = re.compile(r"\bholm\b|\bfdr\b|benjamini|hochberg|\bp_?adj|\badjusted", re.IGNORECASE)


def check_test(claim: Claim, book: Book) -> Verdict:
    """Return whether a t, df or p follows from the statistic beside it, and from the samples."""
    if claim.kind == "p":
        if claim.number.value == 0 and not claim.number.relation:
            return _zero(claim, book)
        if not 0 <= claim.number.value <= 1:
            return _outside(claim)
        beside = p_beside_statistic(claim, book)
        if beside is not None and beside.outcome == "fails":
            return beside
        if test_named(claim):
            verdict = check_rank_test(claim, book)
            return beside if verdict.outcome == "unchecked" and beside else verdict
        if against := p_against_target(claim, book):
            return against
        verdict = _of_samples(claim, book)
        return beside if verdict.outcome == "unchecked" and beside else verdict
    return _of_samples(claim, book)


def _of_samples(claim: Claim, book: Book) -> Verdict:
    other = "" if _is_unadjusted(claim) else other_test(claim)
    level = level_of(claim.context.split("\n")[0], claim.context.partition("\n")[2], book.text)
    if other and not CORRECTED.search(other):
        return unchecked(claim, f"it may be of something else than a plain t test ({other!r})")
    pair = samples_of_pair(claim, book)
    tests = tests_of(pair.a, pair.b, pairs=pair.pairs) if pair else {}
    if pair is None or not tests:
        return unchecked(claim, why_unknown(claim, book))
    if claim.kind == "p" and not claim.table and OTHER_STATISTIC.search(_before(claim)):
        return unchecked(claim, "it is of the statistic before it, whose test the sentence does not name")
    certain = bool(claim.metric) or len(book.metrics) < 2 or not pair.a.sd_unsure
    verdict = _against(claim, pair, tests, certain=certain)
    if other and verdict.outcome == "fails" and not _is_raw(level, claim, book):
        return unchecked(claim, f"it may be corrected for several comparisons ({other!r})")
    return verdict


def _before(claim: Claim) -> str:
    return claim.context.split("\n")[0][: claim.number.start]


def _is_unadjusted(claim: Claim) -> bool:
    """Say whether "unadjusted" stands before a p, in a sentence that names a correction as well."""
    before = claim.context.split("\n")[0][: claim.number.start]
    return not claim.table and bool(UNADJUSTED.search(before))


def _is_raw(level: Level, claim: Claim, book: Book) -> bool:
    """Say whether the report states its level as a quotient, so that its p values are not corrected."""
    near = claim.context.split("\n")[0]
    if ADJUSTED.search(near) and not QUOTIENT.search(near):
        return False
    return (
        level.raw or bool(QUOTIENT.search(claim.context)) or (book.says(QUOTIENT.pattern) and not claim.test)
    )


def _outside(claim: Claim) -> Verdict:
    """Return that a p outside of 0 to 1 is none, where the words leave no doubt that a p is meant."""
    if not TESTED.search(claim.context):
        return unchecked(claim, "it may be no p value")
    words = f"p is printed as {claim.said}; a p lies between 0 and 1."
    return fails(claim, Fault("p", "error", words).of(claim))


def _against(claim: Claim, pair: Pair, tests: Mapping[str, Tested], *, certain: bool) -> Verdict:
    fitting = [name for name, test in tests.items() if _fits(claim, test)]
    said = tests_said(claim)
    right = [name for name in fitting if name in said]
    if right:
        source = f"{NAMES[right[0]]} on {pair.a.source}"
        return holds(claim, source, *_remarks(claim, pair, tests, fitting))
    if not any(name in tests for name in said):
        return unchecked(claim, f"{NAMES[said[0]]} does not follow from {pair.a.source}")
    if claim.metric == UNCLEAR or not certain:
        return unchecked(claim, "of which metric it is, is not certain")
    given = "; ".join(f"{NAMES[name]} gives {_value(claim, test).middle:.4g}" for name, test in tests.items())
    evidence = {f"{claim.kind}_{name}": _value(claim, test).middle for name, test in tests.items()}
    printed = f"{claim.number.relation or '='} {claim.said}"
    if fitting:
        words = f"{claim.kind} {printed} is of {NAMES[fitting[0]]}, not of {NAMES[said[0]]}: {given}."
        return fails(claim, Fault("wrong_test", "warning", words, evidence=evidence).of(claim))
    if _of_population(claim, pair):
        words = f"{claim.kind} {printed} follows only if the sds are population ones (ddof = 0): {given}."
        return fails(claim, Fault("population_sd", "warning", words, evidence=evidence).of(claim))
    if not pair.certain:
        return unchecked(claim, "a paired test does not follow from means and sds")
    words = f"{claim.kind} {printed} is printed, which does not follow from {pair.a.source}: {given}."
    if pair.pairs:
        return fails(claim, Fault(claim.kind, "error", words, evidence=evidence).of(claim))
    words += " A paired test needs the values by seed; if it is paired, the report does not say so."
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
    if pair.stated_pairs and "paired" in p and "paired" not in fitting:
        other = _apart(claim.number.value, p["paired"])
        words = (
            f"p = {claim.said} is of an unpaired test, but the configurations share data and "
            f"evaluation, so equal seeds are pairs; the paired test gives p = {p['paired']:.3g}, "
            f"{'another' if other else 'the same'} conclusion at 5%."
        )
        severity: Severity = "warning" if other else "note"
        yield Fault("unpaired", severity, words, "ired-diag stats pairs the seeds.", evidence).of(claim)


def _apart(p: float, other: float) -> bool:
    return (p < ALPHA) != (other < ALPHA)


def _zero(claim: Claim, book: Book) -> Verdict:
    """Return that a p is never 0: a note, or an error where the samples' p does not round to it."""
    near = claim.context.split("\n")[0][max(0, claim.number.start - REACH) : claim.number.end + REACH]
    if ADVISED.search(f"{near} {heading_of(claim)}"):
        return unchecked(claim, "it may be advice on how a p is to be printed")
    pair = samples_of_pair(claim, book) if not other_test(claim) else None
    tests = tests_of(pair.a, pair.b, pairs=pair.pairs) if pair else {}
    given = "; ".join(f"{NAMES[name]} gives {test.p.middle:.3g}" for name, test in tests.items())
    rounds = not tests or any(_fits(claim, test) for test in tests.values())
    words = f"p is printed as {claim.said}; a p is never 0{f': {given}' if given else ''}."
    smallest = claim.number.unit if claim.number.unit < ALPHA else SMALLEST_WORDS
    advice = f"Write p < {smallest:g}, or more digits."
    finding = Fault("p_zero", "note" if rounds else "warning", words, advice).of(claim)
    return (
        holds(claim, "it rounds to 0", finding)
        if rounds and tests
        else replace(fails(claim, finding), outcome="holds")
    )
