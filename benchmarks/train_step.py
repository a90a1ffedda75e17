"""How fast is a training step, beside a plain reading of the published algorithm?

    python -m benchmarks.train_step [--device cpu] [--repeats 9] [--seeds 1 10] [--json FILE]

Both sides run in this one process and take turns, so that a machine that slows down slows both; what is
quoted is the median of each and the median of the ratios of neighbours. Both draw their own data within the
step. The plain side is one seed in one process (``plain_reading.py``), in float32 and, where ours is in bf16,
in bf16 too; a seed of an ensemble is compared with it.

The share of the machine's matrix rate is the arithmetic of the products in our step, over its time, over the
best rate measured here for one product of the network's size and type.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, cast

import torch

from benchmarks.live_memory import LiveMemory
from benchmarks.plain_reading import PlainTrainer, Strategy
from ired_diag import experiments
from ired_diag.config import with_settings
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.configured import data_of
from ired_diag.inverse.draws import draw_batch
from ired_diag.inverse.evaluation import evaluate
from ired_diag.inverse.matrices import draw_matrices
from ired_diag.inverse.objective import mine
from ired_diag.inverse.training import network_in, schedule_in
from ired_diag.precision import DTYPES
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.compiled import can_compile, loss_function
from ired_diag.training.ensemble import Ensemble
from ired_diag.training.state import new_state

Precision = Literal["fp32", "bf16"]
EXPERIMENTS = {"none": "q101", "adversarial": "q103"}
WARM_UP = 3
ROW = "{:<12} {:<5} {:>5} {:>9} {:>9} {:>6} {:>14} {:>6} {:>13}"


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one seed's step on either side, and what follows from them."""

    strategy: str
    precision: Precision
    seeds: int
    ours_ms: float
    plain_ms: float
    ratio: float
    plain_fp32_ms: float
    ratio_fp32: float
    matrix_share: float


def main() -> None:
    """Measure, and print a table."""
    options = _options()
    device = torch.device(options.device)
    rates = {p: matrix_rate(p, device) for p in ("fp32", "bf16")}
    _say(f"{_machine(device)}; PyTorch {torch.__version__}; compiled: {not options.eager}")
    _say("matrix rate: " + ", ".join(f"{p} {rate / 1e9:.0f} GFLOP/s" for p, rate in rates.items()))
    timings = []
    heads = (
        "mining",
        "type",
        "seeds",
        "ours ms",
        "plain ms",
        "ratio",
        "plain fp32 ms",
        "ratio",
        "matrix share",
    )
    _say(ROW.format(*heads))
    for strategy in options.strategies:
        for precision in options.precisions:
            for seeds in options.seeds:
                t = measure(strategy, precision, seeds, device, rates[precision], options)
                timings.append(t)
                times = [f"{ms:.1f}" for ms in (t.ours_ms, t.plain_ms, t.plain_fp32_ms)]
                ratio, over_fp32, share = f"{t.ratio:.2f}", f"{t.ratio_fp32:.2f}", f"{t.matrix_share:.0%}"
                told_row = (*times[:2], ratio, times[2], over_fp32, share)
                _say(ROW.format(strategy, precision, seeds, *told_row))
    content = {"timings": [asdict(t) for t in timings], **_besides(device, options)}
    if options.json:
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def measure(
    strategy: Strategy,
    precision: Precision,
    seeds: int,
    device: torch.device,
    rate: float,
    options: argparse.Namespace,
) -> Timing:
    """Return the timing of one case: our ensemble and the plain reading, in both types, in turns."""
    config = _config(strategy, precision, options)
    ensemble = _ensemble(config, seeds, device, compiled=not options.eager)
    types: tuple[Precision, ...] = ("fp32",) if precision == "fp32" else ("bf16", "fp32")
    plain = [PlainTrainer(strategy, precision=p, batch=options.batch, device=str(device)) for p in types]
    ours, *theirs = alternate([ensemble.advance, *(p.step for p in plain)], options.repeats, device)
    own = [1e3 * seconds / seeds for seconds in ours]
    other = [[1e3 * seconds for seconds in side] for side in theirs]
    ratios = [statistics.median(b / a for a, b in zip(own, side, strict=True)) for side in other]
    mid = statistics.median(own)
    medians = [statistics.median(side) for side in other]
    share = products(config) / (mid / 1e3) / rate
    return Timing(strategy, precision, seeds, mid, medians[0], ratios[0], medians[-1], ratios[-1], share)


def alternate(calls: Sequence[Callable[[], object]], repeats: int, device: torch.device) -> list[list[float]]:
    """Return the seconds of calls that take turns, after a warm-up."""
    for _ in range(WARM_UP):
        for call in calls:
            call()
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, seconds in zip(calls, times, strict=True):
            seconds.append(_seconds(call, device))
    return times


