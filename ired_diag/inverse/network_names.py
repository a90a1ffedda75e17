"""Which tensors of a checkpoint are the energy network's: those next to ``fc1.weight``, under its prefix.

A module that holds the network may hold more (a metric, a loss with weights), and may give it a name that no
list has (``denoiser.``). The network is anchored at its first layer: what does not stand under the prefix of
``fc1.weight`` is not the network's and is left out, which a finding says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from ired_diag.finding import Finding
from ired_diag.runs.checkpoint import Checkpoint, Weights
from ired_diag.runs.name_list import first_names
from ired_diag.runs.state_dict import BUFFERS, MOST_KEYS_NAMED

ANCHOR = "fc1.weight"

States = dict[Weights, Mapping[str, Tensor]]


@dataclass
class NetworkTensors:
    """The tensors of a network by its own names.

    Attributes:
        states: For each kind of weights.
        constants: Of the noise schedule.
        prefix: What stood before the names in addition to the prefixes that every model is read under.
        left_out: Names that are not the network's.
    """

    states: States = field(default_factory=dict)
    constants: dict[str, Tensor] = field(default_factory=dict)
    prefix: str = ""
    left_out: list[str] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        """What was done, as findings."""
        findings = []
        if self.prefix:
            statement = f"The network's tensors are stored under the prefix {self.prefix!r}."
            findings.append(Finding("network_prefix", "note", statement, {"prefix": self.prefix}))
        if self.left_out:
            listed = first_names(self.left_out, MOST_KEYS_NAMED)
            statement = (
                f"The checkpoint holds tensors that are not the network's; they are left out: {listed}."
            )
            findings.append(Finding("tensors_left_out", "note", statement, {"count": len(self.left_out)}))
        return findings


def network_tensors(checkpoint: Checkpoint) -> NetworkTensors:
    """Return the network's tensors, and what else the checkpoint holds."""
    network = NetworkTensors(constants=dict(checkpoint.constants))
    for kind, state in checkpoint.states.items():
        prefix = _prefix(state)
        taken_off = checkpoint.prefixes.get(kind, {})
        own: dict[str, Tensor] = {}
        for name, tensor in state.items():
            short = name.removeprefix(prefix)
            if prefix and short in BUFFERS:
                network.constants.setdefault(short, tensor)
            elif name.startswith(prefix) and _is_next_to_anchor(name, prefix, taken_off):
                own[short] = tensor
            elif name not in network.left_out:
                network.left_out.append(name)
        network.states[kind] = own
        network.prefix = prefix or network.prefix
    return network


def _prefix(state: Mapping[str, Tensor]) -> str:
    """Return what stands before the first layer's name; nothing where that is not certain."""
    if ANCHOR in state:
        return ""
    anchors = [name for name in state if name.endswith(f".{ANCHOR}")]
    return anchors[0].removesuffix(ANCHOR) if len(anchors) == 1 else ""


def _is_next_to_anchor(name: str, prefix: str, taken_off: Mapping[str, str]) -> bool:
    """Say whether the prefixes that were taken off a name are those of the first layer."""
    anchor = f"{prefix}{ANCHOR}"
    return anchor not in taken_off or taken_off.get(name) == taken_off[anchor]
