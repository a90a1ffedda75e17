"""Tables of one number a seed: CSV or JSON, written by hand or by another tool.

CSV, wide or long; the first line names the columns (``readers.table_layout`` says which is what):

    seed,q101,q102            method,seed,mse
    0,0.00970,0.00981         q101,0,0.00970
    1,0.00971,0.00984         q102,0,0.00981

JSON, one entry an experiment: a list (the seeds are its positions), an object by seed, or an object whose
``values`` is one of these:

    {"q101": [0.00970, 0.00971], "q102": {"0": 0.00981}, "q103": {"values": [0.00979]}}

JSON lines, and a JSON list of objects, are tables with a row for each object (``record_table``).

An empty cell of a long table, and ``null``, are a seed without a value. In a wide table an empty cell may be
a seed that only another column has, and that does not belong to this experiment. ``nan`` and ``inf`` are
values: of a training that broke down. Rows of means and the like are left out, and so are entries of a JSON
file that hold no numbers (a title, published tests).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile
from ired_diag.finding import Finding
from ired_diag.json_text import parse_json
from ired_diag.readers.record_table import LINES, table_of_lines, table_of_records
from ired_diag.readers.run_columns import HYPERPARAMETERS, normal_name
from ired_diag.readers.table_cells import number_of
from ired_diag.readers.table_layout import TableLayout, layout_of
from ired_diag.readers.table_metric import metric_of_columns, metric_of_long
from ired_diag.readers.table_repetitions import FOLDS, notes_on_repetitions
from ired_diag.readers.table_results import layout_of_metric, with_only_result
from ired_diag.runs.range_of_numbers import bounded_value

SUFFIXES = (".csv", ".tsv", ".json", *LINES)
METRIC = re.compile(  # names that no experiment has
    r"(?:(?:train|training|val|valid|validation|test|eval)_)?(?:loss|acc|accuracy|mse|rmse|mae|nll|f1|auc|auroc"
    r"|r2|psnr|ssim|fid|bleu|perplexity|ppl|reward|return|error|precision|recall)"
)

SeedValues = dict[str, dict[int, float | None]]  # by experiment, by seed


def read_seed_table(path: Path, *, column: str | None = None) -> SeedValues:
    """Return the values of each experiment by seed; None where a seed has none.

    Args:
        path: A ``.csv``, ``.tsv``, ``.json`` or ``.jsonl`` file.
        column: The column to read of a long CSV with several columns of numbers.

    Raises:
        UnreadableFile: The file is missing or not such a table; the message names line or entry.
    """
    rows = text_of_rows(path)
    if rows is None:
        table = _from_json(path, _content(path))
    else:
        table = _from_csv(path, rows, column)
    if not table:
        raise UnreadableFile(f"{path}: holds no experiment with a value for each seed.")
    return table


def columns_of_table(path: Path) -> list[str]:
    """Return the columns of numbers of a long table, each a metric; none of a wide table, and of JSON."""
    rows = text_of_rows(path)
    if rows is None:
        return []
    layout = layout_of(path, rows)
    if not layout.groups:
        return []
    return [layout.header[i] for i in layout.numbers]


def metric_of_table(path: Path, groups: Sequence[str]) -> str | None:
    """Return what the numbers of a table measure (``readers.table_metric``); None where no name says it.

    Args:
        path: The table.
        groups: Its experiments, as ``read_seed_table`` names them.

    Raises:
        UnreadableFile: Names contradict each other: of some columns lower is better, of others higher.
    """
    rows = text_of_rows(path)
    if rows is not None:
        layout = layout_of(path, rows)
        if layout.groups:
            return metric_of_long(path, with_only_result(layout))
    return metric_of_columns(path, groups)


def notes_on_table(path: Path) -> list[Finding]:
    """Return what a reader of statistics should know of how a table counts its repetitions."""
    rows = text_of_rows(path)
    return [] if rows is None else notes_on_repetitions(layout_of(path, rows))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path}: cannot be read ({error}).") from error


def text_of_rows(path: Path) -> str | None:
    """Return a table of rows as CSV; None of a JSON object with an entry for each experiment."""
    if path.suffix.lower() in LINES:
        return table_of_lines(path, _text(path))
    if path.suffix.lower() != ".json":
        return _text(path)
    content = _content(path)
    if isinstance(content, list) and content and all(isinstance(record, Mapping) for record in content):
        return table_of_records(content)
    return None


def _content(path: Path) -> Any:
    try:
        return parse_json(_text(path), object_pairs_hook=_unique)
    except ValueError as error:
        raise UnreadableFile(f"{path}: is not JSON ({error}).") from error


def _from_csv(path: Path, text: str, column: str | None) -> SeedValues:
    layout = layout_of(path, text)
    if layout.groups:
        layout = layout_of_metric(path, layout, column)
        return values_of_long(path, layout if column else with_only_result(layout), column)
    return _from_wide(path, layout, column)


def values_of_long(path: Path, layout: TableLayout, column: str | None, *, group: str = "") -> SeedValues:
    """Return the numbers of a table with one in each row.

    Args:
        path: The table, for messages.
        layout: What its columns are.
        column: The column of numbers. Default: the only one.
        group: Name of the group where no column names it.

    Raises:
        UnreadableFile: A cell is not a number, a seed stands twice, or several columns may be the numbers.
    """
    return values_of_columns(path, layout, _column_of(path, layout, column), group=group)


def values_of_columns(path: Path, layout: TableLayout, place: int, *, group: str = "") -> SeedValues:
    """Return the numbers of one column by group and seed; ``group`` is the name where no column names it."""
    seeds = _seeds_of_rows(path, layout)
    hint = f" {layout.words}; no column says how the two rows differ."
    table: SeedValues = {}
    for (number, row), seed in zip(layout.rows, seeds, strict=True):
        where = f"{path}, row {number}"
        name = "/".join(_names_of_group(layout, row)) or group
        value = _cell(layout, row, place, where=where)
        _put(table, group=name, seed=seed, value=value, where=where, hint=hint)
    return table


def _names_of_group(layout: TableLayout, row: Sequence[str]) -> Iterator[str]:
    """Yield the names of a row's experiment; settings with their names: ``lr=0.1``."""
    for i in layout.groups:
        cell = row[i]
        if not cell:
            continue
        is_bare = i in layout.settings and "=" not in cell
        yield f"{layout.header[i]}={cell}" if is_bare else cell


