"""The console script ``ired-diag``; ``python -m ired_diag_command`` is the same.

It has a name that no other project has, because it is imported before anything can be said of the path: a
script that began with ``from app.cli import main`` would run a user's own ``app.py``.
"""

from __future__ import annotations

from ired_diag.own_packages import find_own_packages_first


def main() -> None:
    """Run the command line of this project, whatever else is on the path."""
    find_own_packages_first()
    from app.cli import main as command

    command(prog_name="ired-diag")


if __name__ == "__main__":
    main()
