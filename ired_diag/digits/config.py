"""The knobs of a small network on handwritten digits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from ired_diag.config import Beta, TrainingConfig

Activation = Literal["relu", "tanh", "gelu"]
Width = Annotated[int, Field(ge=1, le=10_000)]


class DigitsConfig(TrainingConfig):
    """Every knob of the network; ``weight_decay`` is that of ``adamw`` and ``sgd``.

    Attributes:
        hidden: Width of each hidden layer; empty: no hidden layer, which is logistic regression.
        activation: What follows a hidden layer.
        test_share: Share of the images that is kept for the test.
        split_seed: Random seed of the split: it does not change with ``seed``.
    """

    hidden: tuple[Width, ...] = (64,)
    activation: Activation = "relu"
    test_share: float = Field(0.25, gt=0, lt=1)
    split_seed: int = Field(0, ge=0)

    # Other defaults than those of every training.
    batch_size: int = Field(32, ge=1)
    train_steps: int = Field(2000, ge=1)
    precision: Literal["fp32", "fp64"] = "fp32"  # type: ignore[assignment]
    learning_rate: float = Field(0.001, gt=0)
    adam_betas: tuple[Beta, Beta] = (0.9, 0.999)
    gradient_clip: float | None = Field(None, gt=0)
    ema_decay: float = Field(0.0, ge=0, lt=1)
    validate_every: int = Field(50, ge=1)
    checkpoint_every: int = Field(500, ge=1)
    log_every: int = Field(50, ge=1)

    @field_validator("hidden", mode="before")
    @classmethod
    def _widths(cls, value: object) -> object:
        """JSON has lists and no tuples; a command line gives a single number, or none."""
        if value in ("none", "None"):
            return ()
        if isinstance(value, int):
            return (value,)
        if isinstance(value, list):
            return tuple(value)
        return value
