"""The pictures of a folder of probe tables: drawn anew only where what they show has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ired_diag.drawing import paper, plotly
from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.errors import UnreadableFile
from ired_diag.finding import Finding
from ired_diag.json_text import read_json
from ired_diag.probing.probe import Headline, Probe
from ired_diag.probing.workers import Workers
from ired_diag.runs.files import FORMAT, check_format, write_atomically
from ired_diag.runs.one_writer import one_writer

FORMS = ("pdf", "png")
DRAWN = "figures.json"  # what each picture in the folder shows


def draw(
    figure: Callable[[], FigureData], stem: str, told: object, folder: Path, workers: Workers
) -> list[Path]:
    """Have a picture drawn for paper at column width (PDF, PNG) and for the screen (HTML); return the files.

    Args:
        figure: Makes it; not called where the files already show the same.
        stem: Name of the files.
        told: All that decides what is seen, as JSON can hold it.
        folder: Where they go.
        workers: Who draws.

    Raises:
        CannotWrite: The folder cannot be written.
        UnreadableFile: A newer version of this project wrote the folder's list of pictures.
    """
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]
    files = [folder / f"{stem}.{form}" for form in (*FORMS, "html")]
    drawn = _read(folder / DRAWN)
    if drawn.get(stem) == digest and all(file.is_file() for file in files):
        return files
    data = replace(figure(), name=stem)
    workers.do(_write, data, folder, then=lambda: _record(folder / DRAWN, stem, digest))
    return files


def _write(data: FigureData, folder: Path) -> None:
    paper.write(data, folder, FORMS)
    plotly.write_html(data, folder)


def _record(path: Path, stem: str, digest: str) -> None:
    """Note what a picture shows, now that it is there."""
    with one_writer(path.parent):
        content = {"format": FORMAT, "drawn": {**_read(path), stem: digest}}
        write_atomically(path, json.dumps(content, indent=1).encode())


def trend_figure(probe: Probe, steps: Sequence[int], findings: Sequence[Finding]) -> FigureData:
    """Return a probe's headlines against the training step.

    Args:
        probe: Whose.
        steps: Training steps, ascending.
        findings: The answer at each.
    """
    panels = tuple(_trend_panel(headline, steps, findings) for headline in probe.headlines)
    counts = sorted({int(n) for f in findings if isinstance(n := f.evidence.get("n"), int)})
    sizes = f", n = {' or '.join(map(str, counts))} at each" if counts else ""
    intervals = " with 95% intervals" if any(headline.low for headline in probe.headlines) else ""
    method = f"The probe's answer{intervals} at {len(steps)} checkpoints{sizes}."
    note = ("95% intervals, " if intervals else "") + f"{len(steps)} checkpoints{sizes}"
    title = f"{probe.name.replace('_', ' ').capitalize()} over training"
    return FigureData(f"{probe.name}-over-training", title, "training step", panels, method, note)


def _trend_panel(headline: Headline, steps: Sequence[int], findings: Sequence[Finding]) -> Panel:
    def series(key: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        values = [finding.evidence.get(key) for finding in findings]
        return np.array([float(v) if isinstance(v, int | float) else np.nan for v in values])

    ends = (series(headline.low), series(headline.high)) if headline.low else (None, None)
    line = Line(headline.key.replace("_", " "), np.array(steps), series(headline.key), *ends)
    return Panel(headline.label, (line,), headline.scale)


def _read(path: Path) -> dict[str, str]:
    """Return which picture shows what; nothing where the list is missing or torn: then all are drawn anew."""
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict) or not isinstance(content.get("drawn"), dict):
        raise UnreadableFile(f"{path}: is not a list of pictures. Remove it; it will be written anew.")
    check_format(content.get("format"), str(path))
    return {str(stem): str(digest) for stem, digest in content["drawn"].items()}
