"""Comparisons in which more than one thing differs, so that no difference can be put down to one of them.

Groups of one configuration are taken together; the rest are compared on the same data only (data set, rank,
in or out of distribution). A configuration asks two questions of the others: what does its mining strategy do
(nearest of all), and what do its settings do (nearest of the same strategy). For each, the nearest other one
is that with the fewest differing keys, and if they are two or more, the pair is told. What counts as a key:

- a key that is not told has its default, and one that is idle in either of them (``idle_keys``) is no
  difference: mining steps are part of mining, and no second difference between mining and none;
- the name of a strategy that is not one of this project's counts not beside a ``use_…`` switch that differs,
  because such a name only says what the switches do;
- ``variant``, ``method`` and the like, with words for values, are no key next to another that differs, where
  any two groups on these data with different words differ in something else too: the word names the rest;
  next to a length of training it is one, since the method that it names may be in the program;
- numbers that follow from another number of the study are one thing with it (``coupled_settings``): a rate
  that is scaled with the batch size, alpha = 2 r, a minimum rate of a tenth, a number of parameters;
- names, notes, seeds, and how often something is logged or kept, change no result.

A random search varies all its knobs in all its trials, which is its method: a note. It is one where eight
configurations or more have two keys each of which has another value in most of them.

Different commits are told with the pair, and are no key: whether the code between them differs in what it
computes is not known. ``ired-diag stats A B`` says the same of a pair that it is given.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ired_diag.comparison.seeds import DATA_KEYS
from ired_diag.finding import Finding, Severity
from ired_diag.forensics.idle_keys import (
    OWN_STRATEGIES,
    differing_keys,
    idle_keys_of,
    moved_settings,
    value_of,
)
from ired_diag.forensics.rule import Evidence, Rule, is_of_our_program, listed
from ired_diag.runs.coupled_settings import coupled_settings, is_derived
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

BOOKKEEPING = ("log_every", "checkpoint_every")
LABELS = frozenset(("name", "names", "group", "experiment", "exp", "exp_name", "label", "title", "run"))
# Keys that may be a choice, or only a name for what the other keys say.
NAMES_OF_THE_REST = frozenset(
    "ablation approach arm condition config_name method scenario setup system treatment variant".split()
)
LENGTHS = frozenset(
    "epochs max_epochs n_epochs num_epochs num_train_epochs max_steps num_steps total_steps train_steps "
    "total_timesteps iterations max_iters".split()
)
MOST_PAIRS = 8  # beyond, they are counted: a search over many knobs at once has a pair for each trial


@dataclass(frozen=True)
class Setting:
    """Groups that tell the same configuration.

    Attributes:
        configuration: As told by their first run.
        moved: What it sets to something else than the default.
        idle: The keys that change nothing in it.
        groups: Their names.
        commits: What code their runs name.
    """

    configuration: Mapping[str, Any]
    moved: Mapping[str, Any]
    idle: frozenset[str]
    groups: tuple[str, ...]
    commits: frozenset[str]

    @property
    def title(self) -> str:
        """The names of the groups, the first few."""
        return listed(self.groups, 3)


Pair = tuple[Setting, Setting, list[str]]
FEWEST_TRIALS = 8  # of a random search


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each pair of neighbours that differ in two keys or more."""
    by_data: dict[str, list[Setting]] = defaultdict(list)
    for setting in _settings(study):
        by_data[repr([value_of(setting.configuration, key) for key in DATA_KEYS])].append(setting)
    pairs: dict[frozenset[str], Pair] = {}
    is_search = any(_is_search(alike) for alike in by_data.values())
    for alike in by_data.values():
        for pair in _neighbours(alike):
            pairs.setdefault(frozenset({pair[0].groups[0], pair[1].groups[0]}), pair)
    if len(pairs) > MOST_PAIRS:
        yield _many(list(pairs.values()), is_search=is_search)
    else:
        yield from (_finding(*pair) for pair in pairs.values())


def _settings(study: Study) -> list[Setting]:
    """Return the configurations of the study, groups that tell the same taken together."""
    found: list[Setting] = []
    for group, runs in study.groups().items():
        configuration = next((run.settings for run in runs if run.settings), None)
        if configuration is None:
            continue
        idle = frozenset(idle_keys_of(configuration))
        one = Setting(configuration, moved_settings(configuration), idle, (group,), _commits(runs))
        for index, other in enumerate(found):
            if not _differing(one, other):
                commits = other.commits | one.commits
                found[index] = replace(other, groups=(*other.groups, group), commits=commits)
                break
        else:
            found.append(one)
    return found


def _neighbours(settings: Sequence[Setting]) -> Iterator[Pair]:
    """Yield each setting with its nearest of the same strategy, and of all, where several keys differ."""
    names = _names_of_the_rest(settings)
    coupled = coupled_settings([_without_names(setting.configuration) for setting in settings])
    for one in settings:
        others = [(other, _things(one, other, names, coupled)) for other in settings]
        others = [(other, keys) for other, keys in others if other is not one]
        same = [(other, keys) for other, keys in others if _strategy(other) == _strategy(one)]
        for near in (same, others):
            if near:
                other, keys = min(near, key=lambda found: (len(found[1]), not found[0].commits & one.commits))
                if len(keys) > 1:
                    yield (one, other, keys)


