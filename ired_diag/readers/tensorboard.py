"""TensorBoard's event files: the scalars of one run, from one file or from all files of its folder.

Every event stands in a record with checksums (``tfrecord``); its scalars are read from the wire format
(``event_message``). A record that is damaged is skipped and counted. A run that was restarted has a file a
start; the files are read in the order of the wall time of their first event. A half-written end is an error
unless allowed; of several files only the last may still be written, but each start may have been killed.

A session that starts at step s (``purge_step`` of a writer) ends everything that was logged at s and later
before it, under all tags. Without such an event the points of all files count, and of a step the last
value.

Some folders inside the folder of a run are part of it (``run_folder``):

    <time>/               add_hparams: a session's hyperparameters, and final values that belong to no step
    <main tag>_<tag>/     add_scalars: the scalar ``main tag`` of one of several series, here ``main tag/tag``
    train/, validation/   Keras: the same tags for each split, here ``train/…`` and ``validation/…``

Hyperparameters are the configuration of the run.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.finding import Finding
from ired_diag.readers.event_message import Event, read_event
from ired_diag.readers.protobuf_wire import Malformed
from ired_diag.readers.scalar_log import Damage, Points, ScalarLog
from ired_diag.readers.tfrecord import HEAD, find_records, starts_with_record

NAMED = "tfevents"
DEEPEST = 3  # folders that the name of a series may be spread over
HEAD_OF_FILE = 1 << 16  # bytes in which tags are looked for
AT_ONCE = 5.0  # s: a record of hyperparameters and its final values are written together
SPLITS = frozenset(("train", "training", "validation", "val", "valid", "eval", "evaluation", "test"))

Part = Literal["hparams", "scalars", "split"]
Hparams = tuple[tuple[str, Any], ...]  # names and values


@dataclass(frozen=True, kw_only=True)
class EventFile:
    """The content of an event file.

    Attributes:
        path: The file.
        events: Its events, in order.
        damaged: What was skipped.
        torn_at: The first byte of a half-written end.
        part: What its folder is inside the folder of the run; empty for that folder itself.
        folder: The name of its folder inside that of the run.
    """

    path: Path
    events: tuple[Event, ...]
    damaged: tuple[Damage, ...]
    torn_at: int | None
    part: Part | Literal[""] = ""
    folder: str = ""

    @property
    def started(self) -> float:
        """Wall time of the first event, in seconds since 1970; infinite where none is stated."""
        for event in self.events:
            if math.isfinite(event.wall_time):
                return event.wall_time
        return math.inf

    @property
    def tags(self) -> set[str]:
        """The tags of its scalars."""
        tags: set[str] = set()
        for event in self.events:
            tags.update(tag for tag, _ in event.scalars)
        return tags

    def name_of(self, tag: str) -> str:
        """Return the name of a series in the run."""
        if self.part == "split":
            return f"{self.folder}/{tag}"
        if self.part != "scalars":
            return tag
        series = self.folder.removeprefix(_of_scalars(tag))
        series = series.removeprefix(f"{tag}/")
        return f"{tag}/{series}"

    @property
    def holds_final_values(self) -> bool:
        """Whether its scalars were written together with a session's hyperparameters, once each."""
        stated_at: float | None = None
        times: list[float] = []
        for event in self.events:
            if event.hparams is not None:
                stated_at = event.wall_time
            times.extend([event.wall_time] * len(event.scalars))
        has_repeats = len(times) > len(self.tags)
        if stated_at is None or has_repeats:
            return False
        return all(abs(time - stated_at) < AT_ONCE for time in times)


