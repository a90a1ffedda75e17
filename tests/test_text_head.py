"""The program at the head of a log: its settings, its hash, and what of it makes two runs different."""

from __future__ import annotations

from pathlib import Path

import pytest

from ired_diag.open import open_run, open_study
from ired_diag.readers.text_head import read_head, settings_in

PROGRAM = '''"""A program."""
import torch

LEARNING_RATE = {rate}
SEED = 3
class Config:
    steps : int = 64*8  # of training
    name: str = 'base'
    betas = (0.9, 0.95)

def main():
    x = 0
    print(f"step:{{step}} val_loss:{{loss:.4f}}")
    # step:5 val_loss:99.0
{more}'''
RULE = "\n" + "=" * 100 + "\n"
ROWS = "".join(f"step:{i} val_loss:{5 - i / 10}\n" for i in range(10))


def log(path: Path, *, rate: float = 0.02, more: str = "", ends: str = "\n") -> Path:
    """Write a log with its program."""
    text = PROGRAM.format(rate=rate, more=more) + RULE + ROWS
    path.write_bytes(text.replace("\n", ends).encode())
    return path


def test_settings_are_literals_at_the_start_of_a_line_and_fields_of_classes(tmp_path: Path) -> None:
    head = read_head(log(tmp_path / "a.txt"))
    assert head.settings == {"LEARNING_RATE": 0.02, "Config.steps": "64*8", "Config.name": "base"}


def test_a_name_that_is_assigned_two_values_states_nothing() -> None:
    assert settings_in("lr = 0.1\nlr = 0.2\nwd = 0.1\nwd = 0.1") == {"wd": 0.1}


def test_no_line_of_the_program_is_a_row(tmp_path: Path) -> None:
    series = open_run(log(tmp_path / "a.txt")).history.series
    assert list(series) == ["val_loss"]
    assert max(series["val_loss"].values) == 5.0


def test_programs_that_differ_in_a_setting_differ_in_it_alone(tmp_path: Path) -> None:
    first = open_run(log(tmp_path / "a.txt")).configuration or {}
    second = open_run(log(tmp_path / "b.txt", rate=0.03)).configuration or {}
    assert {key for key in first if first[key] != second[key]} == {"LEARNING_RATE"}


def test_programs_that_differ_elsewhere_differ_in_their_source(tmp_path: Path) -> None:
    first = open_run(log(tmp_path / "a.txt")).configuration or {}
    second = open_run(log(tmp_path / "b.txt", more="    y = f(x)\n")).configuration or {}
    assert {key for key in first if first[key] != second[key]} == {"source_code"}


def test_ends_of_lines_and_white_space_make_no_other_program(tmp_path: Path) -> None:
    heads = [
        read_head(log(tmp_path / f"{k}.txt", ends=ends)) for k, ends in enumerate(("\n", "\r\n", "  \n"))
    ]
    assert len({head.sha256 for head in heads}) == 1


def test_a_seed_in_the_program_is_not_that_of_the_run(tmp_path: Path) -> None:
    assert open_run(log(tmp_path / "a.txt")).seed is None
    for name in "abc":
        log(tmp_path / f"{name}.txt")
    assert len(open_study(tmp_path).runs) == 3


@pytest.mark.parametrize("text", ["no program" + RULE + ROWS, RULE + ROWS, ROWS, "x = 1" + RULE + ROWS])
def test_a_rule_without_a_program_above_ends_no_head(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text)
    assert read_head(path).length == 0
    assert len(open_run(path).history.series["val_loss"]) == 10
