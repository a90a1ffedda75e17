"""Which columns of a log say whose row it is, where several runs stand in one log.

    experiment,seed,epoch,val_loss          {"run": "a", "seed": 1, "step": 0, "loss": 0.7}
    A,0,0,1.00                              {"run": "b", "seed": 2, "step": 0, "loss": 0.8}

Columns of well-known names (``run``, ``seed``, ``experiment``, ``method``, ``fold`` …) that vary split the
rows. Where rows still contradict each other at one step, one further column of texts, or of a
hyperparameter, that explains all of them splits the rows too. Where several columns would do so
differently, the log is refused. So it is where no column does, after columns of numbers that part the rows as
settings do (``setting_in_rows``): a row of one run is never taken for a later value of another.

A column that says which split was evaluated (``train``, ``val``) or which metric is in the column ``value``
is part of the metric's name and splits nothing: ``val/loss``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import UnreadableFile
from ired_diag.readers.row_table import Column, RowTable, contradictions
from ired_diag.readers.setting_in_rows import is_setting_of_runs, may_be_setting
from ired_diag.seed_sources import label_of_keys, source_of_key

SOURCE_SEEDS = "source_seeds"
FEWEST_DRAWN = 5  # rows
MOSTLY = 0.75  # of the rows
SEEDS = frozenset(("seed", "random_seed", "rng_seed", "manual_seed"))
RUNS = frozenset(
    """
    run run_id run_name runid run_number trial trial_id trial_name trial_number fold cv_fold rep repeat
    repetition replicate replica exp_id experiment_id uuid
    """.split()
)
EXPERIMENTS = frozenset(
    """
    experiment experiment_name exp exp_name group run_group method method_name model model_name algo
    algorithm agent approach variant config config_name condition arm setting settings dataset task env
    env_id env_name environment arch architecture optimizer name treatment system
    """.split()
)
NAMED_EXPERIMENT = frozenset(("experiment", "experiment_name", "exp_name"))
HYPERPARAMETERS = frozenset(
    """
    lr learning_rate batch_size bs width depth rank dim hidden hidden_size hidden_dim layers num_layers
    n_layers dropout weight_decay wd momentum beta alpha gamma lambda tau eta temperature sigma k n heads
    num_heads d_model
    """.split()
)
NEVER_RUNS = frozenset(
    """
    host hostname node nodename device gpu gpus gpu_name time timestamp date datetime day created created_at
    pid ip version commit git_commit git_sha status state note notes comment message msg event level logger
    job job_id slurm_job_id session attempt restart
    """.split()
)
SPLITS = frozenset(
    """
    train training val valid validation dev eval evaluation test testing holdout held_out ood id
    in_distribution out_of_distribution
    """.split()
)
MAIN_SPLITS = frozenset(
    ("train", "training", "val", "valid", "validation", "eval", "evaluation", "dev", "test")
)
METRIC_NAMES = ("metric", "metric_name", "tag", "variable", "measure", "quantity", "key", "name")
METRIC_VALUES = ("value", "values", "metric_value", "score")
NUMBER = re.compile(r"[-+.\d]+(?:e[-+]?\d+)?")

Partition = NDArray[np.int64]
# Whether restarts explain rows that contradict each other; from the first step on, they may.
Explanation = Literal["certain", "possible", "none"]


@dataclass(frozen=True)
class RunRows:
    """The rows of a run.

    Attributes:
        name: What the columns say of the run, together; empty where a log holds a single run.
        identity: The same as ``run``, ``experiment`` and ``seed``, as far as they are stated; seeds of single
            sources of randomness, by column, under ``SOURCE_SEEDS``.
        table: Its rows, without the columns that say whose they are.
    """

    name: str
    identity: Mapping[str, Any]
    table: RowTable


def normal_name(name: str) -> str:
    """Return a column's name in lower case with underscores, without the object that it stands in.

    >>> normal_name("config/Random Seed")
    'random_seed'
    """
    bare = re.sub(r"^(?:config|hparams|params|args|hyperparameters)/", "", name.strip().lower())
    return re.sub(r"[\s\-.]+", "_", bare)


def name_metrics(table: RowTable) -> RowTable:
    """Return a table with a column for each metric, where texts in a column name the split or the metric."""
    table = _spread_metrics(table)
    for name, values in table.texts.items():
        words = {value.strip().lower() for value in values}
        words.discard("")
        if words and words <= SPLITS and words & MAIN_SPLITS:
            return _prefixed(table, name)
    return table


def split_runs(
    table: RowTable, path: object, *, explanation: Callable[[RowTable], Explanation]
) -> list[RunRows]:
    """Return the rows of each run, in the order in which the runs begin.

    Args:
        table: The rows of a log.
        path: The log, for the message.
        explanation: Says of the rows of one run whether rows that contradict each other come from restarts.

    Raises:
        UnreadableFile: Rows contradict each other, and no column or several say whose they are.
    """
    columns = [name for name in _column_names(table) if _names_runs(table, name)]
    if _is_drawn_for_each_row(table, columns):
        columns = []  # an episode is played with a seed of its own
    explanations = _explanations(table, columns, explanation)
    if explanations - {"certain"}:
        needed = "none" in explanations
        columns += _further_columns(table, columns, path, needed=needed)
    if not columns:
        single = _without(table, _constant_seeds(table))
        return [RunRows("", _constants(table, NAMED_EXPERIMENT), single)]
    parts = _partition(table, columns)
    bare = _without(table, [*columns, *_constant_seeds(table)])
    _, first_rows = np.unique(parts, return_index=True)
    runs = []
    for first in sorted(first_rows.tolist()):
        identity = _constants(table, EXPERIMENTS) | _identity(table, columns, first)
        labels = [f"{column}={_label(table, column, first)}" for column in columns]
        rows = bare.only(parts == parts[first])
        runs.append(RunRows(",".join(labels), identity, rows))
    return runs


def _is_drawn_for_each_row(table: RowTable, columns: Sequence[str]) -> bool:
    """Say whether the only column that splits rows is a seed that is another one in each."""
    is_seed = len(columns) == 1 and normal_name(columns[0]) in SEEDS
    if not is_seed or len(table) < FEWEST_DRAWN:
        return False
    seeds = np.unique(_partition(table, columns))
    counts_on = np.diff(table.steps) == 1
    return len(seeds) == len(table) and float(np.mean(counts_on)) >= MOSTLY


def _explanations(
    table: RowTable, columns: Sequence[str], explanation: Callable[[RowTable], Explanation]
) -> set[Explanation]:
    """Return the explanations of the runs that columns split a table into."""
    parts = _partition(table, columns)
    bare = _without(table, columns)
    explanations = set()
    for part in np.unique(parts):
        rows = bare.only(parts == part)
        explanations.add(explanation(rows))
    return explanations


def _column_names(table: RowTable) -> list[str]:
    return [*table.texts, *table.columns]


def _spread_metrics(table: RowTable) -> RowTable:
    """Return a table with a column for each metric, where a column names the metric and another its value."""
    named = _first_named(table.texts, METRIC_NAMES)
    valued = _first_named(table.columns, METRIC_VALUES)
    if named is None or valued is None:
        return table
    columns = dict(table.columns)
    texts = dict(table.texts)
    values = columns.pop(valued)
    labels = np.array(texts.pop(named), dtype=object)
    for label, part in _by_label(values, labels).items():
        columns[label or valued] = part
    return replace(table, columns=columns, texts=texts)


def _first_named(names: Iterable[str], choices: Sequence[str]) -> str | None:
    """Return the first of the names that is the first of the choices which any of them is."""
    by_normal_name: dict[str, str] = {}
    for name in names:
        by_normal_name.setdefault(normal_name(name), name)
    for choice in choices:
        if choice in by_normal_name:
            return by_normal_name[choice]
    return None


def _prefixed(table: RowTable, split: str) -> RowTable:
    """Return a table whose metrics are named with the split that a column of texts states."""
    words = [value.strip().lower() for value in table.texts[split]]
    labels = np.array(words, dtype=object)
    columns: dict[str, Column] = {}
    for name, column in table.columns.items():
        if _is_identity(name) or normal_name(name) == "epoch":
            columns[name] = column
            continue
        for word, part in _by_label(column, labels).items():
            key = name if _has_word(name, word) else f"{word}/{name}"
            if key in columns:
                part = _merged(columns[key], part)
            columns[key] = part
    texts = dict(table.texts)
    del texts[split]
    return replace(table, columns=columns, texts=texts)


def _by_label(column: Column, labels: NDArray[np.object_]) -> dict[str, Column]:
    """Return the numbers of a column by the label of their row, in the order of the rows."""
    labels_of_column = labels[column.rows]
    parts = {}
    for label in dict.fromkeys(labels_of_column.tolist()):
        inside = labels_of_column == label
        parts[label] = Column(column.rows[inside], column.values[inside])
    return parts


def _has_word(name: str, word: str) -> bool:
    return not word or re.search(rf"(?i)(?:^|[^a-z]){word}(?:$|[^a-z])", name) is not None


def _merged(first: Column, second: Column) -> Column:
    rows = np.concatenate([first.rows, second.rows])
    values = np.concatenate([first.values, second.values])
    order = np.argsort(rows, kind="stable")
    return Column(rows[order], values[order])


def _is_identity(name: str) -> bool:
    return normal_name(name) in SEEDS | RUNS | EXPERIMENTS


def _names_runs(table: RowTable, name: str) -> bool:
    """Say whether a column of a well-known name varies between the runs of a log, and not from row to row.

    Where the steps only rise through the file and each value stands in one block, a resumed training changed
    it.
    """
    well_known = SEEDS | RUNS
    if name in table.texts:
        well_known |= EXPERIMENTS
    if normal_name(name) not in well_known or not _is_candidate(table, name):
        return False
    codes = _codes(table, name)
    changes = np.diff(codes) != 0
    is_in_blocks = int(np.sum(changes)) == len(np.unique(codes)) - 1
    rises = np.diff(table.steps)
    never_falls = bool(np.all(rises >= 0))
    rises_at_changes = bool(np.all(rises[changes] > 0))
    return not (is_in_blocks and never_falls and rises_at_changes)


def _is_candidate(table: RowTable, name: str) -> bool:
    """Say whether every row has a value of a column, a whole one if a number, and rows share values.

    In a table with a row for each run, whose rows stand at the same steps, no two rows share a value of a
    well-known column.
    """
    values = _values_of_all_rows(table, name)
    distinct = len(set(values))
    if distinct < 2:
        return False
    if distinct <= len(values) / 2:
        return True
    has_row_for_each_run = 2 * len(np.unique(table.steps)) <= len(table)
    return _is_identity(name) and has_row_for_each_run and bool(contradictions(table, table.steps))


def _values_of_all_rows(table: RowTable, name: str) -> Sequence[object]:
    """Return a column's values; none where a row has none, or has a number that names nothing."""
    if name in table.texts:
        texts = table.texts[name]
        return texts if all(texts) else []
    column = table.columns[name]
    if len(column.rows) != len(table) or not np.all(np.isfinite(column.values)):
        return []
    is_whole = bool(np.all(column.values == np.rint(column.values)))
    if not is_whole and normal_name(name) not in HYPERPARAMETERS:
        return []
    values: list[object] = column.values.tolist()
    return values


