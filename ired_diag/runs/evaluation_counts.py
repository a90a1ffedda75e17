"""On how many samples each evaluation rests, and which evaluations are of the same data.

A number of samples stands next to a result (``"eval_samples": 872`` in ``eval_results.json``) or is logged as
a metric (``val/num_samples``), of which the last value counts. Two evaluations are siblings where they are of
one metric, or one logged count, and of the same data: of one group, whose seeds differ in nothing else, or of
configurations that state the same data set or task.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.runs.metric_words import SPLITS, TEST_SPLITS, words_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

OF_A_SEED = re.compile(r"(?i)(?:seed|run|fold|version|trial)?[_-]?\d+")
COUNTS = frozenset(("samples", "examples"))
AROUND_A_COUNT = frozenset(("num", "n", "number", "of", "total", "count", "size", *COUNTS))
DATA = frozenset("dataset dataset_name task task_name data data_dir dataset_config rank ood split".split())
PARTS = frozenset(  # settings that ask for fewer samples
    """
    limit max_eval_samples max_test_samples max_val_samples max_predict_samples num_test_samples
    num_eval_samples eval_samples test_samples limit_val_batches limit_test_batches val_fraction eval_fraction
    subset fraction debug fast_dev_run smoke_test eval_batches val_batches validation_batches
    """.split()
)

Settings = tuple[tuple[str, str], ...]  # key and value


@dataclass(frozen=True, kw_only=True)
class SampleCount:
    """The number of samples of one evaluation.

    Attributes:
        group: The run's group, or the evaluation's name.
        label: The run's seed, or the file.
        metric: What was evaluated, or the logged count.
        data: What the configuration says of the data; empty where it says nothing.
        parts: Settings that ask for fewer samples.
        samples: The number.
        where: Where it stands.
    """

    group: str
    label: str
    metric: str
    data: Settings
    parts: Settings
    samples: int
    where: str


def sample_counts(study: Study) -> Iterator[SampleCount]:
    """Yield the number of samples of each evaluation that states one."""
    for record in study.evaluations:
        group = record.experiment or name_by_folder(record.path)
        yield from _stated_counts(record, group, record.path.parent.name)
    for run in study.runs:
        yield from _stated_counts(run, run.group, run.seed_label)
    for run in study.runs:
        yield from _logged_counts(run)


def _stated_counts(record: Run, group: str, label: str) -> Iterator[SampleCount]:
    """Yield the number of samples of each final result that states one."""
    for result in record.results:
        if result.n is None or result.error or result.partial:
            continue
        yield SampleCount(
            group=group,
            label=label,
            metric=f"{result.metric} {result.data}".strip(),
            data=_chosen(record.configuration, DATA),
            parts=_chosen(record.configuration, PARTS),
            samples=result.n,
            where=result.where,
        )


def _logged_counts(run: Run) -> Iterator[SampleCount]:
    """Yield the last value of each metric that is a number of samples."""
    for name, series in run.history.series.items():
        if not is_sample_count(name) or not len(series):
            continue
        count = series.values[-1]
        if not np.isfinite(count):
            continue
        yield SampleCount(
            group=run.group,
            label=run.seed_label,
            metric=name,
            data=_chosen(run.configuration, DATA),
            parts=_chosen(run.configuration, PARTS),
            samples=int(count),
            where=f"step {series.steps[-1]}",
        )


def name_by_folder(file: Path) -> str:
    """Return the name of the folder that a file of results lies in, or of the one around a seed's folder.

    >>> name_by_folder(Path("ours/seed3/eval_results.json")), name_by_folder(Path("bert/eval_results.json"))
    ('ours', 'bert')
    """
    folder = file.parent
    return folder.parent.name if OF_A_SEED.fullmatch(folder.name) else folder.name


def is_sample_count(name: str) -> bool:
    """Say whether a metric is the number of samples of an evaluation.

    >>> is_sample_count("val/num_samples"), is_sample_count("eval_samples_per_second")
    (True, False)
    >>> is_sample_count("train/num_samples"), is_sample_count("test_n_examples")
    (False, True)
    """
    words = set(words_of(name))
    splits = words.intersection((*SPLITS, *TEST_SPLITS))
    rest = words - splits
    return bool(splits) and bool(COUNTS & rest) and rest <= AROUND_A_COUNT


def _chosen(configuration: Mapping[str, Any] | None, keys: frozenset[str]) -> Settings:
    """Return the settings of given keys, sorted, as text."""
    chosen: list[tuple[str, str]] = []
    for key, value in (configuration or {}).items():
        last = key.rpartition(".")[2]
        if last.lower() in keys:
            chosen.append((key, str(value)))
    return tuple(sorted(chosen))
