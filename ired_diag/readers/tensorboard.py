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
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class EventFile:
    """What one event file holds.

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
        times = (event.wall_time for event in self.events)
        return next((time for time in times if math.isfinite(time)), math.inf)

    @property
    def tags(self) -> set[str]:
        """The tags of its scalars."""
        return {tag for event in self.events for tag, _ in event.scalars}

    def name_of(self, tag: str) -> str:
        """Return the name of a series in the run."""
        if self.part == "scalars":
            return f"{tag}/{self.folder.removeprefix(_of_scalars(tag)).removeprefix(f'{tag}/')}"
        return f"{self.folder}/{tag}" if self.part == "split" else tag

    @property
    def holds_final_values(self) -> bool:
        """Whether its scalars were written together with a session's hyperparameters, once each."""
        stated = [event.wall_time for event in self.events if event.hparams is not None]
        points = [(tag, event.wall_time) for event in self.events for tag, _ in event.scalars]
        if not stated or len(points) > len({tag for tag, _ in points}):
            return False
        return all(abs(time - stated[-1]) < AT_ONCE for _, time in points)


def accepts(path: Path) -> bool:
    """Say whether ``path`` is an event file: by its name, or because it begins with a record."""
    if NAMED in path.name:
        return True
    with path.open("rb") as file:
        return starts_with_record(file.read(HEAD.size))


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the scalars of a run.

    Args:
        path: An event file, or a folder whose event files, with those of the folders inside that are part
            of the run, are one run.
        allow_torn_tail: Read a file whose last record is only half written, up to that record.

    Raises:
        UnreadableFile: There is no event file, it holds no record, or its end is half written.
    """
    files = list(_read_folders(path)) if path.is_dir() else [_read_file(path, {})]
    if not files:
        raise UnreadableFile(f"{path}: expected event files (*{NAMED}*), found none.")
    files.sort(key=lambda file: (file.started, file.path.name))
    for file in files:
        if file.torn_at is not None and not allow_torn_tail:
            raise UnreadableFile(
                f"{file.path}: expected whole records, found a half-written one from byte "
                f"{file.torn_at} to the end. If a killed job tore it, or the job still writes, pass "
                "allow_torn_tail=True (command line: --allow-torn-tail)."
            )
    if not any(file.events for file in files):
        raise UnreadableFile(f"{path}: expected the records of an event file, found none that is intact.")
    return _log(files)


def _read_folders(run: Path) -> Iterator[EventFile]:
    """Yield the event files in the folder of a run, and in those inside that are part of it."""
    for folder, part in _folders_of_run(run):
        plugins: dict[str, str] = {}
        inside = "" if folder == run else folder.relative_to(run).as_posix()
        for path in _event_files(folder):
            yield replace(_read_file(path, plugins), part=part, folder=inside)


def files_of_run(path: Path) -> list[Path]:
    """Return the event files that are read for a run, those in its own folder first."""
    if not path.is_dir():
        return [path]
    return [file for folder, _ in _folders_of_run(path) for file in _event_files(folder)]


def run_folder(folder: Path) -> Path:
    """Return the folder of the run that the event files of a folder are part of: itself, or one above."""
    parts = {above: _part_of(folder, above) for above in list(folder.parents)[:DEEPEST]}
    # A folder "both/train" inside a run may be a series of the run, or train next to val in a run "both".
    for above in sorted(filter(parts.get, parts), key=lambda above: parts[above] == "split"):
        return run_folder(above)
    return folder


def _folders_of_run(folder: Path) -> list[tuple[Path, Part | Literal[""]]]:
    """Return the folder of a run and those inside that are part of it, with what they are."""
    found: list[tuple[Path, Part | Literal[""]]] = [(folder, "")]
    for inside in _folders_with_events(folder, DEEPEST):
        if part := _part_of(inside, folder):
            found.append((inside, part))
    return found


def _folders_with_events(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the folders inside a folder that hold event files, sorted."""
    for inside in sorted(path for path in folder.iterdir() if path.is_dir()):
        if _event_files(inside):
            yield inside
        if depth > 1:
            yield from _folders_with_events(inside, depth - 1)


def _event_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"*{NAMED}*") if path.is_file())


