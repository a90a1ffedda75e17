"""How many steps a run was to make, where its configuration or its log states that, and whether it made them.

A log whose axis is the epoch, next to a configuration that counts steps, looks as if it were cut off: where
as many epochs are logged as were planned, or where several runs of a group end at the same, furthest step,
that is the end of training.
"""

from __future__ import annotations

from collections.abc import Sequence

from ired_diag.runs.run import Run

# Of this project and the code that it reads, Hugging Face, Lightning, stable-baselines and others.
STEPS = (
    "train_steps",
    "max_steps",
    "trainer.max_steps",
    "train_num_steps",
    "training_steps",
    "total_steps",
    "total_timesteps",
    "num_train_steps",
    "num_training_steps",
    "max_iters",
)
EPOCHS = ("epochs", "max_epochs", "num_epochs", "n_epochs", "num_train_epochs", "trainer.max_epochs")


def planned_steps(run: Run) -> int | None:
    """Return how many steps a run was to make; None where nothing states it."""
    return _stated(run, STEPS)


def stopped_early(run: Run, siblings: Sequence[Run]) -> bool | None:
    """Say whether a log that just stops does so before the end of training; None where that is unknown.

    Args:
        run: A run whose ending is ``cut_off``.
        siblings: All runs of its group.
    """
    last = run.history.last_step
    planned = planned_steps(run)
    epochs = _stated(run, EPOCHS)
    if last is None or planned is None or last >= planned:
        return None
    if epochs is not None and last in (epochs - 1, epochs):
        return None
    last_steps = [sibling.history.last_step or 0 for sibling in siblings]
    if last_steps.count(last) > 1 and last == max(last_steps):
        return None
    return True


def _stated(run: Run, keys: Sequence[str]) -> int | None:
    for source in (run.provenance, run.configuration or {}):
        for key in keys:
            number = source.get(key)
            if isinstance(number, int) and not isinstance(number, bool) and number > 0:
                return number
    return None
