r"""How fast text logs of several forms are read, next to a plain pass over the same bytes.

A log of each form is made in a temporary folder and read whole, to its history. The plain pass counts
the newlines of the file (``bytes.count``); both read from the disk's cache. The best of the repeats is
printed, in MB a second of processor time. Exit status 3 where the speedrun's form is read at less than
100 MB/s.

    python -m benchmarks.text_logs [--megabytes 100] [--repeats 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.made_text_logs import text
from ired_diag.readers import text_log

FORMS = ("speedrun", "megatron", "stamped", "nanogpt", "imagenet", "noisy")
GOAL = ("speedrun", 100.0)  # MB/s


def write(path: Path, form: str, megabytes: float) -> None:
    """Write a log of a form."""
    rng = np.random.default_rng(20261129)
    with path.open("wb") as file:
        for piece in text(form, 10**9, rng):
            file.write(piece)
            if file.tell() > megabytes * 1e6:
                return


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the least processor time of repeats."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return float(best)


def main() -> int:
    """Print MB/s of each form and its ratio to the plain pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=100.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    measured: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.log"
        for form in FORMS:
            write(path, form, arguments.megabytes)
            size = path.stat().st_size / 1e6
            plain = size / seconds(lambda: path.read_bytes().count(b"\n"), arguments.repeats)
            own = size / seconds(lambda: text_log.read(path).history, arguments.repeats)
            measured[form] = {"mb_s": own, "plain_mb_s": plain, "ratio": plain / own}
            row = (
                f"{form:10} {own:7.1f} MB/s, a plain pass {plain:7.0f} MB/s ({plain / own:.1f} times as fast)"
            )
            sys.stdout.write(row + "\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=1))
    form, goal = GOAL
    return 0 if measured[form]["mb_s"] >= goal else 3


if __name__ == "__main__":
    sys.exit(main())
