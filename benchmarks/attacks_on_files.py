"""Damaged files: each format, damaged in each way, under each command in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np

from benchmarks.attack import Attack
from benchmarks.attack_bed import FORMATS, Format, run_folder, whole, write
from benchmarks.attack_commands import command_attack, spread
from benchmarks.damage import DAMAGES

DRAWS = 3


def attacks(seed: int) -> Iterator[Attack]:
    """Yield the attacks; their damage is drawn from a seed."""
    index = count()
    for format in FORMATS:
        is_logs = format.files is not run_folder
        for draw in range(DRAWS):
            for name in DAMAGES:
                k = next(index)
                make = _damaged(format, name, (seed, k))
                yield command_attack(
                    f"damaged {format.name}", f"{name} {draw}", spread(k + draw, logs=is_logs), make
                )
        for name, place in PLACES.items():
            make = _misplaced(format, place)
            yield command_attack(f"damaged {format.name}", name, spread(next(index), logs=is_logs), make)


def _damaged(format: Format, name: str, seed: tuple[int, int]) -> Callable[[Path], None]:
    def make(study: Path) -> None:
        write(study, whole(format))
        path = study / format.attacked
        path.write_bytes(DAMAGES[name](path.read_bytes(), np.random.default_rng(seed)))

    return make


def _misplaced(format: Format, place: Callable[[Path], None]) -> Callable[[Path], None]:
    def make(study: Path) -> None:
        write(study, whole(format))
        path = study / format.attacked
        path.unlink()
        place(path)

    return make


def _full_folder(path: Path) -> None:
    path.mkdir()
    (path / "notes.md").write_text("# Notes\n")


PLACES: dict[str, Callable[[Path], None]] = {
    "an empty folder in its place": lambda path: path.mkdir(),
    "a folder with a file in its place": _full_folder,
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nothing": lambda path: path.symlink_to(path.with_name("gone")),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "missing": lambda path: None,
}
