"""Textbook formulas in numpy and scipy, written apart from ``ired_diag.stats``, to recompute what it prints.

Nothing here imports the project. Exact distributions are counted by adding up sums, not by listing
arrangements; noncentral and Behrens-Fisher probabilities are integrals by Gauss and Legendre's rule.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

Array = NDArray[np.float64]
Numbers = dict[str, float]

NAN = math.nan
Z = float(stats.norm.ppf(0.975))
CAP = 1_000_000  # seeds: more are printed as infinitely many
PANELS, NODES = 250, 20


def integral(f: Callable[[Array], Array], low: float, high: float) -> float:
    """Return an integral by a Gauss-Legendre rule of 20 nodes in each of 250 panels."""
    x, w = _legendre()
    half = (high - low) / PANELS / 2
    middles = low + half * (2 * np.arange(PANELS) + 1)
    return float(half * np.sum(w * f((middles[:, None] + half * x).ravel()).reshape(PANELS, NODES)))


@functools.cache
def _legendre() -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(NODES)
    return np.asarray(x), np.asarray(w)


# Means


def summary(x: Sequence[float]) -> Numbers:
    n, nan = len(x), NAN
    if n < 2:
        value = x[0] if n else nan
        return {"n": n, "mean": value, "sd": nan, "low": nan, "high": nan, "minimum": value, "maximum": value}
    mean = math.fsum(x) / n
    sd = math.sqrt(math.fsum((v - mean) ** 2 for v in x) / (n - 1))
    half = float(stats.t.ppf(0.975, n - 1)) * sd / math.sqrt(n)
    ends = {"low": mean - half, "high": mean + half, "minimum": min(x), "maximum": max(x)}
    return {"n": n, "mean": mean, "sd": sd, **ends}


def middle_half_mean(x: Sequence[float]) -> float:
    cut = len(x) // 4
    return math.fsum(sorted(x)[cut : len(x) - cut]) / (len(x) - 2 * cut) if len(x) >= 4 else NAN


def skewness(x: Array) -> float:
    """Return the adjusted Fisher-Pearson coefficient G1."""
    n, d = len(x), x - x.mean()
    if n < 3 or not np.ptp(x):
        return NAN
    return float(math.sqrt(n * (n - 1)) / (n - 2) * np.mean(d**3) / np.mean(d**2) ** 1.5)


def success_rate(finished: int, attempted: int) -> tuple[float, float, float]:
    """Return a rate with Clopper and Pearson's interval."""
    low = float(stats.beta.ppf(0.025, finished, attempted - finished + 1)) if finished else 0.0
    high = float(stats.beta.ppf(0.975, finished + 1, attempted - finished)) if finished < attempted else 1.0
    return finished / attempted, low, high


# t tests


def difference(a: Array, b: Array, *, paired: bool) -> tuple[float, float, float]:
    """Return a mean difference, its standard error and its degrees of freedom, Welch's where not paired."""
    if paired:
        d = a - b
        return float(d.mean()), float(d.std(ddof=1)) / math.sqrt(len(d)), len(d) - 1
    u, v = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    df = (u + v) ** 2 / (u**2 / (len(a) - 1) + v**2 / (len(b) - 1))
    return float(a.mean() - b.mean()), math.sqrt(u + v), float(df)


def t_numbers(d: float, se: float, df: float, n: int) -> Numbers:
    half, t = float(stats.t.ppf(0.975, df)) * se, d / se
    p = float(special.betainc(df / 2, 0.5, df / (df + t * t)))
    return {"t": t, "df": df, "p": p, "low": d - half, "high": d + half, "n": n}


