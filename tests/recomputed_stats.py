"""The numbers that ``ired-diag stats --json`` should print, laid out as they are printed.

They are made from the readouts of each seed, read from the logs or written in a table by the test. What the
document itself says and is taken from it: which estimator the design prescribes, the margin's size, where
the plateau begins, and how an exact p was found. Decisions are recomputed too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.stats

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
    """Return the document's numbers and decisions, recomputed."""
    names = [group["name"] for group in document["groups"]]
    pairs = [_pair(pair, document, truth) for pair in document["pairs"]]
    for lines in zip(*(pair["by_readout"] for pair in pairs), strict=True):
        correct(lines, [line["p_equivalence"] for line in lines])
    headlines = [pair["headline"] for pair in pairs]
    correct(headlines, [line["p_equivalence"] for line in headlines])
    discoveries = re.adjusted(re.benjamini_hochberg, [pair["p"] for pair in pairs])
    for pair, p_bh in zip(pairs, discoveries, strict=True):
        line = pair.pop("headline")
        pair |= {
            "p_holm": line["p_holm"],
            "p_bh": p_bh,
            **re.simultaneous(pair.pop("known"), sum(one["p"] == one["p"] for one in pairs)),
            "p_equivalence_holm": line["p_equivalence_holm"],
            "verdict": {key: line[key] for key in ("decision", "smaller_than_margin")},
        }
    for line in (line for pair in pairs for line in pair["by_readout"]):
        line.pop("p_equivalence_holm")
    return {
        "margin": {"size": document["margin"]["size"]},
        "groups": [_group(name, document["readout"], truth) for name in names],
        "pairs": pairs,
        "ranks": None if document["no_ranks"] else _ranks(document, truth, names),
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
    counts = {"attempted": finished + failed, "finished": finished, "unfinished": 0}
    numbers = {**counts, "success_rate": rate}
    return {**numbers, "low": low, "high": high, "failures": [{"step": step}] * failed}


def _noise(runs: Sequence[Array]) -> Tree:
    split = re.noise_split(runs)
    return {"split": {**split, "confidence": 0.95}, **_errors(split, len(runs), len(runs[0]) if runs else 0)}


def _errors(split: Mapping[str, float], n: int, k: int) -> Tree:
    """Return the standard errors of a group's mean that the split predicts."""
    sizes = {
        "error_last": (n, 1),
        "error_plateau": (n, k),
        "error_twice_the_seeds": (2 * n, k),
        "error_twice_the_evaluations": (n, 2 * k),
    }
    if not n:
        return dict.fromkeys(sizes, NAN)
    seeds, evaluations, phi = split["seed_sd"] ** 2, split["evaluation_sd"] ** 2, split["correlation"]
    return {
        name: math.sqrt((seeds + evaluations / re.effective(k, phi)) / n) for name, (n, k) in sizes.items()
    }


def _pair(pair: Tree, document: Tree, truth: Truth) -> Tree:
    first, second = pair["a"], pair["b"]
    values = truth.readouts[document["readout"]]
    a, b = (np.array(list(values[name].values())) for name in (first, second))
    x, y = _shared(values, first, second)
    is_paired, failed = pair["estimator"] == "paired", _failed(pair, truth)
    u, v = (x, y) if is_paired else (a, b)
    decided = _decided(pair, document["margin"], values, truth)
    d, se, df = known = decided["known"]
    margin = decided["margin"]
    better = x < y if truth.lower_is_better else x > y
    of_pairs: Tree = {"wins_a": int(better.sum()), "wins_b": int((x != y).sum()) - int(better.sum())}
    p, q = x, y
    if pair["obstacle"]:
        of_pairs, (p, q) = {}, (x[:0], y[:0])
    nothing = dict.fromkeys(("t", "df", "p", "low", "high"), NAN) | {"n": 0}
    partial = pair["estimator"].startswith("partial")
    return {
        "difference": d,
        "reference": decided["reference"],
        "ratio": d / decided["reference"],
        "margin": margin,
        "failed": list(failed),
        "seeds": [len(a), len(b), len(x)],
        "student": re.student(a, b),
        "welch": re.welch(a, b),
        "paired": nothing if pair["obstacle"] else re.paired(x, y),
        "partial": re.t_numbers(d, se, df, decided["n"]) if partial else nothing,
        "worst_rank": decided["worst_rank"],
        "p": decided["p"],
        "correlation": NAN if pair["obstacle"] else _correlation(x, y),
        **of_pairs,
        **_coverage(a, b, x, y, estimator=pair["estimator"]),
        "uncorrected": {key: decided[key] for key in ("decision", "smaller_than_margin")},
        "headline": decided,
        "known": known,
        "tests": _tests(a, b, p, q, pair["tests"], difference=d),
        "sizes": {
            "hedges": re.hedges(a, b),
            "paired": re.paired_effect(p, q),
            "ratio": _fieller(u, v, is_paired=is_paired, n=min(len(a), len(b)), share=decided["reference"]),
            "dominance": re.dominance(a, b),
            "improvement": _improvement(a, b, x, y, is_paired=is_paired, lower=truth.lower_is_better),
        },
        "equivalence": decided["equivalence"],
        **_prospects(x - y if partial else u, v, known, decided, pair["estimator"], failed=any(failed)),
        "shared_noise": _shared_noise(truth, first, second),
        "by_readout": [_line(name, pair, document["margin"], truth) for name in FINAL],
        "criteria": [_criterion(one, pair, known, decided["reference"], truth) for one in pair["criteria"]],
    }


def _failed(pair: Tree, truth: Truth) -> tuple[int, int]:
    return len(truth.failed.get(pair["a"], ())), len(truth.failed.get(pair["b"], ()))


def _decided(pair: Tree, given: Tree, values: BY_SEED, truth: Truth) -> Tree:
    """Return what decides on two groups' numbers, and the decision, not yet corrected for several pairs."""
    failed, estimator = _failed(pair, truth), pair["estimator"]
    a, b = (np.array(list(values[name].values())) for name in (pair["a"], pair["b"]))
    _, y = _shared(values, pair["a"], pair["b"])
    known, n = _estimate(pair, values)
    share = not (min(*a, *b) < 0 < max(*a, *b) or any(abs(z.mean()) <= z.std(ddof=1) for z in (a, b)))
    relative = given["size"] * (abs(a.mean()) + abs(b.mean())) / 2 if share else NAN
    margin = given["size"] if given["absolute"] else relative
    test, same = re.t_numbers(*known, n), re.equivalence(*known, margin) | {"n": n}
    decided = {
        "known": known,
        "n": n,
        "reference": abs((y if estimator == "paired" else b).mean()) if share else NAN,
        "margin": margin,
        "worst_rank": None,
        "p": test["p"],
    }
    if any(failed):
        worst = re.worst_rank(a, b, failed, lower_is_better=truth.lower_is_better)
        better = "undecided" if worst["p"] > 0.05 else "better" if worst["probability"] > 0.5 else "worse"
        decided |= {"worst_rank": worst, "p": worst["p"], "decision": better, "smaller_than_margin": False}
        same |= dict.fromkeys(("p_lower", "p_upper", "p", "low", "high"), NAN)
    else:
        small = same["low"] > -margin and same["high"] < margin
        better = "better" if (test["high"] < 0) == truth.lower_is_better else "worse"
        clear = test["low"] > 0 or test["high"] < 0
        decision = better if clear else "equivalent" if small else "undecided"
        decided |= {"decision": decision, "smaller_than_margin": bool(small)}
    return decided | {"equivalence": same, "p_equivalence": same["p"]}


def _estimate(pair: Tree, values: BY_SEED) -> tuple[tuple[float, float, float], int]:
    """Return a difference, its standard error and degrees of freedom, and how many numbers it is of."""
    first, second, estimator = pair["a"], pair["b"], pair["estimator"]
    x, y = _shared(values, first, second)
    a, b = (np.array(list(values[name].values())) for name in (first, second))
    if estimator == "paired":
        return re.difference(x, y, paired=True), len(x)
    if estimator == "welch":
        return re.difference(a, b, paired=False), len(a) + len(b)
    alone = _alone(values, first, second), _alone(values, second, first)
    fit = re.partially_paired if estimator == "partial" else re.partially_paired_unequal
    known = fit((x, y), alone)
    return known, len(a) + len(b) - len(x)


def _alone(values: BY_SEED, name: str, other: str) -> Array:
    return np.array([value for seed, value in values[name].items() if seed not in values[other]])


def correct(lines: Sequence[Tree], p_equivalence: Sequence[float]) -> None:
    """Write into each line what holds of it as one of several pairs."""
    p, same = (re.adjusted(re.holm, values) for values in ([line["p"] for line in lines], p_equivalence))
    for line, different, alike in zip(lines, p, same, strict=True):
        small = bool(line["smaller_than_margin"] and alike <= 0.05)
        clear = line["decision"] in ("better", "worse") and different <= 0.05
        line |= {
            "p_holm": different,
            "p_equivalence_holm": alike,
            "decision": line["decision"] if clear else "equivalent" if small else "undecided",
            "smaller_than_margin": small,
        }


def _fieller(u: Array, v: Array, *, is_paired: bool, n: int, share: float) -> Tree:
    if math.isnan(share):
        return {"value": NAN, "low": NAN, "high": NAN, "n": n}
    return {**re.fieller(u, v, paired=is_paired)}


def _prospects(
    u: Array, v: Array, known: tuple[float, float, float], decided: Tree, estimator: str, *, failed: bool
) -> Tree:
    """Return the posterior of the difference and the power, both withheld where seeds failed."""
    d, se, df = known
    margin, n = decided["margin"], {"n": decided["n"]}
    nothing = dict.fromkeys(("below", "inside", "above", "low", "high"), NAN)
    if failed:
        power = dict.fromkeys(re.SEEDS_NEEDED, NAN)
        return {"posterior": {"difference": d, "rope": margin, **nothing, **n}, "power": {**power, **n}}
    parts = [(se, df)]
    if estimator == "welch":
        parts = [(float(s.std(ddof=1)) / math.sqrt(len(s)), len(s) - 1) for s in (u, v)]
    posterior = re.posterior(d, parts, margin)
    sd, share = _sd_of_one(u, v, estimator)
    return {
        "posterior": {**posterior, **n},
        "power": {**re.seeds_needed(d, se, df, sd=sd, share=share, margin=margin), **n},
    }


def _sd_of_one(u: Array, v: Array, estimator: str) -> tuple[float, float]:
    """Return the sd of one seed's difference, and its degrees of freedom over n - 1."""
    if estimator == "welch":
        s, t = (float(z.std(ddof=1)) for z in (u, v))
        return math.hypot(s, t), (s**2 + t**2) ** 2 / (s**4 + t**4)
    return float((u if estimator.startswith("partial") else u - v).std(ddof=1)), 1.0


def _shared(values: BY_SEED, first: str, second: str) -> tuple[Array, Array]:
    both = [seed for seed in values[first] if seed in values[second]]
    return np.array([values[first][s] for s in both]), np.array([values[second][s] for s in both])


def _correlation(x: Array, y: Array) -> float:
    if len(x) < 3 or not np.ptp(x) or not np.ptp(y):
        return NAN
    u, v = x - x.mean(), y - y.mean()
    return float((u * v).sum() / math.sqrt((u * u).sum() * (v * v).sum()))


def _coverage(a: Array, b: Array, x: Array, y: Array, *, estimator: str) -> Tree:
    if estimator.startswith("partial"):
        return {key: {"n": len(x), "skewness": NAN} for key in ("coverage", "coverage_indicated")}
    sample = x - y if estimator == "paired" else min((a, b), key=len)
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


def _shared_noise(truth: Truth, first: str, second: str) -> Tree:
    a, b = (truth.windows[name] for name in (first, second))
    both = [seed for seed in a if seed in b]
    if not both:
        return {"same": NAN, "different": NAN, "p": NAN, "n": 0, "by_seed": []}
    return re.shared_noise([a[seed] for seed in both], [b[seed] for seed in both])


def _line(name: str, pair: Tree, given: Tree, truth: Truth) -> Tree:
    values = truth.readouts[name]
    a, b = (np.array(list(values[group].values())) for group in (pair["a"], pair["b"]))
    keys = ("difference", "reference", "ratio", "low", "high", "p", "p_equivalence", "welch_p", "margin")
    if not (len(a) and len(b)):
        undecided = {"uncorrected": "undecided", "decision": "undecided", "smaller_than_margin": False}
        return {**dict.fromkeys(keys, NAN), **undecided, "n": 0}
    decided = _decided(pair, given, values, truth)
    d, se, df = decided["known"]
    test = re.t_numbers(d, se, df, decided["n"])
    return {
        "difference": d,
        "ratio": d / decided["reference"],
        "welch_p": re.welch(a, b)["p"],
        "uncorrected": decided["decision"],
        **{key: test[key] for key in ("low", "high", "n")},
        **{
            key: decided[key]
            for key in ("reference", "p", "p_equivalence", "margin", "decision", "smaller_than_margin")
        },
    }


def _criterion(
    printed: Tree, pair: Tree, known: tuple[float, float, float], below: float, truth: Truth
) -> Tree:
    limits = {"more than 5% better": -0.05, "lower residual": 0.0, "no divergence": 0.0}
    numbers: Tree = {"threshold": limits.get(printed["name"], 2.0), "low": NAN, "high": NAN}
    if printed["name"] == "more than 5% better" and not any(_failed(pair, truth)):
        test, sign = re.t_numbers(*known, 0), (1 if truth.lower_is_better else -1) / below
        numbers["low"], numbers["high"] = sorted((sign * test["low"], sign * test["high"]))
    if printed["name"] == "no divergence":
        lost = len(truth.failed.get(pair["a"], ()))
        share = lost / (lost + len(truth.readouts["last"][pair["a"]]))
        numbers["low"] = numbers["high"] = share
    if printed["name"] == "less than twice the cost" and truth.seconds:
        x, y = (np.log(truth.seconds[pair[side]]) for side in "ab")
        interval = scipy.stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
        numbers["low"], numbers["high"] = float(np.exp(interval.low)), float(np.exp(interval.high))
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
