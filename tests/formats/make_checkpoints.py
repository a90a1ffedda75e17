"""Make the checkpoints that tests keep, each with its library, and what the library's own reader returns.

    pip install pytorch-lightning==2.6.6 ema-pytorch==0.8.3 omegaconf==2.4.0 accelerate==1.15.0 \
        deepspeed==0.19.8 torch==2.13.0
    python make_checkpoints.py FOLDER [MAKER …]

``FOLDER/expected.json`` holds, for each file, every tensor as the library's own reader returns it.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import enum
import functools
import json
import math
import os
import pathlib
import pickle
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Expected = dict[str, Any]


class Mode(enum.Enum):
    """A setting of two values."""

    FAST = 1
    SLOW = 2


@dataclasses.dataclass
class Settings:
    """Settings as a dataclass."""

    rate: float = 0.1
    mode: Mode = Mode.SLOW


def net(seed: int = 0) -> nn.Sequential:
    """Return a small network, with a NaN and an infinity among its weights."""
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    with torch.no_grad():
        module[0].weight[0, 0] = math.nan
        module[0].weight[1, 1] = math.inf
        module[2].bias[0] = -math.inf
    return module


def listed(tensors: Mapping[str, Tensor]) -> Expected:
    """Return tensors as JSON: type, shape and numbers, those that are not finite as texts."""
    return {name: as_json(tensor) for name, tensor in tensors.items()}


def as_json(tensor: Tensor) -> Expected:
    """Return a tensor as JSON."""
    numbers = tensor.detach().flatten().tolist()
    texts = [number if math.isfinite(number) else str(number) for number in numbers]
    return {"type": str(tensor.dtype), "shape": list(tensor.shape), "numbers": texts}


def trainers_content() -> dict[str, Any]:
    """Return what trainers write next to weights: settings of many classes, counters, memory."""
    module = net()
    optimizer = torch.optim.AdamW(module.parameters())
    module(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    return {
        "state_dict": net(1).state_dict(),
        "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(rate=0.1, out=pathlib.PurePosixPath("a/b"), mode=Mode.FAST),
        "settings": Settings(),
        "activation": functools.partial(math.pow, 2.0),
        "global_step": np.int64(1234),
        "best": np.float64(0.25),
        "history": np.arange(6.0).reshape(2, 3),
        "order": collections.OrderedDict(first=1),
        "kinds": {torch.float32, torch.int64},
        "half": torch.arange(3, dtype=torch.bfloat16),
        "every_second": torch.arange(10.0)[1:9:2],
        "turned": torch.arange(6.0).reshape(2, 3).T,
    }


def make_torch(folder: pathlib.Path) -> Expected:
    """Write PyTorch's two formats and a plain pickle."""
    content = trainers_content()
    torch.save(content, folder / "trainer.pth")
    torch.save(content, folder / "before_1_6.pth", _use_new_zipfile_serialization=False)
    (folder / "plain.pkl").write_bytes(pickle.dumps({"state_dict": content["state_dict"]}))
    expected: Expected = {}
    for name in ("trainer.pth", "before_1_6.pth"):
        read = torch.load(folder / name, weights_only=False)
        tensors = {key: read[key] for key in ("half", "every_second", "turned")}
        expected[name] = listed({**read["state_dict"], **tensors})
    expected["plain.pkl"] = listed(pickle.loads((folder / "plain.pkl").read_bytes())["state_dict"])
    return expected


def make_lightning(folder: pathlib.Path) -> Expected:
    """Write a checkpoint of Lightning: a module that holds a model and its average."""
    import pytorch_lightning as lightning
    from ema_pytorch import EMA
    from pytorch_lightning.utilities.parsing import AttributeDict

    class Module(lightning.LightningModule):
        def __init__(self, rate: float = 0.1) -> None:
            super().__init__()
            self.save_hyperparameters()
            torch.manual_seed(0)
            self.model = nn.Linear(4, 2)
            self.ema = EMA(self.model, update_after_step=1, update_every=1, include_online_model=True)

        def training_step(self, batch: list[Tensor], number: int) -> Tensor:
            return (self.model(batch[0]) ** 2).mean()

        def on_train_batch_end(self, *_: Any) -> None:
            self.ema.update()

        def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
            checkpoint["hyper_parameters"] = AttributeDict(rate=0.1, model=AttributeDict(width=4))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.model.parameters(), 0.1)

    numbers = torch.linspace(-1, 1, 32).reshape(8, 4)
    batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(numbers), batch_size=2)
    trainer = lightning.Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Module(), batches)
    trainer.save_checkpoint(folder / "lightning.ckpt")
    read = torch.load(folder / "lightning.ckpt", weights_only=False)
    return {"lightning.ckpt": listed(read["state_dict"])}


