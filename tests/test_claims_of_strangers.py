"""Reports as strangers write them, from seeds drawn here: right ones are left alone, wrong ones found."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ired_diag.claims import Checked, check_report
from ired_diag.runs.ending import Ending
from ired_diag.runs.history import History, Row
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from tests.made_runs import made_study

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A report, the words that are changed in it, and the runs that it is about, where there are any."""

    text: str
    changes: Sequence[tuple[str, str]]
    study: Study | None = None


def study_of(samples: Mapping[str, Array], metric: str) -> Study:
    """Return runs that end at the given values."""
    return made_study(samples, metric, curve=lambda final: (3 * final, final), every=100)


def draw(seed: int, mean: float, sd: float, n: int, digits: int) -> Array:
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(mean, sd, n), digits)


def speedrun_list() -> Case:
    x = draw(1, 3.2784, 0.0013, 12, 4)
    p = stats.ttest_1samp(x, 3.28, alternative="less").pvalue
    shown = ",\n    ".join(", ".join(f"{v:.4f}" for v in row) for row in x.reshape(3, 4))
    text = f"""# New record
```
accs = [
    {shown}]
print('p=%.4f' % scipy.stats.ttest_1samp(accs, 3.28, alternative='less').pvalue)
# p={p:.4f}
print(torch.std_mean(torch.tensor(accs)))
# (tensor({x.std(ddof=1):.4f}), tensor({x.mean():.4f}))
```
The attention is called with softmax(q, p=2, dim=-1) and dropout p = 0.1.
"""
    return Case(
        text,
        [
            (f"# p={p:.4f}", f"# p={p + 0.004:.4f}"),
            (f"tensor({x.mean():.4f})", f"tensor({x.mean() - 0.0006:.4f})"),
            (f"tensor({x.std(ddof=1):.4f})", f"tensor({x.std(ddof=1) + 0.0007:.4f})"),
        ],
    )


def speedrun_table() -> Case:
    early, late = draw(2, 3.2793, 0.0010, 8, 5), draw(3, 3.2785, 0.0010, 8, 5)
    z = (3.28 - late.mean()) * np.sqrt(8) / 0.0013
    p = stats.norm.sf(z)
    rows = "\n".join(
        f"| {k} | {a:.5f} | {b:.5f} |" for k, (a, b) in enumerate(zip(early, late, strict=True), 1)
    )
    text = f"""# Results
Across 8 seeds the mean validation loss at step 3225 is {late.mean():.6f}. With `sigma=0.0013` the one-sided
z-test gives `z={z:.4f}` and `p={p:.2e}`.

| Seed | 3200 val | 3225 val |
| -: | -: | -: |
{rows}
| **Mean** | **{early.mean():.6f}** | **{late.mean():.6f}** |
| **Std** | {early.std(ddof=1):.5f} | {late.std(ddof=1):.5f} |
| **(3.28 - mean)·√8** | {(3.28 - early.mean()) * 8**0.5:.5f} (✗) | {(3.28 - late.mean()) * 8**0.5:.5f} (✓) |
"""
    return Case(
        text,
        [
            (f"`p={p:.2e}`", f"`p={p / 30:.2e}`"),
            (f"**{early.mean():.6f}** |", f"**{early.mean() - 0.0004:.6f}** |"),
            (f"| {late.std(ddof=1):.5f} |", f"| {0.4 * late.std(ddof=1):.5f} |"),
        ],
    )


def ablation_with_bold() -> Case:
    text = """## Ablation (mean ± std over 5 seeds)

| Variant | Val loss ↓ | Accuracy (%) ↑ | Params (M) |
|---|---|---|---|
| Full | **0.412 ± 0.011** | **91.3 ± 0.4** | 12.1 |
| w/o mixing | 0.455 ± 0.013 | 89.9 ± 0.5 | 11.0 |
| w/o norm | 0.502 ± 0.020 | 88.1 ± 0.7 | 12.0 |

Full reaches a val loss 17.9% lower than w/o norm. Removing the norm costs 3.2 points of accuracy.
"""
    return Case(
        text,
        [
            ("17.9% lower", "1.79% lower"),
            ("**0.412 ± 0.011**", "0.462 ± 0.011"),
        ][:1],
    )


