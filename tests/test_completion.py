"""What a shell completes: commands, options, names and paths, fast, by the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from app.cli import main
from probes import names as probe_names

COMMAND = Path(sys.executable).with_name("ired-diag")
HEAVY = ("torch", "pandas", "scipy", "plotly", "matplotlib", "pydantic")
TYPES_OF_PATHS = (click.Path, click.File)


def complete(*words: str, cwd: Path | None = None, program: str = "") -> list[str]:
    """Return what click's script for bash is answered when the last word is completed."""
    environment = {
        **os.environ,
        "COMP_WORDS": " ".join(["ired-diag", *words]),
        "COMP_CWORD": str(len(words)),
        "_IRED_DIAG_COMPLETE": "bash_complete",
    }
    command = [sys.executable, "-c", program] if program else [str(COMMAND)]
    result = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=cwd, check=False, timeout=60
    )
    assert result.stderr == ""
    return result.stdout.splitlines()


def test_commands_and_options_are_completed_without_heavy_libraries() -> None:
    program = (
        "import sys\nfrom app.cli import main\n"
        "try: main(prog_name='ired-diag')\nexcept SystemExit: pass\n"
        f"print('LOADED', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    assert complete("st", program=program) == ["plain,stats", "plain,study", "LOADED []"]
    everything = complete("", program=program)
    assert everything[-1] == "LOADED []"
    context = click.Context(main)
    commands = {name: main.get_command(context, name) for name in main.list_commands(context)}
    shown = [name for name, command in commands.items() if command is not None and not command.hidden]
    assert everything[:-1] == [f"plain,{name}" for name in shown]
    assert complete("stats", "--mar", program=program) == ["plain,--margin", "plain,--markdown", "LOADED []"]
    assert complete("train", "q103", program=program) == ["plain,q103_multiseed_adversarial", "LOADED []"]


def test_names_of_probes_rules_and_experiments_are_completed() -> None:
    assert complete("probe", "") == [f"plain,{name}" for name in [*probe_names(), "all"]]
    assert complete("diagnose", "--explain", "identical") == ["plain,identical_curves"]


def test_runs_are_completed_by_name_and_everything_else_as_a_path(tmp_path: Path) -> None:
    for name in ("q101", "q102", "other"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    (tmp_path / "elsewhere" / "q999").mkdir(parents=True)
    assert complete("stats", "q1", cwd=tmp_path) == ["plain,q101", "plain,q102"]
    assert complete("stats", "--runs", "elsewhere", "q", cwd=tmp_path) == ["plain,q999"]
    assert complete("stats", "lo", cwd=tmp_path) == ["file,lo"]
    assert complete("probe", "conditioning", "./r", cwd=tmp_path) == ["file,./r"]


def test_each_argument_that_may_be_a_path_is_completed_as_one() -> None:
    takes_no_path = {("map", "task"), ("journal", "title"), ("launch", "index")}
    lacking = []
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        children = list(command.commands.values()) if isinstance(command, click.Group) else [command]
        for child in children:
            for parameter in child.params:
                if not isinstance(parameter, click.Argument) or (name, parameter.name) in takes_no_path:
                    continue
                answers = parameter.shell_complete(context, "zzz")
                is_probe = (name, parameter.name) == ("probe", "name")
                if not is_probe and [item.type for item in answers] not in (["file"], ["dir"]):
                    lacking.append((name, parameter.name))
    assert lacking == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_itself_completes_with_the_script_that_is_documented(tmp_path: Path) -> None:
    (tmp_path / "ired-diag").symlink_to(COMMAND)
    script = (
        'eval "$(_IRED_DIAG_COMPLETE=bash_source ired-diag)"\n'
        "COMP_WORDS=(ired-diag di); COMP_CWORD=1\n"
        '_ired_diag_completion ired-diag\necho "${COMPREPLY[@]}"\n'
    )
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    result = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    assert result.stdout.split() == ["diagnose"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell_is_printed_and_documented(shell: str) -> None:
    environment = {**os.environ, "_IRED_DIAG_COMPLETE": f"{shell}_source"}
    result = subprocess.run([COMMAND], capture_output=True, text=True, env=environment, check=True)
    assert "ired-diag" in result.stdout
    page = (Path(__file__).parents[1] / "docs" / "completion.md").read_text()
    assert f"_IRED_DIAG_COMPLETE={shell}_source ired-diag" in page


def test_no_summary_in_a_help_is_cut() -> None:
    context = click.Context(main, info_name="ired-diag")
    groups: list[click.Group] = [main]
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        if isinstance(command, click.Group):
            groups.append(command)
    assert len(groups) > 4
    for group in groups:
        text = " ".join(group.get_help(click.Context(group)).split())
        assert "..." not in text.partition("Commands:")[2]
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            if not command.hidden:
                paragraph = " ".join((command.help or "").split("\n\n")[0].split())
                first, _, _ = paragraph.partition(". ")
                assert first.rstrip(".") in text
