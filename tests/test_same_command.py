"""A command printed from its own context is the one that was typed."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from app.cli import options
from app.cli.same_command import same_command

TYPED = [
    [],
    ["a", "b c", "it's"],
    ["a", "--runs", "some where"],
    ["a", "--margin", "2%"],
    ["a", "--margin", "0.05abs", "--paired"],
    ["a", "--unpaired", "--higher-is-better"],
    ["a", "--group-by", "lr,width", "--ignore-key", "x", "--ignore-key", "y z"],
]


@click.command("made")
@click.argument("paths", nargs=-1)
@options.runs
@options.grouping
@options.margin
@options.pairing
@options.direction
@click.option("--full", is_flag=True)
@click.pass_context
def made(context: click.Context, /, **choices: object) -> None:
    """Print the command that was typed."""
    click.echo(same_command(context, "--full"))


def printed(words: list[str], **environment: str) -> list[str]:
    result = CliRunner().invoke(made, words, env=environment)
    assert result.exit_code == 0, result.output
    program, name, *rest = shlex.split(result.stdout)
    assert (program, name) == ("ired-diag", "made")
    return rest


@pytest.mark.parametrize("words", TYPED)
def test_the_words_that_were_typed_come_back_and_run_again(words: list[str]) -> None:
    once = printed(words)
    assert sorted(once) == sorted([*words, "--full"])
    assert printed(once[:-1]) == once


def test_a_path_that_looks_like_an_option_stays_a_path() -> None:
    assert printed(["--paired", "--", "-logs"]) == ["--paired", "--full", "--", "-logs"]


def test_a_runs_folder_of_the_environment_is_named(tmp_path: Path) -> None:
    assert printed(["a"], IRED_DIAG_RUNS=str(tmp_path)) == ["a", "--runs", str(tmp_path), "--full"]
