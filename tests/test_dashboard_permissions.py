"""A dashboard notices that permissions change, and nothing else with them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ired_diag.runs.fingerprints import fingerprint, tree
from tests.nobody import folder_of_nobody, python_as_nobody

# Looks, changes the mode of each place named, looks again, and gives it back: what is listed, each time.
LOOKS = """
import json, sys
from pathlib import Path
from app.dashboard.catalog import Catalog

catalog = Catalog(Path("own/runs"))
def look():
    study = catalog.refresh().study
    told = [place.path.name for place in study.unreadable]
    told += [skipped.path.name for skipped in study.skipped]
    states = [[run.label, run.ending.state, len(run.findings)] for run in study.runs]
    print(json.dumps([told, states]), flush=True)

look()
for name in json.loads(sys.stdin.read()):
    place = Path("own/runs") / name
    mode = place.stat().st_mode
    for new in (0, mode):
        place.chmod(new)
        look()
"""
PLACES = (
    "q900/seed0/metrics.jsonl",
    "q900/seed0/config.json",
    "q900/seed0",
    "q901",
    "q900/seed0/checkpoints",
)


def write_runs(root: Path) -> None:
    for seed in range(2):
        folder = root / "q900" / f"seed{seed}"
        (folder / "checkpoints").mkdir(parents=True)
        told = {
            "format": 1,
            "experiment": "q900",
            "seed": seed,
            "config": {},
            "ending": {"state": "complete"},
        }
        (folder / "config.json").write_text(json.dumps(told))
        (folder / "metrics.jsonl").write_text('{"step": 1, "validation/mse": 0.5}\n')
    (root / "q901").mkdir()


def test_each_place_that_becomes_unreadable_is_noticed_and_so_is_its_return() -> None:
    with folder_of_nobody() as folder:
        code = f"import json\nfrom pathlib import Path\nPLACES = {PLACES!r}\n"
        code += "import tests.test_dashboard_permissions as made\nmade.write_runs(Path('own/runs'))\n" + LOOKS
        answers = python_as_nobody(code, folder, json.dumps(PLACES)).splitlines()
    first, *others = [json.loads(answer) for answer in answers]
    assert len(others) == 2 * len(PLACES)
    for place, closed, opened in zip(PLACES, others[::2], others[1::2], strict=True):
        assert closed != first, place
        assert opened == first, place


@pytest.mark.parametrize("name", ["metrics.jsonl", "."])
def test_only_the_permissions_are_another_fingerprint(name: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    place = tmp_path / name
    before, mode = fingerprint(place), place.stat().st_mode
    place.chmod(mode ^ 0o001)
    assert fingerprint(place) != before


def test_a_file_whose_time_was_set_back_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n')
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    before = tree(tmp_path)
    path.write_text('{"step": 2}\n')
    os.utime(path, ns=times)
    assert tree(tmp_path) != before


def test_hidden_files_change_nothing(tmp_path: Path) -> None:
    before = tree(tmp_path)
    (tmp_path / ".config.json.a1b2").write_text("half")
    assert tree(tmp_path) == before
