"""Which two groups does a comparison compare that names none of them, or only one?

"The loss is 0.139 for a and 0.129 for b. The difference is significant (p = 0.0003)." The second sentence is
about the groups that stand before it, where these are exactly two: in the sentences of its paragraph, else in
the nearest paragraph, table or heading before it, else in the whole report. Of three or more it is not
certain which two are meant. A sentence that names one of the two compares it with the other.

A p, a t or an effect size without a name is of the two unless the sentence speaks of something else (time,
seeds, a correlation). A difference, a percentage or a ratio is theirs only where the sentence says that it is
one of the two: "the difference", "an improvement of", or "b is 3% lower" with nothing that it is lower than.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ired_diag.claims.book import ANONYMOUS, Book
from ired_diag.claims.checks import check
from ired_diag.claims.claim import Claim, Verdict, unchecked
from ired_diag.claims.labels import mention_spans, same_name
from ired_diag.claims.markdown import Sentence
from ired_diag.claims.metrics import UNCLEAR
from ired_diag.claims.numbers import plain
from ired_diag.claims.reservations import reserved
from ired_diag.claims.stated_claims import Parts
from ired_diag.claims.table import Table

TESTS = ("p", "t", "df", "effect", "statistic", "significant", "not significant", "equivalent")
CHANGES = ("percent", "difference", "ratio", "interval")
OF_LEVELS = ("mean", "level", "median", "value", "best", "worst")
OTHER_SUBJECT = re.compile(
    r"\btrain(?:ing)?[\s-]+(?:and|loss|time|error|set|accuracy)|\bsteps?\b|\bepochs?\b|\biterations?\b|"
    r"\bcheckpoints?\b|(?<!\d )\btimes?\b(?! (?:lower|higher|smaller|larger|better|worse|as))|\bhours?\b|"
    r"\bminutes?\b|\bmemory\b|\bparam\w*|\bflops?\b|\bcompute\b|\bcosts?\b(?!\s+\d)|\bspeed\w*|\bfaster\b|\bslower\b|"
    r"\bthroughput\b|\blatency\b|\blearning rates?\b|\blr\b|\bbatch(?:es)?\b|\bschedules?\b|"
    r"\b(?:across|between|among|within|of) (?:the )?seeds\b|\bseeds? differ|\bnormal(?:ity|ly)\b|\bshapiro|"
    r"\blevene|\bbrown[\s-]forsythe|\bvariances?\b|\bcorrelat\w*|\bspearman|\bpearson|\bregress\w*|\bslopes?\b|"
    r"\btrends?\b|\binteraction|\bfisher|\bexact test|\blog[\s-]?rank|\bpower\b|\bdatasets?\b|\bearlier\b|"
    r"\bbefore\b|\bafter\b|\bsince\b|\binitial\w*|\brandom (?:policy|guess|baseline|predictor)|\bchance\b|"
    r"\bhumans?\b|\bpublished\b|\bpapers?\b|\breported\b|\bliterature\b|\bprevious\w*|\bprior\b|\banova\b|"
    r"\bkruskal|\bfriedman|\blayers?\b|\bclasses\b|\bsubsets?\b|\bablat\w*|\bbest\b|\bworst\b|"
    r"\bvalidation gap|\bgenerali[sz]ation gap|\bon (?:the )?(?:test|ood)\b",
    re.IGNORECASE,
)
# A list of times next to one of losses is no second group.
OF_COSTS = re.compile(r"list \w*(?:time|second|minute|hour|memory|param)\w* of line \d+$", re.IGNORECASE)
OF_THE_TWO = re.compile(
    r"\b(?:the|this|that|their|a|an|its) (?:\w+[\s-]){0,2}?"
    r"(?:differences?|gap|improvement|reduction|gain|advantage|margin|decrease|increase|ratio|drop|lead)\b|"
    r"\bdiffer(?:s|ed)?\b|\bthe (?:former|latter)\b",
    re.IGNORECASE,
)
SIDE = r"(?:lower|higher|better|worse|more|less|smaller|larger|greater|ahead|behind|above|below)"
NOTHING_MORE = re.compile(
    rf"\s*(?:%|points?|pp|nats?|db)?\s*(?:of (?:[^\W\d][\w-]*))?\s*(?:{SIDE}|x|\u00d7|times {SIDE})?\s*"
    r"(?:(?:in|of) (?:[^\W\d][\w-]*\s?){1,3}|on average)?\s*(?:$|[.,;:()])",
    re.IGNORECASE,
)  # after a number: nothing that it would be compared with
COMPARED_WITH = re.compile(
    r"\b(?:than|over|against|versus|vs|relative to|compared (?:to|with)|above|below|from|between)\s+(\S+)",
    re.IGNORECASE,
)
THE_OTHER = re.compile(r"(?:the|its|that)?\s*\b(?:other|rival|former|latter|two|both|them)\b", re.IGNORECASE)


@dataclass(frozen=True)
class _Report:
    """The parts of a report, with the groups that each names.

    Attributes:
        parts: Tables and sentences, in reading order.
        groups: Of each part, the groups that it names, each once.
        claims: Of each part.
        names: Every name that the report has.
    """

    parts: Parts
    groups: Sequence[tuple[str, ...]]
    claims: Sequence[Sequence[Claim]]
    names: Sequence[str]


def about_the_two(claims: Sequence[Claim], parts: Parts, names: Sequence[str]) -> list[Claim]:
    """Return the claims; comparisons that name no two groups are about the two that stand before them.

    Args:
        claims: Of tables and sentences.
        parts: Tables and sentences of the report.
        names: Its groups.
    """
    names = [name for name in names if not OF_COSTS.match(name)]
    if len(names) < 2:
        return list(claims)
    report = _report_of(claims, parts, names)
    return [_with_pair(claim, report) if _is_open(claim) else claim for claim in claims]


def _report_of(claims: Sequence[Claim], parts: Parts, names: Sequence[str]) -> _Report:
    by_part: list[list[Claim]] = []
    groups = []
    for number, part in enumerate(parts, start=1):
        if isinstance(part, Table):
            here = [claim for claim in claims if claim.table == part.line]
            groups.append(_names_of(here, names))
        else:
            here = [claim for claim in claims if claim.block == -number]
            spans = mention_spans(plain(part.text), names)
            groups.append(tuple(dict.fromkeys(name for _, _, name in spans)))
        by_part.append(here)
    return _Report(parts, groups, by_part, names)


def _names_of(claims: Iterable[Claim], names: Sequence[str]) -> tuple[str, ...]:
    """Return the groups of the claims of a table, each once."""
    labels = [label for claim in claims for label in claim.groups if not ANONYMOUS.match(label)]
    return tuple(dict.fromkeys(same_name(label, names) or label for label in labels))


def _is_open(claim: Claim) -> bool:
    """Say whether a claim of a sentence compares groups that it does not name."""
    return not claim.table and claim.block < 0 and not claim.groups and claim.kind in (*TESTS, *CHANGES)


def _with_pair(claim: Claim, report: _Report) -> Claim:
    """Return a comparison with the two groups that it is about, as far as they are certain."""
    at = -claim.block - 1
    own = report.groups[at]
    if len(own) > 1 or OTHER_SUBJECT.search(claim.wording):
        return claim
    if claim.kind in CHANGES and not _compares_the_two(claim, own):
        return claim
    places = _places_before(report, at)
    pair = _pair(report, at, places)
    if own:
        is_of_two = len(report.names) == 2 and _is_compared_with(claim, own[0])
        if own[0] not in pair or (_is_with_another(claim) and not is_of_two):
            return claim
        pair = (*own, *(name for name in pair if name != own[0]))
    if len(pair) != 2:
        return claim
    return replace(claim, groups=pair, metric=claim.metric or _metric(report, places), implied=True)


def _compares_the_two(claim: Claim, own: Sequence[str]) -> bool:
    """Say whether a change is one between the two groups, by the words next to it."""
    if claim.kind == "interval":
        return re.search(r"\bdifference\b", claim.words_before, re.IGNORECASE) is not None
    end = claim.numbers[-1].end
    if own and NOTHING_MORE.match(claim.wording, end):
        return True
    return OF_THE_TWO.search(claim.wording) is not None


def _is_with_another(claim: Claim) -> bool:
    """Say whether a sentence compares its only group with something that is no group of the report."""
    for hit in COMPARED_WITH.finditer(claim.wording):
        is_number = re.match(r"[\W\d]", hit[1]) is not None
        if not is_number and not THE_OTHER.match(claim.wording, hit.start(1)):
            return True
    return False


def _is_compared_with(claim: Claim, own: str) -> bool:
    """Say whether a sentence compares something with its only group: "removing it is 29% worse than a"."""
    starts = {hit.start(1) for hit in COMPARED_WITH.finditer(claim.wording)}
    named = {start for start, _, _ in mention_spans(claim.wording, [own])}
    return bool(starts) and starts <= named


def _places_before(report: _Report, at: int) -> list[int]:
    """Return the parts before a sentence that say of which groups it is: its paragraph, else the nearest."""
    paragraph = [place for place in range(at) if _is_of_paragraph(report.parts, place, at)]
    groups = _groups_at(report, [*paragraph, at])
    if len(groups) > 1:
        return [place for place in paragraph if report.groups[place]]
    for place in range(at - 1, -1, -1):
        if place in paragraph or not report.groups[place]:
            continue
        if _heading(report.parts[place]) != _heading(report.parts[at]):
            return []
        return [other for other in range(at) if _is_of_paragraph(report.parts, other, place)]
    return []


def _pair(report: _Report, at: int, places: Sequence[int]) -> tuple[str, ...]:
    """Return the groups of some parts and of a sentence; of a report of two groups, these two."""
    groups = _groups_at(report, [*places, at])
    if len(groups) >= 2:
        return groups
    return tuple(report.names) if len(report.names) == 2 else ()


def _groups_at(report: _Report, places: Iterable[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for place in places for name in report.groups[place]))


def _is_of_paragraph(parts: Parts, first: int, second: int) -> bool:
    """Say whether two parts are one, or sentences of one paragraph."""
    if first == second:
        return True
    a, b = parts[first], parts[second]
    return isinstance(a, Sentence) and isinstance(b, Sentence) and bool(a.lines) and a.lines == b.lines


def _heading(part: Table | Sentence) -> str:
    return part.heading if isinstance(part, Sentence) else part.above.split("\n")[0]


def _metric(report: _Report, places: Iterable[int]) -> str:
    """Return the metric of the levels in some parts; ``?`` of several."""
    metrics = set()
    for place in places:
        for claim in report.claims[place]:
            if claim.kind in OF_LEVELS and claim.metric:
                metrics.add(claim.metric)
    if len(metrics) > 1:
        return UNCLEAR
    return metrics.pop() if metrics else ""


def supported(verdicts: Sequence[Verdict], book: Book) -> list[Verdict]:
    """Return the verdicts; what fails for two groups that are not named needs a level of them that holds.

    Args:
        verdicts: On all claims.
        book: What is known.
    """
    judged = []
    for verdict in verdicts:
        claim = verdict.claim
        if claim.implied and verdict.findings and not _have_a_right_level(claim, verdicts, book):
            verdict = _without_groups(claim, book)
        judged.append(verdict)
    return judged


def _without_groups(claim: Claim, book: Book) -> Verdict:
    """Return the verdict on a claim by its own sentence alone: by the p next to it, or the t before it."""
    alone = reserved(check(replace(claim, groups=(), implied=False), book), book)
    if alone.outcome == "unchecked":
        why = "it does not name its groups, and no level of the two before it agrees with the runs"
        return unchecked(claim, why)
    return alone


def _have_a_right_level(claim: Claim, verdicts: Sequence[Verdict], book: Book) -> bool:
    """Say whether a printed level of one of two groups holds; without one, whether they are the only two."""
    keys = set(map(book.key, claim.groups))
    levels = []
    for verdict in verdicts:
        other = verdict.claim
        if other.kind in OF_LEVELS and len(other.groups) == 1 and book.key(other.only_group) in keys:
            levels.append(verdict)
    if not levels:
        return keys == set(book.groups.members)
    return any(level.outcome == "holds" for level in levels)
