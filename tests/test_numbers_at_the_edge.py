"""Numbers at the edge, from end to end: no traceback, and no warning of numpy or matplotlib, in any command.

Warnings are errors in these tests, so that a command which lets one through fails.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli import main

pytestmark = pytest.mark.slow

N = 24
LAST = 2**63 - 1
Values = Callable[[int, int], float]  # of the k-th evaluation of a seed

VALUES: dict[str, Values] = {
    "near 1e308": lambda k, seed: 1.6e308 * (1 - 0.01 * k - 0.001 * seed),
    "1e308 of both signs next to NaN": lambda k, seed: (1e308, -1e308, math.nan)[(k + seed) % 3],
    "infinity of both signs": lambda k, seed: math.inf if (k + seed) % 2 else -math.inf,
    "at last 1e308": lambda k, seed: 1 / (k + 1 + seed) if k < N - 1 else 1e308,
    "a blow-up of one seed": lambda k, seed: 1e308 if seed == 1 and k > 9 else 0.1 + 1 / (k + 1 + seed),
    "smallest": lambda k, seed: 5e-324 * (k + 1 + seed),
    "tiny": lambda k, seed: 1e-300 * (2 + math.sin(k * (seed + 1))),
    "large and tiny": lambda k, seed: 1e308 if (k + seed) % 2 else 1e-308,
    "just within": lambda k, seed: 9e74 * (1 - 0.02 * k) + 1e73 * math.sin(k * (seed + 2)),
    "zero": lambda k, seed: 0.0,
    "NaN": lambda k, seed: math.nan,
}
STEPS: dict[str, list[int]] = {
    "near 2**63": [LAST - N + k for k in range(N)],
    "near -2**63": [-LAST - 1 + k for k in range(N)],
    "from end to end": [-LAST - 1, *range(1, N - 1), LAST],
    "nanoseconds": [1_770_000_000_000_000_000 + 10**9 * k for k in range(N)],
    "one": [LAST],
}
PLAIN = [100 * (k + 1) for k in range(N)]
ORDINARY: Values = lambda k, seed: 0.1 + 1 / (k + 1) + 0.01 * math.sin(k * (seed + 1))  # noqa: E731
CASES: dict[str, tuple[Values, list[int]]] = {
    **{name: (values, PLAIN) for name, values in VALUES.items()},
    **{name: (ORDINARY, steps) for name, steps in STEPS.items()},
}


def write(runs: Path, values: Values, steps: list[int]) -> Path:
    """Write three seeds of two groups: one at the edge, one that is ordinary in its values."""
    for name, of_group in (("q900", values), ("q901", ORDINARY)):
        for seed in range(3):
            folder = runs / name / f"seed{seed}"
            folder.mkdir(parents=True)
            settings = {"experiment_name": name, "rank": 20, "ood": False, "mining_strategy": "none"}
            content: dict[str, Any] = {"format": 1, "experiment": name, "seed": seed, "config": settings}
            content["ending"] = {"state": "complete"}
            (folder / "config.json").write_text(json.dumps(content))
            rows = [
                {"step": step, "validation/mse": of_group(k, seed), "train/loss": of_group(k, seed + 5)}
                for k, step in enumerate(steps)
            ]
            (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return runs


def run(*arguments: str | Path) -> Result:
    """Run a command; what it raises beyond an exit is raised here, warnings included."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Warning" not in result.stderr
    if result.exit_code:
        (line,) = result.stderr.splitlines()
        assert line.startswith("ired-diag: ")
    return result


@pytest.mark.parametrize(("values", "steps"), CASES.values(), ids=CASES)
def test_runs_are_listed_diagnosed_and_compared(tmp_path: Path, values: Values, steps: list[int]) -> None:
    runs = write(tmp_path / "runs", values, steps)
    assert len(json.loads(run("ls", runs, "--json").stdout)["runs"]) == 6
    assert run("ls", runs).exit_code == 0
    assert run("diagnose", runs).exit_code == 0
    run("stats", "q900", "q901", "--runs", runs)
    run("stats", "q900", "q901", "--runs", runs, "--json", "--include-incomplete")


@pytest.mark.parametrize("case", ["a blow-up of one seed", "tiny", "just within", "nanoseconds"])
def test_figures_and_the_report_are_drawn(tmp_path: Path, case: str) -> None:
    runs = write(tmp_path / "runs", *CASES[case])
    assert run("figures", "q900", "q901", "--runs", runs, "--out", tmp_path / "figures").exit_code == 0
    assert run("report", "q900", "q901", "--runs", runs, "--out", tmp_path / "report.html").exit_code == 0


@pytest.mark.parametrize("case", ["near 1e308", "1e308 of both signs next to NaN", "near 2**63"])
def test_what_was_changed_is_said_of_each_run(tmp_path: Path, case: str) -> None:
    runs = write(tmp_path / "runs", *CASES[case])
    listed = run("ls", runs).stdout
    assert "beyond 1e+75 and count as infinite" in listed or "were left out" in listed


@pytest.mark.parametrize("page", ["study", "curves", "statistics", "findings"])
@pytest.mark.parametrize("case", ["large and tiny", "from end to end", "near 1e308"])
def test_the_dashboard_opens(tmp_path: Path, browse: Any, ask: Any, case: str, page: str) -> None:
    client = browse(write(tmp_path / "runs", *CASES[case]))
    address = f"?page={page}&groups=q900,q901"
    assert ask(client, "content.children", frame_data={"search": address, "number": 1})["content"]


def test_logs_and_tables_of_strangers_are_bounded_too(tmp_path: Path) -> None:
    for seed in range(3):
        rows = "".join(f"{k},{1e308 * (-1) ** k}\n" for k in range(1, 20))
        (tmp_path / f"q900_seed{seed}.csv").write_text(f"step,val_loss\n{rows}")
        rows = "".join(json.dumps({"step": 2**63 - k, "val_loss": 1 / k}) + "\n" for k in range(20, 0, -1))
        (tmp_path / f"q901_seed{seed}.jsonl").write_text(rows)
    assert "count as infinite" in run("ls", tmp_path).stdout
    run("diagnose", tmp_path)
    table = tmp_path / "seeds" / "table.csv"
    table.parent.mkdir()
    cells = [
        f"{name},{seed},{value + seed}" for name, value in (("a", 1e308), ("b", 0.1)) for seed in range(4)
    ]
    table.write_text("experiment,seed,mse\n" + "\n".join(cells) + "\n")
    assert "ended in NaN or infinity" in run("stats", table).stdout
