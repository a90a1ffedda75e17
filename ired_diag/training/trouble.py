"""Trouble while a run trains, announced once, as it happens, with its step.

- *not a number*: the loss of a step is not finite; nothing that follows can be.
- *runaway*: |E_pos| above 50 dim. Where the denoiser is right and the answers are noise of unit variance, the
  energy is ‖y‖²/2, dim/2 in the mean: an energy a hundred times that has a scale of its own. Where ∇_yE is
  divided by N (``gradient_normalization``), the right denoiser itself has N dim/2: below 50 N dim it is a
  note, which says so and stops nothing.
- *dead predictor*: from step 1000 on, the denoising loss of each of the last ten logged steps is between 0.98
  and 1.5. Predicting no noise at all has E[ε²] = 1; a spike, or a loss that climbs, is another trouble.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from ired_diag.finding import Finding

RUNAWAY = 50.0  # in units of dim: 100 x dim/2
DEAD_LOSS = (0.98, 1.5)  # of E[eps^2] = 1
DEAD_FROM = 1000
DEAD_ROWS = 10
RULES = ("not_a_number", "energy_runaway", "dead_predictor")


@dataclass
class Watch:
    """Looks at what one run logs.

    Attributes:
        dim: Numbers in an answer.
        divisor: What ∇_yE is divided by.
        announced: Rules that need no second announcement.
        losses: The last logged denoising losses.
    """

    dim: int
    divisor: float = 1.0
    announced: set[str] = field(default_factory=set)
    losses: deque[float] = field(default_factory=lambda: deque(maxlen=DEAD_ROWS))

    def look(self, step: int, values: dict[str, float], broken_since: int | None) -> list[Finding]:
        """Return what is announced at a logged step: each rule at most once in a run.

        Args:
            step: The step.
            values: What was logged at it.
            broken_since: The first step whose loss was not finite, if any was.
        """
        self.losses.append(values.get("train/denoise", math.nan))
        found = [self._not_a_number(broken_since), self._runaway(step, values), self._dead(step)]
        news = [finding for finding in found if finding and finding.rule not in self.announced]
        self.announced |= {finding.rule for finding in news}
        return news

    def _not_a_number(self, since: int | None) -> Finding | None:
        if since is None:
            return None
        return Finding(
            "not_a_number",
            "error",
            f"The loss is not a number from step {since} on: the run has diverged.",
            {"step": since},
            "Fork it before that step, say with a smaller rate: ired-diag train --from RUN@STEP --set …",
        )

    def _runaway(self, step: int, values: dict[str, float]) -> Finding | None:
        energy = values.get("train/energy_positive", 0.0)
        limit = RUNAWAY * self.dim
        if not abs(energy) > limit:
            return None
        advice = "See the remedies: energy_reg_weight, energy_bound, head_normalization."
        if self.divisor > 1:
            needed = self.divisor * self.dim / 2
            advice = (
                f"∇E is divided by {self.divisor:g}, so that a right denoiser needs energies near "
                f"{needed:.4g}: gradient_normalization asks for them."
            )
        away = abs(energy) > limit * max(1.0, self.divisor)
        return Finding(
            "energy_runaway",
            "warning" if away else "note",
            f"The energy of positives {'runs away' if away else 'is large'}: {energy:.4g} at step {step}, "
            f"beyond ±{limit:.4g} (50 for each number of an answer).",
            {"step": step, "energy_positive": energy, "limit": limit, "divisor": self.divisor},
            advice,
        )

    def _dead(self, step: int) -> Finding | None:
        if step < DEAD_FROM or len(self.losses) < DEAD_ROWS:
            return None
        if not all(DEAD_LOSS[0] <= loss <= DEAD_LOSS[1] for loss in self.losses):
            return None
        mean = sum(self.losses) / len(self.losses)
        return Finding(
            "dead_predictor",
            "warning",
            f"The predictor is dead at step {step}: its denoising loss is {mean:.4g} over the last "
            f"{DEAD_ROWS} logged steps, and predicting no noise at all has 1.",
            {"step": step, "denoise": mean},
            "A bound, clamp or regulariser that is too tight flattens the energy; loosen it.",
        )
