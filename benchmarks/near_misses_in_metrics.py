"""Near misses of the rules about logged metrics: energies, mining, and identities between them."""

from __future__ import annotations

import numpy as np

from benchmarks.near_miss import NearMiss
from benchmarks.planted_fault import Bed
from benchmarks.planted_in_metrics import MARGIN, energies, with_energies
from benchmarks.planted_study import any_group, changed, with_series
from ired_diag.runs.evaluation_metric import USUAL as METRIC
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

OF_LANGEVIN = ("DIAG/lang_grad", "DIAG/lang_disp", "DIAG/lang_step")


def _one_level_has_all_energy(bed: Bed) -> Study:
    """Mean energies far apart, while the logged loss says that single samples are not."""
    group = any_group(bed.study, bed.rng, mined=True)

    def apart(run: Run) -> Run:
        positive, negative = energies(run)
        return with_energies(run, positive, negative + 100 * np.linspace(0, 1, len(negative)))

    return changed(bed.study, apart, group=group)


def _grown(bed: Bed) -> Study:
    """Energies that start near 0, grow 1000 times early, and rest."""
    group = any_group(bed.study, bed.rng, mined=True)

    def grown(run: Run) -> Run:
        positive, negative = energies(run)
        factor = np.minimum(1.0, np.geomspace(1e-3, 1e3, len(positive)))
        return with_energies(run, positive * factor, negative * factor)

    return changed(bed.study, grown, group=group)


def _margin_is_a_setting(bed: Bed) -> Study:
    """A margin that is a setting of the loss: one number, whatever the energies do."""
    group = any_group(bed.study, bed.rng, mined=True)

    def set_to(run: Run) -> Run:
        steps = run.history.series[MARGIN].steps
        return with_series(run, {MARGIN: Series(steps, np.full(len(steps), 10.0))})

    return changed(bed.study, set_to, group=group)


def _fields_of_an_unused_sampler(bed: Bed) -> Study:
    """The program prints fields of Langevin steps, which these runs do not take: all are 0."""

    def printed(run: Run) -> Run:
        steps = run.history.series[METRIC].steps
        return with_series(run, {name: Series(steps, np.zeros(len(steps))) for name in OF_LANGEVIN})

    return changed(bed.study, printed)


NEAR_MISSES = (
    NearMiss(
        "contrastive_term", "mean energies far apart beside a loss that teaches", _one_level_has_all_energy
    ),
    NearMiss("energy_scale", "energies grow 1000 times from near 0, and rest", _grown),
    NearMiss("logged_identities", "a margin that is a setting", _margin_is_a_setting),
    NearMiss("unmoved_negatives", "fields of an unused sampler are 0", _fields_of_an_unused_sampler),
)
