"""The trainer's checkpoints: the public layout key by key, and going on from them after any end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ired_diag.errors import UnreadableFile
from ired_diag.inverse.architecture import Architecture
from ired_diag.inverse.checkpoint import read_network
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.inverse.configured import architecture_of
from ired_diag.inverse.training import network_in
from ired_diag.runs.checkpoint import Weights
from ired_diag.runs.history import read_history
from ired_diag.runs.store import read_run
from ired_diag.runs.trainer1d import write_torch_file
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.compiled import loss_function
from ired_diag.training.ensemble import Ensemble
from ired_diag.training.optimizer import make_optimizer
from ired_diag.training.state import TrainingState, new_state, read_state
from ired_diag.training.trainer import train

pytestmark = pytest.mark.slow

TINY = {
    "experiment_name": "q900_tiny",
    "rank": 2,
    "width": 8,
    "diffusion_steps": 4,
    "batch_size": 8,
    "train_steps": 60,
    "learning_rate": 0.01,
    "mining_strategy": "adversarial",
    "validate_every": 10,
    "validation_batches": 2,
    "validation_batch_size": 8,
    "checkpoint_every": 20,
    "log_every": 5,
}
CONSTANTS = """betas alphas_cumprod alphas_cumprod_prev sqrt_alphas_cumprod sqrt_one_minus_alphas_cumprod
    log_one_minus_alphas_cumprod sqrt_recip_alphas_cumprod sqrt_recipm1_alphas_cumprod opt_step_size
    posterior_variance posterior_log_variance_clipped posterior_mean_coef1 posterior_mean_coef2
    loss_weight""".split()

# A command line whose steps take their time, so that a signal finds it training.
SLOW_CLI = """
import time
import torch
torch.set_num_threads(1)
from ired_diag.training.ensemble import Ensemble
step = Ensemble.advance
def slow_step(ensemble):
    time.sleep(0.04)
    return step(ensemble)
