"""Odd places: links between folders, loops of links, pipes, sockets, deep and hidden folders.

A link in a runs folder that leads to a run folder is that run, listed once however many links lead to it.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from benchmarks.attack import Attack
from benchmarks.attack_bed import FORMATS, Format, run_folder, whole, write
from benchmarks.attack_commands import command_attack, spread

Place = Callable[[Path, Path], None]  # of the study, and of the attacked run's folder or file


def attacks(seed: int) -> Iterator[Attack]:
    """Yield the attacks; nothing is drawn."""
    index = count()
    for format in FORMATS:
        logs = format.files is not run_folder
        for name, place in PLACES.items():
            make = _placed(format, place)
            for _ in range(2):
                k = next(index)
                yield command_attack("odd places", f"{format.name}: {name} {k}", spread(k, logs=logs), make)


def _placed(format: Format, place: Place) -> Callable[[Path], None]:
    def make(study: Path) -> None:
        write(study, whole(format))
        path = study / format.attacked
        place(study, path.parent if path.parent != study else path)

    return make


def _moved_and_linked(study: Path, run: Path) -> None:
    outside = study.parent / "elsewhere"
    outside.mkdir()
    shutil.move(run, outside / run.name)
    run.symlink_to(outside / run.name)


def _linked_relatively(study: Path, run: Path) -> None:
    _moved_and_linked(study, run)
    target = run.readlink()
    run.unlink()
    run.symlink_to(os.path.relpath(target, run.parent))


def _linked_by_many(study: Path, run: Path) -> None:
    for number in range(5):
        (study / f"link{number}").symlink_to(run)


def _linked_to_each_other(study: Path, run: Path) -> None:
    (study / "a").symlink_to(study / "b")
    (study / "b").symlink_to(study / "a")


def _pipe(study: Path, run: Path) -> None:
    os.mkfifo(study / "metrics.csv")
    os.mkfifo(study / "q900.out")


def _socket(study: Path, run: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        before = Path.cwd()
        os.chdir(study)
        try:
            listener.bind("socket.out")
        finally:
            os.chdir(before)


def _deep(study: Path, run: Path) -> None:
    place = study.joinpath(*["d"] * 200)
    place.mkdir(parents=True)
    (place / "notes.txt").write_text("nothing\n")


def _many_empty(study: Path, run: Path) -> None:
    for number in range(500):
        (study / f"empty{number}").mkdir()


def _hidden(study: Path, run: Path) -> None:
    (study / ".git").mkdir()
    (study / ".git" / "config.json").write_text('{"format": 1}')


def _own_leftover(study: Path, run: Path) -> None:
    (study / ".config.json.abc123").write_bytes(b'{"format": 1, "exp')
    (study / "lock").write_bytes(b"")


PLACES: dict[str, Place] = {
    "a run that is a link": _moved_and_linked,
    "a run that is a relative link": _linked_relatively,
    "five links to one run": _linked_by_many,
    "a loop through the root": lambda study, run: (study / "loop").symlink_to(study),
    "a loop to the folder above": lambda study, run: (study / "loop").symlink_to(".."),
    "two links to each other": _linked_to_each_other,
    "a link to nothing": lambda study, run: (study / "gone").symlink_to(study / "nowhere"),
    "a link to the root of all": lambda study, run: (study / "all").symlink_to("/proc/self"),
    "pipes": _pipe,
    "a socket": _socket,
    "200 folders within each other": _deep,
    "500 empty folders": _many_empty,
    "a hidden folder": _hidden,
    "files of a killed write": _own_leftover,
}
