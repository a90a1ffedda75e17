"""Seeds that fall into camps by commit, host, device or day: then they are not one sample.

The final values of a group (the mean of the last tenth of each seed's evaluations) are split by what says
where and when each seed ran: what its log says, else its configuration. If that means nothing, labels may be
exchanged: a permutation test gives p (``stats.camps``). Labels that split the seeds alike are one question
(the commit changed on the day the host did), and Holm's correction is for all groups and questions. At 1% it
is a warning, where the camps do not overlap; at 5% a note.

Eight seeds with at least two in each of two camps are the fewest: 4 against 4 reach p = 2/70 = 0.029.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, counted, listed
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
SURE, LIKELY = 0.01, 0.05


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
    questions = [question for group, runs in study.groups().items() for question in _questions(group, runs)]
    ps = [camps_p(question.values, question.labels) for question in questions]
    adjusted = holm(ps).tolist() if ps else []
    for question, p, corrected in zip(questions, ps, adjusted, strict=True):
        if corrected <= LIKELY:
            yield _finding(question, p=p, corrected=corrected, asked=len(questions))


def _questions(group: str, runs: Sequence[Run]) -> Iterator[Question]:
    """Yield each different split of a group's seeds."""
    ended = [(run, value) for run in runs if (value := final_value(run)) is not None]
    by_split: dict[tuple[tuple[int, int], ...], list[str]] = defaultdict(list)
    for key in KEYS:
        labels = [_label(run, key) for run, _ in ended]
        sizes = Counter(label for label in labels if label)
        camps = [label for label, size in sizes.items() if size >= SMALLEST_CAMP]
        in_camps = [(place, camps.index(label)) for place, label in enumerate(labels) if label in camps]
        if len(camps) >= 2 and len(in_camps) >= FEWEST:
            by_split[tuple(in_camps)].append(key)
    for split, keys in by_split.items():
        chosen = [ended[place] for place, _ in split]
        labels = [_label(run, keys[0]) for run, _ in chosen]
        yield Question(
            group,
            tuple(keys),
            tuple(run for run, _ in chosen),
            tuple(labels),
            tuple(value for _, value in chosen),
        )


def final_value(run: Run) -> float | None:
    """Return the mean of the last tenth of a run's evaluations; None where it is not its finite end."""
    if run.evaluated is None or not run.ending.may_be_complete:
        return None
    values = np.asarray(run.evaluated[1].values, dtype=np.float64)
    late = values[-max(1, len(values) // 10) :]
    return float(late.mean()) if np.isfinite(late).all() else None


def _label(run: Run, key: str) -> str:
    if key == "day":
        return str(run.provenance.get("started") or "")[:10]
    return str(run.provenance.get(key) or stated_place(run, key))


def stated_place(run: Run, key: str) -> str:
    """Return what a configuration states as host, device or commit; nothing where it states none."""
    for name, value in (run.configuration or {}).items():
        if name.rpartition(".")[2].lower() in STATED.get(key, ()) and isinstance(value, str) and value:
            return value
    return ""


def _finding(question: Question, *, p: float, corrected: float, asked: int) -> Finding:
    camps: dict[str, list[float]] = defaultdict(list)
    for label, value in zip(question.labels, question.values, strict=True):
        camps[label].append(value)
    apart = _are_apart(list(camps.values()))
    severity: Severity = "warning" if corrected <= SURE and apart else "note"
    keys = " and ".join(WORDS.get(key, key) for key in question.keys)
    shown = listed(
        (f"{label[:24]}: {np.mean(values):.4g} (n = {len(values)})" for label, values in camps.items()), 4
    )
    statement = (
        f"{question.group}: the final values of its seeds fall into camps by {keys}: {shown}; permutation "
        f"test p = {p:.2g}, {corrected:.2g} after Holm's correction for {counted(asked, 'split')}"
        f"{', and the camps do not overlap' if apart else ''}. They are not one sample of seeds."
    )
    evidence: Evidence = {"group": question.group, "keys": ", ".join(question.keys), "camps": len(camps)}
    evidence |= {"runs": len(question.runs), "p": p, "p_holm": corrected, "splits": asked, "apart": apart}
    advice = f"Compare within one camp, or train one seed of each camp again under the other {keys}."
    runs = tuple(run.label for run in question.runs)
    return Finding("seed_camps", severity, statement, evidence, advice, runs=runs)


def _are_apart(camps: list[list[float]]) -> bool:
    """Say whether no two camps overlap."""
    ordered = sorted(camps, key=min)
    return all(max(a) < min(b) for a, b in itertools.pairwise(ordered))


RULE = Rule(
    name="seed_camps",
    question="Do seeds fall into camps by commit, host, device or day?",
    find=find,
    consequence="conclusion",
    refuted_by="The same seeds trained again in the other camp, which end as before.",
    near_miss="Seeds on many hosts whose values do not depend on the host; two camps with one seed apart.",
    example="Five seeds of one commit end at 0.0097 and five of the next at 0.0104.",
)