Ensemble.advance = slow_step
from app.cli import main
main(prog_name="ired-diag")
"""


def config_of(**knobs: Any) -> InverseConfig:
    return parse_inverse({**TINY, **knobs})


def alone(state: TrainingState) -> Ensemble:
    """Return the ensemble of one run: its steps move the state in place."""
    return Ensemble([state], loss_function(INVERSE, state.config, state.constants, compiled=False))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing stopped."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = train(INVERSE, config_of(), tmp_path_factory.mktemp("whole") / "run")
    torch.set_num_threads(before)
    return folder


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(path, weights_only=True)
    return content


def last_of(folder: Path) -> Path:
    return folder / "checkpoints" / "last.pt"


def leaves(content: object, name: str = "") -> dict[str, object]:
    """Return what stands in nested containers, by its path."""
    if isinstance(content, dict):
        items = content.items()
    elif isinstance(content, list | tuple):
        items = dict(enumerate(content)).items()
    else:
        return {name: content}
    return {n: leaf for key, value in items for n, leaf in leaves(value, f"{name}/{key}").items()}


def assert_same(one: object, other: object) -> None:
    """Assert that nested containers hold the same, tensors to the last bit."""
    first, second = leaves(one), leaves(other)
    assert first.keys() == second.keys()
    for name, value in first.items():
        if isinstance(value, Tensor):
            found = second[name]
            assert isinstance(found, Tensor)
            assert value.dtype == found.dtype
            assert torch.equal(value, found), name
        else:
            assert value == second[name], name


def assert_equals_the_whole(folder: Path, whole: Path) -> None:
    """Assert that a run that was stopped ends as the one that was not: weights, optimiser, history."""
    assert_same(load(last_of(folder)), load(last_of(whole)))
    assert_same(load(folder / "checkpoints" / "best.pt"), load(whole / "checkpoints" / "best.pt"))
    stopped, not_stopped = (read_history(f / "metrics.jsonl").series for f in (folder, whole))
    assert stopped.keys() == not_stopped.keys()
    for name, series in not_stopped.items():
        assert stopped[name].steps.tolist() == series.steps.tolist()
        if name != "time/seconds_per_step":
            assert stopped[name].values.tolist() == series.values.tolist()
    assert read_run(folder).ending.complete


def kind_of(leaf: object) -> object:
    return (tuple(leaf.shape), leaf.dtype) if isinstance(leaf, Tensor) else type(leaf)


def test_last_holds_every_key_of_the_public_layout_and_one_more(shared: Path, tmp_path: Path) -> None:
    public = load(shared / "ired_checkpoint" / "model-1.pt")
    state = new_state(
        INVERSE, parse_inverse({"experiment_name": "q900", "batch_size": 2, "adam_betas": [0, 0.5]}), "cpu"
    )
    alone(state).advance()
    write_torch_file(tmp_path / "last.pt", state.to_trainer1d())
    ours = load(tmp_path / "last.pt")
    assert list(ours) == [*public, "ired_diag"]
    for part in ("step", "model", "ema", "scaler"):
        assert {n: kind_of(v) for n, v in leaves(ours[part]).items()} == {
            n: kind_of(v) for n, v in leaves(public[part]).items()
        }
    assert list(ours["model"]) == list(public["model"])  # the optimiser counts tensors in this order
    assert {n: kind_of(v) for n, v in leaves(ours["opt"]["state"]).items()} == {
        n: kind_of(v) for n, v in leaves(public["opt"]["state"]).items()
    }
    groups = ours["opt"]["param_groups"], public["opt"]["param_groups"]
    assert [set(group) for group in groups[0]] == [set(group) for group in groups[1]]
    assert groups[0][0]["params"] == groups[1][0]["params"]
    for name in CONSTANTS:
        torch.testing.assert_close(ours["model"][name], public["model"][name], rtol=1e-6, atol=1e-12)


class PublicEbm(nn.Module):
    """The network under the public code's names, its gradient left to autograd."""

    def __init__(self, sizes: Architecture) -> None:
        super().__init__()
        dim, width = sizes.dim, sizes.width
        self.time_mlp = nn.Sequential(nn.Identity(), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 128))
        self.fc1, self.fc2, self.fc3 = (nn.Linear(n, width) for n in (2 * dim, width, width))
        self.fc4 = nn.Linear(width, dim)
        self.t_map_fc2, self.t_map_fc3 = nn.Linear(128, 2 * width), nn.Linear(128, 2 * width)

    def forward(self, x: Tensor, y: Tensor, t: Tensor) -> Tensor:
        angle = t[:, None] * 10000 ** (-torch.arange(64) / 63)
        e = self.time_mlp(torch.cat([angle.sin(), angle.cos()], dim=1))
        h = F.silu(self.fc1(torch.cat([x, y], dim=1)))
        for layer, gains in ((self.fc2, self.t_map_fc2), (self.fc3, self.t_map_fc3)):
            gain, bias = gains(e).chunk(2, dim=1)
            h = F.silu(layer(h) * (1 + gain) + bias)
        energy: Tensor = self.fc4(h).pow(2).sum(dim=1)
        return energy


class PublicDiffusion(nn.Module):
    """``GaussianDiffusion1D``: the constants as buffers, the network as ``model.ebm``."""

    def __init__(self, sizes: Architecture) -> None:
        super().__init__()
        self.model = nn.ModuleDict({"ebm": PublicEbm(sizes)})
        for name in CONSTANTS:
            self.register_buffer(name, torch.full((sizes.levels,), torch.nan))


class PublicEma(nn.Module):
    """The EMA wrapper: the average and the weights side by side."""

    def __init__(self, sizes: Architecture) -> None:
        super().__init__()
        self.online_model, self.ema_model = PublicDiffusion(sizes), PublicDiffusion(sizes)
        self.register_buffer("initted", torch.tensor(False))
        self.register_buffer("step", torch.tensor(0))


