"""How often does the gate keep a change that does nothing, asked after every seed, and how soon is it sure?

    python -m benchmarks.gate_levels [--studies 20000] [--seeds 50]

Each study draws seeds one by one and asks the gate after each, from the third on, until it decides. The first
table has the share of studies of no effect that are ever kept, next to a fixed one-sided t test that is asked
as often. The second has, for effects of half a margin, one and two margins, the share that is kept, and the
mean number of seeds until then, next to the number that a t test of fixed size needs for the same power.

Seeds are normal; of Student's t distribution with 3 degrees of freedom (heavy tails); means of 20 evaluations
that follow one another with a correlation of 0.8; or exponential, which are skewed and assumed not to occur.
The exit status is 1 where a level among the assumed kinds is above 5% by more than three standard errors.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from ired_diag.comparison.gate import Compared, decide

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Array]
ALPHA = 0.05
FIRST = 3  # seeds at the first look
EVALUATIONS, CORRELATION = 20, 0.8


def normal(generator: np.random.Generator, seeds: int) -> Array:
    """Return normal seeds."""
    return generator.standard_normal(seeds)


def heavy(generator: np.random.Generator, seeds: int) -> Array:
    """Return seeds with heavy tails."""
    return generator.standard_t(3, seeds)


def autoregressive(generator: np.random.Generator, seeds: int) -> Array:
    """Return means of evaluations that follow one another."""
    noise = generator.standard_normal((seeds, EVALUATIONS))
    values = np.empty_like(noise)
    values[:, 0] = noise[:, 0] / math.sqrt(1 - CORRELATION**2)
    for step in range(1, EVALUATIONS):
        values[:, step] = CORRELATION * values[:, step - 1] + noise[:, step]
    means: Array = values.mean(axis=1)
    return means


def skewed(generator: np.random.Generator, seeds: int) -> Array:
    """Return exponential seeds around a mean of 0, with the long tail on the worse side."""
    return 1 - generator.exponential(size=seeds)


KINDS: dict[str, Draw] = {"normal": normal, "heavy tails": heavy, "autoregressive": autoregressive}
SKEWED: dict[str, Draw] = {"skewed": skewed}


def paired(draw: Draw, generator: np.random.Generator, seeds: int, effect: float) -> Compared:
    """Return a study of pairs."""
    gains = draw(generator, seeds) + effect
    return Compared(gains=gains.tolist(), base=(), design="paired")


def unpaired(draw: Draw, generator: np.random.Generator, seeds: int, effect: float) -> Compared:
    """Return a study whose old group has ten seeds and twice the spread of the new one."""
    gains = draw(generator, seeds) + effect
    base = 2 * draw(generator, 10)
    return Compared(gains=gains.tolist(), base=base.tolist(), design="unpaired")


def is_ever_significant(compared: Compared) -> bool:
    """Say whether a one-sided t test that is asked after every seed is ever below alpha."""
    gains = np.asarray(compared.gains)
    counts = np.arange(1, len(gains) + 1)
    means = gains.cumsum() / counts
    squares = (gains**2).cumsum() - counts * means**2
    counts, means, squares = counts[FIRST - 1 :], means[FIRST - 1 :], squares[FIRST - 1 :]
    t = means * np.sqrt(counts) / np.sqrt(squares / (counts - 1))
    p = np.asarray(student.sf(t, counts - 1))
    return bool(np.any(p < ALPHA))


def levels(studies: int, seeds: int) -> Iterator[tuple[str, str, float, float]]:
    """Yield kind, design, share that the gate ever keeps, and that of the t test (NaN of unpaired groups)."""
    for name, draw in (KINDS | SKEWED).items():
        for design in (paired, unpaired):
            generator = np.random.default_rng(0)
            kept = significant = 0
            for _ in range(studies):
                study = design(draw, generator, seeds, 0.0)
                kept += decide(study, alpha=ALPHA).verdict == "keep"
                significant += design is paired and is_ever_significant(study)
            of_t = significant / studies if design is paired else math.nan
            yield name, design.__name__, kept / studies, of_t


def seeds_needed(effect: float, power: float) -> int:
    """Return the number of pairs with which a one-sided t test of fixed size has this power."""
    from scipy.stats import nct

    n = 2
    while nct.sf(student.isf(ALPHA, n - 1), n - 1, effect * math.sqrt(n)) < power:
        n += 1
    return n


def decisions(studies: int, seeds: int) -> Iterator[tuple[float, float, float, int]]:
    """Yield effect in standard deviations, share kept, mean number of seeds, and that of a t test."""
    for effect in (0.5, 1.0, 2.0):
        generator = np.random.default_rng(1)
        kept = []
        for _ in range(studies):
            decision = decide(paired(normal, generator, seeds, effect), alpha=ALPHA)
            if decision.verdict == "keep":
                kept.append(decision.decided_at or 0)
        power = len(kept) / studies
        yield effect, power, float(np.mean(kept)), seeds_needed(effect, min(power, 0.999))


def say(line: str) -> None:
    """Print a line at once: the tables take minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=50)
    chosen = parser.parse_args()
    bound = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / chosen.studies)
    exceeded = False
    say(f"No effect, asked after each seed from {FIRST} to {chosen.seeds}: shares of {chosen.studies}\n")
    say("| seeds | design | the gate ever keeps | a t test is ever significant |\n|---|---|---|---|")
    for kind, design, kept, of_t in levels(chosen.studies, chosen.seeds):
        of_test = "" if math.isnan(of_t) else f"{of_t:.1%}"
        say(f"| {kind} | {design} | {kept:.2%} | {of_test} |")
        exceeded |= kept > bound and kind in KINDS
    say("\n| effect in sd | kept | mean seeds until then | a fixed t test of that power |\n|---|---|---|---|")
    for effect, power, count, fixed in decisions(chosen.studies // 10, chosen.seeds):
        say(f"| {effect:g} | {power:.1%} | {count:.1f} | {fixed} |")
    sys.exit(exceeded)


if __name__ == "__main__":
    main()