def accepts(path: Path) -> bool:
    """Say whether ``path`` is an event file: by its name, or because it begins with a record."""
    if NAMED in path.name:
        return True
    with path.open("rb") as file:
        head = file.read(HEAD.size)
    return starts_with_record(head)


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the scalars of a run.

    Args:
        path: An event file, or a folder whose event files, with those of the folders inside that are part
            of the run, are one run.
        allow_torn_tail: Read a file whose last record is only half written, up to that record.

    Raises:
        UnreadableFile: There is no event file, it holds no record, or its end is half written.
    """
    if path.is_dir():
        files = list(_read_folders(path))
    else:
        files = [_read_file(path, {})]
    if not files:
        raise UnreadableFile(f"{path}: expected event files (*{NAMED}*), found none.")
    files.sort(key=lambda file: (file.started, file.path.name))
    if not allow_torn_tail:
        _refuse_torn(files)
    if not any(file.events for file in files):
        raise UnreadableFile(f"{path}: expected the records of an event file, found no intact record.")
    return _log(files)


def _refuse_torn(files: Sequence[EventFile]) -> None:
    for file in files:
        if file.torn_at is not None:
            raise UnreadableFile(
                f"{file.path}: expected whole records, found a half-written one from byte "
                f"{file.torn_at} to the end. If a killed job tore it, or the job still writes, pass "
                "allow_torn_tail=True (command line: --allow-torn-tail)."
            )


def _read_folders(run: Path) -> Iterator[EventFile]:
    """Yield the event files in the folder of a run, and in the folders inside that are part of it."""
    for folder, part in _folders_of_run(run):
        plugins: dict[str, str] = {}
        inside = ""
        if folder != run:
            inside = folder.relative_to(run).as_posix()
        for path in _event_files(folder):
            file = _read_file(path, plugins)
            yield replace(file, part=part, folder=inside)


def files_of_run(path: Path) -> list[Path]:
    """Return the event files that are read for a run; those in its own folder are first."""
    if not path.is_dir():
        return [path]
    files = []
    for folder, _ in _folders_of_run(path):
        files.extend(_event_files(folder))
    return files


def run_folder(folder: Path) -> Path:
    """Return the folder of the run that the event files of a folder are part of: itself, or one above."""
    above_as_split: Path | None = None
    for above in list(folder.parents)[:DEEPEST]:
        part = _part_of(folder, above)
        if part == "split":
            above_as_split = above_as_split or above
        elif part:
            return run_folder(above)
    # A folder "both/train" inside a run may be a series of the run, or train next to val in a run "both":
    # the series comes first.
    return folder if above_as_split is None else run_folder(above_as_split)


def _folders_of_run(folder: Path) -> list[tuple[Path, Part | Literal[""]]]:
    """Return the folder of a run and the folders inside that are part of it, with what they are."""
    folders: list[tuple[Path, Part | Literal[""]]] = [(folder, "")]
    for inside in _folders_with_events(folder, DEEPEST):
        part = _part_of(inside, folder)
        if part:
            folders.append((inside, part))
    return folders


def _folders_with_events(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the folders inside a folder that hold event files, sorted."""
    for inside in sorted(folder.iterdir()):
        if not inside.is_dir():
            continue
        if _event_files(inside):
            yield inside
        if depth > 1:
            yield from _folders_with_events(inside, depth - 1)


def _event_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"*{NAMED}*") if path.is_file())


def _part_of(folder: Path, run: Path) -> Part | None:
    """Return what a folder is in the folder of a run; None where it is a run of its own."""
    has_events = bool(_event_files(run))
    if has_events and _is_folder_of_series(folder, run):
        return "scalars"
    if has_events and _is_folder_of_session(folder, run):
        return "hparams"
    return "split" if _is_folder_of_split(folder, run) else None


def _is_folder_of_series(folder: Path, run: Path) -> bool:
    name = folder.relative_to(run).as_posix()
    tags = _tags(folder)
    return len(tags) == 1 and _is_series(name, tags.pop())


def _is_folder_of_session(folder: Path, run: Path) -> bool:
    if folder.parent != run:
        return False
    heads = _heads(folder)
    holds_final_values = all(head.holds_final_values for head in heads)
    return bool(heads) and holds_final_values and bool(_tags(run))


def _is_folder_of_split(folder: Path, run: Path) -> bool:
    """Say whether a folder is named as a split, and logs a tag that another split, or the run, logs too."""
    if folder.parent != run or folder.name.lower() not in SPLITS:
        return False
    own_tags = _tags(folder)
    for other in run.iterdir():
        is_other_split = other.is_dir() and other != folder and other.name.lower() in SPLITS
        if is_other_split and own_tags & _tags(other):
            return True
    return bool(own_tags & _tags(run))


def _heads(folder: Path) -> list[EventFile]:
    """Return the heads of the event files in a folder."""
    return [_read_file(path, {}, most=HEAD_OF_FILE) for path in _event_files(folder)]


def _tags(folder: Path) -> set[str]:
    """Return the tags of the scalars at the heads of the event files in a folder."""
    tags: set[str] = set()
    for head in _heads(folder):
        tags |= head.tags
    return tags


def _is_series(name: str, tag: str) -> bool:
    """Say whether a folder is called as add_scalars calls it.

    Torch's writer puts an underscore between the main tag and the tag, tensorboardX a folder.
    """
    for prefix in (_of_scalars(tag), f"{tag}/"):
        if name.startswith(prefix) and name != prefix:
            return True
    return False


def _of_scalars(tag: str) -> str:
    return tag.replace("/", "_") + "_"


