r"""A paper figure's files: the picture in its forms, its caption, its data, and where they came from.

The caption is written twice: as text, and as a ``figure`` environment of LaTeX that a paper can take in with
``\input``. The picture itself holds no caption, as journals want it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ired_diag.drawing import paper
from ired_diag.drawing.as_table import to_csv
from ired_diag.drawing.data import FigureData
from ired_diag.drawing.paper_fonts import SANS
from ired_diag.drawing.paper_widths import COLUMN
from ired_diag.latex_text import comment, escaped
from ired_diag.runs.files import write_atomically
from ired_diag.visible_text import visible, visible_json

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
    width: float = COLUMN,
    font: str = SANS,
    noted: bool = False,
) -> list[Path]:
    """Write a figure, its caption, its data and its provenance, and return the files.

    Nothing of it holds the time of day: the same runs give the same bytes.

    Args:
        figure: The figure.
        folder: Folder for the files.
        provenance: Where it came from.
        forms: File formats of the picture.
        width: Width in inches.
        font: ``sans``, ``serif``, or a family of fonts that matplotlib finds.
        noted: Whether the caption in a few words stands in the picture too.

    Raises:
        CannotWrite: The folder cannot be written.
        NotFound: There is no such font.
    """
    paths = paper.write(figure, folder, tuple(forms), width=width, font=font, noted=noted)
    texts = {
        "txt": f"{caption_of(figure)}\n",
        "tex": figure_in_latex(figure, width, forms=forms),
        "csv": to_csv(figure),
    }
    for ending, text in texts.items():
        path = folder / f"{figure.name}.{ending}"
        write_atomically(path, text.encode(errors="backslashreplace"))
        paths.append(path)
    origin = folder / f"{figure.name}.json"
    content = {
        "format": FORMAT,
        "figure": figure.name,
        "title": figure.title,
        "method": figure.method,
        "summary": figure.summary,
        "width_inches": width,
        "font": font,
        "command": provenance.command,
        "versions": dict(provenance.versions),
        "sources": [dict(source) for source in provenance.sources],
    }
    text = visible_json(json.dumps(content, indent=2, ensure_ascii=False))
    write_atomically(origin, f"{text}\n".encode())
    return [*paths, origin]


def caption_of(figure: FigureData) -> str:
    """Return title and method as a caption."""
    end = "" if figure.title.endswith(("?", "!", ".")) else "."
    return visible(f"{figure.title}{end} {figure.method}")


def figure_in_latex(figure: FigureData, width: float, *, forms: Sequence[str] = FORMS) -> str:
    """Return the ``figure`` environment of LaTeX that shows a picture with its caption and a label.

    LaTeX takes what follows the first point of a file's name for its ending, but for names in braces.
    """
    file = figure.name
    ending = next((form for form in ("pdf", "png") if form in forms), "")
    if "." in file and ending:
        file = f"{{{file}}}.{ending}"
    title = escaped(visible(figure.title))
    end = "" if figure.title.endswith(("?", "!", ".")) else "."
    method = escaped(visible(figure.method))
    lines = [
        comment(r"Needs \usepackage{graphicx}. Over both columns of a page: figure* instead of figure."),
        r"\begin{figure}",
        r"\centering",
        rf"\includegraphics[width={width:g}in]{{{file}}}",
        rf"\caption{{\textbf{{{title}{end}}} {method}}}",
        rf"\label{{fig:{figure.name}}}",
        r"\end{figure}",
    ]
    return "".join(f"{line}\n" for line in lines)
