"""Claims in sentences: a number is a claim where the words around it say what it is.

Whose it is, is taken from the names in the sentence only where there is one reading (``named_groups``). A
sentence that asks, supposes or announces is no claim.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ired_diag.claims import phrases
from ired_diag.claims.claim import Claim, Kind
from ired_diag.claims.concluding_words import conclusions_of
from ired_diag.claims.crossed_names import named_spans
from ired_diag.claims.extreme_seeds import extreme_seeds_of
from ired_diag.claims.factor_words import factors_in
from ired_diag.claims.heads import CORRECTED
from ired_diag.claims.labels import mention_spans
from ired_diag.claims.levels import seed_before
from ired_diag.claims.markdown import Sentence
from ired_diag.claims.metrics import metric_at
from ired_diag.claims.named_groups import NamedGroups
from ired_diag.claims.numbers import Printed, number_of, numbers_in, plain
from ired_diag.claims.numbers_of_sentences import SUPPOSED, Numbered, numbers_with_kinds
from ired_diag.claims.outcome_words import Counted, counted_outcomes, group_of
from ired_diag.claims.paired_levels import groups_of_pair
from ired_diag.claims.rankings import rankings_of
from ired_diag.claims.seed_lists import seed_lists_of
from ired_diag.claims.steps_to_value import steps_to_value_of

PAIRED_KINDS = ("p", "t", "effect", "percent", "difference", "ratio", "wins", "statistic")
LEVELS = ("mean", "level")
EXTREMES = ("best", "worst")
SAME_AS_BEFORE = re.compile(
    r"\b(?:so|as|neither|nor) (?:does|do|did|is|are|was|were|has|have|had)\b"
    r"|\blikewise\b|\bsimilarly\b|\bthe same (?:holds|is true|goes)\b",
    re.IGNORECASE,
)
HEADED = re.compile(r"^[\W_]*(?:[^\W\d][\w/-]*\s+){0,4}[^\W\d][\w/-]*\s*(?:\([^()\d]*\)\s*)?[:=]\s")
HAD = re.compile(
    r"[^\W\d]\s+(?:has|have|had|see|get|gets)\s+(?:an?|the)\s+(?:[^\W\d][\w-]*\s+){1,4}of\s+$", re.IGNORECASE
)
KINDS_WITH_A_TEST = ("statistic", "t")
OF_SEED = re.compile(r"\s+(?:seed|run)\b[^,;.()]{0,30}\(?\s*", re.IGNORECASE)
OF_ITS_MEAN = re.compile(
    r"\b(?:of|for|on|around)\s+(?:its|the|their|each)\s+(?:own\s+)?mean\b\W*$", re.IGNORECASE
)
GAIN_IN_POINTS = re.compile(
    r"\b(?:gain|improvement|advantage|reduction|drop|increase|decrease|difference|by)\b[^.;]{0,40}"
    r"[\d.]+\s*(?:%|points?|pp)?[^.;\d]{0,30}\(\s*(?:\d\d\s?%\s*)?(?:CI|confidence interval|interval)\W*$",
    re.IGNORECASE,
)
END_OF_WORD = re.compile(r"[^\W\d_]-$")
SENTENCE_PART = re.compile(r";\s|(?<=[a-z\d)%])\.\s")
DIFFERENCE = re.compile(r"\bdifference\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """A sentence as it is read.

    Attributes:
        sentence: As it stands in the report.
        text: In the spelling that patterns are written for.
        named: Where it names which group.
        claimed: Its numbers with their kinds.
        block: The number that its claims share.
        vocabulary: The metrics that the report's tables name.
    """

    sentence: Sentence
    text: str
    named: NamedGroups
    claimed: Sequence[Numbered]
    block: int
    vocabulary: Collection[str]

    @property
    def context(self) -> str:
        """The sentence, and the heading above it."""
        return f"{self.text}\n{self.sentence.heading}"


def claims_of(
    sentence: Sentence, names: Sequence[str], block: int, *, comma: bool, vocabulary: Collection[str] = ()
) -> Iterator[Claim]:
    """Yield the claims of a sentence.

    Args:
        sentence: The sentence.
        names: The groups that the report and the runs know.
        block: The number that its claims share.
        comma: Whether the text writes decimal commas.
        vocabulary: The metrics that the report's tables name.
    """
    text = plain(sentence.text)
    named = NamedGroups(text, named_spans(text, sentence.heading, names))
    outcomes = [] if SUPPOSED.search(text) else list(counted_outcomes(text, comma=comma))
    numbers = [number for number in numbers_in(text, comma=comma) if not named.covers(number)]
    numbers = [number for number in numbers if not _is_within(number, outcomes)]
    numbers = [number for number in numbers if not _is_part_of_word(text, number)]
    lists: list[Claim] = []
    if not SUPPOSED.search(text):
        context = f"{text}\n{sentence.heading}"
        lists += seed_lists_of(named, numbers, sentence.line, context, block)
        lists += steps_to_value_of(named, numbers, sentence.line, context, block)
    listed = {number.start for claim in lists for number in claim.numbers}
    numbers = [number for number in numbers if number.start not in listed]
    reading = _Reading(
        sentence=sentence,
        text=text,
        named=named,
        # In "A vs dropout, p = 0.1" dropout is a group, and p not the probability of it.
        claimed=_with_factors(text, numbers_with_kinds(named.without_compared(), numbers, named)),
        block=block,
        vocabulary=vocabulary,
    )
    yield from _of_numbers(reading, _groups_of_heading(reading, names))
    yield from lists
    yield from _of_counts(reading, outcomes)
    yield from _of_outcomes(reading, outcomes)
    if not SUPPOSED.search(text):
        yield from conclusions_of(text, named, sentence.line, reading.context, block)
        yield from extreme_seeds_of(text, named, sentence.line, reading.context, block)
        yield from rankings_of(named, sentence.line, reading.context, block)


def _groups_of_heading(reading: _Reading, names: Sequence[str]) -> tuple[str, ...]:
    """Return the group that a heading names, for a line below it such as "final val loss: 0.416"."""
    if reading.named.at or not HEADED.match(reading.text):
        return ()
    spans = mention_spans(reading.sentence.heading, names)
    groups = tuple(dict.fromkeys(name for _, _, name in spans))
    if len(groups) != 1:
        return ()
    return groups


def _of_numbers(reading: _Reading, groups_of_heading: tuple[str, ...]) -> Iterator[Claim]:
    """Yield the claims of numbers in digits."""
    last: Claim | None = None
    for kind, shown, half in reading.claimed:
        claim = _claim(reading, kind, shown, half=half)
        if half and last is not None:  # what follows a ± is of the group of its mean
            claim = replace(claim, groups=last.groups, others=last.others)
        if groups_of_heading and kind not in PAIRED_KINDS:
            claim = replace(claim, groups=groups_of_heading)
        last = claim
        yield claim


def _with_factors(text: str, claimed: Iterable[Numbered]) -> list[Numbered]:
    """Return the numbers of a sentence with its ratios in words, in reading order."""
    factors: list[Numbered] = []
    if not SUPPOSED.search(text):
        factors = [("ratio", (factor,), False) for factor in factors_in(text)]
    return sorted([*claimed, *factors], key=lambda numbered: numbered[1][0].start)


def _is_part_of_word(text: str, number: Printed) -> bool:
    """Say whether a number is the end of a word, as in ROUGE-1 and top-5."""
    return number.unit == 1 and not number.percent and END_OF_WORD.search(text[: number.start]) is not None


def _is_within(number: Printed, outcomes: Sequence[Counted]) -> bool:
    return any(counted.start <= number.start < counted.end for counted in outcomes)


def _of_outcomes(reading: _Reading, outcomes: Sequence[Counted]) -> Iterator[Claim]:
    """Yield the counts of runs by how they ended."""
    text = reading.text
    before = 0
    for at, counted in enumerate(outcomes):
        following = outcomes[at + 1].start if at + 1 < len(outcomes) else len(text)
        groups = group_of(counted, before, following, reading.named)
        before = counted.end
        is_unclear = not groups and reading.named.everyone
        yield Claim(
            "outcomes",
            reading.sentence.line_of(counted.numbers[0].text, 0),
            text[counted.start : counted.end].strip(),
            groups=groups,
            numbers=counted.numbers,
            context=reading.context,
            block=reading.block,
            test=counted.event,
            doubt="of which group it is, is not certain" if is_unclear else "",
        )


def _of_counts(reading: _Reading, outcomes: Sequence[Counted]) -> Iterator[Claim]:
    """Yield the numbers of seeds that are written as words."""
    groups = reading.named.everyone
    for hit in phrases.COUNTED.finditer(reading.text):
        if any(counted.start <= hit.start() < counted.end for counted in outcomes):
            continue
        count = phrases.NUMBER_WORDS[hit[1].lower()]
        number = Printed(
            text=hit[1],
            value=float(count),
            unit=1.0,
            start=hit.start(),
            end=hit.end(1),
        )
        yield Claim(
            "n",
            reading.sentence.line,
            hit[1],
            groups=groups if len(groups) == 1 else (),
            numbers=(number,),
            context=reading.context,
            block=reading.block,
        )


def _claim(reading: _Reading, kind: Kind, shown: tuple[Printed, ...], *, half: bool) -> Claim:
    """Return the claim of a number, or of the two ends of an interval.

    Args:
        reading: The sentence.
        kind: What the number is.
        shown: What is printed.
        half: Whether it is half an interval.
    """
    text = reading.text
    first = shown[0]
    last = shown[-1]
    before = text[: first.start]
    groups, rivals = _groups_of(reading, kind, first, last)
    repeats = SAME_AS_BEFORE.search(before)
    doubt = ""
    if repeats and groups and kind in PAIRED_KINDS:
        doubt = f"with whom {repeats[0]!r} compares is not certain"
    test, df = _test_of(text, before, kind)
    return Claim(
        kind,
        reading.sentence.line_of(first.text, before.count(first.text)),
        text[first.start : last.end].strip(),
        groups=groups,
        numbers=shown,
        context=reading.context,
        block=reading.block,
        seed=seed_before(text, first.start) if kind == "level" else "",
        half_width=half,
        others=rivals,
        metric=metric_at(reading.named.without_names(), first.start, last.end, reading.vocabulary),
        df=df,
        test=test,
        doubt=doubt,
    )


def _groups_of(
    reading: _Reading, kind: Kind, first: Printed, last: Printed
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the groups that a number is about, and the others that it may be about as well."""
    named = reading.named
    start, following = _stretch(reading, kind, first, last)
    count = 2 if kind in PAIRED_KINDS else 1
    groups = named.whose(start, first.start, last.end, following, count=count)
    if kind in EXTREMES and (name := _name_of_seed(named, first.start)):
        return (name,), ()
    if kind == "interval":
        groups = _groups_of_interval(reading, groups, first, last)
    if kind == "level" and (pair := groups_of_pair(reading.text, first, named.at)):
        return pair
    if kind in LEVELS and _is_named_only_later(reading, last.end):
        return (), ()
    if kind in LEVELS and _is_had_by_another(reading, first.start):
        return (), ()
    if count == 2 or not groups:
        return groups, ()
    return groups, named.rivals(start, first.start, last.end, following)