def _names_of_the_rest(settings: Sequence[Setting]) -> frozenset[str]:
    """Return the keys whose words only name what other keys say."""
    keys = {key for setting in settings for key in setting.moved if _last_word(key) in NAMES_OF_THE_REST}
    worded = {key for key in keys if all(isinstance(s.moved.get(key, ""), str) for s in settings)}
    if not worded:
        return frozenset()
    pairs = [_differing(one, other) for one, other in itertools.combinations(settings, 2)]
    return frozenset(key for key in worded if not any(worded.issuperset(k) for k in pairs if key in k))


def _without_names(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration without the keys that name a method: a name follows from no other setting."""
    return {key: value for key, value in configuration.items() if _last_word(key) not in NAMES_OF_THE_REST}


def _things(one: Setting, other: Setting, names: frozenset[str], coupled: Mapping[str, str]) -> list[str]:
    """Return the differing keys, one for each thing that was chosen."""
    keys = _without(names, _differing(one, other))
    if len(keys) == 1 and _last_word(keys[0]) in LENGTHS:
        keys += [key for key in _differing(one, other) if key in names]  # the rest may be in the program
    return list({coupled.get(key, key): key for key in reversed(keys) if not is_derived(key)}.values())[::-1]


def _is_search(settings: Sequence[Setting]) -> bool:
    """Say whether configurations are trials of a search: two keys have another value in most of them."""
    keys = {key for setting in settings for key in setting.configuration}
    varied = [
        key for key in keys if 2 * len({repr(s.configuration.get(key)) for s in settings}) > len(settings)
    ]
    return len(settings) >= FEWEST_TRIALS and len(varied) >= 2


def _without(names: frozenset[str], keys: list[str]) -> list[str]:
    """Return the differing keys without those that only name the others."""
    return [key for key in keys if key not in names]


def _last_word(key: str) -> str:
    return key.rpartition(".")[2].lower()


def _differing(one: Setting, other: Setting) -> list[str]:
    passed_over = {*one.idle, *other.idle, *BOOKKEEPING}
    keys = [
        key
        for key in differing_keys(one.moved, other.moved)
        if key not in passed_over and key.lower() not in LABELS
    ]
    foreign = any(_strategy(setting) not in (*OWN_STRATEGIES, "none") for setting in (one, other))
    if foreign and any(key.startswith("use_") and key != "use_scalar_energy" for key in keys):
        keys = [key for key in keys if key != "mining_strategy"]
    return keys


def _strategy(setting: Setting) -> str:
    return str(value_of(setting.configuration, "mining_strategy"))


def _commits(runs: Sequence[Run]) -> frozenset[str]:
    return frozenset(str(commit)[:7] for run in runs if (commit := run.provenance.get("git_commit")))


def _shown(configuration: Mapping[str, Any], key: str) -> str:
    value = value_of(configuration, key)
    if value is None and (key in configuration or is_of_our_program(configuration)):
        return "off"
    if key in configuration:
        return str(value)
    return f"{value} by default" if is_of_our_program(configuration) else "not set"


def _finding(one: Setting, other: Setting, keys: list[str]) -> Finding:
    x, y = one.configuration, other.configuration
    told = listed((f"{key} ({_shown(x, key)}, {_shown(y, key)})" for key in keys), 8)
    elsewhere = bool(one.commits and other.commits and not one.commits & other.commits)
    commits = f"; so do the commits ({', '.join(sorted(one.commits))}; {', '.join(sorted(other.commits))})"
    is_mined = "mining_strategy" in x and "mining_strategy" in y
    alike = " of the same mining strategy" if is_mined and _strategy(one) == _strategy(other) else ""
    statement = (
        f"{one.title}: the nearest other configuration{alike} on these data, {other.title}, differs in "
        f"{len(keys)} things: {told}{commits if elsewhere else ''}. What is different between their results "
        "cannot be put down to one of them."
    )
    evidence: Evidence = {
        "a": ", ".join(one.groups),
        "b": ", ".join(other.groups),
        "keys": ", ".join(keys),
        "count": len(keys),
        "commits_differ": elsewhere,
    }
    a, b = one.groups[0], other.groups[0]
    advice = f"Train one between them, with {keys[0]} as in {b} and the others as in {a}."
    return Finding("several_differences", "warning", statement, evidence, advice)


def _many(pairs: list[Pair], *, is_search: bool) -> Finding:
    examples = listed((f"{a.title} and {b.title} ({listed(keys)})" for a, b, keys in pairs), 3)
    statement = (
        f"{len(pairs)} configurations and the one nearest to each on the same data differ in two "
        f"things or more: {examples}. What is different between their results cannot be put down to "
        "one of them."
    )
    evidence: Evidence = {"pairs": len(pairs), "fewest_keys": min(len(keys) for _, _, keys in pairs)}
    advice = "Vary one setting at a time around one configuration, which is then the baseline of all."
    severity: Severity = "note" if is_search else "warning"
    return Finding("several_differences", severity, statement, evidence, advice)


RULE = Rule(
    "several_differences",
    "Which comparisons differ in more than one thing?",
    find,
    consequence="hygiene",
    refuted_by=("A third run between them, with one of the settings changed: it says which of them matters."),
    near_miss=(
        "Two groups that differ in one setting and in keys that it switches on or off; the name of a "
        "variant next to the setting that it names; notes and logging intervals."
    ),
    example=(
        "Adversarial has mining_opt_steps 2 and noise scale 3 in one experiment, 10 and 1.5 in the other."
    ),
)
