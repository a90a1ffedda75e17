"""A paper figure's files: the picture in its forms, the data as CSV, and where they came from as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ired_diag.drawing import paper
from ired_diag.drawing.as_table import to_csv
from ired_diag.drawing.data import FigureData
from ired_diag.runs.files import write_atomically
from ired_diag.visible_text import visible_json

FORMS = ("pdf", "svg", "png")
FORMAT = 1


@dataclass(frozen=True)
class Provenance:
    """Where a figure came from.

    Attributes:
        command: The command line that makes it again.
        sources: The files that were read, each with size and SHA-256.
        versions: Versions of this program and the libraries that computed and drew.
    """

    command: str
    sources: Sequence[Mapping[str, Any]]
    versions: Mapping[str, str]


def write_figure(
    figure: FigureData,
    folder: Path,
    provenance: Provenance,
    *,
    forms: Sequence[str] = FORMS,
    width: float = paper.COLUMN,
) -> list[Path]:
    """Write a figure, its data and its provenance, and return the files.

    Nothing of it holds the time of day: the same runs give the same bytes.

    Raises:
        CannotWrite: The folder cannot be written.
    """
    paths = paper.write(figure, folder, tuple(forms), width=width)
    table = folder / f"{figure.name}.csv"
    origin = folder / f"{figure.name}.json"
    write_atomically(table, to_csv(figure).encode(errors="backslashreplace"))
    content = {
        "format": FORMAT,
        "figure": figure.name,
        "title": figure.title,
        "method": figure.method,
        "summary": figure.summary,
        "width_inches": width,
        "command": provenance.command,
        "versions": dict(provenance.versions),
        "sources": [dict(source) for source in provenance.sources],
    }
    text = visible_json(json.dumps(content, indent=2, ensure_ascii=False))
    write_atomically(origin, f"{text}\n".encode())
    return [*paths, table, origin]
