"""Which code runs, for what is kept in caches: another source may read the same file differently."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path

from ired_diag.runs.fingerprints import fingerprint, tree

OUR_PACKAGES = ("ired_diag", "app", "probes")
INSTALLED = ("site-packages", "dist-packages")  # a package that is installed or removed changes the folder
COMPILED = "__pycache__"  # comes and goes while other processes import the same source
ROOT = Path(__file__).resolve().parents[2]


@cache
def state_of_code() -> str:
    """Return a digest of this program's source, and of the folders that hold its packages."""
    digest = hashlib.sha256(sys.version.encode())
    for package in OUR_PACKAGES:
        for path, state in sorted(tree(ROOT / package).items()):
            if COMPILED not in Path(path).parts:
                digest.update(repr((path, tuple(state))).encode(errors="surrogateescape"))
    for folder in sorted(set(sys.path)):
        if folder.endswith(INSTALLED):
            digest.update(repr((folder, fingerprint(Path(folder)))).encode(errors="surrogateescape"))
    return digest.hexdigest()
