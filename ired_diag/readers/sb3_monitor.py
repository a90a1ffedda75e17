"""Episodes of an environment as Stable-Baselines3 and OpenAI Baselines write them, ``monitor.csv``.

    #{"t_start": 1695859120.3, "env_id": "CartPole-v1"}
    r,l,t
    23.0,23,1.2

Each row is an episode: its return ``r``, its length ``l`` in steps and the time ``t`` since the start. The
step of a row is the sum of all lengths so far: the number of steps in this environment. With several
environments each has a file of its own (``0.monitor.csv``), and a step of training is one in each of them.
Further columns are values that the user asked for. A second header begins an appended session.

Reference: Stable-Baselines3 2.9, common/monitor.py.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.finding import Finding
from ired_diag.readers.metrics_jsonl import read_object
from ired_diag.readers.scalar_log import Damage, ScalarLog, points_of
from ired_diag.readers.step_key import number_in, step_in, torn_message

HEAD = 4096
RETURN, LENGTH, TIME = "r", "l", "t"
NAMES = {RETURN: "episode/reward", LENGTH: "episode/length", TIME: "time/elapsed"}


def accepts(path: Path) -> bool:
    """Say whether ``path`` is such a table, by its first two lines."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    first, _, rest = head.partition(b"\n")
    second = rest.partition(b"\n")[0].strip().split(b",")
    return first.startswith(b"#{") and {b"r", b"l", b"t"} <= set(second)


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the episodes of an environment.

    Args:
        path: The file.
        allow_torn_tail: Drop a half-written last line.

    Raises:
        UnreadableFile: It is not such a table, holds no episode, or its last line is torn.
    """
    try:
        lines = path.read_bytes().decode("utf-8", "replace").split("\n")
    except OSError as error:
        raise unreadable(path, error) from error
    torn = lines.pop()
    if torn.strip() and not allow_torn_tail:
        raise UnreadableFile(torn_message(f"{path}, last line", torn[-60:]))
    episodes = _Episodes()
    for number, line in enumerate(lines, start=1):
        episodes.add(number, line.rstrip("\r"))
    if not episodes.columns:
        raise UnreadableFile(f"{path}: holds no episode yet.")
    statement = "Steps are those of this environment alone: the sum of the lengths of its episodes."
    return ScalarLog(
        points=points_of(episodes.columns),
        damaged=tuple(episodes.damaged),
        torn_tail=bool(torn.strip()),
        stated={"config": episodes.config} if episodes.config else {},
        notes=(Finding("unit_of_steps", "note", statement),),
    )


@dataclass
class _Episodes:
    """The columns of the table, built line by line.

    Attributes:
        header: The names of the columns.
        step: The steps of all episodes so far.
        columns: Steps and values by name.
        config: What the first line states.
        damaged: What was skipped.
    """

    header: list[str] = field(default_factory=list)
    step: int = 0
    columns: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    damaged: list[Damage] = field(default_factory=list)

    def add(self, number: int, line: str) -> None:
        """Add a line: what the file says of itself, a header, or an episode."""
        if not line.strip():
            return
        try:
            if line.startswith("#"):
                stated = read_object(line[1:].encode())
                self.config = {key: value for key, value in stated.items() if key == "env_id"}
                return
            cells = next(csv.reader([line], strict=True))
            if RETURN in cells and LENGTH in cells:
                self.header = cells
            else:
                self._add_episode(cells)
        except (ValueError, csv.Error) as error:
            self.damaged.append(Damage(number, f"a line that is not an episode ({error})"))

    def _add_episode(self, cells: list[str]) -> None:
        if len(cells) != len(self.header):
            raise ValueError(f"{len(cells)} cells where the header has {len(self.header)}")
        values = dict(zip(self.header, cells, strict=True))
        numbers = {name: number_in(cell) for name, cell in values.items() if _is_number(cell)}
        if RETURN not in numbers:
            raise ValueError("no return")
        self.step = step_in(self.step + step_in(values[LENGTH]))
        for name, number in numbers.items():
            steps, column = self.columns.setdefault(NAMES.get(name, name), ([], []))
            steps.append(self.step)
            column.append(number)


def _is_number(cell: str) -> bool:
    try:
        number_in(cell)
    except ValueError:
        return False
    return True
