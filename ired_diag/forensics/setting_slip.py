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
its experiment, which agree in everything; or a number that nobody chooses (244), where the seed fills the gap
in a row of the others (2, between 0, 1 and 3). So is one seed that logs a multiple of the learning rate that
three or more other seeds of its group log (``runs.lone_rate``): seeds of one configuration have one schedule.
So are inputs that the log prints and that are not those of the
configured rank, r². The only other value of a key, ten times away from the usual one, without a slip's look,
is a note.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.forensics.zero_learning_rate import logged_rates
from ired_diag.runs.lone_rate import lone_rate
from ired_diag.runs.name_list import counted
from ired_diag.runs.run import Run
from ired_diag.runs.setting_number import number_of
from ired_diag.runs.stated_settings import TEXTS, differing_settings, keys_of, notes_of
from ired_diag.runs.study import Study

FEWEST = 4  # groups that configure the key
FEWEST_RUNS = 3  # at the usual number, next to one with two of its digits exchanged
MOST_VALUES = 3  # of a key: with more it is a sweep
USUAL = 2 / 3  # of them have the usual value; any share where the odd one is the experiment's own number
FAR = 10.0  # times

NOT_A_CHOICE = frozenset("train_steps max_steps epochs num_epochs log_every checkpoint_every".split())


@dataclass(frozen=True)
class Member:
    """A group, with its configuration and what its runs say about themselves.

    Attributes:
        group: Name of the group.
        settings: The configuration.
        text: Names and notes of its runs.
        inputs: Numbers of inputs that the logs print, by the labels of their runs.
        runs: Number of runs.
    """

    group: str
    settings: Mapping[str, Any]
    text: str
    inputs: Mapping[str, int]
    runs: int = 1


Groups = Mapping[float, Sequence[Member]]  # by their value of a key


@dataclass(frozen=True)
class OddPair:
    """Two values of a key, of which one is out of line.

    Attributes:
        key: The key.
        odd: The value out of line.
        usual: The value of the others.
        members: The groups with the value out of line that nothing explains.
        others: The groups with the usual value.
    """

    key: str
    odd: float
    usual: float
    members: Sequence[Member]
    others: Sequence[Member]


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each key and value out of line, and for each rank that the log contradicts."""
    members = [_member(group, runs) for group, runs in study.groups().items() if runs[0].settings]
    for key in keys_of(member.settings for member in members):
        if key not in NOT_A_CHOICE:
            yield from _of_key(key, members)
    yield from _lone_seeds(study)
    yield from _lone_rates(study)
    for member in members:
        yield from _of_inputs(member)


def _member(group: str, runs: Sequence[Run]) -> Member:
    first = runs[0]
    texts = [first.experiment, _own_variant(first), first.name or "", *notes_of(first.configuration)]
    inputs: dict[str, int] = {}
    for run in runs:
        printed = run.provenance.get("input_dimension")
        if isinstance(printed, int):
            inputs[run.label] = printed
    return Member(
        group=group,
        settings=first.settings,
        text="\n".join(texts),
        inputs=inputs,
        runs=len(runs),
    )


def _own_variant(run: Run) -> str:
    """Return a variant's name, unless it is made of its settings here: ``hidden=521`` is nobody's note."""
    variant = run.variant or ""
    if "=" in variant and run.settings:
        return ""
    return variant


def _of_key(key: str, members: Sequence[Member]) -> Iterator[Finding]:
    """Yield a finding for each value of a key that is out of line with the other values."""
    groups: dict[float, list[Member]] = defaultdict(list)
    for member in members:
        value = number_of(member.settings.get(key))
        if value is not None:
            groups[value].append(member)
    if not 2 <= len(groups) <= MOST_VALUES:
        return
    if len(groups) == 2:
        yield from _exchanged(key, groups)
    if sum(map(len, groups.values())) < FEWEST:
        return
    for odd in groups:
        others = {value: members for value, members in groups.items() if value != odd}
        usual = max(others, key=lambda value: len(others[value]))
        if _is_exchanged_choice(odd, usual) and len(groups) == 2:
            continue  # reported already, or meant
        is_slip = _looks_like_a_slip(odd, usual, groups)
        if not is_slip and not _is_far(odd, usual, groups):
            continue
        unexplained = [member for member in groups[odd] if not _is_meant(key, odd, member, groups[usual])]
        if unexplained:
            pair = OddPair(key=key, odd=odd, usual=usual, members=unexplained, others=groups[usual])
            yield _finding(pair, slip=is_slip)


def _is_rare(usual: float, groups: Groups) -> bool:
    """Say whether most groups have the usual value."""
    return len(groups[usual]) >= USUAL * sum(map(len, groups.values()))


def _looks_like_a_slip(odd: float, usual: float, groups: Groups) -> bool:
    is_rare = _is_rare(usual, groups)
    is_own = _is_own_number_of_all(odd, groups[odd])
    if _is_slip(odd, usual):
        return is_own or is_rare
    return is_rare and _is_exchanged(odd, usual)


def _is_far(odd: float, usual: float, groups: Groups) -> bool:
    """Say whether a value is the only one next to the usual value, and ten times away from it."""
    if len(groups) != 2 or not _is_rare(usual, groups) or odd == 0 or usual == 0:
        return False
    ratio = abs(odd / usual)
    return not 1 / FAR < ratio < FAR


def _exchanged(key: str, groups: Groups) -> Iterator[Finding]:
    """Yield a finding where a group has two digits exchanged of a number that other runs have."""
    for odd, usual in itertools.permutations(groups):
        runs_at_usual = _runs(groups[usual])
        is_rare = runs_at_usual >= max(FEWEST_RUNS, 2 * _runs(groups[odd]))
        unexplained = [member for member in groups[odd] if not _is_in_text(key, odd, member)]
        if unexplained and is_rare and _is_exchanged_choice(odd, usual):
            pair = OddPair(key=key, odd=odd, usual=usual, members=unexplained, others=groups[usual])
            yield _finding(pair, slip=True)


def _runs(members: Sequence[Member]) -> int:
    return sum(member.runs for member in members)


def _is_own_number(value: float, group: str) -> bool:
    """Say whether a number is the one in an experiment's own name: 220 in q220."""
    number = re.escape(f"{value:g}")
    return value >= 10 and re.search(rf"(?<!\d)[a-z]{number}(?!\d)", group) is not None