def student(a: Array, b: Array) -> Numbers:
    n = len(a) + len(b)
    pooled = (((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()) / (n - 2)
    return t_numbers(float(a.mean() - b.mean()), math.sqrt(pooled * (1 / len(a) + 1 / len(b))), n - 2, n)


def welch(a: Array, b: Array) -> Numbers:
    return t_numbers(*difference(a, b, paired=False), len(a) + len(b))


def paired(x: Array, y: Array) -> Numbers:
    return t_numbers(*difference(x, y, paired=True), len(x))


def partially_paired(pairs: tuple[Array, Array], alone: tuple[Array, Array]) -> tuple[float, float, float]:
    """Return a mean difference of partly shared seeds, its REML standard error and Satterthwaite's df."""
    y = np.concatenate([*pairs, *alone])
    m, n_a, n = len(pairs[0]), len(alone[0]), len(y)
    x = np.zeros((n, 2))
    x[:m, 0] = x[2 * m : 2 * m + n_a, 0] = x[m : 2 * m, 1] = x[2 * m + n_a :, 1] = 1
    partner = np.zeros((n, n))
    partner[np.arange(m), m + np.arange(m)] = partner[m + np.arange(m), np.arange(m)] = 1
    sizes = x.sum(axis=0)

    def fit(z: float) -> tuple[float, float, float, float]:
        rho = math.tanh(z)
        inverse = np.linalg.inv(np.eye(n) + rho * partner)
        spread = np.linalg.inv(x.T @ inverse @ x)
        means = spread @ x.T @ inverse @ y
        r = inverse @ (y - x @ means)
        q = float((y - x @ means) @ r)
        turned = inverse @ partner
        lost = np.trace(spread @ x.T @ turned @ inverse @ x)
        score = (np.trace(turned) - lost - (n - 2) * (r @ partner @ r) / q) * (1 - rho**2)
        weights = x[:, 0] / sizes[0] - x[:, 1] / sizes[1]
        variance = weights @ (np.eye(n) + rho * partner) @ weights
        objective = (n - 2) * math.log(q) - np.linalg.slogdet(inverse)[1] - np.linalg.slogdet(spread)[1]
        return objective, score, float(weights @ y), math.log(variance * q / (n - 2))

    grid = np.linspace(-6, 6, 241)
    start = grid[int(np.argmin([fit(z)[0] for z in grid]))]
    z = float(optimize.brentq(lambda z: fit(z)[1], start - 0.05, start + 0.05, xtol=1e-14))
    h = 1e-4
    curvature = (fit(z + h)[1] - fit(z - h)[1]) / (2 * h)
    slope = (fit(z + h)[3] - fit(z - h)[3]) / (2 * h)
    df = 1 / (1 / (n - 2) + slope**2 / curvature)
    return fit(z)[2], math.exp(fit(z)[3] / 2), float(df)


def partially_paired_unequal(
    pairs: tuple[Array, Array], alone: tuple[Array, Array]
) -> tuple[float, float, float]:
    """Return the same with a variance for each group, after Derrick, Russ, Toher and White (2017)."""
    a, b = (np.append(pair, only) for pair, only in zip(pairs, alone, strict=True))
    m, n_a, n_b = len(pairs[0]), len(a), len(b)
    of_a, of_b = a.var(ddof=1) / n_a, b.var(ddof=1) / n_b
    r = float(np.corrcoef(*pairs)[0, 1])
    se = math.sqrt(of_a + of_b - 2 * r * m * a.std(ddof=1) * b.std(ddof=1) / (n_a * n_b))
    welch = (of_a + of_b) ** 2 / (of_a**2 / (n_a - 1) + of_b**2 / (n_b - 1))
    only = n_a + n_b - 2 * m
    df = m - 1 + (welch - m + 1) / (only + 2 * m) * only
    return float(a.mean() - b.mean()), se, float(df)


def simultaneous(known: tuple[float, float, float], pairs: int) -> Numbers:
    d, se, df = known
    half = float(stats.t.isf(0.025 / max(pairs, 1), df)) * se
    return {"simultaneous_low": d - half, "simultaneous_high": d + half}


def equivalence(d: float, se: float, df: float, margin: float) -> Numbers:
    lower, upper = float(stats.t.sf((d + margin) / se, df)), float(stats.t.cdf((d - margin) / se, df))
    half = float(stats.t.ppf(0.95, df)) * se
    return {
        "difference": d,
        "margin": margin,
        "p_lower": lower,
        "p_upper": upper,
        "p": max(lower, upper),
        "low": d - half,
        "high": d + half,
    }


def holm(p: Sequence[float]) -> list[float]:
    order = sorted(range(len(p)), key=p.__getitem__)
    adjusted, largest = [NAN] * len(p), 0.0
    for place, i in enumerate(order):
        largest = max(largest, (len(p) - place) * p[i])
        adjusted[i] = min(1.0, largest)
    return adjusted


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    order = sorted(range(len(p)), key=p.__getitem__, reverse=True)
    adjusted, smallest = [NAN] * len(p), 1.0
    for place, i in enumerate(order):
        smallest = min(smallest, p[i] * len(p) / (len(p) - place))
        adjusted[i] = smallest
    return adjusted


def adjusted(adjust: Callable[[Sequence[float]], list[float]], p: Sequence[float]) -> list[float]:
    """Return adjusted p values of those that are numbers; NaN does not count among the questions."""
    answered = [i for i, value in enumerate(p) if not math.isnan(value)]
    values = dict(zip(answered, adjust([p[i] for i in answered]), strict=True))
    return [values.get(i, NAN) for i in range(len(p))]


# Ranks and permutations


def two_tails(weights: Counter[int], observed: int) -> float:
    """Return twice the smaller tail of a distribution of integers given by counts."""
    total = sum(weights.values())
    above = sum(count for value, count in weights.items() if value >= observed)
    below = sum(count for value, count in weights.items() if value <= observed)
    return min(1.0, 2 * min(above, below) / total)


def mann_whitney(a: Array, b: Array) -> Numbers:
    twice = np.rint(2 * stats.rankdata(np.concatenate([a, b]))).astype(int).tolist()
    chosen: list[Counter[int]] = [Counter({0: 1}), *(Counter[int]() for _ in a)]
    for rank in twice:
        for k in range(len(a), 0, -1):
            for total, count in list(chosen[k - 1].items()):
                chosen[k][total + rank] += count
    greater = sum(float(x > y) + 0.5 * float(x == y) for x in a.tolist() for y in b.tolist())
    p = two_tails(chosen[len(a)], sum(twice[: len(a)])) if len(set(twice)) > 1 else NAN
    return {"statistic": greater, "p": p, "n": len(twice)}


def worst_rank(a: Array, b: Array, failed: tuple[int, int], *, lower_is_better: bool) -> Numbers:
    """Return Lachin's test: Mann and Whitney's of all seeds, those that failed below the worst number."""
    sign = -1.0 if lower_is_better else 1.0
    x, y = (np.append(sign * v, np.full(lost, -math.inf)) for v, lost in zip((a, b), failed, strict=True))
    n, m = len(x), len(y)
    test = mann_whitney(x, y)
    low = np.arange(1.0, 1 + len(a) + len(b))
    ends = [(low[len(b) :], low[: len(b)]), (low[: len(a)], low[len(a) :])]
    apart = [
        mann_whitney(*(np.append(v, np.full(lost, -math.inf)) for v, lost in zip(end, failed, strict=True)))[
            "p"
        ]
        for end in ends
    ]
    return {
        "p": test["p"],
        "probability": test["statistic"] / (n * m),
        "n_a": n,
        "n_b": m,
        "failed_a": failed[0],
        "failed_b": failed[1],
        "smallest_p": min(apart),
    }


def wilcoxon(d: Array) -> Numbers:
    d = d[d != 0]
    if not len(d):
        return {"statistic": NAN, "p": NAN, "n": 0}
    twice = np.rint(2 * stats.rankdata(np.abs(d))).astype(int).tolist()
    sums = Counter({0: 1})
    for rank in twice:
        sums = sums + Counter({total + rank: count for total, count in sums.items()})
    positive = sum(rank for rank, value in zip(twice, d.tolist(), strict=True) if value > 0)
    return {"statistic": positive / 2, "p": two_tails(sums, positive), "n": len(d)}


def permutation(a: Array, b: Array) -> Numbers:
    n, splits = len(a) + len(b), math.comb(len(a) + len(b), len(a))
    pooled = np.concatenate([a, b])
    close = 1e-13 * float(np.abs(pooled).max()) * n
    places = np.fromiter(itertools.chain.from_iterable(itertools.combinations(range(n), len(a))), dtype=int)
    first = pooled[places.reshape(splits, len(a))].sum(axis=1)
    shifts = first / len(a) - (pooled.sum() - first) / len(b)
    observed = float(a.mean() - b.mean())
    tails = np.sum(shifts >= observed - close), np.sum(shifts <= observed + close)
    smallest = min(1.0, 2 / splits)
    p = min(1.0, 2 * float(min(tails)) / splits)
    return {"difference": observed, "p": p, "smallest_p": smallest, "n": n, "arrangements": splits}


def sign_flip(d: Array) -> Numbers:
    n = len(d)
    if not n:
        return {"difference": NAN, "p": NAN, "smallest_p": NAN, "n": 0, "arrangements": 0}
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=n)))
    close = 1e-13 * float(np.abs(d).max()) * n + 1e-300
    p = float(np.mean(np.abs(signs @ d) >= abs(d.sum()) - close))
    return {"difference": d.mean(), "p": p, "smallest_p": 2.0 / 2**n, "n": n, "arrangements": 2**n}


