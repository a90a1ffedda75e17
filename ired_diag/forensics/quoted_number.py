"""A number in a configuration's notes, called ours or the baseline, that was measured nowhere in the study.

A number copied from a paper's table into the notes as "our baseline" is compared with later as if it had been
measured. Texts under ``description``, ``notes`` and the like are cut into sentences, and each number there
that looks like a result belongs to the word of origin before it in its sentence, else to the one after it:

    ours:   our, ours, we, baseline            the paper's:   paper, table, published, reported, literature

A result is a decimal of three significant digits or more. It is not one where a sign of comparison stands
before it (a target), where a word for a setting does (learning rate, scale, …), where a unit follows, or
where the configuration itself holds the number. A run reproduces a number where the last, smallest or largest
value of one of its series, or the mean of its last tenth, agrees with it to the digits given. Of the numbers
called ours that no run reproduces,

- one that equals a number of the paper's in the same text, to the last digit, is a warning: that is what a
  copied number looks like;
- any other is a note, where its sentence speaks of an error, a score or the like: it may have been measured
  by runs that are not here.
"""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.config_keys import METADATA
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed, not_none
from ired_diag.runs.study import Study

SENTENCE = re.compile(r"(?<=[.;!?])\s+|\n+")
NUMBER = re.compile(r"(?<![\w.])\d*\.\d+(?:[eE][-+]?\d{1,2})?(?![\w%]|\.\d)")
OURS = re.compile(r"\b(?:our|ours|we|baselines?)\b", re.IGNORECASE)
THEIRS = re.compile(r"\b(?:papers?|tables?|published|reported|literature|et al)\b", re.IGNORECASE)
TARGET = re.compile(r"[<>≤≥~≈]\s*$")
SETTING = re.compile(
    r"(?:\b|_)(?:rate|lr|ema|gamma|scales?|weights?|decay|betas?|momentum|dropout|temperature|delta|eps(?:ilon)?|clip|noise|ratio"
    r"|sigma|lambda|alpha|tau|quantile|fraction|prob(?:ability)?|version|p|target|threshold|goal|expect(?:ed)?)"
    r"\W*(?:(?:of|is|was|to|at|=)\W*)?$",
    re.IGNORECASE,
)
UNIT = re.compile(
    r"\s*(?:%|(?:h|hours?|min|minutes?|s|seconds?|ms|[GM]i?B|[kMB]|million|parameters|steps?|epochs?|times|x)\b)"
)
RESULT = re.compile(r"(?:mse|rmse|error|loss|accuracy|score|result|ood|validation|val|test)(?![a-z])", re.I)
FEWEST_DIGITS = 3
REACH = 40  # characters before a number in which it may be called a setting


@dataclass(frozen=True)
class Quoted:
    """A number in a text.

    Attributes:
        text: The number as it is written.
        sentence: The sentence that it stands in.
        ours: Whether it is called ours, and not the paper's.
    """

    text: str
    sentence: str
    ours: bool

    @property
    def value(self) -> float:
        """The number."""
        return float(self.text)

    @property
    def half_a_digit(self) -> float:
        """Half a unit of its last digit."""
        mantissa, _, exponent = self.text.lower().partition("e")
        decimals = len(mantissa.partition(".")[2])
        return 0.5 * 10.0 ** (int(exponent or 0) - decimals)


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each number called ours that no run of the study reproduces."""
    measured = np.array(_measured(study), dtype=np.float64)
    groups_of: dict[Quoted, list[str]] = defaultdict(list)
    copied: set[Quoted] = set()
    for group, configuration in _configurations(study):
        for text in _texts(configuration):
            numbers = quoted_in(text, configuration)
            theirs = {number.value for number in numbers if not number.ours}
            for number in numbers:
                if number.ours and not _is_among(number, measured):
                    groups_of[number].append(group)
                    if number.value in theirs:
                        copied.add(number)
    alike: dict[tuple[str, bool, tuple[str, ...]], list[Quoted]] = defaultdict(list)
    for number, groups in groups_of.items():
        is_copied = number in copied
        if is_copied or RESULT.search(number.sentence):
            alike[number.sentence, is_copied, tuple(dict.fromkeys(groups))].append(number)
    for (_, is_copied, of_groups), numbers in alike.items():
        yield _finding(numbers, of_groups, copied=is_copied, runs=len(study.runs))


def _configurations(study: Study) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each run's group and configuration, then those of the evaluations."""
    for run in study.runs:
        yield run.group, run.configuration or {}
    for attempt in study.evaluations:
        yield attempt.experiment, attempt.configuration or {}


