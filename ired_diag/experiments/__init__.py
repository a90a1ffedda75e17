"""The named experiments: one JSON file each, in the form of the study's own configuration files."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from ired_diag.config import Config, parse_config
from ired_diag.errors import AmbiguousName, NotFound


def names() -> list[str]:
    """Return the full names of all experiments, sorted."""
    files = resources.files("ired_diag.experiments").iterdir()
    return sorted(f.name.removesuffix(".json") for f in files if f.name.endswith(".json"))


def load(name: str) -> Config:
    """Return the configuration of an experiment.

    Args:
        name: Its full name (``q103_multiseed_adversarial``) or its number (``q103``).

    Raises:
        NotFound: No experiment is called so.
        AmbiguousName: Several are.
    """
    known = names()
    matches = [n for n in known if n == name] or [n for n in known if n.split("_")[0] == name]
    if not matches:
        raise NotFound(f"No experiment is named {name!r}. There are: {', '.join(known)}.")
    if len(matches) > 1:
        raise AmbiguousName(f"{name!r} means {len(matches)} experiments: {', '.join(matches)}.")
    return parse_config(_content(matches[0]), where=f"experiment {matches[0]}")


def question(name: str) -> str:
    """Return what an experiment asks, by its full name."""
    return str(_content(name)["description"])


def _content(name: str) -> dict[str, Any]:
    text = resources.files("ired_diag.experiments").joinpath(f"{name}.json").read_text("utf-8")
    content: dict[str, Any] = json.loads(text)
    return content