def kendall_w(table: Array) -> float:
    """Return W of a table of (seeds, groups), corrected for ties."""
    ranks = np.array([stats.rankdata(row) for row in table])
    n, k = ranks.shape
    spread = ((ranks - (k + 1) / 2) ** 2).sum()
    s = ((ranks.sum(axis=0) - n * (k + 1) / 2) ** 2).sum()
    return float(s / (n * spread)) if n > 1 and spread else NAN


def friedman(table: Array) -> dict[str, object]:
    """Return the numbers of Friedman's test of a table of (seeds, groups), lower being better."""
    ranks = np.array([stats.rankdata(row) for row in table])
    n, k = ranks.shape
    s = float(((ranks.sum(axis=0) - n * (k + 1) / 2) ** 2).sum())
    plain = _chi_squared(12 * s / (n * k * (k + 1)), n, k)
    corrected = _chi_squared((k - 1) * s / float(((ranks - (k + 1) / 2) ** 2).sum()), n, k)
    return {
        "mean_ranks": ranks.mean(axis=0).tolist(),
        "uncorrected": plain,
        "tie_corrected": corrected,
        "w": kendall_w(table),
        "p": _shuffled(ranks, s),
        "n": n,
        "k": k,
    }


def _chi_squared(chi2: float, n: int, k: int) -> Numbers:
    numbers = {"chi2": chi2, "p": float(stats.chi2.sf(chi2, k - 1)), "f": NAN, "f_p": NAN}
    rest = n * (k - 1) - chi2
    if rest > 1e-9:
        f = (n - 1) * chi2 / rest
        numbers |= {"f": f, "f_p": float(stats.f.sf(f, k - 1, (k - 1) * (n - 1)))}
    return numbers


