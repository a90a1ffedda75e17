"""Does a printed effect size follow from the samples?

    d = (x̄_a - x̄_b) / s_p,    g = J(df) d,    of pairs: d = mean of differences / their sd

References: Cohen (1988); Hedges (1981). See ``stats.hedges``.
"""

from __future__ import annotations

import re

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.comparisons import effects_of
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.pairs import Pair, samples_of_pair
from ired_diag.claims.ranges import fits, fits_any
from ired_diag.claims.samples import with_wrong_denominator

OTHER_EFFECT = re.compile(r"cliff|glass|\beta\b|\u03b7|omega|biserial|\bodds\b|\u00b2|\^2", re.IGNORECASE)


def check_effect(claim: Claim, book: Book) -> Verdict:
    """Return whether an effect size is that of the samples, in its size without its sign."""
    if other := OTHER_EFFECT.search(claim.wording):
        return unchecked(claim, f"it may be of another effect size ({other[0]!r})")
    pair = samples_of_pair(claim, book)
    if pair is None:
        return unchecked(claim, why_unknown(claim, book))
    effects = effects_of(pair.a, pair.b, pairs=pair.pairs)
    if not effects:
        return unchecked(claim, why_unknown(claim, book))
    for name, effect in effects.items():
        if fits(claim.number, effect, magnitude=True):
            return holds(claim, f"{name} of {pair.a.source}")
    evidence = {name: effect.middle for name, effect in effects.items()}
    shown = "; ".join(f"{name} is {value:.3g}" for name, value in evidence.items())
    if _is_of_population(claim, pair):
        return refuted(
            claim,
            rule="population_sd",
            severity="warning",
            words=f"the effect size {claim.said} follows only from population sds (ddof = 0): {shown}.",
            evidence=evidence,
        )
    # The d of pairs needs the sd of the differences, which two sds do not give.
    of_any_metric = pair.a.sd_unsure and not claim.table and len(book.metrics) > 1
    if not pair.certain or of_any_metric:
        return unchecked(claim, "the effect size of pairs does not follow from means and sds")
    printed = f"the effect size is printed as {claim.said}"
    return refuted(
        claim,
        rule="effect",
        words=f"{printed}, which does not follow from {pair.a.source}: {shown}.",
        evidence=evidence,
    )


def _is_of_population(claim: Claim, pair: Pair) -> bool:
    """Say whether an effect size comes out with sds that are taken for what they are not."""
    a, b = map(with_wrong_denominator, pair.samples)
    effects = effects_of(a, b, pairs=False)
    return fits_any(claim.number, effects.values(), magnitude=True)
