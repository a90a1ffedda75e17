"""A sweep whose values are not what its names claim, or whose values never reached the program.

- A name or a note says ±p% of a setting (``lr_plus10``, ``lr -10%``), or a name says it of the only setting
  that differs (``p10pct``, ``x1.1``: ``runs.claimed_change``), and the value is not 1 ± p/100 times
  that of the group without the claim that differs in nothing else: the factor is further from 1 than 2 p%, or
  nearer than half of p%. Where the value is the usual one to the power 1 ± p/100, its logarithm was scaled:
  0.001 ± 10% in log₁₀ is 0.0005 to 0.002.
- Groups configure a setting differently and log it too, under the same name: where the logged values are
  equal at all common steps, the setting did not reach the program. What one device or one accumulated step
  has of it is no contradiction (``comparison.shared_load``).

- A name states a value (``lr0.01``, ``bs128``: ``runs.named_values``), and the configuration, or the log
  where no configuration states a rate, another one, while the names of other runs agree with theirs.
- The logged learning rate rises above the only configured one, by no whole number, no root of one, and no
  ratio of a batch size: schedules end below their peak, and scaling rules multiply it.

All are warnings. A percentage without a sign or a word of change is no claim about a setting (10% of the
data), and neither is one that stands next to another word than the setting's.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ired_diag.comparison.shared_load import is_batch_share, ratio_is_of_counts
from ired_diag.config_keys import METADATA
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, counted, listed
from ired_diag.forensics.zero_learning_rate import configured_rate, logged_rates
from ired_diag.runs.claimed_change import (
    ALIASES,
    Claim,
    claim_in,
    claim_in_name,
    claim_without_setting,
)
from ired_diag.runs.metric_words import DETAILS, TRAINING, words_of
from ired_diag.runs.named_values import named_value
from ired_diag.runs.run import Run
from ired_diag.runs.setting_number import number_of
from ired_diag.runs.study import Study

TEXTS = ("experiment_name", "name", "run_name", *METADATA)
FEWEST = 3  # logged steps
FEWEST_RATES = 5  # logged rates
ABOVE = 1.1  # times the configured rate
OF_A_SCHEDULE = frozenset("schedule scheduler step every warmup decay min max gamma power end final".split())


@dataclass(frozen=True)
class Member:
    """A group, its settings, its runs, and what they say of themselves."""

    group: str
    settings: Mapping[str, Any]
    runs: Sequence[Run]
    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names that are the group's own."""
        return tuple(dict.fromkeys((self.group, self.runs[0].name or self.group)))


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose value is not as claimed, and for values that never arrived."""
    members = [_member(group, runs) for group, runs in study.groups().items() if runs[0].settings]
    keys = dict.fromkeys(key for member in members for key in member.settings)
    for key in keys:
        having = [member for member in members if _positive(member.settings.get(key)) is not None]
        values = {_positive(member.settings[key]) for member in having}
        if len(values) > 1:
            yield from _not_as_claimed(key, having)
            yield from _unheard(key, having)
    yield from _not_as_named(study)
    yield from _above_its_peak(study)


def _member(group: str, runs: Sequence[Run]) -> Member:
    told = runs[0].configuration or {}
    texts = [group, runs[0].name or "", *(str(told[key]) for key in TEXTS if isinstance(told.get(key), str))]
    return Member(group, runs[0].settings, runs, "\n".join(texts))


def _positive(value: object) -> float | None:
    number = number_of(value)
    return number if number is not None and number > 0 else None


def _not_as_claimed(key: str, members: Sequence[Member]) -> Iterator[Finding]:
    claims = {member.group: _claim_of(member, key, members) for member in members}
    for member in members:
        claim = claims[member.group]
        siblings = _siblings(member, key, members)
        base = _base(key, [m for m in siblings if claims[m.group] is None], [member, *siblings], claim)
        if claim is None or base is None or claim.share == 0 or not (claim.is_factor or claim.share < 1):
            continue
        value = float(member.settings[key])
        if value != base and claim.agrees(value, base):
            continue
        if value != base or claim.direction != 0:
            yield _wrong(member, key, value=value, base=base, claim=claim)


def _siblings(member: Member, key: str, members: Sequence[Member]) -> list[Member]:
    return [other for other in members if other is not member and _differing(other, member) <= {key}]


def _claim_of(member: Member, key: str, members: Sequence[Member]) -> Claim | None:
    """Return what a group claims of a setting: by the setting's name, or as the only one that differs."""
    claim = claim_in(member.text, key)
    for name in member.names:
        claim = claim or claim_in_name(name, key)
    if claim is not None:
        return claim
    others = [m for m in _siblings(member, key, members) if m.settings[key] != member.settings[key]]
    plain_names = [name for other in others for name in other.names]
    for name in member.names:
        claim = claim or claim_without_setting(name, plain_names)
    values = {float(other.settings[key]) for other in others}
    value = float(member.settings[key])
    if claim and any(math.isclose(value / v, claim.share, rel_tol=1e-3) for v in values):
        return None  # 10% of the value, not 10% more
    return claim


