r"""Hostile text: escapes of terminals, HTML and formulas in names of files and metrics, and in settings.

It must be shown so that it is seen and does nothing: a terminal gets ``\x1b``, a page gets ``&lt;``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from benchmarks.attack import Attack, Outcome, failed
from benchmarks.attack_bed import FORMATS, Format, curve_of, event, run_folder, whole, write
from benchmarks.attack_commands import command_attack, spread

TEXTS: dict[str, str] = {
    "a title": "\x1b]0;title\x07",
    "a cleared screen": "\x1b[2J\x1b[H",
    "an 8-bit escape": "\x9b2J",
    "turned text": "safe\u202egnp.exe",
    "a backspace": "abc\b\b\bxyz",
    "a carriage return": "worse\rbetter",
    "a second line": "q900\nq901 is better",
    "a tab": "a\tb",
    "not UTF-8": "caf\udce9",
    "a script": "<script>alert(1)</script>",
    "a picture": '"><img src=x onerror=alert(1)>',
    "an entity": "&lt;b&gt;&#60;",
    "a template": "{{7*7}}{% raw %}",
    "markup of rich": "[bold red]x[/bold red][/]",
    "a formula": "=cmd|' /C calc'!A0",
    "LaTeX": "\\input{/etc/passwd}$x_1^2$%",
    "a format": "%s%n{0}{x}",
    "an option": "--help",
    "a wide letter": "\u5b57\U0001f600",
    "200 letters": "x" * 200,
    "dollars for mathtext": "$\\frac{$",
    "a null word": "nan",
    "a glob": "[a-z]*?",
    "spaces": "  a  ",
    "a line separator": "a\u2028b",
}
PAGE = (b"<script>alert(1)</script>", b"<img src=x onerror")


def attacks(seed: int) -> Iterator[Attack]:
    """Yield the attacks; nothing is drawn."""
    index = count()
    for format in FORMATS:
        if format.name in ("YAML", "standard error", "accounts", "config.json"):
            continue
        logs = format.files is not run_folder
        for where, place in {"a folder": _named, "a metric or setting": _inside}.items():
            for name, text in TEXTS.items():
                command = spread(next(index), logs=logs)
                label = f"{format.name}: {name} as {where}"
                yield _checked_page(command_attack("hostile text", label, command, place(format, text)))


def _named(format: Format, text: str) -> Callable[[Path], None]:
    """Return what writes a study in which a folder, or a file directly in it, has a hostile name."""

    def make(study: Path) -> None:
        write(study, whole(format))
        path = study / format.attacked
        holder = path.parent if path.parent != study else path
        name = os.fsencode(text.replace("/", "\u2044"))[:200]
        holder.rename(holder.with_name(os.fsdecode(name) + ("" if holder.is_dir() else path.suffix)))

    return make


def _inside(format: Format, text: str) -> Callable[[Path], None]:
    """Return what writes a study in which the text stands in names of metrics and in settings."""

    def make(study: Path) -> None:
        write(study, whole(format))
        path = study / format.attacked
        if format.name == "event file":  # its records have checksums
            curve = curve_of("q900", 1)
            path.write_bytes(b"".join(event(s, {"validation/mse": v, f"train/{text}": v}) for s, v in curve))
            return
        hostile = os.fsencode(text.replace("\\", "\\\\").replace('"', "'").replace("\n", "\\n"))
        content = path.read_bytes()
        for word in (b"train/loss", b"train_loss", b"learning_rate", b"_made"):
            content = content.replace(word, word + hostile)
        path.write_bytes(content)

    return make


def _checked_page(attack: Attack) -> Attack:
    """Return an attack that also looks into the pages and pictures that are written."""

    def run(folder: Path) -> Outcome:
        outcome = attack.run(folder)
        for page in (folder / "out").rglob("*.*ml"):
            if outcome.survived and any(text in page.read_bytes() for text in PAGE):
                return failed(f"{page.name} holds HTML of a name", command=attack.name)
        return outcome

    return Attack(attack.group, attack.name, run)
