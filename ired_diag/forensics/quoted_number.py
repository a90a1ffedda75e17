"""A number in a configuration's notes, called ours or the baseline, that was measured nowhere in the study.

A number copied from a paper's table into the notes as "our baseline" is compared with later as if it had been
measured. Texts under ``description``, ``notes`` and the like are cut into sentences, and each number there
that looks like a result belongs to the word of origin before it in its sentence, else to the one after it:

    ours:   our, ours, we, baseline            the paper's:   paper, table, published, reported, literature

A result is a decimal of three significant digits or more. It is none where a sign of comparison stands before
it (a target), where a word for a setting does (learning rate, scale, …), where a unit follows, or where the
configuration itself holds the number. A run reproduces a number where the last, smallest or largest value of
one of its series, or the mean of its last tenth, agrees with it to the digits given. Of the numbers called
ours that no run reproduces,

- one that equals a number of the paper's in the same text, to the last digit, is a warning: that is what a
  copied number looks like;
- any other is a note, where its sentence speaks of an error, a score or the like: it may have been measured
  by runs that are not here.
"""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ired_diag.config_keys import METADATA
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
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
        text: As it is written.
        sentence: Where it stands.
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
        return 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each number called ours that no run of the study reproduces."""
    told = [(run.group, run.configuration) for run in study.runs]
    told += [(attempt.experiment, attempt.configuration) for attempt in study.evaluations]
    found: dict[tuple[Quoted, bool], list[str]] = defaultdict(list)
    measured = _measured(study)
    for group, configuration in told:
        for text in _texts(configuration or {}):
            numbers = quoted_in(text, configuration or {})
            theirs = {number.value for number in numbers if not number.ours}
            for number in numbers:
                if number.ours and not _is_among(number, measured):
                    found[number, number.value in theirs].append(group)
    for (number, copied), groups in found.items():
        if copied or RESULT.search(number.sentence):
            yield _finding(number, list(dict.fromkeys(groups)), copied=copied, runs=len(study.runs))


def quoted_in(text: str, configuration: Mapping[str, Any]) -> list[Quoted]:
    """Return the numbers in a text that look like results and have a word of origin.

    >>> [(n.text, n.ours) for n in quoted_in("Table 2: 40=0.2063. Our baseline 0.2063, lr=0.00125.", {})]
    [('0.2063', False), ('0.2063', True)]
    """
    settings = set(_numbers(configuration))
    found = []
    for sentence in SENTENCE.split(text):
        words = _words_of_origin(sentence)
        for match in NUMBER.finditer(sentence):
            before = sentence[max(0, match.start() - REACH) : match.start()]
            setting = TARGET.search(before) or SETTING.search(before) or UNIT.match(sentence, match.end())
            ours = _is_ours(words, match.start())
            if setting or float(match[0]) in settings or _digits(match[0]) < FEWEST_DIGITS:
                continue
            if ours is not None:
                found.append(Quoted(match[0], sentence.strip(), ours))
    return found


def _words_of_origin(sentence: str) -> list[tuple[int, bool]]:
    """Return where each word of origin stands, and whether it says ours."""
    words = [(word.start(), True) for word in OURS.finditer(sentence)]
    return sorted(words + [(word.start(), False) for word in THEIRS.finditer(sentence)])


def _is_ours(words: list[tuple[int, bool]], place: int) -> bool | None:
    """Say whose a number is by the nearest word before it, else after it; None where there is none."""
    before = bisect.bisect(words, (place, True))
    return words[max(before - 1, 0)][1] if words else None


def _digits(number: str) -> int:
    """Return how many significant digits a number is written with."""
    return len(number.lower().partition("e")[0].replace(".", "").lstrip("0"))


def _texts(configuration: Mapping[str, Any]) -> list[str]:
    return [value for key in METADATA if isinstance(value := configuration.get(key), str)]


def _numbers(value: object) -> Iterator[float]:
    """Yield every number that a configuration holds, however deep."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from _numbers(one)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def _measured(study: Study) -> list[float]:
    """Return what evaluations gave, and of every series the last, the best, and the mean of its end."""
    found = [result.value for result in study.results if result.value is not None]
    for run in study.runs:
        for series in run.history.series.values():
            values = np.asarray(series.values, dtype=np.float64)
            finite = values[np.isfinite(values)]
            if len(finite):
                late = finite[-max(1, len(finite) // 10) :]
                found += [float(finite[-1]), float(finite.min()), float(finite.max()), float(late.mean())]
    return found


def _is_among(number: Quoted, measured: list[float]) -> bool:
    margin = number.half_a_digit * (1 + 1e-6)
    return any(abs(value - number.value) <= margin for value in measured)


def _finding(number: Quoted, groups: list[str], *, copied: bool, runs: int) -> Finding:
    statement = (
        f"{listed(groups)}: the notes say “{number.sentence}”, and none of {runs} runs here reproduces "
    )
    if copied:
        statement += (
            f"{number.text}: it equals, to the last digit, a number that the notes quote from elsewhere"
        )
    else:
        statement += f"{number.text}: it may have been measured elsewhere"
    evidence: Evidence = {
        "group": groups[0],
        "groups": len(groups),
        "number": number.value,
        "runs": runs,
        "equals_a_quoted_number": copied,
    }
    advice = "Do not compare with it before it is measured here, with the evaluation of the other runs."
    return Finding("quoted_number", "warning" if copied else "note", f"{statement}.", evidence, advice)


RULE = Rule(
    "quoted_number",
    "Was a number in the notes that is called ours measured by any run?",
    find,
    refuted_by=("The log or results file of ours that measured this number to its digits."),
    near_miss=(
        "A number of ours that is rounded in the notes; a target, a learning rate or a number that is "
        "called the paper's."
    ),
    example=(
        "'Our baseline OOD=0.2063' in the notes, where the paper's table says 0.2063 and no run gives it."
    ),
)
