"""Which two groups a number compares in a sentence that names three or more.

    "a is 2.2 mAP above b and 0.6 above c"        0.6 compares a with c: c is what it is above
    "a outperforms b by 1.8 points and c by 4.4"  4.4 compares a with c: c stands right before "by"

The first group of the clause is compared with the one that the words at the number name. Where these words
name none, nothing is said here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Span = tuple[int, int, str]  # where a group is named, and its name
ARTICLE = r"(?:(?:the|a|an|that of|plain|vanilla|standard|simple|our)\s+)*"
UNIT = r"\s*(?:%|\u00d7|x\b)?\s*(?:\([^()]{0,20}\)\s*)?(?:(?!and\b|but\b|while\b)[^\W\d][\w-]*\s+){0,5}?"
THAN_AFTER = re.compile(
    rf"{UNIT}(?:than|above|below|over|ahead of|behind|vs\.?|versus|against|compared (?:to|with)|"
    rf"relative to)\s+"
    rf"(?:the\s+\w+\s+of\s+)?{ARTICLE}$",
    re.IGNORECASE,
)
UNTIL_RIVAL = re.compile(
    rf"{UNIT}(?:than|above|below|over|ahead of|behind|vs\.?|versus|against|compared (?:to|with)|"
    rf"relative to|with respect to)\s+(?:the\s+\w+\s+of\s+)?{ARTICLE}",
    re.IGNORECASE,
)
COMMON_RIVAL = re.compile(
    rf"{UNIT}(?:than|above|below|ahead of|behind|relative to)\s+(?:that of\s+)?(?:the|its|their|our)\s+"
    r"(?!(?:other|others|latter|former|rest|two|second|third|next|best|control|mean|average)\b)"
    r"[a-z][\w-]*(?=\s*(?:$|[.,;:()]|and\b|but\b|while\b))"
)  # "3.2 points below the teacher"
PROPER_NAME = re.compile(r"(?=[\w-]*[A-Z\d])[A-Za-z][\w-]+")
BY_BEFORE = re.compile(
    r"(?:['\u2019]s)?\s*(?:(?!and\b|but\b|while\b)[^\W\d][\w-]*\s+){0,3}?"
    r"by\s+(?:about\s+|only\s+|roughly\s+|an?\s+)?(?:\w+\s+of\s+)?[-+\u2212]?$",
    re.IGNORECASE,
)
OPEN_BRACKET = re.compile(r"\s*\((?:[^()]|\([^()]*\))*")
COMPARED_WITH = re.compile(
    rf"\b(?:than|above|below|over|against|versus|vs\.?|outperforms?|beats?|surpass(?:es|ed)|"
    rf"compared (?:to|with))\s+{ARTICLE}$",
    re.IGNORECASE,
)
NO_SUBJECT = re.compile(
    rf"\b(?:than|above|below|over|on|against|versus|vs\.?|by|from|to|of|for|with|between)\s+{ARTICLE}$",
    re.IGNORECASE,
)
VERB = re.compile(
    r"\b(?:outperform\w*|beats?|improv\w*|surpass\w*|exceed\w*|leads?|trails?|loses|gains?|is|are|was|were|has|have|"
    r"reduc\w*|cuts?|lowers?|rais\w*|increas\w*|decreas\w*|reach\w*|achiev\w*)\b",
    re.IGNORECASE,
)
CLAUSE = re.compile(r"[;:]\s|\.\s|,\s+(?:while|whereas|but)\b|,\s+and\s+(?=[^,;.]{0,40}\b(?:is|has|was)\b)")


def compared_at(text: str, spans: Sequence[Span], start: int, end: int) -> tuple[str, ...]:
    """Return the two groups that a number compares by the words at it; none where they name none.

    Args:
        text: The sentence.
        spans: Where it names which group, in reading order.
        start: Where the number starts.
        end: Where it ends.
    """
    rival = _named_after(text, spans, end) or _named_before(text, spans, start)
    place = start
    if rival is None:
        rival = _before_bracket(text, spans, start)
        place = rival[0] if rival else start
    if rival is None:
        return ()
    subject = _subject(text, spans, place)
    if not subject or subject == rival[2]:
        return ()
    return subject, rival[2]


def compares_with_unnamed(text: str, spans: Sequence[Span], end: int) -> bool:
    """Say whether a number compares with a name that is none of the groups: "0.2 above HiFi-GAN".

    Args:
        text: The sentence.
        spans: Where it names which group.
        end: Where the number ends.
    """
    rival = COMMON_RIVAL.match(text, end)
    if rival and not any(end <= start < rival.end() for start, _, _ in spans):
        return True
    link = UNTIL_RIVAL.match(text, end)
    if link is None:
        return False
    place = link.end()
    if any(start <= place < stop for start, stop, _ in spans):
        return False
    return PROPER_NAME.match(text, place) is not None


def _named_after(text: str, spans: Sequence[Span], end: int) -> Span | None:
    """Return the group of "0.6 above c", the first that follows a number."""
    following = [span for span in spans if span[0] >= end]
    if not following or not THAN_AFTER.fullmatch(text, end, following[0][0]):
        return None
    return following[0]


def _named_before(text: str, spans: Sequence[Span], start: int) -> Span | None:
    """Return the group of "c by 4.4", the last before a number."""
    earlier = [span for span in spans if span[1] <= start]
    if not earlier or not BY_BEFORE.fullmatch(text, earlier[-1][1], start):
        return None
    return earlier[-1]


def _before_bracket(text: str, spans: Sequence[Span], start: int) -> Span | None:
    """Return the group in whose bracket a number stands, if a is compared with it: "above c (t(8) = 3"."""
    earlier = [span for span in spans if span[1] <= start]
    if not earlier:
        return None
    name_start, name_end, _ = earlier[-1]
    if not OPEN_BRACKET.fullmatch(text, name_end, start):
        return None
    if not COMPARED_WITH.search(text[:name_start]):
        return None
    return earlier[-1]


def _subject(text: str, spans: Sequence[Span], place: int) -> str:
    """Return the group that a clause speaks of: the first in it, with a verb behind it."""
    begins = [hit.end() for hit in CLAUSE.finditer(text, 0, place)]
    since = max(begins, default=0)
    named = [span for span in spans if since <= span[0] < place]
    if not named:
        return ""
    first_start, first_end, name = named[0]
    if NO_SUBJECT.search(text[since:first_start]):
        return ""
    next_start = named[1][0] if len(named) > 1 else place
    if VERB.search(text, first_end, next_start) is None:
        return ""
    return name
