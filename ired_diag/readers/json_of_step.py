"""A JSON file for each evaluation of a run: AllenNLP's ``metrics_epoch_3.json``, ``val_epoch_3.json``.

    {"epoch": 3, "training_loss": 0.41, "validation_loss": 0.52, "best_validation_loss": 0.5}

A file holds one object of numbers. Its step is the object's own count, else the number in its name after
``epoch``, ``step`` or ``iter``; a number in a name that is neither is that of a seed or a run, and such
files are not read here. The files of one folder are one run where their names differ in the step and the part
of the data alone, they state one seed, and no two state one metric at one step. How good the best evaluation
so far was is left out: it is no measurement of its step.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.json_object import read_json_object
from ired_diag.readers.replacements import with_replacements
from ired_diag.readers.scalar_log import Points, ScalarLog
from ired_diag.readers.split_tables import PARTS
from ired_diag.readers.step_key import choose_step_key, step_in, step_keys
from ired_diag.readers.text_fields import with_split
from ired_diag.runs.evaluation_metric import evaluation_metric
from ired_diag.runs.history import History, Row
from ired_diag.runs.metric_words import measures_in, words_of
from ired_diag.runs.place import GENERIC
from ired_diag.runs.run import Run

FORMAT_NAME = "json_of_step"
NAME = re.compile(
    r"(?i)(?P<stem>(?:.*[_.-])?)(?P<counter>epoch|step|iter|iteration|global_step)[_.=-]?(?P<step>\d{1,15})"
    r"(?P<rest>[_.-][A-Za-z_-]+)?\.json"
)
MOST_BYTES = 1 << 20


def accepts(path: Path) -> bool:
    """Say whether a file's name holds a step, and the file an object with a measure of quality."""
    if not NAME.fullmatch(path.name) or path.stat().st_size > MOST_BYTES:
        return False
    try:
        numbers = _numbers(read_json_object(path))
    except DiagError:
        return False
    return any(measures_in(words_of(name)) for name in numbers)


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the metrics of one step.

    Raises:
        UnreadableFile: It is no JSON object with numbers.
    """
    del allow_torn_tail  # half an object cannot be read
    content = read_json_object(path)
    name = NAME.fullmatch(path.name)
    numbers = _numbers(content)
    if name is None or not numbers:
        raise UnreadableFile(f"{path}: expected an object of numbers, with the step in the file's name.")
    counter, step = _step(content, int(name["step"]))
    points = {}
    for metric, value in numbers.items():
        if metric not in (counter, "seed") and "best" not in words_of(metric):
            points[metric] = Points(np.array([step], dtype=np.int64), np.array([value], dtype=np.float64))
    seed = content.get("seed")
    is_seed = isinstance(seed, int) and not isinstance(seed, bool)
    return ScalarLog(points=points, stated={"seed": seed} if is_seed else {})


def _step(content: Mapping[str, Any], of_name: int) -> tuple[str, int]:
    """Return the key of an object's own count and its value, else no key and the number in the name."""
    try:
        keys = step_keys(content, None, "")
        counter = choose_step_key(keys, {key: [content[key]] for key in keys})
        return counter, step_in(content[counter])
    except (UnreadableFile, ValueError, OverflowError):
        return "", of_name


def _numbers(content: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    numbers: dict[str, float] = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            numbers |= _numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers[f"{prefix}{name}"] = float(value) if abs(value) < math.inf else value
    return numbers


def join_steps(attempts: Iterable[Run]) -> list[Run]:
    """Return attempts; the files of the steps of one run are that run."""
    attempts = list(attempts)
    runs: dict[tuple[Path, str, int | None], list[Run]] = defaultdict(list)
    for attempt in attempts:
        if attempt.format == FORMAT_NAME:
            runs[attempt.path.parent, " ".join(_names_in(attempt)), attempt.seed].append(attempt)
    joined: dict[int, Run | None] = {}
    for members in runs.values():
        run = _joined(members)
        if run is not None:
            joined |= {id(member): None for member in members}
            joined[id(members[0])] = run
    return with_replacements(attempts, joined)


def _joined(files: Sequence[Run]) -> Run | None:
    """Return the run of several files, named by what they have in common and their folder.

    None where two of them hold one metric at one step: they are of several runs.
    """
    rows = []
    seen: set[tuple[int, str]] = set()
    parts = {_part(file) for file in files}
    for file in files:
        part = _part(file) if len(parts) > 1 else ""
        for row in file.history.rows():
            values = {with_split(name, part) if part else name: value for name, value in row.values.items()}
            cells = {(row.step, name) for name in values}
            if seen & cells:
                return None
            seen |= cells
            rows.append(Row(row.step, values))
    history = History.of(rows)
    metric = evaluation_metric(history.series)
    first = min(files, key=lambda file: file.path.name)
    own_name = "_".join(_names_in(first))
    return replace(
        first,
        history=history,
        evaluations=len(history.series[metric]) if metric else 0,
        names=(*filter(None, [own_name]), *first.names[1:]),
        sources=tuple(sorted(source for file in files for source in file.sources)),
    )


def _words_of_name(file: Run) -> list[str]:
    name = NAME.fullmatch(file.path.name)
    return re.findall(r"[A-Za-z]+|\d+", f"{name['stem']} {name['rest'] or ''}") if name else []


def _names_in(file: Run) -> list[str]:
    """Return the words of a file's name that name a run: not the data, the step, nor what all logs have."""
    return [
        word for word in _words_of_name(file) if word.lower() not in PARTS and word.lower() not in GENERIC
    ]


def _part(file: Run) -> str:
    """Return the data that a file's name says it was measured on; nothing where it says none."""
    return next((PARTS[word.lower()] for word in _words_of_name(file) if word.lower() in PARTS), "")