def _is_own_number_of_all(value: float, members: Sequence[Member]) -> bool:
    return all(_is_own_number(value, member.group) for member in members)


def _is_slip(odd: float, other: float) -> bool:
    """Say whether a number is another with one digit put in, and no power of ten times it.

    >>> _is_slip(220, 20), _is_slip(200, 20), _is_slip(16, 1), _is_slip(20488, 2048)
    (True, False, False, True)
    """
    long, short = f"{odd:.12g}", f"{other:.12g}"
    digits = short.replace(".", "")
    if len(digits) < 2 or len(long) != len(short) + 1 or "e" in long + short:
        return False
    if abs(odd / other) in (10.0, 100.0, 0.1, 0.01) or _is_round(odd):
        return False
    return any(long[:place] + long[place + 1 :] == short for place in range(len(long)))


def _is_exchanged(odd: float, other: float) -> bool:
    """Say whether a number is another with two neighbouring digits exchanged, of three digits or more.

    >>> _is_exchanged(521, 512), _is_exchanged(21, 12), _is_exchanged(512, 256), _is_exchanged(215, 512)
    (True, False, False, False)
    """
    a, b = f"{odd:.12g}", f"{other:.12g}"
    digits = b.replace(".", "").lstrip("0")
    if len(a) != len(b) or len(digits) < 3 or "e" in a + b:
        return False
    differing = [place for place in range(len(a)) if a[place] != b[place]]
    if len(differing) != 2:
        return False
    first, last = differing
    pair = a[first : last + 1]
    return len(pair) == 2 and b[first : last + 1] == pair[::-1] and "." not in pair


def _is_exchanged_choice(odd: float, usual: float) -> bool:
    """Say whether the usual number is a choice of people, and the odd one has two of its digits exchanged.

    >>> _is_exchanged_choice(521, 512), _is_exchanged_choice(512, 521), _is_exchanged_choice(1052, 1025)
    (True, False, False)
    """
    return _is_exchanged(odd, usual) and _is_round(usual) and not _is_round(odd) and odd % 8 != 0


def _is_round(value: float) -> bool:
    """Say whether a number is one that people choose: a power of two, or 1, 2, 3, 5 times a power of ten."""
    if value <= 0 or value != int(value):
        return False
    whole = int(value)
    is_power_of_two = whole & (whole - 1) == 0
    return is_power_of_two or str(whole).rstrip("0") in ("1", "2", "3", "5")


