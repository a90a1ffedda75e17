"""To what a result belongs: the model, its checkpoint, the data, the evaluation's name.

A configuration says it, and lines that stand before the result: ``Evaluating model: a``, ``Loading
checkpoint from: a/model-1.pt``, ``Dataset: Inverse matrices (20x20)``, ``Difficulty: ood=True, rank=20``,
``Num examples = 408``. What is said holds until something else is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

CHECKPOINT = re.compile(
    r"(?i)\b(?:load(?:ing|ed)|restor(?:ing|ed)|using|evaluat(?:ing|ed)|test(?:ing|ed)?)\b"
    r"[^:=]*?\b(?:checkpoint|model|weights|ckpt)s?\b(?: path)?(?: from| at)?(?:\s*[:=]\s*|\s+)"
    r"['\"]?(?P<path>[^\s'\",]*[./][^\s'\",]+)"
    r"|^(?:checkpoint|ckpt)(?: path)?\s*[:=]\s*(?P<named>\S+)"
)
DIFFICULTY = re.compile(r"(?i)\bood\s*[=:]\s*(?P<ood>true|false|yes|no|1|0)\b")
RANK = re.compile(r"(?i)\brank\s*[=:]\s*(\d{1,5})\b")
OF_MATRICES = re.compile(r"(?i)\bood\b|\bdifficulty\b|\bmatri")
DATASET = re.compile(
    r"(?i)^(?:test |eval(?:uation)? )?data ?set\s*[:=]\s*(?P<name>[^,;]+?)"
    r"\s*(?:\((?P<rows>\d+)x(?P=rows)\))?$"
)
INVERSE = re.compile(r"(?i)^inverse(?: matrices)?$|^matrix inver\w+$")
SAMPLES = re.compile(
    r"(?i)\b(?:num(?:ber of)?[ _]?(?:test[ _]|eval\w*[ _])?(?:examples|samples|images)"
    r"|(?:eval|test|predict)_samples)\s*[:=]\s*(\d+)\b"
    r"|\b(?:on|over)\s+(\d+)\s+(?:\w+ )?(?:images|samples|examples|problems|matrices|episodes)\b"
)
WEIGHTS = (".pt", ".pth", ".ckpt", ".safetensors", ".bin", ".pkl", ".h5")
USUAL_FILE = re.compile(  # names that every run's checkpoint has
    r"(?i)(?:final|best|last)?[_-]?(?:model|checkpoint|ckpt|weights|pytorch_model)?s?"
    r"[_-]?(?:best|last|final|ema)?[_-]?\d*|epoch=\d+.*|step[=_-]?\d+"
)
PATHS = ("checkpoint", "checkpoint_path", "ckpt_path", "model_path", "resume")


@dataclass(frozen=True, kw_only=True)
class Context:
    """What is said about the results that follow.

    Attributes:
        model: Name of the model.
        model_is_named: Whether a line names it; else it is named by its checkpoint.
        checkpoint: Path of the checkpoint.
        checkpoints: Paths of the checkpoints that the configuration lists.
        experiment: Name of the evaluation.
        dataset: Name of the data set.
        rank: Rank of the matrices.
        ood: Whether the data are out of distribution.
        n: Number of samples.
        evaluation_mode: Whether the configuration asks for an evaluation.
    """

    model: str = ""
    model_is_named: bool = False
    checkpoint: str = ""
    checkpoints: tuple[str, ...] = ()
    experiment: str = ""
    dataset: str = ""
    rank: int | None = None
    ood: bool | None = None
    n: int | None = None
    evaluation_mode: bool = False

    def of_model(self, name: str) -> Context:
        """Return the context of results of a model that a line names."""
        only = self.checkpoints[0] if len(self.checkpoints) == 1 else ""
        return replace(self, model=name, model_is_named=True, checkpoint=only)

    def stated(self) -> dict[str, Any]:
        """Return what is said, by the names that an ``EvaluationResult`` has for it."""
        stated = {}
        for name in ("model", "checkpoint", "experiment", "dataset", "rank", "ood", "n"):
            value = getattr(self, name)
            if value not in (None, ""):
                stated[name] = value
        return stated


def context_of(configuration: Mapping[str, Any]) -> Context:
    """Return what a configuration, or another object of names and values, says."""
    paths = (_text(configuration.get(key)) for key in PATHS)
    path = next(filter(None, paths), "")
    listed = configuration.get("model_checkpoints")
    rank = configuration.get("rank")
    ood = configuration.get("ood")
    is_rank = isinstance(rank, int) and not isinstance(rank, bool)
    return Context(
        model=model_of(path) if path else "",
        checkpoint=path,
        checkpoints=tuple(map(str, listed)) if isinstance(listed, list) else (),
        experiment=_text(configuration.get("experiment_name")),
        dataset=_text(configuration.get("dataset")),
        rank=rank if is_rank else None,
        ood=ood if isinstance(ood, bool) else None,
        evaluation_mode=bool(configuration.get("evaluation_mode")),
    )


def context_after(context: Context, text: str) -> Context:
    """Return the context after a line."""
    path = CHECKPOINT.search(text)
    if path:
        checkpoint = path["path"] or path["named"]
        model = context.model if context.model_is_named else model_of(checkpoint)
        context = replace(context, checkpoint=checkpoint, model=model)
    ood = DIFFICULTY.search(text)
    if ood:
        context = replace(context, ood=ood["ood"].lower() in ("true", "yes", "1"))
    rank = RANK.search(text)
    if rank and OF_MATRICES.search(text):  # else a process of several
        context = replace(context, rank=int(rank[1]))
    dataset = DATASET.match(text)
    if dataset:
        name = "inverse" if INVERSE.match(dataset["name"]) else dataset["name"]
        rows = int(dataset["rows"]) if dataset["rows"] else context.rank
        context = replace(context, dataset=name, rank=rows)
    samples = SAMPLES.search(text)
    if samples:
        context = replace(context, n=int(samples[1] or samples[2]))
    return context


def model_of(name: str) -> str:
    """Return a model's name: a path's folder where the file is named like every other.

    >>> model_of("results/q103_seed3/model-100.pt"), model_of("weights/resnet50.pth"), model_of("gpt2")
    ('q103_seed3', 'resnet50', 'gpt2')
    """
    name = name.strip().rstrip("./…").strip("'\"")
    if not re.search(r"[/.]", name):
        return name
    path = Path(name)
    while USUAL_FILE.fullmatch(path.stem) and path.parent.name:
        path = path.parent
    return path.stem if path.suffix in WEIGHTS else path.name


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
