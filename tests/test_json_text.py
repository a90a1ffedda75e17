"""JSON from strangers: the bounds hold just above them and let everything below through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ired_diag.errors import UnreadableFile
from ired_diag.json_object import read_json_object
from ired_diag.json_text import (
    MOST_BYTES,
    MOST_LEVELS,
    levels_of,
    parse_first_json,
    parse_json,
    read_json,
    whole_characters,
)
from ired_diag.runs.find import is_run_folder

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"\\[]{}'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('a"[{'), inner, max_size=3),
    max_leaves=20,
)


def nested(levels: int) -> str:
    return '{"a": ' * levels + "1" + "}" * levels


def depth(value: Any) -> int:
    """The twin: by recursion, over the parsed value."""
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(value=VALUES)
def test_levels_are_counted_as_the_parsed_value_has_them(value: Any) -> None:
    assert levels_of(json.dumps(value)) == depth(value)


@given(value=VALUES)
def test_what_is_within_the_bounds_is_read_as_json_reads_it(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value


@given(value=VALUES.filter(lambda value: isinstance(value, dict | list)), rest=st.text('ab"[]{} \n'))
def test_the_first_value_of_a_log_ends_where_its_bracket_is_closed(value: Any, rest: str) -> None:
    text = json.dumps(value, indent=2)
    assert parse_first_json(text + rest) == (value, len(text))


def test_a_text_at_the_limit_of_nesting_is_read_and_a_deeper_one_refused() -> None:
    assert depth(parse_json(nested(MOST_LEVELS))) == MOST_LEVELS
    for parse in (parse_json, parse_first_json):
        with pytest.raises(ValueError, match="nested"):
            parse(nested(MOST_LEVELS + 1))


def test_a_text_that_is_too_long_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(b"{" + b" " * MOST_BYTES + b"}")
    with pytest.raises(ValueError, match="longer than 16 MiB"):
        read_json(path)


def test_a_deep_configuration_is_an_error_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(nested(MOST_LEVELS + 1))
    with pytest.raises(UnreadableFile, match=r"config\.json: expected a JSON object, found .*nested 65"):
        read_json_object(path)
    assert not is_run_folder(tmp_path)


@pytest.mark.parametrize("text", ['{"a": 1', '{"a": "}', '{"a": [}', '"{"', ""])
def test_a_value_that_is_not_closed_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_first_json(text)


def test_half_a_character_becomes_its_escape_wherever_it_stands() -> None:
    content = parse_json('{"\\ud800": ["\\uDFFF", {"a": "x\\ud83d"}], "whole": "\\ud83d\\ude00"}')
    assert content == {"\\ud800": ["\\udfff", {"a": "x\\ud83d"}], "whole": "\U0001f600"}
    assert json.dumps(content, ensure_ascii=False).encode()
    assert whole_characters("é\udcff") == "é\\udcff"


def test_a_whole_number_that_no_float_can_hold_is_refused() -> None:
    assert parse_json("9" * 308) == int("9" * 308)
    assert parse_json('"' + "9" * 400 + '"') == "9" * 400
    assert parse_json("0." + "3" * 400) == 1 / 3
    with pytest.raises(ValueError, match="309 digits"):
        parse_json('{"a": ' + "9" * 309 + "}")
