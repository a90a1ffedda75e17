"""The names in a report: labels of groups, pairs of them, seeds, and where a sentence names which.

Two labels are one name where their words are the same, or where the one is a part of the other that stands
for it: ``q101``, ``Baseline (q101)``. "Ours + EMA" is not "Ours". ``none`` and ``baseline`` are one word, as
the study uses them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

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
# "muon-large" is another group than "muon"; "muon-based" and "muon-baseline" speak of it.
COMPOUND = re.compile(r"-([^\W\d_]\w*)")
SUFFIXES = EMPTY_WORDS | frozenset(
    "based trained only style like specific seed seeds mined side vs and to minus versus training".split()
)
UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
LOG = re.compile(
    rf"^(?:[\w./-]*/)?(?:({UUID})(?:\.\w+)?|([\w.-]+)\.(?:txt|log|out|jsonl|csv))$", re.IGNORECASE
)
IDENTIFIER = re.compile(r"[a-z]{1,3}\d{3,}(?:@\w+)?")
SEED = re.compile(r"^(?:seed|run|s)?[\s_#=:]*(\d{1,6})$", re.IGNORECASE)


@lru_cache(maxsize=8192)
def words_of(label: str) -> frozenset[str]:
    """Return the words that tell a label from others.

    >>> sorted(words_of("Baseline (q101)")), sorted(words_of("no mining"))
    (['none', 'q101'], ['none'])
    """
    text = re.sub(r"\bno[\s-]+(?:negative[\s-]+)?mining\b", "none", label.lower())
    words = [SAME.get(word, word) for word in re.findall(r"[^\W_]+(?:@[^\W_]+)?", text)]
    telling = [word for word in words if word not in EMPTY_WORDS]
    return frozenset(telling or words)


def pair_of(label: str) -> tuple[str, str] | None:
    """Return the two labels that a cell compares, None where it compares none.

    >>> pair_of("q101 vs. q102"), pair_of("none/random"), pair_of("q101")
    (('q101', 'q102'), ('none', 'random'), None)
    """
    sides = [side.strip(" ():") for side in VERSUS.split(label)]
    if len(sides) != 2 or not all(sides):
        return None
    worded = all(re.search(r"[^\W\d_]", side) for side in sides)
    return (sides[0], sides[1]) if worded or re.search(r"\svs\.?\s|\sversus\s", label) else None


def seed_of(label: str) -> str:
    """Return ``seed3`` for a cell that names a seed, the name of a log for one that names it, else nothing.

    >>> seed_of("Seed 3"), seed_of("3"), seed_of("q103")
    ('seed3', 'seed3', '')
    """
    seed = SEED.match(label.strip())
    log = LOG.match(label.strip())
    return f"seed{int(seed[1])}" if seed else (f"run {log[1] or log[2]}" if log else "")


@lru_cache(maxsize=8192)
def aliases(label: str) -> frozenset[frozenset[str]]:
    """Return the sets of words that may each stand for a label: its own, the parts of "X (Y)", an identifier.

    >>> sorted(sorted(words) for words in aliases("Baseline (q101)"))
    [['none'], ['none', 'q101'], ['q101']]
    """
    parts = re.fullmatch(r"([^()]+?)\s*\(([^()]+)\)", label.strip())
    sets = {words_of(label)} | {words_of(part) for part in (parts.groups() if parts else ())}
    sets |= {frozenset({word}) for word in words_of(label) if IDENTIFIER.fullmatch(word)}
    return frozenset(sets - {frozenset()})


def same_name(label: str, names: Iterable[str]) -> str | None:
    """Return which of the names a label is; None where it is none or more than one.

    >>> same_name("q101", ["Baseline (q101)"]), same_name("Ours + EMA", ["Ours"])
    ('Baseline (q101)', None)
    """
    names, words = list(names), words_of(label)
    exact = [name for name in names if words_of(name) == words and words]
    if len(exact) == 1 or not words:
        return exact[0] if exact else None
    if exact:
        return label if label in exact else None
    alike = [name for name in names if aliases(name) & aliases(label)]
    return alike[0] if len(alike) == 1 else None


def mentions(text: str, names: Sequence[str]) -> list[tuple[int, str]]:
    """Return where a text names which group, in reading order; a name inside a longer one is left out.

    >>> mentions("random is worse than none", ["none", "random"])
    [(0, 'random'), (21, 'none')]
    """
    return [(start, name) for start, _, name in mention_spans(text, names)]


def mention_spans(text: str, names: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return where each mention of a group starts and ends, in reading order."""
    hits: dict[int, tuple[int, str]] = {}
    lowered = text.lower()
    for name, words, pattern in _patterns(tuple(names)):
        if not any(word in lowered for word in words):
            continue
        for hit in pattern.finditer(text):
            length = hit.end() - hit.start()
            if _is_part_of_another(text, hit.start(), hit.end(), names):
                continue
            if length > hits.get(hit.start(), (0, ""))[0]:
                hits[hit.start()] = (length, name)
    places: list[tuple[int, int, str]] = []
    end = 0
    for start in sorted(hits):
        length, name = hits[start]
        if start >= end:
            end = start + length
            places.append((start, end, name))
    return places


def _is_part_of_another(text: str, start: int, end: int, names: Sequence[str]) -> bool:
    """Say whether a mention is a part of a compound that names another group ("muon-large", "non-muon")."""
    if re.search(r"\bnon-$", text[max(0, start - 4) : start], re.IGNORECASE):
        return True
    compound = COMPOUND.match(text, end)
    if compound is None:
        return False
    word = compound[1].lower()
    return word not in SUFFIXES and not any(word in name.lower() for name in names)


@lru_cache(maxsize=64)
def _patterns(names: tuple[str, ...]) -> list[tuple[str, tuple[str, ...], re.Pattern[str]]]:
    """Return how each name is spelled, with a word of each spelling; a number is no name in a sentence."""
    patterns = []
    for name in names:
        if re.search(r"[^\W\d_]|%", name):
            case = re.IGNORECASE if len(name) > 1 else re.NOFLAG  # "A performs as a whole"
            spellings = _spellings(name, names)
            spelled = "|".join(sorted(spellings, key=len, reverse=True))
            words = tuple(
                re.findall(r"[^\W_]+", part.replace("\\", " ").lower())[0]
                for part in _alternatives(spellings)
            )
            patterns.append((name, words, re.compile(rf"(?<![\w@])(?:{spelled})(?![\w@]){NO_NAME}", case)))
    return patterns


def _alternatives(spellings: Sequence[str]) -> list[str]:
    parts = [part for spelled in spellings for part in spelled.split("|")]
    return [part for part in parts if re.search(r"[^\W_]", part)]


def _spellings(name: str, names: Sequence[str]) -> list[str]:
    """Return the regular expressions for a name, and for what it may be called alone.

    That is its one telling word, or, of "Baseline (q101)", either part; of a longer name each word is a word
    of the language, too.
    """
    others = frozenset().union(*(words_of(other) for other in names if other != name))
    spelled = [re.escape(name)]
    parts = re.fullmatch(r"([^()]+?)\s*\(([^()]+)\)", name.strip())
    alone = [words_of(part) for part in (parts.groups() if parts else (name,))]
    telling = frozenset().union(*(words for words in alone if len(words) == 1))
    telling |= {word for word in words_of(name) if IDENTIFIER.fullmatch(word)}
    for word in telling - others:
        if len(word) > 1 and not word.isdigit():
            more = "|baseline|no[ -]mining" if word == "none" else ""
            spelled.append(re.escape(word) + more)
    return spelled
