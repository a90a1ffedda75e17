"""What a journal quotes, held against what a command prints today.

A quote and the output are cut into words and numbers; marks and line ends do not count. Where the words of
the quote stand in the output in their order, with numbers at the places of its numbers, these are the
numbers that were meant. Where they do not, because the quote is in words of its own, each number is looked
for behind the words that stand before it in the quote, and else anywhere.

A number holds where the new one rounds to its printed digits: 0.034 holds for 0.03398, and 0.0340 does not
hold for 0.0341, nor for 0.03. A percentage and a fraction are compared as the same. Nothing wider is
allowed: the commands that a journal may hold repeat their numbers, as all of their draws are seeded. And no
number holds where the output gives another verdict: "keep" is not "undecided", nor "worse" "better".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from ired_diag.claims.numbers import Printed, as_printed, numbers_in, plain

Status = Literal["holds", "changed", "gone", "not checked"]

WORD = re.compile(r"\w+|±")
MARKUP = re.compile(r"\*\*|__|`|(?<!\w)[*_]|[*_](?!\w)|[\"“”„«»]")
WAS = re.compile(r"\s*\(was [^()]*\)\s*$")  # of a correction
MOST_TOKENS = 400  # of a quote: the time grows with its length times that of the output
KEPT = 4  # outputs whose tokens are kept, as several lines quote the same one
DEEPEST = 4  # words before a number that say which it is
ROUNDING = 1e-9  # of half a digit, in binary fractions
FILLERS = ("is", "was", "are", "were", "of", "about", "the", "a")  # before a number, in words of one's own
# A number says nothing where its verdict is another one: "worse by 0.034" is not "better by 0.034".
VERDICTS = (
    ("better", "worse"),
    ("keep", "drop", "undecided"),
    ("decided", "undecided"),
    ("supported", "refuted", "undecided"),
    ("confirmatory", "exploratory", "undated"),
    ("diverged", "converged"),
)
DIRECTION = (["lower", "is"], ["higher", "is"])  # before "better", which is no verdict then
NEAR = 0.5  # relative distance of a number that is worth naming

Token = str | Printed


@dataclass(frozen=True)
class Moved:
    """A number that is another one today.

    Attributes:
        old: As the journal prints it.
        new: What the output has in its place; empty where nothing is known to be in its place.
    """

    old: str
    new: str


@dataclass(frozen=True)
class Compared:
    """A quote and what became of it.

    Attributes:
        status: ``holds``, ``changed``, or ``gone``: its words and numbers are not there any more.
        moved: Its numbers that do not hold.
        remark: How it was compared, or why it is gone.
        quote_today: The quote with the new numbers in place of the old; empty where they are unknown.
    """

    status: Status
    moved: Sequence[Moved] = ()
    remark: str = ""
    quote_today: str = ""


def compare(quote: str, output: str) -> Compared:
    """Return whether a quote holds of an output.

    >>> compare("better by 0.034", "q103 is better by 0.03398 than q101").status
    'holds'
    >>> compare("better by 0.035", "q103 is better by 0.03398 than q101").moved
    [Moved(old='0.035', new='0.03398')]
    """
    text = cleaned(quote)
    wanted = list(_tokens(text))
    if not wanted:
        return Compared("not checked", remark="it quotes nothing")
    if len(wanted) > MOST_TOKENS:
        remark = f"it quotes more than {MOST_TOKENS} words and numbers: quote those that matter"
        return Compared("not checked", remark=remark)
    there = _tokens_of_output(output)
    numbers = [token for token in wanted if isinstance(token, Printed)]
    words = [token for token in wanted if isinstance(token, str)]
    windows = list(_windows(wanted, there))
    if words and windows:
        return _of_windows(text, numbers, windows)
    if not numbers:
        return Compared("gone", remark="the output does not say this")
    contrary = _contrary(words, there)
    if contrary:
        return Compared("gone", remark=contrary)
    return _one_by_one(text, wanted, there)


def cleaned(quote: str) -> str:
    """Return a quote without markup, and without what a correction says of the old number."""
    return plain(MARKUP.sub("", WAS.sub("", quote))).strip()


def shape_of(quote: str) -> tuple[str, ...]:
    """Return the words of a quote, with a sign in place of each number.

    >>> shape_of("better by **0.034**") == shape_of("better by 0.035 (was 0.034)")
    True
    """
    shape = []
    for token in _tokens(cleaned(quote)):
        shape.append(token if isinstance(token, str) else "#")
    return tuple(shape)


def agrees(old: Printed, new: Printed) -> bool:
    """Say whether a new number rounds to the printed digits of an old one."""
    value = new.value
    if old.percent != new.percent:
        factor = 100.0 if old.percent else 0.01
        value = value * factor
    if old.relation and not new.relation:
        if old.relation == "<":
            return value < old.value
        return value > old.value
    # Not by the new one's digits: the 0 of "margin 0" would agree with every number below a half.
    half = old.unit / 2
    return abs(value - old.value) <= half * (1 + ROUNDING)


@lru_cache(maxsize=KEPT)
def _tokens_of_output(output: str) -> tuple[Token, ...]:
    return tuple(_tokens(plain(_as_lines(output))))


def _as_lines(output: str) -> str:
    """Return JSON with one value a line under all of its keys; any other output as it is."""
    text = output.strip()
    if not text.startswith(("{", "[")):
        return output
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return output
    return "\n".join(_flat(content, ""))


def _flat(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            inner = str(key)
            if name:
                inner = f"{name}.{key}"
            yield from _flat(item, inner)
    elif isinstance(value, list):
        for item in value:
            yield from _flat(item, name)
    elif isinstance(value, float):
        yield f"{name}: {value!r}"
    else:
        yield f"{name}: {value}"


def _tokens(text: str) -> Iterator[Token]:
    """Yield words in small letters, and numbers."""
    place = 0
    for number in numbers_in(text):
        yield from _words(text[place : number.start])
        yield number
        place = number.end
    yield from _words(text[place:])


def _words(text: str) -> Iterator[str]:
    for word in WORD.findall(text):
        yield word.lower()


def _windows(wanted: Sequence[Token], there: Sequence[Token]) -> Iterator[list[Printed]]:
    """Yield the numbers of each place where the words of a quote stand, with numbers between them."""
    count = len(wanted)
    for start in range(len(there) - count + 1):
        window = there[start : start + count]
        if all(map(_fits, wanted, window)):
            yield [token for token in window if isinstance(token, Printed)]


def _fits(wanted: Token, there: Token) -> bool:
    if isinstance(wanted, Printed):
        return isinstance(there, Printed)
    return wanted == there


def _of_windows(text: str, numbers: Sequence[Printed], windows: Sequence[Sequence[Printed]]) -> Compared:
    """Return what became of a quote whose words stand in the output."""
    differing = []
    for window in windows:
        pairs = zip(numbers, window, strict=True)
        differing.append([pair for pair in pairs if not agrees(*pair)])
    fewest = min(differing, key=len)
    if not fewest:
        return Compared("holds")
    new_numbers = list(windows[differing.index(fewest)])
    remark = ""
    if len(windows) > 1:
        remark = f"its words stand in {len(windows)} places of the output, and none has these numbers"
    return Compared(
        "changed",
        moved=[Moved(old.text, _in_words(new, old)) for old, new in fewest],
        remark=remark,
        quote_today=_with_numbers(text, numbers, new_numbers),
    )


def _one_by_one(text: str, wanted: Sequence[Token], there: Sequence[Token]) -> Compared:
    """Return what became of the numbers of a quote whose words do not stand in the output."""
    numbers_there = [token for token in there if isinstance(token, Printed)]
    moved = []
    new_numbers: list[Printed] = []
    is_complete = True
    for place, old in enumerate(wanted):
        if not isinstance(old, Printed):
            continue
        depth, candidates = _behind_words(wanted[:place], there)
        anywhere = [number for number in numbers_there if agrees(old, number)]
        new = next((number for number in candidates if agrees(old, number)), None)
        if new is None and anywhere and depth < 2:
            new = anywhere[0]
        if new is not None:
            new_numbers.append(new)
        elif candidates:
            moved.append(Moved(old.text, _in_words(candidates[0], old)))
            new_numbers.append(candidates[0])
        else:
            moved.append(Moved(old.text, _nearest(old, numbers_there)))
            is_complete = False
    if not moved:
        return Compared("holds", remark="its numbers are in the output, in other words")
    numbers = [token for token in wanted if isinstance(token, Printed)]
    today = _with_numbers(text, numbers, new_numbers) if is_complete else ""
    return Compared("changed", moved=moved, quote_today=today)


def _contrary(words: Sequence[str], there: Sequence[Token]) -> str:
    """Return that the output says the contrary of a word of the quote; empty where it does not."""
    said = set(_verdict_words(there))
    for alternatives in VERDICTS:
        others = [word for word in alternatives if word in said]
        for word in words:
            if word in alternatives and word not in said and others:
                return f"the output does not say {word!r}: it says {others[0]!r}"
    return ""


def _verdict_words(there: Sequence[Token]) -> Iterator[str]:
    """Yield the words of an output, without the "better" of "lower is better"."""
    for place, token in enumerate(there):
        is_word = isinstance(token, str)
        if is_word and list(there[max(0, place - 2) : place]) not in DIRECTION:
            yield str(token)


def _behind_words(before: Sequence[Token], there: Sequence[Token]) -> tuple[int, list[Printed]]:
    """Return the numbers of the output behind the words that stand before a number, and how many words."""
    words: list[Token] = []
    for token in reversed(before):
        if isinstance(token, Printed) or len(words) == DEEPEST:
            break
        if token not in FILLERS:
            words.insert(0, token)
    while words:
        depth = len(words)
        candidates = []
        for place in range(depth, len(there)):
            number = there[place]
            words_there = list(there[place - depth : place])
            if isinstance(number, Printed) and words_there == words:
                candidates.append(number)
        if candidates:
            return depth, candidates
        words.pop(0)
    numbers = [token for token in there if isinstance(token, Printed)]
    if len(numbers) == 1:  # a cell, or an output of one number: it is the one that was meant
        return 0, numbers
    return 0, []


def _nearest(old: Printed, numbers: Sequence[Printed]) -> str:
    """Return that a number is not there, and the nearest one, if it is near."""
    distances = [abs(number.value - old.value) for number in numbers]
    if not distances:
        return ""
    least = min(distances)
    if least > NEAR * abs(old.value):
        return ""
    nearest = numbers[distances.index(least)]
    return f"not there; the nearest is {nearest.text}"


def _in_words(new: Printed, old: Printed) -> str:
    sign = "%" if new.percent and not old.percent else ""
    return f"{new.text}{sign}"


def _with_numbers(text: str, numbers: Sequence[Printed], new: Sequence[Printed]) -> str:
    """Return a quote with new numbers in place of its own, those that agree kept as they are."""
    written = text
    pairs = list(zip(numbers, new, strict=True))
    # From the end, so that the places of the others stay.
    for old, number in reversed(pairs):
        if agrees(old, number):
            continue
        printed = number.text
        if old.percent and not number.percent:
            printed = as_printed(100 * number.value, old)
        end = old.start + len(old.text)
        before = written[: old.start]
        after = written[end:]
        written = before + printed + after
    return written
