"""What the numbers of a line are, in the forms that programs print."""

from __future__ import annotations

import pytest

from ired_diag.readers.text_fields import Fields, fields_of, role_of
from ired_diag.readers.text_layout import layout_of, plain

NAN = float("nan")
MEGATRON = (
    " iteration       20/    1000 | consumed samples:          192 | elapsed time per iteration (ms): 38390.3"
    " | learning rate: 2.500E-07 | lm loss: 1.303225E+00 | grad norm: 9.847 | "
    "number of skipped iterations:   0 | number of nan iterations:   0 |"
)
FAIRSEQ = (
    "2025-10-15 11:33:32 | INFO | train_inner | epoch 001:    100 / 487 loss=4.655, ppl=8, num_updates=100, "
    "lr=1e-05"
)
FORMS = [
    ("step:125/3225 val_loss:4.3 step_avg:159ms", {"step": 125}, {"val_loss": 4.3, "step_avg": 159}),
    ("iter 100: loss 3.1, time 159ms, mfu 10.00%", {"iter": 100}, {"loss": 3.1, "time": 159, "mfu": 10}),
    ("step 10: train loss 4.3, val loss 4.4", {"step": 10}, {"train loss": 4.3, "val loss": 4.4}),
    ("[2024-01-02 10:00:00] (step=0400200) Train Loss: 0.14", {"step": 400200}, {"Train Loss": 0.14}),
    ("Epoch 2 | step 4100 | loss 1.2", {"Epoch": 2, "step": 4100}, {"loss": 1.2}),
    ("[INFO] step 50 - training_loss: -0.5", {"step": 50}, {"training_loss": -0.5}),
    ("10:00:00,123 INFO train.py:45 - step 50 - loss: 0.5", {"step": 50}, {"loss": 0.5}),
    ("{'loss': 0.1, 'grad_norm': nan, 'epoch': 0.5}", {"epoch": 0.5}, {"loss": 0.1, "grad_norm": NAN}),
    ("loss: tensor(0.5, device='cuda:0') step 5", {"step": 5}, {"loss": 0.5}),
    ("Epoch [2/90], Step [100/600], Loss: 0.5", {"Epoch": 2, "Step": 100}, {"Loss": 0.5}),
    ("[Epoch 3/10] [Batch 1/938] [G loss: 0.7]", {"Epoch": 3, "Batch": 1}, {"G loss": 0.7}),
    ("Epoch: [0][ 10/13]\tLoss 25 (1.5)", {"Epoch": 0, "batch": 10}, {"Loss": 25, "Loss in brackets": 1.5}),
    ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 0.5", {"Train Epoch": 1, "batch": 640}, {"train/Loss": 0.5}),
    ("Train: 0 [ 100/1251 (  8%)]  Loss: 6.9", {"epoch": 0, "batch": 100}, {"train/Loss": 6.9}),
    ("| epoch   1 |   200/ 2983 batches | ppl  1212", {"epoch": 1, "batches": 200}, {"ppl": 1212}),
    ("1000: loss 5.0, val 5.1", {"step": 1000}, {"loss": 5.0, "val": 5.1}),
    ("7:\tlearn: 0.5\ttest: 0.6\ttotal: 3ms", {"step": 7}, {"learn": 0.5, "test": 0.6, "total": 3}),
    ("[30]\tvalid_0's auc: 0.8", {"step": 30}, {"valid_0's auc": 0.8}),
    ("[INFO] [Rank 0] step=30, skipped=0", {"step": 30}, {"skipped": 0}),
    ("[1, 2000] loss: 2.173", {"epoch": 1, "batch": 2000}, {"loss": 2.173}),
    ("[100/1000] loss: 0.4", {"step": 100}, {"loss": 0.4}),
    ("Epoch(val) [1][625/625]    bbox_mAP_50: 0.5", {"Epoch": 1, "batch": 625}, {"val/bbox_mAP_50": 0.5}),
    ("[eval] step 100 | loss 0.3 | acc 1.2M", {"step": 100}, {"eval/loss": 0.3, "eval/acc": 1.2}),
    ("valid | epoch 001 | valid on 'valid' subset | loss 4.2", {"epoch": 1}, {"valid/loss": 4.2}),
    ("step 1/9 | loss 10 (+nanz)| 3.00 ms | 174 tok/s", {"step": 1}, {"loss": 10, "ms": 3, "tok/s": 174}),
    ("iter 16 | loss train: 1.88, val: 2.0", {"iter": 16}, {"loss train": 1.88, "loss val": 2.0}),
    ("iter 16 | loss train: 1.88, val: n/a | time: 3", {"iter": 16}, {"loss train": 1.88, "time": 3}),
    ("eta: 1 day, 0:20:33  iter: 19  total_loss: 6.0", {"iter": 19}, {"total_loss": 6.0}),
    ("I0102 10:00:00.000000 1234 x.py:507] global step 100: loss = 2.5", {"global step": 100}, {"loss": 2.5}),
    ("step 3 Acc@1 65.0 Acc@5 85.0", {"step": 3}, {"Acc@1": 65.0, "Acc@5": 85.0}),
    (FAIRSEQ, {"epoch": 1, "num_updates": 100}, {
        "train_inner/loss": 4.655, "train_inner/ppl": 8, "train_inner/lr": 1e-05,
    }),
    (MEGATRON, {"iteration": 20}, {
        "consumed samples": 192, "elapsed time per iteration (ms)": 38390.3, "learning rate": 2.5e-07,
        "lm loss": 1.303225, "grad norm": 9.847, "number of skipped iterations": 0,
        "number of nan iterations": 0,
    }),
]  # fmt: skip
NO_ROWS = [
    "Saved checkpoint at step 100 to /path/step_100.pt",
    "Resuming from checkpoint: epoch: 5, loss: 0.3",
    "Best val_loss 0.3 at epoch 5",
    "Best epoch: 5, val_loss: 0.3",
    "Epoch 3: val_loss improved from 0.50 to 0.40, saving model to x_3.h5",
    "Epoch 00012: reducing learning rate of group 0 to 1.0000e-04.",
    '  File "train.py", line 45, in main',
    "torch==2.1.0",
    "(conv1): Conv2d(3, 64, kernel_size=(3, 3), stride=(1, 1))",
    "Total params: 1,234,567",
    "number of parameters: 123.69M",
    " 20%|##        | 100/500 [00:10<00:40, 9.9it/s, loss=0.3]",
    "|  0    1   0   0  |             107MiB / 20096MiB    | 42      0 |  3   0    2    0    0 |",
    "+-----------------------------------------------------------------------------+",
    "Collecting torch>=2.0 (from -r requirements.txt (line 3))",
]


