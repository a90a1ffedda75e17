"""What the dashboard's pages compute, without its server: for benchmarks/memory.py.

python -m benchmarks.memory_of_dashboard curves FOLDER
python -m benchmarks.memory_of_dashboard table FOLDER PROBE
"""

from __future__ import annotations

import sys
from pathlib import Path

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.curve_figures import Curves


def show_curves(folder: Path) -> None:
    """Compute the learning curves of a folder, and again zoomed in."""
    catalog = Catalog(folder)
    curves = Curves()
    for view in (View(), View(x=(1000.0, 5000.0))):
        figure = curves.shown(view, catalog.snapshot())
        if isinstance(figure, str):
            raise SystemExit(figure)
        points = sum(len(line.x) for panel in figure.panels for line in panel.lines)
        sys.stdout.write(f"{len(catalog.snapshot().entries)} runs, {points} points drawn\n")


def show_table(folder: Path, probe: str) -> None:
    """Read the table of a probe as the page of a run does."""
    catalog = Catalog(folder)
    groups = catalog.snapshot().study.groups()
    for table in catalog.tables.find(groups, probe).tables:
        sys.stdout.write(f"{table.label}: {len(table.measured_at())} kinds of weights\n")
        measured = table.last()
        if measured is not None:
            sys.stdout.write(f"step {measured.step}: {len(measured.rows)} columns\n")


if __name__ == "__main__":
    what, place, *names = sys.argv[1:]
    if what == "curves":
        show_curves(Path(place))
    else:
        show_table(Path(place), *names)
