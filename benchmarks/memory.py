r"""How much memory commands need for large files: millions of rows, gigabytes of progress bars.

Each case is a process of its own on files that are made in a temporary folder. Printed are the largest
resident set of any of its processes (``ru_maxrss``), the memory of all its processes together (their
proportional set sizes, sampled ten times a second), time, and whether both are below the limit. The caches
are switched off but for the second ``ls``, which they are for. Exit status 3 where a limit is exceeded.

    python -m benchmarks.memory [--runs 20] [--rows 1000000] [--bars 2000] [--table 5000000] [--only NAMES]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks import large_material

ROOT = Path(__file__).resolve().parent.parent
SAMPLED = ROOT / "sample_runs" / "q101" / "seed0"
LIMIT = 1000.0  # MB
INTERVAL = 0.1  # seconds between two samples
# A process counts what its parent held when it was started, so that it is started by one that holds nothing.
LAUNCHER = """
import os, subprocess, sys

started = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(started.pid, 0)
with open(sys.argv[1], "w") as file:
    file.write(f"{usage.ru_maxrss} {status}")
"""
MISSED = 3  # exit status
PROBE = "accuracy"
FIRST_PROBE = "first probe"  # makes the table that the others find: it always runs
MAY_END = ((0,), (0, 1))  # exit statuses of a command, and of one that may find something wrong
DASHBOARD = ("-m", "benchmarks.memory_of_dashboard")

Command = list[str]


@dataclass(frozen=True)
class Peak:
    """What a command took: memory in MB of its largest process and of all together, and seconds."""

    largest: float
    together: float
    seconds: float
    status: int


def peak_of(command: Command, *, folder: Path, cache: Path | None = None) -> Peak:
    """Run a command and return what it took.

    Args:
        command: Arguments of the Python interpreter.
        folder: Where it runs.
        cache: The user's cache directory. Default: caches are off.
    """
    environment = dict(os.environ, PYTHONPATH=str(ROOT), COLUMNS="120")
    if cache is None:
        environment["IRED_DIAG_NO_CACHE"] = "1"
    else:
        environment.pop("IRED_DIAG_NO_CACHE", None)
        environment["XDG_CACHE_HOME"] = str(cache)
    began = time.perf_counter()
    with (folder / "output.txt").open("wb") as output:
        usage = folder / "usage.txt"
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, str(usage), sys.executable, *command],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        together = 0.0
        while process.poll() is None:
            together = max(together, _proportional(process.pid))
            time.sleep(INTERVAL)
    largest, status = map(int, usage.read_text().split())
    return Peak(
        largest=largest / 1e3,
        together=together,
        seconds=time.perf_counter() - began,
        status=os.waitstatus_to_exitcode(status),
    )


def _proportional(session: int) -> float:
    """Return the proportional set size of all processes of a session, in MB."""
    total = 0.0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            fields = (place / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) != session:
                continue
            for line in (place / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) / 1e3
        except (OSError, ValueError, IndexError):
            continue  # it has ended meanwhile
    return total


@dataclass(frozen=True, kw_only=True)
class Material:
    """Where the files are, and how large they are to be."""

    folder: Path
    runs: int
    rows: int
    megabytes: float
    table_rows: int


def _cli(*words: str | Path) -> Command:
    return ["-m", "app.cli", *map(str, words)]


def _in_a_process_of_its_own(write: Callable[..., object], *words: object) -> None:
    """Write files; a process that is started later counts what its parent once held as its own peak."""
    process = get_context("spawn").Process(target=write, args=words)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def _of_logs(write: Callable[[Path, int, int], None], material: Material) -> Iterator[tuple[str, Command]]:
    """Make the logs of runs, and yield the commands on them."""
    logs = material.folder / "logs"
    _in_a_process_of_its_own(write, logs, material.runs, material.rows)
    yield from _on_runs(logs)
    yield "import", _cli("import", logs, "--runs", material.folder / "imported")


def _on_runs(folder: Path) -> Iterator[tuple[str, Command]]:
    yield "ls", _cli("ls", folder)
    yield "stats", _cli("stats", folder)
    yield "diagnose", _cli("diagnose", folder)
    yield "dashboard's curves", [*DASHBOARD, "curves", str(folder)]


def _run_folders(material: Material) -> Iterator[tuple[str, Command]]:
    runs = material.folder / "runs"
    _in_a_process_of_its_own(large_material.write_run_folders, runs, material.runs, material.rows)
    yield from _on_runs(runs)
    yield "figures", _cli("figures", runs, "--out", material.folder / "figures")


def _tables(material: Material) -> Iterator[tuple[str, Command]]:
    yield from _of_logs(large_material.write_tables, material)


def _tracked(material: Material) -> Iterator[tuple[str, Command]]:
    yield from _of_logs(large_material.write_tracked, material)


def _texts(material: Material) -> Iterator[tuple[str, Command]]:
    yield from _of_logs(large_material.write_texts, material)


def _bars(material: Material) -> Iterator[tuple[str, Command]]:
    yield from _on_job(large_material.write_job, material)


def _epochs(material: Material) -> Iterator[tuple[str, Command]]:
    yield from _on_job(large_material.write_epochs, material)


def _on_job(write: Callable[[Path, float], None], material: Material) -> Iterator[tuple[str, Command]]:
    """Make the files of a job, and yield the commands on them."""
    job = material.folder / "job"
    _in_a_process_of_its_own(write, job, material.megabytes)
    yield "ls", _cli("ls", job)
    yield "diagnose", _cli("diagnose", job)
    yield "import", _cli("import", job, "--runs", material.folder / "imported")


def _probe_table(material: Material) -> Iterator[tuple[str, Command]]:
    run = material.folder / "runs" / "q101" / "seed0"
    shutil.copytree(SAMPLED, run)
    probe = _cli("probe", PROBE, run, "--samples", "64")
    yield FIRST_PROBE, probe
    _in_a_process_of_its_own(large_material.write_probe_table, run, material.table_rows, PROBE)
    yield "probe again", probe
    yield "probe of more rows", [*probe, "--seed", "1"]
    yield "stats", _cli("stats", run.parent)
    yield "diagnose", _cli("diagnose", run.parent)
    yield "figures", _cli("figures", run.parent, "--out", material.folder / "figures")
    yield "dashboard's table", [*DASHBOARD, "table", str(run), PROBE]


CASES: dict[str, Callable[[Material], Iterator[tuple[str, Command]]]] = {
    "run folders": _run_folders,
    "CSV tables": _tables,
    "JSON lines": _tracked,
    "text logs": _texts,
    "progress bars": _bars,
    "bars of epochs": _epochs,
    "probe table": _probe_table,
}


def main() -> int:
    """Print the table; return 3 where a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each run")
    parser.add_argument("--bars", type=float, default=2000.0, help="megabytes of progress bars")
    parser.add_argument("--table", type=int, default=5_000_000, help="rows of the probe table")
    parser.add_argument("--limit", type=float, default=LIMIT, help="megabytes")
    parser.add_argument("--only", default=",".join(CASES), help="some of the cases, separated by commas")
    parser.add_argument("--commands", default="", help="some of the commands, separated by commas")
    parser.add_argument("--keep", type=Path, help="make the files here and keep them")
    options = parser.parse_args()
    commands = set(filter(None, options.commands.split(",")))
    is_exceeded = False
    sys.stdout.write(f"{'files':14} {'command':20} {'largest MB':>10} {'all MB':>8} {'seconds':>8}\n")
    for case in options.only.split(","):
        with tempfile.TemporaryDirectory(dir=options.keep) as name:
            material = Material(
                folder=Path(name),
                runs=options.runs,
                rows=options.rows,
                megabytes=options.bars,
                table_rows=options.table,
            )
            for command_name, command in CASES[case](material):
                if commands and command_name not in {*commands, FIRST_PROBE}:
                    continue
                peak = peak_of(command, folder=material.folder)
                is_below = max(peak.largest, peak.together) < options.limit
                has_failed = peak.status not in MAY_END[command_name == "diagnose"]
                is_exceeded = is_exceeded or not is_below or has_failed
                word = "" if is_below else "exceeded"
                if has_failed:
                    word = f"exit status {peak.status}"
                sys.stdout.write(
                    f"{case:14} {command_name:20} {peak.largest:10.0f} {peak.together:8.0f} "
                    f"{peak.seconds:8.1f}   {word}\n"
                )
                sys.stdout.flush()
    return MISSED if is_exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
