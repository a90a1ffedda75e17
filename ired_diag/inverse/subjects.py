"""What a checkpoint of an energy network is to a probe: its network, its data, how it mined."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ired_diag.batch_shares import chooses_samples, hard_examples, hardest, with_negatives
from ired_diag.config import parse_config
from ired_diag.curriculum import config_after, setting_of
from ired_diag.energy_config import divisor_of
from ired_diag.errors import WrongConfiguration
from ired_diag.finding import Finding
from ired_diag.inverse.checkpoint import network_checkpoint
from ired_diag.inverse.config import NOT_IMPLEMENTED, InverseConfig
from ired_diag.inverse.configured import form_of
from ired_diag.inverse.matrices import MatrixData
from ired_diag.model.mined_batch import MiningSettings
from ired_diag.subject import Subject
from ired_diag.task import StoredModel


def subject_of(stored: StoredModel) -> tuple[Subject, list[Finding]]:
    """Return what a probe is put to at a checkpoint, and what is odd or left open.

    The denoiser's output is divided as in training: where that is the batch size, by the training batch's,
    whatever the number of problems that a probe looks at.

    Raises:
        WrongCheckpoint: The tensors are not those of an IRED energy network.
    """
    model = network_checkpoint(stored.checkpoint)
    stated, notes = _config_of(stored)
    config = stated
    if stated is not None:
        config = config_after(stated, stored.step)
        notes = [*notes, *_notes_on_choice(stated, config, stored.step)]
    mining = config or InverseConfig(experiment_name="unknown")
    divisor = None if mining.gradient_normalization is None else divisor_of(mining)
    network = model.network(stored.kind, gradient_normalization=divisor, form=form_of(mining))
    broken = [f for f in model.findings if f.severity == "error"]
    subject = Subject(
        energy=network,
        schedule=model.schedule,
        problems=MatrixData(mining.dataset, model.architecture.rank, mining.ood),
        mining=_mining_of(mining),
        config=config,
        device=network.device,
        defect=broken[0].statement if broken else "",
    )
    return subject, [*model.findings, *notes]


def _mining_of(config: InverseConfig) -> MiningSettings:
    """Return how a run's negatives are mined; one that mined none, as the public code would have."""
    return MiningSettings(
        opt_steps=config.mining_opt_steps,
        noise_scale=config.mining_noise_scale,
        scale_factor=config.mining_scale_factor,
        random_negative=config.random_negative,
        walk="ascent" if config.mining_strategy == "ascent" else "descent",
        ascent_learning_rate=config.ascent_learning_rate,
    )


def _notes_on_choice(stated: InverseConfig, config: InverseConfig, step: int | None) -> list[Finding]:
    """Return where a curriculum stands, and which samples of a training batch count."""
    notes = []
    if (setting := setting_of(stated)) is not None:
        now, end = getattr(config, setting), getattr(stated, setting)
        evidence = {"step": step, setting: now, "end": end}
        where = "The step of this checkpoint is unknown" if step is None else f"At step {step}"
        statement = (
            f"{where}, {setting} is {now:g}: the curriculum starts at {stated.curriculum_start:g} and ends "
            f"at {end:g}. Negatives are mined with {now:g}."
        )
        if step is None:
            statement = f"{where}: negatives are mined with {setting} {end:g}, the end of its curriculum."
        notes.append(Finding("curriculum", "note", statement, evidence))
    if chooses_samples(stated):
        size = stated.batch_size
        count = with_negatives(stated, size)
        statement = (
            f"Of {size} samples of a training batch, {count} have a negative, {hardest(stated, count)} of "
            f"them count in the contrastive term, and {hard_examples(stated, size)} samples count in the "
            "loss. "
            "Negatives are looked at of every problem."
        )
        notes.append(Finding("chosen_samples", "note", statement, {"batch_size": size, "negatives": count}))
    return notes


def _config_of(stored: StoredModel) -> tuple[InverseConfig | None, list[Finding]]:
    """Return the configuration to mine by; None where it is unknown."""
    keys = stored.keys or {}
    if not keys:
        statement = "No configuration is known; negatives are mined with the defaults of the public code."
        return None, [Finding("defaults", "note", statement)]
    try:
        return parse_config({"experiment_name": "unknown", **keys}, InverseConfig), []
    except WrongConfiguration as error:
        statement = (
            "Its training did what is not implemented here; negatives are mined by energy descent all "
            f"the same. {error}"
        )
        return _without(keys, NOT_IMPLEMENTED), [Finding("not_as_trained", "warning", statement)]


def _without(keys: Mapping[str, Any], refused: Collection[str]) -> InverseConfig:
    """Return a configuration without what is refused; its mining strategy only if that is implemented."""
    accepted: dict[str, Any] = {"experiment_name": "unknown"}
    for key, value in keys.items():
        if key in InverseConfig.model_fields and key not in refused:
            accepted[key] = value
    try:
        return parse_config(accepted, InverseConfig)
    except WrongConfiguration:
        accepted.pop("mining_strategy", None)
        return parse_config(accepted, InverseConfig)
