"""What ``ired-diag diagnose`` prints: one screen of clusters, or every finding.

A screen has 60 lines. Each cluster takes what it needs: its mark, its fact, a second fact, its runs, and what
to do. Clusters are printed whole, in their order, while there is room; where there is too little, errors
have it first, then warnings, and the findings of the others are counted.
"""

from __future__ import annotations

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
from ired_diag.finding_clusters import Cluster
from ired_diag.folded_labels import folded
from ired_diag.forensics import WORST_FIRST

SCREEN = 60  # lines
USUAL_WIDTH = 100  # characters, where there is no terminal
NARROWEST = 40
MOST_LINES = 5  # of a fact: more is a text, which --full prints
MOST_ALSO = 2  # lines of a second fact
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
    room = None if width is None else width - len(INDENT)
    for number, cluster in enumerate(diagnosis.clusters, start=1):
        Line(f"{_heading(number, cluster)} {cluster.question}".strip(), cluster.severity).print()
        for fact in cluster.facts:
            advice = advice_in_words(fact.advice)
            texts = [f"- {finding.statement}" for finding in fact.findings]
            texts += [f"→ {advice}"] if advice else []
            command = diagnosis.command_of_fact(fact)
            for line in _indented([*broken(texts, room), *([command] if command else [])]):
                line.print()
        click.echo()
    output.print_lines(broken(diagnosis.footer(), width))


def screen(diagnosis: Diagnosis, width: int | None) -> list[Line]:
    """Return the lines of one screen.

    Args:
        diagnosis: What was found.
        width: Of the terminal; None: lines are not broken, but counted as on one of 100 characters.
    """
    clusters, footer = diagnosis.clusters, diagnosis.footer()
    all_findings = diagnosis.place.command("diagnose", "--full")
    columns = max(width or USUAL_WIDTH, NARROWEST)
    room = SCREEN - _height(footer, columns)
    shown: list[int] = []
    for place in sorted(range(len(clusters)), key=lambda place: WORST_FIRST[clusters[place].severity]):
        chosen = sorted([*shown, place])
        rest = _rest([c for i, c in enumerate(clusters) if i not in chosen], all_findings, width)
        texts = [line.text for line in _blocks(chosen, diagnosis, width)]
        if _height([*texts, *rest], columns) > room and shown:
            break
        shown = chosen
    lines = _blocks(shown, diagnosis, width)
    rest = _rest([c for i, c in enumerate(clusters) if i not in shown], all_findings, width)
    return [*lines, *(Line(text) for text in (*rest, *broken(footer, width)))]


def _blocks(places: Sequence[int], diagnosis: Diagnosis, width: int | None) -> list[Line]:
    """Return the lines of the clusters at some places, numbered from 1."""
    clusters = diagnosis.clusters
    blocks = (_block(n, clusters[place], diagnosis, width) for n, place in enumerate(places, start=1))
    return [line for block in blocks for line in block]


def _heading(number: int, cluster: Cluster) -> str:
    consequence = "" if cluster.severity == "note" else f", {CONSEQUENCES[cluster.consequence]}"
    return f"{number}. {cluster.severity}{consequence} [{cluster.rule}]"


def _block(number: int, cluster: Cluster, diagnosis: Diagnosis, width: int | None) -> Iterator[Line]:
    """Yield the lines of a cluster: its facts, its runs, what to do, and a command that can be copied."""
    first, *others = cluster.facts
    room = None if width is None else width - len(INDENT)
    lines = _shortened(f"{_heading(number, cluster)} {first.statement}", room)
    yield Line(lines[0], cluster.severity)
    yield from _indented(lines[1:])
    if others:
        yield from _indented(_cut(broken([f"Also: {_first_sentence(others[0].statement)}"], room), MOST_ALSO))
    words = _parts(_scope(cluster, len(others) - 1, room), advice_in_words(cluster.advice), room)
    yield from _indented([*words, _command(cluster, diagnosis)])


def _command(cluster: Cluster, diagnosis: Diagnosis) -> str:
    """Return the next command; where no advice means one, that which shows all findings of the rule."""
    if command := diagnosis.command_of_fact(cluster.facts[0]):
        return command
    count = len(cluster.findings)
    return f"{f'all {count}' if count > 1 else 'what would refute it'}: {diagnosis.command_of(cluster)}"


def _parts(scope: str, advice: str, room: int | None) -> list[str]:
    """Return runs and advice on one line where they fit, else each on its own."""
    arrow = f"→ {advice}" if advice else ""
    together = f"{scope}  {arrow}".strip()
    if room is None or len(together) <= room:
        return [together] if together else []
    return _cut(broken(list(filter(None, [scope, arrow])), room), MOST_LINES)


def _scope(cluster: Cluster, more: int, room: int | None) -> str:
    """Return which runs a cluster touches, and how many of its facts are not shown."""
    facts = f"{more} more of this kind. " if more > 0 else ""
    count, groups = len(cluster.runs), len(cluster.groups)
    left = None if room is None else room - len(facts) - len("1000 groups: ")
    if cluster.exact and (count > 1 or len(cluster.findings) > 1):
        return f"{facts}{count} run{'s' if count > 1 else ''}: {folded(cluster.runs, width=left)}"
    if not cluster.exact and groups > 1:
        return f"{facts}{groups} groups: {folded(cluster.groups, width=left)}"
    return facts.strip()


def _first_sentence(text: str) -> str:
    return SENTENCE_END.split(text)[0]


def _shortened(text: str, room: int | None) -> list[str]:
    """Return the lines of a text; of one that is too long the last sentence, its conclusion, stays."""
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
    cut = abridged(" ".join(lines), len(" ".join(lines[:most])))
    whole = " ".join(lines[: most - 1])
    if cut.startswith(f"{whole} "):
        return [*lines[: most - 1], cut[len(whole) + 1 :]]
    return broken([cut], max(len(line) for line in lines[:most]))  # cut at a comma of an earlier line


def _indented(lines: Iterable[str]) -> Iterator[Line]:
    yield from (Line(f"{INDENT}{line}") for line in lines)


def _rest(clusters: Sequence[Cluster], all_findings: str, width: int | None) -> list[str]:
    """Return how many findings are not shown, of which rules, and the command that shows all."""
    if not clusters:
        return []
    count = sum(len(cluster.findings) for cluster in clusters)
    rules = ", ".join(dict.fromkeys(cluster.rule for cluster in clusters))
    room = 2 * (width or USUAL_WIDTH) - 60
    rules = textwrap.shorten(rules, max(room, NARROWEST), placeholder=" …")
    words = f"and {count} more finding{'s' if count > 1 else ''} ({rules}), all with --full:"
    return [*broken([words], width), f"{INDENT}{all_findings}"]


def _height(texts: Sequence[str], columns: int) -> int:
    """Return how many lines of a terminal texts take, broken or not."""
    return sum(max(1, -(-len(text) // columns)) for text in texts)
