"""How many steps a run was to make, where its configuration or its log states that, and whether it made them.

A log whose axis is the epoch, beside a configuration that counts steps, looks as if it were cut off: where as
many epochs are logged as were planned, or where several runs of a group end at the same, furthest step, that
is the end of training.
"""

from __future__ import annotations

from collections.abc import Sequence

from ired_diag.runs.run import Run

# Of IRED and this project, Hugging Face, Lightning, stable-baselines and others.
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
    last, planned, epochs = run.history.last_step, planned_steps(run), _stated(run, EPOCHS)
    if last is None or planned is None or last >= planned:
        return None
    if epochs is not None and last in (epochs - 1, epochs):
        return None
    ends = [other.history.last_step or 0 for other in siblings]
    return None if ends.count(last) > 1 and last == max(ends) else True


def _stated(run: Run, keys: Sequence[str]) -> int | None:
    stated = [run.provenance.get(key) for key in keys]
    stated += [(run.configuration or {}).get(key) for key in keys]
    whole = [n for n in stated if isinstance(n, int) and not isinstance(n, bool) and n > 0]
    return whole[0] if whole else None
