"""What is in checkpoints, as ``ired-diag ls`` shows it: a few lines, a table of tensors, or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import output
from ired_diag.runs.name_list import counted
from ired_diag.visible_text import visible_line

if TYPE_CHECKING:
    from ired_diag.runs.checkpoint_contents import CheckpointContents, TensorEntry

MOST_ROWS = 30  # of a table that is folded
MOST_SETTINGS = 8  # in a line
MOST_DEPTH = 8
MOST_DAMAGE = 10  # lines
LONGEST_NAME = 40  # letters on a terminal: the end of a name says more than its beginning
LONGEST_VALUE = 30  # letters of a setting
FAILED = 1  # the exit status where a checkpoint could not be read
LAYOUTS = {
    "trainer1d": "trainer's checkpoint",
    "final_model": "final model of the study",
    "ired_diag": "weights of ired-diag",
    "state_dict": "state dictionary",
    "lightning": "Lightning checkpoint",
    "deepspeed": "DeepSpeed checkpoint",
    "module": "module saved whole",
}


def split_checkpoints(paths: Sequence[str]) -> tuple[list[Path], tuple[str, ...]]:
    """Return the checkpoints among arguments, and all other arguments."""
    from ired_diag.runs.tensor_files.recognition import is_checkpoint

    checkpoints, others = [], []
    for argument in paths:
        if is_checkpoint(Path(argument)):
            checkpoints.append(Path(argument))
        else:
            others.append(argument)
    return checkpoints, tuple(others)


def list_checkpoints(paths: Sequence[Path], *, full: bool, as_json: bool) -> None:
    """Print what is in each checkpoint; one that cannot be read is said, and the others are listed.

    Args:
        paths: The checkpoints.
        full: Whether to list every tensor.
        as_json: Whether to print JSON.
    """
    from ired_diag.errors import DiagError
    from ired_diag.runs.checkpoint_contents import checkpoint_contents

    read, errors = [], []
    for path in paths:
        try:
            read.append(checkpoint_contents(path))
        except DiagError as error:
            if len(paths) == 1:
                raise
            errors.append(str(error))
    if as_json:
        output.print_json({"checkpoints": list(map(_as_dict, read)), "unreadable": errors})
    else:
        for contents in read:
            _print(contents, full=full)
    for reason in errors:
        click.echo(visible_line(reason), err=True)
    if errors:
        raise click.exceptions.Exit(FAILED)


def _as_dict(contents: CheckpointContents) -> dict[str, object]:
    content = output.plain(contents)
    return {**content, "numbers": contents.numbers, "not_finite": contents.not_finite}


def _print(contents: CheckpointContents, *, full: bool) -> None:
    from app.cli.table_width import terminal_width
    from app.cli.wrapping import broken

    width = terminal_width()
    for line in _head(contents):
        output.print_lines(broken([visible_line(line)], width))
    _print_tensors(contents, full=full)
    for line in _notes(contents):
        output.print_lines(broken([visible_line(line)], width))


def _head(contents: CheckpointContents) -> Iterator[str]:
    yield f"{output.shorten(contents.path)}: {LAYOUTS[contents.layout]} ({contents.format})"
    step = "unknown (the file does not state it)"
    if contents.step is not None:
        step = f"{contents.step} ({contents.step_source})"
    if contents.epoch is not None and contents.epoch != contents.step:
        step += f", epoch {contents.epoch}"
    yield f"step: {step}"
    counts = [f"{count:,} parameters ({kind})" for kind, count in contents.parameters.items()]
    if contents.constants:
        counts.append(f"{counted(contents.constants, 'constant')} of a noise schedule")
    tensors = counted(len(contents.tensors), "tensor")
    yield f"{tensors}, {contents.numbers:,} numbers; weights: {', '.join(counts) or 'none recognised'}"


def _print_tensors(contents: CheckpointContents, *, full: bool) -> None:
    if not contents.tensors:
        return
    groups = [[tensor] for tensor in contents.tensors]
    if not full and len(groups) > MOST_ROWS:
        groups = folded(contents.tensors)
    shown = groups if full else groups[:MOST_ROWS]
    from app.cli.table_width import terminal_width

    rows = list(map(_row, shown))
    if terminal_width() is not None and not full:
        rows = [(_end(name), *cells) for name, *cells in rows]
    caption = ""
    if len(shown) < len(contents.tensors):
        caption = "Tensors are folded by name; --full lists each."
        if more := len(groups) - len(shown):
            caption = f"{more} more rows are not shown; --full lists each tensor."
    output.print_table(
        "",
        ("tensor", "shape", "type", "numbers", "not finite"),
        rows,
        left=3,
        caption=caption,
        first_out=("type", "numbers", "shape"),
        keep=("tensor", "not finite"),
    )


def _end(name: str) -> str:
    """Return a name, or its end where it is long."""
    return name if len(name) <= LONGEST_NAME else f"…{name[-LONGEST_NAME + 1 :]}"


def folded(tensors: Sequence[TensorEntry]) -> list[list[TensorEntry]]:
    """Return tensors in groups by the first parts of their names: as many parts as give few groups."""
    groups = _groups(tensors, 1)
    for depth in range(2, MOST_DEPTH):
        deeper = _groups(tensors, depth)
        if len(deeper) > MOST_ROWS:
            break
        groups = deeper
    return groups


def _groups(tensors: Sequence[TensorEntry], depth: int) -> list[list[TensorEntry]]:
    groups: dict[str, list[TensorEntry]] = {}
    for tensor in tensors:
        groups.setdefault(_prefix(tensor.name, depth), []).append(tensor)
    return list(groups.values())


def _prefix(name: str, depth: int) -> str:
    return ".".join(name.split(".")[:depth])


def _row(group: Sequence[TensorEntry]) -> tuple[str, ...]:
    first = group[0]
    numbers = sum(tensor.numbers for tensor in group)
    not_finite = sum(tensor.not_finite or 0 for tensor in group)
    unread = sum(tensor.not_finite is None for tensor in group)
    last = f"{not_finite:,}"
    if unread:
        last = "damaged" if unread == len(group) else f"{last}, {unread} damaged"
    types = ", ".join(dict.fromkeys(tensor.type for tensor in group))
    if len(group) == 1:
        return first.name or "-", _shape(first), types, f"{numbers:,}", last
    return f"{_common(group)}.*", f"{len(group)} tensors", types, f"{numbers:,}", last


def _common(group: Sequence[TensorEntry]) -> str:
    """Return the parts that the names of a group begin with."""
    names = [tensor.name.split(".") for tensor in group]
    common = []
    for parts in zip(*names, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return ".".join(common)


def _shape(tensor: TensorEntry) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"


def _notes(contents: CheckpointContents) -> Iterator[str]:
    from ired_diag.runs.checkpoint import objects_in_words

    for sentence in contents.damage[:MOST_DAMAGE]:
        yield f"damaged: {sentence}"
    if len(contents.damage) > MOST_DAMAGE:
        yield f"damaged: {len(contents.damage) - MOST_DAMAGE} parts more (--json)"
    if contents.not_finite:
        yield f"NaN or infinite: {counted(contents.not_finite, 'number')}."
    if contents.settings:
        listed = [f"{key}={_value(value)}" for key, value in list(contents.settings.items())[:MOST_SETTINGS]]
        more = len(contents.settings) - len(listed)
        yield f"settings: {', '.join(listed)}{f' and {more} more (--json)' if more else ''}"
    for sentence in contents.notes:
        yield f"note: {sentence}"
    if contents.skipped:
        yield f"not built, and nothing of them was run: {objects_in_words(contents.skipped)}"


def _value(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