def bold_on_the_wrong_row() -> Case:
    text = """Best in bold.

| Method | FID ↓ | PSNR ↑ |
|---|---|---|
| A | 12.1 | 27.0 |
| B | **9.8** | **29.4** |
| C | 10.3 | 28.1 |
"""
    return Case(text, [("**9.8**", "**11.8**")])


def latex_table() -> Case:
    x, y = draw(5, 0.2611, 0.012, 5, 4), draw(6, 0.2403, 0.011, 5, 4)
    rows = "\n".join(f"{k} & {a:.4f} & {b:.4f} \\\\" for k, (a, b) in enumerate(zip(x, y, strict=True)))
    test = stats.ttest_rel(x, y)
    text = rf"""\section{{Results}}
\begin{{tabular}}{{lcc}}
\toprule
Seed & SGD & Lion \\
\midrule
{rows}
\midrule
Mean & {x.mean():.4f} & {y.mean():.4f} \\
Std & {x.std(ddof=1):.4f} & {y.std(ddof=1):.4f} \\
\bottomrule
\end{{tabular}}

A paired $t$-test between SGD and Lion gives $t(4) = {test.statistic:.2f}$, $p = {test.pvalue:.3f}$.
"""
    return Case(
        text,
        [
            (f"Mean & {x.mean():.4f}", f"Mean & {x.mean() + 0.004:.4f}"),
            (f"& {y.std(ddof=1):.4f}", f"& {y.std():.4f}"),
            (f"p = {test.pvalue:.3f}", f"p = {test.pvalue / 4:.3f}"),
        ],
    )


def thesis_section() -> Case:
    t, f, chi2, h = 2.1, 4.12, 9.3, 7.7
    p = [2 * stats.t.sf(t, 18), stats.f.sf(f, 2, 27), stats.chi2.sf(chi2, 3), stats.chi2.sf(h, 2)]
    text = f"""### 4.2 Results
The treated models differed from the controls, t(18) = {t}, p = {p[0]:.3f}.
A one-way ANOVA confirmed this, F(2, 27) = {f}, p = {p[1]:.3f}.
The counts differed as well, χ²(3, N = 80) = {chi2}, p = {p[2]:.3f}.
A Kruskal-Wallis test agreed, H(2) = {h}, p={p[3]:.3f}.
The learning rate was chosen by a grid with p = 2 norms and dropout with p = 0.3.
"""
    return Case(
        text,
        [
            (f"p = {p[0]:.3f}", f"p = {p[0] / 10:.4f}"),
            (f"p = {p[1]:.3f}", "p<0.0001"),
            (f"p = {p[2]:.3f}", f"p = {p[2] * 8:.3f}"),
            (f"p={p[3]:.3f}", "p=0.2"),
        ],
    )


def impossible_p() -> Case:
    text = "By Welch's t-test the two models differ (t = 5.20, p = 0.031)."
    return Case(text, [("p = 0.031", "p = 0.51")])


def units_in_the_head() -> Case:
    a, b = draw(7, 0.00231, 4e-5, 6, 7), draw(8, 0.00243, 5e-5, 6, 7)
    text = f"""| Optimizer | val MSE (\u00d710⁻³, mean ± SD) | n |
|---|---|---|
| adam | {1e3 * a.mean():.3f} ± {1e3 * a.std(ddof=1):.3f} | 6 |
| lion | {1e3 * b.mean():.3f} ± {1e3 * b.std(ddof=1):.3f} | 6 |

The best seed of adam reaches {a.min():.5f}. adam is better than lion on {int((a < b).sum())} of 6 seeds.
"""
    return Case(
        text,
        [
            (f"{1e3 * b.mean():.3f} ±", f"{1e3 * b.mean() + 0.2:.3f} ±"),
            (f"± {1e3 * a.std(ddof=1):.3f}", f"± {3e3 * a.std(ddof=1):.3f}"),
            (f"on {int((a < b).sum())} of 6", "on 1 of 6"),
            (f"reaches {a.min():.5f}", f"reaches {0.9 * a.min():.5f}"),
        ],
        study_of({"adam": a, "lion": b}, "val/mse"),
    )


def percent_units() -> Case:
    a, b = draw(9, 0.912, 0.004, 5, 4), draw(10, 0.874, 0.006, 5, 4)
    text = f"""| Model | Accuracy (%) | Train time (h) |
|---|---|---|
| mixer | {100 * a.mean():.2f} ± {100 * a.std(ddof=1):.2f} | 3.1 |
| resnet | {100 * b.mean():.2f} ± {100 * b.std(ddof=1):.2f} | 2.2 |
"""
    return Case(
        text,
        [(f"| {100 * a.mean():.2f}", f"| {100 * a.mean() + 2:.2f}")],
        study_of({"mixer": a, "resnet": b}, "val/accuracy"),
    )