def numbers(line: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return the counters and the metrics of a line, with their values."""
    text = plain(line.encode())
    fields: Fields = fields_of(text)
    counters = {field.name: float(text[field.start : field.end]) for field in fields.counters}
    metrics = {field.name: float(text[field.start : field.end]) for field in fields.metrics}
    return counters, metrics


@pytest.mark.parametrize(("line", "counters", "metrics"), FORMS)
def test_a_line_states_its_counters_and_metrics(
    line: str, counters: dict[str, float], metrics: dict[str, float]
) -> None:
    read_counters, read_metrics = numbers(line)
    assert read_counters == counters
    assert list(read_metrics) == list(metrics)
    assert list(read_metrics.values()) == pytest.approx(list(metrics.values()), nan_ok=True)
    assert layout_of(plain(line.encode())).kind == "row"


@pytest.mark.parametrize("line", NO_ROWS)
def test_sentences_tracebacks_and_tables_of_parameters_are_no_rows(line: str) -> None:
    assert layout_of(line.encode()).kind in ("other", "bar", "rule")


def test_an_average_over_nothing_is_neither_a_metric_nor_a_counter() -> None:
    _, metrics = numbers("step:0/3300 val_loss:10.8 train_time:0.000s step_avg:nanms")
    assert metrics == {"val_loss": 10.8, "train_time": 0.0}


def test_the_accuracy_in_counts_keeps_its_total() -> None:
    line = b"Test set: Average loss: 0.0489, Accuracy: 9833/10000 (98%)"
    loss, accuracy = fields_of(line).metrics
    assert (loss.name, accuracy.name) == ("test/Average loss", "test/Accuracy")
    assert accuracy.total is not None
    assert line[slice(*accuracy.total)] == b"10000"


def test_names_of_rates_are_no_counters() -> None:
    assert [role_of(name) for name in ("ms/batch", "sec/tick", "max steps", "time per iteration")] == [
        "metric"
    ] * 4


def test_a_line_of_a_mebibyte_is_not_parsed() -> None:
    assert layout_of(b"step 1 loss 2 " + b"x=1 " * (1 << 18)).kind == "other"
