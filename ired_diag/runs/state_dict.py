"""Tensors by name: those of a model, under any of the prefixes that wrappers put before them.

Wrappers nest a model and name its tensors after themselves: ``DataParallel`` (``module.``), ``torch.compile``
(``_orig_mod.``), Lightning modules (the attribute that holds the model: ``model.``, ``diffusion.``), averages
of weights (``ema_model.``, and next to it the plain weights, ``online_model.``). ``named_states`` strips them
and says which; the names that are left are those that the model gives.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

from ired_diag.errors import WrongCheckpoint
from ired_diag.model.schedule import Schedule
from ired_diag.runs import name_list
from ired_diag.runs.tensor_files.stored import StoredTensor

Kind = Literal["raw", "ema"]
Tensors = dict[str, Tensor]  # by name

PREFIXES = (
    *("module.", "_orig_mod.", "model.", "ema_model.", "ebm.", "diffusion.", "online_model.", "model_ema."),
    *("ema.", "averaged_model.", "_forward_module.", "shadow."),
)
AVERAGES = ("ema_model.", "model_ema.", "ema.", "averaged_model.", "shadow.")
ONLINE = "online_model."
# Wrappers that may stand anywhere in a name, and never belong to it.
INNER = ("_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "_orig_mod.")
# What a wrapper counts, next to the model's tensors.
COUNTERS = frozenset(("initted", "step", "decay", "num_updates", "n_averaged", "updates"))
NAMELESS = re.compile(r"(?:shadow|collected)_params\.\d+")  # as torch_ema and score models keep them
AVERAGED = "n_averaged"  # of torch.optim.swa_utils.AveragedModel
BUFFERS = frozenset(Schedule.__dataclass_fields__)
MOST_KEYS_NAMED = 4
MOST_PREFIXES = 8


@dataclass
class NamedStates:
    """A model's tensors by the names that it gives them.

    Attributes:
        states: For each kind of weights, the tensors.
        prefixes: The prefixes that were stripped, each with how many names had it.
        taken_off: For each kind of weights, the prefix that was stripped from each name.
        left_out: What is not the model's, or is there twice: its key, and why it was left out.
    """

    states: dict[Kind, dict[str, Any]] = field(default_factory=dict)
    prefixes: Counter[str] = field(default_factory=Counter)
    taken_off: dict[Kind, dict[str, str]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """What was done, one sentence each."""
        notes = []
        if self.prefixes:
            prefixes = [f"{prefix} ({count} names)" for prefix, count in self.prefixes.most_common()]
            notes.append(f"Prefixes were taken off: {name_list.first_names(prefixes, MOST_PREFIXES)}.")
        for reason in dict.fromkeys(self.left_out.values()):
            keys = [key for key, why in self.left_out.items() if why == reason]
            notes.append(f"Left out, {reason}: {name_list.first_names(keys, MOST_KEYS_NAMED)}.")
        return notes


def named_states(state: Mapping[str, Any], where: str, *, kind: Kind = "raw") -> NamedStates:
    """Return the tensors of a state dictionary under the names that the model gives them.

    Args:
        state: Tensors, or descriptions of them, under the names of a file.
        where: What to call the file in an error.
        kind: Which weights they are, where no prefix says that they are averages.

    Raises:
        WrongCheckpoint: Two keys are different tensors of one name.
    """
    named = NamedStates()
    if AVERAGED in state:
        kind = "ema"
    is_wrapped = kind == "ema" or any(_is_of_an_average(_split(key)[0]) for key in state)
    dotless = _names_without_dots(state)
    online: dict[str, Any] = {}
    for key, tensor in state.items():
        prefixes, name = _split(key)
        is_average = any(prefix in AVERAGES for prefix in prefixes)
        if is_wrapped and name in COUNTERS and math.prod(tensor.shape) == 1:
            named.left_out[key] = "counters of a wrapper"
            continue
        if NAMELESS.fullmatch(name):
            named.left_out[key] = "averages in a list without names"
            continue
        if prefixes:
            named.prefixes["".join(prefixes)] += 1
        if ONLINE in prefixes:
            online[name] = tensor
            continue
        of_kind: Kind = "ema" if is_average else kind
        if is_average:
            name = dotless.get(name, name)
        _add(named.states.setdefault(of_kind, {}), name, tensor, key=key, where=where)
        named.taken_off.setdefault(of_kind, {})[name] = "".join(prefixes)
    _add_online(named, online)
    return named


def _is_of_an_average(prefixes: list[str]) -> bool:
    return ONLINE in prefixes or any(prefix in AVERAGES for prefix in prefixes)


def _add_online(named: NamedStates, online: Mapping[str, Any]) -> None:
    """Add the plain weights that a wrapper of averages holds, where nothing else holds them."""
    if not online:
        return
    if "raw" in named.states:
        for name in online:
            named.left_out[f"{ONLINE}{name}"] = "plain weights once more"
    else:
        named.states = {"raw": dict(online), **named.states}


def _add(state: dict[str, Any], name: str, tensor: Any, *, key: str, where: str) -> None:
    if name in state and not _is_same(state[name], tensor):
        raise WrongCheckpoint(f"{where}: {key!r} and another key are both the tensor {name!r}.")
    state[name] = tensor


def _is_same(tensor: Any, other: Any) -> bool:
    """Say whether two descriptions are of the same numbers: modules that share a model store it twice."""
    if not (isinstance(tensor, StoredTensor) and isinstance(other, StoredTensor)):
        return False
    return tensor.storage is other.storage and tensor.place == other.place


def _names_without_dots(state: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of plain weights by what an average calls them that takes the dots out of names."""
    names: dict[str, str] = {}
    if not any(key.startswith("model_ema.") for key in state):
        return names
    for key in state:
        prefixes, name = _split(key)
        if any(prefix in AVERAGES for prefix in prefixes):
            continue
        for start in range(len(prefixes) + 1):
            dotted = "".join(prefixes[start:]) + name
            names[dotted.replace(".", "")] = name
    return names


def strip_prefixes(state: Mapping[str, Tensor], where: str) -> Tensors:
    """Return the tensors under the names that the model gives them, whatever they are averages of.

    Raises:
        WrongCheckpoint: Two keys are the same tensor under different prefixes.
    """
    stripped: Tensors = {}
    for key, tensor in state.items():
        _, name = _split(key)
        if name in stripped:
            raise WrongCheckpoint(f"{where}: {key!r} and another key are both the tensor {name!r}.")
        stripped[name] = tensor
    return stripped


def _split(key: str) -> tuple[list[str], str]:
    """Return the prefixes of a key, and the name behind them."""
    name = key
    for wrapper in INNER:
        if f".{wrapper}" in name:
            name = name.replace(f".{wrapper}", ".")
    prefixes: list[str] = []
    while prefix := next((prefix for prefix in PREFIXES if name.startswith(prefix)), ""):
        prefixes.append(prefix)
        name = name.removeprefix(prefix)
    return prefixes, name


def split_buffers(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the network's tensors and, apart, the constants of the noise schedule."""
    parameters: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    for name, tensor in state.items():
        if name in BUFFERS:
            constants[name] = tensor
        else:
            parameters[name] = tensor
    return parameters, constants


def first_names(names: Mapping[str, Tensor] | set[str]) -> str:
    """Return the first few names, and how many more there are."""
    return name_list.first_names(sorted(names), MOST_KEYS_NAMED) or "none"
