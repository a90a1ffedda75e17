"""What the study's documents asked for, and the command that answers it.

``python -m docs_site.coverage`` writes docs/coverage.md from coverage.yaml.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

SOURCE = Path(__file__).with_name("coverage.yaml")
PAGE = Path(__file__).parents[1] / "docs" / "coverage.md"
HEAD = """\
# What the study asked for

The program grew out of a study of adversarial negative mining. Each question of its plan, its design and
its results stands here with the command that answers it. A test runs every command below on the sample
runs, or trains for a few steps, and looks at what it prints (`tests/test_coverage.py`); this page is
written by `python -m docs_site.coverage`.
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A question of the documents with its answer.

    Attributes:
        asks: The question.
        command: What a reader types.
        small: Arguments that make the command small enough for a test.
        prints: What the output must contain.
        help: Options that the command's help must name; such a command is not run.
        after: A command that must have run before.
        leaves: A file that must be there afterwards.
        page: The page of ``docs`` that says more.
    """

    asks: str
    command: str
    small: tuple[str, ...]
    prints: tuple[str, ...]
    help: tuple[str, ...]
    after: str
    leaves: str
    page: str

    @property
    def is_run(self) -> bool:
        """Whether a test runs the command."""
        return bool(self.prints)


@dataclass(frozen=True)
class Section:
    """A part of the documents.

    Attributes:
        title: Its heading.
        rows: Its questions.
    """

    title: str
    rows: tuple[Row, ...]


def read_sections(path: Path = SOURCE) -> tuple[Section, ...]:
    """Return the sections of a file like coverage.yaml."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    arguments = {name: words for name, words in content.items() if isinstance(words, str)}
    return tuple(
        Section(section["title"], tuple(_row(row, arguments) for row in section["rows"]))
        for section in content["sections"]
    )


def _row(row: Mapping[str, object], arguments: Mapping[str, str]) -> Row:
    """Return a row; names of argument lists stand for the lists."""
    after = [arguments.get(word, word) for word in str(row.get("after", "")).split()]
    return Row(
        asks=str(row["asks"]),
        command=str(row["command"]),
        small=tuple(shlex.split(arguments.get(str(row.get("small", "")), ""))),
        prints=_texts(row.get("prints", ())),
        help=_texts(row.get("help", ())),
        after=" ".join(after),
        leaves=str(row.get("leaves", "")),
        page=str(row["page"]),
    )


def _texts(value: object) -> tuple[str, ...]:
    """Return one text or several as a tuple."""
    if isinstance(value, str):
        return (value,)
    return tuple(str(text) for text in value) if isinstance(value, Sequence) else ()


def page_of(sections: Sequence[Section]) -> str:
    """Return the page, in Markdown."""
    lines = [HEAD]
    for section in sections:
        lines += [f"## {section.title}", "", "| question | command | more |", "|---|---|---|"]
        for row in section.rows:
            title = Path(row.page).stem.replace("_", " ")
            lines.append(f"| {row.asks} | `{row.command}` | [{title}]({row.page}) |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page_of(read_sections()), encoding="utf-8")
