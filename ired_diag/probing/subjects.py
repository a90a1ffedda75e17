"""What a checkpoint of a run is to a probe: its network, its data, how it mined."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ired_diag.config import Config, parse_config
from ired_diag.config_keys import NOT_IMPLEMENTED
from ired_diag.errors import WrongConfiguration
from ired_diag.finding import Finding
from ired_diag.inverse.matrices import MatrixData
from ired_diag.model.mined_batch import MiningSettings
from ired_diag.runs.checkpoint import Checkpoint, Weights
from ired_diag.runs.run import Run
from ired_diag.subject import Subject
from ired_diag.inverse.configured import divisor_of, form_of


def subject_of(
    checkpoint: Checkpoint, run: Run, weights: Weights, *, samples: int = 1024, seed: int = 0
) -> tuple[Subject, list[Finding]]:
    """Return what a probe is put to at a checkpoint of a run, and what its configuration left open.

    The denoiser's output is divided as in training: where that is the batch size, by the training batch's,
    whatever the number of problems that a probe looks at.
    """
    broken = [f for f in checkpoint.findings if f.severity == "error"]
    told, notes = _config_of(checkpoint, run)
    config = told or Config(experiment_name="unknown")
    data = MatrixData(config.dataset, checkpoint.architecture.rank, config.ood)
    divisor = None if config.gradient_normalization is None else divisor_of(config)
    network = checkpoint.network(weights, gradient_normalization=divisor, form=form_of(config))
    subject = Subject(
        network,
        checkpoint.schedule,
        data,
        _mining_of(config),
        told,
        samples,
        seed,
        network.device,
        defect=broken[0].statement if broken else "",
    )
    return subject, notes


def _mining_of(config: Config) -> MiningSettings:
    """Return how a run's negatives are mined; one that mined none, as the public code would have."""
    return MiningSettings(
        opt_steps=config.mining_opt_steps,
        noise_scale=config.mining_noise_scale,
        random_negative=config.random_negative,
        walk="ascent" if config.mining_strategy == "ascent" else "descent",
        ascent_learning_rate=config.ascent_learning_rate,
    )


def _config_of(checkpoint: Checkpoint, run: Run) -> tuple[Config | None, list[Finding]]:
    """Return the configuration to mine by: the run's, else the file's; none where neither tells one."""
    told: Mapping[str, Any] = run.configuration or checkpoint.configuration or {}
    if not told:
        statement = "No configuration is told; negatives are mined with the defaults of the public code."
        return None, [Finding("defaults", "note", statement)]
    try:
        return parse_config({"experiment_name": "unknown", **told}), []
    except WrongConfiguration as error:
        statement = (
            "Its training did what is not implemented here; negatives are mined by energy descent all "
            f"the same. {error}"
        )
        return _without(told, NOT_IMPLEMENTED), [Finding("not_as_trained", "warning", statement)]


def _without(told: Mapping[str, Any], refused: Collection[str]) -> Config:
    """Return a configuration without what is refused; its mining strategy only if that is implemented."""
    known = {key: told[key] for key in told if key in Config.model_fields and key not in refused}
    try:
        return parse_config({"experiment_name": "unknown", **known})
    except WrongConfiguration:
        known.pop("mining_strategy", None)
        return parse_config({"experiment_name": "unknown", **known})
