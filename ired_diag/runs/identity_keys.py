"""Which keys of configurations only identify a run: they neither split a group nor make a difference.

By name: ids, paths, dates, hosts, users, tags, devices, worker counts, ports, notes, seeds, the fold of a
cross-validation, and the rank of a process among those of one training (``runs.process_ranks``). By value: a
name that no two runs share; text that is a path, a date or an identifier, that differs in every one of four
runs or more, or that says the same in all runs once each run's own seed and label are taken out of it
(``flowA-0``, ``flowA-1``). What names a model, data or an optimiser is a setting and never among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ired_diag.config_keys import METADATA
from ired_diag.runs.fold_keys import fold_number, is_fold_key
from ired_diag.runs.process_ranks import is_process_rank

ALWAYS = frozenset((*METADATA, "experiment_name"))
# The last word of a key, or the whole key, that says where, when, by whom or on what a run was made.
BY_WORD = frozenset(
    """
    comment comments commit date datetime desc description device devices dir directory dirs folder gpu gpus
    host hostname id ids identifier job jobid logdir node nodename note notes path paths pid port rundir sha
    started tag tags timestamp uid url user username uuid wandb worker workers workspace
    """.split()
)
WHOLE = frozenset(
    "cuda_visible_devices gpu_id gpu_ids machine master_addr resume time start_time end_time".split()
)
# With one of these words, a name, an id or a path says what was trained, or on what.
OF_A_SETTING = frozenset(
    """
    algo algorithm base data dataset datasets embedding env environment game init layer loss method model
    network norm optim optimizer policy pretrained scheduler student task teacher test tokenizer train val
    validation vocab
    """.split()
)
NAMES = frozenset(("name", "names", "group"))  # a name that several runs share is the name of a group
WORKERS = re.compile(r"(?:^|_)(?:n|num|number_of)_(?:\w+_)?(?:procs|processes|threads|cpus|jobs)$")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T _].*)?|\d{8}[-_T]\d{4,6}|\d{1,2}:\d{2}(?::\d{2})?")
IDENTIFIER = re.compile(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?=.*\d)[0-9a-f]{12,64}")
ROOTS = ("/", "./", "../", "~/", "s3://", "gs://")
FEWEST_UNIQUE = 4  # runs: text that differs in each of so many is an identifier, not a choice


@dataclass(frozen=True)
class Labelled:
    """A configuration, and the seed and label of its run."""

    values: Mapping[str, Any]
    seed: int | None
    label: str


def identifies_by_name(key: str) -> bool:
    """Say whether a key only identifies a run, by its name.

    >>> [identifies_by_name(key) for key in ("log_dir", "host", "data_dir", "lr", "trainer.seed")]
    [True, True, False, False, True]
    """
    words = _words(key)
    if key in ALWAYS or _is_seed(words) or "git" in words:
        return True
    if _is_of_a_setting(words):
        return False
    last = "_".join(_words(key.rpartition(".")[2]))
    if last in WHOLE or words[-1] in BY_WORD:
        return True
    return WORKERS.search(last) is not None


def identity_keys(runs: Iterable[Labelled]) -> frozenset[str]:
    """Return the keys that only identify a run among the given ones."""
    runs = list(runs)
    identifying: set[str] = set()
    keys = set(chain.from_iterable(run.values for run in runs))
    configurations = [run.values for run in runs]
    for key in keys:
        if identifies_by_name(key) or is_process_rank(key, configurations) or _identifies_by_value(key, runs):
            identifying.add(key)
        elif _is_fold(key, configurations):
            identifying.add(key)
    return frozenset(identifying)


def _identifies_by_value(key: str, runs: Sequence[Labelled]) -> bool:
    members = [run for run in runs if key in run.values]
    values = [run.values[key] for run in members]
    if not all(map(_is_filled_text, values)):
        return False
    distinct = len(set(values))
    words = _words(key)
    if distinct < 2 or _is_of_a_setting(words):
        return False
    is_name = words[-1] in NAMES
    if distinct == len(values) and (is_name or len(values) >= FEWEST_UNIQUE):
        return True
    if all(map(_is_place_or_identifier, values)):
        return True
    texts = {_without_own(run.values[key], run) for run in members}
    return len(texts) == 1


def _is_fold(key: str, configurations: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether a key tells the fold of a cross-validation that each run holds out."""
    if not is_fold_key(key):
        return False
    return all(fold_number(values[key]) is not None for values in configurations if key in values)


def _is_filled_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_place_or_identifier(value: str) -> bool:
    if _is_path(value):
        return True
    return any(pattern.fullmatch(value) for pattern in (DATE, IDENTIFIER))


def _is_path(value: str) -> bool:
    return value.startswith(ROOTS) and "/" in value


def _without_own(value: str, run: Labelled) -> str:
    """Return a text without the seed and the label of its run."""
    if run.label:
        value = value.replace(run.label, "\0")
    if run.seed is not None:
        value = re.sub(rf"(?<!\d)0*{run.seed}(?!\d)", "\0", value)
    return value


def _is_seed(words: Sequence[str]) -> bool:
    if "seed" in words or "seeds" in words:
        return True
    return list(words[-2:]) == ["random", "state"]


def _is_of_a_setting(words: Sequence[str]) -> bool:
    return bool(OF_A_SETTING & set(words))


def _words(key: str) -> list[str]:
    """Return the words of a key in lower case: of ``logDir``, ``log-dir`` and ``log.dir`` alike."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()
    return re.findall(r"[a-z0-9]+", text) or [""]