def _is_chosen(value: float) -> bool:
    """Say whether people choose a number: it has one digit that counts, or is a multiple of 5, 8 or 10.

    >>> [_is_chosen(value) for value in (244, 224, 0.002, 0.25, 521, 1e-4, 150)]
    [False, True, True, True, False, True, True]
    """
    digits = f"{abs(value):.6e}".partition("e")[0].replace(".", "").rstrip("0")
    if len(digits) <= 1 or digits in ("15", "25", "75"):
        return True
    return value == int(value) and (value % 8 == 0 or value % 5 == 0)


def _is_meant(key: str, value: float, member: Member, others: Sequence[Member]) -> bool:
    """Say whether the texts name the key or the number, or the key is all that differs from a sibling."""
    if _is_in_text(key, value, member):
        return True
    return any(differing_settings(member.settings, other.settings) == {key} for other in others)


def _is_in_text(key: str, value: float, member: Member) -> bool:
    """Say whether a name or a note of a group names the key or the number."""
    number = rf"(?<![\w.]){re.escape(f'{value:g}')}(?![\w]|\.\d)"
    if key in member.text or re.search(number, member.text):
        return True
    text = member.text.lower()
    for word in key.lower().split("_"):
        if len(word) > 3 and word in text:
            return True
    return False


def _finding(pair: OddPair, *, slip: bool) -> Finding:
    key, odd, usual = pair.key, pair.odd, pair.usual
    groups = [member.group for member in pair.members]
    printed = itertools.chain.from_iterable(member.inputs.values() for member in pair.members)
    inputs = next(printed, None)
    where = counted(len(pair.others), "other group")
    statement = (
        f"{listed(groups)}: {key} is {odd:g}, and {usual:g} in {where} "
        f"({listed(member.group for member in pair.others)}). Nothing in the names or notes says why"
    )
    if inputs:
        statement += f"; the log prints inputs of {inputs} numbers"
    if _is_own_number_of_all(odd, pair.members):
        statement += f"; {odd:g} is also the number in their names"
    kind = "that exchanged two digits" if _is_exchanged(odd, usual) else "of one digit"
    statement += f": a slip {kind}?" if slip else "."
    evidence: Evidence = {
        "group": groups[0],
        "groups": len(groups),
        "key": key,
        "value": odd,
        "usual": usual,
        "others": len(pair.others),
        "inputs": inputs,
    }
    advice = f"Compare none of these groups with the others before {key} is explained or set to {usual:g}."
    return Finding(
        rule="setting_slip",
        severity="warning" if slip else "note",
        statement=statement,
        evidence=evidence,
        advice=advice,
    )


def _lone_seeds(study: Study) -> Iterator[Finding]:
    """Yield a finding for each seed that alone has another number for one setting than all others."""
    experiments: dict[str, list[Run]] = defaultdict(list)
    for run in study.runs:
        if run.settings and run.seed is not None and not run.of_table:
            experiments[run.experiment].append(run)
    for runs in experiments.values():
        seeds = {run.seed for run in runs}
        if len(runs) < FEWEST or len(seeds) < len(runs):
            continue
        for run in runs:
            others = [other for other in runs if other is not run]
            key = _only_difference(run, others)
            if key is not None and key not in NOT_A_CHOICE:
                yield from _of_lone_seed(run, key, others)


def _lone_rates(study: Study) -> Iterator[Finding]:
    """Yield a finding for each seed that alone logs another learning rate than the others of its group."""
    for group, runs in study.groups().items():
        logging = [run for run in runs if run.seed is not None and len(logged_rates(run)) == 1]
        names = {logged_rates(run)[0] for run in logging}
        if len(names) != 1:
            continue
        metric = names.pop()
        lone = lone_rate([run.history.series[metric] for run in logging])
        if lone is None:
            continue
        run = logging[lone.place]
        statement = (
            f"{group}: {run.seed_label} logs {metric} {lone.value:.4g} where the other {len(logging) - 1} "
            f"seeds log {lone.usual:.4g}, {lone.factor:.3g} times as much at every common step. They are not "
            "seeds of one experiment."
        )
        evidence: Evidence = {
            "group": group,
            "run": run.label,
            "key": metric,
            "value": lone.value,
            "usual": lone.usual,
        }
        yield Finding(
            rule="setting_slip",
            severity="warning",
            statement=statement,
            evidence=evidence,
            advice=f"Leave {run.seed_label} out, or train it again with {metric} {lone.usual:.4g}.",
            runs=(run.label,),
        )


