"""Why a number may be no result of these runs, by the words around it.

A number is held against runs and seeds only where it can be theirs. A number of an earlier version, of a
pilot, of a stated subset of the seeds, of somebody's paper, of a plan, of a power analysis, or of another
statistic than the plain mean is right or wrong by data that are not here. In a sentence the words count in
the clause of the number alone: "in a pilot muon reached 0.414; in the full study it reaches 0.416" reserves
the first number and not the second.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ired_diag.claims.book import Book
from ired_diag.claims.changes import CHANGE
from ired_diag.claims.claim import Claim, Kind, Verdict, unchecked
from ired_diag.claims.differences import check_difference
from ired_diag.claims.labels import mentions
from ired_diag.claims.other_units import in_another_unit
from ired_diag.claims.percentages import check_percent
from ired_diag.claims.rank_tests import test_named
from ired_diag.runs.metric_words import words_of

CLAUSE_END = re.compile(
    r";|\s[\u2014\u2013]\s|,\s+(?:but|while|whereas|now|although)\b|(?<!\bal)(?<!\bvs)\.\s", re.IGNORECASE
)
SPREADS: tuple[Kind, ...] = ("sd", "se", "spread", "interval")
COMPARED: tuple[Kind, ...] = ("percent", "difference", "ratio")
COUNT = r"(?:\d{1,2}(?![.,]?\d)|two|three|four|five|six|seven|eight|nine|ten)"
RUNS = r"(?:seeds?|runs?|outliers?)"
EARLIER = (
    r"\bpilot\b|\bpreliminary\b|\boriginally\b|\bpreviously\b|\bformerly\b|\bsuperseded\b|\bdeprecated\b|"
    r"\b(?:prior|earlier|previous|older?|first) (?:version|draft|report|revision|code|submission)s?\b|"
    r"\b(?:before|prior to) (?:the |this |that |our |we )?(?:\w+[\s-])?(?:fix|bug|correct|refactor|patch)\w*|"
    r"\((?:old|previous|stale)\b|\bold (?:baselines?|runs?|results?|numbers?|values?)\b|"
    r"\bwith the (?:bug|old)\b|\bbuggy\b|\bused to\b"
)
SUBSET = (
    r"\bexcluding (?!0\b|zero)|\bleav\w+ (?:\w+ ){0,3}out\b|\bomitting\b|\bexcept (?:for )?seeds?\b|"
    rf"\bwithout (?:the )?(?:diverged |failed |worst |best )?{RUNS}\b|\bsubset of (?:the )?(?:\w+ )?{RUNS}|"
    rf"\b(?:removing|dropping|discarding) (?:the )?(?:\w+ ){{0,2}}{RUNS}|"
    rf"\b{RUNS}[^.;]{{0,25}}\b(?:excluded|removed|discarded|dropped|omitted)\b|"
    rf"\b(?:the )?(?:first|last|remaining|other|best|top|worst) {COUNT}\b"
    r"(?! (?:evaluation|checkpoint|epoch|step|validation|\w+ (?:evaluation|checkpoint)|"
    r"second|minute|hour|day|week|month|year|frame|token|layer|block|stage|row|column|item|sentence)s?\b)|"
    rf"\b(?:the )?{COUNT} (?:best|worst|top|first|last|remaining|other|finite|surviving) (?:\w+ )?{RUNS}|"
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
RELEASED = (
    r"\b(?:released|official|public(?:ly available)?|downloaded|pre-?trained|off-the-shelf|"
    r"authors['\u2019]?)\s+"
    r"(?:[\w-]+\s+){0,2}(?:checkpoints?|weights|models?|code|implementations?|versions?)\b"
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
EXTREME_SEED = (
    r"\b(?:best|worst|top|weakest|luckiest|unluckiest|single|median)[\s-]+(?:[^\W\d][\w-]*\s+){0,2}(?:seeds?|runs?)\b|"
    r"\bseeds?\s*[#=]?\s*\d+\b(?!\s*(?:-|\u2013|to|through|,|and)\s*\d)"
)
OF_AN_ERROR = (
    r"\berror (?:rates?|reductions?)\b|\brelative errors?\b|\btop-?\d (?:\*+)?errors?\b|\berrors? by\b|"
    r"\berrors?\s+(?:drops?|dropped|falls?|fell|shrinks?|decreases?|goes|went|is (?:cut|reduced))\b|"
    r"\b(?:remaining|residual)\s+errors?\b"
)
OTHER_UNIT = r"\bin bits\b|\bbits per\b|\bin (?:db|decibels)\b|\bon a log(?:arithmic)? scale\b"
UNITS_OF_THEIR_OWN = frozenset("bpc bpb bpd bits psnr snr sdr sisdr db".split())
BEFORE_A_BOUND = re.compile(
    r"\b(?:exceed(?:s|ed|ing)?|above|below|over|under|more than|less than|at least|at most|up to|beyond|"
    r"about|almost|nearly|roughly|around|approximately|approx\.?|close to|some|circa|ca\.|between|past|"
    r"surpass(?:es|ed)?)\s+(?:the\s+)?$|[≈~]\s*$",
    re.IGNORECASE,
)
FROM_A_ROW = re.compile(
    r"(?:\u0394|\bdelta|\bdifferences?|\bchanges?|\bgains?|\bimprovements?|\brelative)\b[^.;]{0,40}?"
    r"\b(?:from|to|over|against|vs\.?|versus|than|with)\s+(?:the\s+)?",
    re.IGNORECASE,
)
ROWS_OF_A_PAIR = 2
SEEDS_NAMED = re.compile(
    r"\bseeds?\s+(\d+)\s*(?:-|\u2013|to|through)\s*(\d+)\b|"
    r"\bseeds\s+((?:\d+\s*(?:,\s*(?:and\s+)?|and\s+)\s*)+\d+)\b",
    re.IGNORECASE,
)
LEVELS: tuple[Kind, ...] = ("mean", "level", "median", "best", "worst")
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
WHOLE_DATA = (
    r"(?:(?:full|whole|entire|same|official|held[ -]?out|public|private)\s+)*"
    r"(?:val(?:id(?:ation)?)?|dev(?:elopment)?|test|eval(?:uation)?|train(?:ing)?|data|full|whole|same)"
    r"[\s-]+(?:sets?|splits?|data)\b"
)  # the data that a metric is of, or words for all of it
# By kind of claim (all kinds where none is named): words, and what they leave open.
PART_OF_DATA = (
    r"\b(?:not seen|unseen|rare(?:st)?|hardest|easiest|minority|cold-start|out-of-vocabulary|per[- ]class|"
    r"categor(?:y|ies)|sub-?groups?|sub-?tasks?)\b|"
    rf"\b(?:on|of|in|for) the (?!{WHOLE_DATA})(?:[\w*-]+ ){{0,2}}"
    r"(?:class(?:es)?|subsets?|splits?|languages?|speakers?|environments?)\b|"
    rf"\bon the (?!{WHOLE_DATA})(?:[\w*-]+ ){{1,2}}(?:sets?|images|positions|sequences|recordings|users)\b"
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
    (("mean", "level", "median", *COMPARED), RELEASED, "it may be somebody else's model"),
    (("mean", "level", "median", *COMPARED), PART_OF_DATA, "it may be of a part of the data"),
    (COMPARED, r"\bmedians?\b", "it may be of medians"),
    (COMPARED, EXTREME_SEED, "it may be of single seeds"),
    (COMPARED, OF_AN_ERROR, "it may be of an error rate"),
    (("mean", "level", "difference", *SPREADS), OTHER_UNIT, "it may be in another unit"),
    (("n",), TOTAL, "it may be a total over several groups"),
    (("n",), RULE, "it may be a rule, and no count of these runs"),
)


def reserved(verdict: Verdict, book: Book) -> Verdict:
    """Return the verdict; where it accuses words that may mean something else, that they were not checked."""
    if all(finding.severity == "note" for finding in verdict.findings):
        return verdict
    reason = reservation(verdict.claim, book)
    if not reason:
        return verdict
    return unchecked(verdict.claim, reason)


def reservation(claim: Claim, book: Book) -> str:
    """Return why a number may be no result of these runs, or nothing."""
    return _by_words(claim, book) or _by_place(claim, book)


def _by_words(claim: Claim, book: Book) -> str:
    """Return which words reserve a number, and why."""
    words = _words(claim)
    for kinds, pattern, reason in PATTERNS:
        if pattern == SUBSET and claim.kind == "level" and claim.seed:  # held against the run of that seed
            continue
        if kinds and claim.kind not in kinds:
            continue
        if pattern == OTHER_UNIT and _is_own_unit(book.groups.metric):
            continue
        if hit := re.search(pattern, words, re.IGNORECASE):
            return f"{reason} ({hit[0].strip()!r})"
    if named := _part_of_seeds(words, claim, book):
        return f"it is said to be of a part of the seeds ({named!r})"
    if hit := re.search(CITED, _source_words(claim), re.IGNORECASE):
        return f"it may be somebody else's number ({hit[0].strip()!r})"
    if claim.kind not in SPREADS:
        return ""
    if hit := re.search(MULTIPLE, _around(claim, book), re.IGNORECASE):
        return f"it may be a multiple of a standard deviation or error ({hit[0].strip()!r})"
    return ""


def _is_own_unit(metric: str) -> bool:
    """Say whether a metric is measured in bits or decibels by its name, so that these are its own unit."""
    return not UNITS_OF_THEIR_OWN.isdisjoint(words_of(metric))


def _by_place(claim: Claim, book: Book) -> str:
    """Return why the place of a number, in its sentence or column, leaves open what it is."""
    if claim.seed == CHANGE and not _keeps_to_base(claim, book):
        return "from which row the changes of its column are is not certain"
    if claim.table:
        return ""
    if claim.kind == "interval" and EFFECT_BEFORE.search(claim.words_before):
        return "it may be the interval of the effect size before it"
    if claim.kind == "p" and not test_named(claim) and RANK_BEFORE.search(claim.words_before):
        return "it may be of the statistic before it, which is no t"
    bound = BEFORE_A_BOUND.search(claim.words_before)
    if claim.kind in LEVELS and bound:
        return f"it is a bound, or approximate ({bound[0].strip()!r})"
    if claim.kind in ("mean", "level") and _is_listed(claim):
        return "of a list of numbers it is not said which is of what"
    return ""


def _part_of_seeds(words: str, claim: Claim, book: Book) -> str:
    """Return the words that say of which seeds a number is, where they are not all of its groups."""
    if claim.kind in ("n", "wins", "seeds", "outcomes") or claim.seed:
        return ""
    sizes = set()
    for label in claim.groups:
        if group := book.group(label):
            sizes.add(len(book.groups.members[group].seeds))
    for hit in SEEDS_NAMED.finditer(words):
        if hit[3]:
            named = len(re.findall(r"\d+", hit[3]))
        else:
            named = int(hit[2]) - int(hit[1]) + 1
        if sizes != {named}:
            return hit[0].strip()
    return ""


def _keeps_to_base(claim: Claim, book: Book) -> bool:
    """Say whether a column of changes is certainly from a row, or most others agree with it.

    It is where the head or the caption names the row, and in a table of two rows: of three, each may be
    compared with the one above it.
    """
    base = claim.groups[-1]
    if mentions(claim.wording, [base]) or _is_compared_in_caption(claim, base):
        return True
    if len(_rows_of_table(claim, book)) == ROWS_OF_A_PAIR:
        return True
    above = _row_above(claim, book)
    if above and _outcome(replace(claim, groups=(claim.groups[0], above)), book) == "holds":
        return False
    outcomes = [_outcome(other, book) for other in _others_of_column(claim, book)]
    return outcomes.count("holds") > outcomes.count("fails")


def _outcome(claim: Claim, book: Book) -> str:
    """Return what becomes of a change, in the unit of the runs or in that of its table."""
    check = check_percent if claim.kind == "percent" else check_difference
    verdict = check(claim, book)
    if verdict.outcome != "fails":
        return verdict.outcome
    in_other_unit = in_another_unit(claim, book, check)
    return in_other_unit.outcome if in_other_unit else verdict.outcome


def _is_compared_in_caption(claim: Claim, base: str) -> bool:
    """Say whether the caption speaks of a difference from a row: "the difference from PPO"."""
    for hit in FROM_A_ROW.finditer(claim.caption):
        if any(start == 0 for start, _ in mentions(claim.caption[hit.end() :], [base])):
            return True
    return False


def _rows_of_table(claim: Claim, book: Book) -> set[str]:
    """Return the labels of the rows of a claim's table."""
    return {label for other in book.claims if other.table == claim.table for label in other.groups}


