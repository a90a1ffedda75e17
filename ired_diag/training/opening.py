"""Opening a run for training: from scratch, from its own last checkpoint, or as a fork of another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from ired_diag import tasks
from ired_diag.config import TrainingConfig
from ired_diag.errors import CannotWrite, DiagError, NotFound, NotReadable, UnreadableFile
from ired_diag.finding import Finding
from ired_diag.runs.checkpoint_choice import step_of
from ired_diag.runs.ending import Ending
from ired_diag.runs.files import check_listable, exists, is_file
from ired_diag.runs.find import CONFIG, METRICS
from ired_diag.runs.history import read_history
from ired_diag.runs.store import find_checkpoints, imported_sources, read_run
from ired_diag.runs.torch_file import read_torch_file
from ired_diag.task import Task
from ired_diag.training import run_files
from ired_diag.training.compiled import Compile, can_compile, should_compile
from ired_diag.training.fork import Fork, forked_state
from ired_diag.training.history_gaps import history_findings, joined_findings, with_history
from ired_diag.training.plan import PlannedRun
from ired_diag.training.recorder import Announce, Progress, Recorder
from ired_diag.training.run_files import RunRecord
from ired_diag.training.state import TrainingState, new_state, read_state
from ired_diag.training.stored_configuration import check_configuration, stored_configuration


@dataclass(frozen=True)
class Options:
    """How to train, none of which is a knob of the run.

    Attributes:
        device: Where.
        compile: Compile the loss: ``on``, ``off``, or ``auto``, which keeps to a resumed run's first choice.
        stop_on_trouble: End a run at the first trouble that is announced.
        progress: Called after every logged step.
        announce: Called with each trouble, as it happens.
        heard: Called when a signal asks for an end.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    compile: Compile = "auto"
    stop_on_trouble: bool = False
    progress: Progress = lambda step, steps, values: None
    announce: Announce = lambda folder, finding: None
    heard: Callable[[], None] = lambda: None


def open_recorder(run: PlannedRun, options: Options) -> Recorder:
    """Return the recorder of a run that is about to start, or to go on; nothing is written yet."""
    device = options.device
    if run.resume:
        about = run_files.read_record(run.folder)
        _check_task(run, about)
    else:
        about = RunRecord(experiment=run.experiment, variant=run.variant)
    about = replace(about, task=run.task.name, metric=asdict(run.task.metric), paired_by=run.task.paired_by)
    state, news = _resumed(run, about, device) if run.resume else (_started(run, device), [])
    if run.fork is not None and not run.resume:
        about = replace(about, parent=run.fork.record(run.config))
    began = int((about.parent or {}).get("step", 0))
    if run.resume:
        news = with_history(news, history_findings(run.folder, state.config, state.step, began=began))
    first = about.attempts[0] if about.attempts else {}
    compiled = should_compile(state.config, state.weights, device, options.compile)
    if options.compile == "auto" and "compiled" in first and can_compile(device):
        compiled = bool(first["compiled"])
    number = max(_attempts_logged(run.folder), len(about.attempts)) + 1 if run.resume else 1
    attempt = run_files.this_attempt(number, device, compiled=compiled, task_file=run.task_file)
    for finding in news:
        options.announce(run.folder, finding)
    about = replace(
        about,
        attempts=(*about.attempts, attempt),
        findings=joined_findings(about.findings, news),
    )
    ended = Ending("complete", state.ended) if state.ended else None
    return Recorder(
        folder=run.folder,
        state=state,
        about=about,
        announce=options.announce,
        stopped=ended,
        began=began,
    )


def begin(group: Sequence[Recorder]) -> None:
    """Write what an ensemble's runs are before their first step, and say what changed since they stopped."""
    for recorder in group:
        *before, attempt = recorder.about.attempts
        attempt = {**attempt, "together": len(group)}
        recorder.about = replace(recorder.about, attempts=(*before, attempt))
        moved = _moved(before[-1], attempt) if before else []
        recorder.open(fresh=not before)
        recorder.tell(moved)


def _started(run: PlannedRun, device: torch.device) -> TrainingState:
    if exists(run.folder / CONFIG):
        raise CannotWrite(
            f"{run.folder}: holds a run already. Go on with it with --resume, or train under another name "
            "with --name NAME."
        )
    if run.fork is None:
        return new_state(run.task, run.config, device)
    return forked_state(run.fork, run.config, device)


