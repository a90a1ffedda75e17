"""The last values of a run of Weights & Biases, ``wandb-summary.json``, where the run itself is not here.

Folders that were fetched from the server hold this file and ``config.yaml``, and no history. Each number is
one point at the last step, ``_step``.
"""

from __future__ import annotations

from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.finding import Finding
from ired_diag.json_object import read_json_object
from ired_diag.readers.scalar_log import ScalarLog, points_of
from ired_diag.readers.step_key import step_in
from ired_diag.readers.wandb_run import flat_numbers

NAME = "wandb-summary.json"
STEP = "_step"


def accepts(path: Path) -> bool:
    """Say whether ``path`` is such a file, by its name."""
    return path.name == NAME


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the last values of a run.

    Args:
        path: The file.
        allow_torn_tail: Of no effect: the file is rewritten as a whole.

    Raises:
        UnreadableFile: It is damaged, or holds no number.
    """
    summary = read_json_object(path)
    values = flat_numbers(summary)
    if not values:
        raise UnreadableFile(f"{path}: holds no number that a run logged.")
    try:
        step = step_in(summary.get(STEP, 0))
    except ValueError as error:
        raise UnreadableFile(f"{path}: {error}.") from error
    statement = "Only the last value of each metric is here: a summary of wandb, without the history."
    return ScalarLog(
        points=points_of({name: ([step], [value]) for name, value in values}),
        notes=(Finding("only_a_summary", "note", statement),),
    )
