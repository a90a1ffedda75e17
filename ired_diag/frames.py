"""What is read and compared, as DataFrames: one table at each boundary of the library.

pandas is loaded when the first frame is made, so that a command that makes none does not wait for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from ired_diag.comparison import Comparison
    from ired_diag.finding import Finding
    from ired_diag.runs.history import History
    from ired_diag.runs.run import Run


def frame_of_history(history: History) -> pd.DataFrame:
    """Return what a run logged: one row for each step, one column for each metric, NaN where none was logged.

    The index is named ``step``. A NaN that the run logged cannot be distinguished from a step at which the
    metric was not logged; ``history.series`` keeps them apart.
    """
    import pandas as pd

    columns = {}
    for name, series in history.series.items():
        columns[name] = pd.Series(series.values, index=pd.Index(series.steps, name="step"))
    frame = pd.DataFrame(columns)
    frame.index.name = "step"
    return frame.sort_index()


def frame_of_runs(runs: Iterable[Run]) -> pd.DataFrame:
    """Return one row for each run: group, seed, ending, metric, and its last and best evaluation."""
    import pandas as pd

    from ired_diag.verdict import verdict_of

    rows: list[dict[str, Any]] = []
    for run in runs:
        verdict = verdict_of(run)
        rows.append(
            {
                "group": run.group,
                "run": run.seed_label,
                "seed": run.seed,
                "ending": run.ending.label,
                "metric": verdict.metric,
                "lower_is_better": None if verdict.direction is None else verdict.direction.lower_is_better,
                "evaluations": verdict.evaluations,
                "last_step": verdict.last_step,
                "last": verdict.last,
                "best_step": verdict.best_step,
                "best": verdict.best,
                "curve": verdict.shape,
                "path": str(run.path),
            }
        )
    return pd.DataFrame(rows)


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


def frame_of_findings(findings: Iterable[Finding]) -> pd.DataFrame:
    """Return one row for each finding: severity, rule, statement and advice."""
    import pandas as pd

    columns = ["severity", "rule", "statement", "advice"]
    return pd.DataFrame(
        [[getattr(finding, name) for name in columns] for finding in findings], columns=columns
    )