def source_seeds_of_table(path: Path) -> dict[str, dict[int, dict[str, int]]]:
    """Return the seeds of single sources of each run of a table: by group, by seed, by column.

    Empty where a table has no column of such seeds. With a column of seeds next to them, it is among them.
    """
    rows = text_of_rows(path)
    if rows is None:
        return {}
    layout = layout_of(path, rows)
    if not layout.sources:
        return {}
    columns = dict.fromkeys([layout.seed, *layout.sources])
    table: dict[str, dict[int, dict[str, int]]] = {}
    for (number, row), seed in zip(layout.rows, _seeds_of_rows(path, layout), strict=True):
        stated = {}
        for place in columns:
            stated[layout.header[place]] = _seed_in(layout, place, row, f"{path}, row {number}")
        groups = [layout.header[i] for i in layout.numbers]
        if layout.groups:
            groups = ["/".join(_names_of_group(layout, row))]
        for group in groups:
            table.setdefault(group, {})[seed] = stated
    return table


def is_table_of_folds(path: Path) -> bool:
    """Say whether each value of a group is one fold of a cross-validation."""
    rows = text_of_rows(path)
    if rows is None:
        return False
    layout = layout_of(path, rows)
    return normal_name(layout.header[layout.seed]) in FOLDS and layout.repetition is None


def _seeds_by_source(path: Path, layout: TableLayout) -> list[int]:
    """Return a number for each row: equal for rows of several groups with equal seeds in everything.

    Rows of one group with equal seeds are repeated evaluations, and are told apart by their order.
    """
    keys: list[tuple[int, ...]] = []
    counts: Counter[tuple[object, ...]] = Counter()
    columns = [layout.seed, *layout.sources]
    if layout.repetition is not None:
        columns.append(layout.repetition)
    for number, row in layout.rows:
        where = f"{path}, row {number}"
        seeds = [_seed_in(layout, place, row, where) for place in columns]
        name = "/".join(_names_of_group(layout, row))
        counts[name, *seeds] += 1
        keys.append((*seeds, counts[name, *seeds]))
    number_of = {key: number for number, key in enumerate(sorted(set(keys)))}
    return [number_of[key] for key in keys]


def _seeds_of_rows(path: Path, layout: TableLayout) -> list[int]:
    """Return the seed of each row; with a second repetition, the number of its pair among all pairs."""
    if layout.sources:
        return _seeds_by_source(path, layout)
    seeds = []
    pairs = []
    for number, row in layout.rows:
        where = f"{path}, row {number}"
        seed = _seed_in(layout, layout.seed, row, where)
        seeds.append(seed)
        if layout.repetition is not None:
            again = _seed_in(layout, layout.repetition, row, where)
            pairs.append((seed, again))
    if not pairs:
        return seeds
    in_order = sorted(set(pairs))
    number_of = dict(zip(in_order, range(len(in_order)), strict=True))
    return [number_of[pair] for pair in pairs]


def _from_wide(path: Path, layout: TableLayout, column: str | None) -> SeedValues:
    groups = _groups_of_columns(path, layout, column)
    table: SeedValues = {name: {} for name in groups.values()}
    hint = _hint_at_knobs(layout)
    for (number, row), seed in zip(layout.rows, _seeds_of_rows(path, layout), strict=True):
        where = f"{path}, row {number}"
        for i, group in groups.items():
            value = _cell(layout, row, i, where=where)
            _put(table, group=group, seed=seed, value=value, where=where, hint=hint)
    kept = _without_seeds_of_others(table)
    return {group: values for group, values in kept.items() if values}


