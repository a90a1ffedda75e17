from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ired_diag import experiments
from ired_diag.config_keys import METADATA
from ired_diag.errors import AmbiguousName, NotFound, UnreadableFile, WrongConfiguration
from ired_diag.experiments import read_variants
from ired_diag.inverse.config import NOT_IMPLEMENTED, InverseConfig, parse_inverse

LANGEVIN = {"mining_strategy", "langevin_sigma_multiplier", "use_langevin"}
REPLAY = {"use_replay_buffer", "replay_buffer_size", "replay_buffer_buckets", "replay_sample_prob"}
FILTERED = {
    "use_residual_filter",
    "residual_filter_quantile",
    "use_energy_schedule",
    "use_timestep_range",
    "energy_loss_warmup_steps",
    "energy_loss_max_weight",
    "energy_loss_timestep_range",
}

REFUSED = {
    "q202_cd_langevin": LANGEVIN | {"use_cd_loss"},
    "q203_cd_replay": LANGEVIN | REPLAY | {"use_cd_loss"},
    "q204_cd_full": LANGEVIN | REPLAY | FILTERED | {"use_cd_loss"},
    "q212_energy_reg_only": LANGEVIN | REPLAY | {"use_ired_contrastive_loss", "contrastive_temperature"},
}

# The fork divided by the batch size in these runs, and no key of their files says so.
AS_THE_FORK_RAN = {
    name: {"gradient_normalization": "batch"} for name in ("q207_scalar_baseline", "q209_scalar_no_mining")
}

LOADED = (
    "q001_baseline",
    "q002_random",
    "q003_adversarial",
    "q004_pilot",
    "q101_multiseed_baseline",
    "q102_multiseed_random",
    "q103_multiseed_adversarial",
    "q201_baseline",
    "q207_scalar_baseline",
    "q209_scalar_no_mining",
)


def parse(**keys: Any) -> InverseConfig:
    return parse_inverse({"experiment_name": "q900_synthetic", **keys})


def refusal(**keys: Any) -> str:
    with pytest.raises(WrongConfiguration) as caught:
        parse(**keys)
    return str(caught.value)


def knobs(path: Path) -> dict[str, Any]:
    """Return what a file says of knobs, as the configuration holds it."""
    told = json.loads(path.read_text())
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in told.items()
        if key in InverseConfig.model_fields
    }


def test_every_configuration_of_the_study_is_either_loaded_or_refused_here(shared: Path) -> None:
    found = {path.stem for path in (shared / "ired_configs").glob("*.json")}
    assert found == {*LOADED, *REFUSED}


@pytest.mark.parametrize("name", LOADED)
def test_a_configuration_of_the_study_loads_with_every_knob_as_it_is_written(shared: Path, name: str) -> None:
    path = shared / "ired_configs" / f"{name}.json"
    config = read_variants(path)[0].config
    told = knobs(path)
    assert len(told) >= 9
    assert {key: getattr(config, key) for key in told} == told


@pytest.mark.parametrize("name", LOADED)
def test_the_named_experiment_equals_the_configuration_of_the_study(shared: Path, name: str) -> None:
    told = read_variants(shared / "ired_configs" / f"{name}.json")[0].config
    assert experiments.load(name) == told.model_copy(update=AS_THE_FORK_RAN.get(name, {}))


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_exactly_the_keys_that_are_on_and_not_implemented(shared: Path, name: str) -> None:
    path = shared / "ired_configs" / f"{name}.json"
    with pytest.raises(WrongConfiguration) as caught:
        read_variants(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert set(re.findall(r"(\w+) = ", message)) == REFUSED[name]


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("mining_stratgy", "mining_strategy"),
        ("opt_steps", "num_opt_steps"),
        ("train_step", "train_steps"),
        ("lerning_rate", "learning_rate"),
        ("use_langvin", "use_langevin"),
        ("descripton", "description"),
    ],
)
def test_a_typo_is_refused_with_the_key_that_was_probably_meant(typo: str, meant: str) -> None:
    assert f"{typo!r} is not a key; did you mean {meant!r}?" in refusal(**{typo: 0})


def test_a_key_like_no_other_is_refused_without_a_guess() -> None:
    message = refusal(zzz=0)
    assert "'zzz' is not a key" in message
    assert "did you mean" not in message


@pytest.mark.parametrize("off", [False, 0, 0.0, None, "none", "off", []])
@pytest.mark.parametrize("key", ["use_langevin", "langevin_grad_clip", "recovery_steps"])
def test_a_key_that_is_not_implemented_passes_at_its_off_value(key: str, off: object) -> None:
    assert parse(**{key: off}) == parse()


@pytest.mark.parametrize("key", NOT_IMPLEMENTED)
def test_each_key_that_is_not_implemented_is_refused_by_name_when_on(key: str) -> None:
    assert refusal(**{key: 0.5}).endswith(f"not implemented, except at false, 0 or none: {key} = 0.5.")


