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
from ired_diag.claims.compared_groups import COMPARED_WITH, compared_at, compares_with_unnamed
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
OPENING = re.compile(r"\s*\(\s*")
CLOSING = re.compile(r"\s*[,;)\]]")
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
                meaningless = "g" * (end - start)
                text = text[:start] + meaningless + text[end:]
        return text

    def without_names(self) -> str:
        """Return the text, each name in letters that mean nothing: Point-MAE is no MAE."""
        text = self.text
        for start, end, _ in self.at:
            text = text[:start] + "g" * (end - start) + text[end:]
        return text

    @property
    def everyone(self) -> tuple[str, ...]:
        """All groups that the sentence names, each once, in order."""
        return self.within(0, len(self.text))

    def whose(self, start: int, place: int, end: int, following: int, count: int) -> tuple[str, ...]:
        """Return the ``count`` groups that a number is about; none where that is not certain.

        Args:
            start: Where the last number of the kind ended.
            place: Where the number starts.
            end: Where it ends.
            following: Where the next number of the kind starts.
            count: One group, or two.
        """
        if count > 1 and compares_with_unnamed(self.text, self.at, end):
            return ()
        if len(self.everyone) == count:
            return () if count > 1 and self._are_all_compared_with() else self.everyone
        if count == 1:
            candidates = self._candidates(start, place, end, following)
            return tuple(candidates[:1])
        pair = self._in_bracket_after(end)
        if len(pair) == count:
            return pair
        if compared := compared_at(self.text, self.at, place, end):
            return compared
        stretch = self.within(start, place)
        if AFTER_STYLE.match(self.text[end:]):
            stretch = self.within(end, following)
        if len(stretch) != count:
            return ()
        return stretch

    def _are_all_compared_with(self) -> bool:
        """Say whether each group is what something else is compared with: "lower than a, and than b"."""
        return all(COMPARED_WITH.search(self.text[:start]) for start, _, _ in self.at)

    def _in_bracket_after(self, end: int) -> tuple[str, ...]:
        """Return the groups in the bracket of "3.1x faster (muon vs. adam)"."""
        bracket = BRACKET_AFTER.match(self.text, end)
        if bracket is None:
            return ()
        return self.within(*bracket.span(1))

    def rivals(self, start: int, place: int, end: int, following: int) -> tuple[str, ...]:
        """Return the other groups that a number may be about; none where its words tie it to one."""
        candidates = self._candidates(start, place, end, following)
        return tuple(candidates[1:])

    def _candidates(self, start: int, place: int, end: int, following: int) -> list[str]:
        """Return the groups that a number may be about, the most likely first; one where it is certain."""
        if len(self.everyone) <= 1:
            return list(self.everyone)
        if after := self._tied_after(end):
            return [after]
        if own := self._before_bracket(place):
            return [own]
        before = self.within(start, place)
        if len(before) != 1:
            return []
        (name,) = before
        if self._is_tied_before(name, place):
            return [name]
        behind = self.within(end, following)[:1]
        return list(dict.fromkeys([name, *behind]))

    def _before_bracket(self, place: int) -> str:
        """Return the group in "b (0.43": the one whose bracket starts with a number; empty without one."""
        for _, stop, name in reversed(self.at):
            if stop <= place:
                return name if OPENING.fullmatch(self.text, stop, place) else ""
        return ""

    def _tied_after(self, end: int) -> str:
        """Return the group in "0.416 ± 0.010 (muon)" or "0.416 for muon", empty where there is none."""
        spread = SPREAD_AFTER.match(self.text, end)
        if spread:
            end = spread.end()
        link = TIED_AFTER.match(self.text, end)
        if link is None:
            return ""
        for start, stop, name in self.at:
            if start == link.end():
                closes = CLOSING.match(self.text, stop)
                return name if closes or not link["bracket"] else ""
        return ""

    def _is_tied_before(self, name: str, place: int) -> bool:
        """Say whether only words of what is measured stand between a name and its number."""
        stop = max(stop for at, stop, other in self.at if other == name and stop <= place)
        return TIED_BEFORE.fullmatch(self.text[stop:place]) is not None
