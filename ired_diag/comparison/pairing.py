"""Whether equal seeds of two groups are pairs: only where the configurations show that they share data.

Seeds s of groups a and b are pairs where

    (a)  both groups have s, by its number: the order of files or rows never pairs,
    (b)  a key of both configurations names the data, with one value in all runs of both groups, and
    (c)  no key of data or evaluation is stated by both runs of s with two values, or by one of them alone.

Where nothing names the data, it is unknown whether seeds share it, and silence is no evidence: pairs of
independent runs are not wrong, but half of the degrees of freedom are lost for nothing. The user may know
more than the configurations, and then decides. Folds of two cross-validations are pairs by their number
(``paired_folds``), unless (c) speaks against it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from ired_diag.comparison.names_in_words import joined
from ired_diag.comparison.paired_folds import NO_FOLD, SAME_FOLD, are_folds, obstacle_in_folds
from ired_diag.comparison.seeds import Members, shared_seeds
from ired_diag.comparison.stated_data import names_data, plain_key

UNKNOWN = "unknown whether seeds share data"
SILENT_TABLE = "a table does not say whether its seeds share data"
NO_SEED = "no seed in common"
NO_FINISHED_SEED = "no seed that finished in both"
SWITCHED_OFF = "pairing is switched off (--unpaired)"
MOST_KEYS = 3  # of the data, in one sentence
MOST_VALUES = 2  # of a key in two groups: where there are more, one seed's are shown


@dataclass(frozen=True)
class Pairing:
    """Whether equal seeds of two groups are pairs.

    Attributes:
        shared: Labels of the seeds that both groups have.
        obstacle: Why these are not pairs; empty where they are.
        evidence: Why they are, in words: ``both state rank 20 and ood False``; empty where they are not.
        contradiction: What both state of data or evaluation, and state differently; empty where nothing is.
        of_folds: Whether both groups are cross-validations, whose folds are pairs.
    """

    shared: Sequence[str]
    obstacle: str
    evidence: str = ""
    contradiction: str = ""
    of_folds: bool = False


def pairing_of(a: Members, b: Members, *, paired: bool | None = None) -> Pairing:
    """Return whether equal seeds of two groups are pairs.

    Args:
        a: The first group.
        b: The second group.
        paired: What the user says of it: True pairs equal seeds whatever the configurations state, False
            never pairs. Default: by the configurations.
    """
    shared = shared_seeds(a, b)
    contradiction = _contradiction_between(a, b)
    if not shared:
        obstacle = NO_FOLD if are_folds(a, b) else NO_SEED
        if a.failed or b.failed:
            obstacle = NO_FINISHED_SEED
        return Pairing(shared, obstacle, contradiction=contradiction)
    obstacle = obstacle_in_data(a, b, paired=paired)
    if obstacle:
        evidence = ""
    elif paired:
        evidence = "--paired says so"
    elif are_folds(a, b):
        evidence = SAME_FOLD
    else:
        data = _data_of_both(a, b)
        evidence = f"both state {_in_words(data)}"
    return Pairing(
        shared=shared,
        obstacle=obstacle,
        evidence=evidence,
        contradiction=contradiction,
        of_folds=are_folds(a, b),
    )


def obstacle_in_data(a: Members, b: Members, *, paired: bool | None = None) -> str:
    """Return why equal seeds of two groups would be no pairs, whether or not any seed finished in both."""
    if paired is not None:
        return "" if paired else SWITCHED_OFF
    if are_folds(a, b):
        return _contradiction_between(a, b) or obstacle_in_folds(a, b)
    if a.of_table and b.of_table:
        return SILENT_TABLE
    contradiction = _contradiction_between(a, b)
    if contradiction:
        return contradiction
    if _data_of_both(a, b):
        unknown = _stated_by_only_one(a, b)
    else:
        unknown = _why_unknown(a, b)
    if not unknown:
        return ""
    return f"{UNKNOWN}: {unknown}"


def is_unknown(reason: str) -> bool:
    """Say whether a reason against pairs is that nothing states the data: the user may know better."""
    return UNKNOWN in reason or SILENT_TABLE in reason


def obstacle_to_pairing(a: Members, b: Members) -> str:
    """Return why seeds of two groups may not be paired; empty where they may."""
    return pairing_of(a, b).obstacle


def note_on_forced(a: Members, b: Members, pairing: Pairing) -> str:
    """Return what speaks against pairs that the user asked for; empty where nothing does."""
    if pairing.obstacle or not pairing.contradiction:
        return ""
    return f"{a.name} and {b.name} are paired because --paired says so, although {pairing.contradiction}."


def _contradiction_between(a: Members, b: Members) -> str:
    """Return the first key that equal seeds state differently: ``rank is 20 and 8``.

    Where no seed is shared, all that each group states is compared.
    """
    shared = shared_seeds(a, b)
    for key in _stated_keys(a, b):
        of_a = _values_by_seed(a, key)
        of_b = _values_by_seed(b, key)
        differing = _differing_seeds(of_a, of_b, shared)
        values_a = set(of_a.values())
        values_b = set(of_b.values())
        if differing and len(values_a | values_b) > MOST_VALUES:
            label = differing[0]
            return f"{plain_key(key)} is {of_a[label]} and {of_b[label]} in {label}"
        groups_differ = of_a and of_b and values_a != values_b
        if differing or (not shared and groups_differ):
            return f"{plain_key(key)} is {_listed(of_a)} and {_listed(of_b)}"
    return ""


def _differing_seeds(
    a: Mapping[str, str],
    b: Mapping[str, str],
    shared: Sequence[str],
) -> list[str]:
    """Return the shared seeds under which two groups state different values of a key."""
    differing = []
    for label in shared:
        # A key that only one run states is no contradiction; ``_stated_by_only_one`` speaks of it.
        if label not in a or label not in b:
            continue
        if a[label] != b[label]:
            differing.append(label)
    return differing


def _stated_by_only_one(a: Members, b: Members) -> str:
    """Return what is stated of data or evaluation for one run of a shared seed and not for the other."""
    shared = set(shared_seeds(a, b))
    for key in _stated_keys(a, b):
        of_a = _values_by_seed(a, key, seeds=shared)
        of_b = _values_by_seed(b, key, seeds=shared)
        if set(of_a) == set(of_b):
            continue
        name = b.name
        values = of_b
        if len(of_a) > len(of_b):
            name = a.name
            values = of_a
        return f"only {name} states {plain_key(key)} ({_listed(values)})"
    return ""


def _stated_keys(a: Members, b: Members) -> list[str]:
    """Return the keys that any run of two groups states, in the order of their first mention."""
    keys: dict[str, None] = {}
    for members in (a, b):
        for stated in members.settings.values():
            keys.update(dict.fromkeys(stated))
    return list(keys)


def _values_by_seed(
    members: Members,
    key: str,
    seeds: Container[str] | None = None,
) -> dict[str, str]:
    """Return what a group states under a key, by seed; of all its seeds, or of those that are given."""
    values = {}
    for label, stated in members.settings.items():
        is_wanted = seeds is None or label in seeds
        if is_wanted and key in stated:
            values[label] = stated[key]
    return values


def _listed(values: Mapping[str, str]) -> str:
    different = set(values.values())
    return "/".join(sorted(different))


def _data_of_both(a: Members, b: Members) -> dict[str, str]:
    """Return the data that all runs of both groups state alike."""
    return _alike(_data_of(a), _data_of(b))


def _data_of(members: Members) -> dict[str, str]:
    """Return the data that all runs of a group state alike, by key."""
    all_stated = list(members.settings.values())
    if not all_stated:
        return {}
    first, *others = all_stated
    data = {key: value for key, value in first.items() if names_data(key, first)}
    for stated in others:
        data = _alike(data, stated)
    return data


def _alike(a: Mapping[str, str], b: Mapping[str, str]) -> dict[str, str]:
    """Return what is stated under the same key with the same value."""
    return {key: value for key, value in a.items() if b.get(key) == value}


def _why_unknown(a: Members, b: Members) -> str:
    """Return why it is unknown whether two groups, which state no data alike, share data."""
    of_a = _data_of(a)
    of_b = _data_of(b)
    if of_a and of_b:
        keys_of_a = f"{a.name} states {_in_words(of_a)}"
        keys_of_b = f"{b.name} states {_in_words(of_b)}"
        return f"their configurations name it by different keys ({keys_of_a} and {keys_of_b})"
    if of_a:
        return f"only {a.name} states its data ({_in_words(of_a)})"
    if of_b:
        return f"only {b.name} states its data ({_in_words(of_b)})"
    if _names_any_data(a) or _names_any_data(b):
        return "not all runs of both groups state the same data"
    return "no configuration names it"


def _names_any_data(members: Members) -> bool:
    for stated in members.settings.values():
        if any(names_data(key, stated) for key in stated):
            return True
    return False


def _in_words(data: Mapping[str, str]) -> str:
    first_keys = list(data)[:MOST_KEYS]
    settings = [f"{plain_key(key)} {data[key]}" for key in first_keys]
    return joined(settings)