def rank_tests() -> Case:
    a, b = draw(11, 0.300, 0.02, 8, 4), draw(12, 0.335, 0.02, 8, 4)
    u, w = stats.mannwhitneyu(a, b), stats.wilcoxon(a, b)
    d = (a.mean() - b.mean()) / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    low, high = np.quantile(a, [0.25, 0.75])
    text = f"""adam vs sgd: Mann-Whitney U = {u.statistic:.0f}, p = {u.pvalue:.4f}.
adam vs sgd: Wilcoxon signed-rank W = {w.statistic:.0f}, p = {w.pvalue:.4f}.
Cohen's d between adam and sgd is {d:.2f}.
The median final loss of adam is {np.median(a):.4f} (IQR {low:.4f}-{high:.4f}).
"""
    return Case(
        text,
        [
            (f"p = {u.pvalue:.4f}", f"p = {u.pvalue / 20:.5f}"),
            (f"p = {w.pvalue:.4f}", "p = 0.0001"),
            (f"is {d:.2f}", f"is {d / 2:.2f}"),
            (f"adam is {np.median(a):.4f}", f"adam is {np.median(a) + 0.03:.4f}"),
            (f"-{high:.4f})", f"-{high + 0.03:.4f})"),
        ],
        study_of({"adam": a, "sgd": b}, "val_loss"),
    )


def selection() -> Case:
    a, b = draw(13, 1.90, 0.05, 10, 3), draw(14, 2.05, 0.05, 10, 3)
    text = f"""All numbers are means over ten seeds.

| Method | val loss |
|---|---|
| muon | {a.mean():.3f} |
| adamw | {b.mean():.3f} |
"""
    return Case(
        text,
        [
            ("ten seeds", "five seeds"),
            (f"| muon | {a.mean():.3f} |", f"| muon | {a.min():.3f} |"),
        ],
        study_of({"muon": a, "adamw": b}, "val_loss"),
    )


def corrected_significance() -> Case:
    text = """We compare four optimizers, six tests, Bonferroni-corrected (alpha = 0.05/6).

| Comparison | p-value | Significant (Bonferroni) |
|---|---|---|
| A vs B | 0.0011 | Yes |
| A vs C | 0.0210 | No |
| B vs C | 0.4 | n.s. |
"""
    return Case(text, [("| 0.0210 | No |", "| 0.0210 | Yes |"), ("| 0.0011 | Yes |", "| 0.0011 | No |")])


def ratios_and_words() -> Case:
    text = """| Model | Test MSE | Latency (ms) |
|---|---|---|
| base | 0.0360 | 12.0 |
| large | 0.0120 | 48.0 |

large has a test MSE 3x lower than base and is 4x slower. Training took 2x less memory.
The gain is not significant (p = 0.21). Our threshold was p < 0.05.
"""
    return Case(text, [("3x lower", "5x lower"), ("not significant", "significant")])


def tidy_seeds_with_groups() -> Case:
    a, b = draw(15, 71.0, 2.0, 5, 1), draw(16, 64.0, 3.0, 5, 1)
    rows = "\n".join(
        f"| {env} | ppo | {k} | {v:.1f} | {v / 100:.2f} |"
        for env, x in (("maze", a), ("cave", b))
        for k, v in enumerate(x)
    )
    text = f"""| env | method | seed | return | success |
|---|---|---|---|---|
{rows}

| env | method | return (mean ± std) |
|---|---|---|
| maze | ppo | {a.mean():.1f} ± {a.std(ddof=1):.1f} |
| cave | ppo | {b.mean():.1f} ± {b.std(ddof=1):.1f} |
"""
    return Case(
        text,
        [
            (f"| {a.mean():.1f} ±", f"| {b.mean():.1f} ±"),
            (f"± {b.std(ddof=1):.1f} |", f"± {2 * b.std(ddof=1):.1f} |"),
        ],
    )


def impossible_spread() -> Case:
    text = """| Model | mean | std | min | max | n |
|---|---|---|---|---|---|
| A | 0.52 | 0.06 | 0.43 | 0.61 | 5 |
"""
    return Case(text, [("| 0.06 |", "| 0.16 |"), ("| 0.52 |", "| 0.72 |")])


