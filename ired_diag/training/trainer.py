"""The trainer: seeds of one configuration, together, each into its own run folder.

After each step the histories get their row where one is due; at an evaluation or checkpoint the folders get
their files. A signal that asks for an end (``interrupt``: Ctrl-C, a scheduler, a closed terminal) ends the
step that runs, saves, and says how to go on.
"""

from __future__ import annotations

import itertools
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import torch
from torch import Tensor

from ired_diag.config import TrainingConfig
from ired_diag.errors import CannotWrite, DiagError, NotFound
from ired_diag.kept_memory import freed_memory_kept
from ired_diag.runs.ending import Ending
from ired_diag.runs.files import is_file
from ired_diag.runs.find import CONFIG
from ired_diag.task import Task
from ired_diag.tensors import Tensors
from ired_diag.training import run_files
from ired_diag.training.compiled import loss_function
from ired_diag.training.ensemble import Ensemble, Step
from ired_diag.training.interrupt import Stop, signals
from ired_diag.training.lock import locked
from ired_diag.training.opening import Options, begin, open_recorder
from ired_diag.training.plan import PlannedRun
from ired_diag.training.recorder import Progress, Recorder, read_values
from ired_diag.training.state import TrainingState
from ired_diag.training.together_again import bring_in_step

RESUME = "--resume (in Python: resume=True)"
NO_MEMORY = "can't allocate memory"  # what PyTorch says on a CPU, in a plain RuntimeError


class Interrupted(DiagError):
    """Training was asked to stop; its state is saved."""


def train(
    task: Task,
    config: TrainingConfig,
    folder: Path,
    *,
    device: torch.device | str = "cpu",
    resume: bool = False,
    progress: Progress = lambda step, steps, values: None,
) -> Path:
    """Train one run and return its folder: ``train_together`` for one."""
    options = Options(device=torch.device(device), progress=progress)
    run = PlannedRun(task=task, config=config, folder=folder, resume=resume)
    train_together([run], options)
    return folder


def train_together(runs: Sequence[PlannedRun], options: Options) -> bool:
    """Train runs; those of one configuration but for the seed, at the same step, in one ensemble.

    Args:
        runs: Their configurations (ignored when resuming, where the folder's own counts) and folders.
        options: How to train.

    Returns:
        Whether a signal asked for an end, though these runs had reached theirs: no other should be started.

    Raises:
        CannotWrite: A run exists, is being trained, or its folder cannot be written.
        NotFound: There is nothing to resume.
        Interrupted: A signal asked for an end. The states are saved.
    """
    for run in runs:
        if run.resume and not is_file(run.folder / CONFIG):
            raise NotFound(f"{run.folder}: there is no run to resume. Leave out --resume to start one.")
    with ExitStack() as locks:
        for run in runs:
            locks.enter_context(locked(run.folder))
        with _explaining_lack_of_memory():
            recorders = [open_recorder(run, options) for run in runs]
            bring_in_step(recorders, options.device)
        unfinished = []
        for recorder in recorders:
            if recorder.is_finished:
                ending = recorder.stopped or _ending(recorder.state)
                run_files.settle(recorder.folder, recorder.about.findings, ending)
            else:
                unfinished.append(recorder)
        groups = _in_step(unfinished)
        # Only now that all of them are known to be trainable is anything written.
        for group in groups:
            begin(group)
        with signals(options.heard, options.stop) as stop, freed_memory_kept():
            for number, group in enumerate(groups, start=1):
                later = list(itertools.chain.from_iterable(groups[number:]))
                with _explaining_lack_of_memory(), _noting_failure(group, later):
                    _train_group(group, options, stop)
    _raise_if_interrupted(recorders)
    return stop.is_wished


