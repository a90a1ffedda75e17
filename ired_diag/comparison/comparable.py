"""Groups that a gate or a curve test must refuse: other problems, or another scale.

``stats`` says of such a pair that it is undecided, and shows skill in place of raw errors. A gate and a time
to a target have no such place: a lower error on an easier problem would be kept. So they refuse, with the
reason of ``stats`` (``comparison.skill``, ``comparison.mixed_scales``).
"""

from __future__ import annotations

from collections.abc import Sequence

from ired_diag.comparison.mixed_scales import scales_in_words
from ired_diag.comparison.seeds import Members
from ired_diag.comparison.skill import different_problems
from ired_diag.errors import DiagError


def check_comparable(names: Sequence[str], *, problems: str, scales: str) -> None:
    """Refuse two groups whose raw numbers cannot be compared.

    Args:
        names: Names of both groups.
        problems: That they solve different problems, in words; empty where they are not known to.
        scales: That their numbers are on two scales, in words; empty where they are on one.

    Raises:
        DiagError: They cannot be compared.
    """
    first, second = names
    if problems:
        raise DiagError(f"{first} and {second}: {problems} ('ired-diag stats' shows it).")
    if scales:
        raise DiagError(f"{first} and {second}: {scales}: bring both to one scale before comparing them.")


def check_comparable_members(a: Members, b: Members, metric: str) -> None:
    """Refuse two groups of seeds whose curves cannot be compared.

    Args:
        a: The first group.
        b: The second group.
        metric: Name of the metric.

    Raises:
        DiagError: They cannot be compared.
    """
    last = [_last_values(members) for members in (a, b)]
    check_comparable(
        (a.name, b.name),
        problems=different_problems(a, b, metric),
        scales=scales_in_words(metric, (a.name, b.name), last),
    )


def _last_values(members: Members) -> dict[str, float]:
    return {seed.label: float(seed.values[-1]) for seed in members.seeds if len(seed.values)}
