"""Lists of numbers that are settings of a configuration, and no curve: ``loss_weights``, ``adam_betas``.

A list is a curve where its name ends in what was measured (``val_loss``, ``loss_history``). Words behind the
measure that name a setting (``loss_weights``, ``energy_loss_timestep_range``) say that it is one. So does a
name without such words (``"loss": [1.0, 0.5]``) where the list is short, the object states hyperparameters
next to it, and no number among them counts the list (``"epochs": 2``).

>>> names_a_setting("loss_weights"), names_a_setting("energy_loss_timestep_range")
(True, True)
>>> names_a_setting("val_loss"), names_a_setting("loss_history"), names_a_setting("train_loss_per_epoch")
(False, False, False)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ired_diag.runs.metric_words import measures_in, words_of

OF_SETTINGS = frozenset(
    """
    alpha alphas balance band beta betas bound bounds cap clip clipping coef coefs coefficient coefficients
    cutoff cutoffs decay delta dim dims epsilon exponent exponents factor factors freq frequency gamma
    interval intervals lambda lambdas layers level levels limit limits margin margins milestone milestones
    mixture multiplier multipliers order p param params parameters penalty power range ranges ratio ratios
    scale scales scaling schedule shape size sizes smoothing start temperature term terms threshold
    thresholds timestep timesteps tolerance type types warmup weight weighting weights width widths window
    windows
    """.split()
)
# Words of a name that say where training should come to, not where it came.
OF_AIMS = frozenset("allowed aim desired goal required target targets wanted".split())
# Keys of a configuration that a training cannot do without.
HYPERPARAMETERS = frozenset(
    """
    activation arch architecture batch dropout ema hidden init layers learning lr model momentum optim
    optimizer scheduler warmup
    """.split()
)
LONGEST = 4  # values: as many weights or bounds a configuration may hold
FEWEST_HYPERPARAMETERS = 2


def names_a_setting(name: str) -> bool:
    """Say whether a name with a measure in it is that of a setting."""
    words = words_of(name)
    measures = measures_in(words)
    last = max((place for place, word in enumerate(words) if word in measures), default=-1)
    if not OF_AIMS.isdisjoint(words):
        return True
    return not OF_SETTINGS.isdisjoint(words[last + 1 :])


def are_settings(columns: Mapping[str, Sequence[Any]], content: Mapping[str, Any]) -> bool:
    """Say whether the lists of an object with measures in their names are settings.

    Args:
        columns: The lists of numbers, by name.
        content: The object that they stand in.
    """
    measured = {name: values for name, values in columns.items() if measures_in(words_of(name))}
    curves = [values for name, values in measured.items() if not names_a_setting(name)]
    if not curves:
        return bool(measured)
    if max(map(len, curves)) > LONGEST:
        return False
    counts = [value for value in content.values() if isinstance(value, int)]
    is_counted = any(len(values) in counts for values in curves)
    return not is_counted and _hyperparameters(content) >= FEWEST_HYPERPARAMETERS


def is_configuration(content: Mapping[str, Any]) -> bool:
    """Say whether an object is a configuration: hyperparameters, and no single value that was measured.

    >>> is_configuration({"epochs": 100, "lr": 0.1, "batch_size": 32}), is_configuration({"epoch": 1})
    (True, False)
    """
    for key, value in content.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and measures_in(words_of(key)) and not names_a_setting(key):
            return False
    return _hyperparameters(content) >= FEWEST_HYPERPARAMETERS


def _hyperparameters(content: Mapping[str, Any]) -> int:
    """Return how many single values of an object are hyperparameters by their name."""
    count = 0
    for key, value in content.items():
        is_single = isinstance(value, int | float | str) and not isinstance(value, bool)
        count += is_single and not HYPERPARAMETERS.isdisjoint(words_of(key))
    return count
