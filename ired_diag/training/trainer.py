"""The trainer: one seed of one experiment into one run folder.

After each step the history gets its row where one is due; at an evaluation or checkpoint the folder gets
its files. An interrupt (Ctrl-C, or the SIGTERM of a scheduler) ends the step that runs, saves, and says how
to go on.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import torch
from torch import Tensor

from ired_diag.config import Config, parse_config
from ired_diag.errors import CannotWrite, DiagError, NotFound
from ired_diag.model.matrices import draw_matrices
from ired_diag.runs.ending import Ending
from ired_diag.runs.files import exists, is_file, write_atomically
from ired_diag.runs.history import Row, read_history
from ired_diag.runs.store import CONFIG, METRICS, imported_sources, read_run
from ired_diag.training import run_files
from ired_diag.training.evaluation import data_of, evaluate, sample_errors
from ired_diag.training.lock import locked
from ired_diag.training.objective import Loss, draw, training_loss
from ired_diag.training.state import TrainingState, new_state, read_state

Progress = Callable[[int, int, dict[str, float]], None]  # step, steps, the last row's values


class Interrupted(DiagError):
    """Training was asked to stop; its state is saved."""


@dataclass
class _Stop:
    """Whether a signal asked for an end."""

    asked: bool = field(default=False)


def train(
    config: Config,
    folder: Path,
    *,
    device: torch.device | str = "cpu",
    resume: bool = False,
    progress: Progress = lambda step, steps, values: None,
) -> Path:
    """Train one run and return its folder.

    Args:
        config: Every knob; ignored when resuming, where the folder's own counts.
        folder: The run folder to be.
        device: Where to train.
        resume: Go on from the folder's ``last.pt``.
        progress: Called after every logged step.

    Raises:
        CannotWrite: The run exists, is being trained, or its folder cannot be written.
        NotFound: There is nothing to resume.
        Interrupted: A signal asked for an end. The state is saved.
    """
    device = torch.device(device)
    if resume and not is_file(folder / CONFIG):
        raise NotFound(f"{folder}: there is no run to resume. Leave out --resume to start one.")
    with locked(folder):
        state = _resumed(folder, device) if resume else _started(config, folder, device)
        with _signals() as stop:
            _loop(state, folder, _attempt(folder), stop, progress)
        ending = Ending("complete")
        if state.step < state.config.train_steps:
            ending = Ending("cancelled", f"interrupted after step {state.step}")
        run_files.write_config(folder, state.config, device, ending)
    if not ending.complete:
        raise Interrupted(
            f"{folder}: interrupted after step {state.step} of {state.config.train_steps}; all is saved. "
            "Go on with the same command and --resume."
        )
    return folder


def train_step(state: TrainingState) -> tuple[Loss, float, tuple[Tensor, Tensor]]:
    """Take one step; return the loss, the gradient's norm before clipping, and the batch."""
    config = state.config
    batch = draw_matrices(data_of(config), config.batch_size, generator=state.streams.data)
    draws = draw(config, batch[1], state.streams)
    loss = training_loss(state.network, state.schedule, config, *batch, draws)
    return loss, state.apply(loss), batch


def _started(config: Config, folder: Path, device: torch.device) -> TrainingState:
    if exists(folder / CONFIG):
        raise CannotWrite(
            f"{folder}: holds a run already. Go on with it with --resume, or train under another name with "
            "--name NAME."
        )
    state = new_state(config, device)
    write_atomically(folder / METRICS, b"")
    run_files.write_config(folder, config, device, Ending("cut_off"))
    return state


def _resumed(folder: Path, device: torch.device) -> TrainingState:
    if imported_sources(folder) is not None:
        raise CannotWrite(
            f"{folder}: was imported from a log, not trained here, and has no state to go on from. Train "
            "under another name with --name NAME."
        )
    config = parse_config(read_run(folder).configuration or {}, where=str(folder / CONFIG))
    last = run_files.last_checkpoint(folder)
    run_files.drop_torn_tail(folder)
    state = read_state(last, config, device) if last.is_file() else new_state(config, device)
    run_files.write_config(folder, config, device, Ending("cut_off"))
    return state


def _attempt(folder: Path) -> int:
    """Return this attempt's number: one more than the history's last, where there is a history."""
    if not is_file(folder / METRICS):
        return 1
    history = read_history(folder / METRICS)
    return history.attempts + 1 if history.series else 1


def _loop(state: TrainingState, folder: Path, attempt: int, stop: _Stop, progress: Progress) -> None:
    config = state.config
    asked = stop.asked
    while state.step < config.train_steps and not asked:
        loss, norm, batch = train_step(state)
        last = state.step == config.train_steps
        values: dict[str, float] = {}
        if last or state.step % config.log_every == 0:
            values |= _values_of(loss, norm)
        if last or state.step % config.validate_every == 0:
            values |= _evaluate(state, folder, batch)
        if values:
            run_files.append_row(folder, Row(state.step, values, attempt))
            progress(state.step, config.train_steps, values)
        keep = last or state.step % config.checkpoint_every == 0
        asked = stop.asked  # read once: a signal after this is heard at the next step
        if keep or asked:
            run_files.write_checkpoint(folder, state, keep=keep)


def _values_of(loss: Loss, norm: float) -> dict[str, float]:
    told = {
        "train/loss": loss.total,
        "train/denoise": loss.denoise,
        "train/nce": loss.nce,
        "train/energy_positive": loss.energy_positive,
        "train/energy_negative": loss.energy_negative,
    }
    values = {name: float(value.detach()) for name, value in told.items() if value is not None}
    return {**values, "train/gradient_norm": norm}


def _evaluate(state: TrainingState, folder: Path, batch: tuple[Tensor, Tensor]) -> dict[str, float]:
    """Evaluate the averaged weights as the public code does: on the batch, and on fresh matrices."""
    network, generator = state.averaged_network, state.streams.evaluation
    on_batch = sample_errors(network, state.schedule, *batch, generator=generator)
    result = evaluate(network, state.schedule, state.config, generator=generator)
    if result.mse < state.best:
        state.best, state.best_step = result.mse, state.step
        run_files.write_best(folder, state)
    return {
        "train/mse_error": float(on_batch.mean()),
        "validation/mse": result.mse,
        "validation/mse_standard_error": result.standard_error,
    }


@contextmanager
def _signals() -> Iterator[_Stop]:
    """Turn the first Ctrl-C or SIGTERM into a wish to stop; a second one acts as ever."""
    stop = _Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: FrameType | None) -> None:
        stop.asked = True
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
