"""The configuration of a run: one frozen model that reads the study's own JSON files unchanged.

Three kinds of keys. *Knobs* are the fields of ``Config``. *Metadata* (``description``, ``notes``, …) is
kept and changes nothing. Keys of the study's code that this project does not implement are accepted at
their off value (false, 0, none), because there they change nothing, and are refused by name otherwise.
Anything else is a typo until proven otherwise: refused, with the key that was probably meant.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ired_diag.config_keys import METADATA, NOT_IMPLEMENTED
from ired_diag.errors import UnreadableFile, WrongConfiguration, unreadable
from ired_diag.json_text import parse_json, read_json

LARGEST = 3.4e38  # what float32 can hold, in which all weights are

Beta = Annotated[float, Field(ge=0, lt=1)]


class Config(BaseModel):
    """Every knob of a run, under the key names of the study's configuration files."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    experiment_name: str = Field(min_length=1)
    seed: int = Field(0, ge=0)

    dataset: Literal["ired", "design"] = "ired"
    rank: int = Field(20, ge=1)
    ood: bool = False

    diffusion_steps: int = Field(10, ge=1)
    width: int = Field(512, ge=1)
    time_embedding: int = Field(128, ge=4, multiple_of=2)
    time_width: int = Field(128, ge=1)
    use_scalar_energy: bool = False
    gradient_normalization: Literal["batch"] | float | None = None

    # What is put before or around the head of the energy (ired_diag/model/head.py).
    head_normalization: Literal["none", "layer", "spectral"] = "none"
    energy_bound: Literal["none", "tanh", "sigmoid"] = "none"
    energy_bound_scale: float = Field(1000.0, gt=0)

    mining_strategy: Literal["none", "random", "adversarial", "ascent", "mixed"] = "none"
    mining_opt_steps: int = Field(2, ge=0)
    mining_noise_scale: float = Field(3.0, ge=0)
    random_negative: Literal["gaussian", "noised_start"] = "gaussian"
    ascent_learning_rate: float = Field(0.1, gt=0)
    adversarial_fraction: float = Field(0.7, ge=0, le=1)

    # What else acts on energies in the loss (ired_diag/training/objective.py).
    energy_loss_weight: float = Field(0.5, ge=0)
    warm_start_steps: int = Field(0, ge=0)
    energy_reg_weight: float = Field(0.0, ge=0)
    energy_reg_norm: Literal["l2", "l1"] = "l2"
    energy_clamp: float | None = Field(None, gt=0)
    soft_clamp_delta: float | None = Field(None, gt=0)
    stop_gradient_head: bool = False

    batch_size: int = Field(2048, ge=1)
    train_steps: int = Field(100_000, ge=1)
    precision: Literal["fp32", "bf16"] = "fp32"

    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = Field(1e-4, gt=0)
    adam_betas: tuple[Beta, Beta] = (0.9, 0.99)
    momentum: float = Field(0.0, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    lr_schedule: Literal["constant", "cosine", "step"] = "constant"
    lr_warmup_steps: int = Field(0, ge=0)
    lr_decay_start: int = Field(0, ge=0)
    lr_floor: float = Field(0.0, ge=0, le=1)
    lr_step_every: int = Field(30_000, ge=1)
    lr_step_factor: float = Field(0.1, gt=0, le=1)
    gradient_clip: float | None = Field(1.0, gt=0)
    head_gradient_clip: float | None = Field(None, gt=0)
    clip_scaled_gradients: bool = False
    ema_decay: float = Field(0.995, ge=0, lt=1)
    early_stopping_patience: int | None = Field(None, ge=1)

    validate_every: int = Field(1000, ge=1)
    validation_batches: int = Field(22, ge=1)
    validation_batch_size: int = Field(256, ge=1)
    validation_matrices: Literal["fresh", "frozen"] = "fresh"
    checkpoint_every: int = Field(1000, ge=1)
    log_every: int = Field(100, ge=1)

    @field_validator("dataset", mode="before")
    @classmethod
    def _public_name(cls, value: object) -> object:
        """The public code calls the ``ired`` data set ``inverse``."""
        return "ired" if value == "inverse" else value

    @field_validator("adam_betas", mode="before")
    @classmethod
    def _pair(cls, value: object) -> object:
        """JSON has lists and no tuples."""
        return tuple(value) if isinstance(value, list) else value

    @field_validator(
        "gradient_normalization",
        "gradient_clip",
        "head_gradient_clip",
        "energy_clamp",
        "soft_clamp_delta",
        "early_stopping_patience",
        mode="before",
    )
    @classmethod
    def _none(cls, value: object) -> object:
        """A word for nothing, as elsewhere in these files."""
        return None if value in ("none", "None") else value

    @field_validator("*")
    @classmethod
    def _fits_the_weights(cls, value: object) -> object:
        """The optimiser would end in an error of PyTorch's."""
        if isinstance(value, float) and abs(value) > LARGEST:
            raise ValueError(f"more than {LARGEST:g}, the largest number of a weight")
        return value

    @field_validator("gradient_normalization")
    @classmethod
    def _positive(cls, value: Literal["batch"] | float | None) -> Literal["batch"] | float | None:
        if isinstance(value, float) and value <= 0:
            raise ValueError("not a divisor")
        return value

    @model_validator(mode="after")
    def _every_knob_counts(self) -> Config:
        """Refuse a knob that changes nothing beside the others: a run must be what it is called."""
        if idle := idle_knobs(self):
            raise ValueError("; ".join(f"{knob} changes nothing {where}" for knob, where in idle.items()))
        if self.learning_rate * self.weight_decay > LARGEST:
            raise ValueError(f"learning_rate times weight_decay is more than {LARGEST:g}")
        if self.energy_clamp is not None and self.soft_clamp_delta is not None:
            raise ValueError("energy_clamp and soft_clamp_delta are two ways to the same end: set one")
        return self


def idle_knobs(config: Config) -> dict[str, str]:
    """Return each knob that was moved from its default and yet changes nothing, with the reason.

    Only knobs of this project's own: the study's files set mining steps for runs without mining.
    """
    contrast = config.mining_strategy != "none" and config.energy_loss_weight > 0
    regularised = config.energy_reg_weight > 0
    without = "without mining (mining_strategy none, or energy_loss_weight 0)"
    counts: dict[str, tuple[bool, str]] = {
        "head_normalization": (config.use_scalar_energy, "without a scalar head (use_scalar_energy true)"),
        "energy_bound_scale": (config.energy_bound != "none", "without an energy_bound"),
        "ascent_learning_rate": (config.mining_strategy == "ascent", "unless mining_strategy is ascent"),
        "adversarial_fraction": (config.mining_strategy == "mixed", "unless mining_strategy is mixed"),
        "warm_start_steps": (contrast, without),
        "optimizer": (
            config.optimizer != "adamw" or config.weight_decay > 0,
            "as adamw without a weight_decay: it is adam",
        ),
        "energy_reg_norm": (regularised, "without an energy_reg_weight"),
        "energy_clamp": (contrast, without),
        "soft_clamp_delta": (contrast, without),
        "momentum": (config.optimizer == "sgd", "unless optimizer is sgd; Adam's is adam_betas"),
        "weight_decay": (config.optimizer != "adam", "with adam as published; use adamw or sgd"),
        "clip_scaled_gradients": (config.gradient_clip is not None, "without a gradient_clip"),
        "lr_decay_start": (config.lr_schedule != "constant", "with a constant lr_schedule"),
        "lr_floor": (config.lr_schedule != "constant", "with a constant lr_schedule"),
        "lr_step_every": (config.lr_schedule == "step", "unless lr_schedule is step"),
        "lr_step_factor": (config.lr_schedule == "step", "unless lr_schedule is step"),
    }
    fields = type(config).model_fields
    moved = {knob for knob in counts if getattr(config, knob) != fields[knob].default}
    return {knob: why for knob, (active, why) in counts.items() if knob in moved and not active}


def parse_config(keys: Mapping[str, Any], *, where: str = "configuration") -> Config:
    """Return the configuration that ``keys`` say.

    Args:
        keys: As read from a JSON file or a log's configuration block.
        where: What to call it in an error.

    Raises:
        WrongConfiguration: With every key that is unknown, not implemented, or of a wrong value.
    """
    knobs = {key: value for key, value in keys.items() if key in Config.model_fields}
    rest = {key: value for key, value in keys.items() if key not in knobs and key not in METADATA}
    lacking = [
        f"{k} = {json.dumps(v, default=str)}"
        for k, v in rest.items()
        if k in NOT_IMPLEMENTED and not is_off(v)
    ]
    complaints = [f"{k!r} is not a key{_did_you_mean(k)}" for k in rest if k not in NOT_IMPLEMENTED]
    if lacking:
        complaints.append(f"not implemented, except at false, 0 or none: {', '.join(lacking)}")
    try:
        config = Config(**knobs)
    except ValidationError as error:
        complaints.extend(dict.fromkeys(_sentence(problem) for problem in error.errors()))
    if complaints:
        raise WrongConfiguration(
            f"{where}: {'; '.join(complaints).rstrip('.')}{'' if complaints[-1].endswith('?') else '.'}"
        )
    return config


def read_config(path: Path) -> Config:
    """Return the configuration of a JSON file.

    Raises:
        UnreadableFile: The file is missing or not a JSON object.
        WrongConfiguration: A key or value that cannot be used.
    """
    return parse_config(read_json_object(path), where=str(path))


def read_json_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        UnreadableFile: The file is missing or not a JSON object.
        NotReadable: It may not be read.
    """
    try:
        content = read_json(path)
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path}: cannot be read: {error}.") from error
    except json.JSONDecodeError as error:
        raise UnreadableFile(
            f"{path}:{error.lineno}: expected a JSON object, found an error at column {error.colno}: "
            f"{error.msg}."
        ) from error
    except ValueError as error:
        raise UnreadableFile(f"{path}: expected a JSON object, found what is not: {error}.") from error
    if not isinstance(content, dict):
        raise UnreadableFile(f"{path}: expected a JSON object, found a {type(content).__name__}.")
    return content


def with_settings(config: Config, settings: Mapping[str, str]) -> Config:
    """Return a configuration with some knobs set anew, as a command line gives them.

    Args:
        config: What to start from.
        settings: Values by key; each is read as JSON where it is JSON, else as a word.

    Raises:
        WrongConfiguration: A key or value that cannot be used.
    """
    told = {key: _as_json(text) for key, text in settings.items()}
    return parse_config({**config.model_dump(mode="json"), **told}, where="--set")


def _as_json(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return text


def is_off(value: object) -> bool:
    """Say whether a value switches its key off: false, 0, none or empty.

    >>> [is_off(v) for v in (False, 0, 0.0, None, "none", [], True, 0.1, [0.2, 0.8])]
    [True, True, True, True, True, True, False, False, False]
    """
    return not value or (isinstance(value, str) and value.lower() in ("none", "off", "false"))


def _did_you_mean(key: str) -> str:
    known = [*Config.model_fields, *NOT_IMPLEMENTED, *METADATA]
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _sentence(problem: Mapping[str, Any]) -> str:
    """Return one of pydantic's complaints as: key = value: what is wrong."""
    if not problem["loc"]:  # the knobs together
        return str(problem["msg"]).removeprefix("Value error, ")
    key = str(problem["loc"][0])
    if problem["type"] == "missing" and len(problem["loc"]) == 1:
        return f"{key} is missing"
    found = f"{key} = {json.dumps(problem['input'], default=str)}"
    if problem["type"] == "missing":
        return f"{key}: expected two numbers, found {json.dumps(problem['input'], default=str)}"
    if key == "gradient_normalization":  # a union: pydantic would complain once for each member
        return f"{found}: expected 'batch', a number above 0, or null"
    return f"{found}: {problem['msg'][0].lower()}{problem['msg'][1:]}"
