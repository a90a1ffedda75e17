"""Tables fit the terminal: columns go, rows stay on one line, numbers stay whole."""

from __future__ import annotations

import random
import re

import pytest
from rich.cells import cell_len

from app.cli import output
from app.cli.table_width import fit, in_the_middle, width_of

COLUMNS = ("run", "mining", "n", "mean", "95% interval", "why")
ROWS = [
    ("q101/seed0", "none", "10", "0.00968759", "0.00968532 to 0.00968987", "its spread is evaluation noise"),
    ("q102@60619276_with_a_long_name/seed1", "random", "9", "0.00971039", "-", ""),
]
NUMBERS = {cell for row in ROWS for cell in row[2:5]}


def printed(capsys: pytest.CaptureFixture[str], width: int, **choices: object) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        output.print_table("Means", COLUMNS, ROWS, left=2, last_is_text=True, **choices)  # type: ignore[arg-type]
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("width", range(30, 160, 7))
def test_no_line_is_wider_than_the_terminal_and_no_row_wraps(
    width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(capsys, width)
    assert max(map(cell_len, lines)) <= width
    assert sum(line.startswith("  q10") for line in lines) == len(ROWS)


@pytest.mark.parametrize("width", range(30, 160, 7))
def test_a_number_is_whole_or_gone(width: int) -> None:
    fitted = fit(COLUMNS, ROWS, width, text=[0, 1, 5])
    for row in fitted.rows:
        for place, cell in zip(fitted.kept, row, strict=True):
            if place in (2, 3, 4):
                assert cell in NUMBERS


def test_the_columns_that_are_gone_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, 60, first_out=("95% interval",))
    assert "columns dropped to fit: mean, 95% interval, why;" in " ".join(lines)
    assert not any("columns dropped" in line for line in printed(capsys, 200))


def test_the_least_important_column_goes_first_and_a_narrow_one_comes_back() -> None:
    whole = width_of(COLUMNS, ROWS)
    fitted = fit(COLUMNS, ROWS, whole - 1, text=[0], first_out=("n", "mining"))
    assert [COLUMNS[place] for place in fitted.kept] == ["run", "mining", "mean", "95% interval", "why"]
    fitted = fit(COLUMNS, ROWS, whole - 30, text=[0], first_out=("n", "why"))
    assert "n" in [COLUMNS[place] for place in fitted.kept]  # "why" had to go, and "n" fits again


def test_texts_are_cut_in_the_middle_before_a_column_to_keep_goes() -> None:
    fitted = fit(COLUMNS, ROWS, 50, text=[0, 1, 5], keep=("mean",))
    assert "mean" in [COLUMNS[place] for place in fitted.kept]
    assert any("…" in row[0] for row in fitted.rows)
    assert fitted.rows[1][0].endswith("/seed1")  # the end of a name tells it from its siblings


def test_without_a_terminal_nothing_is_dropped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    output.print_table("", COLUMNS, ROWS, left=2)
    assert "its spread is evaluation noise" in capsys.readouterr().out


def test_the_width_of_a_table_is_that_of_its_longest_line(capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(4)
    for _ in range(30):
        count = rng.randint(2, 6)
        columns = ["c" * rng.randint(1, 9) + str(place) for place in range(count)]
        rows = [["x" * rng.randint(1, 20) for _ in columns] for _ in range(3)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COLUMNS", "1000")
            output.print_table("", columns, rows)
        longest = max(cell_len(line) for line in capsys.readouterr().out.splitlines())
        assert longest == width_of(columns, rows)


def test_a_cut_text_has_the_room_it_was_given() -> None:
    for room in range(3, 30):
        cut = in_the_middle("projects/ired/results/q225_tam_ctl_full_100k", room)
        assert cell_len(cut) == room
        assert re.fullmatch(r"p.*….*k", cut)
