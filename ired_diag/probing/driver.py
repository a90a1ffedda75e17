"""Put a probe to the checkpoints of a run: mine, measure, compare, and keep table and pictures."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import ired_diag
from ired_diag.errors import CannotWrite
from ired_diag.figures import paper, plotly
from ired_diag.figures.data import FigureData
from ired_diag.finding import Finding
from ired_diag.probe import Probe
from ired_diag.probing.subjects import subject_of
from ired_diag.runs.checkpoint import Checkpoint, Weights, read_checkpoint
from ired_diag.runs.checkpoint_choice import choose_checkpoints
from ired_diag.runs.run import Run
from ired_diag.runs.store import CONFIG, folder_name
from ired_diag.subject import Subject
from ired_diag.table import Table, concatenate, read_table, write_table

OUT = Path("ired-diag-out")
FORMS = ("pdf", "png")
KEYS = ("step", "weights", "settings")


@dataclass(frozen=True)
class Probed:
    """What a probe found at one checkpoint.

    Attributes:
        checkpoint: The file.
        step: Its step, where it is told.
        weights: Which weights.
        finding: The answer in one sentence.
        comparison: Effect sizes with intervals.
        figures: Picture files.
        table: The table's file.
        notes: What is odd about the checkpoint or its configuration.
    """

    checkpoint: Path
    step: int | None
    weights: Weights
    finding: Finding
    comparison: Table
    figures: Sequence[Path]
    table: Path
    notes: Sequence[Finding]


def probe_run(
    probe: Probe,
    run: Run,
    *,
    which: str = "last",
    weights: Weights = "raw",
    samples: int = 1024,
    seed: int = 0,
    device: torch.device | str = "cpu",
    out: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Probed]:
    """Return what a probe finds at the chosen checkpoints of a run, its tables and pictures written.

    Args:
        probe: What is asked.
        run: Of whom.
        which: ``last``, ``best``, ``all`` or a step.
        weights: Negatives default to raw weights, which training mined with.
        samples: Problems; each stands at every noise level.
        seed: Of problems and noise: the same for all runs that are to be compared.
        device: Where to compute.
        out: Where tables and pictures go; without it, into a run folder of ours, else ``ired-diag-out``.
        progress: Called with the number of checkpoints done and to be done.

    Raises:
        NotFound: The run has no such checkpoint.
        UnreadableFile: A checkpoint cannot be read.
        WrongCheckpoint: It is of another architecture, or lacks these weights.
        CannotWrite: Tables cannot be written.
    """
    paths = choose_checkpoints(run, which)
    folder = out if out is not None else output_folder(run)
    found = []
    for done, path in enumerate(paths):
        progress(done, len(paths))
        checkpoint = read_checkpoint(path, device=device)
        subject, notes = subject_of(checkpoint, run, weights, samples=samples, seed=seed)
        found.append(_probe_subject(probe, run, checkpoint, weights, subject, notes, folder))
    progress(len(paths), len(paths))
    return found


def _probe_subject(
    probe: Probe,
    run: Run,
    checkpoint: Checkpoint,
    weights: Weights,
    subject: Subject,
    notes: Sequence[Finding],
    folder: Path,
) -> Probed:
    """Measure, compare, conclude and draw, and write table and pictures."""
    table = probe(subject)
    comparison = probe.comparison(table)
    key = _key(checkpoint, weights, subject)
    drawn = probe.figure(table)
    if checkpoint.step is not None:
        drawn = replace(drawn, name=f"{drawn.name}-step-{checkpoint.step:09d}")
    written = _write_rows(folder / f"{probe.name}.parquet", probe, table, key, subject, run.path)
    return Probed(
        checkpoint.path,
        checkpoint.step,
        weights,
        probe.conclude(table, comparison),
        comparison,
        write_figure(drawn, folder),
        written,
        (*checkpoint.findings, *notes),
    )


def folder_among(out: Path, run: Run) -> Path:
    """Return where under ``out`` a run's tables go when several runs share it."""
    return out / folder_name(run.group) / folder_name(run.seed_label)


def output_folder(run: Run) -> Path:
    """Return where a run's tables go: its folder if that is ours and writable, else ``ired-diag-out``."""
    if (run.path / CONFIG).is_file() and os.access(run.path, os.W_OK):
        return run.path / "probes"
    return OUT / folder_name(run.path.stem if run.path.is_file() else run.path.name)


def write_figure(figure: FigureData, folder: Path) -> list[Path]:
    """Write a picture for paper at column width (PDF, PNG), and for the screen (HTML)."""
    return [*paper.write(figure, folder, FORMS), plotly.write_html(figure, folder)]


def _key(checkpoint: Checkpoint, weights: Weights, subject: Subject) -> dict[str, Any]:
    told = {
        "mining": asdict(subject.mining),
        "data": asdict(subject.matrices),
        "samples": subject.samples,
        "seed": subject.seed,
        "version": ired_diag.__version__,
    }
    text = json.dumps(told, sort_keys=True)
    step = -1 if checkpoint.step is None else checkpoint.step
    return {"step": step, "weights": weights, "settings": hashlib.sha256(text.encode()).hexdigest()[:12]}


def _write_rows(
    path: Path, probe: Probe, table: Table, key: Mapping[str, Any], subject: Subject, source: Path
) -> Path:
    """Put a checkpoint's rows into the probe's table, in place of those of the same key."""
    told = str(source.resolve())
    rows = len(next(iter(table.values())))
    keyed = {name: np.full(rows, value) for name, value in key.items()} | table
    settings: dict[str, Any] = {}
    if path.is_file():
        before, metadata = read_table(path)
        if metadata.get("source") != told:
            raise CannotWrite(
                f"{path}: holds the table of {metadata.get('source')}. Choose another place with --out DIR."
            )
        if list(before) == list(keyed):
            settings = metadata.get("settings", {})
            same = np.logical_and.reduce([before[name] == value for name, value in key.items()])
            keyed = concatenate([{name: c[~same] for name, c in before.items()}, keyed])
    settings[key["settings"]] = {
        "mining": asdict(subject.mining),
        "data": asdict(subject.matrices),
        "samples": subject.samples,
        "seed": subject.seed,
    }
    metadata = {
        "probe": probe.name,
        "question": probe.question,
        "source": told,
        "columns": [asdict(column) for column in probe.columns],
        "settings": settings,
        "versions": {
            "ired_diag": ired_diag.__version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
    }
    write_table(path, keyed, metadata)
    return path
