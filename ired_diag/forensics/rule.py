"""What a forensic rule is, and the words that rules have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, get_args

from ired_diag.errors import UnreadableFile
from ired_diag.finding import Finding
from ired_diag.runs.files import is_file
from ired_diag.runs.find import is_run_folder
from ired_diag.runs.probe_folder import PROBES, places_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

if TYPE_CHECKING:
    from ired_diag.table import Table

Consequence = Literal["conclusion", "number", "compute", "hygiene"]
GRAVEST_FIRST: tuple[Consequence, ...] = get_args(Consequence)
T = TypeVar("T")
Evidence = dict[str, float | int | str | bool | None]


@dataclass(frozen=True)
class Rule:
    """A mistake that logs or configurations show.

    Attributes:
        name: Stable across versions; its findings carry it.
        question: What it asks.
        find: A study in, findings out.
        refuted_by: Evidence that would prove its finding wrong. A finding accuses, so it can be answered.
        near_miss: A healthy study that looks like the mistake, which the rule leaves alone.
        example: The smallest case of the mistake, with numbers.
        consequence: What goes wrong if nobody acts: a wrong ``conclusion``, a wrong ``number`` in a report,
            lost ``compute``, or nothing yet (``hygiene``). Findings are ordered by it.
    """

    name: str
    question: str
    find: Callable[[Study], Iterable[Finding]]
    refuted_by: str = ""
    near_miss: str = ""
    example: str = ""
    consequence: Consequence = "number"


def listed(labels: Iterable[str], most: int = 4) -> str:
    """Return labels as a reader takes them in: the first few, then how many more.

    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    all_labels = list(labels)
    first = ", ".join(all_labels[:most])
    more = len(all_labels) - most
    if more > 0:
        return f"{first} and {more} more"
    return first


def seeds_in_words(runs: Iterable[Run]) -> str:
    """Return what the runs are called within their group, as a reader takes them in: ``seed0, seed1``."""
    return listed(run.seed_label for run in runs)


def labels_of(runs: Iterable[Run]) -> tuple[str, ...]:
    """Return the names of the runs in messages, each once: ``q101/seed0``."""
    return tuple(dict.fromkeys(run.label for run in runs))


def groups_of(runs: Iterable[Run]) -> list[str]:
    """Return the groups of the runs, each once."""
    return list(dict.fromkeys(run.group for run in runs))


class Case(Protocol):
    """Anything that is about one run."""

    @property
    def run(self) -> Run:
        """The run that it is about."""


def runs_of(cases: Iterable[Case]) -> list[Run]:
    """Return the runs that cases are about."""
    return [case.run for case in cases]


def not_none(values: Iterable[T | None]) -> list[T]:
    """Return values without those that are unknown.

    >>> not_none([0.5, None, 0.25])
    [0.5, 0.25]
    """
    return [value for value in values if value is not None]


def judged_metric(run: Run) -> str:
    """Return the name of the logged metric that judges a run; empty where none is logged."""
    if run.evaluated is None:
        return ""
    return run.evaluated[0]


OF_OUR_MODEL = ("mining_strategy", "rank")  # keys of the configurations whose checkpoints probes can read


def is_of_our_program(configuration: Mapping[str, Any]) -> bool:
    """Say whether a configuration is of our own trainer, of the study's program or of one of its forks.

    Another program may call a key ``momentum`` or ``weight_decay`` too and do something else with it.
    """
    return all(key in configuration for key in OF_OUR_MODEL)


def with_probe(words: str, probe: str, runs: Sequence[Run]) -> str:
    """Return an advice with the probe that follows it up, where one can read these runs' checkpoints.

    Args:
        words: What to do, without a full stop: it holds for every program.
        probe: The probe's name.
        runs: The runs that the finding is about.
    """
    readable = [run for run in runs if is_of_our_program(run.configuration or {})]
    if not readable:
        return f"{words}."
    if any(run.checkpoints for run in readable):
        return f"{words}: ired-diag probe {probe} {readable[0].group}"
    return f"{words}, on a checkpoint if there is one: ired-diag probe {probe} CHECKPOINT"


LAST_STATE = Path("checkpoints", "last.pt")


def can_go_on(run: Run) -> bool:
    """Say whether our own ``train`` can start from a run: it is a run folder of ours, with a full state."""
    state = run.path / LAST_STATE
    return is_run_folder(run.path) and state.is_file()


def answers_of_probe(run: Run, probe: str) -> list[Mapping[str, Any]]:
    """Return the answers of a probe that are kept next to a run, one a checkpoint; none if it was not put.

    A table that cannot be read is left to the probe, which says so when it is put again.
    """
    from ired_diag.table import read_columns

    for path in _table_files(run, probe):
        try:
            _, metadata = read_columns(path)
        except UnreadableFile:
            continue
        if _is_about(run, path, metadata):
            answers = metadata.get("answers") or []
            return [answer for answer in answers if isinstance(answer, Mapping)]
    return []


def table_of_probe(run: Run, probe: str) -> Table | None:
    """Return the rows of a probe that are kept next to a run; None if it was not put."""
    from ired_diag.table import read_table

    for path in _table_files(run, probe):
        try:
            table, metadata = read_table(path)
        except UnreadableFile:
            continue
        if _is_about(run, path, metadata):
            return table
    return None


def _table_files(run: Run, probe: str) -> list[Path]:
    """Return the files of a probe next to a run; a folder that may not be entered is listed by the study."""
    files = [place / f"{probe}.parquet" for place in places_of(run)]
    return [path for path in files if is_file(path)]


def _is_about(run: Run, path: Path, metadata: Mapping[str, Any]) -> bool:
    """Say whether a table is about a run: it lies in its folder, which may have moved, or names it."""
    is_inside = path.parent == run.path / PROBES
    return is_inside or metadata.get("source") == str(run.path.resolve())
