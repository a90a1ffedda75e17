"""``ired-diag ls --explain``: how text logs are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from app.cli import output
from ired_diag.visible_text import visible_line

if TYPE_CHECKING:
    from ired_diag.readers.text_explained import Explanation


def print_explanations(paths: Sequence[str], *, as_json: bool) -> None:
    """Print how each file, and each file in each folder, is read.

    Raises:
        NotFound: There is nothing at a path.
    """
    from ired_diag.explained_files import files_and_formats

    others: list[dict[str, object]] = []
    explained: list[Explanation] = []
    for path, format, explanation in files_and_formats(paths):
        if explanation is None:
            others.append({"path": path, "format": format})
        else:
            explained.append(explanation)
    if as_json:
        output.print_json({"explained": [file.as_dict for file in explained], "others": others})
        return
    for explanation in explained:
        for sentence in explanation.sentences:
            click.echo(visible_line(sentence))
    for other in others:
        click.echo(visible_line(f"{other['path']}: {other['format']}"))
