#!/usr/bin/env bash
# Make the sample runs anew with the project's own trainer: rank 8, a narrow network, three seeds a strategy.
# About a quarter of an hour on two cores. The full training states (last.pt, best.pt) are left out: the
# weights of the kept steps are enough to probe. One thread each, so that the numbers repeat.
set -euo pipefail
cd "$(dirname "$0")"
ired_diag=${IRED_DIAG:-../.venv/bin/ired-diag}
export OMP_NUM_THREADS=1
for experiment in q101 q102 q103; do
  rm -rf "$experiment"
  "$ired_diag" train "$experiment" --runs . --device cpu --seeds 0-2 \
    --set rank=8 --set width=64 --set time_embedding=32 --set time_width=32 \
    --set batch_size=512 --set learning_rate=0.001 --set train_steps=9000 \
    --set log_every=25 --set validate_every=300 --set validation_batches=8 --set checkpoint_every=3000 &
done
wait
find . \( -name lock -o -name last.pt -o -name best.pt \) -delete
