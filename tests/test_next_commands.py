"""Every command that diagnose, stats, ls and check print runs as printed: copied from a page, in a shell."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.cli.demo import sample_runs
from app.next_command import Place, advice_in_words, command_of_fact
from ired_diag import forensics
from ired_diag.finding import Finding
from ired_diag.finding_clusters import fact_of
from ired_diag.runs.ending import Ending
from ired_diag.runs.history import History, Row
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

pytestmark = pytest.mark.slow

COMMAND = re.compile(r"ired-diag [a-z].*$", re.MULTILINE)
PARSED_ONLY = ("train", "probe")  # they compute for minutes, or write: that click takes their words is enough
ODD_NAME = 'it\'s a "log" folder; $HOME'


def run(arguments: list[str]) -> Result:
    return CliRunner().invoke(main, arguments)


def commands_in(*outputs: str) -> Iterator[list[str]]:
    for output in outputs:
        for line in dict.fromkeys(COMMAND.findall(output)):
            yield shlex.split(line)[1:]


def check(words: list[str]) -> None:
    """Run a command; of those that compute, check that each word is one that it knows."""
    name, *rest = words
    if name in PARSED_ONLY:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        command.make_context(name, rest)
        return
    result = run(words)
    assert result.exit_code == 0, f"{words}: {result.output}"


def check_all(commands: list[list[str]]) -> None:
    """Check commands; of those that differ in the rule alone, two run, and the others name a rule."""
    by_rule = [words for words in commands if "--rule" in words]
    for words in by_rule[2:]:
        assert words[words.index("--rule") + 1] in forensics.names()
    for words in [*by_rule[:2], *(words for words in commands if words not in by_rule)]:
        check(words)


def outputs_of(folder: Path, *flags: str) -> list[str]:
    """Return what commands print about a folder that holds the groups q101 and q102."""
    calls = [["diagnose", str(folder), *flags], ["ls", str(folder)]]
    calls.append(["stats", "q101", "q102", "--runs", str(folder)])
    results = [run(words) for words in calls]
    for words, result in zip(calls, results, strict=True):
        assert result.exit_code == 0, f"{words}: {result.output}"
    return [result.stdout for result in results]


def test_the_commands_on_sample_runs_run_as_printed() -> None:
    outputs = [*outputs_of(sample_runs()), *outputs_of(sample_runs(), "--full")]
    commands = list(commands_in(*outputs))
    assert {words[0] for words in commands} >= {"stats", "probe", "ls", "diagnose"}
    check_all(commands)


def test_a_probe_that_is_advised_finds_its_checkpoint(tmp_path: Path) -> None:
    outputs = [run(["diagnose", str(sample_runs())]).stdout]
    probe = next(words for words in commands_in(*outputs) if words[0] == "probe")
    more = ["--samples", "4", "--figures", "none", "--device", "cpu", "--out", str(tmp_path)]
    result = run([*probe, *more])
    assert result.exit_code == 0, result.output


def test_the_commands_on_the_studys_logs_run_as_printed(shared: Path) -> None:
    outputs = outputs_of(shared / "ired_logs")
    commands = list(commands_in(*outputs))
    assert len(commands) > 8
    check_all(commands)


def test_the_commands_on_groups_of_several_metrics_run_as_printed(shared: Path) -> None:
    folder = str(shared / "cases" / "s_curves")
    outputs = [run(["diagnose", folder, *flags]).stdout for flags in ([], ["--full"])]
    commands = list({tuple(words): words for words in commands_in(*outputs)}.values())
    assert any(words[:2] == ["stats", "base"] for words in commands)
    check_all(commands)


def test_a_group_is_compared_only_with_one_of_the_same_metric(tmp_path: Path) -> None:
    def runs_of(group: str, metric: str, seeds: int) -> list[Run]:
        history = History.of([Row(attempt=0, step=1, values={metric: 1.0})])
        ending = Ending("complete")
        return [
            Run(
                experiment=group,
                name=None,
                variant=None,
                seed=seed,
                path=tmp_path / group / str(seed),
                configuration=None,
                history=history,
                ending=ending,
            )
            for seed in range(seeds)
        ]

    def command_in(*others: list[Run]) -> str | None:
        study = Study.of([*runs_of("a", "val_loss", 2), *(run for runs in others for run in runs)])
        advice = "Compare plateaus: ired-diag stats a OTHER"
        finding = Finding("evaluation_noise", "warning", "a: noise.", {"group": "a"}, advice)
        return command_of_fact(fact_of(finding, study), study, Place(runs=tmp_path))

    large, small = runs_of("b", "val_acc", 5), runs_of("c", "val_loss", 2)
    assert command_in(large) is None
    assert command_in(large, small) == shlex.join(["ired-diag", "stats", "a", "c", "--runs", str(tmp_path)])


@pytest.mark.parametrize("name", [ODD_NAME, "-logs", "two  blanks"])
def test_the_commands_for_a_folder_with_an_odd_name_run_as_printed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(sample_runs() / "slurm_logs", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    results = [run([command, f"./{name}"]) for command in ("diagnose", "ls", "stats")]
    results.append(run(["diagnose", "--runs", name]))
    commands = list(commands_in(*(result.stdout for result in results)))
    assert len(commands) >= 4
    check_all(commands)


def test_groups_named_by_patterns_stay_so_in_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("q101", "q102"):
        shutil.copytree(sample_runs() / name, tmp_path / "a b" / name)
    monkeypatch.chdir(tmp_path)
    patterns = ["one=a b/q101/*", "two=a b/q102/*"]
    outputs = [run([command, *patterns]).stdout for command in ("diagnose", "stats")]
    commands = list(commands_in(*outputs))
    assert any("one=a b/q101/*" in words for words in commands)
    check_all(commands)


def test_the_metric_and_the_grouping_stay_in_the_commands() -> None:
    options = ["--metric", "train/loss", "--lower-is-better", "--ignore-key", "mining_strategy"]
    result = run(["diagnose", str(sample_runs()), *options])
    assert result.exit_code == 0, result.output
    commands = [words for words in commands_in(result.stdout) if words[0] in ("diagnose", "stats", "ls")]
    about_all = [words for words in commands if str(sample_runs()) in words]
    assert about_all
    for words in about_all:
        assert words[-len(options) :] == options
        check(words)


def test_the_options_of_stats_stay_in_its_command() -> None:
    words = ["stats", "q101", "q102", "--runs", str(sample_runs()), "--readout", "last", "--margin", "2%"]
    words += ["--unpaired", "--seed", "3"]
    (command,) = commands_in(run(words).stdout)
    assert sorted(command) == sorted([*words, "--full"])
    check(command)


@pytest.mark.parametrize(
    ("advice", "expected"),
    [
        ("Go on: ired-diag train --from q1/seed0@7500, or the last checkpoint before.", "q1/seed0@6000"),
        ("Train longer: ired-diag train --from q1/seed0@last --set train_steps=80", "q1/seed0@last"),
        ("Go on: ired-diag train --from q1/seed0@500, or the last checkpoint before.", None),
        ("Train on: ired-diag train … --resume", None),
    ],
)
def test_a_training_starts_from_a_checkpoint_that_is_there(
    advice: str, expected: str | None, tmp_path: Path
) -> None:
    files = tuple(tmp_path / "checkpoints" / f"step-{step:09d}.safetensors" for step in (3000, 6000, 9000))
    history = History.of([])
    run_of_q1 = Run(
        experiment="q1",
        name=None,
        variant=None,
        seed=0,
        path=tmp_path,
        configuration=None,
        history=history,
        ending=Ending("complete"),
        checkpoints=files,
    )
    study = Study.of([run_of_q1])
    finding = Finding("curve_shape", "error", "q1/seed0: diverged.", {"run": "q1/seed0"}, advice)
    command = command_of_fact(fact_of(finding, study), study, Place(runs=tmp_path))
    if expected is None:
        assert command is None
        return
    assert command is not None
    words = shlex.split(command)[1:]
    assert words[:3] == ["train", "--from", expected]
    assert words[-2:] == ["--runs", str(tmp_path)]
    check(words)


def test_the_commands_of_check_run_as_printed(tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    report.write_text(
        "q101 and q102 are equivalent (p = 0.5).\n\nq101 is 0.9% better than q102 (p = 0.0001).\n"
    )
    result = run(["check", str(report), "--runs", str(sample_runs())])
    assert result.exit_code == 0, result.output
    commands = list(commands_in(result.stdout))
    assert ["stats", "q101", "q102", "--runs", str(sample_runs()), "--margin", "1%"] in commands
    check_all(commands)


def test_an_advice_without_its_command_is_a_sentence() -> None:
    assert advice_in_words("See each with: ired-diag ls --attempts") == ""
    assert advice_in_words("Evaluate it again.") == "Evaluate it again."
    assert advice_in_words("") == ""
    both = (
        "Mend it and evaluate again; whether it can be read is told by: ired-diag probe accuracy CHECKPOINT"
    )
    assert advice_in_words(both) == "Mend it and evaluate again."
