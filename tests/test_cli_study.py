"""``ired-diag study``: one file trains, compares and reports, and goes on where it stopped."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import ired_diag
from app.cli import main, training_in_turn
from app.cli.study_words import in_words_of_study
from ired_diag.errors import DiagError
from ired_diag.plans.study_file import first_study, parse_study

STUDY = """
title: Small
experiments:
  - q001
  - {experiment: q003, name: warm, set: {warm_start_steps: 10}}
seeds: 0-1
set: {train_steps: 40, rank: 2, width: 4, batch_size: 4, validate_every: 2, validation_batches: 1,
      validation_batch_size: 4, checkpoint_every: 20, log_every: 5}
"""


def study(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["study", *map(str, words)], catch_exceptions=False)


def metrics(folder: Path) -> bytes:
    return (folder / "metrics.jsonl").read_bytes()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(STUDY)
    return path


def test_a_study_is_trained_compared_and_reported_and_then_goes_on(file: Path) -> None:
    runs = file.parent / "runs"
    done = study(file)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Runs: 4; complete: 0; to be trained: 4.\n")
    assert "q001 and warm:" in done.stdout
    assert "<title>Small" in (file.parent / "report.html").read_text()
    configured = json.loads((runs / "warm" / "seed1" / "config.json").read_text())["config"]
    assert (configured["warm_start_steps"], configured["rank"], configured["seed"]) == (10, 2, 1)

    before = metrics(runs / "q001" / "seed0")
    file.write_text(STUDY.replace("seeds: 0-1", "seeds: 0-2"))
    listed = study(file, "--dry-run")
    assert listed.stdout.splitlines()[0] == "Runs: 6; complete: 4; to be trained: 2."
    assert f"{runs / 'q001' / 'seed0'}: complete" in listed.stdout
    assert f"{runs / 'warm' / 'seed2'}: not started, 40 steps" in listed.stdout
    assert not (runs / "warm" / "seed2").exists()
    assert study(file).exit_code == 0
    assert metrics(runs / "q001" / "seed0") == before
    assert (runs / "warm" / "seed2" / "checkpoints" / "last.pt").is_file()


def test_runs_that_were_trained_otherwise_are_not_gone_on_with(file: Path) -> None:
    assert study(file).exit_code == 0
    file.write_text(STUDY.replace("warm_start_steps: 10", "warm_start_steps: 20"))
    refused = study(file)
    assert refused.exit_code == 1
    assert "was trained with warm_start_steps = 10, not 20" in refused.stderr


def test_a_first_study_can_be_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "pilot.yaml"
    written = study(path, "--new")
    assert written.exit_code == 0
    assert path.read_text() == first_study()
    planned = parse_study(first_study()).planned(tmp_path / "runs")
    assert len(planned) == 9
    assert {run.config.train_steps for run in planned} == {10_000}
    refused = study(path, "--new")
    assert refused.exit_code == 1
    assert "is there already" in refused.stderr


def test_a_file_that_is_not_there_is_said_with_how_to_begin(tmp_path: Path) -> None:
    refused = study(tmp_path / "none.yaml")
    assert refused.exit_code == 1
    assert f"Begin one: ired-diag study {tmp_path / 'none.yaml'} --new" in refused.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("experiments: [q001]\nseed: 3", "study.yaml:2: 'seed' is not a key; did you mean 'seeds'?"),
        ("experiments: [{experiments: q001}]", "is not a key; did you mean 'experiment'?"),
        (
            "experiments: []",
            "study.yaml:1: experiments: expected a list of experiments, such as [q001, q002]",
        ),
        (
            "experiments: q001",
            "study.yaml:1: experiments: expected a list of experiments, such as [q001, q002]",
        ),
        ("experiments:", "experiments: expected a list of experiments, such as [q001, q002], found null"),
        ("experiments: [q001]\nseeds: []", "study.yaml:2: seeds: expected seeds, such as 0-4 or [0, 2, 5]"),
        (
            "experiments: [q001]\nseeds: [0, true]",
            "expected seeds, such as 0-4 or [0, 2, 5], found [0, true]",
        ),
        ("experiments: [q001]\nseeds: 1.5", "expected seeds, such as 0-4 or [0, 2, 5], found 1.5"),
        ("experiments: [q001]\nseeds: [0, -1]", "expected seeds such as 0-9"),
        ("experiments: [q001]\nprobes: conditioning", "study.yaml:2: probes: expected a list"),
        ("experiments: [q001]\nseeds: some", "expected seeds such as 0-9"),
        ("experiments: [q001]\nreadout: foo", "study.yaml:2: readout: expected one of plateau"),
        ("experiments: [q001]\nmargin: much", "study.yaml:2: margin: expected a share such as 1%"),
        ("q001", "expected a study, such as 'experiments: [q001, q002]'"),
        ("title: x", "'experiments' is missing"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(DiagError) as caught:
        parse_study(text, "study.yaml")
    assert said in str(caught.value)


def test_what_is_wrong_with_a_probe_or_an_experiment_is_said_before_the_training(file: Path) -> None:
    for changed, said in {
        STUDY + "probes: [nope]\n": "No probe is named 'nope'",
        STUDY.replace(
            "{experiment: q003, name: warm, set: {warm_start_steps: 10}}", "q001"
        ): "Name each one once",
    }.items():
        file.write_text(changed)
        refused = study(file)
        assert refused.exit_code == 1
        assert said in refused.stderr
        assert not (file.parent / "runs").exists()


@pytest.mark.parametrize("seeds", ["[0, 1, 5]", "[0-1, 5]", "0,1,5", "'0-1,5'"])
def test_seeds_may_be_a_list(seeds: str, tmp_path: Path) -> None:
    planned = parse_study(f"experiments: [q001]\nseeds: {seeds}").planned(tmp_path / "runs")
    assert [run.config.seed for run in planned] == [0, 1, 5]


def test_seeds_that_the_file_does_not_name_are_not_compared(file: Path) -> None:
    file.write_text(STUDY.replace("seeds: 0-1", "seeds: 0-2"))
    assert study(file).exit_code == 0
    file.write_text(STUDY)
    done = study(file)
    assert done.stdout.startswith("Runs: 4; complete: 4; to be trained: 0.\n")
    assert "2 pairs of seeds" in done.stdout
    assert "seed2" not in done.stdout


def _messages_with_options() -> list[str]:
    """Return every text of the training that names --resume or --name, as the sources have it."""
    folder = Path(ired_diag.__file__).parent / "training"
    sources = [*folder.glob("*.py"), Path(training_in_turn.__file__)]
    texts = []
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value for part in node.values if isinstance(part, ast.Constant)]
                texts.append("X".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    sentences = [text for text in texts if not text.startswith("--") and " " in text]
    return [text for text in sentences if re.search(r"--(?:resume|name)\b", text)]


def test_no_advice_of_a_study_names_options_that_it_does_not_have() -> None:
    # A study has no forks.
    messages = [text for text in _messages_with_options() if "fork changes something" not in text]
    assert len(messages) > 8
    for message in messages:
        said = in_words_of_study(message)
        assert "--resume" not in said, message
        assert "--name" not in said, message


def test_a_changed_setting_is_refused_in_words_of_the_file(file: Path) -> None:
    assert study(file).exit_code == 0
    file.write_text(STUDY.replace("rank: 2", "rank: 3"))
    refused = study(file)
    assert refused.exit_code == 1
    assert "was trained with rank = 2, not 3" in refused.output
    assert "'name: NAME' next to the experiment in the study's file" in refused.output
    assert "--name" not in refused.output
