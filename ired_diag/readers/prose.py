r"""Text that people wrote: sentences with numbers in them are no log.

    The loss was 0.35 after epoch 10, and fell to 0.25 at epoch 20.

A program prints one form of line again and again. In prose hardly two lines have one form, and the lines with
a measure and a number have words that hold sentences together (``the``, ``was``, ``then``). A short text is
prose where most such lines have one of these words and no form stands in three lines, nor half of all lines
with a number have forms that do. A file that is called
README, LICENSE or the like is a document, whatever stands in it.

>>> is_prose("The loss was 0.35 at epoch 10.\nThen the loss fell to 0.2 at epoch 20.")
True
>>> is_prose("epoch 1: loss 0.35\nepoch 2: loss 0.2")
False
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from ired_diag.runs.metric_words import ALL_MEASURES, words_of

DOCUMENT = re.compile(
    r"(?i)(?:read[-_ ]?me|licen[cs]e|copying|change[-_ ]?log|contributing|authors|citation|todo|requirements)"
    r"(?:[-_.].*)?"
)
LONGEST = 1 << 16  # bytes: documents with numbers in their sentences are short
FEWEST_REPEATED = 3  # lines of one form
NUMBER = re.compile(r"[-+]?\d[\d.,]*(?:e[-+]?\d+)?%?", re.IGNORECASE)
OF_SENTENCES = frozenset(
    """
    a after although an and are because but by did does fell had has have it our reached rose saw see that
    the their then there these they this to used using was we were when which while with
    """.split()
)


def is_document(path: Path) -> bool:
    """Say whether a file is called what documents are called.

    >>> [is_document(Path(name)) for name in ("README.txt", "readme", "LICENSE", "readout.log", "train.txt")]
    [True, True, True, False, False]
    """
    return DOCUMENT.fullmatch(path.name) is not None


def is_prose(text: str) -> bool:
    """Say whether the measures and numbers of a text stand in sentences."""
    forms: Counter[str] = Counter()
    all_forms: Counter[str] = Counter()
    sentences = 0
    for line in text.splitlines():
        if NUMBER.search(line) is None:
            continue
        all_forms[NUMBER.sub("#", line)] += 1
        words = words_of(line)
        # Any measure: next to a rate of learning or a time it measures no quality, and is no sentence.
        if not ALL_MEASURES.isdisjoint(words) or not OF_SENTENCES.isdisjoint(words):
            forms[NUMBER.sub("#", line)] += 1
            sentences += not OF_SENTENCES.isdisjoint(words)
    lines = forms.total()
    if not lines or max(forms.values()) >= FEWEST_REPEATED:
        return False
    repeated = sum(count for count in all_forms.values() if count >= FEWEST_REPEATED)
    if 2 * repeated >= all_forms.total():
        return False
    return 2 * sentences > lines
