"""Verdicts on curves, in the user's cache directory: a curve that was judged once is judged at once.

The name of a verdict's file is a digest of what the verdict was made from: the metric's name, its direction,
every step and value, and the source of the code that judges. So a verdict cannot be out of date: another
curve, or other code, has another name. How far a run came changes with time, and is computed again.
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
MOST_FILES = 20_000  # a file for each verdict


def kept_verdict(run: Run, *, folder: Path | None = None) -> Verdict:
    """Return the verdict on a run, from the cache where its curve was judged before.

    Args:
        run: The run.
        folder: Folder of the verdicts. None: in the user's cache directory.
    """
    if run.evaluated is None or len(run.evaluated[1]) < FEWEST:
        return verdict_of(run)
    place = (folder or cache_folder().with_name("verdicts")) / f"{_name(run)}.json"
    try:
        kept = Verdict(**read_json(place))
        with contextlib.suppress(OSError):
            os.utime(place)
        return replace(kept, run=run.label, completion=completion_of(run), direction=run.direction)
    except (OSError, ValueError, TypeError):  # absent or damaged: the curve is judged again
        pass
    verdict = verdict_of(run)
    with contextlib.suppress(CannotWrite):
        write_atomically(place, json.dumps(asdict(verdict)).encode())
    return verdict


def shrink(folder: Path | None = None, most: int = MOST_FILES) -> None:
    """Remove the verdicts that were unused for the longest, until at most ``most`` are left."""
    with contextlib.suppress(OSError):
        files = sorted((folder or cache_folder().with_name("verdicts")).glob("*.json"), key=_used)
        for path in files[: max(0, len(files) - most)]:
            path.unlink(missing_ok=True)


def _used(path: Path) -> float:
    return path.stat().st_mtime


def _name(run: Run) -> str:
    assert run.evaluated is not None
    metric, series = run.evaluated
    digest = hashlib.blake2b(_judges(), digest_size=16)
    digest.update(metric.encode() + b"\0" + repr(run.direction).encode() + b"\0")
    digest.update(np.ascontiguousarray(series.steps, dtype="<i8").tobytes())
    digest.update(np.ascontiguousarray(series.values, dtype="<f8").tobytes())
    return digest.hexdigest()


@cache
def _judges() -> bytes:
    """Return a digest of the code that judges curves."""
    files: list[Path] = []
    for folder in ired_diag.curves.__path__:
        files += Path(folder).glob("*.py")
    digest = hashlib.blake2b(Path(ired_diag.verdict.__file__).read_bytes(), digest_size=16)
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.digest()
