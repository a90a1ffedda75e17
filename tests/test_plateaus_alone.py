"""Where groups have no plateau in common, the note says which of them have one by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ired_diag.comparison import Comparison, compare
from ired_diag.runs.run import Run
from tests.made_runs import made_run


def group(name: str, *, n: int, tau: float) -> list[Run]:
    """Return five runs that fall by exp(-i / tau) over n evaluations."""
    runs = []
    for seed in range(5):
        rng = np.random.default_rng([n, seed])
        values = 0.5 + 3 * np.exp(-np.arange(n) / tau) + 0.01 * rng.standard_normal(n)
        runs.append(made_run(name, seed, path=Path(name), val_loss=values))
    return runs


def note_of(found: Comparison) -> str:
    (note,) = [note for note in found.notes if note.startswith("No plateau in common")]
    return note


def test_a_group_that_rests_next_to_one_that_does_not_is_named() -> None:
    fast, slow = group("fast", n=100, tau=3), group("slow", n=100, tau=25)
    found = compare({"fast": fast, "slow": slow})
    alone = compare({"fast": fast}).plateau_step
    assert alone is not None
    assert note_of(found).startswith("No plateau in common (slow/seed0: still improving")
    assert note_of(found).endswith(f"last evaluation. Taken alone there is one: fast from step {alone:g} on.")


def test_groups_that_rest_at_other_times_are_both_named() -> None:
    runs = {"short": group("short", n=40, tau=2), "late": group("late", n=200, tau=6)}
    found = compare(runs)
    steps = {name: compare({name: members}).plateau_step for name, members in runs.items()}
    assert None not in steps.values()
    told = " and ".join(f"{name} from step {steps[name]:g} on" for name in ("short", "late"))
    assert note_of(found).endswith(f"Taken alone there is one: {told}.")


def test_nothing_is_added_where_no_group_rests_or_there_is_one_group() -> None:
    slow = {name: group(name, n=100, tau=25) for name in "ab"}
    assert note_of(compare(slow)).endswith("compared by the last evaluation.")
    assert note_of(compare({"a": slow["a"]})).endswith("compared by the last evaluation.")