def test_modules_of_the_public_code_load_it_and_train_on_alike(
    whole: Path, generator: torch.Generator
) -> None:
    content, sizes = load(last_of(whole)), architecture_of(config_of())
    diffusion, wrapper = PublicDiffusion(sizes), PublicEma(sizes)
    diffusion.load_state_dict(content["model"], strict=True)
    wrapper.load_state_dict(content["ema"], strict=True)
    assert_same(wrapper.online_model.state_dict(), diffusion.state_dict())
    assert int(wrapper.get_buffer("step")) == content["step"] == 60
    optimizer = torch.optim.Adam(diffusion.parameters(), lr=1.0, betas=(0.1, 0.2))
    optimizer.load_state_dict(content["opt"])
    optimizer.param_groups[0]["fused"] = True  # as ours steps: any other kernel rounds otherwise
    for parameter in diffusion.parameters():
        assert optimizer.state[parameter]["exp_avg"].shape == parameter.shape
        assert int(optimizer.state[parameter]["step"]) == 60
    state = read_state(last_of(whole), INVERSE, config_of(), "cpu")
    x, y = torch.randn(2, 8, 4, generator=generator)
    t = torch.arange(8) % 4
    energy = diffusion.model["ebm"](x, y, t)
    torch.testing.assert_close(
        energy, network_in(config_of(), state.tensors).landscape(x, t).energy(y), rtol=1e-5, atol=1e-6
    )
    energy.mean().backward()
    ours = make_optimizer(config_of(), state.weights, state.moments, state.optimizer_steps)
    for name, p in state.weights.items():
        p.grad = diffusion.get_parameter(f"model.ebm.{name}").grad
    for one in (optimizer, ours):
        one.step()
    for name, p in state.weights.items():
        assert torch.equal(p, diffusion.get_parameter(f"model.ebm.{name}"))
        assert not torch.equal(p, content["model"][f"model.ebm.{name}"])


@pytest.mark.parametrize("head", ["vector", "scalar"])
def test_all_files_of_a_step_hold_the_same_tensors_and_energies(
    head: str, tmp_path: Path, generator: torch.Generator
) -> None:
    config = config_of(train_steps=20, validate_every=20, use_scalar_energy=head == "scalar")
    folder = train(INVERSE, config, tmp_path / "run") / "checkpoints"
    names = ("last.pt", "best.pt", "step-000000020.safetensors")
    checkpoints = [read_network(folder / name) for name in names]
    twin = new_state(INVERSE, config, "cpu")
    ensemble = alone(twin)
    for _ in range(20):
        ensemble.advance()
    x, y = torch.randn(2, 8, 4, generator=generator)
    t = torch.arange(8) % 4
    kinds: tuple[Weights, ...] = ("raw", "ema")
    for checkpoint in checkpoints:
        assert (checkpoint.step, checkpoint.architecture) == (20, architecture_of(config))
        assert checkpoint.architecture.head == head
        assert parse_inverse(checkpoint.configuration or {}) == config
        assert checkpoint.findings == ()
        for kind, expected in zip(
            kinds,
            (network_in(config, twin.tensors), network_in(config, twin.averaged_tensors)),
            strict=True,
        ):
            network = checkpoint.network(kind)
            assert_same(dict(network.parameters), {n: p.detach() for n, p in expected.parameters.items()})
            energies = [n.landscape(x, t).energy(y) for n in (network, expected)]
            assert torch.equal(*energies)
    energies = [checkpoints[0].network(kind).landscape(x, t).energy(y) for kind in kinds]
    assert not torch.equal(*energies)


def test_a_state_that_is_read_trains_on_like_the_one_that_was_written(tmp_path: Path) -> None:
    config = config_of(use_scalar_energy=True, mining_strategy="random")
    state = new_state(INVERSE, config, "cpu")
    ensemble = alone(state)
    for _ in range(13):
        ensemble.advance()
    state.best, state.best_step = 0.25, 10
    write_torch_file(tmp_path / "last.pt", state.to_trainer1d())
    read = read_state(tmp_path / "last.pt", INVERSE, config, "cpu")
    assert_same(read.to_trainer1d(), state.to_trainer1d())
    assert (read.step, read.best, read.best_step) == (13, 0.25, 10)
    again = alone(read)
    for _ in range(9):
        for one in (ensemble, again):
            one.advance()
    assert_same(read.to_trainer1d(), state.to_trainer1d())


def test_a_checkpoint_of_the_public_code_cannot_be_gone_on_from(shared: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"model-1\.pt: holds no random streams"):
        read_state(shared / "ired_checkpoint" / "model-1.pt", INVERSE, config_of(), "cpu")


def test_a_last_of_a_newer_format_is_refused(whole: Path, tmp_path: Path) -> None:
    content = load(last_of(whole))
    content["ired_diag"]["format"] = 2
    write_torch_file(tmp_path / "last.pt", content)
    with pytest.raises(UnreadableFile, match="is of format 2; this version of ired-diag reads up to 1"):
        read_state(tmp_path / "last.pt", INVERSE, config_of(), "cpu")


