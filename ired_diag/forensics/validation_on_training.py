"""A validation that reads the training data: then nothing measures what the model does on other data.

The configuration names one file or folder for training and one for validation under keys that differ in that
word alone (``train_path`` and ``val_path``; ``data.train`` and ``data.valid``), and both are the same path,
which itself names the training data (``electricity/train.parquet``). A folder that holds both splits
(``data/cifar``), or the name of a data set, is no sign: the program may choose the split in it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, labels_of, seeds_in_words
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

WORD = re.compile(r"[a-z]+")
TRAINING = frozenset("train training".split())
OTHER = frozenset("val valid validation dev eval evaluation test".split())
OF_A_PATH = re.compile(r"[/\\]|\.\w{1,8}$")


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and pair of keys that name one path of training data."""
    alike: dict[tuple[str, str, str, str], list[Run]] = defaultdict(list)
    for run in study.runs:
        for train_key, other_key, path in shared_paths(run.configuration or {}):
            alike[run.group, train_key, other_key, path].append(run)
    for (group, train_key, other_key, path), runs in alike.items():
        statement = (
            f"{group}: {other_key} and {train_key} are the same file, {path} ({seeds_in_words(runs)}): what "
            "is called validation or test there is measured on training data."
        )
        evidence: Evidence = {
            "group": group,
            "key": other_key,
            "train_key": train_key,
            "path": path,
            "runs": len(runs),
        }
        yield Finding(
            rule="validation_on_training",
            severity="warning",
            statement=statement,
            evidence=evidence,
            advice=f"Evaluate the checkpoints on the data that {other_key} is to name, and compare those.",
            runs=labels_of(runs),
        )


def shared_paths(configuration: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each key of training data, the key of other data next to it, and the path that both name.

    >>> list(shared_paths({"train_path": "d/train.csv", "val_path": "d/train.csv"}))
    [('train_path', 'val_path', 'd/train.csv')]
    >>> list(shared_paths({"train_dir": "data/cifar", "val_dir": "data/cifar"}))
    []
    """
    paths = {}
    for key, value in configuration.items():
        if isinstance(value, str) and OF_A_PATH.search(value) and _names_training(value):
            paths[key] = value
    for train_key, path in paths.items():
        for other_key, other_path in paths.items():
            if path == other_path and _differ_in_the_split(train_key, other_key):
                yield train_key, other_key, path


def _names_training(path: str) -> bool:
    """Say whether a path names training data and no other."""
    words = set(WORD.findall(path.lower()))
    return bool(words & TRAINING) and not words & OTHER


def _differ_in_the_split(train_key: str, other_key: str) -> bool:
    """Say whether two keys are alike but for a word: train in the first, validation or test in the second."""
    first, second = (WORD.findall(key.lower()) for key in (train_key, other_key))
    if len(first) != len(second):
        return False
    differing = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    return len(differing) == 1 and differing[0][0] in TRAINING and differing[0][1] in OTHER


RULE = Rule(
    name="validation_on_training",
    question="Does a validation read the training data?",
    find=find,
    consequence="conclusion",
    refuted_by="A program that takes another part of the file for validation, such as its last tenth.",
    near_miss="One folder or one data set named for both, of which the program takes the splits.",
    example="val_path is data/train.parquet, as train_path is.",
)
