"""How dense is the code? Measures of single lines, next to the bounds that the project sets itself.

    python -m benchmarks.code_density [PACKAGE …]

A *line* is one that holds code: blank lines, comments and docstrings are none. Counted are

- syntax nodes a line: the nodes of the syntax tree (``ast.walk``) without docstrings, contexts and operators;
- comprehensions and conditional expressions in a thousand lines;
- calls with six or more positional arguments in a thousand lines;
- vague names: the share of bindings (assignments, arguments, loop variables, functions) that say nothing of
  what they hold (``VAGUE``);
- comments in a hundred lines of code and comments;
- functions above a cyclomatic complexity of 15 (McCabe 1976: branches, loops, comprehensions, handlers, plus
  one).

The exit status is 1 where a bound is exceeded.
"""

from __future__ import annotations

import argparse
import ast
import io
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "probes", "ired_diag")
VAGUE = frozenset("told found known one some both asked these those it thing things data2 stuff tmp".split())
UNCOUNTED = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.comprehension, ast.match_case)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
MOST_POSITIONAL, MOST_COMPLEX = 6, 15


@dataclass(frozen=True)
class Measure:
    """A measure and its bounds.

    Attributes:
        name: What is measured.
        value: What was found.
        low: The least that is accepted.
        high: The most that is accepted.
    """

    name: str
    value: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether the value lies within the bounds."""
        return self.low <= self.value <= self.high


def measures(files: Sequence[Path]) -> list[Measure]:
    """Return every measure over some Python files."""
    lines = nodes = comments = 0
    kinds: Counter[str] = Counter()
    for path in files:
        text = path.read_text(encoding="utf-8")
        tree = _without_docstrings(ast.parse(text))
        code, remarks = _lines_of(text)
        lines += len(code - _docstring_lines(text))
        comments += remarks
        every = list(ast.walk(tree))
        nodes += sum(not isinstance(node, UNCOUNTED) for node in every)
        kinds.update(kind for node in every for kind in _kinds_of(node))
    thousand = lines / 1000
    return [
        Measure("syntax nodes a line", nodes / lines, 0, 5.8),
        Measure("comprehensions in 1,000 lines", kinds["comprehension"] / thousand, 0, 35),
        Measure("conditional expressions in 1,000 lines", kinds["ternary"] / thousand, 0, 20),
        Measure(
            "calls with six or more positional arguments in 1,000 lines", kinds["long call"] / thousand, 0, 1
        ),
        Measure("vague names, % of bindings", 100 * kinds["vague"] / kinds["binding"], 0, 0.5),
        Measure("comments in 100 lines", 100 * comments / (lines + comments), 2, 4),
        Measure("functions above complexity 15", kinds["complex"], 0, 0),
    ]


def _kinds_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, COMPREHENSIONS):
        yield "comprehension"
    if isinstance(node, ast.IfExp):
        yield "ternary"
    if isinstance(node, ast.Call) and len(node.args) >= MOST_POSITIONAL:
        yield "long call"
    if isinstance(node, FUNCTIONS) and complexity(node) > MOST_COMPLEX:
        yield "complex"
    for name in _bound_names(node):
        yield "binding"
        if name.lstrip("_") in VAGUE:
            yield "vague"


def complexity(function: ast.AST) -> int:
    """Return McCabe's complexity of a function; those inside it count for themselves.

    >>> complexity(ast.parse("def f(x): return [y for y in x if y] if x else 0").body[0])
    2
    """
    total, waiting = 1, list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        if isinstance(node, FUNCTIONS):
            continue
        total += isinstance(node, BRANCHES)
        waiting.extend(ast.iter_child_nodes(node))
    return total


def _bound_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        yield node.name


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return tree


def _docstring_lines(text: str) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS)) and ast.get_docstring(node) is not None:
            first = node.body[0]
            lines.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return lines


def _lines_of(text: str) -> tuple[set[int], int]:
    """Return the lines with code, and the number of comments."""
    code: set[int] = set()
    comments = 0
    skipped = (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comments += 1
        elif token.type not in skipped:
            code.update(range(token.start[0], token.end[0] + 1))
    return code, comments


def vague_names(files: Sequence[Path]) -> Counter[str]:
    """Return how often each vague name is bound, by file."""
    counts: Counter[str] = Counter()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            counts.update(f"{path}: {name}" for name in _bound_names(node) if name.lstrip("_") in VAGUE)
    return counts


def main() -> None:
    """Print each measure with its bounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("packages", nargs="*", default=PACKAGES)
    parser.add_argument("--names", action="store_true", help="List where vague names are bound.")
    chosen = parser.parse_args()
    files = sorted(file for package in chosen.packages for file in (ROOT / package).rglob("*.py"))
    results = measures(files)
    sys.stdout.write(f"{len(files)} files\n\n| measure | value | bounds | |\n|---|---|---|---|\n")
    for measure in results:
        verdict = "ok" if measure.holds else "EXCEEDED"
        bounds = f"{measure.low:g} to {measure.high:g}"
        sys.stdout.write(f"| {measure.name} | {measure.value:.2f} | {bounds} | {verdict} |\n")
    if chosen.names:
        for place, count in vague_names(files).most_common():
            sys.stdout.write(f"{count:5d} {place}\n")
    sys.exit(0 if all(measure.holds for measure in results) else 1)


if __name__ == "__main__":
    main()
