"""Each question of the study's documents has a command that answers it."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from app.cli import main
from docs_site.coverage import PAGE, Row, page_of, read_sections
from docs_site.outputs import PROGRAM, ROOT

ROWS = [row for section in read_sections() for row in section.rows]
RUN = [row for row in ROWS if row.is_run]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose runs are the sample runs."""
    folder = tmp_path_factory.mktemp("study")
    shutil.copytree(ROOT / "sample_runs", folder / "runs")
    return folder


def test_the_page_is_written_from_its_source() -> None:
    assert PAGE.read_text(encoding="utf-8") == page_of(read_sections())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.command)
def test_its_page_and_its_options_exist(row: Row) -> None:
    assert (PAGE.parent / row.page).exists()
    program, *words = shlex.split(row.command)
    if program != PROGRAM:
        assert (ROOT / program).exists()
        return
    command = main.get_command(click.Context(main), words[0])
    assert command is not None
    options = {option for parameter in command.params for option in parameter.opts}
    for word in (*words, *row.small, *row.help):
        assert not word.startswith("--") or word in options


def test_every_command_is_run_or_has_options_to_look_for() -> None:
    assert all(row.is_run or row.help or not row.command.startswith(PROGRAM) for row in ROWS)


def printed_by(command: str, small: tuple[str, ...] = ()) -> str:
    """What a command prints with some arguments more."""
    words = [*shlex.split(command)[1:], *small]
    result = CliRunner().invoke(main, words, env={"COLUMNS": "100"}, catch_exceptions=False)
    return result.output


@pytest.mark.slow
@pytest.mark.parametrize("row", RUN, ids=lambda row: row.command)
def test_its_answer_is_printed(row: Row, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(study)
    if row.after:
        printed_by(row.after)
    printed = printed_by(row.command, row.small)
    for text in row.prints:
        assert text in printed
    assert not row.leaves or (study / row.leaves).is_file()
