"""``ired-diag demo``: one screen, and each sentence on it is what its command answers."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main

SCREEN = 45  # lines
COMMAND = re.compile(r"^   \$ (ired-diag .+)$", flags=re.MULTILINE)


def call(*words: str) -> str:
    result = CliRunner().invoke(main, list(words))
    assert result.exit_code == 0, result.output
    return result.stdout


def in_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    out = tmp_path_factory.mktemp("demo") / "out"
    return call("demo", "--out", str(out), "--device", "cpu"), out


def test_it_fits_on_one_screen_and_names_pictures_that_are_there(demo: tuple[str, Path]) -> None:
    text, out = demo
    assert len(text.splitlines()) <= SCREEN
    pictures = [Path(word) for word in text.split() if word.endswith(".png")]
    assert len(pictures) == 3
    for picture in pictures:
        assert picture.parent == out
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


def test_each_answer_is_what_the_command_above_it_prints(demo: tuple[str, Path]) -> None:
    text, _ = demo
    parts = COMMAND.split(text)[1:]
    pairs = list(zip(parts[::2], parts[1::2], strict=True))
    assert [shlex.split(command)[1] for command, _ in pairs] == ["diagnose", "stats", "probe"]
    for command, after in pairs:
        answer, _, _ = after.partition("\n\n")
        printed = in_one_line(call(*shlex.split(command)[1:]))
        for sentence in re.split(r"(?<=[a-z0-9)]\.)\s+(?=[A-Z])", in_one_line(answer)):
            assert sentence in printed, command


def test_the_command_line_runs_it_from_another_folder(tmp_path: Path) -> None:
    program = [str(Path(sys.executable).with_name("ired-diag")), "demo", "--device", "cpu"]
    result = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "Your own logs:" in result.stdout
    assert (tmp_path / "ired-diag-demo" / "conditioning.parquet").is_file()