def test_an_unimplemented_key_at_nan_is_not_off() -> None:
    assert "recovery_loss_weight = NaN" in refusal(recovery_loss_weight=float("nan"))


@pytest.mark.parametrize("key", METADATA)
def test_metadata_changes_nothing(key: str) -> None:
    assert parse(**{key: "whatever"}) == parse()


def test_all_complaints_stand_in_one_message() -> None:
    message = refusal(rank=0, mining_strategy="cd", use_langevin=True, sed=1)
    for part in ("rank = 0", 'mining_strategy = "cd"', "use_langevin = true", "did you mean 'seed'?"):
        assert part in message


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("mining_strategy", "hard", "'none', 'random', 'adversarial', 'ascent' or 'mixed'"),
        ("dataset", "inverses", "'ired' or 'design'"),
        ("rank", 0, "greater than or equal to 1"),
        ("rank", 20.5, "valid integer"),
        ("seed", -1, "greater than or equal to 0"),
        ("seed", "zero", "valid integer"),
        ("mining_opt_steps", -1, "greater than or equal to 0"),
        ("train_steps", 0, "greater than or equal to 1"),
        ("learning_rate", 0, "greater than 0"),
        ("learning_rate", float("nan"), "finite number"),
        ("mining_noise_scale", float("nan"), "finite number"),
        ("energy_loss_weight", float("inf"), "finite number"),
        ("adam_betas", 0.9, "expected a list in brackets"),
        ("gradient_normalization", 0, "expected 'batch', a number above 0, or null"),
        ("gradient_normalization", -2048, "expected 'batch', a number above 0, or null"),
        ("gradient_normalization", "bach", "expected 'batch', a number above 0, or null"),
        ("gradient_normalization", float("nan"), "expected 'batch', a number above 0, or null"),
        ("experiment_name", "", "at least 1 character"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(key: str, value: object, said: str) -> None:
    message = refusal(**{key: value})
    assert f"configuration: {key} = {json.dumps(value)}: " in message
    assert said in message


def test_a_configuration_without_a_name_is_refused() -> None:
    with pytest.raises(WrongConfiguration, match="experiment_name is missing"):
        parse_inverse({})


@pytest.mark.parametrize(("given", "held"), [("batch", "batch"), (2048, 2048.0), (0.5, 0.5), (None, None)])
def test_the_gradient_normalization_is_batch_or_a_number_or_nothing(given: object, held: object) -> None:
    assert parse(gradient_normalization=given).gradient_normalization == held


def test_the_public_name_of_the_data_set_means_ired() -> None:
    assert parse(dataset="inverse") == parse(dataset="ired") == parse()
    assert parse(dataset="design").dataset == "design"


def test_the_defaults_are_those_of_the_public_code() -> None:
    config = parse()
    assert (config.rank, config.diffusion_steps, config.width) == (20, 10, 512)
    assert (config.mining_opt_steps, config.mining_noise_scale, config.energy_loss_weight) == (2, 3.0, 0.5)
    assert (config.batch_size, config.learning_rate, config.adam_betas) == (2048, 1e-4, (0.9, 0.99))
    assert config.validation_batches * config.validation_batch_size == 5632


def test_a_configuration_is_frozen() -> None:
    config = parse()
    with pytest.raises(ValidationError, match="frozen"):
        config.rank = 3  # type: ignore[misc]
    assert config.rank == 20


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ":1: expected a JSON object, found an error at column 1"),
        (b'{"rank": 20,\n"seed" 1}', ":2: expected a JSON object, found an error at column 8"),
        (b"[1, 2]", "expected a JSON object, found a list"),
        (b"\xff\xfe{}", "cannot be read"),
    ],
)
def test_a_file_that_is_no_json_object_is_unreadable(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        read_variants(path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


def test_a_configuration_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.json", tmp_path):
        with pytest.raises(UnreadableFile, match="cannot be read"):
            read_variants(path)


def test_nan_in_a_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"experiment_name": "q900", "learning_rate": NaN}')
    with pytest.raises(WrongConfiguration, match="learning_rate = NaN: input should be a finite number"):
        read_variants(path)


def test_an_experiment_loads_by_its_number_and_by_its_full_name() -> None:
    assert set(LOADED) <= set(experiments.names())
    for name in LOADED:
        by_name = experiments.load(name)
        assert by_name.experiment_name == name
        assert experiments.load(name.split("_")[0]) == by_name


@pytest.mark.parametrize("name", ["q999", "q10", "multiseed", "", "Q101"])
def test_an_unknown_experiment_lists_those_there_are(name: str) -> None:
    with pytest.raises(NotFound) as caught:
        experiments.load(name)
    assert str(caught.value).startswith(f"No experiment is named {name!r}.")
    assert all(known in str(caught.value) for known in experiments.names())


def test_a_number_of_two_experiments_is_ambiguous(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments, "names", lambda: ["q101_one", "q101_two"])
    with pytest.raises(AmbiguousName, match="'q101' means 2 experiments: q101_one, q101_two"):
        experiments.load("q101")
