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
from ired_diag.training.interrupt import Stop
from ired_diag.training.plan import PlannedRun
from ired_diag.training.recorder import Announce, Progress, Recorder
from ired_diag.training.run_files import RunRecord
from ired_diag.training.state import TrainingState, new_state, read_state
from ired_diag.training.stored_configuration import check_configuration, stored_configuration

# What of an attempt may change the last digits of a run.
DECIDES_ON_DIGITS = (
    "git_commit",
    "device",
    "gpu",
    "versions",
    "threads",
    "compiled",
    "together",
    "task_sha256",
)


@dataclass(frozen=True)
class Options:
    """How to train, none of which is a knob of the run.

    Attributes:
        device: Device to train on.
        compile: Compile the loss: ``on``, ``off``, or ``auto``, which keeps to a resumed run's first choice.
        stop_on_trouble: End a run at the first trouble that is announced.
        progress: Called after every logged step.
        announce: Called with each trouble, as it happens.
        heard: Called when a signal asks for an end.
        stop: Where a signal's wish is noted. None: in a value that ends with the training.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    compile: Compile = "auto"
    stop_on_trouble: bool = False
    progress: Progress = lambda step, steps, values: None
    announce: Announce = lambda folder, finding: None
    heard: Callable[[], None] = lambda: None
    stop: Stop | None = None


def open_recorder(run: PlannedRun, options: Options) -> Recorder:
    """Return the recorder of a run that is about to start, or to go on; nothing is written yet."""
    device = options.device
    news: list[Finding] = []
    if run.resume:
        about = run_files.read_record(run.folder)
        _check_task(run, about)
        about = _with_task(about, run.task)
        state, news = _resumed(run, about, device)
        of_history = history_findings(run.folder, state.config, state.step, began=_first_step(about))
        news = with_history(news, of_history)
        number = max(_attempts_logged(run.folder), len(about.attempts)) + 1
    else:
        about = _with_task(RunRecord(experiment=run.experiment, variant=run.variant), run.task)
        state = _started(run, device)
        if run.fork is not None:
            about = replace(about, parent=run.fork.record(run.config))
        number = 1
    attempt = run_files.this_attempt(
        number,
        device,
        compiled=_is_compiled(state, about, options),
        task_file=run.task_file,
        task_function=run.task_function,
    )
    for finding in news:
        options.announce(run.folder, finding)
    about = replace(
        about,
        attempts=(*about.attempts, attempt),
        findings=joined_findings(about.findings, news),
    )
    return Recorder(
        folder=run.folder,
        state=state,
        about=about,
        announce=options.announce,
        stopped=Ending("complete", state.ended) if state.ended else None,
        began=_first_step(about),
    )


def _with_task(about: RunRecord, task: Task) -> RunRecord:
    return replace(about, task=task.name, metric=asdict(task.metric), paired_by=task.paired_by)


def _first_step(about: RunRecord) -> int:
    """Return the step that a run started from: its parent's, for a fork."""
    if about.parent is None:
        return 0
    return int(about.parent.get("step", 0))


def _is_compiled(state: TrainingState, about: RunRecord, options: Options) -> bool:
    """Return whether the loss is compiled; a resumed run keeps to its first choice, where it can."""
    compiled = should_compile(state.config, state.weights, options.device, options.compile)
    if options.compile != "auto" or not about.attempts:
        return compiled
    first = about.attempts[0]
    if "compiled" in first and can_compile(options.device):
        return bool(first["compiled"])
    return compiled


def begin(group: Sequence[Recorder]) -> None:
    """Write what an ensemble's runs are before their first step, and say what changed since they stopped."""
    for recorder in group:
        *before, attempt = recorder.about.attempts
        attempt = {**attempt, "together": len(group)}
        recorder.about = replace(recorder.about, attempts=(*before, attempt))
        recorder.open(fresh=not before)
        if before:
            recorder.tell(_changes_since(before[-1], attempt))


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
    option = f"--task {trained}"
    if not tasks.is_built_in(trained):
        file = "FILE.py"
        function = "FUNCTION"
        if about.attempts:
            file = about.attempts[-1].get("task_file", file)
            function = about.attempts[-1].get("task_function", function)
        option = f"--task {file}:{function}"
    raise DiagError(
        f"{run.folder}: trains the task {trained!r}, not {run.task.name!r}. Go on with it with {option}."
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
    last, step_files = run_files.last_checkpoint(folder), find_checkpoints(folder)
    reason = f"{last} is missing."
    if is_file(last):
        try:
            return read_state(last, run.task, config, device), []
        except NotReadable:
            raise  # it may be whole: going on from an older step would replace it
        except UnreadableFile as error:
            if not step_files:
                raise
            reason = str(error)
    if step_files:
        newest = step_files[-1]
        statement = f"{reason} The run goes on from {newest.name}, its newest whole step."
        warning = Finding("resumed_from_step_file", "warning", statement)
        return state_in_step_file(newest, folder, run.task, config, device), [warning]
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
    step = step_of(path) or 0
    is_last = step == config.train_steps
    check_configuration(config, stored_configuration(path), checkpoint=path, done=is_last)
    # A fork of itself: a step file holds no more of a run than of a parent.
    itself = Fork(
        checkpoint=path,
        parent=str(folder),
        step=step,
        config=config,
        task=task,
    )
    state = forked_state(itself, config, device)
    if is_file(folder / METRICS):
        _take_best_logged(state, folder, step)
    _take_best_kept(state, folder)
    return state


def _take_best_logged(state: TrainingState, folder: Path, last_step: int) -> None:
    """Take the best from the history, up to the step of the checkpoint."""
    metric = state.task.metric
    series = read_history(folder / METRICS).series.get(metric.name)
    if series is None:
        return
    for step, value in zip(series.steps.tolist(), series.values.tolist(), strict=True):
        if step <= last_step and math.isfinite(value) and metric.is_better(value, state.best):
            state.best, state.best_step = value, step


def _take_best_kept(state: TrainingState, folder: Path) -> None:
    """Take the best from ``best.pt`` where the history lacks it, so that no worse state replaces the file."""
    try:
        own = read_torch_file(folder / run_files.CHECKPOINTS / "best.pt").get("ired_diag")
    except UnreadableFile:
        return
    if not isinstance(own, Mapping):
        return
    best, step = own.get("best"), own.get("best_step")
    if not isinstance(best, float) or not isinstance(step, int) or step > state.step:
        return
    if state.task.metric.is_better(best, state.best):
        state.best, state.best_step = best, step


def _attempts_logged(folder: Path) -> int:
    """Return the number of the last attempt that the history holds rows of."""
    if not is_file(folder / METRICS):
        return 0
    history = read_history(folder / METRICS)
    if not history.series:
        return 0
    return history.attempts


def _changes_since(before: Mapping[str, object], attempt: Mapping[str, object]) -> list[Finding]:
    """Return a warning where a run goes on with other code, or on another device, than it started with."""
    changed, old_values, new_values = [], {}, {}
    for key in DECIDES_ON_DIGITS:
        if before.get(key) != attempt.get(key):
            changed.append(key)
            old_values[f"{key}, before"] = str(before.get(key))
            new_values[f"{key}, now"] = str(attempt.get(key))
    if not changed:
        return []
    evidence = old_values | new_values
    statement = (
        f"From attempt {attempt['attempt']} on the run has another {', '.join(changed)} than before: it goes "
        "on, but not bit for bit as if it had never stopped."
    )
    return [Finding("resumed_elsewhere", "warning", statement, evidence)]