def _groups_of_interval(
    reading: _Reading, groups: tuple[str, ...], first: Printed, last: Printed
) -> tuple[str, ...]:
    """Return the one group, or the two, that an interval is about; none where that is not certain.

    An interval in the bracket behind a difference is of it: of a group alone only where its words say so.
    """
    named = reading.named
    before = SENTENCE_PART.split(reading.text[: first.start])[-1]
    if OF_ITS_MEAN.search(before):
        return groups if len(named.everyone) == 1 else ()
    if groups and not DIFFERENCE.search(before):
        return () if GAIN_IN_POINTS.search(before) else groups
    start, following = _stretch(reading, "interval", first, last)
    pair = named.whose(start, first.start, last.end, following, count=2)
    return () if not pair and GAIN_IN_POINTS.search(before) else pair or groups


def _name_of_seed(named: NamedGroups, place: int) -> str:
    """Return the group in "the worst qknorm seed (" right before a number; empty where there is none."""
    for _, end, name in reversed(named.at):
        if end <= place:
            return name if OF_SEED.fullmatch(named.text[end:place]) else ""
    return ""


def _is_named_only_later(reading: _Reading, end: int) -> bool:
    """Say whether a sentence names no group before its semicolon, and the number stands there."""
    starts = [start for start, _, _ in reading.named.at]
    if not starts or min(starts) < end:
        return False
    return ";" in reading.text[end : min(starts)]


