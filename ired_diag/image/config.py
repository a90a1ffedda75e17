"""The knobs of fitting Gaussians to an image."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from ired_diag.config import TRAINING_IDLE_RULES, Beta, IdleRule, TrainingConfig, none_for_word

PUBLISHED = "published"
Part = Literal["position", "scale", "color"]


class ImageConfig(TrainingConfig):
    """Every knob of a fit; each step sees the whole image, and the average of Gaussians is no fit.

    Attributes:
        picture: ``published``, the grey image of the study, or the path of an image file.
        gaussians: How many Gaussians there are.
        render_cutoff: A Gaussian is drawn where its squared distance, in units of its scales, is at most
            this; none: everywhere.
        normalised: Whether a pixel's color is the weighted mean of the colors, or their weighted sum.
        descends: Which term a step descends; ``reported``: the reported loss.
        scale_floor: The smallest scale, in widths of the image.
        scale_ceiling: The largest scale.
        frozen: Which parts of the Gaussians are not trained.
    """

    idle_rules: ClassVar[tuple[IdleRule, ...]] = (
        *TRAINING_IDLE_RULES,
        IdleRule("batch_size", lambda config: False, "on an image, of which each step sees all"),
    )

    picture: str = Field(PUBLISHED, min_length=1)
    gaussians: int = Field(50, ge=1, le=100_000)
    render_cutoff: float | None = Field(12.25, gt=0)
    normalised: bool = True
    descends: Literal["l1", "l2", "ssim", "reported"] = "l2"
    scale_floor: float = Field(0.001, gt=0)
    scale_ceiling: float = Field(0.5, gt=0)
    frozen: tuple[Part, ...] = ()

    # Other defaults than those of every training.
    seed: int = Field(42, ge=0)
    batch_size: int = Field(1, ge=1)
    train_steps: int = Field(10_000, ge=1)
    precision: Literal["fp32", "fp64"] = "fp32"  # type: ignore[assignment]
    learning_rate: float = Field(0.001, gt=0)
    adam_betas: tuple[Beta, Beta] = (0.9, 0.999)
    gradient_clip: float | None = Field(None, gt=0)
    ema_decay: float = Field(0.0, ge=0, lt=1)
    validate_every: int = Field(100, ge=1)
    checkpoint_every: int = Field(500, ge=1)
    log_every: int = Field(100, ge=1)

    @field_validator("render_cutoff", mode="before")
    @classmethod
    def _no_cutoff(cls, value: object) -> object:
        return none_for_word(value)

    @field_validator("frozen", mode="before")
    @classmethod
    def _parts(cls, value: object) -> object:
        """JSON has lists and no tuples; a command line gives a single word."""
        if isinstance(value, str):
            return tuple(value.split(","))
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _scales_have_room(self) -> Self:
        if self.scale_floor > self.scale_ceiling:
            raise ValueError("scale_floor is above scale_ceiling")
        return self
