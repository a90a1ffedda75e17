"""Where in a checkpoint the weights are: programs give the state dictionary, and its average, many names.

``weights_in`` looks at the keys of the outermost dictionary. Without a known key, tensors at the top are a
bare state dictionary; else what is not the training's memory (optimiser, schedules, random streams) is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ired_diag.pickled.values import Foreign, NumpyArray
from ired_diag.pickled.walk import walk
from ired_diag.runs.state_dict import Kind
from ired_diag.runs.tensor_files.stored import StoredTensor

Layout = Literal["trainer1d", "final_model", "ired_diag", "state_dict", "lightning", "deepspeed", "module"]

RAW_KEYS = (
    *("model", "state_dict", "model_state_dict", "model_state", "module", "net", "network"),
    *("ebm", "energy_model", "denoiser", "params", "weights", "model_weights", "unet"),
)
EMA_KEYS = (
    *("ema", "ema_state_dict", "model_ema", "state_dict_ema", "ema_model", "params_ema"),
    *("ema_model_state_dict", "model_ema_state_dict", "ema_weights", "averaged_model"),
)
# Parts of the keys of what is the training's memory: en_opt, optimizer_state_dict, lr_schedulers, …
OF_TRAINING = frozenset(
    "opt optim optimizer optimizers sched scheduler schedulers scaler scale rng random callbacks loops "
    "lookahead args config cfg amp loss losses history".split()
)
EPOCHS = ("epoch", "cur_epoch", "epochs_run")
COUNTS = (
    *("global_step", "step", "global_steps", "iteration", "iter", "iter_num", "steps", "num_updates"),
    *("train_step", "current_step", "cur_step", "curr_iter", "cur_iter", "n_iter", "it", *EPOCHS),
)
Leaf = StoredTensor | NumpyArray


@dataclass(kw_only=True)
class WeightsInFile:
    """The weights of a checkpoint, as it stores them.

    Attributes:
        layout: How it is laid out.
        parts: For raw and averaged weights, what holds them.
        keys: The key of each in the outermost dictionary; empty where they are all of it.
        notes: What a reader should know.
    """

    layout: Layout
    parts: dict[Kind, Any]
    keys: dict[Kind, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def weights_in(content: Any) -> WeightsInFile:
    """Return where the weights are in what a file holds."""
    if isinstance(content, Foreign):
        return WeightsInFile(layout="module", parts={"raw": content})
    if "ebm_state" in content:
        return WeightsInFile(
            layout="final_model", parts={"raw": content["ebm_state"]}, keys={"raw": "ebm_state"}
        )
    keys: dict[Kind, str] = {}
    for kind, names in (("raw", RAW_KEYS), ("ema", EMA_KEYS)):
        for name in names:
            if has_tensors(content.get(name)):
                keys[kind] = name  # type: ignore[index]  # of the two kinds
                break
    if "raw" not in keys:
        return _without_a_known_key(content, keys)
    return WeightsInFile(
        layout=_layout(content, keys),
        parts={kind: content[name] for kind, name in keys.items()},
        keys=keys,
        notes=_notes(content, keys),
    )


def _without_a_known_key(content: Mapping[Any, Any], keys: dict[Kind, str]) -> WeightsInFile:
    """Return where the weights are if no key says so: raw ones are what is left, next to averages."""
    parts: dict[Kind, Any] = {}
    raw = _bare({key: value for key, value in content.items() if key not in keys.values()})
    if has_tensors(raw) or not keys:
        parts["raw"] = raw
    for kind, name in keys.items():
        parts[kind] = content[name]
    return WeightsInFile(layout="state_dict", parts=parts, keys=keys)


def has_tensors(part: Any) -> bool:
    """Say whether a value holds tensors by name: a dictionary, or an object that was not built."""
    if not isinstance(part, Mapping | Foreign):
        return False
    return any(isinstance(value, Leaf) for _, value in walk(part))


def _layout(content: Mapping[Any, Any], keys: Mapping[Kind, str]) -> Layout:
    if keys.get("raw") == "model":
        return "trainer1d"
    if keys.get("raw") == "module":
        return "deepspeed"
    if "pytorch-lightning_version" in content:
        return "lightning"
    return "state_dict"


def _notes(content: Mapping[Any, Any], keys: Mapping[Kind, str]) -> list[str]:
    """Return what to know where other keys may hold weights too."""
    others = []
    for name in (*RAW_KEYS, *EMA_KEYS):
        if name not in keys.values() and has_tensors(content.get(name)):
            others.append(name)
    if not others:
        return []
    used = " and ".join(keys.values())
    return [f"The weights are taken from {used}; {', '.join(others)} holds tensors too."]


def _bare(content: Mapping[Any, Any]) -> Any:
    """Return the tensors at the top, else the parts that are not the training's memory."""
    top = {key: value for key, value in content.items() if str(key) not in COUNTS}
    if any(isinstance(value, Leaf) for value in top.values()):
        return top
    parts = {key: value for key, value in top.items() if not _is_memory(key) and has_tensors(value)}
    if len(parts) == 1:
        (part,) = parts.values()
        return part
    return parts


def _is_memory(key: Any) -> bool:
    """Say whether a key is that of an optimiser, a schedule or a random stream."""
    return not OF_TRAINING.isdisjoint(str(key).lower().split("_"))
