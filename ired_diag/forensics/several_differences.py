"""Comparisons in which more than one thing differs, so that no difference can be put down to one of them.

Groups of one configuration are taken together; the rest are compared only where they are judged by the same
metric on the same data. Of this project's program and its forks the data are known (data set, rank, in or out
of distribution); of another program they are what its configuration states (``comparison.stated_data``).
Where neither of two configurations states any, they are taken to be of one program with one set of data if
one of them has all keys of the other; where one alone states its data, nothing is said. Groups that logged
the same curves (``identical_curves``) are not compared: nothing is different between their results.

A configuration asks two questions of the others: what does its mining strategy do
(nearest of all), and what do its settings do (nearest of the same strategy). For each, the nearest other one
is that with the fewest differing keys, and if they are two or more, the pair is reported. What counts as a
key:

- a key that is not stated has its default, and one that is idle in either of them (``idle_keys``) is no
  difference: mining steps are part of mining, and no second difference between mining and none; nor is a
  slip in a key, which no program reads;
- the name of a strategy that is not one of this project's does not count next to a ``use_…`` switch that
  differs,
  because such a name only says what the switches do;
- ``variant``, ``method`` and the like, with words for values, are no key next to another that differs, where
  any two groups on these data with different words differ in something else too: the word names the rest;
  next to a length of training it is one, since the method that it names may be in the program;
- where two keys differ, one of them a kind in words (``algo``: sac, crossq) and the other no knob of every
  training (``batch_norm``), the second may be a part of the first: a note;
- a word that holds the number of another differing key is a name for it: ``moe8`` next to 8 experts;
- numbers that follow from another number of the study are one thing with it (``coupled_settings``): a rate
  that is scaled with the batch size, alpha = 2 r, a minimum rate of a tenth, a number of parameters;
- names, notes, seeds, and how often something is logged or kept, change no result.

A random search varies all its knobs in all its trials, which is its method: a note. It is one where eight
configurations or more have two keys each of which has another value in most of them.

Different commits are stated with the pair, and are no key: whether the code between them differs in what it
computes is not known. ``ired-diag stats A B`` says the same of a pair that it is given.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from ired_diag.comparison.one_program import LABELS, may_be_one_program
from ired_diag.comparison.seeds import DATA_KEYS
from ired_diag.comparison.stated_data import declared_data, names_data, stated_data
from ired_diag.finding import Finding
from ired_diag.forensics import identical_curves
from ired_diag.forensics.idle_keys import (
    OWN_STRATEGIES,
    differing_keys,
    idle_keys_of,
    moved_settings,
    slips_in,
    value_of,
)
from ired_diag.forensics.rule import Evidence, Rule, is_of_our_program, judged_metric, listed
from ired_diag.runs.coupled_settings import coupled_settings, is_derived
from ired_diag.runs.run import Run
from ired_diag.runs.setting_number import number_of
from ired_diag.runs.stated_settings import first_settings, keys_of
from ired_diag.runs.study import Study

BOOKKEEPING = ("log_every", "checkpoint_every")
# Keys that may be a choice, or only a name for what the other keys say.
NAMES_OF_THE_REST = frozenset(
    "ablation approach arm condition config_name method scenario setup system treatment variant".split()
)
LENGTHS = frozenset(
    "epochs max_epochs n_epochs num_epochs num_train_epochs max_steps num_steps total_steps train_steps "
    "total_timesteps iterations max_iters".split()
)
# Words in the names of knobs that every training has: none of them belongs to a kind of model or method.
OF_EVERY_TRAINING = frozenset(
    "lr learning rate bs wd decay epoch epochs step steps iters iterations timesteps warmup dropout momentum "
    "optimizer optim scheduler precision amp fp16 bf16 clip augment augmentation data dataset path split "
    "beta betas checkpoint ckpt".split()
)
FEWEST_TRIALS = 8  # of a random search
MOST_PAIRS = 8  # beyond, they are counted: a search over many knobs at once has a pair for each trial


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Groups that state the same configuration.

    Attributes:
        configuration: The configuration as the first run states it.
        data: What is known of its data, by key, as text; empty where nothing is.
        metric: The metric that judges its runs; empty where none is logged.
        moved: What it sets to something else than the default.
        idle: The keys that change nothing in it, slips among them.
        groups: Names of the groups.
        commits: Commits that their runs record.
    """

    configuration: Mapping[str, Any]
    data: Mapping[str, str]
    metric: str
    moved: Mapping[str, Any]
    idle: frozenset[str]
    groups: tuple[str, ...]
    commits: frozenset[str]

    @property
    def title(self) -> str:
        """The names of the groups, the first few."""
        return listed(self.groups, 3)

    @cached_property
    def strategy(self) -> str:
        """Its mining strategy."""
        return str(value_of(self.configuration, "mining_strategy"))


