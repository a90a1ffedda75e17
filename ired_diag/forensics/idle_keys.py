"""Configuration keys that change nothing: switched off by another key, or read by no program known here.

Without mining (``mining_strategy`` none) nothing is mined and nothing contrasted, so that steps, noise scale
and weight of it are idle; the same holds at ``energy_loss_weight`` 0, where no other term uses negatives.
Random negatives take no mining step. Replay, filter and the like are idle beside their ``use_…`` key where
that is told to be false: so the names say, and IRED's forks are not read. An idle key matters where

- two groups differ in idle keys alone (warning): they are one experiment under two names. Where their curves
  are identical too, ``identical_curves`` says it, and this rule is silent; it is silent too where Welch's
  test of their final values has p < 0.05, because a key that makes a difference is not idle. One seed that
  ends otherwise proves nothing: on a GPU the same training, run again, does so too;
- one is set to something else than its default (note): somebody may believe that it did something.

Only configurations of our own trainer, of the study's program and of its forks are judged: they have a mining
strategy and a rank. The Adam of another program may well use ``weight_decay``, its optimizer ``momentum``.

A key that is no key of IRED, of its forks or of this project is judged only where most keys of the
configuration are known, since a log of another program has keys of its own. With a known key spelt nearly
so, and not set itself, it is taken for a slip (warning); any other is noted, once for the whole study.

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
from ired_diag.finding import Finding, Severity
from ired_diag.forensics import identical_curves
from ired_diag.forensics.rule import OF_OUR_MODEL, Evidence, Rule, is_of_our_program, listed
from ired_diag.forensics.seed_camps import final_value
from ired_diag.runs.run import Run
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
    told = {
        group: configuration
        for group, runs in study.groups().items()
        if (configuration := next((run.settings for run in runs if run.settings), None))
    }
    yield from _same_but_for_idle(study, told)
    for group, configuration in told.items():
        yield from _moved(group, configuration)
    yield from _unknown(told)


def idle_keys_of(configuration: Configuration) -> dict[str, str]:
    """Return each key that changes nothing next to the others, set or not, with the reason.

    Empty for the configuration of another program, whose keys may mean something else.
    """
    if not is_of_our_program(configuration):
        return {}
    found = {
        key: f"without {switch}"
        for switch, keys in SWITCHES.items()
        for key in keys
        if is_off(configuration.get(switch)) and (switch in configuration or key not in configuration)
    }
    strategy = configuration.get("mining_strategy")
    if strategy == "none":
        found |= dict.fromkeys(
            (*OF_MINING, *OF_OTHER_MINING, "energy_loss_weight"), "with mining_strategy none"
        )
    elif strategy in OWN_STRATEGIES and not _uses_negatives(configuration):
        found |= dict.fromkeys((*OF_MINING, "mining_strategy"), "with energy_loss_weight 0")
    elif strategy == "random":
        found["mining_opt_steps"] = "with random negatives, which take no step"
        if configuration.get("random_negative", "gaussian") == "gaussian":
            found["mining_noise_scale"] = "with random negatives, which are drawn without it"
    elif strategy in ("adversarial", "ascent"):
        found["random_negative"] = f"with mining_strategy {strategy}"
    return found | _idle_of_own(configuration)


def _uses_negatives(configuration: Configuration) -> bool:
    """Say whether any term of the loss looks at negatives, as far as the keys tell."""
    weights = configuration.get("energy_loss_weight", 0.5), configuration.get("energy_reg_weight")
    switches = [key for key in configuration if str(key).startswith("use_") and key != "use_scalar_energy"]
    return not all(map(is_off, (*weights, *(configuration[key] for key in switches))))


def _idle_of_own(configuration: Configuration) -> dict[str, str]:
    """Return the knobs of this project's own that are idle, as ``train`` would refuse them."""
    settings = _settings()
    known = {key: value for key, value in configuration.items() if key in settings.model_fields}
    for key in COMPARED:
        if not isinstance(known.get(key), int | float):
            known.pop(key, None)
    return idle_knobs(settings.model_construct(**known))


def _settings() -> type[TrainingConfig]:
    """Return the settings of the task that configurations mean which name none."""
    return tasks.load(tasks.DEFAULT).settings


def moved_settings(configuration: Configuration) -> dict[str, Any]:
    """Return what a configuration sets to something else than its default, but for names, notes and seeds.

    A key of IRED's forks has no default that is known here, and is taken to be off where it is not told.
    """
    values = ((key, value_of(configuration, key)) for key in configuration if key not in APART)
    return {key: value for key, value in values if not _same(value, value_of({}, key))}


def differing_keys(x: Mapping[str, Any], y: Mapping[str, Any]) -> list[str]:
    """Return the keys in which two configurations' moved settings differ."""
    return [k for k in {**x, **y} if k not in x or k not in y or not _same(x[k], y[k])]


def _same(u: object, v: object) -> bool:
    return bool(u == v) or repr(u) == repr(v)  # two NaN are the same setting


def value_of(configuration: Configuration, key: str) -> Any:
    """Return what a key is set to: as told, else its default; None where it is off or unknown."""
    settings = _settings()
    field = settings.model_fields.get(key)
    if field is None:
        value = configuration.get(key)
        return None if key in settings.not_implemented and is_off(value) else value
    value = configuration.get(key, field.default)
    if field.default is None and is_off(value):
        return None
    value = tuple(value) if isinstance(value, list) else value
    return DATA_IN_PUBLIC_CODE.get(value, value) if isinstance(value, str) else value


