"""The batch script of a submission: the options of sbatch, and one command that trains the run of an index.

- ``--requeue`` lets a run go on in the same job after a node failed, after it was preempted, and after it
  asked for that itself before its time limit; ``--open-mode=append`` keeps what the files held before.
- ``--signal=B:USR2@120``: SLURM warns the batch shell 120 seconds before the limit. ``exec`` puts the
  training in the place of that shell, so that it is what hears the warning.
- The names of the output files are relative to the folder in which the script is submitted: a name with
  blanks, quotes or ``%`` in its path needs no quoting in a line of options.

Reference: sbatch(1).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from ired_diag.launching.indices import to_ranges
from ired_diag.launching.settings import Settings

NOT_IN_A_NAME = re.compile(r"[^\w.=+-]+", re.ASCII)
LONGEST_NAME = 60

TEMPLATE = """\
#!/bin/bash
# {title}
# One task of the array trains one run: tasks/<index>.json says which. To submit what is not finished again:
# {resume}
#SBATCH --job-name={name}
#SBATCH --array={array}
#SBATCH --output={name}_%A_%a.out
#SBATCH --error={name}_%A_%a.err
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR2@{warning}
#SBATCH --export=ALL
#SBATCH --nodes=1
#SBATCH --ntasks=1
{options}
# A warning that comes before the training listens must not end it.
trap '' USR2
cd -- {working} || exit
export OMP_NUM_THREADS="${{OMP_NUM_THREADS:-${{SLURM_CPUS_PER_TASK:-1}}}}"
exec {command} launch work {folder} "$SLURM_ARRAY_TASK_ID"
"""


def script_text(
    *,
    experiment: str,
    indices: Iterable[int],
    settings: Settings,
    folder: Path,
    working: Path,
    command: Sequence[str],
) -> str:
    """Return a batch script.

    Args:
        experiment: Name of what is trained.
        indices: Indices of the array.
        settings: What is asked of SLURM.
        folder: The launch folder, absolute; the script is submitted there.
        working: Folder in which the trainings run, absolute.
        command: Words that start this program.
    """
    array = to_ranges(indices)
    if settings.parallel is not None:
        array += f"%{settings.parallel}"
    options = ""
    for option in settings.options:
        options += f"#SBATCH {option}\n"
    resume = ["ired-diag", "launch", "resume", str(folder.parent)]
    return TEMPLATE.format(
        title=f"Trains {_one_line(experiment)} with ired-diag.",
        resume=_one_line(shlex.join(resume)),
        name=job_name(experiment),
        array=array,
        warning=settings.warning,
        options=options,
        working=shlex.quote(str(working)),
        command=shlex.join(command),
        folder=shlex.quote(str(folder)),
    )


def job_name(experiment: str) -> str:
    """Return a name for jobs and their files, of letters that need no quoting.

    >>> job_name("my run's 2nd")
    'my_run_s_2nd'
    """
    name = NOT_IN_A_NAME.sub("_", experiment).strip("_-")
    return name[:LONGEST_NAME] or "train"


def _one_line(text: str) -> str:
    """Return a text without what would end a comment."""
    return " ".join(text.splitlines())
