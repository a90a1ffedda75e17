"""``python -m docs_site OUT``: write the site into a folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from docs_site.site import BrokenLink, write_site

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Write the site; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m docs_site", description="Write the documentation as a site."
    )
    parser.add_argument(
        "out", type=Path, help="Folder for the pages; what an earlier call wrote is replaced."
    )
    arguments = parser.parse_args()
    try:
        pages = write_site(ROOT, arguments.out)
    except BrokenLink as error:
        print(f"docs_site: {error}", file=sys.stderr)
        return 1
    print(f"{pages} pages. Open {arguments.out / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
