"""Configuration keys that change nothing: switched off by another key, or read by no program known here.

Without mining (``mining_strategy`` none) nothing is mined and nothing contrasted, so that steps, noise scale
and weight of it are idle; the same holds at ``energy_loss_weight`` 0, where no other term uses negatives.
Random negatives take no mining step. Replay, filter and the like are idle next to their ``use_…`` key where
that is stated to be false: so the names say, and IRED's forks are not read. An idle key matters where

- two groups differ in idle keys alone (warning): they are one experiment under two names. Where their curves
  are identical too, ``identical_curves`` says it, and this rule is silent; it is silent too where Welch's
  test of their final values has p < 0.05, because a key that makes a difference is not idle. One seed that
  ends otherwise proves nothing: on a GPU the same training, run again, does so too;
- one is set to something else than its default (note): somebody may believe that it did something.

Only configurations of our own trainer, of the study's program and of its forks are judged: they have a mining
strategy and a rank. The Adam of another program may well use ``weight_decay``, its optimizer ``momentum``.

A key that is no key of IRED, of its forks or of this project is judged only where most keys of the
configuration are known, since a log of another program has keys of its own. With a known key spelt nearly
so, and not set itself, it is taken for a slip (warning); any other is noted, once for the whole study, but
for those of a sampler whose moves are logged (``pgd_steps`` next to ``pgd_disp``): its program reads them.

Reference: Du et al. (2024), Learning Iterative Reasoning through Energy Diffusion, algorithm 1.
"""

from __future__ import annotations

import difflib
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ired_diag import tasks
from ired_diag.config import TrainingConfig, idle_knobs, is_off
from ired_diag.config_keys import METADATA
from ired_diag.finding import Finding
from ired_diag.forensics import identical_curves
from ired_diag.forensics.rule import OF_OUR_MODEL, Evidence, Rule, is_of_our_program, listed
from ired_diag.forensics.seed_camps import final_values
from ired_diag.forensics.unmoved_negatives import is_of_logged_sampler
from ired_diag.runs.run import Run
from ired_diag.runs.stated_settings import first_settings
from ired_diag.runs.study import Study
from ired_diag.stats.t_tests import welch

APART = (*METADATA, "experiment_name", "seed")
SWITCHES = {
    "use_replay_buffer": ("replay_buffer_size", "replay_buffer_buckets", "replay_sample_prob"),
    "use_residual_filter": ("residual_filter_quantile",),
    "use_timestep_range": ("energy_loss_timestep_range",),
    "use_energy_schedule": ("energy_loss_warmup_steps", "energy_loss_max_weight"),
    "use_langevin": ("langevin_sigma_multiplier", "langevin_grad_clip"),
    "use_recovery_loss": ("recovery_loss_weight", "recovery_steps"),
    "use_gradient_contrastive": ("gc_temperature",),
    "use_ired_contrastive_loss": ("contrastive_temperature",),
}
OF_MINING = ("mining_opt_steps", "mining_noise_scale", "random_negative")
OF_OTHER_MINING = ("pgd_delta", "pgd_step_size", "tam_anchor_step")  # in forks, by their names
OWN_STRATEGIES = ("random", "adversarial", "ascent", "mixed")
COMPARED = ("energy_loss_weight", "energy_reg_weight", "weight_decay")  # with 0, by idle_knobs
DATA_IN_PUBLIC_CODE = {"inverse": "ired"}
LETTERS = 2  # that a slip adds or leaves out: a word more is another key
REFUTED_BELOW = 0.05  # of the p of Welch's test
ROUNDING = 1e-6  # relative: float32
ALIKE = 0.8  # of difflib's ratio: one letter of five missing, or two swapped in ten

Configuration = Mapping[str, Any]


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each two groups that differ in idle keys alone, each group with some, and slips."""
    configurations: dict[str, Configuration] = {}
    for group, runs in study.groups().items():
        settings = first_settings(runs)
        if settings:
            configurations[group] = settings
    yield from _same_but_for_idle(study, configurations)
    for group, stated in configurations.items():
        yield from _moved(group, stated)
    yield from _unknown(study, configurations)


def idle_keys_of(configuration: Configuration) -> dict[str, str]:
    """Return each key that changes nothing next to the others, set or not, with the reason.

    Empty for the configuration of another program, whose keys may mean something else.
    """
    if not is_of_our_program(configuration):
        return {}
    idle = _idle_without_switch(configuration)
    idle |= _idle_by_strategy(configuration)
    return idle | _idle_of_own(configuration)


def _idle_without_switch(configuration: Configuration) -> dict[str, str]:
    """Return the keys of IRED's forks whose ``use_…`` switch is off."""
    idle = {}
    for switch, keys in SWITCHES.items():
        if not is_off(configuration.get(switch)):
            continue
        for key in keys:
            if switch in configuration or key not in configuration:
                idle[key] = f"without {switch}"
    return idle