def _further_columns(table: RowTable, columns: Sequence[str], path: object, *, needed: bool) -> list[str]:
    """Return the further columns that are needed to say whose each row is.

    Args:
        table: The rows of a log.
        columns: The columns that already say it in part.
        path: The log, for the message.
        needed: Whether the rows cannot be read without further columns; else there may be none.

    Raises:
        UnreadableFile: There are none although they are needed, or several that disagree.
    """
    candidates = []
    for name in _column_names(table):
        if name not in columns and _may_name_runs(table, name) and _is_candidate(table, name):
            candidates.append(name)
    sufficient = [name for name in candidates if _tells_apart(table, [*columns, name])]
    partitions = {_partition(table, [*columns, name]).tobytes() for name in sufficient}
    if len(partitions) == 1:
        return sufficient[:1]
    if not sufficient:
        if needed and candidates and _tells_apart(table, [*columns, *candidates]):
            return candidates
        settings = _settings(table, columns, path)
        if settings or not needed:
            return settings
    raise _unclear_rows(table, columns, path, unclear=sufficient or _unclear(table, columns))


def _settings(table: RowTable, columns: Sequence[str], path: object) -> list[str]:
    """Return the columns of numbers that are settings by how they part the rows (``setting_in_rows``).

    Raises:
        UnreadableFile: Several columns part the rows, and differently.
    """
    choices = []
    for name, column in table.columns.items():
        normal = normal_name(name)
        if name in columns or normal in NEVER_RUNS | RUNS | SEEDS:
            continue
        if may_be_setting(name, normal, column, len(table)):
            choices.append(name)
    sufficient = []
    partitions = set()
    for name in choices:
        if _are_settings(table, columns, [name]):
            sufficient.append(name)
            partition = _partition(table, [name])
            partitions.add(partition.tobytes())
    if len(partitions) > 1:
        raise _unclear_rows(table, columns, path, unclear=sufficient)
    if sufficient:
        return sufficient[:1]
    if len(choices) > 1 and _are_settings(table, columns, choices):
        return choices
    return []


