"""``ired-diag`` alone: it says what is in the folder, and each command that it prints runs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import first_look, folder_words, main
from app.cli.demo import sample_runs
from ired_diag import folder_survey
from ired_diag.folder_survey import IN_WORDS, survey
from ired_diag.readers import readers

RUNS_ON = ("dashboard", "watch")  # commands that go on until they are stopped
SHOWN = re.compile(r"^ +(ired-diag .+?)(?:   .*)?$", flags=re.MULTILINE)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Path]:
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def look() -> Result:
    return CliRunner().invoke(main, [])


def commands(text: str) -> list[list[str]]:
    return [shlex.split(command)[1:] for command in SHOWN.findall(text)]


def text_log(path: Path, end: float, *, step: int = 10) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for k in range(1, 13):
        lines.append(f"step:{step * k}/{step * 12} val_loss:{end + 1 / k:.5f} train_time:{k}.5s\n")
    path.write_text("".join(lines))


def two_methods(folder: Path, *, seeds: int = 3) -> None:
    for method, end in (("old", 3.0), ("new", 2.9)):
        for seed in range(seeds):
            text_log(folder / method / f"seed{seed}.txt", end + 0.001 * seed)


def test_two_methods_are_counted_and_the_commands_that_fit_run_as_printed(here: Path) -> None:
    two_methods(here / "logs")
    result = look()
    assert result.exit_code == 0
    assert "In this folder: 6 text logs." in result.stdout
    assert "6 runs in 2 groups: new (3), old (3)." in result.stdout
    assert "How they ended: 6 complete." in result.stdout
    assert "metric: val_loss (lower is better, by its name)" in result.stdout
    shown = commands(result.stdout)
    assert [words[0] for words in shown] == ["diagnose", "stats", "when", "dashboard"]
    assert shown[1] == ["stats", "logs"]
    assert CliRunner().invoke(main, shown[2]).exit_code == 0
    answer = CliRunner().invoke(main, shown[1])
    assert answer.exit_code == 0
    assert "new is better than old" in answer.stdout


@pytest.mark.parametrize("content", ["empty", "sources", "documents"])
def test_a_folder_without_logs_gets_the_help_that_it_always_got(here: Path, content: str) -> None:
    if content == "sources":
        (here / "train.py").write_text("for step in range(3):\n    print('step:1 loss:2')\n")
        (here / "requirements.txt").write_text("numpy==2.0\ntorch==2.10\n")
    if content == "documents":
        (here / "README.txt").write_text("Results\n\nThe loss fell to 0.4 in 20 steps.\n")
        (here / "people.csv").write_text("name,age\nA,1\nB,2\n")
    result = look()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("This folder holds no logs, runs or checkpoints")
    assert "Usage: " in result.stderr
    assert "In this folder" not in result.output


def test_what_is_no_place_for_logs_is_passed_over(here: Path) -> None:
    for folder in ("env/lib/python3.12/site-packages/x", "node_modules/y", ".cache/z"):
        text_log(here / folder / "log.txt", 1.0)
    (here / "env" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    assert look().exit_code == 2
    two_methods(here / "logs")
    seen = survey(Path())
    assert (seen.kinds, seen.places) == ({"text_log": 6}, [Path("logs")])
    assert seen.is_quick


def test_logs_next_to_an_environment_are_not_read_unasked(here: Path) -> None:
    text_log(here / "train.txt", 1.0)
    (here / "env" / "lib").mkdir(parents=True)
    (here / "env" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    result = look()
    assert "the runs were not counted" in result.stdout
    assert commands(result.stdout)[0] == ["ls", "."]


@pytest.mark.parametrize(("limit", "value"), [("QUICK", 100), ("MOST_OPENED", 3), ("MOST_FILES", 4)])
def test_what_takes_long_is_not_read_and_says_so(
    here: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    two_methods(here / "logs")
    monkeypatch.setattr(folder_survey, limit, value)
    result = look()
    assert result.exit_code == 0
    assert "the runs were not counted" in result.stdout
    assert "How they ended" not in result.stdout
    assert commands(result.stdout)[0] == ["ls", "logs"]


def test_a_table_of_seeds_and_a_lone_checkpoint_have_their_commands(here: Path) -> None:
    rows = [f"{name},{seed},{0.5 + 0.1 * seed}" for name in ("a", "b") for seed in range(3)]
    (here / "results.csv").write_text("\n".join(["method,seed,accuracy", *rows]) + "\n")
    result = look()
    assert "1 table with one number for each seed" in result.stdout
    assert ["stats", "."] in commands(result.stdout)
    (here / "results.csv").unlink()
    shutil.copy(max(sample_runs().glob("q101/seed0/checkpoints/*")), here / "model.safetensors")
    result = look()
    assert "In this folder: 1 checkpoint." in result.stdout
    assert commands(result.stdout)[0] == ["ls", "model.safetensors"]


def test_groups_without_a_common_metric_are_not_offered_together(here: Path) -> None:
    two_methods(here / "logs")
    for seed in range(4):
        path = here / "logs" / "other" / f"seed{seed}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("step,val_accuracy\n" + "".join(f"{k},{0.1 * k}\n" for k in range(1, 9)))
    (words,) = [words for words in commands(look().stdout) if words[0] == "stats"]
    assert sorted(words) == ["--runs", "logs", "new", "old", "stats"]
    assert CliRunner().invoke(main, words).exit_code == 0


@pytest.mark.parametrize("folder", ["ired_logs_2", "text_logs", "death_logs", "gdsearch", "ired_checkpoint"])
def test_each_command_printed_about_real_logs_runs(
    shared: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shared / folder)
    result = look()
    shown = commands(result.stdout)
    has_when = any(words[0] == "when" for words in shown)
    assert len(shown) == first_look.COMMANDS + has_when
    for words in shown:
        if words[0] not in RUNS_ON:
            answer = CliRunner().invoke(main, words)
            assert answer.exit_code == 0, (words, answer.output)


def test_a_log_without_a_run_is_not_sent_to_commands_that_need_one(here: Path) -> None:
    shutil.copy(sample_runs() / "slurm_logs" / "ired_q900_synthetic_70000001_3.out", here / "job.out")
    shutil.copy(sample_runs() / "slurm_logs" / "ired_q900_synthetic_70000001_3.err", here / "job.err")
    lines = (here / "job.out").read_text().splitlines(keepends=True)
    (here / "job.out").write_text("".join(lines[:3]))
    (here / "job.err").write_text(
        "fatal: reference is not a tree: 0123456789abcdef0123456789abcdef01234567\n"
    )
    result = look()
    assert "None of them is a run" in result.stdout
    for words in commands(result.stdout):
        assert words[0] in ("ls", "demo")
        assert words[0] == "demo" or CliRunner().invoke(main, words).exit_code == 0


def test_a_narrow_terminal_gets_each_answer_below_its_command(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_methods(here / "logs")
    monkeypatch.setenv("COLUMNS", "60")
    lines = look().stdout.splitlines()
    assert "  ired-diag diagnose logs" in lines
    assert max(map(len, lines)) <= 80


def test_every_format_that_is_read_has_a_name_in_words() -> None:
    assert set(readers()) <= set(IN_WORDS)
    assert all(folder_words.with_count(2, words) != f"2 {words}" for words in IN_WORDS.values())