class Pair(NamedTuple):
    """A configuration, the one nearest to it, and the keys that differ, one for each thing chosen."""

    setting: Setting
    nearest: Setting
    keys: list[str]


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each pair of neighbours that differ in two keys or more."""
    by_data: dict[str, list[Setting]] = defaultdict(list)
    for setting in _settings(study):
        data = sorted(setting.data.items())
        by_data[repr((setting.metric, data))].append(setting)
    identical = identical_curves.equal_groups(study)
    pairs: dict[frozenset[str], Pair] = {}
    for settings in by_data.values():
        for pair in _neighbours(settings):
            names = frozenset({pair.setting.groups[0], pair.nearest.groups[0]})
            if not _any_identical(pair, identical):
                pairs.setdefault(names, pair)
    if len(pairs) > MOST_PAIRS:
        is_search = any(map(_is_search, by_data.values()))
        yield _finding_on_many(list(pairs.values()), is_search=is_search)
    else:
        yield from map(_finding, pairs.values())


def _any_identical(pair: Pair, identical: set[frozenset[str]]) -> bool:
    """Say whether groups of two configurations logged the same curves."""
    of_both = itertools.product(pair.setting.groups, pair.nearest.groups)
    return any(frozenset(groups) in identical for groups in of_both)


def _settings(study: Study) -> list[Setting]:
    """Return the configurations of the study, groups that state the same taken together."""
    settings: list[Setting] = []
    for group, runs in study.groups().items():
        setting = _setting_of(group, runs)
        if setting is None:
            continue
        place = _place_of_same(setting, settings)
        if place is None:
            settings.append(setting)
        else:
            settings[place] = _merged(settings[place], setting)
    return settings


def _place_of_same(setting: Setting, settings: Sequence[Setting]) -> int | None:
    """Return the place of the configuration that states the same; None without one."""
    for place, other in enumerate(settings):
        if _state_the_same(setting, other):
            return place
    return None


def _state_the_same(setting: Setting, other: Setting) -> bool:
    if setting.metric != other.metric or setting.data != other.data:
        return False
    return not _differing(setting, other)


def _setting_of(group: str, runs: Sequence[Run]) -> Setting | None:
    """Return the configuration of a group; None where no run states one."""
    configuration = first_settings(runs)
    if not configuration:
        return None
    commits = {run.commit for run in runs if run.commit is not None}
    metrics = [judged_metric(run) for run in runs]
    return Setting(
        configuration=configuration,
        data=_known_data(configuration, runs[0].paired_by),
        metric=next(filter(None, metrics), ""),
        moved=moved_settings(configuration),
        idle=frozenset((*idle_keys_of(configuration), *slips_in(configuration))),
        groups=(group,),
        commits=frozenset(commits),
    )


def _known_data(configuration: Mapping[str, Any], paired_by: Sequence[str]) -> dict[str, str]:
    """Return what is known of the data of a configuration, by key, as text; nothing where nothing is."""
    if is_of_our_program(configuration):
        return {key: str(value_of(configuration, key)) for key in DATA_KEYS}
    stated = {
        key: value for key, value in stated_data(configuration).items() if names_data(key, configuration)
    }
    return stated | declared_data(configuration, paired_by)


def _may_share_data(setting: Setting, other: Setting) -> bool:
    """Say whether two configurations that state equal data, or none, are of the same data.

    A program whose configuration has no key of the data has one set of data. That it is one program is
    known where one of the two has all keys of the other.
    """
    if setting.data:
        return True
    return may_be_one_program(setting.configuration, other.configuration)


def _merged(setting: Setting, same: Setting) -> Setting:
    """Return a configuration with the groups and commits of another that states the same."""
    groups = (*setting.groups, *same.groups)
    return replace(setting, groups=groups, commits=setting.commits | same.commits)


def _neighbours(settings: Sequence[Setting]) -> Iterator[Pair]:
    """Yield each setting with its nearest of the same strategy, and of all, where several keys differ."""
    names = _names_of_the_rest(settings)
    coupled = coupled_settings([_without_names(setting.configuration) for setting in settings])
    for setting in settings:
        pairs = []
        for other in settings:
            if other is not setting and _may_share_data(setting, other):
                keys = _chosen_keys(setting, other, names=names, coupled=coupled)
                pairs.append(Pair(setting, other, keys))
        of_strategy = [pair for pair in pairs if pair.nearest.strategy == setting.strategy]
        for candidates in (of_strategy, pairs):
            nearest = min(candidates, key=_distance, default=None)
            if nearest is not None and len(nearest.keys) > 1:
                yield nearest


def _distance(pair: Pair) -> tuple[int, bool]:
    """Return a key that sorts pairs by the number of differing keys; those of one commit first."""
    have_a_commit_in_common = bool(pair.nearest.commits & pair.setting.commits)
    return len(pair.keys), not have_a_commit_in_common


def _names_of_the_rest(settings: Sequence[Setting]) -> frozenset[str]:
    """Return the keys whose words only name what other keys say."""
    names: set[str] = set()
    for setting in settings:
        names.update(filter(_is_name_of_the_rest, setting.moved))
    for setting in settings:
        # A key with a number for a value is a choice, and no name.
        for key, value in setting.moved.items():
            if not isinstance(value, str):
                names.discard(key)
    if not names:
        return frozenset()
    alone = set()
    for setting, other in itertools.combinations(settings, 2):
        differing = _differing(setting, other)
        if names.issuperset(differing):
            alone.update(differing)
    return frozenset(names - alone)


def _without_names(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration without the keys that name a method: a name follows from no other setting."""
    return {key: value for key, value in configuration.items() if not _is_name_of_the_rest(key)}


