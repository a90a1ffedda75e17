"""The first picture of a page as it was sent to a browser, kept for the next session.

Reading curves, simulating the scores of predictors without a network, and loading the libraries that draw
take a second of processor time. A picture is kept under a digest of all that it was made from: the code of
this program and its libraries, the folder, how runs are grouped and judged, the states of all files, how far
each run came, and the view. So a kept picture cannot be out of date: where anything differs, so does its
name, and it is drawn again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from ired_diag.errors import CannotWrite
from ired_diag.runs.files import write_atomically
from ired_diag.user_cache import shrink

SUFFIX = ".picture"
MOST_BYTES = 64 << 20  # of all pictures together; one has about 0.2 MB
PARTS = ("figure", "style", "words", "table", "drawn")  # of a chart, as its callback returns them

Parts = tuple[Any, ...]


@dataclass(frozen=True)
class KeptPictures:
    """The pictures of a chart; safe to ask from several threads.

    Attributes:
        catalog: The study.
        chart: Name of the chart.
    """

    catalog: Catalog
    chart: str
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, view: View, draw: Callable[[], Parts]) -> Parts:
        """Return the parts of the chart for a view, as they are kept or newly drawn.

        Args:
            view: Choices of the reader.
            draw: Draws the chart for the view, whatever the browser shows.
        """
        with self._lock:  # the page asks while its chart is drawn ahead
            path = self._path(view)
            if path is None:
                return draw()
            kept = _read(path)
            if kept is not None:
                return kept
            parts = draw()
            # What changed meanwhile may be in the picture, and is not in the name.
            if isinstance(parts[0], dict) and self._path(view) == path:
                _write(path, parts)
            return parts

    def _path(self, view: View) -> Path | None:
        """Return where the picture of a view is kept; None where the study cannot be named."""
        state = self.catalog.state()
        if state is None or self.catalog.file is None:
            return None
        content = repr((state, self.chart, view)).encode(errors="surrogateescape")
        name = hashlib.sha256(content).hexdigest()[:32]
        return self.catalog.file.path.parent.with_name("pictures") / f"{name}{SUFFIX}"


def _read(path: Path) -> Parts | None:
    """Return the parts of a kept picture; None where there is none, or it is damaged."""
    try:
        kept = json.loads(path.read_bytes())
        return tuple(kept[part] for part in PARTS)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, parts: Parts) -> None:
    from plotly.utils import PlotlyJSONEncoder

    content = json.dumps(dict(zip(PARTS, parts, strict=True)), cls=PlotlyJSONEncoder).encode()
    with contextlib.suppress(CannotWrite):
        write_atomically(path, content)
        shrink(path.parent, f"*{SUFFIX}", most_bytes=MOST_BYTES)
