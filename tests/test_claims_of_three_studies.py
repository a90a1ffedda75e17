r"""Reports on three studies of known values: each right one is left alone, its wrong twin is found.

The reports are of the kinds that people write: a README, a LaTeX paper, a notebook's export, a page in HTML,
notes in a chat. ``@`` stands for the number that is right in the one and wrong in the other.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ired_diag.claims import Checked, check_report
from ired_diag.final_values import open_runs_or_table
from ired_diag.runs.study import Study
from tests.made_runs import made_study


def draws(seed: int, **groups: tuple[float, float, int, int]) -> dict[str, np.ndarray]:
    """Return values by group: mean, sd, number of seeds, decimals."""
    rng = np.random.default_rng(seed)
    return {
        name: np.round(rng.normal(mean, sd, n), decimals) for name, (mean, sd, n, decimals) in groups.items()
    }


LOSS = draws(1, adam=(0.433, 0.010, 8, 5), lion=(0.424, 0.011, 8, 5), muon=(0.416, 0.010, 8, 5))
HOURS = {"adam": 9.3, "lion": 8.1, "muon": 3.0}
ACC = draws(2, resnet=(91.8, 0.15, 5, 2), vit=(93.1, 0.30, 5, 2), mixer=(92.2, 0.25, 5, 2))
REWARD = draws(3, ppo=(212.0, 18.0, 10, 1), sac=(261.0, 22.0, 10, 1))


def welch(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    test = stats.ttest_ind(a, b, equal_var=False)
    return float(test.statistic), float(test.pvalue)


def half_width(x: np.ndarray) -> float:
    return float(stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)))


NUMBERS = {
    **{f"{name}_mean": f"{x.mean():.3f}" for name, x in LOSS.items()},
    **{f"{name}_sd": f"{x.std(ddof=1):.3f}" for name, x in LOSS.items()},
    **{f"{name}_brackets": f"{1000 * x.std(ddof=1):.0f}" for name, x in LOSS.items()},
    **{f"{name}_median": f"{np.median(x):.4f}" for name, x in LOSS.items()},
    **{f"{name}_h": f"{x}" for name, x in HOURS.items()},
    **{f"{name}_mean": f"{x.mean():.2f}" for name, x in ACC.items()},
    **{f"{name}_sd": f"{x.std(ddof=1):.2f}" for name, x in ACC.items()},
    **{f"{name}_mean": f"{x.mean():.1f}" for name, x in REWARD.items()},
    **{f"{name}_sd": f"{x.std(ddof=1):.1f}" for name, x in REWARD.items()},
    **{f"{name}_half": f"{half_width(x):.1f}" for name, x in REWARD.items()},
    "p_loss": f"{welch(LOSS['muon'], LOSS['adam'])[1]:.4f}",
    "t_loss": f"{abs(welch(LOSS['muon'], LOSS['adam'])[0]):.2f}",
    "p_lion": f"{welch(LOSS['lion'], LOSS['adam'])[1]:.3f}",
    "p_acc": f"{welch(ACC['vit'], ACC['resnet'])[1]:.5f}",
    "p_mixer": f"{welch(ACC['mixer'], ACC['resnet'])[1]:.3f}",
    "p_reward": f"{welch(REWARD['sac'], REWARD['ppo'])[1]:.2e}",
    "lower": f"{100 * (1 - LOSS['muon'].mean() / LOSS['adam'].mean()):.1f}",
    "more": f"{REWARD['sac'].mean() - REWARD['ppo'].mean():.1f}",
    "points": f"{ACC['vit'].mean() - ACC['resnet'].mean():.2f}",
    "seconds": f"{HOURS['adam'] / HOURS['muon']:.1f}",
}


def losses(folder: Path) -> Study:
    """Return the losses, from a long table of final values with another metric."""
    rows = [
        f"{name},{seed},{value},{HOURS[name]}\n" for name, x in LOSS.items() for seed, value in enumerate(x)
    ]
    (folder / "finals.csv").write_text("optimizer,seed,val_loss,train_hours\n" + "".join(rows))
    return open_runs_or_table(folder)


def accuracies(_: Path) -> Study:
    """Return the accuracies, from the curves of runs."""
    return made_study(ACC, "test_accuracy", curve=lambda final: (final - 5, final), every=100, key="model")


def rewards(folder: Path) -> Study:
    """Return the rewards, from a wide table that names no metric."""
    rows = [f"{seed},{a},{b}\n" for seed, (a, b) in enumerate(zip(REWARD["ppo"], REWARD["sac"], strict=True))]
    (folder / "results.csv").write_text("seed,ppo,sac\n" + "".join(rows))
    return open_runs_or_table(folder)


README_LOSS = """# Optimizers on the toy task

