#!/usr/bin/env bash
# lightning 2.5.5 (torch 2.13.0): a training resumed from a checkpoint with CSVLogger into the version that it
# was logged to before.
#
# In plain words: the logger deletes the metrics.csv that it finds and starts an empty one (a line of stderr
# announces it). The training itself goes on at the right step, so the file begins in the middle: whoever reads
# it later takes the first value after the checkpoint for the start of the training.
#
# The guess that it contradicts: resuming into the same version appends, as TensorBoard's event files do.
#
# Output seen (first and last step in the file):
#   8 steps: 0 to 7
#   resumed to 12 steps: 8 to 11
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  lightning==2.5.5 pytorch-lightning==2.6.6 torch==2.13.0 setuptools==80.9.0
cd "$folder"
"$folder/venv/bin/python" - 2>"$folder/stderr" <<'PYTHON'
import csv
import sys
from pathlib import Path

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger


class Line(LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, index):
        loss = (self.layer(batch) - 3 * batch).square().mean()
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def logged_steps(until, checkpoint=None):
    trainer = Trainer(max_steps=until, logger=CSVLogger(".", "run", version=0), log_every_n_steps=1, accelerator="cpu",
                      enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(Line(), torch.utils.data.DataLoader(torch.linspace(-1, 1, 64)[:, None], 8), ckpt_path=checkpoint)
    trainer.save_checkpoint("last.ckpt")
    steps = [int(row["step"]) for row in csv.DictReader(Path("run/version_0/metrics.csv").open())]
    return steps[0], steps[-1]


whole = logged_steps(8)
resumed = logged_steps(12, "last.ckpt")
print(f"8 steps: {whole[0]} to {whole[1]}\nresumed to 12 steps: {resumed[0]} to {resumed[1]}")
sys.exit(not (whole == (0, 7) and resumed == (8, 11)))
PYTHON
