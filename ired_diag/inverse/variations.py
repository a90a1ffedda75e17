"""What is varied to see whether a model's results depend on it, and the reference of each variation.

Of a reference (``outcome``: all problems in one batch, divided as in training, in the order drawn):

    batch size       batches of b, with the run's own rule for the divisor of ∇_yE          float64, float32
    order            a problem of another level in front                                    float64, float32
    device           the CPU, where the reference is not there                              float64, float32
    precision        float32, bfloat16                                                      against float64
    normalization    other divisors of ∇_yE: none, the validation and the training batch    float32
    quirks           those of the public code, mended                                       float32

Division by the batch size makes of the gradient g in a batch of b the output g/b: the divisor b shows on all
problems what batches of b do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import get_args

import torch
from torch import Tensor

from ired_diag.inverse.network import GradientNormalization
from ired_diag.inverse.outcome import Arrangement, Inputs, Outcome, Precision, Quantity
from ired_diag.model.problems import Problems
from ired_diag.side_by_side import side_by_side

SIZES = (1, 2, 256, 2048)  # of batches, next to the run's own
MOST_BATCHES = 8  # of one size: a batch of one costs as long as one of a hundred
FEW = 128  # problems in the variations whose verdict needs no more
REFERENCES: tuple[Precision, ...] = ("float64", "float32")


@dataclass(frozen=True)
class Rule:
    """What a run's configuration says.

    Attributes:
        normalization: Its rule for the divisor of ∇_yE: nothing, ``batch``, or a number.
        training_batch: Its training batch size; 0 where it is unknown.
        validation_batch: Its validation batch size; 0 where it is unknown.
    """

    normalization: GradientNormalization = None
    training_batch: int = 0
    validation_batch: int = 0


@dataclass(frozen=True)
class Variation:
    """An outcome next to its reference.

    Attributes:
        axis: What is varied.
        setting: To what.
        precision: Number type.
        outcome: Of the first problems, as many as are looked at.
        reference: Of the same problems.
    """

    axis: str
    setting: str
    precision: Precision
    outcome: Outcome
    reference: Outcome


@dataclass(frozen=True)
class _Plan:
    axis: str
    setting: str
    arrangement: Arrangement
    against: Precision
    count: int


def draw_inputs(problems: Problems, levels: int, count: int, *, generator: torch.Generator) -> Inputs:
    """Return problems, each at a level of its own, with noise and a start for sampling.

    Args:
        problems: Where they come from.
        levels: Number of noise levels.
        count: How many problems.
        generator: Of all that is drawn, on the CPU.
    """
    problem, answer = problems.draw(count, generator=generator)
    noise, start = torch.randn(2, *answer.shape, generator=generator, dtype=answer.dtype)
    t = torch.randint(0, levels, (count,), generator=generator)
    return Inputs(
        problem=problem,
        answer=answer,
        t=t,
        noise=noise,
        start=start,
    )


def another_order(t: Tensor, *, generator: torch.Generator) -> Tensor:
    """Return a random order that puts a problem of a level as far as can be from the first's in front.

    Args:
        t: Noise levels, of shape (n,).
        generator: Of the order.
    """
    order = torch.randperm(len(t), generator=generator)
    distance = (t[order] - t[0]).abs()
    far = int(distance.argmax())
    return torch.roll(order, -far)


def variations(
    exact: Arrangement, inputs: Inputs, rule: Rule, *, generator: torch.Generator
) -> Iterator[Variation]:
    """Yield each variation next to its reference.

    Args:
        exact: The reference in float64; its network divides as in training.
        inputs: The problems.
        rule: What the run's configuration says.
        generator: Of the other order.
    """
    reference_plans = []
    for precision in REFERENCES:
        arrangement = replace(exact, precision=precision)
        reference_plans.append(
            _Plan(
                axis="reference",
                setting=precision,
                arrangement=arrangement,
                against=precision,
                count=len(inputs),
            )
        )
    order = another_order(inputs.t[:FEW], generator=generator)
    plans = list(_plans(exact, len(inputs), rule, order))

    def outcome_of(plan: _Plan) -> Outcome:
        return plan.arrangement.outcome(inputs.rows(slice(0, plan.count)))

    outcomes = side_by_side(
        outcome_of,
        [*reference_plans, *plans],
        at_once=exact.device.type == "cpu",
    )
    references = {plan.against: next(outcomes) for plan in reference_plans}
    single = references["float32"]
    yield _variation(_single_precision(exact, len(inputs)), single, references)
    for plan, outcome in zip(plans, outcomes, strict=True):
        yield _variation(plan, outcome, references)


def _variation(plan: _Plan, outcome: Outcome, references: Mapping[Precision, Outcome]) -> Variation:
    """Return an outcome next to the reference of its first problems."""
    if plan.axis == "quirks":
        mended = outcome["negative_corrected"]
        outcome = {"negative_published": mended, "answer": outcome["answer"]}
    all_problems = references[plan.against]
    quantities = [name for name in get_args(Quantity) if name in outcome]
    reference = {name: all_problems[name][: plan.count] for name in quantities}
    return Variation(
        axis=plan.axis,
        setting=plan.setting,
        precision=plan.arrangement.precision,
        outcome=outcome,
        reference=reference,
    )


def _single_precision(exact: Arrangement, n: int) -> _Plan:
    """Return the plan of float32, whose outcome is also a reference."""
    return _Plan(
        axis="precision",
        setting="float32",
        arrangement=replace(exact, precision="float32"),
        against="float64",
        count=n,
    )


def _plans(exact: Arrangement, n: int, rule: Rule, order: Tensor) -> Iterator[_Plan]:
    single = replace(exact, precision="float32")
    bfloat16 = replace(exact, precision="bfloat16")
    yield _Plan(
        axis="precision",
        setting="bfloat16",
        arrangement=bfloat16,
        against="float64",
        count=n,
    )
    for base in (exact, single):
        for size, count in _sizes(rule, n):
            network = replace(exact.network, gradient_normalization=rule.normalization)
            arranged = replace(base, network=network, batch=size)
            yield _Plan(
                axis="batch size",
                setting=str(size),
                arrangement=arranged,
                against=base.precision,
                count=count,
            )
        permuted = replace(base, order=order)
        yield _Plan(
            axis="order",
            setting="permuted",
            arrangement=permuted,
            against=base.precision,
            count=len(order),
        )
        if exact.device.type != "cpu":
            there = replace(base, device=torch.device("cpu"))
            yield _Plan(
                axis="device",
                setting="cpu",
                arrangement=there,
                against=base.precision,
                count=n,
            )
    for setting, divisor in _divisors(exact.network.gradient_normalization, rule):
        network = replace(exact.network, gradient_normalization=divisor)
        divided = replace(single, network=network)
        yield _Plan(
            axis="normalization",
            setting=setting,
            arrangement=divided,
            against="float32",
            count=n,
        )
    mended = replace(single, faithful=False)
    yield _Plan(
        axis="quirks",
        setting="mended",
        arrangement=mended,
        against="float32",
        count=n,
    )


def _sizes(rule: Rule, n: int) -> list[tuple[int, int]]:
    """Return batch sizes, and how many problems to put into batches of each.

    One batch of all is the reference itself, unless it is divided by its size.
    """
    most = n + (rule.normalization == "batch")
    candidates = {*SIZES, rule.training_batch, rule.validation_batch}
    counts = []
    for size in sorted(candidates):
        if 0 < size < most:
            batches = max(1, min(MOST_BATCHES, n // size, FEW // size))
            counts.append((size, size * batches))
    return counts


def _divisors(own: GradientNormalization, rule: Rule) -> list[tuple[str, float]]:
    """Return the divisors that are not the run's own."""
    sizes = sorted({rule.training_batch, rule.validation_batch} - {0}) or list(SIZES[2:])
    settings = {1.0: "none"}
    for size in sizes:
        if size > 1:
            settings[float(size)] = f"/{size}"
    return [(setting, divisor) for divisor, setting in settings.items() if divisor != (own or 1.0)]