CASES: Sequence[Callable[[], Case]] = (
    speedrun_list, speedrun_table, ablation_with_bold, bold_on_the_wrong_row, latex_table, thesis_section,
    impossible_p, units_in_the_head, percent_units, rank_tests, selection, corrected_significance,
    ratios_and_words, tidy_seeds_with_groups, impossible_spread,
)  # fmt: skip


def logs_of(folder: Path) -> tuple[Study, Array, list[str]]:
    """Return the runs of a record, their last values, and the names of their logs."""
    runs = []
    for path in sorted(folder.glob("*.txt")):
        found = re.findall(r"step:(\d+)/\d+ val_loss:([\d.]+)", path.read_text())
        history = History.of([Row(int(step), {"val_loss": float(value)}) for step, value in found])
        job = {"job": path.stem}
        runs.append(
            Run(
                experiment=folder.name,
                name=None,
                variant=None,
                seed=None,
                path=path,
                configuration=None,
                history=history,
                ending=Ending("complete"),
                provenance=job,
            )
        )
    last = np.array([run.history.series["val_loss"].values[-1] for run in runs])
    return Study.of(runs), last, [run.path.name for run in runs]


def record_of(folder: Path) -> Case:
    """Return a record as it is submitted, with its logs by name and the values at two steps."""
    study, last, names = logs_of(folder)
    step = int(study.runs[0].history.series["val_loss"].steps[-2])
    early = np.array([run.history.series["val_loss"].values[-2] for run in study.runs])
    rows = "\n".join(f"| `{n}` | {a:.5f} | {b:.5f} |" for n, a, b in zip(names, early, last, strict=True))
    p = stats.ttest_1samp(last, 3.28, alternative="less").pvalue
    text = f"""# Record
Over {len(last)} runs, none left out, the final val_loss is {last.mean():.5f} (std {last.std(ddof=1):.5f}).
A one-sample t-test against 3.28 gives p = {p:.2g}.

| log | {step} val | final val loss |
|---|---|---|
{rows}
| **mean** | **{early.mean():.6f}** | **{last.mean():.6f}** |
"""
    return Case(
        text,
        [
            (f"Over {len(last)} runs", f"Over {len(last) - 4} runs"),
            (f"p = {p:.2g}", f"p = {p * 50:.2g}"),
            (f"**{early.mean():.6f}**", f"**{early.mean() - 0.001:.6f}**"),
            (f"| {last[3]:.5f} |", "| 3.27191 |"),
            (f"| {early[5]:.5f} |", "| 3.27999 |"),
        ],
        study,
    )


@pytest.mark.parametrize("name", ["contra", "newton"])
def test_a_record_is_held_against_its_logs(shared: Path, name: str) -> None:
    if not (shared / "text_logs" / name).is_dir():
        pytest.skip("the logs of the record are not here")
    report = record_of(shared / "text_logs" / name)
    right = check_report(report.text, report.study)
    assert accusations(right) == []
    assert right.share is not None
    assert right.share > 0.9
    for old, new in report.changes:
        changed = report.text.replace(old, new, 1)
        line = report.text[: report.text.index(old)].count("\n") + 1
        findings = [f for f in check_report(changed, report.study).findings if f.severity != "note"]
        assert any(f.evidence["line"] == line for f in findings), f"{old} -> {new}"


def accusations(checked: Checked) -> list[str]:
    return [f.statement for f in checked.findings if f.severity != "note"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_right_report_is_not_accused(case: Callable[[], Case]) -> None:
    report = case()
    assert accusations(check_report(report.text, report.study)) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_each_change_is_found_on_its_line(case: Callable[[], Case]) -> None:
    report = case()
    for old, new in report.changes:
        assert report.text.count(old) >= 1, old
        changed = report.text.replace(old, new, 1)
        line = report.text[: report.text.index(old)].count("\n") + 1
        findings = [f for f in check_report(changed, report.study).findings if f.severity != "note"]
        assert any(f.evidence["line"] == line for f in findings), (
            f"{old} -> {new}: {[f.statement for f in findings]}"
        )


def test_a_third_of_the_claims_is_checked_where_the_runs_are_given() -> None:
    reports = [report for case in CASES if (report := case()).study]
    shares = [check_report(report.text, report.study).share for report in reports]
    assert min(share for share in shares if share is not None) > 1 / 3