def _is_name_of_the_rest(key: str) -> bool:
    return _last_word(key) in NAMES_OF_THE_REST


def _chosen_keys(
    setting: Setting, other: Setting, *, names: frozenset[str], coupled: Mapping[str, str]
) -> list[str]:
    """Return the differing keys, one for each thing that was chosen."""
    differing = _differing(setting, other)
    keys = [key for key in differing if key not in names]
    if len(keys) == 1 and _last_word(keys[0]) in LENGTHS:
        # The rest that such a key names may be in the program.
        keys += filter(names.__contains__, differing)
    keys = [key for key in keys if not _names_another(key, keys, setting, other)]
    key_of_choice: dict[str, str] = {}
    for key in reversed(keys):
        if not is_derived(key):
            key_of_choice[coupled.get(key, key)] = key
    return list(reversed(key_of_choice.values()))


def _names_another(key: str, keys: Sequence[str], setting: Setting, other: Setting) -> bool:
    """Say whether a key's words hold the numbers of another differing key: ``moe8`` next to 8 experts."""
    word, word_of_other = setting.configuration.get(key), other.configuration.get(key)
    if not isinstance(word, str) or not isinstance(word_of_other, str):
        return False
    words = (word, word_of_other)
    for numbered in keys:
        numbers = [
            number_of(setting.configuration.get(numbered)),
            number_of(other.configuration.get(numbered)),
        ]
        held = [_holds(word, number) for word, number in zip(words, numbers, strict=True)]
        off = [number in (None, 0, 1) for number in numbers]
        if any(held) and all(holds or is_off for holds, is_off in zip(held, off, strict=True)):
            return True
    return False


def _holds(word: str, number: float | None) -> bool:
    """Say whether a word holds a number above 1.

    >>> _holds("moe8", 8.0), _holds("resnet18", 8.0), _holds("dense", 1.0)
    (True, False, False)
    """
    if number is None or number <= 1:
        return False
    return re.search(rf"(?<![\d.]){re.escape(f'{number:g}')}(?![\d.])", word) is not None


def _is_search(settings: Sequence[Setting]) -> bool:
    """Say whether configurations are trials of a search: two keys have another value in most of them."""
    if len(settings) < FEWEST_TRIALS:
        return False
    configurations = [setting.configuration for setting in settings]
    varied = 0
    for key in keys_of(configurations):
        values = {repr(configuration.get(key)) for configuration in configurations}
        varied += 2 * len(values) > len(settings)
    return varied >= 2


def _last_word(key: str) -> str:
    return key.rpartition(".")[2].lower()


def _differing(setting: Setting, other: Setting) -> list[str]:
    """Return the keys in which two configurations differ, without those that change no result."""
    keys = []
    for key in differing_keys(setting.moved, other.moved):
        is_idle = key in setting.idle or key in other.idle or key in BOOKKEEPING
        if not is_idle and key.lower() not in LABELS:
            keys.append(key)
    if "mining_strategy" in keys and any(map(_is_switch, keys)):
        own = {*OWN_STRATEGIES, "none"}
        is_foreign = not {setting.strategy, other.strategy} <= own
        if is_foreign:
            keys.remove("mining_strategy")
    return keys


def _is_switch(key: str) -> bool:
    return key.startswith("use_") and key != "use_scalar_energy"


def _value_in_words(configuration: Mapping[str, Any], key: str) -> str:
    """Return what a key is set to, or that it is off, at its default or not set."""
    value = value_of(configuration, key)
    is_ours = is_of_our_program(configuration)
    if value is None and (key in configuration or is_ours):
        return "off"
    if key in configuration:
        return str(value)
    if is_ours:
        return f"{value} by default"
    return "not set"


