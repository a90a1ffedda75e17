"""Does a printed effect size follow from the samples?

    d = (x̄_a - x̄_b) / s_p,    g = J(df) d,    of pairs: d = mean of differences / their sd

References: Cohen (1988); Hedges (1981). See ``stats.hedges``.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.comparisons import effects_of
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.pairs import samples_of_pair
from ired_diag.claims.ranges import fits
from ired_diag.claims.samples import as_population

OTHER_EFFECT = re.compile(r"cliff|glass|\beta\b|\u03b7|omega|biserial|\bodds\b|\u00b2|\^2", re.IGNORECASE)


def check_effect(claim: Claim, book: Book) -> Verdict:
    """Return whether an effect size is that of the samples, in its size without its sign."""
    if other := OTHER_EFFECT.search(claim.context.split("\n")[0]):
        return unchecked(claim, f"it may be of another effect size ({other[0]!r})")
    pair = samples_of_pair(claim, book)
    effects = effects_of(pair.a, pair.b, pairs=pair.pairs) if pair else {}
    if pair is None or not effects:
        return unchecked(claim, why_unknown(claim, book))
    for name, effect in effects.items():
        if fits(claim.number, effect, magnitude=True):
            return holds(claim, f"{name} of {pair.a.source}")
    shown = "; ".join(f"{name} is {effect.middle:.3g}" for name, effect in effects.items())
    evidence = {name: effect.middle for name, effect in effects.items()}
    if pair.a.sd_unsure:
        others = as_population(pair.a), as_population(pair.b)
    else:
        others = (
            replace(pair.a, sd=pair.a.population_sd, values={}),
            replace(pair.b, sd=pair.b.population_sd, values={}),
        )
    if any(fits(claim.number, e, magnitude=True) for e in effects_of(*others, pairs=False).values()):
        words = f"the effect size {claim.said} follows only from population sds (ddof = 0): {shown}."
        return fails(claim, Fault("population_sd", "warning", words, evidence=evidence).of(claim))
    if not pair.certain or (pair.a.sd_unsure and not claim.table and len(book.metrics) > 1):
        return unchecked(claim, "the effect size of pairs does not follow from means and sds")
    words = (
        f"the effect size is printed as {claim.said}, which does not follow from {pair.a.source}: {shown}."
    )
    return fails(claim, Fault("effect", "error", words, evidence=evidence).of(claim))
