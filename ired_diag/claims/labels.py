"""The names in a report: labels of groups, pairs of them, seeds, and where a sentence names which.

Two labels are one name where their words are the same, or where all words of the one are in the other and no
third name is: ``q101``, ``Baseline (q101)``. ``none`` and ``baseline`` are one word, as the study uses them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

VERSUS = re.compile(
    r"\s+(?:vs\.?|versus|against|minus|gegen|-|\u2013|—|→|↔)\s+|\s*/\s*|\s*[\u2013↔]\s*", re.IGNORECASE
)
SAME = {"baseline": "none", "keine": "none", "zufällig": "random"}
EMPTY_WORDS = frozenset(
    "mining the a an of group strategy method model negatives negative no runs run with condition".split()
)
# "random seeds" and "none of them" name no group.
NO_NAME = (
    r"(?<!random(?=\s(?:seed|draw|init|number|noise|matri|state|sampl|variation|chance)))"
    r"(?<!none(?=\sof\b))"
)
SEED = re.compile(r"^(?:seed|run|s)?[\s_#=:]*(\d{1,6})$", re.IGNORECASE)


def words_of(label: str) -> frozenset[str]:
    """Return the words that tell a label from others.

    >>> sorted(words_of("Baseline (q101)")), sorted(words_of("no mining"))
    (['none', 'q101'], ['none'])
    """
    text = re.sub(r"\bno[\s-]+(?:negative[\s-]+)?mining\b", "none", label.lower())
    found = [SAME.get(word, word) for word in re.findall(r"[^\W_]+(?:@[^\W_]+)?", text)]
    telling = [word for word in found if word not in EMPTY_WORDS]
    return frozenset(telling or found)


def pair_of(label: str) -> tuple[str, str] | None:
    """Return the two labels that a cell compares, None where it compares none.

    >>> pair_of("q101 vs. q102"), pair_of("none/random"), pair_of("q101")
    (('q101', 'q102'), ('none', 'random'), None)
    """
    sides = [side.strip(" ():") for side in VERSUS.split(label)]
    named = [side for side in sides if re.search(r"[^\W\d_]", side)]
    return (named[0], named[1]) if len(named) == 2 == len(sides) else None


def seed_of(label: str) -> str:
    """Return ``seed3`` for a cell that names a seed, nothing for others.

    >>> seed_of("Seed 3"), seed_of("3"), seed_of("q103")
    ('seed3', 'seed3', '')
    """
    found = SEED.match(label.strip())
    return f"seed{int(found[1])}" if found else ""


def same_name(label: str, names: Iterable[str]) -> str | None:
    """Return which of the names a label is; None where it is none or more than one."""
    names, words = list(names), words_of(label)
    if not words:
        return None
    exact = [name for name in names if words_of(name) == words]
    if len(exact) == 1:
        return exact[0]
    inside = [name for name in names if (w := words_of(name)) and (w <= words or words <= w)]
    return inside[0] if len(inside) == 1 and not exact else None


def mentions(text: str, names: Sequence[str]) -> list[tuple[int, str]]:
    """Return where a text names which group, in reading order; a name inside a longer one is left out.

    >>> mentions("random is worse than none", ["none", "random"])
    [(0, 'random'), (21, 'none')]
    """
    found: dict[int, tuple[int, str]] = {}
    for name in names:
        for spelled in _spellings(name, names):
            case = re.IGNORECASE if len(name) > 1 else re.NOFLAG  # "A performs as a whole"
            for hit in re.finditer(rf"(?<![\w@])(?:{spelled})(?![\w@]){NO_NAME}", text, case):
                length = hit.end() - hit.start()
                if length > found.get(hit.start(), (0, ""))[0]:
                    found[hit.start()] = (length, name)
    told: list[tuple[int, str]] = []
    end = 0
    for start in sorted(found):
        length, name = found[start]
        if start >= end:
            told.append((start, name))
            end = start + length
    return told


def _spellings(name: str, names: Sequence[str]) -> list[str]:
    """Return the regular expressions for a name, and for each word of it that no other name has."""
    others = frozenset().union(*(words_of(other) for other in names if other != name))
    spelled = [re.escape(name)]
    for word in words_of(name) - others:
        if len(word) > 1 and not word.isdigit():
            more = "|baseline|no[ -]mining" if word == "none" else ""
            spelled.append(re.escape(word) + more)
    return spelled
