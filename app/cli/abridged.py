"""A text without its end or its middle: cut between words, with every open bracket closed.

Within a bracket the cut is at a comma where there is one, so that a list loses whole members:
``(a, b, …)``. A bracket that would keep none of its words is left out.
"""

from __future__ import annotations

CLOSING = {"(": ")", "[": "]"}
MARK = "…"


def abridged(text: str, room: int) -> str:
    """Return the beginning of a text, with a mark where it was cut, in at most as many characters as given.

    >>> abridged("Groups differ (first, second, third) in much.", 36)
    'Groups differ (first, second, …) …'
    >>> abridged("Groups differ (first, second, third).", 36)
    'Groups differ (first, second, …).'
    >>> abridged("Groups differ by their names.", 20)
    'Groups differ by …'
    """
    if len(text) <= room:
        return text
    for end in range(room, 0, -1):
        if text[end : end + 1] == " " and len(cut := _cut_at(text, end)) <= room:
            return cut
    return MARK


def open_brackets(text: str) -> str:
    """Return the brackets that a text opens and does not close, the outermost first."""
    brackets: list[str] = []
    for letter in text:
        if letter in CLOSING:
            brackets.append(letter)
        elif brackets and letter == CLOSING[brackets[-1]]:
            brackets.pop()
    return "".join(brackets)


def _cut_at(text: str, end: int) -> str:
    """Return a text up to a place, marked and closed; a list in a bracket keeps whole members only."""
    kept = text[:end].rstrip()
    brackets = open_brackets(kept)
    if not brackets:
        return f"{kept.rstrip(',;:')} {MARK}"
    start = kept.rfind(brackets[-1])
    comma = kept.rfind(",", start)
    if comma > start:
        kept = kept[: comma + 1]
    if not kept[start + 1 :].strip():
        return _cut_at(text, start)
    brackets = open_brackets(kept)  # the comma may stand in a further bracket
    closing = "".join(CLOSING[bracket] for bracket in reversed(brackets))
    rest = _after_brackets(text[len(kept) :], len(brackets))
    if rest in ("", "."):
        return f"{kept} {MARK}{closing}."
    return f"{kept} {MARK}{closing} {MARK}"


def _after_brackets(text: str, depth: int) -> str:
    """Return what follows in a text once its open brackets have been closed."""
    for place, letter in enumerate(text):
        depth += (letter in CLOSING) - (letter in CLOSING.values())
        if depth == 0:
            return text[place + 1 :].strip()
    return ""
