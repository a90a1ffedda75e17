"""Optuna's table of trials (``study.trials_dataframe()``) as a table of results.

    number,value,params_lr,params_depth,user_attrs_seed,state       seed,settings,value
    0,0.31,0.1,2,7,COMPLETE                                         7,lr=0.1/depth=2,0.31
    1,0.52,0.3,2,7,PRUNED                                           7,lr=0.3/depth=2,

The settings of a trial name its experiment, and ``user_attrs_seed`` or a parameter ``seed`` is its seed;
without one its number stands for the seed. Only a trial that is complete has a result: ``value`` of a pruned
one is what it had reached when it was stopped. Times and other attributes are left out.

Reference: optuna.study.Study.trials_dataframe, and optuna.trial.TrialState for the states.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from ired_diag.readers.run_columns import SEEDS
from ired_diag.readers.table_cells import Row

NUMBER = "number"
STATE = "state"
COMPLETE = "COMPLETE"
PARAMETER = "params_"
ATTRIBUTE = "user_attrs_"
VALUE = re.compile(r"values?(?:_.+)?")  # value, values_0, values_<name of the metric>

Numbered = Sequence[tuple[int, Row]]


def is_table_of_trials(header: Sequence[str]) -> bool:
    """Say whether columns are those of Optuna's table of trials.

    >>> is_table_of_trials(["number", "value", "params_lr", "state"]), is_table_of_trials(["number", "value"])
    (True, False)
    """
    if NUMBER not in header or STATE not in header:
        return False
    has_parameters = any(name.startswith(PARAMETER) for name in header)
    return has_parameters and bool(_values(header))


def results_of_trials(header: Row, rows: Numbered) -> tuple[Row, list[tuple[int, Row]]]:
    """Return a table with the seed or number, the settings and the values of each trial."""
    place_of = {name: i for i, name in enumerate(header)}
    seed = _seed_column(header)
    values = _values(header)
    settings = [name for name in header if name.startswith(PARAMETER) and name != seed]
    results = []
    for number, row in rows:
        cells = [
            row[place_of[seed]],
            _settings_of(row, settings, place_of),
        ]
        is_complete = _state(row, place_of[STATE]) == COMPLETE
        for name in values:
            value = row[place_of[name]]
            cells.append(value if is_complete else "")
        results.append((number, cells))
    counter = "seed"
    if seed == NUMBER:
        counter = "trial"
    return [counter, "settings", *values], results


def _values(header: Sequence[str]) -> list[str]:
    """Return the columns of what was optimised."""
    return [name for name in header if VALUE.fullmatch(name)]


def _state(row: Row, place: int) -> str:
    """Return the state of a trial: ``TrialState.COMPLETE`` is COMPLETE."""
    _, _, state = row[place].rpartition(".")
    return state


def note_on_trials(header: Row, rows: Numbered) -> str:
    """Return what was taken for what in a table of trials, and how many have no result."""
    seed = _seed_column(header)
    words = f"{seed!r} is their seed"
    if seed == NUMBER:
        words = "their numbers are shown as seeds"
    sentence = f"Optuna's trials: their settings name the experiments, and {words}."
    place = header.index(STATE)
    unfinished: Counter[str] = Counter()
    for _, row in rows:
        state = _state(row, place)
        if state != COMPLETE:
            unfinished[state] += 1
    if not unfinished:
        return sentence
    counts = [f"{count} {state}" for state, count in sorted(unfinished.items())]
    listed = ", ".join(counts)
    return f"{sentence} {unfinished.total()} of {len(rows)} trials have no result ({listed})."


def _seed_column(header: Sequence[str]) -> str:
    """Return the column that holds the seed of a trial, else that of its number."""
    for name in header:
        bare = name.removeprefix(PARAMETER)
        bare = bare.removeprefix(ATTRIBUTE)
        if bare in SEEDS:
            return name
    return NUMBER


def _settings_of(row: Row, names: Sequence[str], place_of: Mapping[str, int]) -> str:
    """Return the settings of a trial in words; a parameter that it does not have is left out."""
    stated = []
    for name in names:
        cell = row[place_of[name]]
        if not cell:
            continue
        key = name.removeprefix(PARAMETER)
        stated.append(f"{key}={cell}")
    return "/".join(stated)
