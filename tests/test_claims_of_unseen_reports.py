"""Forms of reports that nobody had tried: right ones are left alone, and a wrong number in them is found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ired_diag.claims import check_report
from ired_diag.claims.compared_groups import compared_at
from ired_diag.claims.crossed_names import named_spans
from ired_diag.claims.labels import mention_spans, mentions, pair_of, words_of
from ired_diag.claims.metrics import metric_at, rank_of
from ired_diag.claims.notebook_text import notebook_as_markdown
from ired_diag.claims.report_file import open_report
from ired_diag.runs.history import Series
from ired_diag.runs.study import Study
from tests.claims_studies import accused, outcomes
from tests.made_runs import made_run


def study_of(samples: Mapping[str, Sequence[float]], metric: str) -> Study:
    """Return runs of two evaluations; the last, and best, ones are given."""
    runs = []
    for group, values in samples.items():
        for seed, value in enumerate(values):
            lower_is_better = metric.endswith(("wer", "rmse"))
            curve = [value * (1.1 if lower_is_better else 0.9), value]
            runs.append(made_run(group, seed, config={"model": group}, metrics={metric: curve}))
    return Study.of(runs)


F1 = {
    "bert": (0.8884, 0.8902, 0.8871),
    "roberta": (0.9021, 0.8993, 0.9035),
    "deberta": (0.9107, 0.9088, 0.9121),
}
F1_RUNS = study_of(F1, "val_f1")
WER = {
    "small": (0.1423, 0.1451, 0.1438),
    "small_lora": (0.1191, 0.1183, 0.1202),
    "small_aug": (0.1254, 0.1244, 0.1266),
}
WER_RUNS = study_of(WER, "eval_wer")
TOP1 = {"simclr": (68.4, 68.9, 68.1), "byol": (71.2, 71.0, 71.7), "dino": (72.9, 73.2, 72.8)}
TOP1_RUNS = study_of(TOP1, "val_top1")
ABLATION = {"full": (0.842, 0.845, 0.84), "no_aug": (0.823, 0.825, 0.821), "no_ema": (0.836, 0.834, 0.839)}
ABLATION_RUNS = study_of(ABLATION, "val_map")
RANKS = {"lora_r4": (27.4, 27.6), "lora_r8": (28.1, 28.3), "lora_r16": (28.9, 29.0)}
RANK_RUNS = study_of(RANKS, "eval_rougeL")
CROSSED = {
    "weather-dlinear": (0.411, 0.409),
    "weather-patchtst": (0.371, 0.369),
    "traffic-dlinear": (0.712, 0.708),
    "traffic-patchtst": (0.672, 0.668),
}
CROSSED_RUNS = study_of(CROSSED, "val_rmse")


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


@dataclass(frozen=True)
class Case:
    """A right report, the runs, and words of it each with what makes them wrong."""

    text: str
    runs: Study
    changes: tuple[tuple[str, str], ...]


def two_metrics(samples: dict[str, tuple[Sequence[float], Sequence[float]]], names: tuple[str, str]) -> Study:
    """Return runs of two metrics, of which the last values are given by group and seed."""
    runs = []
    for group, (first, second) in samples.items():
        for seed, (a, b) in enumerate(zip(first, second, strict=True)):
            metrics: dict[str, Series] = {}
            for name, value in zip(names, (a, b), strict=True):
                metrics[name] = Series(np.array([100, 200]), np.array([value * 0.9, value]))
            runs.append(made_run(group, seed, config={"model": group}, metrics=metrics))
    return Study.of(runs)


RANKED = two_metrics(
    {"lightgcn": ((0.2361, 0.2355), (0.3282, 0.3291)), "sasrec": ((0.2513, 0.2507), (0.3401, 0.3409))},
    ("val_ndcg", "val_recall"),
)

CASES = {
    "shares above 1 are in percent": Case(
        "| model | F1 |\n|---|---|\n| bert | 88.9 |\n| roberta | 90.2 |\n| deberta | 91.1 |\n\n"
        "deberta reaches an F1 of 91.1, roberta one of 90.2.",
        F1_RUNS,
        (("| roberta | 90.2 |", "| roberta | 91.0 |"), ("an F1 of 91.1", "an F1 of 92.3")),
    ),
    "error rates in percent, as most of them agree": Case(
        "| model | WER |\n|---|---|\n| small | 14.37 |\n| + LoRA | 11.92 |\n| + aug | 12.55 |\n\n"
        "With + aug, the WER is 12.55%. LoRA reduces the WER of small by 17.1%.",
        WER_RUNS,
        (("| + aug | 12.55 |", "| + aug | 12.05 |"), ("by 17.1%", "by 20.6%")),
    ),
    "a change from one percentage to another": Case(
        "LoRA reduces the WER of small from 14.37% to 11.92%, a relative reduction of 17.0%.",
        study_of({"small": WER["small"], "LoRA": WER["small_lora"]}, "eval_wer"),
        (("reduction of 17.0%", "reduction of 21.0%"),),
    ),
    "points that are called absolute, over two groups": Case(
        "DINO outperforms BYOL by 1.67% absolute and SimCLR by 4.50% absolute.",
        TOP1_RUNS,
        (
            ("by 1.67%", "by 2.37%"),
            ("by 4.50%", "by 3.40%"),
            ("DINO outperforms BYOL", "BYOL outperforms DINO"),
        ),
    ),
    "two groups with each other's names": Case(
        "DINO is 1.67 points above BYOL and 4.50 above SimCLR in val_top1.",
        TOP1_RUNS,
        (("4.50 above", "2.90 above"),),
    ),
    "numbers in brackets behind their groups": Case(
        "DINO achieves the highest top-1 accuracy (72.97), followed by BYOL (71.30) and SimCLR (68.47).",
        TOP1_RUNS,
        (("(71.30)", "(72.30)"), ("(72.97)", "(74.07)")),
    ),
    "ablations without something": Case(
        "| variant | mAP (%) | Δ |\n|---|---|---|\n| Full | 84.2 | -- |\n| w/o aug | 82.3 | -1.9 |\n"
        "| w/o EMA | 83.6 | -0.6 |",
        ABLATION_RUNS,
        (("| w/o EMA | 83.6 |", "| w/o EMA | 82.5 |"), ("| -1.9 |", "| -2.9 |")),
    ),
    "ranks as numbers": Case(
        "| rank r | ROUGE-L |\n|---|---|\n| 4 | 27.50 |\n| 8 | 28.20 |\n| 16 | 28.95 |",
        RANK_RUNS,
        (("| 8 | 28.20 |", "| 8 | 28.70 |"),),
    ),
    "a head of two rows": Case(
        "\\begin{tabular}{lc}\n\\toprule\n & \\multicolumn{2}{c}{Validation} \\\\\n\\cmidrule{2-3}\n"
        "Model & Top-1 & Params \\\\\n"
        "\\midrule\nDINO & 72.97 & 22M \\\\\n\\quad BYOL & 71.30 & 22M \\\\\n\\bottomrule\n\\end{tabular}",
        TOP1_RUNS,
        (("BYOL & 71.30", "BYOL & 72.30"),),
    ),
    "data sets by models": Case(
        "| Dataset | DLinear | PatchTST |\n|---|---|---|\n| Weather | 0.410 | 0.370 |\n"
        "| Traffic | 0.710 | 0.670 |\n\n"
        "On Weather, PatchTST has an RMSE of 0.370, 9.8% lower than DLinear (0.410).",
        CROSSED_RUNS,
        (
            ("RMSE of 0.370", "RMSE of 0.340"),
            ("9.8% lower", "14.8% lower"),
            ("DLinear (0.410)", "DLinear (0.450)"),
        ),
    ),
    "a metric behind its number": Case(
        "| model | NDCG | recall |\n|---|---|---|\n| LightGCN | 0.236 | 0.329 |\n"
        "| SASRec | 0.251 | 0.340 |\n\n"
        "SASRec is 6.5% better than LightGCN in NDCG and 3.6% better in recall.",
        RANKED,
        (("6.5% better", "9.5% better"), ("3.6% better", "6.6% better")),
    ),
    "a group against each other": Case(
        "| model | val_top1 |\n|---|---|\n| DINO | 72.97 |\n| BYOL | 71.30 |\n| SimCLR | 68.47 |\n\n"
        "## Tests\n\n"
        "Differences between DINO and each other model:\n\n| model | difference |\n|---|---|\n"
        "| BYOL | 1.67 |\n| SimCLR | 4.50 |",
        TOP1_RUNS,
        (("| SimCLR | 4.50 |", "| SimCLR | 3.30 |"),),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_right_report_is_left_alone_and_each_wrong_number_found(name: str) -> None:
    case = CASES[name]
    assert accused(case.text, case.runs) == []
    assert "holds" in outcomes(case.text, case.runs).values()
    for words, wrong in case.changes:
        assert case.text.count(words) == 1
        assert accused(case.text.replace(words, wrong), case.runs) != [], wrong


LEFT_ALONE = [
    "Compared with BYOL, our ensemble is 5.0% better, and compared with SimCLR 9.1%.",
    "With 40 labels per class DINO is 4.1 points better than BYOL in val_top1, at 10 labels 0.4 "
    "points worse.",
    "Classes not seen in training have a top-1 accuracy of 52.10 with DINO.",
    "New photographers have a top-1 accuracy of 66.10 with DINO.",
    "With reverberation, DINO has a top-1 accuracy of 66.10.",
    "On holidays the top-1 accuracy of DINO is 66.10 and that of BYOL 65.50.",
    "Trained on half of the pairs, DINO still has a top-1 accuracy of 66.10.",
    "DINO + EMA improves over BYOL by 9.1 points.",
    "BYOL (old, 4 seeds): top-1 accuracy = 69.9.",
    "DINO improves the top-1 accuracy, i.e. compared with BYOL the remaining error drops by 19%.",
    "DINO does not outperform BYOL. BYOL outperforms DINO in speed. BYOL outperforms DINO on 3 of 9 tasks.",
]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_numbers_of_other_conditions_are_left_alone(text: str) -> None:
    table = "| model | val_top1 |\n|---|---|\n| DINO | 72.97 |\n| BYOL | 71.30 |\n| SimCLR | 68.47 |\n\n"
    assert accused(table + text, TOP1_RUNS) == []


def test_a_setting_that_is_a_group_is_no_condition() -> None:
    assert accused("With DINO, the top-1 accuracy is 72.97; with BYOL, it is 71.30.", TOP1_RUNS) == []
    assert len(accused("With DINO, the top-1 accuracy is 74.97.", TOP1_RUNS)) == 1


def test_each_p_is_held_against_the_test_that_stands_at_it() -> None:
    a, b = np.array(F1["deberta"]), np.array(F1["roberta"])
    paired = stats.ttest_rel(a, b).pvalue
    signed = stats.wilcoxon(a, b).pvalue
    text = (
        f"deberta beats roberta on 3 of 3 seeds (paired t-test p = {paired:.4f}, Wilcoxon p = {signed:.4f})."
    )
    assert accused(text, F1_RUNS) == []
    wrong = text.replace(f"test p = {paired:.4f}", f"test p = {paired / 3:.4f}")
    assert len(accused(wrong, F1_RUNS)) == 1
    assert len(accused(text.replace(f"Wilcoxon p = {signed:.4f}", "Wilcoxon p = 0.0300"), F1_RUNS)) == 1


def test_degrees_of_freedom_with_a_decimal_are_rounded() -> None:
    p = 2 * stats.t.sf(21.72, 4.04)
    assert accused(f"Welch's t-test gives t(4.0) = -21.72, p = {p:.1e}.", F1_RUNS) == []
    exact = f"Student's t-test gives t(4) = -21.72, p = {p:.1e}."
    assert len(accused(exact, F1_RUNS)) == 1


def test_two_rows_of_a_table_are_two_groups_though_one_name_holds_the_other() -> None:
    runs = study_of({"vit_s": (78.1, 78.3), "vit_s_dist": (80.2, 80.4)}, "test_acc1")
    table = "| model | acc@1 |\n|---|---|\n| ViT-S | 78.20 |\n| ViT-S (dist.) | 80.30 |"
    assert accused(table, runs) == []
    assert list(outcomes(table, runs).values()) == ["holds", "holds"]
    assert len(accused(table.replace("80.30", "81.40"), runs)) == 1


def test_a_metric_within_the_name_of_a_group_is_none() -> None:
    runs = study_of({"point_mae": (92.1, 92.5), "dgcnn": (91.0, 91.2)}, "test_oa")
    table = "| model | OA |\n|---|---|\n| Point-MAE | 92.3 |\n| DGCNN | 91.1 |"
    text = table + "\n\nPoint-MAE gains {} points over DGCNN."
    assert accused(text.format("1.2"), runs) == []
    assert len(accused(text.format("2.2"), runs)) == 1


def test_a_constant_metric_agrees_with_nothing() -> None:
    runs = two_metrics(
        {"a": ((71.0, 71.4), (0.5, 0.5)), "b": ((68.1, 68.5), (0.5, 0.5))}, ("val_acc", "train_loss")
    )
    table = "| model | val_acc |\n|---|---|\n| a | 71.20 |\n| b | 68.30 |\n\n"
    assert accused(f"{table}a is better than b on 2 of 2 seeds.", runs) == []
    assert len(accused(f"{table}a is better than b on 1 of 2 seeds.", runs)) == 1


def test_a_test_set_is_the_one_that_is_logged_where_most_numbers_agree() -> None:
    rows = "| DINO | 72.97 |\n| BYOL | 71.30 |\n| SimCLR | {} |"
    table = f"Test accuracy of the last epoch:\n\n| model | top-1 |\n|---|---|\n{rows}"
    assert accused(table.format("68.47"), TOP1_RUNS) == []
    assert len(accused(table.format("69.97"), TOP1_RUNS)) == 1


def notebook(*, indent: int | None) -> str:
    """Return a notebook with a text and a table in it."""
    source = [
        "# Results\n",
        "\n",
        "| model | val_top1 |\n",
        "|---|---|\n",
        "| DINO | 72.97 |\n",
        "| BYOL | 72.30 |\n",
    ]
    printed = ["model  val_top1\n", "DINO   72.97\n", "SimCLR  68.47\n"]
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": source},
        {"cell_type": "code", "source": ["x = 3"], "outputs": [{"output_type": "stream", "text": printed}]},
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=indent)


@pytest.mark.parametrize("indent", [1, None])
def test_a_notebook_is_read_as_its_text_and_output(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "results.ipynb"
    path.write_text(notebook(indent=indent))
    checked = check_report(open_report(path), TOP1_RUNS)
    (finding,) = checked.findings
    assert "BYOL" in finding.statement
    assert sum(verdict.outcome == "holds" for verdict in checked.verdicts) == 3
    if indent:
        line = int(str(finding.evidence["line"]))
        assert "BYOL" in path.read_text().splitlines()[line - 1]


def test_what_is_no_notebook_stays_as_it_is() -> None:
    assert notebook_as_markdown('{"cells": 3}') is None
    assert notebook_as_markdown("{broken") is None
    assert notebook_as_markdown("# cells") is None


def test_a_paragraph_right_after_an_html_table_is_read() -> None:
    rows = "<tr><th>model</th><th>val_top1</th></tr>\n<tr><td>DINO</td><td>72.97</td></tr>"
    page = (
        f"<html><body>\n<table>\n{rows}\n</table>\n<p>BYOL has a top-1 accuracy of 72.30.</p>\n</body></html>"
    )
    (statement,) = accused(page, TOP1_RUNS)
    assert statement.startswith("line 6, byol")


def test_names_are_read_in_the_spellings_of_labels() -> None:
    assert words_of("w/o aug") == words_of("no_aug") != words_of("aug")
    assert pair_of("w/o aug") is None
    assert mentions("CNN + attention beats CNN", ["cnn_attention", "CNN"]) == [
        (0, "cnn_attention"),
        (22, "CNN"),
    ]
    assert mentions("R-Drop helps", ["+ R-Drop", "base"]) == [(0, "+ R-Drop")]
    assert mentions("CutMix helps", ["ResNet", "ResNet + CutMix"]) == [(0, "ResNet + CutMix")]


def test_halves_of_a_name_that_stand_apart_are_one_group() -> None:
    names = ["Weather DLinear", "Weather PatchTST", "Traffic DLinear", "Traffic PatchTST"]
    assert named_spans("On Weather, DLinear wins.", "", names) == [(12, 19, "Weather DLinear")]
    assert named_spans("DLinear wins.", "Traffic", names) == [(0, 7, "Traffic DLinear")]
    assert named_spans("DLinear wins on Weather and Traffic over PatchTST.", "", names) == []


def test_a_number_compares_the_subject_with_the_group_that_its_words_name() -> None:
    text = "a outperforms b by 1.8 and c by 4.4, while d loses"
    spans = mention_spans(text.replace("a out", "q out"), ["q", "b", "c", "d"])
    assert compared_at(text, spans, 19, 22) == ("q", "b")
    assert compared_at(text, spans, 32, 35) == ("q", "c")
    assert compared_at("no groups here: 3.2", [], 16, 19) == ()


def test_a_metric_right_behind_a_number_is_its_own() -> None:
    text = "3% better in NDCG and 2% better in recall"
    assert metric_at(text, 22, 24, ()) == "recall"
    assert (rank_of("mAP50"), rank_of("mAP50-95"), rank_of("bbox_mAP_75")) == ("50", "1", "75")
