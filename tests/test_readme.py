"""What the README shows is what the commands print, and what it says can be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from app.cli import main
from docs_site.outputs import Shown, blocks_of, commands_of, differences, folder_called, rewritten, run

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/completion.md", "docs/the-study.md", "docs/pilot.md")
FENCE = re.compile(r"^```\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
PROGRAM = "ired-diag"
# Numbers in sentences, and the command that prints them.
QUOTED = {
    "ired-diag when contra newton --target 3.28": ("text_logs", "1.6% fewer steps", "1.2% to 2.1%"),
    "ired-diag stats contra newton": ("text_logs", "-0.0105% to 0.0433%"),
    "ired-diag stats q101 q102 --runs .": ("ired_logs", "0.235%", "0.0737% to 0.396%"),
    "ired-diag diagnose . --rule same_name": ("ired_logs", "169 times apart"),
}


def shown_in(folder: str) -> list[tuple[str, Shown]]:
    shown = []
    for page in PAGES:
        for place, commands in blocks_of((ROOT / page).read_text()):
            if (place == ".") == (folder == "."):
                shown += [(place, command) for command in commands]
    return shown


def name_of(case: tuple[str, Shown]) -> str:
    return case[1].command


@pytest.mark.parametrize("case", shown_in("."), ids=name_of)
def test_an_output_on_sample_runs_is_what_the_command_prints(case: tuple[str, Shown]) -> None:
    assert differences(case[1], run(case[1].command, ROOT)) == []


@pytest.mark.slow
@pytest.mark.parametrize("case", shown_in("data"), ids=name_of)
def test_an_output_on_real_logs_is_what_the_command_prints(case: tuple[str, Shown], shared: Path) -> None:
    folder = folder_called(case[0], shared)
    assert folder is not None
    assert differences(case[1], run(case[1].command, folder)) == []


@pytest.mark.slow
@pytest.mark.parametrize("command", QUOTED)
def test_a_number_in_a_sentence_is_printed_by_its_command(command: str, shared: Path) -> None:
    place, *numbers = QUOTED[command]
    printed = " ".join(" ".join(run(command, shared / place)).split())
    for number in numbers:
        assert number in printed


def commands_in_fences() -> list[str]:
    commands: dict[str, None] = {}
    for page in ("README.md", "docs/commands.md"):
        for fence in FENCE.findall((ROOT / page).read_text()):
            for line in fence.splitlines():
                command, _, _ = line.removeprefix("$ ").partition("  #")
                if command.startswith(f"{PROGRAM} "):
                    commands[command.strip()] = None
    return list(commands)


@pytest.mark.parametrize("line", commands_in_fences())
def test_each_command_and_its_options_exist(line: str) -> None:
    _, name, *words = shlex.split(line.partition("&&")[0])
    context = click.Context(main)
    command = main.get_command(context, name)
    assert command is not None
    if isinstance(command, click.Group):
        child = command.get_command(context, words[0])
        assert child is not None
        command = child
    options = {option for parameter in command.params for option in parameter.opts}
    for word in words:
        if word.startswith("--"):
            assert word in options


def test_the_page_is_short_and_its_first_screen_has_no_jargon() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 170
    first = text.partition("## ")[0].lower()
    for word in ("readout", "plateau", "ired ", "energy", "mining", "negative", "probe", "icc"):
        assert word not in first


def test_outputs_are_compared_line_by_line_and_written_anew(tmp_path: Path) -> None:
    whole, cut = commands_of("$ ired-diag a\nx\ny\n\n$ ired-diag b\nx\n…\n")
    assert differences(whole, ["x", "y"]) == []
    assert differences(whole, ["x", "y", "z"]) != []
    assert differences(whole, ["x", "w"]) != []
    assert differences(cut, ["x", "y", "z"]) == []
    assert differences(cut, ["w", "y", "z"]) != []
    page = "<!-- output in . -->\n```\n$ ired-diag --version\nstale\n```\n\nText.\n"
    assert rewritten(page, None) == page.replace("stale", run("ired-diag --version", ROOT)[0])
    elsewhere = page.replace("in .", "in no-such-folder")
    assert rewritten(elsewhere, None) == elsewhere
