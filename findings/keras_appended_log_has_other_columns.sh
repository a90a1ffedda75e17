#!/usr/bin/env bash
# keras 3.15.1 (torch 2.13.0 as its backend): CSVLogger(append=True) after the metrics of the model changed.
#
# In plain words: when a training goes on in the same file, the header stays that of the first training and is
# not read again; the rows are written in the order of the *new* names. With one metric more, rows are longer
# than the header, and the error stands below "val_loss". No warning.
#
# The guess that it contradicts: csv writers keep the columns of the file they append to, or refuse others.
#
# Output seen (header, last row of the first training, first row of the second; its mae is 1.73):
#   epoch,loss,val_loss
#   1,4.09,0.686
#   2,3.98,1.73,NA,NA
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 torch==2.13.0 numpy==2.4.6
KERAS_BACKEND=torch "$folder/venv/bin/python" - "$folder/log.csv" <<'PYTHON'
import sys
from pathlib import Path

import keras
import numpy as np

log = Path(sys.argv[1])
inputs = np.linspace(-1, 1, 64, dtype="float32")[:, None]
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
first = keras.callbacks.CSVLogger(str(log))
model.fit(inputs, 3 * inputs, epochs=2, verbose=0, validation_data=(inputs, inputs), callbacks=[first])
model.compile(optimizer="sgd", loss="mse", metrics=["mae"])
second = keras.callbacks.CSVLogger(str(log), append=True)
history = model.fit(inputs, 3 * inputs, epochs=3, initial_epoch=2, verbose=0, callbacks=[second]).history

header, *rows = [line.split(",") for line in log.read_text().split()]
shown = [",".join(f"{float(cell):.3g}" if cell != "NA" else cell for cell in row) for row in rows]
print(",".join(header), shown[1], shown[2], sep="\n")
below_val_loss = float(rows[2][header.index("val_loss")])
sys.exit(not (below_val_loss == history["mae"][0] and len(rows[2]) == 5 and len(header) == 3))
PYTHON
