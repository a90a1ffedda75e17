"""The names in a report: labels of groups, pairs of them, seeds, and where a sentence names which.

Two labels are one name where their words are the same, or where the one is a part of the other that stands
for it: ``q101``, ``Baseline (q101)``. "Ours + EMA" is not "Ours". ``none`` and ``baseline`` are one word, as
the study uses them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ired_diag.claims.spellings import SHORTEST, glued, hyphenated, with_plain_numbers

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
WITH_MORE = re.compile(r"\s*(?:\+\s*|\bw/\s*)[^\W\d]")  # "muon + decay" is another group than muon
SUFFIXES = EMPTY_WORDS | frozenset(
    "based trained only style like specific seed seeds mined side vs and to minus versus training".split()
)
UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
LOG = re.compile(
    rf"^(?:[\w./-]*/)?(?:({UUID})(?:\.\w+)?|([\w.-]+)\.(?:txt|log|out|jsonl|csv))$", re.IGNORECASE
)
IDENTIFIER = re.compile(r"[a-z]{1,3}\d{3,}(?:@\w+)?")
SEED = re.compile(r"^(?:seed|run|fold|s)?[\s_#=:]*(\d{1,6})$", re.IGNORECASE)
NO_MINING = re.compile(r"\bno[\s-]+(?:negative[\s-]+)?mining\b")
FEWEST_WORDS = 2  # of an identifier
WITH_SLASH = re.compile(r"(?<!\w)w/(?:o\b)?", re.IGNORECASE)
WITHOUT = re.compile(
    r"(?<![^\W_])(?:w/o|without|no)[\s_-]+([^\W\d_]{2,})"
)  # "w/o aug" and no_aug are one name
WITH_BRACKET = re.compile(r"([^()]+?)\s*\(([^()]+)\)")
LETTER = re.compile(r"[^\W\d_]")
ADDED = re.compile(
    r"(?P<base>[^+()]*?)\s*(?:\+|\bw/(?!o)|\bwith\b)\s*(?P<more>[^\W\d][\w -]{2,}[^\W_])", re.IGNORECASE
)
NO_STRATEGY = "none|baseline|no[ -]mining"


@lru_cache(maxsize=8192)
def words_of(label: str) -> frozenset[str]:
    """Return the words that distinguish a label from others.

    >>> sorted(words_of("Baseline (q101)")), sorted(words_of("no mining"))
    (['none', 'q101'], ['none'])
    """
    text = WITHOUT.sub(r"no\1", NO_MINING.sub("none", label.lower()))
    text = with_plain_numbers(text)
    spelled = re.findall(r"\d+\.\d+|[^\W_]+(?:@[^\W_]+)?", text)
    words = frozenset(SAME.get(word, word) for word in spelled)
    return words - EMPTY_WORDS or words


def pair_of(label: str) -> tuple[str, str] | None:
    """Return the two labels that a cell compares, None where it compares none.

    >>> pair_of("q101 vs. q102"), pair_of("none/random"), pair_of("q101")
    (('q101', 'q102'), ('none', 'random'), None)
    """
    if WITH_SLASH.search(label):  # "w/o warmup" compares nothing
        return None
    sides = VERSUS.split(label)
    if len(sides) != 2:
        return None
    first = sides[0].strip(" ():")
    second = sides[1].strip(" ():")
    if not first or not second:
        return None
    are_words = LETTER.search(first) and LETTER.search(second)
    # "1/3" and "2 - 4" are numbers; "1 vs. 3" compares two.
    if not are_words and not re.search(r"\svs\.?\s|\sversus\s", label):
        return None
    return first, second


def seed_of(label: str) -> str:
    """Return ``seed3`` for a cell that names a seed, the name of a log for one that names it, else nothing.

    >>> seed_of("Seed 3"), seed_of("3"), seed_of("q103")
    ('seed3', 'seed3', '')
    """
    if seed := SEED.match(label.strip()):
        return f"seed{int(seed[1])}"
    if log := LOG.match(label.strip()):
        return f"run {log[1] or log[2]}"
    return ""


def _parts(label: str) -> tuple[str, ...]:
    """Return X and Y of a label "X (Y)"; none of another one."""
    hit = WITH_BRACKET.fullmatch(label.strip())
    if hit is None:
        return ()
    return hit[1], hit[2]


def _identifiers(label: str) -> frozenset[str]:
    return frozenset(word for word in words_of(label) if IDENTIFIER.fullmatch(word))


@lru_cache(maxsize=8192)
def aliases(label: str) -> frozenset[frozenset[str]]:
    """Return the sets of words that may each stand for a label: its own, the parts of "X (Y)", an identifier.

    >>> sorted(sorted(words) for words in aliases("Baseline (q101)"))
    [['none'], ['none', 'q101'], ['q101']]
    """
    sets = {words_of(label)}
    for part in _parts(label):
        sets.add(words_of(part))
    for word in _identifiers(label):
        sets.add(frozenset({word}))
    sets.discard(frozenset())
    return frozenset(sets)


def same_name(label: str, names: Iterable[str]) -> str | None:
    """Return which of the names a label is; None where it is not one of them or more than one.

    >>> same_name("q101", ["Baseline (q101)"]), same_name("Ours + EMA", ["Ours"])
    ('Baseline (q101)', None)
    """
    words = words_of(label)
    if not words:
        return None
    names = list(names)
    exact = [name for name in names if words_of(name) == words]
    if len(exact) == 1:
        return exact[0]
    if exact:
        # Several names have the same words: only the same spelling decides.
        return label if label in exact else None
    spellings = aliases(label)
    alike = [name for name in names if not spellings.isdisjoint(aliases(name))]
    if len(alike) != 1:
        return None
    return alike[0]


def mentions(text: str, names: Sequence[str]) -> list[tuple[int, str]]:
    """Return where a text names which group, in reading order; a name inside a longer one is left out.

    >>> mentions("random is worse than none", ["none", "random"])
    [(0, 'random'), (21, 'none')]
    """
    return [(start, name) for start, _, name in mention_spans(text, names)]


def mention_spans(text: str, names: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return where each mention of a group starts and ends, in reading order."""
    spans: list[tuple[int, int, str]] = []
    hits = _longest_hits(text, names)
    last_end = 0
    for start in sorted(hits):
        end, name = hits[start]
        if start >= last_end:
            spans.append((start, end, name))
            last_end = end
    return spans


