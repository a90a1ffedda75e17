"""Losses of two networks against each other, which say nothing about how good a model is.

A domain classifier is fooled where its cross-entropy is ln 2 and its accuracy one half (Ganin et al. 2016,
Domain-Adversarial Training of Neural Networks, section 4): its loss rises towards the goal. The losses of a
generator and of a discriminator rise and fall with the strength of the opponent. No direction of these
improves.

An accuracy of ``adv`` examples is one under attack, and ``out_of_domain_loss`` is measured on other data:
both say how good a model is.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ired_diag.runs.metric_words import LOSSES, measures_in, words_of

OPPONENTS = frozenset("discriminator disc critic domain d".split())  # their accuracy says nothing either
PLAYERS = frozenset("generator gan adversarial adv gen g".split())
OF_DATA = frozenset(
    "in out of cross target source new other multi unseen seen per each general".split()
)  # before ``domain``

OF_DISCRIMINATOR = re.compile(r"D ?\([xG]")  # "D(x)", "D(G(z))": its answer to samples


@lru_cache(maxsize=8192)
def is_adversarial(name: str) -> bool:
    """Say whether a metric belongs to a network that another one works against.

    >>> [is_adversarial(name) for name in ("val_domain_loss", "val/loss_D", "val_gen_loss", "val_domain_acc")]
    [True, True, True, True]
    >>> [is_adversarial(name) for name in ("val_adv_acc", "val_out_of_domain_loss", "val_loss")]
    [False, False, False]
    """
    if OF_DISCRIMINATOR.match(name):
        return True
    words = words_of(name)
    measures = measures_in(words)
    if not measures:
        return False
    if PLAYERS.intersection(words):
        return all(measure in LOSSES for measure in measures)
    for i, word in enumerate(words):
        if word in OPPONENTS and not (word == "domain" and _is_data_set(words, i)):
            return True
    return False


def _is_data_set(words: tuple[str, ...], i: int) -> bool:
    """Say whether the word ``domain`` names data: out of domain, domain 2."""
    before = words[i - 1] if i else ""
    after = words[i + 1] if i + 1 < len(words) else ""
    return before in OF_DATA or after.isdigit() or len(after) == 1