def _base(key: str, plain: Sequence[Member], family: Sequence[Member], claim: Claim | None) -> float | None:
    """Return the value that a claim starts from: that of groups without one, else the middle of three."""
    values = {float(member.settings[key]) for member in plain}
    if len(values) == 1:
        return values.pop()
    every = sorted({float(member.settings[key]) for member in family})
    is_middle = claim is not None and claim.direction == 0 and not values and len(every) % 2 == 1
    return every[len(every) // 2] if is_middle and len(every) >= 3 else None


def _differing(a: Member, b: Member) -> set[str]:
    x, y = a.settings, b.settings
    return {key for key in {**x, **y} if key not in TEXTS and x.get(key) != y.get(key)}


def _wrong(member: Member, key: str, *, value: float, base: float, claim: Claim) -> Finding:
    ratio = value / base
    how = "equal to" if ratio == 1 else f"{ratio:.3g} times"
    statement = (
        f"{member.group}: “{claim.words}” claims {claim.change}, and {key} is {value:g}, "
        f"{how} the {base:g} of the group without the claim"
    )
    powers = () if claim.is_factor else (1 + claim.share, 1 - claim.share)
    scaled = base != 1 and any(abs(math.log(value) / math.log(base) / power - 1) < 0.005 for power in powers)
    statement += ": its logarithm was scaled." if scaled else "."
    evidence: Evidence = {"group": member.group, "key": key, "value": value, "base": base}
    evidence |= {"claimed_percent": 100 * claim.share, "factor": ratio, "logarithm_scaled": scaled}
    wanted = listed(f"{base * factor:.6g}" for factor in claim.factors())
    advice = f"Say what was varied, or train again at {key} {wanted}."
    return Finding("sweep_claims", "warning", statement, evidence, advice)


def _unheard(key: str, members: Sequence[Member]) -> Iterator[Finding]:
    """Yield a finding where groups set a key differently and log equal values of it."""
    logged = [(member, name) for member in members if (name := _logged_as(key, member)) is not None]
    alike: list[tuple[Member, Member, str, int]] = []
    for (a, x), (b, y) in itertools.combinations(logged, 2):
        steps = _equal_steps(a.runs[0], b.runs[0], x) if x == y else 0
        if a.settings[key] != b.settings[key] and steps and not _are_shares(key, a, b, x):
            alike.append((a, b, x, steps))
    if alike:
        a, b, name, steps = alike[0]
        groups = list(dict.fromkeys(m.group for pair in alike for m in pair[:2]))
        statement = (
            f"{listed(groups)} set {key} differently ({a.group} {a.settings[key]}, {b.group} "
            f"{b.settings[key]}) and log the same {name} at all {steps} common steps: the setting did "
            "not reach the program, or another one overrides it."
        )
        evidence: Evidence = {"group": a.group, "other_group": b.group, "key": key, "metric": name}
        evidence |= {"steps": steps, "groups": len(groups)}
        advice = f"Take these groups as one setting of {key}, and look for where the program reads it."
        yield Finding("sweep_claims", "warning", statement, evidence, advice)


def _not_as_named(study: Study) -> Iterator[Finding]:
    """Yield a finding for each setting that is not as names state, while other names are right."""
    keys = dict.fromkeys(key for run in study.runs for key in run.settings if _positive(run.settings[key]))
    keys |= dict.fromkeys(name for run in study.runs for name in logged_rates(run))
    told: set[str] = set()
    for key in keys:
        cases = [(run, *case) for run in study.runs if (case := _named_and_actual(run, key)) is not None]
        wrong = [case for case in cases if not math.isclose(case[1], case[2], rel_tol=0.02)]
        right = {named for _, named, actual in cases if math.isclose(named, actual, rel_tol=0.02)}
        wrong = [case for case in wrong if case[1] not in right and case[0].label not in told]
        if not right or not wrong:
            continue  # all names may be of another unit
        told |= {run.label for run, *_ in wrong}
        yield _misnamed(key, wrong, right=len(cases) - len(wrong))


def _named_and_actual(run: Run, key: str) -> tuple[float, float] | None:
    """Return the value that names state for a key, and the configured one, else the largest logged one."""
    named = named_value(run, key)
    if named is None or named <= 0:
        return None
    actual = _positive(run.settings.get(key))
    if actual is None and key in logged_rates(run) and not any(words_of(k) == ("lr",) for k in run.settings):
        actual = _positive(float(np.nanmax(run.history.series[key].values)))
    if actual is None or ratio_is_of_counts(named / actual, run.configuration or {}, {}):
        return None
    return named, actual


def _misnamed(key: str, wrong: Sequence[tuple[Run, float, float]], *, right: int) -> Finding:
    run, named, actual = wrong[0]
    runs = [case[0] for case in wrong]
    groups = list(dict.fromkeys(run.group for run in runs))
    source = "configured" if key in run.settings else "logged"
    statement = (
        f"{listed(groups)}: the name states {key} {named:g}, and the {source} {key} is {actual:g} "
        f"({counted(len(runs), 'run')}). The names of {right} other runs agree with theirs."
    )
    evidence: Evidence = {"group": groups[0], "key": key, "named": named, "value": actual, "runs": len(runs)}
    advice = f"Take these runs as {key} {actual:g}, or train them again with {named:g}."
    labels = tuple(run.label for run in runs)
    return Finding("sweep_claims", "warning", statement, evidence, advice, runs=labels)


def _above_its_peak(study: Study) -> Iterator[Finding]:
    """Yield a finding for each configured rate above which the logged one rises, by no usual scaling."""
    cases: dict[tuple[str, str, float, float], list[Run]] = defaultdict(list)
    for run in study.runs:
        rates = [key for key in run.settings if "lr" in words_of(key) and _positive(run.settings[key])]
        logged = [name for name in logged_rates(run) if len(run.history.series[name]) >= FEWEST_RATES]
        setting = configured_rate(run)
        if setting is None or len(rates) != 1 or len(logged) != 1 or rates[0] != setting[0]:
            continue
        values = np.asarray(run.history.series[logged[0]].values)
        peak = float(np.max(values[np.isfinite(values)], initial=0.0))
        if peak / setting[1] > ABOVE and not _is_scaling(peak / setting[1], run):
            cases[run.group, *setting, peak].append(run)
    for (group, key, rate, peak), runs in cases.items():
        statement = (
            f"{group}: the configured {key} is {rate:g}, and the logged one reaches {peak:g}, "
            f"{peak / rate:.3g} times as much ({listed(run.seed_label for run in runs)}): the setting did "
            "not reach the program, or the configuration is of another run."
        )
        evidence: Evidence = {"group": group, "key": key, "value": rate, "logged": peak, "runs": len(runs)}
        advice = "Report the logged rate, and look for where the program reads the setting."
        labels = tuple(run.label for run in runs)
        yield Finding("sweep_claims", "warning", statement, evidence, advice, runs=labels)


def _is_scaling(ratio: float, run: Run) -> bool:
    """Say whether a rate is scaled in a usual way: by a whole number, its root, or the size of the batch."""
    numbers = [number for value in run.settings.values() if (number := _positive(value)) is not None]
    factors = [ratio, ratio**2, *(ratio * base / n for n in numbers for base in (1, 32, 64, 128, 256, 512))]
    whole = [f for f in (ratio, ratio**2) if abs(f - round(f)) < 0.002 * f]
    return bool(whole) or any(abs(f - 1) < 0.01 or abs(f * f - 1) < 0.01 for f in factors[2:])


def _are_shares(key: str, a: Member, b: Member, metric: str) -> bool:
    """Say whether equal logged values may be shares of two settings."""
    x, y = float(a.settings[key]), float(b.settings[key])
    if ratio_is_of_counts(x / y, a.runs[0].configuration or {}, b.runs[0].configuration or {}):
        return True
    values = a.runs[0].history.series[metric].values
    return is_batch_share(key, x, values) and is_batch_share(key, y, values)


def _logged_as(key: str, member: Member) -> str | None:
    """Return the only metric that has a setting's name; None where another setting may be meant."""
    last = key.rpartition(".")[2]
    wanted = {words_of(name) for name in (last, *ALIASES.get(last, ()))}
    rates = [set(words_of(other)) for other, value in member.settings.items() if _positive(value) is not None]
    rivals = [words for words in rates if "lr" in words and not OF_A_SCHEDULE & words]
    if ("lr",) in wanted and len(rivals) != 1:
        return None
    metrics = [name for name in member.runs[0].history.series if _plain(name) in wanted]
    return metrics[0] if len(metrics) == 1 else None


def _plain(name: str) -> tuple[str, ...]:
    return tuple(word for word in words_of(name) if word not in TRAINING and word not in DETAILS)


def _equal_steps(a: Run, b: Run, name: str) -> int:
    x, y = a.history.series[name], b.history.series[name]
    _, i, j = np.intersect1d(x.steps, y.steps, return_indices=True)
    u, v = x.values[i], y.values[j]
    return len(u) if len(u) >= FEWEST and np.array_equal(u, v) and (u != 0).any() else 0


RULE = Rule(
    name="sweep_claims",
    question="Are the values of a sweep what their names claim, and did they reach the program?",
    find=find,
    consequence="conclusion",
    refuted_by="A definition of the percentage, or of the baseline; a log of another optimiser's setting.",
    near_miss=(
        "10% of the data in a name; a factor 2 without a claim; a rate for each of two optimisers; the batch "
        "of one device or of one accumulated step."
    ),
    example="lr_plus10 and lr_minus10 with learning rates 0.0005 and 0.002 next to 0.001.",
)
