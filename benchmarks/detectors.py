"""Who sees a lasting rise, how late, and how often where there is none: our verdict beside five usual rules.

    python -m benchmarks.detectors [LOGS LABELS] [--generated 100] [--seed 0] [--json FILE]

LOGS is a folder of SLURM logs and LABELS the table of their curves' shapes as read by eye; without them only
made curves are looked at (``detector_curves``). Every rule watches a curve as it grows: it is asked after
each evaluation, and its first yes is its alarm.

    hit            a rising curve with the alarm at its onset or later
    delay          evaluations from the onset to that alarm: 0 is at once
    false alarm    any alarm on a healthy curve; of a rising one, an alarm before the onset (then no hit)
    wrong at end   curves on which the answer to the whole curve is wrong: the same rule, asked only once

A rule that is asked a hundred times has a hundred chances of a false alarm. One that looks at the last few
evaluations alone forgets a rise once it is over, and is wrong at the end.

A rival stands there twice: as it is usually set, and with the one of its settings that has the largest
share of hits less share of false alarms on these very curves (among equals, the least delay). That is an
advantage which no user has. Ours (the first two) have nothing to set. Milliseconds are those of one answer
to a whole curve.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.detector_curves import Example, generated, labelled
from benchmarks.detector_rules import RULES, Rule, Settings
from ired_diag.curves.nats import curve_of

INSTALL = "benchmarks.detectors needs ruptures: pip install 'ired-diag[bench]'\n"


@dataclass(frozen=True)
class Score:
    """How a rule did on a set of curves.

    Attributes:
        rule: Its name.
        setting: As the table says it.
        hits: Rising curves that it saw.
        rising: How many there are.
        delay: Median over the hits, in evaluations; NaN without any.
        slowest: The largest.
        false_alarms: Curves with an alarm where there was no rise, or not yet.
        wrong_at_end: Curves with a wrong answer to the whole.
        curves: How many curves there are.
        milliseconds: One verdict on a whole curve, mean over the curves.
    """

    rule: str
    setting: str
    hits: int
    rising: int
    delay: float
    slowest: float
    false_alarms: int
    wrong_at_end: int
    curves: int
    milliseconds: float

    @property
    def merit(self) -> tuple[float, float]:
        """Share of hits less share of false alarms; among equals, less delay."""
        share = self.hits / max(1, self.rising) - self.false_alarms / max(1, self.curves)
        return share, -np.nan_to_num(self.delay, nan=np.inf)


def first_alarm(rule: Rule, setting: Settings, y: NDArray[np.float64]) -> int | None:
    """Return the first evaluation after which a rule says that a curve rises; None where it never does.

    Args:
        rule: Whom to ask.
        setting: How it is set.
        y: The curve in nats, of shape (n,); what is not finite is an alarm of every rule.
    """
    for i, value in enumerate(y):
        if not np.isfinite(value) or rule.rises(y[: i + 1], **setting):
            return i
    return None


def score(rule: Rule, setting: Settings, examples: Sequence[Example]) -> Score:
    """Return how a rule does on curves that grow."""
    curves = [curve_of(example.steps, example.values).y for example in examples]
    alarms = [first_alarm(rule, setting, y) for y in curves]
    delays, false_alarms = [], 0
    for example, alarm in zip(examples, alarms, strict=True):
        if alarm is not None:
            if example.onset is None or alarm < example.onset:
                false_alarms += 1
            else:
                delays.append(alarm - example.onset)
    start = time.perf_counter()
    answers = [rule.rises(y[np.isfinite(y)], **setting) for y in curves]
    milliseconds = 1e3 * (time.perf_counter() - start) / max(1, len(curves))
    truths = [example.onset is not None for example in examples]
    return Score(
        rule.name,
        ", ".join(f"{name}={value:g}" for name, value in setting.items()),
        hits=len(delays),
        rising=sum(truths),
        delay=float(np.median(delays)) if delays else np.nan,
        slowest=float(max(delays)) if delays else np.nan,
        false_alarms=false_alarms,
        wrong_at_end=sum(answer != truth for answer, truth in zip(answers, truths, strict=True)),
        curves=len(curves),
        milliseconds=milliseconds,
    )


def compare(examples: Sequence[Example], rules: Sequence[Rule] = RULES) -> list[Score]:
    """Return for each rule its score as usually set, and as best set on these curves."""
    best_scores = []
    for rule in rules:
        scores = [score(rule, setting, examples) for setting in rule.settings]
        best_scores.append(scores[0])
        if len(scores) > 1:
            best_scores.append(max(scores, key=lambda score: score.merit))
    return best_scores


def table(name: str, scores: Sequence[Score]) -> str:
    """Return scores as lines of text."""
    row = "{:<14} {:<18} {:>8} {:>6} {:>8} {:>13} {:>13} {:>7}"
    heads = ("rule", "setting", "hits", "delay", "slowest", "false alarms", "wrong at end", "ms")
    lines = [name, row.format(*heads)]
    printed_rules = set[str]()
    for score in scores:
        cells = (
            score.rule,
            f"{score.setting}{' *' if score.rule in printed_rules else ''}",
            f"{score.hits}/{score.rising}",
            f"{score.delay:.1f}",
            f"{score.slowest:.0f}",
            f"{score.false_alarms}/{score.curves}",
            f"{score.wrong_at_end}/{score.curves}",
            f"{score.milliseconds:.3f}",
        )
        lines.append(row.format(*cells))
        printed_rules.add(score.rule)
    return "\n".join([*lines, "* best set on these very curves", ""])


def main(arguments: list[str] | None = None) -> int:
    """Compare, and print one table for each set of curves."""
    parser = argparse.ArgumentParser(description="Detectors of a lasting rise, compared.")
    parser.add_argument("logs", nargs="?", type=Path)
    parser.add_argument("labels", nargs="?", type=Path)
    parser.add_argument("--generated", type=int, default=100, help="curves of each kind to make")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.logs and not options.labels:
        parser.error("LOGS needs LABELS, the table that says what their curves are")
    try:
        import ruptures  # noqa: F401
    except ImportError:
        sys.stderr.write(INSTALL)
        return 1
    sets = {}
    if options.logs:
        sets["labelled"] = list(labelled(options.logs, options.labels))
    if options.generated:
        sets["generated"] = list(generated(options.generated, rng=np.random.default_rng(options.seed)))
    results = {name: compare(examples) for name, examples in sets.items()}
    for name, scores in results.items():
        sys.stdout.write(table(f"{name} curves", scores) + "\n")
    if options.json:
        content = {name: [asdict(score) for score in scores] for name, scores in results.items()}
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
