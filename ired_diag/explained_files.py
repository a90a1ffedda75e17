"""The format of each file under some paths, and how the text logs among them are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ired_diag.errors import NotFound, UnreadableFile
from ired_diag.named_paths import split_arguments
from ired_diag.readers import metrics_csv, readers, text_job, text_log
from ired_diag.readers.seed_table_metrics import is_table_of_seeds
from ired_diag.readers.store_explained import explain_store
from ired_diag.readers.text_explained import Explanation, explain
from ired_diag.runs.files import is_special
from ired_diag.runs.find import contents_of

FIRST = 4096
TABLES = (".csv", ".tsv")


def files_and_formats(arguments: Iterable[str]) -> Iterator[tuple[Path, str, Explanation | None]]:
    """Yield each file, what it is read as, in words, and how it is read where it is a text log.

    Args:
        arguments: Files and folders, and ``NAME=GLOB``.

    Raises:
        NotFound: There is nothing at a path.
    """
    named, others = split_arguments(list(arguments))
    paths = [Path(other) for other in others]
    for group in named.values():
        paths += group.paths
    for path in paths:
        if path.is_dir():
            for file in contents_of(path).files:
                yield _of_file(file)
        elif path.is_file():
            yield _of_file(path)
        else:
            raise NotFound(f"{path}: expected a log or a folder of logs, found nothing.")


def _of_file(path: Path) -> tuple[Path, str, Explanation | None]:
    if is_special(path):
        return path, "is no file", None
    try:
        name = format_of(path)
        if name == text_log.FORMAT_NAME or (not name and _may_be_text_log(path)):
            return path, text_log.FORMAT_NAME, explain(path)
        if not name:
            return path, _not_a_log(path), None
        content = explain_store(name, path)
    except (OSError, UnreadableFile) as error:
        return path, f"not readable: {error}", None
    if not content:
        return path, f"is read as {name}", None
    return path, f"is read as {name}: {content}", None


def format_of(path: Path) -> str:
    """Return the name of the format that a file is read as; empty where no reader accepts it."""
    for name, reader in readers().items():
        if not getattr(reader, "reads_folders", False) and reader.accepts(path):
            is_text = name == "slurm" and text_job.is_read_as_text(path)
            return text_log.FORMAT_NAME if is_text else name
    return ""


def _not_a_log(path: Path) -> str:
    """Return what a file is that no reader accepts."""
    if is_table_of_seeds(path, None):
        return "is a table with one number for each seed; stats, diagnose and figures read it"
    if path.suffix.lower() in TABLES and (reason := metrics_csv.without_step(path)):
        return reason
    return "is no log of a known format"


def _may_be_text_log(path: Path) -> bool:
    """Say whether a file is text, and not of a kind that is never taken for the log of a program."""
    if path.suffix.lower() in text_log.NO_LOGS:
        return False
    with path.open("rb") as file:
        return b"\0" not in file.read(FIRST)
