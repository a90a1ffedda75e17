"""One look at a folder of running logs: what is new about each run since the last look.

The folder is read by the dashboard's catalog: only files that changed are read again, and a half-written last
line waits for its rest. An alarm is announced once while it holds. Where it does not hold any more, that is
announced too, and a later alarm of the same kind is a new one.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from app.dashboard.catalog import Catalog
from app.dashboard.snapshot import Snapshot
from app.watching.decisions import Rule, decisions_of
from app.watching.event import Event, event_of
from app.watching.memory import Memory, RunMemory
from ired_diag.curves.judged_curve import scales_of_groups
from ired_diag.live.live_rise import ALPHA
from ired_diag.live.signs import Kind, Scales, Sign, recovery, signs_of
from ired_diag.live.silence import MOST, TIMES, duration_in_words, last_written, patience_of
from ired_diag.runs.completion import YOUNG
from ired_diag.runs.planned_steps import planned_steps
from ired_diag.runs.run import Run

ABOUT_THE_CURVE: tuple[Kind, ...] = ("diverged", "over_fitting", "not_finite")
UNSURE = ("cut_off", "unknown", "no_log")  # endings of a log that just stops
TRAINED_BY = "lock"  # the file of a run folder that names the process which trains it


@dataclass(kw_only=True)
class Watcher:
    """Looks at a folder again and again.

    Attributes:
        catalog: Reads the folder.
        memory: What was announced.
        alpha: Chance that a healthy run is ever said to diverge while it goes on.
        every: Seconds between two looks.
        patience: After how many times its longest pause a run is called stalled.
        rule: What groups are decided on; None: nothing is decided.
        announces_old: Whether runs that were over before the first look are announced too.
        notes: What could not be done, each sentence once.
    """

    catalog: Catalog
    memory: Memory
    alpha: float = ALPHA
    every: float = 30.0
    patience: float = TIMES
    rule: Rule | None = None
    announces_old: bool = False
    notes: list[str] = field(default_factory=list)

    def look(self, now: float | None = None) -> list[Event]:
        """Return what is new since the last look.

        Args:
            now: The time, in seconds since 1970. Default: the clock's.
        """
        now = time.time() if now is None else now
        snapshot = self.catalog.refresh()
        scales = scales_of_groups(snapshot.study)
        events: list[Event] = []
        for id, entry in snapshot.entries.items():
            try:
                events += self._news_of(id, entry.run, scales, now)
            except Exception as error:  # one odd log must not silence the watch of all others
                self._note_defect(entry.run, error)
        events += self._vanished(snapshot, now)
        if self.rule is not None:
            self._note_finished(snapshot)
            events += decisions_of(snapshot, self.memory, self.rule, now=now, notes=self.notes)
        self.memory.looks += 1
        return events

    def _note_defect(self, run: Run, error: Exception) -> None:
        """Note, once, that a run cannot be followed."""
        note = (
            f"{run.label} is not followed: a defect of ired-diag ({type(error).__name__}: {error}). "
            f"Please report it with {run.path}."
        )
        if note not in self.notes:
            self.notes.append(note)

    def unjudged(self) -> int:
        """Return how many runs that are followed log no metric that is known to judge them."""
        count = 0
        for id, entry in self.catalog.snapshot().entries.items():
            is_followed = id in self.memory.runs and not self.memory.runs[id].is_old
            count += is_followed and entry.run.judging_metric is None
        return count

    def _news_of(self, id: str, run: Run, scales: Scales, now: float) -> Iterator[Event]:
        memory = self.memory.runs.get(id)
        written = last_written(run)
        if memory is None:
            memory = RunMemory(written=written, growths=[written])
            memory.is_old = self._was_over(run, written, now)
            self.memory.runs[id] = memory
        elif written > memory.written:
            memory.written = written
            memory.growths = [*memory.growths, written][-MOST:]
            memory.is_old = False
        memory.label, memory.path, memory.step = run.label, str(run.path), run.history.last_step
        if memory.is_old:
            memory.is_over = True
            return
        for sign in self._signs(run, memory, scales, now):
            yield event_of(sign, run=run.label, path=str(run.path), time=now)

    def _vanished(self, snapshot: Snapshot, now: float) -> Iterator[Event]:
        """Yield, once, each run that is followed and whose log is not there any more."""
        for id, memory in self.memory.runs.items():
            is_followed = bool(memory.path) and not memory.is_old
            if id in snapshot.entries or not is_followed or Path(memory.path).exists():
                continue
            for sign in _once(memory, _without_log(memory)):
                yield event_of(sign, run=memory.label, path=memory.path, time=now)

    def _was_over(self, run: Run, written: float, now: float) -> bool:
        """Say whether a run was over before the watch first saw it, and is not announced."""
        is_first_look = not self.memory.looks
        is_over = _is_ended(run) or now - written > YOUNG
        return is_first_look and is_over and not self.announces_old

    def _signs(self, run: Run, memory: RunMemory, scales: Scales, now: float) -> Iterator[Sign]:
        silence = now - memory.written
        longest = patience_of(memory.growths, every=self.every, times=self.patience)
        is_silent = silence > longest
        memory.is_over = _is_ended(run) or is_silent
        yield from self._alarms(run, memory, scales)
        if _is_ended(run) or (is_silent and _died_of_nan(run)):
            yield from _ending(run, memory)
        elif process := _dead_process(run):
            yield from _once(memory, _gone(run, process))
        elif is_silent:
            yield from _once(memory, _stalled(run, silence, memory, every=self.every))
        elif memory.open.pop("vanished", 0) != 0:
            step = run.history.last_step
            yield Sign(kind="recovered", statement="Its log is there again.", step=step, seen_at=step)
        elif memory.open.pop("stalled", 0) != 0:
            step = run.history.last_step
            yield Sign(kind="recovered", statement="Its log grows again.", step=step, seen_at=step)

    def _alarms(self, run: Run, memory: RunMemory, scales: Scales) -> Iterator[Sign]:
        """Yield the alarms about a run's curve that are new, and those that are over."""
        found = signs_of(
            run,
            scales,
            is_over=memory.is_over,
            seen=_seen(run, memory),
            alpha=self.alpha,
        )
        signs = list(found)
        count = 0 if run.evaluated is None else len(run.evaluated[1])
        began_again = count < memory.evaluations
        memory.evaluations = count
        if began_again:
            yield from _began_again(run, memory, count)
        shown = {sign.kind for sign in signs}
        for kind in ABOUT_THE_CURVE:
            if kind not in memory.open or kind in shown:
                continue
            over = recovery(run, scales, kind, is_over=memory.is_over)
            if over is not None:
                del memory.open[kind]
                if not signs:
                    yield over
        for sign in signs:
            yield from _once(memory, sign)

    def _note_finished(self, snapshot: Snapshot) -> None:
        """Note which runs have finished, in the order in which that is seen."""
        for id, entry in snapshot.entries.items():
            memory = self.memory.runs[id]
            run = entry.run
            is_finished = run.ending.complete or run.ending.failed or run.ending.unknown
            if not memory.is_over or not is_finished:
                continue
            order = self.memory.finished.setdefault(run.group, [])
            if id not in order:
                order.append(id)


