"""The named experiments and their variants, against the plan's numbers and the study's own files."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ired_diag import experiments
from ired_diag.config import TrainingConfig
from ired_diag.errors import AmbiguousName, NotFound, UnreadableFile, WrongConfiguration
from ired_diag.experiments import read_variants
from ired_diag.experiments.sweep import Variant, parse_variants, set_knobs, varied
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.tasks.inverse import TASK as INVERSE

STRATEGIES = ("none", "random", "adversarial")

# What the plan names, in its order; of a sweep the knob and its values.
PLAN: dict[str, tuple[str, Sequence[object]] | None] = {
    "q001_baseline": None,
    "q002_random": None,
    "q003_adversarial": None,
    "q004_pilot": None,
    "q101_multiseed_baseline": None,
    "q102_multiseed_random": None,
    "q103_multiseed_adversarial": None,
    "q104_multiseed_checkpoints": ("mining_strategy", STRATEGIES),
    "q201_baseline": None,
    "q207_scalar_baseline": None,
    "q209_scalar_no_mining": None,
    "q210_scalar_random": None,
    "q211_energy_reg": ("energy_reg_weight", (0.001, 0.01, 0.1)),
    "q212_stop_gradient": None,
    "q301_opt_steps": ("mining_opt_steps", (1, 3, 5, 10, 20)),
    "q302_ascent_learning_rate": ("ascent_learning_rate", (0.01, 0.05, 0.1, 0.5, 1.0)),
    "q303_noise_scale": ("mining_noise_scale", (0.01, 0.1, 0.5, 1, 2)),
    "q304_mixed_mining": ("adversarial_fraction", (0.7, 0.3)),
    "q305_scale_factor": ("mining_scale_factor", (0.5, 1, 2)),
    "q307_opt_steps_finely": ("mining_opt_steps", (1, 2, 3, 4, 5, 10, 20)),
    "q308_noise_scale_around_3": ("mining_noise_scale", (0.5, 1, 1.5, 3, 5)),
    "q401_stable_training": ("mining_strategy", STRATEGIES),
    "q402_early_stopping": None,
}
RANKS_AND_STRATEGIES = "q306_rank_strategy"  # a sweep of two knobs
SWEEPS = {name: told for name, told in PLAN.items() if told is not None}
PLAIN = [name for name, told in PLAN.items() if told is None]

# What an experiment changes, of which other one; the knob that a sweep varies is not told here.
CHANGED: dict[str, tuple[str, dict[str, Any]]] = {
    "q210_scalar_random": ("q207", {"mining_strategy": "random"}),
    "q211_energy_reg": ("q209", {}),
    "q212_stop_gradient": ("q207", {"stop_gradient_head": True}),
    "q301_opt_steps": ("q103", {}),
    "q302_ascent_learning_rate": ("q103", {"mining_strategy": "ascent"}),
    "q303_noise_scale": ("q103", {}),
    "q304_mixed_mining": ("q103", {"mining_strategy": "mixed"}),
    "q305_scale_factor": ("q103", {}),
    "q306_rank_strategy": ("q103", {}),
    "q307_opt_steps_finely": ("q103", {}),
    "q308_noise_scale_around_3": ("q103", {}),
    "q402_early_stopping": ("q201", {"early_stopping_patience": 10_000}),
}


def inverse(config: TrainingConfig) -> InverseConfig:
    assert isinstance(config, InverseConfig)
    return config


def without_name(config: TrainingConfig) -> dict[str, Any]:
    return config.model_dump(exclude={"experiment_name"})


def content(**keys: Any) -> dict[str, Any]:
    return {"experiment_name": "q900_mine", "mining_strategy": "adversarial", **keys}


def parsed(*changes: dict[str, Any], **keys: Any) -> tuple[Variant, ...]:
    return parse_variants(content(variants=list(changes), **keys), where="mine")


def refusal(variants: object, **keys: Any) -> str:
    with pytest.raises(WrongConfiguration) as caught:
        parse_variants(content(variants=variants, **keys), where="mine.json")
    assert str(caught.value).startswith("mine.json")
    return str(caught.value)


def test_every_experiment_of_the_plan_is_there_and_no_other() -> None:
    assert experiments.names() == sorted([*PLAN, RANKS_AND_STRATEGIES])


def test_ranks_and_strategies_are_crossed() -> None:
    variants = experiments.variants(RANKS_AND_STRATEGIES)
    crossed = [(inverse(variant.config).rank, variant.changes["mining_strategy"]) for variant in variants]
    assert crossed == list(itertools.product((10, 20, 30), STRATEGIES))


@pytest.mark.parametrize("name", PLAN)
def test_an_experiment_is_called_as_its_file_and_asks_one_question(name: str) -> None:
    assert {variant.config.experiment_name for variant in experiments.variants(name)} == {name}
    assert re.fullmatch(r"[A-Z][^?]*\?", experiments.question(name))


@pytest.mark.parametrize("name", PLAN)
def test_the_number_alone_means_the_experiment(name: str) -> None:
    assert experiments.variants(name.split("_")[0]) == experiments.variants(name)


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_experiment_has_one_variant_without_a_name(name: str) -> None:
    (only,) = experiments.variants(name)
    assert only == Variant(None, {}, experiments.load(name), INVERSE)
    assert varied([only]) == {}


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_has_the_values_of_the_plan_in_its_order(name: str) -> None:
    knob, values = SWEEPS[name]
    variants = experiments.variants(name)
    assert [getattr(variant.config, knob) for variant in variants] == list(values)
    assert [variant.label for variant in variants] == [f"{knob}={value}" for value in values]
    assert varied(variants) == {knob: [str(value) for value in values]}


@pytest.mark.parametrize("name", SWEEPS)
def test_the_variants_of_a_sweep_differ_in_the_varied_knob_alone(name: str) -> None:
    knob, _ = SWEEPS[name]
    first, *others = (without_name(variant.config) for variant in experiments.variants(name))
    for other in others:
        assert {key for key in first if first[key] != other[key]} == {knob}


@pytest.mark.parametrize("name", CHANGED)
def test_an_experiment_changes_one_thing_of_another(name: str) -> None:
    other, changes = CHANGED[name]
    for variant in experiments.variants(name):
        expected = experiments.load(other).model_copy(update={**changes, **variant.changes})
        assert without_name(variant.config) == without_name(expected)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("q104", {"checkpoint_every": 5000}),
        (
            "q401",
            {"lr_schedule": "cosine", "lr_decay_start": 30_000, "gradient_clip": 1.0, "ema_decay": 0.995},
        ),
    ],
)
def test_a_sweep_over_strategies_changes_the_same_of_the_three_multiseed_runs(
    name: str, changes: dict[str, Any]
) -> None:
    for other, strategy in zip(("q101", "q102", "q103"), STRATEGIES, strict=True):
        expected = experiments.load(other).model_copy(update=changes)
        assert without_name(experiments.load(f"{name}@mining_strategy={strategy}")) == without_name(expected)


def test_the_scalar_experiments_have_the_settings_of_the_study() -> None:
    for name in ("q207", "q209", "q210", "q211", "q212"):
        for variant in experiments.variants(name):
            config = inverse(variant.config)
            assert config.use_scalar_energy
            assert (config.energy_loss_weight, config.adam_betas) == (0.05, (0.0, 0.999))


def test_our_files_equal_the_studys_where_it_has_one_of_the_name(shared: Path) -> None:
    theirs = {path.stem: path for path in (shared / "ired_configs").glob("*.json")}
    same = theirs.keys() & PLAN.keys()
    assert len(same) == 10
    told = {name: read_variants(theirs[name])[0].config for name in same}
    for name in ("q207_scalar_baseline", "q209_scalar_no_mining"):  # the fork's code did, without a key
        told[name] = told[name].model_copy(update={"gradient_normalization": "batch"})
    assert {name: experiments.load(name) for name in same} == told


def test_a_variant_is_loaded_by_its_name() -> None:
    for called in ("q301", "q301_opt_steps"):
        config = experiments.load(f"{called}@mining_opt_steps=3")
        assert (config.experiment_name, inverse(config).mining_opt_steps) == ("q301_opt_steps", 3)
        assert [v.config for v in experiments.variants(f"{called}@mining_opt_steps=3")] == [config]


def test_a_sweep_is_no_configuration_but_several() -> None:
    with pytest.raises(AmbiguousName) as caught:
        experiments.load("q304")
    assert str(caught.value) == (
        "'q304' means 2 variants: q304@adversarial_fraction=0.7, q304@adversarial_fraction=0.3. "
        "Name one of them."
    )


@pytest.mark.parametrize(
    "label", ["mining_opt_steps", "", "3", "rank=3", "mining_opt_steps=", "mining_opt_steps=2,rank=3"]
)
def test_an_unknown_variant_is_refused_with_those_there_are(label: str) -> None:
    with pytest.raises(NotFound) as caught:
        experiments.variants(f"q301@{label}")
    listed = ", ".join(f"q301@mining_opt_steps={steps}" for steps in (1, 3, 5, 10, 20))
    assert str(caught.value) == (
        f"q301 has no variant {label!r}. There are: {listed}; and any other value of mining_opt_steps."
    )


@pytest.mark.parametrize(
    ("name", "label", "knobs"),
    [
        ("q301@mining_opt_steps=2", "mining_opt_steps=2", {"mining_opt_steps": 2}),
        ("q303@mining_noise_scale=2.0", "mining_noise_scale=2", {"mining_noise_scale": 2.0}),
        ("q303@mining_noise_scale=4.0", "mining_noise_scale=4", {"mining_noise_scale": 4.0}),
        ("q302@ascent_learning_rate=1e-5", "ascent_learning_rate=1e-05", {"ascent_learning_rate": 1e-5}),
        ("q104@mining_strategy=ascent", "mining_strategy=ascent", {"mining_strategy": "ascent"}),
        (
            "q306@mining_strategy=random,rank=5",
            "rank=5,mining_strategy=random",
            {"rank": 5, "mining_strategy": "random"},
        ),
    ],
)
def test_a_value_that_is_not_in_the_list_is_a_variant_too(
    name: str, label: str, knobs: dict[str, Any]
) -> None:
    (variant,) = experiments.variants(name)
    listed = experiments.variants(name.partition("@")[0])[0]
    assert variant.label == label
    assert variant.config == listed.config.model_copy(update=knobs)


def test_a_value_that_cannot_be_used_is_refused_with_the_reason() -> None:
    for name, said in {
        "q301@mining_opt_steps=-1": "mining_opt_steps = -1: ",
        "q301@mining_opt_steps=3.0": "mining_opt_steps = 3.0: input should be a valid integer",
        "q301@mining_opt_steps=two": "mining_opt_steps = ",
    }.items():
        with pytest.raises(WrongConfiguration, match=said):
            experiments.variants(name)


def test_a_plain_experiment_has_no_variant_to_name() -> None:
    with pytest.raises(NotFound, match=r"^q101 has no variant 'rank=3'. It is not a sweep: train q101\.$"):
        experiments.load("q101@rank=3")


def test_a_number_of_two_files_is_refused_and_their_full_names_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("q212_stop_gradient", "q212_energy_reg_only", "q2121_other"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"experiment_name": name}))
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path)
    for called in ("q212", "q212@rank=3"):
        with pytest.raises(AmbiguousName) as caught:
            experiments.variants(called)
        assert str(caught.value) == (
            "'q212' means 2 experiments: q212_energy_reg_only, q212_stop_gradient. Give the full name."
        )
    for name in ("q212_stop_gradient", "q212_energy_reg_only"):
        assert experiments.load(name).experiment_name == name


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"learning_rate": 0.05}, "learning_rate=0.05"),
        ({"learning_rate": 1.0}, "learning_rate=1.0"),
        ({"learning_rate": 1}, "learning_rate=1"),
        ({"learning_rate": 1e-05}, "learning_rate=1e-05"),
        ({"mining_strategy": "random"}, "mining_strategy=random"),
        ({"gradient_clip": None}, "gradient_clip=null"),
        ({"ood": True}, "ood=true"),
        ({"adam_betas": [0.0, 0.999]}, "adam_betas=[0.0,0.999]"),
        ({"rank": 3, "batch_size": 8}, "rank=3,batch_size=8"),
        ({"batch_size": 8, "rank": 3}, "batch_size=8,rank=3"),
    ],
)
def test_a_variant_is_called_by_what_it_sets_as_the_file_has_it(changes: dict[str, Any], label: str) -> None:
    (variant,) = parsed(changes)
    assert (variant.label, variant.changes) == (label, changes)
    assert variant.config == parse_inverse(content(**changes))


def test_the_base_need_not_stand_alone() -> None:
    keys = {"lr_decay_start": 5}  # idle with a constant learning rate, which neither variant has
    cosine, step = parsed({"lr_schedule": "cosine"}, {"lr_schedule": "step"}, **keys)
    assert (cosine.config.lr_decay_start, step.config.lr_decay_start) == (5, 5)


def test_what_varies_is_told_by_knob_each_value_once() -> None:
    grid = parsed({"rank": 2, "ood": True}, {"rank": 3, "ood": True}, {"rank": 2}, {"width": 8})
    assert varied(grid) == {"rank": ["2", "3"], "ood": ["true"], "width": ["8"]}


@pytest.mark.parametrize(
    "variants", [[], {}, {"rank": [1, 2]}, "rank", None, 3, [{}], [{"rank": 3}, []], [3]]
)
def test_variants_that_are_no_list_of_objects_are_refused(variants: object) -> None:
    message = refusal(variants)
    assert "variants: expected a list of objects" in message
    assert message.endswith(f"found {json.dumps(variants)}.")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mining_opt_stps": 3}, "'mining_opt_stps' is not a key; did you mean 'mining_opt_steps'?"),
        ({"mining_opt_steps": -1}, "mining_opt_steps = -1: "),
        ({"learning_rate": float("nan")}, "learning_rate = NaN: "),
        ({"use_langevin": True}, "not implemented, except at false, 0 or none: use_langevin = true"),
        ({"ascent_learning_rate": 0.5}, "ascent_learning_rate changes nothing unless"),
        ({"seed": 3}, "seed cannot tell variants apart"),
        ({"rank": 3, "experiment_name": "q901"}, "experiment_name cannot tell variants apart"),
        ({"notes": "slow"}, "notes cannot tell variants apart"),
    ],
)
def test_a_variant_that_cannot_be_used_is_named(changes: dict[str, Any], said: str) -> None:
    label = ",".join(f"{knob}={value if value == value else 'NaN'}" for knob, value in changes.items())
    message = refusal([{"rank": 5}, changes])
    assert message.startswith(f"mine.json, variant {label.replace('True', 'true')}: ")
    assert said in message


def test_two_names_for_one_configuration_are_refused() -> None:
    assert "the variants learning_rate=1 and learning_rate=1.0 are the same" in refusal(
        [{"learning_rate": 1}, {"rank": 3}, {"learning_rate": 1.0}]
    )
    assert "the variants rank=20 and dataset=inverse are the same" in refusal(
        [{"rank": 20}, {"dataset": "inverse"}]
    )


@pytest.mark.parametrize(
    ("knob", "value", "beside"),
    [
        ("mining_opt_steps", 3, {"mining_strategy": "none"}),
        ("mining_scale_factor", 2, {"mining_strategy": "none"}),
        ("mining_scale_factor", 2, {"mining_strategy": "random"}),
        ("mining_noise_scale", 1.5, {"mining_strategy": "none"}),
        ("energy_loss_weight", 0.1, {"mining_strategy": "none"}),
        ("random_negative", "noised_start", {"mining_strategy": "none"}),
        ("mining_opt_steps", 3, {"mining_strategy": "random", "random_negative": "noised_start"}),
        ("mining_noise_scale", 1.5, {"mining_strategy": "random"}),
        ("random_negative", "noised_start", {"mining_strategy": "adversarial"}),
        ("random_negative", "noised_start", {"mining_strategy": "ascent"}),
    ],
)
def test_a_sweep_of_a_knob_that_mining_does_not_read_is_refused(
    knob: str, value: object, beside: dict[str, Any]
) -> None:
    assert f"sets {knob}, which changes nothing with" in refusal([{knob: value}], **beside)
    assert f"sets {knob}, which changes nothing with" in refusal([{knob: value, **beside}])
    (variant,) = parsed({knob: value}, mining_strategy="mixed")  # which reads them all
    with pytest.raises(WrongConfiguration, match=f"--set: the variant {knob}=.* sets {knob}, which changes"):
        set_knobs(variant, {k: str(v) for k, v in beside.items()})


def test_the_noise_of_a_noised_start_may_be_swept() -> None:
    keys = {"mining_strategy": "random", "random_negative": "noised_start"}
    assert [inverse(v.config).mining_noise_scale for v in parsed({"mining_noise_scale": 2}, **keys)] == [2]


def test_a_setting_that_a_variant_cannot_have_names_the_variant() -> None:
    plain, walked = parsed({"mining_strategy": "none"}, {"mining_strategy": "adversarial"})
    assert inverse(set_knobs(walked, {"energy_clamp": "5"}).config).energy_clamp == 5
    with pytest.raises(WrongConfiguration, match=r"^variant mining_strategy=none: --set: energy_clamp"):
        set_knobs(plain, {"energy_clamp": "5"})


def test_a_file_of_ones_own_may_be_a_sweep(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(content(variants=[{"rank": 2}, {"rank": 3}])))
    assert experiments.read_variants(path) == parsed({"rank": 2}, {"rank": 3})
    path.write_text(json.dumps(content(variants=[{"rnak": 2}])))
    with pytest.raises(WrongConfiguration, match=re.escape(f"{path}, variant rnak=2: 'rnak' is not a key")):
        experiments.read_variants(path)
    with pytest.raises(UnreadableFile):
        experiments.read_variants(tmp_path / "absent.json")
