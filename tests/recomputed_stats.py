"""The numbers that ``ired-diag stats --json`` should print, laid out as they are printed.

They are made from the readouts of each seed, read from the logs or written in a table by the test. What the
document itself says and is taken from it: which test decides (``primary``), the margin's share, where the
plateau begins, and how an exact p was found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests import recomputation as re
from tests.recomputation import NAN, Array

FINAL = ("plateau", "last", "best", "last10", "area")
BY_SEED = Mapping[str, Mapping[str, float]]  # of each group, of each seed
Tree = dict[str, Any]


@dataclass(frozen=True)
class Truth:
    """What was logged.

    Attributes:
        readouts: By readout, group and seed, for seeds that have a number.
        windows: The evaluations on the plateau, by group and seed; empty without a plateau.
        steps: The step of the last evaluation, of each group.
        failed: The seeds of each group that failed.
        seconds: How long the runs of each group trained; empty where that is unknown.
        lower_is_better: The direction.
    """

    readouts: Mapping[str, BY_SEED]
    windows: Mapping[str, Mapping[str, Array]]
    steps: Mapping[str, int]
    failed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    seconds: Mapping[str, Sequence[float]] = field(default_factory=dict)
    lower_is_better: bool = True


def expected(document: Tree, truth: Truth) -> Tree:
    """Return the document's numbers, recomputed."""
    readout = document["readout"]
    names = [group["name"] for group in document["groups"]]
    pairs = [_pair(pair, document, truth) for pair in document["pairs"]]
    p = [pair[pair_of["primary"]]["p"] for pair, pair_of in zip(pairs, document["pairs"], strict=True)]
    answered = [i for i, value in enumerate(p) if not math.isnan(value)]
    for name, adjust in (("p_holm", re.holm), ("p_bh", re.benjamini_hochberg)):
        adjusted = dict(zip(answered, adjust([p[i] for i in answered]), strict=True))
        for i, pair in enumerate(pairs):
            pair[name] = adjusted.get(i, NAN)
    return {
        "margin": 0.01,
        "groups": [_group(name, readout, truth) for name in names],
        "pairs": pairs,
        "ranks": _ranks(document, truth, names),
    }


def _group(name: str, readout: str, truth: Truth) -> Tree:
    values = dict(truth.readouts[readout][name])
    x = np.array(list(values.values()))
    every = {each: _summary(list(truth.readouts[each][name].values())) for each in FINAL}
    enough = len(x) >= 4
    return {
        "values": values,
        "step": truth.steps[name],
        "summary": _summary(x.tolist()),
        "coverage": {"n": len(x), "skewness": 0.0},
        "coverage_indicated": {"n": len(x), "skewness": re.skewness(x)},
        "interquartile_mean": {
            "value": re.middle_half_mean(x.tolist()) if enough else NAN,
            "seeds": len(x),
            "tasks": 1,
            "left_out": len(x) // 4,
        },
        "readouts": every,
        "noise": _noise(list(truth.windows[name].values())),
        "outcomes": _outcomes(len(x), len(truth.failed.get(name, ())), truth.steps[name]),
    }


def _summary(x: Sequence[float]) -> Tree:
    return {**re.summary(x), "confidence": 0.95}


def _outcomes(finished: int, failed: int, step: int) -> Tree:
    rate, low, high = re.success_rate(finished, finished + failed)
    numbers = {"attempted": finished + failed, "finished": finished, "success_rate": rate}
    return {**numbers, "low": low, "high": high, "failures": [{"step": step}] * failed}


def _noise(runs: Sequence[Array]) -> Tree:
    if not runs:
        names = ("evaluations", "seed_sd", "evaluation_sd", "icc", "low", "high", "p", "autocorrelation")
        return {"split": {"seeds": 0, **dict.fromkeys(names, NAN), "confidence": 0.95}, **_errors({}, 0, 0)}
    split = re.noise_split(runs)
    return {"split": {**split, "confidence": 0.95}, **_errors(split, len(runs), len(runs[0]))}


def _errors(split: Mapping[str, float], n: int, k: int) -> Tree:
    """Return the standard errors of a group's mean that the split predicts."""
    sizes = {
        "error_last": (n, 1),
        "error_plateau": (n, k),
        "error_twice_the_seeds": (2 * n, k),
        "error_twice_the_evaluations": (n, 2 * k),
    }
    if not split:
        return dict.fromkeys(sizes, NAN)
    seeds, evaluations = split["seed_sd"] ** 2, split["evaluation_sd"] ** 2
    return {name: math.sqrt((seeds + evaluations / k) / n) for name, (n, k) in sizes.items()}