def _idle_by_strategy(configuration: Configuration) -> dict[str, str]:
    """Return the keys of mining that the mining strategy does not use."""
    strategy = configuration.get("mining_strategy")
    if strategy == "none":
        keys = (*OF_MINING, *OF_OTHER_MINING, "energy_loss_weight")
        return dict.fromkeys(keys, "with mining_strategy none")
    if strategy in OWN_STRATEGIES and not _uses_negatives(configuration):
        return dict.fromkeys((*OF_MINING, "mining_strategy"), "with energy_loss_weight 0")
    if strategy in ("adversarial", "ascent"):
        return {"random_negative": f"with mining_strategy {strategy}"}
    if strategy != "random":
        return {}
    idle = {"mining_opt_steps": "with random negatives, which take no step"}
    if configuration.get("random_negative", "gaussian") == "gaussian":
        idle["mining_noise_scale"] = "with random negatives, which are drawn without it"
    return idle


def _uses_negatives(configuration: Configuration) -> bool:
    """Say whether any term of the loss looks at negatives, as far as the keys tell."""
    weights = [configuration.get("energy_loss_weight", 0.5), configuration.get("energy_reg_weight")]
    for key, value in configuration.items():
        if str(key).startswith("use_") and key != "use_scalar_energy":
            weights.append(value)
    return not all(map(is_off, weights))


def _idle_of_own(configuration: Configuration) -> dict[str, str]:
    """Return the knobs of this project's own that are idle, as ``train`` would refuse them."""
    settings = _settings()
    own = {key: value for key, value in configuration.items() if key in settings.model_fields}
    for key in COMPARED:
        if not isinstance(own.get(key), int | float):
            own.pop(key, None)
    return idle_knobs(settings.model_construct(**own))


def _settings() -> type[TrainingConfig]:
    """Return the settings of the task that configurations mean which name none."""
    return tasks.load(tasks.DEFAULT).settings


def moved_settings(configuration: Configuration) -> dict[str, Any]:
    """Return what a configuration sets to something else than its default, but for names, notes and seeds.

    A key of IRED's forks has no default that is known here, and is taken to be off where it is not stated.
    """
    moved = {}
    for key in configuration:
        value = value_of(configuration, key)
        if key not in APART and not _is_same(value, value_of({}, key)):
            moved[key] = value
    return moved


def differing_keys(x: Mapping[str, Any], y: Mapping[str, Any]) -> list[str]:
    """Return the keys in which two configurations' moved settings differ."""
    differing = []
    for key in {**x, **y}:
        if key not in x or key not in y or not _is_same(x[key], y[key]):
            differing.append(key)
    return differing


def _is_same(value: object, other: object) -> bool:
    if type(value) is type(other) is str:
        return value == other
    return bool(value == other) or repr(value) == repr(other)  # two NaN are the same setting


def value_of(configuration: Configuration, key: str) -> Any:
    """Return what a key is set to: as stated, else its default; None where it is off or unknown."""
    settings = _settings()
    field = settings.model_fields.get(key)
    if field is None:
        value = configuration.get(key)
        is_off_by_name = key in settings.not_implemented and is_off(value)
        return None if is_off_by_name else value
    value = configuration.get(key, field.default)
    if field.default is None and is_off(value):
        return None
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, str):
        return DATA_IN_PUBLIC_CODE.get(value, value)
    return value


def _same_but_for_idle(study: Study, configurations: Mapping[str, Configuration]) -> Iterator[Finding]:
    pairs = list(_pairs(configurations))
    if not pairs:
        return
    reported = identical_curves.equal_groups(study)
    runs = study.groups()
    for a, b, keys in pairs:
        if frozenset((a, b)) not in reported and not _end_apart(runs[a], runs[b]):
            yield _finding_on_pair(a, b, keys)


def _finding_on_pair(a: str, b: str, keys: Mapping[str, str]) -> Finding:
    reasons = listed(dict.fromkeys(keys.values()))
    statement = (
        f"{a} and {b} differ only in {listed(keys)}, which may change nothing {reasons}: they are one "
        "experiment under two names, and a difference between them comes from something else."
    )
    evidence: Evidence = {
        "a": a,
        "b": b,
        "keys": ", ".join(keys),
        "reasons": reasons,
    }
    return Finding(
        rule="idle_keys",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=f"Count their seeds as one group; what chance does is shown by: ired-diag stats {a} {b}",
    )


def _end_apart(a: Sequence[Run], b: Sequence[Run]) -> bool:
    """Say whether two groups end further apart than their seeds explain."""
    x = final_values(a)
    y = final_values(b)
    if min(len(x), len(y)) < 2:
        return False
    if len(set(x)) == 1 and len(set(y)) == 1:
        return abs(x[0] - y[0]) > ROUNDING * max(abs(x[0]), abs(y[0]))
    return welch(x, y).p < REFUTED_BELOW


