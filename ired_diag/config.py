"""The configuration of a run: one frozen model that reads configuration files under their own key names.

``TrainingConfig`` holds the knobs that every training has: optimiser, steps, logging. What is trained adds
its own: ``EnergyConfig`` those of an energy with noise levels and mined negatives, each task its own fields
(``ired_diag.task``). All of them stand side by side in one JSON object.

Three kinds of keys. *Knobs* are the fields of the model. *Metadata* (``description``, ``notes``, …) is kept
and changes nothing. Keys that a task lists as not implemented are accepted at their off value (false, 0,
none), because there they change nothing, and are refused by name otherwise. Anything else is a typo until
proven otherwise: it is refused, with the key that was probably meant.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ired_diag.config_keys import METADATA
from ired_diag.errors import WrongConfiguration
from ired_diag.json_text import parse_json
from ired_diag.seed_sources import Seeds

DECIDE_REACH = frozenset({"train_steps", "warm_start_steps"})  # which knobs a training comes to
LARGEST = 3.4e38  # what float32 can hold, in which all weights are

Beta = Annotated[float, Field(ge=0, lt=1)]
SomeConfig = TypeVar("SomeConfig", bound="TrainingConfig")


@dataclass(frozen=True)
class IdleRule:
    """When a knob changes nothing.

    Attributes:
        knob: Name of the knob.
        counts: Whether it counts, given the whole configuration.
        reason: Why it does not count, otherwise: "without a gradient_clip".
    """

    knob: str
    counts: Callable[[Any], bool]
    reason: str


TRAINING_IDLE_RULES = (
    IdleRule(
        "optimizer",
        lambda config: config.optimizer != "adamw" or config.weight_decay > 0,
        "as adamw without a weight_decay: it is adam",
    ),
    IdleRule(
        "momentum",
        lambda config: config.optimizer == "sgd",
        "unless optimizer is sgd; Adam's is adam_betas",
    ),
    IdleRule("nesterov", lambda config: config.momentum > 0, "without momentum"),
    IdleRule(
        "amsgrad_maximum",
        lambda config: config.optimizer == "amsgrad",
        "unless optimizer is amsgrad",
    ),
    IdleRule("rmsprop_decay", lambda config: config.optimizer == "rmsprop", "unless optimizer is rmsprop"),
    IdleRule("epsilon", lambda config: config.optimizer != "sgd", "with sgd, which divides by nothing"),
    IdleRule(
        "weight_decay",
        lambda config: config.optimizer in ("adamw", "sgd"),
        "with an optimizer as published; use adamw or sgd",
    ),
    IdleRule(
        "clip_scaled_gradients",
        lambda config: config.gradient_clip is not None,
        "without a gradient_clip",
    ),
    IdleRule(
        "validate_raw_weights",
        lambda config: config.ema_decay > 0,
        "with ema_decay 0: the averaged weights are the raw ones",
    ),
    IdleRule(
        "lr_decay_start",
        lambda config: config.lr_schedule != "constant",
        "with a constant lr_schedule",
    ),
    IdleRule("lr_floor", lambda config: config.lr_schedule != "constant", "with a constant lr_schedule"),
    IdleRule("lr_step_every", lambda config: config.lr_schedule == "step", "unless lr_schedule is step"),
    IdleRule("lr_step_factor", lambda config: config.lr_schedule == "step", "unless lr_schedule is step"),
)


class TrainingConfig(BaseModel):
    """The knobs that every training has.

    Attributes:
        idle_rules: When knobs change nothing; a configuration that sets such a knob is refused.
        not_implemented: Keys of other programs that are accepted at their off value alone.
        expectations: What a value should be, by key, where pydantic's own message would not say it well.
        seed: Random seed of all sources of randomness that have no seed of their own.
        seed_init: Random seed of the untrained weights; None: ``seed``.
        seed_data: Random seed of the data and of the noise of training steps; None: ``seed``.
        seed_eval: Random seed of what evaluations draw; None: ``seed``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)
    idle_rules: ClassVar[tuple[IdleRule, ...]] = TRAINING_IDLE_RULES
    not_implemented: ClassVar[tuple[str, ...]] = ()
    expectations: ClassVar[Mapping[str, str]] = {}

    experiment_name: str = Field(min_length=1)
    seed: int = Field(0, ge=0)
    seed_init: int | None = Field(None, ge=0)
    seed_data: int | None = Field(None, ge=0)
    seed_eval: int | None = Field(None, ge=0)

    batch_size: int = Field(2048, ge=1)
    train_steps: int = Field(100_000, ge=1)
    precision: Literal["fp32", "bf16"] = "fp32"

    optimizer: Literal["adam", "adamw", "amsgrad", "rmsprop", "sgd"] = "adam"
    learning_rate: float = Field(1e-4, gt=0)
    adam_betas: tuple[Beta, Beta] = (0.9, 0.99)
    amsgrad_maximum: Literal["raw", "corrected"] = "raw"
    momentum: float = Field(0.0, ge=0, lt=1)
    nesterov: bool = False
    rmsprop_decay: float = Field(0.9, ge=0, lt=1)
    epsilon: float = Field(1e-8, gt=0)
    weight_decay: float = Field(0.0, ge=0)
    lr_schedule: Literal["constant", "cosine", "step"] = "constant"
    lr_warmup_steps: int = Field(0, ge=0)
    lr_decay_start: int = Field(0, ge=0)
    lr_floor: float = Field(0.0, ge=0, le=1)
    lr_step_every: int = Field(30_000, ge=1)
    lr_step_factor: float = Field(0.1, gt=0, le=1)
    gradient_clip: float | None = Field(1.0, gt=0)
    clip_scaled_gradients: bool = False
    ema_decay: float = Field(0.995, ge=0, lt=1)
    early_stopping_patience: int | None = Field(None, ge=1)

    validate_every: int = Field(1000, ge=1)
    validate_raw_weights: bool = False
    checkpoint_every: int = Field(1000, ge=1)
    log_every: int = Field(100, ge=1)

    @field_validator("adam_betas", mode="before")
    @classmethod
    def _pair_of_betas(cls, value: object) -> object:
        """JSON has lists and no tuples."""
        return tuple(value) if isinstance(value, list) else value

    @field_validator(
        "gradient_clip",
        "early_stopping_patience",
        "seed_init",
        "seed_data",
        "seed_eval",
        mode="before",
    )
    @classmethod
    def _word_for_none(cls, value: object) -> object:
        return none_for_word(value)

    @field_validator("*")
    @classmethod
    def _fits_the_weights(cls, value: object) -> object:
        """The optimiser would end in an error of PyTorch's."""
        if isinstance(value, float) and abs(value) > LARGEST:
            raise ValueError(f"more than {LARGEST:g}, the largest number of a weight")
        return value

    @property
    def seeds(self) -> Seeds:
        """The random seed of each source of randomness."""
        return Seeds(
            init=self.seed if self.seed_init is None else self.seed_init,
            data=self.seed if self.seed_data is None else self.seed_data,
            eval=self.seed if self.seed_eval is None else self.seed_eval,
        )

    @property
    def without_seeds(self) -> Self:
        """The configuration with every seed at its default, equal for runs that differ in seeds alone."""
        defaults = {"seed": 0, "seed_init": None, "seed_data": None, "seed_eval": None}
        return self.model_copy(update=defaults)

    def unread_knobs(self) -> dict[str, str]:
        """Return knobs that may be set and change nothing next to the others, with the reason."""
        return {}

    def unreached(self) -> str:
        """Say which knobs no step of the training reads, because it ends first; empty where all are read."""
        return ""

    def remarks(self) -> list[str]:
        """Return what a reader should know of these knobs before a training starts."""
        return []

    @model_validator(mode="after")
    def _every_knob_counts(self) -> Self:
        """Refuse a knob that changes nothing next to the others: a run must be what it is called."""
        idle = idle_knobs(self)
        if idle:
            raise ValueError("; ".join(f"{knob} changes nothing {where}" for knob, where in idle.items()))
        if self.learning_rate * self.weight_decay > LARGEST:
            raise ValueError(f"learning_rate times weight_decay is more than {LARGEST:g}")
        return self


