"""An object from a user's own Python file: ``FILE.py:FUNCTION`` names a function that returns it.

The file is Python and is run: name only files that you would run yourself.
"""

from __future__ import annotations

import importlib.util
import inspect
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from ired_diag.errors import NotFound, UnreadableFile


def built_by(name: str, *, option: str, **values: Any) -> Any:
    """Return what a function in a Python file returns.

    Args:
        name: A Python file, a colon, and the name of a function in it.
        option: The option that named it, for messages: ``--task``.
        values: Values that the function may take: each is passed where one of its parameters has its name.

    Raises:
        NotFound: There is no such file, or nothing of that name in it.
        UnreadableFile: The file cannot be run, or the function fails.
    """
    path, _, function = name.rpartition(":")
    if not path and Path(name).is_file():
        raise NotFound(
            f"{option} {name!r}: names a file without the function in it that builds it. Expected "
            f"FILE.py:FUNCTION, such as {name}:build."
        )
    if not path or not Path(path).is_file():
        raise NotFound(f"{option} {name!r}: expected FILE.py:FUNCTION, found no file {path or name!r}.")
    build = getattr(_run(Path(path)), function, None)
    if not callable(build):
        raise NotFound(f"{path}: holds no function {function!r}.")
    try:
        parameters = inspect.signature(build).parameters
        return build(**{key: value for key, value in values.items() if key in parameters})
    except Exception as error:  # their code: whatever it raises is theirs to mend
        raise UnreadableFile(f"{path}: {function}() failed: {_where(error)}.") from error


class _FromSource(SourceFileLoader):
    """Runs a file as it is now: Python's kept bytecode may be that of a save within the same second."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the source."""
        return self.source_to_code(self.get_data(self.path), self.path)


def _run(path: Path) -> ModuleType:
    loader = _FromSource(f"ired_diag_own_{path.stem}", str(path))
    spec = importlib.util.spec_from_file_location(loader.name, path, loader=loader)
    if spec is None or path.suffix != ".py":
        raise UnreadableFile(f"{path}: is not a Python file (its name must end in .py).")
    module = importlib.util.module_from_spec(spec)
    try:
        loader.exec_module(module)
    except Exception as error:  # their code again
        raise UnreadableFile(f"{path}: cannot be run: {_where(error)}.") from error
    return module


def _where(error: Exception) -> str:
    """Return what was raised, and the line of the user's file that did."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"
