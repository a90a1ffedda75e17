"""What the kinds of candidate answers are, in the words of a caption (``model.mined_batch``)."""

from __future__ import annotations

from collections.abc import Iterable

MINING = "mining (the search for hard negatives)"
PLAIN = {
    "positive": "right answers",
    "random": "wrong answers drawn without mining",
    "start": f"where {MINING} begins",
    "adversarial": f"where {MINING} ends",
    "control": "as far from the right answer as adversarial, in a random direction",
}
AFTER_START = "where it ends"  # of adversarial, next to start, which says what mining is


def kinds_in_words(names: Iterable[str]) -> str:
    """Return what each kind is, in a sentence; empty where none of the names is a kind.

    >>> kinds_in_words(["positive", "q101"])
    'Positive: right answers.'
    """
    known = [name for name in names if name in PLAIN]
    words = []
    for name in known:
        is_second = name == "adversarial" and "start" in known
        words.append(f"{name}: {AFTER_START if is_second else PLAIN[name]}")
    sentence = "; ".join(words)
    return f"{sentence[0].upper()}{sentence[1:]}." if sentence else ""
