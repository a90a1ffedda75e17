# All a machine must have: Python 3.11 or newer with venv, pip and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: install cluster browser demo site test test-slow test-slurm test-all lint format wheel-check clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. Say which with: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,agents,docs]'
	@touch $@

# Debian's Chromium, for the tests that look at pages; without it they are skipped.
browser:
	@command -v chromium >/dev/null || { \
	  SUDO=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$SUDO apt-get update -q && \
	  $$SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core; }

# The README's first command: diagnose the sample runs.
demo: install
	$(BIN)/ired-diag demo

# The documentation as pages that open from a folder, without a network: build/site/index.html.
site: install
	$(BIN)/python -m docs_site build/site

# One thread for each of two processes: with more, they wait for each other.
TESTS = env OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q --numprocesses 2 --dist loadfile

# What a change is tested with while it is made; make test-all before it lands.
test: install
	$(TESTS) -m "not slow"

# Browsers, killed trainings, long simulations.
test-slow: install
	$(TESTS) -m slow

test-all: test test-slow

# Snakemake with its SLURM executor, in an environment of its own: it needs an older packaging than virtualenv.
CLUSTER = $(VENV)-cluster

cluster: $(CLUSTER)/.installed

$(CLUSTER)/.installed: constraints-cluster.txt
	$(PYTHON) -m venv $(CLUSTER)
	$(CLUSTER)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-cluster.txt snakemake snakemake-executor-plugin-slurm
	@touch $@

# Trainings and probes on a real SLURM, which is installed and started for it: some 40 minutes.
test-slurm: install cluster
	env IRED_DIAG_SLURM=1 PATH="$(abspath $(CLUSTER))/bin:$$PATH" $(TESTS) tests/test_slurm_training.py tests/test_slurm_probes.py tests/test_probe_snakemake.py

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A built wheel, installed elsewhere with the same constraints, answers.
wheel-check: install
	PYTHON=$(BIN)/python tests/wheel_check.sh

clean:
	rm -rf build dist ired-diag-demo *.egg-info .pytest_cache .mypy_cache .ruff_cache