def test_a_torn_last_without_a_step_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = train(INVERSE, config_of(train_steps=3), tmp_path / "run")
    for kept in last_of(folder).parent.glob("step-*"):  # from which it would go on
        kept.unlink()
    torn = last_of(folder).read_bytes()[:-700]
    last_of(folder).write_bytes(torn)
    with pytest.raises(UnreadableFile, match=r"last\.pt: is not a whole PyTorch file"):
        train(INVERSE, config_of(), folder, resume=True)
    assert last_of(folder).read_bytes() == torn


class Killed(BaseException):
    """What stops a run between two steps here, in place of a signal."""


@pytest.mark.parametrize("step", [5, 10, 20, 25, 40, 55])
def test_a_run_stopped_anywhere_goes_on_bit_for_bit(step: int, whole: Path, tmp_path: Path) -> None:
    def stop(at: int, steps: int, values: dict[str, float]) -> None:
        if at == step:
            raise Killed

    with pytest.raises(Killed):
        train(INVERSE, config_of(), tmp_path / "run", progress=stop)
    assert read_run(tmp_path / "run").ending.label == "running or cut off"
    train(
        INVERSE, config_of(train_steps=7, seed=99), tmp_path / "run", resume=True
    )  # the run's own knobs count
    assert_equals_the_whole(tmp_path / "run", whole)
    rows = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    last_saved = (step - 1) // 20 * 20  # a checkpoint follows its step's row
    assert len(rows) == step // 5 + (60 - last_saved) // 5
    assert read_history(tmp_path / "run" / "metrics.jsonl").attempts == 2


def test_a_torn_last_line_is_dropped_on_resume(whole: Path, tmp_path: Path) -> None:
    def stop(at: int, steps: int, values: dict[str, float]) -> None:
        if at == 30:
            raise Killed

    with pytest.raises(Killed):
        train(INVERSE, config_of(), tmp_path / "run", progress=stop)
    metrics = tmp_path / "run" / "metrics.jsonl"
    told = metrics.read_bytes()
    metrics.write_bytes(told[:-40])
    assert read_history(metrics).torn_tail
    train(INVERSE, config_of(), tmp_path / "run", resume=True)
    assert_equals_the_whole(tmp_path / "run", whole)
    history = read_history(metrics)
    assert (history.torn_tail, history.bad_lines) == (False, ())
    assert metrics.read_bytes().startswith(told[: told[:-40].rfind(b"\n") + 1])


def started_cli(runs: Path, tmp_path: Path) -> subprocess.Popen[str]:
    experiment = tmp_path / "tiny.json"
    experiment.write_text(config_of().model_dump_json())
    command = [
        sys.executable,
        "-c",
        SLOW_CLI,
        "train",
        str(experiment),
        "--runs",
        str(runs),
        "--device",
        "cpu",
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_rows(process: subprocess.Popen[str], metrics: Path, rows: int) -> None:
    end = time.monotonic() + 60
    while not metrics.exists() or metrics.read_bytes().count(b"\n") < rows:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "the command logs nothing"
        time.sleep(0.005)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_in_the_middle_loses_and_doubles_no_step(
    how: signal.Signals, whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "runs" / "q900" / "seed0"
    with started_cli(tmp_path / "runs", tmp_path) as process:
        wait_for_rows(process, folder / "metrics.jsonl", 5)
        os.kill(process.pid, how)
        stdout, stderr = process.communicate(timeout=60)
    ending = read_run(folder).ending
    if how == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
        assert load(last_of(folder))["step"] in (20, 40)
        assert ending.label == "running or cut off"
    else:
        saved = load(last_of(folder))["step"]
        assert 25 <= saved < 60
        assert process.returncode == 1
        assert stdout == ""
        heard, ended = stderr.splitlines()
        assert heard.startswith("Stopping after this step.")
        assert ended.startswith(f"ired-diag: {folder}: interrupted after step {saved} of 60; all is saved.")
        assert "--resume" in stderr
        assert (ending.label, ending.detail) == ("cancelled", f"interrupted after step {saved}")
    train(INVERSE, config_of(), folder, resume=True)
    assert_equals_the_whole(folder, whole)
