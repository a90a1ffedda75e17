"""A setting out of line with its siblings: a slip of the keyboard, or of a search that replaced too much.

Compared are the groups of a study that configure a key with a number. Where a key has two or three values,
and two groups of three have the same, the others are looked at; more values are a sweep. It looks like a slip
where

- the odd number is the usual one with one digit put in, and no power of ten times it (220 next to 20), or
  with two neighbouring digits of three or more exchanged (521 next to 512), or it is the number in the
  experiment's own name (q220 with a rank of 220); and
- the run's name, description and notes name neither the key nor the number; and
- another key differs too: who varies one key alone means it. That does not excuse 521 next to 512: the usual
  number is one that people choose (a power of two, a round number) and the odd one is not. Three runs at the
  usual number are then enough.

That is a warning. So is one seed whose setting is a power of ten times that of three or more other seeds of
its experiment, which agree in everything. So are inputs that the log prints and that are not those of the
configured rank, r². The only other value of a key, ten times away from the usual one, without a slip's look,
is a note.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ired_diag.config_keys import METADATA
from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, counted, listed
from ired_diag.runs.run import Run
from ired_diag.runs.setting_number import number_of
from ired_diag.runs.study import Study

FEWEST = 4  # groups that configure the key
FEWEST_RUNS = 3  # at the usual number, next to one with two of its digits exchanged
MOST_VALUES = 3  # of a key: with more it is a sweep
USUAL = 2 / 3  # of them have the usual value; any share where the odd one is the experiment's own number
FAR = 10.0  # times
TEXTS = ("experiment_name", "name", "run_name", *METADATA)
NOT_A_CHOICE = frozenset("train_steps max_steps epochs num_epochs log_every checkpoint_every".split())


@dataclass(frozen=True)
class Member:
    """A group, with its configuration and what its runs say about themselves."""

    group: str
    settings: Mapping[str, Any]
    text: str
    inputs: int | None
    runs: int = 1


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each key and value out of line, and for each rank that the log contradicts."""
    members = [_member(group, runs) for group, runs in study.groups().items() if runs[0].settings]
    keys = dict.fromkeys(key for member in members for key in member.settings)
    for key in keys:
        if key not in NOT_A_CHOICE:
            yield from _of_key(key, [m for m in members if number_of(m.settings.get(key)) is not None])
    yield from _lone_seeds(study)
    yield from (_contradicted(member) for member in members if _is_contradicted(member))


def _member(group: str, runs: Sequence[Run]) -> Member:
    told = runs[0].configuration or {}
    texts = [
        runs[0].experiment,
        _own_variant(runs[0]),
        runs[0].name or "",
        *(str(told[key]) for key in TEXTS if isinstance(told.get(key), str)),
    ]
    inputs = next((run.provenance.get("input_dimension") for run in runs), None)
    inputs = inputs if isinstance(inputs, int) else None
    return Member(group, runs[0].settings, "\n".join(texts), inputs, len(runs))


def _own_variant(run: Run) -> str:
    """Return a variant's name, unless it is made of its settings here: ``hidden=521`` is nobody's note."""
    return "" if "=" in (run.variant or "") and run.settings else run.variant or ""


def _of_key(key: str, members: Sequence[Member]) -> Iterator[Finding]:
    groups: dict[float, list[Member]] = defaultdict(list)
    for member in members:
        groups[number_of(member.settings[key]) or 0.0].append(member)
    if not 2 <= len(groups) <= MOST_VALUES:
        return
    if len(groups) == 2:
        yield from _exchanged(key, groups)
    if len(members) < FEWEST:
        return
    for odd, having in groups.items():
        rest = {value: others for value, others in groups.items() if value != odd}
        usual = max(rest, key=lambda value: len(rest[value]))
        own = all(_is_own_number(odd, member.group) for member in having)
        rare = len(rest[usual]) >= USUAL * len(members)
        if _is_exchanged_choice(odd, usual) and len(groups) == 2:
            continue  # told already, or meant
        slip = (own or rare) and (_is_slip(odd, usual) or (rare and _is_exchanged(odd, usual)))
        far = rare and len(groups) == 2 and min(abs(odd), abs(usual)) > 0
        far = far and not 1 / FAR < abs(odd / usual) < FAR
        left = [member for member in having if not _is_meant(key, odd, member, rest[usual])]
        if (slip or far) and left:
            yield _finding(key, odd=odd, other=usual, members=left, others=rest[usual], slip=slip)


