"""The book that claims are checked against: the report's own numbers, and the runs that they are about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ired_diag.claims.claim import Claim, Kind
from ired_diag.claims.groups import READOUTS, RunGroups
from ired_diag.claims.labels import same_name
from ired_diag.claims.metrics import same_metric
from ired_diag.claims.numbers import plain
from ired_diag.claims.samples import Sample, sample_of_summary, sample_of_values

ANONYMOUS = re.compile(r"^table of line \d+$|^list \w+ of line \d+$")
MOST_SEEDS = 1e9  # a larger number after "n =" is no number of seeds


@dataclass(frozen=True, kw_only=True)
class Book:
    """What is known of the groups of a report.

    Attributes:
        text: The report.
        claims: All of them.
        names: The report's labels, each group once.
        metrics: The metrics that its tables have means or values of.
        groups: The runs that the labels mean.
        meant: The group of runs of each name; None where it is not one, or not certain.
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

    def of_kinds(self, *kinds: Kind) -> list[Claim]:
        """Return the claims of some kinds, in reading order."""
        return [claim for claim in self.claims if claim.kind in kinds]

    @property
    def values_by_seed(self) -> list[Claim]:
        """The values of seeds whose group is certain."""
        return [claim for claim in self.of_kinds("value") if len(claim.groups) == 1]

    def samples_by_seed(self) -> dict[str, Sample | None]:
        """Return the sample of each group that the report has values by seed of, by its label."""
        metrics = {claim.only_group: claim.metric for claim in self.values_by_seed}
        samples = {}
        for label, metric in metrics.items():
            samples[label] = self.of_seeds(label, metric)
        return samples

    def key(self, label: str) -> str:
        """Return one name for all labels of a group."""
        return self._keys.get(label) or self._key(label)

    def _key(self, label: str) -> str:
        name = self._name(label) or label
        return self.meant.get(name) or name

    def _name(self, label: str) -> str | None:
        """Return the name of the report's group that a label is another spelling of."""
        if label in self.meant:
            return label
        return same_name(label, self.names)

    @cached_property
    def _keys(self) -> Mapping[str, str]:
        """Every label of a claim about one group, with the name of the group."""
        keys = {}
        for claim in self.claims:
            for label in claim.groups:
                keys[label] = self._key(label)
        return keys

    @cached_property
    def _of_one_group(self) -> Mapping[tuple[Kind, str], list[Claim]]:
        """The claims about one group, by kind and group."""
        index: dict[tuple[Kind, str], list[Claim]] = {}
        for claim in self.claims:
            if len(claim.groups) == 1:
                key = self._keys[claim.only_group]
                index.setdefault((claim.kind, key), []).append(claim)
        return index

    def labels_with_seeds(self, metric: str) -> list[str]:
        """Return the groups that the report has values by seed of."""
        labels = []
        for (kind, _), claims in self._of_one_group.items():
            if kind == "value" and any(self.is_of_metric(claim, metric) for claim in claims):
                labels.append(claims[0].only_group)
        return labels

    def is_of_metric(self, claim: Claim, metric: str) -> bool:
        """Say whether a claim is of a metric, as far as the report names more than one."""
        return same_metric(claim.metric, metric, self.metrics)

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
        name = self._name(label)
        if not name:
            return None
        return self.meant.get(name)

    def only_group(self, claim: Claim) -> str | None:
        """Return the group of runs of a claim about exactly one group."""
        if len(claim.groups) != 1:
            return None
        return self.group(claim.only_group)

    def is_pair(self, claim: Claim) -> bool:
        """Say whether a claim compares two different groups."""
        if len(claim.groups) != 2:
            return False
        first, second = claim.groups
        return self.key(first) != self.key(second)

    def stated(
        self, kind: Kind, label: str, *, block: int | None = None, metric: str | None = None
    ) -> list[Claim]:
        """Return the claims of a kind about one group and one metric, of one block or of all."""
        stated = []
        for claim in self._of_one_group.get((kind, self.key(label)), []):
            if block is not None and claim.block != block:
                continue
            if metric is None or self.is_of_metric(claim, metric):
                stated.append(claim)
        return stated

    def mean_beside(self, claim: Claim, label: str) -> Claim | None:
        """Return the mean of the group that stands last before a claim in its block, else the first there."""
        if len(claim.groups) > 1:
            return None
        metric = claim.metric if claim.table else None
        means = self.stated("mean", label, block=claim.block, metric=metric)
        if not means:
            return None
        # By identity: two cells of a row may print the same claim.
        here = list(map(id, self.beside(claim)))
        place = len(here)
        if id(claim) in here:
            place = here.index(id(claim))
        nearest = means[0]
        for mean in means:
            if here.index(id(mean)) <= place:
                nearest = mean
        return nearest

    def of_seeds(self, label: str, metric: str = "") -> Sample | None:
        """Return the sample in the report's own table of seeds; None where a seed stands there twice."""
        stated = self.stated("value", label, metric=metric)
        values = {}
        metrics = set()
        coarsest = 0.0
        for claim in stated:
            values[claim.seed] = claim.number.value
            metrics.add(claim.metric)
            coarsest = max(coarsest, claim.number.unit)
        # A seed that stands there twice may be of two settings.
        if not values or len(values) < len(stated) or len(metrics) > 1:
            return None
        return sample_of_values(values, "the report's own values by seed", half=coarsest / 2)

    def of_summary(self, label: str, metric: str = "", block: int | None = None) -> Sample | None:
        """Return the sample of a printed mean, sd and n; None where one is missing or stated in two ways."""
        n = self.size(label)
        if n is None or n < 2:
            return None
        mean = _stated_once(self.stated("mean", label, block=block, metric=metric))
        sd = _stated_once(self.stated("sd", label, block=block, metric=metric))
        if mean is None or sd is None or mean.block != sd.block:
            return None
        return sample_of_summary(mean.number, sd.number, n)

    def size(self, label: str) -> int | None:
        """Return the printed number of seeds of a group; None where it is not stated, or twice."""
        counts = set()
        for claim in self.stated("n", label) or self._sizes_of_no_group:
            n = claim.number.value
            if n < MOST_SEEDS:
                counts.add(int(n))
        if len(counts) != 1:
            return None
        return counts.pop()

    @property
    def _sizes_of_no_group(self) -> list[Claim]:
        return [claim for claim in self.of_kinds("n") if not claim.groups]

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
        others = list(READOUTS)
        if self.readout in others:
            others.remove(self.readout)
        return others


def _stated_once(claims: Sequence[Claim]) -> Claim | None:
    """Return the first of several claims that print the same number; None where they do not."""
    values = {claim.number.value for claim in claims}
    if len(values) != 1:
        return None
    return claims[0]
