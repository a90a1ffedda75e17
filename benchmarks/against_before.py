"""How much faster is this build than an earlier commit, on the same files?

    python -m benchmarks.against_before LOGS... [--before aa46d43] [--copies 23]
        [--only diagnose,ls,import,stats]

Each folder of LOGS holds ``.out`` and ``.err`` files of SLURM jobs. They are repeated with other job numbers
and other last digits, so that no two jobs are equal (``log_copies``): 23 copies of some 160 logs are 250 MB.
The earlier commit is checked out into a temporary folder. Both builds run the same command in turn, each in a
process of its own with empty caches; printed are the seconds by the clock and of the CPU (of all processes),
and their ratios. ``stats`` is asked twice: a hundred made groups, whose cost is given for each pair, and a
table of eight numbers, where the cost is that of the imports.

OMP_NUM_THREADS=1 makes both builds use one core.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.log_copies import copy_logs

ROOT = Path(__file__).resolve().parents[1]
BEFORE = "aa46d43"
GROUPS, SEEDS = 100, 5
PAIRS = GROUPS * (GROUPS - 1) // 2
AIMS = {"diagnose": 6.0, "ls": 5.0, "import": 5.0, "stats, per pair": 6.0}
MOST_CPU_OF_A_TABLE = 1.0  # seconds
CASES = ("diagnose", "ls", "import", "stats")


@dataclass(frozen=True)
class Cost:
    """What a command cost: seconds by the clock, seconds of the CPU, and what it printed."""

    clock: float
    cpu: float
    printed: str


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """Check a commit out into a folder, and take it away again."""
    place = folder / "before"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--detach", "--quiet", str(place), commit], check=True)
    try:
        yield place
    finally:
        subprocess.run([*git, "remove", "--force", str(place)], check=True)


def cost_of(command: Sequence[str], build: Path) -> Cost:
    """Run a command of the build in a folder, and return what it cost.

    Raises:
        SystemExit: It failed.
    """
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    program = [sys.executable, "-m", "app.cli", *command]
    with tempfile.TemporaryDirectory() as cache:  # empty: what a call keeps must not serve the next one
        environment = {
            **os.environ,
            "PYTHONPATH": str(build),
            "PYTHONDONTWRITEBYTECODE": "",
            "XDG_CACHE_HOME": cache,
        }
        done = subprocess.run(program, cwd=build, env=environment, capture_output=True, text=True)
    clock = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{build}: {' '.join(command)} ended with status {done.returncode}: {done.stderr}")
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return Cost(clock, cpu, done.stdout)


def write_groups(path: Path) -> None:
    """Write a table of made groups, each 0.2% above the one before, with a scatter of 0.5%."""
    lines = ["group,seed,loss"]
    for group in range(GROUPS):
        for seed in range(SEEDS):
            scatter = ((group * 7919 + seed * 104729) % 1000) / 1000 - 0.5
            value = (1 + 0.002 * group) * (1 + 0.01 * scatter)
            lines.append(f"m{group:03d},{seed},{value:.6f}")
    path.write_text("\n".join(lines) + "\n")


def write_small_table(path: Path) -> None:
    """Write a table of two groups of four seeds."""
    rows = ["group,seed,accuracy", "a,0,0.81", "a,1,0.83", "a,2,0.82", "a,3,0.80"]
    rows += ["b,0,0.86", "b,1,0.84", "b,2,0.85", "b,3,0.88"]
    path.write_text("\n".join(rows) + "\n")


class Benchmark:
    """Both builds, and the lines that are printed."""

    def __init__(self, before: Path, folder: Path) -> None:
        """Keep where the earlier build is, and where files are made."""
        self.before = before
        self.folder = folder

    def compare(self, name: str, *command: str) -> tuple[Cost, Cost]:
        """Run a command in both builds, print what it costs, and return both costs."""
        before = cost_of([word.format(build="before") for word in command], self.before)
        after = cost_of([word.format(build="after") for word in command], ROOT)
        self.print_line(name, before, after)
        return before, after

    def print_line(self, name: str, before: Cost, after: Cost) -> None:
        """Print a line of the table."""
        ratio = before.clock / after.clock
        aim = AIMS.get(name)
        verdict = ""
        if aim is not None:
            verdict = f"aim {aim:g}: {'reached' if ratio >= aim else 'missed'}"
        sys.stdout.write(
            f"{name:18} {before.clock:8.2f} {after.clock:8.2f} {ratio:7.1f} "
            f"{before.cpu:10.2f} {after.cpu:8.2f} {before.cpu / after.cpu:7.1f}   {verdict}\n"
        )
        sys.stdout.flush()

    def stats(self) -> None:
        """Compare the cost of a pair of groups, and of a small table."""
        table, small = self.folder / "groups.csv", self.folder / "small.csv"
        write_groups(table)
        write_small_table(small)
        before, after = self.compare("stats, 100 groups", "stats", str(table))
        least_before, least_after = self.compare("stats, 8 numbers", "stats", str(small))
        of_pairs = []
        for cost, least in ((before, least_before), (after, least_after)):
            clock = (cost.clock - least.clock) / PAIRS * 1000
            of_pairs.append(Cost(clock, (cost.cpu - least.cpu) / PAIRS * 1000, ""))
        self.print_line("stats, per pair", *of_pairs)
        is_light = least_after.cpu <= MOST_CPU_OF_A_TABLE
        sys.stdout.write(
            f"per pair in milliseconds; 8 numbers take {least_after.cpu:.2f} s of CPU, at most "
            f"{MOST_CPU_OF_A_TABLE:g}: {'reached' if is_light else 'missed'}\n"
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("logs", nargs="+", type=Path, help="folders of .out and .err files")
    parser.add_argument("--before", default=BEFORE, help=f"the earlier commit (default: {BEFORE})")
    parser.add_argument("--copies", type=int, default=23)
    parser.add_argument("--only", default=",".join(CASES), help="some of the cases, separated by commas")
    options = parser.parse_args()
    cases = options.only.split(",")
    unknown = sorted(set(cases) - set(CASES))
    if unknown:
        parser.error(f"--only: unknown {', '.join(unknown)}; there are {', '.join(CASES)}")
    with tempfile.TemporaryDirectory() as name, checked_out(options.before, Path(name)) as before:
        folder = Path(name)
        corpus = folder / "logs"
        files, size = copy_logs(options.logs, corpus, options.copies)
        sys.stdout.write(f"{files} files, {size / 1e6:.0f} MB; {options.before} against this build\n")
        heads = f"{'before':>8} {'after':>8} {'ratio':>7} {'CPU before':>10} {'after':>8} {'ratio':>7}"
        sys.stdout.write(f"{'seconds':18} {heads}\n")
        benchmark = Benchmark(before, folder)
        if "diagnose" in cases:
            benchmark.compare("diagnose", "diagnose", str(corpus))
        if "ls" in cases:
            benchmark.compare("ls", "ls", str(corpus))
        if "import" in cases:
            runs = str(folder / "runs-{build}")
            benchmark.compare("import", "import", str(corpus), "--runs", runs)
        if "stats" in cases:
            benchmark.stats()


if __name__ == "__main__":
    main()