def matrix_rate(precision: str, device: torch.device, size: int = 2048, width: int = 512) -> float:
    """Return the best measured operations a second of one (size x width) (width x width) product."""
    a = torch.randn(size, width, device=device).to(DTYPES[precision])
    b = torch.randn(width, width, device=device).to(DTYPES[precision])
    best = min(_seconds(lambda: torch.mm(a, b), device) for _ in range(50))
    return 2.0 * size * width * width / best


def products(config: InverseConfig) -> float:
    """Return the operations of the matrix products in a step of one seed.

    A product's backward pass is one product for each factor that needs a gradient. With e an energy at y, g
    its gradient: training needs e + g of the noisy answer once with its backward pass; mining K times e + g
    and one e without; the contrast two e with their backward pass. The problem's half of W₁ is applied once.
    """
    dim, width = config.rank**2, config.width
    first, middle, last = dim * width, width * width, width * dim
    energy = first + 2 * middle + last
    gradient = last + 2 * middle + first
    back_energy = first + 2 * (2 * middle + last)  # no gradient flows to y
    back_gradient = 2 * gradient
    total = 2 * first + energy + gradient + back_energy + back_gradient
    if config.mining_strategy == "adversarial":
        total += config.mining_opt_steps * (energy + gradient) + energy
    if config.mining_strategy != "none":
        total += 2 * (energy + back_energy)
    return 2.0 * total * config.batch_size


def _besides(device: torch.device, options: argparse.Namespace) -> dict[str, float]:
    """Measure and print what else the speed of a run depends on."""
    config = _config("none", "fp32", options)
    generator = torch.Generator(device).manual_seed(0)
    draw = _median(lambda: draw_matrices(data_of(config), config.batch_size, generator=generator), 9, device)
    state = new_state(INVERSE, config, device)
    network = network_in(config, state.averaged_tensors)
    evaluation = _median(
        lambda: evaluate(network, schedule_in(state.tensors), config, generator=generator), 3, device
    )
    _say(f"data: {1e3 * draw:.1f} ms for {config.batch_size} matrices and inverses")
    judged = config.validation_batches * config.validation_batch_size
    _say(f"evaluation on {judged} matrices: {evaluation:.2f} s")
    measured = {"data_ms": 1e3 * draw, "evaluation_s": evaluation}
    for steps in (2, 20):
        measured[f"peak_mining_{steps}_mb"] = peak = _peak_of_mining(steps, device, options)
        _say(f"memory that mining adds at its peak, {steps} steps: {peak:.0f} MB")
    peak_process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if device.type == "cuda":
        peak_process = torch.cuda.max_memory_allocated(device) / 2**20
    _say(f"peak memory of this whole benchmark, both sides: {peak_process:.0f} MB")
    return {**measured, "peak_memory_mb": peak_process}


def _peak_of_mining(steps: int, device: torch.device, options: argparse.Namespace) -> float:
    """Return the megabytes that tensors hold at once while a batch is mined, beyond what stays."""
    config = _config("adversarial", "fp32", options).model_copy(update={"mining_opt_steps": steps})
    state = new_state(INVERSE, config, device)
    batch = draw_batch(config, state.streams, contrast=True)
    landscape = network_in(config, state.tensors).landscape(batch.problem, batch.draws.t)
    with LiveMemory() as memory:
        mine(landscape, schedule_in(state.tensors), config, batch.answer, batch.draws)
    return float(memory.peak) / 2**20


def _config(strategy: Strategy, precision: str, options: argparse.Namespace) -> InverseConfig:
    config = cast(InverseConfig, experiments.load(EXPERIMENTS[strategy]))
    return with_settings(config, {"precision": precision, "batch_size": str(options.batch)})


def _ensemble(config: InverseConfig, seeds: int, device: torch.device, *, compiled: bool) -> Ensemble:
    members = [new_state(INVERSE, config.model_copy(update={"seed": seed}), device) for seed in range(seeds)]
    return Ensemble(members, loss_function(INVERSE, config, members[0].constants, compiled=compiled))


def _median(call: Callable[[], object], repeats: int, device: torch.device) -> float:
    call()
    return statistics.median(_seconds(call, device) for _ in range(repeats))


def _seconds(call: Callable[[], object], device: torch.device) -> float:
    _wait(device)
    start = time.perf_counter()
    call()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _machine(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads ({capability})"


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 -- a benchmark's result is what it prints


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--strategies", nargs="+", default=list(EXPERIMENTS), choices=list(EXPERIMENTS))
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"], choices=["fp32", "bf16"])
    parser.add_argument("--eager", action="store_true", help="do not compile our side")
    parser.add_argument("--json", type=Path, help="write the numbers to a file too")
    options = parser.parse_args()
    if options.device == "cpu" and not can_compile(torch.device("cpu")):
        options = argparse.Namespace(**{**vars(options), "eager": True})
    return options


if __name__ == "__main__":
    main()
