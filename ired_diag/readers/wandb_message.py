"""What a record of Weights & Biases says: protocol buffers, read without the library's own classes.

    Record          history 2, summary 3, config 5, run 17, exit 18; all others are counted by their number
    HistoryRecord   item 1 (repeated), step 2 { num 1 }
    SummaryRecord   update 1 (items), remove 2;  ConfigRecord likewise
    Item            key 1, nested_key 2 (repeated), value_json 16; from 0.3x on also a typed value:
                    none 3, boolean 4, integer 5 (zigzag), number 6 (double), text 7, json 8
    RunRecord       run_id 1, project 3, config 4, summary 5, run_group 6, display_name 8, sweep_id 12
    RunExitRecord   exit_code 1

A number of zero is not written: a history record without a step is of step 0. The path of a nested value is
joined with slashes: ``{"eval": {"mse": 0.5}}`` is ``eval/mse``.

Reference: wandb 0.31, proto/wandb_internal_pb2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ired_diag.json_text import MOST_LEVELS, parse_json
from ired_diag.readers.protobuf_wire import BYTES, DOUBLE, EIGHT, VARINT, Malformed, fields, signed

STEP = "_step"
HISTORY, SUMMARY, OUTPUT, CONFIG, STATS, RUN, EXIT = 2, 3, 4, 5, 7, 17, 18
# Keys of the fields that hold records or texts: eight times their number, and how they are written.
FIRST, SECOND, JSON_TEXT, JSON_VALUE = (8 * number + BYTES for number in (1, 2, 16, 8))
TEXTS_OF_RUN = {1: "id", 3: "project", 6: "group", 8: "name", 12: "sweep"}


@dataclass
class WandbContent:
    """What the records of a file say.

    Attributes:
        rows: The values of each history record by name, its step among them.
        config: The configuration by key.
        summary: The last value of each name.
        run: ``id``, ``project``, ``group``, ``name`` and ``sweep`` of the run, as far as they are stated.
        exit_code: How the process ended; None while no record says so.
        others: How many records of other kinds there are, by number of their field.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    run: dict[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    others: dict[int, int] = field(default_factory=dict)

    def add(self, record: bytes) -> None:
        """Add what a record says.

        Raises:
            ValueError: It is not such a record.
        """
        for key, first, last in fields(record, 0, len(record)):
            number, wire = divmod(key, 8)
            if wire != BYTES:
                continue
            if number == HISTORY:
                self.rows.append(_history(record, first, last))
            elif number == SUMMARY:
                _update(self.summary, record, first, last)
            elif number == CONFIG:
                _update(self.config, record, first, last)
            elif number == RUN:
                self._add_run(record, first, last)
            elif number == EXIT:
                self.exit_code = _number_one(record, first, last)
            else:
                self.others[number] = self.others.get(number, 0) + 1

    def _add_run(self, record: bytes, start: int, end: int) -> None:
        for key, first, last in fields(record, start, end):
            number, wire = divmod(key, 8)
            if wire != BYTES:
                continue
            if number == 4:
                _update(self.config, record, first, last)
            elif number == 5:
                _update(self.summary, record, first, last)
            elif number in TEXTS_OF_RUN and last > first:
                self.run[TEXTS_OF_RUN[number]] = _text(record, first, last)


def _history(record: bytes, start: int, end: int) -> dict[str, Any]:
    """Return the values of a history record by name, with its step."""
    row: dict[str, Any] = {}
    step: int | None = None
    for key, first, last in fields(record, start, end):
        if key == FIRST:
            path, value = _item(record, first, last)
            name = "/".join(path)
            row[name] = value
        elif key == SECOND:
            step = _number_one(record, first, last)
    if step is not None:
        row[STEP] = step
    row.setdefault(STEP, 0)
    return row


def _update(values: dict[str, Any], record: bytes, start: int, end: int) -> None:
    """Put the items of a configuration or a summary into nested values; removed ones go."""
    for key, first, last in fields(record, start, end):
        if key == FIRST:
            path, value = _item(record, first, last)
            _place(values, path, value)
        elif key == SECOND:
            path, _ = _item(record, first, last)
            name = "/".join(path)
            values.pop(name, None)


def _place(values: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        inner = values.get(name)
        if not isinstance(inner, dict):
            inner = values[name] = {}
        values = inner
    values[path[-1]] = value


def _item(record: bytes, start: int, end: int) -> tuple[list[str], Any]:
    """Return the path and the value of an item."""
    path: list[str] = []
    nested: list[str] = []
    value: Any = None
    for key, first, last in fields(record, start, end):
        if key == FIRST:
            path = [_text(record, first, last)]
        elif key == SECOND:
            nested.append(_text(record, first, last))
        elif key in (JSON_TEXT, JSON_VALUE):
            value = _json(record[first:last])
        elif key in TYPED:
            value = TYPED[key](record, first, last)
    path = nested or path
    if not path or len(path) > MOST_LEVELS:
        raise Malformed(f"a value whose name has {len(path)} parts")
    return path, value


def _json(text: bytes) -> Any:
    """Return the value of a JSON text; most are numbers, which need no parser."""
    if text.isdigit() and len(text) < 19:
        return int(text)
    try:
        return float(text)
    except ValueError:
        return parse_json(text)


def _text(record: bytes, first: int, last: int) -> str:
    return record[first:last].decode("utf-8", "backslashreplace")


def _boolean(record: bytes, first: int, last: int) -> bool:
    return bool(first)


def _zigzag(record: bytes, first: int, last: int) -> int:
    return (first >> 1) ^ -(first & 1)


def _double(record: bytes, first: int, last: int) -> float:
    (number,) = DOUBLE.unpack_from(record, first)
    return float(number)


TYPED = {
    8 * 4 + VARINT: _boolean,
    8 * 5 + VARINT: _zigzag,
    8 * 6 + EIGHT: _double,
    8 * 7 + BYTES: _text,
}


def _number_one(record: bytes, start: int, end: int) -> int:
    """Return the whole number in field 1 of a message; 0 is not written."""
    for key, number, _ in fields(record, start, end):
        if key == 8 * 1 + VARINT:
            return signed(number)
    return 0
