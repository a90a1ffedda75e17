"""Does each verdict keep its promise? Shares of false verdicts, coverage and power over made studies.

    python -m benchmarks.verdicts [--cells PATTERN] [--studies N] [--quick] [--processes 2] [--seed 0]

Printed is a Markdown table, a line for each bound: what is measured, its share, two Monte-Carlo standard
errors, the bound, and whether it is kept when two standard errors are allowed; a measure without a bound is
only shown. Cells whose study is one deciding test have 20,000 studies, cells that read curves 4,000, and
those that go to the printed sentence 400, as do 24 of the 42 cells with one slower group: those whose seeds
differ by more than 0.1%. ``--studies`` is an upper limit on all, ``--quick`` is ``--studies 40``. The
numbers of a cell depend on its name and the seed alone, not on other cells nor on the number of processes.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import re
import sys
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchmarks.verdict_cells import Bound, Cell, cells
from benchmarks.verdict_measures import LOST, LOST_TO_READER, measures_of
from benchmarks.verdict_studies import Array

CHUNK = 500  # studies of one task
QUICK = 40
HEADER = ("cell", "measure", "studies", "share", "± 2 s.e.", "bound", "")

Task = tuple[str, int, int, int]  # name of the cell, number of the chunk, studies in it, seed


def chunk_of(task: Task) -> tuple[str, dict[str, Array], float]:
    """Return what one chunk of a cell's studies measures, and how many seconds of a processor it took."""
    name, number, count, seed = task
    cell = next(cell for cell in cells() if cell.name == name)
    rng = np.random.default_rng([seed, zlib.crc32(name.encode()), number])
    begun = time.process_time()
    return name, measures_of(cell.study, count, rng), time.process_time() - begun


def tasks_of(chosen: Sequence[Cell], most: int, seed: int) -> Iterator[Task]:
    """Yield the chunks of all cells."""
    for cell in chosen:
        left = min(cell.studies, most)
        for number in range(-(-left // CHUNK)):
            yield cell.name, number, min(CHUNK, left - number * CHUNK), seed


def measure_all(
    chosen: Sequence[Cell], *, most: int, processes: int, seed: int
) -> tuple[dict[str, dict[str, Array]], dict[str, float]]:
    """Return what the studies of each cell measure, by cell and measure, and the seconds of each cell."""
    measures: dict[str, dict[str, Array]] = {cell.name: {} for cell in chosen}
    seconds = dict.fromkeys(measures, 0.0)
    with multiprocessing.Pool(processes) as pool:
        for name, measured, taken in pool.imap(chunk_of, tasks_of(chosen, most, seed)):
            seconds[name] += taken
            for measure, values in measured.items():
                so_far = measures[name].get(measure, np.empty(0))
                measures[name][measure] = np.concatenate([so_far, values])
    return measures, seconds


def minutes_of_all(
    chosen: Sequence[Cell], seconds: Mapping[str, float], *, most: int, processes: int
) -> float:
    """Return how long all studies of the cells would take, by the time that those made took."""
    whole = sum(seconds[cell.name] * cell.studies / min(cell.studies, most) for cell in chosen)
    return whole / processes / 60


def row_of(cell: Cell, bound: Bound, values: Array) -> tuple[str, ...]:
    """Return one line of the table."""
    shown = math.isinf(bound.limit)
    limit = "none" if shown else f"{'≤' if bound.at_most else '≥'} {100 * bound.limit:g}%"
    if not len(values):
        return cell.name, bound.measure, "0", "-", "-", limit, "FAIL"
    share, error = float(values.mean()), standard_error(bound, values)
    verdict = "shown" if shown else "ok" if is_kept(bound, share, error) else "FAIL"
    return (
        cell.name,
        bound.measure,
        str(len(values)),
        f"{100 * share:.2f}%",
        f"{200 * error:.2f}",
        limit,
        verdict,
    )


def standard_error(bound: Bound, values: Array) -> float:
    """Return the Monte-Carlo standard error: of a share as at the bound, of a difference by its spread."""
    is_share = bool(np.isin(values, (0.0, 1.0)).all()) and bound.measure not in (LOST, LOST_TO_READER)
    variance = bound.limit * (1 - bound.limit) if is_share else float(values.var())
    return float(np.sqrt(variance / len(values)))


def is_kept(bound: Bound, share: float, error: float) -> bool:
    """Say whether a bound is kept, two standard errors allowed."""
    return share <= bound.limit + 2 * error if bound.at_most else share >= bound.limit - 2 * error


def rows_of(chosen: Sequence[Cell], values: Mapping[str, dict[str, Array]]) -> Iterator[tuple[str, ...]]:
    """Yield all lines of the table."""
    for cell in chosen:
        for bound in cell.bounds:
            yield row_of(cell, bound, values[cell.name].get(bound.measure, np.empty(0)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cells", default="", help="Regular expression of the cells' names.")
    parser.add_argument("--studies", type=int, default=10**9, help="At most so many studies a cell.")
    parser.add_argument("--quick", action="store_true", help=f"The same as --studies {QUICK}.")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chosen = [cell for cell in cells() if re.search(given.cells, cell.name)]
    most, begun = QUICK if given.quick else given.studies, time.monotonic()
    values, seconds = measure_all(chosen, most=most, processes=given.processes, seed=given.seed)
    rows = list(rows_of(chosen, values))
    lines = [f"| {' | '.join(row)} |" for row in (HEADER, ("---",) * len(HEADER), *rows)]
    failed = sum(row[-1] == "FAIL" for row in rows)
    minutes = (time.monotonic() - begun) / 60
    bounds = sum(row[-1] != "shown" for row in rows)
    lines += ["", f"{bounds} bounds, {failed} not kept; {minutes:.1f} minutes."]
    if any(cell.studies > most for cell in chosen):
        whole = minutes_of_all(chosen, seconds, most=most, processes=given.processes)
        lines.append(f"All studies would take about {whole:.0f} minutes.")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
