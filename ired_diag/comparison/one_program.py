"""May two configurations be of one program, and so of one task, where neither states its data?

A program whose configuration has no key of the data has one set of data. That two configurations are of one
program is known where one of them has all keys of the other, but for names. Where each has keys of its own,
as ``latent_dim`` and ``env_steps``, it is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LABELS = frozenset(("name", "names", "group", "experiment", "exp", "exp_name", "label", "title", "run"))


def may_be_one_program(configuration: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Say whether one of two configurations has all keys of the other.

    >>> may_be_one_program({"lr": 0.1}, {"lr": 0.1, "clip": 1.0}), may_be_one_program({"env": 1}, {"zdim": 8})
    (True, False)
    """
    keys = {key for key in configuration if key.lower() not in LABELS}
    other_keys = {key for key in other if key.lower() not in LABELS}
    return keys <= other_keys or other_keys <= keys
