"""A machine that runs out of something is said in one line; a defect of ours keeps its traceback."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from app.cli.exhausted import BY_NUMBER, FILES, MEMORY, lack_in_words

ROOT = Path(__file__).parents[1]
# Runs a command with a limit that begins once everything is loaded.
LIMITED = """
import resource, sys
import app.cli.stats, ired_diag.open, ired_diag.comparison
from app.cli import main
kind, size, *words = sys.argv[1:]
soft, hard = resource.getrlimit(int(kind))
resource.setrlimit(int(kind), (int(size), hard))
main(args=words, prog_name="ired-diag")
"""


@pytest.mark.parametrize(
    "ask", [lambda: np.zeros(2**59), lambda: torch.zeros(2**59), lambda: bytearray(2**62)]
)
def test_memory_that_no_machine_has_is_named_by_every_library(ask: Callable[[], object]) -> None:
    with pytest.raises((MemoryError, RuntimeError)) as error:
        ask()
    assert lack_in_words(error.value) == MEMORY


@pytest.mark.parametrize("number", sorted(BY_NUMBER))
def test_what_the_operating_system_lacks_is_named(number: int) -> None:
    assert lack_in_words(OSError(number, os.strerror(number))) == BY_NUMBER[number]


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"),
        ImportError("cannot import name 'x'"),
        KeyError("out of memory"),
        OSError(errno.ENOENT, "No such file or directory"),
    ],
)
def test_a_defect_is_not_taken_for_a_lack(error: Exception) -> None:
    assert lack_in_words(error) is None


def test_a_command_that_may_open_no_more_files_says_so_in_one_line(tmp_path: Path) -> None:
    """Three are open; the fourth could not be."""
    words = [str(resource.RLIMIT_NOFILE), "3", "stats", "q101", "--runs", str(ROOT / "sample_runs")]
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("ired-diag: ")
    assert FILES in line or os.strerror(errno.EMFILE) in line
