"""What is odd about a p that is rightly computed: it may still be of the wrong test.

- Student's where Welch's, which allows unequal variances, is on the other side of 5%;
- an unpaired one where the seeds are pairs, with the same data and the same evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ired_diag.claims.claim import Claim, Fault
from ired_diag.claims.comparisons import Tested
from ired_diag.claims.pairs import Pair
from ired_diag.finding import Finding, Severity

ALPHA = 0.05


def remarks_on(
    claim: Claim, pair: Pair, tests: Mapping[str, Tested], fitting: Sequence[str]
) -> Iterator[Finding]:
    """Yield what is odd about a p that one of the tests gives.

    Args:
        claim: The p; of another number nothing is yielded.
        pair: The samples.
        tests: All that the samples allow.
        fitting: The names of those that give the p.
    """
    if claim.kind != "p" or claim.number.relation:
        return
    p = {name: test.p.middle for name, test in tests.items()}
    evidence: dict[str, float] = {f"p_{name}": value for name, value in p.items()}
    evidence["sd_a"] = pair.a.sd.middle
    evidence["sd_b"] = pair.b.sd.middle
    only_student = "student" in fitting and "welch" not in fitting
    if only_student and _on_other_sides(p["student"], p["welch"]):
        yield _student_for_welch(claim, p["welch"], evidence)
    if pair.stated_pairs and "paired" in p and "paired" not in fitting:
        yield _unpaired(claim, p["paired"], evidence)


def _on_other_sides(p: float, other: float) -> bool:
    return (p < ALPHA) != (other < ALPHA)


def _student_for_welch(claim: Claim, welch: float, evidence: Mapping[str, float]) -> Finding:
    sds = f"{evidence['sd_a']:.3g} and {evidence['sd_b']:.3g}"
    fault = Fault(
        rule="student_unequal_variances",
        severity="warning",
        words=f"p = {claim.said} is Student's, which takes the variances for equal; the sds are {sds}, and "
        f"Welch's test, which does not, gives p = {welch:.3g}, on the other side of 5%.",
        advice="Use Welch's test, or pairs.",
        evidence=evidence,
    )
    return fault.of(claim)


def _unpaired(claim: Claim, paired: float, evidence: Mapping[str, float]) -> Finding:
    severity: Severity = "note"
    conclusion = "the same"
    if _on_other_sides(claim.number.value, paired):
        severity = "warning"
        conclusion = "another"
    fault = Fault(
        rule="unpaired",
        severity=severity,
        words=f"p = {claim.said} is of an unpaired test, but the configurations share data and evaluation, "
        f"so equal seeds are pairs; the paired test gives p = {paired:.3g}, {conclusion} conclusion at 5%.",
        advice="ired-diag stats pairs the seeds.",
        evidence=evidence,
    )
    return fault.of(claim)
