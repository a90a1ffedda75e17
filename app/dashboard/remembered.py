"""What was computed from runs, kept while the runs are the same objects: a file that changes is a new run."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.dashboard.snapshot import Entry
from app.dashboard.verdict_cache import kept_verdict
from ired_diag.runs.direction import Direction
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.verdict import Verdict

T = TypeVar("T")


@dataclass
class Remembered(Generic[T]):
    """The newest few results of a computation.

    Attributes:
        most: How many are kept.
        computed: How often one was computed.
    """

    most: int = 8
    computed: int = 0
    _kept: OrderedDict[Hashable, tuple[Sequence[Run], T]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, runs: Sequence[Run], settings: Hashable, compute: Callable[[], T]) -> T:
        """Return the result for runs and settings; an error is not kept.

        Args:
            runs: What it is computed from; they are kept beside it, so that no other takes their identity.
            settings: What else it depends on.
            compute: Computes it.
        """
        key = (tuple(map(id, runs)), settings)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][1]
            self.computed += 1
            result = compute()
            self._kept[key] = runs, result
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
            return result


class Verdicts:
    """What is said of curves, kept as long as the curve is."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._kept: dict[tuple[int, Direction], tuple[weakref.ref[Series], Verdict]] = {}

    def of(self, run: Run, entries: Mapping[int, Entry] | None = None) -> Verdict:
        """Return the verdict of a run by its metric.

        Args:
            run: The run.
            entries: By the identity of their evaluated series: what is said of these is known there.
        """
        if run.evaluated is None:
            return kept_verdict(run)
        series = run.evaluated[1]
        entry = entries.get(id(series)) if entries else None
        if entry is not None and entry.run.direction == run.direction:
            return entry.verdict
        key = (id(series), run.direction)
        known = self._kept.get(key)
        if known is not None and known[0]() is series:
            return known[1]
        verdict = kept_verdict(run)
        self._kept[key] = weakref.ref(series, lambda _: self._kept.pop(key, None)), verdict
        return verdict
