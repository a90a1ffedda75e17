"""A comparison as a DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from ired_diag.comparison import Comparison


def frame_of_comparison(comparison: Comparison) -> pd.DataFrame:
    """Return one row for each pair of groups: difference, interval, p values and verdict.

    ``difference`` is a minus b in the unit of the metric; ``low`` and ``high`` are the ends of the interval
    that holds together with those of all other pairs.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for pair in comparison.pairs:
        seeds_a, seeds_b, _ = pair.seeds
        rows.append(
            {
                "a": pair.a,
                "b": pair.b,
                "n_a": seeds_a,
                "n_b": seeds_b,
                "difference": pair.difference,
                "low": pair.simultaneous_low,
                "high": pair.simultaneous_high,
                "test": pair.primary,
                "p": pair.p,
                "p_holm": pair.p_holm,
                "verdict": pair.verdict.decision,
                "reason": pair.verdict.reason,
            }
        )
    frame = pd.DataFrame(rows)
    frame.attrs["metric"] = comparison.metric_words
    frame.attrs["readout"] = comparison.readout
    return frame
