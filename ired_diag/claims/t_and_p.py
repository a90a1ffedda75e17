"""Do t, df and p follow from the samples, and is the test the right one?

A printed number is right if it is that of the test that the words name; of any of Student's, Welch's and the
paired t test where they name none. What is odd about a right p is said in ``remarks_on_p``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, refuted, unchecked
from ired_diag.claims.comparisons import NAMES, Tested, tests_of
from ired_diag.claims.correction import QUOTIENT, Level, level_of
from ired_diag.claims.heads import CORRECTED
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.metrics import UNCLEAR
from ired_diag.claims.one_sample import p_against_target
from ired_diag.claims.pairs import Pair, other_test, samples_of_pair, t_tests_of, tests_said
from ired_diag.claims.phrases import TESTED
from ired_diag.claims.ranges import Range, fits
from ired_diag.claims.rank_tests import check_rank_test, test_named
from ired_diag.claims.reference_p import p_beside_statistic
from ired_diag.claims.remarks_on_p import ALPHA, remarks_on
from ired_diag.claims.samples import with_wrong_denominator
from ired_diag.finding import Severity

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
    """Return whether a t, df or p follows from the statistic next to it, and from the samples."""
    if claim.kind != "p":
        return _of_samples(claim, book)
    if claim.number.value == 0 and not claim.number.relation:
        return _zero(claim, book)
    if not 0 <= claim.number.value <= 1:
        return _outside(claim)
    beside = p_beside_statistic(claim, book)
    if beside is not None and beside.outcome == "fails":
        return beside
    if test_named(claim):
        verdict = check_rank_test(claim, book)
    elif against := p_against_target(claim, book):
        return against
    else:
        verdict = _of_samples(claim, book)
    if verdict.outcome == "unchecked" and beside:
        return beside
    return verdict


def _of_samples(claim: Claim, book: Book) -> Verdict:
    other = "" if _is_unadjusted(claim) else other_test(claim)
    if other and not CORRECTED.search(other):
        return unchecked(claim, f"it may be of something else than a plain t test ({other!r})")
    pair = samples_of_pair(claim, book)
    tests = t_tests_of(pair)
    if pair is None or not tests:
        return unchecked(claim, why_unknown(claim, book))
    if claim.kind == "p" and not claim.table and OTHER_STATISTIC.search(claim.words_before):
        return unchecked(claim, "it is of the statistic before it, whose test the sentence does not name")
    # Of printed means of several metrics, a p that names none may be of any of them.
    certain = bool(claim.metric) or len(book.metrics) < 2 or not pair.a.sd_unsure
    verdict = _against(claim, pair, tests, certain=certain)
    if other and verdict.outcome == "fails":
        level = level_of(claim.wording, claim.above, book.text)
        if not _is_raw(level, claim, book):
            return unchecked(claim, f"it may be corrected for several comparisons ({other!r})")
    return verdict


def _is_unadjusted(claim: Claim) -> bool:
    """Say whether "unadjusted" stands before a p, in a sentence that names a correction as well."""
    if claim.table:
        return False
    return UNADJUSTED.search(claim.words_before) is not None


def _is_raw(level: Level, claim: Claim, book: Book) -> bool:
    """Say whether the report states its level as a quotient, so that its p values are not corrected."""
    if ADJUSTED.search(claim.wording) and not QUOTIENT.search(claim.wording):
        return False
    if level.raw or QUOTIENT.search(claim.context):
        return True
    return book.says(QUOTIENT.pattern) and not claim.test


def _outside(claim: Claim) -> Verdict:
    """Return that a p outside of 0 to 1 is impossible, where the words leave no doubt that a p is meant."""
    if not TESTED.search(claim.context):
        return unchecked(claim, "it may be no p value")
    words = f"p is printed as {claim.said}; a p lies between 0 and 1."
    return refuted(claim, rule="p", words=words)


def _against(claim: Claim, pair: Pair, tests: Mapping[str, Tested], *, certain: bool) -> Verdict:
    """Return whether a number is that of one of the tests that its words allow.

    Args:
        claim: A t, df or p.
        pair: The samples.
        tests: All that the samples allow.
        certain: Whether it is certain that the number is of the metric of the samples.
    """
    fitting = [name for name, test in tests.items() if _fits(claim, test)]
    said = tests_said(claim)
    for name in fitting:
        if name in said:
            remarks = remarks_on(claim, pair, tests, fitting)
            return holds(claim, f"{NAMES[name]} on {pair.a.source}", *remarks)
    if not any(name in tests for name in said):
        return unchecked(claim, f"{NAMES[said[0]]} does not follow from {pair.a.source}")
    if claim.metric == UNCLEAR or not certain:
        return unchecked(claim, "of which metric it is, is not certain")
    return _wrong(claim, pair, tests, fitting)


def _wrong(claim: Claim, pair: Pair, tests: Mapping[str, Tested], fitting: list[str]) -> Verdict:
    """Return what is wrong with a number that no test which its words allow gives."""
    evidence = {}
    results = []
    for name, test in tests.items():
        value = _value(claim, test).middle
        evidence[f"{claim.kind}_{name}"] = value
        results.append(f"{NAMES[name]} gives {value:.4g}")
    given = "; ".join(results)
    printed = f"{claim.kind} {claim.number.relation or '='} {claim.said}"
    rule: str = claim.kind
    severity: Severity = "warning"
    if fitting:
        rule = "wrong_test"
        expected = NAMES[tests_said(claim)[0]]
        words = f"{printed} is of {NAMES[fitting[0]]}, not of {expected}: {given}."
    elif _of_population(claim, pair):
        rule = "population_sd"
        words = f"{printed} follows only if the sds are population ones (ddof = 0): {given}."
    elif not pair.certain:
        return unchecked(claim, "a paired test does not follow from means and sds")
    else:
        words = f"{printed} is printed, which does not follow from {pair.a.source}: {given}."
        if pair.pairs:
            severity = "error"
        else:
            words += " A paired test needs the values by seed; if it is paired, the report does not say so."
    return refuted(
        claim,
        rule=rule,
        severity=severity,
        words=words,
        evidence=evidence,
    )


def _value(claim: Claim, test: Tested) -> Range:
    ranges = {"t": test.t, "df": test.df, "p": test.p}
    return ranges[claim.kind]


def _fits(claim: Claim, test: Tested) -> bool:
    return fits(claim.number, _value(claim, test), magnitude=claim.kind == "t")


def _of_population(claim: Claim, pair: Pair) -> bool:
    """Say whether a number comes out with sds that are taken for what they are not."""
    a, b = map(with_wrong_denominator, pair.samples)
    for test in tests_of(a, b, pairs=False).values():
        if _fits(claim, test):
            return True
    return False


def _zero(claim: Claim, book: Book) -> Verdict:
    """Return that a p is never 0: a note, or a warning where the samples' p does not round to it."""
    number = claim.number
    start = max(0, number.start - REACH)
    near = claim.wording[start : number.end + REACH]
    if ADVISED.search(f"{near} {claim.heading}"):
        return unchecked(claim, "it may be advice on how a p is to be printed")
    pair = None if other_test(claim) else samples_of_pair(claim, book)
    results = []
    rounds = False
    for name, test in t_tests_of(pair).items():
        results.append(f"{NAMES[name]} gives {test.p.middle:.3g}")
        rounds = rounds or fits(number, test.p)
    words = f"p is printed as {claim.said}; a p is never 0"
    if results:
        words += f": {'; '.join(results)}"
    severity: Severity = "note"
    if results and not rounds:
        severity = "warning"
    smallest = SMALLEST_WORDS
    if number.unit < ALPHA:
        smallest = number.unit
    fault = Fault(
        rule="p_zero",
        severity=severity,
        words=f"{words}.",
        advice=f"Write p < {smallest:g}, or more digits.",
    )
    if rounds:
        return holds(claim, "it rounds to 0", fault.of(claim))
    return replace(fails(claim, fault.of(claim)), outcome="holds")
