#!/usr/bin/env bash
# All that a GPU is needed for, in one script: is it right there, how fast is it, and the study trained again.
#
#   benchmarks/gpu_study.sh OUT [MINUTES] [CHECKPOINT REFERENCE]
#
# MINUTES (default 25) is the budget of the whole call. A part gets a share of what is left and is ended when that
# is over; the sizes of the benchmarks follow from a short first measurement. Each part leaves its output in
# OUT/PART.txt (and .json) when it ends, and parts.tsv lists what each cost and how it ended. Called again, parts
# that were complete are not repeated, and the training goes on where it stopped.
# CHECKPOINT and REFERENCE are what `ired-diag verify` compares (docs/verify.md); without them that part is left out.
# DEVICE=cpu tries the script where there is no GPU.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:?where the results go}")
minutes=${2:-25}
device=${DEVICE:-cuda}
python=${PYTHON:-python}
began=$(date +%s)
mkdir -p "$out"

left() { echo $(( minutes * 60 - ($(date +%s) - began) )); }

# part NAME PERCENT COMMAND…: run it for at most that share of the time that is left, unless it was complete before.
part() {
    local name=$1 share=$(( $(left) * $2 / 100 )) start status=0 ending
    shift 2
    [ ! -e "$out/$name.complete" ] || return 0
    if [ "$share" -lt 5 ]; then
        printf '%s\t0 s\tnot begun: no time is left\n' "$name" | tee -a "$out/parts.tsv"
        return 0
    fi
    start=$(date +%s)
    timeout --signal TERM --kill-after 20 "$share" "$@" > "$out/$name.txt" 2>&1 || status=$?
    tail -n 25 "$out/$name.txt"
    case $status in
        0) touch "$out/$name.complete"; ending=complete ;;
        124|137) ending="ended after its share of the time" ;;
        *) ending="failed with exit status $status" ;;
    esac
    printf '%s\t%s s\t%s\n' "$name" $(( $(date +%s) - start )) "$ending" | tee -a "$out/parts.tsv"
}

# The number of pairs that the time of 1,000 allows in a sixth of the time that is left; at most a million.
pairs_that_fit() {
    local start seconds pairs
    start=$(date +%s)
    timeout $(( $(left) / 8 + 1 )) "$python" -m benchmarks.mining --device "$device" --pairs 1000 --repeats 1 \
        > "$out/mining_pilot.txt" 2>&1 || { echo 1000; return; }
    seconds=$(( $(date +%s) - start + 1 ))
    pairs=$(( 1000 * $(left) / 6 / (3 * seconds) ))
    if [ "$device" != cpu ]; then pairs=$(( pairs * 100 )); fi # 1,000 pairs are all overhead there
    echo $(( pairs > 1000000 ? 1000000 : pairs < 1000 ? 1000 : pairs ))
}

{ if [ "$device" = cpu ]; then uname -mp; else nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader; fi
  "$python" -c 'import torch; print("torch", torch.__version__)'; } | tee "$out/machine.txt"
if [ $# -ge 4 ]; then
    part verify 15 "$python" -m app.cli verify "$3" "$4" --device "$device"
fi
part parity 20 "$python" -m pytest -q tests/test_device_parity.py
if [ "$(left)" -gt 240 ]; then repeats=30; else repeats=3; fi
part train_step 35 "$python" -m benchmarks.train_step --device "$device" --repeats "$repeats" --json "$out/train_step.json"
pairs=1000
if [ ! -e "$out/mining.complete" ] && [ "$(left)" -gt 30 ]; then pairs=$(pairs_that_fit); fi
part mining 35 "$python" -m benchmarks.mining --device "$device" --pairs "$pairs" --repeats 3 --json "$out/mining.json"
train() { # EXPERIMENT PERCENT
    local resume=()
    [ ! -e "$out/runs/$1/seed0/config.json" ] || resume=(--resume)
    # SIGTERM ends the step that runs, and saves.
    part "train_$1" "$2" "$python" -m app.cli train "$1" --seeds 0-9 --device "$device" \
        --set checkpoint_every=20000 --runs "$out/runs" "${resume[@]}"
}
train q101 30
train q103 60
train q102 90
# What is kept: the histories and configurations, not the checkpoints.
if [ -d "$out/runs" ]; then
    tar -C "$out" -czf "$out/histories.tar.gz" --exclude=checkpoints --exclude=lock runs
    "$python" -m app.cli ls --runs "$out/runs"
fi
