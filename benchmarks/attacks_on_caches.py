"""Damaged files in the user's cache directory: the dashboard reads the source again, and shows the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.attack import Attack, Outcome, failed, survived
from benchmarks.attack_bed import FORMATS, whole, write
from benchmarks.damage import DAMAGES

DRAWS = 2


def attacks(seed: int) -> Iterator[Attack]:
    """Yield the attacks; their damage is drawn from a seed."""
    for draw in range(DRAWS):
        for number, name in enumerate(DAMAGES):
            yield Attack("damaged caches", f"{name} {draw}", _damaged(name, (seed, draw, number)))


def _damaged(name: str, drawn_from: tuple[int, ...]) -> Callable[[Path], Outcome]:
    def run(folder: Path) -> Outcome:
        from app.dashboard.catalog import Catalog
        from app.dashboard.history_cache import HistoryCache

        study, cache = folder / "study", HistoryCache(folder / "cache")
        write(study, whole(FORMATS[1]))
        before = Catalog(study, cache=cache).refresh().study.runs
        kept = sorted(cache.folder.iterdir())
        rng = np.random.default_rng(drawn_from)
        for path in kept:
            path.write_bytes(DAMAGES[name](path.read_bytes(), rng))
        after = Catalog(study, cache=cache).refresh().study.runs
        same = [run.history for run in before] == [run.history for run in after]
        if not kept or not same:
            return failed(f"{len(kept)} files kept; the runs are {'' if same else 'not '}the same")
        return survived()

    return run
