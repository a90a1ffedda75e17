"""What the runs of a comparison are called: seeds, folds of a cross-validation, or runs where both occur."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ired_diag.runs.cross_validation import CrossValidation

SEED = re.compile(r"\b([Ss])eed(s?)\b")


def run_noun(folds: CrossValidation | None) -> str:
    """Return what a run is called: in a repeated cross-validation, a fold is several runs."""
    if folds is None:
        return "seed"
    return "run" if folds.is_repeated else "fold"


def common_noun(nouns: Sequence[str]) -> str:
    """Return what runs of several groups are called together.

    >>> common_noun(["fold", "fold"]), common_noun(["fold", "seed"])
    ('fold', 'run')
    """
    different = set(nouns)
    return different.pop() if len(different) == 1 else "run"


def called(text: str, noun: str) -> str:
    """Return a text with another noun for seeds.

    >>> called("Seeds: 5 seeds, one seed each", "fold")
    'Folds: 5 folds, one fold each'
    """
    if noun == "seed":
        return text
    return SEED.sub(lambda match: (noun.capitalize() if match[1] == "S" else noun) + match[2], text)
