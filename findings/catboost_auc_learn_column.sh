#!/usr/bin/env bash
# catboost 1.2.10: what a line of its log holds, with Logloss and with AUC.
#
# In plain words: a fit with an evaluation set prints "learn", "test" and "best" for Logloss. With
# eval_metric="AUC" the same fit prints no "learn", only "test" and "best": AUC is left out on the training data,
# without a word, and evals_result_ has no AUC under "learn" either.
#
# The guess that it contradicts: each line of such a log has the training value next to that of the test set, so
# that "learn" tells a log of CatBoost from others.
#
# Output seen:
#   Logloss: learn test best
#   AUC: test best
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check catboost==1.2.10 numpy==2.2.6
cd "$folder"
cat > fit.py <<'PY'
import io
import re

import numpy as np
from catboost import CatBoostClassifier

rng = np.random.default_rng(0)
x = rng.normal(size=(300, 3))
y = (x[:, 0] + rng.normal(size=300) > 0).astype(int)
seen = {}
for metric in ("Logloss", "AUC"):
    out = io.StringIO()
    model = CatBoostClassifier(
        iterations=5, verbose=1, eval_metric=metric, allow_writing_files=False, thread_count=1
    )
    model.fit(x[:200], y[:200], eval_set=(x[200:], y[200:]), log_cout=out)
    line = next(line for line in out.getvalue().splitlines() if line.startswith("0:"))
    names = re.findall(r"(learn|test|best):", line)
    learn = sorted(model.evals_result_.get("learn", {}))
    seen[metric] = (names, learn)
    print(f"{metric}: {' '.join(names)}")
assert seen["Logloss"][0] == ["learn", "test", "best"], seen
assert seen["AUC"][0] == ["test", "best"], seen
assert "AUC" not in seen["AUC"][1], seen
PY
"$folder/venv/bin/python" fit.py
