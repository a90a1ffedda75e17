"""Negatives that mining never moved: its steps are rejected, or so small that they change nothing.

Where a run logs how far mining moves (``pgd_disp``, ``displacement``, ``neg_dist``) or which share of its
steps is accepted (``mining_accepted``, ``acceptance``), two things are known without a checkpoint:

- a distance that is 0 as printed, or a share that is below 1%, at nine of ten steps of the later half, or at
  every logged step of a short log: the negatives are their starting points, and mining costs its time for
  nothing;
- the same at the beginning alone is no fault: before anything is learnt there is nothing to descend.

A program may print fields of a sampler that the run does not use: they are 0 in healthy runs. A field counts
where the configuration switches its sampler on (``use_pgd_negatives`` or ``pgd_step_size`` for ``pgd_disp``,
``use_langevin`` for ``lang_disp``), or where a field of the same sampler is not 0. Where the configuration
says nothing and all fields of it are 0, that is a note.

Where a miner starts far from the positive the contrastive term may still teach: the finding is about the
mining, not about the loss.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, labels_of, seeds_in_words, with_probe
from ired_diag.runs.contrastive_metrics import STRATEGIES, is_off
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

ACCEPTED = re.compile(r"(?i)(?:^|[/_.-])accept(?:ed|ance)?(?:_rate|_share)?$")
DISTANCE = re.compile(r"(?i)(?:^|[/_.-])(?:disp(?:lacement)?|moved|neg(?:ative)?_dist(?:ance)?)$")
OF_MINING = frozenset(("mining", "neg", "negative", "negatives", "train", "diag"))  # no sampler of their own
FEW = 0.01  # of the steps accepted
NEARLY_ALL = 0.9  # of the logged steps
FEWEST = 10  # logged steps in the later half
FEWEST_OF_ALL = 5  # logged steps, where every one says the same


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and metric that says that mining does not move."""
    still: dict[tuple[str, str, bool], list[tuple[Run, float]]] = defaultdict(list)
    for run in study.runs:
        for name, series in run.history.series.items():
            share = _share_at_rest(name, series)
            if share < NEARLY_ALL:
                continue
            in_use = is_in_use(run, name)
            if in_use is not False:
                still[run.group, name, in_use is None].append((run, share))
    for (_, name, is_unknown), cases in still.items():
        runs, shares = zip(*cases, strict=True)
        yield _finding(runs, name, least_share=min(shares), is_unknown=is_unknown)


def _finding(runs: Sequence[Run], name: str, *, least_share: float, is_unknown: bool) -> Finding:
    group = runs[0].group
    what = "below 1%" if ACCEPTED.search(name) else "0 as printed"
    where = "all" if least_share == 1 else f"{100 * least_share:.0f}% or more"
    meaning = "mining does not move its negatives."
    if is_unknown:
        meaning = "mining moves nothing, or the run does not use it; nothing here says which."
    statement = (
        f"{group}: {name} is {what} at {where} of the logged steps of the later half "
        f"({seeds_in_words(runs)}): {meaning}"
    )
    evidence: Evidence = {
        "group": group,
        "metric": name,
        "runs": len(runs),
        "least_share": least_share,
    }
    return Finding(
        rule="unmoved_negatives",
        severity="note" if is_unknown else "warning",
        statement=statement,
        evidence=evidence,
        advice=with_probe("Look at the step size and at what is rejected", "mining_dynamics", runs),
        runs=labels_of(runs),
    )


def is_in_use(run: Run, name: str) -> bool | None:
    """Say whether a run uses the sampler that a metric is about; None where nothing tells."""
    configuration = run.configuration or {}
    strategies = [configuration[key] for key in STRATEGIES if key in configuration]
    if strategies and all(map(is_off, strategies)):
        return False
    sampler = _sampler_of(name)
    if sampler is None:
        return bool(strategies) or _has_moved(run, name) or None
    settings = [value for key, value in configuration.items() if _is_of(sampler, key)]
    is_chosen = any(_is_of(sampler, str(strategy)) for strategy in strategies)
    if any(settings) or is_chosen:
        return True
    if settings or (strategies and not _has_moved(run, name)):
        return False  # switched off, or another strategy
    return _has_moved(run, name) or None


def is_of_logged_sampler(run: Run, key: str) -> bool:
    """Say whether a key is of a sampler whose moves a run logs: then its program reads the key."""
    for name in run.history.series:
        sampler = _sampler_of(name)
        is_a_field = DISTANCE.search(name) or ACCEPTED.search(name)
        if sampler is not None and is_a_field and _is_of(sampler, key):
            return True
    return False


def _sampler_of(name: str) -> str | None:
    """Return the word of a metric's name that says which sampler it is about: ``lang``, ``pgd``."""
    words = words_of(name.rpartition("/")[2])
    if len(words) < 2 or words[0] in OF_MINING or ACCEPTED.search(words[0]):
        return None
    return words[0]


def _is_of(sampler: str, key: str) -> bool:
    return any(word.startswith(sampler) for word in words_of(key))


def _has_moved(run: Run, name: str) -> bool:
    """Say whether any metric of the same sampler is other than 0 at any step."""
    stem = name.rpartition("_")[0]
    for other, series in run.history.series.items():
        is_alike = other == name or (stem and other.startswith(f"{stem}_"))
        if is_alike and np.any(np.nan_to_num(series.values)):
            return True
    return False


def _share_at_rest(name: str, series: Series) -> float:
    """Return the share of the later half at which a metric says that mining does not move."""
    if ACCEPTED.search(name):
        return _share_at_most(series, FEW)
    if DISTANCE.search(name):
        return _share_at_most(series, 0.0)
    return 0.0


def _share_at_most(series: Series, bound: float) -> float:
    """Return the share of the finite values of the later half that are at most a bound in size."""
    late = _finite_sizes(series.values[len(series) // 2 :])
    if len(late) >= FEWEST:
        return float(np.mean(late <= bound))
    sizes = _finite_sizes(series.values)
    is_everywhere = len(sizes) >= FEWEST_OF_ALL and bool((sizes <= bound).all())
    return float(is_everywhere)


def _finite_sizes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.abs(values[np.isfinite(values)])


RULE = Rule(
    name="unmoved_negatives",
    question="Does mining move its negatives?",
    find=find,
    consequence="conclusion",
    refuted_by=(
        "A displacement printed with more digits that is not 0, or a configuration that does not use this "
        "sampler."
    ),
    near_miss=(
        "lang_disp is 0 at every step of a run without Langevin steps: its program prints the field in any "
        "case. Or mining that does not move in the first steps, when nothing is learnt."
    ),
    example="pgd_disp=0.0000 on each of 8 lines of a run with use_pgd_negatives and pgd_step_size 0.5.",
)
