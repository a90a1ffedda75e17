"""Which logged metric tells how good a model is.

Logs name it as they like: ``validation/mse``, ``val_loss`` (Lightning), ``eval_loss`` (Hugging Face). A name
is split into its words; one that says the split and one that says the measure make an evaluation, of which
less is better. A run that logs none is judged by its training loss, and messages name the metric.
"""

from __future__ import annotations

import re
from collections.abc import Collection

USUAL = "validation/mse"

# From the most to the least telling.
SPLITS = ("validation", "valid", "val", "eval", "dev", "test")
TRAINING = ("train", "training")
MEASURES = ("mse", "loss", "nll", "bpd", "rmse", "mae", "error", "perplexity", "ppl")
PERIODS = ("epoch", "step", "mean", "avg", "total")  # Lightning's and others' last word


def evaluation_metric(names: Collection[str]) -> str | None:
    """Return the metric, among those logged, that tells how good a model is; None where none does.

    >>> evaluation_metric(["loss", "eval_loss", "eval_accuracy", "learning_rate"])
    'eval_loss'
    >>> evaluation_metric(["train/loss", "grad_norm"])
    'train/loss'
    """
    if USUAL in names:
        return USUAL
    ranked = [(rank, name) for name in names if (rank := _rank(name)) is not None]
    return min(ranked)[1] if ranked else None


def training_metric(metric: str, names: Collection[str]) -> str | None:
    """Return the metric of training that measures what an evaluation does; None where none is logged.

    >>> training_metric("validation/mse", ["train/loss", "train/mse_error"])
    'train/mse_error'
    >>> training_metric("eval_loss", ["loss", "grad_norm"])
    'loss'
    """
    measure = next((word for word in reversed(_words(metric)) if word in MEASURES), None)
    same = [[measure], [measure, "error"]]
    twins = [
        name for name in names if [w for w in _words(name) if w not in TRAINING] in same and name != metric
    ]
    if measure is None or not twins:
        return None
    return min(twins, key=lambda name: (len(_words(name)), name))


def _words(name: str) -> list[str]:
    """Return the words of a name, those at its end that only say over what it was averaged left out."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    while len(words) > 1 and words[-1] in PERIODS:
        words.pop()
    return words


def _rank(name: str) -> tuple[int, int, int] | None:
    """Return how telling a metric is, the least the most; None where it measures nothing that should fall."""
    words = _words(name)
    if not words or words[-1] not in MEASURES:
        return None
    others = words[:-1]
    split = next((number for number, word in enumerate(SPLITS) if word in others), None)
    if split is None:
        if others and not set(others) <= set(TRAINING):
            return None  # one part of a loss, or a measure of something else
        split = len(SPLITS)
    return split, MEASURES.index(words[-1]), len(words)