def _only_difference(run: Run, others: Sequence[Run]) -> str | None:
    """Return the one key in which a run differs from others that agree in everything; None without one."""
    first = others[0]
    differing = differing_settings(run.settings, first.settings) - {"seed"}
    if len(differing) != 1:  # of most runs: the others need not be compared
        return None
    for other in others:
        if differing_settings(first.settings, other.settings) - {"seed"}:
            return None
    return differing.pop()


def _of_lone_seed(run: Run, key: str, others: Sequence[Run]) -> Iterator[Finding]:
    odd = number_of(run.settings.get(key))
    usual = number_of(others[0].settings.get(key))
    if odd is None or usual is None:
        return
    is_decimal = bool(odd and usual and _is_power_of_ten(odd / usual))
    is_odd = not _is_chosen(odd) and not _is_exchanged_choice(odd, usual)  # the latter is reported already
    if not is_decimal and not (is_odd and _fills_a_gap(run, others)):
        return
    configuration = run.configuration or {}
    notes = [str(configuration[text]) for text in TEXTS if text in configuration]
    text = "\n".join([run.name or "", _own_variant(run), *notes])
    if _is_in_text(key, odd, Member(run.group, run.settings, text, inputs={})):
        return
    kind = "a misplaced decimal point?" if is_decimal else "a slip?"
    statement = (
        f"{run.experiment}: {run.seed_label} has {key} {odd:g}, and the other {len(others)} seeds have "
        f"{usual:g}. No name or note says why: {kind} They are not seeds of one experiment."
    )
    evidence: Evidence = {
        "group": run.group,
        "run": run.label,
        "key": key,
        "value": odd,
        "usual": usual,
    }
    yield Finding(
        rule="setting_slip",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=f"Leave {run.seed_label} out, or train it again with {key} {usual:g}.",
        runs=(run.label,),
    )


def _fills_a_gap(run: Run, others: Sequence[Run]) -> bool:
    """Say whether a seed is the one that is missing in a row of the others: 2, between 0, 1 and 3."""
    seeds = {other.seed for other in others if other.seed is not None}
    if run.seed is None or len(seeds) < FEWEST_RUNS or not min(seeds) < run.seed < max(seeds):
        return False
    return seeds | {run.seed} == set(range(min(seeds), max(seeds) + 1))


def _is_power_of_ten(ratio: float) -> bool:
    """Say whether a ratio is 10, 100, 1/10, and so on.

    >>> _is_power_of_ten(0.1), _is_power_of_ten(1000.0), _is_power_of_ten(1.0), _is_power_of_ten(20.0)
    (True, True, False, False)
    """
    power = math.log10(abs(ratio))
    return abs(power) > 0.5 and abs(power - round(power)) < 1e-6


def _of_inputs(member: Member) -> Iterator[Finding]:
    """Yield a finding for each number of inputs that logs of a group print, and that is not rank²."""
    rank = member.settings.get("rank")
    if not isinstance(rank, int):
        return
    runs_of: dict[int, list[str]] = defaultdict(list)
    for label, inputs in member.inputs.items():
        runs_of[inputs].append(label)
    for inputs, labels in runs_of.items():
        if inputs != rank**2:
            yield _finding_on_inputs(member, rank=rank, inputs=inputs, labels=labels)


def _finding_on_inputs(member: Member, *, rank: int, inputs: int, labels: Sequence[str]) -> Finding:
    who = "the log prints"
    if len(labels) < len(member.inputs):
        who = f"the log of {listed(label.rpartition('/')[2] for label in labels)} prints"
    statement = (
        f"{member.group}: rank is {rank}, which makes inputs of {rank**2} numbers, and {who} inputs "
        f"of {inputs}: the configuration is not what ran."
    )
    return Finding(
        rule="setting_slip",
        severity="warning",
        statement=statement,
        evidence={"group": member.group, "key": "rank", "value": rank, "inputs": inputs},
        advice="Trust the log; find out which configuration the program read.",
        runs=tuple(labels),
    )


RULE = Rule(
    name="setting_slip",
    question="Is a setting out of line with its siblings, or with the log?",
    find=find,
    consequence="conclusion",
    refuted_by="A plan, a name or a note that gives this value for these runs.",
    near_miss=(
        "A sweep of several values; one key varied alone; a value that the name or the notes give; a seed "
        "whose learning rate falls earlier than that of the others, on a plateau of its own."
    ),
    example="rank 220 in two groups of q220, 20 in six other groups, and inputs of 48400 in the log.",
)
