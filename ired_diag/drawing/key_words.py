"""The key of a configuration in words, for an axis: ``opt_steps`` becomes "optimisation steps"."""

from __future__ import annotations

import re

PARTS = re.compile(r"[\s_/-]+")
CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # learningRate
# Only what is short for one thing: "opt" alone may be an option or an optimiser.
SHORT = {
    "lr": "learning rate",
    "wd": "weight decay",
    "num": "number of",
    "dim": "dimension",
    "coef": "coefficient",
    "coeff": "coefficient",
}
PHRASES = {"opt steps": "optimisation steps", "opt step": "optimisation step"}


def key_in_words(key: str) -> str:
    """Return the last part of a key as words; a single letter stays what it is.

    >>> key_in_words("mining_opt_steps"), key_in_words("optimizer.lr"), key_in_words("num_layers")
    ('mining optimisation steps', 'learning rate', 'number of layers')
    >>> key_in_words("batchSize"), key_in_words("K"), key_in_words("weight_decay")
    ('batch size', 'K', 'weight decay')
    """
    last = key.rpartition(".")[2] or key
    words = []
    for part in PARTS.split(CAPITAL.sub("_", last)):
        is_symbol = len(part) == 1 or part.isupper()
        word = part if is_symbol else part.lower()
        words.append(SHORT.get(word, word))
    text = " ".join(filter(None, words))
    for phrase, full in PHRASES.items():
        text = re.sub(rf"\b{phrase}\b", full, text)
    return text
