"""The knobs of a descent on a test function."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from ired_diag.config import TRAINING_IDLE_RULES, Beta, IdleRule, TrainingConfig

Function = Literal["rosenbrock", "quadratic", "saddle", "ackley", "rastrigin", "sphere", "schwefel"]


class FunctionsConfig(TrainingConfig):
    """Every knob of a descent; a step has no batch, and the best point is not an average of points.

    Attributes:
        function: Which function is descended.
        start: Where from; none: the function's usual start.
        start_spread: Standard deviation of the start among seeds, in each coordinate.
        gradient_noise: Standard deviation of the noise that is added to each coordinate of the gradient.
    """

    idle_rules: ClassVar[tuple[IdleRule, ...]] = (
        *TRAINING_IDLE_RULES,
        IdleRule("batch_size", lambda config: False, "on a function, which has no batches"),
    )

    function: Function = "rosenbrock"
    start: tuple[float, float] | None = None
    start_spread: float = Field(0.0, ge=0)
    gradient_noise: float = Field(0.0, ge=0)

    # Other defaults than those of every training.
    batch_size: int = Field(1, ge=1)
    train_steps: int = Field(10_000, ge=1)
    precision: Literal["fp64", "fp32"] = "fp64"  # type: ignore[assignment]
    learning_rate: float = Field(0.01, gt=0)
    adam_betas: tuple[Beta, Beta] = (0.9, 0.999)
    gradient_clip: float | None = Field(None, gt=0)
    ema_decay: float = Field(0.0, ge=0, lt=1)
    validate_every: int = Field(100, ge=1)
    checkpoint_every: int = Field(1000, ge=1)
    log_every: int = Field(1, ge=1)

    @field_validator("start", mode="before")
    @classmethod
    def _pair(cls, value: object) -> object:
        """JSON has lists and no tuples."""
        if value in ("none", "None"):
            return None
        return tuple(value) if isinstance(value, list) else value
