"""A study as it was last seen, kept for the next session, which then looks only at what changed since.

A file holds a checksum, one line of JSON (states of all files and folders, verdicts) and the runs, packed
without the values of their metrics (``packed_runs``, ``later_series``). A session takes it over and looks at
the folder as it does again and again (``watched_tree``): what changed meanwhile is a change like any other,
and is read. A verdict is kept with the run that it is about, and goes with it when its files change.

Two writes within the grain of a time of change bear the same time. So a file that had changed shortly before
it was read is kept as changed, and is read again by the next session.

A file that is damaged, of other code or of another choice of groups only means that all runs are read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from app.dashboard.watched_tree import TreeState
from ired_diag.errors import CannotWrite, DiagError
from ired_diag.runs.code_state import state_of_code
from ired_diag.runs.files import write_atomically
from ired_diag.runs.find import METRICS, Unreadable
from ired_diag.runs.fingerprints import Fingerprint, fingerprint
from ired_diag.runs.history import History
from ired_diag.runs.later_series import LaterMetrics, outlines_of
from ired_diag.runs.packed_runs import DERIVED, pack, unpack
from ired_diag.runs.run import Run
from ired_diag.runs.study import Skipped, Study
from ired_diag.user_cache import shrink
from ired_diag.verdict import Verdict

SUFFIX = ".study"
CHECK = 9  # bytes of the first line
MOST_BYTES = 1 << 30  # of all studies together; one of ten thousand runs has about 12 MB
UNSETTLED = 2.0  # seconds in which two writes may bear the same time
NO_FILE = (-1, -1, -1)  # the state of no file
OF_THE_RUN = ("run", "completion", "direction")  # what a verdict repeats of its run


class KeptEntry(NamedTuple):
    """What is kept of a run of the study next to the run: its id, and the verdict on its curve."""

    id: str
    completion: str
    verdict: Verdict | None


@dataclass(frozen=True, kw_only=True)
class KeptStudy:
    """A study as it was last seen.

    Attributes:
        tree: The states of all files and folders.
        as_read: Run folders as they were read, by their path.
        study: The study; None where it holds logs of other programs, which the catalogue keeps.
        entries: What is kept next to its runs, in their order.
    """

    tree: TreeState
    as_read: Mapping[str, Run]
    study: Study | None
    entries: Sequence[KeptEntry]


@dataclass(frozen=True)
class StudyFile:
    """Where a study is kept between sessions.

    Attributes:
        path: The file; its folder is made when the study is kept first.
    """

    path: Path

    @classmethod
    def of(cls, folder: Path, root: Path, choice: object) -> StudyFile:
        """Return the file of a study.

        Args:
            folder: Folder of all of them.
            root: What is shown; its runs are named by these words.
            choice: How the runs are grouped and judged.
        """
        words = repr((os.path.realpath(root), str(root), choice))
        digest = hashlib.sha256(words.encode(errors="surrogateescape")).hexdigest()[:32]
        return cls(folder / f"{digest}{SUFFIX}")

    def read(self) -> KeptStudy | None:
        """Return the study that is kept; None where there is none that can be used."""
        try:
            kept = _unpacked(self.path.read_bytes())
        except (OSError, DiagError, ValueError, TypeError, KeyError, AttributeError, IndexError):
            return None  # absent, damaged, or of other code: the runs are read instead
        with contextlib.suppress(OSError):
            os.utime(self.path)
        return kept

    def write(self, kept: KeptStudy) -> None:
        """Keep a study; where that cannot be done, nothing happens."""
        with contextlib.suppress(CannotWrite, TypeError):  # TypeError: what a user's reader put into a run
            write_atomically(self.path, _packed(kept))
            shrink(self.path.parent, f"*{SUFFIX}", most_bytes=MOST_BYTES)


def with_unsettled(
    prints: Mapping[str, Fingerprint], read_at: Mapping[str, float], under: Callable[[Path], Iterable[str]]
) -> dict[str, Fingerprint]:
    """Return the states of files, those that had just changed when they were read in a state of no file.

    Args:
        prints: The states.
        read_at: When each run folder was read in this session, in seconds since 1970.
        under: Returns the paths in a folder.
    """
    states = dict(prints)
    for folder, seconds in read_at.items():
        settled = (seconds - UNSETTLED) * 1e9
        for path in under(Path(folder)):
            if states[path].changed > settled:
                states[path] = states[path]._replace(changed=-1)
    return states


def without_values(
    study: Study | None, as_read: Mapping[str, Run], prints: Mapping[str, Sequence[int]]
) -> tuple[Study | None, dict[str, Run]]:
    """Return a study and its run folders without the values of their metrics, to be kept.

    Args:
        study: The study; None where only its run folders are kept.
        as_read: Run folders as they were read, by their path.
        prints: The states of their files.
    """
    histories: dict[int, History] = {}
    configurations: dict[int, Any] = {}

    def bare(run: Run) -> Run:
        if isinstance(run.history.series, LaterMetrics):
            return run
        # A history and a configuration that two runs share stay shared.
        if id(run.history) not in histories:
            histories[id(run.history)] = _without_values(run, prints)
        if id(run.configuration) not in configurations:
            configurations[id(run.configuration)] = _with_shared_words(run.configuration)
        changed = replace(
            run,
            history=histories[id(run.history)],
            configuration=configurations[id(run.configuration)],
            provenance=_with_shared_words(run.provenance),
        )
        vars(changed).update({name: getattr(run, name) for name in DERIVED})
        return changed

    folders = {place: bare(run) for place, run in as_read.items()}
    if study is None:
        return None, folders
    return replace(study, runs=tuple(map(bare, study.runs))), folders


def _without_values(run: Run, prints: Mapping[str, Sequence[int]]) -> History:
    """Return the history of a run folder with metrics that are read later."""
    if not run.history.series:
        return run.history
    file = run.path / METRICS
    state = prints.get(str(file)) or fingerprint(file) or NO_FILE
    metrics = LaterMetrics(run.path, Fingerprint(*state), outlines_of(run.history))
    return replace(run.history, series=metrics)


def _with_shared_words(value: Any) -> Any:
    """Return a value of JSON whose words are shared by all that are alike, so that each is packed once."""
    if isinstance(value, dict):
        return {_with_shared_words(key): _with_shared_words(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_shared_words(part) for part in value]
    if type(value) is str:
        return sys.intern(value)
    return value


def _packed(kept: KeptStudy) -> bytes:
    study = kept.study or Study(())
    head: dict[str, Any] = {
        "code": state_of_code(),
        "tree": kept.tree._asdict(),
        "as_read": list(kept.as_read),
        "has_study": kept.study is not None,
        "counts": [len(study.runs), len(study.evaluations), len(study.unstarted)],
        "skipped": [(str(file.path), file.reason) for file in study.skipped],
        "unreadable": [(str(place.path), place.reason) for place in study.unreadable],
        "entries": [(entry.id, entry.completion, _as_values(entry.verdict)) for entry in kept.entries],
    }
    runs = pack([*kept.as_read.values(), *study.runs, *study.evaluations, *study.unstarted])
    content = json.dumps(head).encode() + b"\n" + runs
    return b"%08x\n" % zlib.crc32(content) + content


def _unpacked(content: bytes) -> KeptStudy | None:
    """Return the study in the bytes of a file; None where other code wrote them.

    Raises:
        ValueError: The bytes are damaged.
    """
    whole = memoryview(content)[CHECK:]
    if content[:CHECK] != b"%08x\n" % zlib.crc32(whole):
        raise ValueError("damaged")
    end = content.index(b"\n", CHECK)
    head = json.loads(content[CHECK:end])
    if head["code"] != state_of_code():
        return None
    runs = iter(unpack(content[end + 1 :]))
    as_read = dict(zip(head["as_read"], runs, strict=False))
    parts = []
    for count in head["counts"]:
        parts.append(tuple(islice(runs, count)))
    study = Study(
        runs=parts[0],
        evaluations=parts[1],
        unstarted=parts[2],
        skipped=tuple(Skipped(Path(path), reason) for path, reason in head["skipped"]),
        unreadable=tuple(Unreadable(Path(path), reason) for path, reason in head["unreadable"]),
    )
    return KeptStudy(
        tree=TreeState(**head["tree"]),
        as_read=as_read,
        study=study if head["has_study"] else None,
        entries=[KeptEntry(id, how, _from_values(values)) for id, how, values in head["entries"]],
    )


def _as_values(verdict: Verdict | None) -> list[Any] | None:
    if verdict is None:
        return None
    return [getattr(verdict, name) for name in _VERDICT]


def _from_values(values: Sequence[Any] | None) -> Verdict | None:
    """Return a verdict without what it repeats of its run."""
    if values is None:
        return None
    return Verdict(run="", completion="unknown", **dict(zip(_VERDICT, values, strict=True)))


_VERDICT = tuple(field.name for field in fields(Verdict) if field.name not in OF_THE_RUN)
