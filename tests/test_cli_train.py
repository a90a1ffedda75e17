"""``ired-diag train``: what may be asked, what is made of it, and how a mistake is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from click.testing import CliRunner, Result

from app.cli import main
from ired_diag import experiments
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.runs.run import Run
from ired_diag.runs.store import find_runs, read_run

TINY: dict[str, Any] = {
    "rank": 2,
    "width": 4,
    "diffusion_steps": 3,
    "batch_size": 4,
    "train_steps": 3,
    "validation_batches": 1,
    "validation_batch_size": 4,
}
SETTINGS = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("IRED_DIAG_RUNS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def invoke(runs: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["train", "--runs", str(runs), "--device", "cpu", *map(str, arguments)])


def trained(runs: Path, *arguments: str | Path) -> Result:
    result = invoke(runs, *arguments)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result


def complaint(runs: Path, *arguments: str | Path) -> str:
    """Return the one line that a refusal says; nothing is trained."""
    before = contents(runs)
    result = invoke(runs, *arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("ired-diag: ")
    assert contents(runs) == before
    return line


def contents(folder: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "lock"}


def only_run(runs: Path) -> Run:
    (folder,) = find_runs(runs)
    return read_run(folder)


def experiment_file(folder: Path, **keys: Any) -> Path:
    path = folder / "mine.json"
    path.write_text(json.dumps({"experiment_name": "q900_mine", **TINY, **keys}))
    return path


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        ("0", [0]),
        ("2", [2]),
        ("0-2", [0, 1, 2]),
        ("3,1", [1, 3]),
        ("0-1,4,1", [0, 1, 4]),
        (" 1 , 2 ", [1, 2]),
    ],
)
def test_every_seed_that_is_named_gets_its_run(seeds: str, expected: list[int], runs: Path) -> None:
    result = trained(runs, "q101", "--seeds", seeds, *SETTINGS)
    folders = sorted(find_runs(runs))
    assert folders == [runs / "q101" / f"seed{seed}" for seed in expected]
    told = [read_run(folder) for folder in folders]
    assert [run.seed for run in told] == expected
    assert [(run.configuration or {})["seed"] for run in told] == expected
    results = [float(run.history.series["validation/mse"].values[-1]) for run in told]
    assert len(set(results)) == len(expected)  # each seed draws for itself
    for folder, mse in zip(folders, results, strict=True):
        assert f"{folder}: trained. Validation MSE {mse:.6g} at step 3." in result.stdout


def test_without_seeds_it_is_seed_0(runs: Path) -> None:
    trained(runs, "q101", *SETTINGS)
    assert only_run(runs).seed == 0


@pytest.mark.parametrize("seeds", ["", "x", "1-", "-1", "3-1", "1,,2", "0.5", "0-1-2", "1e3"])
def test_seeds_that_are_none_are_refused(seeds: str, runs: Path) -> None:
    line = complaint(runs, "q101", f"--seeds={seeds}", *SETTINGS)
    assert line == f"ired-diag: --seeds {seeds!r}: expected seeds such as 0-9 or 0,2,5."


def test_settings_are_json_or_words(runs: Path) -> None:
    told = {
        "mining_strategy ": " random",
        "random_negative": '"noised_start"',
        "gradient_clip": "null",
        "ood": "true",
        "adam_betas": "[0.5, 0.75]",
        "gradient_normalization": "batch",
        "learning_rate": "1e-3",
        "mining_noise_scale": " 1.5 ",
    }
    trained(runs, "q101", *SETTINGS, *(w for k, v in told.items() for w in ("--set", f"{k}={v}")))
    expected = {
        **TINY,
        "mining_strategy": "random",
        "random_negative": "noised_start",
        "gradient_clip": None,
        "ood": True,
        "adam_betas": (0.5, 0.75),
        "gradient_normalization": "batch",
        "learning_rate": 0.001,
        "mining_noise_scale": 1.5,
    }
    config = parse_inverse(only_run(runs).configuration or {})
    assert config == experiments.load("q101").model_copy(update=expected)


def test_of_two_settings_of_a_key_the_last_counts(runs: Path) -> None:
    trained(runs, "q101", *SETTINGS, "--set", "train_steps=2")
    assert only_run(runs).history.last_step == 2


@pytest.mark.parametrize(
    ("setting", "complaint_of_it"),
    [
        ("train_stpes=5", "'train_stpes' is not a key; did you mean 'train_steps'?"),
        ("train_steps=many", 'train_steps = "many"'),
        ("train_steps=0", "train_steps = 0"),
        ("train_steps=2.5", "train_steps = 2.5"),
        ("learning_rate=NaN", "learning_rate = NaN"),
        ("mining_strategy=adversarail", 'mining_strategy = "adversarail"'),
        ("use_langevin=true", "not implemented, except at false, 0 or none: use_langevin = true"),
        ("train_steps", "expected KEY=VALUE, such as train_steps=2000"),
        ("=5", "expected KEY=VALUE, such as train_steps=2000"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(setting: str, complaint_of_it: str, runs: Path) -> None:
    line = complaint(runs, "q101", *SETTINGS, "--set", setting)
    assert line.startswith("ired-diag: --set")
    assert complaint_of_it in line
    assert not runs.exists()


def test_a_name_is_folder_and_name_of_the_run(runs: Path) -> None:
    trained(runs, "q103", *SETTINGS)
    assert "--name NAME" in complaint(runs, "q103", *SETTINGS)
    trained(runs, "q103", "--name", "slow start", *SETTINGS)
    run = read_run(runs / "slow_start" / "seed0")
    assert (run.name, run.experiment) == ("slow start", "slow start")
    assert (run.configuration or {})["experiment_name"] == "slow start"
    assert (run.configuration or {})["mining_strategy"] == "adversarial"
    assert read_run(runs / "q103" / "seed0").name == "q103_multiseed_adversarial"


def test_a_name_with_a_number_does_not_join_the_runs_of_that_number(runs: Path) -> None:
    trained(runs, "q103", *SETTINGS)
    trained(runs, "q103", "--name", "q103_again", *SETTINGS)
    assert find_runs(runs) == [runs / "q103" / "seed0", runs / "q103_again" / "seed0"]


def test_a_name_never_leads_out_of_the_runs_folder(runs: Path) -> None:
    trained(runs, "q103", "--name", "../../up", *SETTINGS)
    assert find_runs(runs.parent) == [runs / "_.._up" / "seed0"]


def test_a_json_file_is_an_experiment(runs: Path, tmp_path: Path) -> None:
    path = experiment_file(tmp_path, mining_strategy="random", description="Mine?", use_langevin=False)
    trained(runs, path, "--seeds", "5", "--set", "train_steps=2")
    run = read_run(runs / "q900" / "seed5")
    keys = {"experiment_name": "q900_mine", **TINY, "mining_strategy": "random", "seed": 5, "train_steps": 2}
    assert parse_inverse(run.configuration or {}) == parse_inverse(keys)
    assert run.history.last_step == 2


@pytest.mark.parametrize(
    ("content", "complaint_of_it"),
    [
        ("{", "mine.json:1: expected a JSON object"),
        ("[]", "expected a JSON object, found a list"),
        ('{"experiment_name": "q900", "rnak": 3}', "'rnak' is not a key; did you mean 'rank'?"),
        ("{}", "experiment_name is missing"),
    ],
)
def test_a_json_file_that_is_no_experiment_is_named(
    content: str, complaint_of_it: str, runs: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.json"
    path.write_text(content)
    line = complaint(runs, path)
    assert line.startswith(f"ired-diag: {path}")
    assert complaint_of_it in line


def test_a_sweep_trains_every_variant_and_goes_on_where_it_stopped(runs: Path) -> None:
    trained(runs, "q304@adversarial_fraction=0.3", "--seeds", "1", *SETTINGS)
    line = complaint(runs, "q304", "--seeds", "0-1", *SETTINGS)
    assert f"{runs / 'q304' / 'adversarial_fraction=0.3' / 'seed1'}: holds a run already" in line
    trained(runs, "q304", "--seeds", "0-1", *SETTINGS, "--resume")
    told = {folder.relative_to(runs).as_posix(): read_run(folder) for folder in find_runs(runs)}
    assert {place: (run.configuration or {})["adversarial_fraction"] for place, run in told.items()} == {
        f"q304/adversarial_fraction={share}/seed{seed}": share for share in (0.7, 0.3) for seed in (0, 1)
    }


def test_a_network_that_fits_no_memory_is_refused_in_one_line(runs: Path) -> None:
    assert "does not fit into the memory" in complaint(runs, "q101", "--set", "width=400000000")


def test_seeds_of_other_settings_are_not_put_beside_each_other(runs: Path) -> None:
    trained(runs, "q103", "--seeds", "0", *SETTINGS)
    line = complaint(runs, "q103", "--seeds", "1", *SETTINGS, "--set", "learning_rate=0.5")
    assert "was trained with learning_rate = 0.0001, not 0.5" in line
    assert "--name" in line


def test_an_unknown_experiment_is_refused_with_those_there_are(runs: Path) -> None:
    line = complaint(runs, "q999")
    assert "No experiment is named 'q999'" in line
    assert all(known in line for known in experiments.names())
    assert "nowhere.json: there is no such file." in complaint(runs, "nowhere.json")


def test_the_list_tells_of_every_experiment_its_knobs_its_question_and_what_varies(runs: Path) -> None:
    lines = trained(runs, "--list").stdout.splitlines()
    starts = [number for number, line in enumerate(lines) if not line.startswith(" ")][2:]
    assert [lines[start].split()[0] for start in starts] == experiments.names()
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        name, mining, head, steps, batch = lines[start].split()
        variants = experiments.variants(name)
        config = cast(InverseConfig, variants[0].config)
        below = " ".join(line.strip() for line in lines[start + 1 : end])
        varied = []
        for knob in variants[0].changes:
            values = dict.fromkeys(str(variant.changes[knob]) for variant in variants)
            varied.append(f" varies {knob} {', '.join(values)}")
        assert below == experiments.question(name) + "".join(varied)
        assert mining == ("varies" if "mining_strategy" in variants[0].changes else config.mining_strategy)
        assert head == ("scalar" if config.use_scalar_energy else "vector")
        assert (steps, batch) == (str(config.train_steps), str(config.batch_size))
    assert not runs.exists()


def test_the_list_fits_a_terminal_of_80_columns(runs: Path) -> None:
    lines = trained(runs, "--list").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "    varies mining_opt_steps 1, 3, 5, 10, 20" in lines


def test_a_run_that_exists_is_refused_before_any_seed_is_trained(runs: Path) -> None:
    trained(runs, "q101", "--seeds", "2", *SETTINGS)
    line = complaint(runs, "q101", "--seeds", "0-3", *SETTINGS)
    assert str(runs / "q101" / "seed2") in line
    assert "seed0" not in line
    assert "--resume" in line
    assert "--name NAME" in line


def test_resume_goes_on_with_the_runs_own_configuration(runs: Path) -> None:
    trained(runs, "q101", "--seeds", "0-1", *SETTINGS)
    before = contents(runs)
    result = trained(runs, "q101", "--seeds", "0-1", "--resume")
    assert result.stdout.count(": trained. Validation MSE ") == 2
    after = contents(runs)
    assert {p: c for p, c in after.items() if p.name != "config.json"} == {
        p: c for p, c in before.items() if p.name != "config.json"
    }


def test_resume_under_a_name_needs_the_name(runs: Path) -> None:
    trained(runs, "q101", "--name", "mine", *SETTINGS)
    trained(runs, "q101", "--name", "mine", "--resume")
    assert find_runs(runs) == [runs / "mine" / "seed0"]


def test_resume_with_other_settings_is_refused(runs: Path) -> None:
    trained(runs, "q101", *SETTINGS)
    line = complaint(runs, "q101", "--resume", "--set", "train_steps=9")
    assert "was trained with train_steps = " in line
    assert "Resume it as it is" in line


def test_resume_where_nothing_is_is_refused(runs: Path) -> None:
    line = complaint(runs, "q101", "--resume")
    assert f"{runs / 'q101' / 'seed0'}: there is no run to resume" in line


def test_a_runs_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = complaint(tmp_path / "file", "q101", *SETTINGS)
    assert "cannot be written" in line
    assert str(tmp_path / "file") in line


def test_the_runs_folder_may_come_from_the_environment(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRED_DIAG_RUNS", str(runs))
    result = CliRunner().invoke(main, ["train", "q101", "--device", "cpu", *SETTINGS])
    assert result.exit_code == 0, result.output
    assert only_run(runs).path == runs / "q101" / "seed0"


def test_several_experiments_are_trained_by_one_command(runs: Path) -> None:
    done = trained(runs, "q001", "q003", *SETTINGS)
    assert sorted(map(str, (folder.relative_to(runs) for folder in find_runs(runs)))) == [
        "q001/seed0",
        "q003/seed0",
    ]
    assert done.stdout.splitlines()[-1] == f"Next: ired-diag stats q001 q003 --runs {runs}"
    both = complaint(runs, "q002", "q003", *SETTINGS)
    assert f"{runs / 'q003' / 'seed0'}: holds a run already" in both
    trained(runs, "q002", "q003", *SETTINGS, "--resume")
    assert len(find_runs(runs)) == 3


def test_what_is_named_twice_is_trained_in_no_place(runs: Path) -> None:
    assert "two of the experiments would be trained there" in complaint(runs, "q001", "q001", *SETTINGS)
    assert "there is no run to resume" in complaint(runs, "q001", "q002", *SETTINGS, "--resume")


def test_a_pilot_has_ten_thousand_steps(runs: Path) -> None:
    tiny = [word for key in TINY if key != "train_steps" for word in ("--set", f"{key}={TINY[key]}")]
    words = ["q001", "q003", *tiny, "--pilot", "--launcher", "slurm", "--dry-run"]
    refused = invoke(runs, *words)
    assert "one experiment at a time, not q001, q003" in refused.stderr
    trained(runs, "q001", *SETTINGS)
    line = complaint(runs, "q001", *tiny, "--pilot", "--resume")
    assert "was trained with train_steps = 3, not 10000" in line


def test_an_unknown_device_is_refused(runs: Path) -> None:
    assert "--device 'abacus'" in complaint(runs, "q101", "--device", "abacus")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["q101", "q102", "--name", "both"],
        ["q101", "--pilot", "--set", "train_steps=5"],
        ["q101", "--steps", "5"],
        ["q101", "--seeds"],
        ["q101", "--set"],
    ],
)
def test_wrong_usage_ends_with_status_2(arguments: list[str], runs: Path) -> None:
    result = invoke(runs, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr
    assert not runs.exists()


def test_help_tells_every_option(runs: Path) -> None:
    text = trained(runs, "--help").stdout
    for option in ("--seeds", "--set", "--name", "--resume", "--list", "--runs", "--device"):
        assert option in text


def test_a_curriculum_that_ends_too_late_is_noted_and_an_idle_setting_refused(runs: Path) -> None:
    curriculum = {"mining_curriculum": "opt_steps", "curriculum_start": 4, "mining_opt_steps": 1}
    words = [word for key, value in curriculum.items() for word in ("--set", f"{key}={value}")]
    noted = invoke(runs, "q103", *SETTINGS, *words)
    assert noted.exit_code == 0, noted.output
    assert noted.stderr == (
        "note: The curriculum ends at step 10000, after the 3 train_steps: "
        "mining_opt_steps does not reach 1.\n"
    )
    idle = ("--set", "mining_strategy=random", "--set", "mining_opt_steps=9")
    refused = complaint(runs, "q103", *SETTINGS, "--name", "idle", *idle)
    assert "mining_opt_steps changes nothing with mining_strategy random" in refused
