"""Commands on the dashboard's pages hold in every working folder."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from app.dashboard.catalog import Catalog


def write_logs(folder: Path) -> None:
    for group in ("a", "b"):
        for seed in range(2):
            run = folder / group / f"seed{seed}"
            run.mkdir(parents=True)
            rows = [f"{step},{1 / step}" for step in range(1, 12)]
            (run / "metrics.csv").write_text("\n".join(["step,val_loss", *rows, ""]))


@pytest.mark.parametrize("name", ["logs", "my logs"])
def test_the_folder_of_the_runs_is_absolute(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_logs(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    snapshot = Catalog(Path(name)).refresh()
    absolute = str(tmp_path / name)
    assert snapshot.words_for(["a", "b"]) == ["a", "b", "--runs", absolute]
    command = snapshot.place().command("diagnose", "--rule", "curve_shape")
    assert absolute in shlex.split(command)


def test_patterns_are_absolute_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_logs(tmp_path / "logs")
    monkeypatch.chdir(tmp_path)
    named = (f"first={tmp_path}/logs/a/*", "second=logs/b/*")
    snapshot = Catalog(Path("logs"), patterns=named).refresh()
    assert snapshot.words_for(["first", "second"]) == [named[0], f"second={tmp_path}/logs/b/*"]
