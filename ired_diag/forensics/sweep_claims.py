"""A sweep whose values are not what its names claim, or whose values never reached the program.

- A name or a note says ±p% of a setting (``lr_plus10``, ``lr -10%``), or a name says it of the only setting
  that differs (``p10pct``, ``x1.1``: ``runs.claimed_change``), and the value is not 1 ± p/100 times
  that of the group without the claim that differs in nothing else: the factor is further from 1 than 2 p%, or
  nearer than half of p%. Where the value is the usual one to the power 1 ± p/100, its logarithm was scaled:
  0.001 ± 10% in log₁₀ is 0.0005 to 0.002.
- Groups configure a setting differently and log it too, under the same name: where the logged values are
  equal at all common steps, the setting did not reach the program. What one device or one accumulated step
  has of it is no contradiction (``comparison.shared_load``), unless the samples seen so far are the steps
  times the logged batch: then it is the whole batch.

- A name states a value (``lr0.01``, ``bs128``: ``runs.named_values``), and the configuration, or the log
  where no configuration states a rate, another one, while the names of other runs agree with theirs.
- The logged learning rate rises above the only configured one, by no whole number, no root of one, and no
  ratio of a batch size: schedules end below their peak, and scaling rules multiply it by the devices, the
  accumulated steps, or the batch over a usual one. A schedule that is logged once an epoch seldom shows its
  peak: between two rows it may rise as much as it did before the largest one. Where the configuration states
  counts whose product the peak stays below, they may be the scale.

All are warnings. A percentage without a sign or a word of change is no claim about a setting (10% of the
data), and neither is one that stands next to another word than the setting's.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ired_diag.comparison.shared_load import counts_in, is_batch_share, ratio_is_of_counts
from ired_diag.finding import Finding
from ired_diag.forensics.rule import (
    Evidence,
    Rule,
    groups_of,
    labels_of,
    listed,
    runs_of,
    seeds_in_words,
)
from ired_diag.forensics.zero_learning_rate import configured_rate, logged_rates
from ired_diag.runs.claimed_change import (
    ALIASES,
    Claim,
    claim_in,
    claim_in_name,
    claim_without_setting,
)
from ired_diag.runs.metric_words import plain_words, words_of
from ired_diag.runs.name_list import counted
from ired_diag.runs.named_values import named_value
from ired_diag.runs.run import Run
from ired_diag.runs.setting_number import number_of
from ired_diag.runs.stated_settings import differ_in_no_other, keys_of, notes_of
from ired_diag.runs.study import Study

FEWEST = 3  # logged steps
FEWEST_RATES = 5  # logged rates
ABOVE = 1.1  # times the configured rate
ROUNDING = 0.002  # of a ratio
NEAR_WHOLE = 0.1
LARGE_COUNT = 100  # of devices or samples: beyond, people choose multiples of 8 or 10
USUAL_BATCHES = (1, 32, 64, 128, 256, 512)  # that a rate is given for
OF_SAMPLES = frozenset("example examples image images sample samples sequences".split())
OF_A_COUNTER = frozenset("consumed num processed seen total".split())
OF_A_SCHEDULE = frozenset("schedule scheduler step every warmup decay min max gamma power end final".split())


@dataclass(frozen=True)
class Member:
    """A group, its settings, its runs, and what they say of themselves.

    Attributes:
        group: Name of the group.
        settings: The configuration.
        runs: The runs.
        text: Names and notes of the runs.
    """

    group: str
    settings: Mapping[str, Any]
    runs: Sequence[Run]
    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names that are the group's own."""
        own = self.runs[0].name or self.group
        return tuple(dict.fromkeys((self.group, own)))


class Peak(NamedTuple):
    """The largest logged value of a learning rate, and what it may have reached before the next row."""

    value: float
    highest: float


