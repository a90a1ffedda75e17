"""A user's own ``app`` and ``probes`` on the path are neither run nor in the way."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ired_diag.inverse.config import parse_inverse
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.trainer import train

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SCRIPT = """#!{python}
import re
import sys
from {module} import {function}
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script.pyw|.exe)?$', '', sys.argv[0])
    sys.exit({function}())
"""  # as pip writes it
TINY = {
    "experiment_name": "q900_tiny",
    "rank": 2,
    "width": 4,
    "diffusion_steps": 4,
    "batch_size": 4,
    "train_steps": 4,
    "validate_every": 2,
    "validation_batches": 1,
    "validation_batch_size": 4,
    "checkpoint_every": 2,
}


def wrong(name: str) -> str:
    return f"raise SystemExit('the wrong {name}')\n"


@pytest.fixture(params=["modules", "packages", "half"])
def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with another project's ``app`` and ``probes``: files, packages, or one of each."""
    files = {
        "modules": ("app.py", "probes.py", "sample_runs.py"),
        "packages": (
            "app/__init__.py",
            "app/cli/__init__.py",
            "probes/__init__.py",
            "probes/conditioning.py",
        ),
        "half": ("app.py", "probes/__init__.py"),
    }[request.param]
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wrong(name))
    return tmp_path


def console_script(folder: Path) -> Path:
    """Write the script that an installer makes of the project's entry point."""
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["ired-diag"]
    module, function = entry.split(":")
    path = folder / "bin" / "ired-diag"
    path.parent.mkdir()
    path.write_text(SCRIPT.format(python=sys.executable, module=module, function=function))
    return path


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with the working folder first on its path, and this project after it."""
    path = {"PYTHONPATH": f".{os.pathsep}{ROOT}", "XDG_CACHE_HOME": str(cwd / "cache")}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **path, "OMP_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": ""},
        check=False,
    )


def test_the_foreign_packages_come_first_for_everybody_else(foreign: Path) -> None:
    for name in ("app", "probes"):
        assert "the wrong" in run("-c", f"import {name}", cwd=foreign).stderr


def test_the_console_script_and_the_module_run_this_project(foreign: Path) -> None:
    (foreign / "runs").mkdir()
    for command in ([console_script(foreign)], ["-m", "ired_diag_command"]):
        result = run(*command, "ls", cwd=foreign)
        assert (result.returncode, result.stderr) == (0, "")
        assert "No runs here" in result.stdout


@pytest.mark.parametrize("foreign", ["packages"], indirect=True)
def test_probes_are_measured_and_drawn_in_workers_of_this_project(foreign: Path) -> None:
    """Two checkpoints and two threads: a worker process for each."""
    train(INVERSE, parse_inverse(TINY), foreign / "runs" / "q900" / "seed0")
    checkpoints = ("--checkpoint", "all", "--samples", "8", "--figures", "none")
    probed = run(console_script(foreign), "probe", "conditioning", "q900", *checkpoints, cwd=foreign)
    assert probed.returncode == 0, probed.stderr
    assert (foreign / "runs" / "q900" / "seed0" / "probes" / "conditioning.parquet").is_file()


def test_the_path_of_everything_else_stays_as_it_is() -> None:
    code = (
        "import sys; before = list(sys.path); import ired_diag_command as c; c.find_own_packages_first();"
        "c.find_own_packages_first(); assert sys.path == before;"
        "print(sum(type(f).__name__ == 'OwnPackages' for f in sys.meta_path))"
    )
    result = run("-c", code, cwd=ROOT)
    assert result.stdout.strip() == "1", result.stderr
