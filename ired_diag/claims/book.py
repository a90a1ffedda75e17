"""The book that claims are checked against: the report's own numbers, and the runs that they are about."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ired_diag.claims.claim import Claim, Kind
from ired_diag.claims.groups import RunGroups, groups_of, matching, only, quoted_readout, resolve
from ired_diag.claims.labels import mentions, same_name
from ired_diag.claims.ranges import Range, fits, printed_range
from ired_diag.claims.samples import Sample, sample_of_summary, sample_of_values
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.study import Study

OTHER_METRIC = re.compile(
    r"\btrain(?:ing)?[\s_/-]*(?:loss|mse|error|time)|\bood\b|out[- ]of[- ]distribution|\baccuracy\b"
    r"|\benerg(?:y|ies)\b"
    r"|\b(?:hours?|minutes?|seconds?|gpus?|runtime|wall|grad(?:ients?)?|memory|epochs?|cost|parameters?)\b"
    r"|\bcorrelat\w*|\bratios?\b|\b(?:rejection|acceptance|negative) rate"
    r"|\bdiversity\b|\bcoverage\b|\bslopes?\b|\bcondition(?:ing| numbers?)\b|\bvariances?\b"
    r"|\bgaps?\b|\brewards?\b|\bperplexity\b",
    re.IGNORECASE,
)
ERRORS = re.compile(r"\b(?:mse|rmse|loss(?:es)?|errors?)\b", re.IGNORECASE)
SYNONYMS = {"acc": "accuracy", "training": "train", "rew": "reward", "ppl": "perplexity"}
STEP = re.compile(
    r"\b(?:step|iteration)s?\s*[=#]?\s*(\d[\d,]*)(k?)\b|\b(\d[\d,]*)(k?)\s*(?:steps|iterations)\b", re.I
)
SPREADS = ("sd", "se", "interval", "spread")
FAR = 10.0  # a mean that is so many times off may be of another metric


@dataclass(frozen=True)
class Book:
    """What is known of the groups of a report.

    Attributes:
        text: The report.
        claims: All of them.
        names: The report's labels, each group once.
        groups: The runs that the labels mean.
        meant: The group of runs of each name; None where it is none, or not certain.
        reasons: Why a name means no group of runs.
        readout: Which readout the report quotes; None where its numbers are of none.
    """

    text: str
    claims: Sequence[Claim]
    names: Sequence[str]
    groups: RunGroups = field(default_factory=RunGroups)
    meant: Mapping[str, str | None] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    readout: str | None = None

    def says(self, pattern: str) -> bool:
        """Say whether the report has a word anywhere."""
        return re.search(pattern, self.text, re.IGNORECASE) is not None

    def key(self, label: str) -> str:
        """Return one name for all labels of a group."""
        name = label if label in self.meant else same_name(label, self.names) or label
        return self.meant.get(name) or name

    def group(self, label: str) -> str | None:
        """Return the group of runs that a label means."""
        name = label if label in self.meant else same_name(label, self.names)
        return self.meant.get(name) if name else None

    def told(self, kind: Kind, label: str, block: int | None = None) -> list[Claim]:
        """Return the claims of a kind about one group, of one block or of all."""
        return [
            claim
            for claim in self.claims
            if claim.kind == kind
            and len(claim.groups) == 1
            and self.key(claim.groups[0]) == self.key(label)
            and block in (None, claim.block)
        ]

    def of_runs(self, claim: Claim, label: str) -> Sample | None:
        """Return what the runs have for a claim; None where it is not certain that it is about them."""
        group = self.group(label)
        if group is None or self.may_be_other(claim, label):
            return None
        mean = self.mean_beside(claim, label)
        quoted = matching(mean.number, group, self.groups) if mean else []
        readout = quoted[0] if quoted and self.readout not in quoted else self.readout
        return self.groups.sample(group, readout) if readout else None

    def may_be_other(self, claim: Claim, label: str) -> str:
        """Return why a claim may be about something else than the end of the curves, or nothing."""
        mean = claim if claim.kind in ("mean", "value") else self.mean_beside(claim, label)
        near = "\n".join(line for c in (claim, mean) if c for line in c.context.split("\n")[:2])
        if other := self.other_metric(near):
            return f"it may be of another metric ({other!r} stands beside it)"
        if self._of_an_extreme(claim):
            return "of which number in its row it is the spread is not certain"
        group = self.group(label)
        if group is None:
            return ""
        if (step := _step_in(near)) and step != _last_step(self.groups, group):
            return f"it is of step {step}, and the last evaluation is of another"
        sample = self.groups.sample(group, "last")
        if mean is not None:
            ratio = abs(mean.number.value / sample.mean.middle) if sample and sample.mean.middle else math.nan
            if not (1 / FAR < ratio < FAR) and not re.search(r"\bmse\b|validation", near, re.IGNORECASE):
                return "it is so far from the runs' numbers that it may be of another metric"
        return ""

    def other_metric(self, text: str) -> str:
        """Return words that speak of another metric than the one that judges the runs, or nothing."""
        own = {SYNONYMS.get(word, word) for word in words_of(self.groups.metric)}
        for hit in OTHER_METRIC.finditer(text):
            if not {SYNONYMS.get(word, word) for word in words_of(hit[0])} <= own:
                return hit[0]
        if self.groups.lower_is_better:
            return ""
        error = ERRORS.search(text)  # next to an accuracy, an error is another metric
        return error[0] if error else ""

    def mean_beside(self, claim: Claim, label: str) -> Claim | None:
        """Return the mean of the group that stands last before a claim in its block, else the first there."""
        means = self.told("mean", label, claim.block)
        if len(claim.groups) > 1 or not means:
            return None
        here = [c for c in self.claims if c.block == claim.block]
        before = [mean for mean in means if here.index(mean) <= here.index(claim)]
        return (before or means[:1])[-1]

    def of_seeds(self, label: str) -> Sample | None:
        """Return the sample in the report's own table of seeds; None where a seed stands there twice."""
        told = self.told("value", label)
        values = {claim.seed: claim.number.value for claim in told}
        if not values or len(values) < len(told):
            return None
        half = max(claim.number.unit for claim in told) / 2
        return sample_of_values(values, "the report's own values by seed", half=half)

    def of_summary(self, label: str, block: int | None = None) -> Sample | None:
        """Return the sample of a printed mean, sd and n; None where one is missing or told in two ways."""
        means, sds = self.told("mean", label, block), self.told("sd", label, block)
        n = self.size(label)
        if (
            n is None
            or n < 2
            or len({c.number.value for c in means}) != 1
            or len({c.number.value for c in sds}) != 1
        ):
            return None
        return sample_of_summary(means[0].number, sds[0].number, n)

    def size(self, label: str) -> int | None:
        """Return the printed number of seeds of a group; None where it is told in two ways, or not at all."""
        told = self.told("n", label) or [c for c in self.claims if c.kind == "n" and not c.groups]
        counts = {int(claim.number.value) for claim in told if claim.number.value < 1e9}
        return counts.pop() if len(counts) == 1 else None

    def sample(self, claim: Claim, label: str, *, summary: bool = True) -> Sample | None:
        """Return the best that is known of a group: the runs, the report's seeds, its mean, sd and n."""
        block = claim.block if self.told("mean", label, claim.block) else None
        found = self.of_runs(claim, label) or self._seeds_beside(claim, label)
        return found or (self.of_summary(label, block) if summary else None)

    def means(self, claim: Claim, label: str) -> list[Range]:
        """Return the means that a group may have: of the runs, and as printed where that is right."""
        sample = self.of_runs(claim, label) or self._seeds_beside(claim, label)
        printed = [
            c.number
            for c in self.told("mean", label)
            if self.group(label) is None or not self.other_metric(c.context)
        ]
        if sample is None:
            one = {number.value for number in printed}
            return [printed_range(printed[0])] if len(one) == 1 else []
        return [sample.mean, *(printed_range(number) for number in printed if fits(number, sample.mean))]

    def why_unknown(self, claim: Claim) -> str:
        """Return why nothing is known about the groups of a claim."""
        if not claim.groups:
            return "it does not say, for certain, which groups it is about"
        for label in claim.groups:
            if why := self.may_be_other(claim, label):
                return why
        name = same_name(claim.groups[0], self.names) or claim.groups[0]
        return f"{claim.groups[0]}: {self.reasons.get(name) or 'no values to compute it from'}"

    def _of_an_extreme(self, claim: Claim) -> bool:
        """Say whether a spread stands after a best, worst or median value, in a row of several spreads."""
        here = [c for c in self.claims if c.block == claim.block and c.groups == claim.groups]
        if claim.kind not in SPREADS or sum(c.kind == claim.kind for c in here) < 2:
            return False
        before = [c.kind for c in here[: here.index(claim)] if c.kind in ("mean", "best", "worst", "median")]
        return bool(before) and before[-1] != "mean"

    def _seeds_beside(self, claim: Claim, label: str) -> Sample | None:
        """Return the report's seeds, unless the claim may be about something else."""
        sample = self.of_seeds(label)
        means = self.told("mean", label, claim.block)
        if sample is None or self.other_metric("\n".join(claim.context.split("\n")[:2])):
            return None
        size = abs(sample.mean.middle)
        far = [c for c in means if size and not 1 / FAR < abs(c.number.value) / size < FAR]
        return None if far else sample