def _groups_of_columns(path: Path, layout: TableLayout, column: str | None) -> dict[int, str]:
    """Return the experiment of each column of a wide table; with ``column``, the file is the experiment."""
    names = {i: layout.header[i] for i in layout.numbers}
    if column in names.values():
        return {i: path.stem for i, name in names.items() if name == column}
    if len(names) > 1 and all(METRIC.fullmatch(normal_name(name)) for name in names.values()):
        raise UnreadableFile(
            f"{path}: the columns {', '.join(names.values())} are named as metrics, and no column names the "
            "experiment, such as a column 'method'. To read one of them as the results of one experiment: "
            "--metric NAME."
        )
    return names


def _hint_at_knobs(layout: TableLayout) -> str:
    """Return what to do where a column of hyperparameters is taken for results and seeds stand twice."""
    names = [layout.header[i] for i in layout.numbers]
    knobs = [name for name in names if normal_name(name) in HYPERPARAMETERS]
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
    filled: dict[str, set[int]] = {}
    anywhere: set[int] = set()
    for group, values in columns.items():
        filled[group] = {seed for seed, value in values.items() if value is not None}
        anywhere |= filled[group]
    kept: SeedValues = {}
    for group, values in columns.items():
        has_lost_values = any(_lacks_few_of(filled[group], other) for other in filled.values())
        kept[group] = {}
        for seed, value in values.items():
            if value is not None or has_lost_values or seed not in anywhere:
                kept[group][seed] = value
    return kept


def _lacks_few_of(own: set[int], other: set[int]) -> bool:
    return own < other and len(other) < 2 * len(own)


def _column_of(path: Path, layout: TableLayout, column: str | None) -> int:
    """Return the column of numbers of a long table."""
    header = layout.header
    numbers = layout.numbers
    named = [i for i in numbers if header[i] == column]
    if column and not named:
        named = [i for i in numbers if normal_name(header[i]) == normal_name(column)]
    if named:
        return named[0]
    if len(numbers) == 1:
        return numbers[0]
    if not numbers:
        raise UnreadableFile(
            f"{path}: {layout.words}; no other column holds numbers. Expected one number in each row, found "
            f"the columns: {', '.join(header)}."
        )
    choices = ", ".join(header[i] for i in numbers)
    raise UnreadableFile(
        f"{path}: {layout.words}; which column is compared? Name one with --metric; there is: {choices}."
    )


def _seed_in(layout: TableLayout, place: int, row: list[str], where: str) -> int:
    """Return the whole number that a row has in the column of seeds, or in that of the repetition."""
    cell = row[place]
    if not cell:
        name = layout.header[place]
        raise UnreadableFile(
            f"{where}: the column {name!r}, taken as the seed, is empty. Give each row a whole number there, "
            "or leave the row out."
        )
    return _seed(cell, where)


def _cell(layout: TableLayout, row: list[str], i: int, *, where: str) -> float | None:
    try:
        value = number_of(row[i], decimal_comma=layout.decimal_comma)
        return None if value is None else bounded_value(value)
    except ValueError as error:
        raise UnreadableFile(
            f"{where}: {row[i]!r} is not a number. The column {layout.header[i]!r} is taken as one of "
            f"numbers; {layout.words}."
        ) from error


def _from_json(path: Path, content: Any) -> SeedValues:
    if not isinstance(content, Mapping):
        raise UnreadableFile(f"{path}: is not an object with an entry for each experiment.")
    table: SeedValues = {}
    for group, entry in content.items():
        where = f"{path}, entry {group!r}"
        values = entry.get("values", entry) if isinstance(entry, Mapping) else entry
        for seed, value in _entries(values):
            _put(
                table,
                group=group,
                seed=_seed(seed, where),
                value=_number(value, where),
                where=where,
            )
    return table


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; a name that stands twice is an error, not the loss of the first."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return values


def _entries(values: Any) -> list[tuple[Any, Any]]:
    """Return seeds with values; nothing of an entry that holds other things than numbers."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(values, Mapping):
        pairs = list(values.items())
    elif isinstance(values, list):
        pairs = list(enumerate(values))
    for _, value in pairs:
        if not _is_number_or_null(value):
            return []
    return pairs


def _is_number_or_null(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return value is None or isinstance(value, int | float)


def _put(
    table: SeedValues, *, group: str, seed: int, value: float | None, where: str, hint: str = ""
) -> None:
    """Add a value to a table; a group without a name, or a seed that is there already, is an error."""
    if not group:
        raise UnreadableFile(f"{where}: names no experiment.")
    values = table.setdefault(group, {})
    if seed in values:
        raise UnreadableFile(f"{where}: seed {seed} of {group} is there twice.{hint}")
    values[seed] = value


def _seed(stated: object, where: str) -> int:
    text = str(stated).strip().lower()
    text = re.sub(r"^(?:seed|run|trial|fold|rep)[\s_-]*|\.0+$", "", text)
    try:
        return int(text)
    except ValueError as error:
        raise UnreadableFile(f"{where}: the seed {stated!r} is not a whole number.") from error


def _number(stated: object, where: str) -> float | None:
    """Return a number; a number that no statistic can use counts as infinite, as in a run."""
    text = "" if stated is None else str(stated).strip()
    if not text:
        return None
    try:
        return bounded_value(float(text))
    except ValueError as error:
        raise UnreadableFile(f"{where}: {stated!r} is not a number.") from error
