"""The book that claims are checked against: the report's own numbers, and the runs that they are about."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ired_diag.claims.claim import Claim, Kind
from ired_diag.claims.groups import READOUTS, RunGroups, matching
from ired_diag.claims.heads import step_of
from ired_diag.claims.labels import same_name
from ired_diag.claims.metrics import UNCLEAR, relation_to, same_metric
from ired_diag.claims.numbers import plain
from ired_diag.claims.ranges import Range, fits, printed_range
from ired_diag.claims.samples import Sample, sample_of_summary, sample_of_values
from ired_diag.claims.units import in_other_unit

OTHER_METRIC = re.compile(
    r"\btrain(?:ing)?[\s_/-]*(?:loss|mse|error|time)|\bood\b|out[- ]of[- ]distribution|\baccuracy\b"
    r"|\benerg(?:y|ies)\b"
    r"|\b(?:hours?|minutes?|seconds?|gpus?|runtime|wall|grad(?:ients?)?|memory|epochs?|cost|parameters?|faster|slower)\b"
    r"|\bcorrelat\w*|\bratios?\b|\b(?:rejection|acceptance|negative) rate"
    r"|\bdiversity\b|\bcoverage\b|\bslopes?\b|\bcondition(?:ing| numbers?)\b|\bvariances?\b"
    r"|\bgaps?\b|\brewards?\b|\bperplexity\b",
    re.IGNORECASE,
)
ERRORS = re.compile(r"\b(?:mse|rmse|loss(?:es)?|errors?)\b", re.IGNORECASE)
SPREADS = ("sd", "se", "interval", "spread")
ANONYMOUS = re.compile(r"^table of line \d+$|^list \w+ of line \d+$")
FAR = 10.0  # a mean that is so many times off may be of another metric


@dataclass(frozen=True, kw_only=True)
class Book:
    """What is known of the groups of a report.

    Attributes:
        text: The report.
        claims: All of them.
        names: The report's labels, each group once.
        metrics: The metrics that its tables have means or values of.
        groups: The runs that the labels mean.
        meant: The group of runs of each name; None where it is none, or not certain.
        reasons: Why a name means no group of runs.
        readout: Which readout the report quotes; None where its numbers are of none.
        readout_is_certain: Whether the report's numbers say which.
    """

    text: str
    claims: Sequence[Claim]
    names: Sequence[str]
    metrics: frozenset[str] = frozenset()
    groups: RunGroups = field(default_factory=RunGroups)
    meant: Mapping[str, str | None] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    readout: str | None = None
    readout_is_certain: bool = False

    @cached_property
    def plain_text(self) -> str:
        """The report, in the spelling that patterns are written for."""
        return plain(self.text)

    def says(self, pattern: str) -> bool:
        """Say whether the report has a word anywhere."""
        return re.search(pattern, self.text, re.IGNORECASE) is not None

    def key(self, label: str) -> str:
        """Return one name for all labels of a group."""
        return self._keys.get(label) or self._key(label)

    def _key(self, label: str) -> str:
        name = label if label in self.meant else same_name(label, self.names) or label
        return self.meant.get(name) or name

    @cached_property
    def _keys(self) -> Mapping[str, str]:
        """Every label of a claim about one group, with the name of the group."""
        return {label: self._key(label) for claim in self.claims for label in claim.groups}

    @cached_property
    def _of_one_group(self) -> Mapping[tuple[Kind, str], list[Claim]]:
        """The claims about one group, by kind and group."""
        index: dict[tuple[Kind, str], list[Claim]] = {}
        for claim in self.claims:
            if len(claim.groups) == 1:
                index.setdefault((claim.kind, self._keys[claim.groups[0]]), []).append(claim)
        return index

    @cached_property
    def _blocks(self) -> Mapping[int, list[Claim]]:
        index: dict[int, list[Claim]] = {}
        for claim in self.claims:
            index.setdefault(claim.block, []).append(claim)
        return index

    def beside(self, claim: Claim) -> list[Claim]:
        """Return the claims of the row or sentence of a claim, itself among them."""
        return self._blocks.get(claim.block, [claim])

    def group(self, label: str) -> str | None:
        """Return the group of runs that a label means."""
        name = label if label in self.meant else same_name(label, self.names)
        return self.meant.get(name) if name else None

    def stated(
        self, kind: Kind, label: str, *, block: int | None = None, metric: str | None = None
    ) -> list[Claim]:
        """Return the claims of a kind about one group and one metric, of one block or of all."""
        return [
            claim
            for claim in self._of_one_group.get((kind, self.key(label)), [])
            if block in (None, claim.block)
            and (metric is None or same_metric(claim.metric, metric, self.metrics))
        ]

    def label_of(self, claim: Claim) -> str | None:
        """Return the one group that a claim is about.

        Of a claim that names none it is the only group there is of its metric, where its mean says so: a
        number printed beside a mean that agrees is of the same group.
        """
        if claim.groups:
            return claim.groups[0] if len(claim.groups) == 1 else None
        labels = self._only_labels(claim)
        if len(labels) != 1 or claim.metric == UNCLEAR:
            return None
        sample = self.of_runs(claim, labels[0]) or self.of_seeds(labels[0], claim.metric)
        means = [c for c in self.beside(claim) if c.kind == "mean" and not c.groups]
        agree = sample is not None and any(fits(c.number, sample.mean) for c in means)
        return labels[0] if agree else None

    def _only_labels(self, claim: Claim) -> list[str]:
        if len(self.groups.members) == 1:
            group = next(iter(self.groups.members))
            return [next((name for name, meant in self.meant.items() if meant == group), group)]
        return [
            claims[0].groups[0]
            for (kind, _), claims in self._of_one_group.items()
            if kind == "value" and any(same_metric(c.metric, claim.metric, self.metrics) for c in claims)
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
        mean = claim if claim.kind in ("mean", "value", "level") else self.mean_beside(claim, label)
        relation = relation_to(claim.metric, self.groups.metric)
        if relation == "other":
            what = "several metrics" if claim.metric == UNCLEAR else repr(claim.metric)
            return f"it is of {what}, and the runs are judged by {self.groups.metric or 'nothing'}"
        near = "\n".join(line for c in (claim, mean) if c for line in c.context.split("\n")[:2])
        if other := self.other_metric(
            near if not claim.table or not claim.metric else claim.context.split("\n")[0]
        ):
            return f"it may be of another metric ({other!r} stands beside it)"
        if self._of_an_extreme(claim):
            return "of which number in its row it is the spread is not certain"
        group = self.group(label)
        if group is None:
            return ""
        if (step := step_of(near)) and step != self.groups.last_step(group):
            if claim.kind in ("mean", "value", "level") and self.groups.sample_at(group, step):
                return ""
            return f"it is of step {step}, and the last evaluation is of another"
        sample = self.groups.sample(group, "last")
        if mean is not None and not mean.table and (power := in_other_unit(mean.number, group, self.groups)):
            return f"it agrees with the runs if it is to be multiplied by {power:g}, which is not stated"
        if mean is not None:
            ratio = abs(mean.number.value / sample.mean.middle) if sample and sample.mean.middle else math.nan
            named = relation == "same" or re.search(r"\bmse\b|validation", near, re.IGNORECASE)
            if not (1 / FAR < ratio < FAR) and not named:
                return "it is so far from the runs' numbers that it may be of another metric"
        return ""

    def at_step(self, claim: Claim, group: str) -> Sample | None:
        """Return the runs at the step that a claim names, where it is not that of the last evaluation."""
        step = step_of("\n".join(claim.context.split("\n")[:2]))
        return self.groups.sample_at(group, step) if step and step != self.groups.last_step(group) else None

    def other_metric(self, text: str) -> str:
        """Return words that speak of another metric than the one that judges the runs, or nothing."""
        for hit in OTHER_METRIC.finditer(text):
            if relation_to(hit[0], self.groups.metric) == "other":
                return hit[0]
        if self.groups.lower_is_better:
            return ""
        error = ERRORS.search(text)  # next to an accuracy, an error is another metric
        return error[0] if error else ""

    def mean_beside(self, claim: Claim, label: str) -> Claim | None:
        """Return the mean of the group that stands last before a claim in its block, else the first there."""
        means = self.stated("mean", label, block=claim.block, metric=claim.metric if claim.table else None)
        if len(claim.groups) > 1 or not means:
            return None
        here = [id(c) for c in self.beside(claim)]
        place = here.index(id(claim)) if id(claim) in here else len(here)
        before = [mean for mean in means if here.index(id(mean)) <= place]
        return (before or means[:1])[-1]

    def of_seeds(self, label: str, metric: str = "") -> Sample | None:
        """Return the sample in the report's own table of seeds; None where a seed stands there twice."""
        stated = self.stated("value", label, metric=metric)
        values = {claim.seed: claim.number.value for claim in stated}
        if not values or len(values) < len(stated) or len({c.metric for c in stated}) > 1:
            return None
        half = max(claim.number.unit for claim in stated) / 2
        return sample_of_values(values, "the report's own values by seed", half=half)

    def of_summary(self, label: str, metric: str = "", block: int | None = None) -> Sample | None:
        """Return the sample of a printed mean, sd and n; None where one is missing or stated in two ways."""
        means = self.stated("mean", label, block=block, metric=metric)
        sds = self.stated("sd", label, block=block, metric=metric)
        n = self.size(label)
        if (
            n is None
            or n < 2
            or len({c.number.value for c in means}) != 1
            or len({c.number.value for c in sds}) != 1
            or means[0].block != sds[0].block
        ):
            return None
        return sample_of_summary(means[0].number, sds[0].number, n)

    def size(self, label: str) -> int | None:
        """Return the printed number of seeds of a group; None where it is not stated, or twice."""
        stated = self.stated("n", label) or [c for c in self.claims if c.kind == "n" and not c.groups]
        counts = {int(claim.number.value) for claim in stated if claim.number.value < 1e9}
        return counts.pop() if len(counts) == 1 else None

    def sample(self, claim: Claim, label: str, *, summary: bool = True) -> Sample | None:
        """Return the best that is known of a group: the runs, the report's seeds, its mean, sd and n."""
        block = claim.block if self.stated("mean", label, block=claim.block) else None
        by_seed = self.of_runs(claim, label) or self._seeds_beside(claim, label)
        return by_seed or (self.of_summary(label, claim.metric, block) if summary else None)

    def means(self, claim: Claim, label: str) -> list[Range]:
        """Return the means that a group may have: of the runs, and as printed where that is right."""
        sample = self.of_runs(claim, label) or self._seeds_beside(claim, label)
        printed = [
            c.number
            for c in self.stated("mean", label, metric=claim.metric)
            if self.group(label) is None or not self.other_metric(c.context)
        ]
        if sample is None:
            values = {number.value for number in printed}
            return [printed_range(printed[0])] if len(values) == 1 else []
        return [sample.mean, *(printed_range(number) for number in printed if fits(number, sample.mean))]

    def why_unknown(self, claim: Claim) -> str:
        """Return why nothing is known about the groups of a claim."""
        if claim.metric == UNCLEAR:
            return "of which metric it is, is not certain"
        if not claim.groups:
            return "it does not say, for certain, which groups it is about"
        for label in claim.groups:
            if self.group(label) and (why := self.may_be_other(claim, label)):
                return why
        name = same_name(claim.groups[0], self.names) or claim.groups[0]
        return self.reasons.get(name) or "nothing in the report or the runs to compute it from"

    def with_readout(self, readout: str) -> Book:
        """Return the book, with the runs read out in another way."""
        return replace(self, readout=readout)

    def without_runs(self) -> Book:
        """Return the book of the report alone."""
        return replace(self, groups=RunGroups(), meant=dict.fromkeys(self.meant), readout=None)

    def other_readouts(self) -> list[str]:
        """Return the readouts that the report may mean as well, none where it says which it quotes."""
        if self.readout_is_certain or not self.groups.members:
            return []
        return [name for name in READOUTS if name != self.readout]

    def _of_an_extreme(self, claim: Claim) -> bool:
        """Say whether a spread stands after a best, worst or median value, in a row of several spreads."""
        here = [c for c in self.beside(claim) if c.groups == claim.groups]
        if claim.kind not in SPREADS or sum(c.kind == claim.kind for c in here) < 2:
            return False
        place = next((k for k, c in enumerate(here) if c is claim), len(here))
        before = [c.kind for c in here[:place] if c.kind in ("mean", "best", "worst", "median")]
        return bool(before) and before[-1] != "mean"

    def _seeds_beside(self, claim: Claim, label: str) -> Sample | None:
        """Return the report's seeds, unless the claim may be about something else."""
        sample = self.of_seeds(label, claim.metric)
        means = self.stated("mean", label, block=claim.block, metric=claim.metric)
        if sample is None:
            return None
        size = abs(sample.mean.middle)
        far = [c for c in means if size and not 1 / FAR < abs(c.number.value) / size < FAR]
        return None if far else sample