def _shuffled(ranks: Array, s: float) -> float:
    """Return the chance of a sum of squares as large when each seed's ranks are shuffled by themselves."""
    n, k = ranks.shape
    sums: Counter[tuple[int, ...]] = Counter({(0,) * k: 1})
    for row in np.rint(2 * ranks).astype(int).tolist():
        after: Counter[tuple[int, ...]] = Counter()
        for order in itertools.permutations(row):
            for total, count in sums.items():
                after[tuple(x + y for x, y in zip(total, order, strict=True))] += count
        sums = after
    middle = n * (k + 1)
    far = sum(c for total, c in sums.items() if sum((x - middle) ** 2 for x in total) >= 4 * s - 1e-6)
    return far / sum(sums.values())


def nemenyi(mean_ranks: Sequence[float], n: int) -> dict[str, object]:
    k = len(mean_ranks)
    unit = math.sqrt(k * (k + 1) / (12 * n))
    p = [[_range_sf(abs(x - y) / unit, k) for y in mean_ranks] for x in mean_ranks]
    q = float(optimize.brentq(lambda x: _range_sf(x, k) - 0.05, 0.1, 20.0, xtol=1e-13))
    return {"critical_difference": q * unit, "p": p, "alpha": 0.05}


def _range_sf(q: float, k: int) -> float:
    """Return the chance that the range of k standard normals exceeds q."""
    inside = integral(
        lambda z: stats.norm.pdf(z) * (special.ndtr(z) - special.ndtr(z - q)) ** (k - 1), -9.0, 9.0 + q
    )
    return 1 - k * inside


