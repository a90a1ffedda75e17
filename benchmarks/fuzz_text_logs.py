r"""Damaged text logs: each is read, or refused with a message, in little time.

Logs of nine forms, some with a program at their head, are damaged one to four times in a row
(``benchmarks/damage.py``). Every copy is read as a text log: a reader may raise a ``DiagError`` and nothing
else, and no copy may take more than ten seconds. How many are read, refused, and with what damage is printed.

    python -m benchmarks.fuzz_text_logs [--files 5000] [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks import damage
from benchmarks.made_text_logs import FORMS, HEAD, text
from ired_diag.errors import DiagError
from ired_diag.readers import text_log
from ired_diag.readers.text_explained import explain

LONGEST = 10.0  # s of processor time
WAYS: tuple[damage.Damage, ...] = (
    damage.truncated,
    damage.beheaded,
    damage.flipped(1),
    damage.flipped(30),
    damage.block(b"\0"),
    damage.block(b" "),
    damage.block(None),
    damage.lines_again,
    damage.lines_lost,
    damage.lines_shuffled,
    damage.interleaved,
    damage.numbers_replaced,
    damage.line_ends(b"\r"),
    damage.inserted(b"\xff\xfe"),
)


def damaged_log(form: str, rng: np.random.Generator) -> bytes:
    """Return a log of a form that was damaged one to four times."""
    content = b"".join(text(form, int(rng.integers(1, 60)), rng))
    if rng.random() < 0.3:
        content = HEAD.encode() + content
    for way in rng.choice(len(WAYS), int(rng.integers(1, 5))):
        if len(content) > 2:
            content = WAYS[int(way)](content, rng)
    return content


def outcome(path: Path) -> str:
    """Read a file in all ways; return what came of it."""
    if not text_log.accepts(path):
        explain(path)
        return "not accepted"
    try:
        run = text_log.read_run(path)
        explain(path)
    except DiagError:
        return "refused with a message"
    return "read with a finding" if run.findings else "read"


def main() -> int:
    """Damage and read; exit status 1 where a file raises anything but a message, or takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("error")
    outcomes: Counter[str] = Counter()
    slowest, failures = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.log"
        for number in range(arguments.files):
            rng = np.random.default_rng([arguments.seed, number])
            path.write_bytes(damaged_log(list(FORMS)[number % len(FORMS)], rng))
            start = time.process_time()
            try:
                outcomes[outcome(path)] += 1
            except Exception:  # any exception that escapes is what is looked for
                failures += 1
                sys.stdout.write(f"file {number}:\n{traceback.format_exc()}" + "\n")
            slowest = max(slowest, time.process_time() - start)
    sys.stdout.write(
        f"{arguments.files} files: {dict(outcomes)}; {failures} tracebacks; slowest {slowest:.2f} s" + "\n"
    )
    return int(failures > 0 or slowest > LONGEST)


if __name__ == "__main__":
    sys.exit(main())
