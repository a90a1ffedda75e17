"""Run the jobs of a workflow with Snakemake: on this machine's cores, or on SLURM."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ired_diag.errors import DiagError
from ired_diag.launching import scheduler
from ired_diag.launching.settings import Settings
from ired_diag.probe_jobs.receipt import file_state
from ired_diag.probe_jobs.snakefile import PROGRAMS, snakefile_text, snakemake_words, srun_text
from ired_diag.probe_jobs.workflow import SNAKEFILE, Workflow, write_jobs
from ired_diag.runs.files import write_atomically

EXECUTABLE = 0o755
STDERR = 2  # where Snakemake writes: the answers go to stdout
CONFIGURATION = "SLURM_CONF"
INSTALL = (
    "Install the extra: pip install 'ired-diag[cluster]', or put the snakemake of another environment on "
    "PATH (docs/many-checkpoints.md). --dry-run works without it."
)


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How jobs are run.

    Attributes:
        command: Words that start this program.
        snakemake: Words that start Snakemake.
        settings: What is asked of SLURM; None: this machine's cores.
        jobs: The most jobs at once.
        asks_squeue: Whether SLURM's queue is asked for the state of jobs, not its accounting.
        environment: The variables of this process.
    """

    command: Sequence[str]
    snakemake: Sequence[str]
    settings: Settings | None
    jobs: int
    asks_squeue: bool
    environment: Mapping[str, str]

    def words(self, folder: Path) -> list[str]:
        """Return the words that run a workflow."""
        return snakemake_words(
            self.snakemake,
            folder / SNAKEFILE,
            self.settings,
            jobs=self.jobs,
            asks_squeue=self.asks_squeue,
        )

    def by_hand(self, folder: Path) -> str:
        """Return the command line that runs a workflow by hand."""
        line = shlex.join(self.words(folder))
        if self.needs_srun:
            programs = shlex.quote(str(folder / PROGRAMS))
            return f'PATH={programs}:"$PATH" {line}'
        return line

    def text(self, folder: Path) -> str:
        """Return the Snakefile."""
        return snakefile_text(self.command, self.by_hand(folder), self.settings)

    @property
    def needs_srun(self) -> bool:
        """Whether the cluster is one that only a variable names."""
        return self.settings is not None and bool(self.environment.get(CONFIGURATION))


def find_snakemake(settings: Settings | None) -> list[str]:
    """Return the words that start Snakemake: that of this Python, else the program on PATH.

    Args:
        settings: What is asked of SLURM, which needs the executor too.

    Raises:
        DiagError: It is not installed, or its SLURM executor is not.
    """
    if _is_installed("snakemake"):
        if settings is not None and not _is_installed("snakemake_executor_plugin_slurm"):
            raise DiagError(f"--slurm: Snakemake's SLURM executor is not installed. {INSTALL}")
        return [sys.executable, "-m", "snakemake"]
    program = shutil.which("snakemake")
    if program is None:
        raise DiagError(f"--engine snakemake: Snakemake is not installed. {INSTALL}")
    return [program]


def _is_installed(package: str) -> bool:
    specification = importlib.util.find_spec(package)
    # A folder of this name in the working folder has no origin.
    return specification is not None and specification.origin is not None


def write_workflow(workflow: Workflow, engine: Engine) -> None:
    """Write the jobs, the Snakefile, and what a cluster needs.

    Raises:
        CannotWrite: The folder cannot be written.
    """
    write_jobs(workflow)
    write_atomically(workflow.snakefile, engine.text(workflow.folder).encode())
    if not engine.needs_srun:
        return
    srun = shutil.which("srun", path=engine.environment.get("PATH"))
    if srun is None:
        raise DiagError("--slurm: srun is not on PATH. Run this on a machine of the cluster.")
    program = workflow.folder / PROGRAMS / "srun"
    text = srun_text(srun, engine.environment[CONFIGURATION])
    write_atomically(program, text.encode())
    program.chmod(EXECUTABLE)


def run_workflow(workflow: Workflow, engine: Engine) -> int:
    """Run Snakemake until it ends, and return its exit status.

    A Ctrl-C reaches Snakemake too: it cancels its jobs, and is waited for.
    """
    environment = dict(engine.environment)
    if engine.settings is not None:
        overriding = engine.settings.overriding_variables
        environment = scheduler.clean_environment(engine.environment, overriding)
    if engine.needs_srun:
        programs = workflow.folder / PROGRAMS
        environment["PATH"] = f"{programs}{os.pathsep}{environment.get('PATH', os.defpath)}"
    process = subprocess.Popen(
        engine.words(workflow.folder),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=STDERR,
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise


def last_words(log: Path, before: tuple[int, int]) -> str:
    """Return the last line that a job printed in this run; empty where it printed none.

    Args:
        log: The job's log, to which each of its starts appends.
        before: State of the file before the run.
    """
    if file_state(log) == before:
        return ""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    words = [line.strip() for line in lines if line.strip()]
    return words[-1] if words else ""
