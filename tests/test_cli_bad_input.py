"""Whatever is wrong with what a user gives: exit status 1, one line that says so, and no traceback."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file
from torch import Tensor

from app.cli import main
from ired_diag.inverse.architecture import Architecture, initial_parameters

LogWriter = Callable[..., Path]
Make = Callable[[Path], object]

TRAINER = "experiment_config.json"


def weights() -> dict[str, Tensor]:
    small = Architecture(rank=3, width=8)
    return initial_parameters(small, generator=torch.Generator().manual_seed(0))


def complaint(*arguments: str | Path) -> str:
    """Return the one line that a command says before it ends with status 1."""
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 1
    return one_line(result.stdout, result.stderr)


def one_line(stdout: str, stderr: str) -> str:
    assert "Traceback" not in stdout + stderr
    assert stdout == ""
    (line,) = stderr.splitlines()
    assert line.startswith("ired-diag: ")
    return line


def torn(path: Path) -> None:
    torch.save(weights(), path)
    path.write_bytes(path.read_bytes()[:-500])


def save_without_a_bias(path: Path) -> None:
    torch.save({name: p for name, p in weights().items() if name != "fc3.bias"}, path)


def ask_for_code(path: Path) -> None:
    path.write_bytes(pickle.dumps({"model": os.system}, protocol=2))


def nothing(path: Path) -> None: ...


BAD_CHECKPOINTS: dict[str, tuple[Make, str]] = {
    "missing": (nothing, "expected a checkpoint file, found nothing"),
    "empty": (Path.touch, "is empty"),
    "a folder": (Path.mkdir, "expected a checkpoint file, found a folder"),
    "text": (lambda p: p.write_text("hello\n"), "is not a whole PyTorch file"),
    "torn": (torn, "is not a whole PyTorch file"),
    "code": (ask_for_code, "expected a dictionary of tensors, and nothing in it is one"),
    "a module": (
        lambda p: torch.save(torch.nn.Linear(2, 2), p),
        "It is a checkpoint of another architecture",
    ),
    "a list": (lambda p: torch.save([1], p), "expected a dictionary of tensors, found a list"),
    "no tensors": (lambda p: torch.save({"model": {}}, p), "expected a dictionary of tensors"),
    "another architecture": (
        lambda p: torch.save(torch.nn.Linear(2, 2).state_dict(), p),
        "It is a checkpoint of another architecture",
    ),
    "another problem": (
        lambda p: torch.save(weights() | {"fc1.weight": torch.zeros(8, 20)}, p),
        "It is a checkpoint of another problem",
    ),
    "a wrong shape": (lambda p: torch.save(weights() | {"fc3.bias": torch.zeros(9)}, p), "fc3.bias (9,)"),
    "an unused key": (lambda p: torch.save(weights() | {"fc5.bias": torch.zeros(9)}, p), "unused fc5.bias"),
    "a missing key": (save_without_a_bias, "missing fc3.bias"),
    "a tensor twice": (
        lambda p: torch.save(weights() | {"model.fc1.bias": torch.zeros(8)}, p),
        "both the tensor 'fc1.bias'",
    ),
    "an empty final model": (lambda p: torch.save({"ebm_state": {}, "step": 1}, p), "ebm_state is empty"),
    "betas in two rows": (lambda p: torch.save(weights() | {"betas": torch.zeros(2, 5)}, p), "found (2, 5)"),
}

BAD_SAFETENSORS: dict[str, tuple[Make, str]] = {
    "missing": (nothing, "found nothing"),
    "empty": (Path.touch, "is not a whole safetensors file"),
    "text": (lambda p: p.write_text("hello\n"), "is not a whole safetensors file"),
    "no tensors": (lambda p: save_file({}, p), "expected a dictionary of tensors"),
    "another architecture": (
        lambda p: save_file(torch.nn.Linear(2, 2).state_dict(), p),
        "another architecture",
    ),
    "a newer format": (lambda p: save_file(weights(), p, {"ired_diag_format": "9"}), "is of format 9"),
    "damaged metadata": (lambda p: save_file(weights(), p, {"ired_diag_format": "?"}), "damaged"),
}

BAD_REFERENCES: dict[str, tuple[Make, str]] = {
    "missing": (nothing, "expected a NumPy .npz file, found nothing"),
    "empty": (Path.touch, "is not a whole NumPy .npz file"),
    "a folder": (Path.mkdir, "expected a NumPy .npz file"),
    "text": (lambda p: p.write_text("hello\n"), "is not a whole NumPy .npz file"),
    "a checkpoint": (lambda p: torch.save(weights(), p), "is not a whole NumPy .npz file"),
    "without content": (lambda p: np.savez(p), "holds nothing to compare"),
    "of objects": (lambda p: np.savez(p, energy=np.array([{}])), "is not a whole NumPy .npz file"),
    "of another size": (lambda p: np.savez(p, matrix=np.zeros((2, 16))), "expected 9 floating numbers"),
    "of other levels": (lambda p: np.savez(p, t=np.array([0, 10])), "levels 0 to 9"),
}

BAD_LOGS: dict[str, tuple[Make, str]] = {
    "empty": (Path.touch, "is empty"),
    "binary": (lambda p: p.write_bytes(b"\0\1\2" * 100), "is not a log of a known format"),
    "of something else": (lambda p: p.write_text("hello\n"), "expected the log of a training job"),
}

BAD_RUNS: dict[str, tuple[str | bytes, str]] = {
    "torn": ('{"format": 1, "experi', "expected a JSON object"),
    "empty": ("", "expected a JSON object"),
    "binary": (b"\xff\xfe\0", "cannot be read"),
    "of a newer format": ('{"format": 2, "experiment": "q900"}', "is of format 2"),
    "without an experiment": ('{"format": 1}', "experiment"),
    "of an unknown ending": (
        '{"format": 1, "experiment": "q900", "ending": {"state": "bored"}}',
        "ending, state: expected one of complete, ",
    ),
}

BAD_RESULTS = {
    **{key: BAD_RUNS[key] for key in ("torn", "empty", "binary")},
    "a list": ("[1, 2]", "found a list"),
}


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.pt"
    torch.save(weights(), path)
    return path


@pytest.fixture
def imported(tmp_path: Path, write_log: LogWriter) -> Path:
    """A runs folder with one run in it."""
    runs = tmp_path / "runs"
    result = CliRunner().invoke(main, ["import", str(write_log(1)), "--runs", str(runs)])
    assert result.exit_code == 0
    return runs


@pytest.mark.parametrize(("make", "said"), BAD_CHECKPOINTS.values(), ids=BAD_CHECKPOINTS)
def test_verify_refuses_a_bad_checkpoint(tmp_path: Path, make: Make, said: str) -> None:
    path = tmp_path / "model-1.pt"
    make(path)
    line = complaint("verify", path, tmp_path / "reference.npz", "--device", "cpu")
    assert str(path) in line
    assert said in line


@pytest.mark.parametrize(("make", "said"), BAD_SAFETENSORS.values(), ids=BAD_SAFETENSORS)
def test_verify_refuses_a_bad_safetensors_file(tmp_path: Path, make: Make, said: str) -> None:
    path = tmp_path / "step-000000001.safetensors"
    make(path)
    line = complaint("verify", path, tmp_path / "reference.npz", "--device", "cpu")
    assert str(path) in line
    assert said in line


@pytest.mark.parametrize(("make", "said"), BAD_REFERENCES.values(), ids=BAD_REFERENCES)
def test_verify_refuses_a_bad_reference(tmp_path: Path, good: Path, make: Make, said: str) -> None:
    path = tmp_path / "reference.npz"
    make(path)
    line = complaint("verify", good, path, "--device", "cpu")
    assert str(path) in line
    assert said in line


def test_verify_refuses_weights_that_are_not_there(tmp_path: Path, good: Path) -> None:
    np.savez(tmp_path / "reference.npz", t=np.arange(3))
    line = complaint("verify", good, tmp_path / "reference.npz", "--weights", "ema", "--device", "cpu")
    assert "has no 'ema' weights, only 'raw'" in line


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:-1", "meta", "", "cuda:99"])
def test_an_unknown_device_is_refused_by_name(tmp_path: Path, good: Path, device: str) -> None:
    line = complaint("verify", good, tmp_path / "reference.npz", "--device", device)
    assert line.startswith(f"ired-diag: --device {device!r}: ")


@pytest.mark.parametrize("command", ["import", "ls", "stats"])
@pytest.mark.parametrize(("make", "said"), BAD_LOGS.values(), ids=BAD_LOGS)
def test_a_bad_log_that_is_named_is_refused(tmp_path: Path, command: str, make: Make, said: str) -> None:
    path = tmp_path / "ired_q900_1.out"
    make(path)
    line = complaint(command, path, "--runs", tmp_path / "runs")
    assert str(path) in line
    assert said in line
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", ["import", "stats"])
def test_a_folder_without_a_log_is_refused(tmp_path: Path, command: str) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    assert str(folder) in complaint(command, folder, "--runs", tmp_path / "runs")
    (folder / "ired_q900_1.out").write_bytes(b"\0\1")
    assert str(folder) in complaint(command, folder, "--runs", tmp_path / "runs")


@pytest.mark.parametrize("command", ["import", "ls", "stats"])
def test_a_path_that_does_not_exist_is_named(tmp_path: Path, command: str) -> None:
    absent = tmp_path / "absent" / "logs"
    assert str(absent) in complaint(command, absent, "--runs", tmp_path / "runs")


def test_a_runs_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    assert str(absent) in complaint("ls", "--runs", absent)
    line = complaint("stats", "q900", "--runs", absent)
    assert f"there is no runs folder {absent}" in line


def test_a_name_that_no_run_has_is_refused_with_the_names_there_are(imported: Path) -> None:
    line = complaint("stats", "q999", "q998", "--runs", imported)
    assert "No run is named 'q999'. There are: q900." in line


def test_a_metric_that_was_never_logged_is_refused_with_those_that_were(imported: Path) -> None:
    line = complaint("stats", "q900", "--runs", imported, "--metric", "test/mse")
    assert "validation/mse" in line


@pytest.mark.parametrize("command", ["ls", "stats"])
@pytest.mark.parametrize(("content", "said"), BAD_RUNS.values(), ids=BAD_RUNS)
def test_a_damaged_run_folder_is_refused(
    imported: Path, command: str, content: str | bytes, said: str
) -> None:
    config = imported / "q900" / "seed0" / "config.json"
    config.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = complaint(command, config.parent)
    assert str(config) in line
    assert said in line


@pytest.mark.parametrize(("content", "said"), BAD_RESULTS.values(), ids=BAD_RESULTS)
def test_a_damaged_results_folder_is_refused(
    tmp_path: Path, write_log: LogWriter, content: str | bytes, said: str
) -> None:
    results, log = tmp_path / "results", write_log(1)
    results.mkdir()
    (results / "model-1.pt").touch()
    (results / TRAINER).write_bytes(content if isinstance(content, bytes) else content.encode())
    for line in (
        complaint("ls", results),
        complaint("diagnose", results / "model-1.pt"),
        complaint("stats", results),
        complaint("import", log, "--runs", tmp_path / "runs", "--checkpoints", results),
    ):
        assert str(results / TRAINER) in line
        assert said in line
    assert not (tmp_path / "runs").exists()


def test_a_folder_without_results_is_refused(tmp_path: Path, write_log: LogWriter) -> None:
    log = write_log(1)
    for folder in (tmp_path / "absent", log.parent, log):
        line = complaint("import", log, "--runs", tmp_path / "runs", "--checkpoints", folder)
        assert "expected Trainer1D results folders" in line
    assert not (tmp_path / "runs").exists()


def test_a_checkpoint_alone_has_nothing_to_compare(good: Path) -> None:
    assert "nothing was logged" in complaint("stats", good)


def test_runs_cannot_be_written_in_place_of_a_file_or_under_one(write_log: LogWriter) -> None:
    log = write_log(1)
    before = log.read_bytes()
    for runs in (log, log / "runs", log / "runs" / "deeper"):
        assert f"{runs}: cannot be made: " in complaint("import", log, "--runs", runs)
    assert log.read_bytes() == before


def test_a_file_in_place_of_an_experiments_folder_is_named(tmp_path: Path, write_log: LogWriter) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "q900").touch()
    line = complaint("import", write_log(1), "--runs", runs)
    assert f"{runs / 'q900'}" in line
    assert "cannot be written" in line


@pytest.mark.parametrize("folder", ["runs", "runs/deeper"])
def test_runs_cannot_be_written_where_permission_lacks(
    tmp_path: Path, write_log: LogWriter, folder: str
) -> None:
    log, locked = write_log(1), tmp_path / "runs"
    locked.mkdir()
    locked.chmod(0o500)
    if os.access(locked, os.W_OK):
        pytest.skip("permissions do not bind this user")
    assert "Permission denied" in complaint("import", log, "--runs", tmp_path / folder)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nosuch"],
        ["--nosuch"],
        ["import"],
        ["stats"],
        ["verify"],
        ["verify", "model-1.pt"],
        ["verify", "model-1.pt", "reference.npz", "--weights", "best"],
        ["ls", "--runs"],
        ["ls", "--nosuch"],
        ["stats", "q101", "--readout", "luckiest"],
    ],
)
def test_wrong_usage_ends_with_status_2(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.output or result.output.startswith("Error: ")
    assert "Traceback" not in result.output


def installed(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the console script as a user does, on a machine without a GPU."""
    script = Path(sys.executable).with_name("ired-diag")
    if not script.is_file():
        pytest.skip("the console script is not installed beside this Python")
    command = [str(script), *map(str, arguments)]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)


def test_the_installed_command_refuses_cuda_without_a_gpu(tmp_path: Path, good: Path) -> None:
    result = installed("verify", good, tmp_path / "reference.npz", "--device", "cuda")
    assert result.returncode == 1
    assert "--device 'cuda': this machine has no GPU" in one_line(result.stdout, result.stderr)


def test_the_installed_command_refuses_a_torn_checkpoint_on_one_line(tmp_path: Path) -> None:
    torn(tmp_path / "model-1.pt")
    result = installed("verify", tmp_path / "model-1.pt", tmp_path / "reference.npz")
    assert result.returncode == 1
    assert "is not a whole PyTorch file" in one_line(result.stdout, result.stderr)


def test_the_installed_command_says_missing_paths_and_wrong_usage_apart(tmp_path: Path) -> None:
    missing, wrong = installed("ls", tmp_path / "absent"), installed("ls", "--absent")
    assert (missing.returncode, wrong.returncode) == (1, 2)
    assert "found nothing" in one_line(missing.stdout, missing.stderr)
    assert "Traceback" not in wrong.stderr


def test_a_complaint_stands_on_one_line_whatever_is_in_a_name(tmp_path: Path) -> None:
    assert "two lines" in complaint("ls", tmp_path / "two\nlines")
