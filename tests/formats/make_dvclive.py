"""Write tests/formats/dvclive: runs of DVCLive 3.49.1, and their points as its own parser reads them.

python3.11 tests/formats/make_dvclive.py          # with dvclive==3.49.1
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.formats import logged

FOLDER = Path(__file__).parent / "dvclive"


def write(folder: Path) -> dict[str, logged.Points]:
    """Write a run for each seed into a folder of its own, and return the points by the folder's name."""
    os.chdir(folder)  # DVCLive makes a repository of DVC wherever it runs, and adds it to git
    from dvclive import Live
    from dvclive.utils import parse_metrics

    runs: dict[str, logged.Points] = {}
    for seed in logged.SEEDS:
        place = folder / f"baseline_seed{seed}"
        with Live(str(place), save_dvc_exp=False, dvcyaml=None, monitor_system=False) as live:
            live.log_params({**logged.settings(seed), "model": "mlp"})
            for step, loss, error in logged.rows(seed):
                live.step = step
                live.log_metric("train/loss", loss)
                live.log_metric("mse", error)
            live.log_metric("final", 3.0, plot=False)
            live.make_summary()
            history, _ = parse_metrics(live)
        runs[place.name] = {
            Path(file).relative_to(place / "plots/metrics").with_suffix("").as_posix(): [
                (int(row["step"]), float(row[Path(file).stem])) for row in rows
            ]
            for file, rows in history.items()
        }
    return runs


def main() -> None:
    """Write the runs and their points."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with tempfile.TemporaryDirectory() as made:
        logged.write_points(FOLDER / "points.json", write(Path(made)))
        for seed in logged.SEEDS:
            name = f"baseline_seed{seed}"
            for part in ("plots/metrics", "metrics.json", "params.yaml"):
                source, target = Path(made, name, part), FOLDER / name / part
                target.parent.mkdir(parents=True, exist_ok=True)
                if source.is_dir():
                    shutil.copytree(source, target)
                else:
                    shutil.copy(source, target)


if __name__ == "__main__":
    main()
