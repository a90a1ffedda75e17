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
MOST_NAMED = 10  # groups that a finding touches; --full names all
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
    for number, cluster in enumerate(diagnosis.clusters, start=1):
        for line in _cluster_in_full(number, cluster, diagnosis, width):
            line.print()
        click.echo()
    footer = broken(diagnosis.footer(), width)
    output.print_lines(footer)


def _cluster_in_full(
    number: int,
    cluster: Cluster,
    diagnosis: Diagnosis,
    width: int | None,
) -> Iterator[Line]:
    """Yield the question of a cluster and all of its facts."""
    heading = f"{_heading(number, cluster)} {cluster.question}"
    for text in broken([heading.strip()], width, indent=INDENT):
        yield Line(text, cluster.severity)
    room = _less(width, len(INDENT))
    for fact in cluster.facts:
        yield from _indented(_fact_in_full(fact, diagnosis, room))


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
        lines = _blocks_and_rest(chosen, diagnosis, width)
        texts = [line.text for line in lines]
        if _height(texts, columns) > room and shown:
            break
        shown = chosen
    lines = _blocks_and_rest(shown, diagnosis, width)
    lines += map(Line, broken(footer, width))
    return lines


def _blocks_and_rest(places: Sequence[int], diagnosis: Diagnosis, width: int | None) -> list[Line]:
    """Return the lines of the clusters at the given places, and how many findings the others have."""
    blocks = _blocks(places, diagnosis, width)
    rest = _rest(places, diagnosis, width)
    return [*blocks, *map(Line, rest)]


def _worst_first(clusters: Sequence[Cluster]) -> list[int]:
    """Return the places of clusters in the order in which they get room on the screen."""
    ranks = [WORST_FIRST[cluster.severity] for cluster in clusters]
    places = range(len(clusters))
    return sorted(places, key=lambda place: ranks[place])


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
    heading = _heading(number, cluster)
    lines = _shortened(f"{heading} {first.merged}", room)
    yield Line(lines[0], cluster.severity)
    yield from _indented(lines[1:])
    advice = advice_in_words(cluster.advice)
    if others:
        second = others[0]
        of_second = advice_in_words(second.advice)
        if of_second != advice:
            # Each fact has its own advice below it.
            yield from _indented(_advice_alone(advice, room))
            advice = ""
        sentence = _first_sentence(second.statement)
        also = broken([f"Also: {sentence}"], room)
        yield from _indented(_cut(also, MOST_ALSO))
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
    count = len(cluster.findings)
    if count > 1:
        purpose = f"all {count}"
    command = diagnosis.command_of(cluster)
    return f"{purpose}: {command}"


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
    facts = ""
    if more > 0:
        facts = f"{more} more of this kind. "
    runs = len(cluster.runs)
    groups = len(cluster.groups)
    left = _less(room, len(facts) + WIDEST_COUNT)
    has_several = runs > 1 or len(cluster.findings) > 1
    if cluster.exact and has_several:
        names = folded(cluster.runs, width=left, most=MOST_NAMED)
        return f"{facts}{counted(runs, 'run')}: {names}"
    if not cluster.exact and groups > 1:
        names = folded(cluster.groups, width=left, most=MOST_NAMED)
        return f"{facts}{groups} groups: {names}"
    return facts.strip()


def _less(width: int | None, characters: int) -> int | None:
    """Return the width that is left on a line; None where it has no limit."""
    if width is None:
        return None
    return width - characters


def _first_sentence(text: str) -> str:
    first, *_ = SENTENCE_END.split(text)
    return first


def _shortened(text: str, room: int | None) -> list[str]:
    """Return the lines of a text; a text that is too long keeps its last sentence, the conclusion."""
    lines = broken([text], room)
    if room is None or len(lines) <= MOST_LINES:
        return lines
    *_, last = SENTENCE_END.split(text)
    most_characters = MOST_LINES * room
    half_line = room // 2  # is lost where lines are broken
    space = most_characters - len(last) - half_line
    if space < most_characters // 2:
        return _cut(lines, MOST_LINES)
    head = text.removesuffix(last).rstrip()
    shorter_text = f"{abridged(head, space)} {last}"
    return _cut(broken([shorter_text], room), MOST_LINES)


def _cut(lines: list[str], most: int) -> list[str]:
    """Return the first lines; where there are more, their end is marked."""
    if len(lines) <= most:
        return lines
    whole_lines = lines[: most - 1]
    text = " ".join(lines)
    text_that_fits = " ".join(lines[:most])
    cut = abridged(text, len(text_that_fits))
    beginning = " ".join([*whole_lines, ""])
    if cut.startswith(beginning):
        return [*whole_lines, cut.removeprefix(beginning)]
    # It was cut at a comma of an earlier line.
    longest = max(map(len, lines[:most]))
    return broken([cut], longest)


def _indented(lines: Iterable[str]) -> Iterator[Line]:
    for line in lines:
        yield Line(f"{INDENT}{line}")


def _rest(shown: Sequence[int], diagnosis: Diagnosis, width: int | None) -> list[str]:
    """Return how many findings are not shown, the names of their rules, and the command that shows all."""
    count = 0
    rules = []
    for place, cluster in enumerate(diagnosis.clusters):
        if place in shown:
            continue
        count += len(cluster.findings)
        if cluster.rule not in rules:
            rules.append(cluster.rule)
    if not rules:
        return []
    room = 2 * (width or USUAL_WIDTH) - WIDTH_OF_WORDS
    names = textwrap.shorten(
        ", ".join(rules),
        max(room, NARROWEST),
        placeholder=" …",
    )
    findings = counted(count, "more finding")
    words = f"and {findings} ({names}), all with --full:"
    command = diagnosis.place.command("diagnose", "--full")
    return [*broken([words], width), f"{INDENT}{command}"]


def _height(texts: Sequence[str], columns: int) -> int:
    """Return how many lines of a terminal texts take, broken or not."""
    height = 0
    for text in texts:
        lines = math.ceil(len(text) / columns)
        height += max(1, lines)
    return height
