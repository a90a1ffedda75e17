"""Whose a number of a sentence is, by where the sentence names which group.

It is certain only where there is one reading: the sentence names one group (or two, for a comparison), or the
stretch since the last number of its kind does. A name goes before its number ("muon reaches 0.416") or after
it ("0.416 for muon", "0.416 (muon)"). One that is not tied to it by such words may belong to the next number:
then the other names are kept as rivals, and a number that agrees with any of them is no error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ired_diag.claims import phrases
from ired_diag.claims.numbers import Printed

AFTER_STYLE = re.compile(r"^[)\s]*(?:\(|for\b|between\b|für\b|bei\b)", re.IGNORECASE)
BRACKET_AFTER = re.compile(
    r"[^()\d.;:,]{0,25}\(([^()]*\b(?:vs\.?|versus|over|than|against)\s[^()]*)\)", re.IGNORECASE
)
SPREAD_AFTER = re.compile(r"\s*±\s*[\d.,]+(?:\s*[x\u00d7]\s*10\^[-+]?\d+|e[-+]?\d+)?\s*%?")
TIED_AFTER = re.compile(
    r"[)\s]*(?:(?P<bracket>[(\[])|(?:for|with|by|using|under|für|bei|mit)\s)\s*(?:the\s+)?(?:runs? of\s+)?",
    re.IGNORECASE,
)
TIED_BEFORE = re.compile(
    r"['\u2019s]*[\s:=(|≈~]*(?:(?!(?:and|und|or|vs|versus|than|but|while|to|from|over|against|compared)\b)[^\W\d]+[\s:=(≈~]*){0,6}"
)


@dataclass(frozen=True)
class NamedGroups:
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
        if len(pair := self._in_bracket_after(end)) == count:
            return pair
        after = AFTER_STYLE.match(self.text[end:])
        stretch = self.within(end, following) if after else self.within(start, place)
        return stretch if len(stretch) == count else ()

    def _in_bracket_after(self, end: int) -> tuple[str, ...]:
        """Return the groups in the bracket of "3.1x faster (muon vs. adam)"."""
        bracket = BRACKET_AFTER.match(self.text, end)
        return self.within(bracket.start(1), bracket.end(1)) if bracket else ()

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
