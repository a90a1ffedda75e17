"""What a person reads is plain present-day English: words that need a second reading are refused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app.cli import main

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "probes", "ired_diag")
REFUSED = {
    r"\banew\b": "again",
    r"(?<![Tt]here )\b(?:is|are) none\b(?! of)": "is not one",
    r"\b(?:not |is |was |are )told\b(?! apart| to)": "unknown, recorded, stated",
    r"\btells? no(?:t|thing)?\b": "does not record, does not say",
    r"\bbeside\b": "next to",
    r"\bby (?:its )?name without\b": "Default: detected by name",
    r"\b(?:thereof|wherein|hereby|whereupon|nought|forthwith)\b": "a word of today",
}
FIRST_WORDS_OF_A_HELP = re.compile(r"^(?:Of|Whose|By|With) ")


def texts() -> Iterator[tuple[str, str]]:
    """Yield the place and the text of each string with a blank in it, docstrings included."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


@pytest.mark.parametrize("pattern", REFUSED, ids=REFUSED.values())
def test_no_text_holds_a_word_that_needs_a_second_reading(pattern: str) -> None:
    places = [f"{place}: {match[0]}" for place, text in texts() for match in re.finditer(pattern, text)]
    assert places == []


def commands(command: click.Command, name: str = "ired-diag") -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from commands(found, f"{name} {child}")


def test_each_option_says_what_it_is_in_a_phrase_of_its_own() -> None:
    stubs = []
    for name, command in commands(main):
        for parameter in command.params:
            words = getattr(parameter, "help", None)
            if isinstance(parameter, click.Option) and not parameter.hidden:
                if not words or FIRST_WORDS_OF_A_HELP.match(words) or not words.rstrip().endswith("."):
                    stubs.append(f"{name} {parameter.opts[0]}: {words}")
    assert stubs == []


def test_the_glossary_explains_at_least_forty_terms() -> None:
    text = (ROOT / "docs/glossary.md").read_text()
    assert len(re.findall(r"^\| \*\*.+?\*\* \| .+ \|$", text, flags=re.MULTILINE)) >= 40
