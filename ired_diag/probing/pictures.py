"""The pictures of a folder of probe tables: drawn again only where what they show has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
    figure: Callable[[], FigureData], stem: str, content: object, folder: Path, workers: Workers
) -> list[Path]:
    """Have a picture drawn for paper at column width (PDF, PNG) and for the screen (HTML); return the files.

    Args:
        figure: Makes it; not called where the files already show the same.
        stem: Name of the files.
        content: All that decides what is seen, as JSON can hold it.
        folder: Where they go.
        workers: Who draws.

    Raises:
        CannotWrite: The folder cannot be written.
        UnreadableFile: A newer version of this project wrote the folder's list of pictures.
    """
    text = json.dumps(content, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    files = [folder / f"{stem}.{form}" for form in (*FORMS, "html")]
    drawn = _read(folder / DRAWN)
    present = all(file.is_file() for file in files)
    if present and drawn.get(stem) == digest:
        return files
    data = replace(figure(), name=stem)
    workers.do(_write, data, folder, then=lambda: _record(folder / DRAWN, stem, digest))
    return files


def _write(data: FigureData, folder: Path) -> None:
    # Imported where they are needed: with matplotlib they cost more than a second.
    from ired_diag.drawing import paper, plotly

    paper.write(data, folder, FORMS, noted=True)  # no caption is written next to it
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
    panels = [_trend_panel(headline, steps, findings) for headline in probe.headlines]
    checkpoints = f"{len(steps)} checkpoints{_sizes(findings)}"
    method = f"The probe's answer at {checkpoints}."
    note = checkpoints
    if any(headline.low for headline in probe.headlines):
        method = f"The probe's answer with 95% intervals at {checkpoints}."
        note = f"95% intervals, {checkpoints}"
    title = probe.name.replace("_", " ").capitalize()
    return FigureData(
        name=f"{probe.name}-over-training",
        title=f"{title} over training",
        x_label="training step",
        panels=tuple(panels),
        method=method,
        note=note,
    )


def _sizes(findings: Sequence[Finding]) -> str:
    """Return how many samples the answers rest on, as the end of a sentence; empty where it is unknown."""
    counts = set()
    for finding in findings:
        n = finding.evidence.get("n")
        if isinstance(n, int):
            counts.add(int(n))  # a bool among them becomes a number
    if not counts:
        return ""
    listed = " or ".join(map(str, sorted(counts)))
    return f", n = {listed} at each"


def _trend_panel(headline: Headline, steps: Sequence[int], findings: Sequence[Finding]) -> Panel:
    low = high = None
    if headline.low:
        low = _series(headline.low, findings)
        high = _series(headline.high, findings)
    name = headline.key.replace("_", " ")
    line = Line(name, np.array(steps), _series(headline.key, findings), low, high)
    return Panel(headline.label, (line,), headline.scale)


def _series(key: str, findings: Sequence[Finding]) -> NDArray[np.float64]:
    """Return a number of each finding; NaN where it has none."""
    numbers = []
    for finding in findings:
        value = finding.evidence.get(key)
        numbers.append(float(value) if isinstance(value, int | float) else np.nan)
    return np.array(numbers)


def _read(path: Path) -> dict[str, str]:
    """Return which picture shows what; nothing where the list is missing or torn: all are redrawn then."""
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict) or not isinstance(content.get("drawn"), dict):
        raise UnreadableFile(f"{path}: is not a list of pictures. Remove it; it will be written again.")
    check_format(content.get("format"), str(path))
    return {str(stem): str(digest) for stem, digest in content["drawn"].items()}
