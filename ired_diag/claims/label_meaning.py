"""Which group of runs does a label of a report mean?

A label means a group of runs where it names the experiment (``q101``, in whichever spelling), where it has
all words of its name but those that all groups share, or where it names the strategy that only this group
has. Where several groups share a strategy, the printed n and then the printed mean decide, if they leave one;
else the label is not resolved, and nothing is checked against the runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ired_diag.claims.agreeing_readouts import matching
from ired_diag.claims.claim import Claim
from ired_diag.claims.groups import RunGroups
from ired_diag.claims.labels import SAME, aliases, words_of
from ired_diag.claims.spellings import glued

FEWEST_GROUPS = 2  # that share a word
LETTERS_AND_NUMBER = re.compile(r"([^\W\d_]+)(\d+)")
FEWEST_NUMBERS = 3  # labels
SHORTEST_CUT = 5  # letters: "no", and three of what is left out
WITHOUT_SOMETHING = re.compile(
    r"(?:[-\u2212\u2013]\s*)?(?:w/o|without|no)[\s_-]+([^\W\d_]+(?:-[^\W\d_]+)?)"
    r"(?:\s+(?:loss|term|head|branch|module|block|objective))?",
    re.IGNORECASE,
)
FEWEST = 3  # seeds: so many distinguish a group from a single run of the same strategy


def resolve(label: str, claims: Sequence[Claim], groups: RunGroups) -> tuple[str | None, str]:
    """Return the group of runs that a label means, or None and why.

    Args:
        label: As the report has it.
        claims: Those about it alone.
        groups: The runs.
    """
    if not groups.members:
        return None, "no runs are there to hold it against"
    candidates = _called(label, groups)
    if not candidates:
        return None, "no runs of that name"
    if len(candidates) == 1:
        return candidates[0], ""
    counts = {int(claim.number.value) for claim in claims if claim.kind == "n"}
    of_that_size = _of_sizes(counts, candidates, groups)
    if len(of_that_size) == 1 and min(counts) >= FEWEST:
        return of_that_size[0], ""
    candidates = of_that_size or candidates
    agreeing = _with_a_mean_of(claims, candidates, groups)
    if len(agreeing) == 1:
        return agreeing[0], ""
    return None, f"may be any of {', '.join(sorted(candidates))}"


def _of_sizes(counts: set[int], candidates: Sequence[str], groups: RunGroups) -> list[str]:
    """Return the groups that have one of the printed numbers of seeds."""
    return [group for group in candidates if len(groups.members[group].seeds) in counts]


def _with_a_mean_of(claims: Sequence[Claim], candidates: Sequence[str], groups: RunGroups) -> list[str]:
    """Return the groups whose mean, by any readout, is one that the claims print."""
    agreeing = []
    for group in candidates:
        for claim in claims:
            if claim.kind == "mean" and matching(claim.number, group, groups):
                agreeing.append(group)
                break
    return agreeing


def _called(label: str, groups: RunGroups) -> list[str]:
    """Return the groups that a label may name: by their name, else by the strategy of their runs."""
    spellings = aliases(label)
    named = []
    for group in groups.members:
        if words_of(group) in spellings:
            named.append(group)
    if named:
        # "Q101" and "q101" are one set of words; where both are there, the same letters decide.
        exact = [group for group in named if group.lower() == label.lower()]
        # Of "ViT-S (dist.)" all words name vit_s_dist; vit_s has a part of them.
        whole = [group for group in named if words_of(group) == words_of(label)]
        return exact or whole or named
    if alike := _spelled_or_shortened(label, groups):
        return alike
    words = words_of(label)
    called = []
    for group, strategy in groups.strategies.items():
        spelled = SAME.get(strategy.lower(), strategy.lower())
        if spelled in words and group in groups.members:
            called.append(group)
    return called


def _spelled_or_shortened(label: str, groups: RunGroups) -> list[str]:
    """Return the group whose name is a label with other hyphens, or with words that all groups share.

    ``fp16`` is ``gpt_fp16`` next to ``gpt_bf16``, and ``3e-4`` is ``lr=0.0003`` next to ``lr=0.001``.
    """
    alike = [group for group in groups.members if glued(group) == glued(label)]
    if len(alike) == 1:
        return alike
    own = {group: own_words(group, groups.members) for group in groups.members}
    # "DiT-B" is ``dit_b-fid`` next to ``unet_b-fid``: its own word, and no other than those of its name.
    words_of_label = words_of(label)
    shortened = [
        group for group, words in own.items() if words and words <= words_of_label <= words_of(group)
    ]
    if shortened:
        return shortened
    spellings = aliases(label)
    alike = []
    for group, words in own.items():
        if words in spellings or _is_glued(label, words):
            alike.append(group)
    return alike or [group for group, words in own.items() if _is_cut_short(label, words)]


def _is_glued(label: str, words: frozenset[str]) -> bool:
    """Say whether a label is one word with hyphens or blanks in it: "+ R-Drop" is ``rdrop``."""
    return len(words) == 1 and glued(label) in words


def _is_cut_short(label: str, words: frozenset[str]) -> bool:
    """Say whether words are a label that something is left out, cut short: ``no_aug``, "w/o augmentation"."""
    (word, *others) = words or [""]
    if others or len(word) < SHORTEST_CUT:
        return False
    left_out = WITHOUT_SOMETHING.fullmatch(label.strip())
    return left_out is not None and f"no{glued(left_out[1])}".startswith(word)


def own_words(group: str, groups: Iterable[str]) -> frozenset[str]:
    """Return the words of a group's name without those that the names of all groups have; none if all are.

    A name that is left with a whole number alone has no short form: a number means many things.
    """
    names = list(groups)
    if len(names) < FEWEST_GROUPS:
        return frozenset()
    shared = frozenset.intersection(*map(words_of, names))
    own = words_of(group) - shared
    if not shared or all(map(str.isdigit, own)):
        return frozenset()
    return own


def numbered_groups(names: Sequence[str], groups: Sequence[str]) -> dict[str, str]:
    """Return the groups that bare numbers name: 4, 8 and 16 for ``lora_r4``, ``lora_r8`` and ``lora_r16``.

    A number means many things. These are names where each group has one, after the same letters, and the
    report has the same numbers as labels, at least three.

    Args:
        names: The labels of the report.
        groups: The names of the groups of runs.
    """
    letters = set()
    by_number = {}
    for group in groups:
        word = " ".join(own_words(group, groups))
        hit = LETTERS_AND_NUMBER.fullmatch(word)
        if hit is None:
            return {}
        letters.add(hit[1])
        by_number[hit[2]] = group
    labels = {name for name in names if name.isdigit()}
    if len(letters) != 1 or labels != set(by_number) or len(labels) < FEWEST_NUMBERS:
        return {}
    return by_number
