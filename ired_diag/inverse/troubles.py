"""What goes wrong with an energy while it trains.

- *runaway*: |E_pos| above 50 dim. Where the denoiser is right and the answers are noise of unit variance, the
  energy is ‖y‖²/2, dim/2 in the mean: an energy a hundred times that has a scale of its own. Where ∇_yE is
  divided by N (``gradient_normalization``), the right denoiser itself has N dim/2: below 50 N dim it is a
  note, which says so and stops nothing.
- *dead predictor*: from step 1000 on, the denoising loss of each of the last ten logged steps is between 0.98
  and 1.5. Predicting no noise at all has E[ε²] = 1; a spike, or a loss that climbs, is another trouble.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from ired_diag.energy_config import divisor_of
from ired_diag.finding import Finding
from ired_diag.inverse.config import InverseConfig
from ired_diag.task import Row, Trouble

RUNAWAY = 50.0  # in units of dim: 100 x dim/2
DEAD_LOSS = (0.98, 1.5)  # of E[eps^2] = 1
DEAD_FROM = 1000
DEAD_ROWS = 10


def troubles_of(config: InverseConfig) -> tuple[Trouble, ...]:
    """Return what to look for in a run of this configuration."""
    runaway = partial(energy_runaway, dim=config.rank**2, divisor=divisor_of(config))
    return (
        Trouble("energy_runaway", runaway),
        Trouble("dead_predictor", dead_predictor, rows=DEAD_ROWS),
    )


def energy_runaway(rows: Sequence[Row], *, dim: int, divisor: float = 1.0) -> Finding | None:
    """Return a finding where the energy of positives is far beyond what a right denoiser needs.

    Args:
        rows: The latest logged row.
        dim: Numbers in an answer.
        divisor: What ∇_yE is divided by.
    """
    step, values = rows[-1]
    energy = values.get("train/energy_positive", 0.0)
    limit = RUNAWAY * dim
    if not abs(energy) > limit:
        return None
    advice = "See the remedies: energy_reg_weight, energy_bound, head_normalization."
    if divisor > 1:
        needed = divisor * dim / 2
        advice = (
            f"∇E is divided by {divisor:g}, so that a right denoiser needs energies near "
            f"{needed:.4g}: gradient_normalization asks for them."
        )
    away = abs(energy) > limit * max(1.0, divisor)
    return Finding(
        "energy_runaway",
        "warning" if away else "note",
        f"The energy of positives {'runs away' if away else 'is large'}: {energy:.4g} at step {step}, "
        f"beyond ±{limit:.4g} (50 for each number of an answer).",
        {"step": step, "energy_positive": energy, "limit": limit, "divisor": divisor},
        advice,
    )


def dead_predictor(rows: Sequence[Row]) -> Finding | None:
    """Return a finding where the denoising loss stays at that of predicting nothing.

    Args:
        rows: The last logged rows, ``DEAD_ROWS`` of them once there are as many.
    """
    step = rows[-1][0]
    # Of a choice of samples, the mean over all of them is what tells (``sample_choice``).
    losses = [values.get("train/denoise_all", values.get("train/denoise", math.nan)) for _, values in rows]
    if step < DEAD_FROM or len(losses) < DEAD_ROWS:
        return None
    if not all(DEAD_LOSS[0] <= loss <= DEAD_LOSS[1] for loss in losses):
        return None
    mean = sum(losses) / len(losses)
    return Finding(
        "dead_predictor",
        "warning",
        f"The predictor is dead at step {step}: its denoising loss is {mean:.4g} over the last "
        f"{DEAD_ROWS} logged steps, and predicting no noise at all has 1.",
        {"step": step, "denoise": mean},
        "A bound, clamp or regulariser that is too tight flattens the energy; loosen it.",
    )
