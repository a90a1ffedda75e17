"""What a job died of: each program's own words, chains of causes, and what only looks like a death."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ired_diag.readers.console_lines import console_lines
from ired_diag.readers.death import death
from ired_diag.runs.ending import Cause, Ending

HEAD = 'Traceback (most recent call last):\n  File "train.py", line 12, in <module>\n    main()\n'
DIRECT = "\nThe above exception was the direct cause of the following exception:\n\n"
HANDLING = "\nDuring handling of the above exception, another exception occurred:\n\n"
STEPS = "".join(f"epoch {n} | step {100 * n} | loss 0.{9 - n}\n" for n in range(9))
NCCL_TIMEOUT = (
    "[rank1]:[E ProcessGroupNCCL.cpp:607] [Rank 1] Watchdog caught collective operation timeout: "
    "WorkNCCL(SeqNum=5, OpType=ALLREDUCE) ran for 600029 milliseconds before timing out.\n"
)
CUDA_OOM = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity\n"
)
KERNEL_OOM = "[4821.5] Out of memory: Killed process 24072 (python) total-vm:8923144kB\n"

DEATHS: list[tuple[Cause, str]] = [
    ("assertion", HEAD + "AssertionError\n"),
    ("assertion", HEAD + "AssertionError: Torch not compiled with CUDA enabled\n"),
    ("assertion", "python: ../src/x.cc:41: void f(): Assertion `n > 0' failed.\nAborted (core dumped)\n"),
    ("cuda_oom", HEAD + CUDA_OOM),
    ("cuda_oom", HEAD + "RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB\n"),
    ("cuda_oom", HEAD + "RuntimeError: CUDA error: out of memory\nCUDA kernel errors might be\n"),
    (
        "cuda_runtime",
        HEAD + "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`\n",
    ),
    ("runtime_error", HEAD + "RuntimeError: No CUDA GPUs are available\n"),
    ("nccl", "ncclInternalError: Internal check failed.\n"),
    (
        "nccl",
        "Some NCCL operations have failed or timed out. Due to the asynchronous nature of CUDA kernels,\n",
    ),
    ("ram_oom", "bash: fork: Cannot allocate memory\n"),
    ("ram_oom", "  what():  std::bad_alloc\n"),
    ("oom_killer", "Container killed on request. Exit code is 137\n"),
    ("oom_killer", "Process finished with exit code 137 (interrupted by signal 9: SIGKILL)\n"),
    ("segfault", "Process finished with exit code 139 (interrupted by signal 11: SIGSEGV)\n"),
    ("segfault", "fish: Job 1, 'python x' terminated by signal SIGSEGV (Address boundary error)\n"),
    ("segfault", "!!!!!!! Segfault encountered !!!!!!!\n"),
    ("nan_loss", "step 300: loss = nan\n"),
    ("nan_loss", "WARNING: non-finite loss, ending training tensor(nan)\n"),
    ("device_mismatch", HEAD + "RuntimeError: Expected condition, x and y to be on the same device\n"),
    ("device_mismatch", HEAD + "RuntimeError: arguments are located on different GPUs at x.cu:120\n"),
    ("git", "git@x: Permission denied (publickey).\nfatal: Could not read from remote repository.\n"),
    (
        "cuda_oom",
        HEAD + "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying\n",
    ),
    ("cuda_oom", HEAD + "cupy.cuda.memory.OutOfMemoryError: Out of memory allocating 8,000 bytes\n"),
    ("cuda_oom", HEAD + "RuntimeError: MPS backend out of memory (MPS allocated: 18.00 GB)\n"),
    ("cuda_oom", HEAD + CUDA_OOM + NCCL_TIMEOUT),
    ("cuda_oom", f"[rank0]: {HEAD.replace(chr(10), chr(10) + '[rank0]: ')}{CUDA_OOM}{NCCL_TIMEOUT}"),
    ("cuda_oom", HEAD + CUDA_OOM + HANDLING + HEAD + "OSError: [Errno 28] No space left on device\n"),
    ("cuda_runtime", HEAD + "RuntimeError: CUDA error: device-side assert triggered\nCUDA kernel errors\n"),
    ("cuda_runtime", HEAD + "torch.AcceleratorError: CUDA error: an illegal memory access was encountered\n"),
    ("cuda_runtime", HEAD + "RuntimeError: cuDNN error: CUDNN_STATUS_EXECUTION_FAILED\n"),
    (
        "cuda_runtime",
        HEAD + "RuntimeError: CUDA error: no kernel image is available for execution on the device\n",
    ),
    (
        "cuda_runtime",
        "terminate called after throwing an instance of 'c10::Error'\n"
        "  what():  CUDA error: an illegal memory access was encountered\nAborted (core dumped)\n",
    ),
    (
        "device_mismatch",
        HEAD
        + "RuntimeError: Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should\n",
    ),
    (
        "device_mismatch",
        HEAD + "RuntimeError: Expected all tensors to be on the same device, but got mat2 is on cpu\n",
    ),
    ("device_mismatch", HEAD + "RuntimeError: Tensor on device meta is not on the expected device cpu!\n"),
    ("div_zero", HEAD + "ZeroDivisionError: float division by zero\n"),
    ("div_zero", HEAD + "FloatingPointError: divide by zero encountered in divide\n"),
    ("div_zero", "job.sh: line 9: 115 Floating point exception(core dumped) ./simulate\n"),
    ("file_not_found", HEAD + "FileNotFoundError: [Errno 2] No such file or directory: 'a.yaml'\n"),
    ("file_not_found", "python: can't open file '/x/train.py': [Errno 2] No such file or directory\n"),
    ("file_not_found", "cat: /data/list.txt: No such file or directory\n"),
    (
        "file_not_found",
        "tar: /x.tgz: Cannot open: No such file or directory\ntar: Error is not recoverable: exiting now\n",
    ),
    (
        "file_not_found",
        HEAD
        + "FileNotFoundError: [Errno 2] No such file or directory: 'x'\n"
        + DIRECT
        + HEAD
        + "RuntimeError: could not load the data\n",
    ),
    ("missing_module", HEAD + "ModuleNotFoundError: No module named 'apex'\n"),
    (
        "missing_module",
        HEAD + "ImportError: libcudart.so.11.0: cannot open shared object file: No such file\n",
    ),
    ("missing_module", HEAD + "ImportError: cannot import name 'x' from 'y'\n"),
    ("missing_module", "/usr/bin/python3: No module named trainer\n"),
    ("nan_loss", STEPS + "epoch 9 | step 900 | loss nan\nepoch 10 | step 1000 | loss nan\n"),
    (
        "nan_loss",
        "{'loss': nan, 'grad_norm': nan, 'epoch': 1.0}\n{'loss': nan, 'grad_norm': nan, 'epoch': 2.0}\n",
    ),
    ("nan_loss", "Loss is nan, stopping training\n"),
    ("nan_loss", HEAD + "FloatingPointError: Loss became infinite or NaN at iteration=1200!\n"),
    ("nan_loss", HEAD + "AssertionError: loss is nan\n"),
    ("nan_loss", HEAD + "RuntimeError: Function 'MulBackward0' returned nan values in its 0th output.\n"),
    ("nan_loss", "Batch 12: Invalid loss, terminating training\n"),
    ("nan_loss", "ERROR:tensorflow:Model diverged with loss = NaN.\n"),
    ("nccl", HEAD + "RuntimeError: NCCL error in: x.cpp:1275, unhandled system error, NCCL version 2.18.5\n"),
    (
        "nccl",
        HEAD
        + "torch.distributed.DistBackendError: NCCL error in: x.cpp:1, internal error\nncclInternalError:\n",
    ),
    ("nccl", NCCL_TIMEOUT),
    (
        "nccl",
        "terminate called after throwing an instance of 'std::runtime_error'\n"
        "  what():  [Rank 3] NCCL watchdog thread terminated with exception: NCCL error: remote error\n",
    ),
    ("oom_killer", KERNEL_OOM + "Killed\n"),
    ("oom_killer", "Memory cgroup out of memory: Killed process 77 (python), UID 0, total-vm:1kB\n"),
    ("oom_killer", "slurmstepd: error: Detected 1 oom-kill event(s) in step 77.batch cgroup.\n"),
    ("oom_killer", "Loading the data set...\nKilled\n"),
    ("oom_killer", "Command exited with code 137\n"),
    ("oom_killer", HEAD + "RuntimeError: DataLoader worker (pid 7) is killed by signal: Killed. \n"),
    ("permission", HEAD + "PermissionError: [Errno 13] Permission denied: '/var/x'\n"),
    ("permission", "bash: ./train.sh: Permission denied\n"),
    ("permission", "mkdir: cannot create directory '/data/x': Permission denied\n"),
    ("ram_oom", HEAD + "MemoryError\n"),
    (
        "ram_oom",
        HEAD + "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 7 TiB for an array with shape\n",
    ),
    (
        "ram_oom",
        HEAD
        + "RuntimeError: [enforce fail at alloc_cpu.cpp:1] . DefaultCPUAllocator: can't allocate memory\n",
    ),
    ("ram_oom", HEAD + "OSError: [Errno 12] Cannot allocate memory\n"),
    (
        "ram_oom",
        "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n",
    ),
    (
        "runtime_error",
        HEAD + "RuntimeError: Error(s) in loading state_dict for Net:\n\tsize mismatch for fc.weight\n",
    ),
    ("runtime_error", HEAD + "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)\n"),
    ("segfault", "Segmentation fault (core dumped)\n"),
    ("segfault", "zsh: segmentation fault  python train.py\n"),
    ("segfault", "Fatal Python error: Segmentation fault\n\nCurrent thread 0x7f (most recent call first):\n"),
    ("segfault", "srun: error: node3: task 0: Segmentation fault (core dumped)\n"),
    (
        "segfault",
        HEAD + "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n"
        "Root Cause (first observed failure):\n  exitcode  : -11 (pid: 9)\n",
    ),
    ("traceback", HEAD + "KeyError: 'warmup'\n"),
    ("traceback", HEAD + "FileNotFoundError: cache\n" + HANDLING + HEAD + "ValueError: cannot download\n"),
    ("traceback", "2026-01-01 10:00:00,123 ERROR trainer: ValueError: the batch is empty\n"),
    ("traceback", '  File "train.py", line 3\n    def f(:\n          ^\nSyntaxError: invalid syntax\n'),
    ("git", "Cloning into 'x'...\nfatal: reference is not a tree: 0476f2c\n"),
    ("git", "error: pathspec 'dev' did not match any file(s) known to git\n"),
    ("git", "fatal: not a git repository (or any of the parent directories): .git\n"),
    (
        "git",
        "error: Your local changes to the following files would be overwritten by checkout:\n\ta.py\n"
        "Please commit your changes or stash them before you switch branches.\nAborting\n",
    ),
    ("shell", "/var/slurmd/job7/slurm_script: line 65: PYTHONPATH: unbound variable\n"),
    ("shell", "job.sh: line 3: module: command not found\n"),
    ("shell", "sh: 1: pyhton: not found\n"),
    ("shell", "job.sh: line 8: syntax error near unexpected token `fi'\njob.sh: line 8: `fi'\n"),
    ("shell", 'Lmod has detected the following error: The following module(s) are unknown: "cuda/99"\n'),
    ("shell", "EnvironmentNameNotFound: Could not find conda environment: ired\n"),
    (
        "shell",
        "bash: line 1: pyhton: command not found\n"
        + HEAD
        + "subprocess.CalledProcessError: Command 'pyhton' returned non-zero exit status 127.\n",
    ),
    (
        "scheduler",
        "[2026-02-24T15:12:52] error: *** JOB 7 ON n CANCELLED AT 2026-02-24T15:1 DUE TO TIME LIMIT ***\n",
    ),
    ("scheduler", "*** STEP 7.0 ON n1 CANCELLED AT 2026-02-24T15:12:52 DUE TO PREEMPTION ***\n"),
    (
        "scheduler",
        "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-02-24T15:12:52 DUE TO NODE FAILURE ***\n",
    ),
    ("argument_error", "usage: train.py [-h]\ntrain.py: error: unrecognized arguments: --sead\n"),
    ("argument_error", "usage: train.py [-h]\ntrain.py: error: batch size must divide world size\n"),
    ("argument_error", "Usage: train [OPTIONS]\n\nError: No such option: --sead\n"),
    ("argument_error", HEAD + "getopt.GetoptError: option --foo not recognized\n"),
    ("error", "ERROR: No matching distribution found for nosuch\n"),
    ("error", "make: *** No rule to make target 'train'.  Stop.\n"),
    ("error", "FATAL:   could not open image /x.sif: failed to retrieve path\n"),
]


@pytest.mark.parametrize(("cause", "text"), DEATHS, ids=lambda value: value[:40])
def test_a_death_is_told_in_the_words_of_the_program(cause: Cause, text: str) -> None:
    ending = death(f"[train] host=n1 pid=77\n{text}".encode())
    assert ending is not None
    assert (ending.cause, ending.complete) == (cause, False)
    assert ending.detail


HEALTHY = {
    "a folder of that name": STEPS + "Saved to error_analysis/\n",
    "no errors": STEPS + "Finished: 0 errors, 0 warnings\n",
    "a data set of that name": STEPS + "WARNING: data set 'Killed' has 3 files\n",
    "a commit's subject": "HEAD is now at abc1234 Fix CUDA out of memory in q203\n",
    "a commit about an exception": "abc1234 RuntimeError: CUDA out of memory when batch is large\n" + STEPS,
    "a metric called error": STEPS + "mse_error  0.0169\n",
    "an option": "early_stopping_on_nan_loss: True\nerror_if_nonfinite: False\n" + STEPS,
    "a skipped batch": "WARNING: loss is nan, skipping batch 3\n" + STEPS,
    "a retried batch": HEAD + CUDA_OOM + "retrying with a smaller batch\n" + STEPS,
    "a traceback that is logged": "ERROR:root:tracker is away\n" + HEAD + "OSError: no route\n" + STEPS,
    "an ignored exception": "Exception ignored in: <function A.__del__ at 0x7f>\n"
    + HEAD
    + "ValueError: late\n",
    "a NaN that passes": STEPS + "epoch 9 | loss nan\nepoch 10 | loss 0.1\n",
    "a validation loss of NaN": "".join(f"epoch {n} loss 0.{n} val_loss nan\n" for n in range(5)),
    "a rate of NaN": "step:0 val_loss:10.8 step_avg:nanms\n" + STEPS + "step:9 val_loss:3.2 step_avg:nanms\n",
    "a complaint that is survived": "job.sh: line 3: module: command not found\n" + STEPS,
    "git's version query": "fatal: not a git repository (or any of the parent directories): .git\n" + STEPS,
    "a warning": "UserWarning: The error rate may be wrong\n",
    "a NCCL note": "node:1:2 [0] NCCL INFO NET/IB : No device found.\n" + STEPS,
    "git's advice": "Note: switching to 'cd787ac'.\n\nHEAD is now at cd787ac Fix OOM: cap workers\n",
    "nothing": "",
}


@pytest.mark.parametrize("text", HEALTHY.values(), ids=HEALTHY)
def test_what_only_looks_like_a_death_is_none(text: str) -> None:
    assert death(text.encode()) is None


def test_a_signal_without_another_reason_is_marked_as_inferred() -> None:
    killed = death(b"loading\nKilled\n")
    kernel = death(f"loading\n{KERNEL_OOM}Killed\n".encode())
    assert killed is not None
    assert kernel is not None
    assert (killed.label, killed.inferred) == ("failed: oom_killer (inferred)", True)
    assert (kernel.label, kernel.inferred) == ("failed: oom_killer", False)


def test_a_step_that_srun_aborts_died_of_its_task() -> None:
    text = (
        HEAD
        + "ValueError: shapes differ\nsrun: error: n1: task 0: Exited with exit code 1\n"
        + "slurmstepd: error: *** STEP 61.0 ON n1 CANCELLED AT 2026-02-24T15:12:52 ***\n"
    )
    assert death(text.encode()) == Ending("traceback", "ValueError: shapes differ", cause="traceback")


def test_lines_of_several_ranks_are_told_apart() -> None:
    text = (
        "[rank0]: Traceback (most recent call last):\n[rank1]: Traceback (most recent call last):\n"
        '[rank0]:   File "a.py", line 1, in f\n[rank1]:   File "a.py", line 2, in g\n'
        "[rank1]: RuntimeError: [../gloo/pair.cc:534] Connection closed by peer [10.0.0.1]:999\n"
        "[rank0]: KeyError: 'image'\n"
    )
    assert death(text.encode()) == Ending("traceback", "KeyError: 'image'", cause="traceback")


def test_a_message_behind_a_bar_is_a_line_of_its_own() -> None:
    text = " 8%|▊  | 8/100 [00:01<00:02, 1.2it/s]\x1b[A/x/script: line 54: 36 Killed   python\r\n"
    assert [(line.text, line.is_bar) for line in console_lines(text.encode())] == [
        (" 8%|▊  | 8/100 [00:01<00:02, 1.2it/s", True),
        ("/x/script: line 54: 36 Killed   python", False),
    ]


@given(st.binary(max_size=400))
def test_any_bytes_are_read(content: bytes) -> None:
    ending = death(content)
    assert ending is None or ending.detail.isprintable()


def test_the_labelled_logs_are_told_right(shared: Path) -> None:
    folder = shared / "death_logs"
    if not folder.is_dir():
        pytest.skip("death_logs is absent")
    with (folder / "labels.csv").open(newline="") as file:
        labels = {row["file"]: row["cause"] for row in csv.DictReader(file)}
    wrong = {}
    for name, cause in labels.items():
        ending = death((folder / name).read_bytes())
        if ending is None or ending.cause != cause:
            wrong[name] = ending
    assert not wrong