def make_omegaconf(folder: pathlib.Path) -> Expected:
    """Write weights next to a configuration of omegaconf."""
    from omegaconf import OmegaConf

    config = OmegaConf.create({"rate": 0.1, "model": {"widths": [4, 3], "activation": "tanh"}})
    torch.save({"model": net(2).state_dict(), "cfg": config, "epoch": 7}, folder / "omegaconf.pt")
    read = torch.load(folder / "omegaconf.pt", weights_only=False)
    return {"omegaconf.pt": listed(read["model"])}


def make_shards(folder: pathlib.Path) -> Expected:
    """Write weights in shards with an index, as safetensors and as PyTorch files."""
    from accelerate import Accelerator, load_checkpoint_in_model

    expected: Expected = {}
    for name, is_safe in (("shards_safetensors", True), ("shards_bin", False)):
        module = net(3)
        Accelerator(cpu=True).save_model(module, folder / name, max_shard_size=60, safe_serialization=is_safe)
        read = net(4)
        load_checkpoint_in_model(read, folder / name)
        expected[name] = listed(read.state_dict())
    return expected


def make_distributed(folder: pathlib.Path) -> Expected:
    """Write a distributed checkpoint of PyTorch."""
    import torch.distributed.checkpoint as distributed

    state = {"model": net(5).state_dict(), "step": 42, "rates": [0.1, 0.2]}
    distributed.save(state, checkpoint_id="distributed", no_dist=True)
    pathlib.Path("distributed").rename(folder / "distributed")
    read = {"model": net(6).state_dict()}
    distributed.load(read, checkpoint_id=folder / "distributed", no_dist=True)
    return {"distributed": listed(read["model"])}


def matrix() -> Tensor:
    """Return numbers that two processes share, a NaN and an infinity among them."""
    numbers = torch.arange(15.0).reshape(5, 3)
    numbers[0, 0], numbers[4, 2] = math.nan, math.inf
    return numbers


def save_from_two_processes(rank: int) -> None:
    """Save parts of matrices, as one of two processes: rows, columns, and a whole tensor."""
    import torch.distributed as processes
    from torch.distributed import checkpoint
    from torch.distributed.tensor import Shard, distribute_tensor, init_device_mesh

    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29599", "RANK": str(rank), "WORLD_SIZE": "2"}
    processes.init_process_group("gloo")
    mesh = init_device_mesh("cpu", (2,))
    rows = distribute_tensor(matrix(), mesh, [Shard(0)])
    columns = distribute_tensor(matrix(), mesh, [Shard(1)])
    state = {"model": {"rows": rows, "columns": columns, "whole": torch.ones(2)}, "step": 6}
    checkpoint.save(state, checkpoint_id="distributed_2")
    processes.destroy_process_group()


def make_distributed_of_two(folder: pathlib.Path) -> Expected:
    """Write a distributed checkpoint whose tensors are spread over two files."""
    import torch.distributed.checkpoint as distributed

    torch.multiprocessing.spawn(save_from_two_processes, nprocs=2)
    pathlib.Path("distributed_2").rename(folder / "distributed_2")
    empty = {"rows": torch.zeros(5, 3), "columns": torch.zeros(5, 3), "whole": torch.zeros(2)}
    distributed.load({"model": empty}, checkpoint_id=folder / "distributed_2", no_dist=True)
    return {"distributed_2": listed(empty)}


def make_deepspeed(folder: pathlib.Path) -> Expected:
    """Write checkpoints of DeepSpeed, with whole weights and with weights in parts (ZeRO stage 3)."""
    os.environ |= {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "DS_ACCELERATOR": "cpu"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29577"}
    import deepspeed

    adam = {"type": "Adam", "params": {"lr": 0.1, "torch_adam": True}}
    expected: Expected = {}
    for stage in (0, 3):
        torch.manual_seed(7)
        config = {"train_batch_size": 2, "optimizer": adam, "zero_optimization": {"stage": stage}}
        engine, *_ = deepspeed.initialize(model=nn.Linear(4, 2), config=config)
        for _ in range(3):
            engine.backward((engine(torch.ones(2, 4)) ** 2).mean())
            engine.step()
        name = f"deepspeed_{stage}"
        engine.save_checkpoint(folder / name)
        if stage == 0:
            read = torch.load(
                folder / name / "global_step3" / "mp_rank_00_model_states.pt", weights_only=False
            )
            expected[name] = listed(read["module"])
        for other in (folder / name).rglob("*"):
            if other.is_file() and other.name != "latest" and "model_states" not in other.name:
                other.unlink()
    return expected


MAKERS: tuple[Callable[[pathlib.Path], Expected], ...] = (
    make_torch,
    make_lightning,
    make_omegaconf,
    make_shards,
    make_distributed,
    make_distributed_of_two,
    make_deepspeed,
)


def main() -> None:
    """Write the files of the makers that are named, else all."""
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True)
    warnings.simplefilter("ignore")
    expected: Expected = {}
    for maker in MAKERS:
        if maker.__name__ in sys.argv[2:] or not sys.argv[2:]:
            expected |= maker(folder)
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
