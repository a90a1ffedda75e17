"""Settings that a log prints before its first row are the run's configuration, and tell groups apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ired_diag.open import open_study
from ired_diag.readers.printed_settings import printed_settings

ROWS = "".join(f"step {k} loss {1 / (k + 1):.4f} val_loss {1.1 / (k + 1):.4f}\n" for k in range(8))


def settings_in(tmp_path: Path, head: str) -> dict[str, Any]:
    path = tmp_path / "train.log"
    path.write_text(head + ROWS)
    return printed_settings(path)


@pytest.mark.parametrize(
    ("head", "settings"),
    [
        (
            "Namespace(lr=0.1, seed=3, name='a b', amp=True)\n",
            {"lr": 0.1, "seed": 3, "name": "a b", "amp": True},
        ),
        ("2026-03-01 10:00:00 INFO Namespace(lr=1e-3, layers=[1, 2])\n", {"lr": 1e-3, "layers": [1, 2]}),
        ("Namespace(k=2, f=<function g at 0x7f>, m=<Mode.A: 1>)\n", {"k": 2, "m": "<Mode.A: 1>"}),
        ("Namespace(root=PosixPath('/data'), k=2)\n", {"root": "PosixPath('/data')", "k": 2}),
        ("Args: {'lr': 0.1, 'seed': 3}\n", {"lr": 0.1, "seed": 3}),
        ('config = {"lr": 0.1, "amp": true}\n', {"lr": 0.1, "amp": True}),
        ("+ python train.py --lr 0.1 --seed=3 --amp\n", {"lr": 0.1, "seed": 3, "amp": True}),
        ("CUDA_VISIBLE_DEVICES=0 python -u train.py --lr 1e-3 --name x\n", {"lr": 1e-3, "name": "x"}),
        ("+ torchrun --nproc-per-node=2 train.py --lr -1\n", {"lr": -1}),
        ("+ python prepare.py --n 1\n+ python train.py --lr 0.1\n", {"lr": 0.1}),  # the last one trains
        ("args: {'lr': 0.1, 'seed': 3}\nModel config: {'layers': 2}\n", {"lr": 0.1, "seed": 3, "layers": 2}),
        ("Namespace(seed=0)\nconfig: {'method': 'a'}\n", {"seed": 0, "method": "a"}),
        ("Namespace(seed=0)\nLoaded a model trained with Namespace(seed=9)\n", {"seed": 0}),
        ("config: {'lr': 0.1, 'init_loss': 2.3}\n", {"lr": 0.1}),
        ("Best hyperparameters:\nthreshold: 0.3\nk: 2\nm: 3\n", {}),
        (
            "------- Options -------\n   lr: 0.1  [default: 0.2]\n seed: 3\n  name: x\n---\n",
            {"lr": 0.1, "seed": 3, "name": "x"},
        ),
        (
            "Configuration:\nmodel:\n  width: 8\n  depth: 2\nseed: 3\n\n",
            {"model": {"width": 8, "depth": 2}, "seed": 3},
        ),
        ('Config:\n{\n  "lr": 0.1,\n  "seed": 3\n}\n', {"lr": 0.1, "seed": 3}),
        ("hyperparameters\nlr = 0.1\nseed = 3\nepochs = 5\n", {"lr": 0.1, "seed": 3, "epochs": 5}),
        ("INFO | cli.train | {'common': {'seed': 3}, 'lr': [0.1]}\n", {"common": {"seed": 3}, "lr": [0.1]}),
        ("INFO {'loss': 0.3, 'lr': 0.1, 'batch_size': 8}\n", {}),
        ("Parameters:\ntotal 3.1M\n", {}),
        (
            "Namespace(api_key='a', hf_token='b', tokenizer='t', max_tokens=9)\n",
            {"tokenizer": "t", "max_tokens": 9},
        ),
        ("Args: {'log': {'wandb_key': 'a', 'every': 3}}\n", {"log": {"every": 3}}),
        ("python is great -- really\n", {}),
        ("Results: {'loss': 0.1}\n", {}),
        ("Namespace(lr=0.1)\n+ python train.py --lr 0.2\n", {"lr": 0.1}),  # completed
    ],
)
def test_what_a_program_prints(tmp_path: Path, head: str, settings: dict[str, Any]) -> None:
    assert settings_in(tmp_path, head) == settings


def test_two_methods_in_one_folder_are_two_groups(tmp_path: Path) -> None:
    for job, method in ((5001, "base"), (5002, "new")):
        for seed in range(3):
            head = f"Namespace(method='{method}', seed={seed}, lr=0.1)\n"
            (tmp_path / f"slurm-{job}_{seed}.out").write_text(head + ROWS)
    study = open_study(tmp_path)
    groups = {name: sorted(run.seed or 0 for run in runs) for name, runs in study.groups().items()}
    assert list(groups.values()) == [[0, 1, 2], [0, 1, 2]]
    assert all("method=" in name for name in groups)


def test_what_is_printed_after_the_first_row_is_no_setting(tmp_path: Path) -> None:
    path = tmp_path / "x_seed0.log"
    path.write_text("Namespace(lr=0.1)\n" + ROWS + "Result with config: {'lr': 0.1, 'seed': 3, 'k': 9}\n")
    (run,) = open_study(path).runs
    assert run.configuration == {"lr": 0.1}


def test_runs_of_one_log_with_other_settings_are_no_seeds(tmp_path: Path) -> None:
    text = "".join(f"=== Run {k} ===\nNamespace(lr={10**-k}, seed=0)\n{ROWS}" for k in range(3))
    (tmp_path / "sweep.log").write_text(text)
    (run,) = open_study(tmp_path).runs
    assert "several_trainings" in {finding.rule for finding in run.findings}
