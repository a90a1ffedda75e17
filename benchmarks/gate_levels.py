"""How often does the gate keep a change that does nothing, asked after every seed, and how soon is it sure?

    python -m benchmarks.gate_levels [--studies 20000] [--seeds 50]

Each study draws seeds one by one and asks the gate after each, from the third on, until it decides. The first
table has the share of studies of no effect that are ever kept, the share in which the 95% interval ever lies
beside the true mean, and that of a one-sided t test that is asked as often. The second has, for effects of
0.5, 1 and 2 standard deviations of a seed and a margin of 0, the share that is kept, and the mean number of
seeds until then, next to the number that a t test of fixed size needs for the same power; so has the third,
for effects of 0, 0.5, 1, 2 and 3 margins where the margin is one standard deviation.

Seeds are normal; of Student's t distribution with 3 degrees of freedom (heavy tails); means of 20 evaluations
that follow one another with a correlation of 0.8; or exponential, which are skewed and assumed not to occur.
The exit status is 1 where a level among the assumed kinds is above 5% by more than three standard errors.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from ired_diag.comparison.gate import Compared, decide
from ired_diag.stats.anytime import looks_at_difference, looks_at_mean

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Array]
Design = Callable[[Draw, np.random.Generator, int, float], Compared]
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


def unpaired_alike(draw: Draw, generator: np.random.Generator, seeds: int, effect: float) -> Compared:
    """Return a study whose old group has twenty seeds and the spread of the new one."""
    gains = draw(generator, seeds) + effect
    base = draw(generator, 20)
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


def ever_misses(compared: Compared) -> bool:
    """Say whether the interval at level 1 - alpha ever lies beside a mean of 0."""
    if compared.base:
        looks = looks_at_difference(compared.gains, compared.base, alpha=ALPHA)
    else:
        looks = looks_at_mean(compared.gains, alpha=ALPHA)
    return any(look.low > 0 or look.high < 0 for look in looks)


@dataclass(frozen=True)
class Level:
    """Shares of studies of no effect, of one kind of seeds and one design."""

    kind: str
    design: str
    kept: float
    missed: float  # by the interval at level 1 - alpha
    significant: float  # by the t test; NaN of unpaired groups


def levels(studies: int, seeds: int) -> Iterator[Level]:
    """Yield how often studies of no effect are judged wrongly, by kind of seeds and design."""
    for kind, draw in (KINDS | SKEWED).items():
        for design in (paired, unpaired):
            generator = np.random.default_rng(0)
            kept = missed = significant = 0
            for _ in range(studies):
                study = design(draw, generator, seeds, 0.0)
                kept += decide(study, alpha=ALPHA).verdict == "keep"
                missed += ever_misses(study)
                significant += design is paired and is_ever_significant(study)
            of_t = significant / studies if design is paired else math.nan
            yield Level(kind, design.__name__, kept / studies, missed / studies, of_t)


def seeds_needed(effect: float, power: float, *, groups: int) -> int:
    """Return the number of seeds of a group with which a one-sided t test of fixed size has this power."""
    from scipy.stats import nct

    n = 2
    while True:
        freedom = groups * (n - 1)
        shift = effect * math.sqrt(n / groups)
        if nct.sf(student.isf(ALPHA, freedom), freedom, shift) >= power:
            return n
        n += 1


@dataclass(frozen=True)
class Share:
    """Of the studies with one effect: shares that are kept and dropped, and seeds until then."""

    effect: float
    kept: float
    dropped: float
    seeds: float  # mean number of seeds until a decision; NaN without one
    fixed: int | None  # seeds of a t test of fixed size with the power of the more frequent decision


def decisions(
    design: Design, effects: Sequence[float], *, margin: float, studies: int, seeds: int
) -> Iterator[Share]:
    """Yield what is decided of studies with each effect, in standard deviations of a seed."""
    for effect in effects:
        generator = np.random.default_rng(1)
        verdicts = []
        counts = []
        for _ in range(studies):
            decision = decide(design(normal, generator, seeds, effect), margin=margin, alpha=ALPHA)
            verdicts.append(decision.verdict)
            if decision.decided_at is not None:
                counts.append(decision.decided_at)
        kept = verdicts.count("keep") / studies
        dropped = verdicts.count("drop") / studies
        fixed = None
        if effect != margin:
            groups = 1 if design is paired else 2
            fixed = seeds_needed(abs(effect - margin), min(max(kept, dropped), 0.999), groups=groups)
        yield Share(effect, kept, dropped, float(np.mean(counts)) if counts else math.nan, fixed)


def say_decisions(
    design: Design, effects: Sequence[float], *, margin: float, studies: int, seeds: int
) -> None:
    """Print a table of what is decided."""
    say("| effect in sd | kept | dropped | mean seeds until then | a fixed t test of that power |")
    say("|---|---|---|---|---|")
    for share in decisions(design, effects, margin=margin, studies=studies, seeds=seeds):
        fixed = "" if share.fixed is None else f"{share.fixed}"
        say(f"| {share.effect:g} | {share.kept:.1%} | {share.dropped:.1%} | {share.seeds:.1f} | {fixed} |")


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
    say("| seeds | design | the gate ever keeps | its 95% interval ever misses | a t test is significant |")
    say("|---|---|---|---|---|")
    for level in levels(chosen.studies, chosen.seeds):
        of_test = "" if math.isnan(level.significant) else f"{level.significant:.1%}"
        say(f"| {level.kind} | {level.design} | {level.kept:.2%} | {level.missed:.2%} | {of_test} |")
        exceeded |= max(level.kept, level.missed) > bound and level.kind in KINDS
    few = chosen.studies // 10
    say("\nPairs, margin 0:\n")
    say_decisions(paired, (0.5, 1.0, 2.0), margin=0.0, studies=few, seeds=chosen.seeds)
    say("\nUnpaired, 20 old seeds, margin 0:\n")
    say_decisions(unpaired_alike, (0.5, 1.0, 2.0), margin=0.0, studies=few, seeds=chosen.seeds)
    say("\nPairs, margin of one standard deviation:\n")
    say_decisions(paired, (0.0, 0.5, 1.0, 2.0, 3.0), margin=1.0, studies=few, seeds=chosen.seeds)
    sys.exit(exceeded)


if __name__ == "__main__":
    main()
