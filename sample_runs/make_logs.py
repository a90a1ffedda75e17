"""Write the synthetic SLURM logs: one job for each way in which a job can end, in the study's format."""

from __future__ import annotations

import json
from pathlib import Path

JOB = 70000001
BAR = "loss: 0.07 loss_denoise: 0.06:  42%|████▏     | 42000/100000 [22:36<31:12, 30.97it/s]\r"
TRACEBACK = 'Traceback (most recent call last):\n  File "train.py", line 207, in main\n    step(batch)\n'
STEPD = f"slurmstepd: error: *** JOB {JOB} ON node17 CANCELLED AT 2026-01-24T02:00:00"
DONE = "training complete\nTraining completed!\nExperiment completed at Sat Jan 24 02:32:02 EST 2026\n"

# How the job ended: (steps evaluated, what .out says last, what .err says, None for no .err).
ENDINGS: dict[str, tuple[int, str, str | None]] = {
    "complete": (5, DONE, BAR),
    "cut_off": (3, "", BAR),
    "traceback": (2, "", BAR + TRACEBACK + "RuntimeError: mat1 and mat2 shapes cannot be multiplied\n"),
    "argument_error": (0, "", "usage: train.py [-h]\ntrain.py: error: unrecognized arguments: --seed 3\n"),
    "file_not_found": (
        0,
        "",
        TRACEBACK + "FileNotFoundError: [Errno 2] No such file or directory: 'configs/q900.json'\n",
    ),
    "out_of_memory": (2, "", BAR + "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.batch.\n"),
    "time_limit": (4, "", BAR + STEPD + " DUE TO TIME LIMIT ***\n"),
    "cancelled": (1, "", BAR + STEPD + " ***\n"),
    "killed": (2, "", BAR + "/var/slurmd/slurm_script: line 54: 3630465 Killed    python train.py\n"),
    "unexplained": (2, "Cleaning up work directory...\n", None),
    "failed": (2, "", BAR + "NaN detected in loss, aborting.\n"),
}


def evaluation(step: int, mse: float) -> str:
    """Return the two tables of an evaluation."""
    head = f"Running Evaluation...\nValidation Result @ Iteration {step}; Milestone = {step // 1000} "
    table = f"---------  -------\nmse_error  {1.02 * mse:.5f}\n---------  -------\n"
    again = f"Validation Result @ Iteration {step}; Milestone = {step // 1000} "
    return f"{head}(Train)\n{table}{again}(ID: Validation)\n---  -------\nmse  {mse:.5f}\n---  -------\n"


def out_file(seed: int, steps: int, last: str) -> str:
    """Return a job's .out file."""
    text = f"Job started at Sat Jan 24 00:{10 + seed}:55 EST 2026\nRunning on host: node17.example\n"
    text += f"Job ID: {JOB + 1 + seed} (Array Job ID: {JOB}, Task ID: {seed})\nSeed: {seed}\n"
    text += "Git SHA: 0123456789abcdef0123456789abcdef01234567\n"
    if not steps:
        return text + last
    config = {"experiment_name": "q900_synthetic", "mining_strategy": "none", "rank": 20, "ood": False}
    text += f"Setting random seed: {seed}\nConfiguration: {json.dumps({**config, 'seed': seed}, indent=2)}\n"
    text += "Training for 5000 steps...\n"
    text += "".join(evaluation(1000 * k, 1.4 * 0.3**k + 0.0097) for k in range(1, steps + 1))
    return text + last


def main() -> None:
    """Write every log beside this file."""
    folder = Path(__file__).parent / "slurm_logs"
    folder.mkdir(exist_ok=True)
    for seed, (steps, last, err) in enumerate(ENDINGS.values()):
        path = folder / f"ired_q900_synthetic_{JOB}_{seed}.out"
        path.write_text(out_file(seed, steps, last))
        if err is not None:
            path.with_suffix(".err").write_text(err)


if __name__ == "__main__":
    main()
