"""Curricula, negatives of a share of the batch, the hardest of them, and hard examples."""

from __future__ import annotations

import math
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ired_diag.config import with_settings
from ired_diag.curriculum import config_after, value_after
from ired_diag.energy_config import EnergyConfig
from ired_diag.errors import WrongConfiguration
from ired_diag.inverse.architecture import initial_parameters
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.inverse.configured import architecture_of, network_of
from ired_diag.inverse.draws import Batch, Draws
from ired_diag.inverse.loss_terms import loss_terms
from ired_diag.inverse.objective import Loss, Mined, mine, training_loss
from ired_diag.inverse.sample_choice import SampleTerms, chosen_terms
from ired_diag.inverse.subjects import subject_of
from ired_diag.inverse.training import batch_tensors
from ired_diag.model.losses import nce_loss
from ired_diag.model.mining import descend
from ired_diag.model.schedule import cosine_schedule
from ired_diag.runs.checkpoint import read_checkpoint
from ired_diag.runs.store import read_run
from ired_diag.streams import make_streams
from ired_diag.task import StoredModel
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.compiled import loss_function
from ired_diag.training.ensemble import Ensemble
from ired_diag.training.state import new_state
from ired_diag.training.trainer import Interrupted, train
from probes.mining_dynamics import PROBE

SCHEDULE = cosine_schedule(10, dtype=torch.float64)
BATCH, DIM = 20, 9
SIZES = {
    "rank": 3,
    "width": 16,
    "time_embedding": 8,
    "time_width": 8,
    "batch_size": BATCH,
    "use_scalar_energy": True,
}
CURRICULUM = {"mining_strategy": "adversarial", "curriculum_steps": 100}


def config_of(**knobs: Any) -> InverseConfig:
    return parse_inverse({"experiment_name": "q900_choice", **SIZES, **knobs})


def refusal(**knobs: Any) -> str:
    with pytest.raises(WrongConfiguration) as caught:
        config_of(**knobs)
    return str(caught.value)


class Case:
    """A batch, its draws, and a network whose weights are large enough that some steps are rejected."""

    def __init__(self, generator: torch.Generator, **knobs: Any) -> None:
        self.config = config = config_of(mining_strategy="adversarial", **knobs)
        drawn = initial_parameters(architecture_of(config), generator=generator, dtype=torch.float64)
        self.network = network_of(config, {name: 2 * p for name, p in drawn.items()})
        self.x, self.answer, noise, contrast = torch.randn(
            4, BATCH, DIM, generator=generator, dtype=torch.float64
        )
        self.draws = Draws(torch.randint(0, 10, (BATCH,), generator=generator), noise, contrast)

    def loss(self, config: InverseConfig | None = None) -> Loss:
        return training_loss(self.network, SCHEDULE, config or self.config, self.x, self.answer, self.draws)

    def mined(self, draws: Draws | None = None) -> Mined:
        landscape = self.network.landscape(self.x, self.draws.t)
        return mine(landscape, SCHEDULE, self.config, self.answer, draws or self.draws)

    def sample_terms(self) -> tuple[Tensor, Tensor]:
        """Return denoise_i and nce_i of every sample, each by itself from the definitions."""
        landscape = self.network.landscape(self.x, self.draws.t)
        noisy = SCHEDULE.q_sample(self.answer, self.draws.t, self.draws.noise)
        error = landscape.energy_and_gradient(noisy)[1] - self.draws.noise
        noise = self.draws.contrast_noise
        assert noise is not None
        plain = self.config.model_copy(
            update={"negative_free_fraction": 0.0, "hardest_negatives": None, "hard_example_fraction": 1.0}
        )
        negative = mine(landscape, SCHEDULE, plain, self.answer, self.draws).negative
        energies = [
            landscape.energy(SCHEDULE.q_sample(y, self.draws.t, noise)) for y in (self.answer, negative)
        ]
        return error.square().mean(-1), nce_loss(*energies)


def curriculum(step: int, **knobs: Any) -> float | None:
    return value_after(config_of(**CURRICULUM, **knobs), step)


def test_a_setting_moves_linearly_from_its_start_to_its_own_value() -> None:
    knobs = {"mining_curriculum": "noise_scale", "curriculum_start": 5.0, "mining_noise_scale": 3.0}
    assert [curriculum(k, **knobs) for k in (0, 25, 50, 100, 5000)] == [5.0, 4.5, 4.0, 3.0, 3.0]
    late = {**knobs, "warm_start_steps": 40}
    assert [curriculum(k, **late) for k in (0, 40, 90, 140)] == [5.0, 5.0, 4.0, 3.0]
    assert value_after(config_of(mining_strategy="adversarial"), 50) is None


