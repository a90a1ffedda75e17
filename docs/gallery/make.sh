#!/usr/bin/env bash
# Make the pictures of the gallery anew: small runs that come to rest (rank 2, five seeds a strategy), a sweep,
# every probe on every kept step, and the figures. About a quarter of an hour on two cores.
# Usage: docs/gallery/make.sh FOLDER     (runs and all figures go there, the gallery's pictures beside this script)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$1
ired_diag=${IRED_DIAG:-$here/../../.venv/bin/ired-diag}
export OMP_NUM_THREADS=1
settings=()
for told in rank=2 width=32 time_embedding=16 time_width=16 diffusion_steps=5 batch_size=256 learning_rate=0.003 \
  lr_schedule=step lr_step_every=800 ema_decay=0.9 log_every=25 validate_every=60 validation_batches=4; do
  settings+=(--set "$told")
done
mkdir -p "$work/runs"
for experiment in q101 q102 q103; do
  "$ired_diag" train "$experiment" --seeds 0-4 --runs "$work/runs" --device cpu \
    "${settings[@]}" --set train_steps=6000 --set checkpoint_every=2000 &
done
wait
"$ired_diag" train q301 --seeds 0-2 --runs "$work/runs" --device cpu \
  "${settings[@]}" --set train_steps=3000 --set checkpoint_every=3000
"$ired_diag" probe all q101 q102 q103 --runs "$work/runs" --checkpoint all --samples 512 --device cpu
draw() { "$ired_diag" figures "$@" --runs "$work/runs" --out "$work/figures"; }
draw q101 q102 q103 --quantity cond
draw q101 q102 q103 --only plateau-curves --only rank-map
draw q101 q102 q103 --only distributions --quantity energy --form violin
draw q101 q102 q103 --only distributions --quantity log_abs_det --form histogram
draw q301 --only sweep --sweep mining_opt_steps
"$ired_diag" train --task functions --name adam --runs "$work/runs" --set function=rosenbrock \
  --set learning_rate=0.01 --set train_steps=3000
"$ired_diag" train --task functions --name sgd --runs "$work/runs" --set function=rosenbrock \
  --set optimizer=sgd --set learning_rate=0.001 --set train_steps=3000
"$ired_diag" train --task image --name image --seeds 42 --runs "$work/runs" --set train_steps=2000 \
  --set checkpoint_every=500
"$ired_diag" probe steps "$work/runs/image/seed42" --checkpoint 1500
draw adam sgd --only trajectories
draw image --only model-images --only promise
"$ired_diag" train --task digits --seed-init 0-4 --seed-data 0-4 --name order --runs "$work/runs"
for k in 0 1 2 3 4; do
  "$ired_diag" train --task digits --seed-init 0-4 --set split_seed=$k --name split$k --runs "$work/splits"
done
draw order="$work/runs/order" split="$work/splits" --only variance-components
"$ired_diag" map basins functions --set function=rastrigin --out "$work/maps"
"$ired_diag" map noise functions --set function=saddle --set optimizer=sgd --out "$work/maps"
scores="$work/scores.csv" # made up: two agents, eight tasks, five seeds
awk 'BEGIN {
  srand(7); split("Alien Asterix Boxing Breakout Enduro Pong Qbert Seaquest", game); print "algorithm,game,seed,score"
  split("2200 8000 80 310 700 18 12000 5000", mean); split("1.3 1.2 1.02 1.25 1.1 1.05 1.3 0.8", gain)
  for (t = 1; t <= 8; t++) for (s = 0; s < 5; s++) {
    print "dqn," game[t] "," s "," mean[t] * (0.85 + 0.1 * (rand() + rand() + rand()))
    print "rainbow," game[t] "," s "," gain[t] * mean[t] * (0.85 + 0.1 * (rand() + rand() + rand()))
  }
}' > "$scores"
"$ired_diag" across "$scores" --against dqn --separate-runs --figures "$work/figures"
for map in basins noise; do
  cp "$work/maps/$map-"*.png "$here/$map.png"
done
for name in learning-curves plateau-curves paired-differences readouts evaluation-noise rank-map critical-difference \
  sweep-response energy-gap positive-energy ecdf-cond-q103 violin-energy-q103 histogram-log-abs-det-q103 \
  false-negatives-over-training diversity-over-training mining-by-group floor-ladder energy-against-error curvature-q103 \
  trajectories model-images-image steps-image task-effects aggregate-intervals performance-profiles \
  improvement-probability variance-components; do
  cp "$work/figures/$name.png" "$here/"
done
