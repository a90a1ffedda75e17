"""Tables of a training without a column that counts steps: their rows are counted.

    ,loss,accuracy,val_loss              pandas' index of a Keras history
    training_loss, val_loss, time        one row an epoch, by hand
    {"length": 154, "reward": 0.1}       one line an episode

A row is one of a training where all names are measures or clocks, and among them are a loss, the same data of
training and of an evaluation, or what an episode pays. A name of anything else (``rank``, ``threshold``, an
id) says that rows are results of different settings or of different samples, whose order means nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ired_diag.finding import Finding
from ired_diag.runs.metric_words import (
    LOSSES,
    PLAYED,
    SPLITS,
    TEST_SPLITS,
    TRAINING,
    measures_in,
    words_of,
)

COUNT = "step"
INDEX = frozenset(("", "unnamed: 0", "index"))  # of a pandas table
EVALUATED = frozenset((*SPLITS, *TEST_SPLITS))
CLOCKS = frozenset(
    "time sec secs seconds ms duration elapsed lr rate learning length len l steps achievement".split()
)
NO_ROWS = frozenset("seed seeds fold folds trial trials run runs".split())


def is_history(names: Collection[str]) -> bool:
    """Say whether columns of these names are over the steps of a training, and not over seeds.

    >>> is_history(["loss"]), is_history(["accuracy"]), is_history(["train_acc", "val_acc"])
    (True, False, True)
    """
    words = [frozenset(words_of(name)) for name in names]
    if any(own & NO_ROWS for own in words):
        return False
    measures = [own for own in words if measures_in(sorted(own))]
    has_loss = any(own & frozenset(LOSSES) for own in measures)
    has_training = any(own & frozenset(TRAINING) for own in measures)
    has_evaluation = any(own & EVALUATED for own in measures)
    return has_loss or (has_training and has_evaluation)


def may_be_counted(names: Collection[str]) -> bool:
    """Say whether rows with these names, and no step, are those of a training.

    >>> may_be_counted(["", "loss", "val_loss"]), may_be_counted(["lora_rank", "train_loss"])
    (True, False)
    """
    own = [name for name in names if name.strip().lower() not in INDEX]
    if len(own) < 2 or not all(map(_is_measure_or_clock, own)):
        return False
    pays = any(frozenset(words_of(name)) & PLAYED for name in own)
    return is_history(own) or pays


def index_of(names: Sequence[str]) -> int | None:
    """Return the place of the column in which pandas counts the rows; None where there is none."""
    if names and names[0].strip().lower() in INDEX:
        return 0
    return None


def count_note(rows: int) -> Finding:
    """Return the note that rows are counted."""
    statement = f"No column counts the steps: the {rows} rows are counted."
    return Finding("rows_counted", "note", statement, evidence={"rows": rows})


def _is_measure_or_clock(name: str) -> bool:
    words = words_of(name)
    return bool(measures_in(words)) or not CLOCKS.isdisjoint(words)
