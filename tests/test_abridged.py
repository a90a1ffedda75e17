"""An abridged text is a beginning of the text, in its room, with its brackets closed."""

from __future__ import annotations

import numpy as np

from app.cli.abridged import abridged, open_brackets
from app.cli.diagnose_screen import _cut

TEXT = (
    'Two names mean one thing ("B", experiment with a long name 02 lr and more, third [a, b, c] of it). '
    "It was read (from notes, not from logs) and kept; nothing else was done."
)


def test_every_cut_fits_closes_its_brackets_and_keeps_a_beginning() -> None:
    for room in range(8, len(TEXT)):
        cut = abridged(TEXT, room)
        assert len(cut) <= room
        assert open_brackets(cut) == "" and cut.count("(") == cut.count(")")
        assert TEXT.startswith(cut.split("…")[0].rstrip(" ,"))
        assert "…" in cut


def test_a_text_that_fits_stays_whole() -> None:
    assert abridged(TEXT, len(TEXT)) == TEXT


def test_a_list_loses_whole_members() -> None:
    text = f"Groups ({', '.join(f'a long name {i}' for i in range(9))}). Done."
    for room in np.random.default_rng(0).integers(30, 110, 20):
        inside = abridged(text, int(room)).partition("(")[2].partition(")")[0]
        members = inside.split(", ")
        assert members[-1] == "…"
        assert all(member in text for member in members[:-1])


def test_a_bracket_without_a_comma_is_cut_between_words() -> None:
    assert abridged("It fell (from a height of many metres) at once.", 30) == "It fell (from a height of …) …"
    assert abridged("It fell (unbelievably) at once.", 14) == "It fell …"


def test_lines_that_are_cut_keep_the_others_and_close_their_bracket() -> None:
    lines = ["12 runs: a, b", "→ Train (at a lower", "rate, or longer) again."]
    assert _cut(lines, 3) == lines
    assert _cut(lines, 2) == ["12 runs: a, b", "→ Train (at a …) …"]
    assert _cut(["one (a, b,", "c, d", "e) two"], 2) == ["one (a, b,", "…) …"]
