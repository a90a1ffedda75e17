"""Claims in sentences: a number is a claim where the words before it say what it is.

Whose it is, is taken from the names in the sentence only where there is one reading: the sentence names one
group (or two, for a comparison), or the stretch since the last number of its kind does. A sentence that
asks, supposes or announces is no claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ired_diag.claims.claim import Claim, Kind
from ired_diag.claims.labels import mentions
from ired_diag.claims.markdown import Sentence
from ired_diag.claims.numbers import Printed, numbers_in, plain
from ired_diag.claims.tables import after_plus_minus

IS = r"\s*(?:of|is|was|are|were|=|:|von|ist|beträgt)?\s*(?:only\s+|about\s+)?$"
BEFORE: tuple[tuple[Kind, str], ...] = (
    ("p", r"(?<![\w.])p(?:[\s-]*(?:values?|wert))?" + IS),
    ("t", r"(?<![\w.])t(?:[\s-]*(?:stat\w*|value))?\s*(?:\(\s*[\d.,]+\s*\))?\s*[=:]\s*$"),
    ("effect", r"(?:cohen['\u2019]?s\s+d|hedges['\u2019]?s?\s+g|effect size|(?<![\w.])[dg]\s*(?==))" + IS),
    ("n", r"(?<![\w.])n\s*=\s*$"),
    ("se", r"(?:standard error|(?<!\w)s\.?e\.?m?\.?)" + IS),
    (
        "sd",
        r"(?:(?<!\w)s\.?d\.?|(?<!\w)std(?:\.|\s*dev\w*)?|standard deviation|standardabweichung|\u03c3)" + IS,
    ),
    (
        "mean",
        r"\b(?:means?|average[sd]?|averaging|avg|mittelwert|im mittel)\b(?:\s+\(?[^\W\d][\w@-]*\)?){0,6}"
        + IS,
    ),
)
PAIRED_KINDS = ("p", "t", "effect", "percent", "difference")
COMPARING = re.compile(
    r"better|worse|lower|higher|improve\w*|reduc\w*|increase\w*|decrease\w*|smaller|larger|gain|differ\w*|besser|schlechter",
    re.IGNORECASE,
)
INTERVAL = re.compile(
    r"(?:\bci\b|confidence interval|\binterval\b|konfidenzintervall)[^\d\-+.]{0,25}[-+]?$", re.IGNORECASE
)
EQUIVALENT = re.compile(
    r"\bequivalent\b|\bequally (?:good|well|accurate)\b|\bindistinguishable\b|\bkein(?:en)? Unterschied\b"
    r"|\bno (?:real |practical |meaningful |measurable |detectable )?difference\b|\bmakes? no difference\b"
    r"|\bidentical (?:performance|results|accuracy)\b|\bperform(?:s|ed)? (?:the same|identically)\b"
    r"|\bas good as\b",
    re.IGNORECASE,
)  # fmt: skip
SIGNIFICANT = re.compile(
    r"\b(?:statistically )?signifi[ck]ant(?:ly)?\b(?!\s+(?:digits?|figures?|level))", re.IGNORECASE
)
NOT = re.compile(
    r"(?:\b(?:not?|non|nor|never|neither|without|nicht|kein\w*|fail\w*)\b|n['\u2019]t\b|\bin(?=signif))[\s\w-]{0,30}$",
    re.IGNORECASE,
)
SUPPOSED = re.compile(
    r"\?\s*$|\b(?:whether|hypothes\w*|would|may|might|could|should|if|expect\w*|cannot|can't|assum\w*|ask\w*|unless"
    r"|define\w*|threshold|null)\b",
    re.IGNORECASE,
)
AFTER_STYLE = re.compile(r"^[)\s]*(?:\(|for\b|between\b|für\b|bei\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Named:
    """Where a sentence names which group."""

    text: str
    at: Sequence[tuple[int, str]]

    def within(self, start: int, end: int) -> tuple[str, ...]:
        """Return the groups named in a stretch, each once, in order."""
        return tuple(dict.fromkeys(name for place, name in self.at if start <= place < end))

    def whose(self, start: int, place: int, end: int, following: int, count: int) -> tuple[str, ...]:
        """Return the ``count`` groups that a number is about; none where that is not certain.

        Args:
            start: Where the last number of the kind ended.
            place: Where the number starts.
            end: Where it ends.
            following: Where the next number of the kind starts.
            count: One group, or two.
        """
        everyone = self.within(0, len(self.text))
        if len(everyone) == count:
            return everyone
        after = AFTER_STYLE.match(self.text[end:])
        stretch = self.within(end, following) if after else self.within(start, place)
        return stretch if len(stretch) == count else ()


def claims_of(sentence: Sentence, names: Sequence[str], block: int, *, comma: bool) -> Iterator[Claim]:
    """Yield the claims of a sentence.

    Args:
        sentence: Which.
        names: The groups that the report and the runs know.
        block: The number that its claims share.
        comma: Whether the text writes decimal commas.
    """
    text = plain(sentence.text)
    named = Named(text, mentions(text, names))
    context = f"{text}\n{sentence.heading}"
    found = list(_numbers(text, comma))
    for kind, shown, half in found:
        count = 2 if kind in PAIRED_KINDS else 1
        same = [other[0] for k, other, _ in found if k == kind]
        start = max((n.end for n in same if n.end <= shown[0].start), default=0)
        following = min((n.start for n in same if n.start >= shown[-1].end), default=len(text))
        groups = named.whose(start, shown[0].start, shown[-1].end, following, count)
        if kind == "interval" and not groups:
            groups = named.whose(start, shown[0].start, shown[-1].end, following, 2)
        said = text[shown[0].start : shown[-1].end].strip()
        yield Claim(kind, sentence.line, said, groups, shown, context, block, half_width=half)
    if not SUPPOSED.search(text):
        yield from _conclusions(text, named, sentence.line, context, block)


def _numbers(text: str, comma: bool) -> Iterator[tuple[Kind, tuple[Printed, ...], bool]]:
    """Yield what is printed, with its kind and whether it is half an interval."""
    numbers = list(numbers_in(text, comma=comma))
    taken: set[int] = set()
    for at, number in enumerate(numbers):
        if at in taken:
            continue
        before, after = text[: number.start], text[number.end :]
        behind = re.sub(r"[<>≤≥≈~]\s*$", "", before)
        follower = numbers[at + 1] if at + 1 < len(numbers) else None
        between = text[number.end : follower.start] if follower else ""
        if follower and re.fullmatch(r"\s*±\s*", between):
            taken.add(at + 1)
            yield "mean", (number,), False
            yield after_plus_minus(text[follower.end : follower.end + 30]), (follower,), True
        elif (
            INTERVAL.search(behind[-60:])
            and follower
            and re.fullmatch(r"\s*(?:,|;|to|bis|\u2013|-|and)\s*", between)
        ):
            taken.add(at + 1)
            yield "interval", (number, follower), False
        elif (kind := _kind(behind, after, number)) and not (kind == "percent" and SUPPOSED.search(text)):
            yield kind, (number,), False


def _kind(before: str, after: str, number: Printed) -> Kind | None:
    if number.percent:
        if re.match(r"\s*(?:-?\s*ci\b|confidence|interval|konfidenz|level)", after, re.IGNORECASE):
            return None
        near = before[-25:] + " " + after[:30]
        return "percent" if COMPARING.search(near) else None
    if re.match(r"\s*(?:random\s+|independent\s+)?(?:seeds|runs)\b", after) and number.unit == 1:
        return "n"
    return next((k for k, pattern in BEFORE if re.search(pattern, before[-90:], re.IGNORECASE)), None)


def _conclusions(text: str, named: Named, line: int, context: str, block: int) -> Iterator[Claim]:
    groups = named.within(0, len(text))
    pair = groups if len(groups) == 2 else ()
    for hit in EQUIVALENT.finditer(text):
        if text[: hit.start()].endswith(('"', "\u201c", "\u201e", "'")):  # a quotation
            continue
        negated = NOT.search(text[: hit.start()][-30:]) and not hit[0].lower().startswith(("no ", "kein"))
        if not negated:
            yield Claim("equivalent", line, hit[0], pair, (), context, block)
    for hit in SIGNIFICANT.finditer(text):
        kind: Kind = "not significant" if NOT.search(text[: hit.start()][-30:]) else "significant"
        yield Claim(kind, line, hit[0], pair, (), context, block)
