"""Why a number may be no result of these runs, by the words around it.

A number is held against runs and seeds only where it can be theirs. A number of an earlier version, of a
pilot, of a stated subset of the seeds, of somebody's paper, of a plan, of a power analysis, or of another
statistic than the plain mean is right or wrong by data that are not here. In a sentence the words count in
the clause of the number alone: "in a pilot muon reached 0.414; in the full study it reaches 0.416" reserves
the first number and not the second.
"""

from __future__ import annotations

import re

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Kind, Verdict, unchecked

CLAUSE_END = re.compile(
    r";|\s[\u2014\u2013]\s|,\s+(?:but|while|whereas|now|although)\b|(?<!\bal)(?<!\bvs)\.\s", re.IGNORECASE
)
SPREADS: tuple[Kind, ...] = ("sd", "se", "spread", "interval")
COMPARED: tuple[Kind, ...] = ("percent", "difference", "ratio")
COUNT = r"(?:\d+|two|three|four|five|six|seven|eight|nine|ten)"
RUNS = r"(?:seeds?|runs?|outliers?)"
EARLIER = (
    r"\bpilot\b|\bpreliminary\b|\boriginally\b|\bpreviously\b|\bformerly\b|\bsuperseded\b|\bdeprecated\b|"
    r"\b(?:prior|earlier|previous|older?|first) (?:version|draft|report|revision|code|submission)s?\b|"
    r"\b(?:before|prior to) (?:the |this |that |our |we )?(?:\w+[\s-])?(?:fix|bug|correct|refactor|patch)\w*|"
    r"\bwith the (?:bug|old)\b|\bbuggy\b|\bused to\b"
)
SUBSET = (
    r"\bexcluding (?!0\b|zero)|\bleav\w+ (?:\w+ ){0,3}out\b|\bomitting\b|\bexcept (?:for )?seeds?\b|"
    rf"\bwithout (?:the )?(?:diverged |failed |worst |best )?{RUNS}\b|\bsubset of (?:the )?(?:\w+ )?{RUNS}|"
    rf"\b(?:removing|dropping|discarding) (?:the )?(?:\w+ ){{0,2}}{RUNS}|"
    rf"\b{RUNS}[^.;]{{0,25}}\b(?:excluded|removed|discarded|dropped|omitted)\b|"
    rf"\b(?:the )?(?:first|last|remaining|other|best|top) {COUNT} seeds\b|"
    r"\bseeds? \d+ ?(?:[-\u2013]|to|through) ?\d+ only\b"
)
ANNOUNCED = (
    r"\btodo\b|\bplan(?:s|ned|ning)? to\b|\bre-?run\b(?! of)|\bfuture work\b|\bin progress\b|\bongoing\b|"
    r"\b(?:are|is) (?:also |still |currently |now )*(?:running|being run|training)\b|\bwe (?:will|hope)\b|"
    r"\bwe expect\b|\bwe(?: would|'d) expect\b|\bso far\b|\bunfinished\b|\bnext steps?\b"
)
CITED = (
    r"\bet al\b|\bpaper\b|\bpublished\b|\bliterature\b|\breported (?:by|in)\b|\bprior work\b|\btheirs?\b|"
    r"\bleaderboard\b|\b(?:19|20)\d\d\)"
)
POWER = (
    r"\bdetectable\b|\bdetect (?:a|an)\b|\bsmallest effect\b|\bminim(?:al|um) (?:important|relevant)\b|"
    r"\bpower (?:analysis|calculation)|%\s*power\b|\bpower of\b|\bthresholds?\b|\bpre-?registered\b|"
    r"\bsmall(?:,| and| effect).*\blarge\b"
)
OTHER_STATISTIC = (
    r"\btrimmed\b|\bwinsori\w*|\bgeometric\b|\bharmonic mean\b|\bweighted (?:mean|average)\b|\bensembl\w*|"
    r"\blog[\s-]?(?:transformed|scaled?|values)\b|\btransformed\b|\bpooled mean\b|\bsmoothed\b|"
    r"\binterquartile mean\b|\biqm\b"
)
OTHER_READOUT = (
    rf"\b(?:over|of|across) the (?:last|final) {COUNT} (?:evaluations|checkpoints|epochs|steps|validations)\b"
)
LISTED = re.compile(r"(?<![\w.])[\d.]+,\s*[\d.]+,?\s*(?:and|or)\s+[\d.]+")
RANK_BEFORE = re.compile(r"\b[UWTHF]\s*=\s*[\d.]+\s*[,;(]?\s*(?:with\s+)?p\s*[=<>]?\s*$")
MULTIPLE = (
    r"(?:±|\bare|\bshow|\bbars?:?|=)\s*[23](?:\.0)?\s*[x\u00d7·*]?\s*(?:standard|s\.?d\b|std|\u03c3|sigma|s\.?e\b|sem)|"
    r"\b(?:two|three|[23])[\s-]*(?:\u03c3|sigma\b|standard (?:deviation|error)s?|"
    r"s\.?d\.?s?\b|s\.?e\.?m?s?\b)|"
    r"[23]\s*[x\u00d7·*]\s*(?:std|sd|sem|se)\b"
)
TOTAL = (
    rf"\bin total\b|\btotal(?:l?ing)?\b|\baltogether\b|\ball told\b|{COUNT} \w+ [\u00d7x*] {COUNT}|"
    rf"\b{COUNT} (?:methods|variants|groups|arms|conditions|settings|configurations)\b"
)
RULE = (
    r"\bsuffic\w+|\benough\b|\bshould\b|\bmust\b|\brequire\w*|\bat least\b|\bneed(?:s|ed)?\b|\brecommend\w*|"
    r"\bplease\b|\bsubmi(?:t|ssion)\w*|\brules?\b|\ballowed\b|\bif\b|\bcould\b|\bwould\b|\bcan\b|\bmay\b|"
    r"\bminimum of\b|\bexpected to\b"
)
EFFECT_BEFORE = re.compile(
    r"(?:\bd|\bg|\bcohen\S*\s+d|\bhedges\S*\s+g|\beffect size)\b[^.;\d+-]{0,30}[-+]?[\d.]+"
    r"(?:\s*[,(]|\s+with)?[^.;\d]{0,30}(?:\d\d\s*%)?[^.;\d]{0,30}[\[(]?\s*[-+]?$",
    re.IGNORECASE,
)
PATTERNS: tuple[tuple[tuple[Kind, ...], str, str], ...] = (
    ((), EARLIER, "it may be of an earlier version or a pilot"),
    ((), SUBSET, "it is said to be of a part of the seeds"),
    ((), ANNOUNCED, "it may be of runs that are announced, not of these"),
    (("effect", "difference", "percent", "ratio", "n", "sd"), POWER, "it may be a bound of a power analysis"),
    (
        ("mean", "level", "difference", "percent", "t", "df", "p", *SPREADS),
        OTHER_STATISTIC,
        "it may be of another statistic than the mean",
    ),
    (("mean", "level", *SPREADS), OTHER_READOUT, "it is said to be of another readout"),
    (COMPARED, r"\bmedians?\b", "it may be of medians"),
    (("n",), TOTAL, "it may be a total over several groups"),
    (("n",), RULE, "it may be a rule, and no count of these runs"),
)


