"""What probes are put to: the checkpoints of a run, or a user's own model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

import ired_diag
from ired_diag import tasks
from ired_diag.errors import NotApplicable
from ired_diag.finding import Finding
from ired_diag.model.schedule import clean_schedule
from ired_diag.own_model import fingerprint, read_own_model
from ired_diag.probing.probe import Probe
from ired_diag.probing.tables import Key
from ired_diag.runs.checkpoint import Weights, read_checkpoint
from ired_diag.runs.checkpoint_choice import choose_checkpoints
from ired_diag.runs.probe_folder import OUT, output_folder
from ired_diag.runs.run import Run
from ired_diag.runs.store import folder_name
from ired_diag.subject import NoEnergy, NoProblems, Subject
from ired_diag.task import StoredModel, Task
from ired_diag.training.point import training_point

OWN_WEIGHTS: tuple[Weights, ...] = ("raw",)  # a user's own model has one set, whatever it is
# Of a configuration, what changes no number of a checkpoint that is there.
IRRELEVANT = ("experiment_name", "train_steps", "checkpoint_every", "validate_every", "log_every")


@dataclass(frozen=True)
class Target:
    """A model at one step, not yet read.

    Attributes:
        label: Of the run or model, in messages.
        source: Its folder or file.
        file: The checkpoint's file, or the model's.
        folder: Where tables and pictures go.
        read: Reads it.
        last: Whether it is the last of its run that is looked at.
        run: The run; None for a model of the user's own alone.
    """

    label: str
    source: Path
    file: Path
    folder: Path
    read: Callable[[], Opened]
    last: bool = True
    run: Run | None = None


@dataclass(frozen=True)
class Opened:
    """A model that was read.

    Attributes:
        step: Of training, if told.
        weights: Those that are there.
        subjects: Makes what a probe is put to with certain weights.
        digest: Tells its tensors from others, for given weights.
        notes: What is odd about it.
    """

    step: int | None
    weights: tuple[Weights, ...]
    subjects: Callable[[Weights], Subject]
    digest: Callable[[Weights], str]
    notes: tuple[Finding, ...] = ()

    def weights_for(self, probe: Probe, requested: Weights | None) -> Weights:
        """Return which weights a probe looks at: those requested, else its own choice, else what is there."""
        if requested is not None or probe.weights in self.weights:
            return requested or probe.weights
        return self.weights[0]

    def subject(
        self,
        weights: Weights,
        probe: Probe,
        samples: int | None,
        seed: int,
        *,
        precision_of: float | None = None,
    ) -> Subject:
        """Return what a probe is put to: as many problems as it looks at unless told otherwise."""
        if not probe.sampling:
            precision_of = None
        return replace(
            self.subjects(weights),
            samples=samples or probe.samples,
            precision_of=precision_of,
            seed=seed,
        )

    def key(self, weights: Weights, probe: Probe, subject: Subject) -> Key:
        """Return what the probe's rows are kept under."""
        config = subject.config.model_dump(mode="json") if subject.config else {}
        settings: dict[str, Any] = {
            "tensors": self.digest(weights),
            "mining": subject.mining.described(),
            "config": {name: value for name, value in config.items() if name not in IRRELEVANT},
            "samples": subject.samples,
            "seed": subject.seed,
            "probe": probe.version,
            "version": ired_diag.__version__,
        }
        if probe.sampling:
            settings["sampling"] = dict(probe.sampling)
        if subject.precision_of is not None:
            settings["samples"] = None
            settings["precision_of"] = subject.precision_of
        return Key(self.step, weights, settings)


def of_run(
    run: Run,
    which: str,
    *,
    device: torch.device | str = "cpu",
    out: Path | None = None,
    task: Task | None = None,
    model: str | None = None,
) -> list[Target]:
    """Return the chosen checkpoints of a run as targets, the earliest first.

    Args:
        run: The run.
        which: ``last``, ``best``, ``all`` or a step.
        device: Where to compute.
        out: Where tables and pictures go. Default: a run folder of ours, else ``ired-diag-out``.
        task: What the run was trained on. Default: what its configuration names.
        model: ``file.py:build``, which makes an energy of each checkpoint's tensors. Default: the task does.

    Raises:
        NotFound: The run has no such checkpoint.
    """
    files = choose_checkpoints(run, which)
    targets = []
    for file in files:
        target = of_checkpoint(
            run,
            file,
            device=device,
            out=out,
            task=task,
            model=model,
            last=file == files[-1],
        )
        targets.append(target)
    return targets


