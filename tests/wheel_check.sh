#!/usr/bin/env bash
# Build the wheel, install it in a fresh environment away from the sources, and ask it for help, version and the demo.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python=$(cd "$root" && realpath -s "${PYTHON:-python3}")
elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT

"$python" -m pip wheel --quiet --no-deps --wheel-dir "$elsewhere/dist" "$root"
"$python" -m venv "$elsewhere/venv"
"$elsewhere/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  --constraint "$root/constraints.txt" "$elsewhere"/dist/*.whl

cd "$elsewhere"
venv/bin/ired-diag --help > help.txt
grep -q '^Usage: ired-diag' help.txt
version=$(venv/bin/ired-diag --version)
expected="ired-diag $("$python" -c 'import ired_diag; print(ired_diag.__version__)')"
[ "$version" = "$expected" ] || { echo "wheel answers '$version', expected '$expected'" >&2; exit 1; }
venv/bin/python - <<'PY'
from ired_diag import experiments
assert "q103_multiseed_adversarial" in experiments.names(), "the wheel lacks the named experiments"
PY
mkdir -p foreign/probes foreign/runs
echo "raise SystemExit('the wrong app')" > foreign/app.py
echo "raise SystemExit('the wrong probes')" > foreign/probes/__init__.py
(cd foreign && PYTHONPATH=. ../venv/bin/ired-diag ls > ../foreign.txt)
grep -q 'No runs here' foreign.txt
venv/bin/ired-diag demo --out demo > demo.txt
grep -q '^Your own logs:' demo.txt
[ -s demo/conditioning.parquet ] || { echo "the wheel's demo wrote no table" >&2; exit 1; }
echo "wheel: $version answers --help, --version and demo from elsewhere"
