"""When runs started, and what of that is known: was a plan locked before the first run that it uses?

A start is what the run's own files record. Where they record no time zone, as logs of SLURM do, it is known
up to the zones of the earth: 14 hours earlier to 12 hours later than if it was UTC. Where they record no
start, the last write of the log is known, and says only that the run started before it.

So the answer is *before*, *after*, or *unknown*, and only *before* makes a test confirmatory. A start that
lies in the future shows that a clock is wrong, and then the order is unknown. All of it rests on clocks and
files that their owner can set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from ired_diag.runs.run import Run

EARLIEST_ZONE = timedelta(hours=14)  # UTC+14 (Kiribati): the same clock time comes first there
LATEST_ZONE = timedelta(hours=12)  # UTC-12
SECOND = timedelta(seconds=1)
CLOCKS_DIFFER = timedelta(minutes=5)  # between two machines

Order = Literal["before", "after", "unknown"]


@dataclass(frozen=True)
class Start:
    """When a run started.

    Attributes:
        run: Its label.
        earliest: No earlier than this; None where this is unknown.
        latest: No later than this; None where this is unknown.
        source: Which file says so, in words.
    """

    run: str
    earliest: datetime | None
    latest: datetime | None
    source: str


@dataclass(frozen=True)
class TimeOrder:
    """Whether a plan was locked before the first of its runs.

    Attributes:
        order: Before, after, or unknown.
        reason: One sentence with the times.
    """

    order: Order
    reason: str


def start_of(run: Run) -> Start:
    """Return when a run started; the earliest of its attempts counts."""
    starts = [_recorded(attempt, run.label) for attempt in (run, *run.attempts)]
    if all(start.earliest is not None for start in starts):
        return min(starts, key=_earliest)
    for attempt in (run, *run.attempts):
        written = _last_write(attempt)
        if attempt.started is None and written is not None:
            source = f"no start is recorded; its log was last written {in_words(written)}"
            return Start(run.label, None, written, source)
    return Start(run.label, None, None, "no start is recorded")


def order_of(locked: datetime, starts: Sequence[Start]) -> TimeOrder:
    """Return whether a plan was locked before the first of its runs started.

    Args:
        locked: When it was locked.
        starts: When each run that it uses started.
    """
    for start in starts:
        if start.latest is not None and start.latest <= locked:
            return TimeOrder("after", f"locked after {start.run} began ({start.source})")
    now = _now()
    for start in starts:
        if start.earliest is not None and start.earliest > now + CLOCKS_DIFFER:
            return TimeOrder("unknown", f"{start.run} began in the future: a clock is wrong ({start.source})")
    for start in starts:
        if start.earliest is None or start.earliest <= locked:
            return TimeOrder("unknown", f"when {start.run} began is uncertain: {start.source}")
    first = min(starts, key=_earliest)
    return TimeOrder("before", f"locked before {first.run} began ({first.source})")


def _now() -> datetime:
    return datetime.now(UTC)


def in_words(time: datetime) -> str:
    """Return a time to the second.

    >>> in_words(datetime(2026, 11, 29, 10, 0, 0, tzinfo=UTC))
    '2026-11-29 10:00:00 UTC'
    """
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _recorded(run: Run, label: str) -> Start:
    text = run.started or ""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return Start(label, None, None, f"its start is recorded as {text!r}, which is no time")
    fraction = timedelta() if time.microsecond else SECOND  # whole seconds are cut, not rounded
    if time.tzinfo is not None:
        return Start(label, time, time + fraction, f"its files record {in_words(time)}")
    as_utc = time.replace(tzinfo=UTC)
    return Start(
        label,
        as_utc - EARLIEST_ZONE,
        as_utc + LATEST_ZONE + fraction,
        f"its log records {time:%Y-%m-%d %H:%M:%S}, without a time zone",
    )


def _earliest(start: Start) -> datetime:
    return start.earliest or datetime.max.replace(tzinfo=UTC)


def _last_write(run: Run) -> datetime | None:
    """Return when the files of a run were last written; None where they are gone."""
    files = list(run.sources) or [run.path]
    if run.path.is_dir():
        files = [path for path in run.path.iterdir() if path.is_file()]
    times = list(_written(files))
    if not times:
        return None
    return datetime.fromtimestamp(max(times), tz=UTC)


def _written(paths: Sequence[Path]) -> Iterator[float]:
    for path in paths:
        try:
            yield path.stat().st_mtime
        except OSError:
            continue
