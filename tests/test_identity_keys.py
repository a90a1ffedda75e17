"""Keys that only identify a run, told from settings, by name and by value."""

from __future__ import annotations

from typing import Any

import pytest

from ired_diag.runs.identity_keys import Labelled, identifies_by_name, identity_keys


@pytest.mark.parametrize(
    "key",
    "id run_id wandb_run_id log_dir logDir output_dir trainer.default_root_dir timestamp start_time host "
    "hostname num_workers dataloader_num_workers n_jobs device devices gpu_id seed data_seed trainer.seed "
    "tags notes description experiment_name slurm_job_id user port git_sha".split(),
)
def test_keys_that_say_where_when_or_by_whom_identify_a_run(key: str) -> None:
    assert identifies_by_name(key)


@pytest.mark.parametrize(
    "key",
    "lr batch_size model_name model.name dataset data_dir data.path train_path env_id optimizer "
    "optimizer_name num_nodes time_limit warmup_time width epochs world_size pretrained_path "
    "tokenizer_name norm_name".split(),
)
def test_keys_that_say_what_was_trained_do_not(key: str) -> None:
    assert not identifies_by_name(key)


def of_values(key: str, *values: object, seeds: bool = True) -> bool:
    runs = [Labelled({key: value}, n if seeds else None, f"run{n}") for n, value in enumerate(values)]
    return key in identity_keys(runs)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("run_name", ("flow-0", "flow-1")),
        ("name", ("mild-sun", "brave-sky")),
        ("label", ("x-0", "x-1")),
        ("where", ("/scratch/a", "/scratch/b")),
        ("begun", ("2026-11-01T10:00:00", "2026-11-02T10:00:00")),
        ("token", ("08cd60f9-99e2-4e28-b1ac-19136dd42a05", "1ba806aa-ef41-4517-abbf-38330984ac3f")),
        ("nickname", ("ant", "bee", "cat", "dog")),
    ],
)
def test_values_that_no_two_runs_share_identify_them(key: str, values: tuple[str, ...]) -> None:
    assert of_values(key, *values)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("exp_name", ("muon", "muon", "adam", "adam")),  # shared: the name of a group
        ("optimizer", ("sgd", "adam")),
        ("optimizer", ("sgd", "adam", "sgd", "adam")),
        ("lr", (0.1, 0.01, 0.001, 0.0001, 0.00001)),
        ("data_dir", ("/data/a", "/data/b")),
        ("model_name", ("a", "b")),
        ("dropout", (True, False)),
    ],
)
def test_settings_do_not_identify_a_run_though_they_differ(key: str, values: tuple[object, ...]) -> None:
    assert not of_values(key, *values)


@pytest.mark.parametrize(
    ("key", "configurations"),
    [
        ("rank", [{"rank": k, "world_size": 4} for k in range(4)]),
        ("ddp.rank", [{"ddp.rank": k, "ddp.world_size": 2, "lr": 0.1} for k in range(2)]),
        ("local_rank", [{"local_rank": -1}, {"local_rank": 0}]),
        ("process_index", [{"process_index": k, "num_processes": 8} for k in (0, 7)]),
    ],
)
def test_the_rank_of_a_process_identifies_a_run(key: str, configurations: list[dict[str, Any]]) -> None:
    runs = [Labelled(values, n, f"run{n}") for n, values in enumerate(configurations)]
    assert key in identity_keys(runs)
    assert not {"world_size", "ddp.world_size", "lr"} & identity_keys(runs)


@pytest.mark.parametrize(
    ("key", "configurations"),
    [
        ("rank", [{"rank": 8}, {"rank": 16}]),  # of LoRA, or of a matrix
        ("rank", [{"rank": 8, "world_size": 4}, {"rank": 16, "world_size": 4}]),
        ("rank", [{"rank": 2, "world_size": 4}, {"rank": 4, "world_size": 4}]),
        ("lora.rank", [{"lora.rank": 0, "world_size": 4}, {"lora.rank": 2, "world_size": 4}]),
        ("lora_rank", [{"lora_rank": k, "world_size": 4} for k in range(2)]),
    ],
)
def test_another_rank_is_a_setting(key: str, configurations: list[dict[str, Any]]) -> None:
    runs = [Labelled(values, n, f"run{n}") for n, values in enumerate(configurations)]
    assert key not in identity_keys(runs)
