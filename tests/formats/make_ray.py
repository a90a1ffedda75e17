"""Write tests/formats/ray: four trials of Ray Tune 2.60.0, and their points as its own analysis reads them.

    python3.11 tests/formats/make_ray.py              # with ray[tune]==2.60.0

What Ray says of the machine (host, address, process) is replaced.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.formats import logged

FOLDER = Path(__file__).parent / "ray"
KEPT = ("params.json", "progress.csv", "result.json")


def train(config: Mapping[str, float]) -> None:
    """Report the rows of a run, scaled by the learning rate."""
    from ray import tune

    for _, loss, error in logged.rows(int(config["seed"])):
        tune.report({"val_loss": loss * config["lr"], "nested": {"mse": error}})


def write(folder: Path) -> dict[str, logged.Points]:
    """Run four trials and return their points by trial."""
    import ray
    from ray import tune

    ray.init(num_cpus=1, include_dashboard=False, logging_level="ERROR", object_store_memory=80_000_000)
    space = {"lr": tune.grid_search([0.1, 0.01]), "seed": tune.grid_search([0, 1])}
    where = tune.RunConfig(storage_path=str(folder), name="exp", verbose=0)
    results = tune.Tuner(train, param_space=space, run_config=where).fit()
    runs: dict[str, logged.Points] = {}
    for result in results:
        table = result.metrics_dataframe
        runs[Path(result.path).name] = {
            name.replace(".", "/"): list(
                zip(table["training_iteration"].tolist(), table[name].tolist(), strict=True)
            )
            for name in ("val_loss", "nested/mse")
        }
    return runs


def keep(folder: Path) -> None:
    """Keep the text files of each trial, without what names the machine."""
    for trial in sorted((folder / "exp").glob("train_*")):
        target = FOLDER / "exp" / trial.name
        target.mkdir(parents=True)
        for name in KEPT:
            text = (trial / name).read_text()
            text = re.sub(r'"hostname": "[^"]*"', '"hostname": "host"', text)
            text = re.sub(r'"node_ip": "[^"]*"', '"node_ip": "127.0.0.1"', text)
            text = re.sub(r'"pid": \d+', '"pid": 1', text)
            text = re.sub(r",\d+,[^,]+,\d+\.\d+\.\d+\.\d+,", ",1,host,127.0.0.1,", text)
            (target / name).write_text(text)


def main() -> None:
    """Write the trials and their points."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with tempfile.TemporaryDirectory() as made:
        logged.write_points(FOLDER / "points.json", write(Path(made)))
        keep(Path(made))


if __name__ == "__main__":
    main()
