"""What tests share: the study's data where it is at hand, and synthetic logs in the same formats."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from torch import Tensor

from ired_diag.inverse.architecture import Architecture, initial_parameters
from ired_diag.inverse.matrices import MatrixData
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.mined_batch import KINDS, Kind, MinedBatch, MiningSettings, matched_control
from ired_diag.model.mining import Walk
from ired_diag.model.schedule import cosine_schedule
from ired_diag.subject import Subject

# How long an example takes is no property of the code: machines that run these tests do other work too.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

Evaluation = tuple[int, float, float]  # step, error on the training batch, validation MSE

LogWriter = Callable[..., Path]

THREE: tuple[Evaluation, ...] = ((1000, 1.4, 1.3), (2000, 0.5, 0.4), (3000, 0.0101, 0.0102))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Tensors in tests are small: threads would only wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _no_width() -> Iterator[None]:
    """What a test prints is as wide as in a pipe, also where the tests run in several processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests cache stays theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of the study's real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("IRED_DIAG_SHARED", Path(__file__).parents[2] / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"the study's data are not at {folder}")
    return folder


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(20261120)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261120)


def configuration(name: str = "q900_synthetic", **keys: Any) -> dict[str, Any]:
    return {"experiment_name": name, "mining_strategy": "none", "rank": 20, "ood": False, **keys}


def log_text(
    *,
    seed: int | None = 0,
    config: dict[str, Any] | None = None,
    evaluations: Sequence[Evaluation] = THREE,
    commit: str = "0123456789abcdef0123456789abcdef01234567",
    started: str = "Sat Jan 24 00:53:55 EST 2026",
    complete: bool = True,
) -> str:
    """Return the text of a SLURM log as the study's batch scripts wrote it."""
    lines = [f"Job started at {started}", "Running on host: node17.example", "Job ID: 1"]
    lines += [f"Git SHA: {commit}", f"Repository cloned and checked out to: {commit[:7]}"]
    if seed is not None:
        lines += [f"Setting random seed: {seed}"]
    lines += [f"Configuration: {json.dumps(config or configuration(), indent=2)}"]
    lines += ["Training for 3000 steps..."]
    for step, train, validation in evaluations:
        lines += ["Running Evaluation..."]
        lines += [f"Validation Result @ Iteration {step}; Milestone = {step // 1000} (Train)"]
        lines += ["---------  ------", f"mse_error  {train}", "---------  ------"]
        lines += [f"Validation Result @ Iteration {step}; Milestone = {step // 1000} (ID: Validation)"]
        lines += ["---  ------", f"mse  {validation}", "---  ------"]
    if complete:
        lines += ["training complete", "Training completed!"]
        lines += ["Experiment completed at Sat Jan 24 02:32:02 EST 2026", "Cleaning up work directory..."]
    return "\n".join(lines) + "\n"


@pytest.fixture
def write_log(tmp_path: Path) -> LogWriter:
    """A function (job, task=…, err=…, folder=…, **log_text's) that writes a log and returns its path."""

    def write(
        job: int, *, task: int | None = None, err: str | None = None, folder: str = "logs", **told: Any
    ) -> Path:
        stem = f"ired_q900_synthetic_{job}" + (f"_{task}" if task is not None else "")
        path = tmp_path / folder / f"{stem}.out"
        path.parent.mkdir(exist_ok=True)
        path.write_text(log_text(**told))
        if err is not None:
            path.with_suffix(".err").write_text(err)
        return path

    return write


@dataclass(frozen=True)
class QuadraticEnergy:
    """E(x, y, t) = ½ (y - x)ᵀ H (y - x): the right answer to x is x itself, and everything is known."""

    hessian: Tensor
    levels: int = 3

    def landscape(self, x: Tensor, t: Tensor) -> QuadraticLandscape:
        return QuadraticLandscape(self.hessian, x)


@dataclass(frozen=True)
class QuadraticLandscape:
    hessian: Tensor
    minimum: Tensor

    def energy(self, y: Tensor) -> Tensor:
        return self.energy_and_gradient(y)[0]

    def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
        gradient = (y - self.minimum) @ self.hessian
        return 0.5 * ((y - self.minimum) * gradient).sum(-1), gradient


