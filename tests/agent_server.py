"""A server whose tools are broken on purpose; tests start it by ``python tests/agent_server.py DIR``.

The process that answers imports this file too, under another name, so that it is broken there as well.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from app.agents import answers
from app.agents.confinement import Confinement
from app.agents.reply import Reply

OUTSIDE = "IRED_DIAG_TEST_OUTSIDE"


def broken(_folder: Confinement, report: str, **_choices: Any) -> Reply:
    """Do what a report's name says: print, divide by zero, sleep, die, write, read outside."""
    print("noise of a library on stdout", flush=True)  # noqa: T201 (it must not reach the protocol)
    match report:
        case "zero":
            return Reply(verdict=str(1 / 0), statements=[])
        case "slow":
            time.sleep(60)
        case "die":
            os._exit(9)
        case "write":
            Path("written.txt").write_text("x")
        case "read":
            Path(os.environ[OUTSIDE]).read_text()
    import numpy as np

    numbers = {"mean": np.float32(0.5), "bound": np.inf, "sd": float("nan"), "values": np.arange(2)}
    return Reply(verdict="fine", statements=[], numbers=numbers)


answers.ANSWERS = {**answers.ANSWERS, "check": broken}

if __name__ == "__main__":
    from app.agents.server import server_of

    server_of(Path(sys.argv[1]).resolve()).run("stdio")
