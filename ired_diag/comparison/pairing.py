"""Whether equal seeds of two groups are pairs: only where the configurations show that they share data.

Seeds s of groups a and b are pairs where

    (a)  both groups have s, by its number: the order of files or rows never pairs,
    (b)  a key of both configurations names the data, with one value in all runs of both groups, and
    (c)  no key of data or evaluation is stated by both runs of s with two values, or by one of them alone.

Where nothing names the data, it is unknown whether seeds share it, and silence is no evidence: pairs of
independent runs are not wrong, but half of the degrees of freedom are lost for nothing. The user may know
more than the configurations, and then decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ired_diag.comparison.seeds import Members, shared_seeds
from ired_diag.comparison.stated_data import names_data, plain_key

UNKNOWN = "unknown whether seeds share data"
SILENT_TABLE = "a table does not say whether its seeds share data"
NO_SEED = "no seed in common"
NO_FINISHED_SEED = "no seed that finished in both"
SWITCHED_OFF = "pairing is switched off (--unpaired)"
MOST_KEYS = 3
MOST_VALUES = 2  # of a key in two groups: where there are more, one seed's are shown


@dataclass(frozen=True)
class Pairing:
    """Whether equal seeds of two groups are pairs.

    Attributes:
        shared: Labels of the seeds that both groups have.
        obstacle: Why these are not pairs; empty where they are.
        evidence: Why they are, in words: ``both state rank 20 and ood False``; empty where they are not.
        contradiction: What both state of data or evaluation, and state differently; empty where nothing is.
    """

    shared: Sequence[str]
    obstacle: str
    evidence: str = ""
    contradiction: str = ""


def pairing_of(a: Members, b: Members, *, paired: bool | None = None) -> Pairing:
    """Return whether equal seeds of two groups are pairs.

    Args:
        a: A group.
        b: Another.
        paired: What the user says of it: True pairs equal seeds whatever the configurations state, False
            never pairs. Default: by the configurations.
    """
    shared, contradiction = shared_seeds(a, b), _contradiction(a, b)
    if not shared:
        failed = any(failure.kind != "stopped" for one in (a, b) for failure in one.failures)
        return Pairing(shared, NO_FINISHED_SEED if failed else NO_SEED, contradiction=contradiction)
    obstacle = obstacle_in_data(a, b, paired=paired)
    evidence = "--paired says so" if paired else f"both state {_in_words(_evidence(a, b))}"
    return Pairing(shared, obstacle, "" if obstacle else evidence, contradiction)


def obstacle_in_data(a: Members, b: Members, *, paired: bool | None = None) -> str:
    """Return why equal seeds of two groups would be no pairs, whether or not any seed finished in both."""
    if paired is not None:
        return "" if paired else SWITCHED_OFF
    if a.of_table and b.of_table:
        return SILENT_TABLE
    unknown = _stated_by_one(a, b) if _evidence(a, b) else _why_unknown(a, b)
    return _contradiction(a, b) or (f"{UNKNOWN}: {unknown}" if unknown else "")


def is_unknown(reason: str) -> bool:
    """Say whether a reason against pairs is that nothing states the data: the user may know better."""
    return UNKNOWN in reason or SILENT_TABLE in reason


def obstacle_to_pairing(a: Members, b: Members) -> str:
    """Return why seeds of two groups may not be paired, or nothing."""
    return pairing_of(a, b).obstacle


def note_on_forced(a: Members, b: Members, pairing: Pairing) -> str:
    """Return what speaks against pairs that the user asked for; empty where nothing does."""
    if pairing.obstacle or not pairing.contradiction:
        return ""
    return f"{a.name} and {b.name} are paired because --paired says so, although {pairing.contradiction}."


def _contradiction(a: Members, b: Members) -> str:
    """Return the first key that equal seeds state differently: ``rank is 20 and 8``.

    Where no seed is shared, all that each group states is compared.
    """
    shared = shared_seeds(a, b)
    for key in _keys(a, b):
        x, y = _values(a, key), _values(b, key)
        differing = [label for label in shared if label in x and label in y and x[label] != y[label]]
        if differing and len({*x.values()} | {*y.values()}) > MOST_VALUES:
            label = differing[0]
            return f"{plain_key(key)} is {x[label]} and {y[label]} in {label}"
        if differing or (not shared and x and y and set(x.values()) != set(y.values())):
            return f"{plain_key(key)} is {_listed(x)} and {_listed(y)}"
    return ""


def _stated_by_one(a: Members, b: Members) -> str:
    """Return what is stated of data or evaluation for one run of a shared seed and not for the other."""
    shared = set(shared_seeds(a, b))
    for key in _keys(a, b):
        x, y = ({label: v for label, v in _values(m, key).items() if label in shared} for m in (a, b))
        if set(x) != set(y):
            members, values = (a, x) if len(x) > len(y) else (b, y)
            return f"only {members.name} states {plain_key(key)} ({_listed(values)})"
    return ""


def _keys(a: Members, b: Members) -> list[str]:
    return list(dict.fromkeys(key for m in (a, b) for stated in m.settings.values() for key in stated))


def _values(members: Members, key: str) -> dict[str, str]:
    """Return what a group states under a key, by seed."""
    return {label: stated[key] for label, stated in members.settings.items() if key in stated}


def _listed(values: Mapping[str, str]) -> str:
    return "/".join(sorted(set(values.values())))


def _evidence(a: Members, b: Members) -> dict[str, str]:
    """Return the data that all runs of both groups state alike."""
    x, y = _evidence_of(a), _evidence_of(b)
    return {key: value for key, value in x.items() if y.get(key) == value}


def _evidence_of(members: Members) -> dict[str, str]:
    """Return the data that all runs of a group state alike, by key."""
    first, *others = list(members.settings.values()) or [{}]
    alike = {key: value for key, value in first.items() if all(o.get(key) == value for o in others)}
    return {key: value for key, value in alike.items() if names_data(key, first)}


def _why_unknown(a: Members, b: Members) -> str:
    stating = [(members, data) for members in (a, b) if (data := _evidence_of(members))]
    if len(stating) == 1:
        members, data = stating[0]
        return f"only {members.name} states its data ({_in_words(data)})"
    if stating:
        keys = " and ".join(f"{members.name} states {_in_words(data)}" for members, data in stating)
        return f"their configurations name it by different keys ({keys})"
    if _names_any_data(a) or _names_any_data(b):
        return "not all runs of both groups state the same data"
    return "no configuration names it"


def _names_any_data(members: Members) -> bool:
    return any(names_data(key, stated) for stated in members.settings.values() for key in stated)


def _in_words(data: Mapping[str, str]) -> str:
    words = [f"{plain_key(key)} {value}" for key, value in list(data.items())[:MOST_KEYS]]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
