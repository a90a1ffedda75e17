"""``python -m app.cli`` is ``ired-diag``."""

from app.cli import main

if __name__ == "__main__":
    main(prog_name="ired-diag")
