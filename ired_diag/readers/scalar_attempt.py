"""Whose log a table of scalars is: experiment, seed and configuration from what stands beside it.

TensorBoard, CSV, JSON lines and ``trainer_state.json`` tell metrics and little else. The configuration is
looked for beside the log (``experiment_config.json``, ``hparams.yaml`` of Lightning), the experiment in it,
else in the run's name that the log tells, in the file's name, and in the folders' names from the nearest
on; the seed likewise. Names that every run has (``metrics.csv``, ``version_0``) name nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ired_diag.config import read_json_object
from ired_diag.errors import UnreadableFile
from ired_diag.finding import Finding
from ired_diag.readers.scalar_log import ScalarLog
from ired_diag.runs.attempt import Attempt, experiment_number
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_metric import evaluation_metric

BESIDE = ("experiment_config.json", "hparams.json", "hparams.yaml")
FOLDERS = 3  # how far up names are looked for
SEED = re.compile(r"(?i)(?:^|[^a-z])seed[_=-]?(\d{1,9})(?!\d)")
NAMELESS = re.compile(
    r"(?i)metrics?|log(s|_history)?|history|export|progress|results?|scalars?|trainer_state|events\.out.*|tmp|data"
    r"|version_\d+|checkpoint-\d+|run-\d+|runs?|outputs?|train(ing)?|val(idation)?|wandb.*|lightning_logs"
    r"|tensorboard|csv_logs|default|files|seed[_=-]?\d+|\d+|"
)
STEPS = ("train_steps", "max_steps")  # of our configurations, of Hugging Face and Lightning


def attempt_of(path: Path, log: ScalarLog, *, format: str) -> Attempt:
    """Return the attempt that a log of scalars is of.

    Args:
        path: The log, or the folder of its files.
        log: What it tells.
        format: The reader's name.
    """
    folder = path if path.is_dir() else path.parent
    configuration, findings = _configuration(folder)
    names = list(_names(path, log))
    told = (configuration or {}).get("experiment_name")
    name = told if isinstance(told, str) and told else None
    history = log.history
    metric = evaluation_metric(history.series)
    return Attempt(
        source=_files(path),
        experiment=_experiment(name, names),
        name=name,
        seed=_seed(configuration, names),
        job=None,
        configuration=configuration,
        rows=(),
        evaluations=len(history.series[metric]) if metric else 0,
        ending=_ending(configuration, log.told, history.last_step),
        provenance={"logged_attempts": history.attempts} if history.attempts > 1 else {},
        findings=(*findings, *log.findings),
        series=history.series,
        format=format,
    )


def _files(path: Path) -> tuple[Path, ...]:
    return tuple(sorted(p for p in path.iterdir() if "tfevents" in p.name)) if path.is_dir() else (path,)


def _names(path: Path, log: ScalarLog) -> Iterator[str]:
    """Yield the names that may name the run, the nearest first."""
    if run := log.told.get("run"):
        yield str(run)
    if not path.is_dir():
        yield path.stem
    folder = path.resolve() if path.is_dir() else path.resolve().parent
    yield from (place.name for place in [folder, *folder.parents][:FOLDERS])


def _experiment(name: str | None, names: list[str]) -> str:
    if name:
        return experiment_number(name) or name
    number = next((found for one in names if (found := experiment_number(one))), None)
    plain = (re.sub(r"[_=/.-]+$", "", SEED.sub("", one)) for one in names)
    return number or next((one for one in plain if not NAMELESS.fullmatch(one)), names[0])


def _seed(configuration: Mapping[str, Any] | None, names: list[str]) -> int | None:
    in_name = next((found for one in names if (found := SEED.search(one))), None)
    if in_name:  # the stored seed may be the template's
        return int(in_name[1])
    told = (configuration or {}).get("seed")
    return told if isinstance(told, int) and not isinstance(told, bool) else None


def _configuration(folder: Path) -> tuple[dict[str, Any] | None, list[Finding]]:
    """Return the configuration beside a log, and a finding where it is damaged."""
    for path in (folder / name for name in BESIDE):
        if not path.is_file():
            continue
        try:
            return (_read_yaml if path.suffix == ".yaml" else read_json_object)(path), []
        except UnreadableFile as error:
            statement = f"The configuration beside the log was not read: {error}"
            return None, [Finding("configuration_torn", "warning", statement, {"file": path.name})]
    return None, []


def _read_yaml(path: Path) -> dict[str, Any]:
    """Return the names and values of a plain YAML file; one with aliases could unfold without end."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise UnreadableFile(f"{path}: expected plain YAML, found an alias (*name).")
        told = yaml.safe_load(text)
    except (OSError, yaml.YAMLError, RecursionError, ValueError) as error:
        raise UnreadableFile(f"{path}: is no plain YAML ({' '.join(str(error).split())[:120]}).") from error
    if not isinstance(told, dict):
        raise UnreadableFile(f"{path}: expected names with values, found {type(told).__name__}.")
    return {str(key): _as_json(value) for key, value in told.items()}


def _as_json(value: Any) -> Any:
    """Return a YAML value as JSON would hold it: dates and the like as text."""
    if isinstance(value, dict):
        return {str(key): _as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_as_json(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _ending(configuration: Mapping[str, Any] | None, told: Mapping[str, Any], last: int | None) -> Ending:
    """Return that a run is complete where it was to make so many steps and has; else nothing is known."""
    planned = [told.get(key) for key in STEPS] + [(configuration or {}).get(key) for key in STEPS]
    steps = next((n for n in planned if isinstance(n, int) and not isinstance(n, bool) and n > 0), None)
    if steps is None or last is None:
        return Ending("unknown")
    if last >= steps:
        return Ending("complete")
    return Ending("cut_off", f"step {last} of {steps}")