def _is_had_by_another(reading: _Reading, place: int) -> bool:
    """Say whether something else than a group has the metric: "new writers have a CER of 9.8 with a"."""
    if any(end <= place for _, end, _ in reading.named.at):
        return False
    return HAD.search(reading.text[:place]) is not None


def _stretch(reading: _Reading, kind: Kind, first: Printed, last: Printed) -> tuple[int, int]:
    """Return where the last number of the same kind before a number ends, and where the next one starts."""
    alike = next((kinds for kinds in (LEVELS, EXTREMES) if kind in kinds), (kind,))
    start = 0
    following = len(reading.text)
    for other_kind, (other, *_), _ in reading.claimed:
        if other_kind not in alike:
            continue
        if other.end <= first.start:
            start = max(start, other.end)
        if other.start >= last.end:
            following = min(following, other.start)
    return start, following


def _test_of(text: str, before: str, kind: Kind) -> tuple[str, tuple[Printed, ...]]:
    """Return the name of a statistic, else the words of a correction, and the degrees of freedom."""
    statistic = None
    if kind in KINDS_WITH_A_TEST:
        statistic = phrases.statistic_before(before)
    printed = statistic[1] if statistic else ()
    df = tuple(filter(None, map(number_of, printed)))
    if statistic and kind == "statistic":
        return statistic[0], df
    corrected = CORRECTED.search(text)
    return corrected[0] if corrected else "", df
