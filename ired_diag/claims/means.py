"""Is a printed mean, or a value, one that the runs have, and of which readout?

    last, plateau, last10, best: see ``comparison.readouts``

A mean of best evaluations is a mean of luck: the best of k noisy evaluations is the better the more there
are. Without runs, the mean is that of the report's own values by seed.
"""

from __future__ import annotations

from ired_diag.claims.book import FAR, Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, heading_of, holds, unchecked
from ired_diag.claims.groups import READOUTS, matching
from ired_diag.claims.known_samples import label_of_claim, why_unknown
from ired_diag.claims.metrics import relation_to, spoken
from ired_diag.claims.other_number import runs_at_step, why_of_another
from ired_diag.claims.ranges import Range, fits
from ired_diag.claims.samples import Sample

FEWEST = 2  # values by seed that a mean is held against


def check_mean(claim: Claim, book: Book) -> Verdict:
    """Return whether a mean is that of the runs, or of the report's own seeds."""
    label = label_of_claim(claim, book)
    if label is None:
        return unchecked(claim, why_unknown(claim, book))
    if group := book.group(label):
        if why := why_of_another(claim, label, book):
            sample = book.of_seeds(label, claim.metric)
            return _of_seeds(claim, book, sample) if sample else unchecked(claim, why)
        return _of_runs(claim, book, label, group)
    sample = book.of_seeds(label, claim.metric)
    return _of_seeds(claim, book, sample) if sample else unchecked(claim, why_unknown(claim, book))


def _of_seeds(claim: Claim, book: Book, sample: Sample) -> Verdict:
    """Return whether a mean is that of the report's own values; a last digit that is cut off is let pass."""
    mean = sample.mean
    slack = Range.around(mean.middle, mean.high - mean.middle + claim.number.unit / 2)
    if fits(claim.number, mean) or fits(claim.number, slack):
        return holds(claim, f"the mean of {sample.source} is {mean.middle:.6g}")
    if mean.middle and not 1 / FAR < abs(claim.number.value / mean.middle) < FAR:
        return unchecked(claim, "it is so far from the values by seed that it may be of another metric")
    if sample.n < FEWEST:
        return unchecked(claim, "one value by seed is no sample that a mean could be held against")
    if _is_of_another_table(claim, book):
        return unchecked(claim, "its table may be of another set-up than the values by seed")
    words = (
        f"the mean{spoken(claim.metric)} is printed as {claim.said}; that of {sample.source} is "
        f"{mean.middle:.6g} ({sample.n} seeds)."
    )
    return fails(claim, Fault("mean", "error", words, evidence={"recomputed": mean.middle}).of(claim))


def _is_of_another_table(claim: Claim, book: Book) -> bool:
    """Say whether a mean stands under another heading than the values, in a table of which no mean agrees."""
    values = [c for label in claim.groups for c in book.stated("value", label, metric=claim.metric)]
    if not claim.table or any(heading_of(c) == heading_of(claim) for c in values):
        return False
    means = [c for c in book.claims if c.table == claim.table and c.kind == "mean" and len(c.groups) == 1]
    pairs = [(c, book.of_seeds(c.groups[0], c.metric)) for c in means]
    return len(means) > 1 and not any(own and fits(c.number, own.mean) for c, own in pairs)


def _of_runs(claim: Claim, book: Book, label: str, group: str) -> Verdict:
    if sample := runs_at_step(claim, group, book):
        return _at_step(claim, sample)
    readouts = matching(claim.number, group, book.groups)
    if readouts == ["best"]:
        last = book.groups.sample(group, "last")
        words = (
            f"{claim.number.text} is the mean of each seed's best evaluation: of many noisy ones the luckiest"
        )
        shown = (
            f"{words}; the last evaluations have the mean {last.mean.middle:.6g}." if last else f"{words}."
        )
        advice = f"Compare plateaus: ired-diag stats {group} OTHER --readout plateau"
        return holds(claim, "the runs' best", Fault("best_readout", "warning", shown, advice).of(claim))
    if readouts:
        return holds(claim, f"the runs of {group} ({', '.join(readouts)})")
    if lone := _of_one_seed(claim, book, group):
        return lone
    if relation_to(claim.metric, book.groups.metric) == "generic":
        return unchecked(claim, f"{claim.metric!r} may be of another metric than {book.groups.metric}")
    return _no_readout(claim, book, group)


def _at_step(claim: Claim, sample: Sample) -> Verdict:
    """Return whether a mean is that of the runs at the step that its words name."""
    if fits(claim.number, sample.mean):
        return holds(claim, sample.source)
    if sample.mean.middle and not 1 / FAR < abs(claim.number.value / sample.mean.middle) < FAR:
        return unchecked(claim, "it is so far from the runs' numbers that it may be of another metric")
    words = f"the mean is printed as {claim.said}; of {sample.source} it is {sample.mean.middle:.6g}."
    return fails(claim, Fault("mean", "error", words, evidence={"recomputed": sample.mean.middle}).of(claim))