class NamedValue(NamedTuple):
    """A run, the value of a setting that its name states, and the configured or logged value."""

    run: Run
    named: float
    actual: float

    @property
    def is_right(self) -> bool:
        """Whether the name states the value, but for rounding."""
        return math.isclose(self.named, self.actual, rel_tol=0.02)


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose value is not as claimed, and for values that never arrived."""
    members = [_member(group, runs) for group, runs in study.groups().items() if runs[0].settings]
    for key in keys_of(member.settings for member in members):
        having = [member for member in members if _positive(member.settings.get(key)) is not None]
        if len(_values_of(key, having)) > 1:
            yield from _not_as_claimed(key, having)
            yield from _not_received(key, having)
    yield from _not_as_named(study)
    yield from _above_its_peak(study)


def _member(group: str, runs: Sequence[Run]) -> Member:
    texts = [group, runs[0].name or "", *notes_of(runs[0].configuration)]
    return Member(group=group, settings=runs[0].settings, runs=runs, text="\n".join(texts))


def _positive(value: object) -> float | None:
    number = number_of(value)
    if number is None or number <= 0:
        return None
    return number


def _not_as_claimed(key: str, members: Sequence[Member]) -> Iterator[Finding]:
    """Yield a finding for each group whose value is not what its names or notes claim."""
    claims = {member.group: _claim_of(member, key, members) for member in members}
    for member in members:
        claim = claims[member.group]
        if claim is None or claim.share == 0 or not (claim.is_factor or claim.share < 1):
            continue
        siblings = _siblings(member, key, members)
        plain = [sibling for sibling in siblings if claims[sibling.group] is None]
        base = _base(key, plain, family=[member, *siblings], claim=claim)
        if base is None:
            continue
        value = float(member.settings[key])
        if value == base:
            is_wrong = claim.direction != 0
        else:
            is_wrong = not claim.agrees(value, base)
        if is_wrong:
            yield _finding_on_claim(member, key, value=value, base=base, claim=claim)


def _siblings(member: Member, key: str, members: Sequence[Member]) -> list[Member]:
    siblings = []
    for other in members:
        if other is not member and differ_in_no_other(other.settings, member.settings, key):
            siblings.append(other)
    return siblings


def _claim_of(member: Member, key: str, members: Sequence[Member]) -> Claim | None:
    """Return what a group claims of a setting: by the setting's name, or as the only one that differs."""
    claim = claim_in(member.text, key)
    for name in member.names:
        claim = claim or claim_in_name(name, key)
    if claim is not None:
        return claim
    siblings = _siblings(member, key, members)
    others = [sibling for sibling in siblings if sibling.settings[key] != member.settings[key]]
    plain_names: list[str] = []
    for other in others:
        plain_names.extend(other.names)
    for name in member.names:
        claim = claim or claim_without_setting(name, plain_names)
    if claim is None:
        return None
    value = float(member.settings[key])
    for other in others:
        ratio = value / float(other.settings[key])
        if math.isclose(ratio, claim.share, rel_tol=1e-3):
            return None  # 10% of the value, not 10% more
    return claim


