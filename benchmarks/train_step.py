"""How fast is a training step, beside a plain reading of the published algorithm?

    python -m benchmarks.train_step [--device cpu] [--repeats 9] [--seeds 1 10] [--json FILE]

Both sides run in this one process and take turns, so that a machine that slows down slows both; what is
quoted is the median of each and the median of the ratios of neighbours. Both draw their own data within the
step. The plain side is one seed in one process (``plain_reading.py``), in float32 and, where ours is in bf16,
in bf16 too; a seed of an ensemble is compared with it.

*Products* is what the matrix products of our step take by themselves: the very same shapes, types, strides
and counts, one after the other, in turn with the steps (``matrix_products.py``). The share of the machine's
matrix rate is the arithmetic of those products, over the time of the step, over the best rate seen in this
run: of any shape among them, in every direction and transposition, and of larger squares, all measured in
turn with the steps, so that they see the same machine. Where a step was faster than all of them, which
happens on a machine whose speed changes, that rate is only a lower bound: the step's own then counts, and
this is said.

Both sides keep the memory that a step frees, as the trainer does (``ired_diag.kept_memory``).
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
from benchmarks.matrix_products import Product, RecordedProducts, Replay, square
from benchmarks.plain_reading import PlainTrainer, Strategy
from ired_diag import experiments
from ired_diag.config import with_settings
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.configured import data_of
from ired_diag.inverse.draws import draw_batch
from ired_diag.inverse.evaluation import evaluate
from ired_diag.inverse.matrices import draw_matrices
from ired_diag.inverse.objective import mine
from ired_diag.inverse.training import batch_tensors, network_in, schedule_in
from ired_diag.kept_memory import freed_memory_kept
from ired_diag.precision import DTYPES
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.compiled import can_compile, loss_function
from ired_diag.training.ensemble import Ensemble, stack_batches
from ired_diag.training.seed_axis import stacked
from ired_diag.training.state import new_state

Precision = Literal["fp32", "bf16"]
EXPERIMENTS = {"none": "q101", "adversarial": "q103"}
WARM_UP = 3
ROW = "{:<12} {:<5} {:>5} {:>9} {:>12} {:>6} {:>9} {:>6} {:>14} {:>6}"
SQUARES = {"cpu": (1024, 2048), "cuda": (1024, 2048, 4096, 8192)}  # sizes of products that fill a machine


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one seed's step on either side, and what follows from them.

    Attributes:
        strategy: How negatives are mined.
        precision: Type of our products.
        seeds: How many are trained together.
        ours_ms: Our step.
        products_ms: Its matrix products alone.
        over_products: Our step over its products, the median of neighbours.
        plain_ms: The plain reading in the same type.
        ratio: That over ours.
        plain_fp32_ms: The plain reading in float32.
        ratio_fp32: That over ours.
        step_rate: Operations a second of the products in our step.
        product_rate: The best rate of a product that was measured in turn with it.
    """

    strategy: str
    precision: Precision
    seeds: int
    ours_ms: float
    products_ms: float
    over_products: float
    plain_ms: float
    ratio: float
    plain_fp32_ms: float
    ratio_fp32: float
    step_rate: float
    product_rate: float


def main() -> None:
    """Measure, and print a table."""
    options = _options()
    device = torch.device(options.device)
    _say(f"{_machine(device)}; PyTorch {torch.__version__}; compiled: {not options.eager}")
    heads = (
        "mining",
        "type",
        "seeds",
        "ours ms",
        "products ms",
        "ratio",
        "plain ms",
        "ratio",
        "plain fp32 ms",
        "ratio",
    )
    _say(ROW.format(*heads))
    timings = []
    with freed_memory_kept():
        for strategy in options.strategies:
            for precision in options.precisions:
                for seeds in options.seeds:
                    timing = measure(strategy, precision, seeds, device, options)
                    timings.append(timing)
                    _say(_row(timing))
        shares = _say_shares(timings)
        besides = _besides(device, options)
    rows = [{**asdict(timing), "matrix_share": share} for timing, share in zip(timings, shares, strict=True)]
    if options.json:
        content = {"timings": rows, **besides}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _row(t: Timing) -> str:
    return ROW.format(
        t.strategy,
        t.precision,
        t.seeds,
        f"{t.ours_ms:.1f}",
        f"{t.products_ms:.1f}",
        f"{t.over_products:.2f}",
        f"{t.plain_ms:.1f}",
        f"{t.ratio:.2f}",
        f"{t.plain_fp32_ms:.1f}",
        f"{t.ratio_fp32:.2f}",
    )


