"""The commands that are run on an attacked folder, and what is expected of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.attack import Attack, Outcome
from benchmarks.attack_bed import HEALTHY
from benchmarks.attacked_command import Expected, outcome_of

TABLE = "| group | mean |\n|---|---|\n| q901 | 0.2417 |\n| q902 | 0.3417 |\n"
REPORT = f"{TABLE}\nq901 has a mean of 0.2417 over 3 seeds.\n"
GOES_ON = (0, 3)  # a folder is read whatever one of its runs holds


@dataclass(frozen=True)
class Command:
    """A command on a folder of runs or logs: its arguments after the study, and what is expected."""

    name: str
    arguments: Callable[[Path, Path], Sequence[str]]
    expected: Expected


def _on_folder(*words: str) -> Callable[[Path, Path], Sequence[str]]:
    return lambda study, out: [*words[:1], str(study), *words[1:]]


def _to(name: str, *words: str) -> Callable[[Path, Path], Sequence[str]]:
    return lambda study, out: [*words[:1], str(study), *words[1:], "--out", str(out / name)]


def _check(study: Path, out: Path) -> Sequence[str]:
    report = out / "report.md"
    report.write_text(REPORT)
    return ["check", str(report), "--runs", str(study)]


def _import(study: Path, out: Path) -> Sequence[str]:
    return ["import", str(study), "--runs", str(out / "runs")]


ON_RUNS = (
    Command("ls", _on_folder("ls"), Expected(statuses=GOES_ON, says=HEALTHY)),
    Command("ls --json", _on_folder("ls", "--json"), Expected(statuses=GOES_ON, says=HEALTHY)),
    Command("stats", _on_folder("stats"), Expected(statuses=GOES_ON, says=HEALTHY)),
    Command("stats --json", _on_folder("stats", "--json"), Expected(statuses=GOES_ON, says=HEALTHY)),
    Command("diagnose", _on_folder("diagnose"), Expected(statuses=GOES_ON)),
    Command("diagnose --json", _on_folder("diagnose", "--json"), Expected(statuses=GOES_ON)),
    Command("check", _check, Expected(statuses=GOES_ON)),
)
ON_LOGS = (*ON_RUNS, Command("import", _import, Expected(statuses=GOES_ON)))
HEAVY = (
    Command(
        "figures",
        _to("figures", "figures", "--only", "learning-curves", "--format", "svg"),
        Expected(statuses=GOES_ON),
    ),
    Command("report", _to("report.html", "report"), Expected(statuses=GOES_ON)),
)


def command_attack(group: str, name: str, command: Command, make: Callable[[Path], object]) -> Attack:
    """Return the attack that makes a study and runs a command on it.

    Args:
        group: Of the attack.
        name: Of what is attacked and how.
        command: What is run.
        make: Writes the study into a folder.
    """

    def run(folder: Path) -> Outcome:
        study, out = folder / "study", folder / "out"
        study.mkdir()
        out.mkdir()
        make(study)
        return outcome_of(command.arguments(study, out), study, command.expected)

    return Attack(group, f"{name}: {command.name}", run)


def spread(index: int, *, logs: bool = False) -> Command:
    """Return the command of the index-th attack: the light ones in turn, each eleventh a heavy one.

    Args:
        index: Of the attack.
        logs: The study is logs of other programs, which can be imported; else run folders.
    """
    if index % 11 == 10:
        return HEAVY[index // 11 % len(HEAVY)]
    light = ON_LOGS if logs else ON_RUNS
    return light[(index - index // 11) % len(light)]
