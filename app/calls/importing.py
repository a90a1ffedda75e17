"""``ird.import_logs``: foreign logs as run folders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from app.calls.opening import RUNS, Place, paths_of

if TYPE_CHECKING:
    from ired_diag.importing import Imported


def import_logs(
    logs: Place | Iterable[Place],
    *,
    runs: Place = RUNS,
    checkpoints: Place | None = None,
    replace: bool = False,
    remove_gone: bool = False,
    step: str | None = None,
    pattern: str = "",
) -> Imported:
    """Read logs, write them as run folders, and return what was written.

    Args:
        logs: Logs and folders of logs.
        runs: The runs folder, made if need be.
        checkpoints: A folder of Trainer1D results folders; each is joined to the run of its experiment and
            seed.
        replace: Overwrite imported runs that came from other files.
        remove_gone: Remove runs of earlier imports whose logs were here and are gone. Default: they stay.
        step: The column or key that counts the steps, in logs that have it. Default: detected by name.
        pattern: A regular expression for the lines of text logs. Default: they are understood without one.

    Raises:
        NotFound: A source does not exist, or no log among them could be read.
        CannotWrite: The runs folder cannot be written, or holds other runs of these names.
        DiagError: The sources are no paths, or a log named by itself is damaged.
    """
    from ired_diag.importing import import_logs as write_logs

    return write_logs(
        list(map(Path, paths_of(logs))),
        Path(runs),
        checkpoints=None if checkpoints is None else Path(checkpoints),
        replace=replace,
        remove_gone=remove_gone,
        step=step,
        pattern=pattern,
    )
