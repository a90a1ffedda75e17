"""Where a model stands among reference predictors, in words: verdict, skill, and the rungs next to it."""

from __future__ import annotations

import math

from ired_diag.inverse.floors import TITLES
from ired_diag.stats.ladder import Standing

BETTER = "better than linear regression"
FEWEST = 30  # a delta method's interval leans on the central limit theorem


def verdict_of(standing: Standing) -> str:
    """Return whether the model is better than linear regression."""
    if math.isnan(standing.error):
        return "nothing can be said"
    if standing.n < FEWEST:
        return f"too few matrices for a verdict ({FEWEST} are needed)"
    if "linear" in standing.beside:
        return "not seen to be better than linear regression"
    _, low, _ = standing.skill["linear"]
    if low > 0:
        return BETTER
    return "worse than linear regression"


def skill_in_words(standing: Standing) -> str:
    """Return the skill against linear regression."""
    skill, low, high = standing.skill["linear"]
    if math.isnan(skill):
        return "which is exact: no skill"
    unsure = ""
    if "linear" in standing.unsure:
        unsure = ", which may be too short"
    if skill < -1:  # a percentage of thousands says less than how many times
        return f"{1 - skill:.3g} times that, 95% interval {1 - high:.3g} to {1 - low:.3g}{unsure}"
    interval = ""
    if not math.isnan(low):
        interval = f", 95% interval {100 * low:.1f} to {100 * high:.1f}%{unsure}"
    return f"skill {100 * skill:.1f}%{interval}"


def rung_sentence(standing: Standing) -> str:
    """Return between which references the model stands."""
    if standing.n < FEWEST:
        return ""
    parts = ["beats no reference"]
    if standing.below:
        parts = [f"beats {_reference_in_words(standing, standing.below)}"]
    if standing.beside:
        listed = ", ".join(_reference_in_words(standing, name) for name in standing.beside)
        parts.append(f"is not told apart from {listed}")
    if standing.above:
        parts.append(f"is beaten by {_reference_in_words(standing, standing.above)}")
    *first, last = parts
    if not first:
        return f" It {last}."
    return f" It {', '.join(first)} and {last}."


def _reference_in_words(standing: Standing, name: str) -> str:
    unsure = ""
    if name in standing.unsure:
        unsure = "; few matrices decide it"
    return f"{TITLES[name]} ({standing.references[name]:.3g}{unsure})"


def unshrunk_sentence(model: Standing, unshrunk: Standing) -> str:
    """Return what the sampler's last factor changes, where it changes the verdict or the rung."""
    verdict = verdict_of(unshrunk)
    if verdict == verdict_of(model) and unshrunk.below == model.below:
        return ""
    beats = "no reference"
    if unshrunk.below:
        beats = TITLES[unshrunk.below]
    return (
        f" Without the sampler's last factor √ᾱ_0 its MSE is {unshrunk.error:.4g}: {verdict}; "
        f"it beats {beats}."
    )