def _row_above(claim: Claim, book: Book) -> str:
    """Return the label of the row above that of a claim; empty where there is none."""
    above = [other for other in book.claims if other.table == claim.table and other.line < claim.line]
    named = [other for other in above if other.groups]
    if not named:
        return ""
    return max(named, key=lambda other: other.line).groups[0]


def _others_of_column(claim: Claim, book: Book) -> list[Claim]:
    """Return the other changes of a column that are from the same row."""
    others = []
    for other in book.claims:
        if other.table != claim.table or other.seed != CHANGE or other.kind != claim.kind:
            continue
        same_base = other.metric == claim.metric and other.groups[-1] == claim.groups[-1]
        if same_base and other.line != claim.line:
            others.append(other)
    return others


def _is_listed(claim: Claim) -> bool:
    """Say whether a number of a sentence on one group stands in a list of three or more."""
    lists = LISTED.finditer(claim.wording)
    return any(hit.start() <= claim.number.start < hit.end() for hit in lists)


def _words(claim: Claim) -> str:
    """Return the words that say of what a claim is: its clause, or its row, column and caption."""
    if not claim.table:
        return f"{_clause(claim)}\n{claim.heading}"
    caption = re.split(r"(?<=[.!?])\s+", claim.caption.strip())[-1]
    return "\n".join((*claim.groups, claim.wording, claim.heading, caption))


def _source_words(claim: Claim) -> str:
    """Return the words that may name a source: of a table, only those of its row and column."""
    if claim.table:
        return "\n".join((*claim.groups, claim.wording))
    return _clause(claim)


def _around(claim: Claim, book: Book) -> str:
    """Return the words that say what error bars are: those of the whole report for a table."""
    if claim.table:
        return book.plain_text
    return claim.context


def _clause(claim: Claim) -> str:
    """Return the part of its sentence that a claim stands in."""
    text = claim.wording
    place = max(0, text.find(claim.said))
    if claim.numbers:
        place = claim.number.start
    ends = [hit.start() for hit in CLAUSE_END.finditer(text)]
    start = max((end for end in ends if end < place), default=0)
    stop = min((end for end in ends if end >= place), default=len(text))
    return text[start:stop]
