"""Histories as one JSON file: a list of numbers for each metric, or a list of rows.

    {"loss": [0.9, 0.7], "val_loss": [1.0, 0.8]}               Keras' ``History.history``, loops by hand
    {"args": {"lr": 0.1}, "train_losses": [0.9, 0.7], …}       with the settings of the run
    {"train": {"loss": [0.9, 0.7]}, "val": {"loss": […]}}      lists by their data
    {"validation_0": {"rmse": […]}, …}                         by the data of XGBoost, LightGBM, CatBoost
    {"cnn": {"val_loss": […]}, "mlp": {"val_loss": […]}}       one run for each name
    [{"epoch": 1, "loss": 0.9}, {"epoch": 2, "loss": 0.7}]     rows, as in Hugging Face's ``log_history``
    [{"epoch": 1, "train": {"loss": 0.9}, "val": {…}}, …]      rows with objects by their data

A list is a history where a loss is among the lists of its object, or where some are of training and others
of an evaluation; ``readers.data_set_names`` says which objects are data of one model, and
``readers.history_layouts`` which other layouts are understood. Lists over seeds or folds are not histories,
and neither are settings (``loss_weights``; see ``readers.settings_lists``). A list next to it that counts
steps (``epochs``) gives the steps; else values are counted from 1. What stands once (``test_loss``) is no
history and is not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile
from ired_diag.finding import Finding
from ired_diag.json_text import read_json
from ired_diag.readers import trainer_state
from ired_diag.readers.counted_rows import is_history
from ired_diag.readers.data_set_names import data_sets_in, is_history_by_data, names_data
from ired_diag.readers.history_layouts import usual_layout
from ired_diag.readers.metrics_jsonl import CONFIGURATIONS, NUMBERS, Entry, read_entries
from ired_diag.readers.row_logs import logs_of
from ired_diag.readers.scalar_log import ScalarLog
from ired_diag.readers.settings_lists import are_settings, names_a_setting
from ired_diag.readers.step_key import is_usual_step, step_in
from ired_diag.runs.metric_words import measures_in, words_of

COUNT = "place in the list"  # no metric has this name
CONTAINERS = frozenset(
    "history histories log_history training_history train_history logs log metrics curves losses".split()
)
FEWEST_VALUES = 2
MOST_LEVELS = 3
START = (b"{", b"[")

Columns = dict[str, list[Any]]


@dataclass(frozen=True, kw_only=True)
class History:
    """The history of one run in a file.

    Attributes:
        name: What the file calls the run, empty where it holds one.
        entries: Its rows.
        counter: The key that counts the steps; None where it is detected by its name.
        config: The settings that stand next to it.
        notes: What was read in one of several ways.
    """

    name: str
    entries: list[Entry]
    counter: str | None
    config: dict[str, Any]
    notes: tuple[Finding, ...] = ()


def accepts(path: Path) -> bool:
    """Say whether ``path`` is a JSON file that holds a history, and no trainer's state."""
    if path.suffix.lower() != ".json" or trainer_state.accepts(path):
        return False
    with path.open("rb") as file:
        head = file.read(64)
    if not head.lstrip().startswith(START):
        return False
    try:
        content = read_json(path)
    except ValueError:
        return False
    return any(_histories(content, config={}, name="", level=0))


def read_runs(path: Path, *, allow_torn_tail: bool = False) -> dict[str, ScalarLog]:
    """Return the metrics of each run in a file, by the name that the file gives it.

    Args:
        path: The file.
        allow_torn_tail: Has no effect: JSON that is half written cannot be read.

    Raises:
        UnreadableFile: It is not JSON, or holds no history.
    """
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"{path}: is not a JSON file ({error}).") from error
    histories = list(_histories(content, config={}, name="", level=0))
    if not histories:
        raise UnreadableFile(f"{path}: expected a list of numbers for each metric, or a list of rows.")
    if len(histories) == 1:
        histories = [replace(histories[0], name="")]  # a file with one history is that run's
    seed = content.get("seed") if isinstance(content, Mapping) else None
    runs: dict[str, ScalarLog] = {}
    for history in histories:
        for name, log in _logs(history, path).items():
            stated = dict(log.stated)
            if seed is not None:
                stated.setdefault("seed", seed)
            if history.name:
                stated["run"] = history.name
            label = _path_of(history.name, name)
            runs[label] = replace(log, stated=stated)
    return runs


def _logs(history: History, path: Path) -> dict[str, ScalarLog]:
    columns = read_entries(history.entries, history.counter, str(path))
    return logs_of(
        columns.table,
        path,
        damaged=columns.damaged,
        torn_tail=False,
        left_out=columns.left_out,
        config={**history.config, **columns.config},
        notes=[*history.notes, *columns.notes],
    )


