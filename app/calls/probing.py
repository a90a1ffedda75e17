"""``ird.probe``: put a probe to checkpoints, and get its table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import probes
from app.calls.opening import RUNS, Place, Source
from app.calls.probe_frame import frame_of, plain_reason
from ired_diag.errors import DiagError, NotApplicable
from ired_diag.runs.name_list import first_names
from ired_diag.runs.study import Study
from ired_diag.task import Task

if TYPE_CHECKING:
    from ired_diag.probing.driver import Unanswered
    from ired_diag.probing.probe import Probe

ALL = "all"
MOST_SHARE = 0.5  # of a mean, as its standard error
MOST_REASONS, MOST_NAMES = 3, 4  # in an error


def probe(
    name: str,
    *sources: Source,
    runs: Study | Place = RUNS,
    checkpoint: str | int = "last",
    metric: str | None = None,
    higher_is_better: bool | None = None,
    weights: Literal["raw", "ema"] | None = None,
    samples: int | None = None,
    precision_of: float | None = None,
    seed: int = 0,
    task: str | Task | None = None,
    model: str | None = None,
    out: Place | None = None,
    again: bool = False,
    device: str = "auto",
) -> Any:
    """Return the rows that a probe measured as a DataFrame, one for all checkpoints.

    The rows are kept next to the run, as ``ired-diag probe`` keeps them; what was measured before is read.
    ``frame.attrs["findings"]`` has the answer to each checkpoint as a dictionary (``statement``,
    ``severity``, ``evidence``, ``advice``), ``frame.attrs["units"]`` the unit of each column, and
    ``frame.attrs["unanswered"]`` what could not be measured, with the reason.

    Args:
        name: Name of the probe, such as ``"conditioning"``. With ``"all"``, every probe is put, and a
            dictionary of tables by the name of their probe is returned.
        sources: Runs, names of experiments, paths of runs or checkpoints, a study. None: ``model`` alone.
        runs: The runs folder, or a study, in which names are looked up.
        checkpoint: ``last``, ``best``, ``all`` or a step.
        metric: Metric that chooses the best checkpoint. Default: detected by name.
        higher_is_better: Its direction. Default: by configuration and name.
        weights: Which weights. Default: the probe's own choice.
        samples: Number of problems. Default: the probe's own.
        precision_of: Instead of ``samples``, the standard error of the MSE to reach, as a share of it, such
            as 0.005; for accuracy and floor.
        seed: Random seed of problems, noise and directions.
        task: What the runs were trained on. Default: what their configuration names.
        model: ``file.py:build``, a model of your own.
        out: Folder for tables. Default: the run folder.
        again: Measure again what was measured before.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        NotFound: There is no such probe, run or checkpoint.
        NotApplicable: No model has what the probe needs.
        DiagError: Nothing is named to probe, or a choice has no meaning.
    """
    from app.calls.targets import targets_of
    from ired_diag.devices import choose_device
    from ired_diag.probing.driver import Answer, Request, put_probes

    chosen = probes_called(name, of_own_model=model is not None)
    if not sources and model is None:
        raise DiagError("Nothing is named to probe. Pass a run, a name, a path or a study; or model=.")
    check_number("samples", samples, least=1)
    check_number("seed", seed, least=0)
    check_precision(precision_of, samples, chosen)
    notes: list[str] = []
    selection = targets_of(
        sources,
        runs=runs,
        device=choose_device(device),
        notes=notes,
        checkpoint=str(checkpoint),
        model=model,
        task=task,
        out=None if out is None else Path(out),
        metric=metric,
        higher_is_better=higher_is_better,
    )
    request = Request(
        chosen,
        weights=weights,
        samples=samples,
        precision_of=precision_of,
        seed=seed,
        figures="none",
        again=again,
    )
    replies = list(put_probes(selection.targets, request))
    answers = [reply for reply in replies if isinstance(reply, Answer)]
    if not answers:
        unanswered = [reply for reply in replies if not isinstance(reply, Answer)]
        raise NotApplicable(_nothing_answered(name, unanswered))
    frames = {each.name: frame_of(replies, each.name, notes) for each in chosen}
    return frames if name == ALL else frames[name]


def probes_called(name: str, *, of_own_model: bool) -> Sequence[Probe]:
    """Return the probe of a name; of ``all`` those of an energy, of a user's own model those it can answer.

    Probes of the training itself take as long as training does: they are asked by name.

    Raises:
        NotFound: No probe has this name.
    """
    if name != ALL:
        return [probes.load(name)]
    every = probes.load_all().values()
    if of_own_model:
        return [each for each in every if each.own_energies]
    return [each for each in every if not each.is_of_training]


def check_number(argument: str, value: object, *, least: int) -> None:
    """Refuse what is no whole number, or a smaller one.

    Raises:
        DiagError: It is; the message names the argument.
    """
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= least):
        return
    raise DiagError(f"{argument}={value!r}: expected a whole number, {least} or more.")


def check_precision(share: float | None, samples: int | None, chosen: Sequence[Probe]) -> None:
    """Refuse a precision that is no share, stands next to a number of problems, or that no probe can reach.

    Raises:
        DiagError: It does.
    """
    if share is None:
        return
    if samples is not None:
        raise DiagError("--precision-of (precision_of) decides the number of problems: drop --samples.")
    if not 0 < share <= MOST_SHARE:
        raise DiagError(
            f"precision_of={share!r}: expected a share of the mean, above 0 and at most {MOST_SHARE}."
        )
    if not any(each.sampling for each in chosen):
        names = ", ".join(each.name for each in chosen)
        raise DiagError(f"--precision-of (precision_of) is for accuracy and floor, not for {names}.")


def _nothing_answered(name: str, unanswered: Sequence[Unanswered]) -> str:
    """Return that no target answered, with each reason once."""
    labels: dict[str, list[str]] = {}
    for reply in unanswered:
        labels.setdefault(plain_reason(reply), []).append(reply.label)
    listed = []
    for reason, runs in labels.items():
        names = first_names(list(dict.fromkeys(runs)), MOST_NAMES)
        listed.append(f"{names}: {reason.rstrip('.')}.")
    if len(listed) > MOST_REASONS:
        listed = [*listed[:MOST_REASONS], f"And {len(listed) - MOST_REASONS} more reasons."]
    return " ".join([f"The probe {name} measured nothing.", *listed])