def _pairs(configurations: Mapping[str, Configuration]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield two groups that differ, but in idle keys alone, and the reason for each key."""
    idle: dict[str, dict[str, str]] = {}
    moved: dict[str, dict[str, Any]] = {}
    alike: dict[str, list[str]] = defaultdict(list)
    for group, configuration in configurations.items():
        idle[group] = idle_keys_of(configuration)
        moved[group] = moved_settings(configuration)
        active = [(key, repr(value)) for key, value in moved[group].items() if key not in idle[group]]
        alike[repr(sorted(active))].append(group)
    for groups in alike.values():
        for a, b in itertools.combinations(groups, 2):
            differing = differing_keys(moved[a], moved[b])  # what is active is equal: these are idle
            reasons = {**idle[b], **idle[a]}
            if differing:
                yield a, b, {key: reasons[key] for key in differing}


def _moved(group: str, configuration: Configuration) -> Iterator[Finding]:
    """Yield a finding if idle keys of a group are set to something else than their default."""
    reasons = {}
    for key, reason in idle_keys_of(configuration).items():
        is_moved = value_of(configuration, key) != value_of({}, key)
        if is_moved and not is_off(configuration.get(key)):
            reasons[key] = reason
    if not reasons:
        return
    settings = listed(f"{key} {configuration[key]}" for key in reasons)
    yield Finding(
        rule="idle_keys",
        severity="note",
        statement=f"{group}: {settings} changed nothing {listed(dict.fromkeys(reasons.values()))}.",
        evidence={"group": group, "keys": ", ".join(reasons), "count": len(reasons)},
        advice="Leave them out of the configuration, so that nobody compares by them.",
    )


def _unknown(study: Study, configurations: Mapping[str, Configuration]) -> Iterator[Finding]:
    """Yield one finding on slips in keys, and one on keys of which nothing is known."""
    slips: dict[str, list[str]] = defaultdict(list)
    others: dict[str, list[str]] = defaultdict(list)
    runs_of = study.groups()
    for group, configuration in configurations.items():
        meant = slips_in(configuration)
        for key in _unknown_keys(configuration):
            if key in meant:
                slips[f"{key} (meant: {meant[key]}?)"].append(group)
            elif not any(is_of_logged_sampler(run, key) for run in runs_of[group]):
                others[key].append(group)
    if slips:
        yield _finding_on_slips(slips)
    if others:
        yield _finding_on_unknown_keys(others)


def slips_in(configuration: Configuration) -> dict[str, str]:
    """Return each key that is spelt nearly as a known one, which is not set, with the known one."""
    slips = {}
    for key in _unknown_keys(configuration):
        meant = _key_meant_by(key, _keys_here())
        if meant is not None and meant not in configuration:
            slips[key] = meant
    return slips


def _unknown_keys(configuration: Configuration) -> list[str]:
    """Return the keys that no program known here reads, of a configuration that is mostly ours."""
    known = set(_keys_here())
    unknown = [str(key) for key in configuration if key not in known]
    if 2 * len(unknown) >= len(configuration) or not _is_nearly_ours(configuration):
        return []
    return unknown


def _keys_here() -> tuple[str, ...]:
    """Return the keys of the program, of its forks and of this project, and those of notes."""
    settings = _settings()
    return (*settings.model_fields, *settings.not_implemented, *METADATA)


def _key_meant_by(key: str, keys_here: Sequence[str]) -> str | None:
    """Return the key that is spelt nearly as an unknown one; None where there is no such key."""
    nearest = difflib.get_close_matches(key, keys_here, n=1, cutoff=ALIKE)
    if not nearest or abs(len(nearest[0]) - len(key)) > LETTERS:
        return None
    return nearest[0]


def _is_nearly_ours(configuration: Configuration) -> bool:
    """Say whether a configuration is of our program, with its own keys spelt right or nearly so."""
    keys = list(map(str, configuration))
    return all(difflib.get_close_matches(key, keys, n=1, cutoff=ALIKE) for key in OF_OUR_MODEL)


def _finding_on_slips(groups_of: Mapping[str, list[str]]) -> Finding:
    groups = list(dict.fromkeys(itertools.chain.from_iterable(groups_of.values())))
    statement = (
        f"{listed(groups_of)}, in the configuration of {listed(groups)}, may be a slip: no program known "
        "here reads it, so that a default may have been used in its place."
    )
    return Finding(
        rule="idle_keys",
        severity="warning",
        statement=statement,
        evidence={"keys": ", ".join(groups_of), "groups": len(groups)},
        advice="Correct the key, and train again.",
    )


def _finding_on_unknown_keys(groups_of: Mapping[str, list[str]]) -> Finding:
    groups = list(dict.fromkeys(itertools.chain.from_iterable(groups_of.values())))
    statement = (
        f"{listed(groups_of)}, in the configuration of {listed(groups)}, cannot be judged: no program known "
        "here reads it."
    )
    return Finding(
        rule="idle_keys",
        severity="note",
        statement=statement,
        evidence={"keys": ", ".join(groups_of), "groups": len(groups)},
        advice="Look for where the program reads it; two runs that differ in it alone would tell.",
    )


RULE = Rule(
    name="idle_keys",
    question="Which configuration keys change nothing?",
    find=find,
    consequence="conclusion",
    refuted_by=("The line of the program that reads the key in this configuration."),
    near_miss=(
        "A key that is switched off and stays at its default; weight_decay of another program's "
        "Adam; a fork's key with a word more than a known "
        "one (tam_recovery_steps next to recovery_steps)."
    ),
    example=("mining_noise_scale is 1.5 with mining_strategy none: nothing is mined."),
)
