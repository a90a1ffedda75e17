"""Commands as a user whom permissions bind: root reads everything, and would see nothing of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOBODY = 65534
# Runs the commands of its input one after the other and tells how each ended.
SERVER = """
import json, sys, traceback
from click.testing import CliRunner
from app.cli import main
for line in sys.stdin:
    result = CliRunner().invoke(main, json.loads(line))
    told = "" if result.exception is None or isinstance(result.exception, SystemExit) else "".join(
        traceback.format_exception(result.exception))
    print(json.dumps([result.exit_code, result.stdout, result.stderr, told]), flush=True)
"""


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str
    traceback: str


@contextmanager
def folder_of_nobody() -> Iterator[Path]:
    """Yield a folder that the user may read; pytest's own are closed to all others."""
    folder = Path(tempfile.mkdtemp(prefix="ired-diag-nobody-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for place, folders, _ in os.walk(folder):
            for name in folders:
                (Path(place) / name).chmod(0o755)
        shutil.rmtree(folder)


def as_nobody() -> list[str]:
    """Return what to put before a command; skip the test where nobody can be had."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("permissions do not bind root, and there is no setpriv")
    prefix = [setpriv, "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    tried = subprocess.run([*prefix, sys.executable, "-c", "import click"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("no other user can be had, or none may read this Python")
    return prefix


def python_as_nobody(code: str, folder: Path, given: str = "") -> str:
    """Return what a Python program prints that runs as nobody in a folder."""
    own = folder / "own"
    own.mkdir(exist_ok=True)
    if os.geteuid() == 0:
        os.chown(own, NOBODY, NOBODY)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(own), "XDG_CACHE_HOME": str(own)}
    environment |= {"MPLCONFIGDIR": str(own), "PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*as_nobody(), sys.executable, "-c", code],
        input=given,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands_as_nobody(commands: Sequence[Sequence[str]], folder: Path) -> list[Answer]:
    """Return how commands end that nobody runs in a folder."""
    lines = "".join(f"{json.dumps(list(command))}\n" for command in commands)
    return [Answer(*json.loads(line)) for line in python_as_nobody(SERVER, folder, lines).splitlines()]