def reserved(verdict: Verdict, book: Book) -> Verdict:
    """Return a verdict, or that a claim it accuses could not be checked, where the words leave room."""
    if all(finding.severity == "note" for finding in verdict.findings):
        return verdict
    reason = reservation(verdict.claim, book)
    return unchecked(verdict.claim, reason) if reason else verdict


def reservation(claim: Claim, book: Book) -> str:
    """Return why a number may be no result of these runs, or nothing."""
    words = _words(claim)
    for kinds, pattern, reason in PATTERNS:
        if pattern == SUBSET and claim.kind == "level" and claim.seed:  # held against the run of that seed
            continue
        if (not kinds or claim.kind in kinds) and (hit := re.search(pattern, words, re.IGNORECASE)):
            return f"{reason} ({hit[0].strip()!r})"
    if hit := re.search(CITED, _source_words(claim), re.IGNORECASE):
        return f"it may be somebody else's number ({hit[0].strip()!r})"
    if claim.kind in SPREADS and (hit := re.search(MULTIPLE, _around(claim, book), re.IGNORECASE)):
        return f"it may be a multiple of a standard deviation or error ({hit[0].strip()!r})"
    if claim.kind == "interval" and not claim.table and EFFECT_BEFORE.search(_before(claim)):
        return "it may be the interval of the effect size before it"
    if claim.kind == "p" and not claim.table and RANK_BEFORE.search(_before(claim)):
        return "it may be of the statistic before it, which is no t"
    if claim.kind in ("mean", "level") and not claim.table and _is_listed(claim):
        return "of a list of numbers it is not said which is of what"
    return ""


def _is_listed(claim: Claim) -> bool:
    """Say whether a number of a sentence on one group stands in a list of three or more."""
    text = claim.context.split("\n")[0]
    return any(hit.start() <= claim.number.start < hit.end() for hit in LISTED.finditer(text))


def _words(claim: Claim) -> str:
    """Return the words that say of what a claim is: its clause, or its row, column and caption."""
    lines = [*claim.context.split("\n"), "", ""]
    if not claim.table:
        return f"{_clause(claim)}\n{lines[1]}"
    caption = re.split(r"(?<=[.!?])\s+", lines[2].strip())[-1]
    return "\n".join((*claim.groups, lines[0], lines[1], caption))


def _source_words(claim: Claim) -> str:
    """Return the words that may name a source: of a table, only those of its row and column."""
    if claim.table:
        return "\n".join((*claim.groups, claim.context.split("\n")[0]))
    return _clause(claim)


def _around(claim: Claim, book: Book) -> str:
    """Return the words that say what error bars are: those of the whole report for a table."""
    return book.plain_text if claim.table else claim.context


def _before(claim: Claim) -> str:
    return claim.context.split("\n")[0][: claim.number.start] if claim.numbers else ""


def _clause(claim: Claim) -> str:
    """Return the part of its sentence that a claim stands in."""
    text = claim.context.split("\n")[0]
    place = claim.number.start if claim.numbers else max(0, text.find(claim.said))
    ends = [hit.start() for hit in CLAUSE_END.finditer(text)]
    start = max((end for end in ends if end < place), default=0)
    return text[start : min((end for end in ends if end >= place), default=len(text))]