def _no_readout(claim: Claim, book: Book, group: str) -> Verdict:
    """Return that no readout of the runs has the mean, with those that it has."""
    samples = {name: sample for name in READOUTS if (sample := book.groups.sample(group, name))}
    has = ", ".join(f"{name} {sample.mean.middle:.6g}" for name, sample in samples.items())
    words = (
        f"the {'mean' if claim.kind == 'mean' else 'number'} is printed as {claim.said}, "
        f"which the runs of {group} do not have: {has}."
        f"{_elsewhere(claim, book, group)}"
    )
    where = book.groups.other_readout(claim.number, group)
    words += f" Their mean {where} agrees: if that is meant, the report must say so." if where else ""
    advice = f"See all readouts: ired-diag stats {group}"
    evidence = {f"mean_{name}": sample.mean.middle for name, sample in samples.items()}
    return fails(claim, Fault("mean", "warning" if where else "error", words, advice, evidence).of(claim))


def _of_one_seed(claim: Claim, book: Book, group: str) -> Verdict | None:
    """Return the verdict on a number that is one seed's and no mean; None where it is not."""
    sample = book.groups.sample(group, "last")
    if sample is None or sample.n < 2:
        return None
    seeds = [s for s, value in sample.values.items() if fits(claim.number, Range.around(value, sample.half))]
    if not seeds:
        return None
    value = sample.values[seeds[0]]
    is_best = value == (min if book.groups.lower_is_better else max)(sample.values.values())
    which = f"the best of {sample.n} seeds" if is_best else f"one of {sample.n} seeds"
    words = (
        f"{claim.said} is the last evaluation of {seeds[0]} alone, {which} of {group}; "
        f"their mean is {sample.mean.middle:.6g}."
    )
    evidence = {"mean_last": sample.mean.middle, "n": sample.n}
    return holds(claim, f"{group}/{seeds[0]}", Fault("selection", "warning", words, "", evidence).of(claim))


def _elsewhere(claim: Claim, book: Book, group: str) -> str:
    """Return where else the number would be right."""
    others = [
        name for name in book.groups.members if name != group and matching(claim.number, name, book.groups)
    ]
    return f" It is the mean of {others[0]}." if len(others) == 1 else ""


def check_value(claim: Claim, book: Book) -> Verdict:
    """Return whether a seed's value is one that the seed's run has."""
    label = claim.groups[0] if len(claim.groups) == 1 else ""
    group = book.group(label) if label else None
    if group is None:
        return unchecked(claim, why_unknown(claim, book))
    if why := why_of_another(claim, label, book):
        return unchecked(claim, why)
    samples = {
        name: s for name in READOUTS if (s := book.groups.sample(group, name)) and claim.seed in s.values
    }
    at_step = runs_at_step(claim, group, book)
    if at_step and claim.seed in at_step.values:
        samples = {f"at {claim.metric}": at_step}
    if not samples:
        return _of_any_run(claim, book, group)
    fitting = [
        name
        for name, sample in samples.items()
        if fits(claim.number, Range.around(sample.values[claim.seed], sample.half))
    ]
    if fitting and book.readout_is_certain and book.readout in samples and book.readout not in fitting:
        return unchecked(claim, f"it is {fitting[0]}, and the other numbers of the report are {book.readout}")
    if fitting:
        return holds(claim, f"the run of {group}/{claim.seed} ({fitting[0]})")
    has = ", ".join(f"{name} {sample.values[claim.seed]:.6g}" for name, sample in samples.items())
    words = f"{claim.seed} is printed as {claim.said}; its run has {has}."
    return fails(claim, Fault("value", "error", words).of(claim))


def _of_any_run(claim: Claim, book: Book, group: str) -> Verdict:
    """Return whether any run of a group has the value; for runs that are not told by seeds.

    Where the runs are known by seeds, one that is not among them is of a run that is not here. Where they are
    not, a value that no run has is wrong only if most of the report's values are theirs.
    """
    at_step = runs_at_step(claim, group, book)
    samples = [at_step] if at_step else [s for name in READOUTS if (s := book.groups.sample(group, name))]
    if any(seed.pairable for seed in book.groups.members[group].seeds):
        return unchecked(claim, f"no complete run of {group} is {claim.seed or 'of that seed'}")

    def is_there(other: Claim) -> bool:
        return any(fits(other.number, Range.around(v, s.half)) for s in samples for v in s.values.values())

    if is_there(claim):
        return holds(claim, f"one of the runs of {group}")
    siblings = [
        c for c in book.claims if c.kind == "value" and c.groups == claim.groups and c.metric == claim.metric
    ]
    agreeing = sum(is_there(other) for other in siblings)
    if 2 * agreeing <= len(siblings):
        return unchecked(claim, "most of the values beside it are of no run, so that they may be of others")
    words = (
        f"{claim.said} is printed for {claim.seed or 'a run'}, and no run of {group} ends there; "
        f"{agreeing} of {len(siblings)} values beside it are of its runs."
    )
    return fails(claim, Fault("value", "error", words, evidence={"agreeing": agreeing}).of(claim))