def _exchanged(key: str, groups: Mapping[float, Sequence[Member]]) -> Iterator[Finding]:
    """Yield a finding where a group has two digits exchanged of a number that other runs have."""
    for odd, usual in (tuple(groups), tuple(groups)[::-1]):
        at_usual = _runs(groups[usual])
        left = [member for member in groups[odd] if not _is_in_text(key, odd, member)]
        if left and _is_exchanged_choice(odd, usual) and at_usual >= max(FEWEST_RUNS, 2 * _runs(groups[odd])):
            yield _finding(key, odd=odd, other=usual, members=left, others=groups[usual], slip=True)


def _runs(members: Sequence[Member]) -> int:
    return sum(member.runs for member in members)


def _is_own_number(value: float, group: str) -> bool:
    return re.search(rf"(?<!\d)[a-z]{re.escape(f'{value:g}')}(?!\d)", group) is not None and value >= 10


def _is_slip(odd: float, other: float) -> bool:
    """Say whether a number is another with one digit put in, and no power of ten times it.

    >>> _is_slip(220, 20), _is_slip(200, 20), _is_slip(16, 1), _is_slip(20488, 2048)
    (True, False, False, True)
    """
    long, short = f"{odd:.12g}", f"{other:.12g}"
    if len(short.replace(".", "")) < 2 or len(long) != len(short) + 1 or "e" in long + short:
        return False
    put_in = any(long[:place] + long[place + 1 :] == short for place in range(len(long)))
    return put_in and abs(odd / other) not in (10.0, 100.0, 0.1, 0.01) and not _is_round(odd)


def _is_exchanged(odd: float, other: float) -> bool:
    """Say whether a number is another with two neighbouring digits exchanged, of three digits or more.

    >>> _is_exchanged(521, 512), _is_exchanged(21, 12), _is_exchanged(512, 256), _is_exchanged(215, 512)
    (True, False, False, False)
    """
    a, b = f"{odd:.12g}", f"{other:.12g}"
    digits = b.replace(".", "").lstrip("0")
    if len(a) != len(b) or len(digits) < 3 or "e" in a + b:
        return False
    places = [place for place in range(len(a)) if a[place] != b[place]]
    if len(places) != 2 or places[1] != places[0] + 1:
        return False
    i, j = places
    return a[i] == b[j] and a[j] == b[i] and "." not in a[i : j + 1]


def _is_exchanged_choice(odd: float, usual: float) -> bool:
    """Say whether the usual number is a choice of people, and the odd one has two of its digits exchanged.

    >>> _is_exchanged_choice(521, 512), _is_exchanged_choice(512, 521), _is_exchanged_choice(1052, 1025)
    (True, False, False)
    """
    return _is_exchanged(odd, usual) and _is_round(usual) and not _is_round(odd) and odd % 8 != 0


def _is_round(value: float) -> bool:
    """Say whether a number is one that people choose: a power of two, or 1, 2, 3, 5 times a power of ten."""
    whole = int(value) if value == int(value) else 0
    return whole > 0 and (whole & (whole - 1) == 0 or f"{whole}".rstrip("0") in ("1", "2", "3", "5"))


def _is_meant(key: str, value: float, member: Member, others: Sequence[Member]) -> bool:
    """Say whether the texts name the key or the number, or the key is all that differs from a sibling."""
    if _is_in_text(key, value, member):
        return True
    return any(_differing(member.settings, other.settings) == {key} for other in others)


def _is_in_text(key: str, value: float, member: Member) -> bool:
    """Say whether a name or a note of a group names the key or the number."""
    number = rf"(?<![\w.]){re.escape(f'{value:g}')}(?![\w]|\.\d)"
    if key in member.text or re.search(number, member.text):
        return True
    return any(word in member.text.lower() for word in key.lower().split("_") if len(word) > 3)


def _differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> set[str]:
    return {key for key in {**a, **b} if key not in TEXTS and a.get(key) != b.get(key)}