def _say_shares(timings: Sequence[Timing]) -> list[float]:
    """Print the machine's rate of each type, and return the share of it that each step reaches."""
    rates = {}
    for precision in dict.fromkeys(timing.precision for timing in timings):
        same_type = [timing for timing in timings if timing.precision == precision]
        measured = max(timing.product_rate for timing in same_type)
        rate, is_lower_bound = machine_rate(measured, [timing.step_rate for timing in same_type])
        rates[precision] = rate
        words = f"{rate / 1e9:.0f} GFLOP/s"
        if is_lower_bound:
            words = f"at least {words}, the rate of a step: the best product alone had {measured / 1e9:.0f}"
        _say(f"matrix rate in {precision}: {words}")
    shares = []
    for t in timings:
        seeds = "1 seed" if t.seeds == 1 else f"{t.seeds} seeds"
        shares.append(t.step_rate / rates[t.precision])
        _say(f"{t.strategy}, {t.precision}, {seeds}: {shares[-1]:.0%} of the matrix rate")
    return shares


def machine_rate(measured: float, step_rates: Sequence[float]) -> tuple[float, bool]:
    """Return the machine's matrix rate, and whether it is a lower bound: a step was faster than any product.

    >>> machine_rate(400.0, [100.0, 300.0])
    (400.0, False)
    >>> machine_rate(400.0, [100.0, 500.0])
    (500.0, True)
    """
    fastest = max(step_rates)
    return max(measured, fastest), fastest > measured


def measure(
    strategy: Strategy,
    precision: Precision,
    seeds: int,
    device: torch.device,
    options: argparse.Namespace,
) -> Timing:
    """Return the timing of one case: our ensemble, its products and the plain reading, in turns."""
    config = _config(strategy, precision, options)
    ensemble = _ensemble(config, seeds, device, compiled=not options.eager)
    types: tuple[Precision, ...] = ("fp32",) if precision == "fp32" else ("bf16", "fp32")
    plain = [
        PlainTrainer(
            strategy,
            rank=options.rank,
            width=options.width,
            batch=options.batch,
            precision=p,
            device=str(device),
        )
        for p in types
    ]
    products = recorded_products(config, seeds, device)
    kinds = _kinds_of(products, config, device)
    calls: list[Callable[[], object]] = [ensemble.advance, Replay(products, device)]
    calls += [side.step for side in plain]
    times = alternate(
        [*calls, *(Replay([kind], device) for kind in kinds)],
        options.repeats,
        device,
    )
    ours, alone, *others = times[: len(calls)]
    own = [1e3 * seconds / seeds for seconds in ours]
    other = [[1e3 * seconds for seconds in side] for side in others]
    ratios = [_ratio(side, own) for side in other]
    mid = statistics.median(own)
    medians = [statistics.median(side) for side in other]
    rates = [kind.operations / min(seconds) for kind, seconds in zip(kinds, times[len(calls) :], strict=True)]
    operations = sum(product.operations for product in products)
    return Timing(
        strategy=strategy,
        precision=precision,
        seeds=seeds,
        ours_ms=mid,
        products_ms=1e3 * statistics.median(alone) / seeds,
        over_products=_ratio(ours, alone),
        plain_ms=medians[0],
        ratio=ratios[0],
        plain_fp32_ms=medians[-1],
        ratio_fp32=ratios[-1],
        step_rate=operations / statistics.median(ours),
        product_rate=max(rates),
    )


def recorded_products(config: InverseConfig, seeds: int, device: torch.device) -> list[Product]:
    """Return the matrix products of one step's loss and its backward pass."""
    members = [new_state(INVERSE, config.model_copy(update={"seed": k}), device) for k in range(seeds)]
    weights = stacked([member.weights for member in members])
    leaves = {name: weight.requires_grad_() for name, weight in weights.items()}
    batch = stack_batches([batch_tensors(config, member.streams, 0) for member in members])
    loss = loss_function(INVERSE, config, members[0].constants, compiled=False)
    record = RecordedProducts()
    with record:
        loss(leaves, batch).total.sum().backward()  # type: ignore[no-untyped-call]
    return record.products


def _kinds_of(products: Sequence[Product], config: InverseConfig, device: torch.device) -> list[Product]:
    """Return each kind of large product once, and squares of the same type."""
    largest = max(product.operations for product in products)
    kinds = [product for product in dict.fromkeys(products) if product.operations > largest / 2]
    dtype = DTYPES[config.precision]
    return kinds + [square(size, dtype) for size in SQUARES[device.type] if size >= config.width]


def _ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """Return the median of the ratios of neighbours."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


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
    sizes = {"batch_size": options.batch, "rank": options.rank, "width": options.width}
    settings = {name: str(size) for name, size in sizes.items()}
    return with_settings(config, {"precision": precision, **settings})


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
    parser.add_argument("--rank", type=int, default=20)
    parser.add_argument("--width", type=int, default=512)
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
