"""Evaluations in a runs folder: ``runs/evaluations/<log>.evaluation.json``, one file a job.

A file holds what the job was (experiment, configuration, how it ended, where it came from) and its results,
under the same keys as a run's ``config.json``, and ``"kind": "evaluation"``. A job that died before its
program started, and at whose seed no other job did better, is kept in the same way, with ``"kind":
"unstarted"``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.json_object import read_json_object
from ired_diag.runs.files import check_format, why_unlistable, write_atomically
from ired_diag.runs.job_kind import only_evaluates
from ired_diag.runs.run import Run
from ired_diag.runs.store import (
    folder_name,
    record_content,
    sources_in,
)
from ired_diag.runs.stored_values import (
    ending_of,
    findings_of,
    provenance_of,
    required_text,
    results_of,
    value_of_type,
)

FOLDER, SUFFIX = "evaluations", ".evaluation.json"
EVALUATION, UNSTARTED = "evaluation", "unstarted"  # kinds


def find_evaluations(root: Path) -> list[Path]:
    """Return the stored evaluations of a runs folder, of its ``evaluations`` folder, or the file itself."""
    if root.name.endswith(SUFFIX):
        return [root]
    if why_unlistable(root):  # who opens it lists it
        return []
    paths: list[Path] = []
    for folder in (root, root / FOLDER):
        paths.extend(folder.glob(f"*{SUFFIX}"))
    return sorted(paths)


def read_evaluation(path: Path) -> Run:
    """Return a stored evaluation, or a job that never started.

    Its sources are the files that it was imported from.

    Raises:
        UnreadableFile: The file is damaged, of a newer format, or not an evaluation of ours.
    """
    content = read_json_object(path)
    check_format(content.get("format"), str(path))
    kind = content.get("kind")
    if kind not in (EVALUATION, UNSTARTED):
        expected = f"{EVALUATION!r} or {UNSTARTED!r}"
        raise UnreadableFile(f"{path}: expected the kind {expected}, found {kind!r}.")
    provenance = dict(provenance_of(content, path))
    sources = sources_in(provenance) or [str(path)]
    provenance.pop("sources", None)
    return Run(
        path=Path(sources[0]),
        sources=tuple(map(Path, sources)),
        experiment=required_text(content, "experiment", path),
        name=value_of_type(content, "name", str, path),
        seed=value_of_type(content, "seed", int, path),
        configuration=value_of_type(content, "config", dict, path),
        ending=ending_of(content, path),
        provenance=provenance,
        findings=tuple(findings_of(content, path)),
        format=str(kind),
        results=results_of(content, path),
    )


def write_evaluations(evaluations: Iterable[Run], runs: Path, *, read: Iterable[Path]) -> list[Path]:
    """Write evaluations into a runs folder and return their files.

    Args:
        evaluations: What to write: evaluations, and jobs that never started.
        runs: The runs folder.
        read: Every file that this import read: what an earlier import made of one of them is replaced.

    Raises:
        CannotWrite: The folder cannot be written.
    """
    logs = {str(path.resolve()) for path in read}
    kept = _of_other_logs(runs, logs)
    written: list[Path] = []
    for record in evaluations:
        path = _free_name(record, runs / FOLDER, taken={*kept, *written})
        kind = EVALUATION if only_evaluates(record) else UNSTARTED
        content = {**record_content(record, record.experiment), "kind": kind}
        text = json.dumps(content, indent=2) + "\n"
        write_atomically(path, text.encode())
        written.append(path)
    for path in find_evaluations(runs):
        if path not in kept and path not in written:
            path.unlink()
    return written


def _of_other_logs(runs: Path, logs: set[str]) -> set[Path]:
    """Return the stored evaluations that came from other logs, and damaged ones, which stay too."""
    kept: set[Path] = set()
    for path in find_evaluations(runs):
        try:
            evaluation = read_evaluation(path)
        except UnreadableFile:
            kept.add(path)
            continue
        sources = {str(source.resolve()) for source in evaluation.sources}
        if logs.isdisjoint(sources):
            kept.add(path)
    return kept


def _free_name(record: Run, folder: Path, *, taken: set[Path]) -> Path:
    """Return a file for an evaluation: named by its log, and by the log's path where two have one name."""
    source = record.path
    name = folder_name(source.stem)
    path = folder / f"{name}{SUFFIX}"
    if path in taken:
        place = str(source.resolve()).encode()
        digest = hashlib.sha256(place).hexdigest()[:8]
        path = folder / f"{name}-{digest}{SUFFIX}"
    return path