def of_checkpoint(
    run: Run,
    file: Path,
    *,
    device: torch.device | str,
    out: Path | None,
    task: Task | None,
    model: str | None,
    last: bool,
) -> Target:
    """Return a checkpoint of a run as a target.

    Args:
        run: The run.
        file: The checkpoint.
        device: As for ``of_run``.
        out: As for ``of_run``.
        task: As for ``of_run``.
        model: As for ``of_run``.
        last: Whether it is the last of its run that is looked at.
    """

    def read() -> Opened:
        """Read the checkpoint."""
        checkpoint = read_checkpoint(file, device=device)
        keys = run.configuration or checkpoint.configuration
        subjects: dict[Weights, Subject] = {}

        def subject(weights: Weights) -> Subject:
            if weights not in subjects:
                subjects[weights] = of_weights(weights)[0]
            return subjects[weights]

        def of_weights(weights: Weights) -> tuple[Subject, list[Finding]]:
            stored = StoredModel(checkpoint, weights, keys)
            if model is not None:
                return read_own_model(model, device=device, stored=stored), []
            return _subject_of(task or tasks.of_run(run), stored, file)

        _, notes = of_weights(next(iter(checkpoint.states)))
        return Opened(
            checkpoint.step,
            tuple(checkpoint.states),
            subject,
            lambda weights: digest_of(checkpoint.tensors(weights), subject(weights)),
            tuple(notes),
        )

    return Target(
        label=run.label,
        source=run.path,
        file=file,
        folder=out or output_folder(run),
        read=read,
        last=last,
        run=run,
    )


def open_subject(
    path: Path | str,
    *,
    weights: Weights = "ema",
    task: Task | None = None,
    keys: Mapping[str, Any] | None = None,
    device: torch.device | str = "cpu",
) -> Subject:
    """Return what a probe is put to, from a checkpoint file.

    Args:
        path: The file.
        weights: ``raw`` or ``ema``.
        task: What was trained. Default: what the configuration names.
        keys: The configuration that it was trained with. Default: the one stored in the file.
        device: Where to compute.

    Raises:
        UnreadableFile: The file is missing, damaged or of another format.
        WrongCheckpoint: It lacks these weights, or its tensors are not those of the task.
        NotApplicable: The task has no energy to probe.
    """
    checkpoint = read_checkpoint(path, device=device)
    keys = keys or checkpoint.configuration
    stored = StoredModel(checkpoint, weights, keys)
    return _subject_of(task or tasks.task_of(keys or {}), stored, Path(path))[0]


def _subject_of(task: Task, stored: StoredModel, file: Path) -> tuple[Subject, list[Finding]]:
    """Return what a probe is put to: an energy where the task has one, and a point of its training."""
    device = next(iter(stored.weights.values())).device
    point = training_point(
        file,
        task,
        stored.keys,
        stored.step,
        device,
        weights=stored.kind,
    )
    if task.subject is not None:
        subject, notes = task.subject(stored)
        return replace(subject, training=point), notes
    if point is None:
        raise NotApplicable(f"needs an energy, and the task {task.name} has none to probe")
    subject = Subject(
        energy=NoEnergy(),
        schedule=clean_schedule(),
        problems=NoProblems(),
        config=point.config,
        device=device,
        training=point,
    )
    return subject, []


def of_own_model(name: str, *, device: torch.device | str, out: Path | None) -> Target:
    """Return a user's own model, ``file.py:build``, as a target."""
    file = Path(name.rpartition(":")[0] or name)

    def read() -> Opened:
        """Read the model."""
        subject = read_own_model(name, device=device)
        digest = fingerprint(subject)
        return Opened(None, OWN_WEIGHTS, lambda weights: subject, lambda weights: digest)

    return Target(name, file, file, out or OUT / folder_name(file.stem), read)


def digest_of(tensors: Mapping[str, torch.Tensor], subject: Subject) -> str:
    """Return a hash of a checkpoint's tensors, names and noise schedule."""
    digest = hashlib.sha256()
    named = {name: tensor.float() for name, tensor in tensors.items()}
    for name, tensor in sorted({**named, "betas": subject.schedule.betas}.items()):
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
