"""What a folder holds, at a glance: how many logs of which kind, where they are, how much there is to read.

Whoever types ``ired-diag`` alone wants to know whether their files are understood, and does not want to wait.
So this walks the folder as every command does, but leaves out what is no place for logs (a virtual
environment, ``node_modules``, hidden folders), stops at a number of files, and looks at the beginning of each
file alone. Whether the runs are then read is for the caller to decide, by ``Survey.is_quick``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.explained_files import format_of
from ired_diag.readers.folder_parts import is_read_with_run, run_folder_of
from ired_diag.readers.foreign_configuration import is_configuration
from ired_diag.readers.logs import SOURCE_CODE, is_read_with_log
from ired_diag.readers.seed_table_metrics import is_table_of_seeds
from ired_diag.readers.text_log import WITH_ERRORS
from ired_diag.runs.files import is_special
from ired_diag.runs.find import Contents, contents_of
from ired_diag.runs.tensor_files.recognition import is_checkpoint

MOST_FILES = 20_000  # that a walk passes: a fifth of a second on a local disk
MOST_OPENED = 2_000  # files whose first lines are looked at
QUICK = 32 << 20  # bytes of logs: some seconds of reading
MOST_PLACES = 4  # in a command that a person copies

ENVIRONMENT = "pyvenv.cfg"  # is in every virtual environment
FOREIGN = frozenset(("node_modules", "site-packages", "dist-packages", "__pycache__"))
CHECKPOINT_SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors")

RUN_FOLDER, RESULTS_FOLDER, SEED_TABLE = "run_folder", "results_folder", "seed_table"
LONE_ERRORS = "lone_errors"
IN_WORDS = {
    RUN_FOLDER: "run folder of this program",
    RESULTS_FOLDER: "results folder of a Trainer1D",
    SEED_TABLE: "table with one number for each seed",
    LONE_ERRORS: "error stream with no log",
    "slurm": "SLURM log",
    "text_log": "text log",
    "metrics_csv": "table of metrics",
    "metrics_jsonl": "file of JSON lines",
    "history_json": "history in JSON",
    "results_json": "file of results in JSON",
    "tensorboard": "TensorBoard event file",
    "trainer_state": "trainer state of Hugging Face",
    "training_stats": "statistics file of EDM",
    "wandb_run": "Weights & Biases file",
    "wandb_summary": "Weights & Biases summary",
    "mlflow_files": "MLflow run",
    "dvclive_folder": "DVCLive folder",
    "sqlite_store": "database of MLflow or trackio",
    "neptune_parquet": "Neptune export",
    "sb3_evaluations": "evaluation file of Stable-Baselines3",
    "sb3_monitor": "monitor file of Stable-Baselines3",
    "tensorboard_csv": "table of TensorBoard",
    "json_of_step": "JSON file of an evaluation",
    "printed_columns": "text log",
}


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a folder holds.

    Attributes:
        folder: The folder.
        kinds: How many logs, folders and tables there are, by their kind (a key of ``IN_WORDS``).
        checkpoints: Files that are checkpoints by their names.
        places: Where the logs are, as arguments of a command: few, and without what holds no log.
        bytes: The size of all logs together.
        is_whole: Whether every file was looked at that the commands with these places would look at.
    """

    folder: Path
    kinds: Mapping[str, int] = field(default_factory=dict)
    checkpoints: Sequence[Path] = ()
    places: Sequence[Path] = ()
    bytes: int = 0
    is_whole: bool = True

    @property
    def is_quick(self) -> bool:
        """Whether all runs are read within some seconds."""
        return self.is_whole and self.bytes <= QUICK

    @property
    def holds_runs(self) -> bool:
        """Whether there is anything to judge."""
        return bool(self.kinds)


@dataclass
class _Bounds:
    """Says which folders a walk leaves out: those that are no place for logs, and all after enough files."""

    root: str
    files: int = 0
    is_exceeded: bool = False
    holds_packages: bool = False

    def __call__(self, folder: str, names: Sequence[str]) -> bool:
        self.files += len(names)
        if self.files > MOST_FILES:
            self.is_exceeded = True
            return True
        if folder == self.root:
            return False
        name = Path(folder).name
        if name in FOREIGN or ENVIRONMENT in names:
            self.holds_packages = True
            return True
        return name.startswith(".")


def survey(folder: Path) -> Survey:
    """Return what a folder holds.

    Args:
        folder: The folder; only the first lines of its files are read.
    """
    bounds = _Bounds(str(folder))
    contents = contents_of(folder, leave_out=bounds)
    sources = _sources(contents.files[:MOST_OPENED])
    for run in contents.runs:
        sources[run] = RUN_FOLDER
    for results in contents.results:
        sources[results] = RESULTS_FOLDER
    places = _places(folder, sources)
    is_whole = not bounds.is_exceeded and len(contents.files) <= MOST_OPENED
    if folder in places and bounds.holds_packages:
        is_whole = False
    return Survey(
        folder=folder,
        kinds=Counter(sources.values()),
        checkpoints=_checkpoints(contents),
        places=places,
        bytes=sum(map(_size, sources)),
        is_whole=is_whole,
    )


def _sources(files: Iterable[Path]) -> dict[Path, str]:
    """Return the kind of each file, or folder of files, that is read as a log."""
    sources: dict[Path, str] = {}
    for file in files:
        if not _may_be_log(file):
            continue
        source = run_folder_of(file) or file
        if source in sources:
            continue
        if kind := _kind_of(file, source):
            sources[source] = kind
    return sources


def _may_be_log(file: Path) -> bool:
    if is_special(file) or is_configuration(file):
        return False
    if file.suffix.lower() in (*SOURCE_CODE, *CHECKPOINT_SUFFIXES):
        return False
    return not is_read_with_run(file) and not is_read_with_log(file)


def _kind_of(file: Path, source: Path) -> str:
    """Return the kind of a log; empty where no reader accepts it, or where it may not be read."""
    try:
        if source != file:
            return _kind_of_folder(source)
        if kind := format_of(file):
            return kind
        if file.suffix == ".err":
            return "" if _has_log(file) else LONE_ERRORS
        return SEED_TABLE if is_table_of_seeds(file, None) else ""
    except (OSError, UnreadableFile):
        return ""


def _has_log(errors: Path) -> bool:
    """Say whether a log of the same job stands next to an error stream."""
    return any(errors.with_suffix(suffix).is_file() for suffix in WITH_ERRORS)


def _kind_of_folder(folder: Path) -> str:
    from ired_diag.readers import readers

    for name, reader in readers().items():
        if reader.reads_folders and reader.accepts(folder):
            return name
    return ""


def _checkpoints(contents: Contents) -> list[Path]:
    files = [file for file in contents.files if file.suffix in CHECKPOINT_SUFFIXES]
    return list(filter(is_checkpoint, files))


def _size(source: Path) -> int:
    """Return the size of a log, or of the files right in a folder but for checkpoints; 0 where it is gone."""
    size = 0
    try:
        files = [source] if source.is_file() else list(source.iterdir())
        for file in files:
            if file.is_file() and file.suffix not in CHECKPOINT_SUFFIXES:
                size += file.stat().st_size
    except OSError:
        return size
    return size


def _places(root: Path, sources: Iterable[Path]) -> list[Path]:
    """Return the folders and files right below the root that hold logs; the root where they are many."""
    tops: dict[Path, None] = {}
    for source in sources:
        if source == root or (source.parent == root and source.is_file()):
            return [root]
        first, *_ = source.relative_to(root).parts
        tops[root / first] = None
    if len(tops) > MOST_PLACES:
        return [root]
    return sorted(tops)
