r"""Causes of death: one table of what programs print when they die.

Each cause has up to two patterns, in the words of the program that prints them: one for the text of an
exception (Python's last line of a traceback with its message, or a C++ ``what()``), one for lines that other
programs print (the kernel, SLURM, bash, git, argparse). The order of the table decides where several patterns
fit one text: what explains more stands first. A CUDA error that is named inside a NCCL message is the CUDA
error's; an assertion that a loss is not NaN is a NaN loss.

Patterns are strict on purpose. "out of memory" in the subject of a commit, a folder ``error_analysis/`` or a
data set called "Killed" is not a cause, so every pattern asks for the shape of the program's own line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ired_diag.runs.ending import Cause, State


@dataclass(frozen=True)
class Kind:
    """A cause, and how to recognise it.

    Attributes:
        cause: Name of the cause.
        state: The kind of ending that it is.
        exception: Fits the text of an exception, which begins with its type.
        line: Fits a line of another program.
        inferred: Whether the cause is only the likeliest explanation of what is printed.
    """

    cause: Cause
    state: State
    exception: re.Pattern[str] | None = None
    line: re.Pattern[str] | None = None
    inferred: bool = False


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives))


# Written by the process that watches the job: nothing in the job explains it, it explains the rest.
SCHEDULER = (
    Kind(
        "scheduler",
        "time_limit",
        line=_any(
            r"(?:slurmstepd|srun|sbatch|error:|\*\*\*).*\b(?:JOB|STEP|job|step)\b.*DUE TO TIME LIMIT",
            r"(?:JOB|STEP) \S+ ON \S+ CANCELLED AT \S+ DUE TO TIME LIMIT",
            r"^=>> PBS: job killed: walltime \d+ exceeded limit",
            r"^TERM_RUNLIMIT: job killed",
        ),
    ),
    Kind(
        "oom_killer",
        "out_of_memory",
        line=_any(
            r"error: Detected \d+ oom[_-]kill",
            r"srun: error: .*: Out Of Memory",
            r"(?:slurmstepd|srun|error): .*Exceeded (?:job|step) memory limit",
            r"^=>> PBS: job killed: (?:mem|vmem) \d+\w* exceeded limit",
            r"^TERM_MEMLIMIT: job killed",
        ),
    ),
    Kind(
        "scheduler",
        "cancelled",
        line=_any(
            r"(?:JOB|STEP) \S+ ON \S+ CANCELLED AT \d{4}-",
            r"(?:slurmstepd|srun)\b.*(?:CANCELLED AT \S|DUE TO (?:PREEMPTION|NODE FAIL|JOB REQUEUE))",
            r"(?:JOB|STEP) \S+ ON \S+ (?:CANCELLED )?(?:AT \S+ )?DUE TO [A-Z]{3}",
            r"srun: error: Node failure on ",
        ),
    ),
)
REQUEUED = re.compile(
    r"CANCELLED AT \S+ DUE TO (?:PREEMPTION|JOB REQUEUE|NODE FAIL)|\brequeu(?:ed|ing) job\b"
)
FROM_SCHEDULER = re.compile(r"^(?:slurmstepd|srun|sbatch|slurmd)\b|\*\*\* (?:JOB|STEP) \S+ ON |oom[_-]kill")

KERNEL = Kind(
    "oom_killer",
    "out_of_memory",
    line=_any(
        r"\bOut of memory: Kill(?:ed)? process \d+",
        r"\bMemory cgroup out of memory: Kill(?:ed)? process \d+",
        r"\boom-kill:constraint=",
        r"\binvoked oom-killer:",
        r"\bOOMKilled\b",
    ),
)

ARGUMENTS = Kind(
    "argument_error",
    "argument_error",
    exception=_any(
        r"^SystemExit: 2$",
        r"^(?:getopt\.)?GetoptError\b",
        r"^(?:click\.)?(?:exceptions\.)?(?:UsageError|BadParameter|BadOptionUsage|NoSuchOption)\b",
        r"not used by the HfArgumentParser",
        r"^(?:\w+\.)*(?:ConfigCompositionException|UnrecognizedFlagError|IllegalFlagValueError)\b",
    ),
    line=_any(
        # argparse
        r"^[\w./-]+(?: [\w-]+)*: error: (?:unrecognized arguments|the following arguments"
        r"|one of the arguments|argument |expected |ambiguous |invalid choice|too few arguments)",
        # click, typer
        r"^Error: (?:No such (?:option|command)|Missing |Invalid value|Got unexpected|Option )",
        r"^│ (?:No such (?:option|command)|Missing |Invalid value|Got unexpected)",
        # absl, fire, hydra, getopt
        r"^FATAL Flags parsing error:",
        r"^ERROR: Could not consume arg: ",
        r"^(?:Could not override '|Error merging override |Error parsing override )",
        r"^[\w./-]+: (?:unrecognized option|invalid option|option requires an argument) ",
    ),
)
USAGE = re.compile(r"^usage: ", re.IGNORECASE)
PARSER_ERROR = re.compile(r"^[\w./-]+(?: [\w-]+)*: error: ")

_MEMORY_OF_GPU = (
    r"^(?:torch\.)?(?:cuda\.)?OutOfMemoryError\b",
    r"\bCUDA (?:error: )?out of memory",
    r"\bCUDA(?: driver)? error: out of memory",
    r"\b(?:HIP|MPS backend|XPU) out of memory",
    r"\bCUDA_ERROR_OUT_OF_MEMORY\b",
    r"\bcudaErrorMemoryAllocation\b",
    r"\bCuda failure (?:\d+ )?'out of memory'",
    r"\bRESOURCE_EXHAUSTED: (?:Out of memory|Failed to allocate)",
    r"\bOOM when allocating tensor\b(?!.*\bCPU:)",
    r"^cupy[\w.]*OutOfMemoryError\b",
)
_MEMORY_OF_MACHINE = (
    r"^(?:\w+\.)*_?(?:Array)?MemoryError\b",
    r"\bstd::bad_alloc\b",
    r"\bDefaultCPUAllocator: (?:can't allocate|not enough) memory",
    r"\bCannot allocate memory\b",
    r"\bOOM when allocating tensor\b.*\bCPU:",
    r"\bUnable to allocate \S+ \w+ for an array",
    r"^java\.lang\.OutOfMemoryError\b",
    r"\bout of memory \(malloc",
    r"\bkilled by signal: Bus error\b.*shared memory",
)
_NAN = (
    r"(?i:\bloss\b.{0,60}?(?:\b(?:is|was|became|becomes|went|got|turned|returned)|[=:])\s*"
    r"(?:infinite or |inf or |not finite or )?nan\b)",
    r"(?i:\bnan(?: or inf(?:inity)?|s)?\b.{0,30}\b(?:in|for|as)\b.{0,20}\bloss\b)",
    r"(?i:\bnan loss\b)",
    r"(?i:\bloss\b.{0,40}\b(?:not finite|non-?finite|nan or inf|nan/inf|inf/nan)\b)",
    r"(?i:\bnon-?finite loss\b)",
    r"\bMinimum loss scale reached\b",
    r"\bCurrent loss scale already at minimum\b",
    r"\breturned nan values in its \d+th output\b",
)
_DEVICES = (
    r"Expected all tensors to be on the same device",
    r"Expected object of (?:device type|backend) \w+ but got (?:device type|backend) \w+",
    r"Input type \(torch\.(?:cuda\.\w+Tensor\) and weight type \(torch\.(?!cuda)"
    r"|\w+Tensor\) and weight type \(torch\.cuda\.)",
    r"Expected tensor for .* to have the same device as tensor for ",
    r"indices should be either on \S+ or on the same device as the indexed tensor",
    r"module must have its parameters and buffers on device \S+ .*found one of them on device",
    r"[Tt]ensor on device \S+ is not on the expected device ",
    r"(?:is|are) on different devices?\b",
    r"\b(?:to be|must be|are not|located) (?:located )?on (?:the )?same (?:device|GPU)",
    r"\blocated on different GPUs\b",
    r"\bexpected device \S+ but got \S+",
    r"Expected a '\w+' device type for generator but found ",
)
_CUDA = (
    r"\bCUDA error: ",
    r"\bCUDA (?:driver|runtime) error\b",
    r"\bcuda runtime error \(",
    r"\bcu(?:DNN|BLAS|FFT|SOLVER|SPARSE) error\b",
    r"\b(?:cudnn|cublas|cufft|cusolver|cusparse|CUDNN|CUBLAS|CUFFT|CUSOLVER|CUSPARSE)_STATUS_\w+",
    r"\bCUDA_ERROR_\w+",
    r"\bcudaError\w*",
    r"\bHIP error: ",
    r"\bdevice-side assert triggered\b",
    r"\ban illegal memory access was encountered\b",
    r"\bno kernel image is available for execution\b",
    r"\bUnexpected error from cudaGetDeviceCount\b",
    r"\bCUDA driver version is insufficient\b",
    r"\bCUDA driver initialization failed\b",
)
_NCCL = (
    r"\bNCCL error\b",
    r"\bNCCL\b.*\b(?:[Tt]imeout|timed out|[Aa]borted|unhandled)\b",
    r"\bnccl(?:Unhandled\w+|SystemError|InternalError|InvalidUsage|InvalidArgument|RemoteError)\b",
    r"\bProcessGroupNCCL\b",
    r"\bsetting up NCCL communicator\b",
    r"\bDistBackendError\b",
    r"\bWatchdog caught collective operation timeout\b",
)
_NO_FILE = r"\bNo such file or directory\b"

# In the order in which they explain each other.
EXCEPTIONS = (
    Kind("oom_killer", "out_of_memory", _any(r"^ray\.\S*OutOfMemoryError\b")),
    Kind("cuda_oom", "out_of_memory", _any(*_MEMORY_OF_GPU)),
    Kind("ram_oom", "out_of_memory", _any(*_MEMORY_OF_MACHINE)),
    Kind(
        "oom_killer", "killed", _any(r"\bkilled by signal: Killed\b", r"\bSignals\.SIGKILL\b"), inferred=True
    ),
    Kind("segfault", "killed", _any(r"\bkilled by signal: Segmentation fault\b", r"\bSignals\.SIGSEGV\b")),
    Kind("nan_loss", "failed", _any(*_NAN)),
    Kind("device_mismatch", "traceback", _any(*_DEVICES)),
    Kind("cuda_runtime", "traceback", _any(*_CUDA)),
    Kind("nccl", "traceback", _any(*_NCCL)),
    Kind("div_zero", "traceback", _any(r"^ZeroDivisionError\b", r"\b(?:division by|[Dd]ivide by) zero\b")),
    Kind("missing_module", "traceback", _any(r"^(?:ModuleNotFoundError|ImportError)\b")),
    Kind("permission", "traceback", _any(r"^PermissionError\b", r"\bPermission denied\b")),
    Kind(
        "file_not_found",
        "file_not_found",
        _any(
            r"^(?:FileNotFoundError|NotADirectoryError|IsADirectoryError)\b",
            _NO_FILE,
            r"\bdoes not appear to have a file named\b",
        ),
    ),
    ARGUMENTS,
    Kind("assertion", "traceback", _any(r"^AssertionError\b", r"\bAssertion .{1,200} failed\.?$")),
    Kind("runtime_error", "traceback", _any(r"^(?:std::)?(?:RuntimeError|runtime_error)\b")),
    Kind("traceback", "traceback", re.compile("")),
)

EXITED = (
    r"(?i:\b(?:exited|exit|failed|finished|terminated|returned)\b.{{0,40}}\b(?:code|status)"
    r"(?: is|:|=)? *{}\b)"
)
# Other programs' words for the death of a process. A signal without another reason says little.
SIGNALS = (
    Kind(
        "segfault",
        "killed",
        line=_any(
            r"(?:^|\bline \d+: *)\d* *Segmentation fault\b",
            r"^(?:zsh: |\[\d+\] *[+-]? *\d* *)segmentation fault\b",
            r"\bFatal Python error: Segmentation fault\b",
            r"\bSignal: Segmentation fault \(11\)",
            r"\bCaught signal 11\b",
            r"\bSignal 11 \(SIGSEGV\) received\b",
            r"\bsrun: error: .*: Segmentation fault\b",
            r"\b[Ee]xit ?[Cc]ode\b[\"' :=]*-11\b",
            r"\b[Ss]ignal 11\b.{0,3}SIGSEGV\b",
            r"\*\*\* SIGSEGV\b",
            r"\bSegfault encountered\b",
            r"\bterminated (?:with|by) signal (?:SIGSEGV|11)\b",
            EXITED.format(139),
            r"\bsegfault at [0-9a-f]+ ip [0-9a-f]+",
        ),
    ),
    Kind(
        "div_zero",
        "killed",
        line=_any(
            r"(?:^|\bline \d+: *)\d* *Floating point exception",
            r"\bFatal Python error: Floating point exception\b",
        ),
    ),
    Kind(
        "oom_killer",
        "killed",
        line=_any(
            r"(?:^|\bline \d+: *)\d+ Killed\b",
            r"^(?:.*\bline \d+: *)?Killed$",
            r"^(?:zsh: |\[\d+\] *[+-]? *\d* *)killed\b",
            r"\bsrun: error: .*: Killed\b",
            r"\bSignal 9 \(SIGKILL\) received\b",
            r"\b[Ee]xit ?[Cc]ode\b[\"' :=]*-9\b",
            r"\b[Ss]ignal 9\b.{0,3}SIGKILL\b",
            r"\bexitCode\b[\"']?: *137\b",
            r"\bterminated (?:with|by) signal (?:SIGKILL|9)\b",
            EXITED.format(137),
            r"\] Error 137$",
        ),
        inferred=True,
    ),
    Kind(
        "assertion",
        "killed",
        line=_any(r"^\S+: \S+:\d+: .*: Assertion [`'].*' failed\.$"),
    ),
    Kind(
        "",
        "killed",
        line=_any(
            r"(?:^|\bline \d+: *)\d+ (?:Terminated|Bus error|Aborted|Illegal instruction)\b",
            r"^(?:Terminated|Bus error|Aborted|Illegal instruction)(?: +\(core dumped\))?$",
            r"\bFatal Python error: Aborted\b",
            r"\bsrun: error: .*: (?:Terminated|Aborted|Bus error)\b",
        ),
    ),
)

NO_SCRIPT = Kind("file_not_found", "file_not_found", line=re.compile(r"can't open file '?.*" + _NO_FILE))
NO_MODULE = Kind(
    "missing_module",
    "traceback",
    line=re.compile(r"^\S*python[\d.]*: (?:No module named |Error while finding module specification for )"),
)
NCCL = Kind(
    "nccl",
    "failed",
    line=_any(
        r"\bWatchdog caught collective operation timeout\b",
        r"\bSome NCCL operations have failed or timed out\b",
        r"\bNCCL watchdog thread terminated with exception\b",
        r"^(?:nccl\w+(?:Error|Usage|Argument)\b|NCCL error\b)",
    ),
)
MEMORY = Kind(
    "ram_oom",
    "out_of_memory",
    line=_any(
        r"^\s*(?:what\(\): +)?std::bad_alloc$",
        r": Cannot allocate memory$",
        r"\bThis might be caused by insufficient shared memory\b",
    ),
)
NAN_REPORT = Kind("nan_loss", "failed", line=_any(*_NAN, r"\bInvalid loss, terminating training\b"))
STOPPING = re.compile(
    r"(?i)\b(?:abort(?:ing|ed)?|stop(?:ping|ped)?|terminat(?:ing|ed)|exit(?:ing)?|halt(?:ing|ed)?|diverged"
    r"|quit(?:ting)?|kill(?:ing|ed)|fatal|ending)\b"
)

# A script goes on after most complaints of these, so that they count only as the last word of a job.
LAST_WORDS = (
    Kind(
        "git",
        "failed",
        line=_any(
            r"^fatal: ",
            r"^error: pathspec '",
            r"^error: Your local changes to the following files would be overwritten",
            r"^error: (?:could not (?:apply|lock|fetch|switch)|cannot (?:pull|rebase|lock ref)|RPC failed)",
            r"^error: The following untracked working tree files would be overwritten",
            r"^git: '.*' is not a git command",
            r"^(?:remote|ERROR): (?:Repository not found|Permission to )",
            r"^There is no tracking information for the current branch",
            r"^CONFLICT \(",
        ),
    ),
    Kind("permission", "failed", line=re.compile(r": Permission denied$")),
    Kind(
        "shell",
        "failed",
        line=_any(
            r": unbound variable$",
            r": parameter (?:null or )?not set$",
            r": command not found(?:\.\.\.)?$",
            r"\bcommand not found: \S+$",
            r": \d+: \S+: not found$",
            r": (?:syntax error|bad substitution|ambiguous redirect|cannot execute|bad interpreter)\b",
            r": unexpected EOF while looking for matching",
            r"^Lmod has detected the following error:",
            r"\bUnable to locate a modulefile for ",
            r"^(?:EnvironmentNameNotFound|EnvironmentLocationNotFound|CondaError|CommandNotFoundError): ",
            r": (?:line )?\d+: .*: numeric argument required$",
            r": Argument list too long$",
        ),
    ),
    Kind("file_not_found", "file_not_found", line=re.compile(_NO_FILE + r"\)?$")),
    Kind("shell", "failed", line=re.compile(r"^\S+: line \d+: \S.*: \S")),
)
# What programs add below their complaint.
GIT_ADVICE = re.compile(
    r"^(?:\s|hint: |Please |and the repository exists|Aborting$|Automatic merge failed|Use '--' to|'git "
    r"|See git|The most similar|If you wish to )"
)
AFTERTHOUGHT = re.compile(
    r"^tar: (?:Error is not recoverable|Child returned|Exiting with failure)"
    r"|: line \d+: `.*'$|^make.*: \*\*\* "
)
STOPS_THE_SHELL = re.compile(
    r": unbound variable$|: parameter (?:null or )?not set$|: syntax error\b|: unexpected EOF while looking"
)
EXIT_STATUS = re.compile(
    r"srun: error: .*[Ee]xited with exit code \d+|^(?:Command )?exited with (?:non-zero|status) "
)

_MARKS = r"(?:\[[^\]]{0,60}\]:? *|[\d:.,T/-]{8,}Z? +|\S{1,60}: +|(?:\w+\.)*\w+ - +)*"
ERROR_LINE = re.compile(
    rf"^{_MARKS}(?:\w+ )?(?:ERROR|[Ee]rror|FATAL|[Ff]atal|CRITICAL|[Pp]anic)\b *[:!\]-]"
    rf"|^{_MARKS}(?:cannot|can't|could not|failed to|unable to|Cannot|Can't|Could not|Failed to|Unable to) "
    r"|^(?:\w+ )?error: |: (?:not found|No such .{1,40}|cannot .{1,80}|invalid .{1,80}|[Ff]ailed)$"
    r"|^[A-Z]\w*(?:Error|Exception)\b|^make(?:\[\d+\])?: \*\*\* "
)
WARNING = re.compile(r"(?i)\bwarn(?:ing)?\b")

EFFECTS = re.compile(
    r"^(?:\w+\.)*(?:ChildFailedError|CalledProcessError|BrokenPipeError|ConnectionResetError|EOFError"
    r"|ProcessExitedException|KeyboardInterrupt|BrokenProcessPool|DistNetworkError)\b"
    r"|\bConnection (?:closed|reset) by (?:remote )?peer\b"
    r"|\bDataLoader worker \(pid\(?s?\)? .*exited unexpectedly"
    r"|\bSocket Timeout\b|\bTCPStore\b"
)


def kind_of_exception(text: str) -> Kind:
    """Return the cause that the text of an exception names.

    >>> kind_of_exception("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.").cause
    'cuda_oom'
    >>> kind_of_exception("RuntimeError: NCCL error in: x.cpp:1, unhandled system error").cause
    'nccl'
    >>> kind_of_exception("KeyError: 'warmup'").cause
    'traceback'
    """
    return next(kind for kind in EXCEPTIONS if kind.exception and kind.exception.search(text))
