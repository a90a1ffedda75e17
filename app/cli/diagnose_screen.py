"""What ``ired-diag diagnose`` prints: one screen of clusters, or every finding.

A screen has 60 lines. Each cluster takes what it needs: its mark, its fact, a second fact, its runs, and what
to do. Clusters are printed whole, in their order, while there is room; where there is too little, errors
have it first, then warnings, and the findings of the others are counted.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import click

from app.cli import output
from app.cli.abridged import abridged
from app.cli.diagnosis import Diagnosis
from app.cli.table_width import terminal_width
from app.cli.wrapping import broken
from app.next_command import advice_in_words
from ired_diag.finding import Severity
from ired_diag.finding_clusters import Cluster, Fact
from ired_diag.folded_labels import folded
from ired_diag.forensics import WORST_FIRST
from ired_diag.runs.name_list import counted

SCREEN = 60  # lines
USUAL_WIDTH = 100  # characters, where there is no terminal
NARROWEST = 40  # characters: on a narrower terminal nearly every word would be a line
MOST_LINES = 5  # of a fact: a longer one is a text, which --full prints
MOST_ALSO = 2  # lines of a second fact
WIDTH_OF_WORDS = 60  # characters that the line about the rest needs next to the names of its rules
WIDEST_COUNT = len("1000 groups: ")
SENTENCE_END = re.compile(r"(?<=[a-z0-9)]\.)\s+(?=[A-Z])")
INDENT = "   "
COLOURS: dict[Severity, str | None] = {"error": "red", "warning": "yellow", "note": None}
CONSEQUENCES = {
    "conclusion": "wrong conclusion",
    "number": "wrong number",
    "compute": "lost compute",
    "hygiene": "hygiene",
}


@dataclass(frozen=True)
class Line:
    """A line of the screen; a heading has the colour of its severity."""

    text: str
    severity: Severity | None = None

    def print(self) -> None:
        """Print it."""
        if self.severity is None:
            click.echo(self.text)
        else:
            click.secho(self.text, fg=COLOURS[self.severity], bold=True)


def print_screen(diagnosis: Diagnosis) -> None:
    """Print the most consequential clusters, as many as a screen holds."""
    for line in screen(diagnosis, terminal_width()):
        line.print()


def print_in_full(diagnosis: Diagnosis) -> None:
    """Print every finding."""
    width = terminal_width()
    room = _less(width, len(INDENT))
    for number, cluster in enumerate(diagnosis.clusters, start=1):
        heading = f"{_heading(number, cluster)} {cluster.question}"
        for text in broken([heading.strip()], width, indent=INDENT):
            Line(text, cluster.severity).print()
        for fact in cluster.facts:
            for line in _indented(_fact_in_full(fact, diagnosis, room)):
                line.print()
        click.echo()
    output.print_lines(broken(diagnosis.footer(), width))


def _fact_in_full(fact: Fact, diagnosis: Diagnosis, room: int | None) -> list[str]:
    """Return every statement of a fact, its advice and its command."""
    texts = [f"- {finding.statement}" for finding in fact.findings]
    advice = advice_in_words(fact.advice)
    if advice:
        texts.append(f"→ {advice}")
    lines = broken(texts, room)
    command = diagnosis.command_of_fact(fact)
    if command:
        lines.append(command)
    return lines


def screen(diagnosis: Diagnosis, width: int | None) -> list[Line]:
    """Return the lines of one screen.

    Args:
        diagnosis: Findings and verdicts.
        width: Width of the terminal in characters. None: lines are not broken, and their height is counted as
            on a terminal of 100 characters.
    """
    footer = diagnosis.footer()
    columns = max(width or USUAL_WIDTH, NARROWEST)
    room = SCREEN - _height(footer, columns)
    shown: list[int] = []
    for place in _worst_first(diagnosis.clusters):
        chosen = sorted([*shown, place])
        texts = [line.text for line in _blocks(chosen, diagnosis, width)]
        texts += _rest(chosen, diagnosis, width)
        if _height(texts, columns) > room and shown:
            break
        shown = chosen
    lines = _blocks(shown, diagnosis, width)
    lines += map(Line, _rest(shown, diagnosis, width))
    lines += map(Line, broken(footer, width))
    return lines


def _worst_first(clusters: Sequence[Cluster]) -> list[int]:
    """Return the places of clusters in the order in which they get room on the screen."""
    return sorted(range(len(clusters)), key=lambda place: WORST_FIRST[clusters[place].severity])


def _blocks(places: Sequence[int], diagnosis: Diagnosis, width: int | None) -> list[Line]:
    """Return the lines of the clusters at the given places, numbered from 1."""
    lines: list[Line] = []
    for number, place in enumerate(places, start=1):
        lines += _block(
            number=number,
            cluster=diagnosis.clusters[place],
            diagnosis=diagnosis,
            width=width,
        )
    return lines


def _heading(number: int, cluster: Cluster) -> str:
    kind: str = cluster.severity
    if cluster.severity != "note":
        kind += f", {CONSEQUENCES[cluster.consequence]}"
    return f"{number}. {kind} [{cluster.rule}]"


def _block(number: int, cluster: Cluster, diagnosis: Diagnosis, width: int | None) -> Iterator[Line]:
    """Yield the lines of a cluster: its facts, its runs, what to do, and a command that can be copied."""
    first, *others = cluster.facts
    room = _less(width, len(INDENT))
    lines = _shortened(f"{_heading(number, cluster)} {first.statement}", room)
    yield Line(lines[0], cluster.severity)
    yield from _indented(lines[1:])
    advice = advice_in_words(cluster.advice)
    if others:
        of_second = advice_in_words(others[0].advice)
        if of_second != advice:
            # Each fact has its own advice below it.
            yield from _indented(_advice_alone(advice, room))
            advice = ""
        second = broken([f"Also: {_first_sentence(others[0].statement)}"], room)
        yield from _indented(_cut(second, MOST_ALSO))
        if not advice:
            yield from _indented(_advice_alone(of_second, room))
    scope = _scope(cluster, len(others) - 1, room)
    yield from _indented(_scope_and_advice(scope, advice, room))
    yield from _indented([_command(cluster, diagnosis)])


def _command(cluster: Cluster, diagnosis: Diagnosis) -> str:
    """Return the next command; where no advice names one, the command that shows all findings of the rule."""
    if command := diagnosis.command_of_fact(cluster.facts[0]):
        return command
    purpose = "what would refute it"
    if len(cluster.findings) > 1:
        purpose = f"all {len(cluster.findings)}"
    return f"{purpose}: {diagnosis.command_of(cluster)}"


def _advice_alone(advice: str, room: int | None) -> list[str]:
    """Return the lines of an advice that stands directly below its fact; none without advice."""
    if not advice:
        return []
    return _cut(broken([f"→ {advice}"], room), MOST_ALSO)


def _scope_and_advice(scope: str, advice: str, room: int | None) -> list[str]:
    """Return runs and advice on one line where they fit, else each on its own."""
    texts = [scope] if scope else []
    if advice:
        texts.append(f"→ {advice}")
    together = "  ".join(texts)
    if not texts:
        return []
    if room is None or len(together) <= room:
        return [together]
    return _cut(broken(texts, room), MOST_LINES)


def _scope(cluster: Cluster, more: int, room: int | None) -> str:
    """Return which runs a cluster touches, and how many of its facts are not shown."""
    facts = f"{more} more of this kind. " if more > 0 else ""
    count, groups = len(cluster.runs), len(cluster.groups)
    left = _less(room, len(facts) + WIDEST_COUNT)
    if cluster.exact and (count > 1 or len(cluster.findings) > 1):
        return f"{facts}{counted(count, 'run')}: {folded(cluster.runs, width=left)}"
    if not cluster.exact and groups > 1:
        return f"{facts}{groups} groups: {folded(cluster.groups, width=left)}"
    return facts.strip()


def _less(width: int | None, characters: int) -> int | None:
    """Return the width that is left on a line; None where it has no limit."""
    return None if width is None else width - characters


def _first_sentence(text: str) -> str:
    return SENTENCE_END.split(text)[0]


def _shortened(text: str, room: int | None) -> list[str]:
    """Return the lines of a text; a text that is too long keeps its last sentence, the conclusion."""
    lines = broken([text], room)
    if room is None or len(lines) <= MOST_LINES:
        return lines
    *_, last = SENTENCE_END.split(text)
    space = MOST_LINES * room - len(last) - room // 2  # half a line is lost where lines are broken
    if space < MOST_LINES * room // 2:
        return _cut(lines, MOST_LINES)
    head = text[: len(text) - len(last)].rstrip()
    return _cut(broken([f"{abridged(head, space)} {last}"], room), MOST_LINES)


def _cut(lines: list[str], most: int) -> list[str]:
    """Return the first lines; where there are more, their end is marked."""
    if len(lines) <= most:
        return lines
    whole_lines = lines[: most - 1]
    cut = abridged(" ".join(lines), len(" ".join(lines[:most])))
    beginning = " ".join([*whole_lines, ""])
    if cut.startswith(beginning):
        return [*whole_lines, cut.removeprefix(beginning)]
    return broken([cut], max(map(len, lines[:most])))  # cut at a comma of an earlier line


def _indented(lines: Iterable[str]) -> Iterator[Line]:
    for line in lines:
        yield Line(f"{INDENT}{line}")


def _rest(shown: Sequence[int], diagnosis: Diagnosis, width: int | None) -> list[str]:
    """Return how many findings are not shown, the names of their rules, and the command that shows all."""
    clusters = [cluster for place, cluster in enumerate(diagnosis.clusters) if place not in shown]
    if not clusters:
        return []
    count = sum(len(cluster.findings) for cluster in clusters)
    room = 2 * (width or USUAL_WIDTH) - WIDTH_OF_WORDS
    rules = textwrap.shorten(
        ", ".join(dict.fromkeys(cluster.rule for cluster in clusters)),
        max(room, NARROWEST),
        placeholder=" …",
    )
    words = f"and {counted(count, 'more finding')} ({rules}), all with --full:"
    all_findings = diagnosis.place.command("diagnose", "--full")
    return [*broken([words], width), f"{INDENT}{all_findings}"]


def _height(texts: Sequence[str], columns: int) -> int:
    """Return how many lines of a terminal texts take, broken or not."""
    height = 0
    for text in texts:
        height += max(1, math.ceil(len(text) / columns))
    return height
