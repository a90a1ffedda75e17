"""The command line answers at once, and from anywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ired_diag

COMMAND = Path(sys.executable).with_name("ired-diag")
HEAVY = ("numpy", "torch", "pandas", "scipy", "pydantic", "plotly", "matplotlib", "dash", "pyarrow")


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, cwd=cwd, check=False)


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys; from app.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print('LOADED', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED []" in result.stdout
    assert "stats" in result.stdout


def test_importing_the_package_is_free_and_its_names_are_there() -> None:
    code = f"import sys, ired_diag; print([m for m in {HEAVY!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
    assert [name for name in ired_diag.__all__ if getattr(ired_diag, name, None) is None] == []


def test_version_is_the_package_version() -> None:
    assert run("--version").stdout.strip() == f"ired-diag {ired_diag.__version__}"


def test_works_from_a_folder_with_a_foreign_app_and_probes(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("raise SystemExit('the wrong app')\n")
    (tmp_path / "probes").mkdir()
    (tmp_path / "probes" / "__init__.py").write_text("raise SystemExit('the wrong probes')\n")
    (tmp_path / "runs").mkdir()
    result = run("ls", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "No runs here" in result.stdout


def test_each_command_shows_an_example_in_its_help() -> None:
    for command in ("train", "probe", "import", "ls", "stats", "verify"):
        assert f"ired-diag {command}" in run(command, "--help").stdout.split("Options:")[0]


def test_wrong_usage_ends_with_status_two() -> None:
    assert run("stats").returncode == 2
    assert run("no-such-command").returncode == 2


def test_a_dashboard_starts_without_what_its_first_page_does_not_need(tmp_path: Path) -> None:
    heavy = (
        "torch",
        "pandas",
        "scipy.stats",
        "scipy.special",
        "matplotlib",
        "plotly.express",
        "ired_diag.comparison",
        "ired_diag.claims",
        "ired_diag.readers.logs",
    )
    code = (
        "import sys; from pathlib import Path; import app.cli.dashboard, app.dashboard.listening\n"
        "from app.dashboard.server import create_app\n"
        f"create_app(Path({str(tmp_path)!r}), token='k', port=8050)\n"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    root = Path(__file__).parents[1]
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert result.stdout.strip() == "[]"