def _are_settings(table: RowTable, columns: Sequence[str], names: Sequence[str]) -> bool:
    """Say whether columns tell the rows of each step apart, and part them as settings do."""
    if not _tells_apart(table, [*columns, *names]):
        return False
    runs = _partition(table, columns)
    values = _partition(table, names)
    own_columns = [table.columns[name] for name in names]
    return is_setting_of_runs(table, runs, values, own_columns)


def _may_name_runs(table: RowTable, name: str) -> bool:
    normal = normal_name(name)
    if normal in NEVER_RUNS:
        return False
    return name in table.texts or normal in EXPERIMENTS | HYPERPARAMETERS


def _unclear_rows(
    table: RowTable, columns: Sequence[str], path: object, *, unclear: Sequence[str]
) -> UnreadableFile:
    """Return the error that it is unclear whose the rows are."""
    steps = contradictions(table, _places(table, columns))
    reason = "no column says whose they are"
    if unclear:
        listed = ", ".join(map(repr, unclear))
        plural = "s" if len(unclear) > 1 else ""
        reason = f"it is unclear whose they are (column{plural} {listed}?)"
    return UnreadableFile(
        f"{path}: expected one row for each step of a run, found {steps} steps with several rows that "
        f"differ, and {reason}. Several runs in one file need a column named 'run', 'experiment' or 'seed'."
    )