def quoted_in(text: str, configuration: Mapping[str, Any]) -> list[Quoted]:
    """Return the numbers in a text that look like results and have a word of origin.

    >>> [(n.text, n.ours) for n in quoted_in("Table 2: 40=0.2063. Our baseline 0.2063, lr=0.00125.", {})]
    [('0.2063', False), ('0.2063', True)]
    """
    settings = set(_numbers(configuration))
    numbers = []
    for sentence in SENTENCE.split(text):
        words = _words_of_origin(sentence)
        if not words:
            continue
        for match in NUMBER.finditer(sentence):
            is_a_setting = float(match[0]) in settings or _is_called_otherwise(sentence, match)
            if not is_a_setting and _digits(match[0]) >= FEWEST_DIGITS:
                number = Quoted(match[0], sentence.strip(), ours=_is_ours(words, match.start()))
                numbers.append(number)
    return numbers


def _is_called_otherwise(sentence: str, match: re.Match[str]) -> bool:
    """Say whether the words around a number make it a target, a setting or an amount, and no result."""
    before = sentence[max(0, match.start() - REACH) : match.start()]
    is_target = TARGET.search(before)
    is_setting = SETTING.search(before)
    has_unit = UNIT.match(sentence, match.end())
    return bool(is_target or is_setting or has_unit)


def _words_of_origin(sentence: str) -> list[tuple[int, bool]]:
    """Return where each word of origin stands, and whether it says ours."""
    words = []
    for pattern, is_ours in ((OURS, True), (THEIRS, False)):
        for word in pattern.finditer(sentence):
            words.append((word.start(), is_ours))
    return sorted(words)


def _is_ours(words: list[tuple[int, bool]], place: int) -> bool:
    """Say whose a number is by the nearest word before it, else after it."""
    before = bisect.bisect(words, (place, True))
    nearest = words[max(before - 1, 0)]
    return nearest[1]


def _digits(number: str) -> int:
    """Return how many significant digits a number is written with."""
    mantissa = number.lower().partition("e")[0]
    return len(mantissa.replace(".", "").lstrip("0"))


def _texts(configuration: Mapping[str, Any]) -> list[str]:
    values = map(configuration.get, METADATA)
    return [value for value in values if isinstance(value, str)]


def _numbers(value: object) -> Iterator[float]:
    """Yield every number that a configuration holds, however deep."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def _measured(study: Study) -> list[float]:
    """Return what evaluations gave, and of every series the last, the best, and the mean of its end."""
    measured = not_none(result.value for result in study.results)
    for run in study.runs:
        for series in run.history.series.values():
            values = np.asarray(series.values, dtype=np.float64)
            finite = values[np.isfinite(values)]
            if len(finite):
                measured.extend(_summaries(finite))
    return measured


def _summaries(values: NDArray[np.float64]) -> list[float]:
    """Return the last value, the smallest, the largest and the mean of the last tenth."""
    tenth = max(1, len(values) // 10)
    mean_of_end = values[-tenth:].mean()
    return [float(values[-1]), float(values.min()), float(values.max()), float(mean_of_end)]


def _is_among(number: Quoted, measured: NDArray[np.float64]) -> bool:
    # A millionth more, for values that lie half a digit away and whose difference is rounded.
    margin = number.half_a_digit * (1 + 1e-6)
    return bool(np.any(np.abs(measured - number.value) <= margin))


def _finding(numbers: Sequence[Quoted], groups: Sequence[str], *, copied: bool, runs: int) -> Finding:
    """Return the finding on the numbers of one sentence that no run reproduces."""
    number = numbers[0]
    are_several = len(numbers) > 1
    origin = "they may have been measured elsewhere" if are_several else "it may have been measured elsewhere"
    if copied and are_several:
        origin = "they equal, to the last digit, numbers that the notes quote from elsewhere"
    elif copied:
        origin = "it equals, to the last digit, a number that the notes quote from elsewhere"
    statement = (
        f"{listed(groups)}: the notes say “{number.sentence}”, and none of {runs} runs here reproduces "
        f"{' or '.join(quoted.text for quoted in numbers)}: {origin}."
    )
    evidence: Evidence = {
        "group": groups[0],
        "groups": len(groups),
        "number": number.value,
        "numbers": len(numbers),
        "runs": runs,
        "equals_a_quoted_number": copied,
    }
    return Finding(
        rule="quoted_number",
        severity="warning" if copied else "note",
        statement=statement,
        evidence=evidence,
        advice="Do not compare with it before it is measured here, with the evaluation of the other runs.",
    )


RULE = Rule(
    name="quoted_number",
    question="Was a number in the notes that is called ours measured by any run?",
    find=find,
    refuted_by=("The log or results file of ours that measured this number to its digits."),
    near_miss=(
        "A number of ours that is rounded in the notes; a target, a learning rate or a number that is "
        "called the paper's."
    ),
    example=(
        "'Our baseline OOD=0.2063' in the notes, where the paper's table says 0.2063 and no run gives it."
    ),
)
