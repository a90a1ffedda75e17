"""Write tests/formats/hydra: a multirun of Hydra 1.3.8, and the configurations as OmegaConf reads them.

python3.11 tests/formats/make_hydra.py          # with hydra-core==1.3.8
"""

from __future__ import annotations

import csv
import json
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.formats import logged

FOLDER = Path(__file__).parent / "hydra"
KEPT = (".hydra/config.yaml", ".hydra/overrides.yaml", "metrics.csv", "train.log")
CONFIG = """\
defaults:
  - optim: adam
  - _self_
seed: 0
model: {width: 64, tags: [a, b], dropout: null}
out: ${hydra:runtime.output_dir}
"""
OPTIMISERS = {"adam": "kind: adam\nlr: 0.001\nbetas: [0.9, 0.999]\n", "sgd": "kind: sgd\nlr: 1e-1\n"}


def train(config: Any) -> None:
    """Log a run: a table at full precision, and lines with six decimals."""
    from hydra.core.hydra_config import HydraConfig

    folder = Path(HydraConfig.get().runtime.output_dir)
    log = logging.getLogger("toy")
    with (folder / "metrics.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["step", "train/loss", "mse"])
        for step, loss, error in logged.rows(config.seed):
            table.writerow([step, repr(loss), repr(error * config.optim.lr)])
            log.info("step %d loss %.6f mse %.6f", step, loss, error * config.optim.lr)


def write(folder: Path) -> None:
    """Write a multirun into a folder."""
    import hydra

    conf = folder / "conf"
    (conf / "optim").mkdir(parents=True)
    (conf / "config.yaml").write_text(CONFIG)
    for name, content in OPTIMISERS.items():
        (conf / "optim" / f"{name}.yaml").write_text(content)
    os.chdir(folder)
    sys.argv = ["train.py", "--multirun", "optim=adam,sgd", "seed=0,1", "hydra.job.name=train"]
    sys.argv.append("hydra.sweep.dir=multirun/2026-11-01/10-00-00")
    hydra.main(version_base=None, config_path=str(conf), config_name="config")(train)()


def main() -> None:
    """Write the runs, and their configurations without the values that Hydra fills in."""
    from omegaconf import OmegaConf

    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    configurations = {}
    with tempfile.TemporaryDirectory() as made:
        write(Path(made))
        sweep = Path(made, "multirun/2026-11-01/10-00-00")
        for run in sorted(filter(Path.is_dir, sweep.iterdir())):
            place = FOLDER / run.relative_to(made)
            (place / ".hydra").mkdir(parents=True)
            for part in KEPT:
                shutil.copyfile(run / part, place / part)
            read = OmegaConf.load(run / ".hydra/config.yaml")
            configurations[run.name] = OmegaConf.to_container(read, resolve=False)
    (FOLDER / "points.json").write_text(json.dumps(configurations, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
