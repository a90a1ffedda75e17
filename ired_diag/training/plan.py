"""What a command line asks to be trained: configurations, and the folder of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ired_diag import experiments
from ired_diag.config import Config, read_config, with_settings
from ired_diag.errors import CannotWrite, DiagError
from ired_diag.runs.attempt import experiment_number
from ired_diag.runs.files import is_file
from ired_diag.runs.store import CONFIG, folder_name

Plan = list[tuple[Config, Path]]


def plan(
    experiment: str,
    seeds: str,
    settings: Sequence[str] = (),
    *,
    name: str | None = None,
    runs: Path = Path("runs"),
    resume: bool = False,
) -> Plan:
    """Return the configuration and the folder of each seed, nothing of it done yet.

    Args:
        experiment: A named experiment, or the path of a JSON file.
        seeds: ``0-9``, or ``0,2,5``.
        settings: ``key=value`` each.
        name: What to call it instead.
        runs: The runs folder.
        resume: The runs are there already and go on with their own configuration.

    Raises:
        DiagError: The experiment, a seed or a setting cannot be used, or a run exists already.
    """
    if resume and settings:
        raise DiagError("--resume goes on with the configuration that the run has; leave out --set.")
    path = Path(experiment)
    config = read_config(path) if is_file(path) else experiments.load(experiment)
    config = with_settings(config, dict(map(_setting, settings)))
    if name is not None:
        config = config.model_copy(update={"experiment_name": name})
    called = experiment_number(config.experiment_name) or config.experiment_name
    folder = runs / folder_name(name or called)
    planned = [
        (config.model_copy(update={"seed": seed}), folder / f"seed{seed}") for seed in parse_seeds(seeds)
    ]
    taken = [str(place) for _, place in planned if (place / CONFIG).exists()]
    if taken and not resume:
        raise CannotWrite(
            f"{', '.join(taken)}: {'hold runs' if len(taken) > 1 else 'holds a run'} already. Go on with "
            "--resume, or train under another name with --name NAME."
        )
    return planned


def parse_seeds(text: str) -> list[int]:
    """Return the seeds that a text names.

    Raises:
        DiagError: It names none.

    >>> parse_seeds("0-3"), parse_seeds("7,2")
    ([0, 1, 2, 3], [7, 2])
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part)
        if not found or int(found[2] or found[1]) < int(found[1]):
            raise DiagError(f"--seeds {text!r}: expected seeds such as 0-9 or 0,2,5.")
        seeds.extend(range(int(found[1]), int(found[2] or found[1]) + 1))
    return list(dict.fromkeys(seeds))


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise DiagError(f"--set {text!r}: expected KEY=VALUE, such as train_steps=2000.")
    return key.strip(), value.strip()