def none_for_word(value: object) -> object:
    """Return None for a word that means nothing, as configuration files write it; else the value."""
    return None if value in ("none", "None") else value


def idle_knobs(config: TrainingConfig) -> dict[str, str]:
    """Return each knob that was moved from its default and yet changes nothing, with the reason.

    Only knobs of this project's own: the study's files set mining steps for runs without mining.
    """
    fields = type(config).model_fields
    idle = {}
    for rule in config.idle_rules:
        is_moved = getattr(config, rule.knob) != fields[rule.knob].default
        if is_moved and not rule.counts(config):
            idle[rule.knob] = rule.reason
    return idle


def parse_config(
    keys: Mapping[str, Any], kind: type[SomeConfig], *, where: str = "configuration"
) -> SomeConfig:
    """Return the configuration that ``keys`` say.

    Args:
        keys: As read from a JSON file or a log's configuration block.
        kind: The configuration of the task.
        where: What to call it in an error.

    Raises:
        WrongConfiguration: With every key that is unknown, not implemented, or of a wrong value.
    """
    knobs, lacking, complaints = {}, [], []
    for key, value in keys.items():
        if key in kind.model_fields:
            knobs[key] = value
        elif key in METADATA:
            continue
        elif key not in kind.not_implemented:
            complaints.append(f"{key!r} is not a key{_did_you_mean(key, kind)}")
        elif not is_off(value):
            lacking.append(f"{key} = {json.dumps(value, default=str)}")
    if lacking:
        complaints.append(f"not implemented, except at false, 0 or none: {', '.join(lacking)}")
    try:
        config = kind(**knobs)
    except ValidationError as error:
        complaints.extend(dict.fromkeys(_sentence(problem, kind) for problem in error.errors()))
    if complaints:
        message = f"{where}: {'; '.join(complaints).rstrip('.')}"
        if not complaints[-1].endswith("?"):
            message += "."
        raise WrongConfiguration(message)
    return config


