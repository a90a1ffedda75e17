"""What a store of runs (wandb, MLflow, trackio) calls its runs, as ``scalar_attempt`` needs it.

A store knows a project, maybe a group within it, and a name of each run. The group is the experiment where
there is one. A name that the user chose says more than the project (``baseline-seed0`` and ``mined-seed0`` of
one project are two experiments). A name that the store invents (``bright-crow-842``) only says which run it
is: the project is the experiment, and configurations that differ make its variants.

Invented are names of two words and a number whose words no other run of the store shares.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

IDENTIFIER = re.compile(r"[0-9a-f]{32}")
INVENTED = re.compile(r"([a-z]+[-_][a-z]+)[-_]\d+")


def stated_names(
    run: str, *, project: str = "", group: str = "", invented: bool = False, id: str = ""
) -> dict[str, str]:
    """Return what a log of a store states of its run's name and experiment.

    An id of 32 hexadecimal digits tells runs of one name apart; another one might be taken for a name.

    >>> stated_names("bright-crow-842", project="toy", invented=True)
    {'run': 'bright-crow-842', 'group': 'toy'}
    >>> stated_names("baseline-0", project="toy")
    {'run': 'baseline-0', 'experiment': 'toy'}
    """
    stated = {"run": run, "id": id if IDENTIFIER.fullmatch(id) else ""}
    if group or (invented and project):
        stated["group"] = group or project
    elif project:
        stated["experiment"] = project
    return {key: value for key, value in stated.items() if value}


def invented_names(names: Sequence[str]) -> list[bool]:
    """Return of each name of a store's runs whether the store invented it.

    >>> invented_names(["bright-crow-842", "ppo-hopper-1", "ppo-hopper-2", "baseline"])
    [True, False, False, False]
    """
    matches = [INVENTED.fullmatch(name) for name in names]
    words = [match[1] if match else "" for match in matches]
    shared = Counter(words)
    return [bool(pair) and shared[pair] == 1 for pair in words]
