"""The trainer: seeds of one configuration, together, each into its own run folder.

After each step the histories get their row where one is due; at an evaluation or checkpoint the folders get
their files. A signal that asks for an end (``interrupt``: Ctrl-C, a scheduler, a closed terminal) ends the
step that runs, saves, and says how to go on.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from torch import Tensor

from ired_diag.config import TrainingConfig
from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.ending import Ending
from ired_diag.runs.files import is_file
from ired_diag.runs.find import CONFIG
from ired_diag.task import Task
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
    options = Options(torch.device(device), progress=progress)
    train_together([PlannedRun(task=task, config=config, folder=folder, resume=resume)], options)
    return folder


def train_together(runs: Sequence[PlannedRun], options: Options) -> bool:
    """Train runs; those of one configuration but for the seed, at the same step, in one ensemble.

    Args:
        runs: Their configurations (ignored when resuming, where the folder's own counts) and folders.
        options: How.

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
        with _fitting():
            recorders = [open_recorder(run, options) for run in runs]
            bring_in_step(recorders, options.device)
        for recorder in recorders:
            if recorder.is_finished:
                ending = recorder.stopped or _ending(recorder.state)
                run_files.settle(recorder.folder, recorder.about.findings, ending)
        groups = _in_step([recorder for recorder in recorders if not recorder.is_finished])
        for group in groups:  # only now, when all of them can be trained
            begin(group)
        with signals(options.heard) as stop:
            for group in groups:
                with _fitting():
                    _train_group(group, options, stop)
    _raise_if_interrupted(recorders)
    return stop.asked


@contextmanager
def _fitting() -> Iterator[None]:
    """Say in one line that memory ran out, and what to do."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not isinstance(error, (torch.OutOfMemoryError, MemoryError)) and NO_MEMORY not in str(error):
            raise
        raise DiagError(
            "Training does not fit into the memory of this device. Train fewer seeds at once (--together N), "
            "or set a smaller batch_size or width."
        ) from error


def _in_step(recorders: Sequence[Recorder]) -> list[list[Recorder]]:
    """Return groups that can train together: one configuration but for the seed, at one step."""
    groups: dict[tuple[str, str, int, int, bool], list[Recorder]] = defaultdict(list)
    for recorder in recorders:
        state = recorder.state
        alike = state.config.model_copy(update={"seed": 0}).model_dump_json()
        compiled = bool(recorder.about.attempts[-1]["compiled"])
        groups[state.task.name, alike, state.step, state.optimizer_steps, compiled].append(recorder)
    return list(groups.values())


def _train_group(group: list[Recorder], options: Options, stop: Stop) -> None:
    """Train runs in one ensemble to their end; whoever ends before the others leaves it."""
    compiled = bool(group[0].about.attempts[-1]["compiled"])
    state = group[0].state
    if compiled:
        torch.compiler.reset()  # else the compiled losses of other configurations count against a limit
    loss = loss_function(state.task, state.config, state.constants, device=state.device, compiled=compiled)
    group = _still_going(group)
    while group and not stop.asked and group[0].state.step < state.config.train_steps:
        _train_until_one_ends(Ensemble([r.state for r in group], loss), group, options, stop)
        group = _still_going(group)
    for recorder in group:
        if not recorder.is_saved:  # a signal came before its first step, or while a companion was saved
            recorder.save(keep=False)
        recorder.close(_ending(recorder.state))


def _still_going(group: Sequence[Recorder]) -> list[Recorder]:
    """Close the runs that stopped, and return the others."""
    for recorder in group:
        if recorder.stopped is not None:
            recorder.close(recorder.stopped)
    return [recorder for recorder in group if recorder.stopped is None]


def _ending(state: TrainingState) -> Ending:
    if state.step < state.config.train_steps:
        return Ending("cancelled", f"interrupted after step {state.step}")
    return Ending("complete")


def _train_until_one_ends(
    ensemble: Ensemble, group: Sequence[Recorder], options: Options, stop: Stop
) -> None:
    """Take steps until the last, or until a run ends before it, or a signal asks for an end."""
    config, clock = ensemble.config, _Clock(ensemble)
    asked = stop.asked
    while ensemble.step < config.train_steps and not asked:
        step = clock.advance()
        last = ensemble.step == config.train_steps
        logged = last or ensemble.step % config.log_every == 0
        evaluated = last or ensemble.step % config.validate_every == 0
        rows: list[dict[str, float]] = clock.values(step) if logged else [{} for _ in group]
        for index, (recorder, values) in enumerate(zip(group, rows, strict=True)):
            if logged:
                recorder.look(values, clock.broken_since(index))
            if logged and options.stop_on_trouble and recorder.in_trouble:
                recorder.stopped = Ending(
                    "cancelled", f"stopped at step {ensemble.step}, as asked on trouble"
                )
            if evaluated:
                values |= recorder.evaluate(step.batches[index])
                recorder.stopped = recorder.stopped or recorder.patience_ran_out()
                if recorder.stopped is not None and recorder.stopped.complete:
                    recorder.state.ended = recorder.stopped.detail  # what stopped on trouble may go on
            if values:
                recorder.record(values)
        if logged or evaluated:
            options.progress(ensemble.step, config.train_steps, rows[0])
        asked = stop.asked  # read once: a signal after this is heard at the next step
        due = last or ensemble.step % config.checkpoint_every == 0
        for index, recorder in enumerate(group):
            keep = due or recorder.stopped is not None
            if keep or asked:
                recorder.note_broken(clock.broken_since(index))
                recorder.save(keep=keep)
        if any(recorder.stopped is not None for recorder in group):
            for index, recorder in enumerate(group):
                recorder.note_broken(clock.broken_since(index))
            return


class _Clock:
    """Advances an ensemble, and knows how long its steps took and when a loss first was no number."""

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
        now = torch.where(total.isfinite(), torch.inf, float(self._ensemble.step))
        self._broken = now if self._broken is None else torch.minimum(self._broken, now)
        took = time.perf_counter() - start
        if self._first is None:
            self._first = took  # it compiles, or warms the caches: told only where there is no other
            return step
        self._seconds += took
        self._steps += 1
        return step

    def values(self, step: Step) -> list[dict[str, float]]:
        """Return what is logged of a step, seed by seed."""
        start = time.perf_counter()
        rows = read_values(
            {
                **{f"train/{name}": value for name, value in step.loss.logged.items()},
                "train/gradient_norm": step.gradient_norm,
                "train/gradient_norm_clipped": step.clipped_norm,
            }
        )
        self._seconds += time.perf_counter() - start  # a GPU's queue empties here
        besides = {
            "train/learning_rate": step.learning_rate,
            "time/seconds_per_step": self._seconds / self._steps if self._steps else float(self._first or 0),
        }
        self._seconds, self._steps = 0.0, 0
        return [{**row, **besides} for row in rows]

    def broken_since(self, index: int) -> int | None:
        """Return the first step whose loss was not finite for a seed."""
        first = float("inf") if self._broken is None else float(self._broken[index])
        return None if first == float("inf") else int(first)


def _raise_if_interrupted(recorders: Sequence[Recorder]) -> None:
    cut = [r for r in recorders if r.stopped is None and r.state.step < r.state.config.train_steps]
    if not cut:
        return
    folders = ", ".join(str(r.folder) for r in cut)
    steps = sorted({r.state.step for r in cut})
    reached = str(steps[0]) if len(steps) == 1 else f"{steps[0]} to {steps[-1]}"
    raise Interrupted(
        f"{folders}: interrupted after step {reached} of {cut[0].state.config.train_steps}; all is saved. "
        "Go on with the same command and --resume."
    )
