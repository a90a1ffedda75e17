"""A run of Weights & Biases in the file that every run writes, ``wandb/…run-<date>-<id>/run-<id>.wandb``.

Offline it is the only copy. It holds the history (``wandb_message``) in records with checksums
(``wandb_store``), the configuration, the summary, and, where the process ended by itself, its exit code.
Neither wandb nor protobuf is needed to read it. A half-written end, as a live file has it, is read up to the
last whole record.

A summary that names more than the history (``run.summary["best"] = …``) is named in a note. Console output,
system measurements and artifacts are counted and not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.finding import Finding
from ired_diag.readers.metrics_jsonl import read_entries
from ired_diag.readers.restarts import find_restarts, starts_of
from ired_diag.readers.scalar_log import Damage, ScalarLog
from ired_diag.readers.store_names import stated_names
from ired_diag.readers.wandb_message import OUTPUT, STATS, STEP, WandbContent
from ired_diag.readers.wandb_store import FILE_HEADER, IDENT, StoredRecords, find_records
from ired_diag.runs.ending import Ending

OF_WANDB = "_wandb"  # what the library says of itself, in configuration and summary
NOT_READ = {
    OUTPUT: "console output",
    13: "console output",
    STATS: "system measurements",
    8: "artifacts",
    10: "alerts",
}
MOST_LISTED = 8  # names of final values


def accepts(path: Path) -> bool:
    """Say whether ``path`` is such a file, by its first bytes."""
    with path.open("rb") as file:
        return file.read(len(IDENT)) == IDENT


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the history of a run.

    Args:
        path: The file.
        allow_torn_tail: Read a file whose last record is only half written, up to that record.

    Raises:
        UnreadableFile: It is not such a file, holds no history, or its end is half written.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    if content[: len(IDENT)] != IDENT or len(content) < FILE_HEADER:
        raise UnreadableFile(f"{path}: expected the header of a wandb file, found {content[:4]!r}.")
    stored = find_records(content)
    if stored.torn_at is not None and not allow_torn_tail:
        raise UnreadableFile(
            f"{path}: expected whole records, found a half-written one from byte {stored.torn_at} to the "
            "end. If a killed job tore it, or the job still writes, pass allow_torn_tail=True."
        )
    return _log(stored, path)


def _log(stored: StoredRecords, path: Path) -> ScalarLog:
    parsed = WandbContent()
    damaged = list(stored.damaged)
    entries = []
    for place, record in stored.records:
        rows_before = len(parsed.rows)
        try:
            parsed.add(record)
        except ValueError as error:
            damaged.append(Damage(place, f"a record that is not one of wandb ({error})"))
        entries += [(place, row) for row in parsed.rows[rows_before:]]
    if not entries:
        raise UnreadableFile(f"{path}: holds no record of a history: nothing was logged yet.")
    columns = read_entries(entries, STEP, str(path))
    restarts = find_restarts(columns.table)
    starts = starts_of(len(columns.table), restarts)
    return ScalarLog(
        points=columns.table.points(starts),
        damaged=tuple(sorted([*damaged, *columns.damaged], key=_place)),
        torn_tail=stored.torn_at is not None,
        left_out={**columns.left_out, **_others(parsed)},
        stated=_stated(parsed, path, is_whole=not damaged),
        unit="byte",
        restarts=tuple(int(columns.table.steps[row]) for row in restarts),
        notes=_final_values(parsed.summary, columns.table.columns),
    )


def _place(damage: Damage) -> int:
    return damage.where


def _others(parsed: WandbContent) -> dict[str, int]:
    """Return how many records hold what is not read, where that is something that a user logged."""
    counts: dict[str, int] = {}
    for number, count in parsed.others.items():
        if number in NOT_READ:
            counts[NOT_READ[number]] = counts.get(NOT_READ[number], 0) + count
    return counts


def _stated(parsed: WandbContent, path: Path, *, is_whole: bool) -> dict[str, Any]:
    run = parsed.run
    stated: dict[str, Any] = dict(
        stated_names(
            run.get("name") or run.get("id") or path.stem.removeprefix("run-"),
            project=run.get("project", ""),
            group=run.get("group", ""),
            invented="name" not in run,
        )
    )
    config = {key: value for key, value in parsed.config.items() if key != OF_WANDB}
    if config:
        stated["config"] = config
    if parsed.exit_code is not None:
        stated["ending"] = _ending(parsed.exit_code)
    elif is_whole:
        stated["ending"] = Ending("cut_off", "wandb recorded no exit code")
    return stated


def _ending(exit_code: int) -> Ending:
    """Return how the process ended, by its exit code; 255 is what wandb writes when it is interrupted."""
    words = f"wandb recorded exit code {exit_code}"
    if exit_code == 0:
        return Ending("complete", words)
    if exit_code == 255:
        return Ending("cancelled", words)
    return Ending("failed", words)


def _final_values(summary: Mapping[str, Any], logged: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return a note of the numbers that the summary holds and the history does not."""
    final = {name: value for name, value in flat_numbers(summary) if name not in logged}
    if not final:
        return ()
    listed = ", ".join(f"{name} = {value:.6g}" for name, value in list(final.items())[:MOST_LISTED])
    more = f" and {len(final) - MOST_LISTED} more" if len(final) > MOST_LISTED else ""
    statement = f"The summary also states values that belong to no step: {listed}{more}."
    return (Finding("final_values", "note", statement, evidence=final),)


def flat_numbers(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    """Return name and value of the numbers in nested values that a user logged, names joined by slashes."""
    numbers: list[tuple[str, float]] = []
    for name, value in values.items():
        if not prefix and name.startswith("_"):
            continue
        if isinstance(value, Mapping):
            numbers += flat_numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers.append((f"{prefix}{name}", float(value)))
    return numbers
