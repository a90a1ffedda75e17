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

    def labels_with_seeds(self, metric: str) -> list[str]:
        """Return the groups that the report has values by seed of."""
        return [
            claims[0].groups[0]
            for (kind, _), claims in self._of_one_group.items()
            if kind == "value" and any(same_metric(claim.metric, metric, self.metrics) for claim in claims)
        ]

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
