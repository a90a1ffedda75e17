"""What the first page needs is loaded while the browser still reads its scripts.

Libraries that draw and compare take half a second of processor time to import, and the scores of predictors
without a network are simulated once. Loaded when they are first needed, both would be waited for.
"""

from __future__ import annotations

import threading


def warm_up() -> threading.Thread:
    """Load the libraries of the first page in a thread of its own, and return it."""
    thread = threading.Thread(target=_load, daemon=True)
    thread.start()
    return thread


def _load() -> None:
    import pandas  # noqa: F401
    import plotly.graph_objects  # noqa: F401
    import scipy.stats  # noqa: F401

    import app.pictures  # noqa: F401