def _base(key: str, plain: Sequence[Member], *, family: Sequence[Member], claim: Claim) -> float | None:
    """Return the value that a claim starts from: that of groups without one, else the middle of three."""
    values = _values_of(key, plain)
    if len(values) == 1:
        return values.pop()
    if values or claim.direction != 0:
        return None
    ordered = sorted(_values_of(key, family))
    if len(ordered) < 3 or len(ordered) % 2 == 0:
        return None
    return ordered[len(ordered) // 2]


def _values_of(key: str, members: Sequence[Member]) -> set[float]:
    return {float(member.settings[key]) for member in members}


def _finding_on_claim(member: Member, key: str, *, value: float, base: float, claim: Claim) -> Finding:
    ratio = value / base
    times = "equal to" if ratio == 1 else f"{ratio:.3g} times"
    is_log_scaled = not claim.is_factor and _is_log_scaled(value, base, claim.share)
    reason = ": its logarithm was scaled" if is_log_scaled else ""
    statement = (
        f"{member.group}: “{claim.words}” claims {claim.change}, and {key} is {value:g}, "
        f"{times} the {base:g} of the group without the claim{reason}."
    )
    evidence: Evidence = {
        "group": member.group,
        "key": key,
        "value": value,
        "base": base,
        "claimed_percent": 100 * claim.share,
        "factor": ratio,
        "logarithm_scaled": is_log_scaled,
    }
    wanted = listed(f"{base * factor:.6g}" for factor in claim.factors())
    return Finding(
        rule="sweep_claims",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=f"Say what was varied, or train again at {key} {wanted}.",
    )


def _is_log_scaled(value: float, base: float, share: float) -> bool:
    """Say whether a value is another one to the power 1 + share or 1 - share."""
    if base == 1:
        return False
    power = math.log(value) / math.log(base)
    return abs(power / (1 + share) - 1) < 0.005 or abs(power / (1 - share) - 1) < 0.005


def _not_received(key: str, members: Sequence[Member]) -> Iterator[Finding]:
    """Yield a finding where groups set a key differently and log equal values of it."""
    metrics: list[tuple[Member, str]] = []
    for member in members:
        metric = _logged_as(key, member)
        if metric is not None:
            metrics.append((member, metric))
    alike: list[tuple[Member, Member, str, int]] = []
    for (a, metric), (b, other_metric) in itertools.combinations(metrics, 2):
        if metric != other_metric or a.settings[key] == b.settings[key]:
            continue
        steps = _equal_steps(a.runs[0], b.runs[0], metric)
        if steps and not _are_shares(key, a, b, metric):
            alike.append((a, b, metric, steps))
    if not alike:
        return
    a, b, metric, steps = alike[0]
    values: dict[str, str] = {}
    for x, y, *_ in alike:
        values |= {member.group: f"{member.group} {member.settings[key]}" for member in (x, y)}
    statement = (
        f"{counted(len(values), 'group')} set {key} differently ({listed(values.values())}) and log the same "
        f"{metric} at all {steps} common steps: the setting did not reach the program, or another one "
        "overrides it."
    )
    evidence: Evidence = {
        "group": a.group,
        "other_group": b.group,
        "key": key,
        "metric": metric,
        "steps": steps,
        "groups": len(values),
    }
    yield Finding(
        rule="sweep_claims",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=f"Take these groups as one setting of {key}, and look for where the program reads it.",
        runs=labels_of(run for member in members if member.group in values for run in member.runs),
    )


def _not_as_named(study: Study) -> Iterator[Finding]:
    """Yield a finding for each setting that is not as names state, while other names are right."""
    reported: set[str] = set()
    for key in _keys_with_values(study):
        cases = _named_values(study, key)
        right = {case.named for case in cases if case.is_right}
        wrong = []
        for case in cases:
            if not case.is_right and case.named not in right and case.run.label not in reported:
                wrong.append(case)
        if not right or not wrong:
            continue  # all names may be of another unit
        reported.update(labels_of(runs_of(wrong)))
        yield _finding_on_names(key, wrong, right=len(cases) - len(wrong))


def _keys_with_values(study: Study) -> list[str]:
    """Return the configured keys with a number above 0, then the logged learning rates."""
    keys: dict[str, None] = {}
    for run in study.runs:
        keys |= dict.fromkeys(key for key, value in run.settings.items() if _positive(value))
    for run in study.runs:
        keys |= dict.fromkeys(logged_rates(run))
    return list(keys)


def _named_values(study: Study, key: str) -> list[NamedValue]:
    """Return what names state of a key, and what it is, of each run where both are known."""
    cases = []
    for run in study.runs:
        named = named_value(run, key)
        if named is None or named <= 0:
            continue
        actual = _actual_value(run, key)
        if actual is not None and not ratio_is_of_counts(named / actual, run.configuration or {}, {}):
            cases.append(NamedValue(run=run, named=named, actual=actual))
    return cases


def _actual_value(run: Run, key: str) -> float | None:
    """Return the configured value of a key, else its largest logged one, if it is a learning rate."""
    configured = _positive(run.settings.get(key))
    if configured is not None:
        return configured
    configures_a_rate = ("lr",) in map(words_of, run.settings)
    if configures_a_rate or key not in logged_rates(run):
        return None
    return _positive(float(np.nanmax(run.history.series[key].values)))


def _finding_on_names(key: str, wrong: Sequence[NamedValue], *, right: int) -> Finding:
    first = wrong[0]
    runs = runs_of(wrong)
    groups = groups_of(runs)
    source = "configured" if key in first.run.settings else "logged"
    statement = (
        f"{listed(groups)}: the name states {key} {first.named:g}, and the {source} {key} is "
        f"{first.actual:g} ({counted(len(runs), 'run')}). The names of {right} other runs agree with theirs."
    )
    evidence: Evidence = {
        "group": groups[0],
        "key": key,
        "named": first.named,
        "value": first.actual,
        "runs": len(runs),
    }
    return Finding(
        rule="sweep_claims",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=f"Take these runs as {key} {first.actual:g}, or train them again with {first.named:g}.",
        runs=labels_of(runs),
    )


def _above_its_peak(study: Study) -> Iterator[Finding]:
    """Yield a finding for each configured rate above which the logged one rises, by no usual scaling."""
    cases: dict[tuple[str, str, float, float], list[Run]] = defaultdict(list)
    for run in study.runs:
        setting = _only_configured_rate(run)
        peak = _logged_peak(run)
        if setting is None or peak is None:
            continue
        key, rate = setting
        if peak.value / rate > ABOVE and not _is_scaling(peak.value / rate, peak.highest / rate, run):
            cases[run.group, key, rate, peak.value].append(run)
    for (group, key, rate, reached), runs in cases.items():
        statement = (
            f"{group}: the configured {key} is {rate:g}, and the logged one reaches {reached:g}, "
            f"{reached / rate:.3g} times as much ({seeds_in_words(runs)}): the setting did "
            "not reach the program, or the configuration is of another run."
        )
        evidence: Evidence = {
            "group": group,
            "key": key,
            "value": rate,
            "logged": reached,
            "runs": len(runs),
        }
        yield Finding(
            rule="sweep_claims",
            severity="warning",
            statement=statement,
            evidence=evidence,
            advice="Report the logged rate, and look for where the program reads the setting.",
            runs=labels_of(runs),
        )


def _only_configured_rate(run: Run) -> tuple[str, float] | None:
    """Return the key and value of the configured learning rate; None where another setting is one too."""
    rates = [key for key in run.settings if "lr" in words_of(key) and _positive(run.settings[key])]
    setting = configured_rate(run)
    if setting is None or rates != [setting[0]]:
        return None
    return setting


def _logged_peak(run: Run) -> Peak | None:
    """Return the peak of the logged learning rate; None where there are several, or few values."""
    rates = [run.history.series[name] for name in logged_rates(run)]
    logged = [series for series in rates if len(series) >= FEWEST_RATES]
    if len(logged) != 1:
        return None
    values = np.asarray(logged[0].values)
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    place = int(np.argmax(values))
    value = float(values[place])
    risen = 0.0
    if 0 < place < len(values) - 1:
        risen = value - float(values[place - 1])
    return Peak(value=value, highest=value + risen)


def _is_scaling(ratio: float, highest: float, run: Run) -> bool:
    """Say whether a rate is scaled in a usual way: by a whole number, its root, or the size of the batch.

    Args:
        ratio: Of the largest logged rate to the configured one.
        highest: The ratio of what the rate may have reached between two rows.
        run: The run.
    """
    if ratio <= _stated_scale(run) * (1 + ROUNDING):
        return True
    for factor in (ratio, ratio**2):
        # Near a large number there is always a whole one.
        is_whole = abs(factor - round(factor)) < min(ROUNDING * factor, NEAR_WHOLE)
        if is_whole and (factor < LARGE_COUNT or round(factor) % 8 == 0 or round(factor) % 10 == 0):
            return True
    top = highest * (1 + ROUNDING)
    lies_between = math.floor(top) > ratio  # a whole number, or the root of a power of two
    if lies_between or math.floor(2 * math.log2(top)) > 2 * math.log2(ratio):
        return True
    factors = [ratio * batch / number for number in _positive_settings(run) for batch in USUAL_BATCHES]
    return any(abs(factor - 1) < 0.01 or abs(factor * factor - 1) < 0.01 for factor in factors)


def _positive_settings(run: Run) -> list[float]:
    return [number for number in map(_positive, run.settings.values()) if number is not None]


def _stated_scale(run: Run) -> float:
    """Return the largest factor by which a configuration may scale its rate: that of its counts."""
    return math.prod(counts_in(run.settings).values())


def _are_shares(key: str, a: Member, b: Member, metric: str) -> bool:
    """Say whether equal logged values may be shares of two settings."""
    value, other_value = float(a.settings[key]), float(b.settings[key])
    configurations = (a.runs[0].configuration or {}, b.runs[0].configuration or {})
    if ratio_is_of_counts(value / other_value, *configurations):
        return True
    logged = a.runs[0].history.series[metric].values
    if not is_batch_share(key, value, logged) or not is_batch_share(key, other_value, logged):
        return False
    return not any(_is_whole_batch(member.runs[0], metric) for member in (a, b))


def _is_whole_batch(run: Run, metric: str) -> bool:
    """Say whether a run has seen as many samples at each step as steps times the logged batch."""
    batch = run.history.series[metric]
    for name, seen in run.history.series.items():
        if not OF_SAMPLES.intersection(words_of(name)) or not OF_A_COUNTER.intersection(words_of(name)):
            continue
        steps, i, j = np.intersect1d(batch.steps, seen.steps, return_indices=True)
        if len(steps) >= FEWEST and np.array_equal(seen.values[j], steps * batch.values[i]):
            return True
    return False


def _logged_as(key: str, member: Member) -> str | None:
    """Return the only metric that has a setting's name; None where another setting may be meant."""
    last = key.rpartition(".")[2]
    wanted = set(map(words_of, (last, *ALIASES.get(last, ()))))
    if ("lr",) in wanted and _number_of_rates(member) != 1:
        return None
    metrics = [name for name in member.runs[0].history.series if plain_words(name) in wanted]
    if len(metrics) != 1:
        return None
    return metrics[0]


def _number_of_rates(member: Member) -> int:
    """Return how many settings are learning rates, without those of a schedule."""
    rates = 0
    for key, value in member.settings.items():
        words = words_of(key)
        rates += "lr" in words and OF_A_SCHEDULE.isdisjoint(words) and _positive(value) is not None
    return rates


def _equal_steps(a: Run, b: Run, name: str) -> int:
    """Return the number of common steps at which a metric is equal; 0 where it is not at all of them."""
    series, other = a.history.series[name], b.history.series[name]
    _, i, j = np.intersect1d(series.steps, other.steps, return_indices=True)
    values, other_values = series.values[i], other.values[j]
    if len(values) < FEWEST or not np.array_equal(values, other_values) or not (values != 0).any():
        return 0
    return len(values)


RULE = Rule(
    name="sweep_claims",
    question="Are the values of a sweep what their names claim, and did they reach the program?",
    find=find,
    consequence="conclusion",
    refuted_by="A definition of the percentage, or of the baseline; a log of another optimiser's setting.",
    near_miss=(
        "10% of the data in a name; a factor 2 without a claim; a rate for each of two optimisers; the batch "
        "of one device or of one accumulated step; a rate that is scaled with 4 devices, and logged once an "
        "epoch next to its peak, at 3.9 times the configured one."
    ),
    example="lr_plus10 and lr_minus10 with learning rates 0.0005 and 0.002 next to 0.001.",
)
