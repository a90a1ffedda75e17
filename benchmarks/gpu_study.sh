#!/usr/bin/env bash
# All that a GPU is needed for, in one script: is it right there, how fast is it, and the study trained anew.
#
#   benchmarks/gpu_study.sh OUT [CHECKPOINT REFERENCE]
#
# OUT gets verify.txt, parity.txt, train_step and mining as .txt and .json, and runs/ with q101, q102 and q103, ten seeds each.
# The training stops when MINUTES (default 25) are over, all of it saved; call again to go on where it stopped.
# CHECKPOINT and REFERENCE are what `ired-diag verify` compares (docs/verify.md); without them that part is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:?where the results go}")
minutes=${MINUTES:-25}
python=${PYTHON:-python}
began=$(date +%s)
mkdir -p "$out"

left() { echo $(( minutes * 60 - ($(date +%s) - began) )); }

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | tee "$out/machine.txt"
if [ $# -ge 3 ]; then
    "$python" -m app.cli verify "$2" "$3" --device cuda 2>&1 | tee "$out/verify.txt"
fi
"$python" -m pytest -q tests/test_device_parity.py 2>&1 | tee "$out/parity.txt"
if [ ! -e "$out/train_step.json" ]; then
    "$python" -m benchmarks.train_step --device cuda --repeats 30 --json "$out/train_step.json" | tee "$out/train_step.txt"
fi
if [ ! -e "$out/mining.json" ]; then
    "$python" -m benchmarks.mining --device cuda --pairs 1000000 --repeats 3 --json "$out/mining.json" | tee "$out/mining.txt"
fi
for experiment in q101 q103 q102; do
    [ "$(left)" -gt 60 ] || break
    resume=()
    [ ! -e "$out/runs/$experiment/seed0/config.json" ] || resume=(--resume)
    # SIGTERM ends the step that runs, and saves; a run that is complete has nothing left to do.
    timeout --signal TERM "$(left)" "$python" -m app.cli train "$experiment" --seeds 0-9 --device cuda \
        --set checkpoint_every=20000 --runs "$out/runs" "${resume[@]}" 2>&1 | tee -a "$out/train.txt" \
        || echo "$experiment: did not end (time is over, or see above)" | tee -a "$out/train.txt"
done
# What is kept: the histories and configurations, not the checkpoints.
[ ! -d "$out/runs" ] || tar -C "$out" -czf "$out/histories.tar.gz" --exclude=checkpoints --exclude=lock runs
"$python" -m app.cli ls --runs "$out/runs"
