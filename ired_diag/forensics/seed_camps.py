"""Seeds that fall into camps by commit, host, device or day: then they are not one sample.

The final values of a group (the mean of the last tenth of each seed's evaluations) are split by what says
where and when each seed ran: what its log says, else its configuration. If that means nothing, labels may be
exchanged: a permutation test gives p (``stats.camps``). Labels that split the seeds alike are one question
(the commit changed on the day the host did), and Holm's correction is for all groups and questions. At 1% it
is a warning, where the camps do not overlap. So it is at 5%, where the gap between them is wider than each of
them, or their means are four standard deviations of a seed apart: the permutation test sees ranks alone, so
that 5 against 5 reach no less than p = 2/252 = 0.0079, twice that with two questions, however far they lie
apart. At 5% it is else a note.

Runs of one experiment at two commits are two groups (``runs.arrange``). Where their settings are equal and no
seed is in both, they are meant as one sample, and are looked at together too.

Eight seeds with at least two in each of two camps are the fewest: 4 against 4 reach p = 2/70 = 0.029.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, judged_metric, labels_of, listed, not_none
from ired_diag.runs.name_list import counted
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.stats.camps import camps_p
from ired_diag.stats.multiplicity import holm

KEYS = ("git_commit", "host", "gpu", "day", "job")
WORDS = {"git_commit": "commit", "gpu": "device"}
STATED = {
    "git_commit": frozenset("commit commit_hash git_commit git_hash git_sha sha revision".split()),
    "host": frozenset("host hostname machine node nodename node_name".split()),
    "gpu": frozenset("gpu gpu_model gpu_name gpu_type device_name".split()),
}
FEWEST, SMALLEST_CAMP = 8, 2  # seeds
SURE, LIKELY = 0.01, 0.05  # of Holm's p
MANY = 4.0  # standard deviations; 4 against 4 seeds then have t = 5.7 and a p of 0.0013 by Student's test


@dataclass(frozen=True)
class Question:
    """A split of a group's seeds by what says where or when they ran.

    Attributes:
        group: Its name.
        keys: All keys that split the seeds alike.
        runs: The seeds that are in a camp.
        labels: Their camps.
        values: Their final values.
    """

    group: str
    keys: tuple[str, ...]
    runs: tuple[Run, ...]
    labels: tuple[str, ...]
    values: tuple[float, ...]


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose seeds fall into camps."""
    questions: list[Question] = []
    for group, runs in [*study.groups().items(), *_samples_in_several_groups(study)]:
        questions.extend(_questions(group, runs))
    if not questions:
        return
    ps = [camps_p(question.values, question.labels) for question in questions]
    for question, p, corrected in zip(questions, ps, holm(ps).tolist(), strict=True):
        if corrected <= LIKELY:
            yield _finding(question, p=p, corrected=corrected, tested=len(questions))


def _samples_in_several_groups(study: Study) -> Iterator[tuple[str, list[Run]]]:
    """Yield each experiment whose groups have equal settings and no seed in common, with its runs."""
    families: dict[tuple[str, str, str], list[Run]] = defaultdict(list)
    for run in study.runs:
        if run.seed is not None and run.commit is not None:
            settings = json.dumps(run.settings, sort_keys=True, default=str)
            families[run.experiment, settings, judged_metric(run)].append(run)
    for (experiment, *_), runs in families.items():
        groups = {run.group for run in runs}
        seeds = {run.seed for run in runs}
        if len(groups) > 1 and len(seeds) == len(runs):
            yield experiment, runs


def _questions(group: str, runs: Sequence[Run]) -> Iterator[Question]:
    """Yield each different split of a group's seeds."""
    ended = [run for run in runs if final_value(run) is not None]
    keys_of: dict[tuple[tuple[int, int], ...], list[str]] = defaultdict(list)
    for key in KEYS:
        split = _split_by([_label(run, key) for run in ended])
        if split:
            keys_of[split].append(key)
    for split, keys in keys_of.items():
        chosen = [ended[place] for place, _ in split]
        yield Question(
            group=group,
            keys=tuple(keys),
            runs=tuple(chosen),
            labels=tuple(_label(run, keys[0]) for run in chosen),
            values=tuple(final_values(chosen)),
        )


