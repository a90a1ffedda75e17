"""Tables of one number a seed: CSV or JSON, written by hand or by another tool.

CSV, wide or long; the first line names the columns (``readers.table_layout`` says which is what):

    seed,q101,q102            method,seed,mse
    0,0.00970,0.00981         q101,0,0.00970
    1,0.00971,0.00984         q102,0,0.00981

JSON, one entry an experiment: a list (the seeds are its positions), an object by seed, or an object whose
``values`` is one of these:

    {"q101": [0.00970, 0.00971], "q102": {"0": 0.00981}, "q103": {"values": [0.00979]}}

An empty cell of a long table, and ``null``, are a seed without a value. In a wide table an empty cell may be
a seed that only another column has, and which is none of this experiment. ``nan`` and ``inf`` are values: of
a training that broke down. Rows of means and the like are left out, and so are entries
of a JSON file that hold no numbers (a title, published tests).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile
from ired_diag.json_text import parse_json
from ired_diag.readers.run_columns import HYPERPARAMETERS, normal_name
from ired_diag.readers.table_layout import TableLayout, layout_of, number_of
from ired_diag.readers.table_metric import metric_of_columns, metric_of_long
from ired_diag.runs.range_of_numbers import bounded_value

SUFFIXES = (".csv", ".json")
METRIC = re.compile(  # names that no experiment has
    r"(?:(?:train|training|val|valid|validation|test|eval)_)?(?:loss|acc|accuracy|mse|rmse|mae|nll|f1|auc|auroc"
    r"|r2|psnr|ssim|fid|bleu|perplexity|ppl|reward|return|error|precision|recall)"
)

SeedValues = dict[str, dict[int, float | None]]  # by experiment, by seed


def read_seed_table(path: Path, *, column: str | None = None) -> SeedValues:
    """Return the values of each experiment by seed; None where a seed has none.

    Args:
        path: A ``.csv`` or ``.json`` file.
        column: Of a long CSV with several columns of numbers: which one.

    Raises:
        UnreadableFile: The file is missing or not such a table; the message names line or entry.
    """
    text = _text(path)
    found = _from_json(path, text) if path.suffix.lower() == ".json" else _from_csv(path, text, column)
    if not found:
        raise UnreadableFile(f"{path}: holds no experiment with a value for each seed.")
    return found


def columns_of_table(path: Path) -> list[str]:
    """Return the columns of numbers of a long table, each a metric; none of a wide one, and of JSON."""
    layout = layout_of(path, _text(path)) if path.suffix.lower() == ".csv" else None
    return [layout.header[i] for i in layout.numbers] if layout and layout.groups else []


def metric_of_table(path: Path, groups: Sequence[str]) -> str | None:
    """Return what the numbers of a table measure (``readers.table_metric``); None where no name says it.

    Args:
        path: The table.
        groups: Its experiments, as ``read_seed_table`` names them.

    Raises:
        UnreadableFile: Names contradict each other: of some columns lower is better, of others higher.
    """
    if path.suffix.lower() == ".csv":
        layout = layout_of(path, _text(path))
        if layout.groups:
            return metric_of_long(path, layout)
    return metric_of_columns(path, groups)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path}: cannot be read ({error}).") from error


def _from_csv(path: Path, text: str, column: str | None) -> SeedValues:
    layout = layout_of(path, text)
    return _from_long(path, layout, column) if layout.groups else _from_wide(path, layout, column)


def _from_long(path: Path, layout: TableLayout, column: str | None) -> SeedValues:
    place = _column_of(path, layout, column)
    found: SeedValues = {}
    for number, row in layout.rows:
        where = f"{path}, row {number}"
        group = "/".join(filter(None, (row[i] for i in layout.groups)))
        _put(found, group, _seed_in(layout, row, where), _cell(layout, row, place, where), where)
    return found


def _from_wide(path: Path, layout: TableLayout, column: str | None) -> SeedValues:
    names = {i: layout.header[i] for i in layout.numbers}
    if column in names.values():
        names = {i: path.stem for i, name in names.items() if name == column}
    elif len(names) > 1 and all(METRIC.fullmatch(normal_name(name)) for name in names.values()):
        raise UnreadableFile(
            f"{path}: the columns {', '.join(names.values())} are named as metrics, and no column names the "
            "experiment, such as a column 'method'. To read one of them as the results of one experiment: "
            "--metric NAME."
        )
    found: SeedValues = {name: {} for name in names.values()}
    hint = _hint_at_knobs(layout)
    for number, row in layout.rows:
        where = f"{path}, row {number}"
        seed = _seed_in(layout, row, where)
        for i, group in names.items():
            _put(found, group, seed, _cell(layout, row, i, where), where, hint)
    return {group: values for group, values in _without_seeds_of_others(found).items() if values}


def _hint_at_knobs(layout: TableLayout) -> str:
    """Return what to do where a column of hyperparameters is taken for results: seeds are there twice."""
    knobs = [layout.header[i] for i in layout.numbers if normal_name(layout.header[i]) in HYPERPARAMETERS]
    if not knobs:
        return ""
    return (
        f" The column {knobs[0]!r} was taken as the results of an experiment of that name. If it says which "
        "experiment a row is of, write its cells as text ("
        f"'{knobs[0]}=0.1') or name the column 'method'."
    )


def _without_seeds_of_others(columns: SeedValues) -> SeedValues:
    """Return a wide table without the empty cells of seeds that only other columns have.

    Where a column has fewer values than another, at seeds that all stand in that one too, and lacks less than
    half, what it lacks was lost: each other layout is that of groups with seeds of their own.
    """
    filled = {
        group: {seed for seed, value in values.items() if value is not None}
        for group, values in columns.items()
    }
    anywhere = set[int]().union(*filled.values())
    kept: SeedValues = {}
    for group, values in columns.items():
        has_lost = any(
            filled[group] < other and len(other) < 2 * len(filled[group]) for other in filled.values()
        )
        kept[group] = {
            seed: value
            for seed, value in values.items()
            if value is not None or has_lost or seed not in anywhere
        }
    return kept


def _column_of(path: Path, layout: TableLayout, column: str | None) -> int:
    """Return the column of numbers of a long table."""
    header, others = layout.header, layout.numbers
    named = [i for i in others if header[i] == column]
    named = named or [i for i in others if column and normal_name(header[i]) == normal_name(column)]
    if named or len(others) == 1:
        return (named or others)[0]
    if not others:
        raise UnreadableFile(
            f"{path}: {layout.words}; no other column holds numbers. Expected one number in each row, found "
            f"the columns: {', '.join(header)}."
        )
    known = ", ".join(header[i] for i in others)
    raise UnreadableFile(
        f"{path}: {layout.words}; which column is compared? Name one with --metric; there is: {known}."
    )


def _seed_in(layout: TableLayout, row: list[str], where: str) -> int:
    cell, name = row[layout.seed], layout.header[layout.seed]
    if not cell:
        raise UnreadableFile(
            f"{where}: the column {name!r}, taken as the seed, is empty. Give each row a whole number there, "
            "or leave the row out."
        )
    return _seed(cell, where)


def _cell(layout: TableLayout, row: list[str], i: int, where: str) -> float | None:
    try:
        value = number_of(row[i], decimal_comma=layout.decimal_comma)
        return None if value is None else bounded_value(value)
    except ValueError as error:
        raise UnreadableFile(
            f"{where}: {row[i]!r} is not a number. The column {layout.header[i]!r} is taken as one of "
            f"numbers; {layout.words}."
        ) from error


def _from_json(path: Path, text: str) -> SeedValues:
    try:
        content = parse_json(text, object_pairs_hook=_unique)
    except ValueError as error:
        raise UnreadableFile(f"{path}: is not JSON ({error}).") from error
    if not isinstance(content, Mapping):
        raise UnreadableFile(f"{path}: is not an object with an entry for each experiment.")
    found: SeedValues = {}
    for group, entry in content.items():
        values = entry.get("values", entry) if isinstance(entry, Mapping) else entry
        for seed, value in _entries(values):
            where = f"{path}, entry {group!r}"
            _put(found, group, _seed(seed, where), _number(value, where), where)
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; a name that stands twice is an error, not the loss of the first."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _entries(values: Any) -> list[tuple[Any, Any]]:
    """Return seeds with values; nothing of an entry that holds other things than numbers."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(values, Mapping):
        pairs = list(values.items())
    elif isinstance(values, list):
        pairs = list(enumerate(values))
    numbers = all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for _, v in pairs)
    return pairs if numbers else []


def _put(found: SeedValues, group: str, seed: int, value: float | None, where: str, hint: str = "") -> None:
    if not group:
        raise UnreadableFile(f"{where}: names no experiment.")
    if seed in found.setdefault(group, {}):
        raise UnreadableFile(f"{where}: seed {seed} of {group} is there twice.{hint}")
    found[group][seed] = value


def _seed(told: object, where: str) -> int:
    text = re.sub(r"^(?:seed|run|trial|fold|rep)[\s_-]*|\.0+$", "", str(told).strip().lower())
    try:
        return int(text)
    except ValueError as error:
        raise UnreadableFile(f"{where}: the seed {told!r} is not a whole number.") from error


def _number(told: object, where: str) -> float | None:
    """Return a number; one that no statistic can use counts as infinite, as in a run."""
    text = "" if told is None else str(told).strip()
    try:
        return bounded_value(float(text)) if text else None
    except ValueError as error:
        raise UnreadableFile(f"{where}: {told!r} is not a number.") from error
