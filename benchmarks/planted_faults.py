"""Does each rule find its mistake, from which size on, and is it silent where there is none?

    python -m benchmarks.planted_faults [--seeds 1000-1004] [--draws 3] [--runs DIR] [--rules A,B]
                                       [--curves 100] [--jobs 2] [--quick] [--json FILE]

A tiny real study is trained (``planted_study``), or read from DIR if it is there already. Each mistake is
planted in it (``planted_in_…``) with magnitudes from none (0) to gross (1); for each seed and draw the place,
the onset and the noise are drawn anew, and are the same at all magnitudes. Printed are

    0 … 1        the share of the plants that the rule tells: at least as severe as it is to be, naming the
                 group or run; between none and gross that is a curve of sensitivity, and no fault at 0%
    alarms       errors and warnings of any rule in the plants of magnitude 0
    besides      at gross, the other rules that speak up with an error or a warning, in % of the plants: many
                 are right, since a group that is stuck is also no better than linear regression

Next to its mistake each rule has a near miss (``near_misses_in_…``): a healthy study that looks like it, in
which no rule is to find an error or a warning.

Then the healthy study itself and its parts; onsets of made divergences; healthy curves; the published curve.
The exit status is 1 where a gross mistake is missed, where a healthy study or a near miss is accused, where
more than 1 of 200 healthy curves diverges, or where the published curve is read wrongly. Choices were made
with seeds 0-4; what is reported are others.

The mistakes are of the kinds that the rules were written for. All found at gross says that they work, from
which size on they see, and that they leave a healthy study in peace; not that no other mistake exists.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from benchmarks import (
    near_misses_between_runs,
    near_misses_in_curves,
    near_misses_in_files,
    near_misses_in_metrics,
    near_misses_in_settings,
    near_misses_in_values,
    near_misses_of_optimisers,
    planted_between_runs,
    planted_in_curves,
    planted_in_files,
    planted_in_metrics,
    planted_in_settings,
    planted_in_values,
    planted_of_optimisers,
)
from benchmarks.near_miss import NearMiss, accusations_of
from benchmarks.planted_curves import BEST, NOISES, ONSETS, Onsets, false_divergences, onsets_at, published
from benchmarks.planted_fault import Bed, Fault
from benchmarks.planted_study import STRATEGIES, train_study
from benchmarks.planted_table import Score, onset_table, table
from ired_diag.finding import Finding
from ired_diag.forensics import diagnose, load
from ired_diag.open import open_study
from ired_diag.runs.study import Study
from ired_diag.training.plan import parse_seeds

FAULTS = (
    *planted_in_curves.FAULTS,
    *planted_in_metrics.FAULTS,
    *planted_in_values.FAULTS,
    *planted_between_runs.FAULTS,
    *planted_in_settings.FAULTS,
    *planted_in_files.FAULTS,
    *planted_of_optimisers.FAULTS,
)
NEAR_MISSES = (
    *near_misses_in_curves.NEAR_MISSES,
    *near_misses_in_metrics.NEAR_MISSES,
    *near_misses_in_settings.NEAR_MISSES,
    *near_misses_in_files.NEAR_MISSES,
    *near_misses_in_values.NEAR_MISSES,
    *near_misses_between_runs.NEAR_MISSES,
    *near_misses_of_optimisers.NEAR_MISSES,
)
HEALTHY_CURVES, MOST_FALSE = 200, 1


@dataclass(frozen=True)
class Result:
    """All that was looked at.

    Attributes:
        scores: One a mistake.
        healthy: Errors and warnings, by healthy study.
        onsets: One a level of noise.
        false_divergences: Of 200 healthy curves.
        published: Best step and onset found in the published curve.
        near_misses: What is said against each near miss, by its rule and title.
    """

    scores: list[Score]
    healthy: dict[str, list[str]]
    onsets: list[Onsets]
    false_divergences: int
    published: tuple[float, float]
    near_misses: dict[str, list[str]] = field(default_factory=dict)

    @property
    def failures(self) -> list[str]:
        """What is wrong, in words."""
        failed = [
            f"MISSED at gross: {score.rule}: {score.title}" for score in self.scores if score.recall[1.0] < 1
        ]
        failed += [f"ALARM in {name}: {alarm}" for name, alarms in self.healthy.items() for alarm in alarms]
        failed += [
            f"ALARM at none, {score.title}: {alarm}" for score in self.scores for alarm in score.alarms
        ]
        failed += [
            f"ACCUSED, {name}: {alarm}" for name, alarms in self.near_misses.items() for alarm in alarms
        ]
        if self.false_divergences > MOST_FALSE:
            failed.append(f"ALARM: {self.false_divergences} of {HEALTHY_CURVES} healthy curves diverged")
        best, onset = self.published
        if best != BEST or not ONSETS[0] <= onset <= ONSETS[1]:
            failed.append(f"MISSED: the published curve's best {BEST} or onset {ONSETS[0]}-{ONSETS[1]}")
        return failed


def score(fault: Fault, study: Study, seeds: Sequence[int], draws: int) -> Score:
    """Return how a mistake's rule does, and what the others say."""
    recognised = dict.fromkeys(fault.magnitudes, 0)
    alarms: list[str] = []
    besides: Counter[str] = Counter()
    for seed, draw in itertools.product(seeds, range(draws)):
        for magnitude in fault.magnitudes:
            with tempfile.TemporaryDirectory() as folder:
                rng = np.random.default_rng([seed, zlib.crc32(fault.title.encode()), draw])
                planted, name = fault.plant(Bed(study, magnitude, rng, Path(folder)))
                ends = magnitude in (0.0, 1.0)
                findings = diagnose(planted, None if ends else [load(fault.rule)])
            recognised[magnitude] += fault.is_reported(findings, name)
            if magnitude == 0:
                alarms += _in_words(findings)
            elif magnitude == 1:
                besides.update({finding.rule for finding in _serious(findings)} - {fault.rule})
    plants = len(seeds) * draws
    recall = {magnitude: count / plants for magnitude, count in recognised.items()}
    shares = {rule: count / plants for rule, count in besides.most_common()}
    return Score(fault.rule, fault.title, plants, recall, alarms, shares)


