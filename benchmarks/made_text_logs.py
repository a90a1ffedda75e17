"""Text logs in the forms that training programs print, made line by line from a random generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

Form = Callable[[int, np.random.Generator], str]


def speedrun(i: int, rng: np.random.Generator) -> str:
    """A speedrun's line: ``key:value`` with units."""
    loss, average = rng.random(2)
    return f"step:{i}/{10**7} val_loss:{loss:.5f} train_time:{i * 0.16:.3f}s step_avg:{average:.2f}ms"


def nanogpt(i: int, rng: np.random.Generator) -> str:
    """The lines of nanoGPT, an evaluation at every hundredth step."""
    line = f"iter {i}: loss {rng.random():.4f}, time {200 * rng.random():.2f}ms, mfu {rng.random():.2f}%"
    if i % 100:
        return line
    return f"step {i}: train loss {rng.random():.4f}, val loss {rng.random():.4f}\n{line}"


def megatron(i: int, rng: np.random.Generator) -> str:
    """Megatron's line: many values in scientific notation."""
    a, b, c = rng.random(3)
    return (
        f" iteration {i:8d}/{10**7:8d} | consumed samples: {i * 64:12d} | elapsed time per iteration (ms): "
        f"{a * 1e4:.1f} | learning rate: {b * 1e-4:.3E} | global batch size:    64 | lm loss: {c * 9:.6E} | "
        f"loss scale: 1.0 | grad norm: {a:.3f} | number of skipped iterations:   0 |"
    )


def stamped(i: int, rng: np.random.Generator) -> str:
    """A line of Python's logging, with a time and a place."""
    clock = f"2024-05-01 {i // 3600 % 24:02d}:{i // 60 % 60:02d}:{i % 60:02d},{i % 1000:03d}"
    return f"{clock} INFO train.py:45 - step {i} - training_loss: {rng.random():.6f} lr: {rng.random():.2e}"


def imagenet(i: int, rng: np.random.Generator) -> str:
    """The lines of the ImageNet example, with a test after each thousand batches."""
    epoch, batch = divmod(i, 1000)
    a, b = rng.random(2)
    where = f"Epoch: [{epoch}][{batch:4d}/1000]"
    line = f"{where}\tTime {a:6.3f} ({b:6.3f})\tLoss {a:.4e} ({b:.4e})\tAcc@1 {a:6.2f} ({b:6.2f})"
    return line if batch < 999 else f"{line}\n *   Acc@1 {a:.3f} Acc@5 {b:.3f}"


def noisy(i: int, rng: np.random.Generator) -> str:
    """A speedrun's line between lines of which no two are alike."""
    words = "".join(map(chr, rng.integers(97, 123, 40)))
    return f"{speedrun(i, rng)}\nloaded shard {words} with {i} documents" if i % 10 == 0 else speedrun(i, rng)


def table(i: int, rng: np.random.Generator) -> str:
    """A box table, as the loggers of baselines write it."""
    values = {"grad_norm": rng.random(), "loss": rng.random(), "samples": (i + 1) * 128, "step": i}
    rows = "\n".join(f"| {name:<9} | {value:<9.3g} |" for name, value in values.items())
    return f"{'-' * 25}\n{rows}\n{'-' * 25}"


def dictionary(i: int, rng: np.random.Generator) -> str:
    """A Python dictionary, as Hugging Face's trainer prints it."""
    return str({"loss": round(rng.random(), 4), "learning_rate": rng.random() * 1e-4, "epoch": i / 100})


def keras(i: int, rng: np.random.Generator) -> str:
    """An epoch of Keras, with the states of its bar."""
    bars = [f"{n:3d}/469 [{'=' * (n // 20)}>{'.' * (24 - n // 20)}] - ETA: 1s - loss: 9.0" for n in (1, 300)]
    end = f"469/469 [{'=' * 30}] - 2s 4ms/step - loss: {rng.random():.4f} - val_loss: {rng.random():.4f}"
    return f"Epoch {i + 1}/100000\n" + "\r".join([*bars, end])


FORMS: dict[str, Form] = {
    form.__name__: form
    for form in (speedrun, nanogpt, megatron, stamped, imagenet, noisy, table, dictionary, keras)
}
HEAD = (
    '"""A program."""\nimport torch\n\nlearning_rate = 0.02\nclass Config:\n    steps : int = 64*8\n'
    + "=" * 100
    + "\n"
)


def text(form: str, rows: int, rng: np.random.Generator) -> Iterator[bytes]:
    """Yield a log, a thousand rows at a time."""
    make = FORMS[form]
    for start in range(0, rows, 1000):
        lines = [make(i, rng) for i in range(start, min(rows, start + 1000))]
        yield ("\n".join(lines) + "\n").encode()
