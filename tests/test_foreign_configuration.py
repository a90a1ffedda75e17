"""The configuration next to a foreign log: plain data only, from the file that belongs to the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ired_diag.readers.foreign_configuration import find_configuration, seed_of
from ired_diag.readers.plain_yaml import TOO_LARGE, NotPlain, read_plain_yaml


def test_tags_of_python_are_read_as_plain_data() -> None:
    text = (
        "widths: !!python/tuple [64, 64]\n"
        "net: !!python/object:nets.Wide {depth: 3}\n"
        "activation: !!python/name:torch.nn.GELU ''\n"
        "own: !Custom {a: 1}\n"
        "seed: 3\n"
    )
    assert read_plain_yaml(text) == {
        "widths": [64, 64],
        "net": {"depth": 3},
        "activation": "",
        "own": {"a": 1},
        "seed": 3,
    }


def test_aliases_are_read_and_bounded() -> None:
    assert read_plain_yaml("a: &id001\n- 64\n- 64\nb: *id001\n") == {"a": [64, 64], "b": [64, 64]}
    doubling = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    values = read_plain_yaml(f"{doubling}seed: 3\n")
    assert (values["a2"], values["a39"], values["seed"]) == ([[["x"] * 2] * 2] * 2, TOO_LARGE, 3)
    assert read_plain_yaml("a: &a [1, *a]\nb: 2\n") == {"a": TOO_LARGE, "b": 2}


def test_a_merge_key_hands_its_values_on() -> None:
    text = "base: &base {lr: 0.1, width: 8}\nrun:\n  <<: *base\n  lr: 0.2\n"
    assert read_plain_yaml(text)["run"] == {"lr": 0.2, "width": 8}


def test_numbers_are_what_everyone_but_yaml_takes_them_for() -> None:
    text = "lr: 1e-3\nsteps: 5\nwhen: 10:20:30\nid: 0123\non: yes\nnone: null\nquoted: '7'\nday: 2026-11-01\n"
    assert read_plain_yaml(text) == {
        "lr": 0.001,
        "steps": 5,
        "when": "10:20:30",
        "id": "0123",
        "on": True,
        "none": None,
        "quoted": "7",
        "day": "2026-11-01",
    }


def test_plain_lines_survive_an_error() -> None:
    with pytest.raises(NotPlain) as caught:
        read_plain_yaml("seed: 3\nlr: 0.1\nbroken: [1, 2\n")
    assert caught.value.salvaged == {"seed": 3, "lr": 0.1}


@given(st.text(max_size=80))
def test_any_text_is_a_mapping_or_is_refused(text: str) -> None:
    try:
        assert isinstance(read_plain_yaml(text), dict)
    except NotPlain:
        pass


def written(folder: Path, name: str, content: Any) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def test_hydras_configuration_is_that_of_the_run_above_it_and_of_all_logs_below(tmp_path: Path) -> None:
    run = tmp_path / "multirun" / "2026-11-01" / "10-00-00" / "0"
    written(run, ".hydra/config.yaml", "model:\n  width: 64\n  act: gelu\nseed: 2\n")
    written(run, ".hydra/overrides.yaml", "- model.width=64\n- seed=2\n")
    for log in (run, run / "lightning_logs" / "version_0", run / "my_metrics"):
        log.mkdir(parents=True, exist_ok=True)
        assert find_configuration(log).values == {"model.width": 64, "model.act": "gelu", "seed": 2}


def test_overrides_stand_for_an_empty_configuration(tmp_path: Path) -> None:
    written(tmp_path, ".hydra/config.yaml", "{}\n")
    written(tmp_path, ".hydra/overrides.yaml", "- lr=0.1\n- +seed=4\n")
    assert find_configuration(tmp_path).values == {"lr": 0.1, "seed": 4}


def test_a_configuration_above_belongs_to_the_log_while_only_numbers_lie_between(tmp_path: Path) -> None:
    written(tmp_path / "x", "config.yaml", "lr: 0.1\n")
    near, far = tmp_path / "x" / "logs" / "version_1", tmp_path / "x" / "other" / "version_1"
    for folder in (near, far):
        folder.mkdir(parents=True)
    assert find_configuration(near).values == {"lr": 0.1}
    assert find_configuration(far).values is None


def test_a_run_folder_of_ours_configures_no_foreign_log(tmp_path: Path) -> None:
    written(tmp_path, "config.json", {"format": 1, "experiment": "q1"})
    assert find_configuration(tmp_path).values is None
    written(tmp_path, "config.json", {"format": "png", "lr": 1})
    assert find_configuration(tmp_path).values == {"format": "png", "lr": 1}


def test_the_model_in_a_checkpoint_is_not_the_runs_configuration(tmp_path: Path) -> None:
    written(tmp_path / "checkpoint-10", "config.json", {"model_type": "tiny"})
    assert find_configuration(tmp_path / "checkpoint-10").values is None


def test_wandbs_values_are_unwrapped(tmp_path: Path) -> None:
    text = "_wandb:\n  value: {cli: 1}\nlr:\n  desc: null\n  value: 0.1\nnet:\n  value: {width: 8}\n"
    written(tmp_path, "config.yaml", text)
    assert find_configuration(tmp_path).values == {"lr": 0.1, "net.width": 8}


def test_a_damaged_configuration_is_told_and_its_plain_lines_kept(tmp_path: Path) -> None:
    written(tmp_path, "hparams.yaml", "seed: 3\nbroken: [1\n")
    found = find_configuration(tmp_path)
    assert found.values == {"seed": 3}
    assert [finding.rule for finding in found.findings] == ["configuration_torn"]
    assert "1 plain lines" in found.findings[0].statement


@pytest.mark.parametrize(
    ("configuration", "seed"),
    [
        ({"seed": 3}, 3),
        ({"seed": "12"}, 12),
        ({"seed": True}, None),
        ({"seed": -1}, None),
        ({"seed": None, "random_seed": 4}, 4),
        ({"trainer.seed": 5}, 5),
        ({"trainer.seed": 5, "data.seed": 6}, None),
        ({"trainer.seed": 5, "data.seed": 6, "seed": 7}, 7),
        ({}, None),
    ],
)
def test_the_seed_of_a_configuration(configuration: dict[str, Any], seed: int | None) -> None:
    assert seed_of(configuration) == seed


def test_the_user_says_which_key_is_the_seed() -> None:
    assert seed_of({"seed": 1, "data.seed": 6}, "data.seed") == 6
    assert seed_of({"seed": 1}, "data.seed") is None
