"""Claims in sentences: a number is a claim where the words around it say what it is.

Whose it is, is taken from the names in the sentence only where there is one reading: the sentence names one
group (or two, for a comparison), or the stretch since the last number of its kind does. A sentence that
asks, supposes or announces is no claim.

A name goes before its number ("muon reaches 0.416") or after it ("0.416 for muon", "0.416 (muon)"). One that
is not tied to it by such words may belong to the next number: then the other names are kept as rivals, and a
number that agrees with any of them is no error.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from ired_diag.claims import phrases
from ired_diag.claims.claim import Claim, Kind
from ired_diag.claims.heads import CORRECTED, after_plus_minus
from ired_diag.claims.labels import mention_spans
from ired_diag.claims.levels import is_level, seed_before
from ired_diag.claims.markdown import Sentence
from ired_diag.claims.metrics import metric_at
from ired_diag.claims.numbers import Printed, numbers_in, plain

PAIRED_KINDS = ("p", "t", "effect", "percent", "difference", "ratio", "wins", "statistic")
LEVELS = ("mean", "level")
INTERVAL = re.compile(
    r"(?:\bci\b|confidence interval|\binterval\b|konfidenzintervall)[^\d\-+.]{0,25}[-+]?$", re.IGNORECASE
)
QUARTILES = re.compile(r"(?:\biqr\b|interquartile range)[^\d\-+.]{0,12}[-+]?$", re.IGNORECASE)
TO = re.compile(r"\s*(?:,|;|to|bis|\u2013|-|and|\.\.\.?|…)\s*")
EQUIVALENT = re.compile(
    r"\bequivalent\b(?! to\b)|\bequally (?:good|well|accurate)\b|\b(?:statistically )?indistinguishable\b"
    r"|\bkein(?:en)? Unterschied\b"
    r"|\bno (?:real |practical |meaningful |measurable |detectable )?difference\b|\bmakes? no difference\b"
    r"|\bidentical (?:performance|results|accuracy)\b|\bperform(?:s|ed)? (?:the same|identically)\b"
    r"|\bas good as\b",
    re.IGNORECASE,
)  # fmt: skip
SIGNIFICANT = re.compile(
    r"\b(?:statistically )?signifi[ck]ant(?:ly)?\b(?!\s+(?:digits?|figures?|level|other|number|"
    r"amount|part|bits?))",
    re.IGNORECASE,
)
NOT_SIGNIFICANT = re.compile(r"(?<![\w.])n\.\s?s\.?(?![\w])")
NOT = re.compile(
    r"(?:\b(?:not?|non|nor|never|neither|without|nicht|kein\w*|fail\w*|nothing|none|lacks?|loses|isn|marginally)\b"
    r"|n['\u2019]t\b|\bin(?=signif))[\s\w\-*_]{0,30}$",
    re.IGNORECASE,
)
SUPPOSED = re.compile(
    r"\?\s*$|\b(?:whether|hypothes\w*|would|may|might|could|should|if|expect\w*|cannot|can't|assum\w*|ask\w*|unless"
    r"|define\w*|threshold|null|require\w*|must|need\w*|target\w*|goal|when|criteri\w*|corresponds?|"
    r"count\w* as)\b",
    re.IGNORECASE,
)
AFTER_STYLE = re.compile(r"^[)\s]*(?:\(|for\b|between\b|für\b|bei\b)", re.IGNORECASE)
SPREAD_AFTER = re.compile(r"\s*±\s*[\d.,]+(?:\s*[x\u00d7]\s*10\^[-+]?\d+|e[-+]?\d+)?\s*%?")
TIED_AFTER = re.compile(
    r"[)\s]*(?:(?P<bracket>[(\[])|(?:for|with|by|using|under|für|bei|mit)\s)\s*(?:the\s+)?(?:runs? of\s+)?",
    re.IGNORECASE,
)
TIED_BEFORE = re.compile(
    r"['\u2019s]*[\s:=(|≈~]*(?:(?!(?:and|und|or|vs|versus|than|but|while|to|from|over|against|compared)\b)[^\W\d]+[\s:=(≈~]*){0,6}"
)
HEADED = re.compile(r"^[\W_]*(?:[^\W\d][\w/-]*\s+){0,4}[^\W\d][\w/-]*\s*(?:\([^()\d]*\)\s*)?[:=]\s")
Numbered = tuple[Kind, tuple[Printed, ...], bool]


@dataclass(frozen=True)
class Named:
    """Where a sentence names which group."""

    text: str
    at: Sequence[tuple[int, int, str]]

    def within(self, start: int, end: int) -> tuple[str, ...]:
        """Return the groups named in a stretch, each once, in order."""
        return tuple(dict.fromkeys(name for place, _, name in self.at if start <= place < end))

    def covers(self, number: Printed) -> bool:
        """Say whether a number is a part of a name."""
        return any(place <= number.start < end for place, end, _ in self.at)

    def without_compared(self) -> str:
        """Return the text, groups that it compares in letters that mean nothing: "A vs dropout, p = 0.1"."""
        text = self.text
        for start, end, _ in self.at:
            if phrases.COMPARED_BEFORE.search(text[:start]) or phrases.COMPARED_AFTER.match(text, end):
                text = f"{text[:start]}{'g' * (end - start)}{text[end:]}"
        return text

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
        if count == 1:
            return tuple(self._candidates(start, place, end, following)[:1])
        after = AFTER_STYLE.match(self.text[end:])
        stretch = self.within(end, following) if after else self.within(start, place)
        return stretch if len(stretch) == count else ()

    def rivals(self, start: int, place: int, end: int, following: int) -> tuple[str, ...]:
        """Return the other groups that a number may be about; none where its words tie it to one."""
        return tuple(self._candidates(start, place, end, following)[1:])

    def _candidates(self, start: int, place: int, end: int, following: int) -> list[str]:
        """Return the groups that a number may be about, the most likely first; one where it is certain."""
        everyone = self.within(0, len(self.text))
        if len(everyone) <= 1:
            return list(everyone)
        if after := self._tied_after(end):
            return [after]
        before = self.within(start, place)
        if len(before) > 1:
            return []
        if before and self._is_tied_before(before[0], place):
            return list(before)
        behind = self.within(end, following)[:1]
        return list(dict.fromkeys([*before, *behind])) if before else []

    def _tied_after(self, end: int) -> str:
        """Return the group in "0.416 ± 0.010 (muon)" or "0.416 for muon", empty where there is none."""
        spread = SPREAD_AFTER.match(self.text, end)
        link = TIED_AFTER.match(self.text, spread.end() if spread else end)
        hit = next(((stop, name) for at, stop, name in self.at if link and at == link.end()), None)
        if link is None or hit is None:
            return ""
        closes = not link["bracket"] or re.match(r"\s*[,;)\]]", self.text[hit[0] :])
        return hit[1] if closes else ""

    def _is_tied_before(self, name: str, place: int) -> bool:
        """Say whether only words of what is measured stand between a name and its number."""
        stop = max(stop for at, stop, other in self.at if other == name and stop <= place)
        return bool(TIED_BEFORE.fullmatch(self.text[stop:place]))


def claims_of(
    sentence: Sentence, names: Sequence[str], block: int, *, comma: bool, vocabulary: Collection[str] = ()
) -> Iterator[Claim]:
    """Yield the claims of a sentence.

    Args:
        sentence: Which.
        names: The groups that the report and the runs know.
        block: The number that its claims share.
        comma: Whether the text writes decimal commas.
        vocabulary: The metrics that the report's tables name.
    """
    text = plain(sentence.text)
    named = Named(text, mention_spans(text, names))
    context = f"{text}\n{sentence.heading}"
    numbers = [n for n in numbers_in(text, comma=comma) if not named.covers(n)]
    claimed = list(_numbers(named.without_compared(), numbers, named))
    last: Claim | None = None
    above = mention_spans(sentence.heading, names) if HEADED.match(text) and not named.at else []
    own = tuple(dict.fromkeys(name for _, _, name in above))
    for kind, shown, half in claimed:
        claim = _claim(
            sentence, text, named, claimed, kind, shown, half=half, block=block, vocabulary=vocabulary
        )
        if half and last is not None:  # what follows a ± is of the group of its mean
            claim = replace(claim, groups=last.groups, others=last.others)
        if len(own) == 1 and kind not in PAIRED_KINDS:  # "### muon", and below it "final val loss: 0.416"
            claim = replace(claim, groups=own)
        last = claim
        yield claim
    for hit in phrases.COUNTED.finditer(text):
        count = float(phrases.NUMBER_WORDS[hit[1].lower()])
        groups = named.within(0, len(text))
        number = Printed(hit[1], count, 1.0, start=hit.start(), end=hit.end(1))
        yield Claim(
            "n", sentence.line, hit[1], groups=groups if len(groups) == 1 else (), numbers=(number,),
            context=context, block=block,
        )  # fmt: skip
    if not SUPPOSED.search(text):
        yield from _conclusions(text, named, sentence.line, context, block)


def _claim(
    sentence: Sentence,
    text: str,
    named: Named,
    claimed: Sequence[Numbered],
    kind: Kind,
    shown: tuple[Printed, ...],
    *,
    half: bool,
    block: int,
    vocabulary: Collection[str],
) -> Claim:
    first, last = shown[0], shown[-1]
    count = 2 if kind in PAIRED_KINDS else 1
    alike = LEVELS if kind in LEVELS else (kind,)
    same = [other[0] for k, other, _ in claimed if k in alike]
    start = max((n.end for n in same if n.end <= first.start), default=0)
    following = min((n.start for n in same if n.start >= last.end), default=len(text))
    groups = named.whose(start, first.start, last.end, following, count)
    if kind == "interval" and (
        not groups or re.search(r"\bdifference\b", text[: first.start], re.IGNORECASE)
    ):
        groups = named.whose(start, first.start, last.end, following, 2) or groups
    rivals = named.rivals(start, first.start, last.end, following) if count == 1 and groups else ()
    statistic = phrases.statistic_before(text[: first.start]) if kind in ("statistic", "t") else None
    corrected = CORRECTED.search(text)
    return Claim(
        kind,
        sentence.line_of(first.text, text[: first.start].count(first.text)),
        text[first.start : last.end].strip(),
        groups=groups,
        numbers=shown,
        context=f"{text}\n{sentence.heading}",
        block=block,
        seed=seed_before(text, first.start) if kind == "level" else "",
        half_width=half,
        others=rivals,
        metric=metric_at(text, first.start, last.end, vocabulary),
        df=statistic[1] if statistic else (),
        test=statistic[0] if statistic and kind == "statistic" else (corrected[0] if corrected else ""),
    )


def _numbers(text: str, numbers: Sequence[Printed], named: Named) -> Iterator[Numbered]:
    """Yield what is printed, with its kind and whether it is half an interval."""
    taken: set[int] = set()
    continues = False
    for at, number in enumerate(numbers):
        if at in taken:
            continue
        behind = re.sub(r"[<>≤≥≈~]\s*$", "", text[: number.start])
        follower = numbers[at + 1] if at + 1 < len(numbers) else None
        between = text[number.end : follower.start] if follower else ""
        if follower and re.fullmatch(r"\s*±\s*", between):
            taken.add(at + 1)
            yield "mean", (number,), False
            yield after_plus_minus(text[follower.end : follower.end + 30]), (follower,), True
        elif follower and TO.fullmatch(between) and (kind := _of_two_ends(behind[-60:])):
            taken.add(at + 1)
            yield kind, (number, follower), False
        elif follower and phrases.WINS.fullmatch(between) and _are_wins(text, number, follower):
            taken.add(at + 1)
            yield "wins", (number, follower), False
        elif _is_every_win(text, number):
            yield "wins", (number, number), False
        elif (kind := _kind(behind, text[number.end :], number)) and not _is_supposed(kind, text):
            continues = continues or kind == "mean"
            yield kind, (number,), False
        elif not SUPPOSED.search(text) and is_level(text, number, named.at, continues=continues):
            continues = True
            yield "level", (number,), False


def _of_two_ends(before: str) -> Kind | None:
    if INTERVAL.search(before):
        return "interval"
    return "quartiles" if QUARTILES.search(before) else None


def _are_wins(text: str, wins: Printed, trials: Printed) -> bool:
    """Say whether two numbers are k of n seeds on which one group is better."""
    counts = wins.unit == trials.unit == 1 and 0 <= wins.value <= trials.value
    after = re.match(r"\s*(?:\w+\s+)?(?:seeds|runs)\b", text[trials.end :])
    return bool(counts and after and phrases.BEATS.search(text))


def _is_every_win(text: str, number: Printed) -> bool:
    """Say whether a number is n of "better on all n seeds"."""
    before = phrases.ON_ALL.search(text[: number.start])
    seeds = re.match(r"\s*(?:\w+\s+)?(?:seeds|runs)\b", text[number.end :])
    of_means = re.search(r"\bmean|\baverage", text, re.IGNORECASE)
    return bool(before and seeds and number.unit == 1 and not of_means and phrases.BEATS.search(text))


def _is_supposed(kind: Kind, text: str) -> bool:
    return kind in ("percent", "ratio", "difference", "p") and bool(SUPPOSED.search(text))


def _kind(before: str, after: str, number: Printed) -> Kind | None:
    if number.percent:
        if re.match(
            r"\s*(?:-?\s*ci\b|confidence|interval|konfidenz|level|margin|threshold|tolerance)", after, re.I
        ):
            return None
        if re.search(phrases.BEFORE[-2][1], before[-90:], re.IGNORECASE):
            return "difference"
        if before.endswith("(") and after.startswith(")") and not phrases.COMPARING.search(before[-14:]):
            return None  # "at 20 documents (67%)" is a level
        near = before[-25:] + " " + after[:30]
        return "percent" if phrases.COMPARING.search(near) or phrases.CHANGE.search(before) else None
    if (
        phrases.N_AFTER.match(after)
        and number.unit == 1
        and number.value >= 1
        and not re.search(r"seeds?\s*$", before)
    ):
        return "n"
    if phrases.RATIO.match(after):
        return "ratio"
    if (statistic := phrases.statistic_before(before)) and statistic[0] != "t":
        return "statistic"
    kind = phrases.kind_before(before, after)
    if kind == "p" and phrases.NO_P_ANYWHERE.search(before[-60:] + after[:30]):
        return None
    return kind


def _conclusions(text: str, named: Named, line: int, context: str, block: int) -> Iterator[Claim]:
    groups = named.within(0, len(text))
    pair = groups if len(groups) == 2 else ()
    corrected = CORRECTED.search(text)
    for hit in EQUIVALENT.finditer(text):
        if text[: hit.start()].endswith(('"', "\u201c", "\u201e", "'")):  # a quotation
            continue
        negated = NOT.search(text[: hit.start()][-30:]) and not hit[0].lower().startswith(("no ", "kein"))
        if not negated:
            yield Claim("equivalent", line, hit[0], groups=pair, context=context, block=block)
    for hit in [*SIGNIFICANT.finditer(text), *NOT_SIGNIFICANT.finditer(text)]:
        denied = NOT.search(text[: hit.start()][-40:]) or NOT_SIGNIFICANT.fullmatch(hit[0])
        kind: Kind = "not significant" if denied else "significant"
        yield Claim(
            kind,
            line,
            hit[0],
            groups=pair,
            context=context,
            block=block,
            test=corrected[0] if corrected else "",
        )
