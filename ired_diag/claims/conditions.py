"""Is a number of these runs, or of others under another condition?

A sentence may say "On C4, …", "at 350M …", "after removing the norm …", "without warmup …", and a table may
repeat one metric: "loss, no EMA | loss, EMA". Runs are of one condition. A condition is taken to be theirs
where another number under the same words agrees with them; else what fails under it is unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, unchecked
from ired_diag.claims.labels import mentions, words_of
from ired_diag.claims.metrics import MEASURE, relation_to
from ired_diag.claims.other_data import DATA_SET, names_several_data_sets
from ired_diag.claims.other_metrics import is_about_runs

NAME = r"(?-i:[A-Z][A-Za-z]*[-\d][\w-]*|[A-Z]{2,}\w*|[A-Z]?[a-z]+[A-Z]\w*)"
CHANGING = (
    r"remov|add|replac|switch|tun|disabl|enabl|chang|doubl|halv|fix|increas|decreas|reduc|swapp|dropp|turn"
)
NUMBERED = re.compile(
    r"\b(?:with|at|for|using|under|given)\s+(?:the\s+|a\s+|only\s+|just\s+)?((?:\w+\s+of\s+)?\d[\d.,]*\s*(?:%|k\b)?\s*(?:of\s+the\s+)?"
    r"(?!seeds?\b|runs?\b|epochs?\b|steps?\b|iterations?\b|gpus?\b|points?\b|trials?\b|folds?\b|updates?\b|x\b|times\b|"
    r"(?:and|or|but|for|with|in|on|at|by|vs|versus|while|whereas|over|against|compared|than|to|from|of)\b)"
    r"[a-z][a-z-]+)",
    re.IGNORECASE,
)  # "with 40 labels", "at 10% sparsity", "with a buffer of 5000 instead of 500"
LEADING = re.compile(
    r"^\W*((?:on|in|at|with|under|for|using|after|before|given|from|when|within|outside|during|"
    r"(?:re)?trained|evaluated|tested|measured|fine-?tuned|restricted|limited)\s+[^;:]*)$",
    re.IGNORECASE,
)  # "On holidays the loss of a …", "Trained on half of the pairs, a …"
USUAL = re.compile(
    r"(?:on (?:average|the whole|all|our|both)|in (?:total|summary|short|our|this|these|all|both|"
    r"contrast|general|particular|addition|fact|the (?:end|table|figure)|table|figure|terms|every|each)|"
    r"at (?:the (?:end|last|final)|convergence)|after (?:training|convergence|\d|the (?:last|final))|"
    r"for (?:reference|comparison|all|each|both|every|example)|"
    r"with (?:all|our|this|these|the same|\w+ (?:\w+ )?(?:seeds|runs))|"
    r"using (?:all|our|the same)|from (?:the )?(?:table|figure)|"
    r"(?:evaluated )?(?:on|for|in) (?:the )?(?:validation|valid|val|dev|test|held-out|eval\w*))\b",
    re.IGNORECASE,
)  # words that open a sentence, and limit nothing
END_OF_LEAD = re.compile(r"[\s,]*(?:\b(?:the|an?|that of|our)\s*)?$", re.IGNORECASE)
FEWEST_WORDS = 2  # of a lead: "With a" is of the group a
OF_SETTINGS = (NUMBERED,)
CONDITIONS = (
    re.compile(rf"\bon (?:the )?({NAME})", re.IGNORECASE),
    re.compile(r"\b(?:at|with|for) (?:the )?(\d+(?:\.\d+)?\s?(?-i:[MB]))\b", re.IGNORECASE),
    re.compile(
        r"\(\s*(\d[\d.,]*\s?[kMB]?\s*"
        r"(?:steps|epochs|iterations|iters|updates|samples|images|frames|tokens|params|parameters|layers|shots?))\s*\)",
        re.IGNORECASE,
    ),
    NUMBERED,
    re.compile(rf"\b((?:after|when|by|with|upon) (?:{CHANGING})\w*ing\b[^,.;\d]*)", re.IGNORECASE),
    re.compile(r"\b((?:without|with no) (?:the )?(?!seeds?\b|runs?\b|loss\b)[^\W\d][\w-]*)", re.IGNORECASE),
)
QUALIFIED = re.compile(rf"\bthe ((?:[a-z][\w-]*\s+){{1,2}})(?={MEASURE.pattern})", re.IGNORECASE)
QUALIFIED_HEAD = re.compile(
    rf"^\W*((?:[^\W\d_][\w-]*\s+){{1,2}})(?=(?:{MEASURE.pattern})\s*(?:\([^()]*\)\s*)?:)", re.IGNORECASE
)  # "Pixel AUROC: 97.4 (a)"
UNQUALIFYING = frozenset(
    """
    final mean average averaged last best worst median lowest highest largest smallest overall resulting eval
    evaluation validation val valid test held-out reported converged total plateau end episode
    episodic undiscounted cumulative same obtained measured of in and for its our their whole
    full difference top-1 top1
    """.split()
)  # words before a metric that leave it the same metric
CLAUSE = re.compile(r";\s|,\s+(?:but|while|whereas)\s")
LEVELS = ("mean", "level", "value", "best", "worst", "median")
BESIDE_A_LEVEL = (*LEVELS, "sd", "se", "spread", "interval", "quartiles", "n", "outcomes")
COMPARED = ("percent", "difference", "ratio", "wins", "ranking")
BARE = re.compile(r"\b(?:final|last|mean|average|avg)\b")


def under_their_own_condition(verdicts: Sequence[Verdict], book: Book) -> list[Verdict]:
    """Return the verdicts; what is accused under a condition that may be another one is unchecked.

    Args:
        verdicts: On all claims.
        book: What is known.
    """
    agreeing = [verdict.claim for verdict in verdicts if _agrees(verdict)]
    vouched = set()
    for claim in agreeing:
        vouched |= {_condition(claim, book), _setting(claim, book), _lead(claim, book)}
    judged = []
    for verdict in verdicts:
        claim = verdict.claim
        why = ""
        if verdict.findings and claim.kind in COMPARED and not claim.table:
            condition = _setting(claim, book) or _lead(claim, book)
            if condition and condition not in vouched:
                why = f"it may be of runs under another condition ({condition!r})"
        elif verdict.findings and claim.kind in BESIDE_A_LEVEL and is_about_runs(claim, book):
            condition = _condition(claim, book)
            if condition and condition not in vouched:
                why = f"it may be of runs under another condition ({condition!r})"
            elif _is_beside_a_right_one(claim, verdicts):
                why = "its sentence has another number of the same group, and that one agrees with the runs"
            elif _is_of_another_column(claim, verdicts, book):
                why = "another column of its table has the same metric, and this one may be of other runs"
        judged.append(unchecked(claim, why) if why else verdict)
    return judged


def _agrees(verdict: Verdict) -> bool:
    return verdict.outcome == "holds" and verdict.claim.kind != "n"


def _setting(claim: Claim, book: Book) -> str:
    """Return the setting with a number that a clause states before a comparison; empty without one."""
    if claim.table:
        return ""
    before = claim.words_before if claim.numbers else claim.wording
    clause = CLAUSE.split(before)[-1]
    names = " ".join((*book.names, *book.groups.members)).lower()
    for pattern in OF_SETTINGS:
        for hit in pattern.finditer(clause):
            if hit[1].strip().lower() not in names:
                return hit[1].strip().lower()
    return ""


def _lead(claim: Claim, book: Book) -> str:
    """Return the words before the first group or metric of a sentence, where they limit what it says."""
    if claim.table:
        return ""
    text = claim.wording
    starts = [start for start, _ in mentions(text, list(book.names))]
    if measure := MEASURE.search(text):
        starts.append(measure.start())
    if claim.numbers:
        starts.append(claim.number.start)
    lead = END_OF_LEAD.sub("", text[: min(starts, default=0)])
    hit = LEADING.match(lead.partition(",")[0])
    if hit is None or USUAL.match(hit[1]) or len(hit[1].split()) < FEWEST_WORDS:
        return ""
    lead = hit[1].lower()
    groups = words_of(" ".join(claim.groups))
    # "On Weather" is a part of the group's name in a table of models by data sets.
    if words_of(lead.partition(" ")[2]) <= groups:
        return ""
    is_of_data_set = DATA_SET.search(lead) is not None
    return "" if is_of_data_set and not names_several_data_sets(book) else lead


def _condition(claim: Claim, book: Book) -> str:
    """Return the words of a sentence that state a condition; empty where it states none, or a group."""
    if claim.table:
        return ""
    names = " ".join((*book.names, *book.groups.members, book.groups.metric)).lower()
    for pattern in CONDITIONS:
        for hit in pattern.finditer(claim.wording):
            words = hit[1].strip()
            is_known = words.lower() in names or MEASURE.fullmatch(words)
            if not is_known and not mentions(words, list(book.names)):
                return words.lower()
    if lead := _lead(claim, book):
        return lead
    for hit in (*QUALIFIED.finditer(claim.wording), *QUALIFIED_HEAD.finditer(claim.wording)):
        for word in hit[1].lower().split():
            if word not in UNQUALIFYING and word not in names:
                return hit[1].strip().lower()
    return ""


def _is_beside_a_right_one(claim: Claim, verdicts: Sequence[Verdict]) -> bool:
    """Say whether a sentence gives a group two levels, and the other one agrees: they are of two things."""
    if claim.table or claim.kind not in ("mean", "level") or claim.seed:
        return False
    for verdict in verdicts:
        other = verdict.claim
        is_level = other.kind in ("mean", "level") and other.block == claim.block and not other.seed
        is_alike = is_level and other.groups == claim.groups and other.metric == claim.metric
        if other is not claim and is_alike and _agrees(verdict):
            return True
    return False


def _is_of_another_column(claim: Claim, verdicts: Sequence[Verdict], book: Book) -> bool:
    """Say whether a number is in one of several columns of a metric, and no other in its column agrees."""
    if not claim.table or claim.kind not in LEVELS or _is_plain(claim.metric, book):
        return False
    agrees = False
    metrics = set()
    for verdict in verdicts:
        other = verdict.claim
        if other.table != claim.table or other.kind not in LEVELS:
            continue
        if relation_to(other.metric, book.groups.metric) == "same":
            metrics.add(other.metric)
        if other.metric == claim.metric and _agrees(verdict):
            agrees = True
    return len(metrics) > 1 and not agrees


def _is_plain(metric: str, book: Book) -> bool:
    """Say whether the words of a column are those of the metric of the runs, and no more."""
    words = set(BARE.sub(" ", metric.lower()).split())
    own = set(re.split(r"[\s_/-]+", book.groups.metric.lower()))
    return words <= own