def _unclear(table: RowTable, columns: Sequence[str]) -> list[str]:
    """Return the columns of numbers that may say whose a row is, but whose names do not say so."""
    unclear = []
    for name in table.columns:
        if name in columns or not _is_candidate(table, name):
            continue
        if _tells_apart(table, [*columns, name]):
            unclear.append(name)
    return unclear


def _tells_apart(table: RowTable, columns: Sequence[str]) -> bool:
    return not contradictions(table, _places(table, columns))


def _places(table: RowTable, columns: Sequence[str]) -> Partition:
    """Return a number for the run, by these columns, the epoch and the step of each row."""
    keys = [_partition(table, columns), table.steps]
    epochs = epoch_column(table)
    if epochs is not None:
        keys.append(np.rint(epochs * 1000).astype(np.int64))
    return numbered(*keys)


def epoch_column(table: RowTable) -> NDArray[np.float64] | None:
    """Return the epoch of each row, of shape (rows,), where every row states it next to a step."""
    for name, column in table.columns.items():
        if normal_name(name) == "epoch" and len(column.rows) == len(table):
            is_finite = np.all(np.isfinite(column.values))
            return column.values if is_finite else None
    return None


def numbered(*keys: NDArray[Any]) -> Partition:
    """Return a number for each combination of the keys, each of shape (rows,)."""
    codes = np.zeros(len(keys[0]), dtype=np.int64)
    for key in keys:
        _, inverse = np.unique(key, return_inverse=True)
        width = int(inverse.max(initial=0)) + 1
        combined = codes * width + inverse
        # Numbered again after each key: products of many keys would overflow.
        _, codes = np.unique(combined, return_inverse=True)
    return codes


