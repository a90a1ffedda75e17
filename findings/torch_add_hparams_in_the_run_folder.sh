#!/usr/bin/env bash
# torch 2.13.0 with tensorboard 2.20.0: SummaryWriter.add_hparams(..., run_name=".") on a run that already
# logged the metric as a curve.
#
# In plain words: add_hparams writes the final value of each metric as a scalar of its own, by default into a
# new sub-folder. With run_name="." that sub-folder is the run's own folder, and the scalar, with the same tag
# as the curve, is written at step 0 unless global_step is given. Whoever reads the folder as one run finds the
# final value at step 0, as if the training had started with its best loss.
#
# The guess that it contradicts: hyperparameters and their final metrics are metadata, kept apart from curves.
#
# Output seen (step value, in the order of the files):
#   10 0.5
#   20 0.25
#   0 0.25
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 tensorboard==2.20.0 setuptools==80.9.0
"$folder/venv/bin/python" - "$folder/run" <<'PYTHON'
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from torch.utils.tensorboard import SummaryWriter

run = Path(sys.argv[1])
writer = SummaryWriter(run)
writer.add_scalar("val/loss", 0.5, 10)
writer.add_scalar("val/loss", 0.25, 20)
writer.flush()
writer.add_hparams({"lr": 0.1}, {"val/loss": 0.25}, run_name=".")
writer.close()

points = []
for path in sorted(run.rglob("*tfevents*"), key=lambda path: path.stat().st_mtime):
    assert path.parent == run, f"a sub-folder: {path}"
    for event in EventFileLoader(str(path)).Load():
        for value in event.summary.value:
            if value.tag == "val/loss":
                points.append((event.step, round(value.tensor.float_val[0], 6)))
for step, value in points:
    print(step, value)
sys.exit(sorted(points) != [(0, 0.25), (10, 0.5), (20, 0.25)])
PYTHON