We trained every optimizer with 8 seeds. Numbers are final validation losses, mean ± std.

| Optimizer | val loss ↓ | train time (h) |
|:--|--:|--:|
| adam | {adam_mean} ± {adam_sd} | {adam_h} |
| lion | {lion_mean} ± {lion_sd} | {lion_h} |
| **muon** | **@ ± {muon_sd}** | **{muon_h}** |
"""
README_FASTER = """## Speed

| Optimizer | train time (h) |
|---|---|
| adam | {adam_h} |
| lion | {lion_h} |
| muon | {muon_h} |

Muon needs no tuning. Training is @\u00d7 faster (muon vs. adam).

The loss of muon is {lower}% lower than that of adam.
"""
README_LOWER = (
    "### Results\n\n- adam: {adam_mean} ± {adam_sd} val loss\n"
    "- muon: {muon_mean} ± {muon_sd} val loss, @% lower than adam\n"
)
PAPER_LOSS = r"""\section{Results}
\begin{table}
\caption{Final validation loss (mean and standard deviation in brackets, 8 seeds).}
\begin{tabular}{l S[table-format=1.3(2)] S[table-format=1.1]}
\toprule
{Optimizer} & {Val. loss $\downarrow$} & {Time (\si{\hour})} \\
\midrule
adam & {adam_mean}({adam_brackets}) & {adam_h} \\
lion & @({lion_brackets}) & {lion_h} \\
muon & \textbf{{muon_mean}({muon_brackets})} & {muon_h} \\
\bottomrule
\end{tabular}
\end{table}
"""
PAPER_P = r"""\subsection{Significance}
Muon reaches a mean validation loss of \num{{muon_mean}({muon_brackets})}, adam of {adam_mean}.
The difference of muon and adam is significant (Welch's $t$ test, $t = {t_loss}$, $p = \num{@}$).
The adaptive slope $\alpha = 0.171$ was the same in all runs.
"""
NOTEBOOK_LOSS = """```python
df.groupby("optimizer").val_loss.agg(["mean", "std", "count"])
```

```
            mean    std  count
optimizer
adam       {adam_mean}  {adam_sd}      8
lion       {lion_mean}  {lion_sd}      8
muon       {muon_mean}  @      8
```
"""
NOTEBOOK_HTML = """### Validation loss

<div>
<table border="1" class="dataframe">
  <thead>
    <tr style="text-align: right;">
      <th></th>
      <th>val_loss</th>
      <th>std</th>
    </tr>
    <tr>
      <th>optimizer</th>
      <th></th>
      <th></th>
    </tr>
  </thead>
  <tbody>
    <tr>
      <th>adam</th>
      <td>@</td>
      <td>{adam_sd}</td>
    </tr>
    <tr>
      <th>muon</th>
      <td>{muon_mean}</td>
      <td>{muon_sd}</td>
    </tr>
  </tbody>
</table>
</div>
"""
CHAT_LOSS = (
    "hey all, optimizer sweep is done :tada:\n- muon: mean val loss @ (n=8)\n"
    "- adam: mean val loss {adam_mean}\n"
    "median of lion is {lion_median}, so meh. lion vs adam p={p_lion}\n"
)
CHAT_P = "update: lion vs adam, Welch: p=@ with 8 seeds each, so significant. Next: bigger model\n"
README_ACC = """| Model | Test accuracy (%) ↑ | Params (M) |
|-------|---------------------|------------|
| **ResNet** | {resnet_mean} ± {resnet_sd} | 11.2 |
| **Mixer** | {mixer_mean} ± {mixer_sd} | 18.5 |
| **ViT** | **@ ± {vit_sd}** | 22.1 |

All models were trained with 5 seeds; ± is the standard deviation.
"""
PAPER_ACC = r"""\begin{table}[t]
\caption{Test accuracy over five seeds, mean $\pm$ standard deviation.}
\begin{tabular}{lcc}
\hline
Model & Accuracy (\%) & $p$ vs. resnet \\ \hline
resnet & ${resnet_mean} \pm {resnet_sd}$ & -- \\
mixer & ${mixer_mean} \pm @$ & {p_mixer} \\
vit & $\mathbf{{vit_mean} \pm {vit_sd}}$ & {p_acc} \\ \hline
\end{tabular}
\end{table}
"""
METRICS_ACC = """## ViT vs. ResNet

Table 3: vit vs. resnet, Welch's t test over 5 seeds.

| Metric | resnet | vit | p-value |
|---|---|---|---|
| Test accuracy | {resnet_mean} | {vit_mean} | @ |
| Params (M) | 11.2 | 22.1 | |
"""
NOTEBOOK_ACC = """    model     test_accuracy    std
    ------  ---------------  -----
    mixer             @   {mixer_sd}
    resnet            {resnet_mean}   {resnet_sd}
    vit               {vit_mean}   {vit_sd}
"""
PAGE_ACC = """<!DOCTYPE html>
<html>
<head><style>td { padding: 2px }</style></head>
<body>
<h1>Image models</h1>
<p>Accuracies on the test set, 5 seeds.</p>
<table>
<thead>
<tr><th>Model</th><th>Test accuracy (mean)</th><th>Std</th></tr>
</thead>
<tbody>
<tr><td><strong>resnet</strong></td><td>{resnet_mean}</td><td>{resnet_sd}</td></tr>
<tr><td><strong>vit</strong></td><td>@</td><td>{vit_sd}</td></tr>
</tbody>
</table>
</body>
</html>
"""
PAGE_ACC_P = """<html><body>
<h2>Comparison</h2>
<p>The accuracy of vit is {points} points above that of resnet.</p>
<p>Welch's t test of vit against resnet gives p = @ (n = 5).</p>
</body></html>
"""
CHAT_ACC = (
    "quick numbers: vit gets a mean test accuracy of {vit_mean} (std @), "
    "resnet {resnet_mean} (std {resnet_sd})\n"
)
README_REWARD = """# RL baselines

| Agent | Return | 95% CI |
|---|---|---|
| ppo | {ppo_mean} | ± {ppo_half} |
| sac | @ | ± {sac_half} |

SAC vs PPO: p = {p_reward} (Welch's t-test, n = 10).
"""
PAPER_REWARD = r"""\begin{tabular}{lc}
Agent & Mean return (95\% CI) \\ \hline
ppo & {ppo_mean} $\pm$ {ppo_half} \\
sac & \textbf{{sac_mean}} $\pm$ @ \\
\end{tabular}
"""
NOTEBOOK_REWARD = """```csv
agent,mean_return,std
ppo,{ppo_mean},{ppo_sd}
sac,{sac_mean},@
```
"""
CHAT_REWARD = (
    "sac has a mean return of {sac_mean} vs {ppo_mean} for ppo. The difference between sac and ppo is @.\n"
)
PAGE_REWARD = """<table>
<caption>Mean return of 10 seeds: sac vs. ppo</caption>
<tr><th>Metric</th><th>ppo</th><th>sac</th><th>p</th></tr>
<tr><td>Return</td><td>{ppo_mean}</td><td>{sac_mean}</td><td>@</td></tr>
</table>
"""
MAKERS = {"loss": losses, "acc": accuracies, "reward": rewards}
REPORTS = {
    "README, losses": ("loss", README_LOSS, "{muon_mean}", "0.426"),
    "README, faster": ("loss", README_FASTER, "{seconds}", "4.2"),
    "README, lower": ("loss", README_LOWER, "{lower}", "6.9"),
    "paper, siunitx": ("loss", PAPER_LOSS, "{lion_mean}", "0.435"),
    "paper, p": ("loss", PAPER_P, "{p_loss}", "0.041"),
    "notebook, printed": ("loss", NOTEBOOK_LOSS, "{muon_sd}", "0.031"),
    "notebook, HTML": ("loss", NOTEBOOK_HTML, "{adam_mean}", "0.412"),
    "chat, means": ("loss", CHAT_LOSS, "{muon_mean}", "0.409"),
    "chat, p": ("loss", CHAT_P, "{p_lion}", "0.0321"),
    "README, accuracies": ("acc", README_ACC, "{vit_mean}", "93.96"),
    "paper, accuracies": ("acc", PAPER_ACC, "{mixer_sd}", "0.71"),
    "metrics by row": ("acc", METRICS_ACC, "{p_acc}", "0.02"),
    "notebook, accuracies": ("acc", NOTEBOOK_ACC, "{mixer_mean}", "92.91"),
    "page, accuracies": ("acc", PAGE_ACC, "{vit_mean}", "94.20"),
    "page, p": ("acc", PAGE_ACC_P, "{p_acc}", "0.041"),
    "chat, accuracies": ("acc", CHAT_ACC, "{vit_sd}", "0.91"),
    "README, returns": ("reward", README_REWARD, "{sac_mean}", "281.4"),
    "paper, returns": ("reward", PAPER_REWARD, "{sac_half}", "33.3"),
    "notebook, returns": ("reward", NOTEBOOK_REWARD, "{sac_sd}", "41.0"),
    "chat, returns": ("reward", CHAT_REWARD, "{more}", "95.1"),
    "page, returns": ("reward", PAGE_REWARD, "{p_reward}", "0.0213"),
}


def filled(template: str, number: str) -> str:
    text = template
    for name, value in NUMBERS.items():
        text, number = text.replace(f"{{{name}}}", value), number.replace(f"{{{name}}}", value)
    return text.replace("@", number)


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Study]:
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in MAKERS.items()}


def accusations(result: Checked) -> list[str]:
    return [f.statement for f in result.findings if f.severity != "note"]


@pytest.mark.parametrize("name", REPORTS)
def test_a_right_report_is_left_alone(name: str, studies: dict[str, Study]) -> None:
    study, template, right, _ = REPORTS[name]
    assert accusations(check_report(filled(template, right), studies[study])) == []


@pytest.mark.parametrize("name", REPORTS)
def test_the_wrong_number_of_a_report_is_found_and_no_other(name: str, studies: dict[str, Study]) -> None:
    study, template, _, wrong = REPORTS[name]
    result = check_report(filled(template, wrong), studies[study])
    said = {f.evidence["printed"] for f in result.findings if f.severity != "note"}
    assert said
    assert all(wrong in str(words) for words in said), said


def test_more_than_two_thirds_of_the_claims_are_checked(studies: dict[str, Study]) -> None:
    counts: Counter[str] = Counter()
    for study, template, right, _ in REPORTS.values():
        counts.update(check_report(filled(template, right), studies[study]).counts)
    assert counts["fails"] == 0
    assert counts["holds"] > 2 * counts["unchecked"]
