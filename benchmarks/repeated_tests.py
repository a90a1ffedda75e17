"""The same tests twice beside busy processes: does an outcome depend on the machine's load?

A test whose outcome changes between two runs of the same code is flaky: it hides a race, a clock or an
order. A share p of flaky tests, each of which changes its outcome with probability q, shows at least one
change among n tests with probability 1 - (1 - p q)^n: at n = 300, 95% for p q = 1%.

    python -m benchmarks.repeated_tests

Reference: Luo, Hariri, Eloussi & Marinov (2014), An empirical analysis of flaky tests, FSE.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ired_diag.visible_text import visible_line

Outcomes = Mapping[str, str]  # of each test, by its name

ROOT = Path(__file__).parents[1]
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
NOT_PASSED = ("failure", "error", "skipped")


def main() -> None:
    """Choose tests, run them twice beside busy processes, print a table, exit 1 on any difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tests", type=int, default=300, help="how many tests (default: 300)")
    parser.add_argument("--seed", type=int, default=20261120, help="random seed of the choice")
    parser.add_argument(
        "--busy", type=int, default=os.cpu_count() or 1, help="busy processes (default: one a core)"
    )
    options = parser.parse_args()
    chosen = choose(collected(), options.tests, rng=np.random.default_rng(options.seed))
    runs, seconds = [], []
    with busy_processes(options.busy):
        for _ in range(2):
            start = time.perf_counter()
            runs.append(outcomes(chosen))
            seconds.append(time.perf_counter() - start)
    print(f"{len(chosen)} tests, seed {options.seed}, {options.busy} busy processes\n")  # noqa: T201
    print(table(*runs, seconds=seconds))  # noqa: T201
    changed = differences(*runs)
    for line in (*changed, *failures(*runs)):
        print(line)  # noqa: T201
    sys.exit(1 if changed or len(runs[0]) != len(chosen) else 0)


def collected() -> list[str]:
    """Return the identifiers of all tests."""
    answer = subprocess.run(
        [*PYTEST, "--collect-only", "-q"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [line for line in answer.stdout.splitlines() if "::" in line and ".py" in line]


def choose(tests: Sequence[str], count: int, *, rng: np.random.Generator) -> list[str]:
    """Return ``count`` of the tests, all if there are fewer, in their own order.

    >>> choose(["a", "b", "c"], 2, rng=np.random.default_rng(0))
    ['b', 'c']
    """
    places = rng.choice(len(tests), size=min(count, len(tests)), replace=False)
    return [tests[place] for place in sorted(places)]


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep ``count`` processes busy within the block."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=compute_forever, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def compute_forever() -> None:
    """Take all of a core that is to be had."""
    while True:
        sum(range(10_000))


def outcomes(tests: Sequence[str]) -> dict[str, str]:
    """Run the tests and return the outcome of each: passed, failure, error or skipped."""
    with tempfile.TemporaryDirectory() as folder:
        names, report = Path(folder) / "tests.txt", Path(folder) / "report.xml"
        names.write_text("".join(f"{test}\n" for test in tests))
        command = [*PYTEST, "-q", f"--junitxml={report}", "-o", "junit_family=xunit1", f"@{names}"]
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if not report.exists():
            raise SystemExit(
                f"pytest wrote no report (exit status {answer.returncode}): {answer.stdout[-2000:]}"
            )
        return read_report(report)


def read_report(path: Path) -> dict[str, str]:
    """Return the outcome of each test of a JUnit report that pytest wrote."""
    read: dict[str, str] = {}
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kinds = [child.tag for child in case if child.tag in NOT_PASSED]
        if name not in read or kinds:  # a test with an error at its end is reported twice
            read[name] = kinds[0] if kinds else "passed"
    return read


def differences(first: Outcomes, second: Outcomes) -> list[str]:
    """Return a line for each test whose outcome changed, or that only one of the runs reports.

    >>> differences({"a": "passed", "b": "passed"}, {"a": "failure", "b": "passed"})
    ['changed: a: passed, then failure']
    """
    return [
        f"changed: {visible_line(name)}: {first.get(name, 'not run')}, then {second.get(name, 'not run')}"
        for name in sorted({*first, *second})
        if first.get(name) != second.get(name)
    ]


def failures(first: Outcomes, second: Outcomes) -> list[str]:
    """Return a line for each test that failed both times."""
    failed = ("failure", "error")
    return [f"failed twice: {name}" for name in first if first[name] in failed and second.get(name) in failed]


def table(first: Outcomes, second: Outcomes, *, seconds: Sequence[float]) -> str:
    """Return the counts of outcomes of both runs as a Markdown table."""
    lines = ["| run | passed | failed | error | skipped | seconds |", "|---|---|---|---|---|---|"]
    for name, run, duration in zip(("first", "second"), (first, second), seconds, strict=True):
        counts = Counter(run.values())
        cells = [str(counts[kind]) for kind in ("passed", *NOT_PASSED)]
        lines.append(f"| {name} | {' | '.join(cells)} | {duration:.0f} |")
    return "\n".join([*lines, "", f"{len(differences(first, second))} tests changed their outcome."])


if __name__ == "__main__":
    main()
