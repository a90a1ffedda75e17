"""The knobs of an energy E(x, y, t) with noise levels that is trained against mined negatives."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from ired_diag.batch_shares import unusable_shares
from ired_diag.config import TRAINING_IDLE_RULES, IdleRule, TrainingConfig, none_for_word


def has_contrast(config: EnergyConfig) -> bool:
    """Say whether the loss has a contrastive term."""
    return config.mining_strategy != "none" and config.energy_loss_weight > 0


def _contrast(config: Any) -> bool:
    return has_contrast(config)


def _moves_mining(config: Any) -> bool:
    """Say whether mining reads the setting that the curriculum moves."""
    moved = f"mining_{config.mining_curriculum}"
    if not has_contrast(config) or moved in config.unread_knobs():
        return False
    return moved == "mining_noise_scale" or config.mining_opt_steps > 0


UNREAD_BY_STRATEGY = {
    "none": (
        "mining_opt_steps",
        "mining_noise_scale",
        "mining_scale_factor",
        "random_negative",
        "energy_loss_weight",
    ),
    "random": ("mining_opt_steps", "mining_scale_factor"),
    "adversarial": ("random_negative",),
    "ascent": ("random_negative",),
}

WALKING = ("adversarial", "ascent", "mixed")

WITHOUT_MINING = "without mining (mining_strategy none, or energy_loss_weight 0)"

ENERGY_IDLE_RULES = (
    IdleRule(
        "head_normalization",
        lambda config: config.use_scalar_energy,
        "without a scalar head (use_scalar_energy true)",
    ),
    IdleRule("energy_bound_scale", lambda config: config.energy_bound != "none", "without an energy_bound"),
    IdleRule(
        "ascent_learning_rate",
        lambda config: config.mining_strategy == "ascent",
        "unless mining_strategy is ascent",
    ),
    IdleRule(
        "adversarial_fraction",
        lambda config: config.mining_strategy == "mixed",
        "unless mining_strategy is mixed",
    ),
    IdleRule("warm_start_steps", _contrast, WITHOUT_MINING),
    IdleRule("mining_curriculum", _moves_mining, "because the setting that it moves is not read"),
    IdleRule(
        "curriculum_start",
        lambda config: config.mining_curriculum != "none",
        "without a mining_curriculum",
    ),
    IdleRule(
        "curriculum_steps",
        lambda config: config.mining_curriculum != "none",
        "without a mining_curriculum",
    ),
    IdleRule("hardest_negatives", _contrast, WITHOUT_MINING),
    IdleRule("negative_free_fraction", _contrast, WITHOUT_MINING),
    IdleRule("energy_reg_norm", lambda config: config.energy_reg_weight > 0, "without an energy_reg_weight"),
    IdleRule("energy_clamp", _contrast, WITHOUT_MINING),
    IdleRule("soft_clamp_delta", _contrast, WITHOUT_MINING),
)


class EnergyConfig(TrainingConfig):
    """The knobs of every training, and those of an energy."""

    idle_rules: ClassVar[tuple[IdleRule, ...]] = (*ENERGY_IDLE_RULES, *TRAINING_IDLE_RULES)
    expectations = {"gradient_normalization": "'batch', a number above 0, or null"}  # noqa: RUF012

    diffusion_steps: int = Field(10, ge=1)
    use_scalar_energy: bool = False
    gradient_normalization: Literal["batch"] | float | None = None

    # What is put before or around the head of the energy.
    head_normalization: Literal["none", "layer", "spectral"] = "none"
    energy_bound: Literal["none", "tanh", "sigmoid"] = "none"
    energy_bound_scale: float = Field(1000.0, gt=0)
    head_gradient_clip: float | None = Field(None, gt=0)

    mining_strategy: Literal["none", "random", "adversarial", "ascent", "mixed"] = "none"
    mining_opt_steps: int = Field(2, ge=0)
    mining_noise_scale: float = Field(3.0, ge=0)
    mining_scale_factor: float = Field(1.0, gt=0)
    random_negative: Literal["gaussian", "noised_start"] = "gaussian"
    ascent_learning_rate: float = Field(0.1, gt=0)
    adversarial_fraction: float = Field(0.7, ge=0, le=1)
    mining_curriculum: Literal["none", "scale_factor", "noise_scale", "opt_steps"] = "none"
    curriculum_start: float | None = Field(None, ge=0)
    curriculum_steps: int = Field(10_000, ge=1)

    # Which samples of a batch count.
    negative_free_fraction: float = Field(0.0, ge=0, lt=1)
    hardest_negatives: int | None = Field(None, ge=1)
    hard_example_fraction: float = Field(1.0, gt=0, le=1)

    # What else acts on energies in the loss.
    energy_loss_weight: float = Field(0.5, ge=0)
    warm_start_steps: int = Field(0, ge=0)
    energy_reg_weight: float = Field(0.0, ge=0)
    energy_reg_norm: Literal["l2", "l1"] = "l2"
    energy_clamp: float | None = Field(None, gt=0)
    soft_clamp_delta: float | None = Field(None, gt=0)
    stop_gradient_head: bool = False

    @field_validator(
        "gradient_normalization",
        "head_gradient_clip",
        "energy_clamp",
        "soft_clamp_delta",
        "curriculum_start",
        "hardest_negatives",
        mode="before",
    )
    @classmethod
    def _word_for_no_limit(cls, value: object) -> object:
        return none_for_word(value)

    @field_validator("gradient_normalization")
    @classmethod
    def _positive(cls, value: Literal["batch"] | float | None) -> Literal["batch"] | float | None:
        if isinstance(value, float) and value <= 0:
            raise ValueError("not a divisor")
        return value

    def unread_knobs(self) -> dict[str, str]:
        """Return knobs of mining that are not read next to the others, with the reason."""
        strategy = self.mining_strategy
        unread = list(UNREAD_BY_STRATEGY.get(strategy, ()))
        if strategy == "random" and self.random_negative == "gaussian":
            unread.append("mining_noise_scale")
        reasons = dict.fromkeys(unread, f"with mining_strategy {strategy}")
        if strategy in WALKING and self.mining_opt_steps == 0:
            for knob in ("mining_scale_factor", "ascent_learning_rate"):
                reasons.setdefault(knob, "with mining_opt_steps 0")
        if strategy != "none" and not has_contrast(self):
            for knob in UNREAD_BY_STRATEGY["none"]:
                reasons.setdefault(knob, "with energy_loss_weight 0")
            del reasons["energy_loss_weight"]
        return reasons

    def unreached(self) -> str:
        """Say that no step of the training mines, because all of them are warm start."""
        if not has_contrast(self) or self.warm_start_steps < self.train_steps:
            return ""
        return (
            f"warm_start_steps is {self.warm_start_steps} and train_steps {self.train_steps}: no step mines, "
            f"and mining_strategy {self.mining_strategy} changes nothing"
        )

    def remarks(self) -> list[str]:
        """Return what a reader should know of knobs that training does not come to, or not to their end."""
        if unreached := self.unreached():
            return [f"{unreached}."]
        last = self.warm_start_steps + self.curriculum_steps
        if self.mining_curriculum == "none" or last <= self.train_steps:
            return []
        setting = f"mining_{self.mining_curriculum}"
        return [
            f"The curriculum ends at step {last}, after the {self.train_steps} train_steps: {setting} does "
            f"not reach {getattr(self, setting):g}."
        ]

    @model_validator(mode="after")
    def _one_clamp(self) -> Self:
        if self.energy_clamp is not None and self.soft_clamp_delta is not None:
            raise ValueError("energy_clamp and soft_clamp_delta are two ways to the same end: set one")
        return self

    @model_validator(mode="after")
    def _usable_curriculum(self) -> Self:
        if self.mining_curriculum == "none":
            return self
        setting = f"mining_{self.mining_curriculum}"
        end, start = getattr(self, setting), self.curriculum_start
        if start is None:
            raise ValueError(f"mining_curriculum needs a curriculum_start, the value of {setting} at first")
        if start == end:
            raise ValueError(f"curriculum_start is {start:g}, as is {setting}: it changes nothing")
        if self.mining_curriculum == "opt_steps" and (start < 1 or start != int(start)):
            raise ValueError(
                f"curriculum_start is {start:g}: a curriculum of steps starts at a whole number of them, "
                "1 or more; before that, use warm_start_steps"
            )
        return self

    @model_validator(mode="after")
    def _usable_shares(self) -> Self:
        if reason := unusable_shares(self):
            raise ValueError(reason)
        return self


def divisor_of(config: EnergyConfig) -> float:
    """Return what ∇_yE is divided by in training."""
    match config.gradient_normalization:
        case None:
            return 1.0
        case "batch":
            return float(config.batch_size)
        case number:
            return number
