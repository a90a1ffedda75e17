"""What do probes cost on one checkpoint, next to an earlier commit, and do they say the same?

    python -m benchmarks.probe_speed CHECKPOINT [--before aa46d43] [--busy 2] [--samples 256]
        [--probes curvature,floor,invariance]

The earlier commit is checked out into a temporary folder. Both builds put the same probe to the checkpoint
in turn, each in a process of its own: by default with their own numbers of problems, with ``--samples``
with the same. Printed are the seconds by the clock and of the CPU, and their ratios; then the numbers of
the answers that have an interval, of both builds, and whether they agree: whether they differ by less than
both half intervals together, added as independent errors are.

With ``--busy`` as many processes are kept busy meanwhile. On a machine that others use, both builds see other
loads: only the ratio of CPU seconds means much then.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.against_before import BEFORE, ROOT, Cost, checked_out, cost_of
from benchmarks.repeated_tests import busy_processes

PROBES = ("curvature", "floor", "invariance")
AIM_OF_CLOCK = 2.0  # on a free machine
AIM_OF_CPU = 4.0  # next to one busy process a core


def probed(probe: str, build: Path, folder: Path, options: argparse.Namespace) -> Cost:
    """Put a probe to the checkpoint with the build in a folder, and return what it cost."""
    command = ["probe", probe, str(options.checkpoint.resolve()), "--json", "--figures", "none"]
    command += ["--out", str(folder)]
    if options.samples:
        command += ["--samples", str(options.samples)]
    return cost_of(command, build)


def evidence_of(cost: Cost) -> dict[str, Mapping[str, Any]]:
    """Return the numbers of each answer that was printed as JSON, by the probe's name."""
    answers = json.loads(cost.printed)["answers"]
    return {answer["probe"]: answer["finding"]["evidence"] for answer in answers}


def compared_numbers(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield a line for each number with an interval in both, and whether the two agree."""
    for name in after:
        earlier = _with_half_interval(before, name)
        now = _with_half_interval(after, name)
        if earlier is None or now is None:
            continue
        apart = abs(now[0] - earlier[0])
        agree = apart <= math.hypot(earlier[1], now[1])
        numbers = f"{earlier[0]:11.5g} ± {earlier[1]:<9.2g} {now[0]:11.5g} ± {now[1]:<9.2g}"
        yield f"  {name:34} {numbers} {'agree' if agree else 'DIFFER'}", agree


def _with_half_interval(evidence: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    """Return a number and half the length of its interval; None where one of them is missing."""
    numbers = []
    for key in (name, f"{name}_low", f"{name}_high"):
        number = evidence.get(key)
        if not isinstance(number, int | float) or not math.isfinite(number):
            return None
        numbers.append(float(number))
    value, low, high = numbers
    return value, (high - low) / 2


def print_costs(name: str, before: Cost, after: Cost, *, busy: int) -> None:
    """Print a line of the table of costs."""
    of_clock = before.clock / after.clock
    of_cpu = before.cpu / after.cpu
    verdict = f"clock: aim {AIM_OF_CLOCK:g} {'reached' if of_clock >= AIM_OF_CLOCK else 'missed'}"
    if busy:
        verdict = f"CPU: aim {AIM_OF_CPU:g} {'reached' if of_cpu >= AIM_OF_CPU else 'missed'}"
    sys.stdout.write(
        f"{name:12} {before.clock:8.1f} {after.clock:8.1f} {of_clock:7.1f} "
        f"{before.cpu:10.1f} {after.cpu:8.1f} {of_cpu:7.1f}   {verdict}\n"
    )
    sys.stdout.flush()


def compare(names: Sequence[str], before: Path, folder: Path, options: argparse.Namespace) -> int:
    """Print what the probes cost in both builds, then their numbers; return how many numbers differ."""
    costs = {}
    for name in names:
        of_before = probed(name, before, folder / f"before-{name}", options)
        of_after = probed(name, ROOT, folder / f"after-{name}", options)
        print_costs(name, of_before, of_after, busy=options.busy)
        costs[name] = (of_before, of_after)
    differing = 0
    for of_before, of_after in costs.values():
        earlier = evidence_of(of_before)
        for probe, evidence in evidence_of(of_after).items():
            sys.stdout.write(f"{probe}: before, after\n")
            for line, agree in compared_numbers(earlier.get(probe, {}), evidence):
                sys.stdout.write(f"{line}\n")
                differing += not agree
    return differing


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--before", default=BEFORE, help=f"the earlier commit (default: {BEFORE})")
    parser.add_argument("--probes", default=",".join(PROBES), help="their names, separated by commas, or all")
    parser.add_argument("--samples", type=int, help="problems (default: each build's own number)")
    parser.add_argument("--busy", type=int, default=0, help="processes that are kept busy meanwhile")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, checked_out(options.before, Path(name)) as before:
        load = os.getloadavg()[0]
        sys.stdout.write(f"{options.before} against this build, load {load:.1f} before it began\n")
        heads = f"{'before':>8} {'after':>8} {'ratio':>7} {'CPU before':>10} {'after':>8} {'ratio':>7}"
        sys.stdout.write(f"{'seconds':12} {heads}\n")
        with busy_processes(options.busy):
            differing = compare(options.probes.split(","), before, Path(name), options)
    sys.stdout.write(f"{differing} numbers differ by more than their stated errors\n")


if __name__ == "__main__":
    main()
