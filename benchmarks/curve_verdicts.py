"""What is said of the shape of made curves of every kind: how often an error is false, and which words come.

    python -m benchmarks.curve_verdicts [--curves 5000] [--long 20] [--kinds PATTERN] [--show KIND] [--seed 0]

Printed is a table of words by kind, in percent, with the share of wrong words and of errors, of curves that
have a plateau, of curves that have a plateau although they are called improving, diverged or regressed, and
of curves that only fall whose last evaluation, the best, is called luck; then the share of errors on all
healthy curves (bound: 0.2%) and on the failed ones. ``--show KIND`` prints the curves of a kind that got a
wrong word. Each kind has its own random numbers: a new kind changes no other.
"""

from __future__ import annotations

import argparse
import re
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from benchmarks import curve_kinds, curve_kinds_failed, curve_kinds_signed
from benchmarks.curve_parts import MadeCurve
from ired_diag.curves.best import best_evaluation
from ired_diag.curves.plateau import plateau_start
from ired_diag.curves.shape import shape_of
from ired_diag.forensics.curve_shape_words import SEVERITY

Kind = Callable[[np.random.Generator], MadeCurve]

HEALTHY: tuple[Kind, ...] = (*curve_kinds.KINDS, *curve_kinds_signed.KINDS)
FAILED: tuple[Kind, ...] = curve_kinds_failed.KINDS
LONG: Kind = curve_kinds.very_long
BOUND = 0.002
AT_REST = {"converged", "stuck"}
MOVING = ("improving", "diverged", "regressed")  # a curve that does any of this has no plateau


@dataclass
class Tally:
    """What was said of the curves of one kind."""

    words: Counter[str] = field(default_factory=Counter)
    curves: int = 0
    wrong: int = 0
    errors: int = 0
    plateaus: int = 0
    contradictions: int = 0
    lucky: int = 0
    failed: int = 0


def curves_of(kind: Kind, count: int, *, seed: int) -> Iterator[MadeCurve]:
    """Yield curves of one kind, the same for the same seed whatever other kinds there are."""
    rng = np.random.default_rng([seed, zlib.crc32(kind.__name__.encode())])
    for _ in range(count):
        yield kind(rng)


def word_of(curve: MadeCurve) -> str:
    """Return the verdict on a curve's shape."""
    return shape_of(curve.steps, curve.values, lower_is_better=curve.lower_is_better).word


def is_error(word: str) -> bool:
    """Say whether a word becomes a finding of the severity error."""
    return {str(name): severity for name, severity in SEVERITY.items()}.get(word) == "error"


def is_last_called_luck(curve: MadeCurve) -> bool:
    """Say whether a curve falls to its end, and its last evaluation, the best, is said to be luck."""
    if curve.words & AT_REST:
        return False
    best = best_evaluation(curve.steps, curve.values, lower_is_better=curve.lower_is_better)
    return best is not None and best.is_lucky and best.index == len(curve.steps) - 1


def tally_of(kind: Kind, count: int, *, seed: int) -> Tally:
    """Return what is said of ``count`` curves of a kind."""
    tally = Tally()
    for curve in curves_of(kind, count, seed=seed):
        word = word_of(curve)
        tally.words[word] += 1
        tally.curves += 1
        tally.wrong += word not in curve.words
        tally.errors += is_error(word)
        tally.failed += not curve.healthy
        start = plateau_start(curve.steps, curve.values, lower_is_better=curve.lower_is_better)
        tally.plateaus += start.step is not None
        tally.contradictions += start.step is not None and word in MOVING
        tally.lucky += is_last_called_luck(curve)
    return tally


def tallies(curves: int, long: int, pattern: str, *, seed: int) -> dict[str, Tally]:
    """Return what is said of ``curves`` curves over all kinds, each kind as often, by kind."""
    kinds = [kind for kind in (*HEALTHY, *FAILED) if re.search(pattern, kind.__name__)]
    counts = dict.fromkeys(kinds, max(1, curves // len((*HEALTHY, *FAILED))))
    if re.search(pattern, LONG.__name__):
        counts[LONG] = long
    return {kind.__name__: tally_of(kind, count, seed=seed) for kind, count in counts.items()}


def false_errors(tallies_of_kinds: dict[str, Tally]) -> tuple[int, int]:
    """Return how many healthy curves got an error, and how many there are."""
    healthy = [tally for tally in tallies_of_kinds.values() if not tally.failed]
    return sum(tally.errors for tally in healthy), sum(tally.curves for tally in healthy)


def table_of(tallies_of_kinds: dict[str, Tally]) -> Iterator[str]:
    """Yield the lines of a Markdown table of words by kind."""
    words = sorted({word for tally in tallies_of_kinds.values() for word in tally.words})
    columns = ("kind", "curves", *words, "wrong word", "error", "plateau", "contradiction", "lucky last")
    yield f"| {' | '.join(columns)} |"
    yield f"|---|{'---:|' * (len(words) + 6)}"
    for name, tally in tallies_of_kinds.items():
        cells = [
            f"{100 * tally.words[word] / tally.curves:.1f}" if tally.words[word] else "" for word in words
        ]
        counts = (tally.wrong, tally.errors, tally.plateaus, tally.contradictions, tally.lucky)
        shares = (f"{100 * count / tally.curves:.1f}%" for count in counts)
        yield f"| {name.replace('_', ' ')} | {tally.curves} | {' | '.join((*cells, *shares))} |"


def summary_of(tallies_of_kinds: dict[str, Tally]) -> Iterator[str]:
    """Yield the shares over all kinds."""
    errors, healthy = false_errors(tallies_of_kinds)
    if healthy:
        verdict = "ok" if errors <= BOUND * healthy else "FAIL"
        share = f"{100 * errors / healthy:.2f}% (bound {100 * BOUND:g}%)"
        yield f"Errors on healthy curves: {errors} of {healthy}, {share}: {verdict}."
    failed = [tally for tally in tallies_of_kinds.values() if tally.failed]
    if failed:
        seen, all_failed = sum(tally.errors for tally in failed), sum(tally.curves for tally in failed)
        yield f"Errors on failed trainings: {seen} of {all_failed}, {100 * seen / all_failed:.1f}%."


def wrong_curves(name: str, count: int, *, seed: int) -> Iterator[str]:
    """Yield the curves of a kind that got a wrong word, with their numbers."""
    kind = next(kind for kind in (*HEALTHY, *FAILED, LONG) if kind.__name__ == name)
    for number, curve in enumerate(curves_of(kind, count, seed=seed)):
        if (word := word_of(curve)) not in curve.words:
            values = np.array2string(curve.values, precision=4, max_line_width=110, threshold=400)
            yield f"{name} {number}: {word}, right: {', '.join(sorted(curve.words))}\n{values}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--curves", type=int, default=5000, help="Number of curves over all kinds.")
    parser.add_argument("--long", type=int, default=20, help="Number of curves of 10,000 points and more.")
    parser.add_argument("--kinds", default="", help="Regular expression of the kinds' names.")
    parser.add_argument("--show", default="", help="Kind of which to print the curves that got a wrong word.")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.show:
        count = max(1, given.curves // len((*HEALTHY, *FAILED)))
        lines: Iterator[str] = wrong_curves(given.show, count, seed=given.seed)
    else:
        tallies_of_kinds = tallies(given.curves, given.long, given.kinds, seed=given.seed)
        lines = iter([*table_of(tallies_of_kinds), "", *summary_of(tallies_of_kinds)])
    for line in lines:
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
