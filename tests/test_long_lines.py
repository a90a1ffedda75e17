"""Lines of any length take time in proportion to it: no search begins anew at each letter."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ired_diag.claims.report_file import without_long_words
from ired_diag.readers import plain_yaml, tqdm_grammar
from ired_diag.readers.step_key import number_in
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.place import parse_place

BAR = b": 10%|#| 10/100 [00:01<00:09, 3.1it/s]"
FORMER_CUT = re.compile(
    rb"%%\||\d(?:\w*/s|s/\w+)[,\]]|\A%b[:=] ?-?(?:\d|nan|inf)[^\s:]*(?!\S)" % tqdm_grammar.NAME
)
TEXTS = st.text(alphabet="ab1-9_:=, |]/s\n", max_size=24).map(str.encode)


@given(text=TEXTS)
@example(text=b"1loss: 0.3")
@example(text=b"-a=1,b")
def test_a_pair_is_found_wherever_one_begins_at_any_letter(text: bytes) -> None:
    assert bool(tqdm_grammar.HAS_PAIR.search(text)) == bool(tqdm_grammar.PAIR.search(text))


@given(text=TEXTS)
@example(text=b"a1/s,")
@example(text=b"3.14s/it]")
def test_a_cut_record_is_seen_wherever_its_rate_begins(text: bytes) -> None:
    assert bool(tqdm_grammar.LOOKS_CUT.search(text)) == bool(FORMER_CUT.search(text))


@pytest.mark.parametrize("letter", [b"x", b"7", b" ", b"a1: ", b"-"])
def test_a_line_four_times_as_long_takes_no_sixteen_times_as_long(letter: bytes) -> None:
    def seconds(size: int) -> float:
        record = (letter * size)[:size]
        start = time.process_time()
        for text in (record + BAR, record):
            tqdm_grammar.parse(text)
            tqdm_grammar.LOOKS_CUT.search(text)
        return time.process_time() - start

    short = max(min(seconds(1 << 15) for _ in range(3)), 1e-3)
    assert min(seconds(1 << 17) for _ in range(2)) < 10 * short


@pytest.mark.parametrize("letter", ["7", "x", "aB", "A", "1_"])
def test_the_words_of_a_name_four_times_as_long_take_no_sixteen_times_as_long(letter: str) -> None:
    def seconds(size: int) -> float:
        name = (letter * size)[:size]
        words_of.cache_clear()
        start = time.process_time()
        words_of(name)
        return time.process_time() - start

    short = max(min(seconds(1 << 13) for _ in range(3)), 1e-3)
    assert min(seconds(1 << 15) for _ in range(2)) < 10 * short


def test_a_picture_in_a_report_is_shortened_and_its_numbers_stay() -> None:
    picture = "![mean](data:image/png;base64," + "A7" * 50_000 + ")"
    row = "|" + "0.25|" * 2000
    text = without_long_words(f"The mean is 0.5 {picture} over 3 seeds.\n{row}\n{' ' * 5000}end\n")
    assert text.startswith("The mean is 0.5 ![mean](data:image/p… over 3 seeds.\n|0.25|")
    assert text.count("0.25|") == 2000
    assert len(text.splitlines()) == 3


@pytest.mark.parametrize("end", ["x", "x.", "e", ".5x", " x"])
def test_a_long_run_of_digits_that_is_no_number_takes_no_time(end: str) -> None:
    begun = time.process_time()
    with pytest.raises(ValueError, match="is not a number"):
        number_in("7" * 300_000 + end)
    assert plain_yaml.read_plain_yaml(f"a: {'7' * 300_000}{end}\n")["a"]
    assert time.process_time() - begun < 5


def test_the_parts_of_a_text_that_is_too_long_for_a_name_are_not_looked_for() -> None:
    text = "run a1: " * 40_000
    begun = time.process_time()
    assert parse_place(text).name == text
    assert time.process_time() - begun < 1