def with_settings(config: SomeConfig, settings: Mapping[str, str]) -> SomeConfig:
    """Return a configuration with some knobs changed, as a command line gives them.

    Args:
        config: The configuration to start from.
        settings: Values by key; each is read as JSON where it is JSON, else as a word.

    Raises:
        WrongConfiguration: A key or value that cannot be used.
    """
    values = {key: json_or_word(text) for key, text in settings.items()}
    changed = parse_config({**config.model_dump(mode="json"), **values}, type(config), where="--set")
    _check_settings(changed, values)
    return changed


def _check_settings(config: TrainingConfig, values: Mapping[str, Any]) -> None:
    """Refuse what a user sets away from its default, or from off, and what then changes nothing.

    A configuration file may hold such knobs: the study's files set mining steps for runs without mining.
    """
    fields = type(config).model_fields
    complaints = []
    for knob, reason in config.unread_knobs().items():
        is_set = knob in values and not is_off(values[knob])
        if is_set and getattr(config, knob) != fields[knob].default:
            complaints.append(f"{knob} changes nothing {reason}")
    unreached = config.unreached()
    if unreached and not values.keys().isdisjoint(DECIDE_REACH):
        complaints.append(unreached)
    if complaints:
        raise WrongConfiguration(f"--set: {'; '.join(complaints)}.")


def json_or_word(text: str) -> Any:
    """Return the JSON value that a text is, or the text itself."""
    try:
        return parse_json(text)
    except ValueError:
        return text


def is_off(value: object) -> bool:
    """Say whether a value switches its key off: false, 0, none or empty.

    >>> [is_off(v) for v in (False, 0, 0.0, None, "none", [], True, 0.1, [0.2, 0.8])]
    [True, True, True, True, True, True, False, False, False]
    """
    if isinstance(value, str):
        return value.lower() in ("", "none", "off", "false")
    return not value


def _did_you_mean(key: str, kind: type[TrainingConfig]) -> str:
    candidates = [*kind.model_fields, *kind.not_implemented, *METADATA]
    close = difflib.get_close_matches(key, candidates, n=1, cutoff=0.6)
    if not close:
        return ""
    return f"; did you mean {close[0]!r}?"


def _sentence(problem: Mapping[str, Any], kind: type[TrainingConfig]) -> str:
    """Return one of pydantic's complaints as: key = value: what is wrong."""
    if not problem["loc"]:  # the knobs together
        return str(problem["msg"]).removeprefix("Value error, ")
    key, message = str(problem["loc"][0]), str(problem["msg"])
    is_missing = problem["type"] == "missing"
    if is_missing and len(problem["loc"]) == 1:
        return f"{key} is missing"
    value = json.dumps(problem["input"], default=str)
    if is_missing:  # the second of a pair, such as adam_betas
        return f"{key}: expected two numbers, found {value}"
    if problem["type"] in ("tuple_type", "list_type"):
        return f"{key} = {value}: expected a list in brackets, such as [1, 2]"
    if key in kind.expectations:  # a union: pydantic would complain once for each member
        return f"{key} = {value}: expected {kind.expectations[key]}"
    return f"{key} = {value}: {message[0].lower()}{message[1:]}"
