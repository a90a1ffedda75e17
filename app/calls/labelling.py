"""Labels: what pictures, tables and reports call groups and metrics, instead of the names in logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from ired_diag.errors import DiagError, NotFound

Labels = Mapping[str, str]
Member = TypeVar("Member")


def with_labels(groups: Mapping[str, Sequence[Member]], labels: Labels) -> dict[str, Sequence[Member]]:
    """Return groups under their labels, in the same order.

    Args:
        groups: Members by the name of their group.
        labels: Label of a group by its name; a group without one keeps its name.

    Raises:
        NotFound: There is no group of a name.
        DiagError: Two groups would have the same name, or a label is empty.
    """
    for name in labels:
        if name not in groups:
            raise NotFound(f"--label {name}=…: there is no such group. There are: {', '.join(groups)}.")
    labelled: dict[str, Sequence[Member]] = {}
    for name, members in groups.items():
        label = _checked(labels.get(name, name), of=name)
        if label in labelled:
            raise DiagError(
                f"--label {name}={label!r}: another group has this name. Choose a different label."
            )
        labelled[label] = members
    return labelled


def label_of_metric(metric: str, labels: Labels) -> str:
    """Return the label of the metric by which runs are judged; empty without one.

    Raises:
        NotFound: Another metric is named, which no picture or table would show.
        DiagError: The label is empty.
    """
    for name in labels:
        if name != metric:
            raise NotFound(
                f"--metric-label {name}=…: the runs are judged by {metric!r}. Name that one, or pass "
                f"--metric {name}."
            )
    if metric not in labels:
        return ""
    return _checked(labels[metric], of=metric)


def _checked(label: str, *, of: str) -> str:
    """Return a label without spaces at its ends."""
    stripped = " ".join(label.split())
    if not stripped:
        raise DiagError(f"The label of {of} is empty. Write it as {of}='some words'.")
    return stripped
