"""Where a run's probe tables go: into its folder if that is ours, else into ``ired-diag-out``."""

from __future__ import annotations

import os
from pathlib import Path

from ired_diag.runs.files import is_file
from ired_diag.runs.find import CONFIG
from ired_diag.runs.run import Run
from ired_diag.runs.store import folder_name

OUT = Path("ired-diag-out")
PROBES = "probes"


def folder_among(out: Path, run: Run) -> Path:
    """Return where under ``out`` a run's tables go when several runs share it."""
    return out / folder_name(run.group) / folder_name(run.seed_label)


def output_folder(run: Run) -> Path:
    """Return where a run's tables go: its folder if that is ours and writable, else ``ired-diag-out``."""
    if is_file(run.path / CONFIG) and os.access(run.path, os.W_OK):
        return run.path / PROBES
    name = run.path.stem if is_file(run.path) else run.path.name
    return OUT / folder_name(name)


def places_of(run: Run, out: Path | None = None) -> list[Path]:
    """Return the folders in which a run's tables may lie, the likeliest first.

    Args:
        run: The run.
        out: Where else tables were sent, as ``ired-diag probe --out``.
    """
    places = [run.path / PROBES, output_folder(run)]
    if out:
        places = [folder_among(out, run), out, *places]
    return list(dict.fromkeys(places))