@contextmanager
def _explaining_lack_of_memory() -> Iterator[None]:
    """Say in one line that memory ran out, and what to do."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        is_of_memory = isinstance(error, (torch.OutOfMemoryError, MemoryError)) or NO_MEMORY in str(error)
        if not is_of_memory:
            raise
        raise DiagError(
            "Training does not fit into the memory of this device. Train fewer seeds at once (--together N), "
            "or set a smaller batch_size or width."
        ) from error


@contextmanager
def _noting_failure(group: Sequence[Recorder], later: Sequence[Recorder]) -> Iterator[None]:
    """Write into the folders that a training failed: else they would say that it still runs."""
    try:
        yield
    except Exception as error:
        with suppress(CannotWrite):  # the disk may be what failed; the error itself goes on
            for recorder in group:
                recorder.fail(error)
            for recorder in later:
                recorder.close(Ending("cancelled", f"not begun, because a run before it failed: {error}"))
        error.add_note(f"{group[0].folder}: once this is corrected, the run goes on with {RESUME}.")
        raise


def _in_step(recorders: Sequence[Recorder]) -> list[list[Recorder]]:
    """Return groups that can train together: one configuration but for the seed, at one step."""
    groups: dict[tuple[str, str, int, int, bool], list[Recorder]] = defaultdict(list)
    for recorder in recorders:
        state = recorder.state
        key = (
            state.task.name,
            state.config_but_for_seed,
            state.step,
            state.optimizer_steps,
            _is_compiled(recorder),
        )
        groups[key].append(recorder)
    return list(groups.values())


def _is_compiled(recorder: Recorder) -> bool:
    return bool(recorder.about.attempts[-1]["compiled"])


def _train_group(group: list[Recorder], options: Options, stop: Stop) -> None:
    """Train runs in one ensemble to their end; whoever ends before the others leaves it."""
    compiled = _is_compiled(group[0])
    state = group[0].state
    if compiled:
        torch.compiler.reset()  # else the compiled losses of other configurations count against a limit
    loss = loss_function(
        state.task,
        state.config,
        state.constants,
        device=state.device,
        compiled=compiled,
    )
    group = _still_going(group)
    while group and not stop.is_wished and group[0].state.step < state.config.train_steps:
        ensemble = Ensemble([recorder.state for recorder in group], loss)
        _train_until_one_ends(ensemble, group, options, stop)
        group = _still_going(group)
    for recorder in group:
        if not recorder.is_saved:  # a signal came before its first step, or while a companion was saved
            recorder.save(keep=False)
        recorder.close(_ending(recorder.state))


def _still_going(group: Sequence[Recorder]) -> list[Recorder]:
    """Close the runs that stopped, and return the others."""
    still_going = []
    for recorder in group:
        if recorder.stopped is None:
            still_going.append(recorder)
        else:
            recorder.close(recorder.stopped)
    return still_going


def _ending(state: TrainingState) -> Ending:
    if state.step < state.config.train_steps:
        return Ending("cancelled", f"interrupted after step {state.step}")
    return Ending("complete")


def _train_until_one_ends(
    ensemble: Ensemble, group: Sequence[Recorder], options: Options, stop: Stop
) -> None:
    """Take steps until the last, or until a run ends before it, or a signal asks for an end."""
    config, clock = ensemble.config, _Clock(ensemble)
    is_stopping = stop.is_wished
    while ensemble.step < config.train_steps and not is_stopping:
        step = clock.advance()
        is_last = ensemble.step == config.train_steps
        is_logged = is_last or ensemble.step % config.log_every == 0
        is_evaluated = is_last or ensemble.step % config.validate_every == 0
        is_kept = is_last or ensemble.step % config.checkpoint_every == 0
        rows: list[dict[str, float]] = [{} for _ in group]
        if is_logged:
            rows = clock.values(step)
        for index, recorder in enumerate(group):
            if is_logged:
                recorder.look(rows[index], clock.broken_since(index))
            if is_logged and options.stop_on_trouble and recorder.in_trouble:
                recorder.stopped = _stop_on_trouble(recorder.state.step)
            if is_evaluated:
                rows[index] |= _evaluated(recorder, step.batches[index])
            if rows[index]:
                recorder.record(rows[index])
        if is_logged or is_evaluated:
            options.progress(ensemble.step, config.train_steps, rows[0])
        is_stopping = stop.is_wished  # read once: a signal after this is heard at the next step
        _save_group(group, clock, is_kept=is_kept, is_stopping=is_stopping)
        if any(recorder.stopped is not None for recorder in group):
            # The clock ends with the ensemble, and the runs that go on need what it knows.
            for index, recorder in enumerate(group):
                recorder.note_broken(clock.broken_since(index))
            return


def _stop_on_trouble(step: int) -> Ending:
    return Ending("cancelled", f"stopped at step {step}, as asked on trouble")


def _evaluated(recorder: Recorder, batch: Tensors) -> dict[str, float]:
    """Evaluate a run, and end it where it did not get better for too long."""
    values = recorder.evaluate(batch)
    if recorder.stopped is None:
        recorder.stopped = recorder.patience_ran_out()
    # A run that stopped on trouble may go on, and is not marked as ended.
    if recorder.stopped is not None and recorder.stopped.complete:
        recorder.state.ended = recorder.stopped.detail
    return values


def _save_group(group: Sequence[Recorder], clock: _Clock, *, is_kept: bool, is_stopping: bool) -> None:
    """Save the runs that are due, that stopped, or all of them where a signal asks for an end."""
    for index, recorder in enumerate(group):
        keep = is_kept or recorder.stopped is not None
        if keep or is_stopping:
            recorder.note_broken(clock.broken_since(index))
            recorder.save(keep=keep)


class _Clock:
    """Advances an ensemble, measures how long its steps take, and notes when a loss first was no number."""

    def __init__(self, ensemble: Ensemble) -> None:
        self._ensemble = ensemble
        self._seconds, self._steps = 0.0, 0
        self._first: float | None = None
        self._broken: Tensor | None = None

    def advance(self) -> Step:
        """Take one step of every seed."""
        start = time.perf_counter()
        step = self._ensemble.advance()
        total = step.loss.total.detach()
        # Kept on the device: reading it at every step would hold a GPU up.
        broken = torch.where(total.isfinite(), torch.inf, float(self._ensemble.step))
        if self._broken is not None:
            broken = torch.minimum(self._broken, broken)
        self._broken = broken
        seconds = time.perf_counter() - start
        if self._first is None:
            self._first = seconds  # it compiles, or warms the caches: logged only where there is no other
            return step
        self._seconds += seconds
        self._steps += 1
        return step

    def values(self, step: Step) -> list[dict[str, float]]:
        """Return what is logged of a step, seed by seed."""
        start = time.perf_counter()
        tensors = {f"train/{name}": value for name, value in step.loss.logged.items()}
        tensors["train/gradient_norm"] = step.gradient_norm
        tensors["train/gradient_norm_clipped"] = step.clipped_norm
        rows = read_values(tensors)
        self._seconds += time.perf_counter() - start  # a GPU's queue empties here
        for row in rows:
            row["train/learning_rate"] = step.learning_rate
            row["time/seconds_per_step"] = self._seconds_per_step()
        self._seconds, self._steps = 0.0, 0
        return rows

    def _seconds_per_step(self) -> float:
        if not self._steps:
            return self._first or 0.0
        return self._seconds / self._steps

    def broken_since(self, index: int) -> int | None:
        """Return the first step whose loss was not finite for a seed."""
        if self._broken is None:
            return None
        first = float(self._broken[index])
        return None if math.isinf(first) else int(first)


def _raise_if_interrupted(recorders: Sequence[Recorder]) -> None:
    folders, steps = [], []
    for recorder in recorders:
        state = recorder.state
        if recorder.stopped is None and state.step < state.config.train_steps:
            folders.append(str(recorder.folder))
            steps.append(state.step)
            train_steps = state.config.train_steps
    if not folders:
        return
    reached = str(steps[0])
    if min(steps) < max(steps):
        reached = f"{min(steps)} to {max(steps)}"
    raise Interrupted(
        f"{', '.join(folders)}: interrupted after step {reached} of {train_steps}; all is saved. Go on with "
        "the same command and --resume."
    )
