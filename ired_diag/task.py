"""A task: what is trained, as one value.

The trainer knows optimisers, averages, histories and checkpoints; a task says everything else. With w the
weights, b a batch and k the named terms of its loss,

    loss(w, b) = Σ_k term_k(w, b),   and a step descends the sum over the terms that are trained.

A program that reports one loss and descends another has terms that are not trained: the trainer logs both.

A task is a frozen value made of functions, and no class to inherit from: ``ired_diag/tasks/inverse.py`` is
one, ``docs/own-tasks.md`` shows how to write another. Tensors are given and returned by name: the weights,
the constants (what is stored with the weights and not trained, such as a noise schedule), the batch.

Several seeds are trained together on tensors with a leading axis of seeds. A task whose functions take such
an axis says so (``stacked``); the others are called seed by seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from ired_diag.config import TrainingConfig
from ired_diag.finding import Finding
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.seed_sources import Source

if TYPE_CHECKING:  # the name and the metric of a task are known without torch
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from ired_diag.runs.checkpoint import Checkpoint, Weights
    from ired_diag.streams import Streams
    from ired_diag.subject import Subject
    from ired_diag.tensors import Tensors


Row = tuple[int, Mapping[str, float]]  # the step, and what was logged at it


@dataclass(frozen=True)
class Metric:
    """What a model is judged by.

    Attributes:
        name: Its name in the history: ``validation/accuracy``.
        title: Its name in a sentence: ``validation accuracy``.
        higher_is_better: Whether a higher value is better.
        unit: Unit of its values; empty where they have none.
    """

    name: str
    title: str
    higher_is_better: bool = False
    unit: str = ""

    def is_better(self, value: float, than: float) -> bool:
        """Say whether one value is better than another; a NaN is better than nothing."""
        if self.higher_is_better:
            return value > than
        return value < than

    @property
    def measure(self) -> str:
        """What it measures, without the split that it is measured on: ``accuracy``."""
        return self.name.rpartition("/")[2]

    @property
    def sign(self) -> int:
        """1 where a larger value is better, -1 where a smaller one is."""
        return 1 if self.higher_is_better else -1

    @property
    def worst(self) -> float:
        """A value that every other is better than."""
        return -math.inf if self.higher_is_better else math.inf


@dataclass(frozen=True)
class LossTerm:
    """A named term of the loss.

    Attributes:
        name: Its name in ``Losses.terms``.
        meaning: What it measures, in one line.
        trained: Whether a step descends it; a term that is not trained is reported only.
        reported: Whether it counts in the loss that is reported. A term that is descended with another weight
            than it is reported with stands twice: once trained, once reported.
    """

    name: str
    meaning: str
    trained: bool = True
    reported: bool = True


@dataclass(frozen=True)
class Losses:
    """The loss of a batch, term by term, each a number; with an axis of seeds, of shape (seeds,).

    Attributes:
        terms: Each term times its weight, by the names of ``Task.terms``; a term may be absent at a step.
        logged: What else is logged of the step, detached.
    """

    terms: Mapping[str, Tensor]
    logged: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ParameterGroup:
    """Weights that an optimiser step treats alike.

    Attributes:
        name: What the group is called.
        holds: Whether a weight belongs to it, by its name.
        gradient_clip: Limit of the norm of the group's gradients, before the limit of all; None: no limit.
        learning_rate_factor: What the learning rate is multiplied by; 0 freezes the group.
    """

    name: str
    holds: Callable[[str], bool]
    gradient_clip: float | None = None
    learning_rate_factor: float = 1.0


@dataclass(frozen=True)
class Trouble:
    """A way in which a training goes wrong, looked for while it runs.

    Attributes:
        rule: Its name, and that of its finding.
        look: The latest logged rows in, the oldest first; the finding out, None where all is well.
        rows: How many rows it is given at most.
    """

    rule: str
    look: Callable[[Sequence[Row]], Finding | None]
    rows: int = 1


@dataclass(frozen=True)
class Reference:
    """What a predictor without training reaches on the metric.

    Attributes:
        name: Its name in tables.
        title: Its name in a sentence: "linear regression".
        value: What it reaches on the metric.
        standard_error: Standard error of that value, where it was simulated.
    """

    name: str
    title: str
    value: float
    standard_error: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ProblemErrors:
    """A probe's table with the error of each problem, the same problems for every run.

    Attributes:
        probe: Name of the probe.
        title: What the problems are called in the title of a table: "frozen images (probe accuracy)".
        errors: Names of the columns that are errors; the first one is the metric.
        rows: Value of each column that the rows have in which the errors stand.
        most: Column of which the rows with the largest value are meant; empty: all rows.
        problems: Settings that say which problems were looked at.
    """

    probe: str
    title: str
    errors: tuple[str, ...]
    rows: Mapping[str, object]
    most: str = ""
    problems: tuple[str, ...] = ("samples", "seed")


@dataclass(frozen=True)
class References:
    """What predictors without training reach on the data that a result was measured on.

    Attributes:
        values: Each predictor, the best last.
        where: On which data the result was measured, as a sentence says it: "out of distribution".
        fitted: On which data the predictors were fitted; empty where these are the same data.
        facts: What findings note of the data, by name.
    """

    values: tuple[Reference, ...]
    where: str = ""
    fitted: str = ""
    facts: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class CriticalPoint:
    """A point where the gradient of the trained loss is zero.

    Attributes:
        kind: What kind of point it is.
        weights: Where it is, by name.
        loss: The loss there.
    """

    kind: Literal["minimum", "saddle", "maximum"]
    weights: Mapping[str, Any]
    loss: float


@dataclass(frozen=True, kw_only=True)
class Plane:
    """A loss of two weights as a map, on which the paths of trainings can be drawn.

    Attributes:
        name: What the map is of, which tells it from other maps: the name of the function.
        value: Points of shape (n, 2) in, losses of shape (n,) out.
        coordinates: Names in the history of the two weights before each step: across, up.
        x_range: Ends of the usual map from left to right.
        y_range: Ends from bottom to top.
    """

    name: str
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    coordinates: tuple[str, str]
    x_range: tuple[float, float]
    y_range: tuple[float, float]


@dataclass(frozen=True)
class StoredModel:
    """A model as a checkpoint holds it.

    Attributes:
        checkpoint: What the file holds.
        kind: Which of its weights are meant: ``raw`` or ``ema``.
        keys: The configuration that it was trained with; None where it is unknown.
    """

    checkpoint: Checkpoint
    kind: Weights
    keys: Mapping[str, Any] | None = None

    @property
    def weights(self) -> Tensors:
        """Its trained tensors by name.

        Raises:
            WrongCheckpoint: The file does not hold weights of this kind.
        """
        return self.checkpoint.tensors(self.kind)

    @property
    def constants(self) -> Tensors:
        """What was stored with them and is not trained; empty where the file holds nothing of it."""
        return self.checkpoint.constants

    @property
    def step(self) -> int | None:
        """Training steps taken; None where the file does not say."""
        return self.checkpoint.step


def late(module: str, name: str) -> Callable[..., Any]:
    """Return a function of a module that is imported when the function is first called.

    A task that is built in names its functions so: what it is called, which metric it has and what its
    settings are is known without loading PyTorch.
    """

    def call(*args: Any, **keywords: Any) -> Any:
        return getattr(import_module(module), name)(*args, **keywords)

    return call


def no_constants(config: Any) -> dict[str, Tensor]:
    """Return the constants of a model that has none."""
    return {}


def one_group(config: Any) -> tuple[ParameterGroup, ...]:
    """Return one group that holds every weight."""
    return (ParameterGroup(name="all", holds=lambda name: True),)


def no_troubles(config: Any) -> tuple[Trouble, ...]:
    """Return nothing: only the rules of every training are looked for."""
    return ()


def no_references(keys: Mapping[str, Any], evaluation: EvaluationResult | None = None) -> None:
    """Return nothing: no predictor without training is known."""
    return


def recognises_none(keys: Mapping[str, Any]) -> bool:
    """Return False: no configuration is taken for one of this task's by its keys."""
    return False