# Spread


def brown_forsythe(a: Array, b: Array) -> dict[str, object]:
    spreads = [np.abs(x - np.median(x)) for x in (a, b)]
    n, grand = len(a) + len(b), float(np.concatenate(spreads).mean())
    between = sum(len(x) * (x.mean() - grand) ** 2 for x in spreads)
    within = sum(((x - x.mean()) ** 2).sum() for x in spreads)
    f = float(between * (n - 2) / within)
    return {"f": f, "df": [1, n - 2], "p": float(stats.f.sf(f, 1, n - 2))}


def sd_ratio(a: Array, b: Array) -> Numbers:
    """Return the ratio of sds, and the ends of Bonett's interval, of five values each or more."""
    value = float(a.std(ddof=1) / b.std(ddof=1))
    if min(len(a), len(b)) < 5:
        return {"value": value, "low": NAN, "high": NAN}
    n, m = len(a), len(b)
    c = (n / (n - Z)) / (m / (m - Z))
    fourth = [((x - _trimmed(x)) ** 4).sum() for x in (a, b)]
    squares = [((x - x.mean()) ** 2).sum() for x in (a, b)]

    def off(log_rho: float) -> float:
        rho2 = math.exp(2 * log_rho)
        kurtosis = (n + m) * (fourth[0] / rho2**2 + fourth[1]) / (squares[0] / rho2 + squares[1]) ** 2
        error = (kurtosis - (n - 3) / n) / (n - 1) + (kurtosis - (m - 3) / m) / (m - 1)
        return float(abs(math.log(c * value**2 / rho2)) - Z * math.sqrt(error))

    centre = math.log(c * value**2) / 2
    low, high = (optimize.brentq(off, centre, centre + side, xtol=1e-14) for side in (-20.0, 20.0))
    return {"value": value, "low": math.exp(low), "high": math.exp(high)}