def _finding(pair: Pair) -> Finding:
    setting, nearest, keys = pair
    values = []
    for key in keys:
        own_value = _value_in_words(setting.configuration, key)
        other_value = _value_in_words(nearest.configuration, key)
        values.append(f"{key} ({own_value}, {other_value})")
    commits = _commits_in_words(setting, nearest)
    alike = ""
    if _are_mined_alike(setting, nearest):
        alike = " of the same mining strategy"
    where = " on these data" if setting.data else ""
    statement = (
        f"{setting.title}: the nearest other configuration{alike}{where}, {nearest.title}, differs in "
        f"{len(keys)} things: {listed(values, 8)}{commits}. What is different between their results "
        "cannot be put down to one of them."
    )
    part = _part_of_a_kind(pair)
    if part:
        statement = f"{statement.rstrip('.')}, unless {part[1]} is a part of {part[0]}."
    evidence: Evidence = {
        "a": ", ".join(setting.groups),
        "b": ", ".join(nearest.groups),
        "keys": ", ".join(keys),
        "count": len(keys),
        "commits_differ": bool(commits),
    }
    a, b = setting.groups[0], nearest.groups[0]
    return Finding(
        rule="several_differences",
        severity="note" if part else "warning",
        statement=statement,
        evidence=evidence,
        advice=f"Train one between them, with {keys[0]} as in {b} and the others as in {a}.",
    )


def _part_of_a_kind(pair: Pair) -> tuple[str, str] | None:
    """Return a kind and a key that may be a part of it; None where both keys are choices of their own.

    A key with words for values, such as ``algo`` (sac, crossq), is a kind. The one other key that differs
    may be what distinguishes the kinds (``batch_norm``), unless it is a knob of every training.
    """
    configurations = (pair.setting.configuration, pair.nearest.configuration)
    if len(pair.keys) != 2 or any(map(is_of_our_program, configurations)):
        return None
    for kind, part in (pair.keys, pair.keys[::-1]):
        values = [configuration.get(kind) for configuration in configurations]
        is_kind = all(value is None or _is_word(value) for value in values)
        if is_kind and not _is_of_every_training(part):
            return kind, part
    return None


def _is_word(value: object) -> bool:
    return isinstance(value, str) and "/" not in value and number_of(value) is None


def _is_of_every_training(key: str) -> bool:
    words = set(re.split(r"[^a-z0-9]+", key.lower()))
    return bool(words & OF_EVERY_TRAINING) or {"batch", "size"} <= words


def _commits_in_words(setting: Setting, nearest: Setting) -> str:
    """Return the commits of two configurations, where both are known and none is in common."""
    if not setting.commits or not nearest.commits or setting.commits & nearest.commits:
        return ""
    own = ", ".join(sorted(setting.commits))
    others = ", ".join(sorted(nearest.commits))
    return f"; so do the commits ({own}; {others})"


def _are_mined_alike(setting: Setting, nearest: Setting) -> bool:
    is_stated = "mining_strategy" in setting.configuration and "mining_strategy" in nearest.configuration
    return is_stated and setting.strategy == nearest.strategy


def _finding_on_many(pairs: list[Pair], *, is_search: bool) -> Finding:
    examples = [f"{pair.setting.title} and {pair.nearest.title} ({listed(pair.keys)})" for pair in pairs]
    where = ""
    if all(pair.setting.data for pair in pairs):
        where = " on the same data"
    may_be_single = all(map(_part_of_a_kind, pairs))
    statement = (
        f"{len(pairs)} configurations and the one nearest to each{where} differ in two "
        f"things or more: {listed(examples, 3)}. What is different between their results cannot be put down "
        "to one of them."
    )
    return Finding(
        rule="several_differences",
        severity="note" if is_search or may_be_single else "warning",
        statement=statement,
        evidence={"pairs": len(pairs), "fewest_keys": min(len(pair.keys) for pair in pairs)},
        advice="Vary one setting at a time around one configuration, which is then the baseline of all.",
    )


RULE = Rule(
    name="several_differences",
    question="Which comparisons differ in more than one thing?",
    find=find,
    consequence="hygiene",
    refuted_by=(
        "A third run between them, with one of the settings changed: it says which of them matters. Or that "
        "the two groups are of different data or tasks, and nobody compares them."
    ),
    near_miss=(
        "Two groups that differ in one setting and in keys that it switches on or off; the name of a "
        "variant next to the setting that it names; notes and logging intervals; a GAN judged by FID next to "
        "a classifier judged by accuracy; two programs that do not say what their data are; groups whose "
        "curves are identical."
    ),
    example=(
        "Adversarial has mining_opt_steps 2 and noise scale 3 in one experiment, 10 and 1.5 in the other."
    ),
)