def _seen(run: Run, memory: RunMemory) -> int:
    """Return how many evaluations of a run were asked about before; none of one that began again."""
    if run.evaluated is None or len(run.evaluated[1]) < memory.evaluations:
        return 0
    return memory.evaluations


def _began_again(run: Run, memory: RunMemory, count: int) -> Iterator[Sign]:
    """Forget the alarms about a curve whose log has fewer evaluations than before, and yield that."""
    forgotten = [kind for kind in ABOUT_THE_CURVE if memory.open.pop(kind, 0) != 0]
    if not forgotten:
        return
    step = run.history.last_step
    yield Sign(
        kind="recovered",
        statement=f"Its log began again and has {count} evaluations now; the earlier alarm is over.",
        step=step,
        seen_at=step,
    )


def _once(memory: RunMemory, sign: Sign) -> Iterator[Sign]:
    """Yield a sign that was not announced, and remember it."""
    if sign.kind in memory.open:
        return
    memory.open[sign.kind] = sign.seen_at
    yield sign


def _died_of_nan(run: Run) -> bool:
    """Say whether a log ends in a loss that is NaN, which is called a failure once the run is over."""
    return run.ending.failed and run.ending.cause == "nan_loss"


def _is_ended(run: Run) -> bool:
    """Say whether a log states that its training is over, or it made all planned steps."""
    ending = run.ending
    # A training whose loss is NaN goes on, and prints NaN, until somebody stops it.
    if ending.state not in UNSURE and not _died_of_nan(run):
        return not (ending.complete and ending.inferred)
    planned = planned_steps(run)
    last = run.history.last_step
    return planned is not None and last is not None and last >= planned