def _same_but_for_idle(study: Study, told: Mapping[str, Configuration]) -> Iterator[Finding]:
    pairs = list(_pairs(told))
    spoken_of = identical_curves.equal_groups(study) if pairs else set()
    runs = study.groups()
    for a, b, keys in pairs:
        if frozenset((a, b)) in spoken_of or _end_apart(runs[a], runs[b]):
            continue
        reasons = listed(dict.fromkeys(keys.values()))
        statement = (
            f"{a} and {b} differ only in {listed(keys)}, which may change nothing {reasons}: they are one "
            "experiment under two names, and a difference between them comes from something else."
        )
        evidence: Evidence = {"a": a, "b": b, "keys": ", ".join(keys), "reasons": reasons}
        advice = f"Count their seeds as one group; what chance does is shown by: ired-diag stats {a} {b}"
        yield Finding("idle_keys", "warning", statement, evidence, advice)


def _end_apart(a: Sequence[Run], b: Sequence[Run]) -> bool:
    """Say whether two groups end further apart than their seeds explain."""
    x, y = ([value for run in runs if (value := final_value(run)) is not None] for runs in (a, b))
    if min(len(x), len(y)) < 2:
        return False
    if len({*x}) == len({*y}) == 1:
        return abs(x[0] - y[0]) > ROUNDING * max(abs(x[0]), abs(y[0]))
    return welch(x, y).p < REFUTED_BELOW


def _pairs(told: Mapping[str, Configuration]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield two groups that differ, but in idle keys alone, and the reason for each key."""
    idle = {group: idle_keys_of(configuration) for group, configuration in told.items()}
    moved = {group: moved_settings(configuration) for group, configuration in told.items()}
    alike: dict[str, list[str]] = defaultdict(list)
    for group, settings in moved.items():
        active = sorted((key, repr(value)) for key, value in settings.items() if key not in idle[group])
        alike[repr(active)].append(group)
    for a, b in (pair for groups in alike.values() for pair in itertools.combinations(groups, 2)):
        if differing := differing_keys(moved[a], moved[b]):  # what is active is equal: these are idle
            why = {**idle[b], **idle[a]}
            yield a, b, {key: why[key] for key in differing}


def _moved(group: str, configuration: Configuration) -> Iterator[Finding]:
    """Yield a finding if idle keys of a group are set to something else than their default."""
    moved = {
        key: why
        for key, why in idle_keys_of(configuration).items()
        if not is_off(configuration.get(key)) and value_of(configuration, key) != value_of({}, key)
    }
    if not moved:
        return
    settings = listed(f"{key} {configuration[key]}" for key in moved)
    statement = f"{group}: {settings} changed nothing {listed(dict.fromkeys(moved.values()))}."
    evidence: Evidence = {"group": group, "keys": ", ".join(moved), "count": len(moved)}
    advice = "Leave them out of the configuration, so that nobody compares by them."
    yield Finding("idle_keys", "note", statement, evidence, advice)


def _unknown(told: Mapping[str, Configuration]) -> Iterator[Finding]:
    """Yield one finding on slips in keys, and one on keys of which nothing is known."""
    settings = _settings()
    known = (*settings.model_fields, *settings.not_implemented, *METADATA)
    slips: dict[str, list[str]] = defaultdict(list)
    others: dict[str, list[str]] = defaultdict(list)
    for group, configuration in told.items():
        unknown = [str(key) for key in configuration if key not in known]
        if 2 * len(unknown) >= len(configuration) or not _is_nearly_ours(configuration):
            continue
        for key in unknown:
            near = difflib.get_close_matches(key, known, n=1, cutoff=ALIKE)
            if near and near[0] not in configuration and abs(len(near[0]) - len(key)) <= LETTERS:
                slips[f"{key} (meant: {near[0]}?)"].append(group)
            else:
                others[key].append(group)
    meaning = "no program known here reads it, so that a default may have been used in its place"
    yield from _of_keys(slips, "warning", f"may be a slip: {meaning}", "Correct the key, and train again.")
    advice = "Look for where the program reads it; two runs that differ in it alone would tell."
    yield from _of_keys(others, "note", "cannot be judged: no program known here reads it", advice)


def _is_nearly_ours(configuration: Configuration) -> bool:
    """Say whether a configuration is of our program, with its own keys spelt right or nearly so."""
    keys = [str(key) for key in configuration]
    return all(difflib.get_close_matches(key, keys, n=1, cutoff=ALIKE) for key in OF_OUR_MODEL)


def _of_keys(keys: Mapping[str, list[str]], severity: Severity, told: str, advice: str) -> Iterator[Finding]:
    if keys:
        groups = list(dict.fromkeys(group for found in keys.values() for group in found))
        statement = f"{listed(keys)}, in the configuration of {listed(groups)}, {told}."
        evidence: Evidence = {"keys": ", ".join(keys), "groups": len(groups)}
        yield Finding("idle_keys", severity, statement, evidence, advice)


RULE = Rule(
    "idle_keys",
    "Which configuration keys change nothing?",
    find,
    consequence="conclusion",
    refuted_by=("The line of the program that reads the key in this configuration."),
    near_miss=(
        "A key that is switched off and stays at its default; weight_decay of another program's "
        "Adam; a fork's key with a word more than a known "
        "one (tam_recovery_steps next to recovery_steps)."
    ),
    example=("mining_noise_scale is 1.5 with mining_strategy none: nothing is mined."),
)
