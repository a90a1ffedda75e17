"""The names of a report's groups: its labels, and the groups of runs that it mentions besides.

"Baseline (q101)" in a table and "baseline" in a sentence are one group. Two rows of one table are two:
"ViT-S" and "ViT-S (dist.)". A group of runs may be called by what its name has alone: ``fp16`` next to
``gpt_bf16``, LoRA for ``whisper-small-lora``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ired_diag.claims.claim import Claim
from ired_diag.claims.label_meaning import own_words
from ired_diag.claims.labels import mention_spans, mentions, same_name
from ired_diag.runs.study import Study

MODEL_WORD = re.compile(r"(?=.*\d)(?=.*[a-z])\w{3,}")
TOKEN = re.compile(r"[^\W_]+")
CAPITAL_INSIDE = re.compile(r"\w.*[A-Z]")
SHORTEST = 3  # letters of a short name that is set apart
EMPHASIS_BEFORE = re.compile(r"(?:\*\*|__|`|^\s*(?:[-*+]|\d+[.)])\s+|^#+\s+)$", re.MULTILINE)
EMPHASIS_AFTER = re.compile(r"\*\*|__|`|\s*:|\s*$", re.MULTILINE)


def names_in(text: str, claims: Sequence[Claim], study: Study | None) -> list[str]:
    """Return the report's labels, each group once, and the groups of runs that it names besides.

    Args:
        text: The report.
        claims: Of its tables and code blocks.
        study: The runs.
    """
    names = _names_of_labels(claims)
    for name in _names_of_runs(study):
        if mentions(text, [name]):
            _add(name, names)
    for short in _short_names(study, text):
        _add(short, names)
    return names


def _add(name: str, names: list[str]) -> None:
    """Add a name to others, unless it is another spelling of one of them."""
    if same_name(name, names) is None:
        names.append(name)


def _names_of_labels(claims: Iterable[Claim]) -> list[str]:
    """Return the labels, each group once; labels of two rows of one table are two groups."""
    names: list[str] = []
    for label, rivals in _labels_with_rivals(claims).items():
        known = same_name(label, names)
        is_new = known is None
        is_rival = known in rivals and label not in names
        if is_new or is_rival:
            names.append(label)
    return names


def _labels_with_rivals(claims: Iterable[Claim]) -> dict[str, set[str]]:
    """Return each label, with the labels of other rows of its tables."""
    labels_of: defaultdict[int, set[str]] = defaultdict(set)
    tables_of: defaultdict[str, set[int]] = defaultdict(set)
    for claim in claims:
        for label in claim.groups:
            labels_of[claim.table].add(label)
            tables_of[label].add(claim.table)
    rivals = {}
    for label, tables in tables_of.items():
        others: set[str] = set()
        for table in filter(None, tables):
            others |= labels_of[table]
        rivals[label] = others - {label}
    return rivals


def _short_names(study: Study | None, text: str) -> list[str]:
    """Return what groups of runs are called in a text by the words that no other group has.

    "Large" is a word of the language, too: a short name needs a digit, capitals as in "LoRA" and "AdamW", or
    it is set apart as a name is, in bold, as code, or at the head of a list item.
    """
    if study is None:
        return []
    groups = list(study.groups())
    short: list[str] = []
    for group in groups:
        if len(own_words(group, groups)) != 1:
            continue
        name = _without_shared_ends(group, groups)
        if _is_called(name, text):
            short.append(name)
    return short


def _is_called(name: str, text: str) -> bool:
    """Say whether a text mentions a short name as a name."""
    spans = mention_spans(text, [name])
    if spans and MODEL_WORD.fullmatch(name.lower()):
        return True
    return any(_is_set_apart(text, start, end) for start, end, _ in spans)


def _without_shared_ends(group: str, groups: Sequence[str]) -> str:
    """Return the name of a group without the first and last words that all groups share.

    >>> _without_shared_ends("PPO_no_norm", ["PPO_baseline", "PPO_no_norm"])
    'no_norm'
    """
    forwards = []
    backwards = []
    for name in groups:
        words = TOKEN.findall(name.lower())
        forwards.append(words)
        backwards.append(words[::-1])
    shortest = min(map(len, forwards))
    first = _count_shared(forwards, shortest - 1)
    last = _count_shared(backwards, shortest - 1 - first)
    own = list(TOKEN.finditer(group))
    kept = own[first : len(own) - last]
    start = kept[0].start()
    end = kept[-1].end()
    return group[start:end]


def _count_shared(words_of_groups: Sequence[Sequence[str]], most: int) -> int:
    """Return with how many equal words all names start, at most a given number."""
    count = 0
    for words in zip(*words_of_groups, strict=False):
        if count == most or len(set(words)) != 1:
            break
        count += 1
    return count


def _is_set_apart(text: str, start: int, end: int) -> bool:
    """Say whether a mention is spelled or set as a name is."""
    if end - start < SHORTEST:
        return False
    if CAPITAL_INSIDE.match(text[start:end]):
        return True
    is_opened = EMPHASIS_BEFORE.search(text[:start]) is not None
    return is_opened and EMPHASIS_AFTER.match(text, end) is not None


def _names_of_runs(study: Study | None) -> list[str]:
    """Return the names of the groups of runs, then those of their mining strategies."""
    if study is None:
        return []
    groups = study.groups()
    strategies = set()
    for runs in groups.values():
        configuration = runs[0].configuration or {}
        strategies.add(str(configuration.get("mining_strategy", "")))
    return [*groups, *sorted(strategies - {"", "None"})]
