"""Import foreign logs: every file becomes a run, an attempt, or a line that says why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ired_diag.config import read_json_object
from ired_diag.errors import CannotWrite, NotFound
from ired_diag.open import RESULTS_CONFIG, arrange_training, read_log, read_logs
from ired_diag.runs.arrange import ArrangedRun
from ired_diag.runs.attempt import Attempt
from ired_diag.runs.store import (
    check_writable,
    find_checkpoints,
    find_runs,
    imported_sources,
    run_folder,
    write_run,
)
from ired_diag.runs.study import Skipped

MOST_CONFLICTS = 3


@dataclass(frozen=True)
class Imported:
    """What an import made.

    Attributes:
        runs: Every run, with the folder it was written to and its results folder, if one was joined.
        skipped: Every file that is no run and no attempt, and why not.
    """

    runs: tuple[tuple[ArrangedRun, Path, Path | None], ...]
    skipped: tuple[Skipped, ...]

    @property
    def attempts(self) -> int:
        """How many earlier attempts stand beside the runs."""
        return sum(len(run.earlier) for run, _, _ in self.runs)


def import_logs(
    sources: Sequence[Path],
    runs: Path,
    *,
    checkpoints: Path | None = None,
    replace: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """Read logs and write them as run folders.

    Nothing is written before every file was read and every conflict looked for. Importing the same logs
    again brings the run folders up to date.

    Args:
        sources: Logs, and folders of logs.
        runs: The runs folder, made if need be.
        checkpoints: A folder that holds the runs' Trainer1D results folders; each is joined to the run of
            the same experiment and seed, and stays where it is.
        replace: Overwrite imported runs that came from other files. A trained run is never overwritten.
        progress: Called with the number of runs written and to be written.

    Raises:
        NotFound: A source does not exist, or no log among them could be read.
        UnreadableFile: A log named by itself is damaged.
        CannotWrite: The runs folder cannot be written, or holds other runs of these names.
    """
    attempts: dict[Path, Attempt] = {}
    skipped: list[Skipped] = []
    for source in sources:
        if not source.exists():
            raise NotFound(f"{source}: expected a log or a folder of logs, found nothing.")
        read, unread = read_logs(source) if source.is_dir() else ([read_log(source)], [])
        attempts |= {attempt.source[0].resolve(): attempt for attempt in read}
        skipped.extend(unread)
    arranged, listed = arrange_training(attempts.values())
    skipped.extend(listed)
    if not arranged:
        reason = (
            f" The first of {len(skipped)}: {skipped[0].path.name}: {skipped[0].reason}" if skipped else ""
        )
        raise NotFound(f"{', '.join(map(str, sources))}: holds no log of a training run.{reason}")
    results = _results_by_seed(checkpoints) if checkpoints else {}
    check_writable(runs)
    planned = [(run, run_folder(runs, run), results.get(_identity(run))) for run in arranged]
    _make_way(planned, runs, replace=replace)
    for done, (run, folder, joined) in enumerate(planned):
        progress(done, len(planned))
        write_run(run, folder, results=joined)
    progress(len(planned), len(planned))
    return Imported(tuple(planned), tuple(skipped))


def _make_way(planned: Sequence[tuple[ArrangedRun, Path, Path | None]], runs: Path, *, replace: bool) -> None:
    """Move earlier imports of the same logs to where they now belong; refuse what is not ours to replace."""
    known = {folder: imported_sources(folder) for folder in find_runs(runs)}
    by_log = {sources[0]: folder for folder, sources in known.items() if sources}
    conflicts = []
    for run, folder, _ in planned:
        logs = {str(p.resolve()) for a in (run.attempt, *run.earlier) for p in a.source}
        before = by_log.get(str(run.attempt.source[0].resolve()))
        if folder in known:
            sources = known[folder]
            if sources is None or not (replace or logs & set(sources)):
                conflicts.append(f"{folder} ({'trained here' if sources is None else f'from {sources[0]}'})")
        elif before is not None:
            folder.parent.mkdir(parents=True, exist_ok=True)
            before.rename(folder)
    if conflicts:
        more = f" and {len(conflicts) - MOST_CONFLICTS} more" if len(conflicts) > MOST_CONFLICTS else ""
        raise CannotWrite(
            f"{runs}: holds other runs of these names: {', '.join(conflicts[:MOST_CONFLICTS])}{more}. "
            "Import into another folder with --runs DIR, or overwrite imported runs with --replace."
        )


def _identity(run: ArrangedRun) -> tuple[str | None, int | None]:
    return run.attempt.name, run.attempt.seed


def _results_by_seed(root: Path) -> dict[tuple[str | None, int | None], Path]:
    """Return the Trainer1D results folders under ``root`` by experiment and seed.

    Raises:
        NotFound: There are none.
    """
    found: dict[tuple[str | None, int | None], Path] = {}
    for config in sorted(root.rglob(RESULTS_CONFIG)) if root.is_dir() else []:
        if not find_checkpoints(config.parent):
            continue
        told = read_json_object(config)
        seed, in_name = told.get("seed"), re.search(r"seed(\d+)", config.parent.name)
        if in_name:  # the folder is named by the job, the stored seed may be the template's
            seed = int(in_name[1])
        found[(told.get("experiment_name"), seed if isinstance(seed, int) else None)] = config.parent
    if not found:
        raise NotFound(
            f"{root}: expected Trainer1D results folders ({RESULTS_CONFIG} beside model-<n>.pt), found none."
        )
    return found
