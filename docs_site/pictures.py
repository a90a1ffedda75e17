"""Pictures of the README and of the page on the study, made again from runs and logs.

    python -m docs_site.pictures --data path/to/data

The dashboard and the learning curves show the logs of the study (``ired_logs`` in the folder of the data),
the probe a sample run. A browser is needed for the dashboard: Chromium, as for the tests.
Those of the gallery are made by ``docs/gallery/make.sh``.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
LOGS = "ired_logs"
COMPARED = ("q101", "q102", "q103")
PROBED = ROOT / "sample_runs" / "q103" / "seed0"
ADDRESS = re.compile(r"http://\S+")
WINDOW = ViewportSize(width=1280, height=800)
SHARPNESS = 1.5  # pixels of the picture to one of the window
PATIENCE = 120_000  # ms
HEADING = "#content h1"
IS_DRAWN = """() => {
  const content = document.getElementById("content");
  const graphs = Array.from(content.querySelectorAll(".dash-graph"));
  return !/Computing/.test(content.innerText) && graphs.every((graph) => graph.querySelector(".main-svg"));
}"""


@contextmanager
def dashboard(folder: Path) -> Iterator[str]:
    """Serve a folder, and give the address."""
    command = [sys.executable, "-m", "app.cli", "dashboard", str(folder), "--no-browser"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if address := ADDRESS.search(line):
                    yield address[0]
                    return
            raise SystemExit("docs_site.pictures: the dashboard printed no address.")
        finally:
            process.terminate()


def picture_of_page(address: str, path: Path) -> None:
    """Write what the dashboard's first page looks like."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=WINDOW, device_scale_factor=SHARPNESS)
        page.goto(address)
        page.wait_for_selector(HEADING, timeout=PATIENCE)
        page.wait_for_load_state("networkidle")
        page.wait_for_function(IS_DRAWN, timeout=PATIENCE)
        page.screenshot(path=str(path))
        browser.close()


def picture_of(command: Sequence[str], name: str, path: Path) -> None:
    """Write the picture that a command of ours draws under a name."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "app.cli", *command, "--out", folder]
        subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        drawn, *_ = sorted(Path(folder).glob(f"{name}*.png"))
        shutil.copyfile(drawn, path)


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(prog="python -m docs_site.pictures")
    parser.add_argument("--data", type=Path, required=True, help="Folder that holds ired_logs.")
    logs = parser.parse_args().data / LOGS
    curves = ["figures", *COMPARED, "--runs", str(logs), "--only", "learning-curves", "--format", "png"]
    picture_of([*curves, "--width", "text"], "learning-curves", IMAGES / "learning-curves.png")
    probe = ["probe", "conditioning", str(PROBED), "--device", "cpu"]
    picture_of(probe, "conditioning", IMAGES / "conditioning.png")
    with dashboard(logs) as address:
        picture_of_page(address, IMAGES / "dashboard.png")


if __name__ == "__main__":
    main()
