"""Write tests/formats/wandb: two offline runs of wandb 0.31.0, and their points as wandb 0.19.11 reads them.

wandb 0.31 has no reader in Python any more, so its files are read with the last version that has one:

    python3.11 tests/formats/make_wandb.py write      # with wandb==0.31.0
    python3.11 tests/formats/make_wandb.py points     # with wandb==0.19.11
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.formats import logged

FOLDER = Path(__file__).parent / "wandb"


def write(folder: Path) -> None:
    """Write a run for each seed; what wandb says of the machine is switched off."""
    os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    import wandb

    settings = wandb.Settings(
        x_disable_meta=True,
        x_disable_stats=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
        disable_git=True,
        disable_code=True,
        console="off",
        host="host",
        program="train.py",
    )
    for seed in logged.SEEDS:
        config = {**logged.settings(seed), "model": {"width": 64, "act": "relu"}}
        run = wandb.init(
            dir=folder, project="toy", group="baseline", id=f"toyrun{seed}", config=config, settings=settings
        )
        for step, loss, error in logged.rows(seed):
            row = {"loss": loss, "eval": {"mse": error, "by": {"noise": step}}, "word": "text"}
            if step == 90:
                row["weights"] = wandb.Histogram([1, 2, 3])
            run.log(row, step=step)
        run.summary["best_mse"] = 0.125
        run.finish()


def keep(folder: Path) -> None:
    """Keep the files of runs only, in folders as wandb calls them."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for file in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        seed = file.stem.removeprefix("run-toyrun")
        place = FOLDER / f"offline-run-20261101_10000{seed}-toyrun{seed}"
        place.mkdir(parents=True)
        shutil.copy(file, place / file.name)


def points() -> None:
    """Write the numbers of each history as wandb's own reader returns them."""
    import wandb

    wandb._set_internal_process()
    from wandb.proto import wandb_internal_pb2
    from wandb.sdk.internal.datastore import DataStore

    runs = {}
    for file in sorted(FOLDER.glob("*/*.wandb")):
        store = DataStore()
        store.open_for_scan(file)
        by_name = defaultdict(list)
        while (data := store.scan_data()) is not None:
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            for item in record.history.item:
                value = json.loads(item.value_json)
                name = "/".join(item.nested_key) or item.key
                if name != "_step" and isinstance(value, int | float):
                    by_name[name].append((record.history.step.num, value))
        runs[file.stem] = by_name
    logged.write_points(FOLDER / "points.json", runs)


if __name__ == "__main__":
    if sys.argv[1:] == ["points"]:
        points()
    else:
        import tempfile

        with tempfile.TemporaryDirectory() as made:
            write(Path(made))
            keep(Path(made))