def _histories(content: Any, *, config: Mapping[str, Any], name: str, level: int) -> Iterator[History]:
    """Yield the histories in a part of a file.

    Args:
        content: The part.
        config: The settings that stand above it.
        name: What the file calls it.
        level: How deep it stands.
    """
    content = usual_layout(content)
    if isinstance(content, list):
        rows = usual_layout([_flat(row) for row in content])
        if _are_rows_of_training(rows):
            entries = list(enumerate(rows, start=1))
            yield History(name=name, entries=entries, counter=None, config=dict(config))
        return
    if not isinstance(content, Mapping) or level > MOST_LEVELS:
        return
    own_config = {**config, **_settings(content)}
    columns = _columns(content)
    is_one = is_history(columns) or is_history_by_data(content)
    if columns and is_one and not are_settings(columns, content):
        yield _history_of(columns, config=own_config, name=name)
        return
    for key, value in content.items():
        if key.lower() in CONFIGURATIONS:
            continue
        own_name = name
        if key.lower() not in CONTAINERS:
            own_name = _path_of(name, key)
        yield from _histories(
            value,
            config=own_config,
            name=own_name,
            level=level + 1,
        )


def _flat(row: Any) -> Any:
    """Return a row with the objects that name data in it as parts of its own: ``val/loss``."""
    if not isinstance(row, Mapping):
        return row
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping) and names_data(key):
            for inner, number in value.items():
                flat[_path_of(key, inner)] = number
        else:
            flat[key] = value
    return flat


def _path_of(name: str, key: str) -> str:
    """Return a name within a name; either may be empty."""
    if name and key:
        return f"{name}/{key}"
    return name or key


def _settings(content: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in content.items():
        if key.lower() in CONFIGURATIONS and isinstance(value, Mapping):
            return dict(value)
    return {}


def _columns(content: Mapping[str, Any]) -> Columns:
    """Return the lists of numbers of an object, and those of the objects in it that name data."""
    columns = _lists_of_numbers(content)
    if _holds_models(content):
        return columns
    for data, measures in data_sets_in(content).items():
        for name, numbers in _lists_of_numbers(usual_layout(measures)).items():
            columns[f"{data}/{name}"] = numbers
    return columns


def _lists_of_numbers(content: Any) -> Columns:
    if not isinstance(content, Mapping):
        return {}
    return {key: value for key, value in content.items() if _is_list_of_numbers(value)}


def _holds_models(content: Mapping[str, Any]) -> bool:
    """Say whether an object has a history of its own under a name that is not one of data: ``cnn``."""
    for key, value in content.items():
        if names_data(key) or key.lower() in CONFIGURATIONS or key.lower() in CONTAINERS:
            continue
        if is_history(_lists_of_numbers(usual_layout(value))):
            return True
    return False


def _is_list_of_numbers(value: object) -> bool:
    if not isinstance(value, list) or len(value) < FEWEST_VALUES:
        return False
    if not all(map(_is_number_or_gap, value)):
        return False
    gaps = value.count(None)
    return gaps < len(value)


def _is_number_or_gap(item: object) -> bool:
    if isinstance(item, str):
        return item in NUMBERS
    if item is None:
        return True
    return _is_number(item)


def _is_number(item: object) -> bool:
    if isinstance(item, bool):
        return False
    return isinstance(item, int | float)


def _history_of(columns: Columns, *, config: dict[str, Any], name: str) -> History:
    """Return the history that lists of numbers are."""
    counter, steps = _steps(columns)
    entries: list[Entry] = []
    for place, step in enumerate(steps):
        row: dict[str, Any] = {}
        for key, values in columns.items():
            if place < len(values):
                row[key] = values[place]
        row[counter] = step
        entries.append((place + 1, row))
    return History(
        name=name,
        entries=entries,
        counter=counter,
        config=config,
        notes=_notes(columns) if counter == COUNT else (),
    )


def _steps(columns: Columns) -> tuple[str, Sequence[int]]:
    """Return the list that counts the steps of all others, with its name; else a count from 1."""
    longest = max(len(values) for values in columns.values())
    for name, values in columns.items():
        if not is_usual_step(name) or len(values) != longest:
            continue
        try:
            steps = [step_in(value) for value in values]
        except (ValueError, OverflowError):
            continue
        if all(after > before for before, after in pairwise(steps)):
            return name, steps
    return COUNT, range(1, longest + 1)


def _notes(columns: Columns) -> tuple[Finding, ...]:
    """Return a note where lists of different lengths are counted each by itself."""
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) == 1:
        return ()
    shortest = min(lengths, key=lambda name: lengths[name])
    longest = max(lengths, key=lambda name: lengths[name])
    statement = (
        f"The file states no steps. The values of each list are counted from 1, but {shortest} has "
        f"{lengths[shortest]} values and {longest} has {lengths[longest]}: their steps are not the same."
    )
    return (Finding("steps_counted", "note", statement, evidence={"values": lengths[longest]}),)


def _are_rows_of_training(rows: Sequence[Any]) -> bool:
    """Say whether a list holds rows that state a step, and a measure in some of them."""
    if len(rows) < FEWEST_VALUES or not all(isinstance(row, Mapping) for row in rows):
        return False
    if not any(is_usual_step(key) for key in rows[0]):
        return False
    return any(_is_measured(key, value) for row in rows for key, value in row.items())


def _is_measured(name: str, value: object) -> bool:
    if not _is_number(value):
        return False
    return bool(measures_in(words_of(name))) and not names_a_setting(name)