def _partition(table: RowTable, columns: Sequence[str]) -> Partition:
    """Return a number for each combination of what columns hold, of shape (rows,)."""
    keys = [_codes(table, name) for name in columns]
    return numbered(np.zeros(len(table), dtype=np.int64), *keys)


def _codes(table: RowTable, name: str) -> Partition:
    """Return a number for each value of a column, of shape (rows,)."""
    if name in table.columns:
        _, codes = np.unique(table.columns[name].values, return_inverse=True)
        return codes
    texts = table.texts[name]
    number = {text: n for n, text in enumerate(dict.fromkeys(texts))}
    return np.array([number[text] for text in texts], dtype=np.int64)


def _label(table: RowTable, name: str, row: int) -> str:
    if name in table.texts:
        return table.texts[name][row].strip()
    return f"{table.columns[name].values[row]:g}"


def _identity(table: RowTable, columns: Sequence[str], row: int) -> dict[str, Any]:
    """Return run, experiment and seed of a row, as far as columns state them."""
    runs: list[str] = []
    experiments: list[str] = []
    identity: dict[str, Any] = {}
    source_seeds: dict[str, int] = {}
    for name in columns:
        label = _label(table, name, row)
        normal = normal_name(name)
        is_number = NUMBER.fullmatch(label) is not None
        if source_of_key(normal) is not None and re.fullmatch(r"\d{1,18}", label):
            source_seeds[name] = int(label)
        elif normal in SEEDS and re.fullmatch(r"\d{1,18}", label):
            identity["seed"] = int(label)
        elif normal in RUNS | SEEDS:
            runs.append(f"{normal}{label}" if is_number else label)
        else:
            experiments.append(f"{normal}={label}" if is_number else label)
    if source_seeds:
        identity[SOURCE_SEEDS] = source_seeds
        if "seed" not in identity:
            runs.append(label_of_keys(source_seeds))
    if runs:
        identity["run"] = ",".join(runs)
    if experiments:
        identity["experiment"] = ",".join(experiments)
    return identity


def _constant_seeds(table: RowTable) -> list[str]:
    """Return the columns that state the same seed in every row."""
    names = []
    for name, column in table.columns.items():
        if normal_name(name) in SEEDS and len(np.unique(column.values)) == 1:
            seed = float(column.values[0])
            if seed.is_integer() and seed >= 0:
                names.append(name)
    return names


def _constants(table: RowTable, experiments: frozenset[str]) -> dict[str, Any]:
    """Return the seed that all rows state alike, and the experiment in a column of one of these names."""
    identity: dict[str, Any] = {}
    for name in _constant_seeds(table):
        identity["seed"] = int(table.columns[name].values[0])
    for name, texts in table.texts.items():
        values = set(texts)
        is_constant = len(values) == 1 and all(values)
        if normal_name(name) in experiments and is_constant:
            identity["experiment"] = texts[0].strip()
    return identity


def _without(table: RowTable, names: Sequence[str]) -> RowTable:
    columns = dict(table.columns)
    texts = dict(table.texts)
    for name in names:
        columns.pop(name, None)
        texts.pop(name, None)
    return replace(table, columns=columns, texts=texts)