def healthy_parts(study: Study) -> Iterator[tuple[str, Study]]:
    """Yield the study, each group, each two of them, and the study without each of its seeds."""
    yield "whole", study
    groups = study.groups()
    for size in (1, 2):
        for names in itertools.combinations(groups, size):
            yield " and ".join(names), Study.of(run for name in names for run in groups[name])
    for seed in sorted({run.seed for run in study.runs if run.seed is not None}):
        yield f"without seed {seed}", Study.of(run for run in study.runs if run.seed != seed)


def look(options: argparse.Namespace) -> Result:
    """Train or read the study, plant, and look."""
    seeds = parse_seeds(options.seeds)
    chosen = [fault for fault in FAULTS if options.rules is None or fault.rule in options.rules.split(",")]
    with tempfile.TemporaryDirectory() as scratch, ProcessPoolExecutor(options.jobs) as pool:
        folder = options.runs or Path(scratch) / "study"
        if not folder.is_dir():
            list(pool.map(functools.partial(train_study, folder, seeds), STRATEGIES))
        study = open_study(folder)
        parts = {name: _in_words(diagnose(part)) for name, part in healthy_parts(study)}
        scores = pool.map(functools.partial(score, study=study, seeds=seeds, draws=options.draws), chosen)
        rule_scores = list(scores)
        chosen_misses = _chosen(options)
        accused = pool.map(
            functools.partial(accusations_of, study=study, seeds=seeds, draws=options.draws), chosen_misses
        )
        misses = {
            f"{miss.rule}: {miss.title}": statements
            for miss, statements in zip(chosen_misses, accused, strict=True)
        }
    rng = np.random.default_rng(seeds)
    onsets = [onsets_at(noise, options.curves, rng=rng) for noise in NOISES]
    healthy = false_divergences(HEALTHY_CURVES, rng=rng)
    return Result(rule_scores, parts, onsets, healthy, published(), misses)


def _chosen(options: argparse.Namespace) -> list[NearMiss]:
    return [miss for miss in NEAR_MISSES if options.rules is None or miss.rule in options.rules.split(",")]


def report(result: Result) -> str:
    """Return a result as text."""
    (best, onset), alarms = result.published, sum(map(len, result.healthy.values()))
    lines = [f"{result.scores[0].plants} plants a magnitude", table(result.scores), ""]
    lines += ["Onset of made divergences", onset_table(result.onsets), ""]
    gross = [score.recall[1.0] for score in result.scores]
    lines += [f"Recall at gross: {100 * np.mean(gross):.0f}% of {len(gross)} kinds of mistakes."]
    accused = sum(map(bool, result.near_misses.values()))
    lines += [f"{accused} of {len(result.near_misses)} near misses accused."]
    lines += [f"{alarms} errors and warnings in {len(result.healthy)} healthy studies."]
    lines += [f"{result.false_divergences} of {HEALTHY_CURVES} healthy curves called diverged."]
    lines += [
        f"Published curve: best {best:g} (told: {BEST}), onset {onset:g} (told: {ONSETS[0]}-{ONSETS[1]})."
    ]
    return "\n".join([*lines, *result.failures, ""])


def main(arguments: list[str] | None = None) -> int:
    """Print the tables, and return 1 where something gross was missed or something healthy accused."""
    options = _options(arguments)
    start = time.perf_counter()
    result = look(options)
    sys.stdout.write(f"Seeds {options.seeds}, {report(result)}{time.perf_counter() - start:.0f} seconds\n")
    if options.json:
        options.json.write_text(json.dumps(asdict(result), indent=2) + "\n")
    return int(bool(result.failures))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Mistakes planted in a tiny real study.")
    parser.add_argument("--seeds", default="1000-1004", help="of the study's runs, and of what is drawn")
    parser.add_argument("--draws", type=int, default=3, help="plants for each seed")
    parser.add_argument("--runs", type=Path, help="the study's folder; trained there where it is not")
    parser.add_argument("--rules", help="only the mistakes of these: curve_shape,incomplete")
    parser.add_argument("--curves", type=int, default=100, help="made divergences at each level of noise")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--quick", action="store_true", help="one draw, 10 curves")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.quick:
        options.draws, options.curves = 1, 10
    rules = {fault.rule for fault in FAULTS}
    if unknown := set((options.rules or "").split(",")) - rules - {""}:
        parser.error(f"--rules: no mistake of {', '.join(sorted(unknown))}; of {', '.join(sorted(rules))}")
    return options


def _serious(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity != "note"]


def _in_words(findings: Sequence[Finding]) -> list[str]:
    return [f"{finding.rule}: {finding.statement}" for finding in _serious(findings)]


if __name__ == "__main__":
    sys.exit(main())