def open_book(text: str, claims: Sequence[Claim], names: Sequence[str], study: Study | None) -> Book:
    """Return the book of a report.

    Args:
        text: The report.
        claims: What it states.
        names: Its labels.
        study: The runs it is about; None where there are none.
    """
    every = groups_of(study)
    blank = Book(text, claims, names)
    found = {
        name: resolve(name, [c for kind in ("n", "mean") for c in blank.told(kind, name)], every)
        for name in names
    }
    meant = {name: group for name, (group, _) in found.items()}
    groups = only(every, [group for group in meant.values() if group])
    by_label = {label: meant.get(same_name(label, names) or label) for c in claims for label in c.groups}
    reasons = {name: why for name, (_, why) in found.items()}
    return Book(text, claims, names, groups, meant, reasons, quoted_readout(claims, by_label, groups))


def names_in(text: str, labels: Sequence[str], study: Study | None) -> list[str]:
    """Return the report's labels, each group once, and the groups of runs that it names besides."""
    names: list[str] = []
    for label in labels:
        if same_name(label, names) is None:
            names.append(label)
    known = study.groups() if study else {}
    strategies = {str((runs[0].configuration or {}).get("mining_strategy", "")) for runs in known.values()}
    for name in (*known, *sorted(strategies - {"", "None"})):
        if mentions(text, [name]) and same_name(name, names) is None:
            names.append(name)
    return names


def _step_in(text: str) -> int | None:
    found = STEP.search(text)
    if not found:
        return None
    digits, thousands = (found[1], found[2]) if found[1] else (found[3], found[4])
    return int(digits.replace(",", "")) * (1000 if thousands else 1)


def _last_step(groups: RunGroups, group: str) -> int | None:
    steps = {int(seed.steps[-1]) for seed in groups.members[group].seeds}
    return steps.pop() if len(steps) == 1 else None