def _part_of(folder: Path, run: Path) -> Part | None:
    """Return what a folder is in the folder of a run; None where it is a run of its own."""
    name = folder.relative_to(run).as_posix()
    own = _event_files(run)
    if own:
        heads = [_read_file(path, {}, most=HEAD_OF_FILE) for path in _event_files(folder)]
        tags = set[str]().union(*(head.tags for head in heads))
        if len(tags) == 1 and _is_series(name, next(iter(tags))):
            return "scalars"
        if folder.parent == run and heads and all(head.holds_final_values for head in heads) and _tags(run):
            return "hparams"
    if folder.parent != run or name.lower() not in SPLITS:
        return None
    others = [p for p in run.iterdir() if p.is_dir() and p != folder and p.name.lower() in SPLITS]
    shared = _tags(folder)
    return "split" if any(shared & _tags(other) for other in [*others, *([run] if own else [])]) else None


def _tags(folder: Path) -> set[str]:
    """Return the tags of the scalars at the heads of the event files in a folder."""
    heads = (_read_file(path, {}, most=HEAD_OF_FILE) for path in _event_files(folder))
    return set[str]().union(*(head.tags for head in heads))


def _is_series(name: str, tag: str) -> bool:
    """Say whether a folder is called as add_scalars calls it.

    Torch's writer puts a low line between the main tag and the tag, tensorboardX a folder.
    """
    is_torchs = name.startswith(_of_scalars(tag)) and name != _of_scalars(tag)
    return is_torchs or (name.startswith(f"{tag}/") and name != f"{tag}/")


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
    malformed: list[Damage] = []
    ends = records.starts + records.lengths
    for start, end in zip(records.starts.tolist(), ends.tolist(), strict=True):
        try:
            events.append(read_event(content, start, end, plugins))
        except Malformed as error:
            malformed.append(Damage(start - HEAD.size, f"a record that is no event ({error})"))
    damaged = sorted([*records.damaged, *malformed], key=lambda damage: damage.where)
    return EventFile(path, tuple(events), tuple(damaged), records.torn_at)


def _log(files: Sequence[EventFile]) -> ScalarLog:
    """Return what files hold together, in their order."""
    columns: dict[str, tuple[list[int], list[float], list[int]]] = {}
    others: Counter[str] = Counter()
    final: dict[str, float] = {}
    sessions: list[tuple[tuple[str, Any], ...]] = []
    restarts: list[int] = []
    with_scalars = [file for file in files if file.tags]
    for file in files:
        is_final = file.holds_final_values and len(with_scalars) > 1
        for event in file.events:
            if event.starts and columns:
                restarts.append(event.step)
            if event.hparams is not None:
                sessions.append(event.hparams)
            others.update(event.others)
            for tag, value in event.scalars:
                if is_final:
                    final[tag if tag not in final else f"{file.folder or file.path.name}/{tag}"] = value
                    continue
                steps, values, starts = columns.setdefault(file.name_of(tag), ([], [], []))
                steps.append(event.step)
                values.append(value)
                starts.append(len(restarts) + 1)
    points = {name: _points(*column, several=bool(restarts)) for name, column in columns.items()}
    several = len(files) > 1
    damaged = [replace(d, file=f.path.name) if several else d for f in files for d in f.damaged]
    torn = any(file.torn_at is not None for file in files)
    config, notes = _configuration(sessions)
    if final:
        others.update(final)
        notes.append(_final_values(final))
    told = {"config": config} if config else {}
    return ScalarLog(points, tuple(damaged), torn, dict(others), told, "byte", tuple(restarts), tuple(notes))


def _points(steps: list[int], values: list[float], starts: list[int], *, several: bool) -> Points:
    return Points(
        np.array(steps, dtype=np.int64),
        np.array(values, dtype=np.float64),
        np.array(starts, dtype=np.int64) if several else None,
    )


def _configuration(sessions: Sequence[tuple[tuple[str, Any], ...]]) -> tuple[dict[str, Any], list[Finding]]:
    """Return the hyperparameters on which all records of a run agree, and a note where they differ."""
    records = [dict(session) for session in sessions]
    names = dict.fromkeys(name for record in records for name in record)
    agreed = {
        name: records[-1][name]
        for name in names
        if all(r.get(name) == records[-1].get(name) for r in records)
    }
    differing = [name for name in names if name not in agreed]
    if not differing:
        return agreed, []
    statement = (
        f"The run holds {len(records)} records of hyperparameters that differ in {', '.join(differing)}; "
        "these are not read as its configuration."
    )
    return agreed, [Finding("hparams_differ", "note", statement, {"records": len(records)})]


def _final_values(final: dict[str, float]) -> Finding:
    listed = ", ".join(f"{tag} = {value:.6g}" for tag, value in final.items())
    statement = f"The record of hyperparameters also states final values, which belong to no step: {listed}."
    return Finding("final_values", "note", statement, dict(final))
