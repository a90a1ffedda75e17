"""What a command line asks to be trained: which variants and seeds, where, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ired_diag import experiments
from ired_diag.errors import AmbiguousName, CannotWrite, DiagError, NotFound, WrongConfiguration
from ired_diag.inverse.config import InverseConfig
from ired_diag.open import open_study
from ired_diag.runs.labels import experiment_number
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.plan import PlannedRun, plan
from ired_diag.training.run_files import last_checkpoint

STEPS = (1, 3, 5, 10, 20)
LABELS = [f"mining_opt_steps={steps}" for steps in STEPS]


def made(run: PlannedRun, **changed: Any) -> Path:
    """Write what a trainer leaves of a run: its configuration and a state to go on from."""
    config = run.config.model_dump(mode="json")
    name = run.config.experiment_name
    told = {
        "format": 1,
        "experiment": experiment_number(name) or name,
        "name": name,
        "variant": run.variant,
        "seed": run.config.seed,
        "config": {**config, **changed},
    }
    run.folder.mkdir(parents=True)
    (run.folder / "config.json").write_text(json.dumps(told))
    last_checkpoint(run.folder).parent.mkdir()
    last_checkpoint(run.folder).touch()
    return run.folder


def experiment_file(folder: Path, **keys: Any) -> str:
    path = folder / "mine.json"
    path.write_text(json.dumps({"experiment_name": "q900_mine", "mining_strategy": "adversarial", **keys}))
    return str(path)


def config_of(run: PlannedRun) -> InverseConfig:
    assert isinstance(run.config, InverseConfig)
    return run.config


def folders(runs: Path, planned: Sequence[PlannedRun]) -> list[str]:
    return [one.folder.relative_to(runs).as_posix() for one in planned]


def test_a_plain_experiment_has_a_folder_for_each_seed_and_no_variant(tmp_path: Path) -> None:
    planned = plan("q103", "0-1", runs=tmp_path)
    assert folders(tmp_path, planned) == ["q103/seed0", "q103/seed1"]
    config = experiments.load("q103")
    assert planned == [
        PlannedRun(
            task=INVERSE,
            config=config.model_copy(update={"seed": seed}),
            folder=tmp_path / "q103" / f"seed{seed}",
            experiment="q103",
        )
        for seed in (0, 1)
    ]


def test_a_sweep_is_every_variant_with_every_seed_the_seeds_of_a_variant_together(tmp_path: Path) -> None:
    planned = plan("q301", "0-9", runs=tmp_path)
    asked = [(steps, label, seed) for steps, label in zip(STEPS, LABELS, strict=True) for seed in range(10)]
    assert [(config_of(one).mining_opt_steps, one.variant, one.config.seed) for one in planned] == asked
    assert folders(tmp_path, planned) == [f"q301/{label}/seed{seed}" for _, label, seed in asked]
    assert not any(one.resume for one in planned)


@pytest.mark.parametrize("called", ["q301", "q301_opt_steps"])
def test_one_variant_is_trained_where_the_whole_sweep_would_have_it(tmp_path: Path, called: str) -> None:
    alone = plan(f"{called}@mining_opt_steps=3", "0-1", runs=tmp_path)
    whole = plan("q301", "0-1", runs=tmp_path)
    assert alone == [one for one in whole if config_of(one).mining_opt_steps == 3]


def test_an_unknown_variant_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        plan("q301@mining_noise_scale=4", runs=tmp_path)
    assert all(f"q301@{label}" in str(caught.value) for label in LABELS)


def test_settings_and_name_are_for_every_variant(tmp_path: Path) -> None:
    planned = plan("q301", "4", ["train_steps=7", "rank=3"], name="short sweep", runs=tmp_path)
    assert folders(tmp_path, planned) == [f"short_sweep/{label}/seed4" for label in LABELS]
    assert {one.config.experiment_name for one in planned} == {"short sweep"}
    assert [(one.config.train_steps, config_of(one).rank) for one in planned] == [(7, 3)] * len(STEPS)
    assert [config_of(one).mining_opt_steps for one in planned] == list(STEPS)


@pytest.mark.parametrize("called", ["q301", "q301@mining_opt_steps=3"])
def test_the_varied_knob_itself_cannot_be_set(tmp_path: Path, called: str) -> None:
    for settings in (["mining_opt_steps=3"], ["rank=3", "mining_opt_steps=7"]):
        with pytest.raises(DiagError) as caught:
            plan(called, "0", settings, runs=tmp_path)
        listed = ", ".join(f"q301@{label}" for label in LABELS)
        assert str(caught.value) == (
            "--set mining_opt_steps: the sweep q301_opt_steps varies it. "
            f"Train one of its variants: {listed}."
        )


def test_a_setting_that_one_of_the_variants_cannot_have_names_it(tmp_path: Path) -> None:
    with pytest.raises(WrongConfiguration, match=r"^variant mining_strategy=none: --set: warm_start"):
        plan("q401", "0", ["warm_start_steps=9"], runs=tmp_path)
    (one,) = plan("q401@mining_strategy=random", "0", ["warm_start_steps=9"], runs=tmp_path)
    assert config_of(one).warm_start_steps == 9


def test_a_sweep_cannot_be_made_one_of_equal_runs(tmp_path: Path) -> None:
    with pytest.raises(WrongConfiguration, match="mining_opt_steps, which changes nothing with"):
        plan("q301", "0", ["mining_strategy=random"], runs=tmp_path)


def test_a_file_of_ones_own_may_be_a_sweep_and_name_its_variants(tmp_path: Path) -> None:
    path = experiment_file(tmp_path, seed=3, variants=[{"rank": 2}, {"learning_rate": 1.0}])
    planned = plan(path, runs=tmp_path)
    assert folders(tmp_path, planned) == ["q900/rank=2/seed3", "q900/learning_rate=1.0/seed3"]
    assert plan(f"{path}@learning_rate=1.0", runs=tmp_path) == planned[1:]
    with pytest.raises(NotFound) as caught:
        plan(f"{path}@width=3", runs=tmp_path)
    assert str(caught.value) == (
        f"{path} has no variant 'width=3'. There are: {path}@rank=2, {path}@learning_rate=1.0; and any other "
        "value of rank, or of learning_rate."
    )
    assert folders(tmp_path, plan(f"{path}@rank=3", runs=tmp_path)) == ["q900/rank=3/seed3"]


def test_a_file_with_an_at_in_its_name_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine@home.json"
    path.write_text(json.dumps({"experiment_name": "q900", "variants": [{"rank": 2}, {"rank": 3}]}))
    assert [one.variant for one in plan(str(path), runs=tmp_path)] == ["rank=2", "rank=3"]
    assert [one.variant for one in plan(f"{path}@rank=3", runs=tmp_path)] == ["rank=3"]


def test_an_odd_label_stays_one_folder(tmp_path: Path) -> None:
    variants = [{"adam_betas": [0.0, 0.5], "gradient_clip": None}, {"mining_strategy": "random"}]
    planned = plan(experiment_file(tmp_path, variants=variants), "0", runs=tmp_path)
    assert [one.variant for one in planned] == [
        "adam_betas=[0.0,0.5],gradient_clip=null",
        "mining_strategy=random",
    ]
    assert folders(tmp_path, planned) == [
        "q900/adam_betas=_0.0,0.5_,gradient_clip=null/seed0",
        "q900/mining_strategy=random/seed0",
    ]


def test_a_sweep_whose_runs_are_there_is_refused_naming_them_and_resume(tmp_path: Path) -> None:
    planned = plan("q301", "0-1", runs=tmp_path)
    taken = [made(one) for one in planned[1:3]]
    with pytest.raises(CannotWrite) as caught:
        plan("q301", "0-1", runs=tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{taken[0]}, {taken[1]}: hold runs already.")
    assert "--resume" in message
    assert "--name NAME" in message
    (one,) = plan("q301@mining_opt_steps=20", "0", runs=tmp_path)  # beside them there is room
    assert not one.resume


def test_of_many_runs_that_are_there_some_are_named_and_the_others_counted(tmp_path: Path) -> None:
    taken = [made(one) for one in plan("q301", "0-9", runs=tmp_path)]
    with pytest.raises(CannotWrite) as caught:
        plan("q301", "0-9", runs=tmp_path)
    assert str(caught.value).startswith(", ".join(map(str, taken[:8])) + " and 42 more: hold runs already.")


def test_a_partly_trained_sweep_goes_on_and_the_rest_starts(tmp_path: Path) -> None:
    planned = plan("q301", "0-1", ["rank=3"], runs=tmp_path)
    for one in planned[:3]:
        made(one)
    again = plan("q301", "0-1", ["rank=3"], runs=tmp_path, resume=True)
    assert [one.resume for one in again] == [True] * 3 + [False] * 7
    assert [(one.config, one.folder) for one in again] == [(one.config, one.folder) for one in planned]


def test_a_sweep_of_which_nothing_is_there_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no run to resume"):
        plan("q301", "0", runs=tmp_path, resume=True)


def test_new_runs_do_not_start_with_other_settings_than_their_companions_have(tmp_path: Path) -> None:
    settings = ["rank=3", "adam_betas=[0.5,0.75]", "gradient_clip=null"]
    first, second, *_ = plan("q301", "0-1", settings, runs=tmp_path)
    made(first)
    assert len(plan("q301@mining_opt_steps=1", "0", runs=tmp_path, resume=True)) == 1  # starts no other
    with pytest.raises(DiagError) as caught:
        plan("q301", "0-1", runs=tmp_path, resume=True)
    told = " ".join(f"--set '{s}'" for s in ("adam_betas=[0.5, 0.75]", "gradient_clip=null", "rank=3"))
    assert str(caught.value) == (
        f"{first.folder}: goes on with the settings that it was trained with, but {second.folder} would "
        f"start without them. Repeat them: {told}."
    )
    repeated = ["rank=3", "adam_betas=[0.5, 0.75]", "gradient_clip=null"]
    assert len(plan("q301", "0-1", repeated, runs=tmp_path, resume=True)) == 10


def test_a_run_with_the_knobs_of_another_version_has_companions_all_the_same(tmp_path: Path) -> None:
    folder = made(plan("q103", "0", runs=tmp_path)[0])
    told = json.loads((folder / "config.json").read_text())
    del told["config"]["energy_clamp"]
    told["config"]["no_longer_a_knob"] = 3
    (folder / "config.json").write_text(json.dumps(told))
    assert [one.resume for one in plan("q103", "0-1", runs=tmp_path, resume=True)] == [True, False]


def test_a_run_in_a_variants_folder_that_is_another_variant_is_not_resumed(tmp_path: Path) -> None:
    one = plan("q301", "0", runs=tmp_path)[1]
    made(one, mining_opt_steps=4)
    with pytest.raises(DiagError, match="was trained with mining_opt_steps = 4, not 3"):
        plan("q301", "0", runs=tmp_path, resume=True)


def test_a_run_of_another_experiment_with_the_same_number_is_not_resumed(tmp_path: Path) -> None:
    made(plan("q103", "0", runs=tmp_path)[0])
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"experiment_name": "q103_mine", "mining_strategy": "adversarial"}))
    with pytest.raises(DiagError, match="experiment_name = 'q103_multiseed_adversarial', not 'q103_mine'"):
        plan(str(path), "0", runs=tmp_path, resume=True)


def test_a_study_finds_each_variant_under_the_name_it_is_trained_by(tmp_path: Path) -> None:
    odd = experiment_file(tmp_path, variants=[{"adam_betas": [0.0, 0.5]}, {"learning_rate": 1.0}])
    runs = tmp_path / "runs"
    for one in (*plan("q301", "0-2", runs=runs), *plan(odd, "0", runs=runs)):
        made(one)
    study = open_study(runs)
    assert set(study.groups()) == {
        *(f"q301@{label}" for label in LABELS),
        "q900@adam_betas=[0.0,0.5]",
        "q900@learning_rate=1.0",
    }
    for name in ("q301@mining_opt_steps=3", "q301_opt_steps@mining_opt_steps=3"):
        assert [run.path for run in study.select(name)] == [
            one.folder for one in plan(name, "0-2", runs=runs, resume=True)
        ]
    with pytest.raises(AmbiguousName, match="'q301' means 5 variants"):
        study.select("q301")
