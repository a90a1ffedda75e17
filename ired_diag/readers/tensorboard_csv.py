"""The CSV files that TensorBoard's page saves: one for each tag of each run.

    run-seed0_validation-tag-loss.csv          Wall time,Step,Value

Run and tag stand in the name of the file alone. Files of one run in one folder are one run, also where Keras
has a run for each part of the data (``seed0_train``, ``seed0_validation``): the part goes into the metric's
name. A file that was renamed to its tag alone (``val_loss.csv``) belongs to the run of its folder; one of any
other name is a run of its own, whose metric is called by the words of its name that measure.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ired_diag.readers import metrics_csv
from ired_diag.readers.replacements import with_replacements
from ired_diag.readers.scalar_log import ScalarLog
from ired_diag.readers.text_fields import with_split
from ired_diag.runs.evaluation_metric import evaluation_metric
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import (
    ALL_MEASURES,
    KNOWN,
    SPLITS,
    TEST_SPLITS,
    TRAINING,
    measures_in,
    words_of,
)
from ired_diag.runs.place import parse_place
from ired_diag.runs.run import Run
from ired_diag.runs.run_names import path_names

FORMAT_NAME = "tensorboard_csv"
HEADER = re.compile(rb'"?Wall time"?,"?Step"?,"?Value"?\s')
NAME = re.compile(r"run-(?P<run>.+)-tag-(?P<tag>.+?)(?: ?\(\d+\))?")  # "(1)": a browser's second copy
PART = re.compile(r"(?:(?P<run>.*)[_/.-])?(?P<part>train|validation)")  # Keras' two runs
WHOLE_FOLDER = "."  # the run of a log folder without folders in it


def accepts(path: Path) -> bool:
    """Say whether a file has TensorBoard's header, and a name that says what was measured."""
    with path.open("rb") as file:
        is_saved = HEADER.match(file.readline(256)) is not None
    return is_saved and (NAME.fullmatch(path.stem) is not None or bool(measures_in(words_of(path.stem))))


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the one metric of a file, under its tag.

    Raises:
        UnreadableFile: It is damaged.
    """
    log = metrics_csv.read(path, allow_torn_tail=allow_torn_tail)
    name = NAME.fullmatch(path.stem)
    tag = name["tag"] if name else _tag_in(path.stem)
    stated = dict(log.stated)
    if name and name["run"] != WHOLE_FOLDER:
        stated["run"] = name["run"]
    return replace(log, points={tag: log.points["Value"]}, stated=stated)


def join_tags(attempts: Iterable[Run]) -> list[Run]:
    """Return attempts; the saved tags of one run are one run."""
    attempts = list(attempts)
    runs: dict[tuple[Path, str], list[Run]] = defaultdict(list)
    for attempt in attempts:
        if attempt.format == FORMAT_NAME and (
            NAME.fullmatch(attempt.path.stem) or _is_tag(attempt.path.stem)
        ):
            runs[attempt.path.parent, _run_and_part(attempt.path)[0]].append(attempt)
    joined: dict[int, Run | None] = {}
    for (_, run), members in runs.items():
        if len({(_run_and_part(member.path)[1], *member.history.series) for member in members}) < len(
            members
        ):
            continue  # one tag twice
        joined |= {id(member): None for member in members}
        joined[id(members[0])] = _joined(run, members)
    return with_replacements(attempts, joined)


def _is_tag(stem: str) -> bool:
    """Say whether a name holds nothing but the words of a metric."""
    return all(word in KNOWN for word in words_of(stem))


def _tag_in(stem: str) -> str:
    """Return the words of a name that measure, with the data before them."""
    if _is_tag(stem):
        return stem
    data = {*SPLITS, *TEST_SPLITS, *TRAINING}
    return "_".join(word for word in words_of(stem) if word in ALL_MEASURES or word in data)


def _run_and_part(path: Path) -> tuple[str, str]:
    """Return the run in the name of a file, empty where it is the folder's, and the part of the data."""
    name = NAME.fullmatch(path.stem)
    run = name["run"] if name and name["run"] != WHOLE_FOLDER else ""
    part = PART.fullmatch(run)
    return (part["run"] or "", part["part"]) if part else (run, "")


def _joined(run: str, tags: Sequence[Run]) -> Run:
    """Return the run of its tags, named by the run and the folder and not by a file."""
    first = tags[0]
    series: dict[str, Series] = {}
    for tag in tags:
        _, part = _run_and_part(tag.path)
        for name, values in tag.history.series.items():
            series.setdefault(with_split(name, part) if part else name, values)
    metric = evaluation_metric(series)
    return replace(
        first,
        history=replace(first.history, series=series),
        evaluations=len(series[metric]) if metric else 0,
        names=tuple(filter(None, (run, *path_names(first.path)[1:]))),
        seed=parse_place(run).seed if first.seed is None else first.seed,
        sources=tuple(source for tag in tags for source in tag.sources),
    )