def _longest_hits(text: str, names: Sequence[str]) -> dict[int, tuple[int, str]]:
    """Return by start the end and the name of the longest mention there."""
    hits: dict[int, tuple[int, str]] = {}
    lowered = text.lower()
    for name, words, pattern in _patterns(tuple(names)):
        # To search for a word is much faster than to match the pattern.
        if not any(word in lowered for word in words):
            continue
        for hit in pattern.finditer(text):
            start, end = hit.span()
            longest, _ = hits.get(start, (start, ""))
            if end > longest and not _is_part_of_another(text, start, end, names):
                hits[start] = (end, name)
    return hits


def _is_part_of_another(text: str, start: int, end: int, names: Sequence[str]) -> bool:
    """Say whether a mention is a part of a compound that names another group ("muon-large", "non-muon")."""
    if re.search(r"\bnon-$", text[max(0, start - 4) : start], re.IGNORECASE):
        return True
    if WITH_MORE.match(text, end):
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
        if not re.search(r"[^\W\d_]|%", name):
            continue
        spellings = _spellings(name, names)
        longest_first = "|".join(sorted(spellings, key=len, reverse=True))
        flags = re.IGNORECASE
        if len(name) == 1:  # "A performs as a whole"
            flags = re.NOFLAG
        # "UNet++" is no UNet, and "muon+wd" is no muon.
        pattern = re.compile(rf"(?<![\w@])(?<!\w\+)(?:{longest_first})(?![\w@+]){NO_NAME}", flags)
        patterns.append((name, _words_of_spellings(spellings), pattern))
    return patterns


def _words_of_spellings(spellings: Sequence[str]) -> tuple[str, ...]:
    """Return the first word of each spelling: a text that has none of them mentions no name."""
    words = []
    for alternative in "|".join(spellings).split("|"):
        bare = alternative.replace("\\", " ").lower()
        words += re.findall(r"[^\W_]+", bare)[:1]
    return tuple(words)


def _without_sign(name: str, names: Sequence[str]) -> list[str]:
    """Return the regular expressions for what a label adds: "+ R-Drop" is R-Drop, "CNN + CutMix" CutMix."""
    added = ADDED.fullmatch(name)
    if added is None or added["more"] in names:
        return []
    more = re.escape(added["more"])
    if not added["base"]:
        return [more]
    is_other_name = words_of(added["base"]) in map(words_of, names)
    is_proper = re.search(r"[A-Z]", added["more"]) is not None
    others = [other for other in names if other != name]
    is_shared = any(words_of(added["more"]) <= words_of(other) for other in others)
    if not is_other_name or not is_proper or is_shared:
        return []
    return [f"(?-i:{more})"]


def _with_hyphens(word: str) -> str:
    """Return the regular expression for a word that may have hyphens between its letters: QK-norm."""
    if len(word) < SHORTEST or not word.isalpha():
        return re.escape(word)
    return "-?".join(word)


def _with_blanks(name: str) -> str:
    """Return the regular expression for an identifier with its words apart: ``cnn_aug`` is CNN + aug."""
    words = [word for word in name.split("_") if word]
    if len(words) < FEWEST_WORDS or not all(map(str.isalnum, words)):
        return ""
    return r"(?:[\s_-]|\s*\+\s*)".join(map(_with_hyphens, words))


def _before_bracket(name: str, names: Sequence[str]) -> list[str]:
    """Return the regular expression for X of "X (Y)", where it is a proper name of this label alone."""
    parts = _parts(name)
    if not parts or not re.search(r"[A-Z\d]", parts[0]):
        return []
    words = words_of(parts[0])
    others = [other for other in names if other != name]
    if len(words) < FEWEST_WORDS or any(words <= words_of(other) for other in others):
        return []
    return [re.escape(parts[0])]


def _spellings(name: str, names: Sequence[str]) -> list[str]:
    """Return the regular expressions for a name, and for what it may be called alone.

    That is its one telling word, or, of "Baseline (q101)", either part; of a longer name each word is a word
    of the language, too.
    """
    others: set[str] = set()
    for other in names:
        if other != name:
            others |= words_of(other)
    alone = set(_identifiers(name))
    for part in _parts(name) or (name,):
        words = words_of(part)
        if len(words) == 1:
            alone |= words
    spelled = [re.escape(name), *_without_sign(name, names)]
    if spaced := _with_blanks(name):
        spelled.append(spaced)
    for part in _parts(name):
        if part not in names and re.search(r"\+|\bw/", part):
            spelled.append(re.escape(part))
    spelled += _before_bracket(name, names)
    if glued(name) not in map(glued, set(names) - {name}):
        spelled += hyphenated(name)
    for word in sorted(alone - others):
        if word == "none":
            spelled.append(NO_STRATEGY)
        elif len(word) > 1 and not word.isdigit():
            spelled.append(re.escape(word))
    return spelled