@dataclass(frozen=True)
class Identity:
    """Problems that are their own answers, of U(-1, 1) entries."""

    dim: int

    def draw(self, count: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        x = 2 * torch.rand(count, self.dim, generator=generator) - 1
        return x, x


@pytest.fixture
def quadratic_subject() -> Callable[..., Subject]:
    """A function (hessian, levels=3, **Subject's) that returns a quadratic energy on its identity task."""

    def make(hessian: Tensor, *, levels: int = 3, **keys: Any) -> Subject:
        schedule = cosine_schedule(levels, dtype=hessian.dtype)
        return Subject(QuadraticEnergy(hessian, levels), schedule, Identity(len(hessian)), **keys)

    return make


@pytest.fixture
def network_subject() -> Callable[..., Subject]:
    """A function (rank=3, width=16, levels=4, seed=4, **Subject's): an untrained network of IRED's."""

    def make(
        *,
        rank: int = 3,
        width: int = 16,
        levels: int = 4,
        seed: int = 4,
        head: Any = "vector",
        dtype: torch.dtype = torch.float32,
        **keys: Any,
    ) -> Subject:
        sizes = Architecture(rank=rank, width=width, levels=levels, head=head)
        weights = initial_parameters(sizes, generator=torch.Generator().manual_seed(seed), dtype=dtype)
        schedule = cosine_schedule(levels, dtype=dtype)
        return Subject(EnergyNetwork(sizes, weights), schedule, MatrixData(rank=rank), **keys)

    return make


@pytest.fixture
def plant() -> Callable[..., Subject]:
    """A function (candidates, energies=…, …) that returns a subject with planted negatives.

    ``candidates`` are of shape (levels, samples, dim), by kind; a kind that is not given is the positive,
    the control the matched one. Unless given, all energies are 0, and the walk has two steps that stay.
    """

    def make(
        candidates: Mapping[Kind, Tensor],
        *,
        problem: Tensor | None = None,
        energies: Mapping[Kind, Tensor] | None = None,
        walk: Walk | None = None,
        rank: int | None = None,
        subject: Subject | None = None,
        first: int = 0,
    ) -> Subject:
        positive = candidates["positive"]
        levels, samples, dim = positive.shape
        whole: dict[Kind, Tensor] = {kind: candidates.get(kind, positive) for kind in KINDS}
        if "control" not in candidates:
            directions = torch.randn(positive.shape, generator=torch.Generator().manual_seed(7))
            whole["control"] = matched_control(positive, whole["adversarial"], directions.to(positive))
        zeros = torch.zeros(levels, 2, samples, dtype=positive.dtype)
        points = positive[:, None].expand(levels, 3, samples, dim)
        stayed = Walk(
            points=points,
            energies=torch.zeros(levels, 3, samples),
            gradient_norms=zeros,
            proposed=zeros,
            at_clamp=zeros,
            accepted=zeros == 0,
        )
        batch = MinedBatch(
            settings=MiningSettings(),
            problem=positive[0] if problem is None else problem,
            candidates=whole,
            noisy=whole,
            energies=energies or dict.fromkeys(KINDS, torch.zeros(levels, samples, dtype=positive.dtype)),
            walk=walk or stayed,
            first=first,
        )
        if subject is None:
            side = rank or round(dim**0.5)
            energy = QuadraticEnergy(torch.eye(dim, dtype=positive.dtype), levels)
            subject = Subject(energy, cosine_schedule(levels), MatrixData(rank=side), samples=samples)
        return replace(subject, negatives=batch)

    return make


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser without a window; tests that need it are skipped without Chromium, but never in CI."""
    from playwright.sync_api import sync_playwright

    from tests.browser import find_chromium

    path = find_chromium()
    if path is None:
        words = (
            "no browser test: Chromium is absent (install it: make browser; or name it: IRED_DIAG_CHROMIUM)"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serving(chromium: Any) -> Iterator[Callable[..., Any]]:
    """A function (folder, interval=…) that serves a folder as a dashboard while tests run."""
    from tests.browser import NEVER, Dashboard, serve

    with ExitStack() as stack:
        known: dict[tuple[Path, float], Dashboard] = {}

        def serve_once(folder: Path, *, interval: float = NEVER) -> Dashboard:
            if (folder, interval) not in known:
                known[folder, interval] = stack.enter_context(serve(folder, interval=interval))
            return known[folder, interval]

        yield serve_once


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[..., Any]]:
    """A function (dashboard, query="", **context's) that opens a page, by the key or by a cookie's state.

    After the test, a page that wrote an error, asked for anything elsewhere or opened a dialog fails it.
    """
    from tests.browser import Dashboard, Visit, visit

    visits: list[Visit] = []

    def open_page(dashboard: Dashboard, query: str = "", **options: Any) -> Visit:
        visits.append(visit(chromium, dashboard.origin, **options))
        by_cookie = f"{dashboard.origin}/{query}"
        visits[-1].page.goto(by_cookie if "storage_state" in options else dashboard.at(query))
        visits[-1].settle()
        return visits[-1]

    yield open_page
    problems = [problem for one in visits for problem in one.problems]
    for one in visits:
        one.context.close()
    assert not problems


@pytest.fixture
def browse() -> Callable[[Path], Any]:
    """A function (root) that returns a client of a dashboard, without a browser, that holds its key."""

    def open_client(root: Path) -> Any:
        from app.dashboard.security import cookie_name
        from app.dashboard.server import create_app

        app = create_app(root, token="the key", port=8050)
        client = app.server.test_client()
        client.open = partial(client.open, base_url="http://127.0.0.1:8050")
        client.set_cookie(cookie_name(8050), "the key", domain="127.0.0.1")
        return client

    return open_client


@pytest.fixture
def ask() -> Callable[..., dict[str, Any]]:
    """A function (client, output, **values) that asks the callback behind an output, as the page would.

    ``output`` is ``<id>.<property>``, ``values`` are inputs and states by the same name, ``.`` and ``-``
    written as ``_``. Returned is what each component becomes, by its id; empty where nothing changes.
    """

    def call(client: Any, output: str, **values: Any) -> dict[str, Any]:
        known = client.get("/_dash-dependencies").json
        (told,) = (one for one in known if output in one["output"].strip(".").split("..."))

        def given(part: dict[str, Any]) -> dict[str, Any]:
            name = f"{part['id']}_{part['property']}".replace("-", "_")
            return {**part, "value": values.get(name)}

        names = told["output"].strip(".").split("...")
        parts = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]
        outputs = [{**p, "id": json.loads(p["id"])} if p["id"].startswith("{") else p for p in parts]
        inputs = [given(part) for part in told["inputs"]]
        body = {
            "output": told["output"],
            "outputs": outputs if told["output"].startswith("..") else outputs[0],
            "inputs": inputs,
            "state": [given(part) for part in told["state"]],
            "changedPropIds": [f"{part['id']}.{part['property']}" for part in told["inputs"]],
        }
        answer = client.post(
            "/_dash-update-component", json=body, headers={"Origin": "http://127.0.0.1:8050"}
        )
        assert answer.status_code in (200, 204), answer.text[-2000:]
        return dict(answer.json["response"]) if answer.status_code == 200 else {}

    return call