def _pair(pair: Tree, document: Tree, truth: Truth) -> Tree:
    first, second, share = pair["a"], pair["b"], document["margin"]
    values = truth.readouts[document["readout"]]
    a, b = (np.array(list(values[name].values())) for name in (first, second))
    x, y = _shared(values, first, second)
    is_paired = pair["primary"] == "paired"
    u, v = (x, y) if is_paired else (a, b)
    d, se, df = re.difference(u, v, paired=is_paired)
    margin = share * (abs(a.mean()) + abs(b.mean())) / 2
    better = x < y if truth.lower_is_better else x > y
    wins = int(better.sum())
    nothing = dict.fromkeys(("t", "df", "p", "low", "high"), NAN) | {"n": 0}
    sizes = len(x) if is_paired else len(a) + len(b)
    return {
        "difference": d,
        "ratio": d / float(v.mean()),
        "margin": margin,
        "student": re.student(a, b),
        "welch": re.welch(a, b),
        "paired": re.paired(x, y) if is_paired else nothing,
        "correlation": _correlation(x, y) if is_paired else NAN,
        "wins_a": wins,
        "wins_b": int((x != y).sum()) - wins,
        **_coverage(a, b, x, y, is_paired=is_paired),
        "tests": _tests(a, b, x, y, pair["tests"], difference=d),
        "sizes": {
            "hedges": re.hedges(a, b),
            "paired": re.paired_effect(x, y),
            "ratio": re.fieller(u, v, paired=is_paired),
            "dominance": re.dominance(a, b),
            "improvement": _improvement(a, b, x, y, is_paired=is_paired, lower=truth.lower_is_better),
        },
        "equivalence": {**re.equivalence(d, se, df, margin), "n": sizes},
        "posterior": {**re.posterior(d, _parts(u, v, is_paired=is_paired), margin), "n": sizes},
        "power": {**_power(u, v, (d, se, df), margin, is_paired=is_paired), "n": sizes},
        "shared_noise": _shared_noise(truth, first, second),
        "by_readout": [_line(name, pair, truth) for name in FINAL],
        "criteria": [_criterion(one, pair, (d, se, df), float(v.mean()), truth) for one in pair["criteria"]],
    }


def _shared(values: BY_SEED, first: str, second: str) -> tuple[Array, Array]:
    both = [seed for seed in values[first] if seed in values[second]]
    return np.array([values[first][s] for s in both]), np.array([values[second][s] for s in both])


def _correlation(x: Array, y: Array) -> float:
    if len(x) < 3 or not np.ptp(x) or not np.ptp(y):
        return NAN
    u, v = x - x.mean(), y - y.mean()
    return float((u * v).sum() / math.sqrt((u * u).sum() * (v * v).sum()))


def _coverage(a: Array, b: Array, x: Array, y: Array, *, is_paired: bool) -> Tree:
    sample = x - y if is_paired else min((a, b), key=len)
    return {
        "coverage": {"n": len(sample), "skewness": 0.0},
        "coverage_indicated": {"n": len(sample), "skewness": re.skewness(sample)},
    }


def _tests(a: Array, b: Array, x: Array, y: Array, printed: Tree, *, difference: float) -> Tree:
    scale = float(np.abs([*x, *y, 0.0]).max())
    d = np.round((x - y) / scale, 12) if scale else x - y  # equal differences of decimal fractions are ties
    return {
        "mann_whitney": re.mann_whitney(a, b),
        "wilcoxon": re.wilcoxon(d),
        "permutation": re.permutation(a, b),
        "sign_flip": re.sign_flip(x - y),
        "bootstrap": {"value": difference if printed["bootstrap"]["draws"] else NAN},
        "brown_forsythe": re.brown_forsythe(a, b),
        "sd_ratio": {**re.sd_ratio(a, b), "confidence": 0.95},
    }


def _improvement(a: Array, b: Array, x: Array, y: Array, *, is_paired: bool, lower: bool) -> Tree:
    if not is_paired:
        sized = re.dominance(b, a) if lower else re.dominance(a, b)
        better = (b[None, :] - a[:, None]) * (1 if lower else -1)
        chance = sized["a12"], sized["a12_low"], sized["a12_high"]
    else:
        better = (y - x) * (1 if lower else -1)
        probability = float(((better > 0) + 0.5 * (better == 0)).mean())
        chance = probability, *re.wilson(probability, len(x))
    counts = {"wins": (better > 0).sum(), "losses": (better < 0).sum(), "ties": (better == 0).sum()}
    return {**dict(zip(("probability", "low", "high"), chance, strict=True)), **counts, "confidence": 0.95}


