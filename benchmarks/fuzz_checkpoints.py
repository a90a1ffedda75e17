"""Damage real checkpoints at random: is each refused in one line, or read with its damage said?

    python -m benchmarks.fuzz_checkpoints [--files 5000] [--seed 0] [--seconds 20]

Each file of ``tests/formats/checkpoints`` is changed by flipped bytes, truncation, and deleted, doubled and
zeroed blocks, and opened twice: for what is in it, and for its weights. Counted are files that are

- *refused*: one line says why;
- *read, damage said*;
- *read as before*: the bytes that changed are padding, or repeated elsewhere;
- *read, other content*: formats without checksums cannot notice a changed number.

A traceback, a longer time than allowed, or more memory than allowed is a defect, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

import numpy as np

from ired_diag.errors import DiagError
from ired_diag.runs.checkpoint import read_checkpoint
from ired_diag.runs.checkpoint_contents import CheckpointContents, checkpoint_contents

SOURCES = Path(__file__).parents[1] / "tests" / "formats" / "checkpoints"
MOST_MEMORY = 6 << 30  # bytes of address space: PyTorch alone takes more than one GiB
MOST_FLIPS = 8
NOT_DAMAGED = ("expected.json", "latest")


class TooSlow(Exception):
    """Reading took longer than allowed."""


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Return bytes with one kind of damage."""
    size = len(content)
    first, last = sorted(rng.integers(0, size + 1, 2).tolist())
    last = min(last, first + 1 + int(rng.integers(0, 200)))
    match rng.choice(["flip", "truncate", "delete", "double", "zero"], p=[0.5, 0.1, 0.15, 0.15, 0.1]):
        case "flip":
            changed = bytearray(content)
            for place in rng.integers(0, size, rng.integers(1, MOST_FLIPS + 1)).tolist():
                changed[place] ^= 1 << int(rng.integers(0, 8))
            return bytes(changed)
        case "truncate":
            return content[:first]
        case "delete":
            return content[:first] + content[last:]
        case "double":
            return content[:last] + content[first:last] + content[last:]
        case _:
            return content[:first] + bytes(last - first) + content[last:]


def opened(path: Path) -> CheckpointContents:
    """Return what is in a checkpoint; its weights are read too, and may be refused."""
    contents = checkpoint_contents(path)
    try:
        read_checkpoint(path)
    except DiagError as error:
        reason = str(error).replace(str(path), "")
        return replace(contents, path=Path(), damage=(*contents.damage, f"weights: {reason}"))
    return replace(contents, path=Path())


def outcome(path: Path, before: CheckpointContents) -> str:
    """Return how a damaged checkpoint was read."""
    try:
        contents = opened(path)
    except DiagError:
        return "refused"
    if len(contents.damage) > len(before.damage):
        return "read, damage said"
    return "read as before" if contents == before else "read, other content"


def _too_slow(number: int, frame: FrameType | None) -> None:
    raise TooSlow


def _checkpoints() -> list[Path]:
    return sorted(path for path in SOURCES.iterdir() if path.name not in NOT_DAMAGED)


def _copy(source: Path, folder: Path) -> Path:
    target = folder / source.name
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)
    return target


def _parts(checkpoint: Path) -> list[Path]:
    if checkpoint.is_file():
        return [checkpoint]
    return sorted(path for path in checkpoint.rglob("*") if path.is_file() and path.name not in NOT_DAMAGED)


def fuzz(count: int, seed: int, seconds: int) -> tuple[dict[str, Counter[str]], list[str]]:
    """Return the outcomes for each checkpoint, and the defects.

    Args:
        count: Damaged checkpoints in all.
        seed: Random seed.
        seconds: Time allowed for each.
    """
    rng = np.random.default_rng(seed)
    signal.signal(signal.SIGALRM, _too_slow)
    outcomes: dict[str, Counter[str]] = {}
    defects: list[str] = []
    sources = _checkpoints()
    before = {source: opened(source) for source in sources}
    for number in range(count):
        source = sources[number % len(sources)]
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = _copy(source, Path(folder))
            part = _parts(checkpoint)[int(rng.integers(0, len(_parts(checkpoint))))]
            part.write_bytes(damaged(part.read_bytes(), rng))
            signal.alarm(seconds)
            try:
                result = outcome(checkpoint, before[source])
            except Exception:
                result = "DEFECT"
                defects.append(f"file {number}, {source.name}: {traceback.format_exc(limit=-4)}")
            finally:
                signal.alarm(0)
        outcomes.setdefault(source.name, Counter())[result] += 1
    return outcomes, defects


def _print(outcomes: dict[str, Counter[str]], defects: Sequence[str]) -> None:
    names = sorted({name for counts in outcomes.values() for name in counts})
    sys.stdout.write(f"| checkpoint | {' | '.join(names)} |\n|---|{'---|' * len(names)}\n")
    for source, counts in outcomes.items():
        sys.stdout.write(f"| {source} | {' | '.join(str(counts[name]) for name in names)} |\n")
    for defect in defects[:20]:
        sys.stdout.write(f"\n{defect}")
    sys.stdout.write(f"\n{sum(map(Counter.total, outcomes.values()))} files, {len(defects)} defects\n")


def main() -> None:
    """Print how damaged checkpoints were read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=int, default=20)
    chosen = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    outcomes, defects = fuzz(chosen.files, chosen.seed, chosen.seconds)
    _print(outcomes, defects)
    sys.exit(1 if defects else 0)


if __name__ == "__main__":
    main()
