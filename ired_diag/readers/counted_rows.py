"""Tables of a training without a column that counts steps: their rows are counted.

    ,loss,accuracy,val_loss              pandas' index of a Keras history
    training_loss, val_loss, time        one row an epoch, by hand
    {"length": 154, "reward": 0.1}       one line an episode

A row is one of a training where all names are measures or clocks, and among them are a loss, the same data of
training and of an evaluation, or what an episode pays. A name of anything else (``rank``, ``threshold``, an
id) says that rows are results of different settings or of different samples, whose order means nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from ired_diag.finding import Finding
from ired_diag.runs.metric_words import (
    LOSSES,
    SPLITS,
    TEST_SPLITS,
    TRAINING,
    measures_in,
    words_of,
)

COUNT = "step"
INDEX = frozenset(("", "unnamed: 0", "index"))  # of a pandas table
EVALUATED = frozenset((*SPLITS, *TEST_SPLITS))
PAID = frozenset("reward rew return ret".split())  # for an episode; a score may be F1's
OF_TRAINING = frozenset(TRAINING)
LOSS_WORDS = frozenset(LOSSES)
CLOCKS = frozenset(
    "time sec secs seconds ms duration elapsed lr rate learning length len l steps achievement".split()
)
NO_ROWS = frozenset("seed seeds fold folds trial trials run runs".split())


def is_history(names: Collection[str]) -> bool:
    """Say whether columns of these names are over the steps of a training, and not over seeds.

    >>> is_history(["loss"]), is_history(["accuracy"]), is_history(["train_acc", "val_acc"])
    (True, False, True)
    """
    of_training = False
    of_evaluation = False
    for name in names:
        words = words_of(name)
        if not NO_ROWS.isdisjoint(words):
            return False
        if not measures_in(words):
            continue
        if not LOSS_WORDS.isdisjoint(words):
            return True
        of_training |= not OF_TRAINING.isdisjoint(words)
        of_evaluation |= not EVALUATED.isdisjoint(words)
    return of_training and of_evaluation


def may_be_counted(names: Collection[str]) -> bool:
    """Say whether rows with these names, and no step, are those of a training.

    >>> may_be_counted(["", "loss", "val_loss"]), may_be_counted(["lora_rank", "train_loss"])
    (True, False)
    """
    own = []
    for name in names:
        if not is_index(name):
            own.append(name)
    if len(own) < 2:
        return False
    if not all(map(_is_measure_or_clock, own)):
        return False
    return is_history(own) or any(map(_is_paid, own))


def is_index(name: str) -> bool:
    """Say whether a column is the one in which pandas counts the rows."""
    return name.strip().lower() in INDEX


def count_note(rows: int, *, by_index: bool = False) -> Finding:
    """Return the note that rows are counted, here or by pandas' index."""
    how = f"the {rows} rows are counted"
    if by_index:
        how = f"the index of the {rows} rows does"
    return Finding(
        "rows_counted",
        "note",
        f"No column counts the steps: {how}.",
        evidence={"rows": rows},
    )


def _is_paid(name: str) -> bool:
    words = words_of(name)
    return not PAID.isdisjoint(words)


def _is_measure_or_clock(name: str) -> bool:
    words = words_of(name)
    if measures_in(words):
        return True
    return not CLOCKS.isdisjoint(words)
