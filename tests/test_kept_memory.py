"""Freed memory is kept for the next step, given back at the end, and left to whoever set it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ired_diag.kept_memory import _glibc

pytestmark = pytest.mark.skipif(_glibc() is None, reason="the C library is not glibc")

# Page faults of one step after others, within the block, and what is resident within and after it.
PROGRAM = """
import resource
from pathlib import Path

import torch

from ired_diag.kept_memory import freed_memory_kept

PAGES_OF_A_STEP = 200 * 2**20 // 4096

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    tensors = [torch.zeros(2**18) for _ in range(200)]
    del tensors
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / PAGES_OF_A_STEP

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) / PAGES_OF_A_STEP

def warm():
    for _ in range(3):
        faults()
    return faults()

torch.set_num_threads(1)
at_rest = resident()
with freed_memory_kept():
    within = warm()
    kept = resident() - at_rest
print(within, kept, resident() - at_rest)
"""


def shares(**settings: str) -> list[float]:
    """Return the program's three numbers, in steps' worth of pages."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    environment.pop("GLIBC_TUNABLES", None)
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**environment, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(word) for word in result.stdout.split()]


def test_a_step_uses_the_pages_of_the_step_before() -> None:
    within, kept, left = shares()
    assert within < 0.02
    assert kept > 0.9
    assert left < 0.2  # given back at the end


@pytest.mark.parametrize(
    "settings",
    [
        {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"},
        {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=131072:glibc.malloc.trim_threshold=131072"},
    ],
)
def test_what_the_user_set_stays(settings: dict[str, str]) -> None:
    within, kept, _ = shares(**settings)
    assert within > 0.5
    assert kept < 0.2
