"""A number that a sentence gives a group for a metric, without "mean" or ±: "the MSE of q101 is 0.0097".

It may be a mean over seeds of any readout, or one seed's. It is held against the runs only where the sentence
names the metric that judges them, or the seed, and nothing that makes it another number: a step, a bound, a
change, a best or a first value. "that of B 0.39" and "B (n=8) 0.39" continue the number before them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ired_diag.claims.agreeing_readouts import matching
from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, unchecked
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.means import check_mean
from ired_diag.claims.metrics import MEASURE, relation_to
from ired_diag.claims.numbers import Printed
from ired_diag.claims.other_number import why_of_another
from ired_diag.claims.paired_levels import is_one_of_a_pair
from ired_diag.claims.seed_values import fitting_readouts, refuted_by_run

WORDS = r"(?:\s+(?:\([^()]*\)|[^\W\d][\w@'\u2019-]*)){0,6}"
LINK = r"\s*(?:\b(?:is|was|of|are|were|reaches|reached|equals|at)\b|=|:)\s*(?:(?:only|about|just|now)\s+)?$"
OF_MEASURE = re.compile(rf"(?:{MEASURE.pattern})(?:{WORDS}{LINK}|\s+$)", re.IGNORECASE)
REACHES = re.compile(
    r"^\s*(?:\([^()]*\)\s*)?(?:alone\s+)?(?:reach(?:es|ed)|achiev(?:es|ed)|attain(?:s|ed)|gets?|got|obtain(?:s|ed)|"
    r"scor(?:es|ed)|end(?:s|ed) at|land(?:s|ed) at|has|had|averages?|"
    r"(?:is|was)(?:\s+(?:second|third|next|last)(?:[\s-]best)?\s+(?:with|at))?)\s+$",
    re.IGNORECASE,
)
CONTINUES = re.compile(
    r"^\s*(?:\([^()]*\)\s*)?(?:(?:is|has|was|had|at|of|one of|reaches|gets|it is)\b|[:=])?\s*$", re.IGNORECASE
)
SEED = re.compile(r"\bseed\s*[#=]?\s*(\d{1,6})\b", re.IGNORECASE)
OTHER = re.compile(
    r"\b(?:best|lowest|highest|minim\w*|maxim\w*|worst|median|threshold|target|initial\w*|start\w*|first|"
    r"begin\w*|after \d|epoch|step|iteration|below|above|under|over \d|between|rang\w+|from|differ\w*|gap|"
    r"improv\w*|reduc\w*|drop\w*|decreas\w*|increas\w*|gain\w*|chang\w*|within|least|most|up to|around|"
    r"roughly|approx\w*|nearly|almost|per|noise|std|deviation|error bars?|margin|tolerance|would|should|"
    r"expect\w*|predict\w*|limit|bound|floor|ceiling|ensembl\w*|smooth\w*|ema|weights?|decay|coefficient|"
    r"(?<!success )(?<!error )(?<!win )(?<!crash )(?<!failure )rates?|"
    r"temperature|trimmed|geometric|weighted|pilot|earlier|previous\w*|prior|excluding|without|original\w*|"
    r"averaged|evaluations|checkpoints|paper|report(?:ed|s)|published)\b",
    re.IGNORECASE,
)
HAS_THE_MEASURE = re.compile(
    rf"\s*(?:also\s+)?(?:has|had|achieves?d?|reach(?:es|ed)|attains?|gets?|obtain(?:s|ed)|yields?)\s+(?:the\s+|an?\s+)?"
    rf"(?:(?:lowest|highest|best|smallest|largest)\s+)?(?:(?:mean|average|final|overall|top-\d)\s+)*{MEASURE.pattern}\s*\(\s*",
    re.IGNORECASE,
)  # "muon achieves the lowest loss (0.405)"
HAS_THE_BEST = re.compile(
    rf"\s*(?:has|had|achieves?d?|reach(?:es|ed)|attains?|gets?|obtain(?:s|ed)|yields?)\s+the\s+"
    rf"(?:lowest|highest|best|smallest|largest)\s+(?:(?:mean|average|final|overall|top-\d)\s+)*"
    rf"{MEASURE.pattern}\s*(?:,|:|of|with|at)\s+",
    re.IGNORECASE,
)  # "muon has the lowest loss, 0.405"
HEADED_BY_MEASURE = re.compile(
    rf"\W*(?:(?:final|mean|average|last)\s+)*(?:{MEASURE.pattern})\s*(?:\([^()\d]*\)\s*)?[:=]\s*",
    re.IGNORECASE,
)  # a line "Val CRPS: 0.1423 (0.0031)" below the heading of its group
WITH_SPREAD = re.compile(r"\s*%?\s*\(\s*(?:±|std\.?|sd|\u03c3)?\s*=?\s*\d*\.\d+\s*%?\s*\)\W*$")
END_OF_CHANGE = re.compile(r"\b(?:from|to)\s+$", re.IGNORECASE)
BRACKET_BEHIND = re.compile(r"\s*%?\s*\(\s*(?:the\s+)?")
NAME_AND_BRACKET = re.compile(r"\s*\(\s*")
BRACKET_ENDS = re.compile(r"\s*(?:±\s*[\d.]+\s*%?\s*)?(?:dB|points?|bpc|bpb|nats?|ppl)?\s*\)")
SMALLEST_LARGE = 100
LARGE_MEASURE = re.compile(r"\b(?:returns?|rewards?|elo)\b", re.IGNORECASE)
HEAD_OF_LIST = re.compile(
    rf"^\W*(?:(?:final|mean|average|last|our|the|results?)\s+)*(?:{MEASURE.pattern})\s*(?:\([^()]*\)\s*)?[:=]\s*",
    re.IGNORECASE,
)
PAIRED = re.compile(r"\s*(?:[:=]\s*)?")
LISTED = re.compile(
    r"\s*(?:,|/|\band\b|\bor\b|\bto\b)\s*(?:(?:and|or)\s+)?[-+\u2212]?[\d.]*\d(?![\d.])"
    r"(?!\s*(?:%|[x\u00d7]\b|(?:\w+\s+)?(?:below|above|lower|higher|better|worse|less|more)\b))"
)  # "0.37, 9.8% lower than b" is no list
ENDS = re.compile(
    r"\s*(?:$|[.,;:)\]|]|[(](?!\s*[-+±\u2212]?\s*\d*\.\d)|"
    r"(?:and|vs\.?|versus|for|on|with|while|whereas|but|against|at the end)\b)",
    re.IGNORECASE,
)
ENDS_OF_CLAUSES = ("; ", ". ", ", while ", ", but ", ", with ", ", reaching ", ", achieving ", ", scoring ")
ENDS_OF_SENTENCES = ("; ", ". ")
GIVES = re.compile(r"\b(?:reaches|has|is|gives|gets|ends at|it is)\s*$")
NAME_FOLLOWS = re.compile(r"\s*(?:for|with|by|\()\s*(?:the\s+)?", re.IGNORECASE)
JOINED = re.compile(r"(?:\bversus|\bvs\.?|\bagainst|\band|,)\s*$", re.IGNORECASE)


def is_level(text: str, number: Printed, names: Sequence[tuple[int, int, str]], *, continues: bool) -> bool:
    """Say whether a number is printed as the level of a metric.

    Args:
        text: The sentence.
        number: In it.
        names: Where it names which group.
        continues: Whether the number before it in the sentence is a level.
    """
    clause = _since(text, number.start, ENDS_OF_CLAUSES)
    if number.relation:
        return False
    if _is_set_out(text, number, names):
        return True
    if OTHER.search(clause):
        return False
    if number.unit >= 1 and not _is_of_large_measure(clause, number):
        return False
    if not ENDS.match(text, number.end) or LISTED.match(text, number.end):
        return False
    if OF_MEASURE.search(clause) or _is_in_list(text, number, names):
        return True
    if continues and _is_of_the_name_after(text, number, names):
        return True
    if SEED.search(clause) and GIVES.search(clause):
        return True
    ends_of_names = [end for _, end, _ in names if end <= number.start]
    if not ends_of_names:
        return False
    gap = text[ends_of_names[-1] : number.start]
    is_continued = continues and CONTINUES.match(gap) is not None
    return is_continued or REACHES.match(gap) is not None


def _is_in_bracket(text: str, number: Printed, names: Sequence[tuple[int, int, str]]) -> bool:
    """Say whether a number alone in a bracket is the metric of the group before it: "then b (0.43)"."""
    if number.unit >= 1 or not BRACKET_ENDS.match(text, number.end) or not MEASURE.search(text):
        return False
    ends = [end for _, end, _ in names if end <= number.start]
    if not ends:
        return False
    if NAME_AND_BRACKET.fullmatch(text, ends[-1], number.start):
        return MEASURE.search(text, 0, number.start) is not None
    return HAS_THE_MEASURE.fullmatch(text, ends[-1], number.start) is not None


def _is_set_out(text: str, number: Printed, names: Sequence[tuple[int, int, str]]) -> bool:
    """Say whether a number stands in a form that only a level has, whatever words are in its clause."""
    if _is_in_bracket(text, number, names) or _is_named_best(text, number, names):
        return True
    if _is_end_of_change_of_groups(text, number, names):
        return True
    if is_one_of_a_pair(text, number, names):
        return True
    is_headed = HEADED_BY_MEASURE.fullmatch(text[: number.start]) is not None
    return is_headed and WITH_SPREAD.match(text, number.end) is not None


def _is_named_best(text: str, number: Printed, names: Sequence[tuple[int, int, str]]) -> bool:
    """Say whether a number follows "b has the lowest loss,"."""
    ends = [end for _, end, _ in names if end <= number.start]
    if not ends or not ENDS.match(text, number.end):
        return False
    return HAS_THE_BEST.fullmatch(text, ends[-1], number.start) is not None


def _is_end_of_change_of_groups(text: str, number: Printed, names: Sequence[tuple[int, int, str]]) -> bool:
    """Say whether a number is one of "the F1 rises from 0.81 (a) to 0.84 (b)", with the name of its group."""
    if not END_OF_CHANGE.search(text[: number.start]) or number.unit >= 1:
        return False
    bracket = BRACKET_BEHIND.match(text, number.end)
    if bracket is None:
        return False
    return any(start == bracket.end() and text[end : end + 1] == ")" for start, end, _ in names)


def _is_of_large_measure(clause: str, number: Printed) -> bool:
    """Say whether a number without decimals is the level of a metric whose levels are large: a return."""
    return abs(number.value) >= SMALLEST_LARGE and LARGE_MEASURE.search(clause) is not None


def _is_in_list(text: str, number: Printed, names: Sequence[tuple[int, int, str]]) -> bool:
    """Say whether a number stands in a list with the metric as its head: "Val loss: a 3.284, b 3.249"."""
    head = HEAD_OF_LIST.match(text)
    if head is None or head.end() > number.start:
        return False
    for start, end, _ in names:
        if start >= head.end() and end <= number.start and PAIRED.fullmatch(text[end : number.start]):
            return True
    return False


def _since(text: str, place: int, marks: Sequence[str]) -> str:
    """Return the text before a place, from the last of the marks on."""
    last = max(text.rfind(mark, 0, place) for mark in marks)
    return text[last + 1 : place]


def _is_of_the_name_after(text: str, number: Printed, names: Sequence[tuple[int, int, str]]) -> bool:
    """Say whether a number stands in "…, versus 0.43 for B" or "and 0.43 (B)"."""
    link = NAME_FOLLOWS.match(text, number.end)
    if link is None or not JOINED.search(text[: number.start]):
        return False
    return any(start == link.end() for start, _, _ in names)


def seed_before(text: str, place: int) -> str:
    """Return the seed that a sentence names last before a number, in its clause; empty where it names none.

    >>> seed_before("With seed 0 alone muon reaches 0.41", 31)
    'seed0'
    """
    seeds = SEED.findall(_since(text, place, ENDS_OF_SENTENCES))
    if not seeds:
        return ""
    return f"seed{int(seeds[-1])}"


def check_level(claim: Claim, book: Book) -> Verdict:
    """Return whether a number is the metric of a group: of its runs, or of the seed that is named."""
    group = book.only_group(claim)
    if group is None:
        return unchecked(claim, why_unknown(claim, book))
    if why := why_of_another(claim, claim.only_group, book):
        return unchecked(claim, why)
    if claim.seed:
        return _of_seed(claim, book, group)
    if matching(claim.number, group, book.groups) or relation_to(claim.metric, book.groups.metric) == "same":
        return check_mean(claim, book)
    return unchecked(claim, "of which metric it is, is not said, and the runs do not have it as a mean")


def _of_seed(claim: Claim, book: Book, group: str) -> Verdict:
    samples = book.groups.samples_with_seed(group, claim.seed)
    if not samples:
        return unchecked(claim, f"no complete run of {group} is of {claim.seed}")
    fitting = fitting_readouts(claim, samples)
    if fitting:
        return holds(claim, f"the run of {group}/{claim.seed} ({fitting[0]})")
    if any(matching(claim.number, other, book.groups) for other in book.groups.members):
        return unchecked(claim, "it is a mean of the runs, so that it may not be of the seed")
    return refuted_by_run(claim, samples)