def test_steps_of_mining_are_whole_and_all_taken_at_the_end() -> None:
    knobs = {"mining_curriculum": "opt_steps", "curriculum_start": 1.0, "mining_opt_steps": 5}
    assert [curriculum(k, **knobs) for k in (0, 24, 25, 74, 75, 99, 100)] == [1, 1, 2, 3, 4, 4, 5]


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_curriculum_of_the_scale_factor_mines_as_that_factor_does(
    value: float, generator: torch.Generator
) -> None:
    case = Case(generator, mining_curriculum="scale_factor", curriculum_start=0.0, curriculum_steps=10)
    step = replace(case.draws, curriculum=torch.full((1, 1), value, dtype=torch.float64))
    noise = case.draws.contrast_noise
    assert noise is not None
    start = SCHEDULE.q_sample(case.answer, case.draws.t, 3 * noise)
    landscape = case.network.landscape(case.x, case.draws.t)
    end = descend(landscape, start, case.draws.t, SCHEDULE, steps=2, scale_factor=value).end
    expected = (end / SCHEDULE.alphas_cumprod[case.draws.t].sqrt()[:, None]).clamp(-2, 2)
    torch.testing.assert_close(case.mined(step).negative, expected, rtol=1e-12, atol=1e-12)


def test_steps_of_mining_may_become_fewer_as_a_control() -> None:
    knobs = {"mining_curriculum": "opt_steps", "curriculum_start": 5.0, "mining_opt_steps": 1}
    assert [curriculum(k, **knobs) for k in (0, 25, 26, 99, 100, 5000)] == [5, 4, 3, 1, 1, 1]


