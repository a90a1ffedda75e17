"""The configuration of a run that another program trained, from the files next to its log.

Looked for in the log's folder, and from there upwards while the folders only number or name the log itself
(``logs``, ``version_0``, ``run7``); a Hydra configuration is that of the run whose folder holds ``.hydra``,
and of every log below it. Nested settings become dotted keys (``model.width``), as Hydra's overrides write
them. A ``config.json`` with a ``format`` key is a run folder of this project and not read here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.finding import Finding
from ired_diag.json_object import read_json_object
from ired_diag.readers.plain_yaml import MOST_BYTES, NotPlain, read_plain_yaml
from ired_diag.runs.place import is_name
from ired_diag.seed_sources import OVERALL_KEYS

OWN = "experiment_config.json"
NAMES = (
    OWN,
    "hparams.yaml",
    "hparams.json",
    ".hydra/config.yaml",
    "config.yaml",
    "config.yml",
    "config.json",
    "args.json",
    "args.yaml",
    "params.json",
    "params.yaml",
    "hyperparameters.json",
    "hyperparameters.yaml",
)
HYDRA = ".hydra"
OVERRIDES = ".hydra/overrides.yaml"
CHECKPOINT_FOLDER = re.compile(r"checkpoint-\d+")  # of Hugging Face's trainer
HIGHEST = 4  # folders above the log in which a configuration is looked for
SEED_KEYS = OVERALL_KEYS
OF_WANDB = ("_wandb", "wandb_version")  # what it says of itself
UNWRAPPED = {"value", "desc"}  # of wandb's config.yaml: {"lr": {"desc": null, "value": 0.1}}


@dataclass(frozen=True)
class ForeignConfiguration:
    """What the files next to a log state.

    Attributes:
        values: Values by dotted key; None where there is no file.
        path: The file.
        findings: What is odd about the file.
    """

    values: dict[str, Any] | None = None
    path: Path | None = None
    findings: tuple[Finding, ...] = ()


def find_configuration(folder: Path) -> ForeignConfiguration:
    """Return the configuration of the log in ``folder``."""
    for path in configuration_files(folder):
        if path.is_file():
            configuration = _read(path)
            if configuration is not None:
                return configuration
    return ForeignConfiguration()


def configuration_files(folder: Path) -> list[Path]:
    """Return every path at which ``find_configuration`` looks, whether there is a file or not."""
    return [place / name for place in _places(folder) for name in NAMES]


def is_configuration(path: Path) -> bool:
    """Say whether a file is read as the configuration of a log next to it, and is not a log itself."""
    return path.name in NAMES or path.parent.name == HYDRA


def seed_of(configuration: Mapping[str, Any] | None, key: str | None = None) -> int | None:
    """Return the random seed that a configuration states.

    Args:
        configuration: Values by dotted key.
        key: The key of the seed. Default: the usual names; where several keys with a usual name state
            different numbers, none of them is taken.

    >>> seed_of({"seed": "3"}), seed_of({"trainer.seed": 1, "data.seed": 2}), seed_of({"seed": True})
    (3, None, None)
    """
    configuration = configuration or {}
    if key is not None:
        return _whole_number(configuration.get(key))
    lower = {name.lower(): value for name, value in configuration.items()}
    for name in SEED_KEYS:
        seed = _whole_number(lower.get(name))
        if seed is not None:
            return seed
    seeds = set()
    for name, value in lower.items():
        _, _, last_part = name.rpartition(".")
        if last_part in SEED_KEYS:
            seeds.add(_whole_number(value))
    seeds.discard(None)
    return seeds.pop() if len(seeds) == 1 else None


def flatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested settings by dotted key; lists stay as they are.

    >>> flatten({"model": {"width": 64}, "lr": {"desc": None, "value": 0.1}})
    {'model.width': 64, 'lr': 0.1}
    """
    return dict(_flat(values, ""))


def _places(folder: Path) -> Iterator[Path]:
    """Yield the log's folder and those above it, as far as they belong to the same run.

    What is in the folder of a checkpoint describes the model, and is left out.
    """
    above = folder.resolve()
    if not CHECKPOINT_FOLDER.fullmatch(above.name):
        yield folder
    belongs = True
    for _ in range(HIGHEST):
        belongs = belongs and not is_name(above.name)
        if above == above.parent:
            return
        above = above.parent
        if belongs or (above / HYDRA).is_dir():
            yield above


def _read(path: Path) -> ForeignConfiguration | None:
    """Return what a file states; None for the configuration of a run folder of ours."""
    read = _read_yaml if path.suffix in (".yaml", ".yml") else read_json_object
    try:
        values = read(path)
    except UnreadableFile as error:
        return ForeignConfiguration(None, path, (_not_read(error, path),))
    except NotPlain as error:
        finding = _not_read(f"{path}: is not plain YAML ({error}).", path, kept=len(error.salvaged))
        return ForeignConfiguration(flatten(error.salvaged) or None, path, (finding,))
    if path.name == OWN:
        return ForeignConfiguration(values, path)
    if path.name == "config.json" and isinstance(values.get("format"), int):
        return None
    return ForeignConfiguration(_with_overrides(flatten(values), path), path)


def _with_overrides(values: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return a Hydra configuration; of an empty one what its overrides say."""
    overrides = path.parent.parent / OVERRIDES
    if values or path.parent.name != HYDRA or not overrides.is_file():
        return values
    settings = []
    for line in overrides.read_text(encoding="utf-8", errors="replace").splitlines():
        if "=" in line:
            key, _, value = line.lstrip("- ").strip("'\" ").partition("=")
            settings.append(f"{key.lstrip('+~')}: {value}")
    return read_plain_yaml("\n".join(settings))


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnreadableFile(f"{path}: expected a configuration, found {path.stat().st_size} bytes.")
        return read_plain_yaml(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise unreadable(path, error) from error


def _not_read(reason: object, path: Path, kept: int = 0) -> Finding:
    """Return the finding that a configuration could not be read, but for ``kept`` plain lines."""
    statement = f"The configuration next to the log was not read: {reason}"
    if kept:
        statement = f"{statement} {kept} plain lines of it were kept."
    return Finding("configuration_torn", "warning", statement, evidence={"file": path.name, "kept": kept})


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if prefix == "" and key in OF_WANDB:
            continue
        if isinstance(value, Mapping) and "value" in value and set(value) <= UNWRAPPED:
            value = value["value"]
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _as_json(value)


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _as_json(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_as_json(inner) for inner in value]
    return str(value)


def _whole_number(value: object) -> int | None:
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.isascii() and text.isdigit() else None
    if isinstance(value, float):
        if not math.isfinite(value) or not value.is_integer():
            return None
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        return None
    return value
