"""One run's folder while it trains: its history, evaluations, checkpoints, and what was announced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from ired_diag.errors import CannotWrite
from ired_diag.finding import Finding
from ired_diag.own_task import check_values
from ired_diag.runs.average_metrics import RAW
from ired_diag.runs.checkpoint_choice import step_of
from ired_diag.runs.ending import Ending
from ired_diag.runs.files import write_atomically
from ired_diag.runs.find import METRICS
from ired_diag.runs.history import Row
from ired_diag.runs.store import find_checkpoints
from ired_diag.tensors import Tensors
from ired_diag.training import run_files
from ired_diag.training.average_distance import average_distance
from ired_diag.training.run_files import RunRecord
from ired_diag.training.state import TrainingState
from ired_diag.training.trouble import Watch

Progress = Callable[[int, int, dict[str, float]], None]  # step, steps, the row's values
Announce = Callable[[Path, Finding], None]


@dataclass(kw_only=True)
class Recorder:
    """Keeps the folder of one run.

    Attributes:
        folder: The run folder.
        state: The state of the training.
        about: What ``config.json`` says besides the configuration.
        announce: Called with each finding, as it happens.
        watch: Looks for trouble in what is logged.
        stopped: Why the run ended before its last step, if it did.
        began: The step that the run started from: its parent's, for a fork.
    """

    folder: Path
    state: TrainingState
    about: RunRecord
    announce: Announce
    stopped: Ending | None = None
    began: int = 0
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        announced = {finding.rule for finding in self.about.findings}
        self.watch = Watch(self.state.task.troubles(self.state.config), announced)
        self._saved: int | None = None
        self._ending: Ending | None = None
        if run_files.last_checkpoint(self.folder).is_file():
            self._saved = self.state.step

    @property
    def is_saved(self) -> bool:
        """Whether ``last.pt`` holds the step that the run is at."""
        return self._saved == self.state.step

    @property
    def attempt(self) -> int:
        """The number of this start of training."""
        return int(self.about.attempts[-1]["attempt"])

    def open(self, *, fresh: bool) -> None:
        """Write what a run is before its first step; a resumed one keeps its history."""
        run_files.remove_unfinished(self.folder)
        if fresh:
            write_atomically(self.folder / METRICS, b"")
        else:
            run_files.drop_torn_tail(self.folder)
        self.close(Ending("cut_off"))

    def close(self, ending: Ending) -> None:
        """Write how the run stands."""
        self._ending = ending
        run_files.write_config(self.folder, self.state.config, self.about, ending)

    def fail(self, error: Exception) -> None:
        """Write that the run failed, and of what; one that had ended before keeps its ending."""
        if self._ending is None or self._ending.state == "cut_off":
            self.close(Ending("failed", f"{type(error).__name__}: {error}"))

    def record(self, values: Mapping[str, float]) -> None:
        """Append a row to the history."""
        row = Row(self.state.step, values, self.attempt)
        try:
            run_files.append_rows(self.folder, [row])
        except CannotWrite as error:
            advice = "Make room"
            if run_files.last_checkpoint(self.folder).is_file():
                advice = "The last checkpoint is whole: make room"
            raise CannotWrite(f"{error} {advice}, then go on with --resume.") from error

    @property
    def is_finished(self) -> bool:
        """Whether there is no step left to take."""
        at_end = self.state.step >= self.state.config.train_steps
        return self.is_saved and (at_end or self.stopped is not None)

    @property
    def in_trouble(self) -> bool:
        """Whether any trouble was announced, in this attempt or an earlier one; a note is not trouble."""
        for finding in self.about.findings:
            if finding.rule in self.watch.rules and finding.severity != "note":
                return True
        return False

    def note_broken(self, step: int | None) -> None:
        """Remember the first step whose loss was not finite."""
        if self.state.broken_since is None:
            self.state.broken_since = step

    def look(self, values: dict[str, float], broken_since: int | None) -> None:
        """Announce what is new among the troubles of a logged step, and keep it."""
        self.note_broken(broken_since)
        news = self.watch.look(self.state.step, values, self.state.broken_since)
        self.tell([self._with_way_back(finding) for finding in news])

    def _with_way_back(self, finding: Finding) -> Finding:
        """Name the last checkpoint before a run's loss was no number."""
        since = self.state.broken_since
        if finding.rule != "not_a_number" or since is None:
            return finding
        steps_before = []
        for path in find_checkpoints(self.folder):
            step = step_of(path)
            if step is not None and step < since:
                steps_before.append(step)
        if not steps_before:
            return finding
        source = f"{self.folder}@{max(steps_before)}"
        advice = f"Fork it before: ired-diag train --from {source} --set learning_rate=…"
        return replace(finding, advice=advice)

    def tell(self, findings: Sequence[Finding]) -> None:
        """Announce findings, and keep them."""
        for finding in findings:
            self.announce(self.folder, finding)
        if findings:
            self.about = replace(self.about, findings=(*self.about.findings, *findings))
            self.close(Ending("cut_off"))

    def evaluate(self, batch: Tensors) -> dict[str, float]:
        """Evaluate the averaged weights as the task does.

        The state at the best value of the task's metric so far is kept in ``best.pt``.

        Raises:
            DiagError: The task's evaluation does not return its metric, or something that is no number.
        """
        state, metric = self.state, self.state.task.metric
        begins = state.streams.evaluation.get_state()
        returned = state.task.evaluate(state.config, state.averaged_tensors, batch, state.streams.evaluation)
        values = check_values(state.task, returned)  # a task may be the user's own
        if state.config.ema_decay > 0:
            values |= average_distance(state.average, state.weights)
        if state.config.validate_raw_weights:
            values |= self._of_raw_weights(batch, begins)
        if metric.is_better(values[metric.name], state.best):
            state.best, state.best_step = values[metric.name], state.step
            run_files.write_best(self.folder, state)
        return values

    def _of_raw_weights(self, batch: Tensors, begins: torch.Tensor) -> dict[str, float]:
        """Return the metric of the raw weights, on what the averaged ones were evaluated on.

        Args:
            batch: The batch of the step.
            begins: State of the stream of evaluations before that evaluation; the stream itself stays.
        """
        state = self.state
        again = torch.Generator(state.streams.evaluation.device)
        again.set_state(begins)
        returned = state.task.evaluate(state.config, state.tensors, batch, again)
        metric = state.task.metric
        return {RAW + metric.measure: check_values(state.task, returned)[metric.name]}

    def patience_ran_out(self) -> Ending | None:
        """Return the ending of a run that did not get better for as long as it is given."""
        state, patience = self.state, self.state.config.early_stopping_patience
        if patience is None or state.step >= state.config.train_steps:
            return None
        since, reason = self.began, f"no {state.task.metric.title} was a number"
        if state.best_step is not None:
            since = state.best_step
            reason = f"none of the last {patience} steps was better than step {since}"
        if state.step - since < patience:
            return None
        return Ending("complete", f"stopped early at step {state.step}: {reason}")

    def save(self, *, keep: bool) -> None:
        """Write the checkpoint of this step."""
        run_files.write_checkpoint(self.folder, self.state, keep=keep)
        self._saved = self.state.step


def read_values(tensors: Mapping[str, torch.Tensor]) -> list[dict[str, float]]:
    """Return the values of each seed, from tensors of shape (seeds,), with one transfer from the device."""
    columns = torch.stack([tensor.detach().double() for tensor in tensors.values()])
    rows = columns.T.tolist()
    return [dict(zip(tensors, row, strict=True)) for row in rows]
