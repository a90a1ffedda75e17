"""Write tests/formats/mlflow: both stores of MLflow 3.17.2, and their points as its client reads them.

    python3.11 tests/formats/make_mlflow.py           # with mlflow-skinny==3.17.2, sqlalchemy, alembic

What names the machine (user, paths) is taken out; the stores are kept compressed.
"""

from __future__ import annotations

import lzma
import os
import re
import shutil
import sqlite3
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.formats import logged

FOLDER = Path(__file__).parent / "mlflow"
OF_MACHINE = ("mlflow.user", "mlflow.source.name", "mlflow.source.type")


def write(uri: str) -> dict[str, logged.Points]:
    """Write a run for each seed, one of them with a name that MLflow invents; return the points by name."""
    os.environ |= {"MLFLOW_ALLOW_FILE_STORE": "true", "LOGNAME": "user"}
    import mlflow

    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("toy")
    for seed in logged.SEEDS:
        with mlflow.start_run(run_name=f"baseline-{seed}"):
            mlflow.log_params({**logged.settings(seed), "model": "mlp"})
            mlflow.set_tag("variant", "plain")
            for step, loss, error in logged.rows(seed):
                mlflow.log_metrics({"loss": loss, "eval/mse": error}, step=step)
            for value in (0.5, 0.25, 0.125):
                mlflow.log_metric("without_step", value)
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name("toy")
    runs: dict[str, logged.Points] = {}
    for run in client.search_runs([experiment.experiment_id]):
        histories = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
        runs[run.info.run_name] = {
            name: [(metric.step, metric.value) for metric in history] for name, history in histories.items()
        }
    return runs


def without_machine(store: Path) -> None:
    """Take user and paths out of a SQLite store."""
    with sqlite3.connect(store, isolation_level=None) as connection:
        connection.execute("UPDATE runs SET user_id = 'user', artifact_uri = '', source_name = ''")
        connection.execute("UPDATE experiments SET artifact_location = ''")
        for name in OF_MACHINE:
            connection.execute("DELETE FROM tags WHERE key = ?", (name,))
        connection.execute("VACUUM")


def files_without_machine(folder: Path) -> None:
    """Take user and paths out of a file store."""
    for path in folder.rglob("meta.yaml"):
        text = re.sub(r"(?m)^(artifact_(?:uri|location)): .*$", r"\1: ''", path.read_text())
        path.write_text(re.sub(r"(?m)^user_id: .*$", "user_id: user", text))
    for name in OF_MACHINE:
        for path in folder.rglob(name):
            path.unlink()


def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return an entry of an archive without user and date."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def main() -> None:
    """Write both stores and their points."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with tempfile.TemporaryDirectory() as made:
        store, files = Path(made, "mlflow.db"), Path(made, "mlruns")
        runs = write(f"sqlite:///{store}")
        logged.write_points(FOLDER / "sqlite.json", runs)
        without_machine(store)
        (FOLDER / "mlflow.db.xz").write_bytes(lzma.compress(store.read_bytes()))
        logged.write_points(FOLDER / "files.json", write(files.as_uri()))
        files_without_machine(files)
        with tarfile.open(FOLDER / "mlruns.tar.xz", "w:xz") as archive:
            archive.add(files, "mlruns", filter=plain)


if __name__ == "__main__":
    main()
