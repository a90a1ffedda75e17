"""How waiting threads wait: briefly, unless the user has chosen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAM = """
import os
from ired_diag.waiting import wait_briefly
done = wait_briefly()
print(done, os.environ.get("GOMP_SPINCOUNT"), os.environ.get("OMP_WAIT_POLICY"))
"""


def waits(program: str = PROGRAM, **environment: str) -> str:
    clean = {
        key: value for key, value in os.environ.items() if key not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_threads_wait_briefly_by_default() -> None:
    assert waits() == "True 1000 None"


def test_what_the_user_chose_stays() -> None:
    assert waits(GOMP_SPINCOUNT="7") == "False 7 None"
    assert waits(OMP_WAIT_POLICY="ACTIVE") == "False None ACTIVE"


def test_after_torch_is_loaded_nothing_is_promised() -> None:
    assert waits("import torch" + PROGRAM) == "False None None"