def _ending(run: Run, memory: RunMemory) -> Iterator[Sign]:
    """Yield that a run ended otherwise than by finishing."""
    if run.ending.complete or run.ending.state in UNSURE:
        memory.open.pop("stalled", None)
        return
    detail = ""
    if run.ending.detail:
        detail = f" ({run.ending.detail})"
    step = run.history.last_step
    sign = Sign(
        kind="ended",
        statement=f"{run.ending.label}{detail}; its last step is {_in_words(step)}.",
        step=step,
        seen_at=step,
        evidence={"state": run.ending.state, "cause": run.ending.cause},
    )
    yield from _once(memory, sign)


def _in_words(step: int | None) -> str:
    return "unknown" if step is None else str(step)


def _stalled(run: Run, silence: float, memory: RunMemory, *, every: float) -> Sign:
    growths = memory.growths
    pauses = [later - earlier for earlier, later in pairwise(growths)]
    usual = "its usual pause is unknown"
    if pauses:
        longest = duration_in_words(max(*pauses, every))
        usual = f"the longest pause of {len(pauses)} before was {longest}"
    ended = ""
    if run.ending.unknown or run.ending.complete:
        ended = " A log of this kind does not say whether training finished."
    step = run.history.last_step
    return Sign(
        kind="stalled",
        statement=(
            f"no new line for {duration_in_words(silence)}; {usual}. Its last step is {_in_words(step)}."
            f"{ended}"
        ),
        step=step,
        seen_at=step,
        evidence={"silence_s": silence, "pauses": len(pauses)},
    )


def _without_log(memory: RunMemory) -> Sign:
    after = "after its training had ended" if memory.is_over else "before its training had ended"
    return Sign(
        kind="vanished",
        statement=(
            f"its log is gone ({memory.path}): removed or renamed, {after}. Its last step was "
            f"{_in_words(memory.step)}, and nothing more can be said of it."
        ),
        step=memory.step,
        seen_at=memory.step,
        evidence={"was_over": memory.is_over},
    )


def _gone(run: Run, process: int) -> Sign:
    step = run.history.last_step
    return Sign(
        kind="ended",
        statement=f"process {process}, which trained it, is gone; its last step is {_in_words(step)}.",
        step=step,
        seen_at=step,
        evidence={"state": "killed", "process": process},
    )


def _dead_process(run: Run) -> int | None:
    """Return the process of this machine that trained a run and is gone; None where none is known to be."""
    lock = run.path / TRAINED_BY
    if not run.path.is_dir() or not lock.is_file():
        return None
    words = _owner(lock)
    if len(words) != 4 or words[3] != socket.gethostname() or not words[1].isdigit():
        return None
    process = int(words[1])
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return process
    except OSError:
        return None
    return None


def _owner(lock: Path) -> list[str]:
    """Return the words of a lock, ``process 17 on host``; none of one that cannot be read."""
    try:
        return lock.read_text().split()
    except (OSError, UnicodeDecodeError):
        return []