def _read_file(path: Path, plugins: dict[str, str], *, most: int = -1) -> EventFile:
    try:
        with path.open("rb") as file:
            content = file.read(most)
    except OSError as error:
        raise unreadable(path, error) from error
    records = find_records(content)
    events: list[Event] = []
    damaged = list(records.damaged)
    ends = records.starts + records.lengths
    for start, end in zip(records.starts.tolist(), ends.tolist(), strict=True):
        try:
            events.append(read_event(content, start, end, plugins))
        except Malformed as error:
            reason = f"a record that is not an event ({error})"
            damaged.append(Damage(start - HEAD.size, reason))
    damaged.sort(key=lambda damage: damage.where)
    return EventFile(path=path, events=tuple(events), damaged=tuple(damaged), torn_at=records.torn_at)


@dataclass
class _SeriesColumns:
    """The steps and values of a series, and the start of training that logged each."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)

    def add(self, step: int, value: float, start: int) -> None:
        """Append a point."""
        self.steps.append(step)
        self.values.append(value)
        self.starts.append(start)

    def points(self, *, several_starts: bool) -> Points:
        """Return the points as arrays; without starts where there is only one."""
        points = Points(
            steps=np.array(self.steps, dtype=np.int64),
            values=np.array(self.values, dtype=np.float64),
        )
        if not several_starts:
            return points
        return replace(points, starts=np.array(self.starts, dtype=np.int64))


@dataclass
class _Content:
    """The content of the event files of a run, read file by file."""

    columns: dict[str, _SeriesColumns] = field(default_factory=lambda: defaultdict(_SeriesColumns))
    others: Counter[str] = field(default_factory=Counter)
    final: dict[str, float] = field(default_factory=dict)
    sessions: list[Hparams] = field(default_factory=list)
    restarts: list[int] = field(default_factory=list)

    def add(self, file: EventFile, *, is_final: bool) -> None:
        """Add what a file holds; its scalars are final values where ``is_final``."""
        for event in file.events:
            if event.starts and self.columns:
                self.restarts.append(event.step)
            if event.hparams is not None:
                self.sessions.append(event.hparams)
            self.others.update(event.others)
            for tag, value in event.scalars:
                if is_final:
                    self._add_final(tag, value, file)
                else:
                    self.columns[file.name_of(tag)].add(event.step, value, len(self.restarts) + 1)

    def _add_final(self, tag: str, value: float, file: EventFile) -> None:
        if tag in self.final:
            tag = f"{file.folder or file.path.name}/{tag}"
        self.final[tag] = value

    def points(self) -> dict[str, Points]:
        """Return the points of each series."""
        several_starts = bool(self.restarts)
        points = {}
        for name, column in self.columns.items():
            points[name] = column.points(several_starts=several_starts)
        return points


def _log(files: Sequence[EventFile]) -> ScalarLog:
    """Return what files hold together, in their order."""
    content = _Content()
    with_scalars = [file for file in files if file.tags]
    for file in files:
        is_final = file.holds_final_values and len(with_scalars) > 1
        content.add(file, is_final=is_final)
    config, notes = _configuration(content.sessions)
    left_out = Counter[str](content.others)
    if content.final:
        left_out.update(content.final)
        notes.append(_final_values(content.final))
    return ScalarLog(
        points=content.points(),
        damaged=tuple(_damage_in(files)),
        torn_tail=any(file.torn_at is not None for file in files),
        left_out=dict(left_out),
        stated={"config": config} if config else {},
        unit="byte",
        restarts=tuple(content.restarts),
        notes=tuple(notes),
    )


def _damage_in(files: Sequence[EventFile]) -> Iterator[Damage]:
    """Yield the damage in files, with the name of the file where there are several."""
    for file in files:
        name = file.path.name if len(files) > 1 else ""
        for damage in file.damaged:
            yield replace(damage, file=name)


def _configuration(sessions: Sequence[Hparams]) -> tuple[dict[str, Any], list[Finding]]:
    """Return the hyperparameters on which all records of a run agree, and a note where they differ."""
    records = [dict(session) for session in sessions]
    names: dict[str, None] = {}
    for record in records:
        names |= dict.fromkeys(record)
    agreed: dict[str, Any] = {}
    differing = []
    for name in names:
        value = records[-1].get(name)
        if all(record.get(name) == value for record in records):
            agreed[name] = value
        else:
            differing.append(name)
    if not differing:
        return agreed, []
    statement = (
        f"The run holds {len(records)} records of hyperparameters that differ in {', '.join(differing)}; "
        "these are not read as its configuration."
    )
    return agreed, [Finding("hparams_differ", "note", statement, evidence={"records": len(records)})]


def _final_values(final: dict[str, float]) -> Finding:
    listed = ", ".join(f"{tag} = {value:.6g}" for tag, value in final.items())
    statement = f"The record of hyperparameters also states final values, which belong to no step: {listed}."
    return Finding("final_values", "note", statement, evidence=dict(final))
