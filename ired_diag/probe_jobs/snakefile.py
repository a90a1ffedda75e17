"""The Snakefile of a workflow, and the words that run it.

Snakemake sees jobs, not checkpoints: its graph has two files for each job. A receipt is made by its job
alone, so that it decides by the times of these files. What it needs of SLURM stands in the Snakefile as
resources, under the names of its SLURM executor.

Two traps of that executor (2.8.0), which its command line goes around: without accounting it asks ``sacct``
for ever unless it is told to ask ``squeue``; and it removes ``SLURM_CONF`` from the environment of ``srun``
inside a job, so that on a cluster that is configured by that variable a small ``srun`` stands first on
``PATH``, which sets it again.

Reference: the documentation of snakemake-executor-plugin-slurm, Advanced Resource Specifications.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from ired_diag.errors import DiagError
from ired_diag.launching.settings import Settings, seconds_of

PROGRAMS = "bin"  # in the workflow's folder
MEBIBYTES = {"": 1.0, "K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0**2}
LATENCY = 60  # seconds in which a file that a job wrote appears here: NFS caches folders for as long
FIRST_LOOK = 10  # seconds until a job is looked for; three times this must be below SLURM's MinJobAge
TRIES_AGAIN = 1  # a job that was killed, or ran out of time, goes on where it stopped

TEMPLATE = """\
# Written by ired-diag probe --engine snakemake. To run it by hand, from any folder:
#   {command}
# A file in jobs/ says what a job measures. Its receipt in done/ says which rows of which tables it wrote.
# The tables are the truth: before anything runs, receipts are removed whose rows are not there, or whose
# checkpoints have changed. A job asks the tables too, and measures only what is missing.

PROBE_JOBS = {probe_jobs}

if workflow.is_main_process:
    shell("{{PROBE_JOBS}} ask .")


rule all:
    input:
        expand("done/{{job}}.json", job=glob_wildcards("jobs/{{job,[0-9]+}}.json").job),


rule measure:
    input:
        "jobs/{{job}}.json",
    output:
        "done/{{job}}.json",
    log:
        "logs/{{job}}.log",
    threads: {threads}
    resources:
{resources}
    params:
        probe_jobs=PROBE_JOBS,
    shell:
        "export OMP_NUM_THREADS={{threads}}; "
        "{{params.probe_jobs}} measure {{input:q}} {{output:q}} >> {{log:q}} 2>&1"
"""


def snakefile_text(command: Sequence[str], by_hand: str, settings: Settings | None) -> str:
    """Return a Snakefile.

    Args:
        command: Words that start this program.
        by_hand: The command line that runs the file.
        settings: What is asked of SLURM; None where it runs on this machine.
    """
    values = settings.values if settings is not None else {}
    lines = []
    for name, value in resources(values).items():
        lines.append(f"        {name}={value!r},".replace("'", '"'))
    return TEMPLATE.format(
        command=_one_line(by_hand),
        probe_jobs=repr(shlex.join([*command, "probe-jobs"])),
        threads=values.get("cpus", "1"),
        resources="\n".join(lines),
    )


def resources(values: Mapping[str, str]) -> dict[str, int | str]:
    """Return what is asked of SLURM, under the names of Snakemake's executor.

    Args:
        values: The keys and values of ``--slurm``.

    >>> resources({"time": "1:30", "memory": "8G", "exclude": "n1,n2"})
    {'mem_mb': 8192, 'runtime': 2, 'slurm_extra': '--exclude=n1,n2'}
    """
    # Without it Snakemake would ask for 1000 MB; 0 leaves the memory to the cluster's default.
    requirements: dict[str, int | str] = {"mem_mb": 0}
    extra = []
    for key, value in values.items():
        match key:
            case "time":
                requirements["runtime"] = math.ceil(seconds_of(value) / 60)
            case "memory":
                requirements["mem_mb"] = mebibytes(value)
            case "gpus":
                requirements["gres"] = f"gpu:{value}"
            case "partition" | "account":
                requirements[f"slurm_{key}"] = value
            case "qos" | "constraint":
                requirements[key] = value
            case "exclude" | "reservation":
                extra.append(f"--{key}={shlex.quote(value)}")
    if extra:
        requirements["slurm_extra"] = " ".join(extra)
    return requirements


def mebibytes(memory: str) -> int:
    """Return memory as SLURM writes it (``8G``, ``500``) in mebibytes.

    >>> mebibytes("8G"), mebibytes("500"), mebibytes("1500K")
    (8192, 500, 2)
    """
    number = memory.rstrip("KMGT")
    unit = memory[len(number) :]
    return math.ceil(int(number) * MEBIBYTES[unit])


def snakemake_words(
    snakemake: Sequence[str],
    snakefile: Path,
    settings: Settings | None,
    *,
    jobs: int,
    asks_squeue: bool,
) -> list[str]:
    """Return the words that run a Snakefile.

    Args:
        snakemake: Words that start Snakemake.
        snakefile: The file.
        settings: What is asked of SLURM; None where it runs on this machine.
        jobs: The most jobs at once.
        asks_squeue: Whether SLURM's queue is asked for the state of jobs, not its accounting.
    """
    words = [*snakemake, "--snakefile", str(snakefile), "--directory", str(snakefile.parent)]
    words += ["--keep-going", "--retries", str(TRIES_AGAIN)]
    words += ["--rerun-incomplete", "--rerun-triggers", "mtime"]
    # A lock that outlives whoever was killed would need a person: jobs and the command have their own.
    words += ["--nolock", "--quiet", "rules"]
    if settings is None:
        return [*words, "--cores", str(jobs)]
    words += ["--executor", "slurm", "--jobs", str(jobs), "--latency-wait", str(LATENCY)]
    words += ["--slurm-init-seconds-before-status-checks", str(FIRST_LOOK)]
    if asks_squeue:
        words += ["--slurm-status-command", "squeue"]
    return words


def srun_text(srun: str, configuration: str) -> str:
    """Return a program that starts SLURM's ``srun`` with the configuration of this cluster.

    Args:
        srun: Path of SLURM's own program.
        configuration: The value of ``SLURM_CONF``.
    """
    return (
        "#!/bin/sh\n"
        "# Snakemake's SLURM executor takes SLURM_CONF from the environment of srun: here it is set again.\n"
        f'SLURM_CONF={shlex.quote(configuration)} exec {shlex.quote(srun)} "$@"\n'
    )


def check_path(folder: Path) -> None:
    """Refuse a folder whose path Snakemake would read as something else.

    Raises:
        DiagError: It has braces or a line break in its path.
    """
    if any(letter in str(folder) for letter in "{}\n"):
        raise DiagError(
            f"{folder}: Snakemake reads braces in a path as its own. Choose another place with --out DIR."
        )


def _one_line(text: str) -> str:
    """Return a text without what would end a comment."""
    return " ".join(text.splitlines())