def _split_by(labels: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return the place and the camp of each seed that is in a camp; nothing where there are too few."""
    sizes = Counter(filter(None, labels))
    camps = [label for label, size in sizes.items() if size >= SMALLEST_CAMP]
    split = []
    for place, label in enumerate(labels):
        if label in camps:
            split.append((place, camps.index(label)))
    if len(camps) < 2 or len(split) < FEWEST:
        return ()
    return tuple(split)


def final_value(run: Run) -> float | None:
    """Return the mean of the last tenth of a run's evaluations; None where it is not its finite end."""
    if run.evaluated is None or not run.ending.may_be_complete:
        return None
    values = np.asarray(run.evaluated[1].values, dtype=np.float64)
    tenth = max(1, len(values) // 10)
    late = values[-tenth:]
    if not np.isfinite(late).all():
        return None
    return float(late.mean())


def final_values(runs: Sequence[Run]) -> list[float]:
    """Return the final value of each run that has one."""
    return not_none(map(final_value, runs))


def _label(run: Run, key: str) -> str:
    if key == "day":
        return str(run.provenance.get("started") or "")[:10]
    return str(run.provenance.get(key) or stated_place(run, key))


def stated_place(run: Run, key: str) -> str:
    """Return what a configuration states as host, device or commit; nothing where it does not."""
    names = STATED.get(key, frozenset())
    for name, value in (run.configuration or {}).items():
        is_of_key = name.rpartition(".")[2].lower() in names
        if is_of_key and isinstance(value, str) and value:
            return value
    return ""


def _finding(question: Question, *, p: float, corrected: float, tested: int) -> Finding:
    camps: dict[str, list[float]] = defaultdict(list)
    for label, value in zip(question.labels, question.values, strict=True):
        camps[label].append(value)
    means = listed(_camp_in_words(label, values) for label, values in camps.items())
    apart = _are_apart(list(camps.values()))
    separation = ", and the camps do not overlap" if apart else ""
    keys = " and ".join(WORDS.get(key, key) for key in question.keys)
    statement = (
        f"{question.group}: the final values of its seeds fall into camps by {keys}: {means}; permutation "
        f"test p = {p:.2g}, {corrected:.2g} after Holm's correction for {counted(tested, 'split')}"
        f"{separation}. They are not one sample of seeds."
    )
    evidence: Evidence = {
        "group": question.group,
        "keys": ", ".join(question.keys),
        "camps": len(camps),
        "runs": len(question.runs),
        "p": p,
        "p_holm": corrected,
        "splits": tested,
        "apart": apart,
    }
    is_far = _are_far_apart(list(camps.values())) or _are_many_deviations_apart(list(camps.values()))
    is_sure = corrected <= SURE or is_far
    severity: Severity = "warning" if apart and is_sure else "note"
    return Finding(
        rule="seed_camps",
        severity=severity,
        statement=statement,
        evidence=evidence,
        advice=(
            "Compare only seeds of one camp, or train one seed of each camp again with the "
            f"{keys} of the other camp."
        ),
        runs=labels_of(question.runs),
    )


def _camp_in_words(label: str, values: Sequence[float]) -> str:
    return f"{label[:24]}: {np.mean(values):.4g} (n = {len(values)})"


def _are_apart(camps: list[list[float]]) -> bool:
    """Say whether no two camps overlap."""
    ordered = sorted(camps, key=min)
    return all(max(a) < min(b) for a, b in itertools.pairwise(ordered))


def _are_far_apart(camps: list[list[float]]) -> bool:
    """Say whether the gap between any two camps is wider than the widest of them."""
    ordered = sorted(camps, key=min)
    gaps = [min(b) - max(a) for a, b in itertools.pairwise(ordered)]
    widths = [max(camp) - min(camp) for camp in camps]
    return min(gaps) > max(widths)


def _are_many_deviations_apart(camps: list[list[float]]) -> bool:
    """Say whether the means of any two camps are ``MANY`` standard deviations of a seed apart."""
    squares, freedom = 0.0, 0
    for camp in camps:
        squares += float(np.sum((np.array(camp) - np.mean(camp)) ** 2))
        freedom += len(camp) - 1
    deviation = np.sqrt(squares / freedom)
    means = sorted(float(np.mean(camp)) for camp in camps)
    return all(b - a > MANY * deviation for a, b in itertools.pairwise(means))


RULE = Rule(
    name="seed_camps",
    question="Do seeds fall into camps by commit, host, device or day?",
    find=find,
    consequence="conclusion",
    refuted_by="The same seeds trained again in the other camp, which end as before.",
    near_miss=(
        "Seeds on many hosts whose values do not depend on the host; two camps with one seed apart; the same "
        "seeds at two commits, which are two groups by design."
    ),
    example="Five seeds of one commit end at 0.0097 and five of the next at 0.0104.",
)
