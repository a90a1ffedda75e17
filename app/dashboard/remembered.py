"""Results that were computed from runs, kept while the runs are the same objects.

A file that changes is a new object.
"""

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
        most: Number of results that are kept.
        computed: Number of results that were computed so far.
    """

    most: int = 8
    computed: int = 0
    _kept: OrderedDict[Hashable, tuple[Sequence[Run], T]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, runs: Sequence[Run], settings: Hashable, compute: Callable[[], T]) -> T:
        """Return the result for runs and settings; an error is not kept.

        Args:
            runs: Runs that the result is computed from. They are kept with it, so that no other object gets
                their identity.
            settings: All else that the result depends on.
            compute: Computes the result.
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
    """Verdicts on curves, kept as long as the curve is."""

    def __init__(self) -> None:
        """Start without a verdict."""
        self._kept: dict[tuple[int, Direction], tuple[weakref.ref[Series], Verdict]] = {}

    def of(self, run: Run, entries: Mapping[int, Entry] | None = None) -> Verdict:
        """Return the verdict of a run by its metric.

        Args:
            run: The run.
            entries: Entries with a verdict, by the identity of their evaluated series.
        """
        if run.evaluated is None:
            return kept_verdict(run)
        series = run.evaluated[1]
        entry = (entries or {}).get(id(series))
        if entry is not None and entry.run.direction == run.direction:
            return entry.verdict
        key = (id(series), run.direction)
        kept = self._kept.get(key)
        if kept is not None and kept[0]() is series:
            return kept[1]
        verdict = kept_verdict(run)
        self._kept[key] = weakref.ref(series, lambda _: self._kept.pop(key, None)), verdict
        return verdict