def _parts(u: Array, v: Array, *, is_paired: bool) -> list[tuple[float, float]]:
    samples = (u - v,) if is_paired else (u, v)
    return [(float(s.std(ddof=1)) / math.sqrt(len(s)), len(s) - 1) for s in samples]


def _power(u: Array, v: Array, known: tuple[float, float, float], margin: float, *, is_paired: bool) -> Tree:
    s, t = (float(z.std(ddof=1)) for z in (u, v))
    sd, share = math.hypot(s, t), (s**2 + t**2) ** 2 / (s**4 + t**4)
    if is_paired:
        sd, share = float((u - v).std(ddof=1)), 1.0
    return re.seeds_needed(*known, sd=sd, share=share, margin=margin)


def _shared_noise(truth: Truth, first: str, second: str) -> Tree:
    a, b = (truth.windows[name] for name in (first, second))
    both = [seed for seed in a if seed in b]
    if not both:
        return {"same": NAN, "different": NAN, "p": NAN, "n": 0, "by_seed": []}
    return re.shared_noise([a[seed] for seed in both], [b[seed] for seed in both])


def _line(name: str, pair: Tree, truth: Truth) -> Tree:
    values = truth.readouts[name]
    a, b = (np.array(list(values[group].values())) for group in (pair["a"], pair["b"]))
    if not (len(a) and len(b)):
        return dict.fromkeys(("difference", "ratio", "low", "high", "p", "welch_p"), NAN) | {"n": 0}
    x, y = _shared(values, pair["a"], pair["b"])
    is_paired = pair["primary"] == "paired"
    test, below = (re.paired(x, y), y) if is_paired else (re.welch(a, b), b)
    d = float((x - y).mean()) if is_paired else float(a.mean() - b.mean())
    numbers = {key: test[key] for key in ("low", "high", "p", "n")}
    return {"difference": d, "ratio": d / float(below.mean()), "welch_p": re.welch(a, b)["p"], **numbers}


def _criterion(
    printed: Tree, pair: Tree, known: tuple[float, float, float], below: float, truth: Truth
) -> Tree:
    limits = {"more than 5% better": -0.05, "lower residual": 0.0, "no divergence": 0.0}
    numbers: Tree = {"threshold": limits.get(printed["name"], 2.0), "low": NAN, "high": NAN}
    if printed["name"] == "more than 5% better":
        test, sign = re.t_numbers(*known, 0), (1 if truth.lower_is_better else -1) / below
        numbers["low"], numbers["high"] = sorted((sign * test["low"], sign * test["high"]))
    if printed["name"] == "no divergence":
        lost = len(truth.failed.get(pair["a"], ()))
        share = lost / (lost + len(truth.readouts["last"][pair["a"]]))
        numbers["low"] = numbers["high"] = share
    if printed["name"] == "less than twice the cost" and truth.seconds:
        a, b = (float(np.median(truth.seconds[pair[side]])) for side in "ab")
        numbers["low"] = numbers["high"] = a / b
    return numbers


def _ranks(document: Tree, truth: Truth, names: Sequence[str]) -> Tree | None:
    worst = math.inf if truth.lower_is_better else -math.inf
    lost = {name: dict.fromkeys(truth.failed.get(name, ()), worst) for name in names}
    tables = {
        name: _table({group: {**values[group], **lost[group]} for group in names}, names)
        for name, values in truth.readouts.items()
        if any(values.values())
    }
    table = tables[document["readout"]]
    if not len(table):
        return None
    sign = 1 if truth.lower_is_better else -1
    best = sign * table == (sign * table).min(axis=1, keepdims=True)
    alone = best.sum(axis=1) == 1
    test = re.friedman(sign * table)
    means: list[float] = np.asarray(test["mean_ranks"]).tolist()
    return {
        "mean_ranks": dict(zip(names, means, strict=True)),
        "wins": dict(zip(names, (best & alone[:, None]).sum(axis=0).tolist(), strict=True)),
        "ties": int((~alone).sum()),
        "friedman": test,
        "nemenyi": re.nemenyi(means, len(table)),
        "kendall_w": {name: re.kendall_w(sign * each) for name, each in tables.items() if len(each)},
    }


def _table(values: BY_SEED, names: Sequence[str]) -> Array:
    seeds = [seed for seed in values[names[0]] if all(seed in values[name] for name in names)]
    return np.array([[values[name][seed] for name in names] for seed in seeds])
