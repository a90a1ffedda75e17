"""The parts of folder and file names: what names an experiment, what only numbers a run, and the seed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ired_diag.runs.place import is_name, parse_place


@pytest.mark.parametrize(
    "text",
    [
        "metrics",
        "lightning_logs",
        "tb_logs",
        "training_log",
        "outputs",
        "multirun",
        "checkpoint-20",
        "version_3",
        "run7",
        "run_07",
        "trial_12",
        "fold-4",
        "rep1",
        "2026-11-01",
        "10-00-00",
        "2026-11-01_10-00-00",
        "20261101_101010",
        "20261101-1010",
        "1695859120",
        "1795836137.8845422",
        "Nov01_10-00-00_host",
        "08cd60f9-99e2-4e28-b1ac-19136dd42a05",
        "3f2a9c1d",
        "run-20261101_101010-abc123xy",
        "offline-run-20261101_101010-abc123xy",
        "seed_3",
        "seed=3",
        "00000-run-seed0",
        "job_4711",
        "60619276_3",
        "007",
        "events.out.tfevents.1795834800.host",
        "wandb_export",
    ],
)
def test_what_only_numbers_or_files_a_run_names_nothing(text: str) -> None:
    assert not is_name(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("contra", "contra"),
        ("wide_net_seed3", "wide_net"),
        ("seed3_wide_net", "wide_net"),
        ("wide_2026-11-01_10-00-00", "wide"),
        ("CartPole-v1__ppo__1__1695859120", "CartPole-v1__ppo__1"),
        ("muon_run_3", "muon"),
        ("resnet50", "resnet50"),
        ("lr=0.001", "lr=0.001"),
        ("lr0.5", "lr0.5"),
        ("exp1", "exp1"),
        ("exp_2", "exp_2"),
        ("model", "model"),
        ("decade", "decade"),
        ("Nov01_10-00-00_hostLR_0.1", "hostLR_0.1"),
        ("optimizer=adam,seed=0", "optimizer=adam"),
    ],
)
def test_what_is_left_is_the_name_of_the_experiment(text: str, name: str) -> None:
    assert parse_place(text).name == name


@pytest.mark.parametrize(
    ("text", "seed"),
    [
        ("wide_seed3", 3),
        ("wide-seed_12", 12),
        ("wide_Seed=7_2026-11-01", 7),
        ("model_seed102", 102),
        ("reseed3", None),
        ("seedling_3", None),
        ("wide_3", None),
    ],
)
def test_the_seed_is_the_number_after_its_word(text: str, seed: int | None) -> None:
    assert parse_place(text).seed == seed


@pytest.mark.parametrize(
    ("text", "base", "index"),
    [
        ("ppo_2", "ppo", 2),
        ("mild-sun-7", "mild-sun", 7),
        ("baseline_s3", "baseline", 3),
        ("resnet_50", "resnet_50", None),
        ("exp_2", "exp_2", None),
        ("lr_1", "lr_1", None),
        ("width_64", "width_64", None),
        ("cifar_10", "cifar_10", None),
        ("x0.5", "x0.5", None),
        ("ppo2", "ppo2", None),
    ],
)
def test_a_number_at_the_end_may_number_runs_unless_it_is_a_setting(
    text: str, base: str, index: int | None
) -> None:
    place = parse_place(text)
    assert (place.base, place.index) == (base, index)


@given(st.text(max_size=40))
def test_every_name_has_parts(text: str) -> None:
    place = parse_place(text)
    assert (place.index is None) == (place.base == place.name)
