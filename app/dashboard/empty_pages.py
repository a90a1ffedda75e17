"""Pages that hold nothing for the runs of a folder, each with the reason: the menu greys them.

Only what is cheap to know counts: a page that may hold something is never greyed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from app.dashboard.records import Recorder
from app.dashboard.snapshot import Snapshot
from ired_diag.runs.energy_metrics import energy_metrics
from ired_diag.runs.run import Run

MOST_RUNS = 1000  # that are looked through for the menu
NO_CHECKPOINT = "no run here has a checkpoint or a table of a probe"


def empty_pages(snapshot: Snapshot, records: Recorder) -> dict[str, str]:
    """Return why pages hold nothing, by the name of the page; those that may hold something are left out.

    Args:
        snapshot: The study.
        records: Plan and journal of the folder.
    """
    runs = [entry.run for entry in snapshot.entries.values()]
    if not runs or len(runs) > MOST_RUNS:
        return {}
    empty = {}
    if not any(map(_may_be_probed, runs)):
        empty["negatives"] = f"Nothing to show: {NO_CHECKPOINT}."
        if not any(any(energy_metrics(run.history.series)) for run in runs):
            empty["energy"] = f"Nothing to show: no run here logs an energy, and {NO_CHECKPOINT}."
        if not any(run.task for run in runs):
            empty["optimizer"] = (
                f"Nothing to show: {NO_CHECKPOINT}, and none trains a task whose map is known."
            )
    if not _vary_a_number(runs):
        empty["sweeps"] = "Nothing to show: no setting that is a number differs between the runs."
    if not records.has_files:
        empty["journal"] = "Nothing to show: there is no plan.yaml and no journal.md in this folder."
    return empty


def _vary_a_number(runs: Iterable[Run]) -> bool:
    """Say whether a setting that is a number has several values: runs that differ in it may be a sweep."""
    values: dict[str, set[float]] = defaultdict(set)
    for run in runs:
        for key, value in run.settings.items():
            if isinstance(value, int | float):
                values[key].add(value)
    return any(len(stated) > 1 for stated in values.values())


def _may_be_probed(run: Run) -> bool:
    return bool(run.checkpoints) or (run.path / "probes").is_dir()