def _trimmed(x: Array) -> float:
    cut = min(int(len(x) / (2 * math.sqrt(len(x) - 4))), (len(x) - 1) // 2)
    return float(np.sort(x)[cut : len(x) - cut].mean())


# Sizes


def noncentral_t(t: float, df: float, delta: float) -> float:
    """Return P(T ≤ t) of the noncentral t as an integral over √(χ²/df)."""
    low, high = math.sqrt(stats.chi2.ppf(1e-18, df) / df), math.sqrt(stats.chi2.isf(1e-18, df) / df)

    def f(s: Array) -> Array:
        return np.asarray(special.ndtr(t * s - delta) * 2 * s * df * stats.chi2.pdf(df * s**2, df))

    return integral(f, low, high)


def standardised(d: float, df: int, m: float) -> Numbers:
    """Return d, g and the exact interval of δ, √m d being noncentral t."""
    g = NAN
    if df > 1:
        g = d * math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    t = d * math.sqrt(m)
    reach = 6 * math.sqrt(1 + t * t / (2 * df)) + 2
    ends = []
    for p in (0.975, 0.025):
        root = optimize.brentq(
            lambda delta, p=p: noncentral_t(t, df, delta) - p, t - reach, t + reach, xtol=1e-13
        )
        ends.append(float(root) / math.sqrt(m))
    return {"d": d, "g": g, "low": ends[0], "high": ends[1]}


def hedges(a: Array, b: Array) -> Numbers:
    n, m = len(a), len(b)
    pooled = math.sqrt((((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()) / (n + m - 2))
    return standardised(float(a.mean() - b.mean()) / pooled, n + m - 2, n * m / (n + m)) | {
        "n_a": n,
        "n_b": m,
    }


def paired_effect(x: Array, y: Array) -> Numbers:
    d = x - y
    if len(d) < 2:
        return dict.fromkeys(("d", "g", "low", "high"), NAN) | {"n_a": len(d), "n_b": len(d)}
    return standardised(float(d.mean() / d.std(ddof=1)), len(d) - 1, len(d)) | {"n_a": len(d), "n_b": len(d)}


def fieller(a: Array, b: Array, *, paired: bool) -> Numbers:
    """Return mean(a) / mean(b) and the ρ at which the mean of a - ρ b is not told from 0."""
    x, y = float(a.mean()), float(b.mean())
    if paired:
        cov = np.cov(a, b) / len(a)
        xx, xy, yy, df = float(cov[0, 0]), float(cov[0, 1]), float(cov[1, 1]), float(len(a) - 1)
    else:
        xx, xy, yy = float(a.var(ddof=1)) / len(a), 0.0, float(b.var(ddof=1)) / len(b)
        r2 = (x / y) ** 2
        df = (xx + r2 * yy) ** 2 / (xx**2 / (len(a) - 1) + (r2 * yy) ** 2 / (len(b) - 1))
    t2 = float(stats.t.ppf(0.975, df)) ** 2
    square, linear, constant = y * y - t2 * yy, x * y - t2 * xy, x * x - t2 * xx
    n = min(len(a), len(b))
    if square <= 0:
        return {"value": x / y, "low": NAN, "high": NAN, "n": n}
    root = math.sqrt(max(0.0, linear**2 - square * constant))
    return {"value": x / y, "low": (linear - root) / square, "high": (linear + root) / square, "n": n}


def dominance(a: Array, b: Array) -> Numbers:
    n, m = len(a), len(b)
    signs = np.sign(a[:, None] - b)
    delta = float(signs.mean())
    feng, newcombe = _feng_cliff(signs, delta), _newcombe((delta + 1) / 2, n, m)
    low, high = min(feng[0], newcombe[0]), max(feng[1], newcombe[1])
    halves = {"a12": (delta + 1) / 2, "a12_low": (low + 1) / 2, "a12_high": (high + 1) / 2}
    return {"delta": delta, "delta_low": low, "delta_high": high, **halves, "n_a": n, "n_b": m}


def _feng_cliff(signs: Array, delta: float) -> tuple[float, float]:
    n, m = signs.shape
    if abs(delta) == 1:
        end = (min(n, m) - Z**2) / (min(n, m) + Z**2)
        return (end, 1.0) if delta > 0 else (-1.0, -end)
    rows, columns = signs.mean(axis=1).var(ddof=1), signs.mean(axis=0).var(ddof=1)
    s2 = ((m - 1) * rows + (n - 1) * columns + signs.var(ddof=1)) / (n * m)
    half = Z * math.sqrt(s2) * math.sqrt((1 - delta**2) ** 2 + Z**2 * s2)
    below = 1 - delta**2 + Z**2 * s2
    return float((delta - delta**3 - half) / below), float((delta - delta**3 + half) / below)


def _newcombe(a12: float, n: int, m: int) -> tuple[float, float]:
    star = (n + m) / 2 - 1

    def off(a: float) -> float:
        v = a * (1 - a) * (1 + star * ((1 - a) / (2 - a) + a / (1 + a))) / (n * m)
        return float((a12 - a) ** 2 - Z**2 * v)

    tiny = 1e-9
    low = optimize.brentq(off, 0.0, min(a12, 1 - tiny), xtol=1e-14) if a12 > 0 else 0.0
    high = optimize.brentq(off, max(a12, tiny), 1.0, xtol=1e-14) if a12 < 1 else 1.0
    return 2 * float(low) - 1, 2 * float(high) - 1


def wilson(p: float, n: int) -> tuple[float, float]:
    roots = np.roots([1 + Z**2 / n, -(2 * p + Z**2 / n), p**2])
    return float(max(0.0, roots.real.min())), float(min(1.0, roots.real.max()))


# Posterior and power


def posterior(d: float, parts: Sequence[tuple[float, float]], rope: float) -> Numbers:
    """Return the posterior of d plus one scaled t (scale, df), of pairs, or less another, of samples."""

    def cdf(c: float) -> float:
        (scale, df), *other = parts
        if not other:
            return float(stats.t.cdf((c - d) / scale, df))
        ((second, df_second),) = other

        def f(u: Array) -> Array:
            q = np.sinh(u)
            first = special.stdtr(df, (c - d + second * q) / scale)
            return np.asarray(first * stats.t.pdf(q, df_second) * np.cosh(u))

        return integral(f, -30.0, 30.0)

    reach = 100 * sum(scale for scale, _ in parts)
    low = float(optimize.brentq(lambda c: cdf(c) - 0.025, d - reach, d, xtol=1e-16 * reach))
    below, above = (NAN, NAN) if math.isnan(rope) else (cdf(-rope), cdf(2 * d - rope))  # symmetric about d
    inside = NAN if math.isnan(rope) else max(0.0, 1 - below - above)
    ends = {"low": low, "high": 2 * d - low}
    return {"difference": d, "rope": rope, "below": below, "inside": inside, "above": above, **ends}


def power(effect: float, df: float) -> float:
    """Return the power of a two-sided t test at a true difference in standard errors."""
    critical = float(stats.t.ppf(0.975, df))
    return noncentral_t(-critical, df, abs(effect)) + 1 - noncentral_t(critical, df, abs(effect))


def seeds_for(effect: float, share: float) -> float:
    """Return the fewest seeds with 80% power at an effect in standard deviations; infinite past a million."""

    def enough(n: int) -> bool:
        return power(effect * math.sqrt(n), share * (n - 1)) >= 0.8

    low, high = 1, 2
    while not enough(high):
        if high >= CAP:
            return math.inf
        low, high = high, min(CAP, 2 * high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return float(high)


SEEDS_NEEDED = (
    "detectable",
    "power_at_margin",
    "at_margin",
    "at_margin_low",
    "at_margin_high",
    "at_observed",
    "at_observed_low",
    "at_observed_high",
)


def seeds_needed(d: float, se: float, df: float, *, sd: float, share: float, margin: float) -> Numbers:
    half = float(stats.t.ppf(0.975, df)) * se
    least, most = (math.sqrt(df / stats.chi2.ppf(p, df)) for p in (0.975, 0.025))
    detectable = optimize.brentq(lambda x: power(x, df) - 0.8, 0.0, 500.0, xtol=1e-12)
    at_margin = [NAN] * 4
    if not math.isnan(margin):
        stretches = (1.0, least, most)
        at_margin = [power(margin / se, df), *(seeds_for(margin / sd / by, share) for by in stretches)]
    observed = (abs(d), abs(d) + half, max(0.0, abs(d) - half))
    numbers = (float(detectable) * se, *at_margin, *(seeds_for(size / sd, share) for size in observed))
    return dict(zip(SEEDS_NEEDED, numbers, strict=True))


# Evaluations on a plateau


PHI = np.linspace(0.0, 0.98, 197)  # the correlation is looked for between these, and is at most the last


def noise_split(runs: Sequence[Array]) -> Numbers:
    """Return the analysis of variance of runs of equally many evaluations whose noise is AR(1)."""
    if not runs:
        return {"seeds": 0, **dict.fromkeys(NOISE, NAN)}
    v = np.array(runs)
    n, k = v.shape
    means, off = v.mean(axis=1), v - v.mean(axis=1, keepdims=True)
    square, total = float((off**2).sum()), n * (k - 1)
    products, squares = n * _expected_products(k)
    phi = float(np.interp((off[:, 1:] * off[:, :-1]).sum() / square, products / squares, PHI))
    slope = float(np.interp(phi, PHI, np.gradient(products / squares, PHI)))
    within, worth = square / float(np.interp(phi, PHI, squares)), effective(k, phi)
    told = float(np.mean([_autocorrelation(residuals(run)) for run in runs]))
    known = {"seeds": n, "evaluations": k, "autocorrelation": told, "correlation": phi}
    known["effective_evaluations"] = worth
    if worth < 3 or phi >= PHI[-1]:
        return dict.fromkeys(NOISE, NAN) | known
    df = (n - 1, total / (1 + 2 * (1 + phi) / (1 - phi) / slope**2))
    between = worth * float(((means - means.mean()) ** 2).sum()) / (n - 1)
    f = between / within
    tails = (float(stats.f.ppf(p, *df)) for p in (0.975, 0.025))
    low, high = ((f / tail - 1) / (f / tail + worth - 1) for tail in tails)
    return known | {
        "seed_sd": math.sqrt(max(0.0, (between - within) / worth)),
        "evaluation_sd": math.sqrt(within),
        "icc": (f - 1) / (f + worth - 1),
        "low": low,
        "high": high,
        "p": float(stats.f.sf(f, *df)),
    }


NOISE = (
    "evaluations",
    "seed_sd",
    "evaluation_sd",
    "icc",
    "low",
    "high",
    "p",
    "autocorrelation",
    "correlation",
    "effective_evaluations",
)


def effective(k: int, phi: float) -> float:
    """Return how many independent evaluations the mean of k of lag-one correlation φ is worth."""
    lags = np.arange(1, k)
    return float(k / (1 + 2 * ((1 - lags / k) * phi**lags).sum()))


@functools.cache
def _expected_products(k: int) -> Array:
    """Return, for each φ, what products of neighbours and squares add up to once the mean is taken off."""
    lags, off = np.abs(np.subtract.outer(np.arange(k), np.arange(k))), np.eye(k) - 1 / k
    neighbours = (lags == 1) / 2
    covariances = [off @ phi**lags @ off for phi in PHI]
    return np.array([[(m * c).sum() for c in covariances] for m in (neighbours, np.eye(k))])


def residuals(v: Array) -> Array:
    """Return what evaluations differ by from their least-squares line."""
    x = np.arange(len(v))
    return np.asarray(v - np.polyval(np.polyfit(x, v, 1), x))


def _autocorrelation(r: Array) -> float:
    return float((r[1:] * r[:-1]).sum() / (r * r).sum())


def shared_noise(a: Sequence[Array], b: Sequence[Array]) -> dict[str, object]:
    """Return the mean correlations of residuals of equal and of unequal seeds."""
    r = np.array([[np.corrcoef(residuals(x), residuals(y))[0, 1] for y in b] for x in a])
    n, same = len(a), np.diag(r)
    different = float((r.sum() - same.sum()) / (n * (n - 1)))
    return {"same": float(same.mean()), "different": different, "n": n, "by_seed": same.tolist()}
