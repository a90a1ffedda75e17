"""What a run and its experiment are called, by seed, job and file name."""

from __future__ import annotations

import re

from ired_diag.seed_sources import is_label_of_sources

CALLED_BY_SEED = re.compile(r"seed\d+|fold\d+(?:-.+)?")
NUMBER = re.compile(r"(?:^|[_\-])(q\d+)(?=$|[_\-.])")


def label_of(seed: int | None, label: str, job: object) -> str:
    """Return what a run is called among the runs of its experiment.

    >>> label_of(3, "version_0", None), label_of(None, "version_0", None), label_of(None, "", "4711")
    ('seed3', 'version_0', 'unseeded-4711')
    """
    if seed is not None:
        return f"seed{seed}"
    if label:
        return label
    return f"unseeded-{job}" if job else "unseeded"


def is_seed_label(label: str) -> bool:
    """Say whether a run is called by its seeds, so that a run of the same label in another group is its pair.

    >>> is_seed_label("seed3"), is_seed_label("4711-seed3"), is_seed_label("seedling")
    (True, False, False)

    The fold of a cross-validation says so too: fold 3 of both groups holds out the same data.

    >>> is_seed_label("init3-data0"), is_seed_label("fold3"), is_seed_label("fold3-seed0")
    (True, True, True)
    """
    return CALLED_BY_SEED.fullmatch(label) is not None or is_label_of_sources(label)


def experiment_number(name: str) -> str | None:
    """Return the number in an experiment's or a file's name.

    >>> experiment_number("q101_multiseed_baseline"), experiment_number("ired_q103_seed%a_5_1.out")
    ('q101', 'q103')
    >>> experiment_number("sequel") is None
    True
    """
    match = NUMBER.search(name)
    return match[1] if match else None
