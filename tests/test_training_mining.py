"""Mining in training: the climb and the mixture against naive twins, and the share of steps that is kept."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from ired_diag.inverse.architecture import initial_parameters
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.inverse.configured import architecture_of, network_of
from ired_diag.inverse.draws import Draws, draw
from ired_diag.inverse.network import NetworkLandscape
from ired_diag.inverse.objective import Mined, mine, training_loss
from ired_diag.inverse.training import batch_tensors
from ired_diag.model.mining import ascend, descend
from ired_diag.model.schedule import cosine_schedule
from ired_diag.streams import make_streams
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.compiled import loss_function
from ired_diag.training.ensemble import Ensemble
from ired_diag.training.state import new_state

SCHEDULE = cosine_schedule(10, dtype=torch.float64)
BATCH, DIM = 20, 9
SIZES = {
    "rank": 3,
    "width": 16,
    "time_embedding": 8,
    "time_width": 8,
    "batch_size": BATCH,
    "use_scalar_energy": True,  # a vector head would leave every number at the clamp
}


def config_of(**knobs: Any) -> InverseConfig:
    return parse_inverse({"experiment_name": "q900_mining", **SIZES, **knobs})


class Case:
    """A batch, a network whose weights are large enough that some steps are rejected, and the draws."""

    def __init__(self, generator: torch.Generator, **knobs: Any) -> None:
        self.config = config = config_of(**knobs)
        drawn = initial_parameters(architecture_of(config), generator=generator, dtype=torch.float64)
        self.network = network_of(config, {name: 2 * p for name, p in drawn.items()})
        self.x, self.answer, noise, contrast, random = torch.randn(
            5, BATCH, DIM, generator=generator, dtype=torch.float64
        )
        t = torch.randint(0, 10, (BATCH,), generator=generator)
        gaussian = config.mining_strategy in ("random", "mixed") and config.random_negative == "gaussian"
        self.draws = Draws(t, noise, contrast, random.clamp(-2, 2) if gaussian else None)

    @property
    def landscape(self) -> NetworkLandscape:
        return self.network.landscape(self.x, self.draws.t)

    @property
    def start(self) -> Tensor:
        assert self.draws.contrast_noise is not None
        noise = self.config.mining_noise_scale * self.draws.contrast_noise
        return SCHEDULE.q_sample(self.answer, self.draws.t, noise)

    def mined(self) -> Mined:
        return mine(self.landscape, SCHEDULE, self.config, self.answer, self.draws)

    def loss_terms(self) -> tuple[Tensor, Tensor | None]:
        loss = training_loss(self.network, SCHEDULE, self.config, self.x, self.answer, self.draws)
        return loss.total, loss.accepted


def alike(generator: torch.Generator, *configurations: dict[str, Any]) -> list[Case]:
    """Return cases of equal weights and draws and different configurations."""
    seed = generator.initial_seed()
    return [Case(torch.Generator().manual_seed(seed), **knobs) for knobs in configurations]


def naive_climb(case: Case, steps: int, rate: float) -> tuple[Tensor, int]:
    """Sample by sample, step by step, every energy computed anew; and how many steps were kept."""
    y, kept = case.start.clone(), 0
    for _ in range(steps):
        energy, gradient = case.landscape.energy_and_gradient(y)
        for i in range(BATCH):
            bound = 2.0 * math.sqrt(SCHEDULE.alphas_cumprod[case.draws.t[i]])
            row = y.clone()
            row[i] = (y[i] + rate * gradient[i]).clamp(-bound, bound)
            if case.landscape.energy(row)[i] >= energy[i]:
                y, kept = row, kept + 1
    return y, kept


@pytest.mark.parametrize("scalar", [False, True])
@pytest.mark.parametrize(("steps", "rate"), [(0, 0.1), (1, 0.1), (5, 0.3), (8, 2.0)])
def test_a_climb_equals_the_naive_twin(
    steps: int, rate: float, scalar: bool, generator: torch.Generator
) -> None:
    case = Case(generator, use_scalar_energy=scalar, mining_strategy="ascent")
    t = case.draws.t
    walk = ascend(case.landscape, case.start, t, SCHEDULE, steps=steps, learning_rate=rate)
    expected, kept = naive_climb(case, steps, rate)
    torch.testing.assert_close(walk.end, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(walk.energy, case.landscape.energy(expected), rtol=1e-11, atol=1e-11)
    assert (walk.accepted.shape, int(walk.accepted.sum())) == ((steps, BATCH), kept)
    if rate == 2.0:
        assert 0 < kept < steps * BATCH  # both branches were walked


@pytest.mark.parametrize("faithful", [True, False])
def test_a_scale_factor_multiplies_every_step(faithful: bool, generator: torch.Generator) -> None:
    """Unlike the public code's argument, which its second step forgets."""
    case = Case(generator)
    t, factor = case.draws.t, 0.25
    longer = 2.0 if faithful else 1.0
    bound = 2 * SCHEDULE.alphas_cumprod[t].sqrt()[:, None]
    if faithful:
        bound = bound[:1]
    y = case.start
    for multiplier in (1.0, longer, longer):
        energy, gradient = case.landscape.energy_and_gradient(y)
        step = factor * multiplier * SCHEDULE.opt_step_size[t][:, None] * gradient
        candidate = torch.maximum(torch.minimum(y - step, bound), -bound)
        lower = case.landscape.energy(candidate) <= energy
        y = torch.where(lower[:, None], candidate, y)
    walk = descend(case.landscape, case.start, t, SCHEDULE, steps=3, scale_factor=factor, faithful=faithful)
    torch.testing.assert_close(walk.end, y, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("strategy", ["adversarial", "ascent"])
def test_training_mines_with_its_scale_factor(strategy: str, generator: torch.Generator) -> None:
    knobs = {"mining_strategy": strategy, "mining_noise_scale": 0.5}
    half, whole = alike(generator, {**knobs, "mining_scale_factor": 0.5}, knobs)
    given = (half.landscape, half.start, half.draws.t, SCHEDULE)
    if strategy == "ascent":
        end = ascend(*given, steps=2, learning_rate=0.1, scale_factor=0.5).end
    else:
        end = descend(*given, steps=2, scale_factor=0.5).end
    expected = (end / SCHEDULE.alphas_cumprod[half.draws.t].sqrt()[:, None]).clamp(-2, 2)
    torch.testing.assert_close(half.mined().negative, expected, rtol=1e-11, atol=1e-11)
    assert not torch.equal(half.mined().negative, whole.mined().negative)


def test_the_energy_of_a_climb_never_falls_and_that_of_a_descent_never_rises(
    generator: torch.Generator,
) -> None:
    case = Case(generator, mining_strategy="ascent")
    t = case.draws.t
    climbs = [ascend(case.landscape, case.start, t, SCHEDULE, steps=k, learning_rate=0.5) for k in range(6)]
    for one, longer in itertools.pairwise(climbs):
        assert bool((longer.energy >= one.energy).all())
        kept = longer.accepted[-1]
        assert torch.equal(longer.end[~kept], one.end[~kept])
    assert float((climbs[-1].energy - climbs[0].energy).mean()) > 0


def test_an_energy_that_is_no_number_is_never_climbed_to() -> None:
    class Cliff:
        """An energy that rises along the first number, and is none beyond a bound."""

        def energy(self, y: Tensor) -> Tensor:
            return torch.where(y[:, 0] > 1e-3, torch.nan, y[:, 0])

        def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
            return self.energy(y), torch.eye(2, dtype=torch.float64)[:1].expand_as(y)

    t, start = torch.zeros(1, dtype=torch.long), torch.zeros(1, 2, dtype=torch.float64)
    walk = ascend(Cliff(), start, t, SCHEDULE, steps=3, learning_rate=0.1)
    assert torch.equal(walk.end, start)
    assert not walk.accepted.any()


def test_ascent_mines_with_its_own_rate_and_lands_in_clean_space(generator: torch.Generator) -> None:
    knobs = {"mining_strategy": "ascent", "mining_opt_steps": 4, "mining_noise_scale": 1.5}
    case = Case(generator, ascent_learning_rate=0.7, **knobs)
    end, kept = naive_climb(case, 4, 0.7)
    mined = case.mined()
    expected = (end / SCHEDULE.alphas_cumprod[case.draws.t].sqrt()[:, None]).clamp(-2, 2)
    torch.testing.assert_close(mined.negative, expected, rtol=1e-11, atol=1e-11)
    assert mined.accepted is not None
    assert float(mined.accepted) == pytest.approx(kept / (4 * BATCH), rel=1e-12)
    assert not mined.negative.requires_grad


def test_a_climb_ends_higher_than_the_descent_from_the_same_start(generator: torch.Generator) -> None:
    up, down = alike(generator, *({"mining_strategy": s} for s in ("ascent", "adversarial")))
    assert torch.equal(up.start, down.start)
    energies = [
        ascend(up.landscape, up.start, up.draws.t, SCHEDULE, steps=5, learning_rate=0.1).energy,
        descend(down.landscape, down.start, down.draws.t, SCHEDULE, steps=5, faithful=False).energy,
    ]
    assert bool((energies[0] >= energies[1]).all())


SHARES = [(0.0, 0), (0.3, 6), (0.5, 10), (0.7, 14), (1.0, 20), (0.02, 0), (0.99, 20)]


@pytest.mark.parametrize(("fraction", "share"), SHARES)
@pytest.mark.parametrize("random", ["gaussian", "noised_start"])
def test_a_mixture_mines_its_share_of_the_batch_and_leaves_the_rest_random(
    fraction: float, share: int, random: str, generator: torch.Generator
) -> None:
    mixed, adversarial, left = alike(
        generator,
        {"mining_strategy": "mixed", "adversarial_fraction": fraction, "random_negative": random},
        {"mining_strategy": "adversarial"},
        {"mining_strategy": "random", "random_negative": random},
    )
    found = mixed.mined().negative
    assert found.shape == (BATCH, DIM)
    mined, drawn = adversarial.mined().negative, left.mined().negative
    torch.testing.assert_close(found[:share], mined[:share], rtol=1e-12, atol=1e-13)
    assert torch.equal(found[share:], drawn[share:])
    same = torch.isclose(mined, drawn).all(dim=1)  # from the noised start no step may be kept at all
    assert int(same.sum()) <= 5


@pytest.mark.parametrize("normalization", [None, 5.0, "batch"])
def test_the_mined_rows_of_a_mixture_are_those_of_adversarial_mining(
    normalization: Any, generator: torch.Generator
) -> None:
    """Whatever ∇_yE is divided by: with ``batch`` that is the batch, not the share of it that is mined."""
    knobs = {"gradient_normalization": normalization, "mining_opt_steps": 3}
    mixed, adversarial = alike(
        generator,
        {"mining_strategy": "mixed", "adversarial_fraction": 0.3, **knobs},
        {"mining_strategy": "adversarial", **knobs},
    )
    torch.testing.assert_close(
        mixed.mined().negative[:6], adversarial.mined().negative[:6], rtol=1e-12, atol=1e-13
    )


def test_what_is_accepted_of_a_mixture_is_the_share_of_the_steps_of_the_mined_rows(
    generator: torch.Generator,
) -> None:
    case = Case(generator, mining_strategy="mixed", adversarial_fraction=0.5, mining_opt_steps=5)
    walk = descend(case.landscape, case.start, case.draws.t, SCHEDULE, steps=5)
    accepted = case.mined().accepted
    assert accepted is not None
    assert float(accepted) == pytest.approx(float(walk.accepted[:, :10].double().mean()), rel=1e-12)
    assert 0 < float(accepted) < 1


@pytest.mark.parametrize(
    "knobs",
    [
        {"mining_strategy": "random"},
        {"mining_strategy": "adversarial", "mining_opt_steps": 0},
        {"mining_strategy": "ascent", "mining_opt_steps": 0},
        {"mining_strategy": "mixed", "mining_opt_steps": 0},
        {"mining_strategy": "mixed", "adversarial_fraction": 0.0},
    ],
    ids=lambda k: "-".join(str(v) for v in k.values()),
)
def test_where_no_step_is_taken_no_share_is_told(knobs: dict[str, Any], generator: torch.Generator) -> None:
    total, accepted = Case(generator, **knobs).loss_terms()
    assert bool(torch.isfinite(total))
    assert accepted is None


@pytest.mark.parametrize("strategy", ["adversarial", "ascent", "mixed"])
def test_the_share_is_told_for_each_seed_of_an_ensemble(strategy: str) -> None:
    configs = [config_of(seed=seed, mining_strategy=strategy, mining_opt_steps=4) for seed in (0, 1, 2)]
    states = [new_state(INVERSE, config, "cpu") for config in configs]
    ensemble = Ensemble(states, loss_function(INVERSE, configs[0], states[0].constants, compiled=False))
    for _ in range(3):
        accepted = ensemble.advance().loss.logged["mining_accepted"]
    assert accepted.shape == (3,)
    assert bool(((accepted >= 0) & (accepted <= 1)).all())
    alone = new_state(INVERSE, configs[1], "cpu")
    lone = Ensemble([alone], loss_function(INVERSE, configs[1], alone.constants, compiled=False))
    for _ in range(3):
        other = lone.advance().loss.logged["mining_accepted"]
    assert float(other) == pytest.approx(float(accepted[1]), abs=1.5 / (4 * BATCH))


@pytest.mark.parametrize(("fraction", "pure"), [(0.0, "random"), (1.0, "adversarial")])
def test_a_mixture_of_nothing_but_one_kind_trains_as_that_kind(fraction: float, pure: str) -> None:
    """The weights, at least: the mixture draws its random negatives even where it uses none."""
    ends = []
    for knobs in ({"mining_strategy": "mixed", "adversarial_fraction": fraction}, {"mining_strategy": pure}):
        config = config_of(**knobs)
        state = new_state(INVERSE, config, "cpu")
        batch = batch_tensors(config, state.streams, 0)
        loss = loss_function(INVERSE, config, state.constants, compiled=False)(state.weights, batch)
        ends.append((float(loss.total), float(loss.logged["denoise"]), float(loss.logged["energy_positive"])))
    assert ends[0] == pytest.approx(ends[1], rel=1e-6)


def test_mixed_and_random_runs_of_a_seed_draw_the_same_noise_and_the_same_random_negatives() -> None:
    like = torch.zeros(BATCH, DIM)
    mixed, random = (
        draw(config_of(mining_strategy=strategy), like, make_streams(3, "cpu"))
        for strategy in ("mixed", "random")
    )
    for one, other in ((mixed.contrast_noise, random.contrast_noise), (mixed.negative, random.negative)):
        assert one is not None
        assert other is not None
        assert torch.equal(one, other)


def test_before_a_warm_start_ends_nothing_is_drawn_for_mining() -> None:
    streams = make_streams(3, "cpu")
    before = streams.mining.get_state()
    draws = draw(config_of(mining_strategy="mixed"), torch.zeros(4, DIM), streams, contrast=False)
    assert (draws.contrast_noise, draws.negative) == (None, None)
    assert torch.equal(streams.mining.get_state(), before)