def unknown_size(keys: Mapping[str, Any]) -> None:
    """Return None: it is unknown how many numbers an answer has."""
    return


def no_plane(config: Any) -> None:
    """Return nothing: the loss is no map, having more than two weights."""
    return


def no_critical_points(config: Any) -> tuple[CriticalPoint, ...]:
    """Return nothing: no critical point is known."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is trained.

    Attributes:
        name: What ``--task`` and a configuration's ``task`` call it.
        title: What it is, in a few words: "image classification".
        settings: Its configuration: ``TrainingConfig`` with fields of its own.
        metric: What a model is judged by.
        terms: The terms of its loss.
        initial_weights: Configuration and generator in, untrained weights by name out.
        draw_batch: Configuration, random streams and the number of steps taken in, the batch of the next
            step out: tensors by name, all of them drawn from the streams.
        loss: Configuration, tensors (weights and constants) and batch in, ``Losses`` out. Weights carry the
            graph. With ``stacked``, weights and batch have a leading axis of seeds and so do the losses.
        evaluate: Configuration, tensors (averaged weights and constants), the last batch and a generator in,
            logged values out, the metric among them.
        constants: Tensors that belong to the model and are not trained; stored in its checkpoints.
        parameter_groups: Which weights a step treats in their own way.
        project: Configuration and weights in: moves the weights back to where they may be, in place, after a
            step. None: they may be anywhere.
        stacked: Whether ``loss`` and ``project`` take a leading axis of seeds.
        check_weights: Raises ``WrongCheckpoint`` where stored weights are not those of a configuration. None:
            names and shapes of ``initial_weights`` are required.
        subject: What a probe is put to, from a stored model; None: the task has no energy to probe.
        troubles: What else can go wrong while it trains.
        columns: What ``Losses.logged`` and ``evaluate`` add to the history, with unit and meaning.
        paired_by: Keys of the configuration that say which data a seed sees: equal in both runs, equal seeds
            are pairs.
        references: What predictors without training reach on the metric, given the keys of a configuration
            and, of an evaluation after training, its result; None where the data are unknown.
        critical_points: Where the gradient of the loss is known to be zero.
        plane: The loss as a map, where it has two weights; None: it has more.
        images: Configuration and tensors in, out what the model looks like: images by title, each of shape
            (height, width, 3), in [0, 1]. None: a model of this task looks like nothing.
        images_in_words: What these images are, for a caption: sentences.
        splits: Configuration and device in, all items of the training and of the test data out, as batches
            ``train`` and ``test`` with the items on the first axis. None: there are no such data.
        rescaled: Configuration, weights and a factor in, other weights of the same function out; None where
            this configuration has no such weights. None: the task has none.
        recognises: Whether a configuration that names no task is one of this task's, by its keys.
        draws_fresh_data: Whether no training batch is seen twice, so that nothing can be learned by heart.
        answer_size: How many numbers an answer has, given the keys of a configuration; None: unknown.
        problem_errors: The probe's table in which runs are compared problem by problem; None: there is none.
        absent_sources: Configuration in, the sources of randomness out that such a training does not have,
            each with the reason. None: the trainer tries which of them are drawn from.
    """

    name: str
    title: str
    settings: type[TrainingConfig]
    metric: Metric
    terms: tuple[LossTerm, ...]
    initial_weights: Callable[[Any, torch.Generator], dict[str, Tensor]]
    draw_batch: Callable[[Any, Streams, int], Tensors]
    loss: Callable[[Any, Tensors, Tensors], Losses]
    evaluate: Callable[[Any, Tensors, Tensors, torch.Generator], Mapping[str, float]]
    constants: Callable[[Any], dict[str, Tensor]] = no_constants
    parameter_groups: Callable[[Any], tuple[ParameterGroup, ...]] = one_group
    project: Callable[[Any, Tensors], None] | None = None
    stacked: bool = False
    check_weights: Callable[[Any, Tensors, str], None] | None = None
    subject: Callable[[StoredModel], tuple[Subject, list[Finding]]] | None = None
    troubles: Callable[[Any], tuple[Trouble, ...]] = no_troubles
    columns: Mapping[str, str] = field(default_factory=dict)
    paired_by: tuple[str, ...] = ()
    references: Callable[[Mapping[str, Any], EvaluationResult | None], References | None] = no_references
    critical_points: Callable[[Any], tuple[CriticalPoint, ...]] = no_critical_points
    plane: Callable[[Any], Plane | None] = no_plane
    images: Callable[[Any, Tensors], Mapping[str, NDArray[np.float64]]] | None = None
    images_in_words: str = ""
    splits: Callable[[Any, torch.device], Mapping[str, Tensors]] | None = None
    rescaled: Callable[[Any, Tensors, float], Tensors | None] | None = None
    recognises: Callable[[Mapping[str, Any]], bool] = recognises_none
    draws_fresh_data: bool = False
    answer_size: Callable[[Mapping[str, Any]], int | None] = unknown_size
    problem_errors: ProblemErrors | None = None
    absent_sources: Callable[[Any], Mapping[Source, str]] | None = None

    @property
    def trained_terms(self) -> tuple[str, ...]:
        """The names of the terms that a step descends, in their order."""
        return tuple(term.name for term in self.terms if term.trained)

    @property
    def reported_terms(self) -> tuple[str, ...]:
        """The names of the terms that make the reported loss, in their order."""
        return tuple(term.name for term in self.terms if term.reported)

    @property
    def reports_other_loss(self) -> bool:
        """Whether the loss that is reported is another than the one that a step descends."""
        return self.trained_terms != self.reported_terms
