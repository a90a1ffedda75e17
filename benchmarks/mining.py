"""How fast are negatives mined again and their conditioning measured, beside autograd and numpy?

    python -m benchmarks.mining [--pairs 20000] [--device cpu] [--repeats 5] [--json FILE]

The other side is the plain reading of the public code (``plain_reading.py``): gradients by automatic
differentiation, a graph kept even where mining needs none, two energies a step; then numpy's ``cond`` and
``det`` of each pair's two matrices, on the host. Both sides mine the same starts with the same weights, in
batches of one level, and their negatives are compared before anything is timed. They take turns in one
process; quoted are the medians and the median of the ratios of neighbours.

Memory: the peak of what our side's tensors hold at a time, at these many pairs and at four times as many.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.live_memory import LiveMemory
from benchmarks.plain_reading import PlainTrainer
from ired_diag.inverse.architecture import Architecture
from ired_diag.inverse.matrices import MatrixData, draw_matrices
from ired_diag.inverse.matrix_form import describe
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.mining import descend, rescale
from ired_diag.model.schedule import Schedule, cosine_schedule
from ired_diag.subject import CHUNK

RANK, WIDTH, LEVELS, STEPS = 20, 512, 10, 2
PLAIN_BATCH = 2048  # the public code's
AGREEMENT = 1e-4  # of the two sides' negatives, in their largest entry's difference


@dataclass(frozen=True)
class Pairs:
    """Problems, right answers and starts of mining, all of one level."""

    level: int
    problem: Tensor
    answer: Tensor
    start: Tensor


@dataclass(frozen=True)
class Result:
    """Seconds of either side, and the median ratio of neighbours."""

    what: str
    pairs: int
    ours_s: float
    plain_s: float
    ratio: float


def draw_pairs(count: int, schedule: Schedule, device: torch.device) -> list[Pairs]:
    """Return pairs spread over the levels."""
    generator = torch.Generator().manual_seed(0)
    pairs = []
    for level in range(LEVELS):
        problem, answer = draw_matrices(MatrixData(rank=RANK), count // LEVELS, generator=generator)
        noise = torch.randn(answer.shape, generator=generator)
        problem, answer, noise = (tensor.to(device) for tensor in (problem, answer, noise))
        t = torch.full((len(answer),), level, device=device)
        pairs.append(Pairs(level, problem, answer, schedule.q_sample(answer, t, 3 * noise)))
    return pairs


def pieces(pairs: list[Pairs], size: int) -> Iterator[Pairs]:
    """Yield pairs in batches of one level."""
    for part_of_pairs in pairs:
        for first in range(0, len(part_of_pairs.problem), size):
            part = slice(first, first + size)
            yield Pairs(
                part_of_pairs.level,
                part_of_pairs.problem[part],
                part_of_pairs.answer[part],
                part_of_pairs.start[part],
            )


def mine_ours(network: EnergyNetwork, schedule: Schedule, pairs: Pairs) -> Tensor:
    """Return negatives, without a graph."""
    t = torch.full((len(pairs.start),), pairs.level, device=pairs.start.device)
    with torch.no_grad():
        end = descend(network.landscape(pairs.problem, t), pairs.start, t, schedule, steps=STEPS).end
        return rescale(end, t, schedule)


def mine_plain(plain: PlainTrainer, pairs: Pairs) -> Tensor:
    """Return the same negatives as the public code computes them."""
    t = torch.full((len(pairs.start),), pairs.level, device=pairs.start.device)
    end = plain.descend(pairs.problem, pairs.start.clone(), t)
    return (end / plain.schedule.signal[pairs.level]).clamp(-2, 2).detach()


def ours(network: EnergyNetwork, schedule: Schedule, pairs: list[Pairs], *, conditioning: bool) -> None:
    """Mine all pairs in chunks, and describe both matrices of each, a chunk of each level at a time."""
    todo = list(pieces(pairs, CHUNK))
    for first in range(0, len(todo), LEVELS):
        chunk = todo[first : first + LEVELS]
        negatives = torch.cat([mine_ours(network, schedule, piece) for piece in chunk])
        if conditioning:
            answers, problems = (
                torch.cat([getattr(piece, n) for piece in chunk]) for n in ("answer", "problem")
            )
            describe(answers, RANK, problem=problems)
            describe(negatives, RANK, problem=problems)
    _wait(pairs)


def plain(trainer: PlainTrainer, pairs: list[Pairs], *, conditioning: bool) -> None:
    """Do the same through autograd and numpy: cond and det, without residual, asymmetry and definiteness."""
    for piece in pieces(pairs, PLAIN_BATCH):
        negative = mine_plain(trainer, piece)
        if conditioning:
            for matrices in (piece.answer, negative):
                square = matrices.cpu().numpy().reshape(-1, RANK, RANK).astype(np.float64)
                np.linalg.cond(square)
                np.linalg.det(square)
    _wait(pairs)


def compare(what: str, a: Callable[[], None], b: Callable[[], None], pairs: int, repeats: int) -> Result:
    """Return the times of two sides that take turns."""
    a()
    b()
    times = [(_seconds(a), _seconds(b)) for _ in range(repeats)]
    ratio = statistics.median(other / mine for mine, other in times)
    ours_s, plain_s = (statistics.median(side) for side in zip(*times, strict=True))
    return Result(what, pairs, ours_s, plain_s, ratio)


def peak_of(network: EnergyNetwork, schedule: Schedule, pairs: list[Pairs]) -> int:
    """Return the most bytes that the tensors of our side hold at once, besides the pairs themselves."""
    with LiveMemory() as memory:
        ours(network, schedule, pairs, conditioning=True)
    return int(memory.peak)


def main() -> None:
    """Print both ratios and the peaks of memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    device = torch.device(options.device)
    trainer = PlainTrainer("adversarial", rank=RANK, width=WIDTH, device=options.device)
    schedule = cosine_schedule(LEVELS).to(device)
    weights = {name: p.detach() for name, p in trainer.network.named_parameters()}
    network = EnergyNetwork(Architecture(RANK, WIDTH), weights)
    pairs = draw_pairs(options.pairs, schedule, device)
    apart = max(
        (mine_ours(network, schedule, piece) - mine_plain(trainer, piece)).abs().max().item()
        for piece in pieces(pairs, CHUNK)
    )
    if apart > AGREEMENT:
        raise SystemExit(f"the two sides' negatives differ by {apart:.2g}: nothing to compare")
    say(
        f"{_machine(device)}; {options.pairs} pairs, rank {RANK}, width {WIDTH}; "
        f"negatives agree to {apart:.1g}"
    )
    results = []
    for what, conditioning in (("mining", False), ("mining and conditioning", True)):
        result = compare(
            what,
            lambda c=conditioning: ours(network, schedule, pairs, conditioning=c),  # type: ignore[misc]
            lambda c=conditioning: plain(trainer, pairs, conditioning=c),  # type: ignore[misc]
            options.pairs,
            options.repeats,
        )
        results.append(result)
        rate = options.pairs / result.ours_s
        say(
            f"{what}: ours {result.ours_s:.2f} s ({rate:,.0f} pairs/s), plain {result.plain_s:.2f} s, "
            f"ratio {result.ratio:.2f}"
        )
    counts = (options.pairs, 4 * options.pairs)
    peaks = {n: peak_of(network, schedule, draw_pairs(n, schedule, device)) for n in counts}
    say("peak of tensors: " + ", ".join(f"{peak / 2**20:.0f} MiB at {n} pairs" for n, peak in peaks.items()))
    if options.json:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=2))


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _seconds(side: Callable[[], None]) -> float:
    began = time.perf_counter()
    side()
    return time.perf_counter() - began


def _wait(pairs: list[Pairs]) -> None:
    if pairs[0].start.device.type == "cuda":
        torch.cuda.synchronize()


def _machine(device: torch.device) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}"


if __name__ == "__main__":
    main()
