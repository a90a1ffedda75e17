"""Which key of a log counts the steps, and what a number looks like in text.

Lightning counts in ``step``, wandb in ``_step`` or, exported from a panel, in ``Step``, Hugging Face in
``step``, Ray in ``training_iteration``, Stable-Baselines3 in ``time/total_timesteps``; epochs are taken last,
because most logs state them next to the steps. Upper case, spaces and hyphens in a name do not matter. A
key whose values are not whole numbers counts nothing where another one does. One key counts for a whole
log.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from ired_diag.errors import UnreadableFile

STEP_KEYS = (
    "step",
    "trainer/global_step",
    "global_step",
    "_step",
    "steps",
    "train_step",
    "training_step",
    "total_steps",
    "iteration",
    "iter",
    "iterations",
    "training_iteration",
    "time/total_timesteps",
    "total_timesteps",
    "misc/total_timesteps",
    "timesteps_total",
    "num_timesteps",
    "timesteps",
    "timestep",
    "n_updates",
    "train/n_updates",
    "nupdates",
    "num_updates",
    "update",
    "time/iterations",
    "kimg",
    "round",
    "rounds",
    "communication_round",
    "comm_round",
    "global_round",
    "generation",
    "global_episode",
    "total_episodes",
    "episode",
    "episodes",
    "epoch",
    "epochs",
    "_epoch",
)
MAX_STEP = 2**63 - 1
MAX_EXACT = 2**53  # beyond it, not every whole number is a float

NUMBER = re.compile(
    r"\s*[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|nan|inf(?:inity)?)\s*", re.I | re.ASCII
)


def step_keys(names: Collection[str], chosen: str | None, where: str) -> list[str]:
    """Return the names of the keys that may count the steps, the best first.

    Args:
        names: The keys of a log.
        chosen: The user's choice among them, if any.
        where: The file, for the message.

    Raises:
        UnreadableFile: None of the usual keys is there, or not the chosen key.

    >>> step_keys(["epoch", "Global Step", "loss"], None, "log.csv")
    ['Global Step', 'epoch']
    """
    if chosen is not None:
        keys = [name for name in names if name == chosen]
    else:
        keys = _usual_keys(names)
    if keys:
        return keys
    listed = ", ".join(map(repr, list(names)[:12])) or "none"
    expected = chosen if chosen is not None else "step, iteration, epoch and the like"
    raise UnreadableFile(
        f"{where}: expected a column or key that counts steps ({expected}), found {listed}. If one of them "
        "counts the steps, name it with --step COLUMN."
    )


def is_usual_step(name: str) -> bool:
    """Say whether a key has a name that usually counts steps.

    >>> is_usual_step("Global Step"), is_usual_step("loss")
    (True, False)
    """
    return _plain(name) in STEP_KEYS


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def _usual_keys(names: Collection[str]) -> list[str]:
    """Return the names that usually count steps, in the order of ``STEP_KEYS``."""
    keys = []
    for name in names:
        if is_usual_step(name):
            keys.append((STEP_KEYS.index(_plain(name)), name))
    keys.sort(key=lambda key: key[0])
    return [name for _, name in keys]


def find_step_key(names: Collection[str], chosen: str | None, where: str) -> str:
    """Return the name of the key that counts the steps, by its name alone.

    Raises:
        UnreadableFile: None of the usual keys is there, or not the chosen key.

    >>> find_step_key(["epoch", "Step", "loss"], None, "log.csv")
    'Step'
    """
    return step_keys(names, chosen, where)[0]


def choose_step_key(keys: Sequence[str], values: Mapping[str, Sequence[object]]) -> str:
    """Return the first key whose values are mostly whole numbers, else the first of all.

    A later key that counts the rows is preferred to a count that goes up and down, or stands still: in
    ``Episode,Reward,Steps``, ``Steps`` is the length of an episode.

    Args:
        keys: The names of keys that may count the steps, the best first.
        values: What the log holds under each; only values that are stated.
    """
    whole = []
    for key in keys:
        steps = [value for value in values[key] if _is_step(value)]
        if 2 * len(steps) >= max(1, len(values[key])):
            whole.append(key)
    if not whole:
        return keys[0]
    first = whole[0]
    if not _goes_up_and_down(values[first]):
        return first
    counting = [key for key in whole if _counts_rows(values[key])]
    return counting[0] if counting else first


def _goes_up_and_down(values: Sequence[object]) -> bool:
    """Say whether a count goes back in one row of ten, or stands still in nine of ten."""
    changes = _changes(values)
    back = sum(change < 0 for change in changes)
    forward = sum(change > 0 for change in changes)
    return len(changes) > 1 and (10 * back > len(changes) or 10 * forward <= len(changes))


def _counts_rows(values: Sequence[object]) -> bool:
    """Say whether a count goes on with nearly each row."""
    changes = _changes(values)
    forward = sum(change > 0 for change in changes)
    return len(changes) > 0 and 10 * forward >= 9 * len(changes)


def _changes(values: Sequence[object]) -> list[int]:
    steps = [step_in(value) for value in values if _is_step(value)]
    return [after - before for before, after in pairwise(steps)]


def _is_step(value: object) -> bool:
    try:
        step_in(value)
    except (ValueError, OverflowError):
        return False
    return True


def number_in(text: str) -> float:
    """Return the number in a text; a ``ValueError`` where the text is not a number, or too large.

    >>> number_in("-Infinity"), number_in("1e-3")
    (-inf, 0.001)
    """
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a number")
    value = float(text)
    if math.isinf(value) and "inf" not in text.lower():
        raise ValueError(f"{text[:40]!r} is too large")
    return value


def step_in(value: object) -> int:
    """Return the step that a number or a text states; a ``ValueError`` where it is not a whole number.

    >>> step_in("3"), step_in(40.0)
    (3, 40)
    """
    step = value
    if isinstance(value, str):
        text = value.strip()
        step = int(text) if re.fullmatch(r"[-+]?[0-9]{1,19}", text) else number_in(text)
    if isinstance(step, float) and step.is_integer() and abs(step) <= MAX_EXACT:
        step = int(step)
    if type(step) is not int or abs(step) > MAX_STEP:
        raise ValueError(f"the step {str(step)[:40]!r} is not a whole number")
    return step


def torn_message(where: str, end: str) -> str:
    """Return the message for a log whose end is only half written."""
    return (
        f"{where}: expected a whole line, found {end!r}. If a killed job tore the last line, pass "
        "allow_torn_tail=True (command line: --allow-torn-tail)."
    )
