"""Descent on a test function of the plane, such as Rosenbrock's, of which a minimum or saddle is known.

Reference: ``ired_diag.functions.surface`` has the functions.
"""

from __future__ import annotations

from ired_diag.functions.config import FunctionsConfig
from ired_diag.task import LossTerm, Metric, Task, late

TRAINING = "ired_diag.functions.training"

TASK = Task(
    name="functions",
    title="a test function of the plane",
    settings=FunctionsConfig,
    metric=Metric("function/value", "function value"),
    terms=(
        LossTerm("value", "value of the function"),
        LossTerm("noise", "its gradient is the noise that is added to the function's", reported=False),
    ),
    initial_weights=late(TRAINING, "initial_weights"),
    draw_batch=late(TRAINING, "draw_batch"),
    loss=late(TRAINING, "losses"),
    evaluate=late(TRAINING, "evaluate"),
    stacked=True,
    columns={
        "value": "value of the function before the step, without the noise",
        "x": "first coordinate before the step",
        "y": "second coordinate before the step",
    },
    paired_by=("function", "start", "start_spread", "gradient_noise"),
    critical_points=late(TRAINING, "critical_points"),
    plane=late(TRAINING, "plane"),
    absent_sources=late(TRAINING, "absent_sources"),
)
