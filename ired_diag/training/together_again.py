"""Seeds that trained together go on together, bit for bit, also where the end came between two saves.

An ensemble saves one seed after the other. Killed in between, a few of its seeds stand a checkpoint ahead of
the others. They would go on with other companions than before, which changes the order of sums and so the
last digits. Each seed has a file of the step at which the last of them stands: those ahead go back to it and
take the same steps again. More than one checkpoint apart, or without that file, seeds stay where they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from ired_diag.finding import Finding
from ired_diag.runs.files import is_file
from ired_diag.training.opening import state_in_step_file
from ired_diag.training.recorder import Recorder
from ired_diag.training.run_files import step_checkpoint
from ired_diag.training.state import TrainingState, new_state

RULE = "resumed_in_step"


def bring_in_step(recorders: Sequence[Recorder], device: torch.device) -> None:
    """Take seeds that trained together and stand ahead of their companions back to the step of these.

    Args:
        recorders: Recorders of all runs that are resumed now.
        device: Where their states are.
    """
    for group in _ensembles(recorders):
        last = min(recorder.state.step for recorder in group)
        ahead = [recorder for recorder in group if recorder.state.step > last]
        # All of them or none: a part of an ensemble has other companions than before in any case.
        if all(_can_go_back(recorder, last) for recorder in ahead):
            for recorder in ahead:
                _go_back(recorder, last, device)


def _ensembles(recorders: Sequence[Recorder]) -> Iterator[list[Recorder]]:
    """Yield the groups whose last attempt was one ensemble, all of which is here."""
    groups: dict[tuple[str, object], list[Recorder]] = defaultdict(list)
    for recorder in recorders:
        attempts = recorder.about.attempts
        if len(attempts) > 1:
            # The last attempt is the one that starts now.
            *_, before, _ = attempts
            key = recorder.state.config_but_for_seed, before.get("together")
            groups[key].append(recorder)
    for (_, together), group in groups.items():
        if len(group) == together and all(recorder.stopped is None for recorder in group):
            yield group


def _can_go_back(recorder: Recorder, step: int) -> bool:
    if recorder.state.step - step > recorder.state.config.checkpoint_every:
        return False
    if step == 0:
        return recorder.about.parent is None
    return is_file(step_checkpoint(recorder.folder, step))


def _go_back(recorder: Recorder, step: int, device: torch.device) -> None:
    saved = recorder.state.step
    recorder.state = _state_at(recorder, step, device)
    statement = (
        f"The run goes on from step {step} and not from {saved}: it trained together with others, and the "
        f"last of these was saved at step {step}."
    )
    finding = Finding(RULE, "note", statement, {"from": step, "saved": saved})
    recorder.about = replace(recorder.about, findings=(*recorder.about.findings, finding))
    recorder.announce(recorder.folder, finding)


def _state_at(recorder: Recorder, step: int, device: torch.device) -> TrainingState:
    config = recorder.state.config
    if step == 0:
        return new_state(recorder.state.task, config, device)
    path = step_checkpoint(recorder.folder, step)
    return state_in_step_file(path, recorder.folder, recorder.state.task, config, device)