@pytest.mark.parametrize("allowed", [1, 3, 4])
def test_a_curriculum_of_ever_fewer_steps_takes_more_than_its_end(
    allowed: int, generator: torch.Generator
) -> None:
    case = Case(generator, mining_curriculum="opt_steps", curriculum_start=4.0, mining_opt_steps=1)
    step = replace(case.draws, curriculum=torch.full((1, 1), float(allowed), dtype=torch.float64))
    mined = case.mined(step)
    at_its_end = case.mined()
    case.config = config_of(mining_strategy="adversarial", mining_opt_steps=allowed)
    torch.testing.assert_close(mined.negative, case.mined().negative, rtol=1e-12, atol=1e-12)
    case.config = config_of(mining_strategy="adversarial", mining_opt_steps=1)
    torch.testing.assert_close(at_its_end.negative, case.mined().negative, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("allowed", [1, 2, 4])
def test_a_curriculum_of_steps_stops_where_so_many_steps_stop(
    allowed: int, generator: torch.Generator
) -> None:
    knobs = {"mining_opt_steps": 4}
    case = Case(generator, mining_curriculum="opt_steps", curriculum_start=1.0, **knobs)
    step = replace(case.draws, curriculum=torch.full((1, 1), float(allowed), dtype=torch.float64))
    mined = case.mined(step)
    case.config = config_of(mining_strategy="adversarial", mining_opt_steps=allowed)
    fewer = case.mined()
    torch.testing.assert_close(mined.negative, fewer.negative, rtol=1e-12, atol=1e-12)
    assert mined.accepted is not None
    assert fewer.accepted is not None
    assert float(mined.accepted) == pytest.approx(float(fewer.accepted), rel=1e-12)
    assert 0 < float(mined.accepted) < 1


def test_the_choice_is_that_of_a_case_computed_by_hand() -> None:
    """B = 4, n = 3, N = 2, w = 0.5, h = 2: ℓ = (1 + .5·1.5·2, 5, 0 + .5·1.5·4, 4) = (2.5, 5, 3, 4)."""
    config = config_of(
        batch_size=4,
        mining_strategy="adversarial",
        energy_loss_weight=0.5,
        negative_free_fraction=0.25,
        hardest_negatives=2,
    )
    terms = SampleTerms(torch.tensor([1.0, 5.0, 0.0, 4.0]), torch.tensor([2.0, 1.0, 4.0]))
    chosen = chosen_terms(terms, config)
    assert float(chosen.denoise) == 2.5
    assert chosen.nce is not None
    assert float(chosen.nce) == 0.75 * 3.0  # n/B times the mean of the hardest two
    assert float(chosen.logged["nce_all"]) == pytest.approx(7 / 4)
    assert float(chosen.logged["negative_share"]) == 0.75
    hard = chosen_terms(terms, config.model_copy(update={"hard_example_fraction": 0.5}))
    assert float(hard.denoise) == 4.5  # samples 1 and 3, neither of which has a contrast that counts
    assert hard.nce is not None
    assert float(hard.nce) == 0.0
    assert float(hard.logged["loss_all"]) == pytest.approx((2.5 + 5 + 3 + 4) / 4)
    assert float(hard.logged["denoise_all"]) == 2.5


@pytest.mark.parametrize(("fraction", "count"), [(0.3, 14), (0.5, 10), (0.95, 1)])
def test_a_share_without_negatives_is_denoised_alone(
    fraction: float, count: int, generator: torch.Generator
) -> None:
    case = Case(generator, negative_free_fraction=fraction)
    denoise, nce = case.sample_terms()
    loss = case.loss()
    assert case.mined().negative.shape == (count, DIM)
    expected = denoise.mean() + 0.5 * nce[:count].sum() / BATCH
    torch.testing.assert_close(loss.total, expected, rtol=1e-12, atol=1e-12)


def test_only_the_hardest_negatives_pull(generator: torch.Generator) -> None:
    case = Case(generator, hardest_negatives=3)
    denoise, nce = case.sample_terms()
    hardest = sorted(nce.tolist())[-3:]
    loss = case.loss()
    assert float(loss.total) == pytest.approx(float(denoise.mean()) + 0.5 * sum(hardest) / 3, rel=1e-12)
    assert float(loss.choice["nce_all"]) == pytest.approx(float(nce.mean()), rel=1e-12)


@pytest.mark.parametrize("strategy", ["none", "adversarial"])
def test_hard_examples_are_those_with_the_largest_loss(strategy: str, generator: torch.Generator) -> None:
    case = Case(generator, hard_example_fraction=0.25)
    denoise, nce = case.sample_terms()
    losses = denoise + 0.5 * nce
    if strategy == "none":
        losses = denoise
        case.config = config_of(mining_strategy="none", hard_example_fraction=0.25)
        case.draws = replace(case.draws, contrast_noise=None)
    loss = case.loss()
    assert float(loss.total) == pytest.approx(np.mean(sorted(losses.tolist())[-5:]), rel=1e-12)
    assert float(loss.choice["loss_all"]) == pytest.approx(float(losses.mean()), rel=1e-12)


def test_no_gradient_comes_from_a_sample_that_is_not_chosen(generator: torch.Generator) -> None:
    case = Case(generator, hard_example_fraction=0.25)
    denoise, nce = case.sample_terms()
    chosen = set((denoise + 0.5 * nce).topk(5).indices.tolist())
    answer = case.answer.clone().requires_grad_()
    case.answer = answer
    (gradient,) = torch.autograd.grad(case.loss().total, answer)
    assert {i for i in range(BATCH) if bool(gradient[i].any())} == chosen


@pytest.mark.parametrize(
    "knobs",
    [
        {"negative_free_fraction": 0.3},
        {"hardest_negatives": 7},
        {"hard_example_fraction": 0.4},
        {"negative_free_fraction": 0.3, "hardest_negatives": 4, "hard_example_fraction": 0.6},
    ],
    ids=lambda k: "-".join(k),
)
@pytest.mark.parametrize("weight", [0.0, 0.01])
def test_the_terms_apart_sum_to_the_loss(
    knobs: dict[str, Any], weight: float, generator: torch.Generator
) -> None:
    case = Case(generator, energy_reg_weight=weight, **knobs)
    batch = Batch(case.x, case.answer, case.draws)
    terms = loss_terms(case.network, SCHEDULE, case.config, batch, case.mined().negative)
    torch.testing.assert_close(sum(terms.values()), case.loss().total, rtol=1e-12, atol=1e-12)


def test_an_infinite_term_that_is_not_chosen_leaves_no_nan() -> None:
    config = config_of(batch_size=4, mining_strategy="adversarial", hardest_negatives=1)
    nce = torch.tensor([1.0, -math.inf, 2.0, 3.0], requires_grad=True)
    chosen = chosen_terms(SampleTerms(torch.zeros(4), nce), config)
    assert chosen.nce is not None
    assert float(chosen.nce.detach()) == 3.0
    (gradient,) = torch.autograd.grad(chosen.nce, nce)
    assert gradient.tolist() == [0.0, 0.0, 0.0, 1.0]


EVERYTHING = {
    "mining_strategy": "mixed",
    "mining_curriculum": "opt_steps",
    "mining_opt_steps": 4,
    "curriculum_start": 1,
    "curriculum_steps": 6,
    "negative_free_fraction": 0.25,
    "hardest_negatives": 8,
    "hard_example_fraction": 0.5,
    "train_steps": 8,
    "log_every": 1,
    "validate_every": 8,
    "checkpoint_every": 4,
    "validation_batches": 1,
    "validation_batch_size": 8,
}


def test_a_run_that_is_resumed_within_its_curriculum_ends_as_one_that_was_not(tmp_path: Path) -> None:
    config = config_of(**EVERYTHING)

    def ask_for_an_end(step: int, steps: int, values: dict[str, float]) -> None:
        if step == 3:
            signal.raise_signal(signal.SIGUSR1)

    whole = train(INVERSE, config, tmp_path / "whole")
    with pytest.raises(Interrupted, match="after step 3 of 8"):
        train(INVERSE, config, tmp_path / "parts", progress=ask_for_an_end)
    parts = train(INVERSE, config, tmp_path / "parts", resume=True)
    ends = [torch.load(f / "checkpoints" / "last.pt", weights_only=True)["model"] for f in (whole, parts)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    for folder in (whole, parts):
        series = read_run(folder).history.series
        steps = np.asarray(series["train/curriculum_opt_steps"].values)
        assert steps.tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
        loss, every = (np.asarray(series[f"train/{name}"].values) for name in ("loss", "loss_all"))
        assert bool((loss > every).all())


def test_seeds_that_train_together_choose_as_each_does_alone() -> None:
    configs = [config_of(seed=seed, **EVERYTHING) for seed in (0, 1)]
    states = [new_state(INVERSE, config, "cpu") for config in configs]
    both = Ensemble(states, loss_function(INVERSE, configs[0], states[0].constants, compiled=False))
    lone_state = new_state(INVERSE, configs[1], "cpu")
    lone = Ensemble([lone_state], loss_function(INVERSE, configs[1], lone_state.constants, compiled=False))
    for _ in range(4):
        together, alone = both.advance().loss, lone.advance().loss
        assert together.total[1].item() == pytest.approx(alone.total[0].item(), rel=1e-5)
        assert (
            together.logged["curriculum_opt_steps"].tolist()
            == [float(alone.logged["curriculum_opt_steps"])] * 2
        )


def test_without_these_settings_a_batch_holds_nothing_of_them() -> None:
    names = set(batch_tensors(config_of(mining_strategy="adversarial"), make_streams(0, "cpu"), 0))
    assert names == {"problem", "answer", "t", "noise", "contrast_noise"}


def test_mining_dynamics_follows_the_curriculum_and_says_what_the_batch_chooses(tmp_path: Path) -> None:
    config = config_of(
        **{**EVERYTHING, "mining_curriculum": "scale_factor", "curriculum_start": 0.0, "curriculum_steps": 8},
    )
    folder = train(INVERSE, config, tmp_path / "run")
    lengths, notes = [], []
    for step in (4, 8):
        checkpoint = read_checkpoint(folder / "checkpoints" / f"step-{step:09d}.safetensors")
        stored = StoredModel(checkpoint, "raw", config.model_dump(mode="json"))
        subject, findings = subject_of(stored)
        assert subject.mining.scale_factor == step / 8
        table = PROBE(replace(subject, samples=32).chunk(0))
        walked = (table["move"] == 2) & (table["walker"] == "descent")
        lengths.append(float(np.mean(table["length"][walked])))
        notes += [finding.statement for finding in findings if finding.severity == "note"]
    assert lengths[0] < lengths[1]
    assert any("At step 4, mining_scale_factor is 0.5: the curriculum starts at 0" in note for note in notes)
    assert any("15 have a negative, 8 of them count" in note for note in notes)


def test_a_probe_mines_as_at_the_step_of_its_checkpoint() -> None:
    config = config_of(
        **CURRICULUM, mining_curriculum="noise_scale", curriculum_start=5.0, mining_noise_scale=3.0
    )
    assert config_after(config, 50).mining_noise_scale == 4.0
    assert config_after(config, None).mining_noise_scale == 3.0
    assert config_after(config, 50).mining_curriculum == "none"


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"mining_curriculum": "noise_scale"}, "needs a curriculum_start"),
        ({"mining_curriculum": "noise_scale", "curriculum_start": 3.0}, "it changes nothing"),
        ({"mining_curriculum": "opt_steps", "curriculum_start": 1.5}, "starts at a whole number"),
        ({"mining_curriculum": "opt_steps", "curriculum_start": 0.0}, "1 or more"),
        ({"mining_curriculum": "opt_steps", "curriculum_start": 2.0}, "it changes nothing"),
        ({"curriculum_start": 3.0}, "without a mining_curriculum"),
        ({"hardest_negatives": 20}, "20 samples of a batch have a negative: it must be fewer"),
        ({"hardest_negatives": 10, "negative_free_fraction": 0.5}, "10 samples of a batch have"),
        ({"negative_free_fraction": 0.01}, "is 0 of 20 samples"),
        ({"negative_free_fraction": 0.99}, "is 20 of 20 samples"),
        ({"hard_example_fraction": 0.99}, "is all 20 samples"),
        ({"hard_example_fraction": 0.01}, "is none of 20 samples"),
        ({"hard_example_fraction": 0.0}, "greater than 0"),
    ],
)
def test_a_setting_that_changes_nothing_or_leaves_nothing_is_refused(
    knobs: dict[str, Any], words: str
) -> None:
    assert words in refusal(mining_strategy="adversarial", **knobs)