def _check_task(run: PlannedRun, about: RunRecord) -> None:
    """Refuse to go on with another task than a run was started with."""
    trained = about.task or tasks.DEFAULT
    if trained == run.task.name:
        return
    file = (about.attempts[-1] if about.attempts else {}).get("task_file", "FILE.py")
    hint = f"--task {trained}" if tasks.is_built_in(trained) else f"--task {file}:FUNCTION"
    raise DiagError(
        f"{run.folder}: trains the task {trained!r}, not {run.task.name!r}. Go on with it with {hint}."
    )


def _resumed(run: PlannedRun, about: RunRecord, device: torch.device) -> tuple[TrainingState, list[Finding]]:
    """Return the state that a run goes on from, and a warning where that is not its last."""
    folder = run.folder
    if imported_sources(folder) is not None:
        raise CannotWrite(
            f"{folder}: was imported from a log, not trained here, and has no state to go on from. Train "
            "under another name with --name NAME."
        )
    keys = read_run(folder).configuration or {}
    config = tasks.settings_of(run.task, keys, where=str(folder / CONFIG))
    check_listable(folder / run_files.CHECKPOINTS)  # else a run would begin again that has a state
    last, kept = run_files.last_checkpoint(folder), find_checkpoints(folder)
    reason = f"{last} is missing."
    if is_file(last):
        try:
            return read_state(last, run.task, config, device), []
        except NotReadable:
            raise  # it may be whole: going on from an older step would replace it
        except UnreadableFile as error:
            if not kept:
                raise
            reason = str(error)
    if kept:
        statement = f"{reason} The run goes on from {kept[-1].name}, its newest whole step."
        warning = Finding("resumed_from_step_file", "warning", statement)
        return state_in_step_file(kept[-1], run.folder, run.task, config, device), [warning]
    if run.fork is not None:
        return forked_state(run.fork, config, device), []
    if about.parent is not None:
        raise NotFound(
            f"{folder}: was forked from {about.parent.get('run')} and stopped before its first checkpoint. "
            "Repeat the command that forked it, with --resume."
        )
    return new_state(run.task, config, device), []


def state_in_step_file(
    path: Path, folder: Path, task: Task, config: TrainingConfig, device: torch.device
) -> TrainingState:
    """Return the state in a run's own step file; what the best was, the history tells."""
    metric, step = task.metric, step_of(path) or 0
    check_configuration(config, stored_configuration(path), checkpoint=path, done=step == config.train_steps)
    state = forked_state(Fork(path, str(folder), step, config, task), config, device)
    logged = read_history(folder / METRICS).series if is_file(folder / METRICS) else {}
    series = logged.get(metric.name)
    if series is not None:
        for value, at in zip(series.values.tolist(), series.steps.tolist(), strict=True):
            if at <= step and math.isfinite(value) and metric.is_better(value, state.best):
                state.best, state.best_step = value, at
    _take_best_kept(state, folder)
    return state


def _take_best_kept(state: TrainingState, folder: Path) -> None:
    """Take the best from ``best.pt`` where the history lacks it, so that no worse state replaces the file."""
    try:
        own = read_torch_file(folder / run_files.CHECKPOINTS / "best.pt").get("ired_diag")
    except UnreadableFile:
        return
    best, step = (own.get("best"), own.get("best_step")) if isinstance(own, Mapping) else (None, None)
    if not isinstance(best, float) or not isinstance(step, int) or step > state.step:
        return
    if state.task.metric.is_better(best, state.best):
        state.best, state.best_step = best, step


def _attempts_logged(folder: Path) -> int:
    """Return the number of the last attempt that the history tells of."""
    if not is_file(folder / METRICS):
        return 0
    history = read_history(folder / METRICS)
    return history.attempts if history.series else 0


def _moved(before: Mapping[str, object], attempt: Mapping[str, object]) -> list[Finding]:
    """Return a warning where a run goes on with other code, or on another device, than it started with."""
    watched = ("git_commit", "device", "gpu", "versions", "threads", "compiled", "together", "task_sha256")
    changed = [key for key in watched if before.get(key) != attempt.get(key)]
    if not changed:
        return []
    evidence = {f"{key}, before": str(before.get(key)) for key in changed}
    evidence |= {f"{key}, now": str(attempt.get(key)) for key in changed}
    statement = (
        f"From attempt {attempt['attempt']} on the run has another {', '.join(changed)} than before: it goes "
        "on, but not bit for bit as if it had never stopped."
    )
    return [Finding("resumed_elsewhere", "warning", statement, evidence)]
