"""Verdicts on curves, in the user's cache directory: a curve that was judged once is judged at once.

A verdict is kept by what it was made from: the metric's name, its direction, every step and value, and the
source of the code that judges. It cannot be stale: another curve, or another code, has another name. What the
clock changes, how far a run came, is asked anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import numpy as np

import ired_diag.curves
import ired_diag.verdict
from app.dashboard.history_cache import cache_folder
from ired_diag.errors import CannotWrite
from ired_diag.json_text import read_json
from ired_diag.runs.completion import completion_of
from ired_diag.runs.files import write_atomically
from ired_diag.runs.run import Run
from ired_diag.verdict import Verdict, verdict_of

FEWEST = 1000  # points: shorter curves are judged faster than a file is read
MOST_FILES = 20_000


def kept_verdict(run: Run, *, folder: Path | None = None) -> Verdict:
    """Return the verdict on a run, from the cache where its curve was judged before.

    Args:
        run: The run.
        folder: Where verdicts are kept; in the user's cache directory without it.
    """
    if run.evaluated is None or len(run.evaluated[1]) < FEWEST:
        return verdict_of(run)
    place = (folder or cache_folder().with_name("verdicts")) / f"{_name(run)}.json"
    try:
        told = Verdict(**read_json(place))
        with contextlib.suppress(OSError):
            os.utime(place)
        return replace(told, run=run.label, completion=completion_of(run), direction=run.direction)
    except (OSError, ValueError, TypeError):  # absent or damaged: the curve tells
        pass
    verdict = verdict_of(run)
    with contextlib.suppress(CannotWrite):
        write_atomically(place, json.dumps(asdict(verdict)).encode())
    return verdict


def shrink(folder: Path | None = None, most: int = MOST_FILES) -> None:
    """Remove the verdicts that were unused for the longest, beyond so many."""
    with contextlib.suppress(OSError):
        files = sorted((folder or cache_folder().with_name("verdicts")).glob("*.json"), key=_used)
        for path in files[: max(0, len(files) - most)]:
            path.unlink(missing_ok=True)


def _used(path: Path) -> float:
    return path.stat().st_mtime


def _name(run: Run) -> str:
    assert run.evaluated is not None
    metric, series = run.evaluated
    told = hashlib.blake2b(_judges(), digest_size=16)
    told.update(metric.encode() + b"\0" + repr(run.direction).encode() + b"\0")
    told.update(np.ascontiguousarray(series.steps, dtype="<i8").tobytes())
    told.update(np.ascontiguousarray(series.values, dtype="<f8").tobytes())
    return told.hexdigest()


@cache
def _judges() -> bytes:
    """Return a digest of the code that judges curves."""
    files = [Path(ired_diag.verdict.__file__)]
    files += sorted(path for place in ired_diag.curves.__path__ for path in Path(place).glob("*.py"))
    return hashlib.blake2b(b"".join(path.read_bytes() for path in files), digest_size=16).digest()