@pytest.mark.parametrize(
    ("strategy", "knobs"),
    [
        ("none", {"mining_curriculum": "noise_scale", "curriculum_start": 5.0}),
        ("random", {"mining_curriculum": "noise_scale", "curriculum_start": 5.0}),
        ("random", {"mining_curriculum": "opt_steps", "curriculum_start": 1.0}),
        ("none", {"hardest_negatives": 3}),
        ("none", {"negative_free_fraction": 0.5}),
    ],
)
def test_what_mining_does_not_read_is_refused(strategy: str, knobs: dict[str, Any]) -> None:
    assert "changes nothing" in refusal(mining_strategy=strategy, **knobs)


@pytest.mark.parametrize(
    ("strategy", "settings", "words"),
    [
        (
            "random",
            {"mining_scale_factor": "2"},
            "mining_scale_factor changes nothing with mining_strategy random",
        ),
        ("random", {"mining_opt_steps": "9"}, "mining_opt_steps changes nothing with mining_strategy random"),
        ("random", {"mining_noise_scale": "1"}, "mining_noise_scale changes nothing"),
        ("adversarial", {"random_negative": "noised_start"}, "random_negative changes nothing"),
        ("adversarial", {"mining_strategy": "none", "mining_opt_steps": "9"}, "mining_strategy none"),
        ("adversarial", {"energy_loss_weight": "0", "mining_opt_steps": "9"}, "with energy_loss_weight 0"),
        ("adversarial", {"mining_opt_steps": "0", "mining_scale_factor": "2"}, "with mining_opt_steps 0"),
        ("adversarial", {"warm_start_steps": "500", "train_steps": "500"}, "no step mines"),
        ("mixed", {"warm_start_steps": "900", "train_steps": "500"}, "no step mines"),
    ],
)
def test_a_setting_that_training_does_not_read_is_refused(
    strategy: str, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(WrongConfiguration, match=words):
        with_settings(config_of(mining_strategy=strategy), settings)


@pytest.mark.parametrize(
    ("strategy", "settings"),
    [
        ("random", {"mining_opt_steps": "2"}),
        ("random", {"random_negative": "noised_start", "mining_noise_scale": "1"}),
        ("none", {"energy_loss_weight": "0"}),
        ("adversarial", {"warm_start_steps": "499", "train_steps": "500"}),
        ("adversarial", {"mining_strategy": "none"}),
        ("mixed", {"mining_opt_steps": "9"}),
    ],
)
def test_a_default_an_off_value_and_what_is_read_may_be_set(strategy: str, settings: dict[str, str]) -> None:
    config = with_settings(config_of(mining_strategy=strategy), settings)
    for knob, text in settings.items():
        assert str(getattr(config, knob)).removesuffix(".0") == text


def test_a_configuration_file_may_hold_what_its_strategy_does_not_read() -> None:
    config = config_of(mining_strategy="none", mining_opt_steps=9)
    assert with_settings(config, {"learning_rate": "0.001"}).mining_opt_steps == 9


def test_a_curriculum_that_the_training_ends_before_is_noted() -> None:
    knobs = {"mining_strategy": "adversarial", "mining_curriculum": "noise_scale", "curriculum_start": 5.0}
    late = config_of(**knobs, curriculum_steps=80, warm_start_steps=30, train_steps=100)
    (remark,) = late.remarks()
    assert "ends at step 110, after the 100 train_steps: mining_noise_scale does not reach 3" in remark
    assert config_of(**knobs, curriculum_steps=70, warm_start_steps=30, train_steps=100).remarks() == []


def test_the_settings_are_off_by_default() -> None:
    config = EnergyConfig(experiment_name="q1")
    assert (config.mining_curriculum, config.hardest_negatives) == ("none", None)
    assert (config.negative_free_fraction, config.hard_example_fraction) == (0.0, 1.0)