def _finding(
    key: str,
    *,
    odd: float,
    other: float,
    members: Sequence[Member],
    others: Sequence[Member],
    slip: bool,
) -> Finding:
    severity: Severity = "warning" if slip else "note"
    where = counted(len(others), "other group")
    statement = (
        f"{listed(member.group for member in members)}: {key} is {odd:g}, and {other:g} in {where} "
        f"({listed(member.group for member in others)}). Nothing in the names or notes says why"
    )
    inputs = next((member.inputs for member in members if member.inputs), None)
    statement += f"; the log prints inputs of {inputs} numbers" if inputs else ""
    own = all(_is_own_number(odd, member.group) for member in members)
    kind = "that exchanged two digits" if _is_exchanged(odd, other) else "of one digit"
    statement += f"; {odd:g} is also the number in their names" if own else ""
    statement += f": a slip {kind}?" if slip else "."
    evidence: Evidence = {"group": members[0].group, "groups": len(members), "key": key, "value": odd}
    evidence |= {"usual": other, "others": len(others), "inputs": inputs}
    advice = f"Compare none of these groups with the others before {key} is explained or set to {other:g}."
    return Finding("setting_slip", severity, statement, evidence, advice)


def _lone_seeds(study: Study) -> Iterator[Finding]:
    """Yield a finding for each seed that alone has a setting ten times that of all others."""
    experiments: dict[str, list[Run]] = defaultdict(list)
    for run in study.runs:
        if run.settings and run.seed is not None and not run.of_table:
            experiments[run.experiment].append(run)
    for runs in experiments.values():
        for run in runs if len(runs) >= FEWEST else ():
            others = [other for other in runs if other is not run]
            keys = {key for other in others for key in _differing(run.settings, other.settings)} - {"seed"}
            alike = all(not _differing(others[0].settings, other.settings) - {"seed"} for other in others)
            is_seed = len({other.seed for other in runs}) == len(runs)
            if len(keys) == 1 and alike and is_seed and (key := keys.pop()) not in NOT_A_CHOICE:
                yield from _of_lone_seed(run, key, others)


def _of_lone_seed(run: Run, key: str, others: Sequence[Run]) -> Iterator[Finding]:
    odd, usual = (number_of(other.settings.get(key)) for other in (run, others[0]))
    told = run.configuration or {}
    texts = [run.name or "", _own_variant(run), *(str(told[text]) for text in TEXTS if text in told)]
    member = Member(run.group, run.settings, "\n".join(texts), None)
    if not odd or not usual or not _is_power_of_ten(odd / usual) or _is_in_text(key, odd, member):
        return
    statement = (
        f"{run.experiment}: {run.seed_label} has {key} {odd:g}, and the other {len(others)} seeds have "
        f"{usual:g}. No name or note says why: a misplaced decimal point? "
        "They are not seeds of one experiment."
    )
    evidence: Evidence = {"group": run.group, "run": run.label, "key": key, "value": odd, "usual": usual}
    advice = f"Leave {run.seed_label} out, or train it again with {key} {usual:g}."
    yield Finding("setting_slip", "warning", statement, evidence, advice, runs=(run.label,))


def _is_power_of_ten(ratio: float) -> bool:
    """Say whether a ratio is 10, 100, 1/10, and so on.

    >>> _is_power_of_ten(0.1), _is_power_of_ten(1000.0), _is_power_of_ten(1.0), _is_power_of_ten(20.0)
    (True, True, False, False)
    """
    power = math.log10(abs(ratio))
    return abs(power) > 0.5 and abs(power - round(power)) < 1e-6


def _is_contradicted(member: Member) -> bool:
    rank = member.settings.get("rank")
    return isinstance(rank, int) and member.inputs is not None and member.inputs != rank**2


def _contradicted(member: Member) -> Finding:
    rank = int(member.settings["rank"])
    statement = (
        f"{member.group}: rank is {rank}, which makes inputs of {rank**2} numbers, and the log prints inputs "
        f"of {member.inputs}: the configuration is not what ran."
    )
    evidence: Evidence = {"group": member.group, "key": "rank", "value": rank, "inputs": member.inputs}
    advice = "Trust the log; find out which configuration the program read."
    return Finding("setting_slip", "warning", statement, evidence, advice)


RULE = Rule(
    name="setting_slip",
    question="Is a setting out of line with its siblings, or with the log?",
    find=find,
    consequence="conclusion",
    refuted_by="A plan, a name or a note that gives this value for these runs.",
    near_miss="A sweep of several values; one key varied alone; a value that the name or the notes give.",
    example="rank 220 in two groups of q220, 20 in six other groups, and inputs of 48400 in the log.",
)
