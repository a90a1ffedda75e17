r"""Which process of one training wrote a log, by the log's place.

    logs/rank0.log  logs/rank1.log                        one file a process
    out/log.txt  out/log.txt.rank1                        detectron2: the first process has no number
    nemo_log_globalrank-1_localrank-1.txt                 NeMo: the global rank counts
    tb/rank_1/events.out.tfevents.1                       torchtitan: one folder a process
    logs/exp7_2k8d1q_x/attempt_0/1/stdout.log             torchrun --log-dir logs --rdzv-id exp7

``rank`` may be that of a matrix or of LoRA as well. A place alone cannot tell; that a rank 0 stands next to
it and no number is left out can (``readers.process_logs``).

Source of torchrun's folders: torch.distributed.elastic.multiprocessing.DefaultLogsSpecs (torch 2.13): a
temporary folder named by the rendezvous and eight random letters, then the restart, then the local rank.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ired_diag.runs.place import parse_place

DEEPEST = 4  # the file and folders above it that may name a process
RANK = re.compile(
    r"(?i)(?<![a-z])(?:(?P<scope>global|local|node|world|dp|tp|pp|mp|ep)[_\-]?)?"
    r"rank[_\-=. ]?(?P<rank>\d{1,5})(?![\da-z])"
)
OF_A_MATRIX = re.compile(
    r"(?i)(?:lora|low|matrix|tensor|max|min|full|effective|eff|reduced|tucker|cp|tt|target|true|adapter|svd"
    r"|compress|compression|model|top|fold|kernel|weight|gate)[_\-. ]$"
)
STREAMS = ("stdout.log", "stderr.log")
RESTART = re.compile(r"attempt_(\d+)")
RANDOM = 9  # letters at the end of torchrun's folder: a line and eight of tempfile's
SEPARATORS = "_-. "
LOGS = (".log", ".txt", ".out", ".err", ".csv", ".tsv", ".json", ".jsonl", ".ndjson")
UNNAMED = ("", "none")  # rendezvous ids that name nothing


@dataclass(frozen=True)
class ProcessPlace:
    """What a place says of the process that wrote a log.

    Attributes:
        training: The place without what names the process.
        ranks: The process's numbers: its global rank alone, where one is given, else all that are given.
        restart: How often torchrun had started the processes before; None: another program's log.
        names: Names of the file and the folders above it without those of the process, the nearest first.
    """

    training: Path
    ranks: tuple[int, ...]
    restart: int | None
    names: tuple[str, ...]


def process_place(path: Path) -> ProcessPlace | None:
    """Return which process wrote the log at a path; None where its place names none.

    >>> process_place(Path("/logs/x/train_rank3.log")).ranks
    (3,)
    >>> process_place(Path("/logs/x/train_rank3.log")).training
    PosixPath('/logs/x/train.log')
    >>> process_place(Path("/logs/x/lora_rank8.log")) is None
    True
    """
    return _of_torchrun(path) or _by_names(path)


def _of_torchrun(path: Path) -> ProcessPlace | None:
    parts = path.parts
    if len(parts) < 5 or parts[-1] not in STREAMS or not parts[-2].isdigit():
        return None
    restart = RESTART.fullmatch(parts[-3])
    if restart is None:
        return None
    folder = path.parents[2]
    rendezvous = folder.name[:-RANDOM] if folder.name[-RANDOM:].startswith("_") else folder.name
    names = _names_of(folder.parent)
    if rendezvous not in UNNAMED and parse_place(rendezvous).name:
        names = (rendezvous, *names)
    return ProcessPlace(folder, (int(parts[-2]),), int(restart[1]), names)


def _by_names(path: Path) -> ProcessPlace | None:
    parts = list(path.parts)
    scoped: list[tuple[str, int]] = []
    for place in range(len(parts) - 1, max(0, len(parts) - 1 - DEEPEST), -1):
        if not scoped and parse_place(parts[place]).seed is not None and not RANK.search(parts[place]):
            return None  # a rank above a seed is a setting: a process has no seeds of its own
        found = [match for match in RANK.finditer(parts[place]) if not _is_of_a_matrix(match)]
        for match in reversed(found):
            parts[place] = _without(parts[place], match)
        scoped += [((match["scope"] or "").lower(), int(match["rank"])) for match in found]
    if not scoped:
        return None
    overall = [rank for scope, rank in scoped if scope in ("global", "world")]
    ranks = tuple(overall[:1] or (rank for _, rank in scoped))
    training = Path(*filter(None, parts))
    return ProcessPlace(training, ranks, None, _names_of(training))


def _is_of_a_matrix(match: re.Match[str]) -> bool:
    return OF_A_MATRIX.search(match.string[: match.start()]) is not None


def _without(name: str, match: re.Match[str]) -> str:
    """Return a name without a match and the sign that joins it to the rest."""
    before, after = name[: match.start()].rstrip(SEPARATORS), name[match.end() :]
    return before + after if before else after.lstrip("_- ")


def _names_of(path: Path) -> tuple[str, ...]:
    """Return the names of a file, without its suffix, and of the folders above, the nearest first."""
    name = path.stem if path.suffix in LOGS else path.name
    if name.startswith("."):  # a suffix is left: the file was called by its process alone
        name = ""
    return tuple(filter(None, (name, *(folder.name for folder in path.parents))))
